/* Logs in as the agent does, and asks the org what it allows (API sheet, sections 1 and 2). */
#include "doctor/route.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_reader.h"
#include "run/org_options.h"
#include "salesforce/rest.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_NS        UINT64_C(1000000000)
#define LOGIN_WAIT_NS    (60u * SECOND_NS)
#define REQUEST_WAIT_NS  (60u * SECOND_NS)
#define ANSWER_BYTES_MAX (256u * 1024u)
#define TOKENS_MAX       16384u
/* An assertion lives for 3 minutes: a clock that is off by more than a part of it will fail. */
#define SKEW_S 60
/* Below this part of the day's calls there is reason to warn. */
#define CALLS_LOW_PERCENT 10u

struct look {
    struct sfe_http_owner owner; /* First: the tag of the exchange. */
    const struct sfe_doctor_options *options;
    const struct sfe_config_connection *connection;
    struct sfe_org *org;
    struct sfe_builder body;
    struct sfe_json_token *tokens;
    struct sfe_http_answer answer;
    bool is_answered;
    int64_t skew_s; /* The org's clock minus ours, by its last Date. */
    bool knows_skew;
    struct sfe_org_options org_options;
    struct sfe_error login_error;
};

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

static uint64_t now_ns(const struct look *look)
{
    return sfe_clock_monotonic_ns(&look->options->platform->clock);
}

static void on_answer(void *visitor, const struct sfe_http_answer *answer)
{
    struct look *look = visitor;
    const struct sfe_clock *clock = &look->options->platform->clock;
    struct sfe_http_owner *owner = answer->tag;
    int64_t unix_ns = 0;

    if (answer->date_unix_s > 0) {
        (void)clock->wall_ns(clock->context, &unix_ns);
        look->skew_s = answer->date_unix_s - unix_ns / (int64_t)SECOND_NS;
        look->knows_skew = true;
    }
    SFE_ASSERT(owner != NULL);
    owner->on_answer(owner, answer);
}

static void on_own_answer(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct look *look = (struct look *)owner;

    sfe_org_answered(look->org, answer);
    look->answer = *answer;
    look->is_answered = true;
}

static enum sfe_code poll_once(struct look *look, uint64_t until_ns, struct sfe_error *err)
{
    const struct sfe_http *http = &look->options->platform->http;

    return http->poll(http->context, until_ns, on_answer, look, err);
}

/* Lets the org log in, once: its first failure ends it. */
static enum sfe_code log_in(struct look *look, struct sfe_error *err)
{
    const uint64_t until_ns = now_ns(look) + LOGIN_WAIT_NS;
    struct sfe_org_facts facts;
    uint64_t ready_ns = 0;

    while (!sfe_org_is_ready(look->org, now_ns(look), &ready_ns)) {
        uint64_t due_ns = sfe_org_turn(look->org, now_ns(look));
        sfe_org_facts(look->org, &facts);
        if (facts.last_error.code != SFE_OK) {
            *err = facts.last_error;
            return err->code;
        }
        if (now_ns(look) >= until_ns) {
            return sfe_fail(err, SFE_E_TIMEOUT, "no answer to the log-in within 60 s");
        }
        enum sfe_code code = poll_once(look, due_ns < until_ns ? due_ns : until_ns, err);
        if (code != SFE_OK) {
            return code;
        }
        sfe_org_facts(look->org, &facts);
        if (facts.last_error.code != SFE_OK) {
            *err = facts.last_error;
            return err->code;
        }
    }
    return SFE_OK;
}

static void tell_login_failure(const struct look *look, const struct sfe_error *err)
{
    const struct sfe_config_salesforce *config = &look->connection->salesforce;
    struct sfe_finding finding = {.level = SFE_FINDING_FAIL,
                                  .check = "login",
                                  .subject = look->connection->name,
                                  .code = err->code};
    const char *setting = setting_of(err->message);
    const bool is_refused = err->code == SFE_E_AUTH;
    char message[640];

    if (setting == NULL && !is_refused) {
        setting = "login_url";
    }
    if (setting != NULL) {
        finding_setting(finding.setting, sizeof(finding.setting), look->connection->name, setting);
    }
    int length = snprintf(message, sizeof(message), "%s%s%s", err->api_code,
                          err->api_code[0] == '\0' ? "" : ": ", err->message);
    SFE_ASSERT(length > 0);
    finding_tell(look->options, &finding, message,
                 is_refused ? NULL : "check login_url, the network, a proxy, and tls.ca_file");
    if (is_refused) {
        finding_ok(look->options, "claims", look->connection->name,
                   "used: issuer %.60s, subject %.60s, audience %.60s, asked at %.60s",
                   config->client_id, config->username, config->audience, config->login_url);
    }
}

