#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream/settled.h"

static struct sfe_error err;

static struct sfe_cursor settle(const uint64_t *sequences, uint32_t count)
{
    struct sfe_cursor cursor = {.name = SFE_CURSOR_BY_HAND, .sequence = 1};

    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(sfe_settled_add(&cursor, sequences[i], &err), SFE_OK);
        assert_true(sfe_settled_has(&cursor, sequences[i]));
    }
    return cursor;
}

static void in_order_the_cursor_moves_and_needs_no_ranges(void **state)
{
    static const uint64_t all[] = {1, 2, 3};
    struct sfe_cursor cursor = settle(all, 3);

    (void)state;
    assert_int_equal(cursor.sequence, 4);
    assert_int_equal(cursor.range_count, 0);
    assert_false(sfe_settled_has(&cursor, 4));
}

static void ranges_grow_at_both_ends_and_meet(void **state)
{
    static const uint64_t all[] = {5, 7, 6, 4, 9};
    struct sfe_cursor cursor = settle(all, 5);

    (void)state;
    assert_int_equal(cursor.sequence, 1);
    assert_int_equal(cursor.range_count, 2);
    assert_int_equal(cursor.ranges[0].begin, 4);
    assert_int_equal(cursor.ranges[0].end, 8);
    assert_false(sfe_settled_has(&cursor, 8));
}

static void a_gap_that_closes_lets_the_cursor_pass(void **state)
{
    static const uint64_t all[] = {2, 4, 1, 3};
    struct sfe_cursor cursor = settle(all, 4);

    (void)state;
    assert_int_equal(cursor.sequence, 5);
    assert_int_equal(cursor.range_count, 0);
}

static void any_order_settles_exactly_what_was_given(void **state)
{
    (void)state;
    for (uint32_t mask = 0; mask < 256; mask++) {
        struct sfe_cursor cursor = {.sequence = 1};
        for (uint32_t i = 0; i < 8; i++) {
            const uint32_t bit = (i * 5u + 3u) % 8u;
            if ((mask >> bit & 1u) != 0) {
                assert_int_equal(sfe_settled_add(&cursor, bit + 1u, &err), SFE_OK);
            }
        }
        for (uint32_t bit = 0; bit < 8; bit++) {
            assert_true(sfe_settled_has(&cursor, bit + 1u) == ((mask >> bit & 1u) != 0));
        }
    }
}

static void too_many_gaps_are_refused_and_nothing_changes(void **state)
{
    struct sfe_cursor cursor = {.sequence = 1};

    (void)state;
    for (uint64_t i = 0; i < SFE_CURSOR_RANGES_MAX; i++) {
        assert_int_equal(sfe_settled_add(&cursor, 3u + 2u * i, &err), SFE_OK);
    }
    assert_int_equal(sfe_settled_add(&cursor, 1000, &err), SFE_E_FULL);
    assert_false(sfe_settled_has(&cursor, 1000));
    assert_int_equal(sfe_settled_add(&cursor, 1, &err), SFE_OK);
    assert_int_equal(sfe_settled_add(&cursor, 2, &err), SFE_OK);
    assert_int_equal(sfe_settled_add(&cursor, 1000, &err), SFE_OK);
}

static void what_is_gone_is_settled(void **state)
{
    static const uint64_t all[] = {5, 9};
    struct sfe_cursor cursor = settle(all, 2);

    (void)state;
    sfe_settled_pass(&cursor, 5);
    assert_int_equal(cursor.sequence, 6);
    assert_int_equal(cursor.range_count, 1);
    sfe_settled_pass(&cursor, 3);
    assert_int_equal(cursor.sequence, 6);
    assert_false(sfe_settled_has(NULL, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_the_cursor_moves_and_needs_no_ranges),
        cmocka_unit_test(ranges_grow_at_both_ends_and_meet),
        cmocka_unit_test(a_gap_that_closes_lets_the_cursor_pass),
        cmocka_unit_test(any_order_settles_exactly_what_was_given),
        cmocka_unit_test(too_many_gaps_are_refused_and_nothing_changes),
        cmocka_unit_test(what_is_gone_is_settled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
