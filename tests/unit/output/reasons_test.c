#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "output/reasons.h"

#define KEPT 4u

struct world {
    struct sfe_arena *arena;
    struct sfe_reasons *reasons;
};

static int setup(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(1u << 20, &world->arena, &err), SFE_OK);
    size_t before = sfe_arena_taken(world->arena);
    world->reasons = sfe_reasons_open(KEPT, world->arena, &err);
    assert_non_null(world->reasons);
    const size_t taken = sfe_arena_taken(world->arena) - before;
    const size_t said = sfe_reasons_memory_bytes(KEPT);
    assert_true(taken <= said && said - taken < 2 * sizeof(max_align_t));
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

static uint32_t keep(struct world *world, const char *code, unsigned number)
{
    struct sfe_error err;

    (void)sfe_fail(&err, SFE_E_API, "record %u", number);
    (void)sfe_error_api(&err, 200, code, SFE_RETRY_NEVER);
    return sfe_reasons_keep(world->reasons, &err);
}

static void the_same_reason_is_kept_once(void **state)
{
    struct world *world = *state;

    uint32_t first = keep(world, "A", 1);
    assert_int_equal(keep(world, "A", 1), first);
    assert_int_not_equal(keep(world, "A", 2), first);
    sfe_reasons_drop(world->reasons, first);
    assert_string_equal(sfe_reasons_at(world->reasons, first)->message, "record 1");
    sfe_reasons_drop(world->reasons, first);
    assert_int_equal(keep(world, "B", 3), first); /* Its place was free again. */
}

static void beyond_the_bound_a_reason_keeps_its_code_and_not_its_words(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < KEPT; i++) {
        (void)keep(world, "A", i);
    }
    uint32_t place = keep(world, "B", 10);
    assert_string_equal(sfe_reasons_at(world->reasons, place)->api_code, "B");
    assert_int_equal(sfe_reasons_at(world->reasons, place)->retry, SFE_RETRY_NEVER);
    assert_int_equal(keep(world, "B", 11), place);
    assert_int_not_equal(keep(world, "C", 12), place);
}

static void there_is_always_a_reason(void **state)
{
    struct world *world = *state;
    char code[8] = "C000";

    for (unsigned i = 0; i < 500; i++) {
        code[1] = (char)('0' + i / 100);
        code[2] = (char)('0' + i / 10 % 10);
        code[3] = (char)('0' + i % 10);
        assert_int_equal(sfe_reasons_at(world->reasons, keep(world, code, i))->code, SFE_E_API);
    }
    sfe_reasons_clear(world->reasons);
    assert_int_equal(keep(world, "A", 1), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_same_reason_is_kept_once),
        TEST(beyond_the_bound_a_reason_keeps_its_code_and_not_its_words),
        TEST(there_is_always_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
