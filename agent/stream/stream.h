/* Keeps events on flash until every output that reads them has settled them.
 *
 * The promise: once sfe_stream_durable() has reached an event's sequence, that event survives power
 * loss at any instant, and stays until it is released. Nothing is promised for an event before
 * that.
 *
 * Any thread may stage. One thread (flash) commits and releases. Any thread may read at or below
 * the durable sequence through its own reader, because those bytes never change. The bytes on
 * flash: FORMAT.md.
 */
#ifndef SFE_STREAM_STREAM_H
#define SFE_STREAM_STREAM_H

#include "base/error.h"
#include "base/log.h"
#include "event/event.h"
#include "event/watch.h"
#include "port/clock.h"
#include "port/crypto.h"
#include "port/entropy.h"
#include "port/storage.h"

struct sfe_arena;
struct sfe_boot_times;
struct sfe_quota;
struct sfe_stream;

/* Where the quota is used up. */
enum sfe_stream_when_full {
    SFE_STREAM_BLOCK,       /* Staging says SFE_E_FULL: the sender keeps the event. */
    SFE_STREAM_DROP_OLDEST, /* The oldest segments go, settled or not. */
    SFE_STREAM_DROP_NEWEST  /* The event is taken and counted, and not kept. */
};

struct sfe_stream_options {
    const struct sfe_storage
        *storage; /* Borrowed, as all pointers here; must outlive the stream. */
    const struct sfe_clock *clock;
    const struct sfe_entropy *entropy; /* Salts. */
    struct sfe_log *log;               /* NULL: silent. */
    const char *name;                  /* At most SFE_NAME_BYTES_MAX bytes of [a-z0-9_-]. */
    uint64_t quota_bytes; /* All segments together, and the reserve; over by at most one segment. */
    uint32_t segment_bytes;   /* Power of two. */
    uint32_t event_bytes_max; /* Payload; a larger event is SFE_E_TOO_LARGE. */
    uint64_t
        linger_ns; /* Wait so long before a sync, to spare the flash; 0: see sfe_stream_due_ns. */
    uint64_t
        known_durable; /* The cursor log says that this sequence was durable; 0: it says nothing. */
    /* Called when something is staged that the flash thread may be asleep to; any thread, must
     * return at once. */
    void (*on_staged)(void *owner);
    /* Called on the flash thread after the durable sequence rose. */
    void (*on_durable)(void *owner);
    void *owner;
    const struct sfe_boot_times *boot_times; /* Of earlier boots; NULL: nothing is known. */
    enum sfe_stream_when_full when_full;
    bool is_encrypted;                /* Frames are sealed with the first key. */
    const struct sfe_crypto *crypto;  /* With keys only. */
    struct sfe_aead_key *const *keys; /* The others open what was sealed before the key changed. */
    uint32_t key_count;
    struct sfe_quota *quota; /* Of all streams together; NULL: there is none. */
    uint32_t quota_share;    /* This stream's place in it. */
    bool has_reserve;        /* One segment of the quota is kept, as a file of its own, for
                                sfe_stream_stage_reserved and for a full medium. */
    struct sfe_watch *watch; /* Is told what became durable; NULL: nobody is. */
};

/* What opening found. `lost_events` were durable and are damaged: say so, loudly. What is inside a
 * segment that another one follows is not looked at before it is read: readers count its damage. */
struct sfe_stream_recovery {
    uint64_t kept_events; /* By their sequences. */
    uint64_t lost_events;
    uint64_t torn_bytes; /* Of a tail that was never acknowledged. */
    uint32_t damaged_places;
    uint32_t segments;
};

/* Facts for `status`; each is current, not a snapshot of all. */
struct sfe_stream_facts {
    uint64_t first_sequence; /* Oldest kept; durable + 1 when empty. */
    uint64_t durable_sequence;
    uint64_t staged_events;  /* Not yet durable. */
    uint64_t flash_bytes;    /* Kept by the segments and the reserve. */
    uint64_t written_bytes;  /* To flash since open, padding included. */
    uint64_t written_events; /* Made durable since open. */
    uint64_t payload_bytes;  /* Of events made durable since open: topic not counted. */
    uint64_t syncs;          /* fdatasync calls since open. */
    uint64_t refused;        /* Times staging said SFE_E_FULL. */
    bool is_full; /* The quota is used up: staging stops, or drops, until something is released. */
    bool has_reserve;         /* The reserve is there: made, and not used. */
    bool is_failing;          /* The last commit failed and is tried again. */
    struct sfe_error failure; /* Why, where is_failing. */
    bool is_dropping;
    /* Dropped because the quota was used up, from the stream's beginning on; durable as the events
     * are. With drop-oldest all events of the segments that went and that no cursor had passed:
     * one that was on its way, or settled out of order, counts and may arrive all the same. What
     * an output missed, its own count of gaps says. Bytes: of their frames on flash; with
     * drop-newest of their payloads. */
    uint64_t dropped_events;
    uint64_t dropped_bytes;
    uint64_t dropped_end; /* What is missing below this was dropped as the oldest. */
    /* Damaged places met since open, by opening or by reading; the newest of them. */
    uint32_t damaged_places;
    uint32_t damaged_segment;
    uint64_t damaged_offset;
};

