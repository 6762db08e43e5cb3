/* Answers as events: what is over is settled only once its answer is durable in the stream that
 * on_done or on_dead names, as a dead letter is. Until it can be staged what came back is kept, and
 * nothing new is begun: a stream of answers that is full holds this output up, and no other. */
#include "output/output_parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "output/answer_event.h"
#include "output/answer_texts.h"

/* The stream has no room: it is asked again so often. */
#define AGAIN_NS 50000000u
/* Full for so long, it is told. */
#define FULL_NS UINT64_C(1000000000)
/* What came back found no room: so the event comes again, and changes nothing. */
#define REPEAT_NS UINT64_C(1000000000)
/* An event that cannot be read for so long is taken for damaged. */
#define UNREAD_NS (UINT64_C(600) * 1000000000u)
/* Of each event on its way; most answers are shorter. */
#define TEXT_BYTES     256u
#define TEXT_BYTES_MAX (1024u * 1024u)

struct output_answers {
    struct answer_texts *texts;
    struct sfe_builder text; /* Of the answer at hand. */
    struct sfe_builder payload;
    uint64_t full_ns; /* Since when a stream of answers is full; 0: none is. */
    bool is_told;     /* That it is. */
};

static size_t texts_bytes(size_t slot_events)
{
    const size_t bytes = slot_events * TEXT_BYTES;

    return (bytes < TEXT_BYTES_MAX ? bytes : TEXT_BYTES_MAX) + 2u * SFE_ANSWER_BYTES_MAX;
}

size_t output_answers_memory_bytes(const struct sfe_output_options *options, size_t slot_events)
{
    return options->answer_bytes_max == 0 ? 0
                                          : sfe_arena_cost(sizeof(struct output_answers)) +
                                                sfe_arena_cost(SFE_ANSWER_BYTES_MAX) +
                                                sfe_arena_cost(options->answer_bytes_max) +
                                                answer_texts_memory_bytes(texts_bytes(slot_events));
}

enum sfe_code output_open_answers(struct sfe_output *output, size_t slot_events,
                                  struct sfe_arena *arena, struct sfe_error *err)
{
    const uint32_t payload_bytes = output->options.answer_bytes_max;

    if (payload_bytes == 0) {
        SFE_ASSERT(output->options.on_done == NULL && output->options.on_dead == NULL &&
                   output->options.late == NULL);
        return SFE_OK;
    }
    SFE_ASSERT(payload_bytes >= ANSWER_EVENT_BYTES_MIN);
    struct output_answers *answers = sfe_arena_take(arena, sizeof(*answers), err);
    uint8_t *text = sfe_arena_take(arena, SFE_ANSWER_BYTES_MAX, err);
    uint8_t *payload = sfe_arena_take(arena, payload_bytes, err);
    if (answers == NULL || text == NULL || payload == NULL) {
        return SFE_E_NO_MEMORY;
    }
    answers->text = sfe_builder_make(text, SFE_ANSWER_BYTES_MAX);
    answers->payload = sfe_builder_make(payload, payload_bytes);
    answers->texts = answer_texts_open(texts_bytes(slot_events), arena, err);
    output->answering = answers;
    return answers->texts == NULL ? SFE_E_NO_MEMORY : SFE_OK;
}

/* Keeps what came back for the event at `place`. False: there is no room for it. */
static bool keep_answer(struct sfe_output *output, struct window_entry *entry,
                        const struct sfe_slot_result *result, uint32_t place)
{
    struct window_trouble *trouble = window_trouble(&output->window, entry);
    struct sfe_builder *text = &output->answering->text;
    struct sfe_json_writer writer = sfe_json_writer_make(text);

    SFE_ASSERT(!trouble->has_answer);
    trouble->is_answer_cut = false;
    if (result->answer == NULL) {
        return true;
    }
    sfe_builder_rewind(text, 0);
    sfe_json_begin_object(&writer, NULL);
    result->answer(result->context, place, &writer);
    sfe_json_end_object(&writer);
    trouble->is_answer_cut = text->overflowed;
    trouble->has_answer =
        !text->overflowed &&
        answer_texts_keep(output->answering->texts, sfe_builder_slice(text), &trouble->answer);
    return text->overflowed || trouble->has_answer;
}

bool output_owe_done(struct sfe_output *output, struct window_entry *entry,
                     const struct sfe_slot_result *result, uint32_t place)
{
    if (output->options.on_done == NULL) {
        output_settle_entry(output, entry);
        return true;
    }
    if (!keep_answer(output, entry, result, place)) {
        entry->state = ENTRY_WAITING;
        entry->due_ns = output->now_ns + REPEAT_NS;
        return false;
    }
    entry->attempts++;
    window_trouble(&output->window, entry)->is_dead = false;
    entry->state = ENTRY_OWING;
    output->owing++;
    output->has_changed = true;
    return true;
}

