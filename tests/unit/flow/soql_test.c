#include "fixture.h"

#include "flow/soql.h"

/* The query made of the fixture's message, or why there is none. */
static const char *query(const char *text)
{
    struct sfe_soql *soql = NULL;

    assert_int_equal(sfe_soql_compile(text, "store-042", fixture.arena, &soql, &fixture.err),
                     SFE_OK);
    fixture_forget_output();
    const enum sfe_code code = sfe_soql_add(soql, &fixture.subject, &fixture.out, &fixture.err);
    if (code != SFE_OK) {
        assert_int_equal(code, SFE_E_UNMAPPED);
        assert_int_equal(fixture.out.size, 0);
        return fixture.err.message;
    }
    return fixture_text();
}

static const char *mistake(const char *text)
{
    struct sfe_soql *soql = NULL;

    assert_int_equal(sfe_soql_compile(text, "store-042", fixture.arena, &soql, &fixture.err),
                     SFE_E_CONFIG);
    assert_null(soql);
    return fixture.err.message;
}

static void values_in_quotes_are_their_text_escaped(void **state)
{
    (void)state;
    fixture_event("{\"a\":\"O'Neil\",\"b\":\"x\\\\' OR Id != '\",\"n\":12.50,\"t\":true,"
                  "\"c\":\"\\n\\r\\t\\b\\f\",\"u\":\"\\u00e4 \\\"\"}");
    assert_string_equal(query("WHERE A = '{/a}'"), "WHERE A = 'O\\'Neil'");
    assert_string_equal(query("'{/b}'"), "'x\\\\\\' OR Id != \\''");
    assert_string_equal(query("'{/n}' '{/t}'"), "'12.50' 'true'");
    assert_string_equal(query("'{/c}'"), "'\\n\\r\\t\\b\\f'");
    assert_string_equal(query("'{/u}'"), "'\xc3\xa4 \"'");
    assert_string_equal(query("'a{/n}b{topic.1}c'"), "'a12.50bp1c'");
    assert_string_equal(query("'{agent}{source}'"), "'store-042readings'");
    assert_string_equal(query("'{/a|upper}'"), "'O\\'NEIL'");
}

static void wildcards_are_escaped_behind_like_alone(void **state)
{
    (void)state;
    fixture_event("{\"a\":\"50%_\"}");
    assert_string_equal(query("A LIKE '{/a}%'"), "A LIKE '50\\%\\_%'");
    assert_string_equal(query("A lIkE\n '%{/a}' AND B = '{/a}'"),
                        "A lIkE\n '%50\\%\\_' AND B = '50%_'");
    assert_string_equal(query("A = '{/a}' OR A like'{/a}'"), "A = '50%_' OR A like'50\\%\\_'");
}

static void outside_quotes_only_numbers_stand(void **state)
{
    (void)state;
    fixture_event("{\"n\":-0.5e3,\"s\":\"7\",\"x\":\"7 OR Id != 'a'\",\"t\":true,\"e\":\"\","
                  "\"p\":\"+7\",\"h\":\"0x7\"}");
    assert_string_equal(query("A > {/n} LIMIT {/s}"), "A > -0.5e3 LIMIT 7");
    assert_string_equal(query("A > {/x}"), "a value outside quotes that is no number");
    assert_string_equal(query("A > {/t}"), "a value outside quotes that is no number");
    assert_string_equal(query("A > {/e}"), "a value outside quotes that is no number");
    assert_string_equal(query("A > {/p}"), "a value outside quotes that is no number");
    assert_string_equal(query("A > {/h}"), "a value outside quotes that is no number");
}

static void what_is_no_value_is_refused(void **state)
{
    static char payload[SFE_SOQL_VALUE_BYTES_MAX + 16u];
    (void)state;
    fixture_event("{\"z\":null,\"o\":{},\"l\":[1],\"c\":\"a\\u0000b\",\"d\":\"\\u007f\"}");
    assert_string_equal(query("'{/a}'"), "no value at /a");
    assert_string_equal(query("'{/z}'"), "no value at /z");
    assert_string_equal(query("'{/o}'"), "an object or a list where a value must be");
    assert_string_equal(query("'{/l}'"), "an object or a list where a value must be");
    assert_string_equal(query("'{/c}'"), "a value with a control character (0x00)");
    assert_string_equal(query("'{/d}'"), "a value with a control character (0x7f)");
    fixture.event.topic = SFE_TEXT("a/\xff");
    assert_string_equal(query("'{topic.1}'"), "a value that is not UTF-8");
    memset(payload, 'x', sizeof(payload));
    fixture_event_bytes(payload, SFE_SOQL_VALUE_BYTES_MAX);
    assert_int_equal(strlen(query("'{payload}'")), SFE_SOQL_VALUE_BYTES_MAX + 2u);
    fixture_event_bytes(payload, SFE_SOQL_VALUE_BYTES_MAX + 1u);
    assert_string_equal(query("'{payload}'"), "a value of more than 1020 bytes");
}

static void quotes_and_braces_of_the_query_itself_stay(void **state)
{
    (void)state;
    fixture_event("{\"a\":\"x\"}");
    assert_string_equal(query("A = 'it\\'s {{{/a}}}' AND B = '\\\\' AND C = '{/a}'"),
                        "A = 'it\\'s {x}' AND B = '\\\\' AND C = 'x'");
    assert_string_equal(query(""), "");
}

static void mistakes_are_named_when_it_is_compiled(void **state)
{
    (void)state;
    assert_string_equal(mistake("A = '{/a"), "a { without its } at column 6; a brace itself is "
                                             "written {{");
    assert_string_equal(mistake("A}"), "a } without its { at column 2; a brace itself is written "
                                       "}}");
    assert_string_equal(mistake("A = '{/a}"), "a text in quotes that does not end");
    assert_non_null(strstr(mistake("A = '{tpoic}'"), "did you mean"));
    assert_non_null(strstr(mistake("A = '{item}'"), "each"));
}

static void what_does_not_fit_is_not_there(void **state)
{
    struct sfe_soql *soql = NULL;
    uint8_t memory[16];

    (void)state;
    fixture_event("{\"a\":\"0123\"}");
    assert_int_equal(
        sfe_soql_compile("A = '{/a}'", "store-042", fixture.arena, &soql, &fixture.err), SFE_OK);
    for (size_t capacity = 1; capacity < 12u; capacity++) {
        struct sfe_builder out = sfe_builder_make(memory, capacity);
        sfe_builder_add_byte(&out, 'k');
        assert_int_equal(sfe_soql_add(soql, &fixture.subject, &out, &fixture.err),
                         capacity == 11u ? SFE_OK : SFE_E_FULL);
        assert_int_equal(out.size, capacity == 11u ? 11u : 1u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_in_quotes_are_their_text_escaped),
        TEST(wildcards_are_escaped_behind_like_alone),
        TEST(outside_quotes_only_numbers_stand),
        TEST(what_is_no_value_is_refused),
        TEST(quotes_and_braces_of_the_query_itself_stay),
        TEST(mistakes_are_named_when_it_is_compiled),
        TEST(what_does_not_fit_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
