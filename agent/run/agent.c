#include "run/drain.h"
#include "run/service.h"
#include "run/trial.h"

#include "base/arena.h"
#include "base/assert.h"
#include "status/monitor.h"

#include <stdio.h>

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

    if (length < 0 || (size_t)length >= sizeof(path)) {
        return sfe_fail(err, SFE_E_CONFIG, "the path of the state directory is too long");
    }
    const struct sfe_control_service service = {agent, agent_answer, agent_go_on, agent_gone};
    return sfe_control_open(&agent->platform->poller, path, &service, agent->arena, &agent->control,
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
        agent_share_quota(&agent->set);
        code = agent_begin_outputs(agent, &agent->set, err);
    }
    return code;
}

static enum sfe_code open_parts(struct sfe_agent *agent, struct agent_choice *choice,
                                struct sfe_error *err)
{
    struct sfe_setup *setup = choice->setup;
    enum sfe_code code = open_bell(&agent->flash_bell, err);

    if (code == SFE_OK) {
        code = open_bell(&agent->cloud_bell, err);
    }
    if (code == SFE_OK) {
        code = agent_open_watchdog(agent, err);
    }
    if (code == SFE_OK) {
        code = agent_open_gathered(agent, err);
    }
    if (code == SFE_OK) {
        code = agent_open_monitor(agent, setup->config, err);
    }
    if (code == SFE_OK) {
        code = agent_open_questions(agent, setup->config, err);
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
        code = agent_open_drain(agent, err);
    }
    if (code == SFE_OK) {
        code = agent_open_trial(agent, choice, err);
    }
    if (code == SFE_OK) {
        code = open_control(agent, err);
    }
    return code;
}

static enum sfe_code open_chosen(const struct sfe_agent_options *options,
                                 struct agent_choice *choice, struct sfe_agent **agent,
                                 struct sfe_error *err)
{
    struct sfe_arena *arena = NULL;
    struct sfe_agent *opened;
    enum sfe_code code = agent_open_fixed_arena(choice->setup->config, &arena, err);

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
    opened->learned = options->learned;
    opened->metered = options->metered;
    opened->opened_ns = sfe_clock_monotonic_ns(&options->platform->clock);
    code = open_parts(opened, choice, err);
    if (code != SFE_OK) {
        sfe_agent_close(opened);
        return code;
    }
    *agent = opened;
    return SFE_OK;
}

enum sfe_code sfe_agent_open(const struct sfe_agent_options *options, struct sfe_agent **agent,
                             struct sfe_error *err)
{
    struct agent_choice choice;

    agent_trial_choose(options, &choice);
    const enum sfe_code code = open_chosen(options, &choice, agent, err);
    sfe_setup_drop(choice.good);
    sfe_setup_drop(choice.setup);
    return code;
}

void sfe_agent_close(struct sfe_agent *agent)
{
    if (agent == NULL) {
        return;
    }
    sfe_control_close(agent->control);
    agent->control = NULL;
    sfe_monitor_close(agent->monitor);
    agent->monitor = NULL;
    agent_close_reload(agent);
    agent_close_set(&agent->set);
    agent_close_trial(agent);
    sfe_cursor_log_close(agent->cursor_log);
    sfe_watch_close(agent->watch);
    agent->watch = NULL;
    close_bell(&agent->cloud_bell);
    close_bell(&agent->flash_bell);
    sfe_arena_close(agent->arena);
}
