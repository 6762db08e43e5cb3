/* A gate in its world, connected. */
#ifndef SFE_TESTS_UNIT_INPUT_GATE_WORLD_H
#define SFE_TESTS_UNIT_INPUT_GATE_WORLD_H

#include "unit/input/input_world.h"

#include "input/gate_state.h"

#define CONNECT_5 "\x10\x0d\x00\x04MQTT\x05\x00\x00\x3c\x00\x00\x00"
#define CONNACK_5 "\x20\x03\x00\x00\x00"
#define CONNACK_3 "\x20\x02\x00\x00"
#define PINGREQ   "\xc0\x00"
#define PINGRESP  "\xd0\x00"

static inline struct gate *world_gate(struct input_world *world, uint16_t receive_maximum,
                                      uint32_t event_bytes_max)
{
    struct gate_options options = {
        .host = "broker.lan",
        .port = 1883,
        .receive_maximum = receive_maximum,
        .event_bytes_max = event_bytes_max,
        .intake = world_intake(world, event_bytes_max),
        .poller = &world->poller,
    };
    struct gate *gate = NULL;
    struct sfe_error err;
    uint16_t port = 0;

    assert_int_equal(gate_open(&options, world->arena, &gate, &port, &err), SFE_OK);
    assert_int_equal(port, 4711);
    return gate;
}

/* The client connects, the broker is reached, CONNECT passes. */
static inline void begin_session(struct input_world *world)
{
    world->client_waits = true;
    pump(world);
    SEND(&world->client, CONNECT_5);
    pump(world);
    world->broker.is_standing = true;
    pump(world);
    EXPECT_WRITTEN(&world->broker, CONNECT_5);
}

static inline struct gate *connected_gate(struct input_world *world, uint16_t receive_maximum,
                                          uint32_t event_bytes_max)
{
    struct gate *gate = world_gate(world, receive_maximum, event_bytes_max);

    begin_session(world);
    SEND(&world->broker, CONNACK_5);
    pump(world);
    EXPECT_WRITTEN(&world->client, CONNACK_5);
    return gate;
}

static inline uint64_t acknowledged(const struct gate *gate)
{
    struct gate_facts facts;

    gate_facts(gate, &facts);
    return facts.acknowledged;
}

static inline uint64_t unacknowledged(const struct gate *gate)
{
    struct gate_facts facts;

    gate_facts(gate, &facts);
    return facts.unacknowledged;
}

static inline void expect_ended(const struct input_world *world, const struct gate *gate,
                                enum sfe_code code, const char *message)
{
    assert_false(world->broker.is_open);
    assert_false(world->client.is_open);
    assert_true(world->listener.is_open);
    assert_int_equal(gate_reason(gate)->code, code);
    assert_string_equal(gate_reason(gate)->message, message);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

#endif
