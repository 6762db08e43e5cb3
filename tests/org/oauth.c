/* /services/oauth2/: token (JWT bearer, client credentials, refresh token), revoke, userinfo. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "org.h"

#define ASSERTION_AHEAD_S_MAX 300
#define LOGINS_AN_HOUR        3600u
#define HOUR_MS               3600000u
#define CLAIM_TOKENS          128u

static bool refuse(struct reply *reply, uint16_t status, const char *error, const char *description)
{
    reply->status = status;
    reply->body.size = 0;
    buffer_format(&reply->body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", error,
                  description);
    return false;
}

/* Decodes a form's value into the org's scratch memory. */
static bool form_text(struct org *org, struct sfe_slice form, struct sfe_slice name,
                      struct sfe_slice *text)
{
    struct sfe_slice raw = {NULL, 0};
    size_t begin = org->scratch.size;
    if (!form_value(form, name, &raw) || !url_decode(raw, true, &org->scratch)) {
        return false;
    }
    *text = sfe_slice_make(org->scratch.bytes + begin, org->scratch.size - begin);
    return true;
}

static int base64_digit(uint8_t byte, bool url)
{
    if (byte >= 'A' && byte <= 'Z') {
        return byte - 'A';
    }
    if (byte >= 'a' && byte <= 'z') {
        return byte - 'a' + 26;
    }
    if (byte >= '0' && byte <= '9') {
        return byte - '0' + 52;
    }
    if (byte == (url ? '-' : '+')) {
        return 62;
    }
    return byte == (url ? '_' : '/') ? 63 : -1;
}

/* base64 without padding, into scratch; false for any other byte. */
static bool decode_base64(struct org *org, struct sfe_slice text, bool url, struct sfe_slice *bytes)
{
    size_t begin = org->scratch.size;
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.size; i++) {
        int digit = base64_digit(text.bytes[i], url);
        if (digit < 0) {
            return false;
        }
        bits = (bits << 6) | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            uint8_t byte = (uint8_t)(bits >> count);
            buffer_add(&org->scratch, sfe_slice_make(&byte, 1));
        }
    }
    *bytes = sfe_slice_make(org->scratch.bytes + begin, org->scratch.size - begin);
    return text.size % 4 != 1;
}

static bool text_member(const struct sfe_json *json, struct sfe_slice name, struct sfe_slice text)
{
    uint32_t value = sfe_json_member(json, 0, name);
    return value != SFE_JSON_NONE && sfe_json_kind(json, value) == SFE_JSON_STRING &&
           sfe_json_text_equal(json, value, text);
}

/* "exp" is a whole number of seconds; -1 where it is not. */
static int64_t expiry_s(const struct sfe_json *claims)
{
    uint32_t value = sfe_json_member(claims, 0, SFE_TEXT("exp"));
    if (value == SFE_JSON_NONE || sfe_json_kind(claims, value) != SFE_JSON_NUMBER) {
        return -1;
    }
    struct sfe_slice raw = sfe_json_raw(claims, value);
    int64_t seconds = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] < '0' || raw.bytes[i] > '9' || seconds > INT64_MAX / 20) {
            return -1;
        }
        seconds = seconds * 10 + (raw.bytes[i] - '0');
    }
    return seconds;
}

static bool is_replay(struct sessions *sessions, const struct sfe_json *claims)
{
    uint32_t value = sfe_json_member(claims, 0, SFE_TEXT("jti"));
    if (value == SFE_JSON_NONE) {
        return false;
    }
    uint64_t hash = sfe_hash64(1, sfe_json_raw(claims, value)) | 1u;
    for (size_t i = 0; i < JWT_IDS_MAX; i++) {
        if (sessions->jwt_ids[i] == hash) {
            return true;
        }
    }
    sessions->jwt_ids[sessions->jwt_id_next] = hash;
    sessions->jwt_id_next = (sessions->jwt_id_next + 1) % JWT_IDS_MAX;
    return false;
}

