#include "output_world.h"

#include "output/retry.h"

static void an_events_delay_doubles_from_half_a_second_to_a_minute(void **state)
{
    (void)state;
    assert_true(retry_event_delay_ns(1, -1, UINT64_MAX) <= SECOND / 2);
    assert_true(retry_event_delay_ns(1, -1, 0) >= SECOND / 2 / 8);
    assert_int_equal(retry_event_delay_ns(4, -1, 4 * SECOND), 4 * SECOND);
    assert_int_equal(retry_event_delay_ns(30, -1, 60 * SECOND), 60 * SECOND);
}

static void a_target_is_asked_again_within_five_minutes(void **state)
{
    (void)state;
    assert_int_equal(retry_target_delay_ns(1, -1, SECOND), SECOND);
    assert_int_equal(retry_target_delay_ns(40, -1, 300 * SECOND), 300 * SECOND);
}

static void retry_after_is_obeyed_and_never_undercut(void **state)
{
    (void)state;
    assert_true(retry_target_delay_ns(1, 120, 0) >= 120 * SECOND);
    assert_true(retry_target_delay_ns(1, 120, UINT64_MAX) <= 121 * SECOND);
    assert_true(retry_event_delay_ns(1, 7, 0) >= 7 * SECOND);
    assert_true(retry_event_delay_ns(1, INT64_MAX, 0) <= (86400 + 1) * SECOND);
}

static void a_stopped_target_is_probed_from_a_minute_up_to_ten(void **state)
{
    (void)state;
    assert_int_equal(retry_stopped_delay_ns(1), 60 * SECOND);
    assert_int_equal(retry_stopped_delay_ns(2), 120 * SECOND);
    assert_int_equal(retry_stopped_delay_ns(5), 600 * SECOND);
    assert_int_equal(retry_stopped_delay_ns(UINT32_MAX), 600 * SECOND);
}

static void a_split_halves_until_the_event_is_alone(void **state)
{
    uint32_t limit = 0;
    uint32_t count = 200;
    uint32_t halvings = 0;

    (void)state;
    while (limit != 1) {
        limit = retry_split_limit(SFE_RETRY_SMALLER, count, limit);
        assert_true(limit < count);
        count = limit;
        halvings++;
    }
    assert_int_equal(halvings, 7);
}

static void a_lock_is_asked_again_soon_and_a_long_one_seldom(void **state)
{
    (void)state;
    assert_true(retry_lock_delay_ns(1, -1, UINT64_MAX) <= SECOND / 5);
    for (uint32_t tries = 1; tries <= 30; tries++) {
        assert_true(retry_lock_delay_ns(tries, -1, UINT64_MAX) <= SECOND);
    }
    assert_true(retry_lock_delay_ns(60, -1, 60 * SECOND) > 50 * SECOND);
    assert_true(retry_lock_delay_ns(1, 5, 0) >= 5 * SECOND);
}

static void a_split_limit_never_grows(void **state)
{
    (void)state;
    assert_int_equal(retry_split_limit(SFE_RETRY_ALONE, 200, 0), 1);
    assert_int_equal(retry_split_limit(SFE_RETRY_SMALLER, 200, 10), 10);
    assert_int_equal(retry_split_limit(SFE_RETRY_LATER, 200, 10), 10);
    assert_int_equal(retry_split_limit(SFE_RETRY_LATER, 200, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_events_delay_doubles_from_half_a_second_to_a_minute),
        cmocka_unit_test(a_target_is_asked_again_within_five_minutes),
        cmocka_unit_test(retry_after_is_obeyed_and_never_undercut),
        cmocka_unit_test(a_stopped_target_is_probed_from_a_minute_up_to_ten),
        cmocka_unit_test(a_split_halves_until_the_event_is_alone),
        cmocka_unit_test(a_lock_is_asked_again_soon_and_a_long_one_seldom),
        cmocka_unit_test(a_split_limit_never_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
