#include "output_world.h"

static void a_slot_is_found_by_its_state(void **state)
{
    struct world *world = *state;

    assert_non_null(output_find_slot(world->output, false, SLOT_EMPTY));
    assert_null(output_find_slot(world->output, false, SLOT_SENT));
    assert_null(output_find_slot(world->output, true, SLOT_EMPTY)); /* There is no large one. */
    world_append(world, "abcd");
    world_turn(world);
    assert_non_null(output_find_slot(world->output, false, SLOT_SENT));
}

static void pressure_bounds_requests_and_their_events(void **state)
{
    struct world *world = *state;
    struct output_slot *slot = output_find_slot(world->output, false, SLOT_EMPTY);

    output_begin_slot(world->output, slot);
    assert_int_equal(slot->limit, WORLD_SLOT_EVENTS);
    assert_true(output_may_send(world->output));
    world->output->pressure.events_max = 2;
    world->output->pressure.in_flight_max = 1;
    output_begin_slot(world->output, slot);
    assert_int_equal(slot->limit, 2);
    world_append(world, "abcdef");
    world_turn(world);
    assert_int_equal(world_sent_slots(world), 1);
    assert_false(output_may_send(world->output));
}

static void without_a_large_slot_nothing_is_large(void **state)
{
    struct world *world = *state;

    assert_false(output_wants_large(world->output));
    assert_false(output_is_resuming(world->output));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_slot_is_found_by_its_state),
        TEST(pressure_bounds_requests_and_their_events),
        TEST(without_a_large_slot_nothing_is_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
