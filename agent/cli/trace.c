#include "cli/trace.h"

#include "base/arena.h"
#include "base/json_writer.h"
#include "base/time_format.h"
#include "cli/arguments.h"
#include "cli/event_lookup.h"
#include "cli/print.h"
#include "cli/state.h"
#include "port/process.h"
#include "control/control.h"
#include "status/way.h"
#include "stream/settled.h"

#include <inttypes.h>
#include <stdio.h>

#define TOKENS_MAX 8192u
#define TEXT_BYTES 512u
/* Of one event; one that was put back and died again has more than one. */
#define LETTERS_MAX 8u
#define DEAD        "dead"

struct trace {
    const struct sfe_arguments *arguments;
    struct state state;
    struct sfe_lookup *lookup; /* NULL: not needed yet. */
    struct sfe_compiled compiled;
    const char *external_id; /* NULL: the event was named by its sequence. */
    char stream[SFE_NAME_BYTES_MAX + 1u];
    uint64_t sequence; /* 0: not found yet. */
    struct sfe_json_token *tokens;
    struct sfe_json answer; /* Of the agent; no tokens: it does not run. */
    struct sfe_builder answer_text;
    struct sfe_builder document;
    struct sfe_builder printed;
};

static enum sfe_code take_buffer(struct trace *trace, struct sfe_builder *buffer,
                                 struct sfe_error *err)
{
    uint8_t *memory = sfe_arena_take(trace->state.arena, SFE_CONTROL_BYTES_MAX, err);

    *buffer = sfe_builder_make(memory, memory == NULL ? 0 : SFE_CONTROL_BYTES_MAX);
    return memory == NULL ? err->code : SFE_OK;
}

static enum sfe_code open_trace(struct trace *trace, struct sfe_error *err)
{
    enum sfe_code code = state_open(trace->arguments, &trace->state, err);

    if (code == SFE_OK) {
        code = take_buffer(trace, &trace->answer_text, err);
    }
    if (code == SFE_OK) {
        code = take_buffer(trace, &trace->document, err);
    }
    if (code == SFE_OK) {
        code = take_buffer(trace, &trace->printed, err);
    }
    if (code == SFE_OK) {
        trace->tokens =
            sfe_arena_take(trace->state.arena, TOKENS_MAX * sizeof(*trace->tokens), err);
        code = trace->tokens == NULL ? err->code : SFE_OK;
    }
    return code;
}

struct search {
    const char *name;
    size_t size;
    bool is_found;
};

static enum sfe_code compare_name(void *visitor, const char *name, struct sfe_error *err)
{
    struct search *search = visitor;

    (void)err;
    search->is_found = search->is_found || (strlen(name) == search->size &&
                                            memcmp(name, search->name, search->size) == 0);
    return SFE_OK;
}

/* "telemetry:12" where there is such a stream; anything else is an external ID. */
static enum sfe_code read_event(struct trace *trace, const char *text, struct sfe_error *err)
{
    const char *colon = strrchr(text, ':');
    uint64_t sequence = 0;
    struct search search = {text, colon == NULL ? 0 : (size_t)(colon - text), false};

    trace->external_id = text;
    if (colon == NULL || !arguments_number(colon + 1, &sequence) || sequence == 0) {
        return SFE_OK;
    }
    enum sfe_code code = state_each(&trace->state, compare_name, &search, err);
    if (code == SFE_OK && search.is_found) {
        trace->external_id = NULL;
        trace->sequence = sequence;
        memcpy(trace->stream, text, search.size);
        trace->stream[search.size] = '\0';
    }
    return code;
}

