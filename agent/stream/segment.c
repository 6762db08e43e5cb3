#include "stream/segment.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>

#define MAGIC             "SFESEGM\n"
#define MAGIC_BYTES       8u
#define CHECKED_BYTES     (SEGMENT_HEADER_BYTES - 4u)
#define NUMBER_DIGITS     8u
#define NUMBER_DIGITS_MAX 10u

static void write_copy(const struct segment *segment, const char *stream, uint8_t *bytes)
{
    char name[SFE_NAME_BYTES_MAX] = {0};
    const size_t size = strlen(stream);
    struct sfe_builder header = sfe_builder_make(bytes, SEGMENT_HEADER_BYTES);

    SFE_ASSERT(size > 0 && size <= sizeof(name));
    memcpy(name, stream, size);
    sfe_builder_add(&header, sfe_slice_make(MAGIC, MAGIC_BYTES));
    sfe_builder_add_u16le(&header, SEGMENT_VERSION);
    sfe_builder_add_u16le(&header, 0);
    sfe_builder_add_u32le(&header, segment->number);
    sfe_builder_add_u64le(&header, segment->first_sequence);
    sfe_builder_add_u32le(&header, segment->salt);
    sfe_builder_add_u32le(&header, 0);
    sfe_builder_add(&header, sfe_slice_make(segment->boot_id, sizeof(segment->boot_id)));
    sfe_builder_add(&header, sfe_slice_make(name, sizeof(name)));
    sfe_builder_add_u32le(&header, 0);
    sfe_builder_add_u32le(&header, sfe_crc32c(0, sfe_slice_make(bytes, CHECKED_BYTES)));
    SFE_ASSERT(header.size == SEGMENT_HEADER_BYTES && !header.overflowed);
}

void segment_header_write(const struct segment *segment, const char *stream, uint8_t *bytes)
{
    memset(bytes, 0, SEGMENT_BEGIN);
    for (uint32_t copy = 0; copy < SEGMENT_HEADER_COPIES; copy++) {
        write_copy(segment, stream, bytes + (size_t)copy * SFE_PAGE_BYTES);
    }
}

static bool is_name(struct sfe_slice padded, const char *stream)
{
    char name[SFE_NAME_BYTES_MAX] = {0};
    const size_t size = strlen(stream);

    SFE_ASSERT(size <= sizeof(name));
    memcpy(name, stream, size);
    return sfe_slice_equal(padded, sfe_slice_make(name, sizeof(name)));
}

enum header_verdict segment_header_parse(struct sfe_slice header, const char *stream,
                                         struct segment *segment)
{
    struct sfe_reader reader = sfe_reader_make(header);
    struct sfe_slice magic = sfe_reader_take(&reader, MAGIC_BYTES);

    if (header.size < SEGMENT_HEADER_BYTES ||
        !sfe_slice_equal(magic, sfe_slice_make(MAGIC, MAGIC_BYTES))) {
        return HEADER_BAD;
    }
    struct sfe_reader end = sfe_reader_make(sfe_slice_part(header, CHECKED_BYTES, 4));
    if (sfe_reader_u32le(&end) != sfe_crc32c(0, sfe_slice_part(header, 0, CHECKED_BYTES))) {
        return HEADER_BAD;
    }
    if (sfe_reader_u16le(&reader) > SEGMENT_VERSION) {
        return HEADER_NEWER;
    }
    (void)sfe_reader_u16le(&reader);
    const uint32_t number = sfe_reader_u32le(&reader);
    const uint64_t first_sequence = sfe_reader_u64le(&reader);
    const uint32_t salt = sfe_reader_u32le(&reader);
    (void)sfe_reader_u32le(&reader);
    struct sfe_slice boot_id = sfe_reader_take(&reader, sizeof(segment->boot_id));
    if (number != segment->number ||
        !is_name(sfe_reader_take(&reader, SFE_NAME_BYTES_MAX), stream) || first_sequence == 0 ||
        first_sequence > SEQUENCE_MAX) {
        return HEADER_BAD;
    }
    segment->first_sequence = first_sequence;
    segment->salt = salt;
    memcpy(segment->boot_id, boot_id.bytes, sizeof(segment->boot_id));
    return HEADER_VALID;
}

void segment_name(char *name, const char *stream, uint32_t number, const char *suffix)
{
    int length = snprintf(name, SEGMENT_NAME_BYTES, "%s-%08" PRIu32 "%s", stream, number, suffix);
    SFE_ASSERT(length > 0 && (size_t)length < SEGMENT_NAME_BYTES);
}

bool segment_number_of(const char *name, const char *stream, const char *suffix, uint32_t *number)
{
    const size_t stream_size = strlen(stream);
    const size_t suffix_size = strlen(suffix);
    const size_t size = strlen(name);
    uint64_t value = 0;

    if (size < stream_size + 1 + NUMBER_DIGITS + suffix_size ||
        size > stream_size + 1 + NUMBER_DIGITS_MAX + suffix_size ||
        memcmp(name, stream, stream_size) != 0 || name[stream_size] != '-' ||
        memcmp(name + size - suffix_size, suffix, suffix_size) != 0) {
        return false;
    }
    for (size_t i = stream_size + 1; i < size - suffix_size; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return false;
        }
        value = value * 10u + (uint64_t)(name[i] - '0');
    }
    /* One number has one name: more than the usual digits only where they are needed. */
    if (name[stream_size + 1] == '0' && size != stream_size + 1 + NUMBER_DIGITS + suffix_size) {
        return false;
    }
    *number = (uint32_t)value;
    return value > 0 && value < UINT32_MAX;
}