void output_keep_dead(struct sfe_output *output, struct window_entry *entry,
                      const struct sfe_slot_result *result, uint32_t place)
{
    if (output->options.on_dead != NULL && entry->state == ENTRY_DYING) {
        /* It does not come again: without room it goes without what came back. */
        if (!keep_answer(output, entry, result, place)) {
            window_trouble(&output->window, entry)->is_answer_cut = true;
        }
    }
}

void output_owe_late(struct sfe_output *output, struct window_entry *entry)
{
    struct window_trouble *trouble = window_trouble(&output->window, entry);

    SFE_ASSERT(entry->state == ENTRY_WAITING && output->options.late != NULL);
    trouble->is_dead = false;
    trouble->is_late = true;
    entry->state = ENTRY_OWING;
    output->owing++;
    output->has_changed = true;
}

void output_owe_dead(struct sfe_output *output, struct window_entry *entry)
{
    SFE_ASSERT(entry->state == ENTRY_BURIED && output->options.on_dead != NULL);
    SFE_ASSERT(output->buried > 0);
    output->buried--;
    window_trouble(&output->window, entry)->is_dead = true;
    entry->state = ENTRY_OWING;
    output->owing++;
}

/* Nothing is told of it: its event is gone, and what was kept of it goes too. */
void output_forget_answer(struct sfe_output *output, struct window_entry *entry)
{
    struct window_trouble *trouble = window_trouble(&output->window, entry);

    if (trouble->has_answer) {
        answer_texts_drop(output->answering->texts, trouble->answer);
        trouble->has_answer = false;
    }
    trouble->is_answer_cut = false;
}

static bool is_dead(const struct sfe_output *output, const struct window_entry *entry)
{
    return window_known_trouble(&output->window, entry)->is_dead;
}

static void end_owing(struct sfe_output *output, struct window_entry *entry)
{
    SFE_ASSERT(entry->state == ENTRY_OWING && output->owing > 0);
    output_forget_answer(output, entry);
    if (is_dead(output, entry)) {
        sfe_reasons_drop(output->reasons, window_known_trouble(&output->window, entry)->reason);
    }
    output->owing--;
}

static bool is_late(const struct sfe_output *output, const struct window_entry *entry)
{
    return window_known_trouble(&output->window, entry)->is_late;
}

static struct sfe_stream *stream_of(const struct sfe_output *output,
                                    const struct window_entry *entry)
{
    if (is_late(output, entry)) {
        return output->options.late;
    }
    return is_dead(output, entry) ? output->options.on_dead : output->options.on_done;
}

/* Once it is full for a while. */
static void note_full(struct sfe_output *output, const struct sfe_stream *stream)
{
    struct output_answers *answers = output->answering;

    if (answers->full_ns == 0) {
        answers->full_ns = output->now_ns;
    }
    if (answers->is_told || output->now_ns - answers->full_ns < FULL_NS) {
        return;
    }
    answers->is_told = true;
    (void)sfe_fail(&output->facts.last_error, SFE_E_FULL,
                   "the stream \"%s\" has no room for answers: the output waits until who reads it "
                   "has made some",
                   sfe_stream_name(stream));
    SFE_LOG(output->options.log, SFE_WARNING, "an output waits: no room for answers",
            sfe_text("output", output->options.name), sfe_text("stream", sfe_stream_name(stream)));
}

static void note_room(struct sfe_output *output)
{
    struct output_answers *answers = output->answering;

    answers->full_ns = 0;
    if (answers->is_told) {
        answers->is_told = false;
        memset(&output->facts.last_error, 0, sizeof(output->facts.last_error));
        SFE_LOG(output->options.log, SFE_INFO, "there is room for answers again",
                sfe_text("output", output->options.name));
    }
}

/* The time of the answer is now. */
static void stamp(const struct sfe_output *output, struct sfe_event *made)
{
    const struct sfe_clock *clock = output->options.clock;
    int64_t unix_ns = 0;
    const enum sfe_clock_quality quality = clock->wall_ns(clock->context, &unix_ns);

    made->clock_quality = (uint8_t)quality;
    made->received_ns =
        quality == SFE_CLOCK_UNSET ? (int64_t)sfe_clock_monotonic_ns(clock) : unix_ns;
}

