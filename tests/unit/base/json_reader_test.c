#include "unit.h"

#include "base/json_reader.h"

#include <cjson/cJSON.h>

static struct sfe_json_token tokens[4096];
static struct sfe_json json;
static struct sfe_error err;

static enum sfe_code parse_slice(struct sfe_slice text, unsigned options)
{
    /* A copy without a byte to spare, so that a sanitizer sees a read beyond the end. */
    static uint8_t *copy;
    free(copy);
    copy = malloc(text.size + (text.size == 0 ? 1 : 0));
    assert_non_null(copy);
    if (text.size != 0) {
        memcpy(copy, text.bytes, text.size);
    }
    return sfe_json_parse(sfe_slice_make(copy, text.size), options, tokens, COUNT_OF(tokens), &json,
                          &err);
}

static enum sfe_code parse(const char *text)
{
    return parse_slice(sfe_slice_text(text), 0);
}

static void assert_syntax(const char *text, uint32_t line, uint32_t column)
{
    if (parse(text) != SFE_E_SYNTAX || err.line != line || err.column != column) {
        fail_msg("%s: code %d at %u:%u (%s)", text, (int)err.code, err.line, err.column,
                 err.message);
    }
}

static void every_kind_of_value_has_its_token(void **state)
{
    static const enum sfe_json_kind kinds[] = {SFE_JSON_OBJECT, SFE_JSON_STRING, SFE_JSON_ARRAY,
                                               SFE_JSON_NUMBER, SFE_JSON_NUMBER, SFE_JSON_STRING,
                                               SFE_JSON_TRUE,   SFE_JSON_FALSE,  SFE_JSON_NULL,
                                               SFE_JSON_OBJECT, SFE_JSON_ARRAY};
    static const char *const raw[] = {
        NULL,   "a",        "[1,-0.50e+3,\"x\\n\",true,false,null,{},[]]",
        "1",    "-0.50e+3", "x\\n",
        "true", "false",    "null",
        "{}",   "[]"};
    (void)state;
    assert_int_equal(parse(" {\"a\" : [1,-0.50e+3,\"x\\n\",true,false,null,{},[]] }\r\n\t"),
                     SFE_OK);
    assert_int_equal(json.count, COUNT_OF(kinds));
    for (uint32_t i = 0; i < json.count; i++) {
        assert_int_equal(sfe_json_kind(&json, i), kinds[i]);
        if (raw[i] != NULL) {
            assert_slice(sfe_json_raw(&json, i), raw[i]);
        }
    }
    assert_int_equal(tokens[5].escaped, 1);
    assert_int_equal(tokens[1].escaped, 0);
    assert_int_equal(tokens[0].next, json.count);
    assert_int_equal(tokens[2].next, json.count);
    assert_int_equal(tokens[9].next, 10);
}

static void a_value_may_stand_alone(void **state)
{
    static const char *const good[] = {"1", "\"\"", "null", " true ", "-0", "0.0", "1E9", "[]"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(parse(good[i]), SFE_OK);
        assert_int_equal(json.count, 1);
    }
}

static void what_rfc_8259_forbids_is_refused_where_it_stands(void **state)
{
    (void)state;
    assert_syntax("", 1, 1);
    assert_syntax("  ", 1, 3);
    assert_syntax("{\"a\":1,}", 1, 8);
    assert_syntax("[1,]", 1, 4);
    assert_syntax("[1 2]", 1, 4);
    assert_syntax("{\"a\" 1}", 1, 6);
    assert_syntax("{a:1}", 1, 2);
    assert_syntax("{1:1}", 1, 2);
    assert_syntax("[1}", 1, 3);
    assert_syntax("{\"a\":1]", 1, 7);
    assert_syntax("[", 1, 2);
    assert_syntax("{\"a\":", 1, 6);
    assert_syntax("{\"a\"", 1, 5);
    assert_syntax("]", 1, 1);
    assert_syntax("1 2", 1, 3);
    assert_syntax("{}\n}", 2, 1);
    assert_syntax("[\n 1,\n  nul]", 3, 3);
    assert_syntax("tru", 1, 1);
    assert_syntax("True", 1, 1);
    assert_syntax("'a'", 1, 1);
    assert_syntax("[// no\n1]", 1, 2);
    assert_syntax("NaN", 1, 1);
}

