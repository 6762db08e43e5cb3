/* Crash states of a whole agent: at many of its calls to the medium, what a power cut there may
 * leave is looked at, without the agent: is each event that the broker was told is safe still to be
 * delivered, or is it in the org, or in the dead letters? And is it answered, where it has to be,
 * and never too soon? */
#ifndef SFE_TESTS_SIM_AGENT_STATES_H
#define SFE_TESTS_SIM_AGENT_STATES_H

#include "event/event.h"
#include "sim/broker.h"
#include "sim/org.h"
#include "sim/storage.h"
#include "state.h"

struct agent_states {
    struct sim_run *run;
    struct sim_storage *storage; /* Of the agent. */
    const struct sim_broker *broker;
    const struct sim_org *org;
    bool (*must_die)(uint32_t number);
    bool passes_on; /* Answers, to the streams "invoiced" and "refused". */
    struct sim_random random;
    uint32_t skip_permille; /* Of the calls. */
};

/* The number of the event that one in a stream of answers is about; UINT32_MAX: of none. */
uint32_t agent_states_answered(const struct sfe_event *event);

/* Looks from now on, at each change of `states->storage`, which may be another one than before. */
void agent_states_watch(struct agent_states *states);

#endif
