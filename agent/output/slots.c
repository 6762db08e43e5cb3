#include "output/output_parts.h"

struct output_slot *output_find_slot(const struct sfe_output *output, bool is_large,
                                     enum slot_state state)
{
    const uint32_t begin = is_large ? output->options.slot_count : 0;
    const uint32_t end = is_large ? output->slot_total : output->options.slot_count;

    for (uint32_t i = begin; i < end; i++) {
        if (output->slots[i].state == state) {
            return &output->slots[i];
        }
    }
    return NULL;
}

static enum sfe_large_use large_use(const struct sfe_output *output)
{
    return output->options.large_use == NULL
               ? SFE_LARGE_MAY
               : output->options.large_use(output->options.target->context);
}

uint32_t output_large_from(const struct sfe_output *output)
{
    return large_use(output) == SFE_LARGE_DEAR ? output->options.large_from_dear
                                               : output->options.large_from;
}

bool output_is_resuming(const struct sfe_output *output)
{
    return large_use(output) == SFE_LARGE_RESUMES;
}

void output_give_up_resuming(const struct sfe_output *output, const struct output_slot *slot,
                             uint64_t due_ns)
{
    const struct sfe_target *target = output->options.target;

    if (due_ns == UINT64_MAX && (slot == NULL || slot->count == 0)) {
        target->abandon(target->context, output->slot_total - 1u);
    }
}

/* A burst is no backlog: the oldest event has waited for some time. Before one was read nobody
 * knows, but that what was behind a backlog is one. While the clock is unset the count alone
 * decides. */
static bool is_old(const struct sfe_output *output)
{
    const struct sfe_clock *clock = output->options.clock;
    int64_t now_ns = 0;

    if (output->window.count == 0) {
        return output->is_catching_up;
    }
    if (clock->wall_ns(clock->context, &now_ns) == SFE_CLOCK_UNSET) {
        return true;
    }
    const int64_t arrival_ns = window_at(&output->window, 0)->arrival_ns;
    return arrival_ns <= now_ns && (uint64_t)(now_ns - arrival_ns) >= output->options.large_age_ns;
}

/* Is it the large slot's turn? What is being filled is filled on; otherwise the backlog decides. */
bool output_wants_large(const struct sfe_output *output)
{
    const uint64_t durable = sfe_stream_durable(output->options.stream);
    const uint64_t unread =
        durable >= output->window.next_sequence ? durable + 1 - output->window.next_sequence : 0;

    if (output->options.large_slot_events == 0 ||
        output_find_slot(output, false, SLOT_FILLING) != NULL) {
        return false;
    }
    if (output_find_slot(output, true, SLOT_FILLING) != NULL || output_is_resuming(output)) {
        return true;
    }
    return large_use(output) != SFE_LARGE_SHUT &&
           output->window.next_sequence >= output->large_sequence &&
           unread + output->window.count >= output_large_from(output) && is_old(output);
}

/* May one more request be begun? */
bool output_may_send(const struct sfe_output *output)
{
    return output->in_flight <
               output->pressure.in_flight_max + (output->options.large_slot_events != 0) &&
           pace_may_send(&output->pace, output->now_ns, output->in_flight);
}

void output_begin_slot(const struct sfe_output *output, struct output_slot *slot)
{
    slot->limit = slot->events_max < output->options.slot_events_max + 1u
                      ? output->pressure.events_max
                      : slot->events_max;
    slot->offered_ns = UINT64_MAX;
}

void output_mind_lanes(struct sfe_output *output)
{
    const bool has_lanes = output->options.target->find_keys != NULL &&
                           pressure_wants_lanes(&output->pressure, output->now_ns);

    if (has_lanes == output->has_lanes) {
        return;
    }
    output->has_lanes = has_lanes;
    for (uint32_t i = 0; i < output->options.slot_count; i++) {
        if (output->slots[i].state == SLOT_FILLING) {
            output_abandon_slot(output, i);
        }
    }
    if (has_lanes) {
        SFE_LOG(output->options.log, SFE_INFO,
                "rows are locked; one request at a time for each parent",
                sfe_text("output", output->options.name));
    } else {
        SFE_LOG(output->options.log, SFE_INFO, "locks are over; requests go side by side again",
                sfe_text("output", output->options.name));
    }
}
