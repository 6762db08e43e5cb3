#include "sim/mqtt.h"

#include "base/assert.h"
#include "sim/packet.h"

#include <stdlib.h>
#include <string.h>

#define PING_PERMILLE 20u
#define CONNECT_BYTES 256u

enum state { STATE_AWAY, STATE_CONNECTING, STATE_CONNECTED };

struct sim_mqtt {
    struct sim_world *world;
    struct sim_line line;
    struct sfe_mqtt_options options;
    uint16_t port;
    bool is_open;
    enum state state;
};

static void tell(struct sim_mqtt *mqtt, enum sfe_mqtt_event event, int detail, const char *text)
{
    mqtt->options.on_event(mqtt->options.owner, event, detail, text);
}

static enum sfe_code open_session(void *context, const struct sfe_mqtt_options *options,
                                  struct sfe_mqtt_session **session, struct sfe_error *err)
{
    struct sim_mqtt *mqtt = context;
    const char *colon = strrchr(options->server_uri, ':');

    (void)err;
    SFE_ASSERT(!mqtt->is_open && colon != NULL);
    mqtt->options = *options;
    mqtt->port = 0;
    for (const char *digit = colon + 1; *digit >= '0' && *digit <= '9'; digit++) {
        mqtt->port = (uint16_t)(mqtt->port * 10u + (uint16_t)(*digit - '0'));
    }
    mqtt->is_open = true;
    mqtt->state = STATE_AWAY;
    *session = (struct sfe_mqtt_session *)mqtt;
    return SFE_OK;
}

static void add_text(struct sfe_builder *body, const char *text)
{
    const size_t size = strlen(text);

    sfe_builder_add_byte(body, (uint8_t)(size >> 8));
    sfe_builder_add_byte(body, (uint8_t)size);
    sfe_builder_add_text(body, text);
}

static enum sfe_code begin_connect(void *context, struct sfe_mqtt_session *session,
                                   struct sfe_error *err)
{
    struct sim_mqtt *mqtt = context;
    uint8_t memory[CONNECT_BYTES];
    struct sfe_builder body = sfe_builder_make(memory, sizeof(memory));

    (void)session;
    sim_line_end(&mqtt->line);
    mqtt->line.socket = sim_net_dial(mqtt->line.net, mqtt->port);
    if (mqtt->line.socket == NULL) {
        return sfe_fail(err, SFE_E_NETWORK, "the gate does not listen");
    }
    add_text(&body, "MQTT");
    sfe_builder_add(&body, SFE_TEXT("\x05\x00\x00\x1e")); /* Level, flags, keep alive. */
    sfe_builder_add(&body, SFE_TEXT("\x08\x11\x00\x01\x00\x00\x21"));
    sfe_builder_add_byte(&body, (uint8_t)(mqtt->options.receive_maximum >> 8));
    sfe_builder_add_byte(&body, (uint8_t)mqtt->options.receive_maximum);
    add_text(&body, "sim");
    SFE_ASSERT(!body.overflowed);
    (void)sim_line_add(&mqtt->line, 0x10, sfe_builder_slice(&body));
    mqtt->state = STATE_CONNECTING;
    return SFE_OK;
}

static enum sfe_code subscribe(void *context, struct sfe_mqtt_session *session,
                               const char *const *filters, const uint8_t *qos, size_t count,
                               uint8_t retain_handling, struct sfe_error *err)
{
    struct sim_mqtt *mqtt = context;
    uint8_t memory[CONNECT_BYTES];
    struct sfe_builder body = sfe_builder_make(memory, sizeof(memory));

    (void)session;
    if (mqtt->state != STATE_CONNECTED) {
        return sfe_fail(err, SFE_E_NETWORK, "not connected");
    }
    sfe_builder_add(&body, sfe_slice_make("\x00\x01\x00", 3));
    for (size_t i = 0; i < count; i++) {
        add_text(&body, filters[i]);
        sfe_builder_add_byte(&body, (uint8_t)(qos[i] | (unsigned)retain_handling << 4));
    }
    (void)sim_line_add(&mqtt->line, 0x82, sfe_builder_slice(&body));
    return SFE_OK;
}

