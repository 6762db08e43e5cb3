#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "event/event.h"

#define BODY_BYTES (256u * 1024u)
#define START_NS   INT64_C(1764000123456789000)

struct frame {
    struct sfe_event_encoder encoder;
    struct sfe_event_decoder decoder;
    struct sfe_builder body;
    uint8_t memory[BODY_BYTES];
};

static struct frame frame;

static int begin_frame(void **state)
{
    (void)state;
    sfe_event_encoder_begin(&frame.encoder);
    frame.body = sfe_builder_make(frame.memory, sizeof(frame.memory));
    return 0;
}

static struct sfe_event make_event(const char *topic, const char *payload)
{
    return (struct sfe_event){
        .clock_quality = SFE_CLOCK_SYNCED,
        .received_ns = START_NS,
        .source = SFE_TEXT("readings"),
        .topic = sfe_slice_text(topic),
        .payload = sfe_slice_text(payload),
    };
}

static void put(const struct sfe_event *event)
{
    size_t before = frame.body.size;
    assert_int_equal(sfe_event_encode(&frame.encoder, event, &frame.body), SFE_OK);
    assert_true(frame.body.size - before <= sfe_event_encoded_bytes_max(event));
}

static void begin_reading(uint64_t sequence)
{
    sfe_event_decoder_begin(&frame.decoder, sfe_builder_slice(&frame.body), sequence);
}

static struct sfe_event take(void)
{
    struct sfe_event event;
    struct sfe_error err;
    assert_int_equal(sfe_event_decode(&frame.decoder, &event, &err), SFE_OK);
    return event;
}

static void assert_end(void)
{
    struct sfe_event event;
    struct sfe_error err;
    assert_int_equal(sfe_event_decode(&frame.decoder, &event, &err), SFE_E_END);
}

static void assert_same(const struct sfe_event *a, const struct sfe_event *b)
{
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->clock_quality, b->clock_quality);
    assert_int_equal(a->identity_kind, b->identity_kind);
    assert_true(a->received_ns == b->received_ns);
    assert_true(sfe_slice_equal(a->source, b->source));
    assert_true(sfe_slice_equal(a->sender, b->sender));
    assert_true(sfe_slice_equal(a->topic, b->topic));
    assert_true(sfe_slice_equal(a->payload, b->payload));
    assert_true(sfe_slice_equal(a->annotation, b->annotation));
}

static void what_is_encoded_is_decoded(void **state)
{
    struct sfe_event plain = make_event("plant/p1/telemetry", "{\"v\":1}");
    struct sfe_event full = make_event("plant/p2/telemetry", "");
    (void)state;
    full.flags = SFE_EVENT_RETAINED | SFE_EVENT_REPEATED | SFE_EVENT_EXCERPT;
    full.clock_quality = SFE_CLOCK_COASTING;
    full.received_ns = START_NS - 5000;
    full.annotation = SFE_TEXT("{\"why\":\"x\"}");
    full.identity_kind = SFE_IDENTITY_GIVEN;
    memset(full.identity.bytes, 0xa7, sizeof(full.identity.bytes));
    put(&plain);
    put(&full);
    put(&plain);

    begin_reading(41);
    struct sfe_event event = take();
    assert_same(&event, &plain);
    assert_int_equal(event.sequence, 41);
    event = take();
    assert_same(&event, &full);
    assert_int_equal(event.sequence, 42);
    assert_memory_equal(event.identity.bytes, full.identity.bytes, 16);
    event = take();
    assert_same(&event, &plain);
    assert_end();
    assert_end();
}

static void every_flag_and_quality_survives_alone(void **state)
{
    static const uint8_t flags[] = {0, SFE_EVENT_RETAINED, SFE_EVENT_REPEATED, SFE_EVENT_EXCERPT};
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        struct sfe_event event = make_event("t", "p");
        event.flags = flags[i % 4];
        event.clock_quality = (uint8_t)(i / 4);
        put(&event);
    }
    begin_reading(1);
    for (unsigned i = 0; i < 12; i++) {
        struct sfe_event event = take();
        assert_int_equal(event.flags, flags[i % 4]);
        assert_int_equal(event.clock_quality, i / 4);
    }
}

