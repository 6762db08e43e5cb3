#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream/walk.h"
#include "stream_world.h"

static int begin(void **state)
{
    struct world *world = world_open(9);
    world_must_start(world);
    for (uint32_t i = 0; i < 60; i++) {
        world_write(world, 3, 1500);
    }
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

static uint32_t names;

static void count_name(void *visitor, const char *name)
{
    (void)visitor;
    assert_string_equal(name, "sales");
    names++;
}

static void a_stream_with_many_files_is_named_once(void **state)
{
    struct world *world = *state;
    names = 0;
    assert_int_equal(sfe_stream_walk_names(&world->memory->storage, count_name, NULL, &world->err),
                     SFE_OK);
    assert_int_equal(names, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_with_many_files_is_named_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
