/* A clock that takes the time from somebody who knows it, while the platform does not.
 *
 * Stands in front of the platform's clock: as long as that one is unset, it tells what it has
 * learned, as SFE_CLOCK_COASTING; where it has learned nothing, and as soon as the platform's is
 * set, it tells what that one does. A clock that nothing synchronises and that stands before the
 * floor counts as unset: that was the time once. Any thread.
 */
#ifndef SFE_BASE_LEARNED_CLOCK_H
#define SFE_BASE_LEARNED_CLOCK_H

#include "port/clock.h"

#include <stdatomic.h>
#include <stdbool.h>

struct sfe_learned_clock {
    struct sfe_clock inner;
    _Atomic int64_t wall_minus_monotonic_ns;
    atomic_bool knows;
    _Atomic int64_t floor_ns; /* Unix time. */
};

/* Puts `learned` in front of *clock, which is replaced; `learned` must live as long as it is used.
 */
void sfe_learned_clock_put(struct sfe_learned_clock *learned, struct sfe_clock *clock);

/* Unix time that is past for certain. One that is synchronised is believed all the same, so that a
 * floor that was wrong does no harm for long. */
void sfe_learned_clock_set_floor(struct sfe_learned_clock *learned, int64_t unix_ns);

/* Is the time of *unix_ns, now, vouched for: synchronised, or learned? */
bool sfe_learned_clock_is_sure(struct sfe_learned_clock *learned, int64_t *unix_ns);

/* Takes the time of day, known to a second. True where it is news: the first, or another by more
 * than some seconds. */
bool sfe_learned_clock_learn(struct sfe_learned_clock *learned, int64_t unix_s);

#endif
