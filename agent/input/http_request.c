#include "input/http_request.h"

#include "base/assert.h"

#include <inttypes.h>

#define LINE_END_BYTES 2u

enum sfe_code http_refuse(struct sfe_error *err, uint16_t status, const char *text)
{
    (void)sfe_fail(err, SFE_E_PROTOCOL, "%s", text);
    err->http_status = status;
    return err->code;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool http_same_word(struct sfe_slice a, struct sfe_slice b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.bytes[i]) != lower(b.bytes[i])) {
            return false;
        }
    }
    return true;
}

/* A token of RFC 9110, section 5.6.2. */
static bool is_token_byte(uint8_t byte)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    const uint8_t letter = lower(byte);

    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') ||
           (byte != 0 && strchr(others, byte) != NULL);
}

static bool is_token(struct sfe_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_token_byte(text.bytes[i])) {
            return false;
        }
    }
    return text.size != 0;
}

static struct sfe_slice trim(struct sfe_slice text)
{
    while (text.size != 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text = sfe_slice_part(text, 1, text.size);
    }
    while (text.size != 0 &&
           (text.bytes[text.size - 1] == ' ' || text.bytes[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

/* Takes what stands before `byte`, and the byte; all where there is none. */
static struct sfe_slice take_until(struct sfe_slice *rest, uint8_t byte)
{
    const uint8_t *end =
        rest->size == 0 ? NULL : (const uint8_t *)memchr(rest->bytes, byte, rest->size);
    const size_t size = end == NULL ? rest->size : (size_t)(end - rest->bytes);
    const struct sfe_slice taken = sfe_slice_part(*rest, 0, size);

    *rest = sfe_slice_part(*rest, size + 1u, rest->size);
    return taken;
}

/* The size of a head that is whole, or 0. */
static size_t find_end(struct sfe_slice bytes)
{
    for (size_t i = 3; i < bytes.size; i++) {
        if (bytes.bytes[i] == '\n' && memcmp(bytes.bytes + i - 3, "\r\n\r\n", 4) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Takes a line with its end; there is one. False: a lone CR, LF or other control stands in it. */
static bool take_line(struct sfe_slice *rest, struct sfe_slice *line)
{
    size_t size = 0;

    while (rest->bytes[size] != '\n') {
        size++;
    }
    if (size == 0 || rest->bytes[size - 1] != '\r') {
        return false;
    }
    *line = sfe_slice_part(*rest, 0, size - 1u);
    *rest = sfe_slice_part(*rest, size + 1u, rest->size);
    for (size_t i = 0; i < line->size; i++) {
        if ((line->bytes[i] < 0x20 && line->bytes[i] != '\t') || line->bytes[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

static enum sfe_code read_request_line(struct sfe_slice line, struct http_head *head,
                                       struct sfe_error *err)
{
    struct sfe_slice rest = line;
    struct sfe_slice target;

    head->method = take_until(&rest, ' ');
    target = take_until(&rest, ' ');
    if (!is_token(head->method) || target.size == 0 || target.bytes[0] != '/') {
        return http_refuse(err, 400, "the request line is not valid");
    }
    head->path = take_until(&target, '?');
    head->is_http_1_0 = sfe_slice_equal(rest, SFE_TEXT("HTTP/1.0"));
    head->wants_close = head->is_http_1_0;
    if (!head->is_http_1_0 && !sfe_slice_equal(rest, SFE_TEXT("HTTP/1.1"))) {
        return sfe_slice_equal(sfe_slice_part(rest, 0, 5), SFE_TEXT("HTTP/"))
                   ? http_refuse(err, 505, "the version of HTTP is none of 1.1 and 1.0")
                   : http_refuse(err, 400, "the request line is not valid");
    }
    return SFE_OK;
}

static enum sfe_code read_length(struct sfe_slice value, struct http_head *head,
                                 struct sfe_error *err)
{
    uint64_t bytes = 0;

    /* Two lengths are how requests are smuggled past a proxy. */
    if (head->has_body_bytes || value.size == 0 || value.size > 18u) {
        return http_refuse(err, 400, "Content-Length is not one number");
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9') {
            return http_refuse(err, 400, "Content-Length is not one number");
        }
        bytes = bytes * 10u + (uint64_t)(value.bytes[i] - '0');
    }
    head->has_body_bytes = true;
    head->body_bytes = bytes;
    return SFE_OK;
}

static void read_type(struct sfe_slice value, struct http_head *head)
{
    static const char *const lines[] = {"application/x-ndjson", "application/ndjson",
                                        "application/jsonl", "application/x-jsonlines"};
    struct sfe_slice rest = value;
    const struct sfe_slice type = trim(take_until(&rest, ';'));
    const struct sfe_slice suffix = SFE_TEXT("+json");

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (http_same_word(type, sfe_slice_text(lines[i]))) {
            head->body_kind = HTTP_BODY_LINES;
            head->is_known_kind = true;
            return;
        }
    }
    head->body_kind = HTTP_BODY_JSON;
    head->is_known_kind =
        http_same_word(type, SFE_TEXT("application/json")) ||
        (type.size > suffix.size &&
         http_same_word(sfe_slice_part(type, type.size - suffix.size, suffix.size), suffix));
}

static enum sfe_code read_key(struct sfe_slice value, struct http_head *head, struct sfe_error *err)
{
    if (head->key.size != 0 || value.size == 0 || value.size > HTTP_KEY_BYTES_MAX) {
        return http_refuse(err, 400, "Idempotency-Key is not one text of 1 to 255 bytes");
    }
    head->key = value;
    return SFE_OK;
}

/* Is `word` in a list such as "keep-alive, close"? */
static bool has_word(struct sfe_slice list, struct sfe_slice word)
{
    while (list.size != 0) {
        if (http_same_word(trim(take_until(&list, ',')), word)) {
            return true;
        }
    }
    return false;
}

static enum sfe_code read_connection(struct sfe_slice value, struct http_head *head,
                                     struct sfe_error *err)
{
    (void)err;
    if (has_word(value, SFE_TEXT("close"))) {
        head->wants_close = true;
    } else if (head->is_http_1_0 && has_word(value, SFE_TEXT("keep-alive"))) {
        head->wants_close = false;
    }
    return SFE_OK;
}

static enum sfe_code read_expect(struct sfe_slice value, struct http_head *head,
                                 struct sfe_error *err)
{
    if (!http_same_word(value, SFE_TEXT("100-continue"))) {
        return http_refuse(err, 417, "of Expect only 100-continue is known");
    }
    head->wants_continue = !head->is_http_1_0;
    return SFE_OK;
}

static enum sfe_code read_transfer(struct sfe_slice value, struct http_head *head,
                                   struct sfe_error *err)
{
    (void)value;
    (void)err;
    head->is_chunked = true;
    return SFE_OK;
}

static enum sfe_code read_encoding(struct sfe_slice value, struct http_head *head,
                                   struct sfe_error *err)
{
    const bool is_gzip =
        http_same_word(value, SFE_TEXT("gzip")) || http_same_word(value, SFE_TEXT("x-gzip"));

    (void)err;
    head->is_encoded = head->is_encoded || (is_gzip && head->is_gzip) ||
                       (!is_gzip && !http_same_word(value, SFE_TEXT("identity")));
    head->is_gzip = head->is_gzip || is_gzip;
    return SFE_OK;
}

static enum sfe_code read_content_type(struct sfe_slice value, struct http_head *head,
                                       struct sfe_error *err)
{
    (void)err;
    read_type(value, head);
    return SFE_OK;
}

static enum sfe_code read_authorization(struct sfe_slice value, struct http_head *head,
                                        struct sfe_error *err)
{
    if (head->authorization.size != 0) {
        return http_refuse(err, 400, "Authorization stands twice");
    }
    head->authorization = value;
    return SFE_OK;
}

static const struct known_field {
    const char *name;
    enum sfe_code (*read)(struct sfe_slice value, struct http_head *head, struct sfe_error *err);
} known_fields[] = {
    {"content-length", read_length},       {"content-type", read_content_type},
    {"content-encoding", read_encoding},   {"transfer-encoding", read_transfer},
    {"authorization", read_authorization}, {"idempotency-key", read_key},
    {"connection", read_connection},       {"expect", read_expect},
};

static bool is_field(struct sfe_slice name, const char *wanted)
{
    return wanted != NULL && http_same_word(name, sfe_slice_text(wanted));
}

static enum sfe_code read_field(struct sfe_slice line, const struct http_field_names *names,
                                struct http_head *head, struct sfe_error *err)
{
    struct sfe_slice value = line;
    const struct sfe_slice name = take_until(&value, ':');

    /* A space before the colon or at the front is another way of smuggling. */
    if (!is_token(name) || name.size == line.size) {
        return http_refuse(err, 400, "a header field is not valid");
    }
    value = trim(value);
    if (is_field(name, names->signature)) {
        if (head->signature.size != 0) {
            return http_refuse(err, 400, "the signature stands twice");
        }
        head->signature = value;
    } else if (is_field(name, names->time)) {
        if (head->time.size != 0) {
            return http_refuse(err, 400, "the time of the signature stands twice");
        }
        head->time = value;
    }
    for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++) {
        if (http_same_word(name, sfe_slice_text(known_fields[i].name))) {
            return known_fields[i].read(value, head, err);
        }
    }
    return SFE_OK;
}

/* RFC 9112, section 2.2: empty lines before a request are let pass. */
static size_t skip_empty_lines(struct sfe_slice bytes)
{
    size_t at = 0;

    while (bytes.size - at >= LINE_END_BYTES && bytes.bytes[at] == '\r' &&
           bytes.bytes[at + 1] == '\n') {
        at += LINE_END_BYTES;
    }
    return at;
}

static enum sfe_code read_lines(struct sfe_slice rest, const struct http_field_names *names,
                                struct http_head *head, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;
    struct sfe_slice line;
    uint32_t fields = 0;

    if (!take_line(&rest, &line)) {
        return http_refuse(err, 400, "the request line is not valid");
    }
    code = read_request_line(line, head, err);
    while (code == SFE_OK) {
        if (!take_line(&rest, &line)) {
            return http_refuse(err, 400, "a header field is not valid");
        }
        if (line.size == 0) {
            return SFE_OK;
        }
        if (++fields > HTTP_FIELDS_MAX) {
            return http_refuse(err, 431, "there are too many header fields");
        }
        code = read_field(line, names, head, err);
    }
    return code;
}

enum sfe_code http_head_parse(struct sfe_slice bytes, const struct http_field_names *names,
                              struct http_head *head, struct sfe_error *err)
{
    const struct sfe_slice front = sfe_slice_part(bytes, 0, HTTP_HEAD_BYTES_MAX);
    const size_t begin = skip_empty_lines(front);
    const struct sfe_slice text = sfe_slice_part(front, begin, front.size);
    const size_t size = find_end(text);

    memset(head, 0, sizeof(*head));
    if (size == 0 && front.size == HTTP_HEAD_BYTES_MAX) {
        return http_refuse(err, 431, "the head of the request is too large");
    }
    if (size == 0) {
        return SFE_E_AGAIN;
    }
    head->bytes = begin + size;
    head->is_known_kind = true;
    return read_lines(sfe_slice_part(text, 0, size), names, head, err);
}

enum sfe_code http_head_check_body(const struct http_head *head, uint64_t body_bytes_max,
                                   struct sfe_error *err)
{
    if (head->is_chunked && head->has_body_bytes) {
        return http_refuse(err, 400, "Content-Length and Transfer-Encoding contradict each other");
    }
    if (head->is_chunked || !head->has_body_bytes) {
        return http_refuse(err, 411, "the request needs a Content-Length; chunks are not taken");
    }
    if (head->body_bytes > body_bytes_max) {
        (void)sfe_fail(err, SFE_E_PROTOCOL,
                       "the body of %" PRIu64 " bytes is over the limit of %" PRIu64,
                       head->body_bytes, body_bytes_max);
        err->http_status = 413;
        return err->code;
    }
    if (head->is_encoded) {
        return http_refuse(err, 415, "the Content-Encoding must be gzip, or none");
    }
    if (!head->is_known_kind) {
        return http_refuse(err, 415,
                           "the Content-Type must be application/json or application/x-ndjson");
    }
    return SFE_OK;
}
