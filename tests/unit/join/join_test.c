#include "join_world.h"

static void an_order_goes_when_its_confirmation_is_read(void **state)
{
    struct world *world = *state;

    assert_int_equal(world_order(world, 'a'), SFE_E_AGAIN);
    assert_int_equal(world_order(world, 'b'), SFE_E_AGAIN);
    world_turn(world);
    assert_int_equal(world->went_count, 0);
    world_confirm(world, 'b');
    world_turn(world);
    assert_int_equal(world->went_count, 1);
    assert_int_equal(world->went[0], 2);
}

static void one_whose_confirmation_came_before_need_not_wait(void **state)
{
    struct world *world = *state;

    world_confirm(world, 'a');
    world_turn(world);
    assert_int_equal(world_order(world, 'a'), SFE_OK);
    assert_int_equal(world_order(world, 'b'), SFE_E_AGAIN);
}

static void what_is_no_order_and_what_has_no_key_does_not_wait(void **state)
{
    struct world *world = *state;

    (void)world_append(world, &world->orders, "{\"bad\":true}");
    (void)world_append(world, &world->orders, "{\"p\":1}");
    (void)world_append(world, &world->orders, "{\"o\":\"\"}");
    assert_int_equal(world_judge(world, 1, false), SFE_E_SKIPPED);
    assert_int_equal(world_judge(world, 2, false), SFE_E_UNMAPPED);
    assert_int_equal(world_judge(world, 3, false), SFE_E_UNMAPPED);
    assert_non_null(strstr(world->err.message, "is empty"));
}

static void a_confirmation_stays_before_the_cursor_until_its_order_is_passed(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    world_confirm(world, 'a');
    world_turn(world);
    world_save(world);
    assert_int_equal(world->cursors[0].sequence, 1);
    assert_string_equal(world->cursors[0].name, "crm/paid");
    world_restart(world);
    assert_int_equal(world_judge(world, 1, false), SFE_E_AGAIN);
    world_turn(world);
    assert_int_equal(world->went_count, 1);
    world->view.base = 2;
    world_after(world, 1);
    world_save(world);
    assert_int_equal(world->cursors[0].sequence, 2);
    assert_int_equal(world_facts(world).confirmations, 0);
}

static void an_order_that_was_settled_before_the_start_still_holds_its_confirmation(void **state)
{
    struct world *world = *state;

    (void)world_append(world, &world->orders, "{\"o\":\"a\"}");
    world_confirm(world, 'a');
    assert_int_equal(world_judge(world, 1, true), SFE_E_AGAIN);
    world_turn(world);
    assert_int_equal(world->went_count, 0);
    world_after(world, WITHIN_S + 2);
    world_after(world, 1);
    assert_int_equal(world_facts(world).confirmations, 1);
    assert_int_equal(world->late_count, 0);
    world->view.base = 2;
    world_after(world, 1);
    assert_int_equal(world_facts(world).confirmations, 0);
}

static void orders_settled_before_the_start_give_their_room_back(void **state)
{
    struct world *world = *state;

    for (uint32_t i = 0; i < 4u * WORLD_ORDERS; i++) {
        (void)world_append(world, &world->orders, "{\"o\":\"a\"}");
        world->view.base = i + 1u;
        world_turn(world);
        assert_int_equal(world_judge(world, i + 1u, true), SFE_E_AGAIN);
    }
    assert_true(world->join->orders.count <= WORLD_ORDERS);
}

static void a_decided_order_is_late_after_a_restart_whatever_has_come(void **state)
{
    struct world *world = *state;

    (void)world_order(world, 'a');
    world_after(world, WITHIN_S + 1);
    world_turn(world);
    world_save(world);
    assert_int_equal(world->late_count, 0);
    assert_string_equal(world->cursors[1].name, "crm+orders");
    world_confirm(world, 'a');
    world->wall_s = WALL_S; /* The clock went back: the confirmation seems to be in time. */
    world->confirmations.stamps_ns[1] = world->orders.stamps_ns[1];
    world_restart(world);
    world_turn(world);
    assert_int_equal(world_judge(world, 1, false), SFE_E_AGAIN);
    world_turn(world);
    world_save(world);
    world_turn(world);
    assert_int_equal(world->went_count, 0);
    assert_int_equal(world->late_count, 1);
    world->view.base = 2;
    world_turn(world);
    world_save(world);
    assert_int_equal(world->cursors[1].range_count, 0);
}

static void notes_of_orders_that_the_stream_has_lost_are_forgotten(void **state)
{
    struct world *world = *state;

    world->has_cursors = true;
    world->cursors[0].sequence = 9;
    world->cursors[1].range_count = 1;
    world->cursors[1].ranges[0] = (struct sfe_cursor_range){7, 8};
    world_restart(world);
    world_turn(world);
    world_save(world);
    assert_int_equal(world->cursors[0].sequence, 1);
    assert_int_equal(world->cursors[1].range_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_order_goes_when_its_confirmation_is_read, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(one_whose_confirmation_came_before_need_not_wait,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_order_and_what_has_no_key_does_not_wait,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(
            a_confirmation_stays_before_the_cursor_until_its_order_is_passed, world_setup,
            world_teardown),
        cmocka_unit_test_setup_teardown(
            an_order_that_was_settled_before_the_start_still_holds_its_confirmation, world_setup,
            world_teardown),
        cmocka_unit_test_setup_teardown(orders_settled_before_the_start_give_their_room_back,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_decided_order_is_late_after_a_restart_whatever_has_come,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(notes_of_orders_that_the_stream_has_lost_are_forgotten,
                                        world_setup, world_teardown),
    };
    world_all_words();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
