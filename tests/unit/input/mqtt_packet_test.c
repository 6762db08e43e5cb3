#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/mqtt_packet.h"

/* QoS 1, topic "a/b", packet id 258, a user property event-id "r7", payload "hello". */
#define PUBLISH_5                                                                                  \
    "\x32\x1c\x00\x03"                                                                             \
    "a/b\x01\x02\x0f\x26\x00\x08"                                                                  \
    "event-id\x00\x02r7hello"

static struct mqtt_frame frame_of(struct sfe_slice packet)
{
    struct mqtt_frame frame = {0};
    struct sfe_error err;

    assert_int_equal(mqtt_frame_parse(packet, &frame, &err), SFE_OK);
    return frame;
}

/* Parses head and properties of a whole PUBLISH. */
static enum sfe_code parse_publish(struct sfe_slice packet, uint8_t level,
                                   struct mqtt_publish *publish, struct sfe_error *err)
{
    struct mqtt_frame frame = frame_of(packet);
    struct sfe_slice body = sfe_slice_part(packet, frame.header_bytes, packet.size);
    enum sfe_code code = mqtt_publish_parse_head(&frame, body, level, publish, err);

    return code == SFE_OK ? mqtt_publish_parse_properties(body, publish, err) : code;
}

static void frame_is_read_at_each_length_of_its_length(void **state)
{
    struct mqtt_frame frame;

    (void)state;
    frame = frame_of(SFE_TEXT("\xd0\x00"));
    assert_int_equal(frame.type, MQTT_PACKET_PINGRESP);
    assert_int_equal(frame.header_bytes, 2);
    assert_int_equal(frame.body_bytes, 0);
    frame = frame_of(SFE_TEXT("\x3d\x80\x01"));
    assert_int_equal(frame.flags, 13);
    assert_int_equal(frame.header_bytes, 3);
    assert_int_equal(frame.body_bytes, 128);
    frame = frame_of(SFE_TEXT("\x30\xff\xff\xff\x7f"));
    assert_int_equal(frame.header_bytes, 5);
    assert_int_equal(frame.body_bytes, 268435455);
}

static void frame_that_is_not_whole_asks_for_more(void **state)
{
    struct mqtt_frame frame;
    struct sfe_error err;

    (void)state;
    assert_int_equal(mqtt_frame_parse(SFE_TEXT(""), &frame, &err), SFE_E_AGAIN);
    assert_int_equal(mqtt_frame_parse(SFE_TEXT("\x30"), &frame, &err), SFE_E_AGAIN);
    assert_int_equal(mqtt_frame_parse(SFE_TEXT("\x30\xff\xff\xff"), &frame, &err), SFE_E_AGAIN);
}

static void length_of_five_bytes_is_refused(void **state)
{
    struct mqtt_frame frame;
    struct sfe_error err;

    (void)state;
    assert_int_equal(mqtt_frame_parse(SFE_TEXT("\x30\x80\x80\x80\x80\x01"), &frame, &err),
                     SFE_E_PROTOCOL);
}

static void packets_that_no_server_sends_are_refused(void **state)
{
    struct sfe_error err;

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        const uint8_t bytes[] = {(uint8_t)first, 0};
        struct mqtt_frame frame = frame_of(sfe_slice_make(bytes, 2));
        unsigned type = first >> 4;
        bool is_good = type == 3 || (type == 6 && (first & 15) == 2) ||
                       ((first & 15) == 0 && (type == 2 || type == 4 || type == 5 || type == 7 ||
                                              type == 9 || type == 11 || type >= 13));
        assert_int_equal(mqtt_frame_check_from_server(&frame, &err),
                         is_good ? SFE_OK : SFE_E_PROTOCOL);
    }
}

static void publish_is_read_with_its_properties(void **state)
{
    struct mqtt_publish publish;
    struct sfe_error err;

    (void)state;
    assert_int_equal(parse_publish(SFE_TEXT(PUBLISH_5), MQTT_LEVEL_5, &publish, &err), SFE_OK);
    assert_true(sfe_slice_equal(publish.topic, SFE_TEXT("a/b")));
    assert_true(sfe_slice_equal(publish.identity, SFE_TEXT("r7")));
    assert_int_equal(publish.packet_id, 258);
    assert_int_equal(publish.qos, 1);
    assert_false(publish.is_retained);
    assert_false(publish.is_repeated);
    assert_int_equal(publish.payload_offset, 0x1c - 5);
}