static void numbers_follow_the_grammar(void **state)
{
    static const char *const bad[] = {"01",    "-",   "+1",    ".5",       "1.",
                                      "1.e3",  "1e",  "1e+",   "-01",      "0x10",
                                      "1_000", "--1", "1.2.3", "Infinity", "-a"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (parse(bad[i]) != SFE_E_SYNTAX) {
            fail_msg("%s was taken", bad[i]);
        }
    }
    assert_int_equal(parse("123456789012345678901234567890.10"), SFE_OK);
    assert_slice(sfe_json_raw(&json, 0), "123456789012345678901234567890.10");
}

static void strings_hold_only_what_they_may(void **state)
{
    (void)state;
    assert_syntax("\"abc", 1, 1);
    assert_syntax("[\"abcdefgh\\", 1, 11);
    assert_syntax("\"a\nb\"", 1, 3);
    assert_syntax("\"01234567\t\"", 1, 10);
    assert_syntax("\"\\x\"", 1, 2);
    assert_syntax("\"\\u12g4\"", 1, 2);
    assert_syntax("\"\\u123\"", 1, 2);
    assert_syntax("\"gr\xfc\xdf\"", 1, 4);
    assert_syntax("\"\xed\xa0\x80\"", 1, 2);
    assert_syntax("\"0123456789\xc3\"", 1, 12);
    assert_int_equal(parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\uD800\\u00aF \x7f \xf0\x9f\x98\x80\""),
                     SFE_OK);
}

static void every_byte_of_a_string_is_looked_at_in_every_place(void **state)
{
    (void)state;
    for (size_t size = 1; size < 20; size++) {
        for (size_t at = 0; at < size; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t text[32];
                memset(text, 'z', sizeof(text));
                text[0] = text[size + 1] = '"';
                text[1 + at] = (uint8_t)byte;
                bool is_plain = byte >= ' ' && byte < 0x80u && byte != '"' && byte != '\\';
                enum sfe_code code = parse_slice(sfe_slice_make(text, size + 2), 0);
                assert_int_equal(code == SFE_OK, is_plain);
            }
        }
    }
}

static void a_nul_byte_ends_nothing(void **state)
{
    (void)state;
    assert_int_equal(parse_slice(sfe_slice_make("1\0", 2), 0), SFE_E_SYNTAX);
    assert_int_equal(parse_slice(sfe_slice_make("\"a\0b\"", 5), 0), SFE_E_SYNTAX);
    assert_int_equal(parse_slice(sfe_slice_make("[\0]", 3), 0), SFE_E_SYNTAX);
    assert_int_equal(parse_slice(sfe_slice_make("[1]\0", 4), 0), SFE_E_SYNTAX);
}

static void a_byte_order_mark_is_skipped_once(void **state)
{
    (void)state;
    assert_int_equal(parse("\xef\xbb\xbf{}"), SFE_OK);
    assert_slice(sfe_json_raw(&json, 0), "{}");
    assert_syntax("\xef\xbb\xbf[x]", 1, 2);
    assert_int_equal(parse("\xef\xbb\xbf\xef\xbb\xbf{}"), SFE_E_SYNTAX);
}

static void depth_is_bounded_at_sixty_four(void **state)
{
    char text[200];
    (void)state;
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = '\0';
    assert_int_equal(parse(text), SFE_OK);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    text[130] = '\0';
    assert_syntax(text, 1, 65);
}

static void too_few_tokens_are_told_apart_from_bad_text(void **state)
{
    struct sfe_json other = {0};
    (void)state;
    assert_int_equal(sfe_json_parse(SFE_TEXT("[1,2,3]"), 0, tokens, 4, &other, &err), SFE_OK);
    for (uint32_t capacity = 0; capacity < 4; capacity++) {
        other.count = 99;
        assert_int_equal(sfe_json_parse(SFE_TEXT("[1,2,3]"), 0, tokens, capacity, &other, &err),
                         SFE_E_TOO_LARGE);
        assert_int_equal(other.count, 99);
    }
    assert_int_equal(sfe_json_parse(SFE_TEXT("{\"a\":1}"), 0, tokens, 2, &other, &err),
                     SFE_E_TOO_LARGE);
}

