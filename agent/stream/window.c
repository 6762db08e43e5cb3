#include "stream/window.h"

#include "base/assert.h"

void window_show(struct window *window, struct sfe_file *file, uint64_t end)
{
    window->file = file;
    window->end = end;
    window->size = 0;
    window->generation++;
}

static enum sfe_code fill(struct window *window, uint64_t offset, size_t size,
                          struct sfe_error *err)
{
    size_t got = 0;
    window->generation++;
    window->size = 0;
    enum sfe_code code = window->storage->read(window->storage->context, window->file, offset,
                                               window->bytes, size, &got, err);
    if (code == SFE_OK) {
        SFE_ASSERT(got <= size);
        window->begin = offset;
        window->size = got;
    }
    return code;
}

/* How much is read at once, so that several small frames cost one read. */
static size_t ahead_bytes(const struct window *window, uint64_t offset, size_t size)
{
    const uint64_t left = window->end - offset;
    size_t bytes = WINDOW_READ_AHEAD_BYTES;

    bytes = bytes < size ? size : bytes;
    bytes = bytes > window->capacity ? window->capacity : bytes;
    return left < bytes ? (size_t)left : bytes;
}

enum sfe_code window_get(struct window *window, uint64_t offset, size_t size,
                         struct sfe_slice *slice, struct sfe_error *err)
{
    SFE_ASSERT(window->file != NULL);
    SFE_ASSERT(size <= window->capacity);
    if (offset > window->end || size > window->end - offset) {
        return SFE_E_END;
    }
    bool is_held = offset >= window->begin && offset - window->begin <= window->size &&
                   size <= window->size - (offset - window->begin);
    if (!is_held) {
        enum sfe_code code = fill(window, offset, ahead_bytes(window, offset, size), err);
        if (code != SFE_OK) {
            /* A bad block further on must not take these bytes with it. */
            code = fill(window, offset, size, err);
        }
        if (code != SFE_OK) {
            return code;
        }
        if (window->size < size) {
            return SFE_E_END;
        }
    }
    *slice = sfe_slice_make(window->bytes + (offset - window->begin), size);
    return SFE_OK;
}
