/* Events that one thread fetches from afar and the edge thread takes: one batch at a time, which is
 * borrowed until it is taken whole; the next one is not asked for before. All functions are called
 * on the edge thread. */
#ifndef SFE_EVENT_FEED_H
#define SFE_EVENT_FEED_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"

/* Where an event stands in its channel: the other side's words, kept as they came. */
#define SFE_FEED_PLACE_BYTES_MAX 64u

struct sfe_feed_place {
    uint8_t bytes[SFE_FEED_PLACE_BYTES_MAX];
    uint32_t size; /* 0: there is none. */
};

static inline struct sfe_slice sfe_feed_place_slice(const struct sfe_feed_place *place)
{
    return sfe_slice_make(place->bytes, place->size);
}

/* What an event says of itself. */
struct sfe_feed_marks {
    struct sfe_feed_place place;
    struct sfe_hash128 identity; /* The same whenever the event comes again. */
    bool has_identity;
};

struct sfe_feed_item {
    uint32_t channel;
    /* Nothing can be got from `marks.place` on: what lies between it and what comes now is unknown.
     * No payload. */
    bool is_gap;
    bool to_earliest; /* Of a gap: it goes on with the oldest that is kept, or with what is new. */
    struct sfe_slice payload;
    struct sfe_feed_marks marks;
};

struct sfe_feed_facts {
    bool is_connected;       /* And subscribed to every channel. */
    uint64_t sessions;       /* Begun. */
    struct sfe_error failed; /* The last failure; code SFE_OK: none yet, or over. */
};

struct sfe_feed {
    void *context;
    /* Begins, after the places of all channels were set. */
    void (*set_place)(void *context, uint32_t channel, const struct sfe_feed_place *place);
    void (*start)(void *context);
    /* The item at hand, and passing it; false: there is none now. */
    bool (*peek)(void *context, struct sfe_feed_item *item);
    void (*pass)(void *context);
    /* Begins nothing more; what is at hand is left where it is. */
    void (*stop)(void *context);
    void (*facts)(void *context, struct sfe_feed_facts *facts);
    /* What an event of the channel says of itself; without a context, any thread. False: nothing.
     */
    bool (*read_marks)(struct sfe_slice channel, struct sfe_slice payload,
                       struct sfe_feed_marks *marks);
};

#endif
