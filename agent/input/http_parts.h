/* What the files of the HTTP input share.
 *
 * http.c: the source and its listener. http_connection.c: a connection, from request to request.
 * http_take.c: a request that has come whole, until its events are durable. http_answer.c: what is
 * said. http_io.c: bytes, through TLS where there is TLS. Edge thread. */
#ifndef SFE_INPUT_HTTP_PARTS_H
#define SFE_INPUT_HTTP_PARTS_H

#include "input/http.h"
#include "input/http_events.h"
#include "input/http_rate.h"
#include "port/compress.h"

#define HTTP_ANSWER_BYTES 1024u

#define HTTP_SECOND_NS UINT64_C(1000000000)
/* A head is one packet or two. */
#define HTTP_HEAD_NS (10u * HTTP_SECOND_NS)
/* A handshake is four packets; who keeps us waiting for the next one makes room for who waits. */
#define HTTP_GREET_NS (3u * HTTP_SECOND_NS)
/* A till that keeps its connection sends again within this, or connects anew. */
#define HTTP_IDLE_NS (60u * HTTP_SECOND_NS)
/* Who has just come in is about to say something. */
#define HTTP_YOUNG_NS HTTP_SECOND_NS
/* A stage that is full has room again after the sync under way; a stream at its quota has not. */
#define HTTP_PATIENCE_NS HTTP_SECOND_NS
#define HTTP_BLOCKED_NS  (20u * UINT64_C(1000000))
#define HTTP_WRITE_NS    (10u * HTTP_SECOND_NS)
/* After an error the rest of the request is read and thrown away for so long: a connection closed
 * with bytes unread takes the answer with it. */
#define HTTP_DRAIN_NS  (2u * HTTP_SECOND_NS)
#define HTTP_UNWATCHED (~0u)
#define HTTP_WAITS_MAX 2u /* The input's stream, and the dead letters. */

enum http_state {
    HTTP_FREE,
    HTTP_GREETING, /* The handshake of TLS. */
    HTTP_HEAD,     /* A head is awaited, or read. */
    HTTP_BODY,     /* Its body is read. */
    HTTP_STAGING,  /* Its events are being staged. */
    HTTP_DURABLE,  /* They are staged, and not durable yet. */
    HTTP_ANSWER,   /* The answer is written. */
    HTTP_DRAIN     /* It is written; what still comes is thrown away. */
};

struct http_source;

struct http_connection {
    struct http_source *source;
    struct sfe_socket *socket;
    struct sfe_tls_session *session; /* NULL: the source has no TLS. */
    bool is_secure;                  /* Bytes go through the session. */
    bool may_greet;                  /* The stream has what the handshake waits for. */
    unsigned greet_events;           /* That is what it waits for. */
    uint64_t greeted_ns;             /* When the handshake went on last. */
    enum http_state state;
    unsigned watched;
    uint8_t address[16];
    uint8_t *bytes; /* Of requests; room for a head and a body. Before it HTTP_AUTH_BLOCK_BYTES. */
    size_t size;
    struct http_head head;
    uint32_t identity;   /* Whose request it is; HTTP_NOBODY: nobody is known, or it signs and its
                            body   is not there yet. */
    uint64_t due_ns;     /* When the state is given up. */
    uint64_t request_ns; /* When the request began. */
    size_t offset;       /* Behind the events that are staged. */
    uint32_t staged;     /* Events. */
    uint32_t count;      /* Events of the request. */
    struct sfe_receipt waits[HTTP_WAITS_MAX]; /* The newest of each stream. */
    uint32_t wait_count;
    bool is_blocked;
    bool closes; /* After the answer. */
    uint8_t answer[HTTP_ANSWER_BYTES];
    size_t answer_begin;
    size_t answer_end;
    struct sfe_builder page; /* Where there are pages: what follows the answer. */
    size_t page_begin;
};

