#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream/table.h"

struct fixture {
    struct segment items[8];
    struct segment_table table;
};

static void add(struct fixture *fixture, uint32_t number, uint64_t first)
{
    const struct segment segment = {
        .number = number, .first_sequence = first, .file_bytes = number * 10u};
    table_add(&fixture->table, &segment);
}

static struct fixture make(void)
{
    return (struct fixture){.table = {.capacity = 8}};
}

static void a_sequence_is_found_in_the_newest_segment_that_begins_before_it(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct segment_view view;
    fixture.table.items = fixture.items;
    assert_false(table_view_of(&fixture.table, 1, &view));
    add(&fixture, 3, 10);
    add(&fixture, 5, 20);
    add(&fixture, 6, 20); /* The one before gave its frames up. */
    add(&fixture, 9, 31);
    const struct {
        uint64_t sequence;
        uint32_t number;
    } expected[] = {{1, 3}, {10, 3}, {19, 3}, {20, 6}, {30, 6}, {31, 9}, {999, 9}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(table_view_of(&fixture.table, expected[i].sequence, &view));
        assert_int_equal(view.segment.number, expected[i].number);
    }
}

static void a_segment_s_limit_is_where_the_next_kept_one_begins(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct segment_view view;
    fixture.table.items = fixture.items;
    add(&fixture, 3, 10);
    add(&fixture, 5, 20);
    add(&fixture, 9, 31);
    assert_true(table_view(&fixture.table, 3, &view));
    assert_int_equal(view.limit, 20);
    table_find(&fixture.table, 5)->is_doomed = true;
    assert_true(table_view(&fixture.table, 3, &view));
    assert_int_equal(view.limit, 31);
    assert_false(table_view(&fixture.table, 5, &view));
    assert_true(table_view_after(&fixture.table, 3, &view));
    assert_int_equal(view.segment.number, 9);
    assert_false(view.has_next);
    assert_int_equal(view.limit, UINT64_MAX);
    assert_false(table_view_after(&fixture.table, 9, &view));
    assert_false(table_view(&fixture.table, 4, &view));
}

static void removing_keeps_the_others(void **state)
{
    (void)state;
    struct fixture fixture = make();
    fixture.table.items = fixture.items;
    add(&fixture, 3, 10);
    add(&fixture, 5, 20);
    add(&fixture, 9, 31);
    assert_int_equal(table_file_bytes(&fixture.table), 170);
    table_remove(&fixture.table, 5);
    assert_null(table_find(&fixture.table, 5));
    assert_int_equal(table_find(&fixture.table, 3)->first_sequence, 10);
    assert_int_equal(table_find(&fixture.table, 9)->first_sequence, 31);
    assert_int_equal(table_file_bytes(&fixture.table), 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequence_is_found_in_the_newest_segment_that_begins_before_it),
        cmocka_unit_test(a_segment_s_limit_is_where_the_next_kept_one_begins),
        cmocka_unit_test(removing_keeps_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
