#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "posix/posix.h"
#include "real_platform.h"

#include <stdio.h>
#include <string.h>

static void monotonic_time_never_goes_back(void **state)
{
    struct sfe_clock clock;
    (void)state;
    sfe_posix_clock(&clock);
    uint64_t last_ns = sfe_clock_monotonic_ns(&clock);
    for (int i = 0; i < 1000; i++) {
        uint64_t now_ns = sfe_clock_monotonic_ns(&clock);
        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
    }
}

static void wall_time_agrees_with_the_system(void **state)
{
    struct sfe_clock clock;
    struct timespec now;
    int64_t unix_ns = 0;
    (void)state;
    sfe_posix_clock(&clock);
    enum sfe_clock_quality quality = clock.wall_ns(clock.context, &unix_ns);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    int64_t difference_s = now.tv_sec - unix_ns / 1000000000;
    assert_true(difference_s >= 0 && difference_s < 3600);
    assert_int_equal(quality == SFE_CLOCK_UNSET, now.tv_sec < SFE_BUILD_UNIX_S);
    assert_true(SFE_BUILD_UNIX_S >= 1735689600);
}

static void boot_id_is_the_systems_and_stays(void **state)
{
    struct sfe_clock clock;
    uint8_t first[16] = {0};
    uint8_t second[16] = {0};
    unsigned begin = 0;
    (void)state;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (file == NULL) {
        skip();
    }
    assert_int_equal(fscanf(file, "%8x", &begin), 1);
    (void)fclose(file);
    sfe_posix_clock(&clock);
    clock.boot_id(clock.context, first);
    clock.boot_id(clock.context, second);
    assert_memory_equal(first, second, 16);
    assert_int_equal((unsigned)first[0] << 24 | (unsigned)first[1] << 16 | (unsigned)first[2] << 8 |
                         first[3],
                     begin);
}

static void nap_ends_at_the_given_time_and_is_cut(void **state)
{
    (void)state;
    assert_true(sfe_posix_nap_ns(0) == 0);
    assert_true(sfe_posix_nap_ns(sfe_posix_now_ns()) == 0);
    assert_true(sfe_posix_nap_ns(UINT64_MAX) == SFE_POSIX_NAP_NS);
    uint64_t nap_ns = sfe_posix_nap_ns(sfe_posix_now_ns() + 1000000000u);
    assert_true(nap_ns <= 1000000000u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(wall_time_agrees_with_the_system),
        cmocka_unit_test(boot_id_is_the_systems_and_stays),
        cmocka_unit_test(nap_ends_at_the_given_time_and_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
