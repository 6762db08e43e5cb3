#include "output_world.h"

static void a_full_slot_goes_at_once(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 1);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 4);
}

static void a_slot_that_is_not_full_waits_for_company_until_its_age(void **state)
{
    struct world *world = *state;

    world_append(world, "ab");
    uint64_t due_ns = world_turn(world);
    assert_int_equal(world_sent_slots(world), 0);
    assert_int_equal(due_ns, world->now_ns + SECOND);
    world_append(world, "c");
    assert_int_equal(world_after(world, SECOND / 2), due_ns);
    assert_int_equal(world_sent_slots(world), 0);
    world_after(world, SECOND / 2);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 3);
}

static void all_slots_are_used_while_there_is_a_backlog(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdefghijklmnopqrst");
    world_turn(world);
    assert_int_equal(world_sent_slots(world), WORLD_SLOTS);
    assert_int_equal(world->sent, WORLD_SLOTS);
    world_answer(world, 5);
    world_turn(world);
    assert_int_equal(world_sent_slots(world), WORLD_SLOTS);
    assert_int_equal(world->slots[world_slot_of(world, 17)].count, 4);
}

static void an_event_waits_while_an_older_one_of_its_key_is_under_way(void **state)
{
    struct world *world = *state;

    world_append(world, "aabcd");
    world_turn(world);
    const struct world_slot *slot = &world->slots[world_slot_of(world, 1)];
    assert_int_equal(slot->count, 4);
    assert_int_equal(slot->sequences[1], 3);
    world_after(world, 10 * SECOND);
    assert_int_equal(world_sent_slots(world), 1);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 1);
}

static void an_event_that_is_skipped_is_counted_and_passed_by_the_cursor(void **state)
{
    struct world *world = *state;
    struct sfe_cursor cursor;

    world_append(world, "~~~");
    world_turn(world);
    assert_int_equal(world_facts(world).skipped, 3);
    assert_int_equal(world_facts(world).backlog, 0);
    assert_int_equal(world_facts(world).delivered, 0);
    assert_int_equal(world_facts(world).gaps, 0);
    assert_int_equal(world_facts(world).dead, 0);
    sfe_output_cursor(world->output, &cursor);
    assert_int_equal(cursor.sequence, 4);
    assert_int_equal(world_sent_slots(world), 0);
}

static void what_is_skipped_between_others_does_not_take_their_places(void **state)
{
    struct world *world = *state;
    struct sfe_cursor cursor;

    world_append(world, "~a~b~c~d~");
    world_turn(world);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 4);
    sfe_output_cursor(world->output, &cursor);
    assert_int_equal(cursor.sequence, 2); /* Not beyond what is under way. */
    world_answer(world, 2);
    world_turn(world);
    sfe_output_cursor(world->output, &cursor);
    assert_int_equal(cursor.sequence, 10);
    assert_int_equal(world_facts(world).skipped, 5);
    assert_int_equal(world_facts(world).delivered, 4);
}

static void a_waiting_event_is_not_parsed_again_while_its_key_is_held(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdaa");
    world_turn(world);
    uint32_t offers = world->offers;
    world_append(world, "x");
    world_turn(world);
    world_append(world, "y");
    world_turn(world);
    assert_int_equal(world->offers, offers + 2);
}

static void order_within_a_key_survives_a_retry(void **state)
{
    struct world *world = *state;

    world_append(world, "aabc");
    world_after(world, 0);
    world_after(world, SECOND);
    world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
    world_answer(world, 1);
    world_after(world, 0);
    world_append(world, "efgh");
    world_after(world, 0);
    for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
        for (uint32_t k = 0; k < world->slots[i].count; k++) {
            assert_int_not_equal(world->slots[i].sequences[k], 2);
        }
    }
    world_after(world, 2 * SECOND);
    world_after(world, 2 * SECOND);
    world_answer(world, 1);
    world_after(world, 2 * SECOND);
    world_after(world, 2 * SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 1);
}

static void events_without_a_key_are_never_held(void **state)
{
    struct world *world = *state;

    world_append(world, "----");
    world_turn(world);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 4);
}

