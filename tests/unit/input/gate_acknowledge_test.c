#include "unit/input/gate_world.h"

static void puback_leaves_only_after_the_durable_sequence_reached_it(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_publish(&world->broker, 1, "pos/7/sale", "a");
    send_publish(&world->broker, 2, "pos/7/sale", "b");
    send_publish(&world->broker, 3, "pos/7/sale", "c");
    pump(world);
    assert_int_equal(world->sales.staged, 3);
    assert_false(gate_turn(gate));
    EXPECT_NOTHING(&world->broker);
    assert_int_equal(unacknowledged(gate), 3);

    world->sales.durable = 2;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01\x40\x02\x00\x02");
    assert_int_equal(unacknowledged(gate), 1);
    assert_int_equal(acknowledged(gate), 2);

    world->sales.durable = 3;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x03");
    assert_true(gate_is_quiet(gate));
    EXPECT_NOTHING(&world->client); /* The client never sees a message. */
}

static void acknowledgements_of_two_streams_leave_in_the_order_of_arrival(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_publish(&world->broker, 1, "pos/7/sale", "a");
    send_publish(&world->broker, 2, "plant/x", "b");
    send_publish(&world->broker, 3, "pos/7/sale", "c");
    pump(world);
    world->readings.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_NOTHING(&world->broker);
    world->sales.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01\x40\x02\x00\x02");
    world->sales.durable = 2;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x03");
}

static void message_in_two_streams_waits_for_both(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_publish(&world->broker, 9, "x/y/both", "a");
    pump(world);
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(world->readings.staged, 1);
    world->sales.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_NOTHING(&world->broker);
    world->readings.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x09");
}

static void message_that_is_no_event_is_answered_in_its_turn(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_publish(&world->broker, 1, "pos/7/sale", "");
    pump(world);
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01");
    send_publish(&world->broker, 2, "pos/7/sale", "a");
    send_publish(&world->broker, 3, "pos/7/sale", "");
    pump(world);
    EXPECT_NOTHING(&world->broker);
    world->sales.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x02\x40\x02\x00\x03");
}

static void messages_that_are_no_events_never_fill_the_window(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 2, 1000);

    for (uint16_t id = 1; id <= 9; id++) {
        send_publish(&world->broker, id, "pos/7/sale", "");
    }
    pump(world);
    assert_int_equal(acknowledged(gate), 9);
    assert_int_equal(world->broker.written_size, 36);
}

static void qos_0_is_staged_and_not_answered(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 1, 1000);

    for (int i = 0; i < 5; i++) {
        send_publish(&world->broker, 0, "pos/7/sale", "a");
    }
    pump(world);
    assert_int_equal(world->sales.staged, 5);
    world->sales.durable = 5;
    assert_false(gate_turn(gate));
    EXPECT_NOTHING(&world->broker);
    assert_int_equal(unacknowledged(gate), 0);
}

static void many_acknowledgements_leave_in_one_write(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 1000, 1000);
    unsigned writes;

    for (uint16_t id = 1; id <= 1000; id++) {
        send_publish(&world->broker, id, "pos/7/sale", "a");
    }
    pump(world);
    writes = world->broker.writes;
    world->sales.durable = 1000;
    assert_false(gate_turn(gate));
    assert_int_equal(world->broker.writes, writes + 1);
    assert_int_equal(world->broker.written_size, 4000);
}

static void acknowledgements_that_would_block_go_on_when_there_is_room(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 6000, 1000);

    for (uint16_t id = 1; id <= 6000; id++) {
        send_publish(&world->broker, id, "pos/7/sale", "a");
    }
    pump(world);
    world->sales.durable = 6000;
    world->broker.write_room = 6;
    assert_false(gate_turn(gate));
    assert_int_equal(world->broker.watched & SFE_POLL_WRITE, SFE_POLL_WRITE);
    assert_false(gate_is_quiet(gate));
    world->broker.write_room = SIZE_MAX;
    pump(world);
    assert_true(gate_is_quiet(gate));
    assert_int_equal(world->broker.watched & SFE_POLL_WRITE, 0);
    assert_int_equal(world->broker.written_size, 24000);
    for (size_t id = 1; id <= 6000; id++) {
        const uint8_t *puback = world->broker.written + (id - 1) * 4;
        assert_int_equal(puback[0] << 8 | puback[1], 0x4002);
        assert_int_equal(puback[2] << 8 | puback[3], id);
    }
}