static bool check_claims(struct org *org, const struct sfe_json *claims, struct reply *reply)
{
    const struct options *options = &org->options;
    if (!text_member(claims, SFE_TEXT("iss"), sfe_slice_text(options->client_id))) {
        return refuse(reply, 400, "invalid_client_id", "client identifier invalid");
    }
    if (!text_member(claims, SFE_TEXT("aud"), sfe_slice_text(options->audience))) {
        return refuse(reply, 400, "invalid_grant", "audience is invalid");
    }
    int64_t exp_s = expiry_s(claims);
    int64_t now_s = clock_wall_s();
    if (exp_s < 0) {
        return refuse(reply, 400, "invalid_grant", "invalid assertion");
    }
    if (exp_s <= now_s) {
        return refuse(reply, 400, "invalid_grant", "expired authorization code");
    }
    if (exp_s > now_s + ASSERTION_AHEAD_S_MAX) {
        return refuse(reply, 400, "invalid_grant", "assertion expired");
    }
    if (!text_member(claims, SFE_TEXT("sub"), sfe_slice_text(options->username))) {
        return refuse(reply, 400, "invalid_grant", "user hasn't approved this consumer");
    }
    if (is_replay(&org->sessions, claims)) {
        return refuse(reply, 400, "invalid_grant", "invalid assertion");
    }
    return true;
}

static bool parse_part(struct org *org, struct sfe_slice part, struct sfe_json_token *tokens,
                       struct sfe_json *json)
{
    struct sfe_error err;
    struct sfe_slice text;
    return decode_base64(org, part, true, &text) &&
           sfe_json_parse(text, 0, tokens, CLAIM_TOKENS, json, &err) == SFE_OK &&
           sfe_json_kind(json, 0) == SFE_JSON_OBJECT;
}

static bool check_jwt(struct org *org, struct sfe_slice form, struct reply *reply)
{
    struct sfe_slice assertion;
    if (org->sessions.verifier == NULL) {
        return refuse(reply, 400, "unsupported_grant_type", "grant type not supported");
    }
    if (!form_text(org, form, SFE_TEXT("assertion"), &assertion)) {
        return refuse(reply, 400, "invalid_request", "missing required parameter: assertion");
    }
    struct sfe_slice scope;
    if (form_value(form, SFE_TEXT("scope"), &scope)) {
        return refuse(reply, 400, "invalid_request",
                      "scope parameter not supported with this grant type");
    }
    struct sfe_slice rest = assertion;
    struct sfe_slice header = split_first(&rest, '.');
    struct sfe_slice claims = split_first(&rest, '.');
    struct sfe_slice message = sfe_slice_make(assertion.bytes, header.size + 1 + claims.size);
    struct sfe_json_token tokens[CLAIM_TOKENS];
    struct sfe_json json;
    struct sfe_slice signature;
    if (!parse_part(org, header, tokens, &json) ||
        !text_member(&json, SFE_TEXT("alg"), SFE_TEXT("RS256")) ||
        !decode_base64(org, rest, true, &signature) ||
        !jwt_verify(org->sessions.verifier, message, signature) ||
        !parse_part(org, claims, tokens, &json)) {
        return refuse(reply, 400, "invalid_grant", "invalid assertion");
    }
    return check_claims(org, &json, reply);
}

/* Client id and secret from HTTP Basic; false where there is no such header. */
static bool basic_credentials(struct org *org, struct sfe_slice authorization, struct sfe_slice *id,
                              struct sfe_slice *secret)
{
    struct sfe_slice rest = authorization;
    if (!text_equal_caseless(split_first(&rest, ' '), SFE_TEXT("Basic"))) {
        return false;
    }
    while (rest.size != 0 && rest.bytes[rest.size - 1] == '=') {
        rest.size--;
    }
    struct sfe_slice pair;
    if (!decode_base64(org, rest, false, &pair)) {
        return false;
    }
    *id = split_first(&pair, ':');
    *secret = pair;
    return true;
}