static void publish_of_3_1_1_has_no_properties(void **state)
{
    struct mqtt_publish publish;
    struct sfe_error err;

    (void)state;
    assert_int_equal(parse_publish(SFE_TEXT("\x3b\x08\x00\x01x\x00\x07\x0fhi"), MQTT_LEVEL_3_1_1,
                                   &publish, &err),
                     SFE_OK);
    assert_int_equal(publish.packet_id, 7);
    assert_int_equal(publish.payload_offset, 5);
    assert_int_equal(publish.identity.size, 0);
    assert_int_equal(publish.response_topic.size, 0);
    assert_int_equal(publish.correlation.size, 0);
    assert_true(publish.is_retained);
    assert_true(publish.is_repeated);
}

static void first_event_id_wins_and_other_properties_are_passed_over(void **state)
{
    /* Payload format, expiry, content type, response topic, correlation, subscription id, pairs. */
    static const char packet[] = "\x30\x40\x00\x01x\x3c"
                                 "\x01\x01"
                                 "\x02\x00\x00\x00\x09"
                                 "\x03\x00\x02js"
                                 "\x08\x00\x01r"
                                 "\x09\x00\x01"
                                 "c"
                                 "\x0b\x80\x01"
                                 "\x26\x00\x01k\x00\x01v"
                                 "\x26\x00\x08"
                                 "event-id\x00\x01"
                                 "A"
                                 "\x26\x00\x08"
                                 "event-id\x00\x03"
                                 "BCD";
    struct mqtt_publish publish;
    struct sfe_error err;
    struct sfe_slice slice = sfe_slice_make(packet, sizeof(packet) - 1);

    (void)state;
    assert_int_equal(frame_of(slice).body_bytes, slice.size - 2);
    assert_int_equal(parse_publish(slice, MQTT_LEVEL_5, &publish, &err), SFE_OK);
    assert_true(sfe_slice_equal(publish.identity, SFE_TEXT("A")));
    assert_true(sfe_slice_equal(publish.response_topic, SFE_TEXT("r")));
    assert_true(sfe_slice_equal(publish.correlation, SFE_TEXT("c")));
}

static void head_cut_anywhere_asks_for_more(void **state)
{
    struct sfe_slice packet = SFE_TEXT(PUBLISH_5);
    struct mqtt_frame frame = frame_of(packet);
    struct mqtt_publish publish;
    struct sfe_error err;

    (void)state;
    for (size_t size = 0; size < frame.body_bytes; size++) {
        enum sfe_code code = mqtt_publish_parse_head(
            &frame, sfe_slice_part(packet, frame.header_bytes, size), MQTT_LEVEL_5, &publish, &err);
        assert_int_equal(code, size < 8 ? SFE_E_AGAIN : SFE_OK);
    }
}

static void malformed_publish_is_refused(void **state)
{
    static const struct sfe_slice packets[] = {
        SFE_TEXT("\x30\x00"),                                  /* Nothing. */
        SFE_TEXT("\x30\x03\x00\x05x"),                         /* Topic longer than the packet. */
        SFE_TEXT("\x30\x03\x00\x00\x00"),                      /* No topic. */
        SFE_TEXT("\x32\x06\x00\x01x\x00\x00\x00"),             /* Packet id 0. */
        SFE_TEXT("\x32\x05\x00\x01x\x00\x01"),                 /* No length of properties. */
        SFE_TEXT("\x30\x05\x00\x01x\x05\x00"),                 /* Properties longer than all. */
        SFE_TEXT("\x30\x06\x00\x01x\x02\x26\x00"),             /* Property cut off. */
        SFE_TEXT("\x30\x06\x00\x01x\x02\x77\x00"),             /* Unknown property. */
        SFE_TEXT("\x30\x07\x00\x01x\x03\x23\x00\x01"),         /* Topic alias. */
        SFE_TEXT("\x30\x09\x00\x01x\x05\x0b\xff\xff\xff\xff"), /* Length of five bytes. */
        SFE_TEXT("\x34\x06\x00\x01x\x00\x01\x00"),             /* QoS 2. */
        SFE_TEXT("\x36\x06\x00\x01x\x00\x01\x00"),             /* QoS 3. */
        SFE_TEXT("\x38\x04\x00\x01x\x00"),                     /* QoS 0, repeated. */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct mqtt_publish publish;
        struct sfe_error err = {0};

        assert_int_equal(parse_publish(packets[i], MQTT_LEVEL_5, &publish, &err), SFE_E_PROTOCOL);
        assert_true(err.message[0] != '\0');
    }
}

