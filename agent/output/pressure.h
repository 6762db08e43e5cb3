/* How an output gives way where rows are locked, and how it comes back. Pure; cloud thread.
 *
 * Requests that are in flight together lock each other out of the parents they share. So once they
 * have, the children of a parent go in one slot only, and thus in one request at a time; fewer
 * requests fly and fewer events go in each. What is locked in spite of that is locked by others.
 * All of it comes back by itself.
 */
#ifndef SFE_OUTPUT_PRESSURE_H
#define SFE_OUTPUT_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

struct pressure {
    uint32_t slots;          /* All there are. */
    uint32_t events;         /* Of a batch, without pressure. */
    uint32_t in_flight_max;  /* 1 to slots. */
    uint32_t events_max;     /* 1 to events. */
    uint64_t lanes_until_ns; /* Parents have lanes until then. */
};

/* No pressure: `slots` requests of `events` events. */
void pressure_open(struct pressure *pressure, uint32_t slots, uint32_t events);

/* A slot was answered: `locked` of its `count` events met a lock. `had_company`: another of our
 * requests was in flight beside it. */
void pressure_answered(struct pressure *pressure, uint64_t now_ns, uint32_t locked, uint32_t count,
                       bool had_company);

bool pressure_wants_lanes(const struct pressure *pressure, uint64_t now_ns);

#endif