/* Asks the agent what it knows. Where it does not run, trace->answer has no tokens. */
static enum sfe_code ask_agent(struct trace *trace, struct sfe_error *err)
{
    uint8_t memory[2048];
    struct sfe_builder question = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&question);

    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "ask", SFE_TEXT("trace"));
    if (trace->sequence != 0) {
        sfe_json_put_text(&writer, "stream", sfe_slice_text(trace->stream));
        sfe_json_put_u64(&writer, "sequence", trace->sequence);
    } else {
        sfe_json_put_text(&writer, "id", sfe_slice_text(trace->external_id));
    }
    sfe_json_end_object(&writer);
    sfe_builder_add_byte(&question, '\n');
    if (question.overflowed || question.size > SFE_CONTROL_QUESTION_BYTES) {
        return sfe_fail(err, SFE_E_USAGE, "no event has such a name");
    }
    trace->answer.count = 0;
    sfe_builder_rewind(&trace->answer_text, 0);
    enum sfe_code code = state_ask(&trace->state, sfe_builder_slice(&question), STATE_WAIT_NS,
                                   &trace->answer_text, err);
    if (code == SFE_E_NETWORK) {
        return SFE_OK;
    }
    return code != SFE_OK ? code
                          : sfe_json_parse(sfe_builder_slice(&trace->answer_text), 0, trace->tokens,
                                           TOKENS_MAX, &trace->answer, err);
}

/* The member of the agent's answer; SFE_JSON_NONE also where it does not run. */
static uint32_t answered(const struct trace *trace, const char *name)
{
    return trace->answer.count == 0 ? SFE_JSON_NONE
                                    : sfe_json_member(&trace->answer, 0, sfe_slice_text(name));
}

static uint64_t number_of(const struct trace *trace, const char *name)
{
    const uint32_t token = answered(trace, name);
    char digits[24];
    uint64_t number = 0;

    if (token == SFE_JSON_NONE) {
        return 0;
    }
    sfe_printable(digits, sizeof(digits), sfe_json_raw(&trace->answer, token));
    return arguments_number(digits, &number) ? number : 0;
}

static enum sfe_code open_lookup(struct trace *trace, struct sfe_error *err)
{
    if (trace->state.config == NULL) {
        return sfe_fail(err, SFE_E_USAGE,
                        "an external ID is found by the configuration: give --config, or the event "
                        "as STREAM:NUMBER");
    }
    trace->compiled.without_secrets = true;
    enum sfe_code code = sfe_compile(trace->state.config, trace->state.arena, sfe_cli_print_mistake,
                                     NULL, &trace->compiled, err);
    return code == SFE_OK
               ? sfe_lookup_open(&trace->compiled, trace->state.arena, &trace->lookup, err)
               : code;
}

/* The newest event of one stream with the external ID. */
static enum sfe_code search_stream(struct trace *trace, uint32_t index, struct sfe_error *err)
{
    const char *name = trace->state.config->streams[index].name;
    struct state_walk walk = {.arena = NULL};
    struct sfe_event event;
    enum sfe_code code = state_walk_open(&trace->state, name, &walk, err);

    while (code == SFE_OK) {
        code = sfe_stream_walk_next(walk.walk, &event, err);
        if (code == SFE_OK &&
            sfe_lookup_matches(trace->lookup, index, &event, sfe_slice_text(trace->external_id))) {
            trace->sequence = event.sequence;
            memcpy(trace->stream, name, strlen(name) + 1u);
        }
    }
    state_walk_close(&walk);
    return code == SFE_E_END ? SFE_OK : code;
}

static enum sfe_code search_flash(struct trace *trace, struct sfe_error *err)
{
    enum sfe_code code = open_lookup(trace, err);

    for (uint32_t i = 0; code == SFE_OK && i < trace->state.config->stream_count; i++) {
        code = search_stream(trace, i, err);
    }
    if (code == SFE_OK && trace->sequence == 0) {
        return sfe_fail(err, SFE_E_NOT_FOUND,
                        "no event on flash and none of the answers kept has external ID "
                        "\"%.64s\": it has not come, or is settled and forgotten",
                        trace->external_id);
    }
    return code;
}

/* Which event is meant, and what the agent says of it. */
static enum sfe_code find_event(struct trace *trace, struct sfe_error *err)
{
    enum sfe_code code = ask_agent(trace, err);

    if (code != SFE_OK || trace->sequence != 0) {
        return code;
    }
    const uint32_t stream = answered(trace, "stream");
    trace->sequence = number_of(trace, "sequence");
    if (stream != SFE_JSON_NONE && trace->sequence != 0) {
        sfe_printable(trace->stream, sizeof(trace->stream), sfe_json_raw(&trace->answer, stream));
        return SFE_OK;
    }
    code = search_flash(trace, err);
    return code == SFE_OK ? ask_agent(trace, err) : code;
}

