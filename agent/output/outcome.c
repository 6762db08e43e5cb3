#include "output/output_parts.h"

#include "base/assert.h"
#include "output/retry.h"

/* How long after the pause an event comes again that may have caused it. */
#define ASIDE_NS (UINT64_C(300) * 1000000000u)

static struct window_entry *entry_of(struct sfe_output *output, const struct output_slot *slot,
                                     uint32_t place)
{
    struct window_entry *entry = &output->window.entries[slot->entries[place]];

    SFE_ASSERT(entry->state == ENTRY_IN_SLOT);
    return entry;
}

static void wait_until(struct window_entry *entry, uint64_t due_ns)
{
    entry->state = ENTRY_WAITING;
    entry->due_ns = due_ns;
}

static bool waits_for_target(const struct sfe_error *err)
{
    return err->retry == SFE_RETRY_AFTER_HUMAN || err->retry == SFE_RETRY_AFTER_QUOTA;
}

static void retry_entry(struct sfe_output *output, struct window_entry *entry,
                        const struct sfe_slot_result *result, const struct sfe_error *reason)
{
    /* Coming again in a smaller batch says nothing of the event itself. */
    bool is_counted = !waits_for_target(reason) && reason->retry != SFE_RETRY_SMALLER;
    uint32_t tries = entry->attempts + 1;

    output->facts.retried++;
    output->facts.last_error = *reason;
    if (is_counted) {
        entry->attempts = tries;
    }
    if (reason->retry == SFE_RETRY_SMALLER && result->count == 1) {
        output_condemn(output, entry, reason); /* It cannot go smaller. */
        return;
    }
    entry->split_limit = retry_split_limit(reason->retry, result->count, entry->split_limit);
    entry->offered_ns = 0;
    wait_until(entry,
               output->now_ns + retry_event_delay_ns(tries, is_counted ? result->retry_after_s : -1,
                                                     output_random(output)));
}

const struct sfe_verdict *output_verdict_of(const struct sfe_slot_result *result, uint32_t place,
                                            struct sfe_verdict *own)
{
    if (result->verdict == NULL) {
        return &result->verdicts[place];
    }
    result->verdict(result->context, place, own);
    return own;
}

/* Each event by its own verdict. Where all that failed wait for a human and none passed, the output
 * stops. */
static void finish_answered(struct sfe_output *output, const struct output_slot *slot,
                            const struct sfe_slot_result *result)
{
    struct sfe_error stop = {.code = SFE_OK};
    struct sfe_verdict own;
    uint32_t settled = 0;

    SFE_ASSERT(result->count == slot->count);
    for (uint32_t i = 0; i < slot->count; i++) {
        struct window_entry *entry = entry_of(output, slot, i);
        const struct sfe_verdict *verdict = output_verdict_of(result, i, &own);
        switch (verdict->kind) {
        case SFE_VERDICT_DONE:
            output->facts.delivered++;
            output_settle_entry(output, entry);
            settled++;
            break;
        case SFE_VERDICT_RETRY:
            stop = waits_for_target(&verdict->err) ? verdict->err : stop;
            retry_entry(output, entry, result, &verdict->err);
            break;
        case SFE_VERDICT_DEAD:
            entry->attempts++;
            output_condemn(output, entry, &verdict->err);
            break;
        }
    }
    if (stop.code != SFE_OK && settled == 0) {
        pace_stopped(&output->pace, slot->epoch, output->now_ns, result->retry_after_s);
    } else {
        pace_answered(&output->pace, slot->epoch);
    }
}

static void finish_smaller(struct sfe_output *output, const struct output_slot *slot,
                           const struct sfe_slot_result *result)
{
    pace_answered(&output->pace, slot->epoch);
    for (uint32_t i = 0; i < slot->count; i++) {
        struct window_entry *entry = entry_of(output, slot, i);
        if (slot->count == 1) {
            entry->attempts++;
            output_condemn(output, entry, &result->err);
        } else {
            entry->split_limit =
                retry_split_limit(SFE_RETRY_SMALLER, slot->count, entry->split_limit);
            wait_until(entry, 0);
        }
    }
}

/* An event that was singled out and then stopped the output may be the reason itself: the probes
 * after it are for the others. */
static void wait_aside(const struct sfe_output *output, const struct output_slot *slot,
                       struct window_entry *entry)
{
    if (slot->count == 1 && entry->split_limit == 1) {
        entry->due_ns = output->pace.hold_until_ns + ASIDE_NS;
    }
}

/* The events wait for the target, not for themselves: no try is counted. */
static void finish_away(struct sfe_output *output, const struct output_slot *slot,
                        const struct sfe_slot_result *result)
{
    for (uint32_t i = 0; i < slot->count; i++) {
        wait_until(entry_of(output, slot, i), 0);
    }
    if (result->outcome == SFE_SLOT_STOPPED) {
        pace_stopped(&output->pace, slot->epoch, output->now_ns, result->retry_after_s);
        wait_aside(output, slot, &output->window.entries[slot->entries[0]]);
    } else {
        pace_away(&output->pace, slot->epoch, output->now_ns, result->retry_after_s,
                  output_random(output));
    }
}

/* A state is logged when it changes. */
static void log_change(const struct sfe_output *output, enum pace_state before,
                       const struct sfe_error *err)
{
    struct sfe_log *log = output->options.log;

    if (output->pace.state == before) {
        return;
    }
    switch (output->pace.state) {
    case PACE_FULL:
        SFE_LOG(log, SFE_INFO, "output delivers again", sfe_text("output", output->options.name));
        break;
    case PACE_WAITING:
        SFE_LOG(log, SFE_WARNING, "output waits for its target",
                sfe_text("output", output->options.name), sfe_text("why", err->message));
        break;
    case PACE_STOPPED:
        SFE_LOG(log, SFE_ERROR, "output has stopped; it needs you",
                sfe_text("output", output->options.name), sfe_text("code", err->api_code),
                sfe_text("why", err->message));
        break;
    }
}

void output_finish_slot(void *context, const struct sfe_slot_result *result)
{
    struct sfe_output *output = context;
    enum pace_state before = output->pace.state;

    SFE_ASSERT(result->slot < output->slot_total);
    struct output_slot *slot = &output->slots[result->slot];
    SFE_ASSERT(slot->state == SLOT_SENT);
    output->now_ns = sfe_clock_monotonic_ns(output->options.clock);
    output_tell_answered(output, slot, result);
    switch (result->outcome) {
    case SFE_SLOT_ANSWERED:
        finish_answered(output, slot, result);
        break;
    case SFE_SLOT_SMALLER:
        output->facts.last_error = result->err;
        finish_smaller(output, slot, result);
        break;
    case SFE_SLOT_AGAIN:
    case SFE_SLOT_STOPPED:
        output->facts.last_error = result->err;
        finish_away(output, slot, result);
        break;
    }
    log_change(output, before, &output->facts.last_error);
    slot->state = SLOT_EMPTY;
    slot->count = 0;
    SFE_ASSERT(output->in_flight > 0);
    output->in_flight--;
    output->has_changed = true;
}

void output_abandon_slot(struct sfe_output *output, uint32_t number)
{
    struct output_slot *slot = &output->slots[number];

    SFE_ASSERT(slot->state == SLOT_FILLING);
    output->options.target->abandon(output->options.target->context, number);
    for (uint32_t i = 0; i < slot->count; i++) {
        wait_until(entry_of(output, slot, i), 0);
    }
    slot->state = SLOT_EMPTY;
    slot->count = 0;
}
