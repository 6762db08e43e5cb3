#include "unit/input/gate_world.h"

static void bytes_of_the_client_pass_as_they_are(void **state)
{
    struct input_world *world = *state;

    (void)connected_gate(world, 10, 1000);
    for (size_t step = 1; step < 12; step++) {
        world->client.read_step = step;
        SEND(&world->client, "\x82\x08\x00\x01\x00\x00\x02"
                             "a/b\xc0\x00\x30\x04\x00\x01x\x00");
        pump(world);
        EXPECT_WRITTEN(&world->broker, "\x82\x08\x00\x01\x00\x00\x02"
                                       "a/b\xc0\x00\x30\x04\x00\x01x\x00");
    }
}

static void packet_larger_than_every_buffer_passes(void **state)
{
    struct input_world *world = *state;
    size_t size = 500005;
    uint8_t *packet = malloc(size);

    (void)connected_gate(world, 10, 1000);
    for (size_t i = 0; i < size; i++) {
        packet[i] = (uint8_t)(i * 7);
    }
    /* 500000 is 0x7a120: 0x20, 0x42, 0x1e by sevens. */
    memcpy(packet, "\x30\xa0\xc2\x1e", 4);
    send_bytes(&world->client, sfe_slice_make(packet, 500004));
    world->broker.write_room = 100000;
    pump(world);
    assert_int_equal(world->broker.written_size, 100000);
    assert_int_equal(world->client.watched & SFE_POLL_READ, 0); /* Bounded. */
    world->broker.write_room = SIZE_MAX;
    pump(world);
    expect_written(&world->broker, packet, 500004);
    free(packet);
}

static void connect_waits_until_the_broker_is_reached(void **state)
{
    struct input_world *world = *state;

    (void)world_gate(world, 10, 1000);
    world->client_waits = true;
    pump(world);
    SEND(&world->client, CONNECT_5);
    pump(world);
    assert_int_equal(world->broker.writes, 0);
    world->broker.is_standing = true;
    pump(world);
    EXPECT_WRITTEN(&world->broker, CONNECT_5);
}

static void blocked_gate_answers_ping_locally_and_forwards_it(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    world->sales.room = 0;
    send_publish(&world->broker, 1, "pos/7/sale", "a");
    pump(world);
    SEND(&world->client, PINGREQ);
    pump(world);
    EXPECT_WRITTEN(&world->client, PINGRESP);
    EXPECT_WRITTEN(&world->broker, PINGREQ);
    /* The broker's own answer is then one too many. */
    SEND(&world->broker, PINGRESP);
    pump(world);
    EXPECT_NOTHING(&world->client);
    world->sales.room = 1;
    assert_false(gate_turn(gate));
    EXPECT_NOTHING(&world->client);
    SEND(&world->client, PINGREQ);
    SEND(&world->broker, PINGRESP);
    pump(world);
    EXPECT_WRITTEN(&world->client, PINGRESP);
}

static void gate_that_is_not_blocked_leaves_ping_to_the_broker(void **state)
{
    struct input_world *world = *state;

    (void)connected_gate(world, 10, 1000);
    SEND(&world->client, PINGREQ);
    pump(world);
    EXPECT_NOTHING(&world->client);
    EXPECT_WRITTEN(&world->broker, PINGREQ);
}

static void client_may_not_answer_messages(void **state)
{
    struct input_world *world = *state;
    struct gate *gate = connected_gate(world, 10, 1000);

    SEND(&world->client, "\x40\x02\x00\x01");
    pump(world);
    assert_false(world->broker.is_open);
    assert_int_equal(gate_reason(gate)->code, SFE_E_PROTOCOL);
    assert_string_equal(gate_reason(gate)->message,
                        "the client answers a message that it never got");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(bytes_of_the_client_pass_as_they_are),
        WORLD_TEST(packet_larger_than_every_buffer_passes),
        WORLD_TEST(connect_waits_until_the_broker_is_reached),
        WORLD_TEST(blocked_gate_answers_ping_locally_and_forwards_it),
        WORLD_TEST(gate_that_is_not_blocked_leaves_ping_to_the_broker),
        WORLD_TEST(client_may_not_answer_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
