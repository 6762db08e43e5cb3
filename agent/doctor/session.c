#include "doctor/session.h"

#include "base/arena.h"
#include "base/assert.h"
#include "doctor/route.h"
#include "salesforce/rest.h"

#include <stdio.h>

#define SECOND_NS       UINT64_C(1000000000)
#define LOGIN_WAIT_NS   (60u * SECOND_NS)
#define REQUEST_WAIT_NS (60u * SECOND_NS)

static uint64_t now_ns(const struct session *session)
{
    return sfe_clock_monotonic_ns(&session->options->platform->clock);
}

static void on_answer(void *visitor, const struct sfe_http_answer *answer)
{
    struct session *session = visitor;
    const struct sfe_clock *clock = &session->options->platform->clock;
    struct sfe_http_owner *owner = answer->tag;
    int64_t unix_ns = 0;

    if (answer->date_unix_s > 0) {
        (void)clock->wall_ns(clock->context, &unix_ns);
        session->skew_s = answer->date_unix_s - unix_ns / (int64_t)SECOND_NS;
        session->knows_skew = true;
    }
    SFE_ASSERT(owner != NULL);
    owner->on_answer(owner, answer);
}

static void on_own_answer(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct session *session = (struct session *)owner;

    sfe_org_answered(session->org, answer);
    session->answer = *answer;
    session->is_answered = true;
}

static enum sfe_code poll_once(struct session *session, uint64_t until_ns, struct sfe_error *err)
{
    const struct sfe_http *http = &session->options->platform->http;

    return http->poll(http->context, until_ns, on_answer, session, err);
}

enum sfe_code session_log_in(struct session *session, struct sfe_error *err)
{
    const uint64_t until_ns = now_ns(session) + LOGIN_WAIT_NS;
    struct sfe_org_facts facts;
    uint64_t ready_ns = 0;

    while (!sfe_org_is_ready(session->org, now_ns(session), &ready_ns)) {
        uint64_t due_ns = sfe_org_turn(session->org, now_ns(session));
        sfe_org_facts(session->org, &facts);
        if (facts.last_error.code != SFE_OK) {
            *err = facts.last_error;
            return err->code;
        }
        if (now_ns(session) >= until_ns) {
            return sfe_fail(err, SFE_E_TIMEOUT, "no answer to the log-in within 60 s");
        }
        enum sfe_code code = poll_once(session, due_ns < until_ns ? due_ns : until_ns, err);
        if (code != SFE_OK) {
            return code;
        }
        sfe_org_facts(session->org, &facts);
        if (facts.last_error.code != SFE_OK) {
            *err = facts.last_error;
            return err->code;
        }
    }
    return SFE_OK;
}

static enum sfe_code fail_refused(const struct session *session, const char *path,
                                  struct sfe_error *err)
{
    const uint16_t status = session->answer.status;
    struct rest_error refusal;

    if (!rest_read_error(sfe_builder_slice(&session->body), session->tokens, session->token_count,
                         &refusal)) {
        (void)sfe_fail(err, SFE_E_API, "HTTP %u for %s", (unsigned)status, path);
        return sfe_error_api(err, status, "", SFE_RETRY_NEVER);
    }
    (void)sfe_fail(err, SFE_E_API, "%s: %s", refusal.code, refusal.message);
    return sfe_error_api(err, status, refusal.code, SFE_RETRY_NEVER);
}

enum sfe_code session_get(struct session *session, const char *path, struct sfe_error *err)
{
    const uint64_t until_ns = now_ns(session) + REQUEST_WAIT_NS;
    const struct sfe_org_request request = {
        .method = "GET", .path = path, .answer_body = &session->body, .owner = &session->owner};
    enum sfe_code code = sfe_org_begin(session->org, &request, err);

    session->is_answered = false;
    if (code == SFE_E_AGAIN) {
        return sfe_fail(err, SFE_E_AUTH, "the session ended at once");
    }
    while (code == SFE_OK && !session->is_answered) {
        code = now_ns(session) < until_ns ? poll_once(session, until_ns, err)
                                          : sfe_fail(err, SFE_E_TIMEOUT, "no answer within 60 s");
    }
    if (code != SFE_OK) {
        return code;
    }
    if (session->answer.code != SFE_OK) {
        *err = session->answer.err;
        return err->code;
    }
    return session->answer.status == 200 ? SFE_OK : fail_refused(session, path, err);
}

