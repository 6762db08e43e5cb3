#include "run/parts.h"

#include "base/assert.h"
#include "port/process.h"

/* Our own frames stay below 4 KiB; TLS, name look-ups and libcurl need the room. */
#define FLASH_STACK_BYTES (128u * 1024u)
#define CLOUD_STACK_BYTES (512u * 1024u)

static uint64_t now(const struct sfe_agent *agent)
{
    return sfe_clock_monotonic_ns(&agent->platform->clock);
}

void agent_kick_flash(struct sfe_agent *agent)
{
    sfe_mutex_lock(agent->flash_mutex);
    agent->is_kicked = true;
    sfe_condition_signal(agent->flash_condition);
    sfe_mutex_unlock(agent->flash_mutex);
}

static void wait_for_kick(struct sfe_agent *agent, uint64_t until_ns)
{
    bool in_time = true;

    sfe_mutex_lock(agent->flash_mutex);
    while (!agent->is_kicked && in_time) {
        in_time = sfe_condition_wait(agent->flash_condition, agent->flash_mutex, until_ns);
    }
    agent->is_kicked = false;
    sfe_mutex_unlock(agent->flash_mutex);
}

static void flash_body(void *argument)
{
    struct sfe_agent *agent = argument;

    while (!atomic_load(&agent->flash_is_done)) {
        uint64_t due_ns = sfe_agent_flash_turn(agent, now(agent));
        if (!atomic_load(&agent->flash_is_done)) {
            wait_for_kick(agent, due_ns);
        }
    }
}

static void on_answer(void *visitor, const struct sfe_http_answer *answer)
{
    struct sfe_http_owner *owner = answer->tag;

    (void)visitor;
    SFE_ASSERT(owner != NULL);
    owner->on_answer(owner, answer);
}

static void cloud_body(void *argument)
{
    struct sfe_agent *agent = argument;
    const struct sfe_http *http = &agent->platform->http;

    while (!atomic_load(&agent->cloud_is_done)) {
        struct sfe_error err;
        uint64_t due_ns = sfe_agent_cloud_turn(agent, now(agent));
        if (!atomic_load(&agent->cloud_is_done) &&
            http->poll(http->context, due_ns, on_answer, NULL, &err) != SFE_OK) {
            sfe_log_error(agent->log, SFE_ERROR, "cannot wait for the network", &err);
        }
    }
}

static enum sfe_code edge_body(struct sfe_agent *agent, struct sfe_error *err)
{
    const struct sfe_poller *poller = &agent->platform->poller;
    enum sfe_code code = SFE_OK;

    while (!atomic_load(&agent->edge_is_done) && code == SFE_OK) {
        uint64_t due_ns = sfe_agent_edge_turn(agent, now(agent));
        if (!atomic_load(&agent->edge_is_done)) {
            code = poller->wait(poller->context, due_ns, err);
        }
    }
    return code;
}

enum sfe_code sfe_agent_run(struct sfe_agent *agent, struct sfe_error *err)
{
    struct sfe_thread *flash = NULL;
    struct sfe_thread *cloud = NULL;
    struct sfe_error edge_err;
    enum sfe_code code;

    sfe_process_catch_signals(agent->platform->poller.wake, agent->platform->poller.context);
    code = sfe_thread_start("flash", FLASH_STACK_BYTES, flash_body, agent, &flash, err);
    if (code == SFE_OK) {
        code = sfe_thread_start("cloud", CLOUD_STACK_BYTES, cloud_body, agent, &cloud, err);
    }
    if (code == SFE_OK) {
        sfe_process_notify("READY=1");
        SFE_LOG(agent->log, SFE_INFO, "running", sfe_text("agent", agent->config->agent.id),
                sfe_text("version", SFE_VERSION));
        code = edge_body(agent, &edge_err);
        if (code != SFE_OK) {
            *err = edge_err;
        }
    }
    /* After a failure the others end at once; what they held is on flash or comes again. */
    atomic_store(&agent->is_stopping, true);
    agent->platform->http.wake(agent->platform->http.context);
    sfe_thread_join(cloud);
    atomic_store(&agent->flash_may_end, true);
    agent_kick_flash(agent);
    sfe_thread_join(flash);
    if (code == SFE_OK) {
        SFE_LOG(agent->log, SFE_INFO, "stopped", sfe_text("agent", agent->config->agent.id));
    }
    return code;
}
