#include "output_world.h"

#include "base/arena.h"

static struct sfe_arena *watch_arena;

static void no_wake(void *context)
{
    (void)context;
}

static bool matches(struct sfe_slice filter, struct sfe_slice topic)
{
    return sfe_slice_equal(filter, topic);
}

static int setup(void **state)
{
    struct world *world = world_make();
    struct sfe_error err;

    world->clock = (struct sfe_clock){world, world_monotonic, world_wall, NULL};
    const struct sfe_watch_options options = {64, &world->clock, matches, no_wake, NULL};
    assert_int_equal(sfe_arena_open(4u << 20, &watch_arena, &err), SFE_OK);
    assert_int_equal(sfe_watch_open(&options, watch_arena, &world->watch, &err), SFE_OK);
    world_open(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct sfe_watch *watch = ((struct world *)*state)->watch;

    (void)world_teardown(state);
    sfe_watch_close(watch);
    sfe_arena_close(watch_arena);
    return 0;
}

static uint32_t find(struct world *world, uint64_t sequence, struct sfe_watch_entry found[8])
{
    const struct sfe_watch_query query = {"telemetry", sequence, 0};

    return sfe_watch_find(world->watch, &query, found, 8);
}

static void each_answer_is_kept_with_its_try_and_request(void **state)
{
    struct world *world = *state;
    struct sfe_watch_entry found[8];

    world_append(world, "abcd");
    world_turn(world);
    world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
    world_answer(world, 1);
    world_turn(world);
    world_after(world, SECOND);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(find(world, 1, found), 2);
    assert_int_equal(found[0].outcome, SFE_WATCH_RETRY);
    assert_int_equal(found[0].attempt, 1);
    assert_int_equal(found[0].request, 1);
    assert_int_equal(found[1].outcome, SFE_WATCH_DONE);
    assert_int_equal(found[1].attempt, 2);
    assert_int_equal(found[1].request, 2);
    assert_int_equal(found[1].code, SFE_OK);
    assert_string_equal(found[1].output, "readings");
    assert_int_equal(find(world, 2, found), 1);
    assert_int_equal(found[0].outcome, SFE_WATCH_DONE);
}

static void a_request_that_fails_as_a_whole_is_an_answer_of_each_event(void **state)
{
    struct world *world = *state;
    struct sfe_watch_entry found[8];

    world_append(world, "abcd");
    world_turn(world);
    world_end(world, 1, SFE_SLOT_AGAIN);
    assert_int_equal(find(world, 1, found), 1);
    assert_int_equal(found[0].outcome, SFE_WATCH_AWAY);
    assert_int_equal(find(world, 2, found), 1);
    assert_int_equal(found[0].outcome, SFE_WATCH_AWAY);
}

static void a_dead_event_is_told_with_its_letter_and_reason(void **state)
{
    struct world *world = *state;
    struct sfe_watch_entry found[8];

    world_append(world, "abcd");
    world_turn(world);
    world_say(world, 1, SFE_VERDICT_DEAD, SFE_RETRY_NEVER);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(find(world, 2, found), 2);
    assert_int_equal(found[0].stage, SFE_WATCH_ANSWERED);
    assert_int_equal(found[0].outcome, SFE_WATCH_REFUSED);
    assert_int_equal(found[1].stage, SFE_WATCH_DEAD);
    assert_int_equal(found[1].dead_sequence, 1);
    assert_int_not_equal(found[1].code, SFE_OK);
}

static void a_follower_hears_of_a_request_once_even_if_it_cannot_be_sent_at_first(void **state)
{
    struct world *world = *state;
    const struct sfe_watch_filter filter = {.stages = 1u << SFE_WATCH_BATCHED};
    struct sfe_watch_entry entry;
    uint8_t text[SFE_WATCH_TEXT_BYTES];

    sfe_watch_follow(world->watch, &filter);
    world->cannot_send = true;
    world_append(world, "a");
    world_after(world, SECOND);
    world_after(world, SECOND);
    world_after(world, SECOND);
    world->cannot_send = false;
    world_after(world, SECOND);
    world_after(world, SECOND);
    assert_true(world->sent > 0);
    assert_true(sfe_watch_take(world->watch, &entry, text));
    assert_int_equal(entry.sequence, 1);
    assert_int_equal(entry.request, 1);
    assert_true(entry.has_event); /* Read again, as somebody follows. */
    assert_false(sfe_watch_take(world->watch, &entry, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_answer_is_kept_with_its_try_and_request, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_request_that_fails_as_a_whole_is_an_answer_of_each_event,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_event_is_told_with_its_letter_and_reason, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_follower_hears_of_a_request_once_even_if_it_cannot_be_sent_at_first, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
