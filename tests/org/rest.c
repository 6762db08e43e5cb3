/* /services/data/: session, limit, body, and the way to each resource. */
#include <stdarg.h>
#include <stdio.h>

#include <zlib.h>

#include "org.h"

#define VERSION_MIN 46u /* Upsert by Collections came with v46. */
#define VERSION_MAX 66u
#define DATA_PREFIX "/services/data"

void add_error(struct buffer *out, const char *code, struct sfe_slice message,
               const struct field *field)
{
    buffer_add_text(out, "[{\"message\":");
    buffer_add_json(out, message);
    buffer_add_text(out, ",\"errorCode\":\"");
    buffer_add_text(out, code);
    buffer_add_text(out, "\"");
    if (field != NULL) {
        buffer_add_text(out, ",\"fields\":[\"");
        buffer_add_text(out, field->name);
        buffer_add_text(out, "\"]");
    }
    buffer_add_text(out, "}]");
}

void call_error(struct call *call, uint16_t status, const char *code, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(message, sizeof message, format, arguments) < 0) {
        message[0] = '\0';
    }
    va_end(arguments);
    call->status = status;
    add_error(call->out, code, sfe_slice_text(message), NULL);
}

void call_refused(const struct batch *batch, struct call *call)
{
    call->status = batch->refusal_status;
    add_error(call->out, batch->refusal.code, batch_message(batch, &batch->refusal), NULL);
}

bool call_segment(struct org *org, struct sfe_slice raw, struct sfe_slice *text)
{
    size_t begin = org->scratch.size;
    if (raw.size > org->scratch.capacity - begin || !url_decode(raw, false, &org->scratch)) {
        return false;
    }
    *text = sfe_slice_make(org->scratch.bytes + begin, org->scratch.size - begin);
    return true;
}

static void answer_versions(struct buffer *out)
{
    static const char *const SEASONS[] = {"Spring", "Summer", "Winter"};
    for (unsigned version = VERSION_MIN; version <= VERSION_MAX; version++) {
        unsigned season = version % 3;
        unsigned year = 24u + (version + 1) / 3 - 20u; /* v60.0 is Spring '24. */
        buffer_format(out, "%s{\"label\":\"%s '%02u\",\"url\":\"/services/data/v%u.0\",",
                      version == VERSION_MIN ? "[" : ",", SEASONS[season], year, version);
        buffer_format(out, "\"version\":\"%u.0\"}", version);
    }
    buffer_add_text(out, "]");
}

static void answer_limits(const struct org *org, struct buffer *out)
{
    uint64_t limit = org->options.api_limit;
    uint64_t used = org->audit.api_calls;
    buffer_add_text(out, "{\"DailyApiRequests\":{\"Max\":");
    buffer_add_u64(out, limit);
    buffer_add_text(out, ",\"Remaining\":");
    buffer_add_u64(out, used < limit ? limit - used : 0);
    buffer_add_text(out, "},\"DailyBulkApiBatches\":{\"Max\":15000,\"Remaining\":15000},"
                         "\"DailyBulkV2QueryJobs\":{\"Max\":10000,\"Remaining\":10000},"
                         "\"HourlyPublishedPlatformEvents\":{\"Max\":250000,\"Remaining\":250000},"
                         "\"DataStorageMB\":{\"Max\":10240,\"Remaining\":10240}}");
}

static void answer_resources(const struct call *call)
{
    static const char *const NAMES[] = {"sobjects", "limits", "composite",
                                        "jobs",     "query",  "queryAll"};
    for (unsigned i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        buffer_format(call->out, "%s\"%s\":\"/services/data/v%u.0/%s\"", i == 0 ? "{" : ",",
                      NAMES[i], call->version, NAMES[i]);
    }
    buffer_add_text(call->out, "}");
}

static bool is_get(struct call *call)
{
    if (call->method != HTTP_GET && call->method != HTTP_HEAD) {
        call_error(call, 405, "METHOD_NOT_ALLOWED", "HTTP method not allowed. Allowed are GET");
        return false;
    }
    return true;
}

