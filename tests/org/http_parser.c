#include "http_parser.h"

#include "schema.h"

struct sfe_slice split_first(struct sfe_slice *rest, char separator)
{
    const uint8_t *at = rest->size == 0 ? NULL : memchr(rest->bytes, separator, rest->size);
    size_t size = at == NULL ? rest->size : (size_t)(at - rest->bytes);
    struct sfe_slice first = sfe_slice_part(*rest, 0, size);
    *rest = sfe_slice_part(*rest, size + 1, rest->size);
    return first;
}

static struct sfe_slice trimmed(struct sfe_slice text)
{
    while (text.size != 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text = sfe_slice_part(text, 1, text.size);
    }
    while (text.size != 0 &&
           (text.bytes[text.size - 1] == ' ' || text.bytes[text.size - 1] == '\t' ||
            text.bytes[text.size - 1] == '\r')) {
        text.size--;
    }
    return text;
}

static bool read_length(struct sfe_slice text, size_t *length)
{
    size_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || value > SIZE_MAX / 20) {
            return false;
        }
        value = value * 10 + (size_t)(text.bytes[i] - '0');
    }
    *length = value;
    return text.size != 0;
}

struct header_row {
    const char *name;
    size_t offset;
};

static const struct header_row HEADERS[] = {
    {"host", offsetof(struct http_request, host)},
    {"authorization", offsetof(struct http_request, authorization)},
    {"content-type", offsetof(struct http_request, content_type)},
    {"content-encoding", offsetof(struct http_request, content_encoding)},
    {"cookie", offsetof(struct http_request, cookie)},
    {"accept-encoding", offsetof(struct http_request, accept_encoding)},
    {"x-control", offsetof(struct http_request, x_control)}};

static bool is_named(struct sfe_slice name, const char *text)
{
    return text_equal_caseless(name, sfe_slice_text(text));
}

static bool read_framing_header(struct http_request *request, struct sfe_slice name,
                                struct sfe_slice value)
{
    if (is_named(name, "content-length")) {
        size_t length = 0;
        bool repeated = request->has_length;
        size_t before = request->content_length;
        request->has_length = read_length(value, &length);
        request->content_length = length;
        return request->has_length && (!repeated || before == length);
    }
    if (is_named(name, "transfer-encoding")) {
        request->chunked = is_named(value, "chunked");
        return request->chunked;
    }
    if (is_named(name, "expect")) {
        request->expect_continue = is_named(value, "100-continue");
    } else if (is_named(name, "connection")) {
        request->close = request->close || is_named(value, "close");
    }
    return true;
}

static bool read_header(struct http_request *request, struct sfe_slice line)
{
    struct sfe_slice value = line;
    struct sfe_slice name = split_first(&value, ':');
    if (name.size == 0 || name.size == line.size || name.bytes[name.size - 1] == ' ') {
        return false;
    }
    value = trimmed(value);
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
        if (is_named(name, HEADERS[i].name)) {
            memcpy((uint8_t *)request + HEADERS[i].offset, &value, sizeof value);
            return true;
        }
    }
    return read_framing_header(request, name, value);
}

static enum http_method method_of(struct sfe_slice text)
{
    static const char *const METHODS[] = {"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"};
    unsigned i = 0;
    while (i < HTTP_OTHER && !sfe_slice_equal(text, sfe_slice_text(METHODS[i]))) {
        i++;
    }
    return (enum http_method)i;
}

static bool read_request_line(struct http_request *request, struct sfe_slice line)
{
    line = trimmed(line);
    request->method = method_of(split_first(&line, ' '));
    struct sfe_slice target = split_first(&line, ' ');
    request->query = target;
    request->path = split_first(&request->query, '?');
    bool is_old = sfe_slice_equal(line, SFE_TEXT("HTTP/1.0"));
    request->close = is_old;
    return target.size != 0 && target.bytes[0] == '/' &&
           (is_old || sfe_slice_equal(line, SFE_TEXT("HTTP/1.1")));
}

/* Size of the head with its blank line; 0 where it is not whole. */
static size_t head_size(struct sfe_slice in)
{
    size_t at = 0;
    while (at < in.size) {
        const uint8_t *end = memchr(in.bytes + at, '\n', in.size - at);
        if (end == NULL) {
            return 0;
        }
        size_t line = (size_t)(end - in.bytes) - at;
        at += line + 1;
        if (line == 0 || (line == 1 && end[-1] == '\r')) {
            return at;
        }
    }
    return 0;
}

