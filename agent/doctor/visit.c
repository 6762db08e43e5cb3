#include "doctor/visit.h"

#include "base/assert.h"
#include "base/secret.h"

#include <stdio.h>

#define WAIT_NS          UINT64_C(10000000000)
#define PACKET_BYTES_MAX 20480u /* A password of 8 KiB, name and ids. */
#define ANSWER_BYTES_MAX 4096u
#define CLIENT_ID_BYTES  80u
#define FLAG_CLEAN_START 0x02u
#define FLAG_PASSWORD    0x40u
#define FLAG_USERNAME    0x80u
#define KEEP_ALIVE_S     30u
#define SUBSCRIBE_FLAGS  0x02u
#define NO_RETAINED      0x20u /* Retain Handling 2: nothing that was kept is sent. */
#define SUBACK_BYTES_MIN 3u

_Static_assert(2u * PACKET_BYTES_MAX + ANSWER_BYTES_MAX <= VISIT_BYTES, "memory of a visit");

static void on_ready(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct visit *visit = owner;

    (void)socket;
    (void)events;
    visit->is_ready = true;
}

static bool is_5(const struct visit *visit)
{
    return visit->level == MQTT_LEVEL_5;
}

/* Waits until the stream has `events` (SFE_POLL_...), at most until `until_ns`. */
static enum sfe_code wait_for(struct visit *visit, unsigned events, uint64_t until_ns,
                              const char *what)
{
    const struct sfe_poller *poller = &visit->platform->poller;
    enum sfe_code code = SFE_OK;

    visit->is_ready = false;
    poller->watch(poller->context, visit->stream, events, on_ready, visit);
    while (code == SFE_OK && !visit->is_ready) {
        code = sfe_clock_monotonic_ns(&visit->platform->clock) >= until_ns
                   ? sfe_fail(&visit->err, SFE_E_TIMEOUT, "%s within 10 s", what)
                   : poller->wait(poller->context, until_ns, &visit->err);
    }
    poller->watch(poller->context, visit->stream, 0, on_ready, visit);
    return code;
}

static uint64_t deadline(const struct visit *visit)
{
    return sfe_clock_monotonic_ns(&visit->platform->clock) + WAIT_NS;
}

static enum sfe_io read_some(struct visit *visit, size_t *count)
{
    const struct sfe_poller *poller = &visit->platform->poller;
    const struct sfe_tls *tls = &visit->platform->tls;
    uint8_t *place = visit->in.bytes + visit->in.size;
    const size_t room = sfe_builder_room(&visit->in);

    return visit->is_secured
               ? tls->read(tls->context, visit->tls_session, place, room, count, &visit->err)
               : poller->read(poller->context, visit->stream, place, room, count, &visit->err);
}

static enum sfe_io write_some(struct visit *visit, struct sfe_slice bytes, size_t *count)
{
    const struct sfe_poller *poller = &visit->platform->poller;
    const struct sfe_tls *tls = &visit->platform->tls;

    return visit->is_secured
               ? tls->write(tls->context, visit->tls_session, bytes, count, &visit->err)
               : poller->write(poller->context, visit->stream, bytes, count, &visit->err);
}

/* Sends what stands in `out`. */
static enum sfe_code transmit(struct visit *visit)
{
    const uint64_t until_ns = deadline(visit);
    enum sfe_code code = SFE_OK;
    size_t sent = 0;

    while (code == SFE_OK && sent < visit->out.size) {
        size_t count = 0;
        switch (write_some(
            visit, sfe_slice_part(sfe_builder_slice(&visit->out), sent, visit->out.size), &count)) {
        case SFE_IO_DATA:
            sent += count;
            break;
        case SFE_IO_WOULD_BLOCK:
            code = wait_for(visit, SFE_POLL_WRITE, until_ns, "nothing could be sent");
            break;
        case SFE_IO_CLOSED:
            code = sfe_fail(&visit->err, SFE_E_NETWORK, "the broker closed the connection");
            break;
        case SFE_IO_FAILED:
            code = visit->err.code;
            break;
        }
    }
    return code;
}

/* Takes bytes from the front of `in`. */
static void drop_front(struct visit *visit, size_t size)
{
    memmove(visit->in.bytes, visit->in.bytes + size, visit->in.size - size);
    sfe_builder_rewind(&visit->in, visit->in.size - size);
}

/* More bytes of the broker's; those that are to be skipped are gone. */
static enum sfe_code receive(struct visit *visit, uint64_t until_ns)
{
    size_t count = 0;
    size_t skipped;

    switch (read_some(visit, &count)) {
    case SFE_IO_DATA:
        visit->in.size += count;
        skipped = visit->skip < visit->in.size ? visit->skip : visit->in.size;
        visit->skip -= skipped;
        drop_front(visit, skipped);
        return SFE_OK;
    case SFE_IO_WOULD_BLOCK:
        return wait_for(visit, SFE_POLL_READ, until_ns,
                        visit->stage == VISIT_CONNECT ? "no CONNACK" : "no SUBACK");
    case SFE_IO_CLOSED:
        return sfe_fail(&visit->err, SFE_E_REFUSED,
                        "the broker closed the connection without an answer");
    case SFE_IO_FAILED:
        break;
    }
    return visit->err.code;
}

