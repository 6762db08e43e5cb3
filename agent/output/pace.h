/* How fast an output may go: all slots, one probe at a time, or not at all for a while. Pure; cloud
 * thread.
 *
 * Slots that were sent together fail together: each carries the epoch it was sent in, and only the
 * first failure of an epoch counts.
 */
#ifndef SFE_OUTPUT_PACE_H
#define SFE_OUTPUT_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum pace_state {
    PACE_FULL,    /* As many slots as there are. */
    PACE_WAITING, /* Backing off, then one probe. */
    PACE_STOPPED  /* The same, slowly: a human must act. */
};

struct pace {
    enum pace_state state;
    uint32_t epoch;
    uint32_t failures; /* In a row. */
    uint64_t hold_until_ns;
};

/* A slot of `epoch` ended without an answer. */
void pace_away(struct pace *pace, uint32_t epoch, uint64_t now_ns, int64_t retry_after_s,
               uint64_t random);

/* A slot of `epoch` ended with an answer that a human must see. */
void pace_stopped(struct pace *pace, uint32_t epoch, uint64_t now_ns, int64_t retry_after_s);

/* A slot of `epoch` was answered. What was sent before a failure proves nothing about the time
 * after. */
void pace_answered(struct pace *pace, uint32_t epoch);

/* May one more slot be sent beside `in_flight` others? */
bool pace_may_send(const struct pace *pace, uint64_t now_ns, uint32_t in_flight);

#endif
