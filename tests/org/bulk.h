/* Ingest jobs of Bulk API 2.0: states that take time, results in another order than the rows, and
 * whatever goes wrong with them. */
#ifndef SFE_TESTS_ORG_BULK_H
#define SFE_TESTS_ORG_BULK_H

#include "buffer.h"
#include "schema.h"

#define BULK_JOBS_MAX 4096u
#define BULK_NEVER    UINT64_MAX

enum bulk_state {
    BULK_OPEN,
    BULK_UPLOAD_COMPLETE,
    BULK_IN_PROGRESS,
    BULK_JOB_COMPLETE,
    BULK_FAILED,
    BULK_ABORTED,
    BULK_STATES
};

/* A result file, and where its rows end. */
struct bulk_file {
    struct buffer text;
    struct buffer ends; /* size_t each; the first is that of the header. */
};

struct bulk_job {
    char id[ID_BYTES + 1];
    struct object *object;
    const struct field *key; /* NULL: an update, by Id. */
    enum bulk_state state;
    uint64_t changed_ms; /* When the state began. */
    uint32_t puts;
    uint32_t lines; /* Of the upload. */
    uint32_t rows;
    uint32_t processed; /* Failed ones too. */
    uint32_t failed;
    bool is_deleted;
    struct buffer csv;
    struct bulk_file successes;
    struct bulk_file failures;
    struct bulk_file unprocessed;
    char message[200];
};

struct bulk {
    struct bulk_job *jobs; /* Owned. */
    uint32_t count;
    /* Set by tests. */
    uint64_t queue_ms;
    uint64_t run_ms;
    enum bulk_state hold; /* No job leaves this state; BULK_STATES: none is held. */
    uint64_t fail_after;  /* Of a job's rows so many are processed, then it fails. */
    uint64_t abort_after; /* The same, and an administrator has aborted it. */
    uint64_t page;        /* Rows in one part of a result file; 0: all. */
    uint64_t refuse_jobs; /* So many creations are refused: the allowance of jobs is used up. */
    uint64_t created;
    uint64_t processed; /* Rows of all jobs. */
    uint64_t spoilt;    /* Jobs that could not be closed: uploaded twice. */
};

struct org;
struct call;
struct http_request;
struct reply;

const char *bulk_state_name(enum bulk_state state);

/* jobs/ingest...; `rest` is the path behind it. */
void bulk_call(struct org *org, struct call *call, struct sfe_slice rest);

/* Moves the jobs on to where they are by now. */
void bulk_advance(struct org *org);

/* Processes at most `most` rows; the rest is unprocessed. Sets counts and result files. */
void bulk_process(struct org *org, struct bulk_job *job, uint64_t most);

/* /control/bulk */
void bulk_control_set(struct org *org, const struct http_request *request, struct reply *reply);
void bulk_control_get(struct org *org, const struct http_request *request, struct reply *reply);

void bulk_close(struct bulk *bulk);

#endif
