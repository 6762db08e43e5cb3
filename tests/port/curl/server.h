/* A scripted HTTP server on loopback, in a thread, for the tests of port/curl: one step a request.
 */
#ifndef SFE_TESTS_PORT_CURL_SERVER_H
#define SFE_TESTS_PORT_CURL_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_STEPS_MAX     8
#define SERVER_REQUEST_BYTES 8192

struct server_step {
    const void *answer; /* NULL: none. */
    size_t answer_size; /* 0: as text. */
    bool is_blind;      /* Answers without having read a request. */
    bool hangs;         /* Then waits for the client to go. */
    bool cuts;          /* Then closes. */
};

struct server {
    int listener;
    uint16_t port;
    struct server_step steps[SERVER_STEPS_MAX];
    size_t step_count;
    pthread_t thread;
    /* Read only after server_stop. */
    unsigned accepted;
    char requests[SERVER_STEPS_MAX][SERVER_REQUEST_BYTES];
};

/* The size of a whole request in `text`, or 0 while it is not whole. */
static inline size_t server_request_size(const char *text, size_t size)
{
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    const char *length = strcasestr(text, "\r\nContent-Length:");
    if (end == NULL) {
        return 0;
    }
    size_t whole = (size_t)(end - text) + 4;
    if (length != NULL && length < end) {
        whole += strtoul(length + 17, NULL, 10);
    }
    return whole <= size ? whole : 0;
}

/* False when the client went before its request was whole. A request over the room is read and not
 * kept. */
static inline bool server_read(int fd, char *text)
{
    size_t size = 0;
    text[0] = '\0';
    while (server_request_size(text, size) == 0) {
        ssize_t got = read(fd, text + size, SERVER_REQUEST_BYTES - 1 - size);
        if (got <= 0) {
            return false;
        }
        size += (size_t)got;
        text[size] = '\0';
    }
    return true;
}

static inline void server_answer(int fd, const struct server_step *step)
{
    const char *bytes = step->answer;
    size_t left = step->answer_size != 0 ? step->answer_size : strlen(bytes);
    while (left > 0) {
        ssize_t sent = send(fd, bytes, left, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes += sent;
        left -= (size_t)sent;
    }
}

static inline void *server_run(void *argument)
{
    struct server *server = argument;
    char rest[256];
    int fd = -1;
    size_t i = 0;
    while (i < server->step_count) {
        const struct server_step *step = &server->steps[i];
        if (fd < 0) {
            fd = accept(server->listener, NULL, NULL);
            if (fd < 0) {
                return NULL; /* Stopped. */
            }
            server->accepted++;
        }
        if (!step->is_blind && !server_read(fd, server->requests[i])) {
            (void)close(fd);
            fd = -1;
            continue;
        }
        if (step->answer != NULL) {
            server_answer(fd, step);
        }
        while (step->hangs && read(fd, rest, sizeof(rest)) > 0) {
        }
        if (step->cuts || step->hangs) {
            (void)close(fd);
            fd = -1;
        }
        i++;
    }
    if (fd >= 0) {
        (void)shutdown(fd, SHUT_WR);
        while (read(fd, rest, sizeof(rest)) > 0) {
        }
        (void)close(fd);
    }
    return NULL;
}

/* Begins to listen, so that connections of any step are taken. */
static inline bool server_start(struct server *server)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
    } address;
    socklen_t size = sizeof(address.ipv4);
    memset(&address, 0, sizeof(address));
    address.ipv4.sin_family = AF_INET;
    address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server->listener < 0 || bind(server->listener, &address.any, size) != 0 ||
        listen(server->listener, 8) != 0 ||
        getsockname(server->listener, &address.any, &size) != 0) {
        return false;
    }
    server->port = ntohs(address.ipv4.sin_port);
    return pthread_create(&server->thread, NULL, server_run, server) == 0;
}

/* The client must have closed its connections, or the steps be done. */
static inline void server_stop(struct server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listener);
}

#endif
