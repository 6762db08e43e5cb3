#include "output_world.h"

static struct sfe_arena *arena;

static struct sfe_lane *open_lane(uint32_t keys_max)
{
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(1u << 20, &arena, &err), SFE_OK);
    struct sfe_lane *lane = sfe_lane_open(keys_max, arena, &err);
    assert_non_null(lane);
    sfe_lane_begin(lane);
    return lane;
}

static void lane_lets_only_the_first_of_a_key_pass(void **state)
{
    struct sfe_lane *lane = open_lane(4);

    (void)state;
    assert_true(sfe_lane_claim(lane, 7));
    assert_true(sfe_lane_is_held(lane, 7));
    assert_false(sfe_lane_claim(lane, 7));
    assert_true(sfe_lane_claim(lane, 8));
    sfe_arena_close(arena);
}

static void lane_never_holds_key_zero(void **state)
{
    struct sfe_lane *lane = open_lane(4);

    (void)state;
    assert_true(sfe_lane_claim(lane, 0));
    assert_true(sfe_lane_claim(lane, 0));
    assert_false(sfe_lane_is_held(lane, 0));
    sfe_arena_close(arena);
}

static void lane_forgets_all_keys_when_a_walk_begins(void **state)
{
    struct sfe_lane *lane = open_lane(4);

    (void)state;
    assert_true(sfe_lane_claim(lane, 7));
    sfe_lane_begin(lane);
    assert_false(sfe_lane_is_held(lane, 7));
    assert_true(sfe_lane_claim(lane, 7));
    sfe_arena_close(arena);
}

static void lane_holds_as_many_keys_as_it_was_opened_for(void **state)
{
    struct sfe_lane *lane = open_lane(1000);

    (void)state;
    for (uint64_t key = 1; key <= 1000; key++) {
        assert_true(sfe_lane_claim(lane, key << 40));
    }
    for (uint64_t key = 1; key <= 1000; key++) {
        assert_false(sfe_lane_claim(lane, key << 40));
    }
    sfe_arena_close(arena);
}

static void a_key_that_was_given_is_found_with_its_slot(void **state)
{
    struct sfe_lane *lane = open_lane(10);
    uint32_t slot = 0;

    (void)state;
    assert_false(sfe_lane_find(lane, 7, &slot));
    sfe_lane_give(lane, 7, 3);
    assert_true(sfe_lane_find(lane, 7, &slot));
    assert_int_equal(slot, 3);
    sfe_lane_give(lane, 7, 2);
    assert_true(sfe_lane_find(lane, 7, &slot));
    assert_int_equal(slot, 2);
    sfe_lane_begin(lane);
    assert_false(sfe_lane_find(lane, 7, &slot));
    sfe_arena_close(arena);
}

static void lane_says_when_memory_is_short(void **state)
{
    struct sfe_error err;
    struct sfe_arena *small = NULL;

    (void)state;
    assert_int_equal(sfe_arena_open(64, &small, &err), SFE_OK);
    assert_null(sfe_lane_open(1000, small, &err));
    assert_int_equal(err.code, SFE_E_NO_MEMORY);
    sfe_arena_close(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lane_lets_only_the_first_of_a_key_pass),
        cmocka_unit_test(lane_never_holds_key_zero),
        cmocka_unit_test(lane_forgets_all_keys_when_a_walk_begins),
        cmocka_unit_test(lane_holds_as_many_keys_as_it_was_opened_for),
        cmocka_unit_test(a_key_that_was_given_is_found_with_its_slot),
        cmocka_unit_test(lane_says_when_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
