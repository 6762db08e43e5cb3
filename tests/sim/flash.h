/* Streams, cursor log and reader on simulated flash, with books of what was promised. */
#ifndef SFE_TESTS_SIM_FLASH_H
#define SFE_TESTS_SIM_FLASH_H

#include "base/arena.h"
#include "events.h"
#include "sim/storage.h"
#include "state.h"
#include "stream/cursor.h"
#include "stream/reader.h"

#define FLASH_STREAMS       2u /* "sales", which an output reads, and "dead". */
#define FLASH_SALES         0u
#define FLASH_DEAD          1u
#define FLASH_SEQUENCES_MAX 4096u
#define FLASH_SERIALS_MAX   16384u
#define FLASH_SEGMENT_BYTES (64u * 1024u)
#define FLASH_CURSOR_NAME   "crm/sales"

struct flash_books {
    struct sim_events *events;            /* Borrowed. */
    uint64_t acknowledged[FLASH_STREAMS]; /* The highest sequence told to a sender. */
    uint64_t staged[FLASH_STREAMS];       /* The highest sequence given. */
    bool is_acknowledged[FLASH_STREAMS][FLASH_SEQUENCES_MAX];
    uint32_t serials[FLASH_STREAMS][FLASH_SEQUENCES_MAX]; /* The event last staged under it. */
    uint32_t commits[FLASH_STREAMS][FLASH_SEQUENCES_MAX]; /* Events of one frame have one number. */
    bool is_dropped[FLASH_STREAMS][FLASH_SEQUENCES_MAX];  /* As the newest: taken, not kept. */
    uint64_t dropped[FLASH_STREAMS];                      /* Durably, as last said. */
    uint32_t sequences[FLASH_SERIALS_MAX]; /* That an event was given, by its serial. */
    uint32_t next_serial;
    uint32_t next_commit;
    uint64_t saved; /* Where the cursor is for certain. */
    uint64_t tried; /* The farthest that a save was tried with. */
};

/* What may be less than perfect in a recovery. */
struct flash_leniency {
    bool may_lose;           /* A sync lied: the end may be gone. */
    bool may_damage;         /* A bit was flipped: one frame may be gone, and is told. */
    bool cursor_may_go_back; /* The bit was one of the cursor log. */
    /* New space held old bytes and a segment's making was cut short, so that what looks like a
     * frame in it is taken for damage; or something could not be read; or the process started anew
     * and was shown what a failed sync had forgotten. No acknowledged event is missing even so. */
    bool may_be_alarmed;
};

#define FLASH_KEYS_MAX 4u

/* How the streams are run; what a reload or an upgrade may change. */
struct flash_policy {
    enum sfe_stream_when_full when_full;
    bool has_dropped_oldest; /* Some time. */
    bool is_encrypted;
    uint32_t key_count; /* Keys 1 to here are given, the last one seals. */
    bool is_older;      /* Written by an earlier version of the agent. */
};

struct flash {
    struct sim_run *run;
    struct sim_world world;
    struct sim_storage *storage;
    struct sfe_storage port;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_crypto crypto;
    struct sfe_aead_key *keys[FLASH_KEYS_MAX]; /* The newest first; since open. */
    struct flash_policy policy;
    struct flash_books *books;
    uint64_t quota_bytes;
    struct flash_leniency leniency;
    struct sfe_arena *arena; /* NULL: not open. */
    struct sfe_cursor_log *log;
    struct sfe_stream *streams[FLASH_STREAMS];
    struct sfe_stream_recovery recoveries[FLASH_STREAMS];
    struct sfe_stream_reader *readers[FLASH_STREAMS];
    struct sfe_cursor cursor;
    uint64_t last_read;              /* By the reader of sales, since open. */
    uint64_t durable[FLASH_STREAMS]; /* As last seen, since open. */
};

/* Makes a machine; `storage` becomes its own. */
void flash_begin(struct flash *flash, struct sim_run *run, struct sim_storage *storage,
                 struct flash_books *books, uint64_t seed);
void flash_end(struct flash *flash);

/* Opens all: recovery. False where the medium or the power says no; all is closed then. */
bool flash_open(struct flash *flash);
void flash_close(struct flash *flash);

extern const char *const flash_names[FLASH_STREAMS];

/* What recovery left keeps every promise in the books. */
void flash_check(struct flash *flash);

/* Of a reader's next event: it is what was staged under its sequence. */
void flash_check_event(const struct flash *flash, uint32_t stream, const struct sfe_event *event);
/* From `next` on, the first up to `sequence` that was not dropped as it came. */
uint64_t flash_pass_dropped(const struct flash *flash, uint32_t stream, uint64_t next,
                            uint64_t sequence);
/* Those from `begin` to before `sequence` went to make room: what was oldest, and it is counted. */
bool flash_went_as_oldest(const struct flash *flash, uint32_t stream, uint64_t begin,
                          uint64_t sequence);

/* True once the books have no more pages: sequences have been left out, or the run is long. */
bool flash_is_over(const struct flash *flash);

/* One step each. They take every failure for what it is: later again. */
void flash_append(struct flash *flash, uint32_t stream, uint32_t events_max);
void flash_save(struct flash *flash, bool to_the_end);
void flash_read_on(struct flash *flash);
void flash_reopen(struct flash *flash);

/* Without faults: everything staged becomes durable, and the cursor gets to its end. */
void flash_settle_all(struct flash *flash);

#endif
