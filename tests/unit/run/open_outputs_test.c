#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/waits.h"

static struct sfe_config_stream streams[2];
static struct sfe_config_output outputs[3];
static const struct sfe_config config = {
    .streams = streams, .stream_count = 2, .outputs = outputs, .output_count = 3};

static int begin(void **state)
{
    (void)state;
    memset(streams, 0, sizeof(streams));
    memset(outputs, 0, sizeof(outputs));
    streams[0] = (struct sfe_config_stream){.name = "orders", .segment_bytes = 1u << 20};
    streams[1] = (struct sfe_config_stream){.name = "paid", .segment_bytes = 1u << 20};
    outputs[1].waits.key = "{/id}";
    outputs[1].waits.stream = 1;
    outputs[1].waits.keep = 100;
    return 0;
}

static void only_outputs_that_wait_have_cursors_beside_their_own(void **state)
{
    (void)state;
    assert_int_equal(agent_join_cursor_count(&config), SFE_JOIN_CURSORS);
    outputs[2].waits.key = "{/id}";
    assert_int_equal(agent_join_cursor_count(&config), 2u * SFE_JOIN_CURSORS);
}

static void the_window_has_room_for_what_is_to_be_kept(void **state)
{
    struct sfe_output_options sizes = {.window_events = 64};

    (void)state;
    agent_waits_sizes(&outputs[0], &sizes);
    assert_int_equal(sizes.window_events, 64);
    agent_waits_sizes(&outputs[1], &sizes);
    assert_int_equal(sizes.window_events, 100);
    sizes.window_events = 4096;
    agent_waits_sizes(&outputs[1], &sizes);
    assert_int_equal(sizes.window_events, 4096);
}

static void what_waits_costs_a_reader_and_a_join(void **state)
{
    const struct sfe_output_options sizes = {.window_events = 4096};

    (void)state;
    assert_int_equal(agent_waits_bytes(&config, &outputs[0], &sizes), 0);
    assert_true(agent_waits_bytes(&config, &outputs[1], &sizes) > sfe_join_memory_bytes(4096, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_outputs_that_wait_have_cursors_beside_their_own, begin),
        cmocka_unit_test_setup(the_window_has_room_for_what_is_to_be_kept, begin),
        cmocka_unit_test_setup(what_waits_costs_a_reader_and_a_join, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
