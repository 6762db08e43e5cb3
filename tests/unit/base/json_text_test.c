#include "unit.h"

#include "base/json_text.h"

static struct sfe_json_token tokens[16];
static struct sfe_json json;
static uint8_t memory[256];

static void parse(const char *text)
{
    struct sfe_error err;
    assert_int_equal(sfe_json_parse(sfe_slice_text(text), 0, tokens, COUNT_OF(tokens), &json, &err),
                     SFE_OK);
}

static void assert_unescaped(const char *text, struct sfe_slice expected)
{
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    parse(text);
    sfe_json_add_text(&json, 0, &builder);
    assert_false(builder.overflowed);
    assert_true(sfe_slice_equal(sfe_builder_slice(&builder), expected));
    assert_true(sfe_json_text_equal(&json, 0, expected));
}

static void every_escape_stands_for_its_character(void **state)
{
    (void)state;
    assert_unescaped("\"plain\"", SFE_TEXT("plain"));
    assert_unescaped("\"\"", SFE_TEXT(""));
    assert_unescaped("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", SFE_TEXT("a\"\\/\b\f\n\r\tz"));
    assert_unescaped("\"\\u0041\\u00e4\\u20AC!\"", SFE_TEXT("A\xc3\xa4\xe2\x82\xac!"));
    assert_unescaped("\"\\u0000\"", sfe_slice_make("\0", 1));
    assert_unescaped("\"\\uD83D\\uDE00\"", SFE_TEXT("\xf0\x9f\x98\x80"));
    assert_unescaped("\"\\udbff\\udfff\"", SFE_TEXT("\xf4\x8f\xbf\xbf"));
}

static void a_lone_surrogate_becomes_the_replacement_character(void **state)
{
    (void)state;
    assert_unescaped("\"a\\ud800b\"", SFE_TEXT("a\xef\xbf\xbd"
                                               "b"));
    assert_unescaped("\"\\udc00\"", SFE_TEXT("\xef\xbf\xbd"));
    assert_unescaped("\"\\ud800\\u0041\"", SFE_TEXT("\xef\xbf\xbd"
                                                    "A"));
    assert_unescaped("\"\\ud800\\ud83d\\ude00\"", SFE_TEXT("\xef\xbf\xbd\xf0\x9f\x98\x80"));
    assert_unescaped("\"\\ud800\\n12345678\"", SFE_TEXT("\xef\xbf\xbd\n12345678"));
}

static void text_that_differs_is_not_equal(void **state)
{
    (void)state;
    parse("\"\\u0061bc\"");
    assert_true(sfe_json_text_equal(&json, 0, SFE_TEXT("abc")));
    assert_false(sfe_json_text_equal(&json, 0, SFE_TEXT("ab")));
    assert_false(sfe_json_text_equal(&json, 0, SFE_TEXT("abcd")));
    assert_false(sfe_json_text_equal(&json, 0, SFE_TEXT("\\u0061bc")));
    assert_false(sfe_json_text_equal(&json, 0, SFE_TEXT("")));
    parse("123");
    assert_false(sfe_json_text_equal(&json, 0, SFE_TEXT("123")));
}

static void two_escaped_texts_are_compared_by_what_they_say(void **state)
{
    const struct json_text string = {SFE_TEXT("a\\u002fb"), JSON_STRING};
    (void)state;
    assert_true(json_text_equal(string, (struct json_text){SFE_TEXT("a\\/b"), JSON_STRING}));
    assert_true(json_text_equal(string, (struct json_text){SFE_TEXT("a~1b"), JSON_POINTER}));
    assert_false(json_text_equal(string, (struct json_text){SFE_TEXT("a~0b"), JSON_POINTER}));
    assert_false(json_text_equal((struct json_text){SFE_TEXT("~"), JSON_POINTER},
                                 (struct json_text){SFE_TEXT("~"), JSON_POINTER}));
}

static void unescaping_stops_at_the_builders_end(void **state)
{
    struct sfe_builder builder = sfe_builder_make(memory, 3);
    (void)state;
    parse("\"ab\\u20ac\"");
    sfe_json_add_text(&json, 0, &builder);
    assert_true(builder.overflowed);
    assert_slice(sfe_builder_slice(&builder), "ab");
}

static void positions_count_lines_and_bytes_from_one(void **state)
{
    struct sfe_slice text = SFE_TEXT("ab\n\ncd");
    static const uint32_t expected[][2] = {{1, 1}, {1, 2}, {1, 3}, {2, 1}, {3, 1}, {3, 2}, {3, 3}};
    uint32_t line = 0;
    uint32_t column = 0;
    (void)state;
    for (size_t offset = 0; offset < COUNT_OF(expected); offset++) {
        sfe_json_position(text, offset, &line, &column);
        assert_int_equal(line, expected[offset][0]);
        assert_int_equal(column, expected[offset][1]);
    }
    sfe_json_position(SFE_TEXT("\xef\xbb\xbf"
                               "ab"),
                      4, &line, &column);
    assert_int_equal(column, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_escape_stands_for_its_character),
        cmocka_unit_test(a_lone_surrogate_becomes_the_replacement_character),
        cmocka_unit_test(text_that_differs_is_not_equal),
        cmocka_unit_test(two_escaped_texts_are_compared_by_what_they_say),
        cmocka_unit_test(unescaping_stops_at_the_builders_end),
        cmocka_unit_test(positions_count_lines_and_bytes_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
