/* Visits the brokers of a connection and says what came of it: the way, TLS, the log-in, and the
 * subscriptions. */
#include "base/arena.h"
#include "doctor/route.h"
#include "doctor/visit.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_NS        INT64_C(1000000000)
#define DAY_S            INT64_C(86400)
#define SOON_DAYS        21
#define REASON_VERSION   0x84u
#define REASON_VERSION_3 0x01u
#define REASON_FAILED    0x80u
#define SHARE            "$share/"

/* What a reason of port/tls.h says, the key to change and what to do. */
static const struct advice {
    const char *words;
    const char *key;
    const char *fix;
} TLS_ADVICE[] = {
    {"\"ca_file\"", "tls/ca_file",
     "name the authority of the broker's certificate by tls.ca_file, once you know it is the right "
     "one"},
    {", not for ", "url",
     "connect by a name that the certificate is for, or renew the certificate"},
    {" expired on ", "",
     "renew the broker's certificate; or set this device's clock, if it is wrong"},
    {" is not valid before ", "", "set this device's clock, or look at the broker's certificate"},
    {"cert_file", "tls/cert_file", "give the agent a certificate: tls.cert_file and tls.key_file"},
    {"refuses our TLS handshake", "tls/cert_file",
     "see the broker's log; look at tls.cert_file where there is one"},
    {"does not speak TLS", "url", "check the port: TLS has one of its own, often 8883"},
    {"TLS 1.2", "url", "the broker must offer TLS 1.2 or later"},
};

static struct advice advice_on_tls(const char *message)
{
    static const struct advice other = {"", "url", "check that the port is the broker's for TLS"};

    for (size_t i = 0; i < sizeof(TLS_ADVICE) / sizeof(TLS_ADVICE[0]); i++) {
        if (strstr(message, TLS_ADVICE[i].words) != NULL) {
            return TLS_ADVICE[i];
        }
    }
    return other;
}

static const char *fix_of_refusal(uint8_t reason)
{
    switch (reason) {
    case MQTT_REASON_BAD_USER:
    case MQTT_REASON_BAD_AUTHENTICATION:
    case 4:
        return "check username and password_file";
    case MQTT_REASON_NOT_AUTHORIZED:
    case 5:
        return "check username and password_file, and the broker's access list";
    case REASON_VERSION:
    case REASON_VERSION_3:
        return "the broker does not speak this version of MQTT: set version";
    default:
        return "see the broker's log";
    }
}

struct look {
    const struct sfe_doctor_options *options;
    const struct sfe_config_connection *connection;
    uint32_t index;
    const struct sfe_config_broker *broker;
    struct visit *visit;
};

static void tell_failure(const struct look *look, const char *check, const char *key,
                         const char *message, const char *fix)
{
    struct sfe_finding finding = {.level = SFE_FINDING_FAIL,
                                  .check = check,
                                  .subject = look->connection->name,
                                  .code = look->visit->code};

    if (look->visit->code == SFE_OK) {
        finding.code = mqtt_reason_code(look->visit->connack.reason);
    }
    if (key[0] != '\0') {
        finding_setting(finding.setting, sizeof(finding.setting), look->connection->name, key);
    }
    finding_tell(look->options, &finding, message, fix);
}

/* `until_s` is when a certificate ends: true where that is soon, which is told. */
static bool tell_end(const struct look *look, const char *whose, int64_t until_s)
{
    const struct sfe_clock *clock = &look->options->platform->clock;
    struct sfe_finding finding = {
        .level = SFE_FINDING_WARN, .check = "tls", .subject = look->connection->name};
    char message[128];
    int64_t now_ns = 0;

    (void)clock->wall_ns(clock->context, &now_ns);
    const int64_t days = (until_s - now_ns / SECOND_NS) / DAY_S;
    if (days >= SOON_DAYS) {
        return false;
    }
    int length =
        snprintf(message, sizeof(message), "%s certificate ends in %" PRId64 " days", whose, days);
    finding_tell(look->options, &finding, length < 0 ? "" : message,
                 "renew it in time: without it nothing is taken from the broker");
    return true;
}

