#include "output/pace.h"

#include "base/assert.h"
#include "output/retry.h"

static void hold_at_least(struct pace *pace, uint64_t until_ns)
{
    if (until_ns > pace->hold_until_ns) {
        pace->hold_until_ns = until_ns;
    }
}

/* True for the first failure of an epoch. */
static bool begin_epoch(struct pace *pace, uint32_t epoch, enum pace_state state)
{
    SFE_ASSERT(state != PACE_FULL);
    if (epoch != pace->epoch) {
        return false;
    }
    if (pace->state != state) {
        pace->failures = 0;
    }
    pace->state = state;
    pace->failures++;
    pace->epoch++;
    return true;
}

void pace_away(struct pace *pace, uint32_t epoch, uint64_t now_ns, int64_t retry_after_s,
               uint64_t random)
{
    if (begin_epoch(pace, epoch, PACE_WAITING)) {
        pace->hold_until_ns = now_ns + retry_target_delay_ns(pace->failures, retry_after_s, random);
    } else if (retry_after_s > 0) {
        hold_at_least(pace, now_ns + retry_target_delay_ns(1, retry_after_s, random));
    }
}

void pace_stopped(struct pace *pace, uint32_t epoch, uint64_t now_ns, int64_t retry_after_s)
{
    if (begin_epoch(pace, epoch, PACE_STOPPED)) {
        pace->hold_until_ns = now_ns + retry_stopped_delay_ns(pace->failures);
    }
    if (retry_after_s > 0) {
        hold_at_least(pace, now_ns + retry_target_delay_ns(1, retry_after_s, 0));
    }
}

void pace_answered(struct pace *pace, uint32_t epoch)
{
    if (epoch == pace->epoch) {
        pace->state = PACE_FULL;
        pace->failures = 0;
        pace->hold_until_ns = 0;
    }
}

bool pace_may_send(const struct pace *pace, uint64_t now_ns, uint32_t in_flight)
{
    if (now_ns < pace->hold_until_ns) {
        return false;
    }
    return pace->state == PACE_FULL || in_flight == 0;
}