static void comments_are_allowed_on_demand(void **state)
{
    struct sfe_slice text =
        SFE_TEXT("// top\n{ // here\n \"a\": 1, //\n // \"b\": 2\n \"//\": 3 }// end");
    (void)state;
    assert_int_equal(parse_slice(text, SFE_JSON_COMMENTS), SFE_OK);
    assert_int_equal(sfe_json_length(&json, 0), 2);
    assert_int_equal(parse_slice(text, 0), SFE_E_SYNTAX);
    assert_int_equal(parse_slice(SFE_TEXT("[1 / 2]"), SFE_JSON_COMMENTS), SFE_E_SYNTAX);
    assert_int_equal(parse_slice(SFE_TEXT("[1 /"), SFE_JSON_COMMENTS), SFE_E_SYNTAX);
}

static void repeated_names_are_refused_on_demand_at_the_second(void **state)
{
    struct sfe_slice text = SFE_TEXT("{\"a\":{\"b\":1},\n \"b\":2, \"\\u0061\":3}");
    (void)state;
    assert_int_equal(parse_slice(text, 0), SFE_OK);
    assert_int_equal(parse_slice(text, SFE_JSON_UNIQUE_KEYS), SFE_E_SYNTAX);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 9);
    assert_int_equal(
        parse_slice(SFE_TEXT("{\"a\":1,\"A\":1,\"\":{\"a\":2}}"), SFE_JSON_UNIQUE_KEYS), SFE_OK);
    assert_int_equal(parse_slice(SFE_TEXT("[{\"\\n\":1,\"\\u000a\":1}]"), SFE_JSON_UNIQUE_KEYS),
                     SFE_E_SYNTAX);
}

static void a_message_names_what_was_found(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"a\";1}"), SFE_E_SYNTAX);
    assert_string_equal(err.message, "expected ':', found ';'");
    assert_int_equal(parse("[1"), SFE_E_SYNTAX);
    assert_string_equal(err.message, "expected ',' or ']', found the end of the text");
    assert_int_equal(parse("[\x01"), SFE_E_SYNTAX);
    assert_string_equal(err.message, "expected a value, found byte 0x01");
}

/* True where cJSON's `item` is of the kind and value of token `index`. */
static bool agrees_leaf(const cJSON *item, uint32_t index)
{
    char number[64];
    struct sfe_slice raw = sfe_json_raw(&json, index);

    switch (sfe_json_kind(&json, index)) {
    case SFE_JSON_NULL:
        return cJSON_IsNull(item);
    case SFE_JSON_TRUE:
        return cJSON_IsTrue(item);
    case SFE_JSON_FALSE:
        return cJSON_IsFalse(item);
    case SFE_JSON_STRING:
        return cJSON_IsString(item) &&
               sfe_json_text_equal(&json, index, sfe_slice_text(item->valuestring));
    case SFE_JSON_NUMBER:
        snprintf(number, sizeof(number), "%.*s", (int)raw.size, (const char *)raw.bytes);
        return cJSON_IsNumber(item) && strtod(number, NULL) == item->valuedouble;
    case SFE_JSON_ARRAY:
        return cJSON_IsArray(item);
    case SFE_JSON_OBJECT:
    default:
        return cJSON_IsObject(item);
    }
}

static void assert_agrees(const cJSON *root)
{
    uint32_t count = 0;
    const cJSON *path[SFE_JSON_DEPTH_MAX + 1];
    size_t depth = 0;
    const cJSON *item = root;

    while (item != NULL) {
        if (depth > 0 && cJSON_IsObject(path[depth - 1])) {
            assert_true(sfe_json_text_equal(&json, count, sfe_slice_text(item->string)));
            count++;
        }
        assert_true(count < json.count && agrees_leaf(item, count));
        count++;
        if (item->child != NULL) {
            path[depth++] = item;
            item = item->child;
            continue;
        }
        while (item != NULL && (depth == 0 || item->next == NULL)) {
            item = depth == 0 ? NULL : path[--depth];
        }
        item = item == NULL ? NULL : item->next;
    }
    assert_int_equal(count, json.count);
}