static bool check_client(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_slice id = {NULL, 0};
    struct sfe_slice secret = {NULL, 0};
    if (org->sessions.client_secret.size == 0) {
        return refuse(reply, 400, "unsupported_grant_type", "grant type not supported");
    }
    if (!basic_credentials(org, request->authorization, &id, &secret) &&
        (!form_text(org, request->body, SFE_TEXT("client_id"), &id) ||
         !form_text(org, request->body, SFE_TEXT("client_secret"), &secret))) {
        return refuse(reply, 400, "invalid_request", "missing required parameter: client_secret");
    }
    if (!sfe_slice_equal(id, sfe_slice_text(org->options.client_id))) {
        return refuse(reply, 400, "invalid_client_id", "client identifier invalid");
    }
    if (!sfe_slice_equal(secret, buffer_slice(&org->sessions.client_secret))) {
        return refuse(reply, 401, "invalid_client", "invalid client credentials");
    }
    return true;
}

/* An app whose secret the org knows must show it. */
static bool check_refresh(struct org *org, struct sfe_slice form, uint32_t *family,
                          struct reply *reply)
{
    const struct buffer *wanted = &org->sessions.client_secret;
    struct sfe_slice id = {NULL, 0};
    struct sfe_slice secret = {NULL, 0};
    struct sfe_slice token = {NULL, 0};
    if (org->sessions.refresh.count == 0) {
        return refuse(reply, 400, "unsupported_grant_type", "grant type not supported");
    }
    if (!form_text(org, form, SFE_TEXT("client_id"), &id) ||
        !sfe_slice_equal(id, sfe_slice_text(org->options.client_id))) {
        return refuse(reply, 400, "invalid_client_id", "client identifier invalid");
    }
    if (wanted->size != 0 && (!form_text(org, form, SFE_TEXT("client_secret"), &secret) ||
                              !sfe_slice_equal(secret, buffer_slice(wanted)))) {
        return refuse(reply, 400, "invalid_client", "invalid client credentials");
    }
    if (!form_text(org, form, SFE_TEXT("refresh_token"), &token)) {
        return refuse(reply, 400, "invalid_request", "missing required parameter: refresh_token");
    }
    switch (refresh_use(&org->sessions.refresh, token, family)) {
    case REFRESH_TAKEN:
        org->audit.refreshes++;
        return true;
    case REFRESH_REUSED:
        org->audit.refresh_reuses++;
        sessions_end_family(&org->sessions, *family + 1);
        break;
    case REFRESH_UNKNOWN:
        break;
    }
    return refuse(reply, 400, "invalid_grant", "expired access/refresh token");
}

static bool check_rate(struct sessions *sessions, struct reply *reply)
{
    uint64_t now_ms = clock_monotonic_ms();
    if (sessions->hour_began_ms == 0 || now_ms - sessions->hour_began_ms >= HOUR_MS) {
        sessions->hour_began_ms = now_ms;
        sessions->logins_this_hour = 0;
    }
    if (sessions->logins_this_hour >= LOGINS_AN_HOUR) {
        return refuse(reply, 400, "rate_limit_exceeded", "login rate exceeded");
    }
    sessions->logins_this_hour++;
    return true;
}

/* The server's own URL as the client called it: so that it fits the certificate. */
static struct sfe_slice own_url(struct org *org, const struct http_request *request)
{
    size_t begin = org->scratch.size;
    bool is_plain = request->host.size != 0;
    for (size_t i = 0; i < request->host.size; i++) {
        uint8_t byte = request->host.bytes[i];
        is_plain = is_plain && byte > ' ' && byte != '"' && byte != '\\' && byte < 127;
    }
    buffer_add_text(&org->scratch, org->is_tls ? "https://" : "http://");
    if (is_plain) {
        buffer_add(&org->scratch, request->host);
    } else {
        buffer_format(&org->scratch, "%s:%u", org->options.listen, org->options.port);
    }
    return sfe_slice_make(org->scratch.bytes + begin, org->scratch.size - begin);
}

