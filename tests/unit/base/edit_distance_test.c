#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/edit_distance.h"

static void each_kind_of_edit_counts_one(void **state)
{
    (void)state;
    assert_int_equal(sfe_edit_distance(SFE_TEXT("quota"), SFE_TEXT("quota")), 0);
    assert_int_equal(sfe_edit_distance(SFE_TEXT("quta"), SFE_TEXT("quota")), 1);
    assert_int_equal(sfe_edit_distance(SFE_TEXT("quoota"), SFE_TEXT("quota")), 1);
    assert_int_equal(sfe_edit_distance(SFE_TEXT("quata"), SFE_TEXT("quota")), 1);
    assert_int_equal(sfe_edit_distance(SFE_TEXT("qouta"), SFE_TEXT("quota")), 1);
}

static void case_and_the_order_of_the_words_make_no_difference(void **state)
{
    (void)state;
    assert_int_equal(sfe_edit_distance(SFE_TEXT("QUOTA"), SFE_TEXT("quota")), 0);
    assert_int_equal(sfe_edit_distance(SFE_TEXT("tpoic"), SFE_TEXT("time")), 4);
    assert_int_equal(sfe_edit_distance(SFE_TEXT("time"), SFE_TEXT("tpoic")), 4);
    assert_int_equal(sfe_edit_distance(SFE_TEXT(""), SFE_TEXT("time")), 4);
}

static void words_over_the_bound_are_not_compared(void **state)
{
    static const uint8_t word[SFE_EDIT_DISTANCE_BYTES_MAX + 1] = {'a'};

    (void)state;
    assert_int_equal(sfe_edit_distance(sfe_slice_make(word, sizeof(word)), SFE_TEXT("a")),
                     UINT32_MAX);
    assert_int_equal(sfe_edit_distance(SFE_TEXT("a"), sfe_slice_make(word, sizeof(word))),
                     UINT32_MAX);
    assert_int_equal(sfe_edit_distance(sfe_slice_make(word, sizeof(word) - 1), SFE_TEXT("")),
                     SFE_EDIT_DISTANCE_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_edit_counts_one),
        cmocka_unit_test(case_and_the_order_of_the_words_make_no_difference),
        cmocka_unit_test(words_over_the_bound_are_not_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
