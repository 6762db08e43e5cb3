#include "unit.h"

#include "base/arena.h"

static struct sfe_error err;

static void takes_are_zeroed_aligned_and_apart(void **state)
{
    struct sfe_arena *arena = NULL;
    (void)state;
    assert_int_equal(sfe_arena_open(4096, &arena, &err), SFE_OK);
    uint8_t *first = sfe_arena_take(arena, 5, &err);
    uint8_t *second = sfe_arena_take(arena, 40, &err);
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal((uintptr_t)first % _Alignof(max_align_t), 0);
    assert_int_equal((uintptr_t)second % _Alignof(max_align_t), 0);
    assert_true(second >= first + 5);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(second[i], 0);
    }
    memset(first, 0xFF, 5);
    memset(second, 0xFF, 40);
    sfe_arena_close(arena);
}

static void take_fails_past_the_limit_and_only_then(void **state)
{
    struct sfe_arena *arena = NULL;
    (void)state;
    assert_int_equal(sfe_arena_open(100, &arena, &err), SFE_OK);
    assert_non_null(sfe_arena_take(arena, 100, &err));
    assert_int_equal(sfe_arena_taken(arena), 100);
    assert_null(sfe_arena_take(arena, 1, &err));
    assert_int_equal(err.code, SFE_E_NO_MEMORY);
    assert_int_equal(sfe_arena_taken(arena), 100);
    assert_null(sfe_arena_take(arena, SIZE_MAX, &err));
    sfe_arena_close(arena);
}

static void what_alignment_costs_counts_against_the_limit(void **state)
{
    struct sfe_arena *arena = NULL;
    size_t gap = _Alignof(max_align_t) - 1;
    (void)state;
    assert_int_equal(sfe_arena_open(100, &arena, &err), SFE_OK);
    assert_non_null(sfe_arena_take(arena, 1, &err));
    assert_null(sfe_arena_take(arena, 100 - gap, &err));
    assert_non_null(sfe_arena_take(arena, 99 - gap, &err));
    sfe_arena_close(arena);
}

static void a_builder_has_the_room_it_was_given_or_none(void **state)
{
    struct sfe_arena *arena = NULL;
    struct sfe_builder builder;
    (void)state;
    assert_int_equal(sfe_arena_open(100, &arena, &err), SFE_OK);
    assert_int_equal(sfe_arena_take_builder(arena, 60, &builder, &err), SFE_OK);
    assert_int_equal(sfe_builder_room(&builder), 60);
    assert_int_equal(sfe_arena_take_builder(arena, 60, &builder, &err), SFE_E_NO_MEMORY);
    assert_int_equal(sfe_builder_room(&builder), 0);
    sfe_builder_add_byte(&builder, 'a');
    assert_true(builder.overflowed);
    sfe_arena_close(arena);
}

static void open_refuses_a_size_that_would_wrap(void **state)
{
    struct sfe_arena *arena = NULL;
    (void)state;
    assert_int_equal(sfe_arena_open(SIZE_MAX, &arena, &err), SFE_E_NO_MEMORY);
    assert_null(arena);
    sfe_arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_are_zeroed_aligned_and_apart),
        cmocka_unit_test(take_fails_past_the_limit_and_only_then),
        cmocka_unit_test(what_alignment_costs_counts_against_the_limit),
        cmocka_unit_test(a_builder_has_the_room_it_was_given_or_none),
        cmocka_unit_test(open_refuses_a_size_that_would_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
