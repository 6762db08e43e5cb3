#include "salesforce/org.h"

#include "base/arena.h"
#include "base/assert.h"
#include "salesforce/org_parts.h"
#include "salesforce/rest.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_BYTES_MAX 16384u
#define BEARER_BYTES     8u
#define HEADERS_MAX      5u
/* What is streamed may be as slow as a bad mobile line: 4 kB/s. */
#define SLOWEST_BYTES_PER_MS 4u
#define EXTRA_MS_MAX         3600000u

size_t sfe_org_memory_bytes(bool has_refresh_tokens)
{
    const size_t refresh =
        has_refresh_tokens ? refresh_memory_bytes() + sfe_arena_cost(REFRESH_TOKEN_BYTES_MAX) : 0;

    return sfe_arena_cost(sizeof(struct sfe_org)) + sfe_arena_cost(OAUTH_TOKEN_BYTES_MAX) +
           sfe_arena_cost(OAUTH_TOKEN_BYTES_MAX + BEARER_BYTES) +
           sfe_arena_cost(OAUTH_FORM_BYTES_MAX) + sfe_arena_cost(ANSWER_BYTES_MAX) +
           limits_memory_bytes() + refresh;
}

static enum sfe_code open_memory(struct sfe_org *org, struct sfe_arena *arena,
                                 struct sfe_error *err)
{
    uint8_t *token = sfe_arena_take(arena, OAUTH_TOKEN_BYTES_MAX, err);
    uint8_t *bearer = sfe_arena_take(arena, OAUTH_TOKEN_BYTES_MAX + BEARER_BYTES, err);
    uint8_t *form = sfe_arena_take(arena, OAUTH_FORM_BYTES_MAX, err);
    uint8_t *answer = sfe_arena_take(arena, ANSWER_BYTES_MAX, err);

    if (token == NULL || bearer == NULL || form == NULL || answer == NULL) {
        return err->code;
    }
    org->token = (struct sfe_secret){token, 0, OAUTH_TOKEN_BYTES_MAX};
    org->authorization = (struct sfe_secret){bearer, 0, OAUTH_TOKEN_BYTES_MAX + BEARER_BYTES};
    org->form = sfe_builder_make(form, OAUTH_FORM_BYTES_MAX);
    org->answer_body = sfe_builder_make(answer, ANSWER_BYTES_MAX);
    return SFE_OK;
}

static enum sfe_code open_refresh(struct sfe_org *org, struct sfe_slice lines,
                                  struct sfe_arena *arena, struct sfe_error *err)
{
    uint8_t *renewed = sfe_arena_take(arena, REFRESH_TOKEN_BYTES_MAX, err);

    if (renewed == NULL) {
        return err->code;
    }
    org->renewed = (struct sfe_secret){renewed, 0, REFRESH_TOKEN_BYTES_MAX};
    enum sfe_code code = refresh_open(lines, org->options.crypto, arena, &org->refresh, err);
    if (code == SFE_OK) {
        org->facts.refresh_tokens = org->refresh->count;
        org->facts.refresh_tokens_left = org->refresh->count;
    }
    return code;
}

/* The client credentials flow has no key. */
static enum sfe_code open_key(struct sfe_org *org, struct sfe_slice pem, struct sfe_error *err)
{
    const struct sfe_crypto *crypto = org->options.crypto;

    if (org->options.client_secret.size != 0) {
        return SFE_OK;
    }
    enum sfe_code code = crypto->key_open(crypto->context, pem, &org->key, err);
    return code == SFE_OK ? SFE_OK : sfe_within(err, "auth.key_file");
}

static void close_key(struct sfe_org *org)
{
    if (org->key != NULL) {
        org->options.crypto->key_close(org->options.crypto->context, org->key);
        org->key = NULL;
    }
}

enum sfe_code sfe_org_open(const struct sfe_org_options *options, struct sfe_arena *arena,
                           struct sfe_org **org, struct sfe_error *err)
{
    struct sfe_org *opened = sfe_arena_take(arena, sizeof(*opened), err);
    enum sfe_code code;

