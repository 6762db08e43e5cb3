/* Inputs of type salesforce-query: a source each. */
#ifndef SFE_RUN_OPEN_QUERY_H
#define SFE_RUN_OPEN_QUERY_H

#include "run/parts.h"

/* What the source takes from its arena. Pure. */
size_t agent_query_source_bytes(const struct sfe_config *config, uint32_t input);

/* Opens source->source and what is behind it, with an arena of their own; its org is open. */
SFE_MUST_USE enum sfe_code agent_open_query_source(struct sfe_agent *agent,
                                                   const struct agent_set *set,
                                                   struct agent_source *source,
                                                   struct sfe_error *err);

#endif