static enum sfe_code judge(struct visit *visit, const struct mqtt_frame *frame,
                           enum mqtt_packet_type wanted, struct sfe_slice body)
{
    if (wanted == MQTT_PACKET_CONNACK && frame->type != wanted) {
        return sfe_fail(&visit->err, SFE_E_PROTOCOL, "what answers there is no MQTT broker");
    }
    if (frame->type == MQTT_PACKET_DISCONNECT) {
        const int reason = body.size == 0 ? 0 : body.bytes[0];
        return sfe_fail(&visit->err, mqtt_reason_code(reason), "the broker sends us away: %s",
                        mqtt_reason_name(reason));
    }
    return SFE_OK;
}

/* Waits for the next packet of type `wanted`; *body lives until more is received. Others, such as
 * messages, are passed over. */
static enum sfe_code await(struct visit *visit, enum mqtt_packet_type wanted,
                           struct sfe_slice *body)
{
    const uint64_t until_ns = deadline(visit);
    enum sfe_code code = SFE_OK;

    drop_front(visit, visit->taken);
    visit->taken = 0;
    while (code == SFE_OK) {
        struct mqtt_frame frame = {.type = MQTT_PACKET_RESERVED};
        code = mqtt_frame_parse(sfe_builder_slice(&visit->in), &frame, &visit->err);
        const size_t size = (size_t)frame.header_bytes + frame.body_bytes;
        if (code == SFE_E_AGAIN ||
            (code == SFE_OK && visit->in.size < size && size <= ANSWER_BYTES_MAX)) {
            code = receive(visit, until_ns);
            continue;
        }
        if (code == SFE_OK) {
            *body =
                sfe_slice_part(sfe_builder_slice(&visit->in), frame.header_bytes, frame.body_bytes);
            code = judge(visit, &frame, wanted, *body);
        }
        if (code != SFE_OK) {
            break;
        }
        if (frame.type == wanted) {
            visit->taken = size;
            return size <= ANSWER_BYTES_MAX
                       ? SFE_OK
                       : sfe_fail(&visit->err, SFE_E_PROTOCOL, "the broker's answer is too long");
        }
        const size_t here = size < visit->in.size ? size : visit->in.size;
        visit->skip = size - here;
        drop_front(visit, here);
    }
    return code;
}

static void add_text(struct sfe_builder *out, struct sfe_slice text)
{
    sfe_builder_add_byte(out, (uint8_t)(text.size >> 8));
    sfe_builder_add_byte(out, (uint8_t)text.size);
    sfe_builder_add(out, text);
}

static struct sfe_builder begin_body(struct visit *visit)
{
    sfe_builder_rewind(&visit->out, 0);
    return sfe_builder_make(visit->memory, PACKET_BYTES_MAX);
}

static enum sfe_code send_packet(struct visit *visit, uint8_t first_byte,
                                 const struct sfe_builder *body)
{
    sfe_builder_add_byte(&visit->out, first_byte);
    sfe_builder_add_varint(&visit->out, body->size);
    sfe_builder_add(&visit->out, sfe_builder_slice(body));
    if (body->overflowed || visit->out.overflowed) {
        return sfe_fail(&visit->err, SFE_E_TOO_LARGE, "too long to be tried");
    }
    return transmit(visit);
}

static enum sfe_code send_connect(struct visit *visit)
{
    const struct sfe_config_mqtt *config = visit->config;
    struct sfe_builder body = begin_body(visit);
    const bool has_password = visit->password.size != 0;
    char client_id[CLIENT_ID_BYTES];
    int length = snprintf(client_id, sizeof(client_id), "%.64s-doctor", config->client_id);

    add_text(&body, SFE_TEXT("MQTT"));
    sfe_builder_add_byte(&body, visit->level);
    sfe_builder_add_byte(&body, (uint8_t)(FLAG_CLEAN_START | (has_password ? FLAG_PASSWORD : 0u) |
                                          (config->username != NULL ? FLAG_USERNAME : 0u)));
    sfe_builder_add_byte(&body, 0);
    sfe_builder_add_byte(&body, KEEP_ALIVE_S);
    if (is_5(visit)) {
        sfe_builder_add_byte(&body, 0); /* No properties: the session ends with the connection. */
    }
    add_text(&body, sfe_slice_make(client_id, length < 0 ? 0 : (size_t)length));
    if (config->username != NULL) {
        add_text(&body, sfe_slice_text(config->username));
    }
    if (has_password) {
        add_text(&body, visit->password);
    }
    return send_packet(visit, (uint8_t)(MQTT_PACKET_CONNECT << 4), &body);
}