static bool read_head(struct http_request *request, struct sfe_slice head)
{
    if (!read_request_line(request, split_first(&head, '\n'))) {
        return false;
    }
    while (head.size != 0) {
        struct sfe_slice line = trimmed(split_first(&head, '\n'));
        if (line.size != 0 && !read_header(request, line)) {
            return false;
        }
    }
    return !(request->chunked && request->has_length);
}

static bool read_chunk_size(struct sfe_slice line, size_t *size)
{
    line = trimmed(split_first(&line, ';'));
    *size = 0;
    for (size_t i = 0; i < line.size; i++) {
        uint8_t byte = (uint8_t)(line.bytes[i] | 0x20);
        bool is_digit = line.bytes[i] >= '0' && line.bytes[i] <= '9';
        if ((!is_digit && (byte < 'a' || byte > 'f')) || *size > HTTP_BODY_BYTES_MAX) {
            return false;
        }
        *size = *size * 16 + (size_t)(is_digit ? line.bytes[i] - '0' : byte - 'a' + 10);
    }
    return line.size != 0;
}

/* Puts chunks together. The trailer section is skipped. */
static enum http_progress read_chunks(struct sfe_slice in, size_t begin, struct buffer *joined,
                                      struct http_request *request, size_t *size)
{
    size_t at = begin;
    joined->size = 0;
    for (;;) {
        struct sfe_slice rest = sfe_slice_part(in, at, in.size);
        const uint8_t *end = rest.size == 0 ? NULL : memchr(rest.bytes, '\n', rest.size);
        size_t chunk = 0;
        if (end == NULL) {
            return rest.size > 1024 ? HTTP_BAD : HTTP_MORE;
        }
        size_t line = (size_t)(end - rest.bytes) + 1;
        if (!read_chunk_size(sfe_slice_part(rest, 0, line - 1), &chunk)) {
            return HTTP_BAD;
        }
        if (joined->size + chunk > HTTP_BODY_BYTES_MAX) {
            return HTTP_TOO_LARGE;
        }
        if (chunk == 0) {
            size_t trailer = head_size(sfe_slice_part(rest, line, rest.size));
            *size = at + line + trailer;
            request->body = buffer_slice(joined);
            return trailer == 0 ? HTTP_MORE : HTTP_WHOLE;
        }
        if (rest.size < line + chunk + 2) {
            return HTTP_MORE;
        }
        buffer_add(joined, sfe_slice_part(rest, line, chunk));
        at += line + chunk;
        if (in.bytes[at] != '\r' || in.bytes[at + 1] != '\n') {
            return HTTP_BAD;
        }
        at += 2;
    }
}

static enum http_progress unfinished_head(struct sfe_slice in)
{
    if (in.size <= HTTP_HEAD_BYTES_MAX) {
        return HTTP_MORE;
    }
    return memchr(in.bytes, '\n', in.size) == NULL ? HTTP_URI_TOO_LONG : HTTP_HEAD_TOO_LARGE;
}

enum http_progress http_parse(struct sfe_slice in, struct buffer *joined,
                              struct http_request *request, size_t *size)
{
    *request = (struct http_request){.method = HTTP_OTHER};
    *size = 0;
    size_t head = head_size(sfe_slice_part(in, 0, HTTP_HEAD_BYTES_MAX + 2));
    if (head == 0) {
        return unfinished_head(in);
    }
    if (!read_head(request, sfe_slice_part(in, 0, head))) {
        return HTTP_BAD;
    }
    if (request->chunked) {
        enum http_progress progress = read_chunks(in, head, joined, request, size);
        *size = progress == HTTP_WHOLE ? *size : 0;
        return progress;
    }
    if (request->content_length > HTTP_BODY_BYTES_MAX) {
        return HTTP_TOO_LARGE;
    }
    *size = head + request->content_length;
    request->body = sfe_slice_part(in, head, request->content_length);
    return in.size < *size ? HTTP_MORE : HTTP_WHOLE;
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool url_decode(struct sfe_slice text, bool plus, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        if (byte == '%') {
            if (text.size - i < 3 || hex_digit(text.bytes[i + 1]) < 0 ||
                hex_digit(text.bytes[i + 2]) < 0) {
                return false;
            }
            byte = (uint8_t)(hex_digit(text.bytes[i + 1]) * 16 + hex_digit(text.bytes[i + 2]));
            i += 2;
        } else if (plus && byte == '+') {
            byte = ' ';
        }
        buffer_add(out, sfe_slice_make(&byte, 1));
    }
    return true;
}

bool form_value(struct sfe_slice form, struct sfe_slice name, struct sfe_slice *value)
{
    while (form.size != 0) {
        struct sfe_slice pair = split_first(&form, '&');
        if (sfe_slice_equal(split_first(&pair, '='), name)) {
            *value = pair;
            return true;
        }
    }
    return false;
}
