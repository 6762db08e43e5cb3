#include "run/open_http.h"
#include "run/rehearsal.h"

#include "base/arena.h"
#include "base/assert.h"
#include "target/file.h"
#include "run/open_sources.h"
#include "run/rehearsal_parts.h"

#include <stdio.h>

/* An event that is not settled after so many turns will not be. */
#define TURNS_MAX   1000u
#define FIXED_BYTES (28u * 1024u * 1024u)
#define FOUND_BYTES 4096u
/* The files and notes of an output to files. */
#define LINES_BYTES (1024u * 1024u)

static uint64_t monotonic_ns(void *context)
{
    return ((const struct rehearsal *)context)->now_ns;
}

/* A clock that is unset here says nothing about the gateway. */
static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    const struct sfe_clock *clock = &((struct rehearsal *)context)->options->platform->clock;
    enum sfe_clock_quality quality = clock->wall_ns(clock->context, unix_ns);

    return quality == SFE_CLOCK_UNSET ? SFE_CLOCK_COASTING : quality;
}

static void boot_id(void *context, uint8_t id[16])
{
    const struct sfe_clock *clock = &((struct rehearsal *)context)->options->platform->clock;

    clock->boot_id(clock->context, id);
}

static void wake(void *context)
{
    (void)context;
}

static enum sfe_code open_platform(struct rehearsal *rehearsal, struct sfe_error *err)
{
    const struct sfe_platform *real = rehearsal->options->platform;
    struct sfe_platform *made = &rehearsal->platform;
    int64_t unix_ns = 0;

    rehearsal->now_ns = sfe_clock_monotonic_ns(&real->clock);
    made->clock = (struct sfe_clock){rehearsal, monotonic_ns, wall_ns, boot_id};
    made->entropy = real->entropy;
    made->poller.context = rehearsal;
    made->poller.wake = wake;
    rehearsal_crypto(&made->crypto);
    (void)wall_ns(rehearsal, &unix_ns);
    rehearsal->org.audience = &rehearsal->options->audience;
    rehearsal->org.answer = rehearsal->options->answer;
    rehearsal->org.unix_s = unix_ns / 1000000000;
    enum sfe_code code =
        rehearsal_storage_open(&rehearsal->storage, rehearsal->options->arena, &made->storage, err);
    if (code == SFE_OK) {
        code = rehearsal_org_open(&rehearsal->org, rehearsal->options->arena, &made->http, err);
    }
    rehearsal->broker.audience = &rehearsal->options->audience;
    return code == SFE_OK
               ? rehearsal_broker_open(&rehearsal->broker, rehearsal->config.agent.event_bytes_max,
                                       rehearsal->options->arena, &made->mqtt, err)
               : code;
}

static enum sfe_code copy_config(struct rehearsal *rehearsal, struct sfe_error *err)
{
    const struct sfe_config *config = rehearsal->options->config;
    const size_t count = config->connection_count;
    struct sfe_config_connection *connections =
        sfe_arena_take(rehearsal->options->arena, (count + 1u) * sizeof(*connections), err);

    if (connections == NULL) {
        return err->code;
    }
    for (size_t i = 0; i < count; i++) {
        connections[i] = config->connections[i];
        connections[i].salesforce.compress = false;
    }
    rehearsal->config = *config;
    rehearsal->config.connections = connections;
    return SFE_OK;
}

/* All but the sources: nobody is connected to. */
static enum sfe_code open_set(struct rehearsal *rehearsal, struct sfe_error *err)
{
    struct sfe_agent *agent = rehearsal->agent;
    struct agent_set none = {0};
    enum sfe_code code = agent_take_set(&agent->set, agent->arena, err);

    /* Held by the rehearsal as well, so that nobody gives back what is the caller's. */
    rehearsal->setup = (struct sfe_setup){
        .config = &rehearsal->config, .compiled = *rehearsal->options->compiled, .holders = 1};
    rehearsal->setup.compiled.config = &rehearsal->config;
    if (code == SFE_OK) {
        code = agent_plan_set(&agent->set, &rehearsal->setup, &none, err);
    }
    if (code == SFE_OK) {
        code = agent_open_streams(agent, &agent->set, err);
    }
    if (code == SFE_OK) {
        code = agent_open_orgs(agent, &agent->set, err);
    }
    if (code == SFE_OK) {
        code = agent_open_targets(agent, &agent->set, err);
    }
    return code == SFE_OK ? agent_begin_outputs(agent, &agent->set, err) : code;
}

