/* What the simulated org is made of; shared by its files only. */
#ifndef SFE_PORT_SIM_ORG_PARTS_H
#define SFE_PORT_SIM_ORG_PARTS_H

#include "base/json_reader.h"
#include "sim/org.h"

#define EXCHANGES_MAX 32u
#define TOKENS_MAX    65536u
#define ANSWER_BYTES  (256u * 1024u)
#define URL_BYTES     512u
#define JOBS_MAX      48u
#define JOB_ID_BYTES  24u

enum fate {
    FATE_FINE,
    FATE_UNREACHED,   /* It never left. */
    FATE_LOST_BEFORE, /* It left, and did not arrive. */
    FATE_LOST_AFTER,  /* It was done, and the answer did not arrive. */
    FATE_CUT,         /* It was done, and half of the answer arrived. */
    FATE_SERVER,      /* 503. */
    FATE_SESSION,     /* 401: the session has ended. */
    FATE_LOCKED,      /* Some rows are held by another transaction; a job cannot be made. */
    FATE_HALTED,      /* Of a Composite some parts are not run. */
    FATE_SLOW,        /* Not within the time limit; done. */
    FATE_COUNT
};

struct exchange {
    bool is_used;
    bool is_login;
    bool has_broken; /* The agent's side of an upload failed. */
    enum fate fate;
    uint64_t due_ns;
    struct sfe_builder *answer_body;
    struct sfe_builder *cookies;        /* NULL: nobody asks. */
    const struct sfe_http_sink *sink;   /* NULL: none. */
    const struct sfe_http_body *upload; /* NULL: none, or all of it has come. */
    void *tag;
    char method[8];
    char url[URL_BYTES];
    char token[32];
    char cookie[64];
    bool is_held;  /* A poll, until there is something to say. */
    uint8_t *body; /* A copy. */
    size_t body_size;
};

enum job_state {
    JOB_OPEN,
    JOB_QUEUED, /* UploadComplete. */
    JOB_RUNNING,
    JOB_COMPLETE,
    JOB_FAILED,
    JOB_ABORTED
};

struct job_row {
    uint32_t number;
    uint32_t value;
    size_t begin; /* Of its line in the upload, without the LF. */
    size_t size;
    bool is_processed;
    const char *error; /* Its code; NULL: none. */
};

struct job {
    char id[JOB_ID_BYTES]; /* Empty: none. */
    uint64_t made;         /* The how manyth. */
    enum job_state state;
    enum job_state end; /* How it is going to end, once so many rows are processed. */
    uint32_t end_after;
    bool has_locks;
    uint32_t uploads;
    uint64_t life; /* Of the agent that made it. */
    uint8_t *csv;  /* Owned, as the rows. */
    size_t csv_size;
    struct job_row *rows; /* In the order in which they are processed. */
    uint32_t row_count;
    uint32_t processed;
    uint64_t left_ns; /* Until it goes on. */
};

struct sim_org {
    struct sim_org_options options;
    struct sim_random random;
    struct exchange exchanges[EXCHANGES_MAX];
    struct sfe_json_token *tokens;
    uint32_t token_number;
    uint32_t trouble_permille;
    bool is_away;
    uint64_t requests;
    bool has_row[SIM_ORG_ROWS_MAX];
    uint32_t values[SIM_ORG_ROWS_MAX];
    struct org_events *events; /* Owned; NULL: none was asked for yet. */
    struct job jobs[JOBS_MAX];
    uint64_t life;    /* The agent's how manyth. */
    bool is_old_work; /* What is being written is of a job of an earlier one. */
    uint64_t jobs_made;
    uint64_t jobs_processed; /* To their end, whichever. */
    uint64_t seen_ns;        /* When the jobs were moved on last. */
    uint8_t answer[ANSWER_BYTES];
};

/* Writes one row; the code of the error that it brings, or NULL. */
const char *org_upsert(struct sim_org *org, bool may_lock, uint32_t number, uint32_t value);

/* True where the request has the token that is valid now. */
bool org_has_session(const struct sim_org *org, const struct exchange *exchange);

/* The number that an external ID ends in, behind its last "-". */
uint32_t org_number_of(struct sfe_slice external_id);

uint32_t org_whole_number(struct sfe_slice text);

/* A request below jobs/ingest: status and body of its answer; a further part of a result file has
 * `locator`. */
uint16_t org_bulk_act(struct sim_org *org, struct exchange *exchange, struct sfe_builder *out,
                      char locator[64]);

/* Moves the jobs on by the time that has passed, whoever watches. */
void org_bulk_advance(struct sim_org *org);

void org_bulk_close(struct sim_org *org);

/* Is it a request of the Streaming API? */
bool org_events_is(const struct exchange *exchange);

/* True: the answer is not due yet, for there is nothing to say; due_ns is when it is. */
bool org_events_holds(struct sim_org *org, struct exchange *exchange);

/* The body of its answer. */
void org_events_act(struct sim_org *org, struct exchange *exchange, struct sfe_builder *body);

/* Sessions that nobody asks for end. */
void org_events_advance(struct sim_org *org, uint64_t passed_ns);

/* The way to the org is gone, and so are the polls that are held. */
void org_events_break(struct sim_org *org);

void org_events_close(struct sim_org *org);

#endif
