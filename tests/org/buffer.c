#include "buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json_writer.h"

void *memory_grow(void *memory, size_t size)
{
    void *grown = realloc(memory, size == 0 ? 1 : size);
    if (grown == NULL) {
        (void)fprintf(stderr, "sfedge-org: out of memory (%zu bytes asked)\n", size);
        exit(71);
    }
    return grown;
}

void *memory_take(size_t size)
{
    return memory_grow(NULL, size);
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->capacity - buffer->size < size || buffer->bytes == NULL) {
        size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
        while (capacity - buffer->size < size) {
            capacity *= 2;
        }
        buffer->bytes = memory_grow(buffer->bytes, capacity);
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->size;
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size > 0) {
        uint8_t *place = buffer_reserve(buffer, (size_t)size + 1);
        (void)vsnprintf((char *)place, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
}

void buffer_add_u64(struct buffer *buffer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buffer_add(buffer, sfe_slice_make(digits + at, sizeof digits - at));
}

void buffer_add_json(struct buffer *buffer, struct sfe_slice text)
{
    /* The worst byte becomes \u00XX. */
    size_t room = text.size * 6 + 2;
    struct sfe_builder builder = sfe_builder_make(buffer_reserve(buffer, room), room);
    sfe_json_add_string(&builder, text);
    buffer->size += builder.size;
}

void buffer_drop_front(struct buffer *buffer, size_t size)
{
    size_t rest = buffer->size - size;
    if (rest != 0 && size != 0) {
        memmove(buffer->bytes, buffer->bytes + size, rest);
    }
    buffer->size = rest;
}

const char *buffer_read_file(struct buffer *buffer, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return strerror(errno);
    }
    ssize_t got = 0;
    do {
        uint8_t *place = buffer_reserve(buffer, 65536);
        got = read(file, place, 65536);
        buffer->size += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    const char *problem = got < 0 ? strerror(errno) : NULL;
    (void)close(file);
    return problem;
}

static bool write_all(int file, struct sfe_slice bytes)
{
    while (bytes.size != 0) {
        ssize_t done = write(file, bytes.bytes, bytes.size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        bytes = sfe_slice_part(bytes, (size_t)done, bytes.size);
    }
    return true;
}

bool buffer_write_file(const struct buffer *buffer, const char *path)
{
    char draft[2048];
    int size = snprintf(draft, sizeof draft, "%s.new", path);
    if (size < 0 || (size_t)size >= sizeof draft) {
        errno = ENAMETOOLONG;
        return false;
    }
    int file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) {
        return false;
    }
    bool written = write_all(file, buffer_slice(buffer));
    written = close(file) == 0 && written;
    return written && rename(draft, path) == 0;
}

void buffer_close(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){NULL, 0, 0};
}
