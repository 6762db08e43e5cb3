#include "output/output_parts.h"

#include "base/assert.h"
#include "output/retry.h"

/* How long after the pause an event comes again that may have caused it. */
#define ASIDE_NS (UINT64_C(300) * 1000000000u)
/* Of a whole batch before it is halved: the server fails with it again and again, or it is locked.
 */
#define TRIES_WHOLE 3u
/* Of a lone event that is refused as too much, or with which the server fails while others pass. */
#define TRIES_SMALLEST 10u
/* Of an event that is always locked: some hours. */
#define TRIES_LOCKED 500u
/* For so many of them its parent's other events wait with it; then it may be the reason itself. */
#define TRIES_RESTING 8u

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
    return err->retry == SFE_RETRY_AFTER_HUMAN || err->retry == SFE_RETRY_AFTER_QUOTA ||
           err->retry == SFE_RETRY_AWAY;
}

/* Coming again in a smaller batch says nothing of the event itself; locks are counted apart, as
 * they say nothing of what is refused later. */
static bool is_counted(const struct sfe_error *reason, uint32_t count)
{
    return !waits_for_target(reason) && reason->retry != SFE_RETRY_LOCKED &&
           (reason->retry != SFE_RETRY_SMALLER || count == 1);
}

/* True where it was tried often enough. */
static bool is_over(const struct sfe_output *output, const struct window_entry *entry,
                    enum sfe_retry retry, uint32_t count)
{
    if (retry == SFE_RETRY_LOCKED) {
        return window_known_trouble(&output->window, entry)->locks >= TRIES_LOCKED;
    }
    return retry == SFE_RETRY_SMALLER && count == 1 && entry->attempts >= TRIES_SMALLEST;
}

static uint64_t retry_delay_ns(struct sfe_output *output, const struct window_entry *entry,
                               const struct sfe_error *reason, int64_t retry_after_s)
{
    const uint64_t random = output_random(output);

    if (reason->retry == SFE_RETRY_LOCKED) {
        return retry_lock_delay_ns(window_known_trouble(&output->window, entry)->locks,
                                   retry_after_s, random);
    }
    if (waits_for_target(reason)) {
        retry_after_s = -1; /* The pace obeys it, for all. */
    }
    return retry_event_delay_ns(entry->attempts == 0 ? 1 : entry->attempts, retry_after_s, random);
}

/* The server did not fail with it this time, but it may have met a lock. */
static void mind_trouble(const struct sfe_output *output, struct window_entry *entry,
                         const struct sfe_error *reason)
{
    if (entry->has_trouble || reason->retry == SFE_RETRY_LOCKED) {
        struct window_trouble *trouble = window_trouble(&output->window, entry);
        trouble->failures = 0;
        trouble->locks += reason->retry == SFE_RETRY_LOCKED;
    }
}

static void retry_entry(struct sfe_output *output, struct window_entry *entry,
                        const struct sfe_slot_result *result, const struct sfe_error *reason)
{
    output->facts.retried++;
    output->facts.last_error = *reason;
    entry->attempts += is_counted(reason, result->count);
    mind_trouble(output, entry, reason);
    if (is_over(output, entry, reason->retry, result->count)) {
        output_condemn(output, entry, reason);
        return;
    }
    entry->is_locked = reason->retry == SFE_RETRY_LOCKED && result->retry_after_s <= 0 &&
                       window_known_trouble(&output->window, entry)->locks <= TRIES_RESTING;
    entry->split_limit = retry_split_limit(reason->retry, result->count, entry->split_limit);
    entry->offered_ns = 0;
    wait_until(entry,
               output->now_ns + retry_delay_ns(output, entry, reason, result->retry_after_s));
}

/* What the verdicts of a slot come to. */
struct tally {
    enum sfe_retry waits; /* How the last waits for the target; NEVER: none does. */
    uint32_t settled;
    uint32_t locked;
};

