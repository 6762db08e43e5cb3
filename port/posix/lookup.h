/* Name look-ups that never hold up the caller. Private to port/posix.
 *
 * A look-up belongs to the thread that began it; a thread of its own asks the system's resolver,
 * which cannot be interrupted. Either may let go first; the last one frees it.
 */
#ifndef SFE_POSIX_LOOKUP_H
#define SFE_POSIX_LOOKUP_H

#include "base/error.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define LOOKUP_ADDRESSES_MAX 8u
#define LOOKUP_HOST_BYTES    256u

union lookup_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

struct lookup {
    atomic_uint holders;
    int done_fd;  /* An eventfd that becomes readable with the result; -1 where there was no need to
                     wait. */
    int resolver; /* getaddrinfo's result. Valid once done, as all below. */
    int os_errno; /* Behind EAI_SYSTEM; later why the last address failed. */
    size_t count;
    size_t next; /* The address to be tried next. */
    union lookup_address addresses[LOOKUP_ADDRESSES_MAX];
    uint16_t port;
    char host[LOOKUP_HOST_BYTES];
};

/* Begins to look `host` up. An address literal is done at once. */
enum sfe_code lookup_begin(const char *host, uint16_t port, struct lookup **lookup,
                           struct sfe_error *err);

/* Lets go. NULL is allowed. */
void lookup_end(struct lookup *lookup);

/* Records why no address of a finished look-up could be used. */
enum sfe_code lookup_fail(const struct lookup *lookup, struct sfe_error *err);

static inline socklen_t lookup_address_size(const union lookup_address *address)
{
    return address->any.sa_family == AF_INET6 ? (socklen_t)sizeof(address->ipv6)
                                              : (socklen_t)sizeof(address->ipv4);
}

#endif
