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
    opened->learned = options->learned;
    opened->metered = options->metered;
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
