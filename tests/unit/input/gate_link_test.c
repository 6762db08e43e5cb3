#include "unit/input/gate_world.h"

struct secured {
    struct input_world *world;
    struct sfe_tls_session session;
    struct sfe_tls tls;
    struct gate *gate;
};

static struct secured *open_secured(void **state, uint16_t receive_maximum)
{
    struct secured *secured = calloc(1, sizeof(*secured));
    struct gate_options options = {
        .is_tls = true,
        .receive_maximum = receive_maximum,
        .event_bytes_max = 1000,
    };

    assert_non_null(secured);
    secured->world = *state;
    secured->tls = fake_tls(&secured->session);
    options.tls = &secured->tls;
    options.tls_session = &secured->session;
    secured->gate = world_gate_with(secured->world, &options);
    return secured;
}

static void close_secured(struct secured *secured)
{
    gate_close(secured->gate);
    assert_null(secured->session.carrier.stream);
    assert_int_equal(secured->session.begins, secured->session.ends);
    free(secured);
}

/* The client has sent CONNECT, and TCP stands. */
static void reach(struct secured *secured)
{
    struct input_world *world = secured->world;

    world->client_waits = true;
    pump(world);
    SEND(&world->client, CONNECT_5);
    pump(world);
    world->broker.is_standing = true;
    pump(world);
}

static void connect_secured(struct secured *secured)
{
    reach(secured);
    SEND(&secured->world->broker, "ho");
    pump(secured->world);
    EXPECT_WRITTEN(&secured->world->broker, "hi" CONNECT_5);
    SEND(&secured->world->broker, CONNACK_5);
    pump(secured->world);
    EXPECT_WRITTEN(&secured->world->client, CONNACK_5);
}

static void nothing_of_the_client_leaves_before_the_handshake_is_over(void **state)
{
    struct secured *secured = open_secured(state, 10);
    struct input_world *world = secured->world;

    reach(secured);
    EXPECT_WRITTEN(&world->broker, "hi");
    assert_string_equal(secured->session.host, "broker.lan");
    assert_int_equal(world->broker.watched, SFE_POLL_READ);
    SEND(&world->broker, "h");
    pump(world);
    EXPECT_NOTHING(&world->broker);
    SEND(&world->broker, "o");
    pump(world);
    EXPECT_WRITTEN(&world->broker, CONNECT_5);
    close_secured(secured);
}

static void handshake_that_cannot_write_waits_for_room(void **state)
{
    struct secured *secured = open_secured(state, 10);
    struct input_world *world = secured->world;

    world->client_waits = true;
    pump(world);
    world->broker.write_room = 0;
    world->broker.is_standing = true;
    world->broker.ready(world->broker.owner, &world->broker, SFE_POLL_WRITE);
    assert_int_equal(world->broker.watched, SFE_POLL_WRITE);
    world->broker.write_room = SIZE_MAX;
    pump(world);
    EXPECT_WRITTEN(&world->broker, "hi");
    close_secured(secured);
}

static void untrusted_broker_ends_the_client_with_the_reason(void **state)
{
    struct secured *secured = open_secured(state, 10);

    secured->session.is_refused = true;
    reach(secured);
    expect_ended(secured->world, secured->gate, SFE_E_TLS, "the certificate is for another");
    EXPECT_NOTHING(&secured->world->broker);
    close_secured(secured);
}

static void client_that_gives_up_during_the_handshake_leaves_that_reason(void **state)
{
    struct secured *secured = open_secured(state, 10);

    reach(secured);
    secured->world->client.is_ended = true;
    pump(secured->world);
    expect_ended(secured->world, secured->gate, SFE_E_TIMEOUT,
                 "cannot connect to broker.lan:1883: no end of the TLS handshake");
    close_secured(secured);
}

/* A record holds more messages than may be in flight: the rest is in TLS, where no poller sees it.
 */
static void what_tls_holds_back_is_taken_when_there_is_room(void **state)
{
    struct secured *secured = open_secured(state, 2);
    struct input_world *world = secured->world;
    unsigned count = 0;

    connect_secured(secured);
    for (unsigned i = 1; i <= 4000; i++) {
        send_publish(&world->broker, (uint16_t)i, "pos/7/sale", "a message of some 50 bytes .....");
    }
    for (int turns = 0; turns < 10000 && count < 4000; turns++) {
        pump(world);
        world->sales.durable = world->sales.staged;
        (void)gate_turn(secured->gate);
        count = (unsigned)acknowledged(secured->gate);
        world->broker.written_size = 0;
    }
    assert_int_equal(count, 4000);
    assert_int_equal(world->sales.staged, 4000);
    assert_true(world->broker.is_open);
    close_secured(secured);
}

static void plain_broker_after_a_secured_one_is_spoken_to_in_plain(void **state)
{
    struct secured *secured = open_secured(state, 10);
    struct input_world *world = secured->world;
    const struct sfe_error in_order = {0};

    connect_secured(secured);
    gate_end(secured->gate, 0, &in_order);
    gate_use(secured->gate, "broker.lan", 1883, false);
    world->broker.written_size = 0;
    begin_session(world);
    assert_int_equal(secured->session.begins, 1);
    close_secured(secured);
}

static void address_with_colons_is_named_in_brackets(void **state)
{
    struct secured *secured = open_secured(state, 10);
    char name[32];

    gate_use(secured->gate, "::1", 8883, true);
    gate_link_name(secured->gate, name, sizeof(name));
    assert_string_equal(name, "[::1]:8883");
    close_secured(secured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(nothing_of_the_client_leaves_before_the_handshake_is_over),
        WORLD_TEST(handshake_that_cannot_write_waits_for_room),
        WORLD_TEST(untrusted_broker_ends_the_client_with_the_reason),
        WORLD_TEST(client_that_gives_up_during_the_handshake_leaves_that_reason),
        WORLD_TEST(what_tls_holds_back_is_taken_when_there_is_room),
        WORLD_TEST(plain_broker_after_a_secured_one_is_spoken_to_in_plain),
        WORLD_TEST(address_with_colons_is_named_in_brackets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
