#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "flow/decimal.h"

static char memory[FLOW_DECIMAL_BYTES_MAX];

static const char *scaled(const char *number, const char *scale, const char *offset)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory) - 1u);

    flow_decimal_add_scaled(sfe_slice_text(number), sfe_slice_text(scale), sfe_slice_text(offset),
                            &out);
    assert_false(out.overflowed);
    memory[out.size] = '\0';
    return memory;
}

static void products_and_sums_are_exact(void **state)
{
    (void)state;
    assert_string_equal(scaled("215", "0.1", ""), "21.5");
    assert_string_equal(scaled("215", "0.1", "-40"), "-18.5");
    assert_string_equal(scaled("21.5", "1.8", "32"), "70.7");
    assert_string_equal(scaled("0.1", "3", ""), "0.3");
    assert_string_equal(scaled("-7", "-0.5", "0.25"), "3.75");
    assert_string_equal(scaled("9007199254740993", "1", ""), "9007199254740993");
    assert_string_equal(scaled("9007199254740993", "", "0.5"), "9007199254740993.5");
    assert_string_equal(scaled("99999999999999999999", "99999999999999999999", ""),
                        "9999999999999999999800000000000000000001");
}

static void zeros_that_say_nothing_are_not_written(void **state)
{
    (void)state;
    assert_string_equal(scaled("2.50", "2", ""), "5");
    assert_string_equal(scaled("400", "0.1", "-40"), "0");
    assert_string_equal(scaled("-0", "5", ""), "0");
    assert_string_equal(scaled("1e3", "", ""), "1000");
    assert_string_equal(scaled("5e-4", "", ""), "0.0005");
    assert_string_equal(scaled("-5E-1", "", ""), "-0.5");
    assert_string_equal(scaled("5", "0", ""), "0");
}

static void numbers_of_forty_digits_fit_and_no_others(void **state)
{
    (void)state;
    assert_true(flow_decimal_fits(sfe_slice_text("1234567890123456789012345678901234567890")));
    assert_false(flow_decimal_fits(sfe_slice_text("12345678901234567890123456789012345678901")));
    assert_true(flow_decimal_fits(sfe_slice_text("1e39")));
    assert_false(flow_decimal_fits(sfe_slice_text("1e40")));
    assert_true(flow_decimal_fits(sfe_slice_text("1e-40")));
    assert_false(flow_decimal_fits(sfe_slice_text("1e-41")));
    assert_false(flow_decimal_fits(sfe_slice_text("1e999999999999")));
    assert_true(flow_decimal_fits(sfe_slice_text("0e999999999999")));
    assert_true(flow_decimal_fits(
        sfe_slice_text("1.00000000000000000000000000000000000000000000000000000000")));
}

static void the_largest_results_have_their_room(void **state)
{
    static const char nines[] = "-9999999999999999999999999999999999999999";
    static const char tiny[] = "1e-40";

    (void)state;
    (void)scaled(nines, nines, nines);
    assert_int_equal(strlen(memory), 80);
    (void)scaled(tiny, tiny, nines);
    assert_int_equal(strlen(memory), 1 + 40 + 1 + 80);
    (void)scaled("-1e39", "1e39", "1e-40");
    assert_int_equal(strlen(memory), 1 + 78 + 1 + 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_and_sums_are_exact),
        cmocka_unit_test(zeros_that_say_nothing_are_not_written),
        cmocka_unit_test(numbers_of_forty_digits_fit_and_no_others),
        cmocka_unit_test(the_largest_results_have_their_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
