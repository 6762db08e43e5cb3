/* Keys in use during one walk over the window. Of order keys at most one event passes, the oldest;
 * of parents' keys all events go in one slot. Cloud thread. */
#ifndef SFE_OUTPUT_LANE_H
#define SFE_OUTPUT_LANE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sfe_arena;
struct sfe_lane;

/* What it takes from the arena. Pure. */
size_t sfe_lane_memory_bytes(uint32_t keys_max);

/* Room for `keys_max` keys. NULL on SFE_E_NO_MEMORY (err). */
struct sfe_lane *sfe_lane_open(uint32_t keys_max, struct sfe_arena *arena, struct sfe_error *err);

/* Begins a walk from the oldest unsettled event on: no key is held. O(1). */
void sfe_lane_begin(struct sfe_lane *lane);

/* Holds `key` (0 holds nothing and always passes). False when it was held before. */
bool sfe_lane_claim(struct sfe_lane *lane, uint64_t key);

/* Holds `key`, which is not 0, for `slot`, whoever held it. */
void sfe_lane_give(struct sfe_lane *lane, uint64_t key, uint32_t slot);

/* The slot that `key` was given to; false where it was not. */
bool sfe_lane_find(const struct sfe_lane *lane, uint64_t key, uint32_t *slot);

/* True where an earlier event of this walk holds `key`; key 0 is never held. */
bool sfe_lane_is_held(const struct sfe_lane *lane, uint64_t key);

#endif
