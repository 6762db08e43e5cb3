#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "run/outputs.h"
#include "run/parts.h"
#include "stream/quota.h"

#include <string.h>

/* That the figure is true, the integration test config_memory shows with a running agent. */

struct site {
    struct sfe_config config;
    struct sfe_config_connection connections[2];
    struct sfe_config_stream streams[2];
    struct sfe_config_input input;
    struct sfe_config_output output;
    uint32_t from[2];
};

static void make_site(struct site *site)
{
    memset(site, 0, sizeof(*site));
    site->connections[0] = (struct sfe_config_connection){.name = "site"};
    site->connections[0].mqtt.receive_maximum = 100;
    site->connections[1] =
        (struct sfe_config_connection){.name = "crm", .type = SFE_CONNECTION_SALESFORCE};
    for (uint32_t i = 0; i < 2; i++) {
        site->streams[i] = (struct sfe_config_stream){
            .name = "s", .quota_bytes = 64u << 20, .segment_bytes = 1u << 20};
        site->from[i] = i;
    }
    site->output = (struct sfe_config_output){.name = "o",
                                              .connection = 1,
                                              .from = site->from,
                                              .from_count = 1,
                                              .batch_records = 200,
                                              .requests_in_flight = 4};
    site->config = (struct sfe_config){.agent = {.event_bytes_max = 256u * 1024u},
                                       .connections = site->connections,
                                       .connection_count = 2,
                                       .streams = site->streams,
                                       .stream_count = 2,
                                       .inputs = &site->input,
                                       .input_count = 1,
                                       .outputs = &site->output,
                                       .output_count = 1};
}

static void each_setting_that_costs_memory_raises_the_figure(void **state)
{
    struct site site;
    size_t base;

    (void)state;
    make_site(&site);
    base = sfe_agent_memory_bytes_max(&site.config);
    assert_true(base > 0);
    site.config.agent.event_bytes_max *= 2;
    assert_true(sfe_agent_memory_bytes_max(&site.config) > base);
    make_site(&site);
    site.output.requests_in_flight = 5;
    assert_true(sfe_agent_memory_bytes_max(&site.config) > base + 256u * 1024u);
    make_site(&site);
    site.output.from_count = 2;
    assert_true(sfe_agent_memory_bytes_max(&site.config) > base + 1024u * 1024u);
    make_site(&site);
    site.connections[0].mqtt.receive_maximum = 65535;
    assert_true(sfe_agent_memory_bytes_max(&site.config) > base + 65535u);
    make_site(&site);
    site.connections[1].salesforce.compress = true;
    assert_true(sfe_agent_memory_bytes_max(&site.config) > base);
}

static void a_subscription_is_counted_with_an_answer_and_a_reader(void **state)
{
    struct site site;

    (void)state;
    make_site(&site);
    site.connections[1].salesforce.login_url = "https://x";
    site.input.connection = UINT32_MAX;
    const size_t without = sfe_agent_memory_bytes_max(&site.config);
    const size_t library = sfe_agent_library_bytes_max(&site.config);
    site.input = (struct sfe_config_input){
        .type = SFE_INPUT_SALESFORCE_EVENTS, .connection = 1, .topic = "/u/A"};
    const size_t with = sfe_agent_memory_bytes_max(&site.config);
    assert_true(with > without + SFE_EVENTS_ANSWER_BYTES + site.config.agent.event_bytes_max);
    assert_true(sfe_agent_library_bytes_max(&site.config) > library);
    site.input.card_guard = true;
    assert_true(sfe_agent_memory_bytes_max(&site.config) > with);
}

static void encryption_is_counted_in_streams_and_in_the_readers_of_these_alone(void **state)
{
    struct site site;

    (void)state;
    make_site(&site);
    const size_t plain = sfe_agent_memory_bytes_max(&site.config);
    const size_t plain_output = agent_output_bytes(&site.config, 0, 0);
    site.streams[1].encrypt = true;
    site.streams[1].encrypt_key_file = "key";
    const size_t stream = sfe_agent_memory_bytes_max(&site.config) - plain;
    /* A third stage buffer and the list of keys; nobody reads the stream. */
    assert_true(stream >= 256u * 1024u + AGENT_KEYS_BYTES);
    assert_true(agent_output_bytes(&site.config, 0, 0) == plain_output);
    const size_t reader = agent_output_bytes(&site.config, 0, 1) - plain_output;
    assert_true(reader >= 256u * 1024u);
    site.output.from_count = 2;
    const size_t with_reader = sfe_agent_memory_bytes_max(&site.config);
    assert_true(with_reader == plain + stream + plain_output + reader);
    /* Old keys are read with, too. */
    site.streams[1].encrypt = false;
    site.streams[1].encrypt_key_file = NULL;
    site.streams[1].encrypt_old_key_count = 1;
    assert_true(agent_output_bytes(&site.config, 0, 1) == plain_output + reader);
}

