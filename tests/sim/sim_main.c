/* sim --seed N --scenario NAME --steps M   one run again
 * sim --states N | --seconds N             all scenarios in turn, from seed N on (--seed)
 * sim --runs N --scenario NAME             one scenario, so many seeds from --seed on */
#include "state.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DENSITY 2u

/* What a broken invariant of the agent's own leaves behind as well. */
static const struct sim_run *run_under_way;

static void tell_replay(const struct sim_run *run)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "sim --seed %" PRIu64 " --scenario %s --steps %" PRIu32 "\n", run->seed,
                  run->scenario, run->steps);
    (void)fflush(stderr);
}

_Noreturn void sim_fail(const struct sim_run *run, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)fputs("FAILED: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    tell_replay(run);
    exit(1);
}

static void on_abort(int number)
{
    (void)number;
    if (run_under_way != NULL) {
        tell_replay(run_under_way);
    }
    _Exit(1);
}

struct options {
    uint64_t seed;
    const char *scenario;
    uint64_t steps;
    uint64_t states;
    uint64_t seconds;
    uint64_t runs;
    const char *seeds; /* A file of runs to do again. */
    bool is_quiet;
};

struct totals {
    uint64_t states;
    uint64_t runs;
    uint64_t jobs;
    uint64_t events;
    uint64_t stale;
    uint64_t repeats;
    uint64_t losses;
    uint64_t losses_told;
};

static const struct {
    const struct sim_scenario *scenarios;
    const uint32_t *count;
} SETS[] = {
    {sim_flash_scenarios, &sim_flash_scenario_count},
    {sim_policy_scenarios, &sim_policy_scenario_count},
    {sim_agent_scenarios, &sim_agent_scenario_count},
    {sim_token_scenarios, &sim_token_scenario_count},
    {sim_join_scenarios, &sim_join_scenario_count},
    {sim_script_scenarios, &sim_script_scenario_count},
    {sim_cometd_scenarios, &sim_cometd_scenario_count},
};
#define SETS_COUNT (sizeof(SETS) / sizeof(SETS[0]))

static uint32_t scenario_count(void)
{
    uint32_t count = 0;

    for (size_t set = 0; set < SETS_COUNT; set++) {
        count += *SETS[set].count;
    }
    return count;
}

static const struct sim_scenario *scenario_at(uint32_t index)
{
    size_t set = 0;

    while (index >= *SETS[set].count) {
        index -= *SETS[set].count;
        set++;
    }
    return &SETS[set].scenarios[index];
}

static const struct sim_scenario *find_scenario(const char *name)
{
    for (uint32_t i = 0; i < scenario_count(); i++) {
        if (strcmp(scenario_at(i)->name, name) == 0) {
            return scenario_at(i);
        }
    }
    return NULL;
}

static uint64_t play(const struct sim_scenario *scenario, uint64_t seed, uint64_t steps,
                     struct totals *totals)
{
    struct sim_run run = {
        .seed = seed,
        .scenario = scenario->name,
        .steps = steps == 0 ? scenario->steps : (uint32_t)steps,
        .density = DENSITY,
    };

    run_under_way = &run;
    scenario->play(&run);
    run_under_way = NULL;
    totals->states += run.crash_states;
    totals->jobs += run.jobs;
    totals->events += run.events;
    totals->stale += run.stale;
    totals->repeats += run.repeats;
    totals->losses += run.losses;
    totals->losses_told += run.losses_told;
    totals->runs++;
    return run.crash_states;
}

/* The scenario that is farthest behind its share. */
static uint32_t next_scenario(const uint64_t *states)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < scenario_count(); i++) {
        if (scenario_at(i)->share > 0 &&
            states[i] * scenario_at(best)->share < states[best] * scenario_at(i)->share) {
            best = i;
        }
    }
    return best;
}