/* Where all that failed wait for the target and none passed, the output waits with them. */
static void mind_tally(struct sfe_output *output, const struct output_slot *slot,
                       const struct sfe_slot_result *result, const struct tally *tally)
{
    if (slot->events_max <= output->options.slot_events_max) {
        pressure_answered(&output->pressure, output->now_ns, tally->locked, slot->count,
                          slot->had_company || output->in_flight > 1);
    }
    if (tally->waits == SFE_RETRY_NEVER || tally->settled > 0) {
        output->answers++;
        pace_answered(&output->pace, slot->epoch);
    } else if (tally->waits == SFE_RETRY_AFTER_HUMAN) {
        pace_stopped(&output->pace, slot->epoch, output->now_ns, result->retry_after_s);
    } else {
        pace_away(&output->pace, slot->epoch, output->now_ns, result->retry_after_s,
                  output_random(output));
    }
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

/* Each event by its own verdict. */
static void finish_answered(struct sfe_output *output, const struct output_slot *slot,
                            const struct sfe_slot_result *result)
{
    struct tally tally = {.waits = SFE_RETRY_NEVER};
    struct sfe_verdict own;

    SFE_ASSERT(result->count == slot->count);
    for (uint32_t i = 0; i < slot->count; i++) {
        struct window_entry *entry = entry_of(output, slot, i);
        const struct sfe_verdict *verdict = output_verdict_of(result, i, &own);
        switch (verdict->kind) {
        case SFE_VERDICT_DONE:
            output->facts.delivered += output_owe_done(output, entry, result, i);
            tally.settled++;
            break;
        case SFE_VERDICT_RETRY:
            tally.waits = waits_for_target(&verdict->err) ? verdict->err.retry : tally.waits;
            tally.locked += verdict->err.retry == SFE_RETRY_LOCKED;
            retry_entry(output, entry, result, &verdict->err);
            break;
        case SFE_VERDICT_DEAD:
            entry->attempts++;
            output_condemn(output, entry, &verdict->err);
            break;
        }
        output_keep_dead(output, entry, result, i);
    }
    mind_tally(output, slot, result, &tally);
}

static void finish_smaller(struct sfe_output *output, const struct output_slot *slot,
                           const struct sfe_slot_result *result)
{
    struct sfe_error reason = result->err;

    pace_answered(&output->pace, slot->epoch);
    output->answers++;
    reason.retry = SFE_RETRY_SMALLER;
    for (uint32_t i = 0; i < slot->count; i++) {
        struct window_entry *entry = entry_of(output, slot, i);
        if (slot->count == 1) {
            retry_entry(output, entry, result, &reason);
        } else {
            entry->split_limit =
                retry_split_limit(SFE_RETRY_SMALLER, slot->count, entry->split_limit);
            wait_until(entry, 0);
        }
    }
}

/* The whole request met a lock: the events wait, not the target. One of them may be the reason, so
 * after a while they part. */
static void finish_locked(struct sfe_output *output, const struct output_slot *slot,
                          const struct sfe_slot_result *result)
{
    struct tally tally = {.locked = slot->count};

    for (uint32_t i = 0; i < slot->count; i++) {
        struct window_entry *entry = entry_of(output, slot, i);
        retry_entry(output, entry, result, &result->err);
        if (window_known_trouble(&output->window, entry)->locks % TRIES_WHOLE == 0) {
            entry->split_limit =
                retry_split_limit(SFE_RETRY_SMALLER, slot->count, entry->split_limit);
        }
    }
    mind_tally(output, slot, result, &tally);
}

/* True where the server itself said that it failed, which one event of the batch may cause. */
static bool is_server_failure(const struct sfe_error *err)
{
    return err->http_status == 500 && err->api_code[0] != '\0';
}

/* The batch is halved where that happens again and again. A lone event is condemned only where
 * others pass meanwhile: otherwise it is the server that is broken. */
static void mind_failure(struct sfe_output *output, const struct output_slot *slot,
                         struct window_entry *entry, const struct sfe_error *err)
{
    struct window_trouble *trouble = window_trouble(&output->window, entry);

    if (slot->count > 1) {
        trouble->failures++;
        if (trouble->failures == TRIES_WHOLE) {
            trouble->failures = 0;
            entry->split_limit =
                retry_split_limit(SFE_RETRY_SMALLER, slot->count, entry->split_limit);
        }
        return;
    }
    if (trouble->answers != output->answers) {
        trouble->answers = output->answers;
        trouble->failures++;
    }
    if (trouble->failures >= TRIES_SMALLEST) {
        entry->attempts++;
        output_condemn(output, entry, err);
        return;
    }
    entry->split_limit = 1;
    entry->due_ns = output->pace.hold_until_ns +
                    retry_event_delay_ns(trouble->failures + 1, -1, output_random(output));
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
    const bool is_failure = result->outcome == SFE_SLOT_AGAIN && is_server_failure(&result->err);

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
    for (uint32_t i = 0; i < slot->count && is_failure; i++) {
        mind_failure(output, slot, &output->window.entries[slot->entries[i]], &result->err);
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
        if (result->err.retry == SFE_RETRY_LOCKED) {
            finish_locked(output, slot, result);
        } else {
            finish_away(output, slot, result);
        }
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
