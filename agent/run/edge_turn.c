#include "run/drain.h"
#include "run/outputs.h"
#include "run/service.h"
#include "run/trial.h"

#include "base/assert.h"
#include "port/process.h"
#include "status/monitor.h"
#include "supervise/watchdog.h"

/* Not in the middle of a reload; that is cut short. */
static void begin_stop(struct sfe_agent *agent)
{
    if (atomic_load(&agent->is_stopping) || agent_reload_is_under_way(agent)) {
        return;
    }
    SFE_LOG(agent->log, SFE_INFO, "stopping", sfe_text("agent", agent->set.config->agent.id));
    agent->stop_by_ns =
        sfe_clock_monotonic_ns(&agent->platform->clock) + agent->set.config->agent.stop_timeout_ns;
    atomic_store(&agent->is_stopping, true);
    sfe_watchdog_stop(agent->watchdog, agent->set.config->agent.stop_timeout_ns);
    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        agent->set.sources[i].source.stop(agent->set.sources[i].source.context);
    }
    agent->platform->http.wake(agent->platform->http.context);
    agent_kick_flash(agent);
}

void sfe_agent_stop(struct sfe_agent *agent)
{
    agent->stop_is_wanted = true;
    begin_stop(agent);
}

static bool sources_are_quiet(const struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        if (!agent->set.sources[i].source.is_quiet(agent->set.sources[i].source.context)) {
            return false;
        }
    }
    return true;
}

/* The orderly end: what was taken is acknowledged, cloud is done, then flash writes its last page.
 */
static uint64_t stop_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    bool time_is_up = now_ns >= agent->stop_by_ns;

    if (atomic_load(&agent->flash_is_done)) {
        atomic_store(&agent->edge_is_done, true);
        return now_ns;
    }
    if (!atomic_load(&agent->flash_may_end)) {
        if (!time_is_up && !(sources_are_quiet(agent) && atomic_load(&agent->cloud_is_done))) {
            return agent->stop_by_ns;
        }
        if (atomic_load(&agent->cloud_is_done)) {
            atomic_store(&agent->flash_may_end, true);
            agent_kick_flash(agent);
        }
    }
    /* Both wake this thread when they are done. */
    return UINT64_MAX;
}

uint64_t sfe_agent_edge_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    const unsigned signals = sfe_process_signals();

    if ((signals & SFE_SIGNAL_STOP) != 0) {
        sfe_agent_stop(agent);
    }
    if ((signals & SFE_SIGNAL_RELOAD) != 0) {
        agent_begin_reload(agent);
    }
    due_ns = sfe_clock_earlier_ns(due_ns, agent_drain_turn(agent, now_ns));
    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        due_ns = sfe_clock_earlier_ns(due_ns, agent->set.sources[i].source.turn(
                                                  agent->set.sources[i].source.context, now_ns));
    }
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        due_ns = sfe_clock_earlier_ns(due_ns, agent_mqtt_link_turn(&agent->set.outputs[i], now_ns));
    }
    due_ns = sfe_clock_earlier_ns(due_ns, agent_trial_turn(agent, now_ns));
    due_ns = sfe_clock_earlier_ns(due_ns, agent_reload_turn(agent, now_ns));
    if (agent->stop_is_wanted) {
        begin_stop(agent);
    }
    due_ns = sfe_clock_earlier_ns(due_ns, agent_sample_rates(agent, now_ns));
    due_ns = sfe_clock_earlier_ns(due_ns, sfe_control_turn(agent->control, now_ns));
    due_ns = sfe_clock_earlier_ns(due_ns, sfe_monitor_turn(agent->monitor, now_ns));
    if (atomic_load(&agent->is_stopping)) {
        due_ns = sfe_clock_earlier_ns(due_ns, stop_turn(agent, now_ns));
    }
    return due_ns;
}
