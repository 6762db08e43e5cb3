/* The question that recovery must get right: are bytes that do not check a torn tail, which was
 * never acknowledged, or damage in what was? A frame says up to where its file was durable when it
 * was written. So a valid frame behind a bad place proves that the place was durable once if its
 * `durable_end` lies beyond it. A later segment, and what the cursor log noted, prove as much by
 * sequence. Valid bytes that prove nothing about a bad place before them are not believed: pages of
 * one write may land in any order. */
#include "stream/scan.h"

#include "base/assert.h"
#include "stream/segment.h"

/* Where a run of bad pages began; none: `is_open` is false. */
struct bad_run {
    uint64_t begin;
    bool is_open;
};

static bool is_believed(const struct scan *scan, const struct bad_run *bad,
                        const struct frame *frame)
{
    if (frame->first_sequence < scan->expected) {
        return false;
    }
    if (!bad->is_open) {
        return true;
    }
    if (scan->limit != UINT64_MAX || frame->durable_end > bad->begin) {
        return true;
    }
    return frame->first_sequence > scan->expected &&
           frame->first_sequence - 1u <= scan->known_durable;
}

static void count_events(const struct window *window, struct scan *scan, uint64_t offset,
                         const struct frame *frame, uint64_t count)
{
    if ((frame->flags & FRAME_GAP) == 0) {
        scan->kept += count;
        return;
    }
    scan->dropped += count;
    if (FRAME_HEADER_BYTES + (size_t)frame->body_bytes <= window->capacity) {
        scan->dropped_bytes += frame_gap_bytes(frame_body(window, offset, frame));
    }
}

static void keep_frame(const struct window *window, struct scan *scan, struct bad_run *bad,
                       uint64_t offset, const struct frame *frame)
{
    const uint64_t end = frame_end_sequence(frame);
    const uint64_t reached = end < scan->limit ? end : scan->limit;

    SFE_ASSERT(frame->first_sequence >= scan->expected);
    SFE_ASSERT(frame->first_sequence < reached);
    if (bad->is_open || frame->first_sequence > scan->expected) {
        const uint64_t lost = frame->first_sequence - scan->expected;
        scan->places++;
        scan->lost += lost;
        if (scan->on_place != NULL) {
            scan->on_place(scan->owner, scan, bad->is_open ? bad->begin : offset, offset, lost);
        }
    }
    count_events(window, scan, offset, frame, reached - frame->first_sequence);
    scan->expected = reached;
    scan->end = offset + frame_bytes(frame);
    scan->bad_bytes = 0;
    scan->is_unreadable = false;
    if (frame_bytes(frame) > scan->frame_bytes_max) {
        scan->frame_bytes_max = frame_bytes(frame);
    }
    bad->is_open = false;
}

static void pass_bad_page(struct window *window, struct scan *scan, struct bad_run *bad,
                          uint64_t offset)
{
    const uint64_t left = window->end - offset;
    struct sfe_slice page;
    struct sfe_error ignored;
    enum sfe_code code = window_get(
        window, offset, left < SFE_PAGE_BYTES ? (size_t)left : SFE_PAGE_BYTES, &page, &ignored);

    if (!bad->is_open) {
        *bad = (struct bad_run){offset, true};
    }
    if (code == SFE_E_END) {
        return;
    }
    if (code != SFE_OK) {
        scan->is_unreadable = true;
        return;
    }
    if (!sfe_slice_is_zero(page)) {
        scan->bad_bytes += page.size;
    }
}

enum sfe_code scan_segment(struct window *window, struct scan *scan, struct sfe_error *err)
{
    struct bad_run bad = {0, false};
    uint64_t offset = SEGMENT_BEGIN;

    scan->end = SEGMENT_BEGIN;
    while (offset < window->end && scan->expected < scan->limit) {
        struct frame frame;
        struct sfe_error ignored;
        enum frame_verdict verdict = frame_check(window, scan->salt, offset, &frame, &ignored);
        if (verdict == FRAME_NEWER) {
            return sfe_fail(err, SFE_E_CORRUPT, "a frame was written by a newer version");
        }
        if (verdict == FRAME_VALID && frame.first_sequence >= scan->limit) {
            break; /* Given up after a failed sync; written again in the next segment. */
        }
        if (verdict == FRAME_VALID && is_believed(scan, &bad, &frame)) {
            keep_frame(window, scan, &bad, offset, &frame);
            offset = scan->end;
        } else {
            pass_bad_page(window, scan, &bad, offset);
            if (verdict == FRAME_UNREADABLE) {
                scan->is_unreadable = true;
            }
            offset += SFE_PAGE_BYTES;
        }
    }
    return SFE_OK;
}

bool scan_finds_durable(struct window *window, uint64_t expected, uint64_t *end)
{
    bool is_found = false;

    *end = expected;
    for (uint64_t offset = SEGMENT_BEGIN; offset < window->end; offset += SFE_PAGE_BYTES) {
        struct sfe_slice header;
        struct frame frame;
        struct sfe_error ignored;
        if (window_get(window, offset, FRAME_HEADER_BYTES, &header, &ignored) != SFE_OK ||
            !frame_parse(header, offset, &frame) || frame.durable_end == 0 ||
            frame.first_sequence < expected ||
            frame.first_sequence - expected > SFE_SEGMENT_BYTES_MAX) {
            continue;
        }
        is_found = true;
        if (frame_end_sequence(&frame) > *end) {
            *end = frame_end_sequence(&frame);
        }
    }
    return is_found;
}
