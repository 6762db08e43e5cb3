#include "unit/input/gate_world.h"

static bool is_blocked(const struct gate *gate)
{
    struct gate_facts facts;

    gate_facts(gate, &facts);
    return facts.is_blocked;
}

static void packets_are_found_however_the_stream_is_cut(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 100, 1000);
    uint16_t id = 1;

    for (size_t step = 1; step < 70; step++) {
        uint8_t memory[512];
        struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));

        add_publish(&bytes, id++, "pos/7/sale", SFE_TEXT("first"), "r-1");
        sfe_builder_add(&bytes, SFE_TEXT(PINGRESP));
        add_publish(&bytes, id++, "plant/x", SFE_TEXT("second"), NULL);
        world->broker.read_step = step;
        send_bytes(&world->broker, sfe_builder_slice(&bytes));
        pump(world);
        assert_int_equal(world->sales.staged, step);
        assert_int_equal(world->readings.staged, step);
        EXPECT_WRITTEN(&world->client, PINGRESP);
        world->sales.durable = step;
        world->readings.durable = step;
        assert_false(gate_turn(gate));
        assert_int_equal(world->broker.written_size, 8);
        world->broker.written_size = 0;
    }
    for (size_t i = 0; i < KEPT_MAX; i++) {
        assert_string_equal(world->sales.kept[i].payload, "first");
        assert_int_equal(world->sales.kept[i].event.identity_kind, SFE_IDENTITY_GIVEN);
        assert_string_equal(world->readings.kept[i].payload, "second");
    }
}

/* A message over the limit between two others, cut in `step` bytes. */
static void send_oversize(struct input_world *world, struct gate *gate, size_t payload_bytes,
                          size_t step)
{
    size_t capacity = payload_bytes + 1000;
    uint8_t *memory = malloc(capacity);
    uint8_t *payload = malloc(payload_bytes);
    struct sfe_builder bytes = sfe_builder_make(memory, capacity);

    memset(payload, 'x', payload_bytes);
    add_publish(&bytes, 1, "pos/7/sale", SFE_TEXT("before"), NULL);
    add_publish(&bytes, 2, "pos/7/sale", sfe_slice_make(payload, payload_bytes), "r-1");
    add_publish(&bytes, 3, "pos/7/sale", SFE_TEXT("after"), NULL);
    world->broker.read_step = step;
    send_bytes(&world->broker, sfe_builder_slice(&bytes));
    pump(world);
    assert_true(gate->inbox.capacity < payload_bytes || payload_bytes < 200000);
    free(memory);
    free(payload);
}

static void message_over_the_limit_streams_through_to_the_dead_letters(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_oversize(world, gate, 900000, 60000);
    assert_int_equal(world->sales.staged, 2);
    assert_string_equal(world->sales.kept[0].payload, "before");
    assert_string_equal(world->sales.kept[1].payload, "after");
    assert_int_equal(world->dead.staged, 1);
    assert_int_equal(world->dead.kept[0].payload_bytes, SFE_EVENT_EXCERPT_BYTES);
    assert_int_equal(world->dead.kept[0].event.flags, SFE_EVENT_EXCERPT);
    assert_int_equal(world->dead.kept[0].event.identity_kind, SFE_IDENTITY_GIVEN);
    assert_string_equal(world->dead.kept[0].annotation,
                        "{\"reason\":\"too-large\",\"message\":\"payload of 900000 bytes is over "
                        "the limit of 1000\",\"input\":\"tills\"}");
    world->sales.durable = 2;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01");
    world->dead.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x02\x40\x02\x00\x03");
}

static void message_over_the_limit_is_found_however_it_is_cut(void **state)
{
    struct input_world *world = *state;
    static const size_t steps[] = {1, 2, 7, 99, 1000, 4096, 4100, 10000};
    struct gate *gate = connected_gate(world, 100, 1000);

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        send_oversize(world, gate, 9000, steps[i]);
        assert_int_equal(world->sales.staged, 2 * (i + 1));
        assert_int_equal(world->dead.staged, i + 1);
        assert_int_equal(world->dead.kept[i].payload_bytes, SFE_EVENT_EXCERPT_BYTES);
        assert_string_equal(world->sales.kept[2 * i + 1].payload, "after");
    }
}

