/* What all simulations share: how a failure is told, and the count of crash states. */
#ifndef SFE_TESTS_SIM_STATE_H
#define SFE_TESTS_SIM_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* One run: `sim --seed N --scenario NAME --steps M` does it again. */
struct sim_run {
    uint64_t seed;
    const char *scenario;
    uint32_t steps;
    uint32_t density;      /* Crash states tried at one place: about so many. */
    uint64_t crash_states; /* Tried in this run. */
    uint64_t jobs;         /* Bulk jobs that the org processed. */
    uint64_t events;       /* That the org sent. */
    uint64_t stale;        /* Subscriptions to a place that it did not know. */
    uint64_t repeats;      /* Events behind a gap that came again. */
    uint64_t losses;       /* By a sync that lied: acknowledged events that are gone; */
    uint64_t losses_told;  /* of these runs, those in which recovery said so. */
};

/* Says what does not hold and how to see it again, and ends the process with 1. */
_Noreturn void sim_fail(const struct sim_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define SIM_CHECK(run, condition, ...) ((condition) ? (void)0 : sim_fail((run), __VA_ARGS__))

struct sim_scenario {
    const char *name;
    void (*play)(struct sim_run *run);
    uint32_t steps; /* Of a run, where nothing else is said. */
    uint32_t share; /* Of all crash states, in parts of the sum of all shares; 0: not with them. */
};

extern const struct sim_scenario sim_flash_scenarios[];
extern const uint32_t sim_flash_scenario_count;
extern const struct sim_scenario sim_policy_scenarios[];
extern const uint32_t sim_policy_scenario_count;
extern const struct sim_scenario sim_agent_scenarios[];
extern const uint32_t sim_agent_scenario_count;
extern const struct sim_scenario sim_token_scenarios[];
extern const uint32_t sim_token_scenario_count;
extern const struct sim_scenario sim_join_scenarios[];
extern const uint32_t sim_join_scenario_count;
extern const struct sim_scenario sim_script_scenarios[];
extern const uint32_t sim_script_scenario_count;
extern const struct sim_scenario sim_cometd_scenarios[];
extern const uint32_t sim_cometd_scenario_count;

#endif