static void tell_tls(const struct look *look)
{
    const struct visit *visit = look->visit;
    char text[16] = "";
    struct sfe_builder day = sfe_builder_make(text, sizeof(text) - 1u);

    if (visit->stage == VISIT_TLS) {
        const struct advice advice = advice_on_tls(visit->err.message);
        tell_failure(look, "tls", advice.key, visit->err.message, advice.fix);
        return;
    }
    const bool is_soon = tell_end(look, "the broker's", visit->tls.valid_until_s);
    if (visit->tls.own_until_s != 0 && tell_end(look, "our own", visit->tls.own_until_s)) {
        return;
    }
    if (!is_soon) {
        sfe_time_add_date(&day, visit->tls.valid_until_s * SECOND_NS);
        finding_ok(look->options, "tls", look->connection->name,
                   "%s, name and chain are right, good until %s", visit->tls.version, text);
    }
}

static void tell_broker(const struct look *look)
{
    const struct visit *visit = look->visit;
    const char *user = look->connection->mqtt.username;
    char message[160];

    if (visit->code != SFE_OK) {
        tell_failure(look, "broker", "url", visit->err.message,
                     visit->stage == VISIT_TCP
                         ? "check url, the broker, and firewalls between"
                         : "check that the port is the broker's, and plain or TLS as url says");
        return;
    }
    if (visit->connack.reason == 0) {
        finding_ok(look->options, "broker", look->connection->name,
                   "%.100s:%u answers, MQTT %s, and lets us in %s%.80s", look->broker->host,
                   (unsigned)look->broker->port, visit->level == MQTT_LEVEL_5 ? "5" : "3.1.1",
                   user == NULL ? "without a user name" : "as ", user == NULL ? "" : user);
        return;
    }
    int length = snprintf(message, sizeof(message), "the broker refused: %s (0x%02x)",
                          mqtt_reason_name(visit->connack.reason), (unsigned)visit->connack.reason);
    tell_failure(look, "broker",
                 mqtt_reason_code(visit->connack.reason) == SFE_E_AUTH ? "username" : "url",
                 length < 0 ? "" : message, fix_of_refusal(visit->connack.reason));
}

static void begin_input(struct sfe_finding *finding, const struct sfe_config_input *input)
{
    int length =
        snprintf(finding->setting, sizeof(finding->setting), "/inputs/%s/topic", input->name);
    (void)length; /* A name is shorter. */
    finding->check = "subscribe";
    finding->subject = input->name;
}

/* Tells what is not as it should be; false then. */
static bool judge_reason(const struct look *look, const struct sfe_config_input *input,
                         uint8_t reason)
{
    struct sfe_finding finding = {.level = SFE_FINDING_FAIL, .code = SFE_E_AUTH};
    char message[256];
    int length = 0;

    begin_input(&finding, input);
    if (reason >= REASON_FAILED) {
        finding.code = mqtt_reason_code(reason);
        length = snprintf(message, sizeof(message), "the broker does not let us read %.120s: %s",
                          input->topic, mqtt_reason_name(reason));
        finding_tell(look->options, &finding, length < 0 ? "" : message,
                     "allow this user (or client id) to read it in the broker's access list");
        return false;
    }
    if (reason < input->qos) {
        finding.level = SFE_FINDING_WARN;
        finding.code = SFE_OK;
        length = snprintf(message, sizeof(message),
                          "the broker grants %.120s with QoS %u only: it keeps nothing for us",
                          input->topic, (unsigned)reason);
        finding_tell(look->options, &finding, length < 0 ? "" : message,
                     "let the broker grant QoS 1");
        return false;
    }
    return true;
}

