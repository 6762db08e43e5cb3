#include "output/retry.h"

#include "base/assert.h"
#include "base/backoff.h"

#define SECOND_NS     1000000000u
#define EVENT_BASE_NS 500000000u
#define EVENT_CAP_NS  (UINT64_C(60) * SECOND_NS)
#define LOCK_BASE_NS  200000000u
#define LOCK_CAP_NS   ((uint64_t)SECOND_NS)
/* From here on a lock is no short one. */
#define LOCK_TRIES      30u
#define TARGET_BASE_NS  ((uint64_t)SECOND_NS)
#define TARGET_CAP_NS   (UINT64_C(300) * SECOND_NS)
#define STOPPED_BASE_NS (UINT64_C(60) * SECOND_NS)
#define STOPPED_CAP_NS  (UINT64_C(600) * SECOND_NS)
/* A server that asks for more than a day is mistaken. */
#define RETRY_AFTER_MAX_S 86400

/* Where the other side named a time, jitter goes on top of it: we never come early. */
static uint64_t at_least(uint64_t delay_ns, int64_t retry_after_s)
{
    if (retry_after_s <= 0) {
        return delay_ns;
    }
    if (retry_after_s > RETRY_AFTER_MAX_S) {
        retry_after_s = RETRY_AFTER_MAX_S;
    }
    uint64_t least_ns = (uint64_t)retry_after_s * SECOND_NS;
    uint64_t jitter_ns = delay_ns < SECOND_NS ? delay_ns : SECOND_NS;
    return delay_ns > least_ns ? delay_ns : least_ns + jitter_ns;
}

uint64_t retry_event_delay_ns(uint32_t attempts, int64_t retry_after_s, uint64_t random)
{
    return at_least(sfe_backoff_ns(attempts, EVENT_BASE_NS, EVENT_CAP_NS, random), retry_after_s);
}

uint64_t retry_lock_delay_ns(uint32_t attempts, int64_t retry_after_s, uint64_t random)
{
    if (attempts > LOCK_TRIES) {
        return retry_event_delay_ns(attempts - LOCK_TRIES, retry_after_s, random);
    }
    return at_least(sfe_backoff_ns(attempts, LOCK_BASE_NS, LOCK_CAP_NS, random), retry_after_s);
}

uint64_t retry_target_delay_ns(uint32_t failures, int64_t retry_after_s, uint64_t random)
{
    return at_least(sfe_backoff_ns(failures, TARGET_BASE_NS, TARGET_CAP_NS, random), retry_after_s);
}

uint64_t retry_stopped_delay_ns(uint32_t stops)
{
    uint64_t delay_ns = STOPPED_BASE_NS;

    for (uint32_t i = 1; i < stops && delay_ns < STOPPED_CAP_NS; i++) {
        delay_ns *= 2;
    }
    return delay_ns < STOPPED_CAP_NS ? delay_ns : STOPPED_CAP_NS;
}

uint32_t retry_split_limit(enum sfe_retry retry, uint32_t slot_count, uint32_t limit)
{
    uint32_t wanted = limit;

    SFE_ASSERT(slot_count > 0);
    if (retry == SFE_RETRY_ALONE) {
        wanted = 1;
    } else if (retry == SFE_RETRY_SMALLER) {
        wanted = slot_count > 1 ? slot_count / 2 : 1;
    }
    return limit != 0 && limit < wanted ? limit : wanted;
}