/* Settings that advice about a log-in names, as keys of the connection. */
static const char *const SETTINGS[][2] = {
    {"auth.audience", "auth/audience"},
    {"auth.client_id", "auth/client_id"},
    {"auth.username", "auth/username"},
    {"auth.key_file", "auth/key_file"},
    {"auth.refresh_token_file", "auth/refresh_token_file"},
    {"auth.client_secret_file", "auth/client_secret_file"},
    {"auth.flow", "auth/flow"},
    {"login_url", "login_url"},
    {"proxy.username", "proxy/username"},
    {"proxy.no_proxy", "proxy/no_proxy"},
    /* What is to be changed in the org is found by the setting that names it. */
    {"the user", "auth/username"},
    {"the app", "auth/client_id"},
};

static const char *setting_of(const char *advice)
{
    for (size_t i = 0; i < sizeof(SETTINGS) / sizeof(SETTINGS[0]); i++) {
        if (strstr(advice, SETTINGS[i][0]) != NULL) {
            return SETTINGS[i][1];
        }
    }
    return NULL;
}

void session_tell_login(const struct session *session, const struct sfe_error *err)
{
    const struct sfe_config_salesforce *config = &session->connection->salesforce;
    struct sfe_finding finding = {.level = SFE_FINDING_FAIL,
                                  .check = "login",
                                  .subject = session->connection->name,
                                  .code = err->code};
    const char *setting = setting_of(err->message);
    const bool is_refused = err->code == SFE_E_AUTH;
    char message[640];

    if (setting == NULL && !is_refused) {
        setting = "login_url";
    }
    if (setting != NULL) {
        finding_setting(finding.setting, sizeof(finding.setting), session->connection->name,
                        setting);
    }
    int length = snprintf(message, sizeof(message), "%s%s%s", err->api_code,
                          err->api_code[0] == '\0' ? "" : ": ", err->message);
    SFE_ASSERT(length > 0);
    finding_tell(session->options, &finding, message,
                 is_refused ? NULL : "check login_url, the network, a proxy, and tls.ca_file");
    if (is_refused) {
        finding_ok(session->options, "claims", session->connection->name,
                   "used: issuer %.60s, subject %.60s, audience %.60s, asked at %.60s",
                   config->client_id, config->username, config->audience, config->login_url);
    }
}

/* The host of an address, without its port. */
static void host_of(const char *url, char host[ROUTE_HOST_BYTES])
{
    const char *begin = strstr(url, "://");
    size_t size = 0;

    begin = begin == NULL ? url : begin + 3;
    if (begin[0] == '[') {
        begin++;
        size = strcspn(begin, "]");
    } else {
        size = strcspn(begin, ":/");
    }
    sfe_printable(host, ROUTE_HOST_BYTES, sfe_slice_make(begin, size));
}

static enum sfe_code open_session(struct session *session, uint32_t index,
                                  struct session_bounds bounds, struct sfe_error *err)
{
    const struct sfe_doctor_options *options = session->options;
    uint8_t *body = sfe_arena_take(options->arena, bounds.answer_bytes, err);

    session->tokens = sfe_arena_take(options->arena, bounds.tokens * sizeof(*session->tokens), err);
    if (body == NULL || session->tokens == NULL) {
        return SFE_E_NO_MEMORY;
    }
    session->token_count = bounds.tokens;
    session->body = sfe_builder_make(body, bounds.answer_bytes);
    session->owner.on_answer = on_own_answer;
    session->org_options =
        sfe_org_options_of(options->compiled, index, options->platform, options->log);
    return sfe_org_open(&session->org_options, options->arena, &session->org, err);
}

struct session *session_enter(const struct sfe_doctor_options *options, uint32_t index,
                              struct session_bounds bounds)
{
    const struct sfe_config_connection *connection = &options->config->connections[index];
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "login", .subject = connection->name};
    char host[ROUTE_HOST_BYTES];
    struct sfe_error err;

    finding_setting(finding.setting, sizeof(finding.setting), connection->name, "login_url");
    host_of(connection->salesforce.login_url, host);
    if (!route_look_proxy(options, connection, host)) {
        return NULL;
    }
    if (connection->salesforce.flow == SFE_AUTH_REFRESH_TOKEN) {
        finding_ok(options, "login", connection->name,
                   "not tried: a refresh token is for one user alone, the agent; what the org said "
                   "to it is in \"sfedge status\"");
        return NULL;
    }
    struct session *session = sfe_arena_take(options->arena, sizeof(*session), &err);
    enum sfe_code code = session == NULL ? SFE_E_NO_MEMORY : SFE_OK;
    if (session != NULL) {
        session->options = options;
        session->connection = connection;
        code = open_session(session, index, bounds, &err);
    }
    if (code == SFE_OK) {
        return session;
    }
    finding.code = code;
    finding_setting(finding.setting, sizeof(finding.setting), connection->name, "auth/key_file");
    finding_tell(options, &finding, err.message,
                 "give auth.key_file the private key of the app's certificate (RSA, PEM)");
    return NULL;
}
