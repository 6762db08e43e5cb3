/* From a request to a reply: control, log-in, data; and the faults around them. */
#include "org.h"

#include <stdio.h>
#include <time.h>

#include "base/assert.h"

int64_t clock_wall_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

uint64_t clock_monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

enum sfe_code org_parse(struct org *org, struct sfe_slice text, struct sfe_json *json,
                        struct sfe_error *err)
{
    /* The densest JSON, [1,1,1], has a token for each two bytes. */
    size_t need = text.size / 2 + 16;
    if (need > org->token_capacity) {
        org->token_capacity = (uint32_t)need * 2;
        org->tokens = memory_grow(org->tokens, org->token_capacity * sizeof *org->tokens);
    }
    return sfe_json_parse(text, 0, org->tokens, org->token_capacity, json, err);
}

static bool begins(struct sfe_slice text, const char *with)
{
    size_t size = strlen(with);
    return text.size >= size && memcmp(text.bytes, with, size) == 0;
}

static void plain_reply(struct reply *reply, uint16_t status, const char *type, const char *body)
{
    reply->status = status;
    reply->content_type = type;
    buffer_add_text(&reply->body, body);
}

static void error_reply(struct reply *reply, uint16_t status, const char *code, const char *message)
{
    reply->status = status;
    add_error(&reply->body, code, sfe_slice_text(message), NULL);
}

static void add_retry_after(const struct org *org, enum fault_kind kind, struct reply *reply)
{
    int64_t seconds = org->faults.kinds[kind].retry_after_s;
    if (seconds >= 0) {
        (void)snprintf(reply->headers, sizeof reply->headers, "Retry-After: %lld\r\n",
                       (long long)seconds);
    }
}

static void expire_token(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_slice token = request->authorization;
    (void)split_first(&token, ' ');
    (void)session_end(&org->sessions, token);
    org->audit.unauthorized++;
    error_reply(reply, 401, "INVALID_SESSION_ID", "Session expired or invalid");
    (void)snprintf(reply->headers, sizeof reply->headers, "WWW-Authenticate: Token\r\n");
}

/* Answers instead of the org. False where the fault lies behind the commit. */
static bool fault_before(struct org *org, const struct http_request *request, enum fault_kind kind,
                         struct reply *reply)
{
    switch (kind) {
    case FAULT_TOKEN_EXPIRED:
        expire_token(org, request, reply);
        break;
    case FAULT_LIMIT:
        error_reply(reply, 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
        break;
    case FAULT_STATUS_429:
        plain_reply(reply, 429, "text/plain", "Too Many Requests\n");
        break;
    case FAULT_STATUS_500:
        error_reply(reply, 500, "UNKNOWN_EXCEPTION",
                    "An unexpected error occurred. Please include this ErrorId if you contact "
                    "support: 1234567890-12345 (-1234567890)");
        break;
    case FAULT_STATUS_502:
        plain_reply(reply, 502, "text/html", "<html><body>502 Bad Gateway</body></html>\n");
        break;
    case FAULT_STATUS_503:
        error_reply(reply, 503, "SERVER_UNAVAILABLE", "Server is temporarily unavailable");
        break;
    case FAULT_HTML_200:
        plain_reply(reply, 200, "text/html",
                    "<html><body>Please sign in to the guest "
                    "network</body></html>\n");
        break;
    case FAULT_HTML_503:
        plain_reply(reply, 503, "text/html",
                    "<html><body>We are down for maintenance. Sorry for "
                    "the inconvenience.</body></html>\n");
        break;
    case FAULT_CUT_BEFORE_COMMIT:
        reply->fate = REPLY_CUT;
        break;
    default:
        return false;
    }
    add_retry_after(org, kind, reply);
    return true;
}

static void fault_after(const struct org *org, enum fault_kind kind, struct reply *reply)
{
    uint64_t delay_ms = org->faults.kinds[FAULT_TIMEOUT].delay_ms;
    if (kind == FAULT_CUT_AFTER_COMMIT) {
        reply->fate = REPLY_CUT;
    } else if (kind == FAULT_TRUNCATED) {
        reply->fate = REPLY_TRUNCATE;
    } else if (kind == FAULT_TIMEOUT && delay_ms == 0) {
        reply->fate = REPLY_NEVER;
    } else if (kind == FAULT_TIMEOUT) {
        reply->delay_ms = delay_ms;
    }
}

static void route(struct org *org, const struct http_request *request, struct reply *reply)
{
    if (begins(request->path, "/services/data")) {
        rest_answer(org, request, reply);
    } else if (begins(request->path, "/services/oauth2/")) {
        oauth_answer(org, request, reply);
    } else if (begins(request->path, "/cometd/")) {
        cometd_answer(org, request, reply);
    } else {
        error_reply(reply, 404, "NOT_FOUND", "The requested resource does not exist");
    }
}

void org_answer(struct org *org, const struct http_request *request, struct reply *reply)
{
    reply->status = 500;
    reply->content_type = "application/json;charset=UTF-8";
    reply->body.size = 0;
    reply->headers[0] = '\0';
    reply->fate = REPLY_SEND;
    reply->delay_ms = 0;
    reply->may_gzip = false;
    /* All that is decoded from this request fits: no decoding makes text longer. */
    org->scratch.size = 0;
    (void)buffer_reserve(&org->scratch,
                         1024 + 3 * (request->path.size + request->query.size + request->body.size +
                                     request->authorization.size));
    if (begins(request->path, "/control/")) {
        control_answer(org, request, reply);
        return;
    }
    const uint64_t before = org->audit.records - org->bulk.processed;
    org->audit.requests++;
    contention_begin(&org->contention, clock_monotonic_ms());
    enum fault_place place = begins(request->path, "/services/oauth2/") ? FAULT_ON_TOKEN
                             : begins(request->path, "/cometd/")        ? FAULT_ON_EVENTS
                                                                        : FAULT_ON_DATA;
    enum fault_kind kind = faults_draw(&org->faults, place);
    if (kind == FAULT_NONE || !fault_before(org, request, kind, reply)) {
        route(org, request, reply);
        fault_after(org, kind, reply);
    }
    if (faults_happens(&org->faults, FAULT_SLOW)) {
        const uint64_t records = org->audit.records - org->bulk.processed - before;
        reply->delay_ms +=
            org->faults.kinds[FAULT_SLOW].delay_ms + faults_records_ms(&org->faults, records);
    }
    org->audit.answer_bytes += reply->body.size;
    SFE_ASSERT(reply->status >= 200);
}
