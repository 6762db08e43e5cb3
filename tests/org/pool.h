/* Memory for records: taken in small pieces from big ones, returned all at once at the end. */
#ifndef SFE_TESTS_ORG_POOL_H
#define SFE_TESTS_ORG_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_chunk;

struct pool {
    struct pool_chunk *newest; /* Owned. */
    uint8_t *place;            /* The free rest of the newest chunk. */
    size_t room;
};

/* `size` bytes aligned for any type here, not zeroed. Never NULL. */
void *pool_take(struct pool *pool, size_t size);

/* Gives back the last piece taken; any other is left alone. */
void pool_return(struct pool *pool, const void *piece, size_t size);

/* A NUL-terminated copy. */
char *pool_text(struct pool *pool, const void *bytes, size_t size);

void pool_close(struct pool *pool);

#endif
