/* The sources of inputs of type http, each its own. Edge thread. */
#ifndef SFE_RUN_OPEN_HTTP_H
#define SFE_RUN_OPEN_HTTP_H

#include "run/parts.h"

/* Connection of a source that is an input of its own. */
#define AGENT_NONE UINT32_MAX

/* A link of each broker, and each HTTP input. */
#define AGENT_SOURCES_MAX (SFE_CONNECTIONS_MAX + SFE_INPUTS_MAX)

/* What such an input takes from its arena. */
size_t agent_http_source_bytes(const struct sfe_config *config, uint32_t input);

/* Takes its arena and opens it; it listens with its first turn. */
SFE_MUST_USE enum sfe_code agent_open_http_source(struct sfe_agent *agent,
                                                  const struct agent_set *set,
                                                  struct agent_source *source,
                                                  struct sfe_error *err);

#endif
