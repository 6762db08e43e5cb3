#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bulk/results.h"

struct seen {
    char text[1024]; /* "id|error;" or "id=record|error;" for each row. */
};

static void on_row(void *owner, const struct bulk_result *result)
{
    struct seen *seen = owner;
    size_t size = strlen(seen->text);

    (void)snprintf(seen->text + size, sizeof(seen->text) - size, "%.*s%s%.*s|%.*s;",
                   (int)result->id.size, (const char *)result->id.bytes,
                   result->record.size > 0 ? "=" : "", (int)result->record.size,
                   (const char *)result->record.bytes, (int)result->error.size,
                   (const char *)result->error.bytes);
}

/* The same whatever the pieces. */
static bool read_all(const char *text, struct seen *seen)
{
    static struct bulk_results results;
    struct seen other;
    bool is_first = true;
    bool is_whole = false;

    for (size_t piece = 1; piece < 8; piece++) {
        bool is_good = true;
        memset(&other, 0, sizeof(other));
        bulk_results_begin(&results, "ReadingId__c", on_row, &other);
        for (size_t at = 0; at < strlen(text) && is_good; at += piece) {
            is_good = bulk_results_take(&results, sfe_slice_part(sfe_slice_text(text), at, piece));
        }
        is_good = bulk_results_end(&results) && is_good;
        assert_true(is_first || is_good == is_whole);
        assert_true(is_first || strcmp(other.text, seen->text) == 0);
        *seen = other;
        is_whole = is_good;
        is_first = false;
    }
    return is_whole;
}

static void rows_are_known_by_the_column_of_the_external_id(void **state)
{
    struct seen seen;

    (void)state;
    assert_true(read_all("\"sf__Id\",\"sf__Created\",\"Value__c\",\"READINGID__C\"\n"
                         "\"a00\",\"true\",\"1\",\"R1\"\n\"a01\",\"false\",\"\",\" R2 \"\n",
                         &seen));
    assert_string_equal(seen.text, "R1=a00|;R2=a01|;");
}

static void a_record_id_is_letters_and_digits_and_no_longer_than_any(void **state)
{
    struct seen seen;

    (void)state;
    assert_true(read_all("READINGID__C,sf__Id\n1,a005e00000abcdeAAA\n2,a005e00000abcdeAAAB\n"
                         "3,<a00>\n4,\n5,a01\n",
                         &seen));
    assert_string_equal(seen.text, "1=a005e00000abcdeAAA|;2|;3|;4|;5=a01|;");
}

static void quotes_commas_and_line_ends_within_a_value_are_part_of_it(void **state)
{
    struct seen seen;

    (void)state;
    assert_true(read_all("sf__Id,sf__Error,ReadingId__c\r\n"
                         ",\"CODE:a \"\"b\"\", c\nx:F --\",\"R,\"\"1\"\"\"\r\n",
                         &seen));
    assert_string_equal(seen.text, "R,\"1\"|CODE:a \"b\", c\nx:F --;");
}

static void an_empty_file_has_no_rows_and_so_has_a_header_alone(void **state)
{
    struct seen seen;

    (void)state;
    assert_true(read_all("", &seen));
    assert_true(read_all("\"sf__Id\",\"sf__Created\",\"ReadingId__c\"\n", &seen));
    assert_string_equal(seen.text, "");
}

static void a_file_that_breaks_off_within_a_row_is_not_whole(void **state)
{
    struct seen seen;

    (void)state;
    assert_false(read_all("sf__Id,ReadingId__c\n\"a\",\"R1\"\n\"b\",\"R", &seen));
    assert_string_equal(seen.text, "R1=a|;");
    assert_false(read_all("sf__Id,ReadingId__c\na,R1\nb,R2", &seen));
    assert_true(read_all("sf__Id,ReadingId__c\n\"a\",\"R1\"\n\"b\",\"R2\"", &seen));
}

static void what_is_no_result_file_is_refused(void **state)
{
    struct seen seen;

    (void)state;
    assert_false(read_all("<html><body>Please sign in</body></html>\n", &seen));
    assert_false(read_all("sf__Id,Other__c\n\"a\",\"b\"\n", &seen));
    assert_false(read_all("sf__Id,ReadingId__c\n\"a\",\"R1\",\"x\"\n", &seen));
    assert_string_equal(seen.text, "");
}

static void an_id_longer_than_any_of_ours_is_none(void **state)
{
    struct seen seen;
    static char text[2048] = "sf__Id,ReadingId__c\n\"a\",\"";

    (void)state;
    size_t size = strlen(text);
    memset(text + size, 'x', BULK_ID_TEXT_BYTES + 1);
    memcpy(text + size + BULK_ID_TEXT_BYTES + 1, "\"\n", 3);
    assert_true(read_all(text, &seen));
    assert_string_equal(seen.text, "=a|;");
}

static void expect_failure(const char *text, const char *code, const char *message,
                           const char *fields)
{
    struct bulk_failure failure;

    bulk_failure_read(sfe_slice_text(text), &failure);
    assert_true(sfe_slice_equal(failure.code, sfe_slice_text(code)));
    assert_true(sfe_slice_equal(failure.message, sfe_slice_text(message)));
    assert_true(sfe_slice_equal(failure.fields, sfe_slice_text(fields)));
}

static void a_failure_has_code_message_and_fields(void **state)
{
    (void)state;
    expect_failure("REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
                   "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", "Name");
    expect_failure("UNABLE_TO_LOCK_ROW:unable to obtain: a02:--", "UNABLE_TO_LOCK_ROW",
                   "unable to obtain: a02", "");
    expect_failure("InvalidBatch : Field name not found : Foo__c", "InvalidBatch",
                   "Field name not found : Foo__c", "");
    expect_failure("something", "something", "", "");
    expect_failure("", "", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_id_is_letters_and_digits_and_no_longer_than_any),
        cmocka_unit_test(rows_are_known_by_the_column_of_the_external_id),
        cmocka_unit_test(quotes_commas_and_line_ends_within_a_value_are_part_of_it),
        cmocka_unit_test(an_empty_file_has_no_rows_and_so_has_a_header_alone),
        cmocka_unit_test(a_file_that_breaks_off_within_a_row_is_not_whole),
        cmocka_unit_test(what_is_no_result_file_is_refused),
        cmocka_unit_test(an_id_longer_than_any_of_ours_is_none),
        cmocka_unit_test(a_failure_has_code_message_and_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
