/* What the bulk target is made of; shared by the files of this module only. Cloud thread. */
#ifndef SFE_BULK_PARTS_H
#define SFE_BULK_PARTS_H

#include "base/limits.h"
#include "output/reasons.h"
#include "port/thread.h"
#include "bulk/bulk.h"
#include "bulk/results.h"
#include "bulk/rows.h"

/* An event may bring more records than there is room left for: the last one, by so many. */
#define BULK_ROWS_EXTRA 4096u
/* Of a batch (API sheet annex, section 4.1: for gateways 8 to 10 MB). */
#define BULK_BYTES_MAX (8u * 1024u * 1024u)

enum bulk_state {
    BULK_IDLE,
    BULK_MEASURE,
    BULK_CREATE,
    BULK_NOTE,
    BULK_UPLOAD,
    BULK_CLOSE,
    BULK_POLL,
    BULK_REFILL, /* A job of the last run is over: its events are taken back. */
    BULK_SUCCESSES,
    BULK_FAILURES,
    BULK_ABORT,
    BULK_DELETE,
    BULK_FORGET
};

struct bulk_event {
    uint64_t sequence;
    uint64_t key;    /* Of the order: the hash of its first record's external ID. */
    uint32_t reason; /* Its place among the reasons; without meaning where DONE. */
    enum sfe_verdict_kind kind;
};

/* What the org says of a job. */
enum bulk_job_state {
    BULK_JOB_OPEN,
    BULK_JOB_QUEUED, /* UploadComplete. */
    BULK_JOB_RUNNING,
    BULK_JOB_COMPLETE,
    BULK_JOB_FAILED,
    BULK_JOB_ABORTED
};

struct bulk_job_answer {
    char id[SFE_BULK_JOB_ID_BYTES];
    enum bulk_job_state state;
    char message[192]; /* Why it failed; may be empty. */
};

/* The upload as it is made. */
struct bulk_file {
    uint32_t event; /* Of the next row. */
    uint32_t index; /* Among its records of the map. */
    uint32_t rows;
    uint64_t bytes;
    size_t sent; /* Of what is in `piece`. */
    bool is_begun;
    struct sfe_builder piece;
};

struct sfe_bulk {
    struct sfe_http_owner owner; /* First: the tag of the exchange. */
    struct sfe_bulk_options options;
    struct sfe_target_host host;
    enum bulk_state state;
    bool is_under_way; /* An exchange is. */
    bool is_leaving;
    uint64_t due_ns;        /* Nothing is begun before. */
    uint32_t failures;      /* In a row, of the state. */
    uint64_t shut_until_ns; /* Jobs are refused as a whole: not before this. */
    uint32_t polls;

    /* The batch. */
    struct bulk_event *events;
    char (*record_ids)[SFE_WATCH_RECORD_ID_BYTES]; /* Of the events; NULL: none are kept. */
    uint64_t *sequences;                           /* Scratch: of the events, in their order. */
    uint32_t event_count;
    uint64_t batch_bytes;
    struct bulk_rows rows;
    struct sfe_reasons *reasons;
    bool is_sent;
    uint32_t map; /* Whose records go, and which of those that name one ID several times. */
    uint32_t pass;

    /* The job. */
    struct bulk_job_note job;
    struct bulk_job_answer told;
    bool is_left;      /* It may still change the org, and nothing may be sent beside it. */
    bool is_last_runs; /* Its events can be taken back. */
    bool is_closed;
    uint32_t job_rows;
    uint64_t job_bytes;
    uint64_t begun_ns;
    uint32_t settled_rows; /* Of which a result came. */
    struct bulk_file file;
    struct bulk_results results;
    char locator[64]; /* Of the next part of a result file; empty: the first. */

    struct sfe_json_token *tokens; /* Of the event or answer at hand. */
    struct sfe_builder value;      /* Scratch: one field's. */
    struct sfe_builder body;       /* Of a request that is not streamed. */
    struct sfe_builder answer_body;
    struct sfe_http_body upload;
    struct sfe_http_sink sink;

    struct sfe_mutex *mutex; /* Guards facts. */
    struct sfe_bulk_facts facts;
};

/* The target's `offer`. */
enum sfe_code bulk_offer(void *context, uint32_t number, struct sfe_event *event, int64_t time_ns,
                         struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err);

/* Begins the job's file anew. */
void bulk_file_begin(struct sfe_bulk *bulk);

/* Makes the next piece: the header, or rows of one event. SFE_E_END: that was all. Other failures:
 * it cannot be made; while it is measured the event is judged instead and left out. */
SFE_MUST_USE enum sfe_code bulk_file_next(struct sfe_bulk *bulk, struct sfe_error *err);

/* `read` of the upload. */
enum sfe_code bulk_file_read(void *context, uint8_t *bytes, size_t capacity, size_t *got);

/* Does what is due and returns when to come again. The org is ready. */
uint64_t bulk_step(struct sfe_bulk *bulk, uint64_t now_ns);

/* on_answer of `owner`. */
void bulk_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer);

/* Reads the org's description of a job. SFE_E_PROTOCOL where it is none. Pure. */
SFE_MUST_USE enum sfe_code bulk_read_job(struct sfe_slice body, struct sfe_json_token *tokens,
                                         uint32_t capacity, struct bulk_job_answer *job,
                                         struct sfe_error *err);

/* Makes ready for the results: every row of the job is open. */
void bulk_results_open(struct sfe_bulk *bulk);

/* One row of a result file: on_row of `results`. */
void bulk_take_result(void *bulk, const struct bulk_result *result);

/* After both result files: what has no result goes again; then the next job of the batch, or its
 * end. */
void bulk_results_close(struct sfe_bulk *bulk);

/* Ends the batch as a whole. */
void bulk_finish(struct sfe_bulk *bulk, enum sfe_slot_outcome outcome, const struct sfe_error *err,
                 int64_t retry_after_s);

/* The same for what the org refused as a whole: where there is another way, it goes that way. */
void bulk_fail(struct sfe_bulk *bulk, enum sfe_slot_outcome outcome, const struct sfe_error *err,
               int64_t retry_after_s);

/* Judges one event of the batch. */
void bulk_judge(struct sfe_bulk *bulk, uint32_t event, enum sfe_verdict_kind kind,
                const struct sfe_error *err);

void bulk_empty(struct sfe_bulk *bulk);
/* Makes what is known of the job known to other threads. */
void bulk_show(struct sfe_bulk *bulk);

/* Notes the job and its events on flash, or that there is none any more. */
void bulk_note(struct sfe_bulk *bulk);
void bulk_forget(struct sfe_bulk *bulk);
void bulk_enter(struct sfe_bulk *bulk, enum bulk_state state);

/* What the org said of the job when it failed, as the verdict on the whole batch. */
enum sfe_slot_outcome bulk_job_verdict(const struct sfe_bulk *bulk, struct sfe_error *err);

#endif
