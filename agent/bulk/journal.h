/* What is on flash of the bulk job an output has under way: its id and which events are in it,
 * durable before the first byte of its data goes out. So a run that ends in whatever way is
 * followed by one that knows the job: nothing else is sent before it can change nothing any more.
 *
 * Two files of fixed size, "bulk-OUTPUT.STREAM.0" and ".1", kept from the first day (a full disk
 * must not stop delivery), written in turn: a torn write leaves the other, which is of an earlier
 * job that is long over. The newest whole one counts. The bytes: FORMAT.md in agent/stream.
 *
 * A job is noted before its data are uploaded, and forgotten when it is deleted in the org. Both
 * orders of a crash are harmless: a job in the org that is noted nowhere is Open and empty, and
 * ends by itself; a noted job that is over, or gone, settles what it can, and what it cannot goes
 * again, which changes nothing, because all is upserted by external ID.
 *
 * The cloud thread notes; the flash thread writes.
 */
#ifndef SFE_BULK_JOURNAL_H
#define SFE_BULK_JOURNAL_H

#include "base/log.h"
#include "port/storage.h"

#include <stdint.h>

struct sfe_arena;
struct sfe_bulk_journal;

#define SFE_BULK_JOB_ID_BYTES 24u

struct sfe_bulk_journal_options {
    const struct sfe_storage *storage; /* Borrowed, as all pointers here. */
    const char *output;
    const char *stream;
    uint32_t events_max;
    struct sfe_log *log;
    /* Something is to be written; called on the cloud thread. */
    void (*on_noted)(void *owner);
    /* It is durable; called on the flash thread. */
    void (*on_durable)(void *owner);
    void *owner;
};

/* A job. Sequences ascend. What does not fit is not noted as part of it and goes again after a
 * crash. */
struct bulk_job_note {
    char id[SFE_BULK_JOB_ID_BYTES]; /* Empty: no job is under way. */
    uint32_t map;
    uint32_t pass;
};

/* What it takes from the arena. Pure. */
size_t sfe_bulk_journal_memory_bytes(uint32_t events_max);

/* What its files take on flash. Pure. */
uint64_t sfe_bulk_journal_flash_bytes(uint32_t events_max);

/* True where the files of an earlier run are there. Main thread. */
bool sfe_bulk_journal_exists(const struct sfe_bulk_journal_options *options);

/* Opens both files, or makes them, and loads what they say. SFE_E_STORAGE, SFE_E_NO_SPACE,
 * SFE_E_NO_MEMORY. Main thread. */
SFE_MUST_USE enum sfe_code sfe_bulk_journal_open(const struct sfe_bulk_journal_options *options,
                                                 struct sfe_arena *arena,
                                                 struct sfe_bulk_journal **journal,
                                                 struct sfe_error *err);

/* Writes what was noted; returns when to come again (UINT64_MAX: when something was noted). Flash
 * thread. */
uint64_t sfe_bulk_journal_flash_turn(struct sfe_bulk_journal *journal, uint64_t now_ns);

/* The job the last run left behind; false: none. Only before the first note. Cloud thread. */
bool bulk_journal_left(const struct sfe_bulk_journal *journal, struct bulk_job_note *note);

/* Whether event `sequence` is in that job; to be asked in ascending order or from the front again.
 * *is_beyond: neither it nor a later one is. After the first note: nothing is. Cloud thread. */
bool bulk_journal_holds(struct sfe_bulk_journal *journal, uint64_t sequence, bool *is_beyond);

/* Notes a job, in three steps; NULL or an empty id: none is under way. Not before all that was
 * noted is durable. Cloud thread. */
void bulk_journal_begin(struct sfe_bulk_journal *journal, const struct bulk_job_note *note);
void bulk_journal_add(struct sfe_bulk_journal *journal, uint64_t sequence);
void bulk_journal_end(struct sfe_bulk_journal *journal);

/* True when all that was noted is durable. Cloud thread. */
bool bulk_journal_is_durable(const struct sfe_bulk_journal *journal);

/* NULL is allowed. */
void sfe_bulk_journal_close(struct sfe_bulk_journal *journal);

#endif
