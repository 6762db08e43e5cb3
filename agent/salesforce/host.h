/* Whom a token may be sent to: the host in an address, and whether it belongs to the org. Pure; any
 * thread. */
#ifndef SFE_SALESFORCE_HOST_H
#define SFE_SALESFORCE_HOST_H

#include "base/bytes.h"

/* The host of scheme://host[:port] (http or https, IPv6 without its brackets). Empty where the text
 * is something else: a path, a user name or any further part is refused. */
struct sfe_slice host_of_url(struct sfe_slice url);

/* May the token that `login_url` gave be sent to `instance_url`? Only to hosts of Salesforce's own
 * domains, to the host that was logged in at or below it, and to this device (API sheet, trap 22).
 * Never from https to http. */
bool host_is_of_org(struct sfe_slice instance_url, struct sfe_slice login_url);

#endif
