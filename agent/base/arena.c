#include "base/arena.h"

#include "base/assert.h"

#include <stdint.h>
#include <stdlib.h>

struct sfe_arena {
    size_t capacity;
    size_t taken;
    _Alignas(max_align_t) uint8_t memory[];
};

enum sfe_code sfe_arena_open(size_t bytes_max, struct sfe_arena **arena, struct sfe_error *err)
{
    struct sfe_arena *opened = NULL;

    if (bytes_max <= SIZE_MAX - sizeof(*opened)) {
        /* Large zeroed blocks come as untouched pages. */
        opened = calloc(1, sizeof(*opened) + bytes_max);
    }
    if (opened == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for %zu bytes", bytes_max);
    }
    opened->capacity = bytes_max;
    *arena = opened;
    return SFE_OK;
}

void *sfe_arena_take(struct sfe_arena *arena, size_t size, struct sfe_error *err)
{
    SFE_ASSERT(arena != NULL);
    SFE_ASSERT(arena->taken <= arena->capacity);

    size_t misfit = arena->taken % _Alignof(max_align_t);
    size_t gap = misfit == 0 ? 0 : _Alignof(max_align_t) - misfit;
    size_t room = arena->capacity - arena->taken;

    if (gap > room || size > room - gap) {
        (void)sfe_fail(err, SFE_E_NO_MEMORY, "%zu bytes wanted, %zu of %zu left", size, room,
                       arena->capacity);
        return NULL;
    }
    void *memory = arena->memory + arena->taken + gap;
    arena->taken += gap + size;
    return memory;
}

enum sfe_code sfe_arena_take_builder(struct sfe_arena *arena, size_t size,
                                     struct sfe_builder *builder, struct sfe_error *err)
{
    uint8_t *memory = sfe_arena_take(arena, size, err);

    *builder = sfe_builder_make(memory, memory == NULL ? 0 : size);
    return memory == NULL ? err->code : SFE_OK;
}

size_t sfe_arena_taken(const struct sfe_arena *arena)
{
    return arena->taken;
}

void sfe_arena_close(struct sfe_arena *arena)
{
    free(arena);
}
