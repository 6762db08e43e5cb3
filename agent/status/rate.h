/* How many of something came in the last minute: a ring of samples of a counter that only rises.
 * Edge thread. */
#ifndef SFE_STATUS_RATE_H
#define SFE_STATUS_RATE_H

#include <stdint.h>

#define SFE_RATE_SAMPLES 13u
#define SFE_RATE_STEP_NS 5000000000u /* Five seconds: twelve steps make the minute. */

struct sfe_rate {
    uint64_t counts[SFE_RATE_SAMPLES];
    uint32_t used;
    uint32_t next;
    uint64_t sampled_ns;
};

/* Takes a sample of the counter when a step has passed since the last one. */
void sfe_rate_sample(struct sfe_rate *rate, uint64_t count, uint64_t now_ns);

/* The rise of the counter, now at `count`, over the samples kept (at most a minute). */
uint64_t sfe_rate_per_minute(const struct sfe_rate *rate, uint64_t count);

#endif
