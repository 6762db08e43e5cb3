#include "output/output_parts.h"

#include "base/assert.h"

/* Tells one note, with its event where somebody follows. The event is read again: only a follower
 * costs that. */
static void tell(struct sfe_output *output, const struct window_entry *entry,
                 const struct sfe_watch_note *told)
{
    struct sfe_watch_note note = *told;
    struct sfe_event event;
    struct sfe_error ignored;
    int64_t time_ns = 0;

    note.stream = sfe_stream_name(output->options.stream);
    note.output = output->options.name;
    note.sequence = entry->sequence;
    if (note.event == NULL && sfe_watch_is_followed(output->options.watch, note.stage) &&
        sfe_stream_reader_fetch(output->options.reader, entry->place, entry->sequence, &event,
                                &time_ns, &ignored) == SFE_OK) {
        note.event = &event;
    }
    sfe_watch_tell(output->options.watch, &note);
}

/* All events of a slot have the same; 0: not known. */
static int64_t time_of(const struct sfe_output *output)
{
    const struct sfe_clock *clock = output->options.clock;
    int64_t unix_ns = 0;

    return clock->wall_ns(clock->context, &unix_ns) == SFE_CLOCK_UNSET ? 0 : unix_ns;
}

static const struct window_entry *entry_of(const struct sfe_output *output,
                                           const struct output_slot *slot, uint32_t place)
{
    SFE_ASSERT(place < slot->count);
    return &output->window.entries[slot->entries[place]];
}

void output_tell_batched(struct sfe_output *output, const struct output_slot *slot)
{
    if (!sfe_watch_wants(output->options.watch, SFE_WATCH_BATCHED)) {
        return;
    }
    const int64_t time_ns = time_of(output);
    for (uint32_t i = 0; i < slot->count; i++) {
        const struct window_entry *entry = entry_of(output, slot, i);
        const struct sfe_watch_note note = {
            .stage = SFE_WATCH_BATCHED,
            .time_ns = time_ns,
            .request = slot->request,
            .attempt = entry->attempts + 1u,
        };
        tell(output, entry, &note);
    }
}

static enum sfe_watch_outcome outcome_of(const struct sfe_slot_result *result,
                                         const struct sfe_verdict *verdict)
{
    switch (result->outcome) {
    case SFE_SLOT_AGAIN:
        return SFE_WATCH_AWAY;
    case SFE_SLOT_SMALLER:
        return SFE_WATCH_SMALLER;
    case SFE_SLOT_STOPPED:
        return SFE_WATCH_STOPPED;
    case SFE_SLOT_ANSWERED:
        break;
    }
    switch (verdict->kind) {
    case SFE_VERDICT_RETRY:
        return SFE_WATCH_RETRY;
    case SFE_VERDICT_DEAD:
        return SFE_WATCH_REFUSED;
    case SFE_VERDICT_DONE:
        break;
    }
    return SFE_WATCH_DONE;
}

void output_tell_answered(struct sfe_output *output, const struct output_slot *slot,
                          const struct sfe_slot_result *result)
{
    if (!sfe_watch_wants(output->options.watch, SFE_WATCH_ANSWERED)) {
        return;
    }
    const int64_t time_ns = time_of(output);
    struct sfe_verdict own;
    for (uint32_t i = 0; i < slot->count; i++) {
        const struct window_entry *entry = entry_of(output, slot, i);
        const bool has_verdict = result->outcome == SFE_SLOT_ANSWERED;
        const struct sfe_verdict *verdict = has_verdict ? output_verdict_of(result, i, &own) : NULL;
        const bool is_done = has_verdict && verdict->kind == SFE_VERDICT_DONE;
        const struct sfe_watch_note note = {
            .stage = SFE_WATCH_ANSWERED,
            .time_ns = time_ns,
            .outcome = outcome_of(result, verdict),
            .request = slot->request,
            .attempt = entry->attempts + 1u,
            .id_hash = has_verdict ? verdict->id_hash : 0,
            .record_id = has_verdict ? verdict->record_id : NULL,
            .took_ns = output->now_ns - slot->sent_ns,
            .err = is_done       ? NULL
                   : has_verdict ? &verdict->err
                                 : &result->err,
        };
        tell(output, entry, &note);
    }
}

void output_tell_dead(struct sfe_output *output, const struct window_entry *entry,
                      const struct sfe_event *event)
{
    const struct window_trouble *trouble = window_known_trouble(&output->window, entry);
    const struct sfe_watch_note note = {
        .stage = SFE_WATCH_DEAD,
        .outcome = SFE_WATCH_REFUSED,
        .event = event,
        .dead_sequence = trouble->dead_sequence,
        .attempt = entry->attempts,
        .err = sfe_reasons_at(output->reasons, trouble->reason),
    };

    if (sfe_watch_wants(output->options.watch, SFE_WATCH_DEAD)) {
        tell(output, entry, &note);
    }
}
