#include "run/parts.h"

#include "base/assert.h"

static bool outputs_are_quiet(const struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->output_count; i++) {
        if (!sfe_output_is_quiet(agent->outputs[i].output)) {
            return false;
        }
    }
    return true;
}

/* What is in flight is settled; what cannot be in time comes again after the next start, and
 * changes nothing. */
static uint64_t stop_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    for (uint32_t i = 0; i < agent->output_count; i++) {
        sfe_output_stop(agent->outputs[i].output);
        if (agent->outputs[i].bulk != NULL) {
            sfe_bulk_leave(agent->outputs[i].bulk);
        }
    }
    if (!outputs_are_quiet(agent) && now_ns < agent->stop_by_ns) {
        return agent->stop_by_ns;
    }
    atomic_store(&agent->cloud_is_done, true);
    agent->platform->poller.wake(agent->platform->poller.context);
    return UINT64_MAX;
}

uint64_t sfe_agent_cloud_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    SFE_ASSERT(!atomic_load(&agent->cloud_is_done));
    for (uint32_t i = 0; i < agent->output_count; i++) {
        due_ns = sfe_clock_earlier_ns(due_ns, sfe_output_turn(agent->outputs[i].output, now_ns));
    }
    for (uint32_t i = 0; i < agent->org_count; i++) {
        due_ns = sfe_clock_earlier_ns(due_ns, sfe_org_turn(agent->orgs[i].org, now_ns));
    }
    if (atomic_load(&agent->is_stopping)) {
        due_ns = sfe_clock_earlier_ns(due_ns, stop_turn(agent, now_ns));
    }
    return due_ns;
}
