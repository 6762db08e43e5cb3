#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"

#define CONNECTIONS_MAX 4096u
#define EVENTS_AT_ONCE  64

struct server {
    struct org *org;
    struct tls_server *tls;
    struct reply reply;
    struct connection **connections; /* Owned, with what they point to. */
    uint32_t count;
    int epoll;
    int listener;
    int control_listener; /* -1: none. */
    int signals;
    uint16_t port;
};

static const char *listen_on(const char *address, uint16_t port, int *listener)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &place.sin_addr) != 1) {
        return "--listen needs an IPv4 address";
    }
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (*listener < 0 || setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(*listener, (const struct sockaddr *)&place, sizeof place) != 0 ||
        listen(*listener, 512) != 0) {
        return strerror(errno);
    }
    return NULL;
}

static bool watch(struct server *server, int file, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, file, &event) == 0;
}

static const char *write_port(struct server *server)
{
    struct sockaddr_in place;
    socklen_t size = sizeof place;
    if (getsockname(server->listener, (struct sockaddr *)&place, &size) != 0) {
        return strerror(errno);
    }
    server->port = ntohs(place.sin_port);
    server->org->options.port = server->port;
    if (server->org->options.port_file == NULL) {
        return NULL;
    }
    struct buffer text = {NULL, 0, 0};
    buffer_add_u64(&text, server->port);
    buffer_add_text(&text, "\n");
    bool written = buffer_write_file(&text, server->org->options.port_file);
    buffer_close(&text);
    return written ? NULL : "the port file cannot be written";
}

static const char *server_open(struct server *server)
{
    const struct options *options = &server->org->options;
    server->connections = memory_take(CONNECTIONS_MAX * sizeof *server->connections);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    server->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->epoll < 0 || server->signals < 0 ||
        !watch(server, server->signals, &server->signals)) {
        return strerror(errno);
    }
    const char *problem = listen_on(options->listen, options->port, &server->listener);
    if (problem == NULL && options->control_port != 0) {
        problem = listen_on("127.0.0.1", options->control_port, &server->control_listener);
        if (problem == NULL &&
            !watch(server, server->control_listener, &server->control_listener)) {
            problem = strerror(errno);
        }
    }
    if (problem == NULL && !watch(server, server->listener, &server->listener)) {
        problem = strerror(errno);
    }
    return problem != NULL ? problem : write_port(server);
}

static void add_connection(struct server *server, int socket, bool is_control)
{
    int on = 1;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *connection = connection_open(socket, NULL);
    if (server->tls != NULL && !is_control) {
        connection->tls = tls_stream_open(server->tls, &connection->socket);
    }
    connection->control_only = is_control;
    connection->events = EPOLLIN;
    if ((server->tls != NULL && !is_control && connection->tls == NULL) ||
        !watch(server, socket, connection)) {
        connection_close(connection);
        return;
    }
    server->connections[server->count++] = connection;
    server->org->audit.connections += !is_control;
}

static void accept_all(struct server *server, int listener, bool is_control)
{
    for (;;) {
        int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) {
            return;
        }
        /* With a port of its own for control, nothing is lost by not even reading here. */
        bool is_shut =
            !is_control && server->control_listener >= 0 && faults_down(&server->org->faults);
        server->org->faults.kinds[FAULT_DOWN].happened += is_shut;
        if (is_shut || server->count == CONNECTIONS_MAX) {
            (void)close(socket);
        } else {
            add_connection(server, socket, is_control);
        }
    }
}

/* Watches what the connection waits for now. */
static void rewatch(const struct server *server, struct connection *connection)
{
    uint32_t events = connection_held(connection) ? EPOLLRDHUP : EPOLLIN;
    if (connection_has_output(connection) && !connection_held(connection)) {
        /* A client that does not read its answers is not listened to either. */
        events = EPOLLOUT;
    }
    if (events != connection->events) {
        struct epoll_event event = {.events = events, .data.ptr = connection};
        (void)epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->socket, &event);
        connection->events = events;
    }
}

static void serve(struct server *server, struct connection *connection, uint32_t events)
{
    if ((events & (EPOLLRDHUP | EPOLLERR)) != 0 ||
        ((events & EPOLLHUP) != 0 && (events & EPOLLIN) == 0)) {
        connection->dead = true;
        return;
    }
    if ((events & EPOLLIN) != 0 && !connection_held(connection)) {
        connection_read(connection, server->org, &server->reply);
    }
    connection_go_on(connection, server->org, &server->reply);
    rewatch(server, connection);
}

/* Ends a hold that is over. */
static void release(struct server *server, struct connection *connection, uint64_t now_ms)
{
    if (connection_held(connection) && connection->held_until_ms <= now_ms) {
        connection->held_until_ms = 0;
        connection_go_on(connection, server->org, &server->reply);
        rewatch(server, connection);
    }
}

/* Ends holds that are over, closes what is dead, and says how long the loop may sleep. */
static int sweep(struct server *server)
{
    uint64_t next_ms = UINT64_MAX;
    uint64_t now_ms = clock_monotonic_ms();
    bool shut = faults_down(&server->org->faults) && server->control_listener >= 0;
    for (uint32_t i = 0; i < server->count;) {
        struct connection *connection = server->connections[i];
        release(server, connection, now_ms);
        const uint64_t poll_ms = connection_poll(connection, server->org, &server->reply, now_ms);
        rewatch(server, connection);
        next_ms = poll_ms < next_ms ? poll_ms : next_ms;
        if (connection->dead || (shut && !connection->control_only)) {
            connection_close(connection);
            server->connections[i] = server->connections[--server->count];
            continue;
        }
        if (connection_held(connection) && connection->held_until_ms < next_ms) {
            next_ms = connection->held_until_ms;
        }
        i++;
    }
    if (next_ms == UINT64_MAX) {
        return -1;
    }
    uint64_t wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
    return wait_ms > 60000 ? 60000 : (int)wait_ms;
}

static void loop(struct server *server)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int wait_ms = -1;
    while (!server->org->stopping) {
        int count = epoll_wait(server->epoll, events, EVENTS_AT_ONCE, wait_ms);
        for (int i = 0; i < count; i++) {
            void *what = events[i].data.ptr;
            if (what == &server->signals) {
                server->org->stopping = true;
            } else if (what == &server->listener) {
                accept_all(server, server->listener, false);
            } else if (what == &server->control_listener) {
                accept_all(server, server->control_listener, true);
            } else {
                serve(server, what, events[i].events);
            }
        }
        wait_ms = sweep(server);
    }
}

static void close_file(int file)
{
    if (file >= 0) {
        (void)close(file);
    }
}

const char *server_run(struct org *org, struct tls_server *tls)
{
    struct server server = {
        .org = org, .tls = tls, .epoll = -1, .listener = -1, .control_listener = -1, .signals = -1};
    const char *problem = server_open(&server);
    if (problem == NULL) {
        (void)fprintf(stderr, "sfedge-org: listening on %s://%s:%u\n",
                      tls != NULL ? "https" : "http", org->options.listen, server.port);
        loop(&server);
    }
    for (uint32_t i = 0; i < server.count; i++) {
        connection_write(server.connections[i]);
        connection_close(server.connections[i]);
    }
    free(server.connections);
    buffer_close(&server.reply.body);
    close_file(server.listener);
    close_file(server.control_listener);
    close_file(server.signals);
    close_file(server.epoll);
    return problem;
}
