#include "input/gate_state.h"

#include "base/assert.h"

/* A packet at the front of what is left of the inbox. */
static struct sfe_slice inbox_from(const struct gate_inbox *inbox, size_t at)
{
    return sfe_slice_make(inbox->bytes + at, inbox->end - at);
}

bool gate_broker_has_room(const struct gate *gate)
{
    const struct gate_inbox *inbox = &gate->inbox;

    return inbox->capacity > inbox->end - inbox->begin;
}

/* Keeps what is not dealt with at the front, so that one read and one packet always fit. */
static void make_room(struct gate_inbox *inbox)
{
    size_t size = inbox->end - inbox->begin;

    if (inbox->begin == 0 || (size != 0 && inbox->capacity - inbox->end >= GATE_READ_BYTES)) {
        return;
    }
    memmove(inbox->bytes, inbox->bytes + inbox->begin, size);
    inbox->passed = inbox->passed > inbox->begin ? inbox->passed - inbox->begin : 0;
    inbox->begin = 0;
    inbox->end = size;
}

/* Drops what has come of a message over the limit beyond what is kept of it. */
static void skip_arrived(struct gate_inbox *inbox)
{
    uint8_t *from = inbox->bytes + inbox->begin + inbox->kept;
    size_t size = inbox->end - inbox->begin - inbox->kept;
    size_t drop = size < inbox->skip_bytes ? size : (size_t)inbox->skip_bytes;

    SFE_ASSERT(inbox->passed <= inbox->begin);
    memmove(from, from + drop, size - drop);
    inbox->end -= drop;
    inbox->skip_bytes -= drop;
}

static enum sfe_code refused_by_broker(struct sfe_error *why, const char *what, uint8_t reason)
{
    return sfe_fail(why, mqtt_reason_code(reason), "%s: %s (0x%02x)", what,
                    mqtt_reason_name(reason), reason);
}

static enum sfe_code see_connack(struct gate *gate, struct sfe_slice body, struct sfe_error *err)
{
    struct mqtt_connack connack;
    enum sfe_code code;

    if (gate->level == 0 || gate->is_answered) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the broker answers CONNECT %s",
                        gate->is_answered ? "twice" : "before it has come");
    }
    code = mqtt_connack_parse(body, gate->level, &connack, err);
    if (code != SFE_OK) {
        return code;
    }
    gate->is_answered = true;
    gate->is_accepted = connack.reason == 0;
    if (!gate->is_accepted && gate->why.code == SFE_OK) {
        (void)refused_by_broker(&gate->why, "the broker refuses us", connack.reason);
    }
    return SFE_OK;
}

static enum sfe_code check_packet(const struct gate *gate, const struct mqtt_frame *frame,
                                  struct sfe_error *err)
{
    bool may_be_first = frame->type == MQTT_PACKET_CONNACK || frame->type == MQTT_PACKET_AUTH;
    enum sfe_code code = mqtt_frame_check_from_server(frame, err);

    if (code == SFE_OK && !gate->is_answered && !may_be_first) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a packet of type %d before CONNACK",
                        (int)frame->type);
    }
    return code;
}

/* Passes a whole packet on to the client. SFE_E_AGAIN: there is no room for it. */
static enum sfe_code pass_on(struct gate *gate, const struct mqtt_frame *frame,
                             struct sfe_slice packet, struct sfe_error *err)
{
    struct sfe_slice body = sfe_slice_part(packet, frame->header_bytes, frame->body_bytes);
    enum sfe_code code = check_packet(gate, frame, err);

    if (code != SFE_OK) {
        return code;
    }
    if (gate_pipe_room(&gate->client.out) < packet.size) {
        return SFE_E_AGAIN;
    }
    if (frame->type == MQTT_PACKET_PINGRESP && gate->pings_answered != 0) {
        gate->pings_answered--;
        return SFE_OK;
    }
    if (frame->type == MQTT_PACKET_CONNACK) {
        code = see_connack(gate, body, err);
    } else if (frame->type == MQTT_PACKET_DISCONNECT && gate->why.code == SFE_OK) {
        (void)refused_by_broker(&gate->why, "the broker ends the connection",
                                body.size == 0 ? 0 : body.bytes[0]);
    }
    if (code == SFE_OK) {
        (void)gate_pipe_add(&gate->client.out, packet);
    }
    return code;
}

