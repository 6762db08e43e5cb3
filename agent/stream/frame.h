/* One commit on flash: a header and its events, on whole pages. The bytes: FORMAT.md. Pure but for
 * the reads of `frame_check`. */
#ifndef SFE_STREAM_FRAME_H
#define SFE_STREAM_FRAME_H

#include "base/limits.h"
#include "stream/window.h"

#define FRAME_HEADER_BYTES 32u
#define FRAME_VERSION      2u
/* Flags, of version 2. A gap holds no events: so many were dropped as they came, because the quota
 * was used up; its body says why and how large they were. A sealed body is encrypted. */
#define FRAME_GAP       1u
#define FRAME_SEALED    2u
#define FRAME_GAP_BYTES 16u
/* What a sealed body is larger than its events: the tag. */
#define FRAME_TAG_BYTES 16u
/* More events than anyone stages in a thousand years; keeps sums of sequences within 64 bits. */
#define SEQUENCE_MAX (UINT64_MAX / 2u)

struct frame {
    uint64_t first_sequence;
    uint32_t count;
    uint32_t body_bytes;
    uint32_t durable_end; /* Of this segment's file, when the frame was written; 0: nothing yet. */
    uint8_t version;
    uint8_t flags;
};

enum frame_verdict {
    FRAME_VALID,
    FRAME_BAD,        /* These bytes are no frame of this segment. */
    FRAME_UNREADABLE, /* The medium does not give them out. */
    FRAME_NEWER       /* It checks, and a newer version wrote it. */
};

/* Bytes rounded up to whole pages. */
static inline uint32_t page_align(uint32_t bytes)
{
    return (bytes + SFE_PAGE_BYTES - 1u) & ~(SFE_PAGE_BYTES - 1u);
}

/* What the frame takes in its file. */
static inline uint32_t frame_bytes(const struct frame *frame)
{
    return page_align(FRAME_HEADER_BYTES + frame->body_bytes);
}

/* The sequence after its last event. */
static inline uint64_t frame_end_sequence(const struct frame *frame)
{
    return frame->first_sequence + frame->count;
}

/* Sealing in two steps, for who changes the body in between: all of the header that can be
 * authenticated, FRAME_ASSOCIATED_BYTES; then checksum and padding. */
#define FRAME_ASSOCIATED_BYTES 28u
void frame_begin(const struct frame *frame, uint8_t *bytes);
void frame_end(const struct frame *frame, uint32_t salt, uint8_t *bytes);

/* Both: writes header and padding around the body that stands at `bytes` + FRAME_HEADER_BYTES. */
void frame_seal(const struct frame *frame, uint32_t salt, uint8_t *bytes);

/* Reads a header of FRAME_HEADER_BYTES that would stand at `offset`; false where it cannot be one.
 * Its checksum is not looked at. */
bool frame_parse(struct sfe_slice header, uint64_t offset, struct frame *frame);

/* Is there a frame of the segment with `salt` at `offset`? The body of a valid one can then be had
 * by `frame_body`, if it is not larger than the window. `err` is filled for FRAME_UNREADABLE. */
enum frame_verdict frame_check(struct window *window, uint32_t salt, uint64_t offset,
                               struct frame *frame, struct sfe_error *err);

/* Writes and reads the body of a gap: `bytes` of payload were dropped. */
void frame_gap_write(uint64_t bytes, uint8_t *body);
uint64_t frame_gap_bytes(struct sfe_slice body);

/* The body of a frame that `frame_check` has just found valid; lives as long as the window's
 * slices. */
struct sfe_slice frame_body(const struct window *window, uint64_t offset,
                            const struct frame *frame);

#endif
