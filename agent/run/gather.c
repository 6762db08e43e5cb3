#include "run/drain.h"
#include "run/open_http.h"
#include "run/open_sources.h"
#include "run/outputs.h"
#include "run/service.h"
#include "run/trial.h"
#include "run/waits.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/metered_storage.h"
#include "port/process.h"
#include "status/health.h"
#include "status/metrics.h"
#include "status/monitor.h"

/* Scratch for the document, taken at open: too large for a frame. */
struct gathered {
    struct sfe_status_link links[AGENT_SOURCES_MAX];
    struct sfe_status_input inputs[SFE_INPUTS_MAX];
    struct sfe_status_stream streams[SFE_STREAMS_MAX + 1u];
    struct sfe_status_org orgs[SFE_CONNECTIONS_MAX];
    struct sfe_status_output outputs[AGENT_OUTPUTS_MAX];
};

size_t agent_gathered_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct gathered));
}

enum sfe_code agent_open_gathered(struct sfe_agent *agent, struct sfe_error *err)
{
    agent->gathered = sfe_arena_take(agent->arena, sizeof(*agent->gathered), err);
    return agent->gathered == NULL ? err->code : SFE_OK;
}

static void gather_links(struct sfe_agent *agent, struct sfe_status *status)
{
    SFE_ASSERT(agent->set.source_count <= AGENT_SOURCES_MAX);
    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        struct sfe_status_link *link = &agent->gathered->links[i];
        memset(link, 0, sizeof(*link)); /* A reload may have put another source here. */
        agent->set.sources[i].source.facts(agent->set.sources[i].source.context, &link->source);
        if (agent->set.sources[i].intake != NULL) {
            sfe_intake_facts(agent->set.sources[i].intake, &link->intake);
        }
    }
    status->links = agent->gathered->links;
    status->link_count = agent->set.source_count;
}

static void gather_inputs(struct sfe_agent *agent, struct sfe_status *status)
{
    struct sfe_status_input *inputs = agent->gathered->inputs;

    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        struct sfe_intake_input facts;
        if (agent->set.sources[i].intake == NULL) {
            continue; /* What it takes is no event. */
        }
        for (uint32_t j = 0; sfe_intake_input(agent->set.sources[i].intake, j, &facts); j++) {
            SFE_ASSERT(status->input_count < SFE_INPUTS_MAX);
            struct sfe_status_input *input = &inputs[status->input_count++];
            *input = (struct sfe_status_input){
                .connection = agent->gathered->links[i].source.connection, .facts = facts};
            input->has_channel =
                agent->set.sources[i].events != NULL &&
                sfe_salesforce_events_facts(agent->set.sources[i].events, j, &input->channel);
        }
    }
    status->inputs = inputs;
}

static void gather_streams(struct sfe_agent *agent, struct sfe_status *status)
{
    SFE_ASSERT(agent->set.stream_count <= SFE_STREAMS_MAX + 1u);
    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        struct sfe_status_stream *stream = &agent->gathered->streams[i];
        stream->name = agent->set.config->streams[i].name;
        stream->quota_bytes = agent->set.config->streams[i].quota_bytes;
        sfe_stream_facts(agent->set.streams[i].stream, &stream->facts);
        if (agent->set.streams[i].thin != NULL) {
            sfe_thin_facts(agent->set.streams[i].thin, &stream->thin);
        }
        stream->rate_per_minute =
            sfe_rate_per_minute(&agent->set.streams[i].rate, stream->facts.durable_sequence);
    }
    status->streams = agent->gathered->streams;
    status->stream_count = agent->set.stream_count;
}

static void gather_bulk(const struct sfe_agent *agent, const struct agent_output *output,
                        struct sfe_status_output *status)
{
    status->has_bulk = output->bulk != NULL;
    if (output->bulk == NULL) {
        return;
    }
    sfe_bulk_facts(output->bulk, &status->bulk);
    status->job_age_ns = 0;
    if (status->bulk.begun_ns != 0) {
        status->job_age_ns =
            sfe_clock_monotonic_ns(&agent->platform->clock) - status->bulk.begun_ns;
    }
}

static uint64_t written_bytes(const struct sfe_agent *agent)
{
    return agent->metered == NULL ? 0 : atomic_load(&agent->metered->written_bytes);
}

/* After the streams. */
static void gather_wear(struct sfe_agent *agent, struct sfe_status *status)
{
    struct sfe_wear_facts *wear = &status->wear;

    wear->written_bytes = written_bytes(agent);
    wear->last_minute_bytes = sfe_rate_per_minute(&agent->written, wear->written_bytes);
    wear->syncs = agent->metered == NULL ? 0 : atomic_load(&agent->metered->syncs);
    wear->uptime_ns = status->uptime_ns;
    wear->flash_bytes = agent->set.config->agent.flash_bytes;
    wear->flash_cycles = agent->set.config->agent.flash_cycles;
    wear->events = agent->left_events;
    wear->payload_bytes = agent->left_payload_bytes;
    for (uint32_t i = 0; i < status->stream_count; i++) {
        wear->events += status->streams[i].facts.written_events;
        wear->payload_bytes += status->streams[i].facts.payload_bytes;
    }
}

