#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/learned_clock.h"

#include <string.h>

#define SECOND INT64_C(1000000000)
#define NOW_S  INT64_C(1795478400)

struct platform {
    uint64_t now_ns;
    int64_t wall_ns;
    enum sfe_clock_quality quality;
    struct sfe_learned_clock learned;
    struct sfe_clock clock;
};

static uint64_t monotonic_ns(void *context)
{
    return ((struct platform *)context)->now_ns;
}

static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    *unix_ns = ((struct platform *)context)->wall_ns;
    return ((struct platform *)context)->quality;
}

static void boot_id(void *context, uint8_t id[16])
{
    (void)context;
    memset(id, 7, 16);
}

static void put(struct platform *platform)
{
    *platform = (struct platform){.now_ns = 100 * SECOND, .wall_ns = 100 * SECOND};
    platform->clock = (struct sfe_clock){platform, monotonic_ns, wall_ns, boot_id};
    sfe_learned_clock_put(&platform->learned, &platform->clock);
}

static enum sfe_clock_quality tell(struct platform *platform, int64_t *unix_ns)
{
    return platform->clock.wall_ns(platform->clock.context, unix_ns);
}

static void an_unset_clock_stays_unset_until_somebody_tells(void **state)
{
    struct platform platform;
    int64_t unix_ns = 0;

    (void)state;
    put(&platform);
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_UNSET);
    assert_true(sfe_learned_clock_learn(&platform.learned, NOW_S));
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_COASTING);
    assert_int_equal(unix_ns, NOW_S * SECOND);
    platform.now_ns += 10 * SECOND;
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_COASTING);
    assert_int_equal(unix_ns, (NOW_S + 10) * SECOND);
}

static void the_platforms_clock_counts_as_soon_as_it_is_set(void **state)
{
    struct platform platform;
    int64_t unix_ns = 0;

    (void)state;
    put(&platform);
    (void)sfe_learned_clock_learn(&platform.learned, NOW_S);
    platform.quality = SFE_CLOCK_SYNCED;
    platform.wall_ns = (NOW_S - 86400) * SECOND;
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_SYNCED);
    assert_int_equal(unix_ns, platform.wall_ns);
}

static void small_differences_do_not_move_the_time(void **state)
{
    struct platform platform;
    int64_t unix_ns = 0;

    (void)state;
    put(&platform);
    (void)sfe_learned_clock_learn(&platform.learned, NOW_S);
    assert_false(sfe_learned_clock_learn(&platform.learned, NOW_S - 1));
    (void)tell(&platform, &unix_ns);
    assert_int_equal(unix_ns, NOW_S * SECOND);
    assert_true(sfe_learned_clock_learn(&platform.learned, NOW_S + 3600));
    (void)tell(&platform, &unix_ns);
    assert_int_equal(unix_ns, (NOW_S + 3600) * SECOND);
}

static void nonsense_is_not_learned(void **state)
{
    struct platform platform;
    int64_t unix_ns = 0;

    (void)state;
    put(&platform);
    assert_false(sfe_learned_clock_learn(&platform.learned, 12));
    assert_false(sfe_learned_clock_learn(&platform.learned, INT64_MAX));
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_UNSET);
}

static void what_is_not_time_of_day_passes_through(void **state)
{
    struct platform platform;
    uint8_t id[16] = {0};

    (void)state;
    put(&platform);
    assert_int_equal(sfe_clock_monotonic_ns(&platform.clock), platform.now_ns);
    platform.clock.boot_id(platform.clock.context, id);
    assert_int_equal(id[15], 7);
}

/* A battery that failed: the clock is well after the build, and before what was seen on flash. */
static void a_clock_before_the_floor_is_unset_unless_it_is_synchronised(void **state)
{
    struct platform platform;
    int64_t unix_ns = 0;

    (void)state;
    put(&platform);
    platform.quality = SFE_CLOCK_COASTING;
    platform.wall_ns = (NOW_S - 86400) * SECOND;
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_COASTING);
    assert_false(sfe_learned_clock_is_sure(&platform.learned, &unix_ns));
    sfe_learned_clock_set_floor(&platform.learned, NOW_S * SECOND);
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_UNSET);
    assert_false(sfe_learned_clock_is_sure(&platform.learned, &unix_ns));
    (void)sfe_learned_clock_learn(&platform.learned, NOW_S + 5);
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_COASTING);
    assert_int_equal(unix_ns, (NOW_S + 5) * SECOND);
    assert_true(sfe_learned_clock_is_sure(&platform.learned, &unix_ns));
    assert_int_equal(unix_ns, (NOW_S + 5) * SECOND);
    /* It may be the floor that is wrong. */
    platform.quality = SFE_CLOCK_SYNCED;
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_SYNCED);
    assert_int_equal(unix_ns, platform.wall_ns);
    assert_true(sfe_learned_clock_is_sure(&platform.learned, &unix_ns));
    /* Ahead is not known to be wrong. */
    platform.quality = SFE_CLOCK_COASTING;
    platform.wall_ns = (NOW_S + 86400) * SECOND;
    assert_int_equal(tell(&platform, &unix_ns), SFE_CLOCK_COASTING);
    assert_int_equal(unix_ns, platform.wall_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unset_clock_stays_unset_until_somebody_tells),
        cmocka_unit_test(the_platforms_clock_counts_as_soon_as_it_is_set),
        cmocka_unit_test(small_differences_do_not_move_the_time),
        cmocka_unit_test(nonsense_is_not_learned),
        cmocka_unit_test(what_is_not_time_of_day_passes_through),
        cmocka_unit_test(a_clock_before_the_floor_is_unset_unless_it_is_synchronised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
