#include "base/bytes.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "base/words.h"

#include <stdarg.h>
#include <stdio.h>

#define FORMAT_BYTES      512
#define DECIMAL_BYTES_MAX 20
#define VARINT_BYTES_MAX  10

void sfe_builder_format(struct sfe_builder *builder, const char *format, ...)
{
    char text[FORMAT_BYTES];
    va_list arguments;
    int size = 0;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < 0) {
        builder->overflowed = true;
        return;
    }
    if ((size_t)size < sizeof(text)) {
        sfe_builder_add(builder, sfe_slice_make(text, (size_t)size));
        return;
    }
    /* A long text is formatted in place; its NUL takes a byte that is then given back. */
    uint8_t *place = sfe_builder_reserve(builder, (size_t)size + 1);
    if (place != NULL) {
        va_start(arguments, format);
        (void)vsnprintf((char *)place, (size_t)size + 1, format, arguments);
        va_end(arguments);
        builder->size--;
    }
}

void sfe_builder_add_u64(struct sfe_builder *builder, uint64_t value)
{
    uint8_t digits[DECIMAL_BYTES_MAX];
    size_t begin = sizeof(digits);

    do {
        digits[--begin] = (uint8_t)('0' + value % 10u);
        value /= 10u;
    } while (value != 0);
    sfe_builder_add(builder, sfe_slice_make(digits + begin, sizeof(digits) - begin));
}

void sfe_builder_add_i64(struct sfe_builder *builder, int64_t value)
{
    size_t before = builder->size;
    uint64_t magnitude = (uint64_t)value;

    if (value < 0) {
        sfe_builder_add_byte(builder, '-');
        magnitude = 0u - magnitude;
    }
    sfe_builder_add_u64(builder, magnitude);
    if (builder->overflowed) {
        builder->size = before;
    }
}

void sfe_builder_add_hex(struct sfe_builder *builder, struct sfe_slice slice)
{
    static const char digits[] = "0123456789abcdef";

    if (slice.size > SIZE_MAX / 2) {
        builder->overflowed = true;
        return;
    }
    uint8_t *place = sfe_builder_reserve(builder, slice.size * 2);
    if (place == NULL) {
        return;
    }
    for (size_t i = 0; i < slice.size; i++) {
        *place++ = (uint8_t)digits[slice.bytes[i] >> 4];
        *place++ = (uint8_t)digits[slice.bytes[i] & 0x0Fu];
    }
}

static uint8_t *put_sextets(uint8_t *place, uint32_t group, size_t count, const char *alphabet)
{
    for (size_t i = 0; i < count; i++) {
        *place++ = (uint8_t)alphabet[(group >> (18u - 6u * i)) & 0x3Fu];
    }
    return place;
}

static void add_base64(struct sfe_builder *builder, struct sfe_slice slice, const char *alphabet,
                       bool padded)
{
    size_t whole = slice.size / 3;
    size_t rest = slice.size % 3;
    size_t tail = rest == 0 ? 0 : (padded ? 4 : rest + 1);

    if (whole > (SIZE_MAX - 4) / 4) {
        builder->overflowed = true;
        return;
    }
    uint8_t *place = sfe_builder_reserve(builder, whole * 4 + tail);
    if (place == NULL) {
        return;
    }
    const uint8_t *from = slice.bytes;
    for (size_t i = 0; i < whole; i++, from += 3) {
        uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        place = put_sextets(place, group, 4, alphabet);
    }
    if (rest != 0) {
        uint32_t group = (uint32_t)from[0] << 16 | (rest == 2 ? (uint32_t)from[1] << 8 : 0);
        place = put_sextets(place, group, rest + 1, alphabet);
        memset(place, '=', tail - (rest + 1));
    }
}

void sfe_builder_add_base64(struct sfe_builder *builder, struct sfe_slice slice)
{
    add_base64(builder, slice, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
               true);
}

void sfe_builder_add_base64url(struct sfe_builder *builder, struct sfe_slice slice)
{
    add_base64(builder, slice, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
               false);
}

static void add_little_endian(struct sfe_builder *builder, uint64_t value, size_t size)
{
    uint8_t *place = sfe_builder_reserve(builder, size);

    for (size_t i = 0; place != NULL && i < size; i++) {
        place[i] = (uint8_t)(value >> (8u * i));
    }
}

void sfe_builder_add_u16le(struct sfe_builder *builder, uint16_t value)
{
    add_little_endian(builder, value, 2);
}

void sfe_builder_add_u32le(struct sfe_builder *builder, uint32_t value)
{
    add_little_endian(builder, value, 4);
}

