#include "join_world.h"

static void all_orders_of_the_key_go_and_a_repeat_changes_nothing(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    (void)world_order(world, 'a');
    world_confirm(world, 'a');
    world_confirm(world, 'a');
    world_turn(world);
    assert_int_equal(world->went_count, 2);
    assert_int_equal(world_facts(world).confirmations, 1);
}

static void once_its_orders_are_passed_the_next_one_needs_another(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    world_confirm(world, 'a');
    world_turn(world);
    assert_int_equal(world_order(world, 'a'), SFE_OK);
    world->view.base = 3;
    world_after(world, 1);
    assert_int_equal(world_order(world, 'a'), SFE_E_AGAIN);
    world_confirm(world, 'a');
    world_turn(world);
    assert_int_equal(world->went_count, 2);
}

static void what_is_none_or_has_no_key_confirms_nothing(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    (void)world_append(world, &world->confirmations, "{\"o\":\"a\",\"bad\":true}");
    (void)world_append(world, &world->confirmations, "no JSON");
    (void)world_append(world, &world->confirmations, "{\"order\":\"a\"}");
    world_turn(world);
    assert_int_equal(world->went_count, 0);
    assert_int_equal(world_facts(world).unusable, 2);
    assert_int_equal(world_facts(world).cursor, 4);
}

static void one_without_an_order_is_kept_for_its_time(void **state)
{
    struct world *world = *state;

    world_confirm(world, 'a');
    world_turn(world);
    world_after(world, WITHIN_S - 1);
    assert_int_equal(world_facts(world).early, 1);
    world_after(world, 2);
    assert_int_equal(world_facts(world).early, 0);
    assert_int_equal(world_facts(world).cursor, 2);
}

static void one_that_is_old_stays_until_all_orders_were_read(void **state)
{
    struct world *world = *state;

    world_confirm(world, 'a');
    world->wall_s += 10 * WITHIN_S; /* The agent was away. */
    world->view.has_read_all = false;
    world_turn(world);
    world_after(world, 10 * WITHIN_S);
    assert_int_equal(world_facts(world).early, 1);
    assert_int_equal(
        world_judge(world, world_append(world, &world->orders, "{\"o\":\"a\"}"), false), SFE_OK);
}

static void beyond_the_bound_no_more_are_read_until_one_finds_its_order(void **state)
{
    struct world *world = *state;

    for (uint32_t i = 0; i <= WORLD_KEEP; i++) {
        world_confirm(world, (char)('a' + i));
    }
    world_turn(world);
    assert_true(world_facts(world).is_full);
    assert_int_equal(world_facts(world).backlog, 1);
    assert_int_equal(world_order(world, 'e'), SFE_E_AGAIN);
    assert_int_equal(world_order(world, 'a'), SFE_OK);
    world_turn(world);
    assert_int_equal(world->went_count, 1);
    assert_int_equal(world->went[0], 1);
    assert_int_equal(world_facts(world).backlog, 0);
}

static void orders_wait_while_confirmations_cannot_be_read(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    world_confirm(world, 'a');
    world->reader.is_away = true;
    world_turn(world);
    world_after(world, WITHIN_S + 1);
    world_after(world, 1);
    assert_int_equal(world->went_count + world->late_count, 0);
    world->reader.is_away = false;
    world_after(world, 1);
    assert_int_equal(world->went_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_orders_of_the_key_go_and_a_repeat_changes_nothing,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(once_its_orders_are_passed_the_next_one_needs_another,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_is_none_or_has_no_key_confirms_nothing, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(one_without_an_order_is_kept_for_its_time, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(one_that_is_old_stays_until_all_orders_were_read,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(beyond_the_bound_no_more_are_read_until_one_finds_its_order,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(orders_wait_while_confirmations_cannot_be_read, world_setup,
                                        world_teardown),
    };
    world_all_words();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