/* This device's clock beside the org's. */
static void tell_skew(const struct look *look)
{
    const bool is_off = look->skew_s > SKEW_S || look->skew_s < -SKEW_S;
    const bool uses_org = sfe_org_trusts_org_time(look->org);
    struct sfe_finding finding = {
        .level = SFE_FINDING_WARN, .check = "skew", .subject = look->connection->name};
    char message[160];

    if (!look->knows_skew) {
        finding_tell(look->options, &finding, "the org did not say what time it is", "");
        return;
    }
    int length = snprintf(message, sizeof(message),
                          "the org's clock is %" PRId64 " s ahead of this device's; log-ins are "
                          "signed with %s",
                          look->skew_s, uses_org ? "the org's time" : "this device's");
    if (length > 0 && !is_off) {
        finding_ok(look->options, "skew", look->connection->name, "%s", message);
        return;
    }
    finding_tell(look->options, &finding, message, "set this device's clock");
}

/* Asks and waits; the body is parsed into *json. */
static enum sfe_code ask(struct look *look, const char *path, struct sfe_json *json,
                         struct sfe_error *err)
{
    const uint64_t until_ns = now_ns(look) + REQUEST_WAIT_NS;
    const struct sfe_org_request request = {
        .method = "GET", .path = path, .answer_body = &look->body, .owner = &look->owner};
    struct rest_error refusal;
    enum sfe_code code = sfe_org_begin(look->org, &request, err);

    look->is_answered = false;
    if (code == SFE_E_AGAIN) {
        return sfe_fail(err, SFE_E_AUTH, "the session ended at once");
    }
    while (code == SFE_OK && !look->is_answered) {
        code = now_ns(look) < until_ns ? poll_once(look, until_ns, err)
                                       : sfe_fail(err, SFE_E_TIMEOUT, "no answer within 60 s");
    }
    if (code != SFE_OK) {
        return code;
    }
    if (look->answer.code != SFE_OK) {
        *err = look->answer.err;
        return err->code;
    }
    if (look->answer.status != 200) {
        if (!rest_read_error(sfe_builder_slice(&look->body), look->tokens, TOKENS_MAX, &refusal)) {
            return sfe_fail(err, SFE_E_API, "HTTP %u for %s", (unsigned)look->answer.status, path);
        }
        return sfe_fail(err, SFE_E_API, "%s: %s", refusal.code, refusal.message);
    }
    return sfe_json_parse(sfe_builder_slice(&look->body), 0, look->tokens, TOKENS_MAX, json, err);
}

static void tell_api_failure(const struct look *look, const char *check,
                             const struct sfe_error *err, const char *fix)
{
    const struct sfe_finding finding = {.level = SFE_FINDING_FAIL,
                                        .check = check,
                                        .subject = look->connection->name,
                                        .code = err->code};

    finding_tell(look->options, &finding, err->message, fix);
}

/* The org lists its versions without their "v". */
static bool has_version(const struct sfe_json *json, const char *version)
{
    for (uint32_t item = sfe_json_first(json, 0); item != SFE_JSON_NONE;
         item = sfe_json_next(json, 0, item)) {
        uint32_t value = sfe_json_member(json, item, SFE_TEXT("version"));
        if (value != SFE_JSON_NONE && sfe_json_kind(json, value) == SFE_JSON_STRING &&
            sfe_json_text_equal(json, value, sfe_slice_text(version + 1))) {
            return true;
        }
    }
    return false;
}

static void look_at_version(struct look *look)
{
    const char *version = look->connection->salesforce.api_version;
    struct sfe_json json;
    struct sfe_error err;
    enum sfe_code code = ask(look, "/services/data/", &json, &err);

    if (code == SFE_OK && sfe_json_kind(&json, 0) == SFE_JSON_ARRAY &&
        has_version(&json, version)) {
        finding_ok(look->options, "api", look->connection->name, "the org offers %s", version);
        return;
    }
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "api", .subject = look->connection->name};
    finding_setting(finding.setting, sizeof(finding.setting), look->connection->name,
                    "api_version");
    if (code == SFE_OK) {
        code = sfe_fail(&err, SFE_E_API, "the org does not offer %s", version);
    }
    finding.code = code;
    finding_tell(look->options, &finding, err.message, "take an api_version that the org offers");
}

static bool take_number(const struct sfe_json *json, const char *pointer, uint64_t *number)
{
    uint32_t token = sfe_json_find(json, 0, sfe_slice_text(pointer));

    *number = 0;
    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_NUMBER) {
        return false;
    }
    struct sfe_slice digits = sfe_json_raw(json, token);
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9' || *number > UINT64_MAX / 100u) {
            return false;
        }
        *number = *number * 10u + (uint64_t)(digits.bytes[i] - '0');
    }
    return true;
}

