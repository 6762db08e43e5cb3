/* Slices, builders and readers: every walk over bytes from outside goes through these.
 *
 * A slice borrows and never owns. A builder writes into memory it was given, never beyond its
 * capacity; overflow is sticky and asked once at the end. A reader takes from the front of a slice
 * and becomes `failed` when asked for more than there is. None is shared between threads.
 */
#ifndef SFE_BASE_BYTES_H
#define SFE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

/* Borrowed bytes; `bytes` may be NULL only where size is 0. Not NUL-terminated. */
struct sfe_slice {
    const uint8_t *bytes;
    size_t size;
};

/* A string literal as a slice. */
#define SFE_TEXT(literal) ((struct sfe_slice){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct sfe_slice sfe_slice_make(const void *bytes, size_t size)
{
    return (struct sfe_slice){(const uint8_t *)bytes, size};
}

/* A NUL-terminated string as a slice; NULL is the empty slice. */
static inline struct sfe_slice sfe_slice_text(const char *text)
{
    return sfe_slice_make(text, text == NULL ? 0 : strlen(text));
}

static inline bool sfe_slice_equal(struct sfe_slice a, struct sfe_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

/* True where all bytes are 0, and of an empty slice. */
static inline bool sfe_slice_is_zero(struct sfe_slice slice)
{
    return slice.size == 0 ||
           (slice.bytes[0] == 0 && memcmp(slice.bytes, slice.bytes + 1, slice.size - 1u) == 0);
}

/* The part of `whole` from `begin` (clipped) of at most `size` bytes. */
static inline struct sfe_slice sfe_slice_part(struct sfe_slice whole, size_t begin, size_t size)
{
    if (begin > whole.size) {
        begin = whole.size;
    }
    if (size > whole.size - begin) {
        size = whole.size - begin;
    }
    return sfe_slice_make(whole.bytes == NULL ? NULL : whole.bytes + begin, size);
}

struct sfe_builder {
    uint8_t *bytes; /* Borrowed memory. */
    size_t size;    /* Bytes written so far. */
    size_t capacity;
    bool overflowed; /* Sticky: something did not fit; what was written before it is intact. */
};

static inline struct sfe_builder sfe_builder_make(void *memory, size_t capacity)
{
    return (struct sfe_builder){(uint8_t *)memory, 0, capacity, false};
}

static inline struct sfe_slice sfe_builder_slice(const struct sfe_builder *builder)
{
    return sfe_slice_make(builder->bytes, builder->size);
}

static inline size_t sfe_builder_room(const struct sfe_builder *builder)
{
    return builder->capacity - builder->size;
}

/* Reserves `size` bytes to be filled by the caller; NULL and overflow when they do not fit. */
static inline uint8_t *sfe_builder_reserve(struct sfe_builder *builder, size_t size)
{
    if (builder->overflowed || size > builder->capacity - builder->size) {
        builder->overflowed = true;
        return NULL;
    }
    builder->size += size;
    return builder->bytes + (builder->size - size);
}

static inline void sfe_builder_add(struct sfe_builder *builder, struct sfe_slice slice)
{
    uint8_t *place = sfe_builder_reserve(builder, slice.size);
    if (place != NULL && slice.size != 0) {
        memcpy(place, slice.bytes, slice.size);
    }
}

static inline void sfe_builder_add_byte(struct sfe_builder *builder, uint8_t byte)
{
    uint8_t *place = sfe_builder_reserve(builder, 1);
    if (place != NULL) {
        *place = byte;
    }
}

static inline void sfe_builder_add_text(struct sfe_builder *builder, const char *text)
{
    sfe_builder_add(builder, sfe_slice_text(text));
}

/* Goes back to an earlier size and forgets an overflow since; to drop what did not fit whole. */
static inline void sfe_builder_rewind(struct sfe_builder *builder, size_t size)
{
    builder->size = size;
    builder->overflowed = false;
}

/* Adds formatted text (no NUL is left behind). */
void sfe_builder_format(struct sfe_builder *builder, const char *format, ...) SFE_PRINTF(2, 3);

/* Adds the decimal text of `value`. */
void sfe_builder_add_u64(struct sfe_builder *builder, uint64_t value);
void sfe_builder_add_i64(struct sfe_builder *builder, int64_t value);

/* Adds `slice` as lower-case hexadecimal. */
void sfe_builder_add_hex(struct sfe_builder *builder, struct sfe_slice slice);

/* Adds `slice` as base64 (RFC 4648 section 4), or base64url without padding (section 5). */
void sfe_builder_add_base64(struct sfe_builder *builder, struct sfe_slice slice);
void sfe_builder_add_base64url(struct sfe_builder *builder, struct sfe_slice slice);

/* Little-endian integers, as on flash, and LEB128 variable-length ones. */
void sfe_builder_add_u16le(struct sfe_builder *builder, uint16_t value);
void sfe_builder_add_u32le(struct sfe_builder *builder, uint32_t value);
void sfe_builder_add_u64le(struct sfe_builder *builder, uint64_t value);
void sfe_builder_add_varint(struct sfe_builder *builder, uint64_t value);

struct sfe_reader {
    struct sfe_slice rest;
    bool failed; /* Sticky: more was asked for than there was. */
};

static inline struct sfe_reader sfe_reader_make(struct sfe_slice slice)
{
    return (struct sfe_reader){slice, false};
}

/* Takes `size` bytes; the empty slice and `failed` when there are fewer. */
struct sfe_slice sfe_reader_take(struct sfe_reader *reader, size_t size);

/* The front byte, left where it is; 0 where there is none, and once the reader has failed: who
 * loops on it comes to an end. */
static inline uint8_t sfe_reader_peek(const struct sfe_reader *reader)
{
    return reader->failed || reader->rest.size == 0 ? 0 : reader->rest.bytes[0];
}

/* Integers from the front; 0 and `failed` when there are too few bytes. */
uint8_t sfe_reader_u8(struct sfe_reader *reader);
uint16_t sfe_reader_u16be(struct sfe_reader *reader);
uint32_t sfe_reader_u32be(struct sfe_reader *reader);
uint16_t sfe_reader_u16le(struct sfe_reader *reader);
uint32_t sfe_reader_u32le(struct sfe_reader *reader);
uint64_t sfe_reader_u64le(struct sfe_reader *reader);
/* LEB128; more than 10 bytes, or bits beyond 64, is a failure. */
uint64_t sfe_reader_varint(struct sfe_reader *reader);

/* True where `slice` is well-formed UTF-8 (RFC 3629: no surrogates, no over-long forms). */
bool sfe_utf8_valid(struct sfe_slice slice);

/* Copies `slice` to `text` as a C string, clipped to fit (at a character's border), control bytes
 * and bytes that are not UTF-8 replaced by '?'. For messages about outside data. */
void sfe_printable(char *text, size_t capacity, struct sfe_slice slice);

#endif
