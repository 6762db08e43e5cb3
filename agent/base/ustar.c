#include "base/ustar.h"

#include "base/assert.h"

/* Where the fields of a header stand, and how long they are. */
enum {
    NAME_AT = 0,
    MODE_AT = 100,
    OWNER_AT = 108,
    GROUP_AT = 116,
    SIZE_AT = 124,
    TIME_AT = 136,
    SUM_AT = 148,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    SHORT_DIGITS = 7,
    LONG_DIGITS = 11,
    SUM_DIGITS = 6,
    SUM_BYTES = 8
};

static void put_octal(uint8_t *field, uint32_t digits, uint64_t number)
{
    for (uint32_t i = digits; i-- > 0;) {
        field[i] = (uint8_t)('0' + (number & 7u));
        number >>= 3u;
    }
    SFE_ASSERT(number == 0);
}

/* With blanks in place of the sum itself. */
static void put_sum(uint8_t *header)
{
    uint64_t sum = 0;

    memset(header + SUM_AT, ' ', SUM_BYTES);
    for (size_t i = 0; i < SFE_USTAR_BLOCK_BYTES; i++) {
        sum += header[i];
    }
    put_octal(header + SUM_AT, SUM_DIGITS, sum);
    header[SUM_AT + SUM_DIGITS] = '\0';
}

static void add_zeros(struct sfe_builder *out, size_t size)
{
    uint8_t *place = sfe_builder_reserve(out, size);

    if (place != NULL) {
        memset(place, 0, size);
    }
}

void sfe_ustar_add_file(struct sfe_builder *out, const char *name, struct sfe_slice content,
                        uint64_t unix_s)
{
    const size_t size = strlen(name);
    uint8_t *header = sfe_builder_reserve(out, SFE_USTAR_BLOCK_BYTES);

    SFE_ASSERT(size != 0 && size <= SFE_USTAR_NAME_BYTES_MAX);
    if (header == NULL) {
        return;
    }
    memset(header, 0, SFE_USTAR_BLOCK_BYTES);
    memcpy(header + NAME_AT, name, size);
    put_octal(header + MODE_AT, SHORT_DIGITS, 0600);
    put_octal(header + OWNER_AT, SHORT_DIGITS, 0);
    put_octal(header + GROUP_AT, SHORT_DIGITS, 0);
    put_octal(header + SIZE_AT, LONG_DIGITS, content.size);
    put_octal(header + TIME_AT, LONG_DIGITS, unix_s);
    header[TYPE_AT] = '0';
    memcpy(header + MAGIC_AT, "ustar\00000", SUM_BYTES);
    put_sum(header);
    sfe_builder_add(out, content);
    add_zeros(out, (SFE_USTAR_BLOCK_BYTES - content.size % SFE_USTAR_BLOCK_BYTES) %
                       SFE_USTAR_BLOCK_BYTES);
}

void sfe_ustar_add_end(struct sfe_builder *out)
{
    add_zeros(out, 2u * SFE_USTAR_BLOCK_BYTES);
}
