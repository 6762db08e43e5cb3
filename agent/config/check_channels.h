/* What inputs of type salesforce-events must hold beyond their keys. Main thread. */
#ifndef SFE_CONFIG_CHECK_CHANNELS_H
#define SFE_CONFIG_CHECK_CHANNELS_H

#include "config/load.h"

/* Reports channels that there cannot be, and those that two inputs would subscribe to. */
void check_channels(struct config_load *load);

#endif