    *org = NULL;
    if (opened == NULL || open_memory(opened, arena, err) != SFE_OK) {
        return err->code;
    }
    if (limits_open(&opened->limits, opened, arena, err) != SFE_OK) {
        return err->code;
    }
    opened->options = *options;
    opened->options.key_pem = sfe_slice_make(NULL, 0); /* Borrowed for this call only. */
    opened->options.refresh_tokens = sfe_slice_make(NULL, 0);
    opened->login_owner.on_answer = org_login_answered;
    budget_open(&opened->budget, options->daily_calls, options->daily_bytes,
                options->reserve_percent, sfe_clock_monotonic_ns(options->clock));
    meter_open(&opened->meter, options->calls_per_minute, options->bytes_per_second);
    opened->facts.daily_calls = options->daily_calls;
    opened->facts.daily_bytes = options->daily_bytes;
    code = options->refresh_tokens.size != 0
               ? open_refresh(opened, options->refresh_tokens, arena, err)
               : open_key(opened, options->key_pem, err);
    if (code != SFE_OK) {
        return code;
    }
    opened->mutex = sfe_mutex_open();
    if (opened->mutex == NULL) {
        close_key(opened);
        refresh_close(opened->refresh, opened->options.crypto);
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    *org = opened;
    return SFE_OK;
}

uint64_t sfe_org_now_ns(const struct sfe_org *org)
{
    return sfe_clock_monotonic_ns(org->options.clock);
}

uint64_t sfe_org_turn(struct sfe_org *org, uint64_t now_ns)
{
    const uint64_t limits_ns =
        org->options.reads_limits ? limits_turn(&org->limits, now_ns) : UINT64_MAX;

    return sfe_clock_earlier_ns(org_login_turn(org, now_ns), limits_ns);
}

void sfe_org_stop(struct sfe_org *org)
{
    org->has_stopped = true;
}

bool sfe_org_is_quiet(const struct sfe_org *org)
{
    return org->refresh == NULL ||
           (!org->is_under_way &&
            (!atomic_load(&org->refresh->is_keeping) || atomic_load(&org->refresh->has_failed)));
}

uint64_t sfe_org_keep(struct sfe_org *org, uint64_t now_ns)
{
    struct sfe_error err;
    bool has_tried = false;

    org_keep_calls(org);
    if (org->refresh == NULL) {
        return UINT64_MAX;
    }
    memset(&err, 0, sizeof(err));
    uint64_t due_ns = refresh_keep(org->refresh, &org->options, now_ns, &has_tried, &err);
    if (has_tried) {
        if (err.code != SFE_OK) {
            (void)sfe_within(&err, "connection \"%s\": its new refresh token", org->options.name);
            sfe_log_error(org->options.log, SFE_ERROR,
                          "cannot write to flash; no further log-in before it can", &err);
        }
        org->options.http->wake(org->options.http->context);
    }
    return due_ns;
}

bool sfe_org_is_ready(struct sfe_org *org, uint64_t now_ns, uint64_t *until_ns)
{
    if (now_ns < org->pause_until_ns) {
        *until_ns = org->pause_until_ns;
        return false;
    }
    if (!org->has_token) {
        org->is_wanted = true;
        *until_ns = UINT64_MAX; /* The log-in's answer wakes. */
        return false;
    }
    return true;
}

/* A slow line is no reason to begin anew for ever. */
static uint32_t timeout_ms(const struct sfe_org *org, uint64_t stream_bytes)
{
    uint64_t extra_ms = stream_bytes / SLOWEST_BYTES_PER_MS;

    return org->options.request_timeout_ms +
           (uint32_t)(extra_ms < EXTRA_MS_MAX ? extra_ms : EXTRA_MS_MAX);
}

static size_t add_headers(const struct sfe_org_request *request, struct sfe_http_header *headers,
                          size_t count)
{
    if (request->is_gzip) {
        headers[count++] = (struct sfe_http_header){"Content-Encoding", SFE_TEXT("gzip")};
    }
    if (request->cookie.size != 0) {
        headers[count++] = (struct sfe_http_header){"Cookie", request->cookie};
    }
    return count;
}

enum sfe_code sfe_org_begin(struct sfe_org *org, const struct sfe_org_request *request,
                            struct sfe_error *err)
{
    char url[ORG_URL_BYTES_MAX];
    struct sfe_http_exchange *exchange = NULL;
    uint64_t until_ns = 0;

