#include "output/target_pair.h"

#include "base/assert.h"

static const struct sfe_target *target_of(const struct sfe_target_pair *pair, uint32_t slot)
{
    SFE_ASSERT(slot <= pair->large_slot);
    return slot == pair->large_slot ? &pair->large : &pair->small;
}

static void bind(void *context, const struct sfe_target_host *host)
{
    struct sfe_target_pair *pair = context;

    pair->small.bind(pair->small.context, host);
    pair->large.bind(pair->large.context, host);
}

static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    const struct sfe_target_pair *pair = context;
    uint64_t large_ns = UINT64_MAX;
    /* Both are asked: either may have something to go on with. */
    bool small_ready = pair->small.is_ready(pair->small.context, now_ns, until_ns);
    bool large_ready = pair->large.is_ready(pair->large.context, now_ns, &large_ns);

    *until_ns = sfe_clock_earlier_ns(*until_ns, large_ns);
    return small_ready && large_ready;
}

static enum sfe_code offer(void *context, uint32_t slot, struct sfe_event *event, int64_t time_ns,
                           struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    const struct sfe_target *target = target_of(context, slot);

    return target->offer(target->context, slot, event, time_ns, lane, order_key, err);
}

static enum sfe_code send(void *context, uint32_t slot, struct sfe_error *err)
{
    const struct sfe_target *target = target_of(context, slot);

    return target->send(target->context, slot, err);
}

static void abandon(void *context, uint32_t slot)
{
    const struct sfe_target *target = target_of(context, slot);

    target->abandon(target->context, slot);
}

/* Only small batches go by parents. */
static void find_keys(void *context, struct sfe_event *event, int64_t time_ns, uint64_t *order_key,
                      uint64_t *parent_key)
{
    const struct sfe_target_pair *pair = context;

    if (pair->small.find_keys != NULL) {
        pair->small.find_keys(pair->small.context, event, time_ns, order_key, parent_key);
    }
}

void sfe_target_pair_make(struct sfe_target_pair *pair, struct sfe_target *target)
{
    *target = (struct sfe_target){pair, bind, is_ready, offer, send, abandon, find_keys};
}

enum sfe_large_use sfe_target_pair_use(const void *context)
{
    const struct sfe_target_pair *pair = context;

    return pair->large_use(pair->large.context);
}
