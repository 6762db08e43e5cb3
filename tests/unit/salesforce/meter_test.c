#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "salesforce/meter.h"

#define SECOND UINT64_C(1000000000)

static struct meter meter;
static uint64_t now_ns;
static uint64_t until_ns;

static void begin(uint32_t calls_per_minute, uint32_t bytes_per_second)
{
    now_ns = 500 * SECOND;
    meter_open(&meter, calls_per_minute, bytes_per_second);
}

static bool allows(enum sfe_org_need need)
{
    until_ns = 0;
    return meter_allows(&meter, need, now_ns, &until_ns);
}

static void without_bounds_nothing_waits(void **state)
{
    (void)state;
    begin(0, 0);
    meter_count_call(&meter, now_ns);
    meter_count_bytes(&meter, UINT64_MAX, now_ns);
    assert_true(allows(SFE_ORG_ORDINARY) && allows(SFE_ORG_PRIORITY));
    assert_int_equal(meter_bytes_per_second(&meter, true), 0);
    assert_int_equal(meter_duration_ms(&meter, 1000), 0);
}

static void no_minute_sees_more_calls_than_it_may(void **state)
{
    uint32_t calls = 0;

    (void)state;
    begin(30, 0);
    for (uint64_t end_ns = now_ns + 60 * SECOND; now_ns < end_ns; now_ns += SECOND / 10) {
        if (allows(SFE_ORG_ORDINARY)) {
            meter_count_call(&meter, now_ns);
            calls++;
        }
    }
    assert_int_equal(calls, 30);
}

static void what_was_let_through_is_paid_for_by_who_comes_next(void **state)
{
    (void)state;
    begin(60, 0);
    for (uint32_t i = 0; i < 5; i++) {
        meter_count_call(&meter, now_ns);
    }
    assert_false(allows(SFE_ORG_ORDINARY));
    assert_int_equal(until_ns, now_ns + 5 * SECOND);
    now_ns = until_ns;
    assert_true(allows(SFE_ORG_ORDINARY));
}

/* Requests of 20 kB on a link of 8 KiB/s, as often as they may. */
static void bytes_of_an_hour_are_bounded_by_the_rate_and_one_request(void **state)
{
    uint64_t bytes = 0;

    (void)state;
    begin(0, 8192);
    for (uint64_t end_ns = now_ns + 3600 * SECOND; now_ns < end_ns; now_ns += SECOND / 4) {
        if (allows(SFE_ORG_ORDINARY)) {
            meter_count_bytes(&meter, 20000, now_ns);
            bytes += 20000;
        }
    }
    assert_true(bytes <= 8192u * 3600 + 20000);
    assert_true(bytes > 8192u * 3600 / 10 * 9);
}

static void others_give_way_while_one_waits_with_a_priority(void **state)
{
    (void)state;
    begin(60, 0);
    meter_count_call(&meter, now_ns);
    assert_false(allows(SFE_ORG_PRIORITY));
    assert_false(allows(SFE_ORG_ORDINARY));
    now_ns += SECOND;
    assert_false(allows(SFE_ORG_ORDINARY));
    assert_true(until_ns > now_ns && until_ns < now_ns + SECOND);
    assert_true(allows(SFE_ORG_PRIORITY));
    assert_true(allows(SFE_ORG_ORDINARY)); /* It had the word, and nothing to say. */
}

static void who_waits_no_longer_holds_up_nobody(void **state)
{
    (void)state;
    begin(60, 0);
    meter_count_call(&meter, now_ns);
    assert_false(allows(SFE_ORG_PRIORITY));
    now_ns += 2 * SECOND;
    assert_true(allows(SFE_ORG_ORDINARY));
}

static void large_bodies_leave_a_quarter_to_the_others(void **state)
{
    uint64_t sent = 0;
    uint64_t turns = 0;

    (void)state;
    begin(0, 16384);
    assert_int_equal(meter_bytes_per_second(&meter, true), 12288);
    assert_int_equal(meter_bytes_per_second(&meter, false), 16384);
    assert_int_equal(meter_duration_ms(&meter, 122880), 10000);
    for (uint32_t i = 0; i < 600; i++) {
        meter_count_bytes(&meter, 12288, now_ns);
        for (uint32_t part = 0; part < 40; part++) {
            now_ns += SECOND / 40;
            if (allows(SFE_ORG_PRIORITY)) {
                meter_count_bytes(&meter, 2000, now_ns);
                sent += 2000;
                turns++;
            }
        }
    }
    assert_true(turns > 600);
    assert_true(sent <= 600u * 4096 + 2000 && sent > 600u * 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_bounds_nothing_waits),
        cmocka_unit_test(no_minute_sees_more_calls_than_it_may),
        cmocka_unit_test(what_was_let_through_is_paid_for_by_who_comes_next),
        cmocka_unit_test(bytes_of_an_hour_are_bounded_by_the_rate_and_one_request),
        cmocka_unit_test(others_give_way_while_one_waits_with_a_priority),
        cmocka_unit_test(who_waits_no_longer_holds_up_nobody),
        cmocka_unit_test(large_bodies_leave_a_quarter_to_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
