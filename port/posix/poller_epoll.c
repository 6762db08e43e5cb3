#include "posix.h"
#include "real_platform.h"
#include "socket.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define NS_PER_MS  1000000u

_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "wake is called from signal handlers");

static void watch(void *context, struct sfe_socket *socket, unsigned events, sfe_poll_ready ready,
                  void *owner)
{
    SFE_ASSERT(ready != NULL);
    SFE_ASSERT(socket->state != SOCKET_FREE && socket->state != SOCKET_CLOSED);
    socket->wanted = events;
    socket->ready = ready;
    socket->owner = owner;
    socket_register(context, socket);
}

static void wake(void *context)
{
    struct poller *poller = context;
    if (atomic_exchange(&poller->woken, true)) {
        return; /* Whoever set it writes, or has written. */
    }
    uint64_t one = 1;
    ssize_t written = write(poller->wake_fd, &one, sizeof(one));
    (void)written; /* Fails only where the counter is full, that is, where it is readable anyway. */
}

/* The wait ends now, so whoever finds `woken` still set is served by what the owner does next. */
static void take_wake(struct poller *poller)
{
    uint64_t count;
    ssize_t got = read(poller->wake_fd, &count, sizeof(count));
    (void)got;
    (void)atomic_exchange(&poller->woken, false);
}

static unsigned translate(uint32_t events)
{
    unsigned result = 0;
    result |= (events & EPOLLIN) != 0 ? SFE_POLL_READ : 0u;
    result |= (events & EPOLLOUT) != 0 ? SFE_POLL_WRITE : 0u;
    result |= (events & (EPOLLERR | EPOLLHUP)) != 0 ? SFE_POLL_FAILED : 0u;
    return result;
}

static void dispatch(struct poller *poller, struct sfe_socket *socket, uint32_t events)
{
    unsigned result = translate(events);
    if (socket->state == SOCKET_FREE || socket->state == SOCKET_CLOSED) {
        return; /* Closed earlier in this round. */
    }
    if (socket->state == SOCKET_LOOKING_UP || socket->state == SOCKET_CONNECTING) {
        socket_move_on(poller, socket);
        result = socket->state == SOCKET_CONNECTED ? socket->wanted & SFE_POLL_WRITE : 0u;
    }
    if (result != 0 && socket->ready != NULL) {
        socket->ready(socket->owner, socket, result);
    }
}

/* Sockets without an address left have no fd that epoll could watch. */
static void dispatch_failed(struct poller *poller)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        struct sfe_socket *socket = &poller->sockets[i];
        if (socket->state == SOCKET_FAILED && socket->ready != NULL) {
            socket->ready(socket->owner, socket,
                          SFE_POLL_FAILED | (socket->wanted & (SFE_POLL_READ | SFE_POLL_WRITE)));
        }
    }
}

static void free_closed(struct poller *poller)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (poller->sockets[i].state == SOCKET_CLOSED) {
            poller->sockets[i].state = SOCKET_FREE;
        }
    }
}

static void dispatch_round(struct poller *poller, const struct epoll_event *events, int count)
{
    SFE_ASSERT(!poller->is_dispatching);
    poller->is_dispatching = true;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) {
            take_wake(poller);
        } else {
            dispatch(poller, events[i].data.ptr, events[i].events);
        }
    }
    if (poller->failed_count > 0) {
        dispatch_failed(poller);
    }
    poller->is_dispatching = false;
    free_closed(poller);
}

static enum sfe_code wait(void *context, uint64_t until_ns, struct sfe_error *err)
{
    struct poller *poller = context;
    struct epoll_event events[EVENTS_MAX];
    SFE_ASSERT(!poller->is_dispatching);
    for (;;) {
        uint64_t nap_ns = poller->failed_count > 0 ? 0 : sfe_posix_nap_ns(until_ns);
        /* Rounded up: rounded down, the last millisecond would be spent in a busy loop. */
        int nap_ms = (int)((nap_ns + NS_PER_MS - 1) / NS_PER_MS);
        int count = epoll_wait(poller->epoll_fd, events, EVENTS_MAX, nap_ms);
        if (count < 0 && errno != EINTR) {
            return sfe_fail_os(err, SFE_E_NETWORK, errno, "cannot wait for events");
        }
        if (count > 0 || poller->failed_count > 0) {
            dispatch_round(poller, events, count < 0 ? 0 : count);
            return SFE_OK;
        }
        if (sfe_posix_nap_ns(until_ns) == 0) {
            return SFE_OK;
        }
    }
}

static enum sfe_code open_fds(struct poller *poller, struct sfe_error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (poller->epoll_fd < 0 || poller->wake_fd < 0 ||
        epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->wake_fd, &event) != 0) {
        return sfe_fail_os(err, SFE_E_NO_MEMORY, errno, "cannot make a poller");
    }
    return SFE_OK;
}

enum sfe_code sfe_posix_poller_open(struct sfe_poller *poller, struct sfe_error *err)
{
    *poller = (struct sfe_poller){.context = NULL};
    struct poller *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a poller");
    }
    atomic_init(&made->woken, false);
    *poller = (struct sfe_poller){.context = made,
                                  .listen_loopback = socket_listen_loopback,
                                  .listen_local = socket_listen_local,
                                  .listen = socket_listen,
                                  .accept = socket_accept,
                                  .peer = socket_peer,
                                  .connect = socket_connect,
                                  .connect_local = socket_connect_local,
                                  .connected = socket_connected,
                                  .read = socket_read,
                                  .write = socket_write,
                                  .close = socket_close,
                                  .watch = watch,
                                  .wait = wait,
                                  .wake = wake};
    enum sfe_code code = open_fds(made, err);
    if (code != SFE_OK) {
        sfe_posix_poller_close(poller);
    }
    return code;
}

void sfe_posix_poller_close(struct sfe_poller *poller)
{
    struct poller *made = poller->context;
    if (made == NULL) {
        return;
    }
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (made->sockets[i].state != SOCKET_FREE) {
            socket_close(made, &made->sockets[i]);
        }
    }
    if (made->wake_fd >= 0) {
        (void)close(made->wake_fd);
    }
    if (made->epoll_fd >= 0) {
        (void)close(made->epoll_fd);
    }
    free(made);
    poller->context = NULL;
}
