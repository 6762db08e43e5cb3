/* The status document: what the agent says of itself, as JSON and for people. Pure; any thread. */
#ifndef SFE_STATUS_REPORT_H
#define SFE_STATUS_REPORT_H

#include "base/bytes.h"
#include "base/json_reader.h"
#include "input/intake.h"
#include "input/salesforce_events.h"
#include "input/source.h"
#include "input/thin.h"
#include "target/file.h"
#include "join/join.h"
#include "output/output.h"
#include "bulk/bulk.h"
#include "salesforce/org.h"
#include "status/wear.h"
#include "stream/stream.h"

struct sfe_status_link {
    struct sfe_source_facts source;
    struct sfe_intake_facts intake;
};

struct sfe_status_input {
    const char *connection;
    struct sfe_intake_input facts;
    bool has_channel;
    struct sfe_salesforce_events_facts channel; /* Where has_channel. */
};

struct sfe_status_stream {
    const char *name;
    uint64_t quota_bytes;
    uint64_t rate_per_minute; /* Events made durable in the last minute. */
    struct sfe_stream_facts facts;
    struct sfe_thin_facts thin;
};

struct sfe_status_org {
    const char *connection;
    struct sfe_org_facts facts;
};

struct sfe_status_output {
    const char *name;
    const char *stream;
    uint64_t rate_per_minute; /* Events delivered in the last minute. */
    struct sfe_output_facts facts;
    bool has_bulk;
    struct sfe_bulk_facts bulk; /* Where has_bulk. */
    bool has_join;              /* Its events wait. */
    struct sfe_join_facts join;
    bool has_file;
    struct sfe_file_facts file; /* Where has_file. */
    uint64_t job_age_ns;        /* Of the job under way; 0: none is. */
};

/* How the last reload ended. */
struct sfe_status_reload {
    int64_t when_ns; /* Unix time; 0: there was none. */
    bool is_done;    /* Otherwise refused, and what was before stands. */
    uint32_t mistakes;
    struct sfe_error first; /* Mistake. */
    uint64_t arena_bytes;   /* Of what ran and what was new together; 0: nothing was opened. */
};

/* A configuration on trial (`confirm_within`), or how the trial ended. */
struct sfe_status_trial {
    const char *state;   /* "trying", "confirmed", "returned"; NULL: there are no trials. */
    int64_t when_ns;     /* Unix time, of the last two; 0: before this start. */
    uint64_t left_ns;    /* Of the first. */
    const char *missing; /* What is not connected, or was not; "": nothing. */
};

struct sfe_status {
    const char *agent_id;
    int64_t now_ns;        /* Unix time. */
    uint64_t monotonic_ns; /* Where links have runs. */
    uint64_t uptime_ns;
    uint64_t memory_bytes;   /* RssAnon; 0: unknown. */
    uint64_t resident_bytes; /* VmRSS; likewise, as the next. */
    uint64_t heap_bytes;     /* Given out by malloc. */
    uint64_t arena_bytes;    /* Given out at open. */
    uint64_t flash_total_bytes;
    uint64_t flash_available_bytes;
    uint64_t quota_bytes; /* Of all streams; 0: not bounded. */
    struct sfe_wear_facts wear;
    bool is_stopping;
    bool is_draining; /* Nothing is taken in until all is delivered. */
    const struct sfe_status_link *links;
    uint32_t link_count;
    const struct sfe_status_input *inputs;
    uint32_t input_count;
    const struct sfe_status_stream *streams;
    uint32_t stream_count;
    const struct sfe_status_org *orgs;
    uint32_t org_count;
    const struct sfe_status_output *outputs;
    uint32_t output_count;
    struct sfe_status_reload reload;
    struct sfe_status_trial trial;
};

/* Adds the document as one JSON object. */
void sfe_report_add(const struct sfe_status *status, struct sfe_builder *out);

/* Adds the same for people, made from the parsed document. SFE_E_SYNTAX where it is not one of
 * ours. */
SFE_MUST_USE enum sfe_code sfe_report_add_text(const struct sfe_json *document,
                                               struct sfe_builder *out, struct sfe_error *err);

#endif
