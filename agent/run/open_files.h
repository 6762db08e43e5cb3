/* The sources of inputs of type files, each its own. Edge thread. */
#ifndef SFE_RUN_OPEN_FILES_H
#define SFE_RUN_OPEN_FILES_H

#include "run/parts.h"

/* What such an input takes from its arena. */
size_t agent_files_source_bytes(const struct sfe_config *config, uint32_t input);

/* Takes its arena and opens it; it looks for files with its first turn. */
SFE_MUST_USE enum sfe_code agent_open_files_source(struct sfe_agent *agent,
                                                   const struct agent_set *set,
                                                   struct agent_source *source,
                                                   struct sfe_error *err);

#endif