static void
an_event_of_known_source_and_topic_costs_at_most_nine_bytes_more_than_its_payload(void **state)
{
    char payload[201];
    (void)state;
    memset(payload, 'x', 200);
    payload[200] = '\0';
    struct sfe_event event = make_event("plant/p1/telemetry", payload);
    put(&event);
    size_t before = frame.body.size;
    event.received_ns += INT64_C(1000000000); /* A second later. */
    put(&event);
    assert_true(frame.body.size - before <= 209);
    before = frame.body.size;
    event.received_ns += 25000; /* At 40,000 a second. */
    put(&event);
    assert_int_equal(frame.body.size - before, 206);
}

static void a_topic_is_written_once_in_a_frame(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned device = 0; device < 200; device++) {
            char topic[32];
            snprintf(topic, sizeof(topic), "plant/device-%03u/telemetry", device);
            struct sfe_event event = make_event(topic, "1");
            size_t before = frame.body.size;
            put(&event);
            assert_true(round == 0 || frame.body.size - before <= 7);
        }
    }
    begin_reading(1);
    for (unsigned i = 0; i < 600; i++) {
        char topic[32];
        snprintf(topic, sizeof(topic), "plant/device-%03u/telemetry", i % 200);
        struct sfe_event event = take();
        assert_true(sfe_slice_equal(event.topic, sfe_slice_text(topic)));
    }
    assert_end();
}

static void more_topics_than_the_table_holds_are_still_right(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        char topic[32];
        snprintf(topic, sizeof(topic), "d/%u", (i * 11u) % 700u);
        struct sfe_event event = make_event(topic, topic);
        put(&event);
    }
    assert_int_equal(frame.encoder.count, SFE_EVENT_SHARED_MAX);
    begin_reading(1);
    for (unsigned i = 0; i < 2000; i++) {
        struct sfe_event event = take();
        assert_true(sfe_slice_equal(event.topic, event.payload));
        assert_true(sfe_slice_equal(event.source, SFE_TEXT("readings")));
    }
    assert_end();
}

static void texts_of_any_size_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 8, 9, 127, 128, 65535, 65536};
    static uint8_t text[70000];
    (void)state;
    memset(text, 't', sizeof(text));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct sfe_event event = make_event("", "p");
        event.topic = sfe_slice_make(text, sizes[i]);
        put(&event);
        if (sizes[i] < 65536) {
            put(&event);
        }
    }
    begin_reading(1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct sfe_event event = take();
        assert_int_equal(event.topic.size, sizes[i]);
        if (sizes[i] < 65536) {
            event = take();
            assert_int_equal(event.topic.size, sizes[i]);
        }
    }
    assert_end();
}

static void source_and_topic_may_be_the_same_text(void **state)
{
    struct sfe_event event = make_event("readings", "1");
    (void)state;
    put(&event);
    put(&event);
    event.source = SFE_TEXT("other");
    put(&event);
    begin_reading(1);
    take();
    struct sfe_event second = take();
    assert_true(sfe_slice_equal(second.source, SFE_TEXT("readings")));
    assert_true(sfe_slice_equal(second.topic, SFE_TEXT("readings")));
    struct sfe_event third = take();
    assert_true(sfe_slice_equal(third.source, SFE_TEXT("other")));
    assert_true(sfe_slice_equal(third.topic, SFE_TEXT("readings")));
}

static void time_is_rounded_down_to_microseconds_each_time_anew(void **state)
{
    static const int64_t times[] = {
        START_NS + 1999, START_NS + 2001, START_NS + 999, -1, -1000, -1001, 0, 999, INT64_MAX};
    static const int64_t kept[] = {
        START_NS + 1000,        START_NS + 2000, START_NS, -1000, -1000, -2000, 0, 0,
        INT64_MAX / 1000 * 1000};
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct sfe_event event = make_event("t", "p");
        event.received_ns = times[i];
        put(&event);
    }
    begin_reading(1);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct sfe_event event = take();
        assert_true(event.received_ns == kept[i]);
    }
}

