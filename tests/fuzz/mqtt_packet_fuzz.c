/* Any bytes, taken as what a broker sends and as what a client sends: nothing is read outside them,
 * and both ways to find the borders of packets agree. */
#include "input/mqtt_packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void demand_inside(struct sfe_slice whole, struct sfe_slice part)
{
    demand(part.size == 0 || (part.bytes >= whole.bytes && part.size <= whole.size &&
                              (size_t)(part.bytes - whole.bytes) <= whole.size - part.size));
}

static void read_publish(const struct mqtt_frame *frame, struct sfe_slice body, uint8_t level)
{
    struct mqtt_publish publish;
    struct sfe_error err;
    enum sfe_code code = mqtt_publish_parse_head(frame, body, level, &publish, &err);

    demand(code != SFE_E_AGAIN || body.size < frame->body_bytes);
    if (code != SFE_OK) {
        return;
    }
    demand_inside(body, publish.topic);
    demand(publish.topic.size != 0 && publish.qos <= 1);
    demand(publish.properties_offset <= publish.payload_offset);
    demand(publish.payload_offset <= frame->body_bytes);
    if (publish.payload_offset <= body.size &&
        mqtt_publish_parse_properties(body, &publish, &err) == SFE_OK) {
        demand_inside(body, publish.identity);
    }
}

static void read_body(const struct mqtt_frame *frame, struct sfe_slice body)
{
    struct mqtt_connack connack;
    struct sfe_error err;

    (void)!mqtt_frame_check_from_server(frame, &err);
    if (frame->type == MQTT_PACKET_PUBLISH) {
        read_publish(frame, body, MQTT_LEVEL_5);
        read_publish(frame, body, MQTT_LEVEL_3_1_1);
    } else if (frame->type == MQTT_PACKET_CONNACK) {
        (void)!mqtt_connack_parse(body, MQTT_LEVEL_5, &connack, &err);
        (void)!mqtt_connack_parse(body, MQTT_LEVEL_3_1_1, &connack, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfe_slice rest = sfe_slice_make(data, size);
    struct mqtt_border border = {0};
    struct sfe_error ignored;
    uint8_t level = 0;
    struct mqtt_frame frame;
    struct sfe_error err;
    enum sfe_code code;

    if (mqtt_connect_parse_level(rest, &level, &ignored) == SFE_OK) {
        demand(level == MQTT_LEVEL_3_1_1 || level == MQTT_LEVEL_5);
    }
    while ((code = mqtt_frame_parse(rest, &frame, &err)) == SFE_OK) {
        size_t whole = (size_t)frame.header_bytes + frame.body_bytes;
        struct sfe_slice packet = sfe_slice_part(rest, 0, whole);
        struct sfe_slice passed = packet;
        bool is_whole = false;

        read_body(&frame, sfe_slice_part(packet, frame.header_bytes, packet.size));
        demand(mqtt_border_pass(&border, &passed, &is_whole, &err) == SFE_OK);
        demand(passed.size == 0 && is_whole == (packet.size == whole));
        demand(border.type == frame.type);
        if (!is_whole) {
            return 0;
        }
        rest = sfe_slice_part(rest, whole, rest.size);
    }
    if (code == SFE_E_PROTOCOL) {
        bool is_whole;
        demand(mqtt_border_pass(&border, &rest, &is_whole, &err) == SFE_E_PROTOCOL);
    }
    return 0;
}
