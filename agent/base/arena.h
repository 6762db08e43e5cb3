/* Memory given out once, at open, and returned all at once.
 *
 * Bounded: past its limit a take fails. Pages that are never touched cost nothing. Not shared: open
 * takes from it in one thread.
 */
#ifndef SFE_BASE_ARENA_H
#define SFE_BASE_ARENA_H

#include "base/bytes.h"
#include "base/error.h"

#include <stddef.h>

struct sfe_arena;

/* Makes an arena that gives out at most `bytes_max`. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_arena_open(size_t bytes_max, struct sfe_arena **arena,
                                          struct sfe_error *err);

/* Takes `size` zeroed bytes, aligned for any type. NULL when the limit or the system says no; `err`
 * then says so. */
SFE_MUST_USE void *sfe_arena_take(struct sfe_arena *arena, size_t size, struct sfe_error *err);

/* Takes `size` bytes for an empty builder; without memory it has no room. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_arena_take_builder(struct sfe_arena *arena, size_t size,
                                                  struct sfe_builder *builder,
                                                  struct sfe_error *err);

/* Bytes given out so far. */
size_t sfe_arena_taken(const struct sfe_arena *arena);

/* What a take of `size` costs the arena at most; for those who say beforehand what they will take.
 */
static inline size_t sfe_arena_cost(size_t size)
{
    return size + (_Alignof(max_align_t) - size % _Alignof(max_align_t)) % _Alignof(max_align_t);
}

/* Returns everything. NULL is allowed. */
void sfe_arena_close(struct sfe_arena *arena);

#endif
