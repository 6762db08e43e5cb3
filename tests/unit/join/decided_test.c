#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "join/decided.h"
#include "stream/settled.h"

static void orders_are_decided_in_any_order_and_no_others_with_them(void **state)
{
    static const uint64_t orders[] = {30, 10, 20, 11, 9, 19, 21};
    struct sfe_cursor decided = {.sequence = 0};

    (void)state;
    for (uint32_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        assert_true(decided_add(&decided, orders[i], 0));
    }
    for (uint64_t order = 1; order < 40; order++) {
        const bool is_decided =
            (order >= 9 && order <= 11) || (order >= 19 && order <= 21) || order == 30;
        assert_int_equal(sfe_settled_has(&decided, order), is_decided);
    }
    assert_true(decided_add(&decided, 10, 9));
    assert_int_equal(decided.range_count, 3);
}

static void what_is_no_order_between_two_takes_no_room(void **state)
{
    struct sfe_cursor decided = {.sequence = 0};

    (void)state;
    assert_true(decided_add(&decided, 10, 0));
    assert_true(decided_add(&decided, 20, 10));
    assert_int_equal(decided.range_count, 1);
    assert_true(decided_add(&decided, 30, 25)); /* Order 25 was none of them. */
    assert_int_equal(decided.range_count, 2);
    assert_false(sfe_settled_has(&decided, 25));
}

static void there_is_a_bound_and_room_again_when_the_base_has_passed(void **state)
{
    struct sfe_cursor decided = {.sequence = 0};

    (void)state;
    for (uint64_t i = 1; i <= SFE_CURSOR_RANGES_MAX; i++) {
        assert_true(decided_add(&decided, 10 * i, 10 * i - 1));
    }
    assert_false(decided_add(&decided, 1000, 999));
    assert_false(sfe_settled_has(&decided, 1000));
    assert_false(decided_pass(&decided, 10));
    assert_true(decided_pass(&decided, 11));
    assert_true(decided_add(&decided, 1000, 999));
    assert_true(sfe_settled_has(&decided, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_decided_in_any_order_and_no_others_with_them),
        cmocka_unit_test(what_is_no_order_between_two_takes_no_room),
        cmocka_unit_test(there_is_a_bound_and_room_again_when_the_base_has_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
