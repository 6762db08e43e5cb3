/* Prints a loaded configuration as one file. Main thread. */
#ifndef SFE_CONFIG_PRINT_H
#define SFE_CONFIG_PRINT_H

#include "config/load.h"

/* Adds what was read, without comments, paths made absolute, and what was not said with its default
 * and a comment that marks it. The load has gone well. SFE_E_TOO_LARGE: no room. */
SFE_MUST_USE enum sfe_code print_effective(struct config_load *load, struct sfe_builder *out,
                                           struct sfe_error *err);

#endif
