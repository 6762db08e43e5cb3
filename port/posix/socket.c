#include "socket.h"

#include "base/assert.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum sfe_code socket_take(struct poller *poller, enum socket_state state, int fd,
                          struct sfe_socket **made, struct sfe_error *err)
{
    SFE_ASSERT(state != SOCKET_FREE);
    *made = NULL;
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        struct sfe_socket *slot = &poller->sockets[i];
        if (slot->state == SOCKET_FREE) {
            *slot = (struct sfe_socket){.state = state, .fd = fd};
            *made = slot;
            return SFE_OK;
        }
    }
    return sfe_fail(err, SFE_E_NO_MEMORY, "more than %u connections at once", SOCKETS_MAX);
}

static uint32_t wanted_mask(const struct sfe_socket *socket)
{
    if (socket->state == SOCKET_LOOKING_UP) {
        return EPOLLIN;
    }
    if (socket->state == SOCKET_CONNECTING) {
        return EPOLLOUT;
    }
    uint32_t mask = 0;
    mask |= (socket->wanted & SFE_POLL_READ) != 0 ? (uint32_t)EPOLLIN : 0u;
    mask |= (socket->wanted & SFE_POLL_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0u;
    return mask;
}

static void control(const struct poller *poller, struct sfe_socket *socket, int operation)
{
    struct epoll_event event = {.events = socket->mask, .data.ptr = socket};
    int failed = epoll_ctl(poller->epoll_fd, operation, socket->fd, &event);
    SFE_ASSERT(failed == 0);
}

void socket_register(struct poller *poller, struct sfe_socket *socket)
{
    bool is_ours = socket->state == SOCKET_LOOKING_UP || socket->state == SOCKET_CONNECTING;
    bool wished = is_ours || socket->ready != NULL;
    uint32_t mask = wanted_mask(socket);
    if (socket->fd < 0) {
        return;
    }
    if (!wished) {
        if (socket->registered) {
            control(poller, socket, EPOLL_CTL_DEL);
        }
        socket->registered = false;
        return;
    }
    if (socket->registered && socket->mask == mask) {
        return;
    }
    socket->mask = mask;
    control(poller, socket, socket->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
    socket->registered = true;
}

void socket_drop_fd(struct poller *poller, struct sfe_socket *socket)
{
    if (socket->fd < 0) {
        return;
    }
    if (socket->registered) {
        control(poller, socket, EPOLL_CTL_DEL); /* A look-up's thread may keep its fd open. */
        socket->registered = false;
    }
    if (socket->state != SOCKET_LOOKING_UP) {
        (void)close(socket->fd);
    }
    socket->fd = -1;
}

static void set_option(int fd, int level, int name, int value)
{
    /* Without it a connection is slower or its loss is noticed later; that is no reason to refuse
     * it. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void socket_set_tcp_options(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 20);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool socket_connected(void *context, struct sfe_socket *stream)
{
    (void)context;
    SFE_ASSERT(stream->state != SOCKET_FREE && stream->state != SOCKET_CLOSED);
    return stream->state == SOCKET_CONNECTED;
}

/* For a stream that does not stand: has it failed, or must one wait? */
static enum sfe_io not_standing(const struct sfe_socket *stream, struct sfe_error *err)
{
    SFE_ASSERT(stream->state == SOCKET_LOOKING_UP || stream->state == SOCKET_CONNECTING ||
               stream->state == SOCKET_FAILED);
    if (stream->state != SOCKET_FAILED) {
        return SFE_IO_WOULD_BLOCK;
    }
    (void)lookup_fail(stream->lookup, err);
    return SFE_IO_FAILED;
}

enum sfe_io socket_read(void *context, struct sfe_socket *stream, void *bytes, size_t capacity,
                        size_t *count, struct sfe_error *err)
{
    (void)context;
    SFE_ASSERT(capacity > 0);
    *count = 0;
    if (stream->state != SOCKET_CONNECTED) {
        return not_standing(stream, err);
    }
    ssize_t got;
    do {
        got = recv(stream->fd, bytes, capacity, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        *count = (size_t)got;
        return SFE_IO_DATA;
    }
    if (got == 0) {
        return SFE_IO_CLOSED;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return SFE_IO_WOULD_BLOCK;
    }
    (void)sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot receive");
    return SFE_IO_FAILED;
}

enum sfe_io socket_write(void *context, struct sfe_socket *stream, struct sfe_slice bytes,
                         size_t *count, struct sfe_error *err)
{
    (void)context;
    SFE_ASSERT(bytes.size > 0);
    *count = 0;
    if (stream->state != SOCKET_CONNECTED) {
        return not_standing(stream, err);
    }
    ssize_t sent;
    do {
        sent = send(stream->fd, bytes.bytes, bytes.size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        *count = (size_t)sent;
        return SFE_IO_DATA;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return SFE_IO_WOULD_BLOCK;
    }
    (void)sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot send");
    return SFE_IO_FAILED;
}

/* A listener leaves no file behind that connects to nothing. */
static void remove_path(int fd)
{
    union {
        struct sockaddr_un local;
        struct sockaddr any;
    } address;
    socklen_t size = sizeof(address.local);
    memset(&address, 0, sizeof(address));
    if (getsockname(fd, &address.any, &size) == 0 && address.local.sun_path[0] != '\0') {
        (void)unlink(address.local.sun_path);
    }
}

void socket_close(void *context, struct sfe_socket *socket)
{
    struct poller *poller = context;
    if (socket == NULL) {
        return;
    }
    SFE_ASSERT(socket->state != SOCKET_FREE && socket->state != SOCKET_CLOSED);
    if (socket->state == SOCKET_LISTENER_LOCAL) {
        remove_path(socket->fd);
    }
    if (socket->state == SOCKET_FAILED) {
        poller->failed_count--;
    }
    socket_drop_fd(poller, socket);
    lookup_end(socket->lookup);
    socket->lookup = NULL;
    socket->ready = NULL;
    socket->state = poller->is_dispatching ? SOCKET_CLOSED : SOCKET_FREE;
}
