/* The simulated org: everything it holds, and how a request becomes a reply. One thread. */
#ifndef SFE_TESTS_ORG_ORG_H
#define SFE_TESTS_ORG_ORG_H

#include "audit.h"
#include "batch.h"
#include "bulk.h"
#include "cometd.h"
#include "contention.h"
#include "http_parser.h"
#include "sessions.h"

struct options {
    const char *objects_file;
    const char *listen;
    uint16_t port;
    uint16_t control_port; /* 0: control is on the main port only. */
    const char *port_file;
    const char *audit_file;
    const char *tls_certificate_file;
    const char *tls_key_file;
    const char *tls_client_ca_file;
    const char *client_id;
    const char *username;
    const char *certificate_file;
    const char *audience;
    const char *client_secret_file;
    const char *refresh_token_file;
    const char *faults; /* JSON, or @file. */
    uint64_t token_lifetime_ms;
    uint64_t api_limit;
    bool rotate_refresh_tokens;
    bool gzip_answers;
    bool bad_field_in_record;
};

/* The rows of a query that did not fit into one answer. */
#define CURSORS_MAX 8u
struct cursor {
    uint32_t number; /* 0: none. */
    char *text;      /* Of the query; owned, as the next. */
    uint32_t *rows;  /* Numbers of its records, in order. */
    uint32_t count;
};

/* What the connection does with a reply. */
enum reply_fate { REPLY_SEND, REPLY_CUT, REPLY_TRUNCATE, REPLY_NEVER, REPLY_HOLD };

struct reply {
    uint16_t status;
    const char *content_type;
    struct buffer body;
    char headers[512]; /* Further header lines, each with its CR LF. */
    enum reply_fate fate;
    uint64_t delay_ms;
    bool may_gzip;
    uint64_t poll_number; /* With REPLY_HOLD: of a poll that is answered later. */
};

struct org {
    struct options options;
    struct schema schema;
    struct table table;
    struct faults faults;
    struct contention contention;
    struct audit audit;
    struct sessions sessions;
    struct batch batch;
    struct bulk bulk;
    struct cometd cometd;
    struct buffer inflated;
    struct buffer deflated;
    struct buffer answers;         /* Of the parts of a composite call. */
    struct sfe_json_token *tokens; /* Owned; grown to the largest body. */
    uint32_t token_capacity;
    struct buffer scratch;              /* Texts of one request: URL-decoded names, form values. */
    struct cursor cursors[CURSORS_MAX]; /* The oldest goes first. */
    uint32_t cursor_number;
    bool is_tls;
    bool stopping; /* Asked to end. */
};

/* Answers one request into `reply`, which is emptied first. */
void org_answer(struct org *org, const struct http_request *request, struct reply *reply);

/* Parses `text` with the org's own tokens. */
SFE_MUST_USE enum sfe_code org_parse(struct org *org, struct sfe_slice text, struct sfe_json *json,
                                     struct sfe_error *err);

/* One call to a resource: the whole request, or a part of a composite one. */
struct call {
    enum http_method method;
    struct sfe_slice path;  /* Behind /services/data/vNN.0/ */
    struct sfe_slice query; /* Still URL-encoded. */
    const struct sfe_json *json;
    uint32_t body;    /* Token in json; SFE_JSON_NONE without a body. */
    bool all_or_none; /* The composite call's word, over that in the body. */
    bool is_part;
    uint32_t version; /* 62 */
    struct buffer *out;
    uint16_t status;
    struct sfe_slice raw; /* The body as it came. */
    bool is_csv;
    const char *content_type; /* Of the answer; NULL: JSON. */
    char locator[24];         /* Sforce-Locator of the answer; empty: none. */
};

/* Dispatches to the resource. */
void rest_call(struct org *org, struct call *call);

/* Answers /services/data/...; may set headers of the reply. */
void rest_answer(struct org *org, const struct http_request *request, struct reply *reply);

/* The error array of a whole call. */
void call_error(struct call *call, uint16_t status, const char *code, const char *format, ...)
    SFE_PRINTF(4, 5);
void add_error(struct buffer *out, const char *code, struct sfe_slice message,
               const struct field *field);

/* The refusal noted in the batch becomes the call's answer. */
void call_refused(const struct batch *batch, struct call *call);

/* Decodes a segment of a path into memory that lives as long as the request. */
SFE_MUST_USE bool call_segment(struct org *org, struct sfe_slice raw, struct sfe_slice *text);

/* composite/sobjects...; `rest` is the path behind it. */
void collections_call(struct org *org, struct call *call, struct sfe_slice rest);
/* What stands in `errors` of a record that was created: of an event, that it is under way. */
void write_published(const struct object *object, const struct record *record, struct buffer *out);
void composite_call(struct org *org, struct call *call);
void graph_call(struct org *org, struct call *call);
/* sobjects...; `rest` is the path behind it. */
void rows_call(struct org *org, struct call *call, struct sfe_slice rest);
void describe_object(const struct object *object, struct buffer *out);
void describe_all(const struct org *org, struct buffer *out);

/* query, queryAll; `rest` is the path behind it: empty, or the locator of a further page. */
void query_call(struct org *org, struct call *call, struct sfe_slice rest, bool with_deleted);
void query_close(struct org *org);

/* A field's stored value as JSON. Numbers have the text they came with. */
void record_write_value(const struct field *field, struct sfe_slice value, struct buffer *out);

/* A stored record as the API shows it, without "attributes". */
void record_write(const struct object *object, const struct record *record, struct buffer *out);

void oauth_answer(struct org *org, const struct http_request *request, struct reply *reply);
void control_answer(struct org *org, const struct http_request *request, struct reply *reply);

/* Wall clock and monotonic clock. */
int64_t clock_wall_s(void);
uint64_t clock_monotonic_ms(void);

#endif