static void acknowledgement_never_falls_inside_a_packet_of_the_client(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_publish(&world->broker, 1, "pos/7/sale", "a");
    SEND(&world->client, "\x30\x07\x00\x01x");
    pump(world);
    world->sales.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x30\x07\x00\x01x");
    /* The rest comes with the beginning of another packet: the answer goes between them. */
    SEND(&world->client, "\x00yyy\x30\x05\x00");
    pump(world);
    EXPECT_WRITTEN(&world->broker, "\x00yyy\x40\x02\x00\x01\x30\x05\x00");
}

static void ring_goes_round(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 3, 1000);

    for (uint16_t id = 1; id <= 20; id++) {
        const uint8_t puback[] = {0x40, 2, 0, (uint8_t)id};
        send_publish(&world->broker, id, "x/y/both", "a");
        pump(world);
        world->sales.durable = id;
        world->readings.durable = id;
        assert_false(gate_turn(gate));
        expect_written(&world->broker, puback, 4);
    }
}

static void nothing_of_one_connection_is_acknowledged_on_the_next(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_publish(&world->broker, 1, "pos/7/sale", "a");
    pump(world);
    world->broker.is_ended = true;
    pump(world);
    expect_ended(world, gate, SFE_E_NETWORK, "the broker closed the connection");
    assert_int_equal(unacknowledged(gate), 0);

    begin_session(world);
    SEND(&world->broker, CONNACK_5);
    send_publish(&world->broker, 5, "pos/7/sale", "a");
    pump(world);
    world->sales.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_NOTHING(&world->broker);
    world->sales.durable = 2;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x05");
}

/* Who takes messages instead of an intake. */
struct taker {
    uint64_t taken;
    uint64_t settled;
    uint64_t room;
    char last[64];
};

static uint64_t take(void *owner, const struct sfe_mqtt_taken *message)
{
    struct taker *taker = owner;

    if (taker->taken == taker->room) {
        return 0;
    }
    (void)snprintf(taker->last, sizeof(taker->last), "%.*s %.*s %.*s %.*s %d",
                   (int)message->topic.size, (const char *)message->topic.bytes,
                   (int)message->payload.size, (const char *)message->payload.bytes,
                   (int)message->response_topic.size, (const char *)message->response_topic.bytes,
                   (int)message->correlation.size, (const char *)message->correlation.bytes,
                   (int)message->payload_bytes);
    return ++taker->taken;
}

static uint64_t settled(void *owner)
{
    return ((struct taker *)owner)->settled;
}

static void a_taker_has_the_messages_and_says_when_they_are_answered(void **state)
{
    struct input_world *world = *state;
    struct taker taker = {.room = 2};
    const struct sfe_mqtt_taker how = {take, settled, &taker};
    const struct gate_options options = {
        .receive_maximum = 10, .event_bytes_max = 1000, .taker = &how};
    struct gate *gate = world_gate_with(world, &options);

    begin_session(world);
    SEND(&world->broker, CONNACK_5);
    pump(world);
    EXPECT_WRITTEN(&world->client, CONNACK_5);
    SEND(&world->broker, "\x32\x12\x00\x01q\x00\x01\x09\x08\x00\x01r\x09\x00\x02"
                         "cd"
                         "hey");
    pump(world);
    assert_string_equal(taker.last, "q hey r cd 3");
    assert_int_equal(world->sales.staged, 0);
    send_publish(&world->broker, 2, "q", "b");
    send_publish(&world->broker, 3, "q", "c"); /* Not now. */
    pump(world);
    assert_int_equal(taker.taken, 2);
    assert_true(gate_turn(gate));
    EXPECT_NOTHING(&world->broker);
    taker.settled = 1;
    (void)gate_turn(gate);
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01");
    taker.room = 3;
    assert_false(gate_turn(gate));
    assert_int_equal(taker.taken, 3);
    taker.settled = 3;
    (void)gate_turn(gate);
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x02\x40\x02\x00\x03");
    assert_true(gate_is_quiet(gate));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_taker_has_the_messages_and_says_when_they_are_answered),
        WORLD_TEST(puback_leaves_only_after_the_durable_sequence_reached_it),
        WORLD_TEST(acknowledgements_of_two_streams_leave_in_the_order_of_arrival),
        WORLD_TEST(message_in_two_streams_waits_for_both),
        WORLD_TEST(message_that_is_no_event_is_answered_in_its_turn),
        WORLD_TEST(messages_that_are_no_events_never_fill_the_window),
        WORLD_TEST(qos_0_is_staged_and_not_answered),
        WORLD_TEST(many_acknowledgements_leave_in_one_write),
        WORLD_TEST(acknowledgements_that_would_block_go_on_when_there_is_room),
        WORLD_TEST(acknowledgement_never_falls_inside_a_packet_of_the_client),
        WORLD_TEST(ring_goes_round),
        WORLD_TEST(nothing_of_one_connection_is_acknowledged_on_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