static void look_at_limits(struct look *look)
{
    char path[64];
    char message[128];
    struct sfe_json json;
    struct sfe_error err;
    uint64_t most = 0;
    uint64_t left = 0;
    int length =
        snprintf(path, sizeof(path), "/services/data/%s/limits/", sfe_org_api_version(look->org));

    SFE_ASSERT(length > 0 && (size_t)length < sizeof(path));
    if (ask(look, path, &json, &err) != SFE_OK) {
        tell_api_failure(look, "limits", &err,
                         "give the user the permission \"API Enabled\" in its profile");
        return;
    }
    if (!take_number(&json, "/DailyApiRequests/Max", &most) ||
        !take_number(&json, "/DailyApiRequests/Remaining", &left)) {
        (void)sfe_fail(&err, SFE_E_API, "the org does not tell its daily API requests");
        tell_api_failure(look, "limits", &err, "");
        return;
    }
    struct sfe_finding finding = {
        .level = SFE_FINDING_WARN, .check = "limits", .subject = look->connection->name};
    length = snprintf(message, sizeof(message),
                      "%" PRIu64 " of %" PRIu64 " API calls are left for today", left, most);
    if (length > 0 && left > most / 100u * CALLS_LOW_PERCENT) {
        finding_ok(look->options, "limits", look->connection->name, "%s", message);
        return;
    }
    finding_tell(look->options, &finding, message,
                 "find out who uses them up (Setup, Company Information), or buy more");
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

static enum sfe_code open_look(struct look *look, uint32_t index, struct sfe_error *err)
{
    const struct sfe_doctor_options *options = look->options;
    uint8_t *body = sfe_arena_take(options->arena, ANSWER_BYTES_MAX, err);

    look->tokens = sfe_arena_take(options->arena, TOKENS_MAX * sizeof(*look->tokens), err);
    if (body == NULL || look->tokens == NULL) {
        return SFE_E_NO_MEMORY;
    }
    look->body = sfe_builder_make(body, ANSWER_BYTES_MAX);
    look->owner.on_answer = on_own_answer;
    look->org_options =
        sfe_org_options_of(options->compiled, index, options->platform, options->log);
    return sfe_org_open(&look->org_options, options->arena, &look->org, err);
}

static void look_at_org(struct look *look, bool with_api)
{
    const struct sfe_config_salesforce *config = &look->connection->salesforce;

    if (log_in(look, &look->login_error) != SFE_OK) {
        tell_login_failure(look, &look->login_error);
        if (look->knows_skew) {
            tell_skew(look);
        }
        return;
    }
    finding_ok(look->options, "login", look->connection->name,
               "logged in at %.80s: issuer %.60s, subject %.60s, audience %.60s", config->login_url,
               config->client_id, config->username, config->audience);
    finding_ok(look->options, "org", look->connection->name, "requests go to %.200s",
               sfe_org_instance_url(look->org));
    tell_skew(look);
    if (with_api) {
        look_at_version(look);
        look_at_limits(look);
    }
}

void sfe_doctor_org(const struct sfe_doctor_options *options, uint32_t index, bool with_api)
{
    const struct sfe_config_connection *connection = &options->config->connections[index];
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "login", .subject = connection->name};
    char host[ROUTE_HOST_BYTES];
    struct sfe_error err;

    finding_setting(finding.setting, sizeof(finding.setting), connection->name, "login_url");
    host_of(connection->salesforce.login_url, host);
    if (!route_look_proxy(options, connection, host)) {
        return;
    }
    if (connection->salesforce.flow == SFE_AUTH_REFRESH_TOKEN) {
        finding_ok(options, "login", connection->name,
                   "not tried: a refresh token is for one user alone, the agent; what the org said "
                   "to it is in \"sfedge status\"");
        return;
    }
    struct look *look = sfe_arena_take(options->arena, sizeof(*look), &err);
    enum sfe_code code = look == NULL ? SFE_E_NO_MEMORY : SFE_OK;
    if (look != NULL) {
        look->options = options;
        look->connection = connection;
        code = open_look(look, index, &err);
    }
    if (code != SFE_OK) {
        finding.code = code;
        finding_setting(finding.setting, sizeof(finding.setting), connection->name,
                        "auth/key_file");
        finding_tell(options, &finding, err.message,
                     "give auth.key_file the private key of the app's certificate (RSA, PEM)");
        return;
    }
    look_at_org(look, with_api);
    sfe_org_close(look->org);
}