/* The packet at `at`, whole. SFE_E_AGAIN: it has not all come. */
static enum sfe_code find_packet(struct gate *gate, size_t at, struct mqtt_frame *frame,
                                 struct sfe_slice *packet, struct sfe_error *err)
{
    struct sfe_slice rest = inbox_from(&gate->inbox, at);
    enum sfe_code code = mqtt_frame_parse(rest, frame, err);

    if (code != SFE_OK) {
        return code;
    }
    if (frame->type != MQTT_PACKET_PUBLISH && frame->body_bytes > GATE_PACKET_BYTES_MAX) {
        gate->end_reason = MQTT_REASON_PACKET_TOO_LARGE;
        return sfe_fail(err, SFE_E_PROTOCOL, "a packet of type %d and %u bytes", (int)frame->type,
                        (unsigned)frame->body_bytes);
    }
    *packet = sfe_slice_part(rest, 0, (size_t)frame->header_bytes + frame->body_bytes);
    return packet->size < (size_t)frame->header_bytes + frame->body_bytes ? SFE_E_AGAIN : SFE_OK;
}

/* While the message at the front waits, all else behind it goes on to the client. */
static enum sfe_code pass_waiting(struct gate *gate, struct sfe_error *err)
{
    struct gate_inbox *inbox = &gate->inbox;
    enum sfe_code code = SFE_OK;

    while (code == SFE_OK && inbox->passed < inbox->end) {
        struct mqtt_frame frame;
        struct sfe_slice packet = {NULL, 0};

        code = find_packet(gate, inbox->passed, &frame, &packet, err);
        if (code == SFE_OK && frame.type != MQTT_PACKET_PUBLISH) {
            code = pass_on(gate, &frame, packet, err);
            if (code == SFE_OK) {
                inbox->bytes[inbox->passed] = MQTT_PACKET_RESERVED << 4;
            }
        }
        if (code == SFE_OK) {
            inbox->passed += packet.size;
        }
    }
    return code;
}

/* How much of a message that has not all come is kept; 0: all of it. */
static size_t bytes_to_keep(const struct gate *gate, const struct mqtt_frame *frame,
                            const struct mqtt_publish *publish)
{
    size_t payload_bytes = frame->body_bytes - publish->payload_offset;
    size_t kept = (size_t)frame->header_bytes + publish->payload_offset;

    if (payload_bytes <= gate->options.event_bytes_max &&
        kept + payload_bytes <= gate->inbox.capacity) {
        return 0;
    }
    kept += payload_bytes < SFE_EVENT_EXCERPT_BYTES ? payload_bytes : SFE_EVENT_EXCERPT_BYTES;
    /* Properties that fill the inbox alone are given up. */
    return kept <= gate->inbox.capacity ? kept
                                        : (size_t)frame->header_bytes + publish->properties_offset;
}

/* Decides about a message that may be over the limit, once its head has come. */
static enum sfe_code begin_large(struct gate *gate, const struct mqtt_frame *frame,
                                 struct sfe_slice body, struct sfe_error *err)
{
    struct gate_inbox *inbox = &gate->inbox;
    struct mqtt_publish publish;
    enum sfe_code code = mqtt_publish_parse_head(frame, body, gate->level, &publish, err);
    size_t kept;

    if (code != SFE_OK) {
        return code;
    }
    kept = bytes_to_keep(gate, frame, &publish);
    if (kept == 0 || frame->header_bytes + body.size < kept) {
        return SFE_E_AGAIN;
    }
    inbox->kept = kept;
    inbox->skip_bytes = (uint64_t)frame->header_bytes + frame->body_bytes - kept;
    return SFE_OK;
}