/* A subscription of its own disturbs nobody; part of a shared one would take messages away. */
static void look_at_input(const struct look *look, const struct sfe_config_input *input,
                          uint32_t *allowed)
{
    struct sfe_finding finding = {.level = SFE_FINDING_WARN, .code = SFE_OK};
    uint8_t reason = 0;

    begin_input(&finding, input);
    if (strncmp(input->topic, SHARE, sizeof(SHARE) - 1) == 0) {
        finding_ok(look->options, "subscribe", input->name,
                   "not tried: part of a shared subscription would take messages from the agent");
        return;
    }
    if (visit_subscribe(look->visit, input->topic, input->qos, &reason) != SFE_OK) {
        finding.level = SFE_FINDING_FAIL;
        finding.code = look->visit->code;
        finding_tell(look->options, &finding, look->visit->err.message,
                     "see the broker's log; its access list may end a connection that asks for "
                     "what is not allowed");
        return;
    }
    *allowed += judge_reason(look, input, reason) ? 1u : 0u;
}

static void look_at_inputs(const struct look *look)
{
    const struct sfe_config *config = look->options->config;
    uint32_t allowed = 0;

    for (uint32_t i = 0; i < config->input_count && look->visit->code == SFE_OK; i++) {
        if (config->inputs[i].connection == look->index) {
            look_at_input(look, &config->inputs[i], &allowed);
        }
    }
    if (allowed != 0) {
        finding_ok(look->options, "subscribe", look->connection->name,
                   "%u topic filters of inputs are allowed", (unsigned)allowed);
    }
}

static void look_at_broker(const struct look *look)
{
    struct visit *visit = look->visit;

    visit_begin(visit);
    if (look->broker->tls && visit->stage != VISIT_TCP) {
        tell_tls(look);
    }
    if (visit->stage != VISIT_TLS) {
        tell_broker(look);
    }
    if (visit->code == SFE_OK && visit->connack.reason == 0) {
        look_at_inputs(look);
    }
    visit_end(visit);
}

/* One session for all brokers of the connection; NULL where none asks for TLS. */
static enum sfe_code open_tls(const struct sfe_doctor_options *options,
                              const struct sfe_config_mqtt *config,
                              struct sfe_tls_session **session, struct sfe_error *err)
{
    const struct sfe_tls *tls = &options->platform->tls;
    const struct sfe_tls_options files = sfe_compile_tls_files(config);

    *session = NULL;
    for (uint32_t i = 0; i < config->broker_count; i++) {
        if (config->brokers[i].tls) {
            return tls->open(tls->context, &files, session, err);
        }
    }
    return SFE_OK;
}

void sfe_doctor_broker(const struct sfe_doctor_options *options, uint32_t index)
{
    const struct sfe_config_connection *connection = &options->config->connections[index];
    const struct sfe_tls *tls = &options->platform->tls;
    struct sfe_finding finding = {
        .level = SFE_FINDING_WARN, .check = "broker", .subject = connection->name};
    struct sfe_tls_session *session = NULL;
    struct sfe_error err;
    uint8_t *memory = sfe_arena_take(options->arena, VISIT_BYTES, &err);

    if (memory == NULL || open_tls(options, &connection->mqtt, &session, &err) != SFE_OK) {
        finding_tell(options, &finding, err.message, NULL); /* Files: told as a mistake as well. */
        return;
    }
    for (uint32_t i = 0; i < connection->mqtt.broker_count; i++) {
        const struct sfe_config_broker *broker = &connection->mqtt.brokers[i];
        struct visit visit = {.platform = options->platform,
                              .config = &connection->mqtt,
                              .broker = broker,
                              .tls_session = session,
                              .password = options->compiled->connections[index].secret,
                              .memory = memory};
        const struct look look = {.options = options,
                                  .connection = connection,
                                  .index = index,
                                  .broker = broker,
                                  .visit = &visit};
        if (route_look(options, connection, broker->host, "url")) {
            look_at_broker(&look);
        }
    }
    tls->close(tls->context, session);
}
