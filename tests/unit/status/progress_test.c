#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "status/progress.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

struct world {
    struct sfe_progress progress;
    struct sfe_status_output outputs[2];
    struct sfe_status_stream stream;
    struct sfe_status status;
    uint64_t now_ns;
    char line[256];
};

static struct world world;

static int begin(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    world.outputs[0] = (struct sfe_status_output){.name = "sales", .stream = "till"};
    world.outputs[1] = (struct sfe_status_output){.name = "readings", .stream = "plant"};
    world.stream.name = "till";
    world.status.outputs = world.outputs;
    world.status.output_count = 2;
    world.status.streams = &world.stream;
    world.status.stream_count = 1;
    world.now_ns = 1000 * SECOND;
    return 0;
}

static void look_after(uint64_t seconds)
{
    world.now_ns += seconds * SECOND;
    sfe_progress_note(&world.progress, &world.status, world.now_ns);
}

/* With a limit of a minute. */
static const char *trouble(void)
{
    struct sfe_builder out = sfe_builder_make(world.line, sizeof(world.line) - 1);

    sfe_progress_add_trouble(&world.progress, &world.status, 60 * SECOND, world.now_ns, &out);
    world.line[out.size] = '\0';
    return world.line;
}

static void a_backlog_that_is_not_settled_is_told_after_the_limit_and_not_before(void **state)
{
    (void)state;
    world.outputs[1].facts.backlog = 7;
    look_after(5);
    look_after(59);
    assert_string_equal(trouble(), "");
    look_after(1);
    assert_string_equal(trouble(),
                        "output readings of stream plant: 7 events wait, and none was settled for "
                        "60 s");
    world.outputs[1].facts.last_error.code = SFE_E_NETWORK;
    strcpy(world.outputs[1].facts.last_error.message, "no route");
    look_after(3);
    assert_string_equal(trouble(),
                        "output readings of stream plant: 7 events wait, and none was settled for "
                        "63 s: no route");
}

static void one_settled_event_begins_the_time_anew_however_large_the_backlog_is(void **state)
{
    (void)state;
    world.outputs[0].facts.backlog = 1000;
    look_after(5);
    look_after(100);
    assert_string_not_equal(trouble(), "");
    world.outputs[0].facts.dead = 1; /* As a dead letter it is settled, too. */
    assert_string_equal(trouble(), "");
    look_after(5);
    world.outputs[0].facts.backlog = 2000; /* More comes; that is no progress. */
    look_after(59);
    assert_string_equal(trouble(), "");
    look_after(1);
    assert_string_not_equal(trouble(), "");
}

static void nothing_to_do_and_what_waits_by_its_configuration_is_no_trouble(void **state)
{
    (void)state;
    look_after(5);
    look_after(1000);
    assert_string_equal(trouble(), "");
    world.outputs[0].facts.backlog = 3;
    world.outputs[0].facts.held = 3;
    look_after(1000);
    look_after(1000);
    assert_string_equal(trouble(), "");
    world.outputs[0].facts.held = 2; /* From now on there is work. */
    look_after(59);
    assert_string_equal(trouble(), "");
    look_after(1);
    assert_string_not_equal(trouble(), "");
}

static void work_that_comes_after_a_quiet_time_has_the_whole_limit(void **state)
{
    (void)state;
    look_after(5);
    look_after(1000);
    world.outputs[0].facts.backlog = 1;
    assert_string_equal(trouble(), "");
    look_after(5);
    assert_string_equal(trouble(), "");
}

static void a_stream_whose_events_do_not_reach_the_flash_is_told_with_the_cause(void **state)
{
    (void)state;
    world.stream.facts.staged_events = 2;
    world.stream.facts.is_failing = true;
    strcpy(world.stream.facts.failure.message, "no space");
    look_after(5);
    look_after(60);
    assert_string_equal(trouble(),
                        "stream till: 2 events wait, and none was written to flash for 60 s: no "
                        "space");
    world.stream.facts.durable_sequence = 9;
    look_after(1);
    assert_string_equal(trouble(), "");
}

static void an_output_is_known_again_where_a_reload_has_put_it(void **state)
{
    const struct sfe_status_output sales = world.outputs[0];

    (void)state;
    world.outputs[1].facts.backlog = 7;
    look_after(5);
    look_after(50);
    world.outputs[0] = world.outputs[1];
    world.outputs[1] = sales;
    look_after(5);
    assert_string_equal(trouble(), "");
    world.status.output_count = 1;
    look_after(5);
    assert_string_not_equal(trouble(), "");
}

#define TEST(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_backlog_that_is_not_settled_is_told_after_the_limit_and_not_before),
        TEST(one_settled_event_begins_the_time_anew_however_large_the_backlog_is),
        TEST(nothing_to_do_and_what_waits_by_its_configuration_is_no_trouble),
        TEST(work_that_comes_after_a_quiet_time_has_the_whole_limit),
        TEST(a_stream_whose_events_do_not_reach_the_flash_is_told_with_the_cause),
        TEST(an_output_is_known_again_where_a_reload_has_put_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
