#include "base/json_text.h"

#include "base/assert.h"

#define REPLACEMENT 0xFFFDu

/* Gives the bytes that a text stands for, one after the other. */
struct walk {
    struct sfe_slice rest;
    enum json_escaping escaping;
    uint8_t ready[4]; /* Bytes of one unescaped character. */
    uint8_t ready_size;
    uint8_t ready_given;
};

static uint8_t put_utf8(uint8_t place[4], uint32_t code_point)
{
    if (code_point < 0x80u) {
        place[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800u) {
        place[0] = (uint8_t)(0xC0u | code_point >> 6);
        place[1] = (uint8_t)(0x80u | (code_point & 0x3Fu));
        return 2;
    }
    if (code_point < 0x10000u) {
        place[0] = (uint8_t)(0xE0u | code_point >> 12);
        place[1] = (uint8_t)(0x80u | (code_point >> 6 & 0x3Fu));
        place[2] = (uint8_t)(0x80u | (code_point & 0x3Fu));
        return 3;
    }
    place[0] = (uint8_t)(0xF0u | code_point >> 18);
    place[1] = (uint8_t)(0x80u | (code_point >> 12 & 0x3Fu));
    place[2] = (uint8_t)(0x80u | (code_point >> 6 & 0x3Fu));
    place[3] = (uint8_t)(0x80u | (code_point & 0x3Fu));
    return 4;
}

/* The value of the four digits of "\uXXXX" at `bytes`; the reader has checked them. */
static uint32_t unit_of(const uint8_t *bytes)
{
    uint32_t unit = 0;

    for (size_t i = 2; i < 6; i++) {
        uint8_t digit = bytes[i];
        unit = unit << 4 | (digit <= '9' ? digit - (uint32_t)'0' : (digit | 0x20u) - 'a' + 10u);
    }
    return unit;
}

/* The character of the "\uXXXX", or of the pair of them, in front; a lone surrogate is none. */
static uint32_t code_point_of(struct sfe_slice text, size_t *size)
{
    uint32_t unit = unit_of(text.bytes);

    *size = 6;
    if (unit < 0xD800u || unit > 0xDFFFu) {
        return unit;
    }
    if (unit > 0xDBFFu || text.size < 12 || text.bytes[6] != '\\' || text.bytes[7] != 'u') {
        return REPLACEMENT;
    }
    uint32_t low = unit_of(text.bytes + 6);
    if (low < 0xDC00u || low > 0xDFFFu) {
        return REPLACEMENT;
    }
    *size = 12;
    return 0x10000u + ((unit - 0xD800u) << 10) + (low - 0xDC00u);
}

static uint8_t letter_meaning(uint8_t letter)
{
    static const uint8_t meanings[256] = {
        ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};

    return meanings[letter] != 0 ? meanings[letter] : letter;
}

/* Writes what the escape at the front of `text` stands for to `place`; returns its size. */
static uint8_t unescape(struct sfe_slice text, uint8_t place[4], size_t *taken)
{
    SFE_ASSERT(text.size >= 2 && text.bytes[0] == '\\');

    if (text.bytes[1] == 'u') {
        SFE_ASSERT(text.size >= 6);
        return put_utf8(place, code_point_of(text, taken));
    }
    place[0] = letter_meaning(text.bytes[1]);
    *taken = 2;
    return 1;
}

/* The next byte; -1 at the end, -2 where a pointer has a '~' that is no escape. */
static int walk_next(struct walk *walk)
{
    size_t taken = 1;
    int byte = 0;

    if (walk->ready_given < walk->ready_size) {
        return walk->ready[walk->ready_given++];
    }
    if (walk->rest.size == 0) {
        return -1;
    }
    byte = walk->rest.bytes[0];
    if (walk->escaping == JSON_STRING && byte == '\\') {
        walk->ready_size = unescape(walk->rest, walk->ready, &taken);
        walk->ready_given = 1;
        byte = walk->ready[0];
    } else if (walk->escaping == JSON_POINTER && byte == '~') {
        int digit = walk->rest.size < 2 ? 0 : walk->rest.bytes[1];
        if (digit != '0' && digit != '1') {
            return -2;
        }
        byte = digit == '0' ? '~' : '/';
        taken = 2;
    }
    walk->rest = sfe_slice_part(walk->rest, taken, walk->rest.size);
    return byte;
}

bool json_text_equal_unescaped(struct json_text a, struct json_text b)
{
    struct walk left = {a.raw, a.escaping, {0}, 0, 0};
    struct walk right = {b.raw, b.escaping, {0}, 0, 0};
    int byte = 0;

    do {
        byte = walk_next(&left);
        if (byte != walk_next(&right) || byte == -2) {
            return false;
        }
    } while (byte >= 0);
    return true;
}

void sfe_json_add_text(const struct sfe_json *json, uint32_t index, struct sfe_builder *builder)
{
    SFE_ASSERT(index < json->count);
    struct sfe_slice rest = sfe_json_raw(json, index);

    while (json->tokens[index].escaped != 0 && rest.size != 0) {
        const uint8_t *backslash = memchr(rest.bytes, '\\', rest.size);
        if (backslash == NULL) {
            break;
        }
        size_t plain = (size_t)(backslash - rest.bytes);
        size_t taken = 0;
        uint8_t character[4];

        sfe_builder_add(builder, sfe_slice_part(rest, 0, plain));
        rest = sfe_slice_part(rest, plain, rest.size);
        uint8_t size = unescape(rest, character, &taken);
        sfe_builder_add(builder, sfe_slice_make(character, size));
        rest = sfe_slice_part(rest, taken, rest.size);
    }
    sfe_builder_add(builder, rest);
}

bool sfe_json_text_equal(const struct sfe_json *json, uint32_t index, struct sfe_slice text)
{
    SFE_ASSERT(index < json->count);

    return json->tokens[index].kind == SFE_JSON_STRING &&
           json_text_equal(json_text_of(json, index), (struct json_text){text, JSON_PLAIN});
}

void sfe_json_position(struct sfe_slice text, size_t offset, uint32_t *line, uint32_t *column)
{
    size_t begin = json_mark_size(text); /* Editors do not show the mark. */
    uint32_t lines = 1;

    SFE_ASSERT(offset <= text.size);
    while (begin < offset) {
        const uint8_t *newline = memchr(text.bytes + begin, '\n', offset - begin);
        if (newline == NULL) {
            break;
        }
        begin = (size_t)(newline - text.bytes) + 1;
        lines++;
    }
    *line = lines;
    *column = offset < begin ? 1 : (uint32_t)(offset - begin) + 1;
}