static void put_time(struct sfe_json_writer *writer, const struct sfe_event *event)
{
    uint8_t memory[40];
    struct sfe_builder time = sfe_builder_make(memory, sizeof(memory));

    if (event->clock_quality != SFE_CLOCK_UNSET) {
        sfe_time_add_datetime(&time, event->received_ns);
        sfe_json_put_text(writer, "time", sfe_builder_slice(&time));
    }
}

static void put_received(struct sfe_json_writer *writer, struct sfe_event *event, uint32_t segment)
{
    static const char *const qualities[] = {[SFE_CLOCK_UNSET] = "unset",
                                            [SFE_CLOCK_COASTING] = "coasting",
                                            [SFE_CLOCK_SYNCED] = "synced"};
    uint8_t memory[32];
    struct sfe_builder id = sfe_builder_make(memory, sizeof(memory));
    const char *quality =
        event->clock_quality <= SFE_CLOCK_SYNCED ? qualities[event->clock_quality] : "unknown";

    sfe_event_add_identity(event, &id);
    sfe_json_begin_object(writer, "received");
    put_time(writer, event);
    sfe_json_put_text(writer, "clock", sfe_slice_text(quality));
    sfe_json_put_text(writer, "input", event->source);
    sfe_json_put_text(writer, "topic", sfe_slice_part(event->topic, 0, TEXT_BYTES));
    sfe_json_put_u64(writer, "payload_bytes", event->payload.size);
    sfe_json_put_text(writer, "id", sfe_builder_slice(&id));
    sfe_json_put_u64(writer, "segment", segment);
    sfe_json_end_object(writer);
}

/* Why the event is not among those that a walk shows. */
static void say_why_not(const struct trace *trace, const struct sfe_stream_walk_facts *facts,
                        char text[TEXT_BYTES])
{
    int length = 0;

    if (trace->sequence >= facts->end_sequence) {
        length = snprintf(text, TEXT_BYTES,
                          "this event has not come yet: the newest on flash is %" PRIu64,
                          facts->end_sequence - 1u);
    } else if (trace->sequence < facts->first_sequence) {
        length =
            snprintf(text, TEXT_BYTES,
                     "when it came is no longer known: the stream keeps events from %" PRIu64 " on",
                     facts->first_sequence);
    } else if (facts->sealed != 0) {
        length = snprintf(text, TEXT_BYTES, "the stream is encrypted: what came is not shown");
    } else {
        length = snprintf(text, TEXT_BYTES,
                          "it is not on flash: it was dropped by the quota, or is damaged");
    }
    text[length < 0 ? 0 : TEXT_BYTES - 1u] = '\0';
}

static enum sfe_code put_flash(struct trace *trace, struct sfe_json_writer *writer,
                               char why_not[TEXT_BYTES], struct sfe_error *err)
{
    struct state_walk walk = {.arena = NULL};
    struct sfe_stream_walk_facts facts;
    struct sfe_event event;
    enum sfe_code code = state_walk_open(&trace->state, trace->stream, &walk, err);

    if (code == SFE_OK) {
        sfe_stream_walk_seek(walk.walk, trace->sequence);
        code = sfe_stream_walk_next(walk.walk, &event, err);
        sfe_stream_walk_facts(walk.walk, &facts);
    }
    if (code == SFE_OK && event.sequence == trace->sequence) {
        put_received(writer, &event, sfe_stream_walk_segment(walk.walk));
    } else if (code == SFE_OK || code == SFE_E_END) {
        sfe_json_put_null(writer, "received");
        say_why_not(trace, &facts, why_not);
        code = SFE_OK;
    }
    state_walk_close(&walk);
    return code;
}

