#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

static int begin(void **state)
{
    struct world *world = world_open(5);
    world_must_start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

/* Writes until the quota says no; returns how many events went in. */
static uint32_t fill_up(struct world *world)
{
    uint32_t count = 0;

    while (count < 100000 && world_stage(world, 1100) == SFE_OK) {
        assert_int_equal(world_commit(world), SFE_OK);
        count++;
    }
    assert_true(count < 100000);
    return count;
}

static void a_larger_quota_makes_room_and_keeps_what_is_there(void **state)
{
    struct world *world = *state;
    const uint64_t quota = world->stream->options.quota_bytes;

    uint32_t before = fill_up(world);
    assert_true(world_facts(world).is_full);
    size_t bytes = sfe_stream_table_bytes(world->stream, 4 * quota);
    assert_true(bytes > 0);
    void *table = calloc(1, bytes);
    sfe_stream_set_limits(world->stream, 4 * quota, 0, table);
    assert_false(world_facts(world).is_full);
    uint32_t more = fill_up(world);
    assert_true(more > 2 * before);
    world_check_whole(world, 1);
    world_stop(world);
    free(table);
}

static void a_smaller_quota_stops_taking_and_loses_nothing(void **state)
{
    struct world *world = *state;
    const uint32_t segment = world->stream->options.segment_bytes;

    uint32_t count = fill_up(world);
    assert_int_equal(sfe_stream_table_bytes(world->stream, 4 * (uint64_t)segment), 0);
    sfe_stream_set_limits(world->stream, 4 * (uint64_t)segment, 0, NULL);
    assert_int_equal(world_stage(world, 1100), SFE_E_FULL);
    world_check_whole(world, 1);
    assert_int_equal(world_facts(world).durable_sequence, count);
}

static void shrinking_and_growing_needs_no_memory_twice(void **state)
{
    struct world *world = *state;
    const uint64_t quota = world->stream->options.quota_bytes;
    void *table = calloc(1, sfe_stream_table_bytes(world->stream, 4 * quota));

    sfe_stream_set_limits(world->stream, 4 * quota, 0, table);
    sfe_stream_set_limits(world->stream, quota, 0, NULL);
    assert_int_equal(sfe_stream_table_bytes(world->stream, 4 * quota), 0);
    world_stop(world);
    free(table);
}

static void a_quota_raised_in_many_steps_needs_what_is_said_of_the_last(void **state)
{
    struct world *world = *state;
    const uint64_t segment = world->stream->options.segment_bytes;
    struct sfe_stream_options options = world->stream->options;
    void *table = NULL;

    for (uint32_t step = 1; step <= 200; step++) {
        options.quota_bytes += segment / 2u;
        size_t bytes = sfe_stream_table_bytes(world->stream, options.quota_bytes);
        void *larger = bytes == 0 ? NULL : calloc(1, bytes);
        assert_true(bytes <= sfe_stream_table_bytes_max(&options));
        sfe_stream_set_limits(world->stream, options.quota_bytes, 0, larger);
        if (larger != NULL) {
            free(table);
            table = larger;
        }
    }
    uint32_t count = fill_up(world);
    assert_true(count > 50u * segment / SFE_PAGE_BYTES);
    world_check_whole(world, 1);
    world_stop(world);
    free(table);
}

static void a_linger_takes_effect_at_once(void **state)
{
    struct world *world = *state;
    const uint64_t quota = world->stream->options.quota_bytes;

    sfe_stream_set_limits(world->stream, quota, 5000000000u, NULL);
    assert_int_equal(world_stage(world, 100), SFE_OK);
    uint64_t now_ns = sfe_clock_monotonic_ns(&world->clock);
    assert_true(sfe_stream_due_ns(world->stream, now_ns) > now_ns);
    sfe_stream_set_limits(world->stream, quota, 0, NULL);
    assert_true(sfe_stream_due_ns(world->stream, now_ns) <= now_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_larger_quota_makes_room_and_keeps_what_is_there, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_smaller_quota_stops_taking_and_loses_nothing, begin, end),
        cmocka_unit_test_setup_teardown(shrinking_and_growing_needs_no_memory_twice, begin, end),
        cmocka_unit_test_setup_teardown(a_quota_raised_in_many_steps_needs_what_is_said_of_the_last,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_linger_takes_effect_at_once, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
