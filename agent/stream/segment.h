/* One file of a stream: its name, its header, and what is known of it while it is kept. The bytes:
 * FORMAT.md. Pure; any thread. */
#ifndef SFE_STREAM_SEGMENT_H
#define SFE_STREAM_SEGMENT_H

#include "port/crypto.h"
#include "stream/frame.h"

/* The header stands twice, each time on a page of its own, so that one bad page does not cost a
 * segment. */
#define SEGMENT_HEADER_BYTES 88u
/* With what version 2 adds: what was dropped, and how its frames are sealed. */
#define SEGMENT_HEADER_BYTES_2 164u
#define SEGMENT_HEADER_COPIES  2u
#define SEGMENT_VERSION        2u
#define SEGMENT_NAME_BYTES     (SFE_NAME_BYTES_MAX + 24u)
/* Offset of the first frame. */
#define SEGMENT_BEGIN  (SEGMENT_HEADER_COPIES * SFE_PAGE_BYTES)
#define SEGMENT_SUFFIX ".seg"
/* Quarantined: never opened again, left for a human. */
#define SEGMENT_BAD_SUFFIX ".bad"

enum segment_why { SEGMENT_NO_GAP, SEGMENT_DROPPED_OLDEST, SEGMENT_DROPPED_NEWEST };

/* Events given up because the quota was used up, as the segment says that was begun then. */
struct segment_gap {
    uint64_t begin;  /* Sequences from here on... */
    uint64_t end;    /* ...to before here; 0: there is no gap. */
    uint64_t events; /* Of them, those that were not settled. */
    enum segment_why why;
};

/* Its frames are sealed: AES-256-GCM, under a key made of the stream's key and `salt`, the nonce
 * being the frame's offset. That never repeats: the salt is 128 random bits, made anew for every
 * segment, and an offset is written once under it. After a failed write or sync, after a crash and
 * after a restart nothing is ever written to that segment again; the same events go to a new one,
 * under a new salt. */
struct segment_seal {
    uint8_t salt[SFE_AEAD_SALT_BYTES];
    uint8_t key_id[SFE_AEAD_ID_BYTES];
    uint32_t key; /* Its place among the keys at hand. */
};

struct segment {
    uint64_t first_sequence;
    uint32_t number;
    uint32_t salt;
    uint32_t durable_end;     /* Offset behind the last durable frame. */
    uint32_t file_bytes;      /* What it takes of the quota. */
    uint32_t frame_bytes_max; /* Its writer made no larger frame; 0: not said. */
    struct segment_gap gap;
    uint64_t dropped_events; /* Of the stream, from its beginning to before this segment. */
    uint64_t dropped_bytes;
    uint64_t told_events; /* In its frames that hold a number instead: counted then. At least so
                             many are known of one of an earlier run. */
    struct segment_seal seal;
    uint8_t boot_id[16]; /* Of the boot whose monotonic times it may hold. */
    bool is_sealed;
    bool holds_gaps_only; /* No frame in it holds events. */
    bool is_doomed;       /* Nothing in it is wanted any more: being removed. */
    bool is_inherited;    /* Of an earlier run. */
    bool is_damaged;      /* Something in it did not check, in this run. */
    bool is_headless;     /* While recovering: it has no valid header. */
    bool is_unreadable;   /* While recovering: the medium does not give the header out. */
    bool is_foreign;      /* While recovering: valid, and out of order. Counts as headless, is never
                             removed. */
};

enum header_verdict { HEADER_VALID, HEADER_BAD, HEADER_NEWER };

/* From which sequence on it speaks: of its own events and of a gap right before them. Those of the
 * segment before end there. */
static inline uint64_t segment_begin(const struct segment *segment)
{
    return segment->gap.end != 0 && segment->gap.end == segment->first_sequence
               ? segment->gap.begin
               : segment->first_sequence;
}

/* Writes both copies into `bytes` (SEGMENT_BEGIN of them). */
void segment_header_write(const struct segment *segment, const char *stream, uint8_t *bytes);

/* Reads one copy (SEGMENT_HEADER_BYTES_2 of it); fills what `segment` says of itself. Bad as well:
 * that of another stream or of another number than segment->number. */
enum header_verdict segment_header_parse(struct sfe_slice header, const char *stream,
                                         struct segment *segment);

/* "STREAM-00000042.seg"; `name` holds SEGMENT_NAME_BYTES. */
void segment_name(char *name, const char *stream, uint32_t number, const char *suffix);

/* True where `name` is a file of `stream` with `suffix`. */
bool segment_number_of(const char *name, const char *stream, const char *suffix, uint32_t *number);

#endif
