/* What the files that open connections and outputs share. */
#ifndef SFE_RUN_OUTPUTS_H
#define SFE_RUN_OUTPUTS_H

#include "run/parts.h"

/* The org of a connection of the set; all of them are open. */
struct sfe_org *agent_find_org(const struct agent_set *set, uint32_t connection);

/* What an output's requests to a server take of the libraries' heap at most. Pure. */
size_t agent_http_library_bytes(const char *url, const char *proxy_url, uint32_t requests);

/* What one exchange with an org takes of the libraries' heap at most. Pure. */
size_t agent_exchange_bytes(const struct sfe_config_salesforce *org);

#endif
