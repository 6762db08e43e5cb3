/* What commands ask a running agent over its control socket: the status document, to follow what
 * happens to events, and what is known of
 * one event, and to reload. A question is one JSON object. */
#include "run/drain.h"
#include "run/service.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/time_format.h"
#include "input/intake.h"
#include "salesforce/records.h"
#include "status/note.h"
#include "stream/settled.h"

#include <string.h>

#define TOKENS_MAX  48u
#define ANSWERS_MAX 32u

/* Scratch, taken at open: too large for a frame. */
struct questions {
    struct sfe_watch_entry answers[ANSWERS_MAX];
    uint8_t text[SFE_WATCH_TEXT_BYTES];
    struct sfe_cursor cursor;
};

struct question {
    struct sfe_agent *agent;
    struct sfe_json json;
    struct sfe_builder *out;
};

size_t agent_questions_memory_bytes(const struct sfe_config *config)
{
    return sfe_arena_cost(sizeof(struct questions)) + sfe_watch_memory_bytes(config->watch.trace);
}

enum sfe_code agent_open_questions(struct sfe_agent *agent, const struct sfe_config *config,
                                   struct sfe_error *err)
{
    const struct sfe_watch_options options = {
        .kept_answers = config->watch.trace,
        .clock = &agent->platform->clock,
        .topic_matches = sfe_topic_matches,
        .wake = agent->platform->poller.wake,
        .context = agent->platform->poller.context,
    };

    agent->questions = sfe_arena_take(agent->arena, sizeof(*agent->questions), err);
    return agent->questions == NULL ? err->code
                                    : sfe_watch_open(&options, agent->arena, &agent->watch, err);
}

/* Copies the text of a member; "" where there is none. False: it is too long for its place. */
static bool read_text(const struct question *question, const char *name, char *place,
                      size_t capacity)
{
    const uint32_t token = sfe_json_member(&question->json, 0, sfe_slice_text(name));
    struct sfe_builder text = sfe_builder_make(place, capacity - 1u);

    if (token != SFE_JSON_NONE && sfe_json_kind(&question->json, token) == SFE_JSON_STRING) {
        sfe_json_add_text(&question->json, token, &text);
    }
    place[text.size] = '\0';
    return !text.overflowed;
}

static uint64_t read_number(const struct question *question, const char *name)
{
    const uint32_t token = sfe_json_member(&question->json, 0, sfe_slice_text(name));
    uint64_t number = 0;

    if (token == SFE_JSON_NONE || sfe_json_kind(&question->json, token) != SFE_JSON_NUMBER) {
        return 0;
    }
    struct sfe_slice digits = sfe_json_raw(&question->json, token);
    for (size_t i = 0; i < digits.size && digits.bytes[i] >= '0' && digits.bytes[i] <= '9'; i++) {
        number = number * 10u + (uint64_t)(digits.bytes[i] - '0');
    }
    return number;
}

static void refuse(struct sfe_builder *out, const char *why)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);

    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "refused", sfe_slice_text(why));
    sfe_json_end_object(&writer);
    sfe_builder_add_byte(out, '\n');
}

static bool answer_tap(const struct question *question)
{
    struct sfe_watch_filter filter = {.stages = 0};
    const uint32_t payload = sfe_json_member(&question->json, 0, SFE_TEXT("payload"));
    char stages[64];

    if (!read_text(question, "at", stages, sizeof(stages)) ||
        !read_text(question, "input", filter.input, sizeof(filter.input)) ||
        !read_text(question, "stream", filter.stream, sizeof(filter.stream)) ||
        !read_text(question, "output", filter.output, sizeof(filter.output)) ||
        !read_text(question, "topic", filter.topic, sizeof(filter.topic))) {
        refuse(question->out, "a name or the topic filter is too long");
        return false;
    }
    filter.stages = sfe_note_read_stages(sfe_slice_text(stages));
    filter.shows_payload =
        payload != SFE_JSON_NONE && sfe_json_kind(&question->json, payload) == SFE_JSON_TRUE;
    if (filter.stages == 0) {
        refuse(question->out, "there is no such stage");
        return false;
    }
    if (!sfe_control_claim(question->agent->control)) {
        refuse(question->out, "another tap or trace follows this agent already");
        return false;
    }
    sfe_watch_follow(question->agent->watch, &filter);
    sfe_builder_add_text(question->out, "{\"following\":true}\n");
    return true;
}