/* As whole as the stream takes it. */
static enum sfe_code stage(struct sfe_output *output, struct window_entry *entry,
                           struct sfe_event *event, int64_t time_ns, struct sfe_error *err)
{
    struct output_answers *answers = output->answering;
    struct window_trouble *trouble = window_trouble(&output->window, entry);
    const struct sfe_clock *clock = output->options.clock;
    enum answer_event_cut cut = ANSWER_EVENT_WHOLE;
    struct sfe_event made;
    int64_t unix_ns = 0;
    struct answer_origin origin = {
        .output = output->options.name,
        .stream = sfe_stream_name(output->options.stream),
        .attempts = entry->attempts,
        .time_ns = time_ns,
        .time_is_known = clock->wall_ns(clock->context, &unix_ns) != SFE_CLOCK_UNSET,
        .is_answer_cut = trouble->is_answer_cut,
        .is_late = trouble->is_late,
    };

    if (trouble->is_dead) {
        origin.reason = sfe_reasons_at(output->reasons, trouble->reason);
        origin.dead_sequence = trouble->dead_sequence;
    }
    if (trouble->has_answer) {
        sfe_builder_rewind(&answers->text, 0);
        answer_texts_add(answers->texts, trouble->answer, &answers->text);
        origin.answer = sfe_builder_slice(&answers->text);
    }
    for (;;) {
        cut = answer_event_make(event, &origin, cut, &answers->payload, &made);
        stamp(output, &made);
        const enum sfe_code code =
            sfe_stream_stage(stream_of(output, entry), &made, &trouble->answer_sequence, err);
        if (code != SFE_E_TOO_LARGE || cut == ANSWER_EVENT_LEAST) {
            return code;
        }
        cut = (enum answer_event_cut)((int)cut + 1);
    }
}

/* Its event is delivered, or its letter is written, and is no longer there: nobody can be told of
 * it. */
static void give_up(struct sfe_output *output, struct window_entry *entry)
{
    SFE_LOG(output->options.log, SFE_ERROR, "an answer is lost: its event is no longer there",
            sfe_text("output", output->options.name), sfe_count("sequence", entry->sequence));
    end_owing(output, entry);
    output_settle_entry(output, entry);
}

/* The event cannot be read. Others go on. */
static void put_off(struct sfe_output *output, struct window_entry *entry,
                    const struct sfe_error *err)
{
    struct window_trouble *trouble = window_trouble(&output->window, entry);

    sfe_log_error(output->options.log, SFE_ERROR, "cannot read events from flash", err);
    if (trouble->unread_ns == 0) {
        trouble->unread_ns = output->now_ns;
    }
    if (output->now_ns - trouble->unread_ns >= UNREAD_NS) {
        give_up(output, entry);
    }
}

/* False where the stream has no room. */
static bool tell_entry(struct sfe_output *output, struct window_entry *entry)
{
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns = 0;
    enum sfe_code code = output_fetch(output, entry, &event, &time_ns, &err);

    if (code != SFE_OK) {
        if (code == SFE_E_NOT_FOUND) {
            give_up(output, entry);
        } else {
            put_off(output, entry, &err);
        }
        return true;
    }
    code = stage(output, entry, &event, time_ns, &err);
    if (code == SFE_E_FULL) {
        note_full(output, stream_of(output, entry));
        return false;
    }
    if (code != SFE_OK) {
        sfe_log_error(output->options.log, SFE_ERROR, "cannot write an answer", &err);
        return false;
    }
    note_room(output);
    end_owing(output, entry);
    entry->state = ENTRY_TOLD;
    output->told++;
    output->facts.answers++;
    return true;
}

static bool is_durable(const struct sfe_output *output, const struct window_entry *entry)
{
    const struct window_trouble *trouble = window_known_trouble(&output->window, entry);

    return trouble->answer_sequence <= sfe_stream_durable(stream_of(output, entry)) &&
           (!trouble->is_dead ||
            trouble->dead_sequence <= sfe_stream_durable(output->options.dead));
}

uint64_t output_answer_turn(struct sfe_output *output)
{
    bool has_room[3] = {true, true, true}; /* Of on_done, of on_dead, of late. */

    if (output->owing == 0 && output->told == 0) {
        return UINT64_MAX;
    }
    for (uint32_t i = 0; i < output->window.count; i++) {
        struct window_entry *entry = window_at(&output->window, i);
        if (entry->state == ENTRY_OWING) {
            bool *room = &has_room[is_late(output, entry) ? 2 : is_dead(output, entry)];
            *room = *room && tell_entry(output, entry);
        }
        if (entry->state == ENTRY_TOLD && is_durable(output, entry)) {
            output->told--;
            output->facts.dead += is_dead(output, entry);
            output_settle_entry(output, entry);
        }
    }
    return output->owing == 0 ? UINT64_MAX : output->now_ns + AGAIN_NS;
}

bool output_has_told_all(const struct sfe_output *output)
{
    /* What a full stream does not take comes again after the next start. */
    return output->told == 0 && (output->owing == 0 || output->answering->is_told);
}