static void what_thins_a_stream_and_the_quota_of_all_are_counted(void **state)
{
    struct site site;

    (void)state;
    make_site(&site);
    const size_t base = sfe_agent_memory_bytes_max(&site.config);
    const size_t reload = sfe_agent_reload_memory_bytes_max(&site.config);
    site.streams[1].thin.keep_every = 2;
    site.config.agent.quota_bytes = UINT64_C(100) << 20;
    const size_t more = sfe_thin_memory_bytes() + sfe_quota_memory_bytes(site.config.stream_count);
    assert_true(sfe_agent_memory_bytes_max(&site.config) == base + more);
    assert_true(sfe_agent_reload_memory_bytes_max(&site.config) == reload + 2u * more);
}

static void a_reload_is_counted_with_all_parts_twice(void **state)
{
    struct site site;
    struct sfe_arena *arena = NULL;
    struct sfe_error err;

    (void)state;
    make_site(&site);
    const size_t once = sfe_agent_memory_bytes_max(&site.config);
    const size_t reload = sfe_agent_reload_memory_bytes_max(&site.config);
    const size_t output = agent_output_bytes(&site.config, 0, 0);
    site.output.from_count = 2;
    assert_true(sfe_agent_memory_bytes_max(&site.config) == once + output);
    assert_true(sfe_agent_reload_memory_bytes_max(&site.config) == reload + 2u * output);
    make_site(&site);
    /* What no reload makes anew counts once; the rest twice, with the tables of raised quotas. */
    site.config.stream_count = site.config.input_count = site.config.output_count = 0;
    site.config.connection_count = 0;
    const size_t fixed = sfe_agent_memory_bytes_max(&site.config);
    assert_true(sfe_agent_reload_memory_bytes_max(&site.config) == fixed);
    assert_true(reload >= fixed + 2u * (once - fixed));
    assert_int_equal(agent_open_fixed_arena(&site.config, &arena, &err), SFE_OK);
    assert_non_null(sfe_arena_take(arena, fixed, &err));
    sfe_arena_close(arena);
}

static void the_arena_of_a_stream_has_room_for_what_a_larger_run_left(void **state)
{
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    struct site site;

    (void)state;
    make_site(&site);
    const struct sfe_stream_options options = {.quota_bytes = site.streams[0].quota_bytes,
                                               .segment_bytes = site.streams[0].segment_bytes,
                                               .event_bytes_max =
                                                   site.config.agent.event_bytes_max};
    assert_int_equal(agent_open_stream_arena(&site.config, 0, &arena, &err), SFE_OK);
    assert_non_null(sfe_arena_take(arena, sfe_stream_memory_bytes(&options) + 1024u * 1024u, &err));
    sfe_arena_close(arena);
}

static void each_tls_connection_raises_the_figure_of_the_libraries(void **state)
{
    static const struct sfe_config_broker brokers[] = {{"a", 1883, false}, {"b", 8883, true}};
    struct site site;
    size_t base;
    size_t more;

    (void)state;
    make_site(&site);
    site.connections[1].salesforce.login_url = "http://127.0.0.1:1";
    site.connections[0].mqtt.brokers = brokers;
    site.connections[0].mqtt.broker_count = 1;
    base = sfe_agent_library_bytes_max(&site.config);
    site.connections[0].mqtt.broker_count = 2;
    assert_true(sfe_agent_library_bytes_max(&site.config) > base + 1024u * 1024u);
    site.connections[0].mqtt.broker_count = 1;
    site.connections[1].salesforce.login_url = "https://login.salesforce.com";
    more = sfe_agent_library_bytes_max(&site.config);
    assert_true(more > base + 1024u * 1024u);
    site.connections[1].salesforce.proxy_url = "http://proxy.lan:3128";
    assert_int_equal(sfe_agent_library_bytes_max(&site.config), more);
    site.connections[1].salesforce.proxy_url = "https://proxy.lan:3128";
    assert_true(sfe_agent_library_bytes_max(&site.config) > more + 1024u * 1024u);
    site.connections[1].salesforce.proxy_url = NULL;
    site.output.requests_in_flight = 16;
    assert_true(sfe_agent_library_bytes_max(&site.config) > more + 12u * 64u * 1024u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting_that_costs_memory_raises_the_figure),
        cmocka_unit_test(each_tls_connection_raises_the_figure_of_the_libraries),
        cmocka_unit_test(a_subscription_is_counted_with_an_answer_and_a_reader),
        cmocka_unit_test(encryption_is_counted_in_streams_and_in_the_readers_of_these_alone),
        cmocka_unit_test(what_thins_a_stream_and_the_quota_of_all_are_counted),
        cmocka_unit_test(a_reload_is_counted_with_all_parts_twice),
        cmocka_unit_test(the_arena_of_a_stream_has_room_for_what_a_larger_run_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
