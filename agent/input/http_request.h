/* Reads the head of an HTTP/1.x request (RFC 9112), strictly: what could be read in two ways is
 * refused. Pure; any thread. */
#ifndef SFE_INPUT_HTTP_REQUEST_H
#define SFE_INPUT_HTTP_REQUEST_H

#include "base/bytes.h"
#include "base/error.h"

/* A head is a few hundred bytes; tokens and cookies of proxies make it some thousand. */
#define HTTP_HEAD_BYTES_MAX 8192u
#define HTTP_FIELDS_MAX     64u
/* The identity of a request, as its sender names it. */
#define HTTP_KEY_BYTES_MAX 255u

enum http_body_kind {
    HTTP_BODY_JSON, /* One value. */
    HTTP_BODY_LINES /* One value a line. */
};

/* The fields that hold a signature and its time; they may be one. NULL: none. */
struct http_field_names {
    const char *signature;
    const char *time;
};

/* Slices are of the bytes that were read. */
struct http_head {
    size_t bytes; /* Of the head, with the empty line that ends it. */
    struct sfe_slice method;
    struct sfe_slice path; /* Without a query. */
    bool is_http_1_0;
    bool wants_close;
    bool wants_continue; /* "Expect: 100-continue" */
    bool is_chunked;     /* Or any other transfer coding. */
    bool is_gzip;        /* Content coding "gzip", once. */
    bool is_encoded;     /* Any other content coding but identity. */
    bool is_known_kind;  /* The content type is one we read, or not said. */
    bool has_body_bytes;
    uint64_t body_bytes;
    enum http_body_kind body_kind;
    struct sfe_slice authorization;
    struct sfe_slice key; /* "Idempotency-Key" */
    struct sfe_slice signature;
    struct sfe_slice time; /* Of the signature, where it has a field of its own. */
};

/* Reads a head from the front of `bytes`. SFE_E_AGAIN: it is not whole yet. SFE_E_PROTOCOL: it is
 * none, with err->http_status what to answer. */
SFE_MUST_USE enum sfe_code http_head_parse(struct sfe_slice bytes,
                                           const struct http_field_names *names,
                                           struct http_head *head, struct sfe_error *err);

/* Whether a body of such a head is taken: has it a length up to `body_bytes_max`, is it something
 * that we read? SFE_E_PROTOCOL as above. */
SFE_MUST_USE enum sfe_code http_head_check_body(const struct http_head *head,
                                                uint64_t body_bytes_max, struct sfe_error *err);

/* Records a refusal of a request: SFE_E_PROTOCOL, with what to answer. */
enum sfe_code http_refuse(struct sfe_error *err, uint16_t status, const char *text);

/* True where both are the same text, in whatever case of letters. */
bool http_same_word(struct sfe_slice a, struct sfe_slice b);

#endif