static void message_over_the_limit_waits_for_room_in_the_dead_letters(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    world->dead.room = 0;
    send_oversize(world, gate, 900000, 60000);
    assert_true(is_blocked(gate));
    assert_int_equal(world->sales.staged, 1);
    world->dead.room = 1;
    assert_false(gate_turn(gate));
    assert_int_equal(world->sales.staged, 2);
    assert_int_equal(world->dead.staged, 1);
}

static void message_of_the_largest_size_is_taken_whole(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 300000);

    send_oversize(world, gate, 300000 - 200000, 50000);
    world->sales.staged = 0;
    send_oversize(world, gate, 199999, 50000);
    assert_int_equal(world->dead.staged, 0);
    assert_int_equal(world->sales.kept[1].payload_bytes, 199999);
}

static void properties_larger_than_the_inbox_make_a_dead_letter(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);
    size_t capacity = 600000;
    uint8_t *memory = malloc(capacity);
    struct sfe_builder bytes = sfe_builder_make(memory, capacity);

    /* Remaining length 0x82000 = 532480; properties 0x80000 of it. */
    sfe_builder_add(&bytes, SFE_TEXT("\x32\x80\xc0\x20\x00\x07plant/x\x00\x05\x80\x80\x20"));
    assert_non_null(sfe_builder_reserve(&bytes, 532480 - 14));
    memset(memory + 18, 'z', 532480 - 14);
    send_bytes(&world->broker, sfe_builder_slice(&bytes));
    send_publish(&world->broker, 6, "pos/7/sale", "after");
    pump(world);
    free(memory);
    assert_int_equal(world->dead.staged, 1);
    assert_string_equal(world->dead.kept[0].topic, "plant/x");
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(unacknowledged(gate), 2);
}

static void full_stream_holds_the_message_and_loses_nothing(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    world->sales.room = 1;
    send_publish(&world->broker, 1, "pos/7/sale", "a");
    send_publish(&world->broker, 2, "pos/7/sale", "b");
    send_publish(&world->broker, 3, "plant/x", "c");
    pump(world);
    assert_true(is_blocked(gate));
    assert_true(gate_turn(gate));
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(world->readings.staged, 0); /* In order. */
    world->sales.durable = 1;
    assert_true(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01");
    world->sales.room = 5;
    assert_false(gate_turn(gate));
    assert_false(is_blocked(gate));
    assert_int_equal(world->sales.staged, 2);
    assert_int_equal(world->readings.staged, 1);
}

static void full_second_stream_does_not_stage_twice_in_the_first(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    world->readings.room = 0;
    send_publish(&world->broker, 1, "x/y/both", "a");
    pump(world);
    assert_true(gate_turn(gate));
    world->readings.room = 1;
    assert_false(gate_turn(gate));
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(world->readings.staged, 1);
    world->sales.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_NOTHING(&world->broker);
    world->readings.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01");
}

static void all_but_messages_overtakes_a_message_that_waits(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    world->sales.room = 0;
    send_publish(&world->broker, 1, "pos/7/sale", "a");
    SEND(&world->broker, "\x90\x04\x00\x01\x00\x01");
    send_publish(&world->broker, 2, "pos/7/sale", "b");
    SEND(&world->broker, "\x40\x02\x00\x07\x90");
    pump(world);
    EXPECT_WRITTEN(&world->client, "\x90\x04\x00\x01\x00\x01\x40\x02\x00\x07");
    SEND(&world->broker, "\x04\x00\x02\x00\x01");
    pump(world);
    EXPECT_WRITTEN(&world->client, "\x90\x04\x00\x02\x00\x01");
    world->sales.room = 9;
    assert_false(gate_turn(gate));
    assert_int_equal(world->sales.staged, 2);
    EXPECT_NOTHING(&world->client); /* Once. */
    assert_int_equal(gate->inbox.begin, gate->inbox.end);
}

static void what_overtook_is_not_passed_again_when_the_inbox_is_moved(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);
    uint64_t sent = 0;

    world->sales.room = 1;
    send_publish(&world->broker, 0, "pos/7/sale", "first");
    send_publish(&world->broker, 0, "pos/7/sale", "waits");
    SEND(&world->broker, PINGRESP);
    pump(world);
    EXPECT_WRITTEN(&world->client, PINGRESP);
    assert_true(gate->inbox.begin != 0);
    for (; gate->inbox.begin != 0; sent++) {
        assert_true(sent < 10000);
        send_publish(&world->broker, 0, "pos/7/sale", "0123456789");
        pump(world);
    }
    world->sales.room = UINT64_MAX;
    assert_false(gate_turn(gate));
    assert_int_equal(world->sales.staged, sent + 2);
    EXPECT_NOTHING(&world->client);
}