static void border_finds_the_end_of_each_packet_however_it_is_cut(void **state)
{
    static const char packets[] = "\x10\x03"
                                  "abc"
                                  "\xc0\x00"
                                  "\x32\x81\x00z"
                                  "\xe0\x00";
    static const enum mqtt_packet_type types[] = {MQTT_PACKET_CONNECT, MQTT_PACKET_PINGREQ,
                                                  MQTT_PACKET_PUBLISH, MQTT_PACKET_DISCONNECT};
    struct sfe_slice all = sfe_slice_make(packets, sizeof(packets) - 1);

    (void)state;
    for (size_t step = 1; step <= all.size; step++) {
        struct mqtt_border border = {0};
        struct sfe_error err;
        size_t found = 0;

        for (size_t at = 0; at < all.size; at += step) {
            struct sfe_slice rest = sfe_slice_part(all, at, step);
            while (rest.size != 0) {
                bool is_whole;
                assert_int_equal(mqtt_border_pass(&border, &rest, &is_whole, &err), SFE_OK);
                assert_int_equal(is_whole, mqtt_border_reached(&border));
                if (is_whole) {
                    assert_int_equal(border.type, types[found++]);
                }
            }
        }
        assert_int_equal(found, 4);
    }
}

static void border_refuses_a_length_of_five_bytes(void **state)
{
    struct mqtt_border border = {0};
    struct sfe_slice rest = SFE_TEXT("\x30\x80\x80\x80\x80\x01");
    struct sfe_error err;
    bool is_whole;

    (void)state;
    assert_int_equal(mqtt_border_pass(&border, &rest, &is_whole, &err), SFE_E_PROTOCOL);
}

static enum sfe_code parse_connack(struct sfe_slice body, uint8_t level,
                                   struct mqtt_connack *connack)
{
    struct sfe_error err;

    return mqtt_connack_parse(body, level, connack, &err);
}

static void connack_tells_reason_and_receive_maximum(void **state)
{
    static const struct sfe_slice wrong = {(const uint8_t *)"\0\0\x06\x24\x01\x21\0\x14", 8};
    struct mqtt_connack connack;

    (void)state;
    assert_int_equal(parse_connack(SFE_TEXT("\x00\x87\x00"), MQTT_LEVEL_5, &connack), SFE_OK);
    assert_int_equal(connack.reason, 0x87);
    assert_int_equal(connack.receive_maximum, 65535);
    assert_int_equal(parse_connack(wrong, MQTT_LEVEL_5, &connack), SFE_E_PROTOCOL);
    assert_int_equal(
        parse_connack(SFE_TEXT("\x00\x00\x05\x24\x01\x21\x00\x14"), MQTT_LEVEL_5, &connack),
        SFE_OK);
    assert_int_equal(connack.receive_maximum, 20);
    assert_int_equal(parse_connack(SFE_TEXT("\x00"), MQTT_LEVEL_5, &connack), SFE_E_PROTOCOL);
}

static void connack_has_no_properties_in_3_1_1(void **state)
{
    struct mqtt_connack connack;

    (void)state;
    assert_int_equal(parse_connack(SFE_TEXT("\x01\x00"), MQTT_LEVEL_3_1_1, &connack), SFE_OK);
    assert_true(connack.is_session_present);
    assert_int_equal(parse_connack(SFE_TEXT("\x00\x00\x00"), MQTT_LEVEL_3_1_1, &connack),
                     SFE_E_PROTOCOL);
    assert_int_equal(parse_connack(SFE_TEXT("\x00"), MQTT_LEVEL_3_1_1, &connack), SFE_E_PROTOCOL);
}

static void server_that_does_not_know_5_may_refuse_in_its_own_form(void **state)
{
    struct mqtt_connack connack;

    (void)state;
    assert_int_equal(parse_connack(SFE_TEXT("\x00\x01"), MQTT_LEVEL_5, &connack), SFE_OK);
    assert_int_equal(connack.reason, 1);
    assert_int_equal(parse_connack(SFE_TEXT("\x00\x00"), MQTT_LEVEL_5, &connack), SFE_E_PROTOCOL);
}

