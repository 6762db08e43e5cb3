#include "output_world.h"

static void done_events_are_settled_and_counted(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_facts(world).delivered, 4);
    assert_int_equal(world_cursor(world), 5);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_IDLE);
    assert_true(world->settled_calls > 0);
}

static void a_retry_holds_the_cursor_and_comes_again_after_its_delay(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world_say(world, 1, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_cursor(world), 2);
    assert_int_equal(world_facts(world).retried, 1);
    assert_int_equal(world_sent_slots(world), 0);
    world_after(world, SECOND);
    world_after(world, SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 1);
    assert_int_equal(world->host.attempts(world->host.context, world_slot_of(world, 2), 0), 2);
}

static void an_event_to_be_alone_shares_its_slot_with_nobody(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world_say(world, 1, SFE_VERDICT_RETRY, SFE_RETRY_ALONE);
    world_answer(world, 1);
    world_append(world, "efg");
    world->now_ns += 2 * SECOND;
    world_turn(world);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 1);
    assert_int_equal(world_sent_slots(world), 1);
    world_after(world, SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 5)].count, 3);
}

static void a_refused_slot_is_halved_until_the_guilty_event_is_alone_and_dead(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world_end(world, 1, SFE_SLOT_SMALLER);
    world_turn(world);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 2);
    assert_int_equal(world->slots[world_slot_of(world, 3)].count, 2);
    world_answer(world, 1);
    world_end(world, 3, SFE_SLOT_SMALLER);
    world_turn(world);
    assert_int_equal(world->slots[world_slot_of(world, 3)].count, 1);
    assert_int_equal(world->slots[world_slot_of(world, 4)].count, 1);
    world_answer(world, 4);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(world->dead.staged, 0);
        world_end(world, 3, SFE_SLOT_SMALLER);
        world_after(world, 60 * SECOND);
    }
    assert_int_equal(world->dead.staged, 1);
    assert_non_null(strstr(world->dead.annotations[0], "\"sequence\":3"));
    assert_int_equal(world_cursor(world), 3);
    world->dead.durable = 1;
    world_turn(world);
    assert_int_equal(world_cursor(world), 5);
    assert_int_equal(world_facts(world).delivered, 3);
    assert_int_equal(world_facts(world).dead, 1);
}

static void a_record_that_cannot_go_smaller_is_dead_after_ten_tries(void **state)
{
    struct world *world = *state;

    world_append(world, "a");
    world_turn(world);
    world_after(world, SECOND);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(world->dead.staged, 0);
        world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_SMALLER);
        world_answer(world, 1);
        world_after(world, 60 * SECOND);
    }
    assert_int_equal(world->dead.staged, 1);
}

static void a_batch_that_is_too_much_costs_its_events_no_try(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    for (uint32_t i = 0; i < 4; i++) {
        world_say(world, i, SFE_VERDICT_RETRY, SFE_RETRY_SMALLER);
    }
    world_answer(world, 1);
    world_after(world, 60 * SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 2);
    assert_int_equal(world->host.attempts(world->host.context, world_slot_of(world, 1), 0), 1);
}

static void end_locked(struct world *world, uint64_t sequence)
{
    struct sfe_error err;

    (void)sfe_fail(&err, SFE_E_API, "unable to obtain exclusive access");
    (void)sfe_error_api(&err, 400, "UNABLE_TO_LOCK_ROW", SFE_RETRY_LOCKED);
    world_finish(world, world_slot_of(world, sequence), SFE_SLOT_AGAIN, &err, -1);
}

static void a_request_that_met_a_lock_waits_itself_and_not_the_target(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    end_locked(world, 1);
    world_append(world, "efgh");
    world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_MOVING);
    assert_int_equal(world->slots[world_slot_of(world, 5)].count, 4);
    world_after(world, 2 * SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 4);
    assert_int_equal(world->host.attempts(world->host.context, world_slot_of(world, 1), 0), 1);
}

