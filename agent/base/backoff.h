/* Exponential back-off with full jitter: a pure function of attempt and random. Any thread. */
#ifndef SFE_BASE_BACKOFF_H
#define SFE_BASE_BACKOFF_H

#include <stdint.h>

/* The delay before attempt `attempt` (1 is the first repeat): uniform in [0, min(cap, base *
 * 2^(attempt-1))], but never below base / 8, so that a repeat is never at once. `random` is any 64
 * random bits. */
uint64_t sfe_backoff_ns(uint32_t attempt, uint64_t base_ns, uint64_t cap_ns, uint64_t random);

#endif
