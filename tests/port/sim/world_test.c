#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/world.h"

#include <string.h>

static uint64_t count_call(void *owner, uint64_t now_ns)
{
    uint64_t *calls = owner;

    (*calls)++;
    return now_ns + 5000000000u;
}

static void one_seed_makes_one_history(void **state)
{
    struct sim_world worlds[2];
    uint64_t calls[2][2] = {{0, 0}, {0, 0}};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct sim_turn turns[2] = {{&calls[i][0], count_call, 0}, {&calls[i][1], count_call, 0}};
        sim_world_begin(&worlds[i], 42);
        for (uint32_t step = 0; step < 200; step++) {
            sim_world_turn(&worlds[i], turns, 2);
        }
    }
    assert_int_equal(worlds[0].now_ns, worlds[1].now_ns);
    assert_memory_equal(calls[0], calls[1], sizeof(calls[0]));
    assert_int_not_equal(calls[0][0], calls[0][1]);
}

static void the_clock_is_unset_after_a_boot_and_monotonic_time_goes_on(void **state)
{
    struct sim_world world;
    struct sfe_clock clock;
    int64_t unix_ns = 0;
    uint8_t ids[2][16];

    (void)state;
    sim_world_begin(&world, 1);
    sim_clock(&world, &clock);
    assert_int_equal(clock.wall_ns(clock.context, &unix_ns), SFE_CLOCK_UNSET);
    const uint64_t before_ns = sfe_clock_monotonic_ns(&clock);
    sim_world_pass(&world, 10);
    assert_int_equal(sfe_clock_monotonic_ns(&clock), before_ns + 10);
    sim_world_set_clock(&world);
    assert_int_not_equal(clock.wall_ns(clock.context, &unix_ns), SFE_CLOCK_UNSET);
    assert_true(unix_ns > INT64_C(1700000000000000000));
    clock.boot_id(clock.context, ids[0]);
    sim_world_boot(&world);
    clock.boot_id(clock.context, ids[1]);
    assert_memory_not_equal(ids[0], ids[1], sizeof(ids[0]));
    assert_int_equal(clock.wall_ns(clock.context, &unix_ns), SFE_CLOCK_UNSET);
}

static void random_bytes_may_come_too_early(void **state)
{
    struct sim_world world;
    struct sfe_entropy entropy;
    struct sfe_error err;
    uint8_t bytes[2][20] = {{0}, {0}};

    (void)state;
    sim_world_begin(&world, 1);
    sim_entropy(&world, &entropy);
    assert_int_equal(entropy.fill(entropy.context, bytes[0], sizeof(bytes[0]), &err), SFE_OK);
    assert_memory_not_equal(bytes[0], bytes[1], sizeof(bytes[0]));
    world.has_no_entropy = true;
    assert_int_equal(entropy.fill(entropy.context, bytes[0], 4, &err), SFE_E_NOT_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_makes_one_history),
        cmocka_unit_test(the_clock_is_unset_after_a_boot_and_monotonic_time_goes_on),
        cmocka_unit_test(random_bytes_may_come_too_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