/* Opens the stream and recovers it from whatever the last run left behind: a torn tail is cut,
 * damage is skipped and counted, the last segment is sealed and a new one begun with the next
 * commit. Takes all memory it will ever use from `arena`: two stage buffers, and a third where it
 * is encrypted. Errors: SFE_E_STORAGE, SFE_E_CORRUPT (a newer format), SFE_E_CRYPTO (a segment is
 * kept whose key is not among those given), SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_stream_open(const struct sfe_stream_options *options,
                                           struct sfe_arena *arena, struct sfe_stream **stream,
                                           struct sfe_stream_recovery *recovery,
                                           struct sfe_error *err);

/* What a stream with these options takes from the arena at most, if the ones of the last run were
 * no larger. Pure. */
size_t sfe_stream_memory_bytes(const struct sfe_stream_options *options);

/* The name given at open. Any thread. */
const char *sfe_stream_name(const struct sfe_stream *stream);

/* Copies `event` into the stage (the one copy an event gets) and gives it a sequence. Does not
 * touch flash and does not block for it. SFE_E_FULL (no text): no room in the stage, or the quota
 * is used up; the caller holds its acknowledgement and comes again. SFE_E_TOO_LARGE. An event that
 * is dropped as the newest has a sequence as well: once that is durable, the drop is. Any thread.
 */
SFE_MUST_USE enum sfe_code sfe_stream_stage(struct sfe_stream *stream,
                                            const struct sfe_event *event, uint64_t *sequence,
                                            struct sfe_error *err);

/* As sfe_stream_stage, for what others wait for: may also use the reserve. Any thread. */
SFE_MUST_USE enum sfe_code sfe_stream_stage_reserved(struct sfe_stream *stream,
                                                     const struct sfe_event *event,
                                                     uint64_t *sequence, struct sfe_error *err);

/* Monotonic time at which a commit is due; UINT64_MAX when nothing is staged. With linger 0: at
 * once when the last commit is longer ago than a few milliseconds; under load it waits up to that
 * long, while events still arrive, so that frames fill whole flash pages; after a failure it waits
 * a second. Flash thread. */
uint64_t sfe_stream_due_ns(struct sfe_stream *stream, uint64_t now_ns);

/* Writes what is staged as one frame and makes it durable: one write and one sync, however many
 * events. After a failure the staged events are kept, the file is never trusted again, and the next
 * commit begins a new segment. SFE_E_NO_SPACE: the medium is full. Nothing staged: SFE_OK. Flash
 * thread; may block as long as flash does. */
SFE_MUST_USE enum sfe_code sfe_stream_commit(struct sfe_stream *stream, uint64_t now_ns,
                                             struct sfe_error *err);

/* Everything below `sequence` is settled by all outputs, durably: segments wholly below it are
 * deleted. Flash thread. */
SFE_MUST_USE enum sfe_code sfe_stream_release(struct sfe_stream *stream, uint64_t sequence,
                                              struct sfe_error *err);

/* Takes up what other streams gave back of the quota of all. Flash thread, once a turn. */
void sfe_stream_share(struct sfe_stream *stream);

/* How much of what the quota holds is used, in thousandths. Any thread, one atomic load. */
uint32_t sfe_stream_fill_permille(const struct sfe_stream *stream);

/* What a table of its segments takes that has room for `quota_bytes`; 0: the one it has will do.
 * Flash thread. */
size_t sfe_stream_table_bytes(const struct sfe_stream *stream, uint64_t quota_bytes);

/* What that is at most for a stream with these options, were its quota ever so small before. Pure.
 */
size_t sfe_stream_table_bytes_max(const struct sfe_stream_options *options);

/* Changes quota and linger. `table`: memory of the size above, which must outlive the stream or the
 * next table; NULL: none is needed. Below what is kept nothing is lost: taking stops. Flash thread.
 */
void sfe_stream_set_limits(struct sfe_stream *stream, uint64_t quota_bytes, uint64_t linger_ns,
                           void *table);

/* Gives it place `share` of another bound on all streams, where it claims what it has; NULL: there
 * is none. The next sfe_stream_share claims the rest, once all have done this. Flash thread. */
void sfe_stream_set_quota(struct sfe_stream *stream, struct sfe_quota *quota, uint32_t share);

/* The highest sequence that survives power loss; 0 before the first. Never goes back. Any thread,
 * one atomic load. */
uint64_t sfe_stream_durable(const struct sfe_stream *stream);

/* Any thread. */
void sfe_stream_facts(struct sfe_stream *stream, struct sfe_stream_facts *facts);

/* Releases the files; what is staged and not committed is gone (it was never acknowledged). NULL is
 * allowed. */
void sfe_stream_close(struct sfe_stream *stream);

#endif