/* Takes the agent's words as they are; without an agent those that were saved. */
static void put_outputs(const struct trace *trace, struct sfe_json_writer *writer)
{
    const struct sfe_config *config = trace->state.config;
    const uint32_t outputs = answered(trace, "outputs");

    if (outputs != SFE_JSON_NONE) {
        sfe_json_put_raw(writer, "outputs", sfe_json_raw(&trace->answer, outputs));
        return;
    }
    sfe_json_begin_array(writer, "outputs");
    for (uint32_t i = 0; config != NULL && i < config->output_count; i++) {
        char name[SFE_CURSOR_NAME_BYTES];
        int length = snprintf(name, sizeof(name), "%s/%s", config->outputs[i].name, trace->stream);
        const struct sfe_cursor *cursor = sfe_cursor_log_find(trace->state.cursors, name);
        if (length < 0 || cursor == NULL) {
            continue;
        }
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "output", sfe_slice_text(config->outputs[i].name));
        sfe_json_put_bool(writer, "settled", sfe_settled_has(cursor, trace->sequence));
        sfe_json_put_u64(writer, "cursor", cursor->sequence);
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

static bool is_letter_of(const struct trace *trace, const struct sfe_event *letter)
{
    struct sfe_json_token tokens[64];
    struct sfe_json json;
    struct sfe_error ignored;
    char digits[24];
    uint64_t number = 0;

    if (sfe_json_parse(letter->annotation, 0, tokens, 64, &json, &ignored) != SFE_OK) {
        return false;
    }
    const uint32_t stream = sfe_json_member(&json, 0, SFE_TEXT("stream"));
    const uint32_t sequence = sfe_json_member(&json, 0, SFE_TEXT("sequence"));
    if (stream == SFE_JSON_NONE || sequence == SFE_JSON_NONE) {
        return false;
    }
    sfe_printable(digits, sizeof(digits), sfe_json_raw(&json, sequence));
    return arguments_number(digits, &number) && number == trace->sequence &&
           sfe_json_text_equal(&json, stream, sfe_slice_text(trace->stream));
}

static enum sfe_code put_letters(const struct trace *trace, struct sfe_json_writer *writer,
                                 struct sfe_error *err)
{
    struct state_walk walk = {.arena = NULL};
    struct sfe_event letter;
    uint32_t count = 0;
    enum sfe_code code = state_walk_open(&trace->state, DEAD, &walk, err);

    sfe_json_begin_array(writer, "dead");
    while (code == SFE_OK && count < LETTERS_MAX) {
        code = sfe_stream_walk_next(walk.walk, &letter, err);
        if (code == SFE_OK && is_letter_of(trace, &letter)) {
            sfe_json_begin_object(writer, NULL);
            sfe_json_put_u64(writer, "sequence", letter.sequence);
            put_time(writer, &letter);
            sfe_json_put_raw(writer, "why", letter.annotation);
            sfe_json_end_object(writer);
            count++;
        }
    }
    sfe_json_end_array(writer);
    state_walk_close(&walk);
    return code == SFE_E_END ? SFE_OK : code;
}

static void put_answers(const struct trace *trace, struct sfe_json_writer *writer)
{
    const uint32_t answers = answered(trace, "answers");
    const uint32_t kept = answered(trace, "kept");

    if (answers != SFE_JSON_NONE && kept != SFE_JSON_NONE) {
        sfe_json_put_raw(writer, "answers", sfe_json_raw(&trace->answer, answers));
        sfe_json_put_raw(writer, "kept", sfe_json_raw(&trace->answer, kept));
    } else {
        sfe_json_begin_array(writer, "answers");
        sfe_json_end_array(writer);
    }
}

/* What cannot be said, and why. */
static void put_unknown(const struct trace *trace, struct sfe_json_writer *writer,
                        const char *why_not)
{
    const uint32_t answers = answered(trace, "answers");

    sfe_json_begin_array(writer, "unknown");
    if (why_not[0] != '\0') {
        sfe_json_put_text(writer, NULL, sfe_slice_text(why_not));
    }
    if (trace->answer.count == 0) {
        sfe_json_put_text(writer, NULL,
                          SFE_TEXT("the agent does not run: what it was answered is not known"));
    } else if (answers == SFE_JSON_NONE || sfe_json_length(&trace->answer, answers) == 0) {
        sfe_json_put_text(writer, NULL,
                          SFE_TEXT("no answer is known: none has come since the agent started, or "
                                   "it is older than those that are kept (watch.trace)"));
    }
    sfe_json_end_array(writer);
}

static enum sfe_code make_document(struct trace *trace, struct sfe_error *err)
{
    struct sfe_json_writer writer = sfe_json_writer_make(&trace->document);
    char name[SFE_NAME_BYTES_MAX + 32u];
    char why_not[TEXT_BYTES] = "";

    if (snprintf(name, sizeof(name), "%s:%" PRIu64, trace->stream, trace->sequence) < 0) {
        name[0] = '\0';
    }
    sfe_builder_rewind(&trace->document, 0);
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "event", sfe_slice_text(name));
    sfe_json_put_text(&writer, "stream", sfe_slice_text(trace->stream));
    sfe_json_put_u64(&writer, "sequence", trace->sequence);
    sfe_json_put_bool(&writer, "agent_runs", trace->answer.count != 0);
    enum sfe_code code = put_flash(trace, &writer, why_not, err);
    if (code == SFE_OK) {
        put_answers(trace, &writer);
        put_outputs(trace, &writer);
        code = put_letters(trace, &writer, err);
    }
    put_unknown(trace, &writer, why_not);
    sfe_json_end_object(&writer);
    return code == SFE_OK && trace->document.overflowed
               ? sfe_fail(err, SFE_E_TOO_LARGE, "what is known does not fit")
               : code;
}

