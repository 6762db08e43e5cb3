/* Says CONNECT and reads the CONNACK (MQTT 5, sections 3.1 and 3.2), then leaves. */
#include "doctor/finding.h"

#include "base/arena.h"
#include "base/secret.h"
#include "input/mqtt_packet.h"

#include <stdio.h>

#define WAIT_NS          UINT64_C(10000000000)
#define PACKET_BYTES_MAX 20480u /* A password of 8 KiB, name and ids. */
#define ANSWER_BYTES_MAX 4096u
#define CLIENT_ID_BYTES  80u
#define FLAG_CLEAN_START 0x02u
#define FLAG_PASSWORD    0x40u
#define FLAG_USERNAME    0x80u
#define REASON_VERSION   0x84u
#define REASON_VERSION_3 0x01u
#define KEEP_ALIVE_S     30u

struct visit {
    const struct sfe_poller *poller;
    struct sfe_socket *stream;
    struct sfe_builder out; /* What is still to be sent begins at `sent`. */
    size_t sent;
    struct sfe_builder in;
    enum sfe_code code; /* SFE_E_AGAIN while it lasts. */
    struct sfe_error err;
    bool has_connected;
    uint8_t level; /* MQTT_LEVEL_...: what CONNECT asks for. */
    struct mqtt_connack connack;
};

static void add_text(struct sfe_builder *out, struct sfe_slice text)
{
    sfe_builder_add_byte(out, (uint8_t)(text.size >> 8));
    sfe_builder_add_byte(out, (uint8_t)text.size);
    sfe_builder_add(out, text);
}

/* Puts the fixed header in front of the body, which stands at `body` of the same memory. */
static void add_connect(struct sfe_builder *out, struct sfe_builder *body,
                        const struct sfe_config_mqtt *config, struct sfe_slice password)
{
    char client_id[CLIENT_ID_BYTES];
    const bool has_password = password.size != 0;
    const bool is_5 = config->version == SFE_CONFIG_MQTT_5;
    const uint8_t flags = (uint8_t)(FLAG_CLEAN_START | (has_password ? FLAG_PASSWORD : 0u) |
                                    (config->username != NULL ? FLAG_USERNAME : 0u));
    int length = snprintf(client_id, sizeof(client_id), "%.64s-doctor", config->client_id);

    add_text(body, SFE_TEXT("MQTT"));
    sfe_builder_add_byte(body, is_5 ? MQTT_LEVEL_5 : MQTT_LEVEL_3_1_1);
    sfe_builder_add_byte(body, flags);
    sfe_builder_add_byte(body, 0);
    sfe_builder_add_byte(body, KEEP_ALIVE_S);
    if (is_5) {
        sfe_builder_add_byte(body, 0); /* No properties: the session ends with the connection. */
    }
    add_text(body, sfe_slice_make(client_id, length < 0 ? 0 : (size_t)length));
    if (config->username != NULL) {
        add_text(body, sfe_slice_text(config->username));
    }
    if (has_password) {
        add_text(body, password);
    }
    sfe_builder_add_byte(out, (uint8_t)(MQTT_PACKET_CONNECT << 4));
    sfe_builder_add_varint(out, body->size);
    sfe_builder_add(out, sfe_builder_slice(body));
}

static void end(struct visit *visit, enum sfe_code code)
{
    visit->code = code;
}

static void read_answer(struct visit *visit)
{
    struct mqtt_frame frame;
    enum sfe_code code = mqtt_frame_parse(sfe_builder_slice(&visit->in), &frame, &visit->err);

    if (code == SFE_E_AGAIN) {
        return;
    }
    if (code == SFE_OK && frame.type != MQTT_PACKET_CONNACK) {
        code = sfe_fail(&visit->err, SFE_E_PROTOCOL, "what answers there is no MQTT broker");
    }
    if (code == SFE_OK && (size_t)frame.header_bytes + frame.body_bytes > ANSWER_BYTES_MAX) {
        code = sfe_fail(&visit->err, SFE_E_PROTOCOL, "the broker's CONNACK is too long");
    }
    if (code == SFE_OK && visit->in.size < (size_t)frame.header_bytes + frame.body_bytes) {
        return;
    }
    if (code == SFE_OK) {
        code = mqtt_connack_parse(
            sfe_slice_part(sfe_builder_slice(&visit->in), frame.header_bytes, frame.body_bytes),
            visit->level, &visit->connack, &visit->err);
    }
    end(visit, code);
}

