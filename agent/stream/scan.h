/* Looks through one segment after a crash: which frames are believed, what was damaged, what was
 * torn. Reads only. */
#ifndef SFE_STREAM_SCAN_H
#define SFE_STREAM_SCAN_H

#include "stream/frame.h"

struct scan;

/* Told of a damaged place in front of a believed frame: the bytes from `begin` to before `end`;
 * `lost` events are missing there, from scan->expected on. */
typedef void (*scan_place)(void *owner, const struct scan *scan, uint64_t begin, uint64_t end,
                           uint64_t lost);

struct scan {
    /* What is known beforehand. */
    uint32_t salt;
    uint64_t expected; /* Sequence of the next frame; at the end, the one after the last believed
                          event. */
    uint64_t limit; /* Sequences from here on stand in a later segment, and all before were durable;
                       UINT64_MAX: there is none. */
    uint64_t known_durable;
    scan_place on_place; /* NULL: nobody asks. */
    void *owner;
    /* What is found. */
    uint64_t end; /* Offset behind the last believed frame. */
    uint64_t kept;
    uint64_t dropped;       /* Events that gaps speak of... */
    uint64_t dropped_bytes; /* ...and their size. */
    uint64_t
        lost; /* In front of a believed frame; what is missing at the end is not decided here. */
    uint32_t places;    /* Damaged places in front of a believed frame. */
    uint64_t bad_bytes; /* Of pages behind `end` that are not all zero. */
    uint32_t frame_bytes_max;
    bool is_unreadable; /* Behind `end` the medium failed to give out a page. */
};

/* Begins at SEGMENT_BEGIN; `window` shows the file. SFE_E_CORRUPT: a newer format. Damage is a
 * finding, no error. */
SFE_MUST_USE enum sfe_code scan_segment(struct window *window, struct scan *scan,
                                        struct sfe_error *err);

/* A segment without a valid header cannot be checked. Does it look as if it had held durable events
 * from `expected` on? `end` is then the sequence after the last of them, as far as can be told. */
bool scan_finds_durable(struct window *window, uint64_t expected, uint64_t *end);

#endif
