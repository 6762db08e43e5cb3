#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/excerpt.h"

static void assert_excerpt(const char *payload, const char *expected)
{
    struct flow_excerpt excerpt = flow_excerpt_make(sfe_slice_text(payload));
    assert_string_equal(excerpt.text, expected);
}

static void short_text_is_shown_whole(void **state)
{
    (void)state;
    assert_excerpt("", "");
    assert_excerpt("12,50", "12,50");
    assert_excerpt("0123456789012-45678901234567890123456789",
                   "*************-*************************"
                   "*");
    assert_excerpt("abcdefghijabcdefghijabcdefghijabcdefghij",
                   "abcdefghijabcdefghijabcdefghijabcdefghij");
}

static void long_text_is_cut_to_forty_bytes(void **state)
{
    (void)state;
    assert_excerpt("abcdefghijabcdefghijabcdefghijabcdefghijk",
                   "abcdefghijabcdefghijabcdefghijabcdefg...");
}

static void what_may_be_a_card_number_is_not_shown(void **state)
{
    (void)state;
    assert_excerpt("4111111111111111", "****************");
    assert_excerpt("card 4111 1111 1111 1111 ok", "card **** **** **** **** ok");
    assert_excerpt("3782-822463-10005", "****-******-*****");
    assert_excerpt("x4222222222222", "x*************");
}

static void fewer_digits_than_a_card_has_are_shown(void **state)
{
    (void)state;
    assert_excerpt("123456789012", "123456789012");
    assert_excerpt("1234  5678  9012  3456", "1234  5678  9012  3456");
    assert_excerpt("2026-11-24 10:15:00", "2026-11-24 10:15:00");
}

static void a_card_number_that_the_cut_divides_is_not_shown(void **state)
{
    (void)state;
    assert_excerpt("abcdefghijabcdefghijabcdefghij4111111111111111",
                   "abcdefghijabcdefghijabcdefghij*******...");
}

static void what_cannot_be_printed_is_replaced(void **state)
{
    (void)state;
    assert_excerpt("a\nb\x01", "a?b?");
    struct flow_excerpt excerpt = flow_excerpt_make(sfe_slice_make("\xff\x00z", 3));
    assert_string_equal(excerpt.text, "??z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_text_is_shown_whole),
        cmocka_unit_test(long_text_is_cut_to_forty_bytes),
        cmocka_unit_test(what_may_be_a_card_number_is_not_shown),
        cmocka_unit_test(fewer_digits_than_a_card_has_are_shown),
        cmocka_unit_test(a_card_number_that_the_cut_divides_is_not_shown),
        cmocka_unit_test(what_cannot_be_printed_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
