#include "sim/net.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define SOCKETS_MAX    32u
#define BACKLOG_MAX    4u
#define QUEUE_BYTES    32768u
#define PORT_FIRST     40000u
#define PIECE_PERMILLE 300u

struct sfe_socket {
    uint64_t number; /* No other ever has it. */
    uint16_t port;   /* Of a listener; 0: a stream. */
    bool is_listener;
    bool is_ended;  /* The other side closed in order; what it wrote is still to be read. */
    bool is_broken; /* Nothing more comes or goes. */
    struct sfe_socket *peer;
    struct sfe_socket *backlog[BACKLOG_MAX];
    uint32_t backlog_count;
    unsigned events;
    sfe_poll_ready ready;
    void *owner;
    size_t size; /* Of what waits to be read. */
    uint8_t queue[QUEUE_BYTES];
};

struct sim_net {
    struct sim_world *world;
    struct sfe_socket *sockets[SOCKETS_MAX];
    uint64_t next_number;
    uint16_t next_port;
};

static struct sfe_socket *make(struct sim_net *net)
{
    for (uint32_t i = 0; i < SOCKETS_MAX; i++) {
        if (net->sockets[i] == NULL) {
            struct sfe_socket *socket = calloc(1, sizeof(*socket));
            SFE_ASSERT(socket != NULL);
            socket->number = net->next_number++;
            net->sockets[i] = socket;
            return socket;
        }
    }
    SFE_ASSERT(false); /* A site has few connections: someone forgets to close them. */
    return NULL;
}

static void pair(struct sfe_socket *a, struct sfe_socket *b)
{
    a->peer = b;
    b->peer = a;
}

static struct sfe_socket *find_listener(struct sim_net *net, uint16_t port)
{
    for (uint32_t i = 0; i < SOCKETS_MAX; i++) {
        struct sfe_socket *socket = net->sockets[i];
        if (socket != NULL && socket->is_listener && socket->port == port) {
            return socket;
        }
    }
    return NULL;
}

static struct sfe_socket *reach(struct sim_net *net, uint16_t port)
{
    struct sfe_socket *listener = find_listener(net, port);

    if (listener == NULL || listener->backlog_count == BACKLOG_MAX) {
        return NULL;
    }
    struct sfe_socket *near = make(net);
    struct sfe_socket *far = make(net);
    pair(near, far);
    listener->backlog[listener->backlog_count++] = far;
    return near;
}

static enum sfe_code listen_loopback(void *context, struct sfe_socket **listener, uint16_t *port,
                                     struct sfe_error *err)
{
    struct sim_net *net = context;

    (void)err;
    *port = net->next_port++;
    *listener = sim_net_listen(net, *port);
    return SFE_OK;
}

static enum sfe_code listen_local(void *context, const char *path, struct sfe_socket **listener,
                                  struct sfe_error *err)
{
    (void)path;
    (void)err;
    *listener = sim_net_listen(context, 0);
    return SFE_OK;
}

static enum sfe_code net_listen(void *context, const char *host, uint16_t port,
                                struct sfe_socket **listener, struct sfe_error *err)
{
    struct sim_net *net = context;

    *listener = NULL;
    if (find_listener(net, port) != NULL) {
        return sfe_fail(err, SFE_E_NETWORK, "somebody listens at %s port %u", host, (unsigned)port);
    }
    *listener = sim_net_listen(net, port);
    return SFE_OK;
}

static void net_peer(void *context, const struct sfe_socket *stream, uint8_t address[16])
{
    (void)context;
    (void)stream;
    memset(address, 0, 16);
    address[15] = 1;
}

static enum sfe_code net_accept(void *context, struct sfe_socket *listener,
                                struct sfe_socket **stream, struct sfe_error *err)
{
    (void)context;
    (void)err;
    if (listener->backlog_count == 0) {
        return SFE_E_AGAIN;
    }
    *stream = listener->backlog[0];
    listener->backlog_count--;
    memmove(&listener->backlog[0], &listener->backlog[1],
            listener->backlog_count * sizeof(listener->backlog[0]));
    return SFE_OK;
}

static enum sfe_code net_connect(void *context, const char *host, uint16_t port,
                                 struct sfe_socket **stream, struct sfe_error *err)
{
    struct sim_net *net = context;

    (void)host;
    (void)err;
    *stream = reach(net, port);
    if (*stream == NULL) {
        *stream = make(net);
        (*stream)->is_broken = true;
    }
    return SFE_OK;
}

static enum sfe_code connect_local(void *context, const char *path, struct sfe_socket **stream,
                                   struct sfe_error *err)
{
    (void)context;
    *stream = NULL;
    return sfe_fail(err, SFE_E_NOT_FOUND, "nobody listens at '%s'", path);
}

static bool net_connected(void *context, struct sfe_socket *stream)
{
    (void)context;
    return !stream->is_broken;
}

/* All of it, or a piece. */
static size_t piece_of(struct sim_net *net, size_t size)
{
    struct sim_random *random = &net->world->random;

    return size > 1 && sim_random_chance(random, PIECE_PERMILLE)
               ? 1u + sim_random_below(random, (uint32_t)size)
               : size;
}