static enum sfe_code open_agent(struct rehearsal *rehearsal, struct sfe_error *err)
{
    struct sfe_arena *arena = NULL;
    struct sfe_agent *agent;
    enum sfe_code code = agent_open_fixed_arena(&rehearsal->config, &arena, err);

    if (code != SFE_OK) {
        return code;
    }
    agent = sfe_arena_take(arena, sizeof(*agent), err);
    if (agent == NULL) {
        sfe_arena_close(arena);
        return err->code;
    }
    agent->platform = &rehearsal->platform;
    agent->arena = arena;
    agent->opened_ns = rehearsal->now_ns;
    atomic_store(&agent->cloud_has_drained, true);
    rehearsal->agent = agent;
    agent->flash_bell.mutex = sfe_mutex_open();
    agent->flash_bell.condition = sfe_condition_open();
    if (agent->flash_bell.mutex == NULL || agent->flash_bell.condition == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    code = agent_open_cursors(agent, err);
    return code == SFE_OK ? open_set(rehearsal, err) : code;
}

static enum sfe_code open_scratch(struct rehearsal *rehearsal, struct sfe_error *err)
{
    struct sfe_arena *arena = rehearsal->options->arena;
    const size_t result_bytes = 2u * (size_t)rehearsal->config.agent.event_bytes_max + FOUND_BYTES;
    uint8_t *found = sfe_arena_take(arena, FOUND_BYTES, err);
    uint8_t *result = sfe_arena_take(arena, result_bytes, err);

    rehearsal->tokens =
        sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*rehearsal->tokens), err);
    if (found == NULL || result == NULL || rehearsal->tokens == NULL) {
        return SFE_E_NO_MEMORY;
    }
    rehearsal->step.found = sfe_builder_make(found, FOUND_BYTES);
    rehearsal->step.result = sfe_builder_make(result, result_bytes);
    return rehearsal_bulk_open(rehearsal, err);
}

/* The filter behind "$share/group/". */
static struct sfe_slice filter_of(const char *topic)
{
    const char *group = strncmp(topic, "$share/", 7) == 0 ? strchr(topic + 7, '/') : NULL;

    return sfe_slice_text(group == NULL ? topic : group + 1);
}

/* The routes of one connection's inputs. *is_matched: one of them takes the topic. */
static struct sfe_intake_route *make_routes(const struct rehearsal *rehearsal, uint32_t connection,
                                            struct sfe_slice topic, uint32_t *count,
                                            bool *is_matched, struct sfe_error *err)
{
    const struct sfe_config *config = &rehearsal->config;
    struct sfe_intake_route *routes = sfe_arena_take(
        rehearsal->options->arena, (config->input_count + 1u) * sizeof(*routes), err);

    for (uint32_t i = 0; routes != NULL && i < config->input_count; i++) {
        const struct sfe_config_input *input = &config->inputs[i];
        if (input->connection == connection && input->type != SFE_INPUT_MQTT_ASK) {
            routes[(*count)++] = agent_route(&rehearsal->agent->set, input);
            *is_matched = *is_matched || sfe_topic_matches(filter_of(input->topic), topic);
        }
    }
    return routes;
}

/* Offers the message to the inputs of one connection. *is_taken: there is one that takes it. */
static enum sfe_code offer(struct rehearsal *rehearsal, uint32_t connection,
                           struct sfe_message message, bool *is_taken, struct sfe_error *err)
{
    struct sfe_agent *agent = rehearsal->agent;
    struct sfe_receipt receipts[SFE_INPUTS_MAX + 1u];
    struct sfe_intake *intake = NULL;
    struct sfe_intake_options options = {
        .dead = agent->set.streams[agent->set.config->dead_stream].stream,
        .event_bytes_max = agent->set.config->agent.event_bytes_max,
        .clock = &agent->platform->clock,
        .agent_id = agent->set.config->agent.id,
    };
    uint32_t count = 0;
    bool is_matched = false;

