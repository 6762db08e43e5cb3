/* What a kind of output is to the agent: one row of the table in open_outputs.c. */
#ifndef SFE_RUN_OUTPUT_KIND_H
#define SFE_RUN_OUTPUT_KIND_H

#include "output/output.h"
#include "run/parts.h"

/* The functions that say what is taken are pure; all others are called by the main thread, or while
 * flash and cloud pause. */
struct agent_output_kind {
    /* Fills in the slots, the window and their times. */
    void (*sizes)(const struct sfe_config *config, const struct sfe_config_output *output,
                  bool is_rehearsal, struct sfe_output_options *sizes);
    /* What its target takes from the output's arena. */
    size_t (*memory_bytes)(const struct sfe_config *config, const struct sfe_config_output *output);
    /* What the last run has left takes besides. NULL: nothing. */
    size_t (*left_bytes)(struct sfe_agent *agent, const struct agent_set *set,
                         const struct agent_output *output);
    /* What it keeps on flash at most. NULL: nothing. */
    uint64_t (*flash_bytes)(const struct sfe_config *config,
                            const struct sfe_config_output *output);
    /* What its requests in flight take of the libraries' heap at most. */
    size_t (*library_bytes)(const struct sfe_config *config,
                            const struct sfe_config_output *output);
    /* Takes the memory of its target and sets output->target, where it is known by now. What fails
     * is closed by `close`. */
    enum sfe_code (*open)(struct sfe_agent *agent, const struct agent_set *set,
                          struct agent_output *output, struct sfe_error *err);
    /* Just before the output begins, when nobody else holds what the one before it held: the rest;
     * may change the sizes. NULL: nothing is left to do. */
    enum sfe_code (*begin)(struct sfe_agent *agent, const struct agent_set *set,
                           struct agent_output *output, struct sfe_output_options *sizes,
                           struct sfe_error *err);
    /* Whatever of it is open; after the output itself. */
    void (*close)(struct agent_output *output);
};

/* The largest answer that an output passes on; 0: it passes none on. */
static inline uint32_t agent_answer_bytes_max(const struct sfe_config *config,
                                              const struct sfe_config_output *output)
{
    const bool has_late = output->waits.key != NULL && output->waits.late >= 0;

    return output->on_done < 0 && output->on_dead < 0 && !has_late ? 0
                                                                   : config->agent.event_bytes_max;
}

const struct agent_output_kind *agent_output_kind(enum sfe_output_type type);

/* One for each kind, in a file of its own. */
extern const struct agent_output_kind agent_records_output; /* Platform events as well. */
extern const struct agent_output_kind agent_http_output;
extern const struct agent_output_kind agent_mqtt_output;
extern const struct agent_output_kind agent_file_output;
extern const struct agent_output_kind agent_jq_output; /* In builds with SFE_JQ. */

#endif