static void the_earliest_and_the_latest_time_may_follow_each_other(void **state)
{
    struct sfe_event event = make_event("t", "p");
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        event.received_ns = i % 2 == 0 ? INT64_MIN : INT64_MAX;
        put(&event);
    }
    begin_reading(1);
    for (unsigned i = 0; i < 4; i++) {
        event = take();
        assert_true(i % 2 == 0 ? event.received_ns < INT64_MIN + 2000
                               : event.received_ns > INT64_MAX - 2000);
    }
}

static void what_does_not_fit_leaves_the_frame_as_it_was(void **state)
{
    struct sfe_event event = make_event("plant/p1/telemetry", "{\"v\":1}");
    (void)state;
    put(&event);
    size_t one = frame.body.size;
    struct sfe_event other = make_event("plant/p2/telemetry", "{\"v\":2}");
    other.annotation = SFE_TEXT("{}");
    other.identity_kind = SFE_IDENTITY_GIVEN;
    put(&other);
    size_t two = frame.body.size;

    for (size_t capacity = one; capacity < two; capacity++) {
        sfe_event_encoder_begin(&frame.encoder);
        frame.body = sfe_builder_make(frame.memory, capacity);
        put(&event);
        assert_int_equal(sfe_event_encode(&frame.encoder, &other, &frame.body), SFE_E_FULL);
        assert_int_equal(frame.body.size, one);
        assert_false(frame.body.overflowed);
        assert_int_equal(frame.encoder.count, 2);
    }
    begin_reading(9);
    struct sfe_event read = take();
    assert_same(&read, &event);
    assert_end();
}

static void a_cut_event_is_corrupt_and_not_an_end(void **state)
{
    struct sfe_event event = make_event("plant/p1/telemetry", "{\"v\":1}");
    struct sfe_error err;
    (void)state;
    event.annotation = SFE_TEXT("{\"a\":1}");
    event.identity_kind = SFE_IDENTITY_GIVEN;
    put(&event);
    const size_t whole = frame.body.size;
    for (size_t size = 1; size < whole; size++) {
        frame.body.size = size;
        begin_reading(1);
        assert_int_equal(sfe_event_decode(&frame.decoder, &event, &err), SFE_E_CORRUPT);
        assert_int_equal(err.code, SFE_E_CORRUPT);
        assert_int_equal(sfe_event_decode(&frame.decoder, &event, &err), SFE_E_CORRUPT);
    }
}

static void assert_corrupt(const uint8_t *bytes, size_t size)
{
    struct sfe_event event;
    struct sfe_error err;
    sfe_event_decoder_begin(&frame.decoder, sfe_slice_make(bytes, size), 1);
    assert_int_equal(sfe_event_decode(&frame.decoder, &event, &err), SFE_E_CORRUPT);
}

static void bytes_that_make_no_event_are_corrupt(void **state)
{
    static const uint8_t reserved_flag[] = {0x80, 0, 1, 's', 0, 1, 't', 0, 1, 'p'};
    static const uint8_t quality_three[] = {0x18, 0, 1, 's', 0, 1, 't', 0, 1, 'p'};
    static const uint8_t unknown_text[] = {0x00, 1, 0, 1, 't', 0, 1, 'p'};
    static const uint8_t text_of_later[] = {0x00, 0, 1, 's', 2, 0, 1, 'p'};
    static const uint8_t huge_text_number[] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                               0xff, 0xff, 0xff, 0x01, 0,    0,    0};
    static const uint8_t huge_size[] = {0x00, 0,    0,    0,    0,    0,    0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t huge_time[] = {0x00, 0,    0,    0,    0,    0xfe, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0};
    (void)state;
    assert_corrupt(reserved_flag, sizeof(reserved_flag));
    assert_corrupt(quality_three, sizeof(quality_three));
    assert_corrupt(unknown_text, sizeof(unknown_text));
    assert_corrupt(text_of_later, sizeof(text_of_later));
    assert_corrupt(huge_text_number, sizeof(huge_text_number));
    assert_corrupt(huge_size, sizeof(huge_size));
    assert_corrupt(huge_time, sizeof(huge_time));
}

