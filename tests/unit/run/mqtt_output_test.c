#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "run/output_kind.h"
#include "run/outputs.h"

static struct sfe_config_broker brokers[2] = {{"broker.lan", 1883, false},
                                              {"spare.lan", 8883, false}};
static struct sfe_config_connection connection = {
    .name = "site", .mqtt = {.brokers = brokers, .broker_count = 1, .client_id = "sfedge-1"}};
static const struct sfe_config config = {
    .connections = &connection, .connection_count = 1, .agent = {.event_bytes_max = 256 * 1024}};
static const struct agent_output_kind *const kind = &agent_mqtt_output;

static void each_message_is_a_slot_of_its_own_that_waits_for_no_company(void **state)
{
    const struct sfe_config_output output = {.name = "o", .mqtt = {.in_flight = 7}};
    struct sfe_output_options sizes = {.name = "o", .batch_age_ns = 5};

    (void)state;
    kind->sizes(&config, &output, false, &sizes);
    assert_int_equal(sizes.slot_count, 7);
    assert_int_equal(sizes.slot_events_max, 1);
    assert_int_equal(sizes.batch_age_ns, 0);
    assert_int_equal(sizes.window_events, SFE_WINDOW_EVENTS);
}

static void memory_grows_with_what_is_in_flight_and_with_tls(void **state)
{
    const struct sfe_config_output few = {.name = "o", .mqtt = {.in_flight = 1}};
    const struct sfe_config_output many = {.name = "o", .mqtt = {.in_flight = 64}};

    (void)state;
    assert_true(kind->memory_bytes(&config, &many) > kind->memory_bytes(&config, &few));
    assert_true(kind->library_bytes(&config, &many) > kind->library_bytes(&config, &few));
    assert_true(kind->library_bytes(&config, &few) > 4u * config.agent.event_bytes_max);
    const size_t plain = kind->library_bytes(&config, &few);
    connection.mqtt.broker_count = 2;
    brokers[1].tls = true;
    assert_true(kind->library_bytes(&config, &few) > plain + 1024u * 1024u);
    connection.mqtt.broker_count = 1;
}

static void an_output_without_a_connection_has_nothing_to_do_or_tell(void **state)
{
    struct agent_output output = {.name = "o"};
    struct sfe_output_facts facts = {.delivered = 3};

    (void)state;
    assert_true(agent_mqtt_link_turn(&output, 1) == UINT64_MAX);
    agent_mqtt_link_facts(&output, &facts);
    assert_true(facts.delivered == 3);
    assert_int_equal(facts.last_error.code, SFE_OK);
    kind->close(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_is_a_slot_of_its_own_that_waits_for_no_company),
        cmocka_unit_test(memory_grows_with_what_is_in_flight_and_with_tls),
        cmocka_unit_test(an_output_without_a_connection_has_nothing_to_do_or_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
