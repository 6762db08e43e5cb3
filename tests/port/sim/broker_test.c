#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/broker.h"
#include "sim/mqtt.h"
#include "sim/packet.h"

#include <string.h>

#define BROKER_PORT 1883u

/* A client that speaks to the broker as the gate would. */
struct site {
    struct sim_world world;
    struct sim_net *net;
    struct sim_broker *broker;
    struct sim_line line;
    uint32_t connected; /* Events of the client. */
    uint32_t lost;
};

static void content(void *owner, uint32_t number, struct sfe_builder *topic,
                    struct sfe_builder *payload)
{
    (void)owner;
    sfe_builder_add_text(topic, "t");
    sfe_builder_add_u64(payload, number);
}

static void on_event(void *owner, enum sfe_mqtt_event event, int detail, const char *text)
{
    struct site *site = owner;

    (void)detail;
    (void)text;
    site->connected += event == SFE_MQTT_CONNECTED;
    site->lost += event == SFE_MQTT_LOST || event == SFE_MQTT_REFUSED;
}

static int setup(void **state)
{
    struct site *site = test_calloc(1, sizeof(*site));

    sim_world_begin(&site->world, 3);
    site->net = sim_net_open(&site->world);
    site->broker = sim_broker_open(&site->world, content, site);
    sim_broker_attach(site->broker, site->net, BROKER_PORT);
    site->line.net = site->net;
    sim_net_poller(site->net, &site->line.poller);
    *state = site;
    return 0;
}

static int teardown(void **state)
{
    struct site *site = *state;

    sim_line_end(&site->line);
    sim_broker_detach(site->broker);
    sim_broker_close(site->broker);
    sim_net_close(site->net);
    test_free(site);
    return 0;
}

static void connect_line(struct site *site)
{
    /* Level 5, keep alive 30 s, session expiry, receive maximum 2, client id "c". */
    static const uint8_t connect[] = {0,  4, 'M', 'Q', 'T', 'T', 5, 0, 0, 30, 8,
                                      17, 0, 1,   0,   0,   33,  0, 2, 0, 1,  'c'};

    site->line.socket = sim_net_dial(site->net, BROKER_PORT);
    assert_non_null(site->line.socket);
    assert_true(sim_line_add(&site->line, 0x10, sfe_slice_make(connect, sizeof(connect))));
}

/* Moves bytes until a packet comes. */
static uint8_t await(struct site *site, struct sfe_slice *body)
{
    uint8_t first = 0;

    for (uint32_t i = 0; i < 100; i++) {
        (void)sim_line_move(&site->line);
        sim_broker_turn(site->broker);
        if (sim_line_take(&site->line, &first, body)) {
            return first;
        }
    }
    return 0;
}

static void what_is_not_acknowledged_comes_again(void **state)
{
    struct site *site = *state;
    struct sfe_slice body;

    for (uint32_t i = 0; i < 3; i++) {
        assert_true(sim_broker_publish(site->broker));
    }
    connect_line(site);
    assert_int_equal(await(site, &body), 0x20);
    assert_int_equal(await(site, &body), 0x32);
    const uint8_t packet_id[2] = {body.bytes[3], body.bytes[4]};
    assert_true(sim_line_add(&site->line, 0x40, sfe_slice_make(packet_id, 2)));
    assert_int_equal(await(site, &body), 0x32);
    assert_int_equal(await(site, &body), 0x32);
    assert_int_equal(sim_broker_acknowledged(site->broker), 1);
    assert_int_equal(await(site, &body), 0); /* The receive maximum is used up. */
    sim_net_break(site->net, site->line.socket);
    sim_broker_turn(site->broker);
    sim_line_end(&site->line);
    connect_line(site);
    assert_int_equal(await(site, &body), 0x20);
    assert_int_equal(body.bytes[0], 1); /* The session was kept. */
    assert_int_equal(await(site, &body), 0x3a);
    assert_int_equal(body.bytes[body.size - 1], '1');
    assert_true(sim_broker_is_acknowledged(site->broker, 0));
    assert_false(sim_broker_is_acknowledged(site->broker, 1));
    assert_null(sim_broker_complaint(site->broker));
}

static void an_acknowledgement_out_of_order_is_noticed(void **state)
{
    struct site *site = *state;
    struct sfe_slice body;

    assert_true(sim_broker_publish(site->broker));
    connect_line(site);
    assert_int_equal(await(site, &body), 0x20);
    assert_int_equal(await(site, &body), 0x32);
    const uint8_t packet_id[2] = {body.bytes[3], (uint8_t)(body.bytes[4] + 1u)};
    assert_true(sim_line_add(&site->line, 0x40, sfe_slice_make(packet_id, 2)));
    assert_int_equal(await(site, &body), 0);
    assert_non_null(sim_broker_complaint(site->broker));
}

static void the_client_tells_that_it_is_connected_and_that_it_no_longer_is(void **state)
{
    struct site *site = *state;
    struct sim_mqtt *client = sim_mqtt_open(&site->world, site->net);
    struct sfe_mqtt_session *session = NULL;
    struct sfe_mqtt mqtt;
    struct sfe_error err;
    const struct sfe_mqtt_options options = {.server_uri = "tcp://127.0.0.1:1883",
                                             .client_id = "sim",
                                             .receive_maximum = 20,
                                             .on_event = on_event,
                                             .owner = site};

    sim_mqtt_port(client, &mqtt);
    assert_int_equal(mqtt.open(mqtt.context, &options, &session, &err), SFE_OK);
    assert_int_equal(mqtt.connect(mqtt.context, session, &err), SFE_OK);
    for (uint32_t i = 0; i < 100 && site->connected == 0; i++) {
        sim_mqtt_turn(client);
        sim_broker_turn(site->broker);
    }
    assert_int_equal(site->connected, 1);
    sim_broker_break(site->broker, 1000);
    for (uint32_t i = 0; i < 100 && site->lost == 0; i++) {
        sim_broker_turn(site->broker);
        sim_mqtt_turn(client);
    }
    assert_int_equal(site->lost, 1);
    mqtt.close(mqtt.context, session);
    sim_mqtt_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_acknowledged_comes_again, setup, teardown),
        cmocka_unit_test_setup_teardown(an_acknowledgement_out_of_order_is_noticed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            the_client_tells_that_it_is_connected_and_that_it_no_longer_is, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
