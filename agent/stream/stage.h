/* Events that are not yet durable: two buffers, one being filled while the other is being written.
 * Guarded by the stream's mutex; the bytes of the taken buffer belong to the flash thread. */
#ifndef SFE_STREAM_STAGE_H
#define SFE_STREAM_STAGE_H

#include "event/event.h"
#include "stream/frame.h"

struct sfe_arena;

/* How long a commit waits for more events when the last one ended just before; found by measuring:
 * shorter makes small frames (padding, syncs), longer is felt in the acknowledgements. */
#define COMMIT_SPACING_NS UINT64_C(6000000)
/* It does not wait when nothing more arrives. */
#define COMMIT_LULL_NS  UINT64_C(700000)
#define COMMIT_RETRY_NS UINT64_C(1000000000)
/* Each page that only says what was dropped wears the flash: one for all that comes within this. */
#define GAP_SPACING_NS UINT64_C(50000000)

struct stage_buffer {
    uint8_t *bytes; /* A frame in the making: header, body, padding. */
    struct sfe_builder body;
    uint32_t count;
    uint64_t first_sequence;
    uint64_t payload_bytes;
    bool is_gap; /* `count` events came that are not kept: their sequences are, and their size. */
};

/* What the quota still allows to write. */
struct stage_room {
    uint32_t segment_bytes; /* Room for frames in a new segment. */
    uint32_t current_bytes; /* Room left in the current segment. */
    uint64_t segments;      /* That may be begun. */
    bool can_drop;          /* What finds no room is taken and dropped. */
};

enum stage_outcome { STAGE_QUIET, STAGE_WAKES, STAGE_FULL };

struct stage {
    struct stage_buffer buffers[2];
    uint32_t filling;                 /* Index; the other is taken when it holds events. */
    uint32_t capacity;                /* Of a buffer, in whole pages. */
    uint32_t tag_bytes;               /* What sealing adds to a body. */
    struct sfe_event_encoder encoder; /* Of the buffer being filled. */
    struct stage_room room;
    struct stage_room reserved_room; /* The same, with the reserve. */
    uint64_t next_sequence;
    uint64_t first_staged_ns; /* In the buffer being filled. */
    uint64_t last_staged_ns;
    uint64_t refused;
    bool is_full; /* The quota, not a buffer, refused last. */
};

/* `tag_bytes`: see the structure. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code stage_open(struct stage *stage, uint32_t capacity, uint32_t tag_bytes,
                                      struct sfe_arena *arena, struct sfe_error *err);

/* Largest event, as encoded, that a buffer holds. */
uint32_t stage_event_bytes_max(const struct stage *stage);

/* Encodes `event`, or counts it as dropped where it finds no room (`room` is one of the stage's)
 * and may be, and gives it the next sequence. STAGE_WAKES: the flash thread may be asleep to it. */
enum stage_outcome stage_add(struct stage *stage, const struct stage_room *room,
                             const struct sfe_event *event, uint64_t now_ns, uint64_t *sequence);

/* The buffer to write: the one taken before and not done, or else the one filled till now. NULL:
 * nothing is staged. */
struct stage_buffer *stage_take(struct stage *stage);

/* True while a taken buffer is not done. */
bool stage_has_taken(const struct stage *stage);

/* The taken buffer is durable. */
void stage_done(struct stage *stage);

uint64_t stage_events(const struct stage *stage);

/* Events and bytes of the frame that `buffer` makes. */
struct frame stage_frame(const struct stage *stage, const struct stage_buffer *buffer);

#endif
