#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/intake.h"

static bool matches(const char *filter, const char *topic)
{
    return sfe_topic_matches(sfe_slice_text(filter), sfe_slice_text(topic));
}

static void topic_without_wildcards_matches_itself_only(void **state)
{
    (void)state;
    assert_true(matches("pos/7/sale", "pos/7/sale"));
    assert_false(matches("pos/7/sale", "pos/7/sales"));
    assert_false(matches("pos/7/sale", "pos/7/sal"));
    assert_false(matches("pos/7/sale", "pos/7"));
    assert_false(matches("pos", "pos/7"));
    assert_false(matches("pos/7", "POS/7"));
}

static void plus_matches_exactly_one_level(void **state)
{
    (void)state;
    assert_true(matches("pos/+/sale", "pos/7/sale"));
    assert_true(matches("pos/+/sale", "pos//sale"));
    assert_false(matches("pos/+/sale", "pos/7/8/sale"));
    assert_false(matches("pos/+", "pos"));
    assert_true(matches("pos/+", "pos/"));
    assert_true(matches("+/+", "/finance"));
    assert_true(matches("/+", "/finance"));
    assert_false(matches("+", "/finance"));
}

static void hash_matches_any_levels_and_the_parent(void **state)
{
    (void)state;
    assert_true(matches("#", "a/b/c"));
    assert_true(matches("a/#", "a"));
    assert_true(matches("a/#", "a/"));
    assert_true(matches("a/#", "a/b/c"));
    assert_false(matches("a/#", "ab"));
    assert_true(matches("+/#", "a"));
    assert_true(matches("a/+/#", "a/b"));
    assert_false(matches("a/+/#", "a"));
}

static void leading_wildcard_never_matches_a_dollar_topic(void **state)
{
    (void)state;
    assert_false(matches("#", "$SYS/uptime"));
    assert_false(matches("+/uptime", "$SYS/uptime"));
    assert_true(matches("$SYS/#", "$SYS/uptime"));
    assert_true(matches("$SYS/+", "$SYS/uptime"));
    assert_true(matches("a/#", "a/$SYS"));
}

static void wildcard_inside_a_level_is_only_itself(void **state)
{
    (void)state;
    assert_false(matches("a+/b", "ax/b"));
    assert_true(matches("a+/b", "a+/b"));
    assert_false(matches("a/#/b", "a/x/b"));
    assert_false(matches("a#", "ab"));
}

static void nothing_matches_nothing(void **state)
{
    (void)state;
    assert_false(matches("", "a"));
    assert_false(matches("#", ""));
    assert_false(matches("", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topic_without_wildcards_matches_itself_only),
        cmocka_unit_test(plus_matches_exactly_one_level),
        cmocka_unit_test(hash_matches_any_levels_and_the_parent),
        cmocka_unit_test(leading_wildcard_never_matches_a_dollar_topic),
        cmocka_unit_test(wildcard_inside_a_level_is_only_itself),
        cmocka_unit_test(nothing_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
