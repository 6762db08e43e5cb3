#include "output_world.h"

#include "base/json_reader.h"

static int setup_passing_on(void **state)
{
    struct world *world = world_make();

    world->passes_on = true;
    world->answer_bytes = 20;
    world_open(world);
    *state = world;
    return 0;
}

static void an_event_is_settled_only_when_its_answer_is_durable(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 0);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 4);
    assert_int_equal(world_cursor(world), 1);
    assert_false(sfe_output_is_quiet(world->output)); /* A close now would deliver it again. */
    world->done_answers.durable = 2;
    world_turn(world);
    assert_int_equal(world_cursor(world), 3);
    world->done_answers.durable = 4;
    world_turn(world);
    assert_int_equal(world_cursor(world), 5);
    assert_true(sfe_output_is_quiet(world->output));
    assert_int_equal(world_facts(world).delivered, 4);
    assert_int_equal(world_facts(world).answers, 4);
    assert_non_null(
        strstr(world->done_answers.answers[1], "\"seq\":2,\"source\":\"readings\",\"time\":"));
    assert_non_null(strstr(world->done_answers.answers[1], "\"outcome\":\"done\",\"attempts\":1,"
                                                           "\"answer\":{\"place\":1,"));
    assert_non_null(strstr(world->done_answers.answers[1], "\"payload_base64\":\"Yg==\"}"));
}

static void what_is_passed_over_has_no_answer(void **state)
{
    struct world *world = *state;

    world_append(world, "~~");
    world_turn(world);
    assert_int_equal(world_facts(world).skipped, 2);
    assert_int_equal(world_cursor(world), 3);
    assert_int_equal(world->done_answers.staged + world->dead_answers.staged, 0);
}

static void a_dead_event_is_settled_when_letter_and_answer_are_durable(void **state)
{
    struct world *world = *state;

    world_append(world, "!bcd");
    world_turn(world);
    world_after(world, SECOND);
    assert_int_equal(world->dead.staged, 1);
    assert_int_equal(world->dead_answers.staged, 1);
    assert_int_equal(world->done_answers.staged, 0);
    world->dead_answers.durable = 1;
    world_turn(world);
    assert_int_equal(world_cursor(world), 1); /* The letter is not yet. */
    assert_int_equal(world_facts(world).dead, 0);
    world->dead.durable = 1;
    world_turn(world);
    assert_int_equal(world_cursor(world), 2);
    assert_int_equal(world_facts(world).dead, 1);
    assert_non_null(strstr(world->dead_answers.answers[0], "\"outcome\":\"dead\""));
    assert_non_null(strstr(world->dead_answers.answers[0],
                           "\"error\":{\"reason\":\"SFE-UNMAPPED\",\"message\":\"Value__c: no"));
    assert_non_null(strstr(world->dead_answers.answers[0], "\"dead\":1"));
    assert_null(strstr(world->dead_answers.answers[0], "\"answer\"")); /* Nobody was asked. */
}

static void what_the_target_said_of_a_refused_event_goes_with_it(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world_say(world, 1, SFE_VERDICT_DEAD, SFE_RETRY_NEVER);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 3);
    world_turn(world);
    assert_int_equal(world->dead_answers.staged, 1);
    assert_non_null(strstr(world->dead_answers.answers[0], "\"api_code\":\"SOME_CODE\""));
    assert_non_null(strstr(world->dead_answers.answers[0], "\"answer\":{\"place\":1,"));
}

static void a_retry_has_no_answer_until_it_is_over(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 3);
    world->done_answers.durable = 3;
    world_after(world, 10 * SECOND);
    world_after(world, 2 * SECOND);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 4);
    assert_non_null(strstr(world->done_answers.answers[3], "\"attempts\":2"));
}

static void a_full_stream_holds_the_output_up_and_then_lets_it_go_on(void **state)
{
    struct world *world = *state;

    world->done_answers.is_full = true;
    world_append(world, "abcd");
    world_turn(world);
    world_answer(world, 1);
    const uint64_t due_ns = world_turn(world);
    assert_true(due_ns > world->now_ns && due_ns < world->now_ns + SECOND);
    world_append(world, "efgh");
    world_after(world, 2 * SECOND);
    world_turn(world);
    assert_int_equal(world->sent, 1); /* Nothing new is begun. */
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_WAITING);
    assert_int_equal(world_facts(world).last_error.code, SFE_E_FULL);
    assert_non_null(strstr(world_facts(world).last_error.message, "\"invoiced\""));
    assert_true(sfe_output_is_quiet(world->output)); /* A stop does not wait for it. */
    assert_int_equal(world_cursor(world), 1);
    world->done_answers.is_full = false;
    world_after(world, SECOND);
    assert_int_equal(world_facts(world).last_error.code, SFE_OK);
    world->done_answers.durable = 4;
    world_turn(world);
    assert_int_equal(world_cursor(world), 5);
    world_turn(world);
    assert_int_equal(world->sent, 2);
}

static void an_event_of_the_same_key_waits_for_the_answer(void **state)
{
    struct world *world = *state;

    world_append(world, "aa");
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    world_after(world, 5 * SECOND);
    assert_int_equal(world->sent, 1);
    world->done_answers.durable = 1;
    world_turn(world);
    world_after(world, 2 * SECOND);
    assert_int_equal(world->sent, 2);
}