/* SFE_OK where the message at the front has all come, be it that not all is kept. */
static enum sfe_code await_message(struct gate *gate, const struct mqtt_frame *frame,
                                   struct sfe_error *err)
{
    struct gate_inbox *inbox = &gate->inbox;
    struct sfe_slice rest = inbox_from(inbox, inbox->begin);

    if (inbox->kept == 0) {
        enum sfe_code code;

        if (rest.size >= (size_t)frame->header_bytes + frame->body_bytes) {
            return SFE_OK;
        }
        if (frame->body_bytes <= gate->options.event_bytes_max) {
            return SFE_E_AGAIN;
        }
        code = begin_large(gate, frame, sfe_slice_part(rest, frame->header_bytes, rest.size), err);
        if (code != SFE_OK) {
            return code;
        }
    }
    if (inbox->skip_bytes != 0) {
        skip_arrived(inbox);
    }
    return inbox->skip_bytes == 0 ? SFE_OK : SFE_E_AGAIN;
}

/* True where a message may be taken now. Brokers exceed the receive maximum (mosquitto 2.0 does
 * when it has a queue), so that is met by holding back as well: what does not fit waits in the
 * inbox and, when that is full, with the broker. */
static bool may_take(const struct gate *gate, const struct mqtt_publish *publish)
{
    return !gate->is_stopping && (publish->qos == 0 || gate_pending_has_room(&gate->pending));
}

/* Gives a message to who takes it instead of an intake. SFE_E_FULL: not now. */
static enum sfe_code give_message(struct gate *gate, const struct mqtt_frame *frame,
                                  const struct mqtt_publish *publish, struct sfe_slice body)
{
    const struct sfe_mqtt_taker *taker = gate->options.taker;
    const struct sfe_mqtt_taken message = {
        .topic = publish->topic,
        .payload = sfe_slice_part(body, publish->payload_offset, body.size),
        .payload_bytes = frame->body_bytes - publish->payload_offset,
        .response_topic = publish->response_topic,
        .correlation = publish->correlation,
        .is_retained = publish->is_retained,
    };
    const struct sfe_receipt receipt = {.sequence = taker->take(taker->owner, &message)};

    if (receipt.sequence == 0) {
        return SFE_E_FULL;
    }
    gate->received++;
    if (publish->qos != 0) {
        gate_pending_add(&gate->pending, publish->packet_id, &receipt, 1);
    }
    return SFE_OK;
}

/* Gives a message to the intake. `body` may lack the end of a payload over the limit. */
static enum sfe_code accept_message(struct gate *gate, const struct mqtt_frame *frame,
                                    const struct mqtt_publish *publish, struct sfe_slice body,
                                    struct sfe_error *err)
{
    struct sfe_message message = {
        .topic = publish->topic,
        .payload = sfe_slice_part(body, publish->payload_offset, body.size),
        .payload_bytes = frame->body_bytes - publish->payload_offset,
        .identity = publish->identity,
        .is_retained = publish->is_retained,
        .is_repeated = publish->is_repeated,
        .progress = gate->progress,
    };
    uint32_t count = 0;
    enum sfe_code code;

    if (gate->options.taker != NULL) {
        return give_message(gate, frame, publish, body);
    }
    if (message.payload_bytes > gate->options.event_bytes_max) {
        message.payload = sfe_slice_part(message.payload, 0, SFE_EVENT_EXCERPT_BYTES);
    }
    code = sfe_intake_accept(gate->options.intake, &message, gate->receipts, GATE_RECEIPTS_MAX,
                             &count, err);
    gate->progress = message.progress;
    if (code != SFE_OK) {
        SFE_ASSERT(code == SFE_E_FULL);
        return code;
    }
    gate->progress = 0;
    gate->received++;
    if (publish->qos != 0) {
        gate_pending_add(&gate->pending, publish->packet_id, gate->receipts, count);
    }
    return SFE_OK;
}

static enum sfe_code check_may_come(const struct gate *gate, struct sfe_error *err)
{
    if (gate->is_accepted && (gate->options.intake != NULL || gate->options.taker != NULL)) {
        return SFE_OK;
    }
    return sfe_fail(err, SFE_E_PROTOCOL, "a message %s",
                    gate->is_accepted ? "where nothing is subscribed to"
                                      : "before the connection is accepted");
}

