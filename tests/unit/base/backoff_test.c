#include "unit.h"

#include "base/backoff.h"

#define BASE 1000u
#define CAP  60000u

static void the_limit_doubles_with_each_attempt(void **state)
{
    (void)state;
    for (uint32_t attempt = 1; attempt <= 6; attempt++) {
        uint64_t limit = (uint64_t)BASE << (attempt - 1);
        limit = limit > CAP ? CAP : limit;
        assert_int_equal(sfe_backoff_ns(attempt, BASE, CAP, limit), limit);
        assert_int_equal(sfe_backoff_ns(attempt, BASE, CAP, limit + 1), BASE / 8);
    }
}

static void the_delay_is_never_over_the_cap(void **state)
{
    (void)state;
    for (uint64_t random = 0; random < 200000; random += 77) {
        assert_true(sfe_backoff_ns(40, BASE, CAP, random) <= CAP);
        assert_true(sfe_backoff_ns(UINT32_MAX, BASE, CAP, random) <= CAP);
        assert_true(sfe_backoff_ns(3, BASE, 50, random) <= 50);
    }
    assert_int_equal(sfe_backoff_ns(UINT32_MAX, BASE, UINT64_MAX, UINT64_MAX), UINT64_MAX);
}

static void a_repeat_is_never_at_once(void **state)
{
    (void)state;
    assert_int_equal(sfe_backoff_ns(1, BASE, CAP, 0), BASE / 8);
    assert_int_equal(sfe_backoff_ns(9, BASE, CAP, 0), BASE / 8);
}

static void the_whole_range_is_used(void **state)
{
    uint64_t sum = 0;
    uint64_t random = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        sum += sfe_backoff_ns(5, BASE, CAP, random);
    }
    assert_in_range(sum / 10000, 7600, 8400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_doubles_with_each_attempt),
        cmocka_unit_test(the_delay_is_never_over_the_cap),
        cmocka_unit_test(a_repeat_is_never_at_once),
        cmocka_unit_test(the_whole_range_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
