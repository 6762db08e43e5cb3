#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/csv_rows.h"

#include <stdio.h>

static struct csv_columns columns;
static uint8_t memory[4096];
static char problem[CSV_PROBLEM_BYTES];

static enum csv_found find(const char *text, bool at_end, struct csv_row *row)
{
    return csv_rows_find(sfe_slice_text(text), at_end, ',', row);
}

static void expect_row(const char *text, const char *row_text, size_t size)
{
    struct csv_row row;

    assert_int_equal(find(text, true, &row), CSV_ROW);
    assert_int_equal(row.size, size);
    assert_int_equal(row.text.size, strlen(row_text));
    assert_memory_equal(row.text.bytes, row_text, row.text.size);
}

static void set_columns(const char *names, uint8_t delimiter, bool is_windows_1252)
{
    struct sfe_error err;

    columns.delimiter = delimiter;
    columns.is_windows_1252 = is_windows_1252;
    assert_int_equal(csv_columns_read(&columns, sfe_slice_text(names), &err), SFE_OK);
}

static void expect_object(const char *row, const char *object)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory) - 1u);

    assert_true(csv_rows_convert(&columns, sfe_slice_text(row), &out, problem));
    assert_false(out.overflowed);
    memory[out.size] = '\0';
    assert_string_equal((const char *)memory, object);
}

static void expect_problem(const char *row, const char *text)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));

    assert_false(csv_rows_convert(&columns, sfe_slice_text(row), &out, problem));
    assert_string_equal(problem, text);
}

static void a_row_ends_with_its_line_unless_that_is_quoted(void **state)
{
    (void)state;
    expect_row("a,b\nc", "a,b", 4);
    expect_row("a,b\r\nc", "a,b", 5);
    expect_row("\"a\nb\",c\nx", "\"a\nb\",c", 8);
    expect_row("\"a\"\"\nb\"\r\n", "\"a\"\"\nb\"", 9);
    expect_row("a", "a", 1);
    expect_row("a\r", "a", 2);
    expect_row("\n", "", 1);
}

static void a_row_that_is_not_whole_is_waited_for(void **state)
{
    struct csv_row row;

    (void)state;
    assert_int_equal(find("a,b", false, &row), CSV_MORE);
    assert_int_equal(find("a,b\r", false, &row), CSV_MORE);
    assert_int_equal(find("\"a\nb", false, &row), CSV_MORE);
    assert_int_equal(find("\"a\"", false, &row), CSV_MORE);
}

static void a_wrong_quote_spoils_its_first_line_only(void **state)
{
    struct csv_row row;

    (void)state;
    assert_int_equal(find("\"a\" b", false, &row), CSV_MORE);
    assert_int_equal(find("\"a\" b\nc\n", false, &row), CSV_BAD);
    assert_int_equal(row.size, 6);
    assert_string_equal(row.problem, "there is text behind a closing quote");
    assert_int_equal(find("\"a,b\nc,d\n", true, &row), CSV_BAD);
    assert_int_equal(row.size, 5);
    assert_int_equal(row.text.size, 4);
    assert_string_equal(row.problem, "a quote is not closed");
}

static void a_quote_inside_a_plain_field_is_text(void **state)
{
    (void)state;
    set_columns("size,name", ',', false);
    expect_object("5\" pipe,x", "{\"size\":\"5\\\" pipe\",\"name\":\"x\"}");
}

static void a_row_becomes_an_object(void **state)
{
    (void)state;
    set_columns("no;\"a \"\"b\"\"\";total", ';', false);
    expect_object("007;\"x;\"\"y\"\"\nz\"; 1,50 ",
                  "{\"no\":\"007\",\"a \\\"b\\\"\":\"x;\\\"y\\\"\\nz\",\"total\":\" 1,50 \"}");
    expect_object(";;", "{\"no\":\"\",\"a \\\"b\\\"\":\"\",\"total\":\"\"}");
}

static void rows_of_another_number_of_fields_are_refused(void **state)
{
    (void)state;
    set_columns("a,b", ',', false);
    expect_problem("1", "the row has 1 fields, and there are 2 columns");
    expect_problem("1,2,3", "the row has 3 fields, and there are 2 columns");
    expect_problem("1,2,,", "the row has 4 fields, and there are 2 columns");
    expect_object("1,2,", "{\"a\":\"1\",\"b\":\"2\"}");
    expect_problem("\xE4,2", "the row is not UTF-8; is `encoding` windows-1252?");
}

static void windows_1252_becomes_utf_8(void **state)
{
    (void)state;
    set_columns("pr\xE9nom\t\x80", '\t', true);
    expect_object("Zo\xEB\t\"\x93q\"\"\x94\"",
                  "{\"pr\xC3\xA9nom\":\"Zo\xC3\xAB\",\"\xE2\x82\xAC\":\"\xE2\x80\x9Cq\\\"\xE2\x80"
                  "\x9D\"}");
}

static void names_must_be_there_and_differ(void **state)
{
    struct sfe_error err;

    (void)state;
    columns.delimiter = ',';
    columns.is_windows_1252 = false;
    assert_int_equal(csv_columns_read(&columns, SFE_TEXT("a,,b"), &err), SFE_E_SYNTAX);
    assert_string_equal(err.message, "column 2 has no name");
    assert_int_equal(csv_columns_read(&columns, SFE_TEXT("a,b,\"a\""), &err), SFE_E_SYNTAX);
    assert_string_equal(err.message, "columns 1 and 3 have the same name");
    assert_int_equal(csv_columns_read(&columns, SFE_TEXT("a\xFF"), &err), SFE_E_SYNTAX);
    assert_int_equal(csv_columns_read(&columns, SFE_TEXT("a,b,"), &err), SFE_OK);
    assert_int_equal(columns.count, 2);
    assert_int_equal(csv_columns_add(&columns, SFE_TEXT("c\"d"), &err), SFE_OK);
    expect_object("1,2,3", "{\"a\":\"1\",\"b\":\"2\",\"c\\\"d\":\"3\"}");
}

static void too_many_columns_are_refused(void **state)
{
    static uint8_t many[CSV_NAMES_BYTES_MAX + 16u];
    struct sfe_error err;

    (void)state;
    memset(many, 'x', sizeof(many));
    assert_int_equal(csv_columns_read(&columns, sfe_slice_make(many, sizeof(many)), &err),
                     SFE_E_TOO_LARGE);
    columns.count = 0;
    columns.size = 0;
    for (uint32_t i = 0; i < CSV_COLUMNS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(csv_columns_add(&columns, sfe_slice_text(name), &err), SFE_OK);
    }
    assert_int_equal(csv_columns_add(&columns, SFE_TEXT("one"), &err), SFE_E_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_ends_with_its_line_unless_that_is_quoted),
        cmocka_unit_test(a_row_that_is_not_whole_is_waited_for),
        cmocka_unit_test(a_wrong_quote_spoils_its_first_line_only),
        cmocka_unit_test(a_quote_inside_a_plain_field_is_text),
        cmocka_unit_test(a_row_becomes_an_object),
        cmocka_unit_test(rows_of_another_number_of_fields_are_refused),
        cmocka_unit_test(windows_1252_becomes_utf_8),
        cmocka_unit_test(names_must_be_there_and_differ),
        cmocka_unit_test(too_many_columns_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
