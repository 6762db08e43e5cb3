#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>
#include <string.h>

static enum sfe_code open_wakes(struct sfe_agent *agent, struct sfe_error *err)
{
    agent->flash_mutex = sfe_mutex_open();
    agent->flash_condition = sfe_condition_open();
    if (agent->flash_mutex == NULL || agent->flash_condition == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for the flash thread's wake");
    }
    return SFE_OK;
}

static enum sfe_code open_control(struct sfe_agent *agent, struct sfe_error *err)
{
    char path[512];
    int length =
        snprintf(path, sizeof(path), "%s/%s", agent->config->agent.state, SFE_CONTROL_SOCKET);

    if (length < 0 || (size_t)length >= sizeof(path)) {
        return sfe_fail(err, SFE_E_CONFIG, "the path of the state directory is too long");
    }
    return sfe_control_open(&agent->platform->poller, path, agent_add_status, agent, agent->arena,
                            &agent->control, err);
}

static enum sfe_code open_parts(struct sfe_agent *agent, struct sfe_error *err)
{
    enum sfe_code code = open_wakes(agent, err);

    if (code == SFE_OK) {
        code = agent_open_gathered(agent, err);
    }
    if (code == SFE_OK) {
        code = agent_open_streams(agent, err);
    }
    if (code == SFE_OK) {
        code = agent_open_outputs(agent, err);
    }
    if (code == SFE_OK) {
        code = agent_open_sources(agent, err);
    }
    if (code == SFE_OK) {
        code = open_control(agent, err);
    }
    return code;
}

enum sfe_code sfe_agent_open(const struct sfe_agent_options *options, struct sfe_agent **agent,
                             struct sfe_error *err)
{
    struct sfe_agent *opened = sfe_arena_take(options->arena, sizeof(*opened), err);
    enum sfe_code code;

    *agent = NULL;
    if (opened == NULL) {
        return err->code;
    }
    opened->config = options->config;
    opened->compiled = options->compiled;
    opened->platform = options->platform;
    opened->arena = options->arena;
    opened->log = options->log;
    opened->opened_ns = sfe_clock_monotonic_ns(&options->platform->clock);
    code = open_parts(opened, err);
    if (code != SFE_OK) {
        sfe_agent_close(opened);
        return code;
    }
    *agent = opened;
    return SFE_OK;
}

void sfe_agent_close(struct sfe_agent *agent)
{
    if (agent == NULL) {
        return;
    }
    sfe_control_close(agent->control);
    agent->control = NULL;
    agent_close_sources(agent);
    agent_close_outputs(agent);
    agent_close_streams(agent);
    if (agent->flash_condition != NULL) {
        sfe_condition_close(agent->flash_condition);
        agent->flash_condition = NULL;
    }
    if (agent->flash_mutex != NULL) {
        sfe_mutex_close(agent->flash_mutex);
        agent->flash_mutex = NULL;
    }
}

/* What one slot of an output takes: request, its gzip, answer, books (records.h). */
#define SLOT_BYTES_MAX  (2u * 1024u * 1024u)
#define FIXED_BYTES_MAX (8u * 1024u * 1024u)
/* What is kept in mind of each segment. */
#define SEGMENT_BYTES_MAX 256u

size_t sfe_agent_memory_bytes_max(const struct sfe_config *config)
{
    size_t event = config->agent.event_bytes_max + 128u * 1024u;
    size_t bytes = FIXED_BYTES_MAX;

    for (uint32_t i = 0; i < config->connection_count; i++) {
        bytes += 2u * event + 512u * 1024u;
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        const struct sfe_config_stream *stream = &config->streams[i];
        bytes += 5u * (event + 64u * 1024u);
        bytes += (size_t)(stream->quota_bytes / stream->segment_bytes) * 2u * SEGMENT_BYTES_MAX;
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        /* Encrypted frames are opened into two buffers beside the one that is read into. */
        size_t one = 4u * 1024u * 1024u + 4u * (event + 64u * 1024u) +
                     config->outputs[i].requests_in_flight * (SLOT_BYTES_MAX + 4u * event);
        bytes += config->outputs[i].from_count * one;
    }
    return bytes;
}