static void receive(struct visit *visit)
{
    const struct sfe_poller *poller = visit->poller;
    size_t count = 0;

    switch (poller->read(poller->context, visit->stream, visit->in.bytes + visit->in.size,
                         sfe_builder_room(&visit->in), &count, &visit->err)) {
    case SFE_IO_DATA:
        visit->in.size += count;
        read_answer(visit);
        break;
    case SFE_IO_WOULD_BLOCK:
        break;
    case SFE_IO_CLOSED:
        end(visit, sfe_fail(&visit->err, SFE_E_REFUSED,
                            "the broker closed the connection without an answer"));
        break;
    case SFE_IO_FAILED:
        end(visit, visit->err.code);
        break;
    }
}

static void on_ready(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct visit *visit = owner;
    const struct sfe_poller *poller = visit->poller;
    size_t count = 0;

    (void)events;
    if (visit->code != SFE_E_AGAIN) {
        return;
    }
    visit->has_connected = visit->has_connected || poller->connected(poller->context, socket);
    if (visit->sent < visit->out.size) {
        const struct sfe_slice rest =
            sfe_slice_part(sfe_builder_slice(&visit->out), visit->sent, visit->out.size);
        enum sfe_io io = poller->write(poller->context, socket, rest, &count, &visit->err);
        if (io == SFE_IO_FAILED || io == SFE_IO_CLOSED) {
            end(visit, io == SFE_IO_FAILED
                           ? visit->err.code
                           : sfe_fail(&visit->err, SFE_E_NETWORK, "the connection was closed"));
            return;
        }
        visit->sent += io == SFE_IO_DATA ? count : 0;
        if (visit->sent == visit->out.size) {
            poller->watch(poller->context, socket, SFE_POLL_READ, on_ready, visit);
        }
        return;
    }
    receive(visit);
}

/* Connects, says CONNECT and waits for the answer. */
static void talk(const struct sfe_doctor_options *options, const struct sfe_config_broker *broker,
                 struct visit *visit)
{
    const struct sfe_poller *poller = &options->platform->poller;
    const struct sfe_clock *clock = &options->platform->clock;
    const uint64_t until_ns = sfe_clock_monotonic_ns(clock) + WAIT_NS;

    visit->poller = poller;
    visit->code =
        poller->connect(poller->context, broker->host, broker->port, &visit->stream, &visit->err);
    if (visit->code != SFE_OK) {
        return;
    }
    visit->code = SFE_E_AGAIN;
    poller->watch(poller->context, visit->stream, SFE_POLL_WRITE, on_ready, visit);
    while (visit->code == SFE_E_AGAIN) {
        if (sfe_clock_monotonic_ns(clock) >= until_ns) {
            visit->code = sfe_fail(&visit->err, SFE_E_TIMEOUT, "%s within 10 s",
                                   visit->has_connected ? "no CONNACK" : "no connection");
        } else if (poller->wait(poller->context, until_ns, &visit->err) != SFE_OK) {
            visit->code = visit->err.code;
        }
    }
    if (visit->code == SFE_OK && visit->connack.reason == 0) {
        size_t count = 0;
        struct sfe_error ignored;
        sfe_builder_rewind(&visit->out, 0);
        mqtt_disconnect_add(&visit->out, 0);
        (void)poller->write(poller->context, visit->stream, sfe_builder_slice(&visit->out), &count,
                            &ignored);
    }
    poller->close(poller->context, visit->stream);
}

