#include "fixture.h"

#include "flow/pattern.h"

#include <string.h>

static enum sfe_code compile(const char *expression, struct flow_pattern *pattern)
{
    return flow_pattern_compile(sfe_slice_text(expression), fixture.arena, pattern, &fixture.err);
}

static void refuse(const char *expression, const char *why)
{
    struct flow_pattern pattern;

    if (compile(expression, &pattern) != SFE_E_CONFIG) {
        fail_msg("%s is taken", expression);
    }
    if (strstr(fixture.err.message, why) == NULL) {
        fail_msg("%s: %s", expression, fixture.err.message);
    }
}

static void what_is_not_of_the_language_is_refused_with_its_place(void **state)
{
    (void)state;
    refuse("(a", "a ( is not closed");
    refuse("a)", "at its character 2: no ( belongs");
    refuse("[a", "the [ is not closed");
    refuse("[", "the [ is not closed");
    refuse("[a\\", "the [ is not closed");
    refuse("[z-a]", "upwards");
    refuse("[a-\\d]", "ends with a character");
    refuse("[\\q]", "not known behind a backslash in [ ]");
    refuse("[[:alpha:]]", "by name");
    refuse("[:alpha:]", "by name");
    refuse("a\\", "needs something behind it");
    refuse("\\b", "at its character 2: this is not known behind a backslash");
    refuse("\\1", "not known behind a backslash");
    refuse("(?i)a", "only (?: )");
    refuse("(?=a)", "only (?: )");
    refuse("*a", "at its character 1: there is nothing to repeat");
    refuse("a**", "nothing to repeat");
    refuse("^*", "nothing to repeat");
    refuse("(|+)", "nothing to repeat");
    refuse("a{", "a count is {2}");
    refuse("a{x}", "a count is {2}");
    refuse("a{3,2}", "a count is {2}");
    refuse("a{1,2", "a count is {2}");
    refuse("a{99999999999}", "a count is {2}");
}

static void what_would_grow_beyond_the_table_is_refused(void **state)
{
    struct flow_pattern pattern;
    char deep[64];

    (void)state;
    assert_int_equal(compile("a{255}", &pattern), SFE_OK);
    assert_int_equal(pattern.step_count, FLOW_PATTERN_STEPS_MAX);
    refuse("a{256}", "too large");
    refuse("(a{100}){100}", "too large");
    refuse("((((a{9}){9}){9}){9}){9}", "too large");
    refuse("(a|b){90}", "too large");
    memset(deep, '(', sizeof(deep));
    deep[FLOW_PATTERN_GROUPS_MAX + 1u] = '\0';
    refuse(deep, "too many groups");
}

static void the_number_of_ranges_has_a_bound(void **state)
{
    char many[1024] = "[";
    struct flow_pattern pattern;

    (void)state;
    memset(many + 1, 'a', FLOW_PATTERN_RANGES_MAX);
    strncpy(many + 1u + FLOW_PATTERN_RANGES_MAX, "]", 2);
    assert_int_equal(compile(many, &pattern), SFE_OK);
    strncpy(many + 1u + FLOW_PATTERN_RANGES_MAX, "a]", 3);
    refuse(many, "too many ranges");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_of_the_language_is_refused_with_its_place),
        TEST(what_would_grow_beyond_the_table_is_refused),
        TEST(the_number_of_ranges_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