static void a_target_that_is_full_gets_the_event_in_the_next_slot(void **state)
{
    struct world *world = *state;

    world->capacity = 2;
    world_append(world, "abcde");
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 2);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 2);
    assert_int_equal(world->slots[world_slot_of(world, 3)].count, 2);
}

static void an_event_that_no_empty_slot_takes_is_dead(void **state)
{
    struct world *world = *state;

    world->capacity = 0;
    world_append(world, "a");
    world_turn(world);
    assert_int_equal(world->dead.staged, 1);
    assert_non_null(strstr(world->dead.annotations[0], "SFE-TOO-LARGE"));
}

static void a_held_event_makes_a_lone_slot_go_at_once(void **state)
{
    struct world *world = *state;

    world_append(world, "aa");
    world_turn(world);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 1);
}

static void nothing_is_offered_while_the_target_is_not_ready(void **state)
{
    struct world *world = *state;

    world->is_ready = false;
    world_append(world, "abcd");
    world_turn(world);
    assert_int_equal(world->offers, 0);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_WAITING);
    world->is_ready = true;
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 1);
}

static void a_slot_that_cannot_be_sent_is_sent_later_with_the_same_events(void **state)
{
    struct world *world = *state;

    world->cannot_send = true;
    world_append(world, "abcd");
    uint64_t due_ns = world_turn(world);
    assert_int_equal(due_ns, world->now_ns + SECOND);
    assert_int_equal(world_facts(world).requests, 0);
    world->cannot_send = false;
    world_after(world, SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 4);
    assert_int_equal(world->offers, 4);
}

static void a_slot_may_end_while_it_is_sent(void **state)
{
    struct world *world = *state;

    world->answers_at_once = true;
    world_append(world, "abcdefgh");
    world_turn(world);
    assert_int_equal(world->sent, 1);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_WAITING);
    world->answers_at_once = false;
    world_after(world, 2 * SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 4);
}

static void a_slot_that_failed_at_once_is_tried_again_without_being_woken(void **state)
{
    struct world *world = *state;

    world->answers_at_once = true;
    world_append(world, "abcd");
    uint64_t due_ns = world_turn(world);
    for (uint32_t i = 0; i < 3 && due_ns != UINT64_MAX; i++) {
        world->answers_at_once = false;
        due_ns = world_after(world, due_ns > world->now_ns ? due_ns - world->now_ns : 0);
    }
    assert_int_equal(world->slots[world_slot_of(world, 1)].count, 4);
}

static void a_full_window_reads_nothing_more(void **state)
{
    struct world *world = *state;

    for (uint32_t i = 0; i < SFE_WINDOW_EVENTS + 100; i++) {
        world_append(world, "a");
    }
    world_turn(world);
    assert_int_equal(world->reader.next, SFE_WINDOW_EVENTS + 1);
    assert_int_equal(world_sent_slots(world), 1);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world->reader.next, SFE_WINDOW_EVENTS + 2);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 1);
}

static void gaps_are_passed_over_and_counted(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdefgh");
    world->stream.is_gone[1] = true;
    world->stream.is_gone[4] = true;
    world->stream.is_gone[8] = true;
    world_turn(world);
    assert_int_equal(world_facts(world).gaps, 3);
    world_after(world, SECOND);
    world_answer(world, 2);
    world_answer(world, 7);
    world_turn(world);
    assert_int_equal(world_cursor(world), 9);
    assert_int_equal(world_facts(world).backlog, 0);
}

static void an_event_that_vanishes_while_it_waits_is_a_gap(void **state)
{
    struct world *world = *state;

    world_append(world, "aa");
    world_turn(world);
    world->stream.is_gone[2] = true;
    world_answer(world, 1);
    world_turn(world);
    world_turn(world);
    assert_int_equal(world_facts(world).gaps, 1);
    assert_int_equal(world_cursor(world), 3);
}