static void gather_outputs(struct sfe_agent *agent, struct sfe_status *status)
{
    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        agent->gathered->orgs[i].connection = agent->set.orgs[i].connection;
        sfe_org_facts(agent->set.orgs[i].org, &agent->gathered->orgs[i].facts);
    }
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        struct sfe_status_output *output = &agent->gathered->outputs[i];
        output->name = agent->set.outputs[i].name;
        output->stream = agent->set.config->streams[agent->set.outputs[i].stream_index].name;
        sfe_output_facts(agent->set.outputs[i].output, &output->facts);
        agent_mqtt_link_facts(&agent->set.outputs[i], &output->facts);
        output->rate_per_minute =
            sfe_rate_per_minute(&agent->set.outputs[i].rate, output->facts.delivered);
        gather_bulk(agent, &agent->set.outputs[i], output);
        struct sfe_join *join = agent_join_of(&agent->set.outputs[i]);
        output->has_join = join != NULL;
        if (join != NULL) {
            sfe_join_facts(join, &output->join);
        }
        output->has_file = agent->set.outputs[i].file != NULL;
        if (output->has_file) {
            sfe_file_output_facts(agent->set.outputs[i].file, &output->file);
        }
    }
    status->orgs = agent->gathered->orgs;
    status->org_count = agent->set.org_count;
    status->outputs = agent->gathered->outputs;
    status->output_count = agent->set.output_count;
}

static void gather(void *owner, struct sfe_status *status)
{
    struct sfe_agent *agent = owner;
    const struct sfe_platform *platform = agent->platform;
    struct sfe_error err;

    *status = (struct sfe_status){
        .agent_id = agent->set.config->agent.id,
        .uptime_ns = sfe_clock_monotonic_ns(&platform->clock) - agent->opened_ns,
        .monotonic_ns = sfe_clock_monotonic_ns(&platform->clock),
        .memory_bytes = sfe_process_memory_bytes(),
        .resident_bytes = sfe_process_resident_bytes(),
        .heap_bytes = sfe_process_heap_bytes(),
        .quota_bytes = agent->set.config->agent.quota_bytes,
        .arena_bytes = agent_taken(agent),
        .is_stopping = atomic_load(&agent->is_stopping),
        .is_draining = agent_is_draining(agent),
    };

    agent_reload_facts(agent, &status->reload);
    agent_trial_facts(agent, &status->trial);
    (void)platform->clock.wall_ns(platform->clock.context, &status->now_ns);
    if (platform->storage.space(platform->storage.context, &status->flash_total_bytes,
                                &status->flash_available_bytes, &err) != SFE_OK) {
        status->flash_total_bytes = 0;
        status->flash_available_bytes = 0;
    }
    gather_links(agent, status);
    gather_inputs(agent, status);
    gather_streams(agent, status);
    gather_wear(agent, status);
    gather_outputs(agent, status);
}

void agent_add_status(void *owner, struct sfe_builder *out)
{
    struct sfe_status status;

    gather(owner, &status);
    sfe_report_add(&status, out);
}

void agent_add_metrics(struct sfe_agent *agent, struct sfe_builder *out)
{
    struct sfe_status status;

    gather(agent, &status);
    sfe_metrics_add(&status, sfe_monitor_trouble(agent->monitor), out);
}

static struct sfe_monitor_options monitor_options(struct sfe_agent *agent,
                                                  const struct sfe_config *config)
{
    uint32_t parts = config->connection_count + 2u * config->input_count + config->stream_count;

    for (uint32_t i = 0; i < config->output_count; i++) {
        parts += config->outputs[i].from_count;
    }
    return (struct sfe_monitor_options){
        .host = config->watch.host,
        .port = config->watch.port,
        .parts = parts,
        .owner = agent,
        .gather = gather,
    };
}

size_t agent_monitor_memory_bytes(const struct sfe_config *config)
{
    const struct sfe_monitor_options options = monitor_options(NULL, config);

    return sfe_monitor_memory_bytes(&options) +
           (config->watch.host == NULL ? 0 : sfe_arena_cost(strlen(config->watch.host) + 1u));
}

enum sfe_code agent_open_monitor(struct sfe_agent *agent, const struct sfe_config *config,
                                 struct sfe_error *err)
{
    struct sfe_monitor_options options = monitor_options(agent, config);

    if (options.host != NULL) { /* The configuration ends with the next reload. */
        const size_t size = strlen(options.host) + 1u;
        char *host = sfe_arena_take(agent->arena, size, err);
        if (host == NULL) {
            return err->code;
        }
        memcpy(host, options.host, size);
        options.host = host;
    }
    options.poller = &agent->platform->poller;
    options.clock = &agent->platform->clock;
    options.log = agent->log;
    return sfe_monitor_open(&options, agent->arena, &agent->monitor, err);
}

