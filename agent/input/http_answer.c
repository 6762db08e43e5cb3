#include "base/assert.h"
#include "base/json_writer.h"
#include "input/http_parts.h"

#define BODY_BYTES_MAX 512u

static const struct {
    uint16_t status;
    const char *reason;
    const char *fields; /* What such an answer says besides. */
} answers[] = {
    {200, "OK", ""},
    {400, "Bad Request", ""},
    {401, "Unauthorized", "WWW-Authenticate: Bearer\r\n"},
    {403, "Forbidden", ""},
    {404, "Not Found", ""},
    {405, "Method Not Allowed", "Allow: POST\r\n"}, /* Or as below. */
    {408, "Request Timeout", ""},
    {411, "Length Required", ""},
    {413, "Content Too Large", ""},
    {415, "Unsupported Media Type", "Accept-Encoding: gzip, identity\r\n"},
    {417, "Expectation Failed", ""},
    {429, "Too Many Requests", "Retry-After: 1\r\n"},
    {431, "Request Header Fields Too Large", ""},
    {500, "Internal Server Error", ""},
    {503, "Service Unavailable", "Retry-After: 5\r\n"},
    {505, "HTTP Version Not Supported", ""},
};

static const char *fields_of(const struct http_connection *connection, size_t index)
{
    return answers[index].status == 405 && http_shows_pages(connection->source)
               ? "Allow: GET, HEAD\r\n"
               : answers[index].fields;
}

/* The head of an answer with a body of `size` bytes; there may be room for the body behind it. */
static struct sfe_builder add_head(struct http_connection *connection, uint16_t status,
                                   const char *type, size_t size)
{
    struct sfe_builder out = sfe_builder_make(connection->answer, sizeof(connection->answer));
    size_t index = 0;

    while (answers[index].status != status) {
        index++;
        SFE_ASSERT(index < sizeof(answers) / sizeof(answers[0]));
    }
    sfe_builder_format(&out,
                       "HTTP/1.1 %u %s\r\nContent-Type: %s\r\n"
                       "Content-Length: %zu\r\n%s%s\r\n",
                       (unsigned)status, answers[index].reason, type, size,
                       fields_of(connection, index),
                       connection->closes ? "Connection: close\r\n" : "");
    return out;
}

static void begin(struct http_connection *connection, const struct sfe_builder *out,
                  uint64_t now_ns)
{
    SFE_ASSERT(!out->overflowed);
    connection->answer_begin = 0;
    connection->answer_end = out->size;
    connection->state = HTTP_ANSWER;
    connection->due_ns = now_ns + HTTP_WRITE_NS;
}

static void begin_json(struct http_connection *connection, uint16_t status, struct sfe_slice body,
                       uint64_t now_ns)
{
    struct sfe_builder out = add_head(connection, status, "application/json", body.size);

    sfe_builder_add(&out, body);
    sfe_builder_rewind(&connection->page, 0);
    connection->page_begin = 0;
    begin(connection, &out, now_ns);
}

void http_answer_taken(struct http_connection *connection, uint64_t now_ns)
{
    uint8_t memory[BODY_BYTES_MAX];
    struct sfe_builder body = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer json = sfe_json_writer_make(&body);

    sfe_json_begin_object(&json, NULL);
    sfe_json_put_u64(&json, "accepted", connection->count);
    sfe_json_end_object(&json);
    connection->closes =
        connection->closes || connection->head.wants_close || connection->source->is_stopping;
    connection->source->acknowledged += connection->count;
    if (connection->identity != HTTP_NOBODY) {
        connection->source->known[connection->identity].accepted += connection->count;
    }
    begin_json(connection, 200, sfe_builder_slice(&body), now_ns);
}

/* The whole request was read, so that the next one can follow. */
static bool may_go_on(const struct http_connection *connection)
{
    return (connection->state == HTTP_STAGING || connection->state == HTTP_DURABLE) &&
           !connection->head.wants_close && !connection->source->is_stopping;
}

void http_answer_refused(struct http_connection *connection, const struct sfe_error *err,
                         uint64_t now_ns)
{
    uint8_t memory[BODY_BYTES_MAX];
    struct sfe_builder body = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer json = sfe_json_writer_make(&body);

    SFE_ASSERT(err->http_status != 0);
    sfe_json_begin_object(&json, NULL);
    sfe_json_put_text(&json, "error", sfe_slice_text(err->message));
    sfe_json_end_object(&json);
    if (body.overflowed) { /* Escapes have blown the text up. */
        body = sfe_builder_make(memory, sizeof(memory));
        sfe_builder_add_text(&body, "{\"error\":\"the request is not valid\"}");
    }
    connection->closes = connection->closes || !may_go_on(connection);
    connection->source->last_error = *err;
    (void)sfe_within(&connection->source->last_error, "a request was refused with %u",
                     (unsigned)err->http_status);
    begin_json(connection, err->http_status, sfe_builder_slice(&body), now_ns);
}

void http_answer_page(struct http_connection *connection, uint64_t now_ns)
{
    struct sfe_http_page page = {.status = 200, .type = "text/plain; charset=utf-8"};
    const struct http_source *source = connection->source;
    struct sfe_builder out;
    struct sfe_error err;

    sfe_builder_rewind(&connection->page, 0);
    page.body = connection->page;
    if (!source->pages.show(source->pages.owner, connection->head.path, &page)) {
        (void)http_refuse(&err, 404, "there is no page at this path");
        http_answer_refused(connection, &err, now_ns);
        return;
    }
    if (page.body.overflowed) {
        (void)http_refuse(&err, 500,
                          "the page is larger than the configuration at the start has made room "
                          "for; restart the agent");
        http_answer_refused(connection, &err, now_ns);
        return;
    }
    connection->page = page.body;
    connection->page_begin = 0;
    connection->closes = connection->closes || connection->head.wants_close || source->is_stopping;
    out = add_head(connection, page.status, page.type, page.body.size);
    if (sfe_slice_equal(connection->head.method, SFE_TEXT("HEAD"))) {
        sfe_builder_rewind(&connection->page, 0);
    }
    begin(connection, &out, now_ns);
}

void http_answer_continue(struct http_connection *connection)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t count = 0;

    /* So few bytes go at once, or the connection is of no use: what TLS has begun to write has to
     * be ended before anything else. */
    if (http_io_write(connection, sfe_slice_make(text, sizeof(text) - 1), &count) != SFE_IO_DATA ||
        count != sizeof(text) - 1) {
        http_connection_close(connection);
    }
}
