/* Confirmations: they are read, let orders go, and are kept as long as an order may need them. */
#include "join/join_parts.h"

#include "base/assert.h"

/* So many are read in one turn. */
#define READ_EVENTS 256u
#define SECOND_NS   UINT64_C(1000000000)
/* How often those that are kept are looked through, where something was settled. */
#define SWEEP_NS UINT64_C(100000000)

void join_confirm(struct sfe_join *join, struct join_item *confirmation, uint64_t order)
{
    if (confirmation->order == 0) {
        SFE_ASSERT(join->early > 0);
        join->early--;
    }
    confirmation->order = order > confirmation->order ? order : confirmation->order;
}

/* Is it of no more use? Those without an order go only when no order of their time can come: all
 * that is durable was read, or as much as there is room for, and they were kept for all their time
 * in this run. */
static bool is_over(const struct sfe_join *join, const struct join_item *item)
{
    if (item->order != 0) {
        return item->order < join->view.base;
    }
    if (join->view.has_read_all) {
        return join_left_ns(join, item) == 0;
    }
    return join->view.is_full && join_run_left_ns(join, item) == 0;
}

static void sweep(struct sfe_join *join)
{
    struct join_item *item = join_table_front(&join->confirmations);

    join->swept_ns = join->view.now_ns;
    join->swept_base = join->view.base;
    while (item != NULL) {
        struct join_item *next = join_table_next(&join->confirmations, item);
        if (is_over(join, item)) {
            join->early -= item->order == 0;
            join_table_remove(&join->confirmations, item);
        }
        item = next;
    }
}

/* Returns when to sweep again. */
static uint64_t sweep_turn(struct sfe_join *join)
{
    const bool has_moved = join->view.base != join->swept_base;
    const uint64_t due_ns = join->swept_ns + (has_moved ? SWEEP_NS : SECOND_NS);

    if (join->confirmations.count == 0) {
        return UINT64_MAX;
    }
    if (join->view.now_ns < due_ns && !join_table_is_full(&join->confirmations)) {
        return due_ns;
    }
    sweep(join);
    return join->early == 0 ? UINT64_MAX : join->view.now_ns + SECOND_NS;
}

/* Every order of the key that waits, and for which it is in time, goes. */
static void let_go(struct sfe_join *join, struct join_item *confirmation)
{
    struct join_item *order = join_table_find(&join->orders, &confirmation->key);

    while (order != NULL) {
        struct join_item *next = join_table_find_next(&join->orders, order);
        if (!order->is_decided && join_is_in_time(join, order, confirmation)) {
            join_confirm(join, confirmation, order->sequence);
            if (!order->is_settled) {
                join->host->go(join->host->context, order->sequence);
            }
            join_table_remove(&join->orders, order);
        }
        order = next;
    }
}

static void take(struct sfe_join *join, struct sfe_event *event)
{
    struct sfe_hash128 key;
    struct sfe_error err;
    const enum sfe_code code =
        join_find_key(join, event, join->options.where, join->options.their_key, &key, &err);

    if (code == SFE_E_SKIPPED) {
        return;
    }
    if (code != SFE_OK) {
        if (join->unusable++ == 0) {
            sfe_log_error(join->options.log, SFE_WARNING, "a confirmation confirms nothing", &err);
        }
        return;
    }
    if (join_table_find(&join->confirmations, &key) != NULL) {
        return; /* The one before counts, and came in time for all that this one could. */
    }
    struct join_item *confirmation = join_add(join, &join->confirmations, &key, event);
    join->early++;
    let_go(join, confirmation);
}

/* True where one more may be read. */
static bool has_room(struct sfe_join *join)
{
    const bool is_full =
        join->early >= join->options.keep || join_table_is_full(&join->confirmations);

    if (is_full != join->is_full) {
        join->is_full = is_full;
        if (is_full) {
            SFE_LOG(join->options.log, SFE_WARNING,
                    "no more confirmations are read: too many have no order",
                    sfe_text("output", join->options.output), sfe_count("kept", join->early));
        } else {
            SFE_LOG(join->options.log, SFE_INFO, "confirmations are read again",
                    sfe_text("output", join->options.output));
        }
    }
    return !is_full;
}

/* Returns when to read on. */
static uint64_t read_on(struct sfe_join *join)
{
    const uint64_t durable = sfe_stream_durable(join->options.stream);

    for (uint32_t i = 0; i < READ_EVENTS; i++) {
        struct sfe_event event;
        struct sfe_error err;
        int64_t time_ns = 0;
        if (join->next_sequence > durable) {
            return UINT64_MAX;
        }
        if (!has_room(join)) {
            return join->view.now_ns + SECOND_NS;
        }
        const enum sfe_code code =
            sfe_stream_reader_next(join->options.reader, &event, &time_ns, NULL, &err);
        if (code == SFE_E_END) {
            join->next_sequence = durable + 1u; /* What did not come is gone. */
        } else if (code != SFE_OK) {
            sfe_log_error(join->options.log, SFE_ERROR, "cannot read events from flash", &err);
            return join->view.now_ns + SECOND_NS;
        } else if (event.sequence >= join->next_sequence) {
            join->next_sequence = event.sequence + 1u;
            take(join, &event);
        }
    }
    return join->view.now_ns;
}

uint64_t join_confirmations_turn(struct sfe_join *join)
{
    const uint64_t sweep_ns = sweep_turn(join);

    return sfe_clock_earlier_ns(sweep_ns, read_on(join));
}