static void a_sender_is_written_behind_the_source_and_once_in_a_frame(void **state)
{
    struct sfe_event event = make_event("t", "p");
    const struct sfe_event plain = make_event("t", "p");
    size_t size;

    (void)state;
    event.sender = SFE_TEXT("store-7");
    put(&event);
    assert_memory_equal(frame.memory + 1, "\0\x10readings@store-7", 18);
    size = frame.body.size;
    put(&event);
    assert_int_equal(frame.body.size - size, 6);
    put(&plain);
    begin_reading(1);
    for (int i = 0; i < 2; i++) {
        const struct sfe_event found = take();
        assert_same(&found, &event);
    }
    const struct sfe_event found = take();
    assert_same(&found, &plain);
    assert_end();
}

static void a_mark_without_text_on_both_sides_is_part_of_the_source(void **state)
{
    static const char *const sources[] = {"@", "a@", "@a", "@@"};

    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct sfe_event event = make_event("t", "p");
        event.source = sfe_slice_text(sources[i]);
        put(&event);
    }
    begin_reading(1);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const struct sfe_event found = take();
        assert_true(sfe_slice_equal(found.source, sfe_slice_text(sources[i])));
        assert_int_equal(found.sender.size, 0);
    }
    assert_end();
}

static void the_bytes_are_those_of_the_format(void **state)
{
    static const uint8_t expected[] = {0x10, 0,   8, 'r', 'e', 'a',  'd',  'i', 'n',
                                       'g',  's', 0, 1,   't', 0xd0, 0x0f, 1,   'p',
                                       0x31, 1,   2, 1,   0,   2,    '{',  '}'};
    struct sfe_event event = make_event("t", "p");
    (void)state;
    event.received_ns = 1000000; /* 1000 us: zigzag 2000. */
    put(&event);
    event.received_ns -= 1000;
    event.flags = SFE_EVENT_RETAINED;
    event.payload = SFE_TEXT("");
    event.annotation = SFE_TEXT("{}");
    put(&event);
    assert_int_equal(frame.body.size, sizeof(expected));
    assert_memory_equal(frame.memory, expected, sizeof(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_encoded_is_decoded, begin_frame),
        cmocka_unit_test_setup(every_flag_and_quality_survives_alone, begin_frame),
        cmocka_unit_test_setup(
            an_event_of_known_source_and_topic_costs_at_most_nine_bytes_more_than_its_payload,
            begin_frame),
        cmocka_unit_test_setup(a_topic_is_written_once_in_a_frame, begin_frame),
        cmocka_unit_test_setup(a_sender_is_written_behind_the_source_and_once_in_a_frame,
                               begin_frame),
        cmocka_unit_test_setup(a_mark_without_text_on_both_sides_is_part_of_the_source,
                               begin_frame),
        cmocka_unit_test_setup(more_topics_than_the_table_holds_are_still_right, begin_frame),
        cmocka_unit_test_setup(texts_of_any_size_come_back, begin_frame),
        cmocka_unit_test_setup(source_and_topic_may_be_the_same_text, begin_frame),
        cmocka_unit_test_setup(time_is_rounded_down_to_microseconds_each_time_anew, begin_frame),
        cmocka_unit_test_setup(the_earliest_and_the_latest_time_may_follow_each_other, begin_frame),
        cmocka_unit_test_setup(what_does_not_fit_leaves_the_frame_as_it_was, begin_frame),
        cmocka_unit_test_setup(a_cut_event_is_corrupt_and_not_an_end, begin_frame),
        cmocka_unit_test_setup(bytes_that_make_no_event_are_corrupt, begin_frame),
        cmocka_unit_test_setup(the_bytes_are_those_of_the_format, begin_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
