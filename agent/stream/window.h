/* A moving view of one file: reads ahead, so that several frames cost one read. Belongs to one
 * thread. */
#ifndef SFE_STREAM_WINDOW_H
#define SFE_STREAM_WINDOW_H

#include "base/limits.h"
#include "port/storage.h"

/* Of a read, where what is asked for is less. */
#define WINDOW_READ_AHEAD_BYTES (2u * SFE_FRAME_BYTES_TARGET)

struct window {
    const struct sfe_storage *storage;
    struct sfe_file *file; /* Borrowed; NULL: none. */
    uint8_t *bytes;        /* Borrowed memory of `capacity` bytes. */
    size_t capacity;
    uint64_t end;   /* Nothing at or beyond is read. */
    uint64_t begin; /* What is held: [begin, begin + size). */
    size_t size;
    uint32_t generation; /* Changes whenever slices given out before have died. */
};

/* Looks at `file` up to `end`; what was held of another is forgotten. */
void window_show(struct window *window, struct sfe_file *file, uint64_t end);

/* The `size` bytes (at most the capacity) at `offset`; they live until the next call. SFE_E_END (no
 * text): they reach beyond the end of the window or of the file. Other codes: the medium cannot be
 * read there. */
SFE_MUST_USE enum sfe_code window_get(struct window *window, uint64_t offset, size_t size,
                                      struct sfe_slice *slice, struct sfe_error *err);

#endif
