#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/time_zone.h"

#include <stdlib.h>
#include <time.h>

static struct sfe_time_zone zone_of(const char *text)
{
    struct sfe_time_zone zone;
    struct sfe_error err;

    assert_int_equal(sfe_time_zone_parse(sfe_slice_text(text), &zone, &err), SFE_OK);
    return zone;
}

static void daylight_saving_begins_and_ends_to_the_second(void **state)
{
    const struct sfe_time_zone zone = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");

    (void)state;
    /* 2026: from 29 March to 25 October, at 01:00 UTC each. */
    assert_int_equal(sfe_time_zone_at(&zone, 1774746000 - 1), 3600);
    assert_int_equal(sfe_time_zone_at(&zone, 1774746000), 7200);
    assert_int_equal(sfe_time_zone_at(&zone, 1792890000 - 1), 7200);
    assert_int_equal(sfe_time_zone_at(&zone, 1792890000), 3600);
}

static void an_hour_that_comes_twice_is_the_first_and_one_left_out_is_counted_on(void **state)
{
    const struct sfe_time_zone zone = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    const int64_t autumn = 1792890000; /* 03:00 there becomes 02:00. */
    const int64_t spring = 1774746000; /* 02:00 there becomes 03:00. */

    (void)state;
    assert_int_equal(sfe_time_zone_unix(&zone, autumn + 3600 + 1800), autumn - 1800);
    assert_int_equal(sfe_time_zone_unix(&zone, autumn + 2 * 3600), autumn + 3600);
    assert_int_equal(sfe_time_zone_unix(&zone, autumn + 3599), autumn - 3601);
    assert_int_equal(sfe_time_zone_unix(&zone, spring + 3600 + 1800), spring + 1800);
    assert_int_equal(sfe_time_zone_unix(&zone, spring + 3600 - 1), spring - 1);
    assert_int_equal(sfe_time_zone_unix(&zone, spring + 2 * 3600), spring);
}

/* In Ireland the rule is written the other way round: winter is less than the standard. */
static void an_hour_that_comes_twice_is_the_first_where_winter_is_the_exception(void **state)
{
    const struct sfe_time_zone zone = zone_of("IST-1GMT0,M10.5.0,M3.5.0/1");
    const int64_t autumn = 1792890000; /* 02:00 there becomes 01:00. */
    const int64_t spring = 1774746000; /* 01:00 there becomes 02:00. */

    (void)state;
    assert_int_equal(sfe_time_zone_unix(&zone, autumn + 1800), autumn - 1800);
    assert_int_equal(sfe_time_zone_unix(&zone, autumn + 3600), autumn + 3600);
    assert_int_equal(sfe_time_zone_unix(&zone, autumn - 1), autumn - 3601);
    assert_int_equal(sfe_time_zone_unix(&zone, spring + 1800), spring + 1800);
    assert_int_equal(sfe_time_zone_unix(&zone, spring - 1), spring - 1);
    assert_int_equal(sfe_time_zone_unix(&zone, spring + 3600), spring);
}

/* The C library knows them too. */
static void zones_of_the_world_are_as_the_system_has_them(void **state)
{
    static const char *const zones[] = {
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "AEST-10AEDT,M10.1.0,M4.1.0/3",
        "<+0530>-5:30",
        "NST3:30NDT,M3.2.0,M11.1.0",
        "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "UTC0",
        "AAA3BBB,J60/2,J300/2",
        "AAA3BBB,59/2,299/2",
        "EET-2EEST,M3.5.0/3,M10.5.0/4",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        const struct sfe_time_zone zone = zone_of(zones[i]);
        assert_int_equal(setenv("TZ", zones[i], 1), 0);
        tzset();
        for (int64_t unix_s = 1704067200; unix_s < 1830297600; unix_s += 1801) {
            struct tm there;
            const time_t time = (time_t)unix_s;
            assert_non_null(localtime_r(&time, &there));
            assert_int_equal(sfe_time_zone_at(&zone, unix_s), there.tm_gmtoff);
        }
    }
}

static void without_rules_the_clocks_change_as_in_the_united_states(void **state)
{
    const struct sfe_time_zone zone = zone_of("EST5EDT");

    (void)state;
    assert_int_equal(sfe_time_zone_at(&zone, 1783000000), -4 * 3600); /* July 2026. */
    assert_int_equal(sfe_time_zone_at(&zone, 1768000000), -5 * 3600); /* January 2026. */
}

static void what_is_no_zone_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "1",
                                        "AB1",
                                        "AB1CEST",
                                        "CET-1C2",
                                        "CET-1CEST,M0.5.0,M10.5.0",
                                        "CE-1",
                                        "CET",
                                        "CET-25",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1C",
                                        "<+05-5",
                                        "<>5",
                                        "CET-1CEST,M13.1.0,M10.5.0",
                                        "CET-1 CEST",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1CEST,M3.5.7,M10.5.0",
                                        "CET-1CEST,J0,J300",
                                        "CET-1CEST,M3.5.0,M10.5.0/168",
                                        "CET-1CEST,M3.5.0,M10.5.0x",
                                        "CET-1:60",
                                        "Europe/Berlin",
                                        "CET-99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct sfe_time_zone zone;
        struct sfe_error err;
        assert_int_equal(sfe_time_zone_parse(sfe_slice_text(wrong[i]), &zone, &err), SFE_E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(daylight_saving_begins_and_ends_to_the_second),
        cmocka_unit_test(an_hour_that_comes_twice_is_the_first_and_one_left_out_is_counted_on),
        cmocka_unit_test(an_hour_that_comes_twice_is_the_first_where_winter_is_the_exception),
        cmocka_unit_test(zones_of_the_world_are_as_the_system_has_them),
        cmocka_unit_test(without_rules_the_clocks_change_as_in_the_united_states),
        cmocka_unit_test(what_is_no_zone_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
