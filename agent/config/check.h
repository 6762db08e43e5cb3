/* What must be true across keys, once each is read; and the defaults that come from other keys. */
#ifndef SFE_CONFIG_CHECK_H
#define SFE_CONFIG_CHECK_H

#include "config/load.h"

/* Records what does not fit together, and fills defaults taken from elsewhere (client_id,
 * audience, order). A part that is already known to be wrong is left alone. */
void check_all(struct config_load *load);

/* Records keys that have no effect beside the others in the fields of object `map`; SFE_JSON_NONE:
 * there is none. */
void check_fields(struct config_load *load, const struct sfe_config_record *record, uint32_t map);

#endif
