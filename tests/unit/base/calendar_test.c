#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/calendar.h"

static void days_are_counted_from_1970_both_ways(void **state)
{
    (void)state;
    assert_int_equal(sfe_calendar_days((struct sfe_date){1970, 1, 1}), 0);
    assert_int_equal(sfe_calendar_days((struct sfe_date){1969, 12, 31}), -1);
    assert_int_equal(sfe_calendar_days((struct sfe_date){2000, 3, 1}), 11017);
    assert_int_equal(sfe_calendar_days((struct sfe_date){2026, 11, 25}), 20782);
}

static void a_date_and_its_day_are_the_same(void **state)
{
    (void)state;
    for (int64_t days = -110000; days < 110000; days++) {
        const struct sfe_date date = sfe_calendar_date(days);
        assert_true(sfe_calendar_has(date));
        assert_int_equal(sfe_calendar_days(date), days);
    }
}

static void only_days_that_exist_are_taken(void **state)
{
    (void)state;
    assert_true(sfe_calendar_has((struct sfe_date){2024, 2, 29}));
    assert_false(sfe_calendar_has((struct sfe_date){2026, 2, 29}));
    assert_false(sfe_calendar_has((struct sfe_date){1900, 2, 29}));
    assert_true(sfe_calendar_has((struct sfe_date){2000, 2, 29}));
    assert_false(sfe_calendar_has((struct sfe_date){2026, 4, 31}));
    assert_false(sfe_calendar_has((struct sfe_date){2026, 13, 1}));
    assert_false(sfe_calendar_has((struct sfe_date){2026, 0, 1}));
    assert_false(sfe_calendar_has((struct sfe_date){2026, 1, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_counted_from_1970_both_ways),
        cmocka_unit_test(a_date_and_its_day_are_the_same),
        cmocka_unit_test(only_days_that_exist_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
