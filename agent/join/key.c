/* What an order and its confirmation have in common: a key, and a time. */
#include "join/join_parts.h"

#include "base/limits.h"

enum sfe_code join_find_key(struct sfe_join *join, struct sfe_event *event, struct sfe_where *where,
                            const struct sfe_template *key, struct sfe_hash128 *found,
                            struct sfe_error *err)
{
    struct sfe_map_subject subject;

    sfe_map_subject_make(event, event->received_ns, join->tokens, SFE_JSON_TOKENS_MAX, &subject);
    enum sfe_code code = sfe_where_judge(where, &subject, err);
    if (code != SFE_OK) {
        return code;
    }
    sfe_builder_rewind(&join->key, 0);
    code = sfe_template_add(key, &subject, &join->key, err);
    if (code == SFE_E_FULL) {
        return sfe_fail(err, SFE_E_UNMAPPED, "its key in \"waits\" has more than %u bytes",
                        JOIN_KEY_BYTES);
    }
    if (code == SFE_OK && join->key.size == 0) {
        return sfe_fail(err, SFE_E_UNMAPPED, "its key in \"waits\" is empty");
    }
    const struct sfe_slice text = sfe_builder_slice(&join->key);
    *found = sfe_hash128(&text, 1);
    return code;
}

struct join_item *join_add(const struct sfe_join *join, struct join_table *table,
                           const struct sfe_hash128 *key, const struct sfe_event *event)
{
    const struct sfe_clock *clock = join->options.clock;
    struct join_item *item = join_table_add(table, key, event->sequence);

    item->read_ns = sfe_clock_monotonic_ns(clock);
    item->stamp_ns = event->received_ns;
    item->stamp_is_sure = event->clock_quality != SFE_CLOCK_UNSET;
    return item;
}

/* From `then` to `now`; 0 where that is not later. */
static uint64_t since_ns(int64_t then_ns, int64_t now_ns)
{
    return now_ns <= then_ns ? 0 : (uint64_t)now_ns - (uint64_t)then_ns;
}

bool join_is_in_time(const struct sfe_join *join, const struct join_item *order,
                     const struct join_item *confirmation)
{
    return !order->stamp_is_sure || !confirmation->stamp_is_sure ||
           since_ns(order->stamp_ns, confirmation->stamp_ns) <= join->options.within_ns;
}

static uint64_t left_of(const struct sfe_join *join, uint64_t gone_ns)
{
    const uint64_t within_ns = join->options.within_ns;

    return gone_ns > within_ns ? 0 : within_ns - gone_ns + 1u;
}

uint64_t join_run_left_ns(const struct sfe_join *join, const struct join_item *item)
{
    const uint64_t now_ns = join->view.now_ns;

    return left_of(join, now_ns <= item->read_ns ? 0 : now_ns - item->read_ns);
}

uint64_t join_left_ns(const struct sfe_join *join, const struct join_item *item)
{
    const struct sfe_clock *clock = join->options.clock;
    const uint64_t run_ns = join_run_left_ns(join, item);
    int64_t unix_ns = 0;

    if (!item->stamp_is_sure || clock->wall_ns(clock->context, &unix_ns) == SFE_CLOCK_UNSET) {
        return run_ns;
    }
    return sfe_clock_earlier_ns(run_ns, left_of(join, since_ns(item->stamp_ns, unix_ns)));
}