/* Outputs that have not settled the event, as the agent says. */
static uint32_t count_open(const struct trace *trace)
{
    const uint32_t outputs = answered(trace, "outputs");
    const struct sfe_json *json = &trace->answer;
    uint32_t open = 0;

    for (uint32_t at = outputs == SFE_JSON_NONE ? outputs : sfe_json_first(json, outputs);
         at != SFE_JSON_NONE; at = sfe_json_next(json, outputs, at)) {
        const uint32_t settled = sfe_json_member(json, at, SFE_TEXT("settled"));
        open +=
            settled != SFE_JSON_NONE && sfe_json_kind(json, settled) == SFE_JSON_FALSE ? 1u : 0u;
    }
    return open;
}

static enum sfe_code print_document(struct trace *trace, struct sfe_error *err)
{
    struct sfe_json json;

    sfe_builder_rewind(&trace->printed, 0);
    if (trace->arguments->json) {
        sfe_process_print(sfe_builder_slice(&trace->document));
        sfe_process_print(SFE_TEXT("\n"));
        return SFE_OK;
    }
    enum sfe_code code = sfe_json_parse(sfe_builder_slice(&trace->document), 0, trace->tokens,
                                        TOKENS_MAX, &json, err);
    if (code == SFE_OK) {
        sfe_way_add_text(&json, &trace->printed);
        sfe_process_print(sfe_builder_slice(&trace->printed));
    }
    return code;
}

static enum sfe_code show_event(struct trace *trace, const char *text, struct trace_found *found,
                                struct sfe_error *err)
{
    enum sfe_code code = open_trace(trace, err);

    if (code == SFE_OK) {
        code = read_event(trace, text, err);
    }
    if (code == SFE_OK) {
        code = find_event(trace, err);
    }
    if (code == SFE_OK) {
        found->sequence = trace->sequence;
        found->open = count_open(trace);
        memcpy(found->stream, trace->stream, sizeof(found->stream));
        code = make_document(trace, err);
    }
    return code == SFE_OK ? print_document(trace, err) : code;
}

enum sfe_code trace_show(const struct sfe_arguments *arguments, const char *text,
                         struct trace_found *found, struct sfe_error *err)
{
    struct trace trace = {.arguments = arguments};
    enum sfe_code code = show_event(&trace, text, found, err);

    state_close(&trace.state);
    return code;
}

int sfe_cli_trace(const struct sfe_arguments *arguments)
{
    struct trace_found found = {.sequence = 0};
    struct sfe_error err;
    enum sfe_code code = SFE_OK;

    if (arguments->follow && (arguments->topics == NULL) != (arguments->word_count == 0)) {
        code = trace_follow(arguments, &err);
    } else if (arguments->follow || arguments->topics != NULL || arguments->word_count == 0) {
        code = sfe_fail(&err, SFE_E_USAGE,
                        "it needs an event: STREAM:NUMBER, an external ID, or --topic with "
                        "--follow for the next one");
    } else {
        code = trace_show(arguments, arguments->words[0], &found, &err);
    }
    return code == SFE_OK ? 0 : sfe_cli_fail("trace", &err);
}
