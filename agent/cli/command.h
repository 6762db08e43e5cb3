/* The subcommands: one table behind dispatch, help and completion. Main thread. */
#ifndef SFE_CLI_COMMAND_H
#define SFE_CLI_COMMAND_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

#define SFE_CLI_DEFAULT_CONFIG "/etc/sfedge/sfedge.json"

/* What stood on the command line behind the command's name. */
struct sfe_arguments {
    const char *config; /* --config FILE, -c FILE; default SFE_CLI_DEFAULT_CONFIG. */
    const char *state;  /* --state DIRECTORY; NULL: from the configuration. */
    bool json;          /* --json */
};

struct sfe_command {
    const char *name;
    const char *summary; /* One line. */
    const char *options; /* Letters of the options it takes: c config, s state, j json. */
    /* Runs the command; what it prints goes to standard output, mistakes to standard error. Returns
     * the exit code. */
    int (*run)(const struct sfe_arguments *arguments);
};

/* The table, in the order of the help; ends with a NULL name. */
const struct sfe_command *sfe_cli_commands(void);

/* Finds and runs the command of argv. Returns the exit code: sysexits(3), documented in the manual
 * page. */
int sfe_cli_main(int argc, char **argv);

/* The commands. */
int sfe_cli_run(const struct sfe_arguments *arguments);
int sfe_cli_check(const struct sfe_arguments *arguments);
int sfe_cli_status(const struct sfe_arguments *arguments);
int sfe_cli_reload(const struct sfe_arguments *arguments);
int sfe_cli_schema(const struct sfe_arguments *arguments);
int sfe_cli_version(const struct sfe_arguments *arguments);

#endif
