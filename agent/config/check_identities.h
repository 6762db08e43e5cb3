/* What must be true of identities and of the inputs and streams that they name. */
#ifndef SFE_CONFIG_CHECK_IDENTITIES_H
#define SFE_CONFIG_CHECK_IDENTITIES_H

#include "config/load.h"

/* Records mistakes. After the inputs were checked. */
void check_identities(struct config_load *load);

#endif
