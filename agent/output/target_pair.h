/* Two targets in one: the output's large slot is the one's, all others are the other's. Both lead
 * to the same place, so the order keys of both must be the same. Cloud thread. */
#ifndef SFE_OUTPUT_TARGET_PAIR_H
#define SFE_OUTPUT_TARGET_PAIR_H

#include "output/output.h"

struct sfe_target_pair {
    struct sfe_target small;
    struct sfe_target large;
    uint32_t large_slot;                                /* All slots below are those of `small`. */
    enum sfe_large_use (*large_use)(const void *large); /* For the context of `large`. */
};

/* Fills in `target`; `pair` must outlive it. Ready when both are. */
void sfe_target_pair_make(struct sfe_target_pair *pair, struct sfe_target *target);

/* large_use of the output's options, for a pair. */
enum sfe_large_use sfe_target_pair_use(const void *pair);

#endif