void rest_call(struct org *org, struct call *call)
{
    call->status = 200;
    struct sfe_slice rest = call->path;
    struct sfe_slice first = split_first(&rest, '/');
    struct sfe_slice second = rest;
    struct sfe_slice behind = rest;
    second = split_first(&behind, '/');
    if (first.size == 0 && is_get(call)) {
        answer_resources(call);
    } else if (sfe_slice_equal(first, SFE_TEXT("limits")) && rest.size == 0) {
        if (is_get(call)) {
            answer_limits(org, call->out);
        }
    } else if (sfe_slice_equal(first, SFE_TEXT("sobjects"))) {
        rows_call(org, call, rest);
    } else if (sfe_slice_equal(first, SFE_TEXT("query")) ||
               sfe_slice_equal(first, SFE_TEXT("queryAll"))) {
        if (is_get(call)) {
            query_call(org, call, rest, first.size != 5);
        }
    } else if (sfe_slice_equal(first, SFE_TEXT("jobs")) &&
               sfe_slice_equal(second, SFE_TEXT("ingest")) && !call->is_part) {
        bulk_call(org, call, behind);
    } else if (sfe_slice_equal(first, SFE_TEXT("composite")) && rest.size == 0 && !call->is_part) {
        composite_call(org, call);
    } else if (sfe_slice_equal(first, SFE_TEXT("composite")) && behind.size == 0 &&
               sfe_slice_equal(second, SFE_TEXT("graph")) && !call->is_part) {
        graph_call(org, call);
    } else if (sfe_slice_equal(first, SFE_TEXT("composite")) &&
               sfe_slice_equal(second, SFE_TEXT("sobjects"))) {
        collections_call(org, call, behind);
    } else {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    }
}

static void data_error(struct reply *reply, uint16_t status, const char *code, const char *message)
{
    reply->status = status;
    reply->body.size = 0;
    add_error(&reply->body, code, sfe_slice_text(message), NULL);
}

