/* What the agent is made of; shared by the files of this module only. */
#ifndef SFE_RUN_PARTS_H
#define SFE_RUN_PARTS_H

#include "input/mqtt.h"
#include "input/thin.h"
#include "output/output.h"
#include "port/thread.h"
#include "run/agent.h"
#include "run/control.h"
#include "salesforce/records.h"
#include "status/rate.h"
#include "stream/boot_times.h"
#include "stream/cursor.h"

#include <stdatomic.h>

struct gathered;

struct agent_stream {
    struct sfe_stream *stream;
    struct sfe_thin *thin; /* Edge thread. NULL: it is not thinned. */
    struct sfe_rate rate;  /* Edge thread. */
    uint64_t released;     /* Flash thread. */
    uint64_t marked;       /* Flash thread: durable sequence of the last snapshot. */
    struct sfe_aead_key *keys[1u + SFE_OLD_KEYS_MAX];
    uint32_t key_count;
};

struct agent_source {
    struct sfe_source source;
    struct sfe_intake *intake;
    bool is_open;
};

struct agent_org {
    const char *connection;
    uint32_t connection_index;
    struct sfe_org *org;
};

struct agent_output {
    const char *name;
    uint32_t config_index;
    uint32_t stream_index;
    struct sfe_output *output;
    struct sfe_stream_reader *reader;
    struct sfe_target target;
    bool has_target;
    struct sfe_rate rate; /* Edge thread. */
};

/* Every `from` of every output is one reader with a cursor of its own. */
#define AGENT_OUTPUTS_MAX (SFE_OUTPUTS_MAX * 4u)

struct sfe_agent {
    const struct sfe_config *config;
    const struct sfe_compiled *compiled;
    struct sfe_platform *platform;
    struct sfe_arena *arena;
    struct sfe_log *log;
    struct sfe_learned_clock *learned;
    struct sfe_metered_storage *metered;
    struct sfe_rate written; /* Edge thread: bytes to flash. */
    uint64_t opened_ns;

    struct sfe_cursor_log *cursor_log; /* Flash thread once running. */
    struct sfe_quota *quota; /* NULL: agent.quota is not set. Flash thread once running. */
    struct agent_stream *streams;
    uint32_t stream_count;
    struct agent_source *sources;
    uint32_t source_count;
    struct agent_org *orgs;
    uint32_t org_count;
    struct agent_output *outputs; /* Of streams with a higher priority first. */
    uint32_t output_count;
    struct sfe_control *control;
    struct gathered *gathered; /* Edge thread: scratch for the status document. */
    uint64_t sample_ns;        /* Edge thread: when the rates are sampled next. */

    /* Wakes the flash thread. `is_kicked` is guarded by the mutex. */
    struct sfe_mutex *flash_mutex;
    struct sfe_condition *flash_condition;
    bool is_kicked;

    /* Set by cloud when something was settled, cleared by flash before it takes the cursors. */
    atomic_bool has_settled;
    struct sfe_boot_times boot_times; /* As loaded. */
    uint64_t note_again_ns;           /* Flash thread: when the time is noted again. */
    bool boot_is_noted;               /* Flash thread: the table on flash holds this boot. */
    uint64_t saved_ns;                /* Flash thread: when the last snapshot was written. */
    uint64_t save_again_ns;           /* Flash thread: not before this after a failure. */
    struct sfe_cursor *cursors;       /* Flash thread: scratch for a snapshot. */
    struct sfe_cursor_mark *marks;    /* Flash thread: scratch for a snapshot. */

    /* The orderly end, in this order. */
    atomic_bool is_stopping;   /* Set by edge. */
    uint64_t stop_by_ns;       /* Written before is_stopping. */
    atomic_bool cloud_is_done; /* Set by cloud: nothing is in flight, or time is up. */
    atomic_bool flash_may_end; /* Set by edge: nothing more will be staged. */
    atomic_bool flash_is_done; /* Set by flash: all is written and the last snapshot is durable. */
    atomic_bool edge_is_done;
};

/* Opens one kind of part each; open.c calls them in order. Main thread. */
SFE_MUST_USE enum sfe_code agent_open_streams(struct sfe_agent *agent, struct sfe_error *err);
SFE_MUST_USE enum sfe_code agent_open_sources(struct sfe_agent *agent, struct sfe_error *err);
SFE_MUST_USE enum sfe_code agent_open_outputs(struct sfe_agent *agent, struct sfe_error *err);
void agent_close_sources(struct sfe_agent *agent);
void agent_close_outputs(struct sfe_agent *agent);
void agent_close_streams(struct sfe_agent *agent);

/* The route of one input; its stream is open. Main thread. */
struct sfe_intake_route agent_route(const struct sfe_agent *agent,
                                    const struct sfe_config_input *input);

/* Wakes the flash thread. Any thread. */
void agent_kick_flash(struct sfe_agent *agent);

/* Takes the scratch that agent_add_status needs. Main thread. */
SFE_MUST_USE enum sfe_code agent_open_gathered(struct sfe_agent *agent, struct sfe_error *err);

/* What that scratch takes from the arena. */
size_t agent_gathered_memory_bytes(void);

/* Adds the status document. Edge thread. */
void agent_add_status(void *agent, struct sfe_builder *out);

/* Samples the counters behind the rates; returns when to do so again. Edge thread. */
uint64_t agent_sample_rates(struct sfe_agent *agent, uint64_t now_ns);

#endif
