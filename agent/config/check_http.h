/* What no table says of inputs of type http. Main thread. */
#ifndef SFE_CONFIG_CHECK_HTTP_H
#define SFE_CONFIG_CHECK_HTTP_H

#include "config/load.h"

/* Takes `listen` and `path` apart, and records what is wrong with each such input. */
void check_http_inputs(struct config_load *load);

#endif
