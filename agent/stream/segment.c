#include "stream/segment.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>

#define MAGIC             "SFESEGM\n"
#define MAGIC_BYTES       8u
#define CHECKED_BYTES     (SEGMENT_HEADER_BYTES - 4u)
#define CHECKED_BYTES_2   (SEGMENT_HEADER_BYTES_2 - 4u)
#define VERSION_PLAIN     1u /* Nothing dropped, nothing sealed: as ever. */
#define SEALED            1u /* A flag of version 2. */
#define NUMBER_DIGITS     8u
#define NUMBER_DIGITS_MAX 10u

static bool is_plain(const struct segment *segment)
{
    return !segment->is_sealed && segment->gap.end == 0 && segment->dropped_events == 0;
}

/* What version 2 adds. */
static void write_rest(const struct segment *segment, uint8_t *bytes)
{
    struct sfe_builder rest = sfe_builder_make(bytes + SEGMENT_HEADER_BYTES,
                                               SEGMENT_HEADER_BYTES_2 - SEGMENT_HEADER_BYTES);

    sfe_builder_add_u64le(&rest, segment->gap.begin);
    sfe_builder_add_u64le(&rest, segment->gap.end);
    sfe_builder_add_u64le(&rest, segment->gap.events);
    sfe_builder_add_u64le(&rest, segment->dropped_events);
    sfe_builder_add_u64le(&rest, segment->dropped_bytes);
    sfe_builder_add_u32le(&rest, (uint32_t)segment->gap.why);
    sfe_builder_add_u32le(&rest, segment->is_sealed ? SEALED : 0);
    sfe_builder_add(&rest, sfe_slice_make(segment->seal.key_id, sizeof(segment->seal.key_id)));
    sfe_builder_add(&rest, sfe_slice_make(segment->seal.salt, sizeof(segment->seal.salt)));
    sfe_builder_add_u32le(&rest, sfe_crc32c(0, sfe_slice_make(bytes, CHECKED_BYTES_2)));
    SFE_ASSERT(rest.size == rest.capacity && !rest.overflowed);
}

static void write_copy(const struct segment *segment, const char *stream, uint8_t *bytes)
{
    char name[SFE_NAME_BYTES_MAX] = {0};
    const size_t size = strlen(stream);
    struct sfe_builder header = sfe_builder_make(bytes, SEGMENT_HEADER_BYTES);

    SFE_ASSERT(size > 0 && size <= sizeof(name));
    memcpy(name, stream, size);
    sfe_builder_add(&header, sfe_slice_make(MAGIC, MAGIC_BYTES));
    sfe_builder_add_u16le(&header, is_plain(segment) ? VERSION_PLAIN : SEGMENT_VERSION);
    sfe_builder_add_u16le(&header, 0);
    sfe_builder_add_u32le(&header, segment->number);
    sfe_builder_add_u64le(&header, segment->first_sequence);
    sfe_builder_add_u32le(&header, segment->salt);
    sfe_builder_add_u32le(&header, segment->frame_bytes_max);
    sfe_builder_add(&header, sfe_slice_make(segment->boot_id, sizeof(segment->boot_id)));
    sfe_builder_add(&header, sfe_slice_make(name, sizeof(name)));
    sfe_builder_add_u32le(&header, 0);
    sfe_builder_add_u32le(&header, sfe_crc32c(0, sfe_slice_make(bytes, CHECKED_BYTES)));
    SFE_ASSERT(header.size == SEGMENT_HEADER_BYTES && !header.overflowed);
    if (!is_plain(segment)) {
        write_rest(segment, bytes);
    }
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

static bool checks(struct sfe_slice header, size_t checked_bytes)
{
    struct sfe_reader end = sfe_reader_make(sfe_slice_part(header, checked_bytes, 4));

    return header.size >= checked_bytes + 4u &&
           sfe_reader_u32le(&end) == sfe_crc32c(0, sfe_slice_part(header, 0, checked_bytes));
}

static bool parse_rest(struct sfe_slice header, struct segment *segment)
{
    struct sfe_reader rest =
        sfe_reader_make(sfe_slice_part(header, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES_2));
    struct segment_gap *gap = &segment->gap;

    if (!checks(header, CHECKED_BYTES_2)) {
        return false;
    }
    gap->begin = sfe_reader_u64le(&rest);
    gap->end = sfe_reader_u64le(&rest);
    gap->events = sfe_reader_u64le(&rest);
    segment->dropped_events = sfe_reader_u64le(&rest);
    segment->dropped_bytes = sfe_reader_u64le(&rest);
    const uint32_t why = sfe_reader_u32le(&rest);
    segment->is_sealed = (sfe_reader_u32le(&rest) & SEALED) != 0;
    struct sfe_slice key_id = sfe_reader_take(&rest, sizeof(segment->seal.key_id));
    struct sfe_slice salt = sfe_reader_take(&rest, sizeof(segment->seal.salt));
    if (rest.failed || why > SEGMENT_DROPPED_NEWEST || gap->begin > gap->end ||
        segment->dropped_events > SEQUENCE_MAX || gap->events > gap->end - gap->begin ||
        gap->end > segment->first_sequence || (gap->end != 0 && gap->begin == 0)) {
        return false;
    }
    gap->why = (enum segment_why)why;
    memcpy(segment->seal.key_id, key_id.bytes, sizeof(segment->seal.key_id));
    memcpy(segment->seal.salt, salt.bytes, sizeof(segment->seal.salt));
    return true;
}

enum header_verdict segment_header_parse(struct sfe_slice header, const char *stream,
                                         struct segment *segment)
{
    struct sfe_reader reader = sfe_reader_make(header);
    struct sfe_slice magic = sfe_reader_take(&reader, MAGIC_BYTES);
    struct segment found = *segment;

    if (!sfe_slice_equal(magic, sfe_slice_make(MAGIC, MAGIC_BYTES)) ||
        !checks(header, CHECKED_BYTES)) {
        return HEADER_BAD;
    }
    const uint16_t version = sfe_reader_u16le(&reader);
    if (version > SEGMENT_VERSION) {
        return HEADER_NEWER;
    }
    (void)sfe_reader_u16le(&reader);
    const uint32_t number = sfe_reader_u32le(&reader);
    found.first_sequence = sfe_reader_u64le(&reader);
    found.salt = sfe_reader_u32le(&reader);
    found.frame_bytes_max = sfe_reader_u32le(&reader);
    struct sfe_slice boot_id = sfe_reader_take(&reader, sizeof(found.boot_id));
    if (number != segment->number ||
        !is_name(sfe_reader_take(&reader, SFE_NAME_BYTES_MAX), stream) ||
        found.first_sequence == 0 || found.first_sequence > SEQUENCE_MAX ||
        found.frame_bytes_max > SFE_SEGMENT_BYTES_MAX ||
        (version > VERSION_PLAIN && !parse_rest(header, &found))) {
        return HEADER_BAD;
    }
    memcpy(found.boot_id, boot_id.bytes, sizeof(found.boot_id));
    *segment = found;
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
