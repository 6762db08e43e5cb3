#include "salesforce/oauth.h"

#include "base/assert.h"
#include "base/json_writer.h"
#include "salesforce/host.h"
#include "salesforce/rest.h"

#include <stdio.h>
#include <string.h>

/* The org allows 3 minutes, and 5 in practice (API sheet, section 1). */
#define LIFE_S              180
#define CLAIMS_BYTES_MAX    2048u
#define SIGNATURE_BYTES_MAX 1024u
/* An answer has some ten members. */
#define TOKENS_MAX 64u

struct refusal {
    const char *error;       /* NULL: any. */
    const char *description; /* A part of it; NULL: any. */
    enum sfe_retry retry;
    enum oauth_cause cause;
    const char *advice;
};

#define HUMAN SFE_RETRY_AFTER_HUMAN
#define QUOTA SFE_RETRY_AFTER_QUOTA
#define LATER SFE_RETRY_LATER

/* The first row that fits holds. */
static const struct refusal refusals[] = {
    {"invalid_grant", "hasn't approved", HUMAN, OAUTH_OTHER,
     "assign the app's permission set to the user; policy: admin approved users are "
     "pre-authorized"},
    {"invalid_app_access", NULL, HUMAN, OAUTH_OTHER,
     "assign the app's permission set to the user; policy: admin approved users are "
     "pre-authorized"},
    {"invalid_grant", "audience is invalid", HUMAN, OAUTH_OTHER,
     "set auth.audience: https://login.salesforce.com, or https://test.salesforce.com for a "
     "sandbox"},
    {"invalid_grant", "expired access/refresh token", HUMAN, OAUTH_TOKEN_ENDED,
     "the refresh token was revoked, rotated away or left unused: approve the app again, and put "
     "the "
     "new token into auth.refresh_token_file"},
    {"invalid_grant", "token request is already being processed", LATER, OAUTH_OTHER,
     "another user of this refresh token is at it; give each gateway its own"},
    {"invalid_grant", "expired", HUMAN, OAUTH_CLOCK, "set this device's clock"},
    {"invalid_grant", "user does not exist", HUMAN, OAUTH_OTHER, "check auth.username"},
    {"invalid_grant", "inactive user", HUMAN, OAUTH_OTHER, "activate the user in the org"},
    {"inactive_user", NULL, HUMAN, OAUTH_OTHER, "activate the user in the org"},
    {"inactive_org", NULL, HUMAN, OAUTH_OTHER, "the org is deactivated; ask its administrator"},
    {"invalid_grant", "no client credentials user", HUMAN, OAUTH_OTHER,
     "name the user it runs as in the app's client credentials flow"},
    {"invalid_grant", "request not supported on this domain", HUMAN, OAUTH_OTHER,
     "set login_url to the org's My Domain: https://NAME.my.salesforce.com"},
    {"invalid_grant", "ip restricted", HUMAN, OAUTH_OTHER,
     "allow this address in the profile's login IP ranges"},
    {"invalid_grant", "login rate exceeded", QUOTA, OAUTH_OTHER,
     "too many log-ins within an hour; wait"},
    {"invalid_grant", "invalid assertion", HUMAN, OAUTH_OTHER,
     "upload the certificate of auth.key_file to the app"},
    {"invalid_grant", "authentication failure", HUMAN, OAUTH_OTHER,
     "check the user: locked, deactivated, or outside its login hours"},
    {"invalid_grant", NULL, HUMAN, OAUTH_OTHER, "check the app's settings and the user"},
    {"invalid_client_id", NULL, HUMAN, OAUTH_OTHER,
     "check auth.client_id and login_url; a new app takes up to 10 minutes"},
    {"invalid_client", NULL, HUMAN, OAUTH_OTHER,
     "check auth.client_id and auth.client_secret_file"},
    {"unsupported_grant_type", NULL, HUMAN, OAUTH_OTHER, "enable the flow of auth.flow in the app"},
    {"invalid_request", NULL, HUMAN, OAUTH_OTHER, "enable the flow of auth.flow in the app"},
    {"app_not_found", NULL, HUMAN, OAUTH_OTHER, "install the external client app in this org"},
    {"rate_limit_exceeded", NULL, QUOTA, OAUTH_OTHER, "too many log-ins within an hour; wait"},
    {NULL, "login rate exceeded", QUOTA, OAUTH_OTHER, "too many log-ins within an hour; wait"},
    {NULL, "ip restricted", HUMAN, OAUTH_OTHER,
     "allow this address in the profile's login IP ranges"},
    {"unknown_error", NULL, LATER, OAUTH_OTHER, "the org's log-in failed; it is tried again"},
    {"server_error", NULL, LATER, OAUTH_OTHER, "the org's log-in failed; it is tried again"},
    {"temporarily_unavailable", NULL, LATER, OAUTH_OTHER, "the org's log-in is busy"},
    {NULL, NULL, HUMAN, OAUTH_OTHER, "check the app's settings and the user"},
};

