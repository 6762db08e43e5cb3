#include "exchange.h"

#include "base/assert.h"
#include "base/secret.h"

#include <stdlib.h>
#include <strings.h>

#define BUFFER_BYTES 16384L
/* The smallest that curl takes. */
#define BUFFER_BYTES_MIN 1024L
#define KEEP_ALIVE_S     60L
/* An idle connection older than this is not used again: routers forget it, and a request into the
 * void would have to be repeated by curl. */
#define IDLE_MAX_S 50L
/* An org that moves is found at its new address within this. */
#define NAME_MAX_S       30L
#define CONNECTION_MAX_S 600L
/* A stream that does not move for so long is broken; an org takes its time to answer an upload. */
#define STILL_MAX_S 120L

void exchange_wipe(struct sfe_http_exchange *exchange)
{
    for (struct curl_slist *one = exchange->headers; one != NULL; one = one->next) {
        sfe_wipe(one->data, strlen(one->data));
    }
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
}

static bool append(struct sfe_http_exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (longer == NULL) {
        return false;
    }
    exchange->headers = longer;
    return true;
}

/* A line break in a value would begin a header of somebody else's choice. */
static bool is_clean(struct sfe_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.bytes[i] == '\r' || value.bytes[i] == '\n' || value.bytes[i] == '\0') {
            return false;
        }
    }
    return true;
}

static enum sfe_code add_header(struct sfe_http_exchange *exchange,
                                const struct sfe_http_header *header, struct sfe_error *err)
{
    size_t capacity = strlen(header->name) + header->value.size + 3;
    if (!is_clean(header->value)) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the value of header '%s' has a line break",
                        header->name);
    }
    char *line = malloc(capacity);
    if (line == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a request's headers");
    }
    struct sfe_builder text = sfe_builder_make(line, capacity);
    sfe_builder_add_text(&text, header->name);
    /* "Name:" would tell curl to leave the header out; "Name;" sends it empty. */
    sfe_builder_add_text(&text, header->value.size == 0 ? ";" : ": ");
    sfe_builder_add(&text, header->value);
    sfe_builder_add_byte(&text, '\0');
    SFE_ASSERT(!text.overflowed);
    bool added = append(exchange, line);
    sfe_wipe(line, capacity);
    free(line);
    return added ? SFE_OK : sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a request's headers");
}

static enum sfe_code add_headers(struct sfe_http_exchange *exchange,
                                 const struct sfe_http_request *request, struct sfe_error *err)
{
    bool has_type = false;
    enum sfe_code code = SFE_OK;
    for (size_t i = 0; i < request->header_count && code == SFE_OK; i++) {
        has_type = has_type || strcasecmp(request->headers[i].name, "Content-Type") == 0;
        code = add_header(exchange, &request->headers[i], err);
    }
    /* Without these curl adds an `Expect: 100-continue`, which costs a round trip, and a form's
     * type. */
    if (code == SFE_OK &&
        (!append(exchange, "Expect:") || (!has_type && !append(exchange, "Content-Type:")))) {
        code = sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a request's headers");
    }
    return code;
}

/* What is the same for every request. No redirects: an answer 3xx is an answer. */
static CURLcode set_constants(CURL *easy)
{
    static const struct {
        CURLoption option;
        long value;
    } constants[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_BUFFERSIZE, BUFFER_BYTES},
        {CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_BYTES},
        {CURLOPT_TCP_KEEPALIVE, 1},
        {CURLOPT_TCP_KEEPIDLE, KEEP_ALIVE_S},
        {CURLOPT_MAXAGE_CONN, IDLE_MAX_S},
        {CURLOPT_DNS_CACHE_TIMEOUT, NAME_MAX_S},
#if LIBCURL_VERSION_NUM >= 0x075000
        {CURLOPT_MAXLIFETIME_CONN, CONNECTION_MAX_S},
#endif
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    };
    CURLcode result = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]) && result == CURLE_OK; i++) {
        result = curl_easy_setopt(easy, constants[i].option, constants[i].value);
    }
    /* Not every build of curl knows HTTP/2; then all goes by HTTP/1.1. */
    if (result == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) != CURLE_OK) {
        result = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    }
    /* Not every build of curl can decompress; then the answer is simply asked for as it is. */
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    return result;
}

/* curl reads up to 100 buffers before it looks at the speed again: with small ones a burst is about
 * a second's worth. */
static CURLcode set_speed(CURL *easy, uint32_t bytes_per_second)
{
    long buffer_bytes = (long)(bytes_per_second / 100u);

    if (buffer_bytes > BUFFER_BYTES) {
        buffer_bytes = BUFFER_BYTES;
    } else if (buffer_bytes < BUFFER_BYTES_MIN) {
        buffer_bytes = BUFFER_BYTES_MIN;
    }
    CURLcode result =
        curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)bytes_per_second);
    result =
        result ? result
               : curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)bytes_per_second);
    return result ? result : curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer_bytes);
}

static CURLcode set_limits(CURL *easy, const struct sfe_http_request *request)
{
    CURLcode result =
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
    if (result == CURLE_OK) {
        result = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->total_timeout_ms);
    }
    if (result == CURLE_OK && (request->upload != NULL || request->sink != NULL)) {
        /* It may take long, but not stand still. */
        result = curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        result = result ? result : curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, STILL_MAX_S);
    }
    if (result == CURLE_OK && request->bytes_per_second_max != 0) {
        result = set_speed(easy, request->bytes_per_second_max);
    }
    if (result != CURLE_OK || request->ca_file == NULL) {
        return result;
    }
    result = curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    /* The system's folder of certificates would be trusted beside the file. Some TLS libraries know
     * no folder. */
    CURLcode no_path = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return result != CURLE_OK || no_path == CURLE_NOT_BUILT_IN ? result : no_path;
}

