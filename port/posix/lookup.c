#include "lookup.h"

#include "base/assert.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The C library's resolver keeps its packets on the stack and may load modules. */
#define STACK_BYTES (1024u * 1024u)

static void resolve(struct lookup *lookup, int flags)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    char service[8];
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    int size = snprintf(service, sizeof(service), "%u", (unsigned)lookup->port);
    SFE_ASSERT(size > 0 && (size_t)size < sizeof(service));
    lookup->resolver = getaddrinfo(lookup->host, service, &hints, &found);
    lookup->os_errno = lookup->resolver == EAI_SYSTEM ? errno : 0;
    if (lookup->resolver != 0) {
        return;
    }
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next) {
        bool known = one->ai_family == AF_INET || one->ai_family == AF_INET6;
        if (known && one->ai_addrlen <= sizeof(union lookup_address) &&
            lookup->count < LOOKUP_ADDRESSES_MAX) {
            memcpy(&lookup->addresses[lookup->count++], one->ai_addr, one->ai_addrlen);
        }
    }
    freeaddrinfo(found);
}

static void *resolve_beside(void *argument)
{
    struct lookup *lookup = argument;
    resolve(lookup, AI_ADDRCONFIG);
    uint64_t one = 1;
    ssize_t written = write(lookup->done_fd, &one, sizeof(one));
    SFE_ASSERT(written == (ssize_t)sizeof(one));
    lookup_end(lookup);
    return NULL;
}

/* Detached: it may outlive the connection, and even the poller, that it was for. Signals are left
 * to our own threads. */
static int start_thread(struct lookup *lookup)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0) {
        return failed;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, &attributes, resolve_beside, lookup);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return failed;
}

static enum sfe_code begin_thread(struct lookup *lookup, struct sfe_error *err)
{
    lookup->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lookup->done_fd < 0) {
        return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot look up '%s'", lookup->host);
    }
    atomic_store(&lookup->holders, 2);
    int failed = start_thread(lookup);
    if (failed != 0) {
        atomic_store(&lookup->holders, 1);
        return sfe_fail_os(err, SFE_E_NO_MEMORY, failed, "cannot look up '%s'", lookup->host);
    }
    return SFE_OK;
}

enum sfe_code lookup_begin(const char *host, uint16_t port, struct lookup **lookup,
                           struct sfe_error *err)
{
    size_t size = strlen(host);
    *lookup = NULL;
    if (size == 0 || size >= LOOKUP_HOST_BYTES) {
        return sfe_fail(err, SFE_E_NETWORK, "a host name of %zu bytes cannot be looked up", size);
    }
    struct lookup *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory to look up '%s'", host);
    }
    atomic_init(&made->holders, 1);
    made->done_fd = -1;
    made->port = port;
    memcpy(made->host, host, size + 1);
    resolve(made, AI_NUMERICHOST);
    enum sfe_code code = made->resolver == 0 ? SFE_OK : begin_thread(made, err);
    if (code != SFE_OK) {
        lookup_end(made);
        return code;
    }
    *lookup = made;
    return SFE_OK;
}

void lookup_end(struct lookup *lookup)
{
    if (lookup == NULL || atomic_fetch_sub(&lookup->holders, 1) != 1) {
        return;
    }
    if (lookup->done_fd >= 0) {
        (void)close(lookup->done_fd);
    }
    free(lookup);
}

enum sfe_code lookup_fail(const struct lookup *lookup, struct sfe_error *err)
{
    if (lookup->resolver != 0 && lookup->resolver != EAI_SYSTEM) {
        return sfe_fail(err, SFE_E_NETWORK, "cannot find host '%s': %s", lookup->host,
                        gai_strerror(lookup->resolver));
    }
    enum sfe_code code = lookup->os_errno == ETIMEDOUT ? SFE_E_TIMEOUT : SFE_E_NETWORK;
    return sfe_fail_os(err, code, lookup->os_errno, "cannot connect to '%s' port %u", lookup->host,
                       (unsigned)lookup->port);
}
