#include "output_world.h"

static enum output_read read_one(struct world *world, struct window_entry **entry)
{
    struct sfe_event event;
    int64_t time_ns = 0;

    *entry = NULL;
    return output_read(world->output, entry, &event, &time_ns);
}

static void each_durable_event_is_read_once_into_the_window(void **state)
{
    struct world *world = *state;
    struct window_entry *entry = NULL;

    assert_int_equal(read_one(world, &entry), OUTPUT_READ_END);
    world_append(world, "ab");
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_EVENT);
    assert_int_equal(entry->sequence, 1);
    assert_int_equal(entry->state, ENTRY_WAITING);
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_EVENT);
    assert_int_equal(entry->sequence, 2);
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_END);
    assert_int_equal(world->output->window.count, 2);
}

static void what_is_missing_is_counted_and_passed_over(void **state)
{
    struct world *world = *state;
    struct window_entry *entry = NULL;

    world_append(world, "abcd");
    world->stream.is_gone[1] = true;
    world->stream.is_gone[4] = true;
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_EVENT);
    assert_int_equal(entry->sequence, 2);
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_EVENT);
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_END);
    assert_int_equal(world->output->facts.gaps, 2);
    assert_int_equal(world->output->window.next_sequence, 5);
}

static void where_gaps_are_delivered_each_is_an_entry_in_its_place(void **state)
{
    struct world *world = world_make();
    struct window_entry *entry = NULL;

    (void)state;
    world->gaps = true;
    world_open(world);
    world_append(world, "abcd");
    world->stream.is_gone[1] = true;
    world->stream.is_gone[4] = true;
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_GAP);
    assert_true(entry->is_gap);
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_EVENT);
    assert_int_equal(entry->sequence, 2);
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_EVENT);
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_GAP);
    assert_int_equal(entry->sequence, 4);
    assert_int_equal(read_one(world, &entry), OUTPUT_READ_END);
    void *closing = world;
    world_teardown(&closing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_durable_event_is_read_once_into_the_window,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_counted_and_passed_over, world_setup,
                                        world_teardown),
        cmocka_unit_test(where_gaps_are_delivered_each_is_an_entry_in_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
