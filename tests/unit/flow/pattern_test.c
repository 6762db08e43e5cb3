#include "fixture.h"

#include "flow/pattern.h"

static bool is_in(const char *expression, const char *text)
{
    struct flow_pattern pattern;

    if (flow_pattern_compile(sfe_slice_text(expression), fixture.arena, &pattern, &fixture.err) !=
        SFE_OK) {
        fail_msg("%s: %s", expression, fixture.err.message);
    }
    return flow_pattern_is_in(&pattern, sfe_slice_text(text));
}

struct example {
    const char *expression;
    const char *yes[4];
    const char *no[4];
};

static void an_expression_finds_what_it_says_and_nothing_else(void **state)
{
    static const struct example examples[] = {
        {"abc", {"abc", "xabcx"}, {"ab", "acb", ""}},
        {"^abc$", {"abc"}, {"xabc", "abcx", "abc\n"}},
        {"^a.c",
         {"abc", "a\xc3\xa9"
                 "c"},
         {"a\nc", "ac", "abbc"}},
        {"^(ab|cd|)e$", {"abe", "cde", "e"}, {"ae", "abcde"}},
        {"^(a|(b|c)d)$", {"a", "bd", "cd"}, {"ad", "b", "abd"}},
        {"^((b|c)d|a)$", {"a", "bd", "cd"}, {"ad", "b", "abd"}},
        {"a|^b$", {"xa", "b"}, {"xb", "bx"}},
        {"^a*$", {"", "a", "aaaa"}, {"b", "aab"}},
        {"^a+?$", {"a", "aaaa"}, {"", "b"}},
        {"^ab?c$", {"ac", "abc"}, {"abbc"}},
        {"^a{2}$", {"aa"}, {"a", "aaa"}},
        {"^a{2,}$", {"aa", "aaaaa"}, {"a", ""}},
        {"^a{2,4}$", {"aa", "aaa", "aaaa"}, {"a", "aaaaa"}},
        {"^a{0,2}$", {"", "a", "aa"}, {"aaa"}},
        {"^a{0}b$", {"b"}, {"ab"}},
        {"^a{0,}b$", {"b", "aab"}, {"a"}},
        {"^(ab|c){2,3}$", {"abab", "abcc", "ccc"}, {"ab", "cccc", "aab"}},
        {"^(a*)*$", {"", "aaa"}, {"b"}},
        {"^(a*)+b$", {"b", "aab"}, {"a"}},
        {"^()*x$", {"x"}, {"y"}},
        {"^[a-cx]+$", {"abcx"}, {"d", ""}},
        {"^[^a-c]$", {"d", "\n", "\xe2\x82\xac"}, {"a", "de"}},
        {"^[]a]+$", {"]a"}, {"b"}},
        {"^[a-]+$", {"a-"}, {"b"}},
        {"^[\\d.]+$", {"3.14"}, {"3,14"}},
        {"^[\\]\\\\]+$", {"]\\"}, {"["}},
        {"^[\xc3\xa0-\xc3\xaf]$", {"\xc3\xa9"}, {"\xc3\xb0", "e"}},
        {"^\\d\\D\\w\\W\\s\\S$", {"1a_- x"}, {"aa_- x", "1a_-xx"}},
        {"^\\t\\.\\{\\/$", {"\t.{/"}, {"tx{/"}},
        {"^}]$", {"}]"}, {"]"}},
        {"(?:ab)+c", {"ababc"}, {"c"}},
        {"^\xe2\x82\xac+$", {"\xe2\x82\xac\xe2\x82\xac"}, {"\xe2\x82"}},
        {"^plant/p[0-9]+/", {"plant/p17/telemetry"}, {"plant/px/telemetry"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        for (size_t j = 0; j < 4; j++) {
            const struct example *example = &examples[i];
            if (example->yes[j] != NULL && !is_in(example->expression, example->yes[j])) {
                fail_msg("%s is not in %s", example->expression, example->yes[j]);
            }
            if (example->no[j] != NULL && is_in(example->expression, example->no[j])) {
                fail_msg("%s is in %s", example->expression, example->no[j]);
            }
            sfe_arena_close(fixture.arena);
            (void)fixture_open(NULL);
        }
    }
}

static void nested_repetitions_take_time_linear_in_the_text(void **state)
{
    static char text[4096];
    (void)state;
    memset(text, 'a', sizeof(text) - 1u);
    /* A matcher that goes back would need 2 to the 4095 steps. */
    assert_false(is_in("^((a+)+)+$b", text));
    assert_false(is_in("^(a|a)*(a|a)*(a|a)*b$", text));
    assert_true(is_in("^(a|aa)+$", text));
}

static void bytes_that_are_no_utf8_are_single_characters(void **state)
{
    (void)state;
    assert_true(is_in("^a..b$", "a\xff\xfe"
                                "b"));
    assert_false(is_in("^a.b$", "a\xff\xfe"
                                "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_expression_finds_what_it_says_and_nothing_else),
        TEST(nested_repetitions_take_time_linear_in_the_text),
        TEST(bytes_that_are_no_utf8_are_single_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
