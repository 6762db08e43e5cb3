/* A packet is a byte of type and flags, a length of 1 to 4 bytes (7 bits each, least first), and a
 * body. Strings have a big-endian u16 length. MQTT 5 puts properties between, each one byte of name
 * and a value of a fixed kind. */
#include "input/mqtt_packet.h"

#include "base/assert.h"

#define LENGTH_MULTIPLIER_MAX (128u * 128u * 128u)
#define PROPERTY_USER         0x26u
#define PROPERTY_RESPONSE     0x08u
#define PROPERTY_CORRELATION  0x09u
#define PROPERTY_TOPIC_ALIAS  0x23u
#define PROPERTY_RECEIVE_MAX  0x21u

enum property_kind {
    PROPERTY_UNKNOWN,
    PROPERTY_BYTE,
    PROPERTY_U16,
    PROPERTY_U32,
    PROPERTY_LENGTH,
    PROPERTY_STRING,
    PROPERTY_PAIR
};

/* One property; `value` of a pair is its second part. */
struct property {
    uint8_t name;
    uint16_t number; /* Of PROPERTY_U16. */
    struct sfe_slice key;
    struct sfe_slice value;
};

enum sfe_code mqtt_frame_parse(struct sfe_slice bytes, struct mqtt_frame *frame,
                               struct sfe_error *err)
{
    uint32_t length = 0;

    for (uint32_t i = 1; i < MQTT_HEADER_BYTES_MAX; i++) {
        if (i >= bytes.size) {
            return SFE_E_AGAIN;
        }
        length |= (uint32_t)(bytes.bytes[i] & 0x7Fu) << (7u * (i - 1u));
        if ((bytes.bytes[i] & 0x80u) == 0) {
            frame->type = (enum mqtt_packet_type)(bytes.bytes[0] >> 4);
            frame->flags = bytes.bytes[0] & 0x0Fu;
            frame->header_bytes = i + 1u;
            frame->body_bytes = length;
            return SFE_OK;
        }
    }
    return sfe_fail(err, SFE_E_PROTOCOL, "a packet length of more than four bytes");
}

enum sfe_code mqtt_frame_check_from_server(const struct mqtt_frame *frame, struct sfe_error *err)
{
    /* Section 2.1.3: the flags are reserved but for PUBLISH; PUBREL has 2. */
    uint8_t flags = frame->type == MQTT_PACKET_PUBREL ? 2 : 0;

    switch (frame->type) {
    case MQTT_PACKET_PUBLISH:
        return SFE_OK;
    case MQTT_PACKET_RESERVED:
    case MQTT_PACKET_CONNECT:
    case MQTT_PACKET_SUBSCRIBE:
    case MQTT_PACKET_UNSUBSCRIBE:
    case MQTT_PACKET_PINGREQ:
        return sfe_fail(err, SFE_E_PROTOCOL, "a packet of type %d, which no server sends",
                        (int)frame->type);
    default:
        break;
    }
    if (frame->flags != flags) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a packet of type %d with flags %d", (int)frame->type,
                        (int)frame->flags);
    }
    return SFE_OK;
}

/* Takes the first byte or a byte of the length. */
static enum sfe_code pass_header_byte(struct mqtt_border *border, uint8_t byte,
                                      struct sfe_error *err)
{
    if (border->multiplier == 0) {
        border->type = (enum mqtt_packet_type)(byte >> 4);
        border->multiplier = 1;
        return SFE_OK;
    }
    border->left += (uint32_t)(byte & 0x7Fu) * border->multiplier;
    if ((byte & 0x80u) == 0) {
        border->multiplier = 0;
        return SFE_OK;
    }
    if (border->multiplier == LENGTH_MULTIPLIER_MAX) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a packet length of more than four bytes");
    }
    border->multiplier *= 128u;
    return SFE_OK;
}

enum sfe_code mqtt_border_pass(struct mqtt_border *border, struct sfe_slice *rest, bool *is_whole,
                               struct sfe_error *err)
{
    bool is_begun = !mqtt_border_reached(border);

    *is_whole = false;
    while (rest->size != 0 && (border->multiplier != 0 || !is_begun)) {
        enum sfe_code code = pass_header_byte(border, rest->bytes[0], err);
        if (code != SFE_OK) {
            return code;
        }
        is_begun = true;
        *rest = sfe_slice_part(*rest, 1, rest->size);
    }
    if (border->multiplier == 0 && border->left != 0) {
        uint32_t size = rest->size < border->left ? (uint32_t)rest->size : border->left;
        border->left -= size;
        *rest = sfe_slice_part(*rest, size, rest->size);
    }
    *is_whole = is_begun && mqtt_border_reached(border);
    return SFE_OK;
}

