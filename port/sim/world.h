/* The simulated platform: everything that happens in it is drawn from one seed, in one thread. The
 * parts are made around a world, which holds time and chance. Nothing here knows the agent. */
#ifndef SFE_PORT_SIM_WORLD_H
#define SFE_PORT_SIM_WORLD_H

#include "port/clock.h"
#include "port/crypto.h"
#include "port/entropy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stream of random numbers of its own, so that more draws in one part change nothing in others.
 */
struct sim_random {
    uint64_t state;
};

struct sim_random sim_random_make(uint64_t seed, uint64_t stream);
uint64_t sim_random_next(struct sim_random *random);
/* 0 to `limit` - 1; `limit` is at least 1. */
uint32_t sim_random_below(struct sim_random *random, uint32_t limit);
/* True in `permille` of 1000. */
bool sim_random_chance(struct sim_random *random, uint32_t permille);
void sim_random_fill(struct sim_random *random, void *bytes, size_t size);

/* Under which key, salt and nonce something was sealed. */
struct sim_seals;

struct sim_seals *sim_seals_open(void);
/* NULL is allowed. */
void sim_seals_close(struct sim_seals *seals);

struct sim_world {
    uint64_t seed;
    struct sim_random random;  /* What happens. */
    struct sim_random entropy; /* What the agent is given. */
    uint64_t now_ns;           /* Monotonic. */
    int64_t wall_ns;           /* Of now_ns, as the device's clock has it. */
    enum sfe_clock_quality quality;
    uint64_t boots;
    bool has_no_entropy;
    struct sim_seals
        *seals; /* Borrowed: a nonce that comes again ends the run. NULL: none noted. */
};

/* The clock is unset after each boot, as on a board without a battery. */
void sim_world_begin(struct sim_world *world, uint64_t seed);

/* The machine starts anew: monotonic time begins again, the boot id is another one. */
void sim_world_boot(struct sim_world *world);

void sim_world_pass(struct sim_world *world, uint64_t duration_ns);

/* Someone sets the clock: to the truth or, in rare cases, years off. */
void sim_world_set_clock(struct sim_world *world);

/* One of the turns that a scheduler calls. */
struct sim_turn {
    void *owner;
    uint64_t (*run)(void *owner, uint64_t now_ns);
    uint64_t due_ns; /* As it said last; a scheduler may call it earlier, as a wake would. */
};

/* Calls the turns in an order drawn from the seed, each once or not at all, and lets time pass:
 * mostly a little, sometimes up to when the next of them is due. */
void sim_world_turn(struct sim_world *world, struct sim_turn *turns, uint32_t count);

/* Each fills its struct; the world is the context. */
void sim_clock(struct sim_world *world, struct sfe_clock *clock);
void sim_entropy(struct sim_world *world, struct sfe_entropy *entropy);
/* Signs with nothing: the simulated org looks at no signature. */
void sim_crypto(struct sim_world *world, struct sfe_crypto *crypto);

#endif
