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

/* What TLS to a broker, and paho's client for it, take of the libraries' heap at most. Pure. */
size_t agent_broker_library_bytes(const struct sfe_config_mqtt *mqtt);

/* The connection on which an output publishes: does what is due, returns when it is again; and what
 * is to be told of it. Edge thread. Nothing where it has none. */
uint64_t agent_mqtt_link_turn(struct agent_output *output, uint64_t now_ns);
void agent_mqtt_link_facts(struct agent_output *output, struct sfe_output_facts *facts);

#endif
