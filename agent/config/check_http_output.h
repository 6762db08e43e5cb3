/* What no table says of outputs of type http. Main thread. */
#ifndef SFE_CONFIG_CHECK_HTTP_OUTPUT_H
#define SFE_CONFIG_CHECK_HTTP_OUTPUT_H

#include "config/load.h"

/* Takes each `url` apart and records what is wrong with such an output. */
void check_http_outputs(struct config_load *load);

#endif
