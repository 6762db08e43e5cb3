/* What inputs of type mqtt-ask must hold beyond their keys. Main thread. */
#ifndef SFE_CONFIG_CHECK_ASKS_H
#define SFE_CONFIG_CHECK_ASKS_H

#include "config/load.h"

/* Reports brokers without response topics, prefixes that are no topic, queries that are none; and
 * fills in what such an input has of others. */
void check_asks(struct config_load *load);

#endif