void sfe_builder_add_u64le(struct sfe_builder *builder, uint64_t value)
{
    add_little_endian(builder, value, 8);
}

void sfe_builder_add_varint(struct sfe_builder *builder, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    size_t size = 0;

    while (value >= 0x80u) {
        bytes[size++] = (uint8_t)(value | 0x80u);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    SFE_ASSERT(size <= sizeof(bytes));
    sfe_builder_add(builder, sfe_slice_make(bytes, size));
}

struct sfe_slice sfe_reader_take(struct sfe_reader *reader, size_t size)
{
    struct sfe_slice taken = {NULL, 0};

    if (reader->failed || size > reader->rest.size) {
        reader->failed = true;
        return taken;
    }
    taken = sfe_slice_part(reader->rest, 0, size);
    reader->rest = sfe_slice_part(reader->rest, size, reader->rest.size);
    return taken;
}

static uint64_t take_little_endian(struct sfe_reader *reader, size_t size)
{
    struct sfe_slice taken = sfe_reader_take(reader, size);
    uint64_t value = 0;

    for (size_t i = taken.size; i > 0; i--) {
        value = value << 8 | taken.bytes[i - 1];
    }
    return value;
}

static uint32_t take_big_endian(struct sfe_reader *reader, size_t size)
{
    struct sfe_slice taken = sfe_reader_take(reader, size);
    uint32_t value = 0;

    for (size_t i = 0; i < taken.size; i++) {
        value = value << 8 | taken.bytes[i];
    }
    return value;
}

uint8_t sfe_reader_u8(struct sfe_reader *reader)
{
    return (uint8_t)take_big_endian(reader, 1);
}

uint16_t sfe_reader_u16be(struct sfe_reader *reader)
{
    return (uint16_t)take_big_endian(reader, 2);
}

uint32_t sfe_reader_u32be(struct sfe_reader *reader)
{
    return take_big_endian(reader, 4);
}

uint16_t sfe_reader_u16le(struct sfe_reader *reader)
{
    return (uint16_t)take_little_endian(reader, 2);
}

uint32_t sfe_reader_u32le(struct sfe_reader *reader)
{
    return (uint32_t)take_little_endian(reader, 4);
}

uint64_t sfe_reader_u64le(struct sfe_reader *reader)
{
    return take_little_endian(reader, 8);
}

uint64_t sfe_reader_varint(struct sfe_reader *reader)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = sfe_reader_u8(reader);
        if (reader->failed || (i == VARINT_BYTES_MAX - 1 && byte > 1)) {
            break;
        }
        value |= (uint64_t)(byte & 0x7Fu) << (7u * i);
        if (byte < 0x80u) {
            return value;
        }
    }
    reader->failed = true;
    return 0;
}

bool sfe_utf8_valid(struct sfe_slice slice)
{
    size_t i = 0;

    while (i < slice.size) {
        size_t rest = slice.size - i;
        size_t size = 0;

        if (rest >= 8 && (sfe_word_load(slice.bytes + i) & SFE_WORD_HIGH_BITS) == 0) {
            i += 8;
            continue;
        }
        size = sfe_utf8_size(slice.bytes + i, rest);
        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}

/* Control characters of ASCII, and those of Latin-1, which terminals obey too. */
static bool is_control(const uint8_t *character, size_t size)
{
    return (size == 1 && (character[0] < ' ' || character[0] == 0x7Fu)) ||
           (size == 2 && character[0] == 0xC2u && character[1] < 0xA0u);
}

/* How much of the slice's beginning is printable ASCII, up to `max`: mostly all of it. */
static size_t plain_size(struct sfe_slice slice, size_t max)
{
    const size_t end = slice.size < max ? slice.size : max;
    size_t size = 0;

    while (size < end && (uint8_t)(slice.bytes[size] - ' ') < 0x7Fu - ' ') {
        size++;
    }
    return size;
}

void sfe_printable(char *text, size_t capacity, struct sfe_slice slice)
{
    size_t size = plain_size(slice, capacity > 0 ? capacity - 1 : 0);
    size_t i = size;

    SFE_ASSERT(capacity > 0);
    if (size > 0) {
        memcpy(text, slice.bytes, size);
    }
    while (i < slice.size) {
        const uint8_t *character = slice.bytes + i;
        size_t taken = sfe_utf8_size(character, slice.size - i);
        bool is_bad = taken == 0 || is_control(character, taken);
        size_t given = is_bad ? 1 : taken;

        if (given > capacity - 1 - size) {
            break;
        }
        if (is_bad) {
            text[size] = '?';
        } else {
            memcpy(text + size, character, given);
        }
        size += given;
        i += taken == 0 ? 1 : taken;
    }
    text[size] = '\0';
}
