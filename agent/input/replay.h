/* Where one channel goes on after a restart: the place of the last event that is durable in the
 * input's stream.
 *
 * The stream itself says it: every event taken carries its place. But a stream forgets what was
 * delivered, so a small file keeps place and sequence now and then, and what came behind that
 * sequence is read from the stream at the start. So the file need not be written with each event,
 * and no event that is in the stream is taken twice, whenever the power went. The identities of the
 * last ones that are still in the stream are read with them, for an org that repeats itself; those
 * behind the last gap, for what is known must be all that came last (input/salesforce_events.c).
 *
 * Flash thread, but for what is marked edge.
 */
#ifndef SFE_INPUT_REPLAY_H
#define SFE_INPUT_REPLAY_H

#include "base/log.h"
#include "event/feed.h"
#include "port/storage.h"
#include "stream/reader.h"

#include <stdbool.h>

struct sfe_arena;
struct sfe_replay;

/* Identities of the last events, by which a repeat is known. */
#define SFE_REPLAY_SEEN 1024u

struct sfe_replay_options {
    const char *connection; /* Borrowed, as all pointers here. */
    const char *channel;
    const char *input;
    struct sfe_stream *stream;
    const struct sfe_storage *storage;
    struct sfe_log *log;
    /* As that of event/feed.h. */
    const void *feed;
    bool (*read_marks)(const void *feed, struct sfe_slice channel, struct sfe_slice payload,
                       struct sfe_feed_marks *marks);
};

/* Opens it with a reader of the stream of its own; nothing is read yet. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_replay_open(const struct sfe_replay_options *options,
                                           struct sfe_arena *arena, struct sfe_replay **replay,
                                           struct sfe_error *err);

/* What it takes from the arena, with a reader of a stream of these options. Pure. */
size_t sfe_replay_memory_bytes(const struct sfe_stream_options *stream);

/* Finds out where to go on, once; then writes the file when that is due, at once with `is_last`.
 * Returns the next turn. *has_loaded becomes true in the turn that found out. */
uint64_t sfe_replay_flash_turn(struct sfe_replay *replay, uint64_t now_ns, bool is_last,
                               bool *has_loaded);

/* Only events below may be deleted: from there on the stream is needed to know the place. Where
 * that is below `wanted`, the file will be written to let it rise; at once where `is_urgent`. */
uint64_t sfe_replay_floor(struct sfe_replay *replay, uint64_t wanted, bool is_urgent,
                          uint64_t now_ns);

/* Edge: true once it is known where to go on. */
bool sfe_replay_is_loaded(const struct sfe_replay *replay, struct sfe_feed_place *place);

/* Edge: all up to `place` is durable, the last of it as event `sequence` of the stream. */
void sfe_replay_note(struct sfe_replay *replay, const struct sfe_feed_place *place,
                     uint64_t sequence);

/* Edge: nothing of this channel is between the place that is noted and event `sequence`, which is
 * durable. */
void sfe_replay_note_idle(struct sfe_replay *replay, uint64_t sequence);

/* Edge: was this event taken before? If not, it is noted. */
bool sfe_replay_was_seen(struct sfe_replay *replay, const struct sfe_hash128 *identity);
void sfe_replay_saw(struct sfe_replay *replay, const struct sfe_hash128 *identity);

/* Edge: none is known any more. */
void sfe_replay_forget(struct sfe_replay *replay);

/* Edge: the place that is durable. */
void sfe_replay_place(struct sfe_replay *replay, struct sfe_feed_place *place);

/* Nobody else runs. NULL is allowed. */
void sfe_replay_close(struct sfe_replay *replay);

#endif
