/* Orders whose time is over: found, noted, and given up once the note is durable. */
#include "join/join_parts.h"

#include "base/assert.h"
#include "port/thread.h"

/* Clocks may be set: times are looked at this often at least. */
#define LOOK_NS UINT64_C(10000000000)
/* A snapshot is awaited, or confirmations that are not durable yet. */
#define AWAIT_NS UINT64_C(50000000)

/* Begins a round: those whose time is over are late once all is read that has come by now. Returns
 * how long it takes until the next one's is. */
static uint64_t begin_round(struct sfe_join *join)
{
    uint64_t least_ns = LOOK_NS;
    bool has_due = false;

    for (struct join_item *order = join_table_front(&join->orders); order != NULL;
         order = join_table_next(&join->orders, order)) {
        const uint64_t left_ns = order->is_settled ? LOOK_NS : join_left_ns(join, order);
        order->is_due = left_ns == 0;
        has_due = has_due || order->is_due;
        least_ns = order->is_due ? least_ns : sfe_clock_earlier_ns(least_ns, left_ns);
    }
    if (has_due) {
        struct sfe_stream_facts facts;
        sfe_stream_facts(join->options.stream, &facts);
        join->round_end = facts.durable_sequence + facts.staged_events + 1u;
    }
    return least_ns;
}

static void note_room(struct sfe_join *join, bool is_full)
{
    if (is_full && !join->is_noted_full) {
        SFE_LOG(join->options.log, SFE_WARNING,
                "late events wait until older ones of the output are settled",
                sfe_text("output", join->options.output));
    }
    join->is_noted_full = is_full;
}

/* All that could have come in time was read. */
static void end_round(struct sfe_join *join)
{
    bool has_room = true;

    join->round_end = 0;
    for (struct join_item *order = join_table_front(&join->orders); order != NULL && has_room;
         order = join_table_next(&join->orders, order)) {
        if (order->is_due) {
            has_room = decided_add(&join->decided, order->sequence, order->order);
            order->is_decided = has_room;
            join->deciding += has_room;
            join->has_noted = join->has_noted || has_room;
        }
    }
    note_room(join, !has_room);
}

/* True where the notes of all decided orders are durable. */
static bool is_saved(struct sfe_join *join)
{
    sfe_mutex_lock(join->mutex);
    const bool is_saved = !join->has_noted && join->published.saved >= join->noted_version;
    sfe_mutex_unlock(join->mutex);
    return is_saved;
}

static void give_up(struct sfe_join *join)
{
    struct join_item *order = join_table_front(&join->orders);

    while (order != NULL) {
        struct join_item *next = join_table_next(&join->orders, order);
        if (order->is_decided) {
            const uint64_t sequence = order->sequence;
            join_table_remove(&join->orders, order);
            join->deciding--;
            join->host->late(join->host->context, sequence);
        }
        order = next;
    }
    SFE_ASSERT(join->deciding == 0);
}

uint64_t join_late_turn(struct sfe_join *join)
{
    const uint64_t now_ns = join->view.now_ns;
    uint64_t least_ns = LOOK_NS;

    if (join->deciding > 0) {
        if (!is_saved(join)) {
            return now_ns + AWAIT_NS;
        }
        give_up(join);
    }
    if (join->orders.count == 0) {
        join->round_end = 0;
        return UINT64_MAX;
    }
    if (join->round_end == 0) {
        least_ns = begin_round(join);
    }
    if (join->round_end == 0) {
        return now_ns + least_ns;
    }
    if (join->next_sequence >= join->round_end) {
        end_round(join);
    }
    return now_ns + AWAIT_NS;
}
