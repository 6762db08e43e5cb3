/* Logs in as the agent does, and asks the org what it allows (API sheet, sections 1 and 2). */
#include "doctor/finding.h"

#include "base/assert.h"
#include "base/json_reader.h"
#include "doctor/session.h"

#include <inttypes.h>
#include <stdio.h>

#define ANSWER_BYTES_MAX (256u * 1024u)
#define TOKENS_MAX       16384u
/* An assertion lives for 3 minutes: a clock that is off by more than a part of it will fail. */
#define SKEW_S 60
/* Below this part of the day's calls there is reason to warn. */
#define CALLS_LOW_PERCENT 10u

/* This device's clock beside the org's. */
static void tell_skew(const struct session *look)
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
static enum sfe_code ask(struct session *look, const char *path, struct sfe_json *json,
                         struct sfe_error *err)
{
    enum sfe_code code = session_get(look, path, err);

    if (code != SFE_OK) {
        return code;
    }
    return sfe_json_parse(sfe_builder_slice(&look->body), 0, look->tokens, TOKENS_MAX, json, err);
}

static void tell_api_failure(const struct session *look, const char *check,
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

static void look_at_version(struct session *look)
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

static void look_at_limits(struct session *look)
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
    if (!sfe_json_read_count(&json, sfe_json_find(&json, 0, SFE_TEXT("/DailyApiRequests/Max")),
                             &most) ||
        !sfe_json_read_count(
            &json, sfe_json_find(&json, 0, SFE_TEXT("/DailyApiRequests/Remaining")), &left)) {
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

static void look_at_org(struct session *look, bool with_api)
{
    const struct sfe_config_salesforce *config = &look->connection->salesforce;
    struct sfe_error err;

    if (session_log_in(look, &err) != SFE_OK) {
        session_tell_login(look, &err);
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
    struct session *look =
        session_enter(options, index, (struct session_bounds){ANSWER_BYTES_MAX, TOKENS_MAX});

    if (look != NULL) {
        look_at_org(look, with_api);
        sfe_org_close(look->org);
    }
}
