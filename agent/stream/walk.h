/* Reads a stream's files without opening the stream: nothing is written, cut or put aside, so that
 * it can be done beside a running agent.
 *
 * What is believed is judged as recovery judges it (scan.h). The files of a running agent move on
 * meanwhile: what was released is passed over, and of the newest frames some may not be durable
 * yet. Any thread; not shared.
 */
#ifndef SFE_STREAM_WALK_H
#define SFE_STREAM_WALK_H

#include "base/limits.h"
#include "event/event.h"
#include "port/crypto.h"
#include "port/storage.h"

struct sfe_arena;
struct sfe_stream_walk;

struct sfe_stream_walk_facts {
    uint32_t segments;       /* Files with a valid header. */
    uint32_t headless;       /* Files without one, but for a newest one that is being made. */
    uint32_t quarantined;    /* Files that recovery has put aside. */
    uint32_t damaged_places; /* In front of events that are kept. */
    uint64_t events;
    uint64_t sealed; /* Of them, those that are encrypted. */
    uint64_t locked; /* Of those, the ones whose key is not at hand: the walk passes them over. */
    uint8_t locked_key[SFE_AEAD_ID_BYTES]; /* Id of the key of the newest of them. */
    uint32_t locked_segment;               /* Its file; 0: none is locked. */
    uint64_t lost;           /* Sequences that are missing between those that are kept. */
    uint64_t first_sequence; /* Of the oldest kept; the next to come where there is none. */
    uint64_t end_sequence;   /* Behind the newest. */
    uint64_t file_bytes;     /* Of all its files. */
    uint64_t torn_bytes;     /* At the end of the newest: never acknowledged, or being written. */
    uint64_t undecodable; /* In whole frames, met by the walk so far: bytes that make no event, or
                             do not open with their key. */
    bool end_is_damaged;  /* Events behind the last one kept are known to have been durable. */
};

/* Bytes that were durable once and make no events now. */
enum sfe_stream_damage_kind {
    SFE_DAMAGE_HEADER, /* A file whose header cannot be read: all of it. */
    SFE_DAMAGE_BYTES,  /* Bytes that do not check. */
    SFE_DAMAGE_SEAL,   /* A frame that checks and does not open with its key: changed on purpose. */
    SFE_DAMAGE_EVENTS  /* A frame that checks and makes no events. */
};

struct sfe_stream_damage {
    enum sfe_stream_damage_kind kind;
    const char *file; /* In the storage; lives as long as the call. */
    uint64_t offset;
    uint64_t bytes;          /* May be 0: a file that ends too early, or is gone. */
    uint64_t first_sequence; /* Of what is missing; 0: not known. */
    uint64_t lost;           /* Events; 0: not known, or none. */
    bool is_put_aside;       /* Found earlier, and kept: its file is no part of the stream now. */
};

struct sfe_stream_walk_options {
    const struct sfe_storage *storage; /* Borrowed. */
    const char *name;                  /* Of the stream. */
    uint64_t known_durable;            /* As in struct sfe_stream_options. */
    const struct sfe_crypto *crypto;   /* With keys only. */
    struct sfe_aead_key *const *keys;  /* What is sealed with one of them is opened. */
    uint32_t key_count;
    /* Told of each damaged place: by open of those that do not check, file by file, then of what
     * was put aside; by next of the others. It may read the storage. NULL: nobody asks. */
    void (*on_damage)(void *owner, const struct sfe_stream_damage *damage);
    void *owner;
};

/* Lists and scans all segments; the facts are then complete. Takes from `arena` the size of the
 * largest segment and a little; twice that where there are keys. Errors: SFE_E_STORAGE,
 * SFE_E_CORRUPT (a newer format), SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_stream_walk_open(const struct sfe_stream_walk_options *options,
                                                struct sfe_arena *arena,
                                                struct sfe_stream_walk **walk,
                                                struct sfe_error *err);

/* What the scan found, and the walk since. */
void sfe_stream_walk_facts(const struct sfe_stream_walk *walk, struct sfe_stream_walk_facts *facts);

/* The next event will be the first kept one at or after `sequence`. */
void sfe_stream_walk_seek(struct sfe_stream_walk *walk, uint64_t sequence);

/* The next event; its slices live until the next call. Its time is as it was stored: with
 * SFE_CLOCK_UNSET it is no Unix time. SFE_E_END behind the last; SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_stream_walk_next(struct sfe_stream_walk *walk,
                                                struct sfe_event *event, struct sfe_error *err);

/* The number of the segment that the last event came from; 0 before the first. */
uint32_t sfe_stream_walk_segment(const struct sfe_stream_walk *walk);

/* Releases the file. NULL is allowed. */
void sfe_stream_walk_close(struct sfe_stream_walk *walk);

/* Calls `visit` with the name of each stream that has files in `storage`, once each, in no order;
 * at most SFE_STREAMS_MAX + 1. */
SFE_MUST_USE enum sfe_code sfe_stream_walk_names(const struct sfe_storage *storage,
                                                 void (*visit)(void *visitor, const char *name),
                                                 void *visitor, struct sfe_error *err);

#endif
