#include "run/open_events.h"
#include "run/trial.h"

#include "base/assert.h"

static bool outputs_are_quiet(const struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        if (!sfe_output_is_quiet(agent->set.outputs[i].output)) {
            return false;
        }
    }
    return true;
}

/* A refresh token that was given and not taken would be lost. */
static bool orgs_are_quiet(const struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        if (!sfe_org_is_quiet(agent->set.orgs[i].org)) {
            return false;
        }
    }
    return true;
}

/* It begins nothing more, and does not wait for a job that the org has whole. */
static void leave_output(const struct agent_output *output)
{
    sfe_output_stop(output->output);
    if (output->bulk != NULL) {
        sfe_bulk_leave(output->bulk);
    }
}

/* What is in flight is settled; what cannot be in time comes again after the next start, and
 * changes nothing. */
static uint64_t stop_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        leave_output(&agent->set.outputs[i]);
    }
    if (!(outputs_are_quiet(agent) && agent_events_are_quiet(agent, true) &&
          orgs_are_quiet(agent)) &&
        now_ns < agent->stop_by_ns) {
        return agent->stop_by_ns;
    }
    atomic_store(&agent->cloud_is_done, true);
    agent_kick_edge(agent);
    return UINT64_MAX;
}

/* Outputs that a reload closes or opens anew begin nothing more; what they have in flight ends. */
static void drain_turn(struct sfe_agent *agent)
{
    bool has_drained = agent_events_are_quiet(agent, false);

    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        if (agent->set.outputs[i].is_leaving) {
            leave_output(&agent->set.outputs[i]);
            has_drained = has_drained && sfe_output_is_quiet(agent->set.outputs[i].output);
        }
    }
    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        if (agent->set.orgs[i].is_leaving && has_drained) {
            sfe_org_stop(agent->set.orgs[i].org);
            has_drained = sfe_org_is_quiet(agent->set.orgs[i].org);
        }
    }
    if (has_drained) {
        atomic_store(&agent->cloud_has_drained, true);
        agent_kick_edge(agent);
    }
}

uint64_t sfe_agent_cloud_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    SFE_ASSERT(!atomic_load(&agent->cloud_is_done));
    if (agent_keep_pause(agent, &agent->cloud_paused_at)) {
        agent_kick_flash(agent); /* It pauses after us. */
        return UINT64_MAX;
    }
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        due_ns =
            sfe_clock_earlier_ns(due_ns, sfe_output_turn(agent->set.outputs[i].output, now_ns));
    }
    due_ns = sfe_clock_earlier_ns(due_ns, agent_events_turn(agent, now_ns));
    agent_trial_want_orgs(agent, now_ns);
    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        due_ns = sfe_clock_earlier_ns(due_ns, sfe_org_turn(agent->set.orgs[i].org, now_ns));
    }
    if (!atomic_load(&agent->cloud_has_drained)) {
        drain_turn(agent);
    }
    if (atomic_load(&agent->is_stopping)) {
        due_ns = sfe_clock_earlier_ns(due_ns, stop_turn(agent, now_ns));
    }
    return due_ns;
}