static const char *fix_of(const struct visit *visit)
{
    if (visit->code != SFE_OK) {
        return visit->has_connected ? "check that the port is the broker's, and plain MQTT"
                                    : "check url, the broker, and firewalls between";
    }
    switch (visit->connack.reason) {
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

static const char *setting_of(const struct visit *visit)
{
    return visit->code == SFE_OK && mqtt_reason_code(visit->connack.reason) == SFE_E_AUTH
               ? "username"
               : "url";
}

static void tell(const struct sfe_doctor_options *options,
                 const struct sfe_config_connection *connection,
                 const struct sfe_config_broker *broker, const struct visit *visit)
{
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "broker", .subject = connection->name};
    char message[160];

    if (visit->code == SFE_OK && visit->connack.reason == 0) {
        finding_ok(options, "broker", connection->name, "%s:%u answers, MQTT %s", broker->host,
                   (unsigned)broker->port, visit->level == MQTT_LEVEL_5 ? "5" : "3.1.1");
        return;
    }
    finding.code = visit->code;
    int length = 0;
    if (visit->code == SFE_OK) {
        finding.code = mqtt_reason_code(visit->connack.reason);
        length = snprintf(message, sizeof(message), "the broker refused: %s (0x%02x)",
                          mqtt_reason_name(visit->connack.reason), (unsigned)visit->connack.reason);
    } else {
        length = snprintf(message, sizeof(message), "%.150s", visit->err.message);
    }
    finding_setting(finding.setting, sizeof(finding.setting), connection->name, setting_of(visit));
    finding_tell(options, &finding, length < 0 ? "" : message, fix_of(visit));
}

static void look_at_broker(const struct sfe_doctor_options *options, uint32_t index,
                           const struct sfe_config_broker *broker, uint8_t *memory)
{
    const struct sfe_config_connection *connection = &options->config->connections[index];
    struct sfe_finding finding = {
        .level = SFE_FINDING_WARN, .check = "broker", .subject = connection->name};
    struct visit visit = {
        .code = SFE_E_AGAIN,
        .level = connection->mqtt.version == SFE_CONFIG_MQTT_5 ? MQTT_LEVEL_5 : MQTT_LEVEL_3_1_1,
    };
    char setting[sizeof(finding.setting)];

    finding_setting(setting, sizeof(setting), connection->name, "url");
    if (!finding_lookup(options, broker->host, setting)) {
        return;
    }
    if (broker->tls) {
        finding_tell(options, &finding, "the broker asks for TLS, which is not tried here",
                     "see sfedge status of the running agent");
        return;
    }
    struct sfe_builder body = sfe_builder_make(memory, PACKET_BYTES_MAX);
    visit.out = sfe_builder_make(memory + PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    visit.in = sfe_builder_make(memory + 2u * PACKET_BYTES_MAX, ANSWER_BYTES_MAX);
    add_connect(&visit.out, &body, &connection->mqtt, options->compiled->connections[index].secret);
    talk(options, broker, &visit);
    sfe_wipe(memory, 2u * PACKET_BYTES_MAX);
    tell(options, connection, broker, &visit);
}

void sfe_doctor_broker(const struct sfe_doctor_options *options, uint32_t index)
{
    const struct sfe_config_connection *connection = &options->config->connections[index];
    struct sfe_finding finding = {
        .level = SFE_FINDING_WARN, .check = "broker", .subject = connection->name};
    struct sfe_error err;
    uint8_t *memory =
        sfe_arena_take(options->arena, 2u * PACKET_BYTES_MAX + ANSWER_BYTES_MAX, &err);

    if (memory == NULL) {
        finding_tell(options, &finding, err.message, NULL);
        return;
    }
    for (uint32_t i = 0; i < connection->mqtt.broker_count; i++) {
        look_at_broker(options, index, &connection->mqtt.brokers[i], memory);
    }
}
