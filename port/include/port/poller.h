/* Sockets on site and the wait for them: one poller a thread. A struct of functions with a context.
 *
 * All streams are non-blocking. read and write say what happened by an enum, and how many bytes
 * apart from it. Only `wake` may be called from another thread. Name look-ups run beside the thread
 * and never hold it up.
 */
#ifndef SFE_PORT_POLLER_H
#define SFE_PORT_POLLER_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_socket; /* Opaque: a listener or a stream. */

enum sfe_io {
    SFE_IO_DATA,        /* `count` bytes moved (at least 1). */
    SFE_IO_WOULD_BLOCK, /* Nothing now; wait for an event. */
    SFE_IO_CLOSED,      /* The other side ended the stream in order. */
    SFE_IO_FAILED       /* It broke; `err` says how. */
};

#define SFE_POLL_READ   1u
#define SFE_POLL_WRITE  2u
#define SFE_POLL_FAILED 4u /* Always reported. */

/* Called from `wait` for each socket with events (level-triggered). It may close sockets, this one
 * included; events of a socket closed in the same round are not delivered. */
typedef void (*sfe_poll_ready)(void *owner, struct sfe_socket *socket, unsigned events);

struct sfe_poller {
    void *context;
    /* Listens on loopback TCP at any free port; *port is the one found. */
    enum sfe_code (*listen_loopback)(void *context, struct sfe_socket **listener, uint16_t *port,
                                     struct sfe_error *err);
    /* Listens on UNIX stream socket `path` (mode 0600; a stale one is replaced). */
    enum sfe_code (*listen_local)(void *context, const char *path, struct sfe_socket **listener,
                                  struct sfe_error *err);
    /* Listens on TCP at `host`, an IPv4 or IPv6 address ("0.0.0.0" and "::" are all there are).
     * Errors: SFE_E_NETWORK, also while somebody else listens there; SFE_E_PERMISSION. */
    enum sfe_code (*listen)(void *context, const char *host, uint16_t port,
                            struct sfe_socket **listener, struct sfe_error *err);
    /* Takes one waiting connection: SFE_E_AGAIN when none. At listen_loopback and listen_local the
     * peer must be a process of our own user (or root for listen_local): others are closed and not
     * returned (loopback TCP: looked up in the kernel's table). */
    enum sfe_code (*accept)(void *context, struct sfe_socket *listener, struct sfe_socket **stream,
                            struct sfe_error *err);
    /* Where an accepted TCP stream comes from: an IPv6 address, or ::ffff:a.b.c.d; zeros where that
     * is not known any more. */
    void (*peer)(void *context, const struct sfe_socket *stream, uint8_t address[16]);
    /* Begins a TCP connection to host:port (name, IPv4 or IPv6 literal). The stream becomes
     * writable when it stands; a failure shows as SFE_IO_FAILED of the first read or write. */
    enum sfe_code (*connect)(void *context, const char *host, uint16_t port,
                             struct sfe_socket **stream, struct sfe_error *err);
    /* Connects to UNIX stream socket `path`. SFE_E_NOT_FOUND when nobody listens. */
    enum sfe_code (*connect_local)(void *context, const char *path, struct sfe_socket **stream,
                                   struct sfe_error *err);
    /* True once a stream begun by connect stands. */
    bool (*connected)(void *context, struct sfe_socket *stream);
    enum sfe_io (*read)(void *context, struct sfe_socket *stream, void *bytes, size_t capacity,
                        size_t *count, struct sfe_error *err);
    enum sfe_io (*write)(void *context, struct sfe_socket *stream, struct sfe_slice bytes,
                         size_t *count, struct sfe_error *err);
    void (*close)(void *context, struct sfe_socket *socket); /* NULL is allowed. */
    /* Asks for SFE_POLL_READ | SFE_POLL_WRITE (0: none but failure); `ready` is called with
     * `owner`. */
    void (*watch)(void *context, struct sfe_socket *socket, unsigned events, sfe_poll_ready ready,
                  void *owner);
    /* Waits until something is ready, `wake` was called, or monotonic time `until_ns` (0: do not
     * wait), then calls `ready` for each ready socket. */
    enum sfe_code (*wait)(void *context, uint64_t until_ns, struct sfe_error *err);
    /* Ends the wait under way or the next one. Any thread; cheap when repeated. */
    void (*wake)(void *context);
};

#endif
