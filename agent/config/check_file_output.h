/* What no table says of outputs of type file. Main thread. */
#ifndef SFE_CONFIG_CHECK_FILE_OUTPUT_H
#define SFE_CONFIG_CHECK_FILE_OUTPUT_H

#include "config/load.h"

/* Records what is wrong with the output at token `entry`. */
void check_file_output(struct config_load *load, const struct sfe_config_output *output,
                       uint32_t entry);

#endif
