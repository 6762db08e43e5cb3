#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "base/assert.h"

#define READ_BYTES       65536u
#define READ_AT_ONCE_MAX (4u * 1024u * 1024u)
#define GZIP_BYTES_MIN   1024u
#define OUT_BYTES_MAX    (8u * 1024u * 1024u)

struct connection *connection_open(int socket, struct tls_stream *tls)
{
    struct connection *connection = memory_take(sizeof *connection);
    *connection = (struct connection){.socket = socket, .tls = tls};
    return connection;
}

void connection_close(struct connection *connection)
{
    tls_stream_close(connection->tls);
    (void)close(connection->socket);
    buffer_close(&connection->in);
    buffer_close(&connection->joined);
    buffer_close(&connection->out);
    free(connection);
}

static const char *reason(uint16_t status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 204:
        return "No Content";
    case 300:
        return "Multiple Choices";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 503:
        return "Service Unavailable";
    default:
        return status < 500 ? "Bad Request" : "Server Error";
    }
}

static void add_date(struct buffer *out)
{
    static const char DAYS[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char MONTHS[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)clock_wall_s();
    struct tm tm;
    if (gmtime_r(&now, &tm) != NULL) {
        buffer_format(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", DAYS[tm.tm_wday],
                      tm.tm_mday, MONTHS[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                      tm.tm_sec);
    }
}

/* Compresses the reply's body into the org's memory; false leaves it as it is. */
static bool deflate_body(struct org *org, const struct reply *reply)
{
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    size_t bound = deflateBound(&stream, reply->body.size);
    org->deflated.size = 0;
    stream.next_in = reply->body.bytes;
    stream.avail_in = (uInt)reply->body.size;
    stream.next_out = buffer_reserve(&org->deflated, bound);
    stream.avail_out = (uInt)bound;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    org->deflated.size = bound - stream.avail_out;
    (void)deflateEnd(&stream);
    return whole;
}

static bool accepts_gzip(struct sfe_slice accept)
{
    while (accept.size != 0) {
        struct sfe_slice one = split_first(&accept, ',');
        struct sfe_slice name = split_first(&one, ';');
        while (name.size != 0 && name.bytes[0] == ' ') {
            name = sfe_slice_part(name, 1, name.size);
        }
        if (text_equal_caseless(name, SFE_TEXT("gzip"))) {
            return !sfe_slice_equal(one, SFE_TEXT("q=0"));
        }
    }
    return false;
}

/* Puts head and body behind the output. */
static void add_reply(struct connection *connection, struct org *org,
                      const struct http_request *request, const struct reply *reply)
{
    struct buffer *out = &connection->out;
    struct sfe_slice body = buffer_slice(&reply->body);
    bool packed = reply->may_gzip && org->options.gzip_answers && body.size >= GZIP_BYTES_MIN &&
                  accepts_gzip(request->accept_encoding) && deflate_body(org, reply);
    if (packed) {
        body = buffer_slice(&org->deflated);
    }
    buffer_format(out, "HTTP/1.1 %u %s\r\n", reply->status, reason(reply->status));
    add_date(out);
    buffer_add_text(out, reply->headers);
    if (packed) {
        buffer_add_text(out, "Content-Encoding: gzip\r\n");
    }
    if (connection->closing) {
        buffer_add_text(out, "Connection: close\r\n");
    }
    if (reply->status != 204) {
        buffer_format(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", reply->content_type,
                      body.size);
    }
    buffer_add_text(out, "\r\n");
    if (request->method == HTTP_HEAD || reply->status == 204) {
        return;
    }
    if (reply->fate == REPLY_TRUNCATE) {
        body.size /= 2;
    }
    buffer_add(out, body);
}

static void answer_one(struct connection *connection, struct org *org,
                       const struct http_request *request, struct reply *reply)
{
    org_answer(org, request, reply);
    connection->closing = request->close || org->stopping;
    switch (reply->fate) {
    case REPLY_CUT:
        /* What was answered before on this connection still goes out. */
        connection->closing = true;
        connection_write(connection);
        connection->dead = true;
        return;
    case REPLY_NEVER:
        connection->held_until_ms = UINT64_MAX;
        return;
    case REPLY_HOLD:
        connection->held_until_ms = UINT64_MAX;
        connection->poll_number = reply->poll_number;
        return;
    case REPLY_TRUNCATE:
        connection->closing = true;
        break;
    case REPLY_SEND:
        break;
    }
    if (reply->delay_ms != 0) {
        /* Answers before this one must not wait for it. */
        connection_write(connection);
        connection->held_until_ms = clock_monotonic_ms() + reply->delay_ms;
    }
    add_reply(connection, org, request, reply);
}

uint64_t connection_poll(struct connection *connection, struct org *org, struct reply *reply,
                         uint64_t now_ms)
{
    static const struct http_request request = {.method = HTTP_POST};
    uint64_t next_ms = UINT64_MAX;
    if (connection->poll_number == 0 || connection->dead ||
        !cometd_finish(org, connection->poll_number, now_ms, reply, &next_ms)) {
        return next_ms;
    }
    connection->poll_number = 0;
    connection->held_until_ms = 0;
    if (reply->fate == REPLY_CUT) {
        connection->dead = true;
        return UINT64_MAX;
    }
    add_reply(connection, org, &request, reply);
    connection_go_on(connection, org, reply);
    return UINT64_MAX;
}

static void refuse_bytes(struct connection *connection, enum http_progress progress)
{
    static const char *const STATUS[] = {"",
                                         "",
                                         "400 Bad Request",
                                         "413 Content Too Large",
                                         "414 URI Too Long",
                                         "431 Request Header Fields Too Large"};
    SFE_ASSERT(progress >= HTTP_BAD && progress <= HTTP_HEAD_TOO_LARGE);
    buffer_format(&connection->out,
                  "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: text/html\r\n"
                  "Content-Length: 0\r\n\r\n",
                  STATUS[progress]);
    connection->closing = true;
}

static bool is_control(const struct http_request *request)
{
    struct sfe_slice begin = sfe_slice_part(request->path, 0, 9);
    return sfe_slice_equal(begin, SFE_TEXT("/control/"));
}

/* True where this request must not even be heard. */
static bool is_shut(const struct connection *connection, struct org *org,
                    const struct http_request *request)
{
    if (is_control(request)) {
        return false;
    }
    if (faults_down(&org->faults)) {
        org->faults.kinds[FAULT_DOWN].happened++;
        return true;
    }
    return connection->control_only;
}

static void answer_whole(struct connection *connection, struct org *org, struct reply *reply)
{
    while (!connection->closing && !connection->dead && !connection_held(connection) &&
           connection->out.size - connection->out_sent < OUT_BYTES_MAX) {
        struct sfe_slice rest = sfe_slice_part(buffer_slice(&connection->in), connection->in_taken,
                                               connection->in.size);
        struct http_request request;
        size_t size = 0;
        if (rest.size == 0 || rest.size < connection->needed) {
            break;
        }
        enum http_progress progress = http_parse(rest, &connection->joined, &request, &size);
        connection->needed = size;
        if (progress == HTTP_MORE) {
            if (request.expect_continue && !connection->continued) {
                connection->continued = true;
                buffer_add_text(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
            }
            break;
        }
        if (progress != HTTP_WHOLE) {
            refuse_bytes(connection, progress);
            break;
        }
        if (is_shut(connection, org, &request)) {
            connection->dead = true;
            break;
        }
        connection->continued = false;
        connection->needed = 0;
        connection->in_taken += size;
        answer_one(connection, org, &request, reply);
    }
    buffer_drop_front(&connection->in, connection->in_taken);
    connection->in_taken = 0;
}

void connection_read(struct connection *connection, struct org *org, struct reply *reply)
{
    size_t at_once = 0;
    /* What TLS has decrypted must be taken: epoll does not know of it. */
    while (connection->tls != NULL || at_once < READ_AT_ONCE_MAX) {
        size_t want = READ_BYTES;
        if (connection->needed > connection->in.size + want) {
            want = connection->needed - connection->in.size;
        }
        uint8_t *place = buffer_reserve(&connection->in, want);
        ssize_t got = connection->tls != NULL ? tls_read(connection->tls, place, want)
                                              : recv(connection->socket, place, want, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (got <= 0) {
            connection->dead = true;
            return;
        }
        connection->in.size += (size_t)got;
        at_once += (size_t)got;
        if (connection->tls == NULL && (size_t)got < want) {
            break; /* The socket is empty; epoll tells when it is not. */
        }
    }
    answer_whole(connection, org, reply);
}

/* Sends once; false where the socket takes no more. */
static bool send_some(struct connection *connection)
{
    const uint8_t *bytes = connection->out.bytes + connection->out_sent;
    size_t size = connection->out.size - connection->out_sent;
    size = connection->tls_retry_bytes != 0 ? connection->tls_retry_bytes : size;
    ssize_t done = connection->tls != NULL ? tls_write(connection->tls, bytes, size)
                                           : send(connection->socket, bytes, size, MSG_NOSIGNAL);
    if (done < 0 && (errno == EAGAIN || errno == EINTR)) {
        connection->tls_retry_bytes = connection->tls != NULL ? size : 0;
        return false;
    }
    connection->tls_retry_bytes = 0;
    connection->dead = connection->dead || done <= 0;
    connection->out_sent += done > 0 ? (size_t)done : 0;
    return done > 0;
}

void connection_write(struct connection *connection)
{
    while (connection_has_output(connection) && !connection_held(connection)) {
        if (!send_some(connection)) {
            return;
        }
    }
    if (!connection_has_output(connection)) {
        connection->out.size = 0;
        connection->out_sent = 0;
        connection->dead =
            connection->dead || (connection->closing && !connection_held(connection));
    }
}

void connection_go_on(struct connection *connection, struct org *org, struct reply *reply)
{
    size_t before = 0;
    do {
        before = connection->in.size;
        connection_write(connection);
        if (!connection->dead && !connection_has_output(connection)) {
            answer_whole(connection, org, reply);
        }
    } while (!connection->dead && connection->in.size != before);
    connection_write(connection);
}