static CURLcode set_body(CURL *easy, struct sfe_slice body)
{
    const void *bytes = body.size == 0 ? "" : (const void *)body.bytes;
    CURLcode result = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (result == CURLE_OK) {
        result = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bytes);
    }
    if (result == CURLE_OK) {
        result = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    }
    return result;
}

size_t exchange_read_body(char *bytes, size_t one, size_t size, void *context)
{
    struct sfe_http_exchange *exchange = context;
    uint64_t left = exchange->upload->size - exchange->body_size;
    size_t got = 0;
    union {
        char *text;
        uint8_t *bytes;
    } place = {.text = bytes};
    SFE_ASSERT(one == 1);
    size = left < size ? (size_t)left : size;
    if (size == 0) {
        return 0;
    }
    enum sfe_code code = exchange->upload->read(exchange->upload->context, place.bytes, size, &got);
    if (code != SFE_OK || got == 0 || got > size) {
        exchange->upload_failed = true;
        return CURL_READFUNC_ABORT;
    }
    exchange->body_size += got;
    return got;
}

/* The body at hand, piece by piece: so curl needs to go back in it to begin anew, and may not. */
static size_t read_once(char *bytes, size_t one, size_t size, void *context)
{
    struct sfe_http_exchange *exchange = context;
    const struct sfe_slice piece =
        sfe_slice_part(exchange->once, (size_t)exchange->body_size, size);
    SFE_ASSERT(one == 1);
    if (piece.size != 0) {
        memcpy(bytes, piece.bytes, piece.size);
    }
    exchange->body_size += piece.size;
    return piece.size;
}

static int refuse_seek(void *context, curl_off_t offset, int origin)
{
    (void)context;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static CURLcode set_once(CURL *easy, struct sfe_http_exchange *exchange)
{
    CURLcode result = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    result =
        result ? result
               : curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)exchange->once.size);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_once);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
    return result ? result : curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, refuse_seek);
}

/* A body that nobody holds cannot be sent twice: so never on a connection that was used before,
 * which curl would try again when it turns out to be dead. */
static CURLcode set_upload(CURL *easy, struct sfe_http_exchange *exchange)
{
    CURLcode result = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    result = result ? result
                    : curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                                       (curl_off_t)exchange->upload->size);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_READFUNCTION, exchange_read_body);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
    return result ? result : curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

static CURLcode set_request(struct sfe_http_exchange *exchange,
                            const struct sfe_http_request *request)
{
    CURL *easy = exchange->easy;
    bool is_bare = request->body.size == 0 &&
                   (strcmp(request->method, "GET") == 0 || strcmp(request->method, "DELETE") == 0);
    CURLcode result = curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (result == CURLE_OK && exchange->upload != NULL) {
        result = set_upload(easy, exchange);
    } else if (result == CURLE_OK && exchange->is_once) {
        result = set_once(easy, exchange);
    } else if (result == CURLE_OK) {
        result =
            is_bare ? curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) : set_body(easy, request->body);
    }
    if (result == CURLE_OK) {
        result = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    return result;
}

static CURLcode set_callbacks(struct sfe_http_exchange *exchange)
{
    CURL *easy = exchange->easy;
    CURLcode result = curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error_text);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, answer_take_header);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_take_body);
    result = result ? result : curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    return result ? result : curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
}

static void take_request(struct sfe_http_exchange *exchange, const struct sfe_http_request *request)
{
    exchange->answer_body = request->answer_body;
    exchange->upload = request->upload;
    exchange->sink = request->sink;
    exchange->cookies = request->cookies;
    exchange->once = request->body;
    exchange->is_once = request->is_once && request->upload == NULL;
    exchange->body_size = request->upload != NULL || request->is_once ? 0 : request->body.size;
}

enum sfe_code exchange_set(struct sfe_http_exchange *exchange,
                           const struct sfe_http_request *request, struct sfe_error *err)
{
    SFE_ASSERT(exchange->headers == NULL);
    SFE_ASSERT(request->connect_timeout_ms > 0 && request->total_timeout_ms > 0);
    take_request(exchange, request);
    exchange->header_bytes = 0;
    exchange->is_over_bound = false;
    exchange->upload_failed = false;
    exchange->retry_after[0] = '\0';
    exchange->date[0] = '\0';
    exchange->error_text[0] = '\0';
    exchange->answer = (struct sfe_http_answer){.tag = request->tag, .retry_after_s = -1};
    curl_easy_reset(exchange->easy); /* Connections and names stay: the multi handle keeps them. */
    enum sfe_code code = add_headers(exchange, request, err);
    CURLcode result = CURLE_OK;
    if (code == SFE_OK) {
        result = set_constants(exchange->easy);
        result = result ? result : set_limits(exchange->easy, request);
        result =
            result ? result : exchange_set_route(exchange->easy, request->route, request->ca_file);
        result = result ? result : set_request(exchange, request);
        result = result ? result : set_callbacks(exchange);
    }
    if (result != CURLE_OK) {
        code = sfe_fail(err, result == CURLE_OUT_OF_MEMORY ? SFE_E_NO_MEMORY : SFE_E_UNSUPPORTED,
                        "cannot prepare a request: %s", curl_easy_strerror(result));
    }
    if (code != SFE_OK) {
        exchange_wipe(exchange);
    }
    return code;
}