static void play_all(const struct options *options, struct totals *totals)
{
    uint64_t states[32] = {0};
    uint64_t seeds[32] = {0};
    const time_t end = time(NULL) + (time_t)options->seconds;

    while (options->seconds != 0 ? time(NULL) < end : totals->states < options->states) {
        const uint32_t i = next_scenario(states);
        const uint64_t seed = options->seed + seeds[i]++;
        states[i] += play(scenario_at(i), seed, options->steps, totals) + 1u;
    }
    for (uint32_t i = 0; i < scenario_count() && !options->is_quiet; i++) {
        (void)printf("  %-14s %9" PRIu64 " crash states in %6" PRIu64 " runs\n",
                     scenario_at(i)->name, states[i] - seeds[i], seeds[i]);
    }
}

/* Each line: a seed, a scenario, a number of steps, and why it is there. */
static int play_seeds(const char *path, struct totals *totals)
{
    FILE *file = fopen(path, "r");
    char line[512];

    if (file == NULL) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        return 66;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        char name[32];
        uint64_t seed = 0;
        uint32_t steps = 0;
        if (line[0] == '#' || sscanf(line, "%" SCNu64 " %31s %" SCNu32, &seed, name, &steps) != 3) {
            continue;
        }
        const struct sim_scenario *scenario = find_scenario(name);
        if (scenario == NULL) {
            (void)fprintf(stderr, "%s: no scenario '%s'\n", path, name);
            (void)fclose(file);
            return 65;
        }
        (void)play(scenario, seed, steps, totals);
    }
    (void)fclose(file);
    return 0;
}

static bool read_option(struct options *options, const char *name, const char *value)
{
    const uint64_t number = strtoull(value, NULL, 10);

    if (strcmp(name, "--seed") == 0) {
        options->seed = number;
    } else if (strcmp(name, "--scenario") == 0) {
        options->scenario = value;
    } else if (strcmp(name, "--steps") == 0) {
        options->steps = number;
    } else if (strcmp(name, "--states") == 0) {
        options->states = number;
    } else if (strcmp(name, "--seconds") == 0) {
        options->seconds = number;
    } else if (strcmp(name, "--runs") == 0) {
        options->runs = number;
    } else if (strcmp(name, "--seeds") == 0) {
        options->seeds = value;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .states = 20000, .runs = 1};
    struct totals totals = {0};
    int status = 0;

    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !read_option(&options, argv[i], argv[i + 1])) {
            (void)fprintf(stderr, "usage: sim [--seed N] [--scenario NAME] [--steps M] [--runs N] "
                                  "[--states N | --seconds N | --seeds FILE]\n");
            return 64;
        }
    }
    (void)signal(SIGABRT, on_abort);
    (void)signal(SIGSEGV, on_abort);
    if (options.seeds != NULL) {
        status = play_seeds(options.seeds, &totals);
    } else if (options.scenario != NULL) {
        const struct sim_scenario *scenario = find_scenario(options.scenario);
        if (scenario == NULL) {
            (void)fprintf(stderr, "no scenario '%s'\n", options.scenario);
            return 64;
        }
        for (uint64_t i = 0; i < options.runs; i++) {
            (void)play(scenario, options.seed + i, options.steps, &totals);
        }
    } else {
        play_all(&options, &totals);
    }
    if (totals.jobs > 0) {
        (void)printf("%" PRIu64 " bulk jobs processed\n", totals.jobs);
    }
    if (totals.events > 0) {
        (void)printf("%" PRIu64 " events sent, %" PRIu64 " places not known, %" PRIu64
                     " events again behind a gap\n",
                     totals.events, totals.stale, totals.repeats);
    }
    (void)printf("%" PRIu64 " crash states tried in %" PRIu64 " runs; lying syncs lost something "
                 "in %" PRIu64 " of them, recovery knew it in %" PRIu64 "\n",
                 totals.states, totals.runs, totals.losses, totals.losses_told);
    return status;
}
