#include "output/output_parts.h"

#include "base/assert.h"
#include "output/dead_letter.h"

/* The dead stream has no room: it is asked again so often. */
#define BURY_AGAIN_NS 50000000u
/* Full for so long, it is told. */
#define STUCK_NS UINT64_C(1000000000)

void output_settle_entry(struct sfe_output *output, struct window_entry *entry)
{
    SFE_ASSERT(entry->state != ENTRY_SETTLED);
    entry->state = ENTRY_SETTLED;
    output->has_settled = true;
    output->has_changed = true;
}

void output_condemn(struct sfe_output *output, struct window_entry *entry,
                    const struct sfe_error *reason)
{
    SFE_ASSERT(entry->state == ENTRY_WAITING || entry->state == ENTRY_IN_SLOT);

    output->has_changed = true;
    output->facts.last_error = *reason;
    window_trouble(&output->window, entry)->reason = sfe_reasons_keep(output->reasons, reason);
    entry->state = ENTRY_DYING;
    output->dying++;
}

static void end_dying(struct sfe_output *output, const struct window_entry *entry)
{
    SFE_ASSERT(entry->state == ENTRY_DYING);
    SFE_ASSERT(output->dying > 0);
    output->dying--;
}

static bool clock_is_set(const struct sfe_output *output)
{
    const struct sfe_clock *clock = output->options.clock;
    int64_t unix_ns = 0;

    return clock->wall_ns(clock->context, &unix_ns) != SFE_CLOCK_UNSET;
}

/* A full stage empties in a moment; what lasts is a full quota or medium. */
static void note_full(struct sfe_output *output)
{
    if (output->full_ns == 0) {
        output->full_ns = output->now_ns;
    }
    if (output->is_stuck || output->now_ns - output->full_ns < STUCK_NS) {
        return;
    }
    output->is_stuck = true;
    (void)sfe_fail(
        &output->facts.last_error, SFE_E_FULL,
        "the stream \"%s\" has no room, nor has its reserve: make room, or retry or drop "
        "letters; nothing is lost",
        sfe_stream_name(output->options.dead));
    sfe_log_error(output->options.log, SFE_ERROR, "an output stops: no room for dead letters",
                  &output->facts.last_error);
}

static void note_room(struct sfe_output *output)
{
    output->full_ns = 0;
    if (output->is_stuck) {
        output->is_stuck = false;
        memset(&output->facts.last_error, 0, sizeof(output->facts.last_error));
        SFE_LOG(output->options.log, SFE_WARNING, "there is room for dead letters again",
                sfe_text("output", output->options.name));
    }
}

void output_bury(struct sfe_output *output, struct window_entry *entry, struct sfe_event *event,
                 int64_t time_ns)
{
    struct window_trouble *trouble = window_trouble(&output->window, entry);
    const struct sfe_error *reason = sfe_reasons_at(output->reasons, trouble->reason);
    struct sfe_event letter;
    struct sfe_error err;
    const struct dead_letter_origin origin = {
        .output = output->options.name,
        .stream = sfe_stream_name(output->options.stream),
        .attempts = entry->attempts,
        .time_ns = time_ns,
        .time_is_known = clock_is_set(output),
    };

    SFE_ASSERT(entry->state == ENTRY_DYING);
    dead_letter_make(event, &origin, reason, &output->annotation, &letter);
    enum sfe_code code =
        sfe_stream_stage_reserved(output->options.dead, &letter, &trouble->dead_sequence, &err);
    if (code == SFE_E_TOO_LARGE) {
        dead_letter_shorten(&letter);
        code =
            sfe_stream_stage_reserved(output->options.dead, &letter, &trouble->dead_sequence, &err);
    }
    if (code == SFE_E_FULL) {
        note_full(output);
        return;
    }
    if (code != SFE_OK) {
        sfe_log_error(output->options.log, SFE_ERROR, "cannot write a dead letter", &err);
        return;
    }
    /* Not its message: that may quote what the device sent. */
    SFE_LOG(output->options.log, SFE_WARNING, "an event went to the dead letters",
            sfe_text("output", output->options.name), sfe_count("sequence", entry->sequence),
            sfe_text("reason", sfe_code_name(reason->code)), sfe_text("code", reason->api_code),
            sfe_count("attempts", entry->attempts));
    output_tell_dead(output, entry, event);
    note_room(output);
    end_dying(output, entry);
    entry->state = ENTRY_BURIED;
    output->buried++;
    if (output->options.on_dead != NULL) {
        output_owe_dead(output, entry);
    } else {
        sfe_reasons_drop(output->reasons, trouble->reason);
    }
}

static void bury_entry(struct sfe_output *output, struct window_entry *entry)
{
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns = 0;
    enum sfe_code code = output_fetch(output, entry, &event, &time_ns, &err);

    if (code == SFE_OK) {
        output_bury(output, entry, &event, time_ns);
    } else if (code == SFE_E_NOT_FOUND) {
        end_dying(output, entry);
        sfe_reasons_drop(output->reasons, window_trouble(&output->window, entry)->reason);
        output_forget_answer(output, entry);
        (void)output_lose(output, entry, false);
    }
}

uint64_t output_bury_turn(struct sfe_output *output)
{
    uint64_t durable = sfe_stream_durable(output->options.dead);
    bool has_room = true;

    if (output->dying == 0) {
        note_room(output);
    }
    if (output->dying == 0 && output->buried == 0) {
        return UINT64_MAX;
    }
    for (uint32_t i = 0; i < output->window.count; i++) {
        struct window_entry *entry = window_at(&output->window, i);
        if (entry->state == ENTRY_BURIED &&
            window_trouble(&output->window, entry)->dead_sequence <= durable) {
            output->buried--;
            output->facts.dead++;
            output_settle_entry(output, entry);
        } else if (entry->state == ENTRY_DYING && has_room) {
            bury_entry(output, entry);
            has_room = entry->state != ENTRY_DYING;
        }
    }
    return output->dying == 0 ? UINT64_MAX : output->now_ns + BURY_AGAIN_NS;
}