static void add_health(void *owner, struct sfe_builder *out)
{
    struct sfe_agent *agent = owner;
    const struct sfe_clock *clock = &agent->platform->clock;
    struct sfe_status status;
    int64_t ignored;

    gather(agent, &status);
    sfe_health_add(&status, sfe_monitor_trouble(agent->monitor),
                   clock->wall_ns(clock->context, &ignored), out);
}

size_t agent_health_source_bytes(const struct sfe_config *config, uint32_t index)
{
    return agent_intake_bytes(config, &config->inputs[index]) + sfe_health_memory_bytes();
}

enum sfe_code agent_open_health_source(struct sfe_agent *agent, const struct agent_set *set,
                                       struct agent_source *source, struct sfe_error *err)
{
    const struct sfe_config_input *config = &set->config->inputs[source->input_index];
    const struct sfe_intake_route route = agent_route(set, config);
    enum sfe_code code = agent_open_arena(
        agent_health_source_bytes(set->config, source->input_index), &source->arena, err);

    if (code == SFE_OK) {
        code = agent_open_intake(agent, set, source, &route, 1, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_health_options options = {
        .input = config->name,
        .every_ns = config->query.every_ns,
        .owner = agent,
        .add = add_health,
        .intake = source->intake,
        .clock = &agent->platform->clock,
    };
    return sfe_health_open(&options, source->arena, &source->source, err);
}

static void note_progress(struct sfe_agent *agent, uint64_t now_ns)
{
    struct sfe_status status = {.agent_id = NULL};

    gather_streams(agent, &status);
    gather_outputs(agent, &status);
    sfe_monitor_note(agent->monitor, &status, agent->set.config->watch.still_ns, now_ns);
}

static uint64_t backlog(const struct sfe_agent *agent, uint32_t *held_up)
{
    uint64_t events = 0;

    *held_up = 0;
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        struct sfe_output_facts facts;
        sfe_output_facts(agent->set.outputs[i].output, &facts);
        events += facts.backlog;
        *held_up += facts.state == SFE_OUTPUT_WAITING || facts.state == SFE_OUTPUT_STOPPED;
    }
    return events;
}

/* The first of those that are not connected has its name told. */
static void add_sources(const struct sfe_agent *agent, struct sfe_builder *out)
{
    const char *missing = NULL;
    uint32_t connected = 0;

    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        const struct sfe_source *source = &agent->set.sources[i].source;
        struct sfe_source_facts facts;
        source->facts(source->context, &facts);
        connected += facts.is_connected;
        if (!facts.is_connected && missing == NULL) {
            missing = facts.connection;
        }
    }
    sfe_builder_format(out, ", %u of %u sources connected", connected, agent->set.source_count);
    if (missing != NULL) {
        sfe_builder_format(out, " (not %s)", missing);
    }
}

static void add_orgs(const struct sfe_agent *agent, struct sfe_builder *out)
{
    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        struct sfe_org_facts facts;
        sfe_org_facts(agent->set.orgs[i].org, &facts);
        if (facts.last_error.code != SFE_OK) {
            sfe_builder_format(out, ", cannot log in to %s", agent->set.orgs[i].connection);
        }
    }
}

void agent_add_state(void *owner, struct sfe_builder *out)
{
    const struct sfe_agent *agent = owner;
    uint32_t held_up;
    const uint64_t events = backlog(agent, &held_up);

    sfe_builder_format(out, "%llu events wait", (unsigned long long)events);
    if (held_up != 0) {
        sfe_builder_format(out, ", %u of %u outputs held up", held_up, agent->set.output_count);
    }
    add_sources(agent, out);
    add_orgs(agent, out);
    if (sfe_monitor_trouble(agent->monitor).size != 0) {
        sfe_builder_add_text(out, ", not ready: ");
        sfe_builder_add(out, sfe_monitor_trouble(agent->monitor));
    }
}

uint64_t agent_sample_rates(struct sfe_agent *agent, uint64_t now_ns)
{
    if (now_ns < agent->sample_ns) {
        return agent->sample_ns;
    }
    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        sfe_rate_sample(&agent->set.streams[i].rate,
                        sfe_stream_durable(agent->set.streams[i].stream), now_ns);
    }
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        struct sfe_output_facts facts;
        sfe_output_facts(agent->set.outputs[i].output, &facts);
        sfe_rate_sample(&agent->set.outputs[i].rate, facts.delivered, now_ns);
    }
    sfe_rate_sample(&agent->written, written_bytes(agent), now_ns);
    note_progress(agent, now_ns);
    agent->sample_ns = now_ns + SFE_RATE_STEP_NS;
    return agent->sample_ns;
}