static void the_answer_to_a_repeat_is_the_same_event(void **state)
{
    struct world *world = *state;

    world_append(world, "ab");
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    const struct sfe_hash128 first = world->done_answers.letters[0].identity;
    const struct sfe_hash128 other = world->done_answers.letters[1].identity;
    assert_memory_not_equal(&first, &other, sizeof(first));
    /* A crash before the cursor was saved. */
    sfe_output_close(world->output);
    sfe_arena_close(world->arena);
    memset(world->slots, 0, sizeof(world->slots));
    world_open(world);
    world->reader.next = 1;
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 4);
    assert_memory_equal(&world->done_answers.letters[2].identity, &first, sizeof(first));
    assert_int_equal(world->done_answers.letters[2].identity_kind, SFE_IDENTITY_GIVEN);
}

static void an_answer_that_is_too_large_is_named_and_left_out(void **state)
{
    struct world *world = *state;

    world->answer_bytes = SFE_ANSWER_BYTES_MAX;
    world_append(world, "a");
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 1);
    assert_non_null(strstr(world->done_answers.answers[0], "\"answer_left_out\":true"));
    assert_null(strstr(world->done_answers.answers[0], "\"answer\":{"));
}

static void what_the_stream_finds_too_large_goes_with_less(void **state)
{
    struct world *world = *state;

    world->answer_bytes = 1500;
    world->done_answers.payload_bytes_max = 1000;
    world_append(world, "a");
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 1);
    assert_non_null(strstr(world->done_answers.answers[0], "\"answer_left_out\":true"));
    assert_non_null(strstr(world->done_answers.answers[0], "\"payload_left_out\":true"));
}

static void without_room_for_what_came_back_the_event_comes_again(void **state)
{
    struct world *world = *state;
    uint32_t turns = 0;

    /* Four slots of four events, each answer nearly as large as may be, and room for some. */
    world->answer_bytes = SFE_ANSWER_BYTES_MAX - 100;
    world_append(world, "abcdefghijklmnop");
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 4);
    for (uint64_t first = 1; first <= 13; first += 4) {
        world_answer(world, first);
    }
    assert_int_equal(world->done_answers.staged, 0);
    while (world_cursor(world) != 17) {
        assert_true(++turns < 100);
        world_after(world, SECOND);
        world->done_answers.durable = world->done_answers.staged;
        for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
            if (world->slots[i].is_sent) {
                world_answer(world, world->slots[i].sequences[0]);
            }
        }
    }
    assert_int_equal(world->done_answers.staged, 16); /* Each once. */
    assert_int_equal(world_facts(world).delivered, 16);
}

static void an_event_that_vanishes_before_it_is_answered_is_over(void **state)
{
    struct world *world = *state;

    world->done_answers.is_full = true;
    world_append(world, "ab");
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    world->stream.is_gone[1] = true;
    world->done_answers.is_full = false;
    world_after(world, SECOND);
    assert_int_equal(world->done_answers.staged, 1);
    assert_int_equal(world_cursor(world), 2);
}

static void an_event_that_stays_unreadable_holds_nobody_up_for_ever(void **state)
{
    struct world *world = *state;

    world_append(world, "ab");
    world_turn(world);
    world_after(world, SECOND);
    world->stream.is_unreadable[1] = true;
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->done_answers.staged, 1); /* The other one. */
    world->done_answers.durable = 1;
    world_after(world, 10 * SECOND);
    assert_int_equal(world_cursor(world), 1);
    world_after(world, 700 * SECOND);
    assert_int_equal(world_cursor(world), 3);
}

static void without_streams_of_answers_nothing_is_kept(void **state)
{
    struct world *world = world_make();
    const struct sfe_output_options none = {.slot_count = 4, .slot_events_max = 100};
    struct sfe_output_options some = none;

    (void)state;
    some.answer_bytes_max = 4096;
    assert_int_equal(output_answers_memory_bytes(&none, 400), 0);
    assert_true(output_answers_memory_bytes(&some, 400) > 400 * 256 + 4096);
    world->answer_bytes = 20;
    world_open(world);
    world_append(world, "abcd");
    world_turn(world);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_cursor(world), 5);
    assert_int_equal(world_facts(world).answers, 0);
    void *closing = world;
    world_teardown(&closing);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_passing_on, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_settled_only_when_its_answer_is_durable),
        TEST(what_is_passed_over_has_no_answer),
        TEST(a_dead_event_is_settled_when_letter_and_answer_are_durable),
        TEST(what_the_target_said_of_a_refused_event_goes_with_it),
        TEST(a_retry_has_no_answer_until_it_is_over),
        TEST(a_full_stream_holds_the_output_up_and_then_lets_it_go_on),
        TEST(an_event_of_the_same_key_waits_for_the_answer),
        TEST(the_answer_to_a_repeat_is_the_same_event),
        TEST(an_answer_that_is_too_large_is_named_and_left_out),
        TEST(what_the_stream_finds_too_large_goes_with_less),
        TEST(without_room_for_what_came_back_the_event_comes_again),
        TEST(an_event_that_vanishes_before_it_is_answered_is_over),
        TEST(an_event_that_stays_unreadable_holds_nobody_up_for_ever),
        cmocka_unit_test(without_streams_of_answers_nothing_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