static enum sfe_code reach(struct visit *visit)
{
    const struct sfe_poller *poller = &visit->platform->poller;
    enum sfe_code code = poller->connect(poller->context, visit->broker->host, visit->broker->port,
                                         &visit->stream, &visit->err);

    if (code == SFE_OK) {
        code = wait_for(visit, SFE_POLL_WRITE, deadline(visit), "no connection");
    }
    if (code == SFE_OK && !poller->connected(poller->context, visit->stream)) {
        size_t count = 0;
        code = read_some(visit, &count) == SFE_IO_FAILED
                   ? visit->err.code
                   : sfe_fail(&visit->err, SFE_E_NETWORK, "no connection");
    }
    return code;
}

static enum sfe_code secure(struct visit *visit)
{
    const struct sfe_tls *tls = &visit->platform->tls;
    const struct sfe_tls_carrier carrier = {&visit->platform->poller, visit->stream};
    const uint64_t until_ns = deadline(visit);
    unsigned events = 0;
    enum sfe_code code =
        tls->begin(tls->context, visit->tls_session, visit->broker->host, &carrier, &visit->err);

    visit->is_secured = code == SFE_OK;
    while (code == SFE_OK) {
        code = tls->handshake(tls->context, visit->tls_session, &events, &visit->err);
        if (code == SFE_OK) {
            tls->facts(tls->context, visit->tls_session, &visit->tls);
            return SFE_OK;
        }
        if (code == SFE_E_AGAIN) {
            code = wait_for(visit, events, until_ns, "no end of the TLS handshake");
        }
    }
    return code;
}

void visit_begin(struct visit *visit)
{
    struct sfe_slice body;

    SFE_ASSERT(visit->stream == NULL);
    visit->level = visit->config->version == SFE_CONFIG_MQTT_5 ? MQTT_LEVEL_5 : MQTT_LEVEL_3_1_1;
    visit->out = sfe_builder_make(visit->memory + PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    visit->in = sfe_builder_make(visit->memory + 2u * PACKET_BYTES_MAX, ANSWER_BYTES_MAX);
    visit->stage = VISIT_TCP;
    visit->code = reach(visit);
    if (visit->code == SFE_OK && visit->broker->tls) {
        visit->stage = VISIT_TLS;
        visit->code = secure(visit);
    }
    if (visit->code == SFE_OK) {
        visit->stage = VISIT_CONNECT;
        visit->code = send_connect(visit);
    }
    if (visit->code == SFE_OK) {
        visit->code = await(visit, MQTT_PACKET_CONNACK, &body);
    }
    if (visit->code == SFE_OK) {
        visit->code = mqtt_connack_parse(body, visit->level, &visit->connack, &visit->err);
    }
}

enum sfe_code visit_subscribe(struct visit *visit, const char *filter, uint8_t qos, uint8_t *reason)
{
    struct sfe_builder body = begin_body(visit);
    struct sfe_slice answer;

    SFE_ASSERT(visit->code == SFE_OK && visit->connack.reason == 0);
    visit->stage = VISIT_SUBSCRIBE;
    visit->packet_id++;
    sfe_builder_add_byte(&body, (uint8_t)(visit->packet_id >> 8));
    sfe_builder_add_byte(&body, (uint8_t)visit->packet_id);
    if (is_5(visit)) {
        sfe_builder_add_byte(&body, 0);
    }
    add_text(&body, sfe_slice_text(filter));
    sfe_builder_add_byte(&body, (uint8_t)(qos | (is_5(visit) ? NO_RETAINED : 0u)));
    visit->code =
        send_packet(visit, (uint8_t)((MQTT_PACKET_SUBSCRIBE << 4) | SUBSCRIBE_FLAGS), &body);
    if (visit->code == SFE_OK) {
        visit->code = await(visit, MQTT_PACKET_SUBACK, &answer);
    }
    if (visit->code != SFE_OK) {
        return visit->code;
    }
    /* One filter, one reason: the last byte, whatever properties stand before. */
    if (answer.size < SUBACK_BYTES_MIN || answer.bytes[0] != (uint8_t)(visit->packet_id >> 8) ||
        answer.bytes[1] != (uint8_t)visit->packet_id) {
        visit->code = sfe_fail(&visit->err, SFE_E_PROTOCOL, "the broker's SUBACK is malformed");
        return visit->code;
    }
    *reason = answer.bytes[answer.size - 1u];
    return SFE_OK;
}

void visit_end(struct visit *visit)
{
    const struct sfe_poller *poller = &visit->platform->poller;
    const struct sfe_tls *tls = &visit->platform->tls;

    if (visit->code == SFE_OK && visit->connack.reason == 0) {
        sfe_builder_rewind(&visit->out, 0);
        mqtt_disconnect_add(&visit->out, 0);
        (void)transmit(visit);
    }
    if (visit->is_secured) {
        tls->end(tls->context, visit->tls_session);
    }
    poller->close(poller->context, visit->stream);
    sfe_wipe(visit->memory, VISIT_BYTES);
}
