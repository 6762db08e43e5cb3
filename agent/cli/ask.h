/* Asking the running agent through its socket. Main thread. */
#ifndef SFE_CLI_ASK_H
#define SFE_CLI_ASK_H

#include "cli/command.h"

struct sfe_arena;

/* Where the agent of these arguments keeps its state: as told, or as its configuration says. */
SFE_MUST_USE enum sfe_code sfe_cli_state_directory(const struct sfe_arguments *arguments,
                                                   struct sfe_arena *arena, const char **state,
                                                   struct sfe_error *err);

/* Sends `request` to the agent and reads its whole answer. SFE_E_NETWORK: no agent is running. */
SFE_MUST_USE enum sfe_code sfe_cli_ask(const char *state, const char *request, uint64_t wait_ns,
                                       struct sfe_builder *document, struct sfe_error *err);

#endif
