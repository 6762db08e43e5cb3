#include "run/service.h"

#include "base/assert.h"
#include "port/process.h"
#include "supervise/watchdog.h"

/* Our own frames stay below 4 KiB; TLS, name look-ups and libcurl need the room. */
#define FLASH_STACK_BYTES (128u * 1024u)
#define CLOUD_STACK_BYTES (512u * 1024u)

static uint64_t now(const struct sfe_agent *agent)
{
    return sfe_clock_monotonic_ns(&agent->platform->clock);
}

static void kick(struct agent_bell *bell)
{
    sfe_mutex_lock(bell->mutex);
    bell->is_kicked = true;
    sfe_condition_signal(bell->condition);
    sfe_mutex_unlock(bell->mutex);
}

void agent_kick_flash(void *agent)
{
    struct sfe_agent *self = agent;

    kick(&self->flash_bell);
}

void agent_kick_edge(void *agent)
{
    const struct sfe_agent *self = agent;

    self->platform->poller.wake(self->platform->poller.context);
}

/* Where it pauses. */
static void kick_cloud(struct sfe_agent *agent)
{
    kick(&agent->cloud_bell);
}

static void wait_for_kick(struct agent_bell *bell, uint64_t until_ns)
{
    bool in_time = true;

    sfe_mutex_lock(bell->mutex);
    while (!bell->is_kicked && in_time) {
        in_time = sfe_condition_wait(bell->condition, bell->mutex, until_ns);
    }
    bell->is_kicked = false;
    sfe_mutex_unlock(bell->mutex);
}

bool agent_keep_pause(struct sfe_agent *agent, atomic_uint *paused_at)
{
    const unsigned number = atomic_load(&agent->pause_number);

    if (number % 2u == 0) {
        return false;
    }
    if (atomic_exchange(paused_at, number) != number) {
        agent_kick_edge(agent);
    }
    return true;
}

static bool is_kept(struct sfe_agent *agent, const atomic_uint *paused_at)
{
    const unsigned number = atomic_load(&agent->pause_number);

    return number % 2u == 1 && atomic_load(paused_at) == number;
}

bool agent_is_paused(struct sfe_agent *agent)
{
    return is_kept(agent, &agent->cloud_paused_at) && is_kept(agent, &agent->flash_paused_at);
}

void agent_pause(struct sfe_agent *agent)
{
    SFE_ASSERT(atomic_load(&agent->pause_number) % 2u == 0);
    atomic_fetch_add(&agent->pause_number, 1u);
    agent->platform->http.wake(agent->platform->http.context);
    agent_kick_flash(agent);
}

void agent_resume(struct sfe_agent *agent)
{
    if (atomic_load(&agent->pause_number) % 2u == 1) {
        atomic_fetch_add(&agent->pause_number, 1u);
        /* Cloud may not have gone to sleep yet: then it is about to wait for the network. */
        agent->platform->http.wake(agent->platform->http.context);
        kick_cloud(agent);
        agent_kick_flash(agent);
    }
}

/* Cloud waits for the network, or, while it keeps a pause, for its bell. */
static void ask_for_turns(void *context)
{
    struct sfe_agent *agent = context;

    agent_kick_flash(agent);
    kick_cloud(agent);
    agent->platform->http.wake(agent->platform->http.context);
}

enum sfe_code agent_open_watchdog(struct sfe_agent *agent, struct sfe_error *err)
{
    const struct sfe_watchdog_options options = {
        .is_watched = sfe_process_environment("NOTIFY_SOCKET") != NULL,
        .limit_ns = sfe_process_watchdog_ns(),
        .context = agent,
        .ask = ask_for_turns,
        .wake = agent_kick_edge,
        .add_state = agent_add_state,
    };

    return sfe_watchdog_open(&options, agent->arena, &agent->watchdog, err);
}

static void flash_body(void *argument)
{
    struct sfe_agent *agent = argument;

    while (!atomic_load(&agent->flash_is_done)) {
        uint64_t due_ns = sfe_agent_flash_turn(agent, now(agent));
        sfe_watchdog_pass(agent->watchdog, SFE_WATCHDOG_FLASH);
        if (!atomic_load(&agent->flash_is_done)) {
            wait_for_kick(&agent->flash_bell, due_ns);
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
        sfe_watchdog_pass(agent->watchdog, SFE_WATCHDOG_CLOUD);
        if (is_kept(agent, &agent->cloud_paused_at)) {
            wait_for_kick(&agent->cloud_bell, UINT64_MAX); /* No answer may come meanwhile. */
        } else if (!atomic_load(&agent->cloud_is_done) &&
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
        if (agent->failure.code != SFE_OK) {
            *err = agent->failure;
            code = err->code;
        } else if (!atomic_load(&agent->edge_is_done)) {
            due_ns = sfe_clock_earlier_ns(due_ns, sfe_watchdog_turn(agent->watchdog, now(agent)));
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
        SFE_LOG(agent->log, SFE_INFO, "running", sfe_text("agent", agent->set.config->agent.id),
                sfe_text("version", SFE_VERSION));
        code = edge_body(agent, &edge_err);
        if (code != SFE_OK) {
            *err = edge_err;
        }
    }
    /* After a failure the others end at once; what they held is on flash or comes again. */
    atomic_store(&agent->is_stopping, true);
    agent_resume(agent);
    agent->platform->http.wake(agent->platform->http.context);
    sfe_thread_join(cloud);
    atomic_store(&agent->flash_may_end, true);
    agent_kick_flash(agent);
    sfe_thread_join(flash);
    if (code == SFE_OK) {
        SFE_LOG(agent->log, SFE_INFO, "stopped", sfe_text("agent", agent->set.config->agent.id));
    }
    return code;
}
