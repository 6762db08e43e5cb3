#include "output_world.h"

#define WALL_S INT64_C(1764000000) /* As the world's clock says. */

static int setup_limited(void **state)
{
    struct world *world = world_make();

    world->passes_on = true;
    world->within_ns = 600 * SECOND;
    world->stream.arrival_ns = WALL_S * 1000000000;
    world_open(world);
    *state = world;
    return 0;
}

/* All that is in the stream arrived so long ago. */
static void age(struct world *world, int64_t seconds)
{
    world->stream.arrival_ns = (WALL_S - seconds) * 1000000000;
}

static void bury(struct world *world)
{
    for (uint32_t i = 0; i < 4; i++) {
        world_after(world, SECOND);
        world->dead.durable = world->dead.staged;
        world->dead_answers.durable = world->dead_answers.staged;
    }
}

static void an_event_that_comes_too_late_is_given_up_and_not_sent(void **state)
{
    struct world *world = *state;

    age(world, 601);
    world_append(world, "ab");
    world_turn(world);
    bury(world);
    assert_int_equal(world->sent, 0);
    assert_int_equal(world->dead.staged, 2);
    assert_int_equal(world_cursor(world), 3);
    assert_non_null(strstr(world->dead_answers.answers[0], "not delivered within"));
    assert_non_null(strstr(world->dead_answers.answers[0], "\"outcome\":\"dead\""));
}

static void one_that_is_in_time_is_sent(void **state)
{
    struct world *world = *state;

    age(world, 590);
    world_append(world, "abcd");
    world_turn(world);
    assert_int_equal(world->sent, 1);
    bury(world);
    assert_int_equal(world->dead.staged, 0);
}

static void while_the_target_is_away_events_are_read_and_given_up_all_the_same(void **state)
{
    struct world *world = *state;

    world->is_ready = false;
    world_append(world, "abcdefgh");
    const uint64_t due_ns = world_turn(world);
    assert_true(due_ns > world->now_ns && due_ns <= world->now_ns + 600 * SECOND);
    assert_int_equal(world->dead.staged, 0);
    age(world, 601);
    for (uint32_t i = 0; i < world->output->window.count; i++) {
        window_at(&world->output->window, i)->arrival_ns -= 601 * INT64_C(1000000000);
    }
    bury(world);
    assert_int_equal(world->dead.staged, 8);
    assert_int_equal(world_cursor(world), 9);
}

static void what_is_under_way_is_decided_by_its_answer(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    assert_int_equal(world->sent, 1);
    for (uint32_t i = 0; i < 4; i++) {
        window_at(&world->output->window, i)->arrival_ns -= 700 * INT64_C(1000000000);
    }
    world_after(world, SECOND);
    assert_int_equal(world->dead.staged, 0);
    world_say(world, 1, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
    world_answer(world, 1);
    bury(world);
    assert_int_equal(world->done_answers.staged, 3);
    assert_int_equal(world->dead.staged, 1); /* It had its try. */
    assert_non_null(strstr(world->dead_answers.answers[0], "\"seq\":2"));
}

static void what_waits_for_company_is_taken_back_from_its_slot(void **state)
{
    struct world *world = *state;

    world_append(world, "ab");
    world_turn(world);
    assert_int_equal(world->sent, 0);
    window_at(&world->output->window, 0)->arrival_ns -= 700 * INT64_C(1000000000);
    bury(world);
    assert_int_equal(world->dead.staged, 1);
    assert_int_equal(world->sent, 1);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 1);
}

static void what_the_target_would_not_take_is_passed_over_and_no_letter(void **state)
{
    struct world *world = *state;

    age(world, 601);
    world->is_ready = false;
    world_append(world, "~a!~");
    world_turn(world);
    bury(world);
    assert_int_equal(world_facts(world).skipped, 2);
    assert_int_equal(world->dead.staged, 2);
    assert_int_equal(world_cursor(world), 5);
    assert_non_null(strstr(world->dead_answers.answers[0], "not delivered within"));
    assert_non_null(strstr(world->dead_answers.answers[1], "no value at"));
}

static void
what_may_have_been_delivered_before_the_start_is_tried_before_it_is_given_up(void **state)
{
    struct world *world = world_make();

    (void)state;
    world->passes_on = true;
    world->within_ns = 600 * SECOND;
    age(world, 86400);
    world_append(world, "abcd"); /* There before the start; the cursor knows nothing of them. */
    world_open(world);
    world_turn(world);
    assert_int_equal(world->sent, 1);
    world_say(world, 1, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
    world_answer(world, 1);
    world->is_ready = false;
    bury(world);
    assert_int_equal(world->done_answers.staged, 3);
    assert_int_equal(world->dead.staged, 0);
    world_after(world, 60 * SECOND); /* The second was not delivered then either. */
    bury(world);
    assert_int_equal(world->dead.staged, 1);
    void *closing = world;
    world_teardown(&closing);
}

static void one_that_waits_for_the_answer_to_another_is_not_late_for_that(void **state)
{
    struct world *world = *state;

    world_append(world, "aa"); /* The second waits for the first. */
    world_turn(world);
    world_after(world, SECOND);
    assert_int_equal(world->sent, 1);
    world->answers_in_turn = true;
    assert_int_equal(world_turn(world), world->now_ns);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 1);
    world->done_answers.durable = 1;
    world->answers_in_turn = false;
    world_turn(world);
    world_after(world, SECOND);
    assert_int_equal(world->sent, 2);
}

static void a_death_within_a_turn_is_not_left_until_another_is_late(void **state)
{
    struct world *world = *state;

    world_append(world, "aa");
    world_turn(world);
    world_after(world, SECOND);
    world_say(world, 0, SFE_VERDICT_DEAD, SFE_RETRY_NEVER);
    world->answers_in_turn = true;
    assert_int_equal(world_turn(world), world->now_ns);
    world_turn(world);
    assert_int_equal(world->dead.staged, 1);
}

static void without_a_limit_nothing_is_ever_late(void **state)
{
    struct world *world = world_make();

    (void)state;
    world_open(world);
    world_append(world, "abcd"); /* Of 1970. */
    assert_int_equal(output_expire_turn(world->output), UINT64_MAX);
    world_turn(world);
    assert_int_equal(world->sent, 1);
    void *closing = world;
    world_teardown(&closing);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_limited, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_event_that_comes_too_late_is_given_up_and_not_sent),
        TEST(one_that_is_in_time_is_sent),
        TEST(while_the_target_is_away_events_are_read_and_given_up_all_the_same),
        TEST(what_is_under_way_is_decided_by_its_answer),
        TEST(what_waits_for_company_is_taken_back_from_its_slot),
        TEST(what_the_target_would_not_take_is_passed_over_and_no_letter),
        cmocka_unit_test(
            what_may_have_been_delivered_before_the_start_is_tried_before_it_is_given_up),
        TEST(one_that_waits_for_the_answer_to_another_is_not_late_for_that),
        TEST(a_death_within_a_turn_is_not_left_until_another_is_late),
        cmocka_unit_test(without_a_limit_nothing_is_ever_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
