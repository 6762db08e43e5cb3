/* What an answer said, and what became of a request that got none. */
#include "exchange.h"

#include "base/assert.h"
#include "base/time_format.h"

#include <errno.h>
#include <strings.h>

/* Below this size curl before 8.7 sends a body together with the headers and counts it with them.
 */
#define CURL_JOINED_BODY_BYTES (64u * 1024u)
/* Of a request without its body, where that cannot be told from what is known. */
#define HEAD_BYTES 1024u
/* Of all headers of an answer: curl keeps each of them. */
#define HEADERS_BYTES_MAX (256u * 1024u)
#define RETRY_AFTER_S_MAX INT64_C(604800)

static struct sfe_slice trim(struct sfe_slice text)
{
    while (text.size > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text = sfe_slice_part(text, 1, text.size);
    }
    while (text.size > 0 && text.bytes[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

/* The value when `line` is header `name`; `bytes` NULL otherwise. */
static struct sfe_slice value_of(struct sfe_slice line, const char *name)
{
    size_t size = strlen(name);
    union {
        const uint8_t *bytes;
        const char *text;
    } start = {.bytes = line.bytes};
    if (line.size <= size || line.bytes[size] != ':' || strncasecmp(start.text, name, size) != 0) {
        return sfe_slice_make(NULL, 0);
    }
    return trim(sfe_slice_part(line, size + 1, line.size));
}

static void take(char *text, size_t capacity, struct sfe_slice line, const char *name)
{
    struct sfe_slice value = value_of(line, name);
    if (value.bytes != NULL && value.size < capacity) {
        sfe_printable(text, capacity, value);
    }
}

static void take_content_type(struct sfe_http_answer *answer, struct sfe_slice line)
{
    struct sfe_slice value = value_of(line, "Content-Type");
    if (value.bytes == NULL) {
        return;
    }
    const uint8_t *end = memchr(value.bytes, ';', value.size);
    if (end != NULL) {
        value = trim(sfe_slice_part(value, 0, (size_t)(end - value.bytes)));
    }
    sfe_printable(answer->content_type, sizeof(answer->content_type), value);
    for (char *place = answer->content_type; *place != '\0'; place++) {
        if (*place >= 'A' && *place <= 'Z') {
            *place = (char)(*place - 'A' + 'a');
        }
    }
}

/* One that does not fit is left out whole. */
static void take_cookie(struct sfe_builder *cookies, struct sfe_slice line)
{
    struct sfe_slice value = value_of(line, "Set-Cookie");
    const size_t before = cookies->size;

    if (value.bytes == NULL) {
        return;
    }
    sfe_builder_add(cookies, value);
    sfe_builder_add_byte(cookies, '\n');
    if (cookies->overflowed) {
        sfe_builder_rewind(cookies, before);
    }
}

size_t answer_take_header(char *bytes, size_t one, size_t size, void *context)
{
    struct sfe_http_exchange *exchange = context;
    struct sfe_http_answer *answer = &exchange->answer;
    struct sfe_slice line = sfe_slice_make(bytes, size);
    SFE_ASSERT(one == 1);
    exchange->header_bytes += size;
    if (exchange->header_bytes > HEADERS_BYTES_MAX) {
        return size == 0 ? 1 : 0;
    }
    if (size >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        /* A new status line: what came before was interim (1xx). */
        exchange->retry_after[0] = '\0';
        exchange->date[0] = '\0';
        answer->content_type[0] = '\0';
        answer->limit_info[0] = '\0';
        answer->locator[0] = '\0';
        answer->location[0] = '\0';
        return size;
    }
    take(exchange->retry_after, sizeof(exchange->retry_after), line, "Retry-After");
    take(exchange->date, sizeof(exchange->date), line, "Date");
    take(answer->limit_info, sizeof(answer->limit_info), line, "Sforce-Limit-Info");
    take(answer->locator, sizeof(answer->locator), line, "Sforce-Locator");
    take(answer->location, sizeof(answer->location), line, "Location");
    take_content_type(answer, line);
    if (exchange->cookies != NULL) {
        take_cookie(exchange->cookies, line);
    }
    return size;
}

static bool is_for_sink(const struct sfe_http_exchange *exchange)
{
    long status = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return exchange->sink != NULL && status >= 200 && status < 300;
}

size_t answer_take_body(char *bytes, size_t one, size_t size, void *context)
{
    struct sfe_http_exchange *exchange = context;
    SFE_ASSERT(one == 1);
    if (is_for_sink(exchange)) {
        enum sfe_code code =
            exchange->sink->take(exchange->sink->context, sfe_slice_make(bytes, size));
        return code == SFE_OK ? size : size == 0;
    }
    if (size > sfe_builder_room(exchange->answer_body)) {
        exchange->is_over_bound = true;
        return size == 0 ? 1 : 0; /* Another number than `size`: curl gives the exchange up. */
    }
    sfe_builder_add(exchange->answer_body, sfe_slice_make(bytes, size));
    return size;
}

/* Retry-After is a count of seconds or a date (RFC 9110, section 10.2.3). A date counts from the
 * server's own Date where there is one, as our clock may be wrong. */
static int64_t read_retry_after(const struct sfe_http_exchange *exchange, int64_t wall_s)
{
    const char *text = exchange->retry_after;
    struct sfe_error ignored;
    int64_t number = 0;
    if (text[0] == '\0') {
        return -1;
    }
    if (sfe_time_parse_http(sfe_slice_text(text), &number, &ignored) == SFE_OK) {
        number -= exchange->answer.date_unix_s != 0 ? exchange->answer.date_unix_s : wall_s;
        number = number < 0 ? 0 : number;
        return number < RETRY_AFTER_S_MAX ? number : RETRY_AFTER_S_MAX;
    }
    for (const char *place = text; *place != '\0'; place++) {
        if (*place < '0' || *place > '9') {
            return -1;
        }
        number = number * 10 + (*place - '0');
        if (number > RETRY_AFTER_S_MAX) {
            return RETRY_AFTER_S_MAX;
        }
    }
    return number;
}

static void read_times(struct sfe_http_exchange *exchange, int64_t wall_s)
{
    struct sfe_error ignored;
    int64_t date_s = 0;
    if (sfe_time_parse_http(sfe_slice_text(exchange->date), &date_s, &ignored) == SFE_OK) {
        exchange->answer.date_unix_s = date_s;
    }
    exchange->answer.retry_after_s = read_retry_after(exchange, wall_s);
}

static uint64_t sent_bytes(const struct sfe_http_exchange *exchange)
{
    long request = 0;
    curl_off_t body = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &request);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &body);
    uint64_t total = request > 0 ? (uint64_t)request : 0;
#if LIBCURL_VERSION_NUM < 0x080700
    const uint64_t sent = body > 0 ? (uint64_t)body : 0;
    if (exchange->upload == NULL && !exchange->is_once &&
        exchange->body_size < CURL_JOINED_BODY_BYTES) {
        /* At a bounded speed a part of the body follows alone; nobody tells how large a part. */
        return total >= sent ? total : sent + (total < HEAD_BYTES ? total : HEAD_BYTES);
    }
#endif
    return total + (body > 0 ? (uint64_t)body : 0);
}

static uint64_t received_bytes(const struct sfe_http_exchange *exchange)
{
    long headers = 0;
    curl_off_t body = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_HEADER_SIZE, &headers);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
    return (headers > 0 ? (uint64_t)headers : 0) + (body > 0 ? (uint64_t)body : 0);
}

