/* Reads a command's words by the table of options; and small values out of them. Main thread. */
#ifndef SFE_CLI_ARGUMENTS_H
#define SFE_CLI_ARGUMENTS_H

#include "cli/command.h"

/* Fills `arguments` from `words`, which end with NULL and are borrowed: options may stand between
 * operands, "--name=VALUE" is taken, "--" ends the options. What does not fit is said on standard
 * error; false then. */
bool arguments_read(const struct sfe_command *command, char **words,
                    struct sfe_arguments *arguments);

/* A decimal number; false where `text` is none. */
bool arguments_number(const char *text, uint64_t *number);

/* "7" or "7-9". False where it is neither, or begins with 0 or after its end. */
bool arguments_range(const char *text, uint64_t *first, uint64_t *last);

#endif
