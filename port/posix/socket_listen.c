/* Listeners, and who may come in. */
#include "socket.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG    16
#define LOCAL_MODE 0600
/* Strangers turned away in one call; the rest wait for the next round. */
#define STRANGERS_MAX 16

union local_address {
    struct sockaddr_un local;
    struct sockaddr any;
};

static enum sfe_code begin_listening(struct poller *poller, enum socket_state state, int fd,
                                     struct sfe_socket **listener, struct sfe_error *err)
{
    if (listen(fd, BACKLOG) != 0) {
        return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot listen");
    }
    return socket_take(poller, state, fd, listener, err);
}

enum sfe_code socket_listen_loopback(void *context, struct sfe_socket **listener, uint16_t *port,
                                     struct sfe_error *err)
{
    union {
        struct sockaddr_in ipv4;
        struct sockaddr any;
    } address;
    socklen_t size = sizeof(address.ipv4);
    *listener = NULL;
    *port = 0;
    memset(&address, 0, sizeof(address));
    address.ipv4.sin_family = AF_INET;
    address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot make a socket");
    }
    enum sfe_code code = SFE_OK;
    if (bind(fd, &address.any, size) != 0 || getsockname(fd, &address.any, &size) != 0) {
        code = sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot bind to loopback");
    } else {
        code = begin_listening(context, SOCKET_LISTENER_LOOPBACK, fd, listener, err);
    }
    if (code != SFE_OK) {
        (void)close(fd);
        return code;
    }
    *port = ntohs(address.ipv4.sin_port);
    return SFE_OK;
}

union tcp_address {
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr any;
};

/* Its size; 0: `host` is no address. */
static socklen_t read_address(const char *host, uint16_t port, union tcp_address *address)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &address->ipv4.sin_addr) == 1) {
        address->ipv4.sin_family = AF_INET;
        address->ipv4.sin_port = htons(port);
        return (socklen_t)sizeof(address->ipv4);
    }
    if (inet_pton(AF_INET6, host, &address->ipv6.sin6_addr) == 1) {
        address->ipv6.sin6_family = AF_INET6;
        address->ipv6.sin6_port = htons(port);
        return (socklen_t)sizeof(address->ipv6);
    }
    return 0;
}

