/* Outputs whose events wait for confirmations: their joins, and the cursors of these
 * (open_outputs.c). */
#ifndef SFE_RUN_WAITS_H
#define SFE_RUN_WAITS_H

#include "join/join.h"
#include "run/output_kind.h"

static inline bool agent_waits(const struct sfe_config_output *output)
{
    return output->waits.key != NULL;
}

/* The cursors that joins have beside those of their outputs. Pure. */
uint32_t agent_join_cursor_count(const struct sfe_config *config);

/* Puts room for what waits into the output's sizes. Pure. */
void agent_waits_sizes(const struct sfe_config_output *output, struct sfe_output_options *sizes);

/* What it takes from the output's arena; 0: nothing waits. Pure. */
size_t agent_waits_bytes(const struct sfe_config *config, const struct sfe_config_output *output,
                         const struct sfe_output_options *sizes);

/* Opens the output's join, if any, and puts it into the options. A rehearsal waits for nothing. */
SFE_MUST_USE enum sfe_code agent_open_join(struct sfe_agent *agent, const struct agent_set *set,
                                           struct agent_output *output,
                                           struct sfe_output_options *options,
                                           struct sfe_error *err);
void agent_close_join(const struct sfe_output_wait *wait);

/* Its join; NULL: nothing waits. */
struct sfe_join *agent_join_of(const struct agent_output *output);

/* Takes the cursors of all joins into the scratch behind those of the outputs, which are taken
 * after them; returns how many there are. Flash thread, as the next two. */
uint32_t agent_take_join_cursors(struct sfe_agent *agent);
void agent_joins_saved(struct sfe_agent *agent);

/* The lowest of *sequence and the cursors taken last of joins whose confirmations are in stream
 * `index`; `found`: there is one in *sequence. */
bool agent_lowest_join_cursor(const struct sfe_agent *agent, uint32_t index, bool found,
                              uint64_t *sequence);

/* The names of those that the cursor log does not know yet. */
uint32_t agent_unknown_join_cursors(const struct sfe_agent *agent, const struct agent_set *set);

#endif