/* A variable byte integer, section 1.5.5. */
static uint32_t read_length(struct sfe_reader *reader)
{
    uint32_t length = 0;

    for (uint32_t i = 0; i < 4u; i++) {
        uint8_t byte = sfe_reader_u8(reader);
        length |= (uint32_t)(byte & 0x7Fu) << (7u * i);
        if ((byte & 0x80u) == 0) {
            return length;
        }
    }
    reader->failed = true;
    return 0;
}

static enum sfe_code read_publish_flags(uint8_t flags, struct mqtt_publish *publish,
                                        struct sfe_error *err)
{
    publish->qos = (flags >> 1) & 3u;
    publish->is_retained = (flags & 1u) != 0;
    publish->is_repeated = (flags & 8u) != 0;
    if (publish->qos > 1) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a message with QoS %d; at most 1 is subscribed",
                        (int)publish->qos);
    }
    if (publish->qos == 0 && publish->is_repeated) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a message with QoS 0 that is marked as repeated");
    }
    return SFE_OK;
}

/* What a head that was read whole must be. */
static enum sfe_code check_head(const struct mqtt_frame *frame, const struct mqtt_publish *publish,
                                struct sfe_error *err)
{
    if (publish->topic.size == 0) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a message without a topic");
    }
    if (publish->qos != 0 && publish->packet_id == 0) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a message with packet id 0");
    }
    if (publish->payload_offset > frame->body_bytes) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a message whose properties are longer than itself");
    }
    return SFE_OK;
}

enum sfe_code mqtt_publish_parse_head(const struct mqtt_frame *frame, struct sfe_slice body,
                                      uint8_t level, struct mqtt_publish *publish,
                                      struct sfe_error *err)
{
    struct sfe_reader reader = sfe_reader_make(body);
    uint32_t properties_bytes = 0;
    enum sfe_code code;

    SFE_ASSERT(frame->type == MQTT_PACKET_PUBLISH);
    SFE_ASSERT(body.size <= frame->body_bytes);

    memset(publish, 0, sizeof(*publish));
    code = read_publish_flags(frame->flags, publish, err);
    if (code != SFE_OK) {
        return code;
    }
    publish->topic = sfe_reader_take(&reader, sfe_reader_u16be(&reader));
    publish->packet_id = publish->qos == 0 ? 0 : sfe_reader_u16be(&reader);
    if (level >= MQTT_LEVEL_5) {
        properties_bytes = read_length(&reader);
    }
    if (reader.failed) {
        return body.size < frame->body_bytes
                   ? SFE_E_AGAIN
                   : sfe_fail(err, SFE_E_PROTOCOL, "a message that ends inside its head");
    }
    /* Both are below 2^28, so that the sum fits. */
    publish->properties_offset = (uint32_t)(body.size - reader.rest.size);
    publish->payload_offset = publish->properties_offset + properties_bytes;
    return check_head(frame, publish, err);
}

/* Section 2.2.2.2. */
static enum property_kind kind_of_property(uint8_t name)
{
    static const uint8_t kinds[] = {
        [0x01] = PROPERTY_BYTE,   [0x02] = PROPERTY_U32,    [0x03] = PROPERTY_STRING,
        [0x08] = PROPERTY_STRING, [0x09] = PROPERTY_STRING, [0x0B] = PROPERTY_LENGTH,
        [0x11] = PROPERTY_U32,    [0x12] = PROPERTY_STRING, [0x13] = PROPERTY_U16,
        [0x15] = PROPERTY_STRING, [0x16] = PROPERTY_STRING, [0x17] = PROPERTY_BYTE,
        [0x18] = PROPERTY_U32,    [0x19] = PROPERTY_BYTE,   [0x1A] = PROPERTY_STRING,
        [0x1C] = PROPERTY_STRING, [0x1F] = PROPERTY_STRING, [0x21] = PROPERTY_U16,
        [0x22] = PROPERTY_U16,    [0x23] = PROPERTY_U16,    [0x24] = PROPERTY_BYTE,
        [0x25] = PROPERTY_BYTE,   [0x26] = PROPERTY_PAIR,   [0x27] = PROPERTY_U32,
        [0x28] = PROPERTY_BYTE,   [0x29] = PROPERTY_BYTE,   [0x2A] = PROPERTY_BYTE,
    };

