/* Sockets: one epoll loop, one thread. */
#ifndef SFE_TESTS_ORG_SERVER_H
#define SFE_TESTS_ORG_SERVER_H

#include "org.h"
#include "tls.h"

/* Listens, writes the port file, serves until SIGTERM or SIGINT (which the caller has blocked) or
 * until the org is asked to stop. NULL, or what went wrong. `tls` may be NULL. */
const char *server_run(struct org *org, struct tls_server *tls);

#endif