static void an_event_that_cannot_be_read_again_holds_up_its_key_only_and_not_for_ever(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world->stream.is_unreadable[1] = true;
    world_end(world, 1, SFE_SLOT_AGAIN);
    world_append(world, "ae");
    world_after(world, 2 * SECOND);
    world_after(world, 2 * SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 4); /* b, c, d and e. */
    world_answer(world, 2);
    for (uint32_t i = 0; i < 300; i++) {
        world_after(world, 2 * SECOND);
    }
    world_after(world, 2 * SECOND);
    assert_int_equal(world_facts(world).gaps, 1);
    world_answer(world, 5);
    world_turn(world);
    assert_int_equal(world_cursor(world), 7);
}

static void a_medium_that_is_away_is_not_asked_for_every_event(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdefghijklmnop");
    world_turn(world);
    for (uint32_t i = 1; i <= 16; i++) {
        world->stream.is_unreadable[i] = true;
    }
    world_end(world, 1, SFE_SLOT_AGAIN);
    world_answer(world, 5);
    world_answer(world, 9);
    world_end(world, 13, SFE_SLOT_AGAIN);
    uint32_t before = world->reader.fetches;
    world_after(world, 2 * SECOND);
    assert_in_range(world->reader.fetches - before, 1, 4);
    memset(world->stream.is_unreadable, 0, sizeof(world->stream.is_unreadable));
    for (uint32_t i = 0; i < 4; i++) {
        world_after(world, 2 * SECOND);
    }
    world_answer(world, 1);
    world_after(world, 2 * SECOND);
    world_answer(world, 13);
    world_turn(world); /* Too little for the large slot ... */
    world_turn(world); /* ... so the others are filled. */
    assert_int_equal(world_facts(world).delivered, 16);
    assert_int_equal(world_facts(world).gaps, 0);
}

static int large_setup(void **state)
{
    struct world *world = world_make();

    world->large_from = 8;
    world->large_from_dear = 12;
    world->large_age_ns = SECOND;
    world_open(world);
    *state = world;
    return 0;
}

/* One event is under way; how old a backlog is, its age says. */
static void be_under_way(struct world *world)
{
    world_append(world, "-");
    world_turn(world);
    world_after(world, SECOND);
    assert_int_equal(world_sent_slots(world), 1);
}

static void a_burst_is_no_backlog(void **state)
{
    struct world *world = *state;

    world->stream.arrival_ns = INT64_C(1764000000) * INT64_C(1000000000) - 1000000;
    be_under_way(world);
    world_append(world, "abcdefghijklmnopqr");
    world_turn(world);
    assert_int_equal(world->slots[WORLD_SLOTS].count, 0);
    assert_int_equal(world_sent_slots(world), 4);
}

static void a_backlog_goes_in_the_large_slot_and_what_is_left_in_the_others(void **state)
{
    struct world *world = *state;

    be_under_way(world);
    world_append(world, "abcdefghijklmnopqr"); /* 2 to 19 */
    world_turn(world);
    assert_int_equal(world_slot_of(world, 2), WORLD_SLOTS);
    assert_int_equal(world->slots[WORLD_SLOTS].count, WORLD_LARGE);
    assert_int_equal(world_sent_slots(world), 1);
    world_answer(world, 1);
    world_answer(world, 2);
    world_turn(world); /* Six are no backlog. */
    assert_int_equal(world->slots[world_slot_of(world, 14)].count, 4);
}

static void a_backlog_of_few_keys_is_none(void **state)
{
    struct world *world = *state;

    be_under_way(world);
    world_append(world, "abababababababababababab");
    world_turn(world);
    world_turn(world);
    assert_int_equal(world->slots[WORLD_SLOTS].count, 0);
    world_after(world, SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 2);
}

static void what_must_go_in_smaller_company_does_not_go_in_the_large_slot(void **state)
{
    struct world *world = *state;

    be_under_way(world);
    world_append(world, "abcdefghijkl");
    world_turn(world);
    world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_ALONE);
    world_answer(world, 2);
    world_append(world, "mnopqrstuvwxy");
    world_after(world, 60 * SECOND);
    assert_int_equal(world_slot_of(world, 14), WORLD_SLOTS);
    world_answer(world, 14);
    world_turn(world); /* Too little for the large slot ... */
    world_turn(world); /* ... so the others are filled. */
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 1);
}

