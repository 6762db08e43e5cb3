/* The inputs of one org: takes what a feed has fetched into their streams, knows what came twice,
 * and notes a place only after its event is durable. Edge thread, but for the flash turn. */
#ifndef SFE_INPUT_SALESFORCE_EVENTS_H
#define SFE_INPUT_SALESFORCE_EVENTS_H

#include "event/feed.h"
#include "input/intake.h"
#include "input/source.h"

struct sfe_arena;
struct sfe_replay;
struct sfe_salesforce_events;

struct sfe_salesforce_events_channel {
    const char *name; /* Topic of its events; borrowed, as all pointers here. */
    const char *input;
    struct sfe_stream *stream;
    struct sfe_replay *replay;
};

struct sfe_salesforce_events_options {
    const char *connection;
    const struct sfe_salesforce_events_channel *channels; /* As the feed counts them. Copied. */
    uint32_t channel_count;
    struct sfe_feed feed;
    struct sfe_intake *intake; /* A route for each channel. */
    struct sfe_stream *dead;   /* Where what it cannot admit goes. */
    struct sfe_log *log;
    void (*on_loaded)(void *owner); /* The edge thread has something to look at. Flash thread. */
    void (*on_note)(void *owner);   /* The flash thread has something to write. Edge thread. */
    void *owner;
};

/* What one channel has come to, for `status`. */
struct sfe_salesforce_events_facts {
    struct sfe_feed_place place; /* Durable. */
    uint64_t repeats;            /* Came again, and were dropped. */
    uint64_t gaps;               /* Times the org did not take the place. */
};

/* Opens the source; it begins when it is known where each channel stood. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code
sfe_salesforce_events_open(const struct sfe_salesforce_events_options *options,
                           struct sfe_arena *arena, struct sfe_salesforce_events **events,
                           struct sfe_source *source, struct sfe_error *err);

/* What it takes from the arena, without its replays. Pure. */
size_t sfe_salesforce_events_memory_bytes(uint32_t channel_count);

/* Reads and keeps places; at once with `is_last`. Returns the next turn. Flash thread. */
uint64_t sfe_salesforce_events_flash_turn(struct sfe_salesforce_events *events, uint64_t now_ns,
                                          bool is_last);

/* Of `stream`, only events below may be deleted; see sfe_replay_floor. Flash thread. */
uint64_t sfe_salesforce_events_floor(struct sfe_salesforce_events *events,
                                     const struct sfe_stream *stream, uint64_t wanted,
                                     uint64_t now_ns);

/* False behind the last channel. */
bool sfe_salesforce_events_facts(const struct sfe_salesforce_events *events, uint32_t channel,
                                 struct sfe_salesforce_events_facts *facts);

#endif