static enum sfe_code take_message(struct gate *gate, const struct mqtt_frame *frame,
                                  struct sfe_error *err)
{
    struct gate_inbox *inbox = &gate->inbox;
    struct mqtt_publish publish;
    struct sfe_slice body;
    size_t size;
    enum sfe_code code;

    code = check_may_come(gate, err);
    if (code == SFE_OK) {
        code = await_message(gate, frame, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    size = inbox->kept != 0 ? inbox->kept : (size_t)frame->header_bytes + frame->body_bytes;
    body = sfe_slice_make(inbox->bytes + inbox->begin + frame->header_bytes,
                          size - frame->header_bytes);
    code = mqtt_publish_parse_head(frame, body, gate->level, &publish, err);
    if (code == SFE_OK && publish.payload_offset <= body.size) {
        code = mqtt_publish_parse_properties(body, &publish, err);
    }
    gate->is_blocked = false;
    if (code == SFE_OK && !may_take(gate, &publish)) {
        code = SFE_E_FULL;
    } else if (code == SFE_OK) {
        code = accept_message(gate, frame, &publish, body, err);
        gate->is_blocked = code == SFE_E_FULL;
    }
    gate->is_waiting = code == SFE_E_FULL;
    if (code == SFE_OK) {
        inbox->begin += size;
        inbox->kept = 0;
    } else if (code == SFE_E_FULL && inbox->passed < inbox->begin + size) {
        inbox->passed = inbox->begin + size;
    }
    return code;
}

/* Deals with the packet at the front. SFE_E_FULL: a message has to wait. SFE_E_AGAIN: more must
 * come, or go. */
static enum sfe_code take_front(struct gate *gate, struct sfe_error *err)
{
    struct gate_inbox *inbox = &gate->inbox;
    struct mqtt_frame frame;
    struct sfe_slice packet = {NULL, 0};
    enum sfe_code code = mqtt_frame_parse(inbox_from(inbox, inbox->begin), &frame, err);

    if (code != SFE_OK) {
        return code;
    }
    if (frame.type == MQTT_PACKET_PUBLISH) {
        return take_message(gate, &frame, err);
    }
    code = find_packet(gate, inbox->begin, &frame, &packet, err);
    if (code == SFE_OK && (inbox->begin >= inbox->passed || frame.type != MQTT_PACKET_RESERVED)) {
        code = pass_on(gate, &frame, packet, err);
    }
    if (code == SFE_OK) {
        inbox->begin += packet.size;
    }
    return code;
}

enum sfe_code gate_broker_take(struct gate *gate, struct sfe_error *err)
{
    struct gate_inbox *inbox = &gate->inbox;
    enum sfe_code code = SFE_OK;

    while (code == SFE_OK && inbox->begin < inbox->end) {
        code = take_front(gate, err);
    }
    if (code == SFE_E_FULL) {
        code = pass_waiting(gate, err);
    }
    return code == SFE_E_AGAIN ? SFE_OK : code;
}

enum sfe_code gate_broker_receive(struct gate *gate, bool *has_data, struct sfe_error *err)
{
    struct gate_inbox *inbox = &gate->inbox;
    size_t room;
    struct sfe_builder place;

    *has_data = false;
    make_room(inbox);
    room = inbox->capacity - inbox->end;
    if (room == 0) {
        return SFE_OK;
    }
    room = room < GATE_READ_BYTES ? room : GATE_READ_BYTES;
    place = sfe_builder_make(inbox->bytes + inbox->end, room);
    switch (gate_side_read(gate, &gate->broker, &place, err)) {
    case SFE_IO_DATA:
        *has_data = true;
        inbox->end += place.size;
        return gate_broker_take(gate, err);
    case SFE_IO_WOULD_BLOCK:
        return SFE_OK;
    case SFE_IO_CLOSED:
        return sfe_fail(err, SFE_E_NETWORK, "the broker closed the connection");
    case SFE_IO_FAILED:
        return err->code;
    }
    return SFE_OK;
}