static void while_it_is_shut_a_backlog_goes_in_the_others(void **state)
{
    struct world *world = *state;

    world->large_use = SFE_LARGE_SHUT;
    be_under_way(world);
    world_append(world, "abcdefghijklmnopqr");
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 4);
    assert_int_equal(world->slots[WORLD_SLOTS].count, 0);
}

static void where_calls_are_scarce_the_large_slot_waits_until_it_is_the_cheaper(void **state)
{
    struct world *world = *state;

    world->large_use = SFE_LARGE_DEAR;
    be_under_way(world);
    world_append(world, "abcdefghi"); /* With the one under way: 10. */
    world_turn(world);
    assert_int_equal(world->slots[WORLD_SLOTS].count, 0);
    assert_int_equal(world_sent_slots(world), 3);
    world_answer(world, 2);
    world_answer(world, 6);
    world_after(world, SECOND);
    world_answer(world, 10);
    world_append(world, "jklmnopqrstuv");
    world_after(world, SECOND);
    assert_int_equal(world->slots[WORLD_SLOTS].count, WORLD_LARGE);
}

static void a_batch_that_is_resumed_goes_in_the_large_slot_however_small(void **state)
{
    struct world *world = *state;

    world->large_use = SFE_LARGE_RESUMES;
    world_append(world, "ab");
    world_turn(world);
    assert_int_equal(world_slot_of(world, 1), WORLD_SLOTS);
    assert_int_equal(world->slots[WORLD_SLOTS].count, 2);
}

static void a_batch_of_which_nothing_can_be_resumed_is_given_up(void **state)
{
    struct world *world = *state;

    world->large_use = SFE_LARGE_RESUMES;
    world->holds_back = true;
    world_append(world, "ab");
    world_turn(world);
    assert_int_equal(world->abandoned[WORLD_SLOTS], 1);
    world->holds_back = false;
    world_append(world, "c");
    world_turn(world);
    assert_int_equal(world->abandoned[WORLD_SLOTS], 1);
    assert_int_equal(world->slots[WORLD_SLOTS].count, 3);
}

static void an_event_that_was_read_again_meanwhile_is_not_damaged(void **state)
{
    struct world *world = *state;

    world_append(world, "abcd");
    world_turn(world);
    world->stream.is_unreadable[1] = true;
    world_end(world, 1, SFE_SLOT_AGAIN);
    world_after(world, 2 * SECOND);
    world_after(world, 2 * SECOND);
    world_answer(world, 2);
    world->stream.is_unreadable[1] = false;
    world_after(world, 400 * SECOND);
    world_after(world, 2 * SECOND);
    assert_int_equal(world->slots[world_slot_of(world, 1)].sequences[0], 1);
    world->stream.is_unreadable[1] = true;
    world_end(world, 1, SFE_SLOT_AGAIN);
    world_after(world, 400 * SECOND);
    world_after(world, 2 * SECOND);
    assert_int_equal(world_facts(world).gaps, 0);
}

static void lock_two_slots(struct world *world)
{
    for (uint32_t i = 0; i < 8; i++) {
        world_append_child(world, (char)('a' + i), i % 2 == 0 ? 'p' : 'q');
    }
    world_turn(world);
    world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_LOCKED);
    world_answer(world, 1);
    world_answer(world, 5);
}

/* No parent has children in two requests. */
static void check_parents(const struct world *world)
{
    uint32_t slot_of[128];

    memset(slot_of, 0xff, sizeof(slot_of));
    for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
        for (uint32_t k = 0; k < world->slots[i].count; k++) {
            const uint8_t parent = (uint8_t)world->stream.payloads[world->slots[i].sequences[k]][1];
            assert_true(slot_of[parent] == UINT32_MAX || slot_of[parent] == i);
            slot_of[parent] = i;
        }
    }
}

