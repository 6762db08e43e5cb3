#include "output_world.h"

static void pace_lets_all_slots_go_until_something_fails(void **state)
{
    struct pace pace = {0};

    (void)state;
    assert_true(pace_may_send(&pace, 0, 15));
}

static void pace_holds_and_then_lets_one_probe_go_at_a_time(void **state)
{
    struct pace pace = {0};

    (void)state;
    pace_away(&pace, 0, 0, -1, SECOND);
    assert_false(pace_may_send(&pace, SECOND - 1, 0));
    assert_true(pace_may_send(&pace, SECOND, 0));
    assert_false(pace_may_send(&pace, SECOND, 1));
    pace_answered(&pace, pace.epoch);
    assert_true(pace_may_send(&pace, SECOND, 1));
}

static void slots_that_fail_together_count_once(void **state)
{
    struct pace pace = {0};

    (void)state;
    pace_away(&pace, 0, 0, -1, SECOND);
    pace_away(&pace, 0, 0, -1, SECOND);
    pace_away(&pace, 0, 0, -1, SECOND);
    assert_int_equal(pace.failures, 1);
}

static void an_answer_from_before_the_failure_does_not_end_the_pause(void **state)
{
    struct pace pace = {0};

    (void)state;
    pace_away(&pace, 0, 0, -1, SECOND);
    pace_answered(&pace, 0);
    assert_int_equal(pace.state, PACE_WAITING);
    assert_false(pace_may_send(&pace, SECOND / 2, 0));
}

static void a_later_slot_may_ask_for_a_longer_pause(void **state)
{
    struct pace pace = {0};

    (void)state;
    pace_away(&pace, 0, 0, -1, SECOND);
    pace_away(&pace, 0, 0, 30, 0);
    assert_false(pace_may_send(&pace, 29 * SECOND, 0));
}

static void a_stop_is_probed_after_a_minute(void **state)
{
    struct pace pace = {0};

    (void)state;
    pace_stopped(&pace, 0, 0, -1);
    assert_int_equal(pace.state, PACE_STOPPED);
    assert_false(pace_may_send(&pace, 59 * SECOND, 0));
    assert_true(pace_may_send(&pace, 60 * SECOND, 0));
    pace_stopped(&pace, pace.epoch, 60 * SECOND, -1);
    assert_int_equal(pace.hold_until_ns, 180 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pace_lets_all_slots_go_until_something_fails),
        cmocka_unit_test(pace_holds_and_then_lets_one_probe_go_at_a_time),
        cmocka_unit_test(slots_that_fail_together_count_once),
        cmocka_unit_test(an_answer_from_before_the_failure_does_not_end_the_pause),
        cmocka_unit_test(a_later_slot_may_ask_for_a_longer_pause),
        cmocka_unit_test(a_stop_is_probed_after_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
