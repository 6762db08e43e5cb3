/* What the agent is made of; shared by the files of this module only. */
#ifndef SFE_RUN_PARTS_H
#define SFE_RUN_PARTS_H

#include "event/watch.h"
#include "input/mqtt.h"
#include "input/thin.h"
#include "output/target_pair.h"
#include "run/bell.h"
#include "run/agent.h"
#include "control/control.h"
#include "run/setup.h"
#include "bulk/bulk.h"
#include "status/rate.h"
#include "status/report.h"
#include "stream/boot_times.h"
#include "stream/cursor.h"

#include <stdatomic.h>

/* Each part has an arena of its own, so that it can be closed alone, and holds the setup whose
 * texts it borrows. Where one is carried over by a reload its pointers stay. */
struct agent_stream {
    struct sfe_arena *arena;
    struct sfe_arena *table_arena;     /* Of a table that a larger quota needed; NULL: none did. */
    struct sfe_arena *new_table_arena; /* Of a reload under way. */
    struct sfe_stream *stream;
    struct sfe_thin *thin;       /* In `arena`. Edge thread. NULL: it is not thinned. */
    struct sfe_rate rate;        /* Edge thread. */
    uint64_t released, marked;   /* Flash thread. The latter: durable at the last snapshot. */
    uint32_t carried, key_count; /* The former: index in the set before, or AGENT_NEW. */
    const struct sfe_crypto *crypto;
    struct sfe_aead_key **keys; /* In `arena`, so that they end with the stream; NULL: none. */
};

struct agent_source {
    struct sfe_arena *arena;
    struct sfe_setup *setup;
    uint32_t connection_index, input_index, carried; /* The first two in that setup. */
    struct sfe_source source;
    struct sfe_intake *intake;
    struct sfe_mqtt_former *former;       /* In the arena. */
    struct sfe_cometd *cometd;            /* Cloud thread. NULL: no source of salesforce-events. */
    struct sfe_query *query;              /* Cloud thread. NULL: no salesforce-query. */
    struct sfe_ask *ask;                  /* Edge and cloud. NULL: no mqtt-ask. No intake then. */
    struct sfe_salesforce_events *events; /* Flash thread. NULL: neither of them. */
    bool is_leaving;                      /* Stopped, to be closed by the reload under way. */
};

struct agent_org {
    struct sfe_arena *arena;
    struct sfe_setup *setup;
    const char *connection;
    uint32_t connection_index, carried; /* The first in that setup. */
    struct sfe_org *org;
    bool is_leaving; /* Logs in no more, to be closed by the reload under way. */
};

struct agent_output {
    struct sfe_arena *arena;
    struct sfe_setup *setup;
    const char *name;
    uint32_t config_index; /* In that setup. */
    uint32_t stream_index; /* In the set. */
    uint32_t carried;
    const struct agent_output_kind *kind; /* NULL: not opened yet, as the next. */
    struct sfe_output *output;
    struct sfe_stream_reader *reader;
    struct sfe_target *target;        /* What the output goes by; in `arena`, as the next. */
    struct sfe_target *records;       /* `target` itself, or a part of it; NULL: none. */
    struct sfe_bulk *bulk;            /* NULL: it never goes by bulk. */
    struct sfe_bulk_journal *journal; /* NULL: the same. */
    struct sfe_file_output *file;     /* In `arena`. NULL: it writes no files. */
    struct agent_mqtt_link *mqtt;     /* In `arena`. NULL: it publishes nothing. */
#ifdef SFE_JQ
    struct sfe_jq_target *jq;
#endif
    struct sfe_rate rate; /* Edge thread. */
    bool is_leaving;      /* As above. */
};

#define AGENT_NEW UINT32_MAX

/* The list of a stream's keys. */
#define AGENT_KEYS_BYTES ((1u + SFE_OLD_KEYS_MAX) * sizeof(struct sfe_aead_key *))

/* Every `from` of every output is one reader with a cursor of its own. */
#define AGENT_OUTPUTS_MAX (SFE_OUTPUTS_MAX * 4u)

/* One setup, and the parts that are open for it. Changed only while flash and cloud are paused. */
struct agent_set {
    struct sfe_setup *setup;
    const struct sfe_config *config;     /* The setup's. */
    const struct sfe_compiled *compiled; /* The setup's. */
    struct sfe_quota *quota;             /* Flash thread. NULL: agent.quota is not set. */
    struct sfe_arena *quota_arena;
    struct agent_stream *streams; /* As in the configuration. */
    uint32_t stream_count;
    struct agent_source *sources;
    uint32_t source_count;
    struct agent_org *orgs;
    uint32_t org_count;
    struct agent_output *outputs; /* Of streams with a higher priority first. */
    uint32_t output_count;
};

