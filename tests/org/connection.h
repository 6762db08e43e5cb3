/* One client connection: bytes in, requests answered in their order, bytes out. */
#ifndef SFE_TESTS_ORG_CONNECTION_H
#define SFE_TESTS_ORG_CONNECTION_H

#include "org.h"
#include "tls.h"

struct connection {
    int socket;             /* Owned. */
    struct tls_stream *tls; /* Owned; NULL on a plain connection. */
    struct buffer in;
    size_t in_taken;      /* Bytes of requests already answered. */
    size_t needed;        /* Bytes in `in` below which no request is whole. */
    struct buffer joined; /* A chunked body put together. */
    struct buffer out;
    size_t out_sent;
    size_t
        tls_retry_bytes; /* What TLS has taken but not sent: it must be offered the same again. */
    uint64_t held_until_ms; /* 0: not held. UINT64_MAX: no answer comes. */
    uint64_t poll_number;   /* Held until that poll is answered; 0: not so. */
    uint32_t events;        /* What epoll watches. */
    bool continued;         /* "100 Continue" was sent for the request that is coming. */
    bool closing;           /* Closes once `out` is sent. */
    bool dead;              /* To be closed by the loop. */
    bool control_only;      /* Accepted on the control port. */
};

struct connection *connection_open(int socket, struct tls_stream *tls);
void connection_close(struct connection *connection);

/* Reads what there is and answers what is whole. */
void connection_read(struct connection *connection, struct org *org, struct reply *reply);

/* Sends what it can, and answers the whole requests that wait behind that. */
void connection_go_on(struct connection *connection, struct org *org, struct reply *reply);

/* Answers the poll that is held, if it has come to that; returns when at the latest. */
uint64_t connection_poll(struct connection *connection, struct org *org, struct reply *reply,
                         uint64_t now_ms);

/* Sends what it can. */
void connection_write(struct connection *connection);

static inline bool connection_held(const struct connection *connection)
{
    return connection->held_until_ms != 0;
}

static inline bool connection_has_output(const struct connection *connection)
{
    return connection->out.size > connection->out_sent;
}

#endif
