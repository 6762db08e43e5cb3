/* What a stream is made of; shared by the files of this module only. */
#ifndef SFE_STREAM_PARTS_H
#define SFE_STREAM_PARTS_H

#include "port/thread.h"
#include "stream/quota.h"
#include "stream/seal.h"
#include "stream/stage.h"
#include "stream/stream.h"
#include "stream/table.h"

#include <stdatomic.h>

/* So many damaged places are told apart when several readers meet them. */
#define STREAM_PLACES_NOTED 16u

struct sfe_stream {
    struct sfe_stream_options options;
    char name[SFE_NAME_BYTES_MAX + 1];
    uint8_t boot_id[16];
    struct seal seal;             /* Never changes. */
    uint32_t frame_bytes_max;     /* Largest frame kept or to come: what a reader must hold. */
    _Atomic uint64_t durable;     /* Written under the mutex, by the flash thread. */
    _Atomic uint64_t dropped_end; /* What is below was dropped, as the oldest; in the same way. */

    _Atomic uint32_t fill_permille; /* In the same way. */

    /* Guards all from here to `damage`. Never held while the medium is touched. */
    struct sfe_mutex *mutex;
    struct stage stage;
    struct segment_table table;
    uint64_t table_quota_bytes; /* It has room for so much. */
    uint64_t reserve_bytes;     /* Of the spare file; 0: there is none. */
    uint64_t released;          /* All below are settled. */
    struct segment_gap gap;     /* The newest that a header tells of. */
    bool is_dropping;
    uint64_t dropped_before; /* dropped_events when dropping began. */
    uint64_t commit_end_ns;  /* 0: none yet. */
    uint64_t retry_ns;
    bool is_failing;
    struct sfe_error failure;
    struct {
        uint64_t written_bytes;
        uint64_t written_events;
        uint64_t payload_bytes;
        uint64_t syncs;
        uint64_t dropped_events;
        uint64_t dropped_bytes;
    } counts;
    struct {
        uint32_t count; /* Places met since open; a ring of the newest of them. */
        uint32_t segments[STREAM_PLACES_NOTED];
        uint64_t offsets[STREAM_PLACES_NOTED];
        uint32_t last_segment;
        uint64_t last_offset;
    } damage;

    /* Flash thread alone: the segment being written, which is the newest of the table once it holds
     * a frame. */
    struct sfe_file *file;  /* NULL: the next commit begins a segment. */
    struct segment current; /* Where `file` is open. */
    uint32_t next_number;
    uint8_t *header_bytes;     /* SEGMENT_BEGIN bytes to make a header in. */
    uint8_t *sealed_bytes;     /* A frame as it is written; NULL: not encrypted. */
    bool has_unsynced_removal; /* A removal may come back after a power cut. */
    uint64_t quota_returns;    /* Seen of the quota of all when room was last measured. */
};

/* Finds out what the last run left, and makes the table; the stage's buffers are free memory to it.
 * In commit and release nothing has happened yet. */
SFE_MUST_USE enum sfe_code recovery_run(struct sfe_stream *stream, struct sfe_arena *arena,
                                        struct sfe_stream_recovery *recovery,
                                        struct sfe_error *err);

/* What it takes from the arena at most, when the last run had the same options. */
size_t recovery_memory_bytes(const struct sfe_stream_options *options);

/* The largest frame that is written. */
uint32_t stream_frame_bytes_max(const struct sfe_stream_options *options);

/* What the stream takes of its quota. Mutex held. */
uint64_t stream_used_bytes(const struct sfe_stream *stream);

/* The most it may take, by its own quota and that of all. Flash thread. */
uint64_t stream_quota_bytes(const struct sfe_stream *stream);

/* After table, current segment or `released` changed: what may be staged from now on. Flash
 * thread, mutex held. */
void stream_measure_room(struct sfe_stream *stream);

/* A damaged place was met, by a reader or by recovery. Any thread; the mutex is not held. */
void stream_note_damage(struct sfe_stream *stream, uint32_t segment, uint64_t offset);

/* Before a segment goes: where something in it is damaged its file is renamed, and true; it need
 * not be removed then. Events from `limit` on stand in a later one. Flash thread. */
bool stream_put_aside(struct sfe_stream *stream, const struct segment *segment, uint64_t limit);

/* Removes the files of doomed segments and of those below `released`. Flash thread. */
SFE_MUST_USE enum sfe_code stream_release_settled(struct sfe_stream *stream, struct sfe_error *err);

#endif