    return name < sizeof(kinds) ? (enum property_kind)kinds[name] : PROPERTY_UNKNOWN;
}

static enum sfe_code read_property(struct sfe_reader *reader, struct property *property,
                                   struct sfe_error *err)
{
    memset(property, 0, sizeof(*property));
    property->name = sfe_reader_u8(reader);
    switch (kind_of_property(property->name)) {
    case PROPERTY_BYTE:
        (void)sfe_reader_u8(reader);
        break;
    case PROPERTY_U16:
        property->number = sfe_reader_u16be(reader);
        break;
    case PROPERTY_U32:
        (void)sfe_reader_u32be(reader);
        break;
    case PROPERTY_LENGTH:
        (void)read_length(reader);
        break;
    case PROPERTY_PAIR:
        property->key = sfe_reader_take(reader, sfe_reader_u16be(reader));
        property->value = sfe_reader_take(reader, sfe_reader_u16be(reader));
        break;
    case PROPERTY_STRING:
        property->value = sfe_reader_take(reader, sfe_reader_u16be(reader));
        break;
    case PROPERTY_UNKNOWN:
        return sfe_fail(err, SFE_E_PROTOCOL, "an unknown property 0x%02x", property->name);
    }
    if (reader->failed) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a property 0x%02x that is cut off", property->name);
    }
    return SFE_OK;
}

enum sfe_code mqtt_publish_parse_properties(struct sfe_slice body, struct mqtt_publish *publish,
                                            struct sfe_error *err)
{
    size_t size = publish->payload_offset - publish->properties_offset;
    struct sfe_reader reader =
        sfe_reader_make(sfe_slice_part(body, publish->properties_offset, size));

    SFE_ASSERT(publish->payload_offset <= body.size);
    while (reader.rest.size != 0) {
        struct property property;
        enum sfe_code code = read_property(&reader, &property, err);
        if (code != SFE_OK) {
            return code;
        }
        if (property.name == PROPERTY_TOPIC_ALIAS) {
            return sfe_fail(err, SFE_E_PROTOCOL, "a message with a topic alias; none is offered");
        }
        if (property.name == PROPERTY_USER && publish->identity.size == 0 &&
            sfe_slice_equal(property.key, SFE_TEXT("event-id"))) {
            publish->identity = property.value;
        } else if (property.name == PROPERTY_RESPONSE && publish->response_topic.size == 0) {
            publish->response_topic = property.value;
        } else if (property.name == PROPERTY_CORRELATION && publish->correlation.size == 0) {
            publish->correlation = property.value;
        }
    }
    return SFE_OK;
}

static enum sfe_code read_connack_properties(struct sfe_reader *reader,
                                             struct mqtt_connack *connack, struct sfe_error *err)
{
    uint32_t properties_bytes = read_length(reader);

    if (reader->failed || properties_bytes != reader->rest.size) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a CONNACK with properties of a wrong length");
    }
    while (reader->rest.size != 0) {
        struct property property;
        enum sfe_code code = read_property(reader, &property, err);
        if (code != SFE_OK) {
            return code;
        }
        if (property.name == PROPERTY_RECEIVE_MAX) {
            connack->receive_maximum = property.number;
        }
    }
    return SFE_OK;
}

enum sfe_code mqtt_connack_parse(struct sfe_slice body, uint8_t level, struct mqtt_connack *connack,
                                 struct sfe_error *err)
{
    struct sfe_reader reader = sfe_reader_make(body);

    SFE_ASSERT(level == MQTT_LEVEL_3_1_1 || level == MQTT_LEVEL_5);
    connack->is_session_present = (sfe_reader_u8(&reader) & 1u) != 0;
    connack->reason = sfe_reader_u8(&reader);
    connack->receive_maximum = UINT16_MAX;
    if (reader.failed || (level == MQTT_LEVEL_3_1_1 && reader.rest.size != 0)) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a CONNACK of %zu bytes", body.size);
    }
    if (level == MQTT_LEVEL_3_1_1) {
        return SFE_OK;
    }
    if (reader.rest.size == 0) {
        return connack->reason != 0 ? SFE_OK
                                    : sfe_fail(err, SFE_E_PROTOCOL,
                                               "a CONNACK of MQTT 3.1.1 for a CONNECT of MQTT 5");
    }
    return read_connack_properties(&reader, connack, err);
}

