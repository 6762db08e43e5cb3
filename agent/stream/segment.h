/* One file of a stream: its name, its header, and what is known of it while it is kept. The bytes:
 * FORMAT.md. Pure; any thread. */
#ifndef SFE_STREAM_SEGMENT_H
#define SFE_STREAM_SEGMENT_H

#include "stream/frame.h"

/* The header stands twice, each time on a page of its own, so that one bad page does not cost a
 * segment. */
#define SEGMENT_HEADER_BYTES  88u
#define SEGMENT_HEADER_COPIES 2u
/* Offset of the first frame. */
#define SEGMENT_BEGIN      (SEGMENT_HEADER_COPIES * SFE_PAGE_BYTES)
#define SEGMENT_VERSION    1u
#define SEGMENT_NAME_BYTES (SFE_NAME_BYTES_MAX + 24u)
#define SEGMENT_SUFFIX     ".seg"
#define SEGMENT_BAD_SUFFIX ".bad" /* Quarantined: never opened again, left for a human. */

struct segment {
    uint64_t first_sequence;
    uint32_t number;
    uint32_t salt;
    uint32_t durable_end; /* Offset behind the last durable frame. */
    uint32_t file_bytes;  /* What it takes of the quota. */
    uint8_t boot_id[16];  /* Of the boot whose monotonic times it may hold. */
    bool is_doomed;       /* Nothing in it is wanted any more: being removed. */
    bool is_headless;     /* While recovering: it has no valid header. */
    bool is_unreadable;   /* While recovering: the medium does not give the header out. */
};

enum header_verdict { HEADER_VALID, HEADER_BAD, HEADER_NEWER };

/* Writes both copies into `bytes` (SEGMENT_BEGIN of them). */
void segment_header_write(const struct segment *segment, const char *stream, uint8_t *bytes);

/* Reads one copy; fills number, first sequence, salt and boot id of `segment`. Bad as well: that of
 * another stream or of another number than segment->number. */
enum header_verdict segment_header_parse(struct sfe_slice header, const char *stream,
                                         struct segment *segment);

/* "STREAM-00000042.seg"; `name` holds SEGMENT_NAME_BYTES. */
void segment_name(char *name, const char *stream, uint32_t number, const char *suffix);

/* True where `name` is a file of `stream` with `suffix`. */
bool segment_number_of(const char *name, const char *stream, const char *suffix, uint32_t *number);

#endif