struct sfe_agent {
    struct sfe_platform *platform;
    struct sfe_arena *arena; /* What no reload changes. */
    struct sfe_log *log;
    struct sfe_learned_clock *learned;
    struct sfe_metered_storage *metered;
    struct sfe_rate written; /* Edge thread: bytes to flash. */
    uint64_t left_events;    /* Edge thread: written by streams that reloads have closed. */
    uint64_t left_payload_bytes;
    uint64_t opened_ns;
    struct sfe_cursor_log *cursor_log; /* Flash thread once running. */
    struct agent_set set;
    struct agent_reload *reload; /* Edge thread. */
    struct agent_drain *drain;   /* Edge thread. */
    struct agent_trial *trial;
    struct sfe_control *control;
    struct sfe_monitor *monitor; /* Edge thread. */
    struct sfe_watchdog *watchdog;
    struct sfe_watch *watch;
    struct questions *questions; /* Edge thread: scratch for what commands ask. */
    struct gathered *gathered;   /* Edge thread: scratch for the status document. */
    uint64_t sample_ns;          /* Edge thread: when the rates are sampled next. */

    struct agent_bell flash_bell;
    struct agent_bell cloud_bell; /* While paused. */

    /* Edge adds one to ask flash and cloud to pause at the border of their turns (odd), and one to
     * let them go on. Each says which pause it keeps: from then on it touches nothing. */
    atomic_uint pause_number;
    atomic_uint cloud_paused_at;
    atomic_uint flash_paused_at;
    atomic_bool cloud_has_drained; /* Set by cloud: nothing of leaving outputs is in flight. */

    /* Set by cloud when something was settled, cleared by flash before it takes the cursors. */
    atomic_bool has_settled;
    struct sfe_boot_times boot_times; /* As loaded. */
    uint64_t note_again_ns;           /* Flash thread: when the time is noted again. */
    bool boot_is_noted;               /* Flash thread: the table on flash holds this boot. */
    uint64_t saved_ns;                /* Flash thread: when the last snapshot was written. */
    uint64_t save_again_ns;           /* Flash thread: not before this after a failure. */
    uint64_t release_again_ns;        /* Flash thread: a release was held back; 0: none was. */
    struct sfe_cursor *cursors;       /* Flash thread: scratch for a snapshot. */
    struct sfe_cursor_mark *marks;    /* Flash thread: scratch for a snapshot. */

    /* The orderly end, in this order. */
    struct sfe_error failure;  /* Edge thread: it cannot go on. */
    bool stop_is_wanted;       /* Edge thread: begins when no reload is under way. */
    atomic_bool is_stopping;   /* Set by edge. */
    uint64_t stop_by_ns;       /* Written before is_stopping. */
    atomic_bool cloud_is_done; /* Set by cloud: nothing is in flight, or time is up. */
    atomic_bool flash_may_end; /* Set by edge: nothing more will be staged. */
    atomic_bool flash_is_done; /* Set by flash: all is written and the last snapshot is durable. */
    atomic_bool edge_is_done;
};

/* Opens the parts of one kind that are not carried over; what fails leaves a set that can be
 * closed. Nobody else runs. */
SFE_MUST_USE enum sfe_code agent_open_streams(struct sfe_agent *agent, struct agent_set *set,
                                              struct sfe_error *err);
SFE_MUST_USE enum sfe_code agent_open_sources(struct sfe_agent *agent, struct agent_set *set,
                                              struct sfe_error *err);
SFE_MUST_USE enum sfe_code agent_open_orgs(struct sfe_agent *agent, struct agent_set *set,
                                           struct sfe_error *err);
/* The same of outputs, in two steps: memory, readers and targets; then from their cursors on. */
SFE_MUST_USE enum sfe_code agent_open_targets(struct sfe_agent *agent, struct agent_set *set,
                                              struct sfe_error *err);
SFE_MUST_USE enum sfe_code agent_begin_outputs(struct sfe_agent *agent, struct agent_set *set,
                                               struct sfe_error *err);
