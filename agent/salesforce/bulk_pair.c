#include "base/assert.h"
#include "salesforce/bulk.h"

static const struct sfe_target *target_of(const struct sfe_bulk_pair *pair, uint32_t slot)
{
    SFE_ASSERT(slot <= pair->bulk_slot);
    return slot == pair->bulk_slot ? &pair->bulk : &pair->records;
}

static void bind(void *context, const struct sfe_target_host *host)
{
    struct sfe_bulk_pair *pair = context;

    pair->records.bind(pair->records.context, host);
    pair->bulk.bind(pair->bulk.context, host);
}

static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    const struct sfe_bulk_pair *pair = context;
    uint64_t bulk_ns = UINT64_MAX;
    /* Both are asked: either may have something to go on with. */
    bool records_ready = pair->records.is_ready(pair->records.context, now_ns, until_ns);
    bool bulk_ready = pair->bulk.is_ready(pair->bulk.context, now_ns, &bulk_ns);

    *until_ns = sfe_clock_earlier_ns(*until_ns, bulk_ns);
    return records_ready && bulk_ready;
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

void sfe_bulk_pair_target(struct sfe_bulk_pair *pair, struct sfe_target *target)
{
    *target = (struct sfe_target){pair, bind, is_ready, offer, send, abandon};
}

enum sfe_large_use sfe_bulk_pair_use(const void *context)
{
    const struct sfe_bulk_pair *pair = context;

    return sfe_bulk_use(pair->bulk.context);
}