static void children_of_a_parent_share_one_request_once_rows_were_locked(void **state)
{
    struct world *world = *state;

    lock_two_slots(world);
    for (uint32_t i = 0; i < 48; i++) {
        world_append_child(world, (char)('A' + i), (char)('p' + i % 4));
    }
    for (uint32_t i = 0; i < 200; i++) {
        world_after(world, SECOND / 10);
        check_parents(world);
        for (uint32_t k = 0; k < WORLD_SLOTS; k++) {
            if (world->slots[k].is_sent && (i + k) % 3 == 0) {
                world_answer(world, world->slots[k].sequences[0]);
            }
        }
    }
    assert_int_equal(world_facts(world).delivered, 56);
    assert_int_equal(world_cursor(world), 57);
}

static void parents_in_different_requests_go_side_by_side(void **state)
{
    struct world *world = *state;

    lock_two_slots(world);
    for (uint32_t i = 0; i < 16; i++) {
        world_append_child(world, (char)('A' + i), (char)('r' + i % 4));
    }
    for (uint32_t i = 0; i < 8 && world_sent_slots(world) < 2; i++) {
        world_after(world, SECOND / 4);
    }
    assert_true(world_sent_slots(world) >= 2);
    check_parents(world);
}

/* The slot that holds the event; WORLD_SLOTS: none does. */
static uint32_t holder_of(const struct world *world, uint64_t sequence)
{
    for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
        for (uint32_t k = 0; k < world->slots[i].count; k++) {
            if (world->slots[i].sequences[k] == sequence) {
                return i;
            }
        }
    }
    return WORLD_SLOTS;
}

static void what_is_of_a_locked_parent_waits_with_its_oldest_event_and_goes_with_it(void **state)
{
    struct world *world = *state;
    uint32_t turns = 0;

    lock_two_slots(world);
    for (uint32_t i = 0; i < 4; i++) {
        world_append_child(world, (char)('A' + i), i < 2 ? 'p' : 'r');
    }
    world_turn(world);
    assert_int_equal(holder_of(world, 1), WORLD_SLOTS);
    assert_int_equal(holder_of(world, 9), WORLD_SLOTS);
    assert_true(holder_of(world, 11) < WORLD_SLOTS);
    while (holder_of(world, 1) == WORLD_SLOTS && turns++ < 100) {
        assert_int_equal(holder_of(world, 9), WORLD_SLOTS);
        world_after(world, SECOND / 100);
    }
    assert_true(holder_of(world, 1) < WORLD_SLOTS);
    assert_int_equal(holder_of(world, 9), holder_of(world, 1));
    assert_int_equal(holder_of(world, 10), holder_of(world, 1));
}

static void an_event_that_is_locked_again_and_again_keeps_its_parents_others_no_longer(void **state)
{
    struct world *world = *state;

    lock_two_slots(world);
    for (uint32_t tries = 1; tries < 9; tries++) {
        for (uint32_t i = 0; i < 400 && world_sent_slots(world) == 0; i++) {
            world_after(world, SECOND / 100);
        }
        world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_LOCKED);
        world_answer(world, 1);
    }
    world_append_child(world, 'A', 'p');
    world_turn(world);
    assert_int_equal(holder_of(world, 1), WORLD_SLOTS);
    assert_true(holder_of(world, 9) < WORLD_SLOTS);
}

static void order_is_kept_where_a_key_changes_its_parent(void **state)
{
    struct world *world = *state;

    lock_two_slots(world);
    world_turn(world);
    world_append_child(world, 'x', 'p');
    world_append_child(world, 'x', 'q');
    world_append_child(world, 'x', 'r');
    for (uint32_t i = 0; i < 40 && world_facts(world).delivered < 11; i++) {
        uint32_t under_way = 0;
        world_after(world, SECOND / 4);
        for (uint32_t k = 0; k < WORLD_SLOTS; k++) {
            for (uint32_t at = 0; at < world->slots[k].count; at++) {
                under_way += world->slots[k].sequences[at] > 8;
            }
        }
        assert_true(under_way <= 1);
        for (uint32_t k = 0; k < WORLD_SLOTS; k++) {
            if (world->slots[k].is_sent) {
                world_answer(world, world->slots[k].sequences[0]);
            }
        }
    }
    world_turn(world);
    assert_int_equal(world_cursor(world), 12);
}

