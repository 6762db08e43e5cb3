/* The target that upserts records by external ID through ingest jobs of Bulk API 2.0 (API sheet,
 * section 4): one job under way, thousands of records in it, a handful of API calls.
 *
 * A batch is one slot of the output, as with Collections, only large. So order per key, tries, dead
 * letters and the cursor are the output's, and each event gets its own verdict. An external ID
 * stands once in a job: an event whose ID is in the batch already waits for the next one, and so
 * does every later event of its key.
 *
 * The states of a batch, one call each where nothing goes wrong:
 *
 *   measure    the rows are made from flash once without sending them: the upload's length is known
 *   create     POST jobs/ingest; a lost answer leaves an empty job behind, which harms nobody
 *   note       the job's id and its events are durable on flash (bulk_journal.h) before ...
 *   upload     PUT, read from flash as it goes, once: what goes wrong here ends the job, for a
 *              second PUT would be taken and then the job could not be closed
 *   close      PATCH UploadComplete; a lost answer is asked for by
 *   poll       GET, 1 s apart and then more and more, 60 s at most; a time-out says nothing
 *   successes, failures   the results, read as they come, matched by external ID; rows in neither
 *              were not processed and go again. Nothing is settled before both came whole
 *   delete     DELETE, then the note is cleared
 *
 * A map's job is followed by that of the next map for the events whose records all succeeded:
 * parents before children.
 *
 * A job the last run left behind is waited for (or aborted where it was still open) before anything
 * is sent; then its events, as far as they are not settled, are taken into the batch again and
 * settled by its results. If it is gone they go again. Both change nothing in the org.
 *
 * Memory is bounded by the options and taken at open; the upload and the results never stand in it.
 * Cloud thread, but for the facts.
 */
#ifndef SFE_BULK_BULK_H
#define SFE_BULK_BULK_H

#include "flow/map.h"
#include "flow/where.h"
#include "output/output.h"
#include "port/entropy.h"
#include "bulk/journal.h"
#include "salesforce/org.h"

struct sfe_bulk;

struct sfe_bulk_options {
    const char *name; /* Of the output. Borrowed, as all pointers here. */
    struct sfe_org *org;
    struct sfe_map *const *maps; /* Parents before children. */
    uint32_t map_count;
    struct sfe_where *where; /* Which events are taken; NULL: all. */
    uint32_t slot;           /* The number the output gives its slot. */
    uint32_t records_max; /* Of a batch, events and records alike; the last event may go beyond. */
    bool keeps_ids;       /* Of each event's first record, wanted as an answer. */
    bool has_other;       /* What does not go by bulk can go another way. */
    struct sfe_bulk_journal *journal;
    const struct sfe_entropy *entropy; /* Jitter. */
    struct sfe_log *log;
};

/* For `status`. */
struct sfe_bulk_facts {
    char job[SFE_BULK_JOB_ID_BYTES]; /* Empty: none. */
    const char *state;               /* "measure", "upload", "InProgress", ...; static. */
    uint64_t rows;
    uint64_t begun_ns; /* Monotonic time; 0 without a job. */
    uint64_t jobs;     /* Ended since open. */
    uint64_t calls;    /* API calls of theirs since open. */
};

/* What it takes from the arena. Pure. */
size_t sfe_bulk_memory_bytes(const struct sfe_bulk_options *options);

/* Opens the target; a job that the journal knows is taken up. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_bulk_open(const struct sfe_bulk_options *options,
                                         struct sfe_arena *arena, struct sfe_bulk **bulk,
                                         struct sfe_error *err);

/* The target's functions, to be called through `target`. */
void sfe_bulk_target(struct sfe_bulk *bulk, struct sfe_target *target);

/* What it wants of its slot: large_use of the output's options, for a bulk target alone. */
enum sfe_large_use sfe_bulk_use(const void *bulk);

/* The agent ends: a job whose data are in the org is left to it, its events go back to the output,
 * and the next run takes it up. */
void sfe_bulk_leave(struct sfe_bulk *bulk);

/* Any thread. */
void sfe_bulk_facts(struct sfe_bulk *bulk, struct sfe_bulk_facts *facts);

/* NULL is allowed. */
void sfe_bulk_close(struct sfe_bulk *bulk);

#endif