static enum sfe_io net_read(void *context, struct sfe_socket *stream, void *bytes, size_t capacity,
                            size_t *count, struct sfe_error *err)
{
    if (stream->is_broken) {
        (void)sfe_fail(err, SFE_E_NETWORK, "the connection broke");
        return SFE_IO_FAILED;
    }
    if (stream->size == 0) {
        return stream->is_ended ? SFE_IO_CLOSED : SFE_IO_WOULD_BLOCK;
    }
    size_t size = stream->size < capacity ? stream->size : capacity;
    size = piece_of(context, size);
    size = size < capacity ? size : capacity;
    size = size < stream->size ? size : stream->size;
    memcpy(bytes, stream->queue, size);
    stream->size -= size;
    memmove(stream->queue, stream->queue + size, stream->size);
    *count = size;
    return SFE_IO_DATA;
}

static enum sfe_io net_write(void *context, struct sfe_socket *stream, struct sfe_slice bytes,
                             size_t *count, struct sfe_error *err)
{
    struct sfe_socket *peer = stream->peer;

    if (stream->is_broken || peer == NULL) {
        (void)sfe_fail(err, SFE_E_NETWORK, "the connection broke");
        return SFE_IO_FAILED;
    }
    size_t room = QUEUE_BYTES - peer->size;
    size_t size = bytes.size < room ? bytes.size : room;
    if (size == 0) {
        return SFE_IO_WOULD_BLOCK;
    }
    const size_t piece = piece_of(context, size);
    size = piece < size ? piece : size;
    memcpy(peer->queue + peer->size, bytes.bytes, size);
    peer->size += size;
    *count = size;
    return SFE_IO_DATA;
}

static void drop(struct sim_net *net, struct sfe_socket *socket)
{
    if (socket->peer != NULL) {
        socket->peer->is_ended = true;
        socket->peer->peer = NULL;
    }
    for (uint32_t i = 0; i < SOCKETS_MAX; i++) {
        if (net->sockets[i] == socket) {
            net->sockets[i] = NULL;
        }
    }
    free(socket);
}

static void net_close(void *context, struct sfe_socket *socket)
{
    struct sim_net *net = context;

    if (socket == NULL) {
        return;
    }
    while (socket->backlog_count > 0) {
        drop(net, socket->backlog[--socket->backlog_count]);
    }
    drop(net, socket);
}

static void net_watch(void *context, struct sfe_socket *socket, unsigned events,
                      sfe_poll_ready ready, void *owner)
{
    (void)context;
    socket->events = events;
    socket->ready = ready;
    socket->owner = owner;
}

static unsigned events_of(const struct sfe_socket *socket)
{
    const bool has_input = socket->size > 0 || socket->is_ended || socket->backlog_count > 0;
    const bool has_room = socket->peer != NULL && socket->peer->size < QUEUE_BYTES;
    unsigned events = 0;

    if (socket->is_broken) {
        return SFE_POLL_FAILED | SFE_POLL_READ;
    }
    events |= has_input ? SFE_POLL_READ : 0u;
    events |= has_room || socket->is_ended ? SFE_POLL_WRITE : 0u;
    return events & (socket->events | SFE_POLL_FAILED);
}

static enum sfe_code net_wait(void *context, uint64_t until_ns, struct sfe_error *err)
{
    struct sim_net *net = context;
    uint64_t numbers[SOCKETS_MAX] = {0};
    const uint32_t first = sim_random_below(&net->world->random, SOCKETS_MAX);

    (void)until_ns;
    (void)err;
    for (uint32_t i = 0; i < SOCKETS_MAX; i++) {
        numbers[i] = net->sockets[i] == NULL ? 0 : net->sockets[i]->number;
    }
    for (uint32_t n = 0; n < SOCKETS_MAX; n++) {
        const uint32_t i = (first + n) % SOCKETS_MAX;
        struct sfe_socket *socket = net->sockets[i];
        if (socket == NULL || socket->number != numbers[i] || socket->ready == NULL) {
            continue;
        }
        const unsigned events = events_of(socket);
        if (events != 0) {
            socket->ready(socket->owner, socket, events);
        }
    }
    return SFE_OK;
}

static void net_wake(void *context)
{
    (void)context; /* Turns come anyway. */
}

void sim_net_poller(struct sim_net *net, struct sfe_poller *poller)
{
    *poller = (struct sfe_poller){
        .context = net,
        .listen_loopback = listen_loopback,
        .listen_local = listen_local,
        .listen = net_listen,
        .accept = net_accept,
        .peer = net_peer,
        .connect = net_connect,
        .connect_local = connect_local,
        .connected = net_connected,
        .read = net_read,
        .write = net_write,
        .close = net_close,
        .watch = net_watch,
        .wait = net_wait,
        .wake = net_wake,
    };
}

struct sfe_socket *sim_net_listen(struct sim_net *net, uint16_t port)
{
    struct sfe_socket *listener = make(net);

    listener->is_listener = true;
    listener->port = port;
    return listener;
}

struct sfe_socket *sim_net_dial(struct sim_net *net, uint16_t port)
{
    return reach(net, port);
}

void sim_net_break(struct sim_net *net, struct sfe_socket *socket)
{
    (void)net;
    socket->is_broken = true;
    socket->size = 0;
    if (socket->peer != NULL) {
        socket->peer->is_broken = true;
        socket->peer->size = 0;
    }
}

struct sim_net *sim_net_open(struct sim_world *world)
{
    struct sim_net *net = calloc(1, sizeof(*net));

    SFE_ASSERT(net != NULL);
    net->world = world;
    net->next_number = 1;
    net->next_port = PORT_FIRST;
    return net;
}

void sim_net_close(struct sim_net *net)
{
    if (net == NULL) {
        return;
    }
    for (uint32_t i = 0; i < SOCKETS_MAX; i++) {
        free(net->sockets[i]);
    }
    free(net);
}
