#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "output/pressure.h"

#define SECOND UINT64_C(1000000000)

static struct pressure make(void)
{
    struct pressure pressure;

    pressure_open(&pressure, 4, 200);
    return pressure;
}

static void without_locks_nothing_gives_way(void **state)
{
    struct pressure pressure = make();

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        pressure_answered(&pressure, i * SECOND, 0, 200, true);
        assert_int_equal(pressure.in_flight_max, 4);
        assert_int_equal(pressure.events_max, 200);
        assert_false(pressure_wants_lanes(&pressure, i * SECOND));
    }
}

static void locks_among_requests_side_by_side_halve_both_and_make_lanes(void **state)
{
    struct pressure pressure = make();

    (void)state;
    pressure_answered(&pressure, 0, 60, 200, true);
    assert_int_equal(pressure.in_flight_max, 2);
    assert_int_equal(pressure.events_max, 100);
    assert_true(pressure_wants_lanes(&pressure, 59 * SECOND));
    assert_false(pressure_wants_lanes(&pressure, 60 * SECOND));
}

static void a_request_alone_locks_itself_out_of_nothing(void **state)
{
    struct pressure pressure = make();

    (void)state;
    pressure_answered(&pressure, 0, 60, 200, false);
    assert_false(pressure_wants_lanes(&pressure, 0));
    assert_int_equal(pressure.in_flight_max, 4);
}

static void it_falls_no_lower_than_one_request_of_an_eighth(void **state)
{
    struct pressure pressure = make();

    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        pressure_answered(&pressure, i, pressure.events_max, pressure.events_max, true);
    }
    assert_int_equal(pressure.in_flight_max, 1);
    assert_int_equal(pressure.events_max, 26);
}

static void it_recovers_by_itself(void **state)
{
    struct pressure pressure = make();

    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        pressure_answered(&pressure, i, pressure.events_max, pressure.events_max, true);
    }
    for (uint32_t i = 0; i < 8; i++) {
        pressure_answered(&pressure, SECOND, 0, 20, false);
    }
    assert_int_equal(pressure.in_flight_max, 4);
    assert_int_equal(pressure.events_max, 200);
}

static void a_few_events_that_all_come_again_change_nothing(void **state)
{
    struct pressure pressure = make();

    (void)state;
    pressure_answered(&pressure, 0, 1, 200, true);
    pressure_answered(&pressure, 1, 5, 5, true);
    assert_true(pressure_wants_lanes(&pressure, 1));
    assert_int_equal(pressure.in_flight_max, 4);
    assert_int_equal(pressure.events_max, 200);
}

static void one_slot_needs_no_lanes(void **state)
{
    struct pressure pressure;

    (void)state;
    pressure_open(&pressure, 1, 1);
    pressure_answered(&pressure, 0, 1, 1, true);
    assert_false(pressure_wants_lanes(&pressure, 0));
    assert_int_equal(pressure.in_flight_max, 1);
    assert_int_equal(pressure.events_max, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_locks_nothing_gives_way),
        cmocka_unit_test(locks_among_requests_side_by_side_halve_both_and_make_lanes),
        cmocka_unit_test(a_request_alone_locks_itself_out_of_nothing),
        cmocka_unit_test(it_falls_no_lower_than_one_request_of_an_eighth),
        cmocka_unit_test(it_recovers_by_itself),
        cmocka_unit_test(a_few_events_that_all_come_again_change_nothing),
        cmocka_unit_test(one_slot_needs_no_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