static bool check_session(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_slice token = request->authorization;
    struct sfe_slice scheme = split_first(&token, ' ');
    if (request->authorization.size != 0 && !text_equal_caseless(scheme, SFE_TEXT("Bearer")) &&
        !text_equal_caseless(scheme, SFE_TEXT("OAuth"))) {
        data_error(reply, 401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE");
        return false;
    }
    if (!session_alive(&org->sessions, token)) {
        org->audit.unauthorized++;
        data_error(reply, 401, "INVALID_SESSION_ID", "Session expired or invalid");
        (void)snprintf(reply->headers, sizeof reply->headers, "WWW-Authenticate: Token\r\n");
        return false;
    }
    return true;
}

static bool inflate_body(struct org *org, struct sfe_slice packed, int window_bits)
{
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (inflateInit2(&stream, window_bits) != Z_OK) {
        return false;
    }
    /* zlib's interface lacks the const; it does not write there. */
    memcpy(&stream.next_in, &packed.bytes, sizeof packed.bytes);
    stream.avail_in = (uInt)packed.size;
    org->inflated.size = 0;
    int state = Z_OK;
    while (state == Z_OK && org->inflated.size <= HTTP_BODY_BYTES_MAX) {
        stream.next_out = buffer_reserve(&org->inflated, 65536);
        stream.avail_out = 65536;
        state = inflate(&stream, Z_NO_FLUSH);
        org->inflated.size += 65536 - stream.avail_out;
    }
    bool whole = state == Z_STREAM_END && stream.avail_in == 0;
    (void)inflateEnd(&stream);
    return whole;
}

/* The body as JSON; false once the reply says why not. */
static bool read_body(struct org *org, const struct http_request *request, struct sfe_json *json,
                      struct reply *reply)
{
    struct sfe_slice body = request->body;
    struct sfe_slice type = request->content_type;
    struct sfe_slice encoding = request->content_encoding;
    struct sfe_error err;
    if (!text_equal_caseless(split_first(&type, ';'), SFE_TEXT("application/json"))) {
        data_error(reply, 415, "UNSUPPORTED_MEDIA_TYPE",
                   "Content type is missing or not supported");
        return false;
    }
    bool is_gzip = text_equal_caseless(encoding, SFE_TEXT("gzip"));
    bool is_deflate = text_equal_caseless(encoding, SFE_TEXT("deflate"));
    if (is_gzip || is_deflate) {
        if (!inflate_body(org, body, is_gzip ? 15 + 16 : 15)) {
            data_error(reply, 400, "JSON_PARSER_ERROR", "the compressed body is broken");
            return false;
        }
        body = buffer_slice(&org->inflated);
    } else if (encoding.size != 0 && !text_equal_caseless(encoding, SFE_TEXT("identity"))) {
        data_error(reply, 415, "UNSUPPORTED_MEDIA_TYPE", "Content encoding is not supported");
        return false;
    }
    org->audit.body_bytes += body.size;
    if (org_parse(org, body, json, &err) != SFE_OK) {
        char message[400];
        if (snprintf(message, sizeof message, "%s at [line:%u, column:%u]", err.message, err.line,
                     err.column) < 0) {
            message[0] = '\0';
        }
        data_error(reply, 400, "JSON_PARSER_ERROR", message);
        return false;
    }
    return true;
}

/* "v62.0/rest": the version; 0 where there is no such one. */
static uint32_t split_version(struct sfe_slice *path)
{
    struct sfe_slice text = split_first(path, '/');
    if (text.size != 5 || text.bytes[0] != 'v' || memcmp(text.bytes + 3, ".0", 2) != 0 ||
        text.bytes[1] < '0' || text.bytes[1] > '9' || text.bytes[2] < '0' || text.bytes[2] > '9') {
        return 0;
    }
    uint32_t version = (uint32_t)(text.bytes[1] - '0') * 10 + (uint32_t)(text.bytes[2] - '0');
    return version >= VERSION_MIN && version <= VERSION_MAX ? version : 0;
}

static void run_call(struct org *org, const struct http_request *request, struct call *call,
                     struct reply *reply)
{
    struct sfe_json json;
    bool has_body = request->body.size != 0;
    org->audit.api_calls++;
    org->audit.body_bytes_received += request->body.size;
    struct sfe_slice type = request->content_type;
    call->raw = request->body;
    call->is_csv = text_equal_caseless(split_first(&type, ';'), SFE_TEXT("text/csv"));
    bulk_advance(org);
    if (call->is_csv) {
        has_body = false; /* A resource that does not take it says so. */
    }
    if (has_body && !read_body(org, request, &json, reply)) {
        return;
    }
    uint64_t before = org->audit.records;
    call->json = has_body ? &json : NULL;
    call->body = has_body ? 0 : SFE_JSON_NONE;
    rest_call(org, call);
    uint64_t records = org->audit.records - before;
    if (records > org->audit.records_a_call_max) {
        org->audit.records_a_call_max = records;
    }
    reply->status = call->status;
    if (call->content_type != NULL && call->status < 300) {
        reply->content_type = call->content_type;
    }
}

void rest_answer(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_slice path =
        sfe_slice_part(request->path, sizeof DATA_PREFIX - 1, request->path.size);
    if (path.size <= 1) {
        reply->status = 200;
        answer_versions(&reply->body);
        return;
    }
    if (!check_session(org, request, reply)) {
        return;
    }
    path = sfe_slice_part(path, 1, path.size);
    struct call call = {.method = request->method,
                        .query = request->query,
                        .version = split_version(&path),
                        .out = &reply->body};
    while (path.size != 0 && path.bytes[path.size - 1] == '/') {
        path.size--;
    }
    call.path = path;
    if (org->audit.api_calls >= org->options.api_limit) {
        data_error(reply, 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    } else if (call.version == 0) {
        data_error(reply, 404, "NOT_FOUND", "The requested resource does not exist");
    } else {
        run_call(org, request, &call, reply);
    }
    (void)snprintf(
        reply->headers, sizeof reply->headers, "Sforce-Limit-Info: api-usage=%llu/%llu\r\n%s%s%s",
        (unsigned long long)org->audit.api_calls, (unsigned long long)org->options.api_limit,
        call.locator[0] == '\0' ? "" : "Sforce-Locator: ", call.locator,
        call.locator[0] == '\0' ? "" : "\r\n");
    reply->may_gzip = true;
}
