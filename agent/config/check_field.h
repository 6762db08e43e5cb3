/* What no table says of a field of a mapping that is written as an object. Main thread. */
#ifndef SFE_CONFIG_CHECK_FIELD_H
#define SFE_CONFIG_CHECK_FIELD_H

#include "config/load.h"

/* Records what is wrong with `field`, written at `token`, and with the values of its cases. */
void check_field(struct config_load *load, const struct sfe_config_field *field, uint32_t token);

#endif
