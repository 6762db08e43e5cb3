#include "fixture.h"

#include "flow/text_function.h"

/* What the functions make of `text`, or NULL where nothing is left, or the message. */
static const char *applied(const char *functions, const char *text)
{
    static char shown[2048];
    struct flow_functions compiled;
    uint8_t memory[2048];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    bool is_absent = false;

    assert_int_equal(
        flow_functions_compile(sfe_slice_text(functions), fixture.arena, &compiled, &fixture.err),
        SFE_OK);
    enum sfe_code code =
        flow_functions_apply(&compiled, sfe_slice_text(text), &out, &is_absent, &fixture.err);
    if (code != SFE_OK) {
        assert_int_equal(code, SFE_E_UNMAPPED);
        return fixture.err.message;
    }
    if (is_absent) {
        assert_int_equal(out.size, 0);
        return NULL;
    }
    snprintf(shown, sizeof(shown), "%.*s", (int)out.size, (const char *)out.bytes);
    return shown;
}

static void each_function_does_its_own(void **state)
{
    (void)state;
    assert_string_equal(applied("trim", " \t a b\r\n"), "a b");
    assert_string_equal(applied("trim", "  "), "");
    assert_string_equal(applied("upper", "aZ9\xc3\xa9-z"), "AZ9\xc3\xa9-Z");
    assert_string_equal(applied("lower", "aZ9[@\xc3\x89"), "az9[@\xc3\x89");
    assert_string_equal(applied("digits", "+49 (30) 1-2"), "493012");
    assert_string_equal(applied("pad:6", "42"), "000042");
    assert_string_equal(applied("pad:3:\xc3\xa9", "42"), "\xc3\xa9"
                                                         "42");
    assert_string_equal(applied("pad:2", "1234"), "1234");
    assert_string_equal(applied("replace:,:.", "1,2,3"), "1.2.3");
    assert_string_equal(applied("replace:aa:b", "aaaaa"), "bba");
    assert_string_equal(applied("replace: ", "a b c"), "abc");
}

static void a_slice_counts_characters_from_either_end(void **state)
{
    (void)state;
    assert_string_equal(applied("slice:1", "abc"), "bc");
    assert_string_equal(applied("slice:1:1", "abc"), "b");
    assert_string_equal(applied("slice:-2", "abc"), "bc");
    assert_string_equal(applied("slice:-9:1", "abc"), "a");
    assert_string_equal(applied("slice:3", "abc"), "");
    assert_string_equal(applied("slice:0:80", "abc"), "abc");
    assert_string_equal(applied("slice:1:0", "abc"), "");
    assert_string_equal(applied("slice:1:2", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80x"),
                        "\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_string_equal(applied("slice:0:2", ""), "");
}

static void a_piece_that_is_not_there_is_no_value(void **state)
{
    (void)state;
    assert_string_equal(applied("split:/:0", "a/b/c"), "a");
    assert_string_equal(applied("split:/:2", "a/b/c"), "c");
    assert_string_equal(applied("split:/:-1", "a/b/c"), "c");
    assert_string_equal(applied("split:, :1", "a, b"), "b");
    assert_string_equal(applied("split:/:1", "a/"), "");
    assert_string_equal(applied("split:/:0", ""), "");
    assert_null(applied("split:/:3", "a/b/c"));
    assert_null(applied("split:/:-4", "a/b/c"));
    assert_null(applied("split:/:1|upper", "a"));
}

static void functions_follow_each_other(void **state)
{
    (void)state;
    assert_string_equal(applied("trim|split:-:1|lower|slice:0:2", "  AB-CDE "), "cd");
    assert_string_equal(applied("replace:\\::\\||replace:\\\\:x", "a:b\\c"), "a|bxc");
}

static void text_that_grows_too_long_is_said_so(void **state)
{
    char text[FLOW_FUNCTION_BYTES_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_string_equal(applied("upper|lower", text), text);
    assert_non_null(strstr(applied("replace:a:bb", text), "more than 1024 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_function_does_its_own),
        TEST(a_slice_counts_characters_from_either_end),
        TEST(a_piece_that_is_not_there_is_no_value),
        TEST(functions_follow_each_other),
        TEST(text_that_grows_too_long_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