enum sfe_code socket_listen(void *context, const char *host, uint16_t port,
                            struct sfe_socket **listener, struct sfe_error *err)
{
    const int yes = 1;
    union tcp_address address;
    const socklen_t size = read_address(host, port, &address);
    enum sfe_code code = SFE_OK;
    *listener = NULL;
    if (size == 0) {
        return sfe_fail(err, SFE_E_NETWORK, "'%s' is no IPv4 or IPv6 address", host);
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot make a socket");
    }
    /* Connections of the run before, which linger, are no hindrance; another listener is. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, (socklen_t)sizeof(yes)) != 0 ||
        bind(fd, &address.any, size) != 0) {
        code = errno == EACCES ? SFE_E_PERMISSION : SFE_E_NETWORK;
        code = sfe_fail_os(err, code, errno, "cannot listen at %s port %u", host, (unsigned)port);
    } else {
        code = begin_listening(context, SOCKET_LISTENER_OPEN, fd, listener, err);
    }
    if (code != SFE_OK) {
        (void)close(fd);
    }
    return code;
}

void socket_peer(void *context, const struct sfe_socket *stream, uint8_t address[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    union tcp_address peer;
    socklen_t size = sizeof(peer);
    (void)context;
    memset(address, 0, 16);
    memset(&peer, 0, sizeof(peer));
    if (getpeername(stream->fd, &peer.any, &size) != 0) {
        return;
    }
    if (peer.any.sa_family == AF_INET) {
        memcpy(address, mapped, sizeof(mapped));
        memcpy(address + sizeof(mapped), &peer.ipv4.sin_addr, 4);
    } else if (peer.any.sa_family == AF_INET6) {
        memcpy(address, &peer.ipv6.sin6_addr, 16);
    }
}

/* Takes away what a killed process left at the path. What somebody listens on stays, and so does
 * what is no socket. */
static enum sfe_code remove_stale(const union local_address *address, struct sfe_error *err)
{
    const char *path = address->local.sun_path;
    struct stat status;
    if (lstat(path, &status) != 0) {
        return SFE_OK;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return sfe_fail(err, SFE_E_REFUSED, "'%s' is there and is no socket", path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot make a socket");
    }
    int failed = connect(fd, &address->any, (socklen_t)sizeof(address->local));
    bool is_stale = failed != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    if (!is_stale) {
        return sfe_fail(err, SFE_E_REFUSED, "another process listens on '%s'", path);
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return sfe_fail_os(err, SFE_E_PERMISSION, errno, "cannot replace '%s'", path);
    }
    return SFE_OK;
}

static enum sfe_code bind_local(int fd, const union local_address *address, struct sfe_error *err)
{
    const char *path = address->local.sun_path;
    enum sfe_code code = remove_stale(address, err);
    if (code != SFE_OK) {
        return code;
    }
    /* Linux makes the file with the socket's own mode: at no time can others reach it. */
    if (fchmod(fd, LOCAL_MODE) != 0 ||
        bind(fd, &address->any, (socklen_t)sizeof(address->local)) != 0 ||
        chmod(path, LOCAL_MODE) != 0) {
        code = errno == EACCES || errno == EROFS ? SFE_E_PERMISSION : SFE_E_NETWORK;
        return sfe_fail_os(err, code, errno, "cannot bind to '%s'", path);
    }
    return SFE_OK;
}

enum sfe_code socket_listen_local(void *context, const char *path, struct sfe_socket **listener,
                                  struct sfe_error *err)
{
    union local_address address;
    size_t size = strlen(path);
    *listener = NULL;
    if (size == 0 || size >= sizeof(address.local.sun_path)) {
        return sfe_fail(err, SFE_E_NETWORK, "a socket's path has at most %zu bytes, not %zu",
                        sizeof(address.local.sun_path) - 1, size);
    }
    memset(&address, 0, sizeof(address));
    address.local.sun_family = AF_UNIX;
    memcpy(address.local.sun_path, path, size);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot make a socket");
    }
    enum sfe_code code = bind_local(fd, &address, err);
    if (code == SFE_OK) {
        code = begin_listening(context, SOCKET_LISTENER_LOCAL, fd, listener, err);
    }
    if (code != SFE_OK) {
        (void)close(fd);
    }
    return code;
}

/* True where accept met a connection that was gone again, or a network error that is the
 * connection's own (accept(2)). */
static bool is_passing(int os_errno)
{
    return os_errno == EINTR || os_errno == ECONNABORTED || os_errno == EPROTO ||
           os_errno == EPERM || os_errno == ENETDOWN || os_errno == EHOSTUNREACH ||
           os_errno == ENETUNREACH;
}

static bool is_listener(enum socket_state state)
{
    return state == SOCKET_LISTENER_LOOPBACK || state == SOCKET_LISTENER_LOCAL ||
           state == SOCKET_LISTENER_OPEN;
}

static bool may_come_in(int fd, enum socket_state listener)
{
    return listener == SOCKET_LISTENER_OPEN || socket_peer_is_ours(fd, listener);
}

enum sfe_code socket_accept(void *context, struct sfe_socket *listener, struct sfe_socket **stream,
                            struct sfe_error *err)
{
    SFE_ASSERT(is_listener(listener->state));
    *stream = NULL;
    for (int i = 0; i < STRANGERS_MAX; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return SFE_E_AGAIN;
        }
        if (fd < 0 && is_passing(errno)) {
            continue;
        }
        if (fd < 0) {
            return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot accept a connection");
        }
        if (!may_come_in(fd, listener->state)) {
            (void)close(fd);
            continue;
        }
        if (listener->state != SOCKET_LISTENER_LOCAL) {
            socket_set_tcp_options(fd);
        }
        enum sfe_code code = socket_take(context, SOCKET_CONNECTED, fd, stream, err);
        if (code != SFE_OK) {
            (void)close(fd);
        }
        return code;
    }
    return SFE_E_AGAIN;
}
