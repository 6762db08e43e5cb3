#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "salesforce/budget.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)
#define HOUR   (3600 * SECOND)
#define DAY_S  86400
#define NOW_S  INT64_C(1764000000)

static struct budget budget;
static uint64_t now_ns;
static uint64_t until_ns;

static void begin(uint32_t daily_calls, uint32_t reserve_percent)
{
    now_ns = 500 * SECOND;
    budget_open(&budget, daily_calls, 0, reserve_percent, now_ns);
}

static void count(enum sfe_org_need need, uint32_t calls)
{
    for (uint32_t i = 0; i < calls; i++) {
        budget_count(&budget, need, now_ns);
    }
}

static bool allows(enum sfe_org_need need)
{
    until_ns = 0;
    return budget_allows(&budget, need, now_ns, &until_ns);
}

static void without_figures_everything_is_allowed(void **state)
{
    (void)state;
    begin(0, 10);
    count(SFE_ORG_ORDINARY, 100000);
    assert_true(allows(SFE_ORG_ORDINARY) && allows(SFE_ORG_PRIORITY));
}

static void telemetry_leaves_the_reserve_to_sales(void **state)
{
    (void)state;
    begin(100, 20);
    count(SFE_ORG_ORDINARY, 80);
    assert_false(allows(SFE_ORG_ORDINARY));
    assert_int_equal(until_ns, 500 * SECOND + HOUR);
    assert_true(allows(SFE_ORG_PRIORITY));
    count(SFE_ORG_PRIORITY, 20);
    assert_false(allows(SFE_ORG_PRIORITY));
    assert_true(allows(SFE_ORG_PAST_SHARE));
}

static void telemetry_slows_down_from_half_of_its_part_on(void **state)
{
    uint64_t spacing = 0;

    (void)state;
    begin(1000, 0);
    count(SFE_ORG_ORDINARY, 499);
    assert_true(allows(SFE_ORG_ORDINARY));
    for (uint32_t used = 500; used < 1000; used++) {
        count(SFE_ORG_ORDINARY, 1);
        assert_false(allows(SFE_ORG_ORDINARY));
        assert_true(until_ns - now_ns >= spacing || used == 999);
        spacing = until_ns - now_ns;
        assert_true(spacing >= 80 * SECOND && spacing <= HOUR);
        assert_true(used == 999 || allows(SFE_ORG_PRIORITY));
    }
}

/* A load that would take ten times the part goes on all day, and never beyond it. */
static void a_load_that_is_too_high_is_spread_over_the_day(void **state)
{
    uint64_t last_ns = 0;
    uint64_t longest_ns = 0;

    (void)state;
    begin(500, 10);
    for (uint64_t second = 0; second < 3 * DAY_S; second += 17) {
        now_ns += 17 * SECOND;
        if (allows(SFE_ORG_ORDINARY)) {
            longest_ns = last_ns != 0 && now_ns - last_ns > longest_ns && second > DAY_S
                             ? now_ns - last_ns
                             : longest_ns;
            last_ns = now_ns;
            count(SFE_ORG_ORDINARY, 1);
        }
        assert_true(budget_used(&budget, now_ns) <= 450);
        assert_true(allows(SFE_ORG_PRIORITY));
    }
    assert_true(budget_used(&budget, now_ns) > 250);
    assert_true(longest_ns < 2 * HOUR);
}

static void calls_are_forgotten_after_a_day_and_not_before(void **state)
{
    (void)state;
    begin(10, 0);
    now_ns += HOUR - SECOND;
    count(SFE_ORG_PRIORITY, 10);
    for (uint32_t i = 0; i < 24; i++) {
        assert_false(allows(SFE_ORG_PRIORITY));
        now_ns += HOUR;
    }
    assert_false(allows(SFE_ORG_PRIORITY));
    now_ns += SECOND;
    assert_true(allows(SFE_ORG_PRIORITY));
    assert_int_equal(budget_used(&budget, now_ns), 0);
}