static void cjson_reads_the_same_from_what_both_accept(void **state)
{
    static const char *const texts[] = {
        "{\"id\":\"r-1\",\"tags\":[\"x\",[],{}],\"mv\":{\"a\":3.25,\"b\":false},\"n\":null}",
        "[[[1],[2,[3]]],{\"a\":{\"b\":{\"c\":[true]}}}]",
        "\"\\u00fc\\ud83d\\ude00\\n\\/\xe2\x82\xac\"",
        "{\"\\u0061\\\"b\":1e-3,\"\":[0,-0.0,1E+2]}",
        " [ 1 , 2 ] ",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        cJSON *root = cJSON_Parse(texts[i]);
        assert_non_null(root);
        assert_int_equal(parse(texts[i]), SFE_OK);
        assert_agrees(root);
        cJSON_Delete(root);
    }
}

static void cjson_refuses_structure_that_we_refuse(void **state)
{
    static const char *const bad[] = {"",      "{",        "[1,]",  "{\"a\":1,}", "{\"a\" 1}",
                                      "[1 2]", "{a:1}",    "[1}",   "]",          "tru",
                                      "\"abc", "\"\\x\"",  "{1:1}", "[,1]",       "{,}",
                                      "[1}",   "{\"a\":}", "{:1}",  "[\"a]",      "nul"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cJSON *root = cJSON_ParseWithOpts(bad[i], NULL, 1);
        assert_null(root);
        assert_int_equal(parse(bad[i]), SFE_E_SYNTAX);
    }
}

static void a_value_is_known_without_tokens(void **state)
{
    static const char *const good[] = {"1", "null", " [1,{\"a\":[true,\"x\\u0041\"]},[],{}] ",
                                       "\"\"", "{\"a\":1,\"a\":2}"};
    static const char *const bad[] = {"",         "{",   "[1,]", "{\"a\":1,}",     "[1}",
                                      "{1:1}",    "1 2", "tru",  "\xef\xbb\xbf[]", "//c\n1",
                                      "\"\xff\"", "[{]", "[[}"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(sfe_json_is_value(sfe_slice_text(good[i]), SFE_JSON_DEPTH_MAX));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(sfe_json_is_value(sfe_slice_text(bad[i]), SFE_JSON_DEPTH_MAX));
    }
    assert_true(sfe_json_is_value(SFE_TEXT("[{\"a\":[]}]"), 3));
    assert_false(sfe_json_is_value(SFE_TEXT("[{\"a\":[]}]"), 2));
    assert_false(sfe_json_is_value(SFE_TEXT("[]"), 0));
    assert_true(sfe_json_is_value(SFE_TEXT("7"), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_has_its_token),
        cmocka_unit_test(a_value_may_stand_alone),
        cmocka_unit_test(what_rfc_8259_forbids_is_refused_where_it_stands),
        cmocka_unit_test(numbers_follow_the_grammar),
        cmocka_unit_test(strings_hold_only_what_they_may),
        cmocka_unit_test(every_byte_of_a_string_is_looked_at_in_every_place),
        cmocka_unit_test(a_nul_byte_ends_nothing),
        cmocka_unit_test(a_byte_order_mark_is_skipped_once),
        cmocka_unit_test(depth_is_bounded_at_sixty_four),
        cmocka_unit_test(too_few_tokens_are_told_apart_from_bad_text),
        cmocka_unit_test(comments_are_allowed_on_demand),
        cmocka_unit_test(repeated_names_are_refused_on_demand_at_the_second),
        cmocka_unit_test(a_message_names_what_was_found),
        cmocka_unit_test(cjson_reads_the_same_from_what_both_accept),
        cmocka_unit_test(cjson_refuses_structure_that_we_refuse),
        cmocka_unit_test(a_value_is_known_without_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