static void a_request_that_is_always_locked_is_halved(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    for (uint32_t i = 0; i < 3; i++) {
        end_locked(world, 1);
        world_after(world, 2 * SECOND);
    }
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 2);
    assert_int_equal(world->slots[world_slot_of(world, 3)].count, 2);
}

static void an_event_that_is_always_locked_is_dead_in_the_end(void **state)
{
    struct world *world = *state;

    world_append(world, "a");
    world_turn(world);
    world_after(world, SECOND);
    for (uint32_t i = 0; i < 500; i++) {
        assert_int_equal(world->dead.staged, 0);
        world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_LOCKED);
        world_answer(world, 1);
        world_after(world, 60 * SECOND);
        world_after(world, SECOND);
    }
    assert_int_equal(world->dead.staged, 1);
}

static void end_failed(struct world *world, uint64_t sequence)
{
    struct sfe_error err;

    (void)sfe_fail(&err, SFE_E_API, "An unexpected error occurred");
    (void)sfe_error_api(&err, 500, "UNKNOWN_EXCEPTION", SFE_RETRY_LATER);
    world_finish(world, world_slot_of(world, sequence), SFE_SLOT_AGAIN, &err, -1);
}

static void a_batch_with_which_the_server_fails_thrice_is_halved(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(world->slots[world_slot_of(world, 1)].count, 4);
        end_failed(world, 1);
        world_after(world, 300 * SECOND);
    }
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 2);
}

static void an_event_with_which_alone_the_server_fails_is_dead(void **state)
{
    struct world *world = *state;

    world_append(world, "a");
    world_turn(world);
    world_after(world, SECOND);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(world->dead.staged, 0);
        world->output->answers++; /* Others pass meanwhile. */
        end_failed(world, 1);
        world_after(world, 600 * SECOND);
    }
    assert_int_equal(world->dead.staged, 1);
}

static void a_server_that_fails_with_all_kills_nothing(void **state)
{
    struct world *world = *state;

    world_append(world, "a");
    world_turn(world);
    world_after(world, SECOND);
    for (uint32_t i = 0; i < 100; i++) {
        end_failed(world, 1);
        world_after(world, 600 * SECOND);
    }
    assert_int_equal(world->dead.staged, 0);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_facts(world).delivered, 1);
}

static void records_that_all_wait_for_the_org_make_one_probe_at_a_time(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdefgh");
    world_turn(world);
    for (uint64_t sequence = 1; sequence < 8; sequence += 4) {
        for (uint32_t i = 0; i < 4; i++) {
            world_say(world, i, SFE_VERDICT_RETRY, SFE_RETRY_AWAY);
        }
        world_answer(world, sequence);
    }
    world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_WAITING);
    world_after(world, 300 * SECOND);
    assert_int_equal(world_sent_slots(world), 1);
    assert_int_equal(world->host.attempts(world->host.context, world_slot_of(world, 1), 0), 1);
}

static void an_absent_target_gets_one_probe_at_a_time_until_it_answers(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdefghijklmnop");
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 4);
    for (uint64_t sequence = 1; sequence < 16; sequence += 4) {
        world_end(world, sequence, SFE_SLOT_AGAIN);
    }
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 0);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_WAITING);
    world_after(world, 2 * SECOND);
    assert_int_equal(world_sent_slots(world), 1);
    world_end(world, 1, SFE_SLOT_AGAIN);
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 0);
    world_after(world, 4 * SECOND);
    assert_int_equal(world_sent_slots(world), 1);
    assert_int_equal(world->host.attempts(world->host.context, world_slot_of(world, 1), 0), 1);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 3);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_MOVING);
}

static void a_lost_answer_brings_the_same_events_again_in_the_same_order(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    struct world_slot before = world->slots[world_slot_of(world, 1)];
    world_end(world, 1, SFE_SLOT_AGAIN);
    world_after(world, 2 * SECOND);
    const struct world_slot *after = &world->slots[world_slot_of(world, 1)];
    assert_int_equal(after->count, before.count);
    assert_memory_equal(after->sequences, before.sequences, sizeof(before.sequences));
}

