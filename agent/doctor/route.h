/* The way to a host: straight or through a proxy, and from which address of ours. For the files of
 * this module. */
#ifndef SFE_DOCTOR_ROUTE_H
#define SFE_DOCTOR_ROUTE_H

#include "doctor/finding.h"

#define ROUTE_HOST_BYTES 256u

/* The entry of the connection's no_proxy that names `host`, by the rules of port/http.h's client
 * (CURLOPT_NOPROXY): a name and all below it, an address, an IPv4 network. NULL: none does. Pure.
 */
const char *route_exempts(const struct sfe_config_salesforce *config, const char *host);

/* Tells name, addresses and our own address for the way to `host`, of which `key` of the connection
 * is the setting. False where there is no way. `interface` as in port/process.h. */
bool route_look(const struct sfe_doctor_options *options,
                const struct sfe_config_connection *connection, const char *host, const char *key);

/* Tells which proxy is used for `host` and why, and whether it can be reached: then, or without a
 * proxy, the way there. False where there is no way. */
bool route_look_proxy(const struct sfe_doctor_options *options,
                      const struct sfe_config_connection *connection, const char *host);

#endif
