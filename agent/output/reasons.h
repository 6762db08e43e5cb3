/* Why events fail, while somebody still needs to know: each different reason once, however many
 * events share it. Cloud thread.
 *
 * Bounded: where nearly as many differ as are kept, a further one is kept without its own words,
 * once for each code. So a reason is always there, and its code is always right.
 */
#ifndef SFE_OUTPUT_REASONS_H
#define SFE_OUTPUT_REASONS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct sfe_arena;
struct sfe_reasons;

/* What it takes from the arena. Pure. */
size_t sfe_reasons_memory_bytes(uint32_t kept_max);

/* Room for `kept_max` different reasons with their words. NULL on SFE_E_NO_MEMORY (err). */
struct sfe_reasons *sfe_reasons_open(uint32_t kept_max, struct sfe_arena *arena,
                                     struct sfe_error *err);

/* Keeps `reason` for one more user; returns its place. */
uint32_t sfe_reasons_keep(struct sfe_reasons *reasons, const struct sfe_error *reason);

/* The reason at a place that is kept; lives until its last user drops it. */
const struct sfe_error *sfe_reasons_at(const struct sfe_reasons *reasons, uint32_t place);

/* One user less. */
void sfe_reasons_drop(struct sfe_reasons *reasons, uint32_t place);

/* Nobody uses any. */
void sfe_reasons_clear(struct sfe_reasons *reasons);

#endif
