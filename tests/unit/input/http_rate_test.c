#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/http_rate.h"

#define SECOND UINT64_C(1000000000)

static const uint8_t one[16] = {1};
static const uint8_t other[16] = {2};

static void an_address_has_so_many_requests_a_second(void **state)
{
    struct http_rate rate = {.per_second = 10};
    uint64_t now_ns = 5 * SECOND;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(http_rate_take(&rate, one, now_ns));
    }
    assert_false(http_rate_take(&rate, one, now_ns));
    assert_true(http_rate_take(&rate, other, now_ns));
    now_ns += SECOND / 10;
    assert_true(http_rate_take(&rate, one, now_ns));
    assert_false(http_rate_take(&rate, one, now_ns));
    now_ns += 10 * SECOND;
    for (int i = 0; i < 10; i++) {
        assert_true(http_rate_take(&rate, one, now_ns));
    }
    assert_false(http_rate_take(&rate, one, now_ns));
}

static void a_clock_that_stands_or_steps_back_gives_nothing(void **state)
{
    struct http_rate rate = {.per_second = 1};

    (void)state;
    assert_true(http_rate_take(&rate, one, 5 * SECOND));
    assert_false(http_rate_take(&rate, one, 4 * SECOND));
    assert_false(http_rate_take(&rate, one, 4 * SECOND));
}

static void without_a_limit_everything_is_taken(void **state)
{
    struct http_rate rate = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_true(http_rate_take(&rate, one, SECOND));
    }
}

static void the_address_that_was_seen_first_is_forgotten_first(void **state)
{
    struct http_rate rate = {.per_second = 1};

    (void)state;
    for (uint8_t i = 1; i <= HTTP_RATE_ADDRESSES + 1u; i++) {
        const uint8_t address[16] = {i};
        assert_true(http_rate_take(&rate, address, SECOND + i));
    }
    assert_false(http_rate_take(&rate, (const uint8_t[16]){2}, SECOND + 99));
    assert_true(http_rate_take(&rate, (const uint8_t[16]){1}, SECOND + 99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_so_many_requests_a_second),
        cmocka_unit_test(a_clock_that_stands_or_steps_back_gives_nothing),
        cmocka_unit_test(without_a_limit_everything_is_taken),
        cmocka_unit_test(the_address_that_was_seen_first_is_forgotten_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