static void locks_met_by_one_request_alone_leave_parents_as_they_are(void **state)
{
    struct world *world = *state;

    world_append_child(world, 'a', 'p');
    world_append_child(world, 'b', 'p');
    world_append_child(world, 'c', 'p');
    world_append_child(world, 'd', 'p');
    world_turn(world);
    world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_LOCKED);
    world_answer(world, 1);
    for (uint32_t i = 0; i < 8; i++) {
        world_append_child(world, (char)('e' + i), 'p');
    }
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 2);
}

static void lanes_end_a_minute_after_the_last_lock(void **state)
{
    struct world *world = *state;

    lock_two_slots(world);
    world_after(world, SECOND);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_after(world, 61 * SECOND);
    for (uint32_t i = 0; i < 8; i++) {
        world_append_child(world, (char)('A' + i), 'p');
    }
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 2);
}

int main(void)
{
#define LARGE(name) cmocka_unit_test_setup_teardown(name, large_setup, world_teardown)
#define TEST(name)  cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_full_slot_goes_at_once),
        TEST(a_slot_that_is_not_full_waits_for_company_until_its_age),
        TEST(all_slots_are_used_while_there_is_a_backlog),
        TEST(an_event_waits_while_an_older_one_of_its_key_is_under_way),
        TEST(a_waiting_event_is_not_parsed_again_while_its_key_is_held),
        TEST(an_event_that_is_skipped_is_counted_and_passed_by_the_cursor),
        TEST(what_is_skipped_between_others_does_not_take_their_places),
        TEST(order_within_a_key_survives_a_retry),
        TEST(events_without_a_key_are_never_held),
        TEST(a_target_that_is_full_gets_the_event_in_the_next_slot),
        TEST(an_event_that_no_empty_slot_takes_is_dead),
        TEST(a_held_event_makes_a_lone_slot_go_at_once),
        TEST(nothing_is_offered_while_the_target_is_not_ready),
        TEST(a_slot_that_cannot_be_sent_is_sent_later_with_the_same_events),
        TEST(a_slot_may_end_while_it_is_sent),
        TEST(a_slot_that_failed_at_once_is_tried_again_without_being_woken),
        TEST(a_full_window_reads_nothing_more),
        TEST(gaps_are_passed_over_and_counted),
        TEST(an_event_that_vanishes_while_it_waits_is_a_gap),
        TEST(an_event_that_cannot_be_read_again_holds_up_its_key_only_and_not_for_ever),
        TEST(a_medium_that_is_away_is_not_asked_for_every_event),
        LARGE(a_burst_is_no_backlog),
        LARGE(a_backlog_goes_in_the_large_slot_and_what_is_left_in_the_others),
        LARGE(a_backlog_of_few_keys_is_none),
        LARGE(what_must_go_in_smaller_company_does_not_go_in_the_large_slot),
        LARGE(while_it_is_shut_a_backlog_goes_in_the_others),
        LARGE(where_calls_are_scarce_the_large_slot_waits_until_it_is_the_cheaper),
        LARGE(a_batch_that_is_resumed_goes_in_the_large_slot_however_small),
        LARGE(a_batch_of_which_nothing_can_be_resumed_is_given_up),
        TEST(an_event_that_was_read_again_meanwhile_is_not_damaged),
        TEST(children_of_a_parent_share_one_request_once_rows_were_locked),
        TEST(parents_in_different_requests_go_side_by_side),
        TEST(what_is_of_a_locked_parent_waits_with_its_oldest_event_and_goes_with_it),
        TEST(an_event_that_is_locked_again_and_again_keeps_its_parents_others_no_longer),
        TEST(order_is_kept_where_a_key_changes_its_parent),
        TEST(locks_met_by_one_request_alone_leave_parents_as_they_are),
        TEST(lanes_end_a_minute_after_the_last_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
