#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"

#define CHUNK_BYTES ((size_t)1 << 20)
#define ALIGNMENT   16u

struct pool_chunk {
    struct pool_chunk *older;
    uint64_t padding;
};

void *pool_take(struct pool *pool, size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size > pool->room) {
        size_t room = size > CHUNK_BYTES / 4 ? size : CHUNK_BYTES;
        struct pool_chunk *chunk = memory_take(sizeof *chunk + room);
        chunk->older = pool->newest;
        pool->newest = chunk;
        pool->place = (uint8_t *)(chunk + 1);
        pool->room = room;
    }
    void *taken = pool->place;
    pool->place += size;
    pool->room -= size;
    return taken;
}

void pool_return(struct pool *pool, const void *piece, size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if ((const uint8_t *)piece + size == pool->place) {
        pool->place -= size;
        pool->room += size;
    }
}

char *pool_text(struct pool *pool, const void *bytes, size_t size)
{
    char *text = pool_take(pool, size + 1);
    if (size != 0) {
        memcpy(text, bytes, size);
    }
    text[size] = '\0';
    return text;
}

void pool_close(struct pool *pool)
{
    while (pool->newest != NULL) {
        struct pool_chunk *older = pool->newest->older;
        free(pool->newest);
        pool->newest = older;
    }
    *pool = (struct pool){NULL, NULL, 0};
}