    options.routes =
        make_routes(rehearsal, connection, message.topic, &options.route_count, &is_matched, err);
    if (options.routes == NULL) {
        return err->code;
    }
    if (!is_matched) {
        return SFE_OK; /* The broker would not have sent it. */
    }
    *is_taken = true;
    enum sfe_code code = sfe_intake_open(&options, rehearsal->options->arena, &intake, err);
    return code == SFE_OK
               ? sfe_intake_accept(intake, &message, receipts, SFE_INPUTS_MAX + 1u, &count, err)
               : code;
}

static enum sfe_code offer_all(struct rehearsal *rehearsal,
                               const struct sfe_rehearsal_message *given, struct sfe_error *err)
{
    const size_t most = rehearsal->config.agent.event_bytes_max;
    const struct sfe_message message = {
        .topic = given->topic,
        .payload = given->payload.size <= most
                       ? given->payload
                       : sfe_slice_part(given->payload, 0, SFE_EVENT_EXCERPT_BYTES),
        .payload_bytes = given->payload.size,
        .identity = given->identity,
        .is_retained = given->is_retained,
    };
    bool is_taken = false;
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < rehearsal->config.connection_count && code == SFE_OK; i++) {
        if (rehearsal->config.connections[i].type == SFE_CONNECTION_MQTT) {
            code = offer(rehearsal, i, message, &is_taken, err);
        }
    }
    if (code == SFE_OK) {
        code = offer(rehearsal, AGENT_NONE, message, &is_taken, err); /* Inputs of type http. */
    }
    if (code == SFE_OK && !is_taken) {
        return sfe_fail(err, SFE_E_UNMAPPED, "no input takes this topic");
    }
    return code;
}

/* Tells of each event of a stream that was not told of. */
static enum sfe_code tell_events(struct rehearsal *rehearsal, uint32_t index, struct sfe_error *err)
{
    uint64_t *next = &rehearsal->next[index];
    const struct agent_stream *stream = &rehearsal->agent->set.streams[index];
    const bool is_dead = index == rehearsal->config.dead_stream;
    struct sfe_stream_reader *reader = NULL;
    struct sfe_event event;
    int64_t time_ns = 0;
    enum sfe_code code =
        sfe_stream_reader_open(stream->stream, rehearsal->options->arena, &reader, err);

    if (code != SFE_OK) {
        return code;
    }
    sfe_stream_reader_seek(reader, *next);
    while ((code = sfe_stream_reader_next(reader, &event, &time_ns, NULL, err)) == SFE_OK) {
        char id[33] = "";
        struct sfe_builder text = sfe_builder_make(id, sizeof(id) - 1u);
        sfe_event_add_identity(&event, &text);
        const struct sfe_rehearsal_route route = {sfe_stream_name(stream->stream), event.source,
                                                  event.annotation, sfe_builder_slice(&text)};
        rehearsal->options->audience.on_route(rehearsal->options->audience.reader, &route);
        rehearsal->has_letter = rehearsal->has_letter || is_dead;
        *next = event.sequence + 1u;
    }
    sfe_stream_reader_close(reader);
    return code == SFE_E_END ? SFE_OK : code;
}

/* What is new in any stream: the message itself, letters, and answers that others read. */
static enum sfe_code tell_new(struct rehearsal *rehearsal, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < rehearsal->agent->set.stream_count && code == SFE_OK; i++) {
        const uint64_t from = rehearsal->next[i];
        if (sfe_stream_durable(rehearsal->agent->set.streams[i].stream) < from) {
            continue;
        }
        code = tell_events(rehearsal, i, err);
        if (code == SFE_OK && rehearsal->options->audience.on_step != NULL) {
            code = rehearsal_explain_stream(rehearsal, i, from, err);
        }
    }
    return code;
}

static enum sfe_code commit_all(struct rehearsal *rehearsal, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < rehearsal->agent->set.stream_count && code == SFE_OK; i++) {
        code = sfe_stream_commit(rehearsal->agent->set.streams[i].stream, rehearsal->now_ns, err);
    }
    return code;
}

static void on_answer(void *visitor, const struct sfe_http_answer *answer)
{
    struct rehearsal *rehearsal = visitor;
    struct sfe_http_owner *owner = answer->tag;

    SFE_ASSERT(owner != NULL && rehearsal != NULL);
    owner->on_answer(owner, answer);
}

