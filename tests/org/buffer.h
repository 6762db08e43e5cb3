/* A byte buffer that grows. The org is a test tool on a desk: when memory ends, it says so and
 * ends. */
#ifndef SFE_TESTS_ORG_BUFFER_H
#define SFE_TESTS_ORG_BUFFER_H

#include "base/bytes.h"

struct buffer {
    uint8_t *bytes; /* Owned. */
    size_t size;
    size_t capacity;
};

/* Makes room for `size` more bytes and returns where they go; `size` of the buffer is unchanged. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);

static inline void buffer_add(struct buffer *buffer, struct sfe_slice slice)
{
    uint8_t *place = buffer->capacity - buffer->size >= slice.size
                         ? buffer->bytes + buffer->size
                         : buffer_reserve(buffer, slice.size);
    if (slice.size != 0) {
        memcpy(place, slice.bytes, slice.size);
    }
    buffer->size += slice.size;
}

static inline void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, sfe_slice_text(text));
}

static inline struct sfe_slice buffer_slice(const struct buffer *buffer)
{
    return sfe_slice_make(buffer->bytes, buffer->size);
}

void buffer_format(struct buffer *buffer, const char *format, ...) SFE_PRINTF(2, 3);
void buffer_add_u64(struct buffer *buffer, uint64_t value);

/* Adds `text` as a JSON string with its quotes. */
void buffer_add_json(struct buffer *buffer, struct sfe_slice text);

/* Forgets the first `size` bytes. */
void buffer_drop_front(struct buffer *buffer, size_t size);

/* Reads a whole file; NULL on success, else what went wrong. */
const char *buffer_read_file(struct buffer *buffer, const char *path);

/* Writes a file so that a reader sees it whole or not at all. */
bool buffer_write_file(const struct buffer *buffer, const char *path);

void buffer_close(struct buffer *buffer);

/* malloc that never returns NULL. */
void *memory_take(size_t size);
/* realloc that never returns NULL. */
void *memory_grow(void *memory, size_t size);

#endif
