/* The made-up platform of a rehearsal; for the files of this module. Main thread. */
#ifndef SFE_RUN_REHEARSAL_PARTS_H
#define SFE_RUN_REHEARSAL_PARTS_H

#include "base/limits.h"
#include "port/platform.h"
#include "flow/explain.h"
#include "run/rehearsal.h"
#include "run/setup.h"

/* One segment a stream and the files of the cursors. */
#define REHEARSAL_FILES_MAX 128u
/* Every slot of every output, and the log-ins. */
#define REHEARSAL_EXCHANGES_MAX 512u

struct rehearsal_storage {
    struct sfe_arena *arena;
    struct sfe_file *files; /* REHEARSAL_FILES_MAX; without a name: free. */
};

/* Fills `storage` with files in memory of `arena`, which are gone with it. */
SFE_MUST_USE enum sfe_code rehearsal_storage_open(struct rehearsal_storage *books,
                                                  struct sfe_arena *arena,
                                                  struct sfe_storage *storage,
                                                  struct sfe_error *err);

/* In place of a number of records: a subrequest that is no Collections. */
#define REHEARSAL_SINGLE UINT32_MAX

struct rehearsal_exchange {
    void *tag;
    struct sfe_builder *answer_body;
    char base[256];                   /* Scheme and host of its address. */
    uint32_t records[SFE_GRAPHS_MAX]; /* In each Collections of the request, or in each graph. */
    uint32_t part_count;              /* Of a Composite, or graphs; 0: one Collections. */
    bool is_graph;
    bool is_login;
    bool is_org;
    bool is_open;
};

struct rehearsal_org {
    const struct sfe_rehearsal_audience *audience;
    struct sfe_slice answer;       /* Of what is no org. */
    struct sfe_json_token *tokens; /* SFE_JSON_TOKENS_MAX. */
    struct rehearsal_exchange *exchanges;
    int64_t unix_s; /* What the org says the time is. */
};

/* Fills `http` with an org that takes every log-in and every record, and tells the audience of the
 * requests. */
SFE_MUST_USE enum sfe_code rehearsal_org_open(struct rehearsal_org *books, struct sfe_arena *arena,
                                              struct sfe_http *http, struct sfe_error *err);

struct rehearsal_broker {
    const struct sfe_rehearsal_audience *audience;
    struct sfe_arena *arena;
    struct sfe_json_token *tokens; /* SFE_JSON_TOKENS_MAX. */
    struct sfe_builder body;
};

/* What the next takes from the arena at most, beside its tokens and sessions. Pure. */
size_t rehearsal_broker_bytes(uint32_t event_bytes_max);

/* Fills `mqtt` with a broker that takes every message, and tells the audience of each. */
SFE_MUST_USE enum sfe_code rehearsal_broker_open(struct rehearsal_broker *books,
                                                 uint32_t event_bytes_max, struct sfe_arena *arena,
                                                 struct sfe_mqtt *mqtt, struct sfe_error *err);

struct sfe_agent;

struct rehearsal {
    const struct sfe_rehearsal_options *options;
    struct sfe_config config; /* As given, but requests are not compressed: they are to be read. */
    struct sfe_platform platform;
    struct rehearsal_storage storage;
    struct rehearsal_org org;
    struct rehearsal_broker broker;
    uint64_t now_ns; /* Of the made-up clock: it jumps to what is due. */
    struct sfe_setup setup;
    struct sfe_agent *agent;
    struct sfe_json_token *tokens;
    uint64_t next[SFE_STREAMS_MAX + 1u]; /* Of each stream: the first event not told of. */
    struct sfe_map_step step;
    bool has_letter;
    struct sfe_builder csv_value; /* Scratch for a bulk job's rows. */
    struct sfe_builder csv_text;
};

/* Takes the scratch of the following two. */
SFE_MUST_USE enum sfe_code rehearsal_bulk_open(struct rehearsal *rehearsal, struct sfe_error *err);

/* Tells what a bulk job of the event's records would be. */
void rehearsal_bulk_explain(struct rehearsal *rehearsal, const struct sfe_map *map,
                            const struct sfe_map_subject *subject, struct sfe_rehearsal_step told);

/* Tells from where on an output with api auto goes by bulk, if it does. */
void rehearsal_bulk_tell_from(struct rehearsal *rehearsal, const struct sfe_config_output *output,
                              struct sfe_rehearsal_step told);

/* Tells how each event that stream `index` holds, the one of sequence `from` on, becomes records,
 * step by step. */
SFE_MUST_USE enum sfe_code rehearsal_explain_stream(struct rehearsal *rehearsal, uint32_t index,
                                                    uint64_t from, struct sfe_error *err);

/* Fills `crypto` with keys that sign nothing. */
void rehearsal_crypto(struct sfe_crypto *crypto);

#endif