struct http_source {
    struct sfe_http_source_options options;
    struct sfe_http_pages pages; /* Its `show` NULL: it takes events. */
    struct sfe_slice topic;
    struct sfe_tls_server *tls_server; /* NULL: no TLS. */
    uint64_t greet_ns;                 /* When a handshake may go on. */
    struct sfe_socket *listener;
    unsigned listener_watched;
    uint64_t listen_ns; /* When it is tried (again). */
    struct http_connection *connections;
    struct sfe_json_token *tokens;
    uint32_t token_capacity;
    struct http_rate rate;
    struct sfe_gunzip *gunzip;
    uint8_t *inflated; /* Of one body, for a moment; request_bytes_max. */
    bool is_stopping;
    uint64_t received;
    uint64_t acknowledged;
    struct sfe_source_identity *known; /* One for each identity. */
    uint64_t unknown_senders;
    struct sfe_error last_error;
};

static inline size_t http_buffer_bytes(const struct sfe_http_source_options *options)
{
    return HTTP_HEAD_BYTES_MAX + (size_t)options->request_bytes_max;
}

static inline struct http_events_rules http_rules(const struct http_source *source)
{
    return (struct http_events_rules){source->options.identity, source->options.event_bytes_max,
                                      source->tokens, source->token_capacity};
}

/* http_io.c */

/* Opens what TLS needs, for each connection; does nothing where the options say of none. The
 * certificate's and the key's bytes are not needed any more. */
SFE_MUST_USE enum sfe_code http_io_open(struct http_source *source, struct sfe_error *err);
void http_io_close(struct http_source *source);

/* The socket was accepted. */
void http_io_begin(struct http_connection *connection);

/* A step of the handshake, where it is due. SFE_E_AGAIN: not over; see `greet_events`. */
enum sfe_code http_io_greet(struct http_connection *connection, uint64_t now_ns,
                            struct sfe_error *err);

/* As the poller's. */
enum sfe_io http_io_read(struct http_connection *connection, void *bytes, size_t capacity,
                         size_t *count);
enum sfe_io http_io_write(struct http_connection *connection, struct sfe_slice bytes,
                          size_t *count);

/* True where a read would give bytes that the poller does not tell of. */
bool http_io_has_more(const struct http_connection *connection);

/* Says goodbye; what comes later is of no interest. */
void http_io_end(struct http_connection *connection);

/* True where the sender has shown a certificate with one of the names, or no name is asked for. */
bool http_io_is_known(const struct http_connection *connection);

/* Which identity has shown its certificate; HTTP_NOBODY: none. */
uint32_t http_io_identify(const struct http_connection *connection);

/* http_connection.c */

/* Begins with a connection that was accepted; the connection is free. */
void http_connection_begin(struct http_connection *connection, struct sfe_socket *socket,
                           uint64_t now_ns);

/* Does what can be done without waiting, and gives up what is due. */
void http_connection_turn(struct http_connection *connection, uint64_t now_ns);

void http_connection_close(struct http_connection *connection);

/* True where it has stood for a while without a request: nobody is hurt when it is closed. */
bool http_connection_is_idle(const struct http_connection *connection, uint64_t now_ns);

/* Whether the identity may send here at all: SFE_E_PROTOCOL, 403, counted. */
SFE_MUST_USE enum sfe_code http_connection_judge_scope(struct http_connection *connection,
                                                       struct sfe_error *err);

/* http_take.c */

/* The body is there: is it signed, is it good? Then its events are staged next, else refused. */
void http_take_begin(struct http_connection *connection, uint64_t now_ns);

/* Stages what has room. True: the state has changed. */
bool http_take_stage(struct http_connection *connection, uint64_t now_ns);

/* Answers when all is durable. True: the state has changed. */
bool http_take_finish(struct http_connection *connection, uint64_t now_ns);

static inline bool http_shows_pages(const struct http_source *source)
{
    return source->pages.show != NULL;
}

/* http_answer.c: each begins the answer to the request at hand. */

/* All its events are durable. */
void http_answer_taken(struct http_connection *connection, uint64_t now_ns);

/* As *err says, with err->http_status. After all but a mistake in a body that was read whole the
 * connection is closed. */
void http_answer_refused(struct http_connection *connection, const struct sfe_error *err,
                         uint64_t now_ns);

/* The page at the path, or that there is none. */
void http_answer_page(struct http_connection *connection, uint64_t now_ns);

/* "100 Continue"; the state stays, or where there is no room for it the connection is closed. */
void http_answer_continue(struct http_connection *connection);

#endif
