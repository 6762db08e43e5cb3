/* What no table says of inputs of type files. Main thread. */
#ifndef SFE_CONFIG_CHECK_FILES_H
#define SFE_CONFIG_CHECK_FILES_H

#include "config/load.h"

/* Fills in what depends on other keys, and records what is wrong with each such input. */
void check_files_inputs(struct config_load *load);

#endif