/* What curl's results mean. `sends_nothing`: curl had not come as far as the request. */
static const struct meaning {
    CURLcode result;
    enum sfe_code code;
    bool sends_nothing;
} meanings[] = {
    {CURLE_OPERATION_TIMEDOUT, SFE_E_TIMEOUT, false},
    {CURLE_COULDNT_RESOLVE_HOST, SFE_E_NETWORK, true},
    {CURLE_COULDNT_RESOLVE_PROXY, SFE_E_NETWORK, true},
    {CURLE_INTERFACE_FAILED, SFE_E_NETWORK, true},
    {CURLE_COULDNT_CONNECT, SFE_E_NETWORK, true},
    {CURLE_SSL_CONNECT_ERROR, SFE_E_TLS, false},
    {CURLE_PEER_FAILED_VERIFICATION, SFE_E_TLS, true},
    {CURLE_SSL_CACERT_BADFILE, SFE_E_TLS, true},
    {CURLE_SSL_CERTPROBLEM, SFE_E_TLS, false},
    {CURLE_SSL_CIPHER, SFE_E_TLS, false},
    {CURLE_SSL_ISSUER_ERROR, SFE_E_TLS, false},
    {CURLE_SSL_INVALIDCERTSTATUS, SFE_E_TLS, false},
    {CURLE_USE_SSL_FAILED, SFE_E_TLS, false},
    {CURLE_UNSUPPORTED_PROTOCOL, SFE_E_PROTOCOL, true},
    {CURLE_URL_MALFORMAT, SFE_E_PROTOCOL, true},
    {CURLE_WEIRD_SERVER_REPLY, SFE_E_PROTOCOL, false},
    {CURLE_BAD_CONTENT_ENCODING, SFE_E_PROTOCOL, false},
    {CURLE_WRITE_ERROR, SFE_E_PROTOCOL, false},
    {CURLE_OUT_OF_MEMORY, SFE_E_NO_MEMORY, false},
};