static enum sfe_code unsubscribe(void *context, struct sfe_mqtt_session *session,
                                 const char *const *filters, size_t count, struct sfe_error *err)
{
    struct sim_mqtt *mqtt = context;
    uint8_t memory[CONNECT_BYTES];
    struct sfe_builder body = sfe_builder_make(memory, sizeof(memory));

    (void)session;
    if (mqtt->state != STATE_CONNECTED) {
        return sfe_fail(err, SFE_E_NETWORK, "not connected");
    }
    sfe_builder_add(&body, sfe_slice_make("\x00\x01\x00", 3));
    for (size_t i = 0; i < count; i++) {
        add_text(&body, filters[i]);
    }
    (void)sim_line_add(&mqtt->line, 0xa2, sfe_builder_slice(&body));
    return SFE_OK;
}

static void disconnect(void *context, struct sfe_mqtt_session *session)
{
    struct sim_mqtt *mqtt = context;

    (void)session;
    sim_line_end(&mqtt->line);
    mqtt->state = STATE_AWAY;
}

static void close_session(void *context, struct sfe_mqtt_session *session)
{
    if (session != NULL) {
        disconnect(context, session);
        ((struct sim_mqtt *)context)->is_open = false;
    }
}

static void lose(struct sim_mqtt *mqtt)
{
    const enum state before = mqtt->state;

    sim_line_end(&mqtt->line);
    mqtt->state = STATE_AWAY;
    if (before == STATE_CONNECTING) {
        tell(mqtt, SFE_MQTT_REFUSED, -1, "the connection ended");
    } else if (before == STATE_CONNECTED) {
        tell(mqtt, SFE_MQTT_LOST, 0, "the connection ended");
    }
}

static void see(struct sim_mqtt *mqtt, uint8_t first, struct sfe_slice body)
{
    switch (first >> 4) {
    case 2: /* CONNACK */
        mqtt->state = body.bytes[1] == 0 ? STATE_CONNECTED : STATE_AWAY;
        tell(mqtt, body.bytes[1] == 0 ? SFE_MQTT_CONNECTED : SFE_MQTT_REFUSED,
             body.bytes[1] == 0 ? body.bytes[0] & 1 : body.bytes[1], "");
        break;
    case 9: /* SUBACK */
        tell(mqtt, SFE_MQTT_SUBSCRIBED, body.bytes[3], "");
        break;
    case 11: /* UNSUBACK */
        tell(mqtt, SFE_MQTT_UNSUBSCRIBED, 0, "");
        break;
    case 13: /* PINGRESP */
        break;
    case 14: /* DISCONNECT */
        lose(mqtt);
        break;
    default:
        SFE_ASSERT(first >> 4 != 3); /* No message ever comes through the gate. */
        break;
    }
}

void sim_mqtt_turn(struct sim_mqtt *mqtt)
{
    struct sfe_slice body;
    uint8_t first = 0;

    if (!mqtt->is_open || mqtt->line.socket == NULL) {
        return;
    }
    if (mqtt->state == STATE_CONNECTED && sim_random_chance(&mqtt->world->random, PING_PERMILLE)) {
        (void)sim_line_add(&mqtt->line, 0xc0, sfe_slice_make(NULL, 0));
    }
    const bool stands = sim_line_move(&mqtt->line);
    while (mqtt->line.socket != NULL && sim_line_take(&mqtt->line, &first, &body)) {
        see(mqtt, first, body);
    }
    if (!stands && mqtt->line.socket != NULL) {
        lose(mqtt);
    }
}

void sim_mqtt_port(struct sim_mqtt *mqtt, struct sfe_mqtt *port)
{
    /* Nobody publishes there: a simulated site has no outputs to a broker. */
    *port = (struct sfe_mqtt){.context = mqtt,
                              .open = open_session,
                              .connect = begin_connect,
                              .subscribe = subscribe,
                              .unsubscribe = unsubscribe,
                              .disconnect = disconnect,
                              .close = close_session};
}

struct sim_mqtt *sim_mqtt_open(struct sim_world *world, struct sim_net *net)
{
    struct sim_mqtt *mqtt = calloc(1, sizeof(*mqtt));

    SFE_ASSERT(mqtt != NULL);
    mqtt->world = world;
    mqtt->line.net = net;
    sim_net_poller(net, &mqtt->line.poller);
    return mqtt;
}

void sim_mqtt_close(struct sim_mqtt *mqtt)
{
    if (mqtt != NULL) {
        sim_line_end(&mqtt->line);
        free(mqtt);
    }
}
