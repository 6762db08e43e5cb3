/* What inputs of type salesforce-query must hold beyond their keys. Main thread. */
#ifndef SFE_CONFIG_CHECK_QUERIES_H
#define SFE_CONFIG_CHECK_QUERIES_H

#include "config/load.h"

/* Is it a query, as far as its first word goes? Pure. */
bool check_is_query(struct sfe_slice text);

/* Records queries that cannot be asked, or could not go on where they were left; gives each input
 * its topic. */
void check_queries(struct config_load *load);

#endif
