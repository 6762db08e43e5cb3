#include "output_world.h"

static int gaps_setup(void **state)
{
    struct world *world = world_make();

    world->gaps = true;
    world_open(world);
    *state = world;
    return 0;
}

static void lose(struct world *world, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++) {
        world->stream.is_gone[i] = true;
    }
}

static void a_gap_is_delivered_in_its_place_with_its_facts(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdefgh");
    lose(world, 3, 6);
    world->stream.dropped_end = 7;
    world_turn(world);
    assert_string_equal(world->gap_payload,
                        "{\"gap\":{\"stream\":\"telemetry\",\"first\":3,\"last\":6,\"events\":4,"
                        "\"damaged\":0,\"why\":\"drop-oldest\"}}");
    /* a, b, the gap, g: one slot; h in another. */
    const uint32_t slot = world_slot_of(world, 1);
    assert_int_equal(world->slots[slot].sequences[2], 3);
    assert_int_equal(world->slots[slot].sequences[3], 7);
    assert_int_equal(world_facts(world).gaps, 4);
    world_answer(world, 1);
    world_after(world, 2 * SECOND);
    world_answer(world, 8);
    world_turn(world);
    assert_int_equal(world_cursor(world), 9);
    assert_int_equal(world_facts(world).delivered, 5);
}

static void why_is_told(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdef");
    lose(world, 2, 3);
    world_after(world, 2 * SECOND);
    assert_non_null(strstr(world->gap_payload, "\"why\":\"drop-newest\""));
    world_append(world, "ghijk");
    lose(world, 8, 9);
    world->reader.damaged = 2;
    world_after(world, 2 * SECOND);
    assert_non_null(strstr(world->gap_payload, "\"first\":8,\"last\":9,\"events\":2,"
                                               "\"damaged\":2,\"why\":\"damage\""));
}

static void a_gap_at_the_end_is_delivered_too(void **state)
{
    struct world *world = *state;

    world_append(world, "abc");
    lose(world, 2, 3);
    world_turn(world);
    world_after(world, 2 * SECOND);
    assert_non_null(strstr(world->gap_payload, "\"first\":2,\"last\":3"));
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_cursor(world), 4);
}

/* Until it is settled the cursor stands before it, though all behind it is done; and after a
 * restart it is the same event, even where it has grown. */
static void an_unsettled_gap_comes_again_as_the_same_event(void **state)
{
    struct world *world = *state;

    world_append(world, "abcdef");
    lose(world, 1, 3);
    world_after(world, 2 * SECOND);
    const struct sfe_hash128 identity = world->gap_identity;
    world_say(world, 0, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_cursor(world), 1);
    sfe_output_cursor(world->output, &world->start);
    assert_int_equal(world->start.range_count, 1);
    assert_int_equal(world->start.ranges[0].begin, 4);
    assert_int_equal(world->start.ranges[0].end, 7);
    sfe_output_close(world->output);
    sfe_arena_close(world->arena);
    memset(world->slots, 0, sizeof(world->slots));
    memset(world->gap_payload, 0, sizeof(world->gap_payload));
    world->has_start = true;
    world_append(world, "gh");
    lose(world, 4, 7);
    world_open(world);
    world_after(world, 2 * SECOND);
    world_after(world, 2 * SECOND);
    /* 4 to 6 were settled: 1 to 3 and 7 are missing. */
    assert_non_null(strstr(world->gap_payload, "\"first\":1,\"last\":7,\"events\":4"));
    assert_memory_equal(&world->gap_identity, &identity, sizeof(identity));
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_cursor(world), 9);
}

static void events_that_vanish_while_they_wait_become_one_gap(void **state)
{
    struct world *world = *state;

    world_append(world, "aaaaab");
    world_after(world, 2 * SECOND); /* 1 and 6 go; 2 to 5 wait for the key. */
    lose(world, 2, 5);
    world->stream.dropped_end = 6;
    world_answer(world, 1);
    world_turn(world);
    world_after(world, 2 * SECOND);
    assert_non_null(strstr(world->gap_payload, "\"first\":2,\"last\":5,\"events\":4"));
    assert_int_equal(world_facts(world).gaps, 4);
    world_answer(world, 2);
    world_turn(world);
    assert_int_equal(world_cursor(world), 7);
}

/* Fill, drop, drain; a hundred times: every event is delivered or in exactly one gap. */
static void a_hundred_times_nothing_is_missing_twice_or_not_at_all(void **state)
{
    struct world *world = *state;
    uint64_t told = 0;
    uint64_t lost = 0;

    for (uint32_t round = 0; round < 100; round++) {
        const uint64_t first = world->stream.durable + 1;
        const uint64_t before = world_facts(world).gaps;
        world_append(world, "abcdefghijkl");
        lose(world, first + round % 5, first + round % 5 + round % 7);
        lost += round % 7 + 1u;
        for (uint32_t turn = 0; turn < 20 && world_cursor(world) <= first + 11; turn++) {
            world_after(world, 2 * SECOND);
            for (uint32_t slot = 0; slot < WORLD_SLOTS; slot++) {
                if (world->slots[slot].is_sent) {
                    world_answer(world, world->slots[slot].sequences[0]);
                }
            }
        }
        world_turn(world);
        assert_int_equal(world_cursor(world), first + 12);
        told += world_facts(world).gaps - before;
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "\"first\":%u,\"last\":%u,",
                       (unsigned)(first + round % 5), (unsigned)(first + round % 5 + round % 7));
        assert_non_null(strstr(world->gap_payload, expected));
    }
    assert_int_equal(told, lost);
    assert_int_equal(world_facts(world).delivered + lost, 1200 + 100);
}

static void a_gap_that_cannot_be_mapped_is_a_dead_letter(void **state)
{
    struct world *world = *state;

    world->refuses_gaps = true;
    world_append(world, "abc");
    lose(world, 2, 2);
    world_after(world, 2 * SECOND);
    assert_int_equal(world->dead.staged, 1);
    assert_non_null(strstr(world->dead.annotations[0], "\"sequence\":2"));
    world->dead.durable = 1;
    world_after(world, 2 * SECOND);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_cursor(world), 4);
}

/* Each parent has a slot of its own, and a gap has none. */
static void a_gap_at_the_end_goes_out_where_rows_are_locked_too(void **state)
{
    struct world *world = *state;

    world->output->pressure.lanes_until_ns = UINT64_MAX;
    world_turn(world);
    world_append(world, "a");
    world->stream.is_gone[1] = true;
    world_turn(world);
    world_after(world, 2 * SECOND);
    assert_int_equal(world->sent, 1);
    assert_non_null(strstr(world->gap_payload, "\"first\":1,\"last\":1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gaps_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_gap_at_the_end_goes_out_where_rows_are_locked_too),
        TEST(a_gap_is_delivered_in_its_place_with_its_facts),
        TEST(why_is_told),
        TEST(a_gap_at_the_end_is_delivered_too),
        TEST(an_unsettled_gap_comes_again_as_the_same_event),
        TEST(events_that_vanish_while_they_wait_become_one_gap),
        TEST(a_hundred_times_nothing_is_missing_twice_or_not_at_all),
        TEST(a_gap_that_cannot_be_mapped_is_a_dead_letter),
    };
    world_all_words();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
