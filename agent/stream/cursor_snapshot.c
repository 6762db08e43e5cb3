#include "stream/cursor_snapshot.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "stream/frame.h"

#define FILE_MAGIC       "SFECURS\n"
#define FILE_MAGIC_BYTES 8u
#define FILE_CHECKED     (CURSOR_HEADER_BYTES - 4u)
#define FILE_VERSION     1u
#define SNAPSHOT_MAGIC   0x43454653u /* "SFEC" */
#define CHECKED_BYTES    (SNAPSHOT_HEADER_BYTES - 4u)
#define VARINT_BYTES_MAX 10u

void cursor_header_write(uint32_t salt, uint8_t *bytes)
{
    struct sfe_builder header = sfe_builder_make(bytes, CURSOR_HEADER_BYTES);

    sfe_builder_add(&header, sfe_slice_make(FILE_MAGIC, FILE_MAGIC_BYTES));
    sfe_builder_add_u16le(&header, FILE_VERSION);
    sfe_builder_add_u16le(&header, 0);
    sfe_builder_add_u32le(&header, salt);
    sfe_builder_add_u32le(&header, sfe_crc32c(0, sfe_slice_make(bytes, FILE_CHECKED)));
    SFE_ASSERT(header.size == CURSOR_HEADER_BYTES && !header.overflowed);
}

enum cursor_header cursor_header_parse(struct sfe_slice header, uint32_t *salt)
{
    struct sfe_reader reader = sfe_reader_make(header);
    struct sfe_slice magic = sfe_reader_take(&reader, FILE_MAGIC_BYTES);
    const uint16_t version = sfe_reader_u16le(&reader);

    (void)sfe_reader_u16le(&reader);
    const uint32_t found = sfe_reader_u32le(&reader);
    const uint32_t checksum = sfe_reader_u32le(&reader);
    if (reader.failed || !sfe_slice_equal(magic, sfe_slice_make(FILE_MAGIC, FILE_MAGIC_BYTES)) ||
        checksum != sfe_crc32c(0, sfe_slice_part(header, 0, FILE_CHECKED))) {
        return CURSOR_HEADER_BAD;
    }
    *salt = found;
    return version > FILE_VERSION ? CURSOR_HEADER_NEWER : CURSOR_HEADER_VALID;
}

size_t snapshot_bytes_max(uint32_t cursors, uint32_t marks)
{
    const size_t cursor =
        1u + SFE_CURSOR_NAME_BYTES + (2u + 2u * SFE_CURSOR_RANGES_MAX) * VARINT_BYTES_MAX;
    const size_t mark = 1u + SFE_NAME_BYTES_MAX + VARINT_BYTES_MAX;
    const size_t bytes = SNAPSHOT_HEADER_BYTES + cursors * cursor + marks * mark;

    return (bytes + SFE_PAGE_BYTES - 1u) / SFE_PAGE_BYTES * SFE_PAGE_BYTES;
}

void snapshot_begin(struct sfe_builder *builder)
{
    sfe_builder_rewind(builder, 0);
    (void)sfe_builder_reserve(builder, SNAPSHOT_HEADER_BYTES);
}

static void add_name(struct sfe_builder *builder, const char *name, size_t capacity)
{
    const size_t size = strlen(name);

    SFE_ASSERT(size > 0 && size < capacity);
    sfe_builder_add_byte(builder, (uint8_t)size);
    sfe_builder_add(builder, sfe_slice_make(name, size));
}

void snapshot_add_cursor(struct sfe_builder *builder, const struct sfe_cursor *cursor)
{
    uint64_t end = cursor->sequence;

    SFE_ASSERT(cursor->range_count <= SFE_CURSOR_RANGES_MAX);
    add_name(builder, cursor->name, sizeof(cursor->name));
    sfe_builder_add_varint(builder, cursor->sequence);
    sfe_builder_add_varint(builder, cursor->range_count);
    for (uint32_t i = 0; i < cursor->range_count; i++) {
        const struct sfe_cursor_range *range = &cursor->ranges[i];
        SFE_ASSERT(range->begin >= end && range->end > range->begin);
        sfe_builder_add_varint(builder, range->begin - end);
        sfe_builder_add_varint(builder, range->end - range->begin);
        end = range->end;
    }
}

void snapshot_add_mark(struct sfe_builder *builder, const struct sfe_cursor_mark *mark)
{
    add_name(builder, mark->stream, sizeof(mark->stream));
    sfe_builder_add_varint(builder, mark->durable);
}

void snapshot_seal(struct sfe_builder *builder, uint64_t generation, uint32_t cursor_count,
                   uint32_t mark_count, uint32_t salt)
{
    const size_t size = builder->size;
    struct sfe_builder header = sfe_builder_make(builder->bytes, SNAPSHOT_HEADER_BYTES);

    SFE_ASSERT(!builder->overflowed && size >= SNAPSHOT_HEADER_BYTES);
    sfe_builder_add_u32le(&header, SNAPSHOT_MAGIC);
    sfe_builder_add_u32le(&header, (uint32_t)size);
    sfe_builder_add_u64le(&header, generation);
    sfe_builder_add_u32le(&header, cursor_count);
    sfe_builder_add_u32le(&header, mark_count);
    sfe_builder_add_u32le(&header, 0);
    uint32_t checksum = sfe_crc32c(salt, sfe_slice_make(builder->bytes, CHECKED_BYTES));
    checksum = sfe_crc32c(checksum,
                          sfe_slice_part(sfe_builder_slice(builder), SNAPSHOT_HEADER_BYTES, size));
    sfe_builder_add_u32le(&header, checksum);
    while (builder->size % SFE_PAGE_BYTES != 0) {
        sfe_builder_add_byte(builder, 0);
    }
    SFE_ASSERT(!builder->overflowed);
}

