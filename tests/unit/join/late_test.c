#include "join_world.h"

static void an_order_is_late_only_once_that_is_durable(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    world_after(world, WITHIN_S - 1);
    assert_int_equal(world->settled_calls, 0);
    world_after(world, 2);
    world_turn(world);
    world_turn(world);
    assert_true(world->settled_calls > 0);
    assert_int_equal(world->late_count, 0);
    world_save(world);
    world_turn(world);
    assert_int_equal(world->late_count, 1);
    assert_int_equal(world->late[0], 1);
}

static void what_was_staged_before_its_time_was_over_is_waited_for(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    world->confirmations.staged = 1;
    world->wall_s += WITHIN_S - 1;
    world_after(world, 2);
    world_after(world, 10);
    world_save(world);
    world_turn(world);
    assert_int_equal(world->late_count, 0);
    world->wall_s -= 20; /* As it was staged. */
    world_confirm(world, 'a');
    world->wall_s += 20;
    world->confirmations.staged = 0;
    world_turn(world);
    assert_int_equal(world->went_count, 1);
}

static void one_that_comes_too_late_counts_no_more(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    world->wall_s += WITHIN_S + 1;
    world_confirm(world, 'a');
    world_after(world, 0);
    world_turn(world);
    assert_int_equal(world->went_count, 0);
    world_save(world);
    world_turn(world);
    assert_int_equal(world->late_count, 1);
}

static void an_order_that_is_decided_is_not_let_go_while_that_is_saved(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    world_after(world, WITHIN_S + 1);
    world_turn(world);
    world->wall_s = WALL_S;
    world_confirm(world, 'a');
    world_turn(world);
    assert_int_equal(world->went_count, 0);
    world_save(world);
    world_turn(world);
    assert_int_equal(world->late_count, 1);
}

static void while_the_clock_is_not_set_the_time_of_this_run_counts(void **state)
{
    struct world *world = *state;

    world->quality = SFE_CLOCK_UNSET;
    world->wall_s = 0;
    (void)world_order(world, 'a');
    world_after(world, WITHIN_S - 1);
    world->quality = SFE_CLOCK_SYNCED; /* Decades later than the stamp, as it seems. */
    world->wall_s = WALL_S;
    world_turn(world);
    world_turn(world);
    world_save(world);
    world_turn(world);
    assert_int_equal(world->late_count, 0);
    world_after(world, 2);
    world_turn(world);
    world_save(world);
    world_turn(world);
    assert_int_equal(world->late_count, 1);
}

static void a_stamp_from_the_future_makes_no_order_wait_for_ever(void **state)
{
    struct world *world = *state;

    world->wall_s += 1000000000;
    (void)world_order(world, 'a');
    world->wall_s -= 1000000000;
    world_after(world, WITHIN_S + 1);
    world_turn(world);
    world_save(world);
    world_turn(world);
    assert_int_equal(world->late_count, 1);
}

static void others_go_on_beside_one_that_waits(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    (void)world_order(world, 'b');
    (void)world_order(world, 'c');
    world_confirm(world, 'c');
    world_turn(world);
    assert_int_equal(world->went_count, 1);
    world_after(world, WITHIN_S + 1);
    world_turn(world);
    world_save(world);
    assert_int_equal(world->cursors[1].range_count, 1); /* Two, one behind the other. */
    world_turn(world);
    assert_int_equal(world->late_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_order_is_late_only_once_that_is_durable, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(what_was_staged_before_its_time_was_over_is_waited_for,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(one_that_comes_too_late_counts_no_more, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(an_order_that_is_decided_is_not_let_go_while_that_is_saved,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(while_the_clock_is_not_set_the_time_of_this_run_counts,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_stamp_from_the_future_makes_no_order_wait_for_ever,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(others_go_on_beside_one_that_waits, world_setup,
                                        world_teardown),
    };
    world_all_words();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
