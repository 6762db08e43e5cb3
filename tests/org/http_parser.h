/* HTTP/1.1 requests (RFC 9112) out of a connection's bytes. Pure; everything borrowed from the
 * input. */
#ifndef SFE_TESTS_ORG_HTTP_PARSER_H
#define SFE_TESTS_ORG_HTTP_PARSER_H

#include "buffer.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PATCH, HTTP_PUT, HTTP_DELETE, HTTP_HEAD, HTTP_OTHER };

enum http_progress {
    HTTP_MORE, /* Not whole yet. */
    HTTP_WHOLE,
    HTTP_BAD,           /* 400 */
    HTTP_TOO_LARGE,     /* 413: the body. */
    HTTP_URI_TOO_LONG,  /* 414 */
    HTTP_HEAD_TOO_LARGE /* 431: request line and headers over 16,384 bytes (REST limits). */
};

#define HTTP_HEAD_BYTES_MAX 16384u
#define HTTP_BODY_BYTES_MAX (50u * 1024u * 1024u)

struct http_request {
    enum http_method method;
    struct sfe_slice path;  /* Still URL-encoded. */
    struct sfe_slice query; /* Behind the '?'. */
    struct sfe_slice host;
    struct sfe_slice authorization;
    struct sfe_slice content_type;
    struct sfe_slice content_encoding;
    struct sfe_slice accept_encoding;
    struct sfe_slice cookie;
    struct sfe_slice x_control;
    struct sfe_slice body;
    size_t content_length;
    bool has_length;
    bool chunked;
    bool expect_continue;
    bool close; /* The client wants the connection closed, or speaks HTTP/1.0. */
};

/* Parses one request at the front of `in`. HTTP_WHOLE: *size is what it takes up. HTTP_MORE: *size
 * is how many bytes are needed at least (0: unknown); request->expect_continue is set once the head
 * is whole. A chunked body is put together in `joined`. */
enum http_progress http_parse(struct sfe_slice in, struct buffer *joined,
                              struct http_request *request, size_t *size);

/* Decodes %XX (and '+' where `plus`) into `out`; false where it is malformed. */
bool url_decode(struct sfe_slice text, bool plus, struct buffer *out);

/* The raw value of `name` in a query or form; false if it is not there. */
bool form_value(struct sfe_slice form, struct sfe_slice name, struct sfe_slice *value);

/* Takes the part up to `separator` off the front of `rest`, the separator too. */
struct sfe_slice split_first(struct sfe_slice *rest, char separator);

#endif