size_t snapshot_size(struct sfe_slice header)
{
    struct sfe_reader reader = sfe_reader_make(header);

    if (header.size < SNAPSHOT_HEADER_BYTES || sfe_reader_u32le(&reader) != SNAPSHOT_MAGIC) {
        return 0;
    }
    const uint32_t size = sfe_reader_u32le(&reader);
    return size < SNAPSHOT_HEADER_BYTES ? 0 : size;
}

uint64_t snapshot_generation(struct sfe_slice header)
{
    struct sfe_reader reader = sfe_reader_make(header);

    (void)sfe_reader_take(&reader, 8);
    return sfe_reader_u64le(&reader);
}

/* A name as a C string; false where it is none. */
static bool take_name(struct sfe_reader *reader, char *name, size_t capacity)
{
    struct sfe_slice text = sfe_reader_take(reader, sfe_reader_u8(reader));

    if (reader->failed || text.size == 0 || text.size >= capacity ||
        memchr(text.bytes, 0, text.size) != NULL) {
        return false;
    }
    memset(name, 0, capacity);
    memcpy(name, text.bytes, text.size);
    return true;
}

static bool take_cursor(struct sfe_reader *reader, struct sfe_cursor *cursor)
{
    if (!take_name(reader, cursor->name, sizeof(cursor->name))) {
        return false;
    }
    cursor->sequence = sfe_reader_varint(reader);
    const uint64_t count = sfe_reader_varint(reader);
    uint64_t end = cursor->sequence;
    if (end > SEQUENCE_MAX || count > SFE_CURSOR_RANGES_MAX) {
        return false;
    }
    cursor->range_count = (uint32_t)count;
    for (uint32_t i = 0; i < cursor->range_count; i++) {
        const uint64_t gap = sfe_reader_varint(reader);
        const uint64_t length = sfe_reader_varint(reader);
        if (gap > SEQUENCE_MAX - end || length == 0 || length > SEQUENCE_MAX - end - gap) {
            return false;
        }
        cursor->ranges[i] = (struct sfe_cursor_range){end + gap, end + gap + length};
        end += gap + length;
    }
    return !reader->failed;
}

static bool take_mark(struct sfe_reader *reader, struct sfe_cursor_mark *mark)
{
    if (!take_name(reader, mark->stream, sizeof(mark->stream))) {
        return false;
    }
    mark->durable = sfe_reader_varint(reader);
    return !reader->failed && mark->durable <= SEQUENCE_MAX;
}

/* Reads the body; into `set`, where there is one. */
static bool parse_body(struct sfe_slice body, uint32_t cursor_count, uint32_t mark_count,
                       struct cursor_set *set)
{
    struct sfe_reader reader = sfe_reader_make(body);
    struct sfe_cursor cursor;
    struct sfe_cursor_mark mark;

    for (uint32_t i = 0; i < cursor_count; i++) {
        if (!take_cursor(&reader, set == NULL ? &cursor : &set->cursors[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < mark_count; i++) {
        if (!take_mark(&reader, set == NULL ? &mark : &set->marks[i])) {
            return false;
        }
    }
    return reader.rest.size == 0;
}

bool snapshot_parse(struct sfe_slice snapshot, uint32_t salt, uint64_t *generation,
                    struct cursor_set *set)
{
    struct sfe_reader reader = sfe_reader_make(snapshot);
    struct sfe_slice body = sfe_slice_part(snapshot, SNAPSHOT_HEADER_BYTES, snapshot.size);

    if (snapshot_size(snapshot) != snapshot.size) {
        return false;
    }
    (void)sfe_reader_take(&reader, 8);
    const uint64_t found = sfe_reader_u64le(&reader);
    const uint32_t cursor_count = sfe_reader_u32le(&reader);
    const uint32_t mark_count = sfe_reader_u32le(&reader);
    (void)sfe_reader_u32le(&reader);
    uint32_t checksum = sfe_crc32c(salt, sfe_slice_part(snapshot, 0, CHECKED_BYTES));
    checksum = sfe_crc32c(checksum, body);
    if (sfe_reader_u32le(&reader) != checksum || cursor_count > set->cursor_capacity ||
        mark_count > set->mark_capacity || !parse_body(body, cursor_count, mark_count, NULL)) {
        return false;
    }
    bool is_read = parse_body(body, cursor_count, mark_count, set);
    SFE_ASSERT(is_read);
    set->cursor_count = cursor_count;
    set->mark_count = mark_count;
    *generation = found;
    return true;
}

struct sfe_cursor *cursor_set_find(const struct cursor_set *set, const char *name)
{
    for (uint32_t i = 0; i < set->cursor_count; i++) {
        if (strcmp(set->cursors[i].name, name) == 0) {
            return &set->cursors[i];
        }
    }
    return NULL;
}

struct sfe_cursor_mark *cursor_set_mark(const struct cursor_set *set, const char *stream)
{
    for (uint32_t i = 0; i < set->mark_count; i++) {
        if (strcmp(set->marks[i].stream, stream) == 0) {
            return &set->marks[i];
        }
    }
    return NULL;
}
