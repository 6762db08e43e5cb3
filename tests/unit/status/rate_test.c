#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "status/rate.h"

static void rate_is_nothing_before_the_first_sample(void **state)
{
    struct sfe_rate rate = {0};

    (void)state;
    assert_int_equal(sfe_rate_per_minute(&rate, 500), 0);
}

static void rate_counts_the_rise_since_the_oldest_sample(void **state)
{
    struct sfe_rate rate = {0};

    (void)state;
    sfe_rate_sample(&rate, 100, 1);
    sfe_rate_sample(&rate, 160, 1 + SFE_RATE_STEP_NS);
    assert_int_equal(sfe_rate_per_minute(&rate, 200), 100);
}

static void rate_forgets_what_is_older_than_a_minute(void **state)
{
    struct sfe_rate rate = {0};
    uint64_t count = 0;

    (void)state;
    for (uint64_t step = 0; step < 40; step++) {
        count += 10;
        sfe_rate_sample(&rate, count, 1 + step * SFE_RATE_STEP_NS);
    }
    assert_int_equal(sfe_rate_per_minute(&rate, count), 120);
}

static void rate_takes_no_sample_before_its_time(void **state)
{
    struct sfe_rate rate = {0};

    (void)state;
    sfe_rate_sample(&rate, 10, 1);
    sfe_rate_sample(&rate, 90, 2);
    assert_int_equal(rate.used, 1);
    assert_int_equal(sfe_rate_per_minute(&rate, 90), 80);
}

static void rate_of_a_counter_that_began_anew_is_nothing(void **state)
{
    struct sfe_rate rate = {0};

    (void)state;
    sfe_rate_sample(&rate, 1000, 1);
    assert_int_equal(sfe_rate_per_minute(&rate, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_is_nothing_before_the_first_sample),
        cmocka_unit_test(rate_counts_the_rise_since_the_oldest_sample),
        cmocka_unit_test(rate_forgets_what_is_older_than_a_minute),
        cmocka_unit_test(rate_takes_no_sample_before_its_time),
        cmocka_unit_test(rate_of_a_counter_that_began_anew_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