static void put_outputs(const struct question *question, struct sfe_json_writer *writer,
                        uint32_t stream, uint64_t sequence)
{
    const struct sfe_agent *agent = question->agent;

    sfe_json_begin_array(writer, "outputs");
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        const struct agent_output *output = &agent->set.outputs[i];
        if (output->stream_index != stream) {
            continue;
        }
        sfe_output_cursor(output->output, &agent->questions->cursor);
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "output", sfe_slice_text(output->name));
        sfe_json_put_bool(writer, "settled", sfe_settled_has(&agent->questions->cursor, sequence));
        sfe_json_put_u64(writer, "cursor", agent->questions->cursor.sequence);
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

static void put_stream(const struct question *question, struct sfe_json_writer *writer,
                       const char *name, uint64_t sequence)
{
    const struct sfe_agent *agent = question->agent;

    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        struct sfe_stream_facts facts;
        if (strcmp(agent->set.config->streams[i].name, name) != 0) {
            continue;
        }
        sfe_stream_facts(agent->set.streams[i].stream, &facts);
        sfe_json_put_u64(writer, "first_sequence", facts.first_sequence);
        sfe_json_put_u64(writer, "durable_sequence", facts.durable_sequence);
        put_outputs(question, writer, i, sequence);
    }
}

static void put_kept(const struct question *question, struct sfe_json_writer *writer)
{
    struct sfe_watch_facts facts;
    uint8_t memory[40];
    struct sfe_builder time = sfe_builder_make(memory, sizeof(memory));

    sfe_watch_facts(question->agent->watch, &facts);
    sfe_json_begin_object(writer, "kept");
    sfe_json_put_u64(writer, "capacity", facts.capacity);
    sfe_json_put_u64(writer, "told", facts.told);
    if (facts.oldest_ns != 0) {
        sfe_time_add_datetime(&time, facts.oldest_ns);
        sfe_json_put_text(writer, "oldest", sfe_builder_slice(&time));
    }
    sfe_json_end_object(writer);
}

static void answer_trace(const struct question *question)
{
    struct sfe_json_writer writer = sfe_json_writer_make(question->out);
    const struct questions *scratch = question->agent->questions;
    char stream[SFE_WATCH_NAME_BYTES];
    char id[SFE_EXTERNAL_ID_BYTES_MAX + 1u];
    struct sfe_watch_query query = {stream, read_number(question, "sequence"), 0};

    if (!read_text(question, "stream", stream, sizeof(stream)) ||
        !read_text(question, "id", id, sizeof(id))) {
        refuse(question->out, "no event has such a name");
        return;
    }
    query.id_hash = sfe_records_hash_id(sfe_slice_text(id));
    const uint32_t count = sfe_watch_find(question->agent->watch, &query,
                                          question->agent->questions->answers, ANSWERS_MAX);
    const bool is_found = query.sequence == 0 && count != 0;
    const char *name = is_found ? scratch->answers[0].stream : stream;
    const uint64_t sequence = is_found ? scratch->answers[0].sequence : query.sequence;
    sfe_json_begin_object(&writer, NULL);
    if (sequence != 0) {
        sfe_json_put_text(&writer, "stream", sfe_slice_text(name));
        sfe_json_put_u64(&writer, "sequence", sequence);
        put_stream(question, &writer, name, sequence);
    }
    put_kept(question, &writer);
    sfe_json_begin_array(&writer, "answers");
    for (uint32_t i = 0; i < count; i++) {
        sfe_note_put(&scratch->answers[i], &writer);
    }
    sfe_json_end_array(&writer);
    sfe_json_end_object(&writer);
}