static void blocked_gate_stops_reading_when_its_inbox_is_full(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);
    uint64_t sent = 0;

    world->sales.room = 0;
    for (; sent < 20000; sent++) {
        send_publish(&world->broker, 0, "pos/7/sale", "0123456789");
    }
    pump(world);
    assert_int_equal(world->broker.watched & SFE_POLL_READ, 0);
    assert_true(world->broker.read_begin < world->broker.read_end);
    world->sales.room = UINT64_MAX;
    assert_false(gate_turn(gate));
    pump(world);
    assert_int_equal(world->sales.staged, sent);
    assert_int_equal(world->broker.watched & SFE_POLL_READ, SFE_POLL_READ);
}

static void messages_beyond_the_receive_maximum_wait(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 2, 1000);

    for (uint16_t id = 1; id <= 5; id++) {
        send_publish(&world->broker, id, "pos/7/sale", "a");
    }
    SEND(&world->broker, PINGRESP);
    pump(world);
    assert_int_equal(world->sales.staged, 2);
    assert_int_equal(unacknowledged(gate), 2);
    assert_false(is_blocked(gate)); /* No stream is full. */
    EXPECT_WRITTEN(&world->client, PINGRESP);
    world->sales.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01");
    assert_int_equal(world->sales.staged, 3);
    world->sales.durable = 5;
    assert_false(gate_turn(gate));
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x02\x40\x02\x00\x03"
                                   "\x40\x02\x00\x04\x40\x02\x00\x05");
    assert_int_equal(world->sales.staged, 5);
    assert_true(world->broker.is_open);
}

static void messages_of_3_1_1_are_read_without_properties(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = world_gate(world, 2, 1000);
    static const uint8_t publish[] = {0x32, 12, 0, 7, 'p', 'l', 'a', 'n', 't', '/', 'x', 0, 9, '1'};

    world->client_waits = true;
    pump(world);
    SEND(&world->client, CONNECT_3);
    world->broker.is_standing = true;
    pump(world);
    EXPECT_WRITTEN(&world->broker, CONNECT_3);
    SEND(&world->broker, CONNACK_3);
    send_bytes(&world->broker, sfe_slice_make(publish, sizeof(publish)));
    pump(world);
    assert_int_equal(world->readings.staged, 1);
    assert_string_equal(world->readings.kept[0].payload, "1");
    world->readings.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x09");
}

static void broker_that_does_not_know_5_refuses_with_its_reason(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = world_gate(world, 2, 1000);

    begin_session(world);
    SEND(&world->broker, "\x20\x02\x00\x01");
    pump(world);
    EXPECT_WRITTEN(&world->client, "\x20\x02\x00\x01");
    assert_string_equal(gate_reason(gate)->message,
                        "the broker refuses us: protocol version not supported (0x01)");
}

static void garbage_ends_the_connection_with_a_reason(void **state)
{
    static const struct {
        struct sfe_slice bytes;
        const char *message;
    } cases[] = {
        {SFE_TEXT("\x30\xff\xff\xff\xff\x01"), "a packet length of more than four bytes"},
        {SFE_TEXT("\x00\x00"), "a packet of type 0, which no server sends"},
        {SFE_TEXT("\x82\x00"), "a packet of type 8, which no server sends"},
        {SFE_TEXT("\x41\x02\x00\x01"), "a packet of type 4 with flags 1"},
        {SFE_TEXT("\x20\x03\x00\x00\x00"), "the broker answers CONNECT twice"},
        {SFE_TEXT("\x90\xff\xff\x03"), "a packet of type 9 and 65535 bytes"},
        {SFE_TEXT("\x30\x03\x00\x09x"), "a message that ends inside its head"},
        {SFE_TEXT("\x34\x06\x00\x01x\x00\x01\x00"),
         "a message with QoS 2; at most 1 is subscribed"},
        {SFE_TEXT("\x30\x07\x00\x01x\x03\x23\x00\x01"),
         "a message with a topic alias; none is offered"},
    };
    struct input_world *world = *state;
    struct gate *gate = world_gate(world, 10, 1000);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gate_forget_reason(gate);
        begin_session(world);
        SEND(&world->broker, CONNACK_5);
        pump(world);
        send_bytes(&world->broker, cases[i].bytes);
        pump(world);
        expect_ended(world, gate, SFE_E_PROTOCOL, cases[i].message);
        assert_memory_equal(world->broker.written, "\xe0\x01", 2);
    }
}