static void add_claims(const struct oauth_claims *claims, struct sfe_builder *out)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);
    char id[2 * sizeof(claims->id)];
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof(claims->id); i++) {
        id[2 * i] = digits[claims->id[i] >> 4];
        id[2 * i + 1] = digits[claims->id[i] & 0x0fu];
    }
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "iss", sfe_slice_text(claims->client_id));
    sfe_json_put_text(&writer, "sub", sfe_slice_text(claims->username));
    sfe_json_put_text(&writer, "aud", sfe_slice_text(claims->audience));
    sfe_json_put_i64(&writer, "exp", claims->now_unix_s + LIFE_S);
    sfe_json_put_text(&writer, "jti", sfe_slice_make(id, sizeof(id)));
    sfe_json_end_object(&writer);
}

enum sfe_code oauth_add_form(const struct oauth_claims *claims, const struct sfe_crypto *crypto,
                             struct sfe_key *key, struct sfe_builder *form, struct sfe_error *err)
{
    uint8_t memory[CLAIMS_BYTES_MAX];
    uint8_t signature[SIGNATURE_BYTES_MAX];
    struct sfe_builder json = sfe_builder_make(memory, sizeof(memory));
    size_t size = sizeof(signature);

    add_claims(claims, &json);
    /* The rest of the form needs no percent-encoding: base64url and dots (RFC 3986, section 2.3).
     */
    sfe_builder_add_text(form, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
                               "&assertion=");
    size_t begin = form->size;
    sfe_builder_add_base64url(form, SFE_TEXT("{\"alg\":\"RS256\"}"));
    sfe_builder_add_byte(form, '.');
    sfe_builder_add_base64url(form, sfe_builder_slice(&json));
    if (json.overflowed || form->overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "client_id, username and audience are too long");
    }
    struct sfe_slice message = sfe_slice_make(form->bytes + begin, form->size - begin);
    enum sfe_code code = crypto->sign_rs256(crypto->context, key, message, signature, &size, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot sign the log-in");
    }
    SFE_ASSERT(size <= sizeof(signature));
    sfe_builder_add_byte(form, '.');
    sfe_builder_add_base64url(form, sfe_slice_make(signature, size));
    if (form->overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the key is too long");
    }
    return SFE_OK;
}

/* As in a form: all but letters, digits and -._~ as %XX. */
static void add_encoded(struct sfe_builder *form, struct sfe_slice text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= '0' && byte <= '9') || (byte != 0 && strchr("-._~", byte) != NULL);
        if (is_plain) {
            sfe_builder_add_byte(form, byte);
        } else {
            sfe_builder_add_byte(form, '%');
            sfe_builder_add_byte(form, (uint8_t)digits[byte >> 4]);
            sfe_builder_add_byte(form, (uint8_t)digits[byte & 0x0fu]);
        }
    }
}

enum sfe_code oauth_add_secret_form(const char *client_id, struct sfe_slice client_secret,
                                    struct sfe_builder *form, struct sfe_error *err)
{
    SFE_ASSERT(client_secret.size != 0);
    sfe_builder_add_text(form, "grant_type=client_credentials&client_id=");
    add_encoded(form, sfe_slice_text(client_id));
    sfe_builder_add_text(form, "&client_secret=");
    add_encoded(form, client_secret);
    return form->overflowed
               ? sfe_fail(err, SFE_E_TOO_LARGE, "client_id and client_secret are too long")
               : SFE_OK;
}

enum sfe_code oauth_add_refresh_form(const struct oauth_refresh *refresh, struct sfe_builder *form,
                                     struct sfe_error *err)
{
    SFE_ASSERT(refresh->token.size != 0);
    sfe_builder_add_text(form, "grant_type=refresh_token&client_id=");
    add_encoded(form, sfe_slice_text(refresh->client_id));
    sfe_builder_add_text(form, "&refresh_token=");
    add_encoded(form, refresh->token);
    if (refresh->client_secret.size != 0) {
        sfe_builder_add_text(form, "&client_secret=");
        add_encoded(form, refresh->client_secret);
    }
    return form->overflowed
               ? sfe_fail(err, SFE_E_TOO_LARGE, "client_id and client_secret are too long")
               : SFE_OK;
}

static enum sfe_code fail_protocol(struct sfe_error *err, uint16_t http_status, const char *what)
{
    (void)sfe_fail(err, SFE_E_PROTOCOL, "log-in: %s (HTTP %u)", what, (unsigned)http_status);
    return sfe_error_api(err, http_status, "", SFE_RETRY_LATER);
}

static bool row_fits(const struct refusal *row, const struct rest_error *error)
{
    return (row->error == NULL || strcmp(row->error, error->code) == 0) &&
           (row->description == NULL || strstr(error->message, row->description) != NULL);
}