static void a_stop_is_probed_after_a_minute_and_ends_with_an_answer(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world_end(world, 1, SFE_SLOT_STOPPED);
    uint64_t due_ns = world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_STOPPED);
    assert_int_equal(due_ns, world->now_ns + 60 * SECOND);
    world_after(world, 59 * SECOND);
    assert_int_equal(world_sent_slots(world), 0);
    world_after(world, SECOND);
    assert_int_equal(world_sent_slots(world), 1);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_IDLE);
}

static void a_lone_event_that_stops_the_output_leaves_the_next_probe_to_others(void **state)
{
    struct world *world = *state;

    world_append(world, "ab");
    world_turn(world);
    world_after(world, SECOND);
    world_end(world, 1, SFE_SLOT_SMALLER);
    world_after(world, SECOND);
    world_answer(world, 2);
    world_end(world, 1, SFE_SLOT_STOPPED);
    world_append(world, "cdef");
    world_turn(world);
    world_after(world, 60 * SECOND);
    world_answer(world, 3);
    world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_MOVING);
    assert_int_equal(world_facts(world).delivered, 5);
    world_after(world, 600 * SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 1);
}

static void records_that_all_wait_for_a_human_stop_the_output(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    for (uint32_t i = 0; i < 4; i++) {
        world_say(world, i, SFE_VERDICT_RETRY, SFE_RETRY_AFTER_HUMAN);
    }
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_STOPPED);
    world_after(world, 60 * SECOND);
    assert_int_equal(world->host.attempts(world->host.context, world_slot_of(world, 1), 0), 1);
}

static void a_record_that_waits_for_a_human_does_not_stop_its_neighbours(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdefgh");
    world_turn(world);
    world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_AFTER_HUMAN);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_MOVING);
}

static void the_last_error_is_kept(void **state)
{
    struct world *world = *state;

    assert_int_equal(world_facts(world).last_error.code, SFE_OK);
    world_append(world, "abcd");
    world_turn(world);
    world_say(world, 2, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
    world_answer(world, 1);
    world_turn(world);
    assert_string_equal(world_facts(world).last_error.api_code, "SOME_CODE");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(done_events_are_settled_and_counted),
        TEST(a_retry_holds_the_cursor_and_comes_again_after_its_delay),
        TEST(an_event_to_be_alone_shares_its_slot_with_nobody),
        TEST(a_refused_slot_is_halved_until_the_guilty_event_is_alone_and_dead),
        TEST(a_record_that_cannot_go_smaller_is_dead_after_ten_tries),
        TEST(a_batch_that_is_too_much_costs_its_events_no_try),
        TEST(a_request_that_met_a_lock_waits_itself_and_not_the_target),
        TEST(a_request_that_is_always_locked_is_halved),
        TEST(an_event_that_is_always_locked_is_dead_in_the_end),
        TEST(a_batch_with_which_the_server_fails_thrice_is_halved),
        TEST(an_event_with_which_alone_the_server_fails_is_dead),
        TEST(a_server_that_fails_with_all_kills_nothing),
        TEST(records_that_all_wait_for_the_org_make_one_probe_at_a_time),
        TEST(an_absent_target_gets_one_probe_at_a_time_until_it_answers),
        TEST(a_lost_answer_brings_the_same_events_again_in_the_same_order),
        TEST(a_stop_is_probed_after_a_minute_and_ends_with_an_answer),
        TEST(a_lone_event_that_stops_the_output_leaves_the_next_probe_to_others),
        TEST(records_that_all_wait_for_a_human_stop_the_output),
        TEST(a_record_that_waits_for_a_human_does_not_stop_its_neighbours),
        TEST(the_last_error_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
