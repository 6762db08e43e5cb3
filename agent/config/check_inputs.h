/* What inputs of each type must hold beyond their keys; check_TYPE.c has it. Each reports what is
 * wrong, and fills in what depends on other keys. Main thread. */
#ifndef SFE_CONFIG_CHECK_INPUTS_H
#define SFE_CONFIG_CHECK_INPUTS_H

#include "config/load.h"

/* mqtt-ask: brokers without response topics, prefixes that are no topic, queries that are none. */
void check_asks(struct config_load *load);

/* salesforce-events: channels that there cannot be, and those that two inputs would subscribe
 * to. */
void check_channels(struct config_load *load);

/* files. */
void check_files_inputs(struct config_load *load);

/* Inputs of type health: their topic. The listener of `watch`: takes `listen` apart. After the
 * inputs of type http. */
void check_watch(struct config_load *load);

/* http: takes `listen` and `path` apart. */
void check_http_inputs(struct config_load *load);

/* What must be true of identities and of the inputs and streams that they name. After the inputs
 * were checked. */
void check_identities(struct config_load *load);

/* Is it a query, as far as its first word goes? Pure. */
bool check_is_query(struct sfe_slice text);

/* salesforce-query: queries that cannot be asked, or could not go on where they were left; gives
 * each input its topic. */
void check_queries(struct config_load *load);

#endif
