/* Any bytes as the segments of a stream: opening never crashes, never loops, and what is read is
 * within bounds.
 *
 * Input: a byte of flags, then pages. With flag 1 they stand behind a right header, so that the
 * frames are looked at; with flag 2 checksums of frames are put right first. */
#include "unit/stream/memory_storage.h"

#include "base/arena.h"
#include "base/crc32c.h"
#include "stream/frame.h"
#include "stream/reader.h"
#include "stream/segment.h"

#define SEGMENT_BYTES (64u * 1024u)
#define SALT          0x11223344u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t monotonic_ns(void *context)
{
    (void)context;
    return 1000000000u;
}

static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    (void)context;
    *unix_ns = INT64_C(1764000000000000000);
    return SFE_CLOCK_SYNCED;
}

static void boot_id(void *context, uint8_t id[16])
{
    (void)context;
    memset(id, 1, 16);
}

static enum sfe_code fill(void *context, void *bytes, size_t size, struct sfe_error *err)
{
    (void)context;
    (void)err;
    memset(bytes, 5, size);
    return SFE_OK;
}

/* A frame that begins with its magic gets the checksum that is right for it. */
static void put_right(uint8_t *bytes, size_t size)
{
    for (size_t at = SEGMENT_BEGIN; at + SFE_PAGE_BYTES <= size; at += SFE_PAGE_BYTES) {
        struct frame frame;
        if (!frame_parse(sfe_slice_make(bytes + at, FRAME_HEADER_BYTES), at, &frame) ||
            frame.body_bytes > size - at - FRAME_HEADER_BYTES) {
            continue;
        }
        uint32_t checksum = sfe_crc32c(SALT, sfe_slice_make(bytes + at, FRAME_HEADER_BYTES - 4u));
        checksum =
            sfe_crc32c(checksum, sfe_slice_make(bytes + at + FRAME_HEADER_BYTES, frame.body_bytes));
        struct sfe_builder builder = sfe_builder_make(bytes + at + FRAME_HEADER_BYTES - 4u, 4);
        sfe_builder_add_u32le(&builder, checksum);
    }
}

static void put_segment(struct memory_storage *memory, const uint8_t *data, size_t size,
                        uint32_t number, uint8_t flags)
{
    static uint8_t bytes[SEGMENT_BYTES];
    char name[SEGMENT_NAME_BYTES];
    struct segment segment = {
        .first_sequence = 1 + (number - 1u) * 10u, .number = number, .salt = SALT};
    size_t at = 0;

    if (number > 1 && (flags & 4u) != 0) {
        segment.gap = (struct segment_gap){.begin = 1 + size % 11,
                                           .end = 11,
                                           .why = (flags & 8u) != 0 ? SEGMENT_DROPPED_NEWEST
                                                                    : SEGMENT_DROPPED_OLDEST};
        segment.frame_bytes_max = 64u * 1024u;
    }

    memset(bytes, 0, sizeof(bytes));
    if ((flags & 1u) != 0) {
        segment_header_write(&segment, "s", bytes);
        at = SEGMENT_BEGIN;
    }
    /* Pages of the input are short: each 256 bytes of it begin a page. */
    for (size_t from = 0; from < size && at + SFE_PAGE_BYTES <= sizeof(bytes);
         from += 256, at += SFE_PAGE_BYTES) {
        memcpy(bytes + at, data + from, size - from < 256 ? size - from : 256);
    }
    if ((flags & 2u) != 0) {
        put_right(bytes, at);
    }
    segment_name(name, "s", number, SEGMENT_SUFFIX);
    memory_put(memory, name, bytes, at);
}

static void read_all(struct sfe_stream *stream, struct sfe_arena *arena)
{
    struct sfe_stream_reader *reader = NULL;
    struct sfe_event event;
    struct sfe_stream_place place;
    struct sfe_error err;
    int64_t time_ns = 0;
    uint64_t last = 0;

    if (sfe_stream_reader_open(stream, arena, &reader, &err) != SFE_OK) {
        abort();
    }
    while (sfe_stream_reader_next(reader, &event, &time_ns, &place, &err) == SFE_OK) {
        if (event.sequence <= last || event.sequence > sfe_stream_durable(stream)) {
            abort();
        }
        last = event.sequence;
    }
    sfe_stream_reader_close(reader);
}

static void run(struct memory_storage *memory, uint64_t known)
{
    const struct sfe_clock clock = {NULL, monotonic_ns, wall_ns, boot_id};
    const struct sfe_entropy entropy = {NULL, fill};
    const struct sfe_stream_options options = {.storage = &memory->storage,
                                               .clock = &clock,
                                               .entropy = &entropy,
                                               .name = "s",
                                               .quota_bytes = 4u * SEGMENT_BYTES,
                                               .segment_bytes = SEGMENT_BYTES,
                                               .event_bytes_max = 4096,
                                               .known_durable = known};
    struct sfe_stream_recovery recovery = {0};
    struct sfe_stream *stream = NULL;
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    const struct sfe_event event = {
        .source = SFE_TEXT("a"), .topic = SFE_TEXT("b"), .payload = SFE_TEXT("c")};
    uint64_t sequence = 0;

    if (sfe_arena_open(640u * 1024u, &arena, &err) != SFE_OK) {
        abort();
    }
    enum sfe_code code = sfe_stream_open(&options, arena, &stream, &recovery, &err);
    if (code == SFE_OK) {
        read_all(stream, arena);
        if (sfe_stream_stage(stream, &event, &sequence, &err) != SFE_OK ||
            sfe_stream_commit(stream, 0, &err) != SFE_OK ||
            sfe_stream_durable(stream) != sequence || sequence <= known) {
            abort();
        }
        sfe_stream_close(stream);
    } else if (code != SFE_E_CORRUPT && code != SFE_E_CRYPTO) {
        abort();
    }
    sfe_arena_close(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_storage *memory = memory_storage_open(1);

    if (size > 1) {
        const uint8_t flags = data[0];
        const size_t first = (flags & 4u) != 0 ? (size - 1) / 2 : size - 1;
        put_segment(memory, data + 1, first, 1, flags);
        if (first < size - 1) {
            put_segment(memory, data + 1 + first, size - 1 - first, 2, (uint8_t)(flags >> 4));
        }
        run(memory, (flags & 8u) != 0 ? 13 : 0);
        run(memory, 0); /* Recovery of what recovery left. */
    }
    memory_storage_close(memory);
    return 0;
}
