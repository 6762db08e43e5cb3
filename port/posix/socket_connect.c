/* Connections to others: every address of a host is tried in turn, in the resolver's order (RFC
 * 6724). */
#include "socket.h"

#include "base/assert.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An address that swallows packets is given up after 7 s (SYN at 0, 1 and 3 s) while there is
 * another. */
#define SYN_REPEATS_WITH_OTHERS 2

static int open_tcp(const union lookup_address *address, bool has_others)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    socket_set_tcp_options(fd);
    if (has_others) {
        int repeats = SYN_REPEATS_WITH_OTHERS;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &repeats, sizeof(repeats));
    }
    return fd;
}

static void stand(struct poller *poller, struct sfe_socket *socket)
{
    socket->state = SOCKET_CONNECTED;
    lookup_end(socket->lookup);
    socket->lookup = NULL;
    socket_register(poller, socket);
}

/* Begins with the next address that does not fail at once; without one the socket has failed. */
static void try_next(struct poller *poller, struct sfe_socket *socket)
{
    struct lookup *lookup = socket->lookup;
    SFE_ASSERT(lookup != NULL);
    SFE_ASSERT(socket->fd < 0);
    while (lookup->next < lookup->count) {
        const union lookup_address *address = &lookup->addresses[lookup->next++];
        int fd = open_tcp(address, lookup->next < lookup->count);
        if (fd < 0) {
            lookup->os_errno = errno;
            continue;
        }
        int failed = connect(fd, &address->any, lookup_address_size(address));
        if (failed == 0 || errno == EINPROGRESS || errno == EINTR) {
            socket->fd = fd;
            socket->state = SOCKET_CONNECTING;
            if (failed == 0) {
                stand(poller, socket);
            } else {
                socket_register(poller, socket);
            }
            return;
        }
        lookup->os_errno = errno;
        (void)close(fd);
    }
    socket->state = SOCKET_FAILED;
    poller->failed_count++;
}

void socket_move_on(struct poller *poller, struct sfe_socket *socket)
{
    if (socket->state == SOCKET_LOOKING_UP) {
        uint64_t done = 0;
        if (read(socket->lookup->done_fd, &done, sizeof(done)) != (ssize_t)sizeof(done)) {
            return;
        }
        socket_drop_fd(poller, socket);
        try_next(poller, socket);
        return;
    }
    SFE_ASSERT(socket->state == SOCKET_CONNECTING);
    int failed = 0;
    socklen_t size = sizeof(failed);
    if (getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) {
        failed = errno;
    }
    if (failed == 0) {
        stand(poller, socket);
        return;
    }
    socket->lookup->os_errno = failed;
    socket_drop_fd(poller, socket);
    try_next(poller, socket);
}

enum sfe_code socket_connect(void *context, const char *host, uint16_t port,
                             struct sfe_socket **stream, struct sfe_error *err)
{
    struct poller *poller = context;
    struct lookup *lookup = NULL;
    SFE_ASSERT(host != NULL);
    *stream = NULL;
    enum sfe_code code = lookup_begin(host, port, &lookup, err);
    if (code != SFE_OK) {
        return code;
    }
    struct sfe_socket *made = NULL;
    code = socket_take(poller, SOCKET_LOOKING_UP, lookup->done_fd, &made, err);
    if (code != SFE_OK) {
        lookup_end(lookup);
        return code;
    }
    made->lookup = lookup;
    if (lookup->done_fd < 0) {
        try_next(poller, made);
    } else {
        socket_register(poller, made);
    }
    *stream = made;
    return SFE_OK;
}

static enum sfe_code fail_local(struct sfe_error *err, int os_errno, const char *path)
{
    enum sfe_code code = SFE_E_NETWORK;
    if (os_errno == ENOENT || os_errno == ECONNREFUSED) {
        code = SFE_E_NOT_FOUND;
    } else if (os_errno == EACCES || os_errno == EPERM) {
        code = SFE_E_PERMISSION;
    }
    return sfe_fail_os(err, code, os_errno, "cannot connect to '%s'", path);
}

enum sfe_code socket_connect_local(void *context, const char *path, struct sfe_socket **stream,
                                   struct sfe_error *err)
{
    struct poller *poller = context;
    union {
        struct sockaddr_un local;
        struct sockaddr any;
    } address;
    size_t size = strlen(path);
    *stream = NULL;
    if (size == 0 || size >= sizeof(address.local.sun_path)) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "a socket's path has at most %zu bytes, not %zu",
                        sizeof(address.local.sun_path) - 1, size);
    }
    memset(&address, 0, sizeof(address));
    address.local.sun_family = AF_UNIX;
    memcpy(address.local.sun_path, path, size);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot make a socket");
    }
    enum sfe_code code = SFE_OK;
    if (connect(fd, &address.any, (socklen_t)sizeof(address.local)) != 0) {
        code = fail_local(err, errno, path);
    } else {
        code = socket_take(poller, SOCKET_CONNECTED, fd, stream, err);
    }
    if (code != SFE_OK) {
        (void)close(fd);
    }
    return code;
}
