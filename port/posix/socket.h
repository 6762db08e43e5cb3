/* The poller's sockets as the files of port/posix share them. Private to this folder; the poller's
 * thread only. */
#ifndef SFE_POSIX_SOCKET_H
#define SFE_POSIX_SOCKET_H

#include "lookup.h"
#include "port/poller.h"

#include <stdatomic.h>

/* The gates, the local status and HTTP connections, and room; below the unit's LimitNOFILE=256. */
#define SOCKETS_MAX 128u

enum socket_state {
    SOCKET_FREE,
    SOCKET_LISTENER_LOOPBACK,
    SOCKET_LISTENER_LOCAL,
    SOCKET_LISTENER_OPEN, /* To anybody. */
    SOCKET_LOOKING_UP,    /* `fd` is the look-up's and not ours to close. */
    SOCKET_CONNECTING,
    SOCKET_CONNECTED,
    SOCKET_FAILED, /* No address answered: `lookup` says why; there is no fd. */
    SOCKET_CLOSED  /* Freed when the round of events that may still name it is over. */
};

struct sfe_socket {
    enum socket_state state;
    int fd;
    bool registered; /* With epoll, for `mask`. */
    uint32_t mask;
    unsigned wanted; /* SFE_POLL_... of the owner. */
    sfe_poll_ready ready;
    void *owner;
    struct lookup *lookup; /* From connect until the connection stands. */
};

struct poller {
    int epoll_fd;
    int wake_fd;
    atomic_bool woken;   /* A wake is under way; set by any thread, cleared by wait. */
    bool is_dispatching; /* Guards closed slots against reuse in the same round. */
    unsigned failed_count;
    struct sfe_socket sockets[SOCKETS_MAX];
};

/* A free slot with `state` and `fd`, or SFE_E_NO_MEMORY. */
enum sfe_code socket_take(struct poller *poller, enum socket_state state, int fd,
                          struct sfe_socket **made, struct sfe_error *err);
/* Brings epoll in line with the socket's state and wishes. */
void socket_register(struct poller *poller, struct sfe_socket *socket);
/* Takes the socket out of epoll and closes its fd, whoever owns it. */
void socket_drop_fd(struct poller *poller, struct sfe_socket *socket);
/* Options of every TCP stream. */
void socket_set_tcp_options(int fd);

/* Moves a connection on after an event while it does not stand. */
void socket_move_on(struct poller *poller, struct sfe_socket *socket);

/* Is the process at the other end of `fd` ours (or root's where it came over a UNIX socket)? */
bool socket_peer_is_ours(int fd, enum socket_state listener);

/* The functions of struct sfe_poller, by the file they are in. */
enum sfe_code socket_listen_loopback(void *context, struct sfe_socket **listener, uint16_t *port,
                                     struct sfe_error *err);
enum sfe_code socket_listen_local(void *context, const char *path, struct sfe_socket **listener,
                                  struct sfe_error *err);
enum sfe_code socket_listen(void *context, const char *host, uint16_t port,
                            struct sfe_socket **listener, struct sfe_error *err);
void socket_peer(void *context, const struct sfe_socket *stream, uint8_t address[16]);
enum sfe_code socket_accept(void *context, struct sfe_socket *listener, struct sfe_socket **stream,
                            struct sfe_error *err);
enum sfe_code socket_connect(void *context, const char *host, uint16_t port,
                             struct sfe_socket **stream, struct sfe_error *err);
enum sfe_code socket_connect_local(void *context, const char *path, struct sfe_socket **stream,
                                   struct sfe_error *err);
bool socket_connected(void *context, struct sfe_socket *stream);
enum sfe_io socket_read(void *context, struct sfe_socket *stream, void *bytes, size_t capacity,
                        size_t *count, struct sfe_error *err);
enum sfe_io socket_write(void *context, struct sfe_socket *stream, struct sfe_slice bytes,
                         size_t *count, struct sfe_error *err);
void socket_close(void *context, struct sfe_socket *socket);

#endif