void agent_close_stream(struct agent_stream *stream);
void agent_close_source(struct agent_source *source);
void agent_close_org(struct agent_org *org);
void agent_close_output(struct agent_output *output);

/* Cursor log, and the scratch of snapshots. Main thread. */
SFE_MUST_USE enum sfe_code agent_open_cursors(struct sfe_agent *agent, struct sfe_error *err);

/* memory.c: what one part takes; an output is one for each stream that it reads. */
size_t agent_output_bytes(const struct sfe_config *config, uint32_t output, uint32_t stream);
size_t agent_source_bytes(const struct sfe_config *config, uint32_t connection);
/* Arenas for what no reload changes, for a stream, and for another part of `bytes`: with room for
 * what a run with larger streams has left. What is not touched costs nothing. */
SFE_MUST_USE enum sfe_code agent_open_fixed_arena(const struct sfe_config *config,
                                                  struct sfe_arena **arena, struct sfe_error *err);
SFE_MUST_USE enum sfe_code agent_open_stream_arena(const struct sfe_config *config, uint32_t stream,
                                                   struct sfe_arena **arena, struct sfe_error *err);
SFE_MUST_USE enum sfe_code agent_open_arena(size_t bytes, struct sfe_arena **arena,
                                            struct sfe_error *err);

/* Memory from arenas: of all that runs; and of what is new in a set. With their setups. */
size_t agent_taken(const struct sfe_agent *agent);
size_t agent_set_new_taken(const struct agent_set *set);

/* set.c: memory for a set that is empty; its setup, and what is carried over from `before`; the
 * parts; their end. */
SFE_MUST_USE enum sfe_code agent_take_set(struct agent_set *set, struct sfe_arena *arena,
                                          struct sfe_error *err);
size_t agent_set_memory_bytes(void);
SFE_MUST_USE enum sfe_code agent_plan_set(struct agent_set *set, struct sfe_setup *setup,
                                          const struct agent_set *before, struct sfe_error *err);
/* open_streams.c: refuses a set whose cursors would not fit beside those that are kept. */
SFE_MUST_USE enum sfe_code agent_check_room(const struct sfe_agent *agent,
                                            const struct agent_set *set, struct sfe_error *err);
SFE_MUST_USE enum sfe_code agent_open_set(struct sfe_agent *agent, struct agent_set *set,
                                          struct sfe_error *err);
/* Closes all that is not carried over and forgets the rest; closes all. */
void agent_close_new(struct agent_set *set);
void agent_close_set(struct agent_set *set);
/* All streams claim their shares of the set's quota anew. Nobody else runs. */
void agent_share_quota(struct agent_set *set);
/* Takes what larger quotas of streams that are carried over need. */
SFE_MUST_USE enum sfe_code agent_open_tables(struct agent_set *next, struct sfe_error *err);
/* Takes the place of `set`, closes what is not carried over, and leaves `next` empty. Nobody else
 * runs. SFE_E_NO_MEMORY: `set` stands as it was. */
SFE_MUST_USE enum sfe_code agent_swap_set(struct sfe_agent *agent, struct agent_set *next,
                                          struct sfe_error *err);
/* reload.c: edge thread. By a signal; and in the next turn for a client of the control socket, who
 * waits for the outcome. */
SFE_MUST_USE enum sfe_code agent_open_reload(struct sfe_agent *agent, struct sfe_error *err);
size_t agent_reload_memory_bytes(void);
bool agent_reload_is_under_way(const struct sfe_agent *agent);
void agent_begin_reload(struct sfe_agent *agent);
void agent_begin_asked_reload(struct sfe_agent *agent);
uint64_t agent_reload_turn(struct sfe_agent *agent, uint64_t now_ns);
void agent_reload_facts(const struct sfe_agent *agent, struct sfe_status_reload *facts);
void agent_close_reload(struct sfe_agent *agent);

/* True once cloud and flash keep the pause that is asked for. Asks for it, and ends it. Edge. */
bool agent_is_paused(struct sfe_agent *agent);
void agent_pause(struct sfe_agent *agent);
void agent_resume(struct sfe_agent *agent);
/* Keeps the pause that is asked for, if one is: then true. The thread that `paused_at` is of. */
bool agent_keep_pause(struct sfe_agent *agent, atomic_uint *paused_at);

/* Wakes a thread; serves parts whose owner is the agent. */
void agent_kick_flash(void *agent);
void agent_kick_edge(void *agent);

#endif
