/* When again, how many at most in company, and when to ask a target that is away. Pure; any thread.
 */
#ifndef SFE_OUTPUT_RETRY_H
#define SFE_OUTPUT_RETRY_H

#include "base/error.h"

#include <stdint.h>

/* Before an event's next try after `attempts` (1: the first has failed): 500 ms doubling up to 60
 * s, with full jitter. `retry_after_s` of the other side (-1: none) is the least. */
uint64_t retry_event_delay_ns(uint32_t attempts, int64_t retry_after_s, uint64_t random);

/* The same where a row was locked: 200 ms doubling up to 1 s at first, as locks are short, and the
 * event holds up the cursor. */
uint64_t retry_lock_delay_ns(uint32_t attempts, int64_t retry_after_s, uint64_t random);

/* Before the next probe of a target that was away `failures` times in a row: 1 s up to 5 min;
 * otherwise as above. */
uint64_t retry_target_delay_ns(uint32_t failures, int64_t retry_after_s, uint64_t random);

/* Before the next probe of a target that waits for a human: 60 s doubling up to 10 min. */
uint64_t retry_stopped_delay_ns(uint32_t stops);

/* How many events may share the next slot with one that was refused among `slot_count`; `limit`
 * held until now (0: none). */
uint32_t retry_split_limit(enum sfe_retry retry, uint32_t slot_count, uint32_t limit);

#endif
