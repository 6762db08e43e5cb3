#include "unit/input/gate_world.h"

static void failure_to_reach_the_broker_ends_the_client_with_a_reason(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = world_gate(world, 10, 1000);

    world->refuses = true;
    world->client_waits = true;
    pump(world);
    assert_false(world->client.is_open);
    assert_int_equal(gate_reason(gate)->code, SFE_E_NETWORK);
    assert_string_equal(gate_reason(gate)->message, "no route to host");

    gate_forget_reason(gate);
    world->refuses = false;
    world->client_waits = true;
    pump(world);
    world->broker.is_broken = true;
    pump(world);
    expect_ended(world, gate, SFE_E_NETWORK, "connection reset by peer");
}

static void client_that_gives_up_leaves_the_reason_why_it_waited(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = world_gate(world, 10, 1000);

    world->client_waits = true;
    pump(world);
    world->client.is_ended = true;
    pump(world);
    expect_ended(world, gate, SFE_E_TIMEOUT, "cannot connect to broker.lan:1883: no answer");

    gate_forget_reason(gate);
    begin_session(world);
    world->client.is_ended = true;
    pump(world);
    expect_ended(world, gate, SFE_E_TIMEOUT, "broker.lan:1883 does not answer CONNECT");
}

static void broken_connection_to_the_broker_closes_both_sides(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    world->broker.is_broken = true;
    pump(world);
    expect_ended(world, gate, SFE_E_NETWORK, "connection reset by peer");
    assert_true(gate_is_quiet(gate));
}

static void client_that_leaves_closes_both_sides_after_its_last_bytes(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    SEND(&world->client, "\xe0\x00");
    world->client.is_ended = true;
    pump(world);
    EXPECT_WRITTEN(&world->broker, "\xe0\x00");
    expect_ended(world, gate, SFE_E_NETWORK, "the MQTT client left");
}

static void new_client_replaces_the_old(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_publish(&world->broker, 1, "pos/7/sale", "a");
    SEND(&world->client, "\x30\x08");
    pump(world);
    world->client_waits = true;
    pump(world);
    assert_false(world->client.is_open);
    assert_true(world->second_client.is_open);
    assert_int_equal(world->connects, 2);
    /* CONNECT passes, though the old client stopped inside a packet. */
    SEND(&world->second_client, CONNECT_5);
    world->broker.is_standing = true;
    pump(world);
    EXPECT_WRITTEN(&world->broker, CONNECT_5);
    assert_int_equal(unacknowledged(gate), 0);
    assert_int_equal(gate_reason(gate)->code, SFE_OK);
    SEND(&world->broker, CONNACK_5);
    send_publish(&world->broker, 7, "pos/7/sale", "");
    pump(world);
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x07");
}

static void first_reason_is_kept(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);
    struct sfe_error why = {0};

    SEND(&world->broker, "\xe0\x01\x8e");
    pump(world);
    (void)sfe_fail(&why, SFE_E_TIMEOUT, "later");
    gate_end(gate, 0, &why);
    expect_ended(world, gate, SFE_E_REFUSED,
                 "the broker ends the connection: session taken over by another client with this "
                 "client id (0x8e)");
    gate_forget_reason(gate);
    assert_int_equal(gate_reason(gate)->code, SFE_OK);
}

static void stopped_gate_takes_no_message_and_still_acknowledges(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    send_publish(&world->broker, 1, "pos/7/sale", "a");
    pump(world);
    gate_stop(gate);
    assert_false(gate_is_quiet(gate));
    send_publish(&world->broker, 2, "pos/7/sale", "b");
    SEND(&world->broker, PINGRESP);
    pump(world);
    assert_int_equal(world->sales.staged, 1);
    EXPECT_WRITTEN(&world->client, PINGRESP);
    world->sales.durable = 1;
    assert_false(gate_turn(gate));
    EXPECT_WRITTEN(&world->broker, "\x40\x02\x00\x01");
    assert_true(gate_is_quiet(gate));

    world->client_waits = true;
    pump(world);
    assert_false(world->second_client.is_open);
    assert_true(world->client.is_open);
    assert_int_equal(world->connects, 1);
}

static void close_says_goodbye_after_the_last_acknowledgement(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    gate_close(gate);
    EXPECT_WRITTEN(&world->broker, "\xe0\x00");
    assert_false(world->broker.is_open);
    assert_false(world->client.is_open);
    assert_false(world->listener.is_open);
}

static void close_inside_a_packet_of_the_client_says_nothing(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    SEND(&world->client, "\x30\x09");
    pump(world);
    EXPECT_WRITTEN(&world->broker, "\x30\x09");
    gate_close(gate);
    EXPECT_NOTHING(&world->broker);
    assert_false(world->broker.is_open);
}

static void failing_memory_fails_the_open(void **state)
{
    struct input_world *world = *state;
    struct gate_options options = {
        .host = "broker.lan",
        .port = 1883,
        .receive_maximum = 10,
        .event_bytes_max = 100000,
        .poller = &world->poller,
    };
    bool is_open = false;

    for (size_t limit = 1024; limit < 1024 * 1024; limit += 16384) {
        struct sfe_arena *arena = NULL;
        struct gate *gate = NULL;
        struct sfe_error err;
        uint16_t port;

        assert_int_equal(sfe_arena_open(limit, &arena, &err), SFE_OK);
        is_open = gate_open(&options, arena, &gate, &port, &err) == SFE_OK;
        if (is_open) {
            gate_close(gate);
        } else {
            assert_int_equal(err.code, SFE_E_NO_MEMORY);
            assert_false(world->listener.is_open);
        }
        sfe_arena_close(arena);
    }
    assert_true(is_open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(failure_to_reach_the_broker_ends_the_client_with_a_reason),
        WORLD_TEST(client_that_gives_up_leaves_the_reason_why_it_waited),
        WORLD_TEST(broken_connection_to_the_broker_closes_both_sides),
        WORLD_TEST(client_that_leaves_closes_both_sides_after_its_last_bytes),
        WORLD_TEST(new_client_replaces_the_old),
        WORLD_TEST(first_reason_is_kept),
        WORLD_TEST(stopped_gate_takes_no_message_and_still_acknowledges),
        WORLD_TEST(close_says_goodbye_after_the_last_acknowledgement),
        WORLD_TEST(close_inside_a_packet_of_the_client_says_nothing),
        WORLD_TEST(failing_memory_fails_the_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
