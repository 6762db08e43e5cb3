#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "bulk/rows.h"

#define ROWS 100u

struct world {
    struct sfe_arena *arena;
    struct bulk_rows rows;
};

static int setup(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(1u << 20, &world->arena, &err), SFE_OK);
    size_t before = sfe_arena_taken(world->arena);
    assert_int_equal(bulk_rows_open(&world->rows, ROWS, world->arena, &err), SFE_OK);
    assert_int_equal(sfe_arena_taken(world->arena) - before, bulk_rows_memory_bytes(ROWS));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    sfe_arena_close(world->arena);
    test_free(world);
    return 0;
}

static void an_id_of_another_event_is_refused_and_one_of_the_same_counted(void **state)
{
    struct bulk_rows *rows = &((struct world *)*state)->rows;

    assert_int_equal(bulk_rows_add(rows, 7, 0, 1), SFE_OK);
    assert_int_equal(bulk_rows_add(rows, 7, 0, 2), SFE_E_AGAIN);
    assert_int_equal(bulk_rows_add(rows, 7, 0, 1), SFE_OK);
    assert_int_equal(bulk_rows_find(rows, 7)->times, 2);
    assert_int_equal(bulk_rows_find(rows, 7)->event, 1);
    assert_null(bulk_rows_find(rows, 8));
}

static void what_is_taken_back_was_never_there(void **state)
{
    struct bulk_rows *rows = &((struct world *)*state)->rows;

    /* Many in one run of places: taking back in the wrong order would lose those behind. */
    for (uint64_t i = 1; i <= ROWS / 2; i++) {
        assert_int_equal(bulk_rows_add(rows, i, 0, (uint32_t)i), SFE_OK);
    }
    for (uint64_t i = ROWS / 2 + 1; i <= ROWS; i++) {
        assert_int_equal(bulk_rows_add(rows, i, 0, 500), SFE_OK);
    }
    assert_int_equal(bulk_rows_add(rows, 1000, 0, 500), SFE_E_FULL);
    bulk_rows_rewind(rows, ROWS / 2);
    for (uint64_t i = 1; i <= ROWS; i++) {
        assert_int_equal(bulk_rows_find(rows, i) != NULL, i <= ROWS / 2);
    }
    bulk_rows_rewind(rows, 0);
    for (uint32_t i = 0; i <= rows->mask; i++) {
        assert_int_equal(rows->places[i], 0);
    }
}

static void ids_are_alike_whatever_their_case_but_not_across_maps(void **state)
{
    (void)state;
    assert_int_equal(bulk_rows_hash(0, SFE_TEXT("r1")), bulk_rows_hash(0, SFE_TEXT("R1")));
    assert_int_not_equal(bulk_rows_hash(0, SFE_TEXT("r1")), bulk_rows_hash(1, SFE_TEXT("r1")));
    assert_int_not_equal(bulk_rows_hash(0, SFE_TEXT("r1")), bulk_rows_hash(0, SFE_TEXT("r2")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_id_of_another_event_is_refused_and_one_of_the_same_counted),
        TEST(what_is_taken_back_was_never_there),
        TEST(ids_are_alike_whatever_their_case_but_not_across_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