static void message_before_connack_ends_the_connection(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = world_gate(world, 10, 1000);

    begin_session(world);
    send_publish(&world->broker, 1, "pos/7/sale", "a");
    pump(world);
    expect_ended(world, gate, SFE_E_PROTOCOL, "a message before the connection is accepted");
    assert_int_equal(world->sales.staged, 0);

    gate_forget_reason(gate);
    begin_session(world);
    SEND(&world->broker, PINGRESP);
    pump(world);
    expect_ended(world, gate, SFE_E_PROTOCOL, "a packet of type 13 before CONNACK");
}

static void refusal_reaches_the_client_and_its_reason_is_kept(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = world_gate(world, 10, 1000);

    begin_session(world);
    SEND(&world->broker, "\x20\x03\x00\x86\x00");
    world->broker.is_ended = true;
    pump(world);
    EXPECT_WRITTEN(&world->client, "\x20\x03\x00\x86\x00");
    expect_ended(world, gate, SFE_E_AUTH,
                 "the broker refuses us: bad user name or password (0x86)");
}

static void disconnect_of_the_broker_gives_the_reason(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    SEND(&world->broker, "\xe0\x01\x8b");
    world->broker.is_ended = true;
    pump(world);
    EXPECT_WRITTEN(&world->client, "\xe0\x01\x8b");
    expect_ended(world, gate, SFE_E_REFUSED,
                 "the broker ends the connection: server shutting down (0x8b)");
}

static void client_that_does_not_read_stops_reading_from_the_broker(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    world->client.write_room = 1;
    SEND(&world->broker, PINGRESP);
    pump(world);
    assert_int_equal(world->broker.watched & SFE_POLL_READ, 0);
    assert_int_equal(world->client.watched & SFE_POLL_WRITE, SFE_POLL_WRITE);
    send_publish(&world->broker, 1, "pos/7/sale", "a");
    pump(world);
    assert_int_equal(world->sales.staged, 0);
    world->client.write_room = SIZE_MAX;
    pump(world);
    EXPECT_WRITTEN(&world->client, PINGRESP);
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(unacknowledged(gate), 1);
}

static void many_messages_cost_one_read_and_no_watch(void **state)
{
    struct input_world *world = *state;
    unsigned reads;
    unsigned watches;

    (void)connected_gate(world, 500, 1000);
    reads = world->broker.reads;
    watches = world->broker.watches + world->client.watches;
    for (uint16_t id = 1; id <= 300; id++) {
        send_publish(&world->broker, id, "pos/7/sale", "0123456789");
    }
    pump(world);
    assert_int_equal(world->sales.staged, 300);
    assert_int_equal(world->broker.reads, reads + 1);
    assert_int_equal(world->broker.watches + world->client.watches, watches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(packets_are_found_however_the_stream_is_cut),
        WORLD_TEST(message_over_the_limit_streams_through_to_the_dead_letters),
        WORLD_TEST(message_over_the_limit_is_found_however_it_is_cut),
        WORLD_TEST(message_over_the_limit_waits_for_room_in_the_dead_letters),
        WORLD_TEST(message_of_the_largest_size_is_taken_whole),
        WORLD_TEST(properties_larger_than_the_inbox_make_a_dead_letter),
        WORLD_TEST(full_stream_holds_the_message_and_loses_nothing),
        WORLD_TEST(full_second_stream_does_not_stage_twice_in_the_first),
        WORLD_TEST(all_but_messages_overtakes_a_message_that_waits),
        WORLD_TEST(what_overtook_is_not_passed_again_when_the_inbox_is_moved),
        WORLD_TEST(blocked_gate_stops_reading_when_its_inbox_is_full),
        WORLD_TEST(messages_beyond_the_receive_maximum_wait),
        WORLD_TEST(messages_of_3_1_1_are_read_without_properties),
        WORLD_TEST(broker_that_does_not_know_5_refuses_with_its_reason),
        WORLD_TEST(garbage_ends_the_connection_with_a_reason),
        WORLD_TEST(message_before_connack_ends_the_connection),
        WORLD_TEST(refusal_reaches_the_client_and_its_reason_is_kept),
        WORLD_TEST(disconnect_of_the_broker_gives_the_reason),
        WORLD_TEST(client_that_does_not_read_stops_reading_from_the_broker),
        WORLD_TEST(many_messages_cost_one_read_and_no_watch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