static void answer_metrics(struct sfe_agent *agent, struct sfe_builder *out)
{
    agent_add_metrics(agent, out);
    if (out->overflowed) {
        sfe_builder_rewind(out, 0);
        refuse(out, "they are too large for this socket; ask for /metrics");
    }
}

static enum sfe_control_next answer_reload(const struct question *question)
{
    if (sfe_control_has_waiting(question->agent->control)) {
        sfe_builder_add_text(question->out,
                             "{\"mistakes\":[{\"message\":\"another client waits for "
                             "a reload; try again\"}],\"ok\":false}");
        return SFE_CONTROL_ENDS;
    }
    agent_begin_asked_reload(question->agent);
    return SFE_CONTROL_WAITS;
}

static bool read_truth(const struct question *question, const char *name)
{
    const uint32_t token = sfe_json_member(&question->json, 0, sfe_slice_text(name));

    return token != SFE_JSON_NONE && sfe_json_kind(&question->json, token) == SFE_JSON_TRUE;
}

static void answer_drain(const struct question *question)
{
    const uint64_t most = UINT64_MAX / 1000000u;
    const uint64_t within_ms = read_number(question, "within_ms");
    struct agent_drain_question drain = {
        .wish = AGENT_DRAIN_GO_ON,
        .within_ns = (within_ms < most ? within_ms : most) * 1000000u,
        .stays = read_truth(question, "stay"),
    };

    if (read_truth(question, "look")) {
        drain.wish = AGENT_DRAIN_LOOK;
    } else if (read_truth(question, "cancel")) {
        drain.wish = AGENT_DRAIN_CANCEL;
    }
    agent_answer_drain(question->agent, &drain, question->out);
}

enum sfe_control_next agent_answer(void *owner, struct sfe_slice text, struct sfe_builder *out)
{
    struct question question = {.agent = owner, .out = out};
    struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_error ignored;
    char ask[16] = "";

    if (sfe_json_parse(text, 0, tokens, TOKENS_MAX, &question.json, &ignored) != SFE_OK ||
        sfe_json_kind(&question.json, 0) != SFE_JSON_OBJECT ||
        !read_text(&question, "ask", ask, sizeof(ask))) {
        refuse(out, "this is not a question");
        return SFE_CONTROL_ENDS;
    }
    if (strcmp(ask, "tap") == 0) {
        return answer_tap(&question) ? SFE_CONTROL_FOLLOWS : SFE_CONTROL_ENDS;
    }
    if (strcmp(ask, "reload") == 0) {
        return answer_reload(&question);
    }
    if (strcmp(ask, "drain") == 0) {
        answer_drain(&question);
    } else if (strcmp(ask, "status") == 0) {
        agent_add_status(owner, out);
    } else if (strcmp(ask, "metrics") == 0) {
        answer_metrics(owner, out);
    } else if (strcmp(ask, "trace") == 0) {
        answer_trace(&question);
    } else {
        refuse(out, "this agent does not know the question: it is of another version");
    }
    return SFE_CONTROL_ENDS;
}

void agent_go_on(void *owner, struct sfe_builder *out)
{
    struct sfe_agent *agent = owner;
    struct sfe_watch_entry entry;

    SFE_ASSERT(out->capacity / 2u >= SFE_NOTE_BYTES_MAX);
    while (out->size < out->capacity / 2u &&
           sfe_watch_take(agent->watch, &entry, agent->questions->text)) {
        sfe_note_add(&entry, agent->questions->text, out);
    }
    SFE_ASSERT(!out->overflowed);
}

void agent_gone(void *owner)
{
    const struct sfe_agent *agent = owner;

    sfe_watch_unfollow(agent->watch);
}