static struct meaning meaning_of(CURLcode result)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].result == result) {
            return meanings[i];
        }
    }
    return (struct meaning){result, result == CURLE_OK ? SFE_OK : SFE_E_NETWORK, false};
}

/* The status with which a proxy refused to connect us; 0: none did. */
static unsigned refusal_of_proxy(const struct sfe_http_exchange *exchange)
{
    long status = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status >= 300 && status < 1000 ? (unsigned)status : 0;
}

static bool may_have_left(const struct sfe_http_exchange *exchange, CURLcode result)
{
    curl_off_t ready_us = 0;
    if (meaning_of(result).sends_nothing || refusal_of_proxy(exchange) != 0) {
        return false; /* The bytes sent went to the proxy: its CONNECT. */
    }
    if (exchange->answer.sent_bytes > 0) {
        return true;
    }
    /* PRETRANSFER: the connection stood, TLS and all, and the request was next. */
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    return ready_us > 0;
}

static enum sfe_code code_of(const struct sfe_http_exchange *exchange, CURLcode result)
{
    if (exchange->is_over_bound) {
        return SFE_E_TOO_LARGE;
    }
    if (exchange->upload_failed) {
        return SFE_E_STORAGE;
    }
    if (result == CURLE_SSL_CONNECT_ERROR) {
        /* A handshake that was cut says nothing about the peer's trust. */
        long cause = 0;
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &cause);
        if (cause == ECONNRESET || cause == EPIPE || cause == ETIMEDOUT) {
            return SFE_E_NETWORK;
        }
    }
    return meaning_of(result).code;
}

void answer_finish(struct sfe_http_exchange *exchange, CURLcode result, int64_t wall_s)
{
    struct sfe_http_answer *answer = &exchange->answer;
    long status = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    answer->code = code_of(exchange, result);
    answer->status = status > 0 && status < 1000 ? (uint16_t)status : 0;
    answer->sent_bytes = sent_bytes(exchange);
    answer->received_bytes = received_bytes(exchange);
    answer->request_left = may_have_left(exchange, result);
    read_times(exchange, wall_s);
    if (answer->code == SFE_OK) {
        return;
    }
    const char *why =
        exchange->error_text[0] != '\0' ? exchange->error_text : curl_easy_strerror(result);
    if (exchange->upload_failed) {
        why = "the request's body could not be read to its end";
    }
    if (result == CURLE_SEND_FAIL_REWIND) {
        why = "the connection broke before an answer came";
    }
    if (exchange->is_over_bound) {
        why = "the answer is larger than its bound";
    }
    if (exchange->header_bytes > HEADERS_BYTES_MAX) {
        why = "the answer has headers without end";
    }
    (void)sfe_fail(&answer->err, answer->code, "%s", why);
    answer->err.http_status = answer->status;
    unsigned refusal = refusal_of_proxy(exchange);
    if (refusal == 407) {
        (void)sfe_fail(
            &answer->err, answer->code,
            "the proxy refuses our log-in (407) -> check proxy.username and its password");
    } else if (refusal != 0) {
        (void)sfe_fail(&answer->err, answer->code,
                       "the proxy does not connect us: HTTP %u -> "
                       "ask for this host to be allowed, or name it in proxy.no_proxy",
                       refusal);
    }
}
