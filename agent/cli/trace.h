/* One event's way: what is known of it, and what is still to come. Main thread. */
#ifndef SFE_CLI_TRACE_H
#define SFE_CLI_TRACE_H

#include "base/limits.h"
#include "cli/command.h"

struct trace_found {
    char stream[SFE_NAME_BYTES_MAX + 1u];
    uint64_t sequence;
    uint32_t open; /* Outputs that have not settled it, as a running agent says. */
};

/* Prints what is known of the event that `text` names: STREAM:NUMBER or an external ID. */
SFE_MUST_USE enum sfe_code trace_show(const struct sfe_arguments *arguments, const char *text,
                                      struct trace_found *found, struct sfe_error *err);

/* The same, and goes on until all outputs have settled it; without an operand for the next event
 * whose topic matches. */
SFE_MUST_USE enum sfe_code trace_follow(const struct sfe_arguments *arguments,
                                        struct sfe_error *err);

#endif