static void near_the_orgs_limit_telemetry_waits_and_asks_now_and_then(void **state)
{
    (void)state;
    begin(0, 10);
    budget_told(&budget, 13499, 15000, now_ns);
    assert_true(allows(SFE_ORG_ORDINARY));
    budget_told(&budget, 13500, 15000, now_ns);
    assert_false(allows(SFE_ORG_ORDINARY));
    assert_int_equal(until_ns, now_ns + 900 * SECOND);
    assert_true(allows(SFE_ORG_PRIORITY));
    now_ns += 900 * SECOND;
    assert_true(allows(SFE_ORG_ORDINARY));
    count(SFE_ORG_ORDINARY, 1);
    assert_false(allows(SFE_ORG_ORDINARY)); /* Its answer tells. */
    budget_told(&budget, 20, 15000, now_ns);
    assert_true(allows(SFE_ORG_ORDINARY));
}

static void calls_are_scarce_from_half_of_ours_or_three_quarters_of_the_orgs(void **state)
{
    (void)state;
    begin(100, 20);
    count(SFE_ORG_ORDINARY, 39);
    assert_false(budget_is_scarce(&budget, SFE_ORG_ORDINARY, now_ns));
    count(SFE_ORG_ORDINARY, 1);
    assert_true(budget_is_scarce(&budget, SFE_ORG_ORDINARY, now_ns));
    assert_false(budget_is_scarce(&budget, SFE_ORG_PRIORITY, now_ns));
    begin(0, 0);
    assert_false(budget_is_scarce(&budget, SFE_ORG_ORDINARY, now_ns));
    budget_told(&budget, 749, 1000, now_ns);
    assert_false(budget_is_scarce(&budget, SFE_ORG_ORDINARY, now_ns));
    budget_told(&budget, 750, 1000, now_ns);
    assert_true(budget_is_scarce(&budget, SFE_ORG_ORDINARY, now_ns));
}

static void the_forecast_is_a_day_of_the_last_hour(void **state)
{
    (void)state;
    begin(0, 10);
    count(SFE_ORG_ORDINARY, 60);
    assert_int_equal(budget_forecast(&budget, now_ns), 24 * 60);
    now_ns += HOUR + HOUR / 2;
    assert_int_equal(budget_forecast(&budget, now_ns), 24 * 30);
    now_ns += HOUR;
    assert_int_equal(budget_forecast(&budget, now_ns), 0);
}

static void the_end_of_the_calls_is_foreseen_and_none_where_they_last(void **state)
{
    (void)state;
    begin(240, 0);
    count(SFE_ORG_ORDINARY, 9); /* 216 a day. */
    assert_int_equal(budget_end_s(&budget, now_ns), 0);
    count(SFE_ORG_ORDINARY, 11); /* 480 a day, of which 220 are left. */
    assert_int_equal(budget_end_s(&budget, now_ns), 11 * 3600);
    budget_told(&budget, 960, 1000, now_ns);
    assert_int_equal(budget_end_s(&budget, now_ns), 2 * 3600);
    budget_told(&budget, 1000, 1000, now_ns);
    assert_int_equal(budget_end_s(&budget, now_ns), 1);
    begin(0, 0);
    count(SFE_ORG_ORDINARY, 1000);
    assert_int_equal(budget_end_s(&budget, now_ns), 0);
}

static void begin_bytes(uint64_t daily_bytes, uint32_t reserve_percent)
{
    now_ns = 500 * SECOND;
    budget_open(&budget, 0, daily_bytes, reserve_percent, now_ns);
}

static void the_days_bytes_end_for_telemetry_before_they_end_for_sales(void **state)
{
    (void)state;
    begin_bytes(1000000, 20);
    budget_count_bytes(&budget, 799999, now_ns);
    assert_true(allows(SFE_ORG_ORDINARY));
    budget_count_bytes(&budget, 1, now_ns);
    assert_false(allows(SFE_ORG_ORDINARY));
    assert_int_equal(until_ns, 500 * SECOND + HOUR);
    assert_true(allows(SFE_ORG_PRIORITY));
    budget_count_bytes(&budget, 200000, now_ns);
    assert_false(allows(SFE_ORG_PRIORITY));
    assert_true(allows(SFE_ORG_PAST_SHARE));
    now_ns += 25 * HOUR;
    assert_true(allows(SFE_ORG_ORDINARY));
    assert_int_equal(budget_used_bytes(&budget, now_ns), 0);
}

static void bytes_are_due_for_flash_64_times_a_day_and_only_where_they_are_bounded(void **state)
{
    (void)state;
    begin_bytes(64000, 0);
    budget_count_bytes(&budget, 1000, now_ns);
    assert_false(budget_is_due(&budget));
    budget_count_bytes(&budget, 1, now_ns);
    assert_true(budget_is_due(&budget));
    begin_bytes(0, 0);
    budget_count_bytes(&budget, UINT32_MAX, now_ns);
    count(SFE_ORG_ORDINARY, 100);
    assert_false(budget_is_kept(&budget) || budget_is_due(&budget));
}