static void level_is_read_from_the_first_bytes_of_connect(void **state)
{
    static const char connect[] = "\x10\x8d\x01\x00\x04MQTT\x05";
    struct sfe_error err;
    uint8_t level = 0;

    (void)state;
    for (size_t size = 0; size < sizeof(connect) - 1; size++) {
        assert_int_equal(mqtt_connect_parse_level(sfe_slice_make(connect, size), &level, &err),
                         SFE_E_AGAIN);
    }
    assert_int_equal(
        mqtt_connect_parse_level(sfe_slice_make(connect, sizeof(connect) - 1), &level, &err),
        SFE_OK);
    assert_int_equal(level, MQTT_LEVEL_5);
    assert_int_equal(
        mqtt_connect_parse_level(SFE_TEXT("\x10\x0c\x00\x04MQTT\x04\x00"), &level, &err), SFE_OK);
    assert_int_equal(level, MQTT_LEVEL_3_1_1);
}

static void what_is_no_connect_of_3_1_1_or_5_has_no_level(void **state)
{
    static const struct sfe_slice bad[] = {
        {(const uint8_t *)"\x10\x0c\x00\x06MQIsdp\x03", 11},
        {(const uint8_t *)"\x10\x0c\x00\x04MQTT\x06", 9},
        {(const uint8_t *)"\x10\x06\x00\x04MQTT", 8},
        {(const uint8_t *)"\x10\x00", 2},
        {(const uint8_t *)"\x30\x0c\x00\x04MQTT\x05", 9},
        {(const uint8_t *)"\x10\xff\xff\xff\xff\x01", 6},
    };
    struct sfe_error err;
    uint8_t level = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(mqtt_connect_parse_level(bad[i], &level, &err), SFE_E_PROTOCOL);
        assert_int_equal(level, 0);
    }
}

static void answers_are_the_bytes_of_the_standard(void **state)
{
    uint8_t memory[16];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));

    (void)state;
    mqtt_puback_add(&out, 0x1234);
    mqtt_disconnect_add(&out, 0);
    mqtt_disconnect_add(&out, MQTT_REASON_PACKET_TOO_LARGE);
    assert_true(
        sfe_slice_equal(sfe_builder_slice(&out), SFE_TEXT("\x40\x02\x12\x34\xe0\x00\xe0\x01\x95")));
}

static void reasons_have_names_and_log_in_failures_are_told_apart(void **state)
{
    (void)state;
    assert_string_equal(mqtt_reason_name(0x86), "bad user name or password");
    assert_string_equal(mqtt_reason_name(0x87), "not authorized");
    assert_string_equal(mqtt_reason_name(0x8a), "banned");
    assert_string_equal(mqtt_reason_name(5), "not authorized");
    assert_string_equal(mqtt_reason_name(-3), "unknown reason");
    assert_int_equal(mqtt_reason_code(0x87), SFE_E_AUTH);
    assert_int_equal(mqtt_reason_code(4), SFE_E_AUTH);
    assert_int_equal(mqtt_reason_code(0x8f), SFE_E_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_is_read_at_each_length_of_its_length),
        cmocka_unit_test(frame_that_is_not_whole_asks_for_more),
        cmocka_unit_test(length_of_five_bytes_is_refused),
        cmocka_unit_test(packets_that_no_server_sends_are_refused),
        cmocka_unit_test(publish_is_read_with_its_properties),
        cmocka_unit_test(publish_of_3_1_1_has_no_properties),
        cmocka_unit_test(first_event_id_wins_and_other_properties_are_passed_over),
        cmocka_unit_test(head_cut_anywhere_asks_for_more),
        cmocka_unit_test(malformed_publish_is_refused),
        cmocka_unit_test(border_finds_the_end_of_each_packet_however_it_is_cut),
        cmocka_unit_test(border_refuses_a_length_of_five_bytes),
        cmocka_unit_test(connack_tells_reason_and_receive_maximum),
        cmocka_unit_test(connack_has_no_properties_in_3_1_1),
        cmocka_unit_test(server_that_does_not_know_5_may_refuse_in_its_own_form),
        cmocka_unit_test(level_is_read_from_the_first_bytes_of_connect),
        cmocka_unit_test(what_is_no_connect_of_3_1_1_or_5_has_no_level),
        cmocka_unit_test(answers_are_the_bytes_of_the_standard),
        cmocka_unit_test(reasons_have_names_and_log_in_failures_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
