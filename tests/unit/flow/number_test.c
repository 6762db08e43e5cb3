#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "flow/number.h"

static bool is_in_range(const char *text)
{
    return flow_is_in_double_range(sfe_slice_text(text));
}

static void the_grammar_is_that_of_json(void **state)
{
    static const char *const right[] = {
        "0",      "-0",  "12", "-12.5", "0.10", "1e3", "1E+3", "1e-3", "9007199254740993",
        "-0.0e0", "1e00"};
    static const char *const wrong[] = {"",      "-",   "+1",   "01",   "-01",     ".5", "5.",
                                        "1e",    "1e+", "1,5",  "0x1F", " 1",      "1 ", "NaN",
                                        "1e3.2", "--1", "1.e3", "e3",   "Infinity"};
    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        assert_true(flow_is_number(sfe_slice_text(right[i])));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(flow_is_number(sfe_slice_text(wrong[i])));
    }
}

static void numbers_beyond_the_largest_double_are_out_of_range(void **state)
{
    (void)state;
    assert_true(is_in_range("1.7976931348623157e308"));
    assert_true(is_in_range("-1.7976931348623157E+308"));
    assert_true(is_in_range("17976931348623157e292"));
    assert_true(is_in_range("0.00017976931348623157e312"));
    assert_false(is_in_range("1.7976931348623158e308"));
    assert_false(is_in_range("-1.8e308"));
    assert_false(is_in_range("0.000179769313486232e312"));
    assert_false(is_in_range("1e309"));
    assert_false(is_in_range("1e999"));
    assert_false(is_in_range("-1e99999999999999999999999999"));
    assert_false(is_in_range("1e18446744073709551617"));
}

static void zero_and_the_very_small_are_within_range(void **state)
{
    (void)state;
    assert_true(is_in_range("0"));
    assert_true(is_in_range("-0.000e999"));
    assert_true(is_in_range("1e-999"));
    assert_true(is_in_range("1e-18446744073709551617"));
    assert_true(is_in_range("0.001e310"));
    assert_false(is_in_range("0.001e312"));
}

static void long_numbers_are_judged_by_their_digits(void **state)
{
    static char digits[1001];
    (void)state;
    memset(digits, '9', 400);
    digits[400] = '\0';
    assert_false(is_in_range(digits));
    digits[308] = '\0';
    assert_true(is_in_range(digits));
    memset(digits, '9', 310);
    digits[309] = '\0';
    assert_false(is_in_range(digits));
    memset(digits, '0', 1000);
    digits[1] = '.';
    digits[999] = '7';
    digits[1000] = '\0';
    assert_true(is_in_range(digits));
}

static void the_judgement_is_that_of_a_conversion(void **state)
{
    char text[64];
    (void)state;
    for (int exponent = 280; exponent <= 320; exponent++) {
        for (int digit = 1; digit <= 9; digit++) {
            snprintf(text, sizeof(text), "%d.%d7e%d", digit, digit, exponent);
            assert_int_equal(is_in_range(text), !isinf(strtod(text, NULL)));
        }
    }
}

static int compare(const char *a, const char *b)
{
    const int order = flow_number_compare(sfe_slice_text(a), sfe_slice_text(b));
    assert_int_equal(flow_number_compare(sfe_slice_text(b), sfe_slice_text(a)), -order);
    return order;
}

static void numbers_are_compared_exactly_whatever_their_digits(void **state)
{
    (void)state;
    assert_int_equal(compare("9007199254740993", "9007199254740992"), 1);
    assert_int_equal(compare("0.1", "0.10000000000000000000001"), -1);
    assert_int_equal(compare("123456789012345678901234567890", "123456789012345678901234567891"),
                     -1);
    assert_int_equal(compare("99999999999999999999", "1e20"), -1);
    assert_int_equal(compare("1e400", "1e401"), -1);
    assert_int_equal(compare("1e-400", "0"), 1);
    assert_int_equal(compare("-1e-400", "0"), -1);
}

static void one_number_written_in_many_ways_is_equal(void **state)
{
    static const char *const forms[] = {"80", "80.0", "8e1", "0.8E2", "800e-1", "0.080e+3"};
    (void)state;
    for (size_t i = 1; i < sizeof(forms) / sizeof(forms[0]); i++) {
        assert_int_equal(compare(forms[0], forms[i]), 0);
    }
    assert_int_equal(compare("-0.0e5", "0"), 0);
    assert_int_equal(compare("100.25", "1.0025e2"), 0);
}

static void signs_and_magnitudes_come_before_digits(void **state)
{
    (void)state;
    assert_int_equal(compare("-2", "1"), -1);
    assert_int_equal(compare("-2", "-1"), -1);
    assert_int_equal(compare("-10", "-9"), -1);
    assert_int_equal(compare("10", "9.99"), 1);
    assert_int_equal(compare("0.09", "0.1"), -1);
    assert_int_equal(compare("21.5", "21.49"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_compared_exactly_whatever_their_digits),
        cmocka_unit_test(one_number_written_in_many_ways_is_equal),
        cmocka_unit_test(signs_and_magnitudes_come_before_digits),
        cmocka_unit_test(the_grammar_is_that_of_json),
        cmocka_unit_test(numbers_beyond_the_largest_double_are_out_of_range),
        cmocka_unit_test(zero_and_the_very_small_are_within_range),
        cmocka_unit_test(long_numbers_are_judged_by_their_digits),
        cmocka_unit_test(the_judgement_is_that_of_a_conversion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
