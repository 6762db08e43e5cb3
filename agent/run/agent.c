#include "run/parts.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>

/* Beside its parts, what an agent takes that its configuration does not decide. */
#define SPARE_BYTES (1024u * 1024u)

static enum sfe_code open_bell(struct agent_bell *bell, struct sfe_error *err)
{
    bell->mutex = sfe_mutex_open();
    bell->condition = sfe_condition_open();
    if (bell->mutex == NULL || bell->condition == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for the wake of a thread");
    }
    return SFE_OK;
}

static void close_bell(struct agent_bell *bell)
{
    if (bell->condition != NULL) {
        sfe_condition_close(bell->condition);
        bell->condition = NULL;
    }
    if (bell->mutex != NULL) {
        sfe_mutex_close(bell->mutex);
        bell->mutex = NULL;
    }
}

static enum sfe_code open_control(struct sfe_agent *agent, struct sfe_error *err)
{
    const char *state = agent->set.config->agent.state;
    char path[512];
    int length = snprintf(path, sizeof(path), "%s/%s", state, SFE_CONTROL_SOCKET);
    const struct sfe_control_owner owner = {agent, agent_add_status, agent_begin_asked_reload};

    if (length < 0 || (size_t)length >= sizeof(path)) {
        return sfe_fail(err, SFE_E_CONFIG, "the path of the state directory is too long");
    }
    return sfe_control_open(&agent->platform->poller, path, &owner, agent->arena, &agent->control,
                            err);
}

static enum sfe_code open_first_set(struct sfe_agent *agent, struct sfe_setup *setup,
                                    struct sfe_error *err)
{
    struct agent_set none = {0};
    enum sfe_code code = agent_take_set(&agent->set, agent->arena, err);

    if (code == SFE_OK) {
        code = agent_plan_set(&agent->set, setup, &none, err);
    }
    if (code == SFE_OK) {
        code = agent_open_set(agent, &agent->set, err);
    }
    if (code == SFE_OK) {
        code = agent_begin_outputs(agent, &agent->set, err);
    }
    return code;
}

static enum sfe_code open_parts(struct sfe_agent *agent, struct sfe_setup *setup,
                                struct sfe_error *err)
{
    enum sfe_code code = open_bell(&agent->flash_bell, err);

    if (code == SFE_OK) {
        code = open_bell(&agent->cloud_bell, err);
    }
    if (code == SFE_OK) {
        code = agent_open_gathered(agent, err);
    }
    if (code == SFE_OK) {
        code = agent_open_cursors(agent, err);
    }
    if (code == SFE_OK) {
        code = open_first_set(agent, setup, err);
    }
    if (code == SFE_OK) {
        code = agent_open_reload(agent, err);
    }
    if (code == SFE_OK) {
        code = open_control(agent, err);
    }
    return code;
}

/* A configuration without parts. */
static size_t fixed_bytes(const struct sfe_config *config)
{
    struct sfe_config none = *config;

    none.connection_count = 0;
    none.stream_count = 0;
    none.input_count = 0;
    none.output_count = 0;
    return sfe_agent_memory_bytes_max(&none);
}

enum sfe_code agent_open_part_arena(const struct sfe_config *only, struct sfe_arena **arena,
                                    struct sfe_error *err)
{
    size_t bytes = sfe_agent_memory_bytes_max(only) - fixed_bytes(only);

    return sfe_arena_open(bytes + SPARE_BYTES, arena, err);
}

enum sfe_code sfe_agent_open(const struct sfe_agent_options *options, struct sfe_agent **agent,
                             struct sfe_error *err)
{
    struct sfe_arena *arena = NULL;
    struct sfe_agent *opened;
    enum sfe_code code =
        sfe_arena_open(fixed_bytes(options->setup->config) + SPARE_BYTES, &arena, err);

    *agent = NULL;
    if (code != SFE_OK) {
        return code;
    }
    opened = sfe_arena_take(arena, sizeof(*opened), err);
    if (opened == NULL) {
        sfe_arena_close(arena);
        return err->code;
    }
    opened->platform = options->platform;
    opened->arena = arena;
    opened->log = options->log;
    opened->opened_ns = sfe_clock_monotonic_ns(&options->platform->clock);
    code = open_parts(opened, options->setup, err);
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
    agent_close_reload(agent);
    agent_close_set(&agent->set);
    sfe_cursor_log_close(agent->cursor_log);
    close_bell(&agent->cloud_bell);
    close_bell(&agent->flash_bell);
    sfe_arena_close(agent->arena);
}

/* What one slot of an output takes: request, its gzip, answer, books (records.h). */
#define SLOT_BYTES_MAX  (2u * 1024u * 1024u)
#define FIXED_BYTES_MAX (8u * 1024u * 1024u)
/* What a stream keeps in memory of each of its segments. */
#define SEGMENT_BOOK_BYTES 128u

size_t sfe_agent_memory_bytes_max(const struct sfe_config *config)
{
    size_t event = config->agent.event_bytes_max + 128u * 1024u;
    size_t bytes = FIXED_BYTES_MAX;

    for (uint32_t i = 0; i < config->connection_count; i++) {
        bytes += 2u * event + 512u * 1024u;
    }
    for (uint32_t i = 0; i < config->stream_count; i++) {
        uint64_t segments = config->streams[i].quota_bytes / config->streams[i].segment_bytes;
        bytes += 4u * (event + 64u * 1024u) + (size_t)segments * SEGMENT_BOOK_BYTES;
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        size_t one = 4u * 1024u * 1024u + 2u * event +
                     config->outputs[i].requests_in_flight * (SLOT_BYTES_MAX + 4u * event);
        bytes += config->outputs[i].from_count * one;
    }
    return bytes;
}