enum sfe_code mqtt_connect_parse_level(struct sfe_slice bytes, uint8_t *level,
                                       struct sfe_error *err)
{
    struct mqtt_frame frame = {0};
    struct sfe_slice body;
    enum sfe_code code = mqtt_frame_parse(bytes, &frame, err);
    size_t name_bytes = sizeof("\0\4MQTT") - 1;

    if (code != SFE_OK) {
        return code;
    }
    if (frame.type != MQTT_PACKET_CONNECT) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the client begins with a packet of type %d",
                        (int)frame.type);
    }
    body = sfe_slice_part(bytes, frame.header_bytes, frame.body_bytes);
    if (body.size <= name_bytes && body.size < frame.body_bytes) {
        return SFE_E_AGAIN;
    }
    if (body.size <= name_bytes ||
        !sfe_slice_equal(sfe_slice_part(body, 0, name_bytes), SFE_TEXT("\0\4MQTT")) ||
        (body.bytes[name_bytes] != MQTT_LEVEL_3_1_1 && body.bytes[name_bytes] != MQTT_LEVEL_5)) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the client speaks neither MQTT 3.1.1 nor MQTT 5");
    }
    *level = body.bytes[name_bytes];
    return SFE_OK;
}

void mqtt_puback_add(struct sfe_builder *out, uint16_t packet_id)
{
    uint8_t *place = sfe_builder_reserve(out, MQTT_PUBACK_BYTES);

    if (place != NULL) {
        place[0] = MQTT_PACKET_PUBACK << 4;
        place[1] = 2;
        place[2] = (uint8_t)(packet_id >> 8);
        place[3] = (uint8_t)(packet_id & 0xFFu);
    }
}

void mqtt_disconnect_add(struct sfe_builder *out, uint8_t reason)
{
    sfe_builder_add_byte(out, MQTT_PACKET_DISCONNECT << 4);
    sfe_builder_add_byte(out, reason == 0 ? 0 : 1);
    if (reason != 0) {
        sfe_builder_add_byte(out, reason);
    }
}

const char *mqtt_reason_name(int reason)
{
    static const struct {
        int reason;
        const char *name;
    } names[] = {
        {0x01, "protocol version not supported"}, /* To 0x05: MQTT 3.1.1, section 3.2.2.3. */
        {0x02, "client id not valid"},
        {0x03, "server unavailable"},
        {0x04, "bad user name or password"},
        {0x05, "not authorized"},
        {0x80, "unspecified error"},
        {0x81, "malformed packet"},
        {0x82, "protocol error"},
        {0x83, "implementation specific error"},
        {0x84, "protocol version not supported"},
        {0x85, "client id not valid"},
        {0x86, "bad user name or password"},
        {0x87, "not authorized"},
        {0x88, "server unavailable"},
        {0x89, "server busy"},
        {0x8A, "banned"},
        {0x8B, "server shutting down"},
        {0x8C, "bad authentication method"},
        {0x8D, "keep alive timeout"},
        {0x8E, "session taken over by another client with this client id"},
        {0x8F, "topic filter invalid"},
        {0x90, "topic name invalid"},
        {0x91, "packet id in use"},
        {0x93, "receive maximum exceeded"},
        {0x94, "topic alias invalid"},
        {0x95, "packet too large"},
        {0x96, "message rate too high"},
        {0x97, "quota exceeded"},
        {0x98, "administrative action"},
        {0x99, "payload format invalid"},
        {0x9A, "retain not supported"},
        {0x9B, "QoS not supported"},
        {0x9C, "use another server"},
        {0x9D, "server moved"},
        {0x9E, "shared subscriptions not supported"},
        {0x9F, "connection rate exceeded"},
        {0xA0, "maximum connect time"},
        {0xA1, "subscription identifiers not supported"},
        {0xA2, "wildcard subscriptions not supported"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].reason == reason) {
            return names[i].name;
        }
    }
    return "unknown reason";
}

enum sfe_code mqtt_reason_code(int reason)
{
    switch (reason) {
    case 0x04: /* MQTT 3.1.1. */
    case 0x05:
    case MQTT_REASON_BAD_USER:
    case MQTT_REASON_NOT_AUTHORIZED:
    case MQTT_REASON_BANNED:
    case MQTT_REASON_BAD_AUTHENTICATION:
        return SFE_E_AUTH;
    default:
        return SFE_E_REFUSED;
    }
}
