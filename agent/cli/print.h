/* What commands say to people, on standard output and standard error. Main thread. */
#ifndef SFE_CLI_PRINT_H
#define SFE_CLI_PRINT_H

#include "base/error.h"

/* Formatted text, at most 4 KiB a call. */
void sfe_cli_print(const char *format, ...) SFE_PRINTF(1, 2);
void sfe_cli_print_error(const char *format, ...) SFE_PRINTF(1, 2);

/* One mistake on standard error: file:line:column pointer: message. Fits sfe_config_report;
 * `reader` is not used. */
void sfe_cli_print_mistake(void *reader, const struct sfe_error *mistake);

/* `sfedge COMMAND: message` on standard error; returns the exit code of the error. */
int sfe_cli_fail(const char *command, const struct sfe_error *err);

#endif
