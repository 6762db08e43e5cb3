#include "output_world.h"

static int setup_unopened(void **state)
{
    *state = world_make();
    return 0;
}

static void a_new_output_begins_with_the_oldest_kept_event(void **state)
{
    struct world *world = *state;

    world->stream.first = 3;
    world_append(world, "abcdef");
    world_open(world);
    assert_int_equal(world_cursor(world), 3);
    world_turn(world);
    assert_int_equal(world_facts(world).gaps, 0);
    assert_int_equal(world->slots[world_slot_of(world, 3)].count, 4);
}

static void an_output_goes_on_where_its_cursor_stood_and_skips_its_ranges(void **state)
{
    struct world *world = *state;

    world->has_start = true;
    world->start = (struct sfe_cursor){.sequence = 3, .range_count = 1, .ranges = {{4, 6}}};
    world_append(world, "abcdefgh");
    world_open(world);
    world_turn(world);
    const struct world_slot *slot = &world->slots[world_slot_of(world, 3)];
    assert_int_equal(slot->count, 4);
    assert_int_equal(slot->sequences[1], 6);
    assert_int_equal(world_facts(world).gaps, 0);
    struct sfe_cursor cursor;
    sfe_output_cursor(world->output, &cursor);
    assert_string_equal(cursor.name, "readings/telemetry");
    assert_int_equal(cursor.range_count, 1);
    assert_int_equal(cursor.ranges[0].begin, 4);
    assert_int_equal(cursor.ranges[0].end, 6);
    world_answer(world, 3);
    world_turn(world);
    assert_int_equal(world_cursor(world), 9);
}

static void a_cursor_beyond_the_stream_is_set_back(void **state)
{
    struct world *world = *state;

    world->has_start = true;
    world->start = (struct sfe_cursor){.sequence = 100, .range_count = 1, .ranges = {{120, 130}}};
    world_append(world, "ab");
    world_open(world);
    assert_int_equal(world_cursor(world), 3);
    world_append(world, "cdef");
    world_turn(world);
    assert_int_equal(world->slots[world_slot_of(world, 3)].count, 4);
}

static void the_cursor_never_goes_back_and_passes_only_what_is_settled(void **state)
{
    struct world *world = *state;

    world_open(world);
    world_append(world, "abcdefghijkl");
    world_turn(world);
    world_answer(world, 9);
    world_turn(world);
    assert_int_equal(world_cursor(world), 1);
    world_answer(world, 5);
    world_turn(world);
    struct sfe_cursor cursor;
    sfe_output_cursor(world->output, &cursor);
    assert_int_equal(cursor.sequence, 1);
    assert_int_equal(cursor.range_count, 1);
    assert_int_equal(cursor.ranges[0].begin, 5);
    assert_int_equal(cursor.ranges[0].end, 13);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_cursor(world), 13);
}

static void facts_tell_backlog_and_the_age_of_the_oldest(void **state)
{
    struct world *world = *state;

    world_open(world);
    assert_int_equal(world_facts(world).backlog, 0);
    assert_int_equal(world_facts(world).oldest_ns, 0);
    world_append(world, "abcdefgh");
    world_turn(world);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_facts(world).backlog, 4);
    assert_int_equal(world_facts(world).oldest_ns, 5000);
    assert_int_equal(world_facts(world).requests, 2);
}

static void after_stop_nothing_is_begun_and_what_flies_is_settled(void **state)
{
    struct world *world = *state;

    world_open(world);
    world_append(world, "abcdef");
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 1);
    assert_false(sfe_output_is_quiet(world->output));
    sfe_output_stop(world->output);
    world_append(world, "ghijkl");
    world_after(world, 10 * SECOND);
    assert_int_equal(world->sent, 1);
    world_answer(world, 1);
    world_turn(world);
    assert_true(sfe_output_is_quiet(world->output));
    assert_int_equal(world_cursor(world), 5);
    assert_int_equal(world->sent, 1);
}

static void a_stop_waits_for_letters_that_are_not_durable_yet(void **state)
{
    struct world *world = *state;

    world_open(world);
    world_append(world, "a");
    world_turn(world);
    world_after(world, SECOND);
    sfe_output_stop(world->output);
    world_say(world, 0, SFE_VERDICT_DEAD, SFE_RETRY_NEVER);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->dead.staged, 1);
    assert_false(sfe_output_is_quiet(world->output)); /* It would be written again. */
    world->dead.durable = 1;
    world_turn(world);
    assert_true(sfe_output_is_quiet(world->output));
    assert_int_equal(world_cursor(world), 2);
}

static void a_stop_does_not_wait_for_a_dead_stream_that_is_full(void **state)
{
    struct world *world = *state;

    world_open(world);
    world->dead.is_full = true;
    world_append(world, "!");
    world_turn(world);
    sfe_output_stop(world->output);
    world_turn(world);
    assert_true(sfe_output_is_quiet(world->output));
    assert_int_equal(world_cursor(world), 1);
}

static void opening_says_when_memory_is_short(void **state)
{
    struct world *world = *state;
    struct sfe_error err;
    struct sfe_arena *small = NULL;
    struct sfe_output *output = NULL;
    const struct sfe_output_options options = {.name = "readings",
                                               .stream = &world->stream,
                                               .slot_count = 1,
                                               .slot_events_max = 1,
                                               .window_events = SFE_WINDOW_EVENTS};

    world_open(world);
    assert_int_equal(sfe_arena_open(4096, &small, &err), SFE_OK);
    assert_int_equal(sfe_output_open(&options, small, &output, &err), SFE_E_NO_MEMORY);
    assert_null(output);
    sfe_arena_close(small);
}

static void each_state_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SFE_OUTPUT_STATES; i++) {
        assert_string_not_equal(sfe_output_state_name((enum sfe_output_state)i), "unknown");
        for (uint32_t k = 0; k < i; k++) {
            assert_string_not_equal(sfe_output_state_name((enum sfe_output_state)i),
                                    sfe_output_state_name((enum sfe_output_state)k));
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_unopened, world_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_has_a_name_of_its_own),
        TEST(a_new_output_begins_with_the_oldest_kept_event),
        TEST(an_output_goes_on_where_its_cursor_stood_and_skips_its_ranges),
        TEST(a_cursor_beyond_the_stream_is_set_back),
        TEST(the_cursor_never_goes_back_and_passes_only_what_is_settled),
        TEST(facts_tell_backlog_and_the_age_of_the_oldest),
        TEST(after_stop_nothing_is_begun_and_what_flies_is_settled),
        TEST(a_stop_waits_for_letters_that_are_not_durable_yet),
        TEST(a_stop_does_not_wait_for_a_dead_stream_that_is_full),
        TEST(opening_says_when_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
