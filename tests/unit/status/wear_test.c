#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "status/rate.h"
#include "status/wear.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define GIB       (UINT64_C(1) << 30)

static void nothing_yet_is_no_division_by_nothing(void **state)
{
    const struct sfe_wear_facts facts = {0};
    struct sfe_wear wear;

    (void)state;
    memset(&wear, 0xff, sizeof(wear));
    sfe_wear_project(&facts, &wear);
    assert_int_equal(wear.syncs_per_thousand_events, 0);
    assert_int_equal(wear.bytes_per_thousand_payload, 0);
    assert_int_equal(wear.bytes_per_day, 0);
    assert_int_equal(wear.average_bytes_per_day, 0);
    assert_int_equal(wear.life_days, 0);
}

/* A site for a month: every ten seconds a reading of 300 bytes, in a page and a sync of its own,
 * and with it a page of cursors; every 1,024 such pages a new segment: two pages of header, and one
 * for the directory. */
static void a_month_of_a_small_site_on_4_gib(void **state)
{
    struct sfe_wear_facts facts = {.flash_bytes = 4 * GIB, .flash_cycles = 3000};
    struct sfe_rate rate;
    struct sfe_wear wear;

    (void)state;
    memset(&rate, 0, sizeof(rate));
    for (uint64_t second = 0; second <= 30u * 86400u; second++) {
        if (second % 10 == 0 && second != 0) {
            facts.events++;
            facts.payload_bytes += 300;
            facts.written_bytes += 2u * 4096u;
            facts.syncs += 2;
            if (facts.events % 1024 == 0) {
                facts.written_bytes += 3u * 4096u;
                facts.syncs++;
            }
        }
        if (second % 5 == 0) {
            sfe_rate_sample(&rate, facts.written_bytes, (second + 1u) * SECOND_NS);
        }
        facts.uptime_ns = second * SECOND_NS;
    }
    facts.last_minute_bytes = sfe_rate_per_minute(&rate, facts.written_bytes);
    sfe_wear_project(&facts, &wear);
    assert_int_equal(facts.events, 259200);
    /* 259,200 pairs of pages, and 253 times three. */
    assert_int_equal(facts.written_bytes, (259200u * 2u + 253u * 3u) * UINT64_C(4096));
    assert_int_equal(wear.average_bytes_per_day, (259200u * 2u + 253u * 3u) * UINT64_C(4096) / 30u);
    /* Six readings in a minute. */
    assert_int_equal(wear.bytes_per_day, 6u * 2u * 4096u * 1440u);
    assert_int_equal(wear.syncs_per_thousand_events, 2001);
    assert_int_equal(wear.bytes_per_thousand_payload, 27347);
    /* 12.9 TB at 70.9 MB a day. */
    assert_int_equal(wear.life_days, 4 * GIB * 3000u / wear.average_bytes_per_day);
    assert_in_range(wear.life_days, 181000, 182500);
}

static void a_few_seconds_are_not_taken_for_a_day(void **state)
{
    struct sfe_wear_facts facts = {.written_bytes = 28u * 4096u,
                                   .uptime_ns = 4u * SECOND_NS,
                                   .flash_bytes = 4 * GIB,
                                   .flash_cycles = 3000};
    struct sfe_wear wear;

    (void)state;
    sfe_wear_project(&facts, &wear);
    assert_int_equal(wear.average_bytes_per_day, 0);
    assert_int_equal(wear.life_days, 0);
    facts.uptime_ns = 3600u * SECOND_NS;
    sfe_wear_project(&facts, &wear);
    assert_int_equal(wear.average_bytes_per_day, 24u * 28u * 4096u);
}

static void large_figures_do_not_overflow(void **state)
{
    const struct sfe_wear_facts facts = {.written_bytes = UINT64_C(1) << 60,
                                         .uptime_ns = 400u * 86400u * SECOND_NS,
                                         .events = 1,
                                         .payload_bytes = UINT64_C(1) << 50,
                                         .flash_bytes = 1024 * GIB,
                                         .flash_cycles = 10000000};
    const struct sfe_wear_facts idle = {.written_bytes = 4096,
                                        .uptime_ns = 400u * 86400u * SECOND_NS,
                                        .flash_bytes = 1024 * GIB,
                                        .flash_cycles = 10000000};
    struct sfe_wear wear;

    (void)state;
    sfe_wear_project(&facts, &wear);
    assert_int_equal(wear.average_bytes_per_day, (UINT64_C(1) << 60) / 400u);
    sfe_wear_project(&idle, &wear);
    assert_int_equal(wear.life_days, SFE_WEAR_DAYS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_yet_is_no_division_by_nothing),
        cmocka_unit_test(a_month_of_a_small_site_on_4_gib),
        cmocka_unit_test(a_few_seconds_are_not_taken_for_a_day),
        cmocka_unit_test(large_figures_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
