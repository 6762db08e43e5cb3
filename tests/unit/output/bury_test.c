#include "output_world.h"

static void a_dead_event_is_settled_only_when_its_letter_is_durable(void **state)
{
    struct world *world = *state;

    world_append(world, "!bcd");
    world_turn(world);
    assert_int_equal(world->dead.staged, 1);
    world_after(world, SECOND);
    world_answer(world, 2);
    world_turn(world);
    assert_int_equal(world_cursor(world), 1);
    assert_int_equal(world_facts(world).dead, 0);
    assert_false(sfe_output_is_quiet(world->output)); /* A close now would write it twice. */
    world->dead.durable = 1;
    world_turn(world);
    assert_true(sfe_output_is_quiet(world->output));
    assert_int_equal(world_cursor(world), 5);
    assert_int_equal(world_facts(world).dead, 1);
}

static void a_verdict_dead_writes_the_orgs_reason(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world_say(world, 2, SFE_VERDICT_DEAD, SFE_RETRY_NEVER);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->dead.staged, 1);
    assert_non_null(strstr(world->dead.annotations[0], "\"api_code\":\"SOME_CODE\""));
    assert_non_null(strstr(world->dead.annotations[0], "\"sequence\":3"));
    assert_non_null(strstr(world->dead.annotations[0], "\"attempts\":1"));
    assert_int_equal(world_cursor(world), 3);
}

static void a_full_dead_stream_is_asked_again_and_nothing_is_settled(void **state)
{
    struct world *world = *state;

    world->dead.is_full = true;
    world_append(world, "!");
    world_turn(world);
    uint64_t due_ns = world_turn(world);
    assert_true(due_ns > world->now_ns && due_ns < world->now_ns + SECOND);
    assert_int_equal(world_cursor(world), 1);
    world->dead.is_full = false;
    world_after(world, SECOND);
    assert_int_equal(world->dead.staged, 1);
    world->dead.durable = 1;
    world_turn(world);
    assert_int_equal(world_cursor(world), 2);
}

static void a_dead_stream_that_stays_full_stops_the_output_and_says_why(void **state)
{
    struct world *world = *state;

    world->dead.is_full = true;
    world_append(world, "!");
    world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_MOVING);
    world_after(world, 2 * SECOND);
    world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_STOPPED);
    assert_int_equal(world_facts(world).last_error.code, SFE_E_FULL);
    assert_non_null(strstr(world_facts(world).last_error.message, "no room"));
    const uint64_t requests = world_facts(world).requests;
    world_append(world, "bcd");
    world_after(world, 5 * SECOND);
    world_turn(world);
    assert_int_equal(world_facts(world).requests, requests);
    assert_int_equal(world_cursor(world), 1);
    /* Room again: it goes on by itself, and nothing is missing. */
    world->dead.is_full = false;
    world_after(world, SECOND);
    world_turn(world);
    assert_int_equal(world_facts(world).last_error.code, SFE_OK);
    world->dead.durable = 1;
    world_after(world, 2 * SECOND);
    world_turn(world);
    assert_int_equal(world_facts(world).requests, requests + 1);
    world_answer(world, 2);
    world_turn(world);
    assert_int_equal(world_cursor(world), 5);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_IDLE);
}

static void a_dying_event_holds_its_key(void **state)
{
    struct world *world = *state;

    world->dead.is_full = true;
    world_append(world, "abcda");
    world_turn(world);
    world_say(world, 0, SFE_VERDICT_DEAD, SFE_RETRY_NEVER);
    world_answer(world, 1);
    world_after(world, 2 * SECOND);
    world_after(world, 2 * SECOND);
    assert_int_equal(world_sent_slots(world), 0);
    world->dead.is_full = false;
    world_after(world, SECOND);
    world->dead.durable = 1;
    world_after(world, SECOND);
    world_after(world, SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 5)].count, 1);
}

static void more_dying_events_than_there_are_reasons_lose_nothing(void **state)
{
    struct world *world = *state;
    uint32_t count = 3 * WORLD_SLOTS * WORLD_SLOT_EVENTS;

    world->dead.is_full = true;
    for (uint32_t i = 0; i < count; i++) {
        world_append(world, "!");
    }
    world_turn(world);
    world->dead.is_full = false;
    for (uint32_t i = 0; i < 10; i++) {
        world_after(world, 2 * SECOND);
        world->dead.durable = world->dead.staged;
    }
    world_turn(world);
    assert_int_equal(world->dead.staged, count);
    assert_int_equal(world_cursor(world), count + 1);
    assert_int_equal(world_facts(world).dead, count);
}

static void a_dying_event_that_vanishes_is_a_gap(void **state)
{
    struct world *world = *state;

    world->dead.is_full = true;
    world_append(world, "!");
    world_turn(world);
    world->stream.is_gone[1] = true;
    world->dead.is_full = false;
    world_after(world, SECOND);
    assert_int_equal(world_facts(world).gaps, 1);
    assert_int_equal(world_cursor(world), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_dead_event_is_settled_only_when_its_letter_is_durable),
        TEST(a_verdict_dead_writes_the_orgs_reason),
        TEST(a_full_dead_stream_is_asked_again_and_nothing_is_settled),
        TEST(a_dead_stream_that_stays_full_stops_the_output_and_says_why),
        TEST(a_dying_event_holds_its_key),
        TEST(more_dying_events_than_there_are_reasons_lose_nothing),
        TEST(a_dying_event_that_vanishes_is_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
