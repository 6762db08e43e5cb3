/* The target that makes an HTTP(S) request of each event, or of a batch of them: method, address,
 * headers and body by templates; the status of the answer settles.
 *
 * Events of the same order key go one after the other. A repeat has the same identity in its
 * header, so that the other side can tell it. No redirect is followed. Cloud thread.
 */
#ifndef SFE_OUTPUT_HTTP_H
#define SFE_OUTPUT_HTTP_H

#include "base/limits.h"
#include "base/log.h"
#include "flow/map.h"
#include "flow/shape.h"
#include "flow/where.h"
#include "target/http_verdict.h"
#include "output/target.h"
#include "port/clock.h"
#include "port/crypto.h"
#include "port/http.h"

enum sfe_http_scheme {
    SFE_HTTP_OPEN,
    SFE_HTTP_BASIC,
    SFE_HTTP_BEARER,
    SFE_HTTP_KEY, /* The secret alone, in a header of its own. */
    SFE_HTTP_HMAC /* A signature of the body. */
};

struct sfe_http_auth {
    enum sfe_http_scheme scheme;
    const char *user;             /* Of BASIC. */
    const char *header;           /* Of KEY and HMAC. */
    const char *timestamp_header; /* Of HMAC; NULL: the body alone is signed. */
    struct sfe_slice secret;      /* Empty: nobody connects, this is a rehearsal. */
};

enum sfe_http_body_kind {
    SFE_HTTP_PAYLOAD, /* As it came. */
    SFE_HTTP_SHAPE,
    SFE_HTTP_TEXT,
    SFE_HTTP_NOTHING
};

struct sfe_http_target_options {
    const char *name; /* Of the output. Borrowed, as all pointers here. */
    const char *method;
    const char *base;                /* "https://host:port". */
    const struct sfe_template *path; /* What follows. */
    enum sfe_http_body_kind body_kind;
    const struct sfe_shape *shape;       /* Of SHAPE. */
    const struct sfe_template *text;     /* Of TEXT. */
    const struct sfe_shape *headers;     /* Its values are the headers; NULL: none. */
    const char *content_type;            /* NULL: by the body. */
    const char *identity_header;         /* NULL: none. */
    struct sfe_http_auth auth;           /* The secret is borrowed until the target is closed. */
    struct sfe_http_settle settle;       /* Copied, as this whole structure. */
    struct sfe_where *where;             /* Which events are taken; NULL: all. */
    const struct sfe_template *order_by; /* NULL: source and topic; with batches no order. */
    uint32_t slot_count;
    uint32_t slot_events_max; /* Over 1: batches. */
    bool is_lines;            /* A batch is NDJSON, else an array. */
    uint32_t rate;            /* Requests in rate_every_ns; 0: no limit. */
    uint64_t rate_every_ns;
    const char *ca_file; /* NULL: the system's. */
    struct sfe_http_route route;
    uint32_t connect_timeout_ms;
    uint32_t request_timeout_ms;
    const struct sfe_http *http;
    const struct sfe_clock *clock;
    const struct sfe_crypto *crypto;
};

/* What a target with these options takes from the arena. Pure. */
size_t sfe_http_target_memory_bytes(const struct sfe_http_target_options *options);

/* Memory from `arena`. */
SFE_MUST_USE enum sfe_code sfe_http_target_open(const struct sfe_http_target_options *options,
                                                struct sfe_arena *arena, struct sfe_target *target,
                                                struct sfe_error *err);

/* Ends what is in flight: that is unknown then. Wipes what it made of secrets. */
void sfe_http_target_close(struct sfe_target *target);

#endif
