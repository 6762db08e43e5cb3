/* HTTP(S) client exchanges, many at once, driven by one thread. A struct of functions with a
 * context.
 *
 * Keep-alive connections are reused; time and size limits are mandatory; redirects are not
 * followed; proxies only as configured. HTTP/2 where a TLS server offers it (ALPN). TLS: chain and
 * host name are checked always. Names are resolved anew within half a minute, and connections live
 * ten minutes at most, so that a change in DNS is followed. Request bytes are borrowed until the
 * exchange is over. Only `wake` may be called from another thread.
 */
#ifndef SFE_PORT_HTTP_H
#define SFE_PORT_HTTP_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_http_exchange; /* Opaque: one request under way. */

struct sfe_http_header {
    const char *name;
    struct sfe_slice value; /* May be a secret: it is never logged. */
};

/* The way to a host, beyond its address. Borrowed until the exchange is over. Zeroed: straight,
 * from any interface, without a certificate of our own. */
struct sfe_http_route {
    const char *cert_file;      /* Our certificate and what it hangs on (PEM); NULL: none. */
    struct sfe_slice key_pem;   /* Its private key. A secret. */
    const char *proxy_url;      /* "http://host:port" or https; NULL: straight. Always CONNECT. */
    const char *proxy_username; /* NULL: none. Sent as RFC 7617 says (Basic). */
    const char *proxy_password; /* NULL: none. A secret. */
    const char *no_proxy;       /* Hosts, domains and networks, by commas; NULL: none. */
    const char *interface;      /* A network interface or an address of ours; NULL: any. */
};

/* A body that is never held whole. */
struct sfe_http_body {
    void *context;
    uint64_t size; /* Known before it begins: it is sent as Content-Length. */
    /* Fills `bytes` with at least one byte, in order; called on the thread of `poll`. A failure
     * ends the exchange. */
    enum sfe_code (*read)(void *context, uint8_t *bytes, size_t capacity, size_t *got);
};

/* Where the body of a successful answer (2xx) goes piece by piece. */
struct sfe_http_sink {
    void *context;
    /* Called on the thread of `poll`. A failure ends the exchange with SFE_E_PROTOCOL. What was
     * taken counts for nothing before the exchange has ended with SFE_OK. */
    enum sfe_code (*take)(void *context, struct sfe_slice bytes);
};

struct sfe_http_request {
    const char *method; /* "GET", "POST", "PATCH", "PUT", "DELETE". */
    const char *url;
    const struct sfe_http_header *headers; /* Copied at begin. */
    size_t header_count;
    struct sfe_slice body;       /* Borrowed until the end. Empty: no body (POST sends length 0). */
    const char *ca_file;         /* PEM; NULL: the system's store. */
    uint32_t connect_timeout_ms; /* DNS, TCP and TLS. */
    uint32_t total_timeout_ms;   /* The whole exchange. */
    /* Borrowed; bounds the answer, of which the beginning stays in it where it is longer. The body
     * arrives decompressed. */
    struct sfe_builder *answer_body;
    void *tag;                          /* Handed back. */
    const struct sfe_http_route *route; /* NULL: as zeroed. */
    /* Instead of `body`; NULL: none. Borrowed until the end. It goes out once, on a connection of
     * its own: nothing repeats it. */
    const struct sfe_http_body *upload;
    const struct sfe_http_sink
        *sink;                     /* Instead of `answer_body` for a 2xx; NULL: none. Borrowed. */
    uint32_t bytes_per_second_max; /* On average in each direction; 0: as fast as it goes. */
    /* Takes the values of Set-Cookie, a line each, those that fit; NULL: nobody asks. Borrowed. */
    struct sfe_builder *cookies;
    /* `body` goes out once: where a connection that was used before breaks without an answer, the
     * exchange fails, and is not begun anew on another one. */
    bool is_once;
};

struct sfe_http_answer {
    void *tag;
    /* SFE_OK: an HTTP answer came whole. Otherwise SFE_E_NETWORK, SFE_E_TIMEOUT, SFE_E_TLS,
     * SFE_E_TOO_LARGE (answer over its bound), SFE_E_PROTOCOL; `err` says more. */
    enum sfe_code code;
    uint16_t status;         /* 0 where no status line came. */
    bool request_left;       /* Some byte of the request may have left: the result is unknown. */
    int64_t retry_after_s;   /* From Retry-After, seconds or date; -1: none. */
    int64_t date_unix_s;     /* From Date; 0: none. */
    uint64_t sent_bytes;     /* Of body and headers, on the wire, before TLS. */
    uint64_t received_bytes; /* The same of the answer. */
    uint64_t duration_ns;
    char content_type[64]; /* Lower-case, without parameters. */
    char limit_info[96];   /* Sforce-Limit-Info, as it stands. */
    char locator[64];      /* Sforce-Locator; empty: none, or longer than that. */
    char location[256];    /* Location; the same. */
    struct sfe_error err;
};

/* Every exchange this program begins has a pointer to one of these as its tag; the cloud turn calls
 * on_answer. First in the structure that it is part of. */
struct sfe_http_owner {
    void (*on_answer)(struct sfe_http_owner *owner, const struct sfe_http_answer *answer);
    uint64_t token_number;              /* An org's: which of its tokens the request went with. */
    struct sfe_http_exchange *exchange; /* Until it is answered. */
    uint64_t charged_bytes;             /* To an org's link, as long as it is under way. */
};

/* Called from `poll` for each finished exchange; the exchange is gone when it returns. It may begin
 * new ones. */
typedef void (*sfe_http_visit)(void *visitor, const struct sfe_http_answer *answer);

struct sfe_http {
    void *context;
    enum sfe_code (*begin)(void *context, const struct sfe_http_request *request,
                           struct sfe_http_exchange **exchange, struct sfe_error *err);
    /* Moves all exchanges on, calls `visit` for the finished, and waits at most until monotonic
     * time `until_ns` (0: do not wait) when none finished. */
    enum sfe_code (*poll)(void *context, uint64_t until_ns, sfe_http_visit visit, void *visitor,
                          struct sfe_error *err);
    /* Ends an exchange; no visit follows. */
    void (*cancel)(void *context, struct sfe_http_exchange *exchange);
    void (*wake)(void *context);
};

#endif