static bool is_settled(const struct rehearsal *rehearsal)
{
    for (uint32_t i = 0; i < rehearsal->agent->set.output_count; i++) {
        struct sfe_output_facts facts;
        sfe_output_facts(rehearsal->agent->set.outputs[i].output, &facts);
        if (facts.backlog != 0) {
            return false;
        }
    }
    return true;
}

/* The lines that files would get. */
static void write_files(struct rehearsal *rehearsal)
{
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;

    for (uint32_t i = 0; i < rehearsal->agent->set.output_count; i++) {
        const struct agent_output *output = &rehearsal->agent->set.outputs[i];
        struct sfe_rehearsal_request told = {.method = "WRITE"};
        if (output->file != NULL && sfe_file_output_pending(output->file, &told.body)) {
            told.path = rehearsal->config.outputs[output->config_index].file.directory;
            audience->on_request(audience->reader, &told);
            (void)sfe_file_output_flash_turn(output->file, rehearsal->now_ns);
        }
    }
}

/* The turns of the cloud, with what becomes due in between, until all is settled. */
static enum sfe_code deliver(struct rehearsal *rehearsal, struct sfe_error *err)
{
    const struct sfe_http *http = &rehearsal->platform.http;

    for (uint32_t turn = 0; turn < TURNS_MAX && !is_settled(rehearsal); turn++) {
        uint64_t due_ns = sfe_agent_cloud_turn(rehearsal->agent, rehearsal->now_ns);
        enum sfe_code code = http->poll(http->context, 0, on_answer, rehearsal, err);
        write_files(rehearsal);
        if (code == SFE_OK) {
            code = commit_all(rehearsal, err);
        }
        if (code == SFE_OK) {
            code = tell_new(rehearsal, err);
        }
        if (code != SFE_OK) {
            return code;
        }
        if (due_ns != UINT64_MAX && due_ns > rehearsal->now_ns) {
            rehearsal->now_ns = due_ns;
        }
    }
    if (!is_settled(rehearsal)) {
        return sfe_fail(err, SFE_E_AGAIN, "an output did not settle the event");
    }
    return SFE_OK;
}

static enum sfe_code rehearse(struct rehearsal *rehearsal,
                              const struct sfe_rehearsal_message *message, struct sfe_error *err)
{
    enum sfe_code code = offer_all(rehearsal, message, err);

    if (code == SFE_OK) {
        code = commit_all(rehearsal, err);
    }
    for (uint32_t i = 0; i < rehearsal->agent->set.stream_count; i++) {
        rehearsal->next[i] = 1;
    }
    if (code == SFE_OK) {
        code = tell_new(rehearsal, err);
    }
    if (code == SFE_OK) {
        code = deliver(rehearsal, err);
    }
    if (code == SFE_OK && rehearsal->has_letter) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the message would go to the dead letters");
    }
    return code;
}

size_t sfe_rehearsal_bytes_max(const struct sfe_config *config)
{
    size_t bytes = FIXED_BYTES + sfe_agent_memory_bytes_max(config) +
                   rehearsal_broker_bytes(config->agent.event_bytes_max);

    for (uint32_t i = 0; i < config->output_count; i++) {
        if (config->outputs[i].type == SFE_OUTPUT_FILE) {
            bytes += config->outputs[i].from_count * LINES_BYTES;
        }
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        bytes += 2u * (size_t)config->streams[i].segment_bytes;
        bytes += 8u * ((size_t)config->agent.event_bytes_max + 128u * 1024u);
    }
    return bytes;
}

enum sfe_code sfe_rehearse(const struct sfe_rehearsal_options *options,
                           const struct sfe_rehearsal_message *message, struct sfe_error *err)
{
    struct rehearsal *rehearsal = sfe_arena_take(options->arena, sizeof(*rehearsal), err);

    if (rehearsal == NULL) {
        return err->code;
    }
    rehearsal->options = options;
    enum sfe_code code = copy_config(rehearsal, err);
    if (code == SFE_OK) {
        code = open_platform(rehearsal, err);
    }
    if (code == SFE_OK) {
        code = open_agent(rehearsal, err);
    }
    if (code == SFE_OK) {
        code = open_scratch(rehearsal, err);
    }
    if (code == SFE_OK) {
        code = rehearse(rehearsal, message, err);
    }
    sfe_agent_close(rehearsal->agent);
    return code;
}