    if (!sfe_org_is_ready(org, sfe_org_now_ns(org), &until_ns)) {
        return SFE_E_AGAIN;
    }
    int length = snprintf(url, sizeof(url), "%s%s", org->instance_url, request->path);
    if (length < 0 || (size_t)length >= sizeof(url)) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the address of a request is too long");
    }
    struct sfe_slice content_type = request->content_type == NULL
                                        ? SFE_TEXT("application/json; charset=UTF-8")
                                        : sfe_slice_text(request->content_type);
    struct sfe_http_header headers[HEADERS_MAX] = {
        {"Authorization", sfe_secret_reveal(&org->authorization)},
        {"Content-Type", content_type},
        {"Sforce-Call-Options", SFE_TEXT("client=sfedge")},
    };
    const size_t header_count = add_headers(request, headers, 3);
    struct sfe_http_request sent = {
        .method = request->method,
        .url = url,
        .headers = headers,
        .header_count = header_count,
        .body = request->body,
        .ca_file = org->options.ca_file,
        .connect_timeout_ms = org->options.connect_timeout_ms,
        .total_timeout_ms =
            request->hold_ms != 0 ? request->hold_ms : timeout_ms(org, request->stream_bytes),
        .answer_body = request->answer_body,
        .tag = request->owner,
        .route = &org->options.route,
        .upload = request->upload,
        .sink = request->sink,
        .cookies = request->cookies,
        .is_once = request->is_once,
    };
    sfe_builder_rewind(request->answer_body, 0);
    request->owner->token_number = org->token_number;
    enum sfe_code code = org_measure(org, &sent, err);
    if (code == SFE_OK) {
        code = org->options.http->begin(org->options.http->context, &sent, &exchange, err);
    }
    if (code == SFE_OK) {
        request->owner->exchange = exchange;
        org_charge_begin(org, &sent, request->owner);
    }
    if (code == SFE_OK && !request->is_free) {
        sfe_mutex_lock(org->mutex);
        org->facts.api_calls++;
        sfe_mutex_unlock(org->mutex);
        org_count_call(org, request->need);
    }
    if (code != SFE_OK) {
        org_charge_end(org, request->owner, NULL);
    }
    return code;
}

static bool is_redirect(uint16_t status)
{
    return status == 301 || status == 302 || status == 307 || status == 308;
}

void sfe_org_answered(struct sfe_org *org, const struct sfe_http_answer *answer)
{
    struct sfe_http_owner *owner = answer->tag;
    uint64_t used = 0;
    uint64_t limit = 0;
    bool is_told = rest_read_limit_info(answer->limit_info, &used, &limit);

    SFE_ASSERT(owner != NULL);
    owner->exchange = NULL;
    org_learn_time(org, answer);
    org_charge_end(org, owner, answer);
    if (is_told) {
        sfe_mutex_lock(org->mutex);
        org->facts.api_used = used;
        org->facts.api_limit = limit;
        sfe_mutex_unlock(org->mutex);
        budget_told(&org->budget, used, limit, sfe_org_now_ns(org));
    }
    if (!org->has_token || owner->token_number != org->token_number || answer->code != SFE_OK) {
        return;
    }
    if (answer->status == 401 || is_redirect(answer->status)) {
        /* The session ended; or the org has moved, and the next log-in says where to. */
        org_drop_token(org, sfe_org_now_ns(org));
    } else if (answer->status >= 200 && answer->status < 300) {
        org->has_worked = true;
        org->failures = 0;
    }
}

void sfe_org_session_ended(struct sfe_org *org, const struct sfe_http_owner *owner)
{
    if (org->has_token && owner->token_number == org->token_number) {
        org_drop_token(org, sfe_org_now_ns(org));
    }
}

void sfe_org_cancel(struct sfe_org *org, struct sfe_http_owner *owner)
{
    if (owner->exchange != NULL) {
        org->options.http->cancel(org->options.http->context, owner->exchange);
        owner->exchange = NULL;
        org_charge_end(org, owner, NULL);
    }
}

void sfe_org_pause(struct sfe_org *org, uint64_t until_ns)
{
    if (until_ns > org->pause_until_ns) {
        org->pause_until_ns = until_ns;
        SFE_LOG(org->options.log, SFE_WARNING, "the org's API calls are used up; pausing",
                sfe_text("connection", org->options.name),
                sfe_ms("for_ms", until_ns - sfe_org_now_ns(org)));
    }
}

const char *sfe_org_api_version(const struct sfe_org *org)
{
    return org->options.api_version;
}

void sfe_org_facts(struct sfe_org *org, struct sfe_org_facts *facts)
{
    sfe_mutex_lock(org->mutex);
    *facts = org->facts;
    sfe_mutex_unlock(org->mutex);
}

bool sfe_org_trusts_org_time(const struct sfe_org *org)
{
    return org->trusts_org_time;
}

const char *sfe_org_instance_url(const struct sfe_org *org)
{
    return org->instance_url;
}

void sfe_org_close(struct sfe_org *org)
{
    if (org == NULL) {
        return;
    }
    limits_close(&org->limits);
    if (org->is_under_way && org->exchange != NULL) {
        org->options.http->cancel(org->options.http->context, org->exchange);
        org->exchange = NULL;
    }
    sfe_secret_wipe(&org->token);
    sfe_secret_wipe(&org->authorization);
    if (org->refresh != NULL) {
        sfe_secret_wipe(&org->renewed);
        refresh_close(org->refresh, org->options.crypto);
    }
    sfe_wipe(org->form.bytes, org->form.capacity);
    sfe_wipe(org->answer_body.bytes, org->answer_body.capacity);
    close_key(org);
    sfe_mutex_close(org->mutex);
    org->mutex = NULL;
}
