/* The HTTP input: a small HTTP/1.1 server on the edge thread that takes POSTs of events.
 *
 * A request is answered 200 when every one of its events is durable, and not before. Nothing is
 * taken of a request that is refused (400 to 431). 503 means: send it again; it may be that some of
 * its events were taken, so their identities are such that a repeat has no second effect: what
 * `identity` points to, else the Idempotency-Key of the request and the event's place in it, else
 * the event's own content.
 *
 * The topic of its events is the path without its first slash. While the address is in use by
 * somebody else the listener is tried again; so a reload may open the successor before this one is
 * closed. Bounded: so many connections, each with one buffer, and with one of TLS where there is a
 * certificate. Handshakes take at most a quarter of the thread's time.
 *
 * With `pages` it takes no events, and shows these to who asks with GET or HEAD.
 */
#ifndef SFE_INPUT_HTTP_H
#define SFE_INPUT_HTTP_H

#include "base/bytes.h"
#include "base/log.h"
#include "input/http_auth.h"
#include "input/intake.h"
#include "input/source.h"
#include "port/clock.h"
#include "port/crypto.h"
#include "port/poller.h"
#include "port/tls.h"

/* What is shown at a path. */
struct sfe_http_page {
    uint16_t status;         /* 200, 500 or 503. */
    const char *type;        /* Its Content-Type. */
    struct sfe_builder body; /* Empty, with room for bytes_max. */
};

struct sfe_http_pages {
    void *owner;
    /* Fills in what stands at `path`; false: nothing does. Edge thread; waits for nothing. */
    bool (*show)(void *owner, struct sfe_slice path, struct sfe_http_page *page);
    uint32_t bytes_max; /* Of a body; so much is taken for each connection. */
};

struct sfe_http_source_options {
    const char *input;      /* Name. Borrowed, as all pointers here, for the life of the source. */
    const char *host;       /* Address to listen at. */
    uint16_t port;          /* Not 0. */
    const char *path;       /* Begins with a slash. */
    struct sfe_slice token; /* Bearer token that a sender needs; empty: none. */
    struct sfe_slice signing_key; /* Key of the HMAC that a sender needs; empty: none. */
    const char *signature_name;   /* The header field that holds it. */
    const char *time_name;        /* The one that holds its time, or both; NULL: no time. */
    uint64_t time_window_ns;      /* How far that may be from ours. */
    struct sfe_tls_server_options tls_bytes; /* Its `cert` empty: no TLS. Needed for open alone. */
    const char *const *client_names;         /* One of them each sender's certificate must have. */
    uint32_t client_name_count;              /* 0: no matter which. */
    const struct sfe_http_identity *identities; /* Of these one each sender is; see http_auth.h. */
    uint32_t identity_count;                    /* 0: senders are not told apart. */
    const char *identity;                       /* Pointer to each event's identity; NULL: none. */
    uint32_t request_bytes_max;
    uint64_t request_timeout_ns;
    uint32_t connections;
    uint32_t requests_per_second; /* Of one address; 0: no limit. */
    uint32_t event_bytes_max;
    struct sfe_intake *intake;          /* With one route, whose filter is the topic. */
    const struct sfe_http_pages *pages; /* NULL: it takes events, and needs the intake. Copied. */
    const struct sfe_poller *poller;
    const struct sfe_crypto *crypto;
    const struct sfe_tls *tls; /* NULL where there is no TLS. */
    const struct sfe_clock *clock;
    struct sfe_log *log;
};

/* What a source with these options takes from the arena. Pure. */
size_t sfe_http_source_memory_bytes(const struct sfe_http_source_options *options);

/* Takes its memory from `arena`; listens with the first turn. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_http_source_open(const struct sfe_http_source_options *options,
                                                struct sfe_arena *arena, struct sfe_source *source,
                                                struct sfe_error *err);

#endif