static enum sfe_code read_refusal(uint16_t http_status, struct sfe_slice body,
                                  struct sfe_json_token *tokens, struct oauth_grant *grant,
                                  struct sfe_error *err)
{
    struct rest_error error;
    const struct refusal *row = &refusals[0];

    if (!rest_read_error(body, tokens, TOKENS_MAX, &error)) {
        (void)fail_protocol(err, http_status, "the answer is no OAuth answer");
        if (http_status == 429) {
            err->retry = QUOTA;
        }
        return err->code;
    }
    while (!row_fits(row, &error)) {
        row++;
    }
    grant->cause = row->cause;
    (void)sfe_fail(err, SFE_E_AUTH, "log-in refused: %.80s -> %s",
                   error.message[0] == '\0' ? error.code : error.message, row->advice);
    return sfe_error_api(err, http_status, error.code, http_status >= 500 ? LATER : row->retry);
}

static enum sfe_code take_url(const struct sfe_json *json, uint16_t http_status,
                              const char *login_url, struct oauth_grant *grant,
                              struct sfe_error *err)
{
    uint32_t index = sfe_json_member(json, 0, SFE_TEXT("instance_url"));
    struct sfe_builder url = sfe_builder_make(grant->instance_url, OAUTH_URL_BYTES_MAX - 1);
    struct sfe_slice login = sfe_slice_text(login_url);

    if (index == SFE_JSON_NONE || sfe_json_kind(json, index) != SFE_JSON_STRING) {
        return fail_protocol(err, http_status, "instance_url is missing");
    }
    sfe_json_add_text(json, index, &url);
    while (url.size > 0 && url.bytes[url.size - 1] == '/') {
        url.size--;
    }
    while (login.size > 0 && login.bytes[login.size - 1] == '/') {
        login.size--;
    }
    grant->instance_url[url.size] = '\0';
    if (url.overflowed || !host_is_of_org(sfe_builder_slice(&url), login)) {
        /* Whoever is meant, the token is not for them. */
        char shown[80];
        sfe_printable(shown, sizeof(shown), sfe_slice_text(grant->instance_url));
        (void)sfe_fail(err, SFE_E_AUTH,
                       "instance_url \"%s\" is none of the org's hosts, or not https", shown);
        return sfe_error_api(err, http_status, "", SFE_RETRY_AFTER_HUMAN);
    }
    return SFE_OK;
}

static enum sfe_code take_token(const struct sfe_json *json, const char *name, uint16_t http_status,
                                struct sfe_secret *token, struct sfe_error *err)
{
    uint8_t memory[OAUTH_TOKEN_BYTES_MAX];
    char what[64];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
    uint32_t index = sfe_json_member(json, 0, sfe_slice_text(name));

    if (index == SFE_JSON_NONE || sfe_json_kind(json, index) != SFE_JSON_STRING) {
        (void)snprintf(what, sizeof(what), "the answer holds no %s", name);
        return fail_protocol(err, http_status, what);
    }
    sfe_json_add_text(json, index, &text);
    enum sfe_code code = SFE_OK;
    if (text.overflowed || text.size == 0 || text.size > token->capacity) {
        (void)snprintf(what, sizeof(what), "the %s is empty or too long", name);
        code = fail_protocol(err, http_status, what);
    } else {
        code = sfe_secret_set(token, sfe_builder_slice(&text), err);
    }
    sfe_wipe(memory, sizeof(memory));
    return code;
}

enum sfe_code oauth_read_answer(uint16_t http_status, const char *content_type,
                                struct sfe_slice body, const char *login_url,
                                struct oauth_grant *grant, struct sfe_error *err)
{
    struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_json json;

    grant->cause = OAUTH_OTHER;
    if (grant->refresh_token != NULL) {
        sfe_secret_wipe(grant->refresh_token);
    }
    if (rest_is_html(content_type, body)) {
        return fail_protocol(err, http_status, "a page came instead of an answer");
    }
    if (http_status != 200) {
        return read_refusal(http_status, body, tokens, grant, err);
    }
    if (sfe_json_parse(body, 0, tokens, TOKENS_MAX, &json, err) != SFE_OK ||
        sfe_json_kind(&json, 0) != SFE_JSON_OBJECT) {
        return fail_protocol(err, http_status, "the answer is not JSON");
    }
    /* First: with it the one before has ended, whatever else is wrong with this answer. */
    if (grant->refresh_token != NULL &&
        sfe_json_member(&json, 0, SFE_TEXT("refresh_token")) != SFE_JSON_NONE &&
        take_token(&json, "refresh_token", http_status, grant->refresh_token, err) != SFE_OK) {
        return err->code;
    }
    if (take_url(&json, http_status, login_url, grant, err) != SFE_OK) {
        return err->code;
    }
    return take_token(&json, "access_token", http_status, grant->token, err);
}
