/* Inputs of type mqtt-ask: a source each, with a connection of its own. */
#ifndef SFE_RUN_OPEN_ASK_H
#define SFE_RUN_OPEN_ASK_H

#include "run/parts.h"

/* Is the input a source by itself, though it has a connection? */
bool agent_is_own_source(const struct sfe_config_input *input);

/* What such a source takes from its arena, and what paho does. Pure. */
size_t agent_ask_source_bytes(const struct sfe_config *config, uint32_t index);
size_t agent_ask_library_bytes(const struct sfe_config *config, uint32_t index);

/* Opens source->source and source->ask, with an arena of their own; its org is open. */
SFE_MUST_USE enum sfe_code agent_open_ask_source(struct sfe_agent *agent,
                                                 const struct agent_set *set,
                                                 struct agent_source *source,
                                                 struct sfe_error *err);

#endif
