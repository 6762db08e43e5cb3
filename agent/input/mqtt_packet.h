/* MQTT control packets as bytes: framing, and the few that the gate reads or writes itself.
 *
 * MQTT 3.1.1 and MQTT 5 (OASIS standards; sections named are of MQTT 5). Pure functions over
 * borrowed bytes; any bytes are safe. Any thread.
 */
#ifndef SFE_INPUT_MQTT_PACKET_H
#define SFE_INPUT_MQTT_PACKET_H

#include "base/bytes.h"
#include "base/error.h"

/* Control packet types, section 2.1.2. */
enum mqtt_packet_type {
    MQTT_PACKET_RESERVED = 0,
    MQTT_PACKET_CONNECT = 1,
    MQTT_PACKET_CONNACK = 2,
    MQTT_PACKET_PUBLISH = 3,
    MQTT_PACKET_PUBACK = 4,
    MQTT_PACKET_PUBREC = 5,
    MQTT_PACKET_PUBREL = 6,
    MQTT_PACKET_PUBCOMP = 7,
    MQTT_PACKET_SUBSCRIBE = 8,
    MQTT_PACKET_SUBACK = 9,
    MQTT_PACKET_UNSUBSCRIBE = 10,
    MQTT_PACKET_UNSUBACK = 11,
    MQTT_PACKET_PINGREQ = 12,
    MQTT_PACKET_PINGRESP = 13,
    MQTT_PACKET_DISCONNECT = 14,
    MQTT_PACKET_AUTH = 15
};

/* Reason codes that we send or tell apart, section 2.4. */
#define MQTT_REASON_MALFORMED_PACKET   0x81u
#define MQTT_REASON_PROTOCOL_ERROR     0x82u
#define MQTT_REASON_BAD_USER           0x86u
#define MQTT_REASON_NOT_AUTHORIZED     0x87u
#define MQTT_REASON_BANNED             0x8Au
#define MQTT_REASON_BAD_AUTHENTICATION 0x8Cu
#define MQTT_REASON_TOPIC_ALIAS        0x94u
#define MQTT_REASON_PACKET_TOO_LARGE   0x95u
#define MQTT_REASON_QOS_NOT_SUPPORTED  0x9Bu

/* Protocol levels, section 3.1.2.2. */
#define MQTT_LEVEL_3_1_1 4u
#define MQTT_LEVEL_5     5u

#define MQTT_HEADER_BYTES_MAX 5u
#define MQTT_PUBACK_BYTES     4u

/* The fixed header. */
struct mqtt_frame {
    enum mqtt_packet_type type;
    uint8_t flags;         /* Low four bits of the first byte. */
    uint32_t header_bytes; /* 2 to 5. */
    uint32_t body_bytes;   /* Remaining length. */
};

/* Reads the fixed header at the front of `bytes`. SFE_E_AGAIN: it is not whole yet.
 * SFE_E_PROTOCOL: a length of more than four bytes. */
SFE_MUST_USE enum sfe_code mqtt_frame_parse(struct sfe_slice bytes, struct mqtt_frame *frame,
                                            struct sfe_error *err);

/* SFE_E_PROTOCOL where a server must not send a packet of this type or with these flags. */
SFE_MUST_USE enum sfe_code mqtt_frame_check_from_server(const struct mqtt_frame *frame,
                                                        struct sfe_error *err);

/* Follows the packets of a stream that is passed on as it comes, so that others can be put between
 * them. Zeroed to begin. */
struct mqtt_border {
    uint32_t left;       /* Of the body. */
    uint32_t multiplier; /* Of the next length byte; 0: the first byte of a packet is awaited. */
    enum mqtt_packet_type type; /* Of the packet begun last. */
};

/* True where a packet has just ended, or none has begun. */
static inline bool mqtt_border_reached(const struct mqtt_border *border)
{
    return border->left == 0 && border->multiplier == 0;
}

/* Takes bytes from the front of *rest, up to the end of one packet; `is_whole` where it came.
 * SFE_E_PROTOCOL: no packet. */
SFE_MUST_USE enum sfe_code mqtt_border_pass(struct mqtt_border *border, struct sfe_slice *rest,
                                            bool *is_whole, struct sfe_error *err);

/* An incoming PUBLISH. Slices point into its body. */
struct mqtt_publish {
    struct sfe_slice topic;
    struct sfe_slice identity;       /* User property "event-id"; empty: none. */
    struct sfe_slice response_topic; /* Empty: none is named. */
    struct sfe_slice correlation;
    uint8_t qos; /* 0 or 1. */
    bool is_retained;
    bool is_repeated;
    uint16_t packet_id;         /* 0 with QoS 0. */
    uint32_t properties_offset; /* In the body. */
    uint32_t payload_offset;    /* In the body: what is before it is the head. */
};

/* Reads topic, packet id and the length of the properties from `body`, of which the end may not
 * have come yet. `level` is MQTT_LEVEL_... SFE_E_AGAIN: not enough has come. SFE_E_PROTOCOL with
 * the reason: malformed, or QoS 2. */
SFE_MUST_USE enum sfe_code mqtt_publish_parse_head(const struct mqtt_frame *frame,
                                                   struct sfe_slice body, uint8_t level,
                                                   struct mqtt_publish *publish,
                                                   struct sfe_error *err);

/* Reads the properties, once `body` reaches to the payload. SFE_E_PROTOCOL: malformed, or a topic
 * alias (none is offered). */
SFE_MUST_USE enum sfe_code mqtt_publish_parse_properties(struct sfe_slice body,
                                                         struct mqtt_publish *publish,
                                                         struct sfe_error *err);

/* What the gate wants to know of a CONNACK. */
struct mqtt_connack {
    uint8_t reason; /* 0: accepted. */
    bool is_session_present;
    uint16_t receive_maximum; /* The server's own; 65535 where it names none. */
};

/* `level` is that of the CONNECT. A server that does not know level 5 refuses in the form of MQTT
 * 3.1.1, which is understood. */
SFE_MUST_USE enum sfe_code mqtt_connack_parse(struct sfe_slice body, uint8_t level,
                                              struct mqtt_connack *connack, struct sfe_error *err);

/* Reads the protocol level (MQTT_LEVEL_...) of a CONNECT of which `bytes` are the first.
 * SFE_E_AGAIN: not enough has come. SFE_E_PROTOCOL: it is none, or of another level. */
SFE_MUST_USE enum sfe_code mqtt_connect_parse_level(struct sfe_slice bytes, uint8_t *level,
                                                    struct sfe_error *err);

/* Adds a PUBACK with success: four bytes in both versions. */
void mqtt_puback_add(struct sfe_builder *out, uint16_t packet_id);

/* Adds a DISCONNECT; `reason` 0 takes the short form that both versions know. */
void mqtt_disconnect_add(struct sfe_builder *out, uint8_t reason);

/* "not authorized" for 0x87; the return codes of MQTT 3.1.1 as well. Never NULL. */
const char *mqtt_reason_name(int reason);

/* SFE_E_AUTH where the reason is who we are or may do, SFE_E_REFUSED otherwise. */
enum sfe_code mqtt_reason_code(int reason);

#endif