static struct sfe_slice write(int64_t unix_s)
{
    static uint8_t memory[BUDGET_BYTES_MAX];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));

    budget_write(&budget, unix_s, &out);
    return sfe_builder_slice(&out);
}

static void a_restart_gives_no_new_calls(void **state)
{
    static const struct {
        int64_t before_s;
        int64_t after_s;
        uint64_t left; /* Of the 100 of 10 hours before, and the 7 of then. */
    } rows[] = {
        {NOW_S, NOW_S + 60, 107 + BUDGET_STEP},
        {NOW_S, NOW_S + 20 * 3600, 7 + BUDGET_STEP},
        {NOW_S, NOW_S + 26 * 3600, 0},
        {NOW_S, NOW_S - 3600, 107 + BUDGET_STEP}, /* A clock that went back; */
        {NOW_S, 0, 107 + BUDGET_STEP},            /* or is unset. */
        {0, NOW_S, 107 + BUDGET_STEP},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(1000, 0);
        count(SFE_ORG_ORDINARY, 100);
        now_ns += 10 * HOUR;
        count(SFE_ORG_ORDINARY, 7);
        struct sfe_slice bytes = write(rows[i].before_s);
        begin(1000, 0);
        assert_true(budget_read(&budget, bytes, rows[i].after_s));
        assert_int_equal(budget_used(&budget, now_ns), rows[i].left);
    }
}

static void a_restart_gives_no_new_bytes(void **state)
{
    uint8_t memory[BUDGET_BYTES_MAX];

    (void)state;
    begin_bytes(64000, 0);
    budget_count_bytes(&budget, UINT64_C(1) << 40, now_ns);
    struct sfe_slice bytes = write(NOW_S);
    memcpy(memory, bytes.bytes, bytes.size);
    begin_bytes(64000, 0);
    assert_true(budget_read(&budget, sfe_slice_make(memory, bytes.size), NOW_S + 3600));
    assert_int_equal(budget_used_bytes(&budget, now_ns), (UINT64_C(1) << 40) + 1001);
    assert_false(allows(SFE_ORG_PRIORITY));
}

static void a_damaged_count_adds_nothing(void **state)
{
    uint8_t memory[BUDGET_BYTES_MAX];

    (void)state;
    begin(1000, 0);
    count(SFE_ORG_ORDINARY, 100);
    struct sfe_slice bytes = write(NOW_S);
    memcpy(memory, bytes.bytes, bytes.size);
    begin(1000, 0);
    for (size_t i = 0; i < bytes.size; i++) {
        memory[i] ^= 4;
        assert_false(budget_read(&budget, sfe_slice_make(memory, bytes.size), NOW_S));
        memory[i] ^= 4;
        assert_false(budget_read(&budget, sfe_slice_make(memory, i), NOW_S));
    }
    assert_int_equal(budget_used(&budget, now_ns), 0);
    assert_true(budget_read(&budget, sfe_slice_make(memory, bytes.size), NOW_S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_figures_everything_is_allowed),
        cmocka_unit_test(telemetry_leaves_the_reserve_to_sales),
        cmocka_unit_test(telemetry_slows_down_from_half_of_its_part_on),
        cmocka_unit_test(a_load_that_is_too_high_is_spread_over_the_day),
        cmocka_unit_test(calls_are_forgotten_after_a_day_and_not_before),
        cmocka_unit_test(near_the_orgs_limit_telemetry_waits_and_asks_now_and_then),
        cmocka_unit_test(calls_are_scarce_from_half_of_ours_or_three_quarters_of_the_orgs),
        cmocka_unit_test(the_forecast_is_a_day_of_the_last_hour),
        cmocka_unit_test(the_end_of_the_calls_is_foreseen_and_none_where_they_last),
        cmocka_unit_test(a_restart_gives_no_new_calls),
        cmocka_unit_test(the_days_bytes_end_for_telemetry_before_they_end_for_sales),
        cmocka_unit_test(bytes_are_due_for_flash_64_times_a_day_and_only_where_they_are_bounded),
        cmocka_unit_test(a_restart_gives_no_new_bytes),
        cmocka_unit_test(a_damaged_count_adds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
