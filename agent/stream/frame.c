#include "stream/frame.h"

#include "base/assert.h"
#include "base/crc32c.h"

#define FRAME_MAGIC    0x46454653u            /* "SFEF" */
#define CHECKED_BYTES  FRAME_ASSOCIATED_BYTES /* Of the header: all before the checksum. */
#define CHECKSUM_BYTES 4u
#define VERSION_PLAIN  1u /* Without flags: as ever. */
#define WHY_QUOTA      1u

_Static_assert(CHECKED_BYTES + CHECKSUM_BYTES == FRAME_HEADER_BYTES,
               "the checksum ends the header");
_Static_assert((SFE_PAGE_BYTES & (SFE_PAGE_BYTES - 1u)) == 0, "pages are found by masking");

void frame_begin(const struct frame *frame, uint8_t *bytes)
{
    struct sfe_builder header = sfe_builder_make(bytes, CHECKED_BYTES);

    SFE_ASSERT(frame->count > 0);
    SFE_ASSERT(frame->durable_end % SFE_PAGE_BYTES == 0);
    sfe_builder_add_u32le(&header, FRAME_MAGIC);
    sfe_builder_add_byte(&header, frame->flags == 0 ? VERSION_PLAIN : FRAME_VERSION);
    sfe_builder_add_byte(&header, frame->flags);
    sfe_builder_add_u16le(&header, 0);
    sfe_builder_add_u64le(&header, frame->first_sequence);
    sfe_builder_add_u32le(&header, frame->count);
    sfe_builder_add_u32le(&header, frame->body_bytes);
    sfe_builder_add_u32le(&header, frame->durable_end);
    SFE_ASSERT(header.size == CHECKED_BYTES && !header.overflowed);
}

void frame_end(const struct frame *frame, uint32_t salt, uint8_t *bytes)
{
    const uint32_t used = FRAME_HEADER_BYTES + frame->body_bytes;
    struct sfe_builder end = sfe_builder_make(bytes + CHECKED_BYTES, CHECKSUM_BYTES);

    uint32_t checksum = sfe_crc32c(salt, sfe_slice_make(bytes, CHECKED_BYTES));
    checksum = sfe_crc32c(checksum, sfe_slice_make(bytes + FRAME_HEADER_BYTES, frame->body_bytes));
    sfe_builder_add_u32le(&end, checksum);
    memset(bytes + used, 0, page_align(used) - used);
}

void frame_seal(const struct frame *frame, uint32_t salt, uint8_t *bytes)
{
    frame_begin(frame, bytes);
    frame_end(frame, salt, bytes);
}

void frame_gap_write(uint64_t bytes, uint8_t *body)
{
    struct sfe_builder builder = sfe_builder_make(body, FRAME_GAP_BYTES);

    sfe_builder_add_u32le(&builder, WHY_QUOTA);
    sfe_builder_add_u32le(&builder, 0);
    sfe_builder_add_u64le(&builder, bytes);
    SFE_ASSERT(builder.size == FRAME_GAP_BYTES && !builder.overflowed);
}

uint64_t frame_gap_bytes(struct sfe_slice body)
{
    struct sfe_reader reader = sfe_reader_make(body);

    (void)sfe_reader_take(&reader, 8);
    const uint64_t bytes = sfe_reader_u64le(&reader);
    return reader.failed ? 0 : bytes;
}

bool frame_parse(struct sfe_slice header, uint64_t offset, struct frame *frame)
{
    struct sfe_reader reader = sfe_reader_make(header);

    if (sfe_reader_u32le(&reader) != FRAME_MAGIC) {
        return false;
    }
    frame->version = sfe_reader_u8(&reader);
    const uint8_t flags = sfe_reader_u8(&reader);
    (void)sfe_reader_take(&reader, 2); /* What is reserved; the checksum covers it. */
    frame->first_sequence = sfe_reader_u64le(&reader);
    frame->count = sfe_reader_u32le(&reader);
    frame->body_bytes = sfe_reader_u32le(&reader);
    frame->durable_end = sfe_reader_u32le(&reader);
    frame->flags = frame->version > VERSION_PLAIN ? flags : 0;
    const bool is_gap = (frame->flags & FRAME_GAP) != 0;
    return !reader.failed && frame->count > 0 && (is_gap || frame->count <= frame->body_bytes) &&
           frame->body_bytes < SFE_SEGMENT_BYTES_MAX && frame->first_sequence > 0 &&
           frame->first_sequence <= SEQUENCE_MAX && frame->durable_end % SFE_PAGE_BYTES == 0 &&
           frame->durable_end <= offset;
}

static enum frame_verdict verdict_of(enum sfe_code code)
{
    return code == SFE_E_END ? FRAME_BAD : FRAME_UNREADABLE;
}

/* Continues `checksum` over the body, in parts where it is larger than the window. */
static enum sfe_code check_body(struct window *window, uint64_t offset, uint32_t body_bytes,
                                uint32_t *checksum, struct sfe_error *err)
{
    struct sfe_slice part;
    uint64_t at = offset + FRAME_HEADER_BYTES;

    if (FRAME_HEADER_BYTES + (size_t)body_bytes <= window->capacity) {
        enum sfe_code code =
            window_get(window, offset, FRAME_HEADER_BYTES + (size_t)body_bytes, &part, err);
        if (code == SFE_OK) {
            part = sfe_slice_part(part, FRAME_HEADER_BYTES, body_bytes);
            *checksum = sfe_crc32c(*checksum, part);
        }
        return code;
    }
    while (body_bytes > 0) {
        size_t size = body_bytes < window->capacity ? body_bytes : window->capacity;
        enum sfe_code code = window_get(window, at, size, &part, err);
        if (code != SFE_OK) {
            return code;
        }
        *checksum = sfe_crc32c(*checksum, part);
        at += size;
        body_bytes -= (uint32_t)size;
    }
    return SFE_OK;
}

enum frame_verdict frame_check(struct window *window, uint32_t salt, uint64_t offset,
                               struct frame *frame, struct sfe_error *err)
{
    uint8_t header[FRAME_HEADER_BYTES];
    struct sfe_slice slice;
    enum sfe_code code = window_get(window, offset, sizeof(header), &slice, err);

    SFE_ASSERT(offset % SFE_PAGE_BYTES == 0);
    if (code != SFE_OK) {
        return verdict_of(code);
    }
    memcpy(header, slice.bytes, sizeof(header));
    if (!frame_parse(sfe_slice_make(header, sizeof(header)), offset, frame) ||
        frame->body_bytes > window->end - offset - FRAME_HEADER_BYTES) {
        return FRAME_BAD;
    }
    uint32_t checksum = sfe_crc32c(salt, sfe_slice_make(header, CHECKED_BYTES));
    code = check_body(window, offset, frame->body_bytes, &checksum, err);
    if (code != SFE_OK) {
        return verdict_of(code);
    }
    struct sfe_reader reader =
        sfe_reader_make(sfe_slice_make(header + CHECKED_BYTES, CHECKSUM_BYTES));
    if (sfe_reader_u32le(&reader) != checksum) {
        return FRAME_BAD;
    }
    return frame->version > FRAME_VERSION ? FRAME_NEWER : FRAME_VALID;
}

struct sfe_slice frame_body(const struct window *window, uint64_t offset, const struct frame *frame)
{
    SFE_ASSERT(offset >= window->begin);
    SFE_ASSERT(offset - window->begin + FRAME_HEADER_BYTES + frame->body_bytes <= window->size);
    return sfe_slice_make(window->bytes + (offset - window->begin) + FRAME_HEADER_BYTES,
                          frame->body_bytes);
}
