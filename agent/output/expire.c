/* Time limits: an event that is not delivered within the output's time is given up, so that a
 * compensating step can begin. Never one that is under way: its answer decides. */
#include "output/output_parts.h"

/* There may be more, or a slot again. */
#define AGAIN_NS UINT64_C(1000000000)
/* While the clock is unset nothing is late. */
#define UNSET_NS UINT64_C(10000000000)
/* What was there before the start may have been delivered just then, and only the cursor lost: it
 * is tried, before anybody is told that it came to nothing. */
#define ANEW_NS UINT64_C(60000000000)

static uint64_t anew_ns(const struct sfe_output *output, const struct window_entry *entry)
{
    const uint64_t within_ns = output->options.within_ns;
    const uint64_t end_ns = output->opened_ns + (within_ns < ANEW_NS ? within_ns : ANEW_NS);

    return entry->sequence > output->opened_end || end_ns <= output->now_ns
               ? 0
               : end_ns - output->now_ns;
}

/* How long until the entry is late; 0: it is. */
static uint64_t time_left_ns(const struct sfe_output *output, const struct window_entry *entry,
                             int64_t unix_ns)
{
    const uint64_t within_ns = output->options.within_ns;
    const uint64_t age_ns =
        unix_ns <= entry->arrival_ns ? 0 : (uint64_t)(unix_ns - entry->arrival_ns);
    const uint64_t left_ns = age_ns >= within_ns ? 0 : within_ns - age_ns;
    const uint64_t anew = anew_ns(output, entry);

    return left_ns > anew ? left_ns : anew;
}

/* False while nobody knows the time. */
static bool get_time(const struct sfe_output *output, int64_t *unix_ns)
{
    const struct sfe_clock *clock = output->options.clock;

    return clock->wall_ns(clock->context, unix_ns) != SFE_CLOCK_UNSET;
}

bool output_is_late(const struct sfe_output *output, const struct window_entry *entry)
{
    int64_t unix_ns = 0;

    return output->options.within_ns != 0 && !entry->is_gap && get_time(output, &unix_ns) &&
           time_left_ns(output, entry, unix_ns) == 0;
}

static bool is_late_at(const struct sfe_output *output, const struct window_entry *entry,
                       int64_t unix_ns)
{
    return !entry->is_gap && (entry->state == ENTRY_WAITING || entry->state == ENTRY_IN_SLOT) &&
           time_left_ns(output, entry, unix_ns) == 0;
}

/* What waits in a slot for company, or for the target, is not under way. */
static void take_back(struct sfe_output *output)
{
    for (uint32_t i = 0; i < output->slot_total; i++) {
        if (output->slots[i].state == SLOT_FILLING) {
            output_abandon_slot(output, i);
        }
    }
}

/* While nothing can be sent nobody else reads, and what is not read cannot be late. */
static void read_on(struct sfe_output *output)
{
    struct window_entry *entry = NULL;
    struct sfe_event event;
    int64_t time_ns = 0;

    if (output->target_is_ready && output_may_send(output) && !output_is_held_up(output)) {
        return;
    }
    while (!window_is_full(&output->window)) {
        const enum output_read read = output_read(output, &entry, &event, &time_ns);
        if (read == OUTPUT_READ_END || read == OUTPUT_READ_FAILED) {
            return;
        }
        output->has_changed = true;
    }
}

/* Only the target knows whether the event is one of its own: it is offered, and not sent. False:
 * every slot is under way. */
static bool give_up(struct sfe_output *output, struct window_entry *entry)
{
    const struct sfe_target *target = output->options.target;
    const struct output_slot *slot = output_find_slot(output, false, SLOT_EMPTY);
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns = 0;
    uint64_t order_key = entry->order_key;

    if (slot == NULL) {
        return false;
    }
    const uint32_t number = (uint32_t)(slot - output->slots);
    enum sfe_code code = output_fetch(output, entry, &event, &time_ns, &err);
    if (code != SFE_OK) {
        return true; /* Whoever offers it finds that out. */
    }
    sfe_lane_begin(output->lane);
    code = target->offer(target->context, number, &event, time_ns, output->lane, &order_key, &err);
    target->abandon(target->context, number);
    if (code == SFE_E_SKIPPED) {
        output->facts.skipped++;
        output_settle_entry(output, entry);
        return true;
    }
    if (code != SFE_E_UNMAPPED && code != SFE_E_SYNTAX && code != SFE_E_TOO_LARGE) {
        (void)sfe_fail(&err, SFE_E_TIMEOUT, "not delivered within the output's time");
        err.retry = SFE_RETRY_NEVER;
    }
    output_condemn(output, entry, &err);
    return true;
}

/* When the first of those that wait is late: how long until then; 0: one is. */
static uint64_t least_left_ns(const struct sfe_output *output, int64_t unix_ns)
{
    uint64_t least_ns = UINT64_MAX;

    for (uint32_t i = 0; i < output->window.count && least_ns != 0; i++) {
        const struct window_entry *entry = window_at(&output->window, i);
        const bool is_sent =
            entry->state == ENTRY_IN_SLOT && output->slots[entry->slot].state == SLOT_SENT;
        if (entry->state != ENTRY_SETTLED && entry->state <= ENTRY_IN_SLOT && !is_sent &&
            !entry->is_gap) {
            least_ns = sfe_clock_earlier_ns(least_ns, time_left_ns(output, entry, unix_ns));
        }
    }
    return least_ns;
}

uint64_t output_expire_turn(struct sfe_output *output)
{
    int64_t unix_ns = 0;
    bool has_slot = true;

    if (output->options.within_ns == 0 || output->is_stopping || output_is_resuming(output)) {
        return UINT64_MAX;
    }
    if (!get_time(output, &unix_ns)) {
        return output->now_ns + UNSET_NS;
    }
    read_on(output);
    const uint64_t least_ns = least_left_ns(output, unix_ns);
    if (least_ns != 0) {
        return least_ns == UINT64_MAX ? UINT64_MAX : output->now_ns + least_ns;
    }
    take_back(output);
    for (uint32_t i = 0; i < output->window.count && has_slot; i++) {
        struct window_entry *entry = window_at(&output->window, i);
        if (is_late_at(output, entry, unix_ns) && entry->state == ENTRY_WAITING) {
            has_slot = give_up(output, entry);
        }
    }
    return output->now_ns + AGAIN_NS;
}
