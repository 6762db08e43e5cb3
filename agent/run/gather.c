#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/metered_storage.h"
#include "port/process.h"
#include "status/report.h"

/* Scratch for the document, taken at open: too large for a frame. */
struct gathered {
    struct sfe_status_link links[SFE_CONNECTIONS_MAX];
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
    SFE_ASSERT(agent->source_count <= SFE_CONNECTIONS_MAX);
    for (uint32_t i = 0; i < agent->source_count; i++) {
        struct sfe_status_link *link = &agent->gathered->links[i];
        agent->sources[i].source.facts(agent->sources[i].source.context, &link->source);
        sfe_intake_facts(agent->sources[i].intake, &link->intake);
    }
    status->links = agent->gathered->links;
    status->link_count = agent->source_count;
}

static void gather_streams(struct sfe_agent *agent, struct sfe_status *status)
{
    SFE_ASSERT(agent->stream_count <= SFE_STREAMS_MAX + 1u);
    for (uint32_t i = 0; i < agent->stream_count; i++) {
        struct sfe_status_stream *stream = &agent->gathered->streams[i];
        stream->name = agent->config->streams[i].name;
        stream->quota_bytes = agent->config->streams[i].quota_bytes;
        sfe_stream_facts(agent->streams[i].stream, &stream->facts);
        if (agent->streams[i].thin != NULL) {
            sfe_thin_facts(agent->streams[i].thin, &stream->thin);
        }
        stream->rate_per_minute =
            sfe_rate_per_minute(&agent->streams[i].rate, stream->facts.durable_sequence);
    }
    status->streams = agent->gathered->streams;
    status->stream_count = agent->stream_count;
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
    wear->flash_bytes = agent->config->agent.flash_bytes;
    wear->flash_cycles = agent->config->agent.flash_cycles;
    for (uint32_t i = 0; i < status->stream_count; i++) {
        wear->events += status->streams[i].facts.written_events;
        wear->payload_bytes += status->streams[i].facts.payload_bytes;
    }
}

static void gather_outputs(struct sfe_agent *agent, struct sfe_status *status)
{
    for (uint32_t i = 0; i < agent->org_count; i++) {
        agent->gathered->orgs[i].connection = agent->orgs[i].connection;
        sfe_org_facts(agent->orgs[i].org, &agent->gathered->orgs[i].facts);
    }
    for (uint32_t i = 0; i < agent->output_count; i++) {
        struct sfe_status_output *output = &agent->gathered->outputs[i];
        output->name = agent->outputs[i].name;
        output->stream = agent->config->streams[agent->outputs[i].stream_index].name;
        sfe_output_facts(agent->outputs[i].output, &output->facts);
        output->rate_per_minute =
            sfe_rate_per_minute(&agent->outputs[i].rate, output->facts.delivered);
    }
    status->orgs = agent->gathered->orgs;
    status->org_count = agent->org_count;
    status->outputs = agent->gathered->outputs;
    status->output_count = agent->output_count;
}

void agent_add_status(void *owner, struct sfe_builder *out)
{
    struct sfe_agent *agent = owner;
    const struct sfe_platform *platform = agent->platform;
    struct sfe_error err;
    struct sfe_status status = {
        .agent_id = agent->config->agent.id,
        .uptime_ns = sfe_clock_monotonic_ns(&platform->clock) - agent->opened_ns,
        .memory_bytes = sfe_process_memory_bytes(),
        .arena_bytes = sfe_arena_taken(agent->arena),
        .quota_bytes = agent->config->agent.quota_bytes,
        .is_stopping = atomic_load(&agent->is_stopping),
    };

    (void)platform->clock.wall_ns(platform->clock.context, &status.now_ns);
    if (platform->storage.space(platform->storage.context, &status.flash_total_bytes,
                                &status.flash_available_bytes, &err) != SFE_OK) {
        status.flash_total_bytes = 0;
        status.flash_available_bytes = 0;
    }
    gather_links(agent, &status);
    gather_streams(agent, &status);
    gather_wear(agent, &status);
    gather_outputs(agent, &status);
    sfe_report_add(&status, out);
}

uint64_t agent_sample_rates(struct sfe_agent *agent, uint64_t now_ns)
{
    if (now_ns < agent->sample_ns) {
        return agent->sample_ns;
    }
    for (uint32_t i = 0; i < agent->stream_count; i++) {
        sfe_rate_sample(&agent->streams[i].rate, sfe_stream_durable(agent->streams[i].stream),
                        now_ns);
    }
    for (uint32_t i = 0; i < agent->output_count; i++) {
        struct sfe_output_facts facts;
        sfe_output_facts(agent->outputs[i].output, &facts);
        sfe_rate_sample(&agent->outputs[i].rate, facts.delivered, now_ns);
    }
    sfe_rate_sample(&agent->written, written_bytes(agent), now_ns);
    agent->sample_ns = now_ns + SFE_RATE_STEP_NS;
    return agent->sample_ns;
}
