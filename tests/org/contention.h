/* Rows that are locked because somebody else writes below the same parent: requests that overlap in
 * time, and an outside process that goes from parent to parent.
 *
 * A request holds the parents of its records from its arrival until its answer leaves (fault
 * "slow" is how long); where records take time of their own, each part of a composite while it
 * runs. Only the share of parents that is contended takes part.
 */
#ifndef SFE_TESTS_ORG_CONTENTION_H
#define SFE_TESTS_ORG_CONTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct faults;

#define CONTENTION_PARENTS 1024u
#define CONTENTION_HOLDS   32u

struct hold {
    uint64_t hash;
    uint64_t from_ms;
    uint64_t until_ms;
    uint64_t request;
};

struct contention {
    /* By hash; of each place a newer one replaces the oldest. */
    struct hold holds[CONTENTION_PARENTS][CONTENTION_HOLDS];
    uint32_t next[CONTENTION_PARENTS];
    uint64_t request; /* Of the request at hand. */
    uint64_t now_ms;  /* When it came. */
    uint64_t records; /* Of its parts so far. */
    uint64_t from_ms; /* When the part at hand runs, one part after the other. */
    uint64_t until_ms;
};

/* Another request begins. */
void contention_begin(struct contention *contention, uint64_t now_ms);

/* The next part of it has so many records: one transaction. */
void contention_part(struct contention *contention, const struct faults *faults, uint32_t records);

/* True where the request at hand cannot lock the parent `id`; otherwise it holds it from now on. */
bool contention_locks_out(struct contention *contention, struct faults *faults,
                          struct sfe_slice id);

#endif