/* `family`: of refresh tokens, from 1 on. */
static void give_token(struct org *org, const struct http_request *request, uint32_t family,
                       struct reply *reply)
{
    const struct session *session = session_open(&org->sessions, family);
    struct sfe_slice url = own_url(org, request);
    org->audit.logins++;
    reply->status = 200;
    buffer_format(&reply->body, "{\"access_token\":\"%.112s\",\"instance_url\":\"%.*s\",",
                  session->token, (int)url.size, (const char *)url.bytes);
    if (family != 0 && org->sessions.refresh.rotates) {
        const struct buffer *token = &org->sessions.refresh.families[family - 1].token;
        buffer_format(&reply->body, "\"refresh_token\":\"%.*s\",", (int)token->size,
                      (const char *)token->bytes);
    }
    buffer_format(&reply->body,
                  "\"id\":\"%.*s/id/00D5g000004Fq7xEAC/0055g00000AbCdEAAV\","
                  "\"token_type\":\"Bearer\",\"scope\":\"api\",\"issued_at\":\"%lld000\"}",
                  (int)url.size, (const char *)url.bytes, (long long)clock_wall_s());
}

static void answer_token(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_slice type = request->content_type;
    struct sfe_slice grant = {NULL, 0};
    bool granted = false;
    uint32_t family = 0;
    if (request->method != HTTP_POST) {
        refuse(reply, 400, "invalid_request", "must use HTTP POST");
    } else if (!text_equal_caseless(split_first(&type, ';'),
                                    SFE_TEXT("application/x-www-form-urlencoded"))) {
        refuse(reply, 400, "invalid_request", "content type must be a form");
    } else if (!form_text(org, request->body, SFE_TEXT("grant_type"), &grant)) {
        refuse(reply, 400, "invalid_request", "missing required parameter: grant_type");
    } else if (!check_rate(&org->sessions, reply)) {
        granted = false;
    } else if (sfe_slice_equal(grant, SFE_TEXT("urn:ietf:params:oauth:grant-type:jwt-bearer"))) {
        granted = check_jwt(org, request->body, reply);
    } else if (sfe_slice_equal(grant, SFE_TEXT("client_credentials"))) {
        granted = check_client(org, request, reply);
    } else if (sfe_slice_equal(grant, SFE_TEXT("refresh_token"))) {
        granted = check_refresh(org, request->body, &family, reply);
        family++;
    } else {
        refuse(reply, 400, "unsupported_grant_type", "grant type not supported");
    }
    if (granted) {
        give_token(org, request, family, reply);
    } else {
        org->audit.logins_refused++;
    }
}

static void answer_revoke(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_slice token;
    if (!form_text(org, request->body, SFE_TEXT("token"), &token) ||
        !session_end(&org->sessions, token)) {
        refuse(reply, 400, "invalid_token", "token is not valid");
        return;
    }
    reply->status = 200;
}

static void answer_userinfo(struct org *org, const struct http_request *request,
                            struct reply *reply)
{
    struct sfe_slice token = request->authorization;
    (void)split_first(&token, ' ');
    if (!session_alive(&org->sessions, token)) {
        reply->status = 403;
        reply->content_type = "text/plain";
        buffer_add_text(&reply->body, "Bad_OAuth_Token");
        return;
    }
    reply->status = 200;
    buffer_add_text(&reply->body, "{\"user_id\":\"0055g00000AbCdEAAV\",\"organization_id\":"
                                  "\"00D5g000004Fq7xEAC\",\"preferred_username\":");
    buffer_add_json(&reply->body, sfe_slice_text(org->options.username));
    buffer_add_text(&reply->body, "}");
}

void oauth_answer(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_slice name =
        sfe_slice_part(request->path, sizeof "/services/oauth2/" - 1, request->path.size);
    if (sfe_slice_equal(name, SFE_TEXT("token"))) {
        answer_token(org, request, reply);
    } else if (sfe_slice_equal(name, SFE_TEXT("revoke"))) {
        answer_revoke(org, request, reply);
    } else if (sfe_slice_equal(name, SFE_TEXT("userinfo"))) {
        answer_userinfo(org, request, reply);
    } else {
        refuse(reply, 404, "not_found", "no such endpoint");
    }
}
