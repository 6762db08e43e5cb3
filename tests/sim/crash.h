/* A run whose every step may be the last: see crash.c. */
#ifndef SFE_TESTS_SIM_CRASH_H
#define SFE_TESTS_SIM_CRASH_H

#include "flash.h"

struct crash_mix {
    uint32_t append; /* In parts of the sum. */
    uint32_t dead;
    uint32_t save;
    uint32_t settle; /* A save to the end. */
    uint32_t read;
    uint32_t reopen;
    uint32_t events_max;
};

struct crash_tester {
    struct flash *flash;
    struct sim_random random;
    const struct crash_mix *mix;
    uint32_t skip_permille; /* Of the calls, so many are passed over. */
};

/* Makes a machine with an empty medium. Every change is followed by the crashes that it may be
 * followed by; sim_storage_watch(..., NULL, NULL) leaves them out. */
void crash_begin(struct crash_tester *tester, struct flash *flash, struct sim_run *run,
                 const struct crash_mix *mix);
void crash_end(struct flash *flash);

/* One step of the run, drawn from the mix. */
void crash_step(struct flash *flash, const struct crash_mix *mix);

/* The states that a crash at this moment may leave. */
void crash_look(struct crash_tester *tester);

#endif
