#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/file_records.h"

#include <stdio.h>

#define EVENT_MAX 32u
#define BUFFER    48u
#define TOKENS    64u

static struct file_records records;
static struct csv_columns columns;
static struct sfe_json_token tokens[TOKENS];
static uint8_t event[EVENT_MAX];
static char told[4096]; /* What came, a line each. */
static size_t told_size;

static void tell(enum file_step step, const struct file_record *record)
{
    const char *kind = record->is_too_large ? "long" : record->is_bad ? "bad" : "event";
    int length = 0;

    if (step == FILE_RECORD) {
        length = snprintf(told + told_size, sizeof(told) - told_size, "%s %u %.*s\n", kind,
                          (unsigned)record->line, (int)record->event.size,
                          (const char *)record->event.bytes);
    } else if (step == FILE_BROKEN) {
        length = snprintf(told + told_size, sizeof(told) - told_size, "broken %u\n",
                          (unsigned)record->line);
    }
    assert_true(length >= 0);
    told_size += (size_t)length;
    assert_true(told_size < sizeof(told));
}

/* Gives the file in pieces of `piece` bytes, from a buffer as small as may be. */
static const char *cut(enum file_format format, const char *text, size_t piece)
{
    const struct file_records_options options = {
        .format = format,
        .event_bytes_max = EVENT_MAX,
        .event = event,
        .tokens = tokens,
        .token_capacity = TOKENS,
        .columns = &columns,
    };
    const size_t size = strlen(text);
    struct file_record record;
    size_t begin = 0;
    size_t end = 0;

    columns.delimiter = ',';
    told_size = 0;
    told[0] = '\0';
    file_records_begin(&records, &options);
    for (unsigned steps = 0;; steps++) {
        const enum file_step step =
            file_records_next(&records, sfe_slice_make(text + begin, end - begin), end == size,
                              end - begin == BUFFER, &record);
        assert_true(steps < 10000u);
        assert_true(record.consumed <= end - begin);
        begin += record.consumed;
        tell(step, &record);
        if (step == FILE_END || step == FILE_BROKEN) {
            return told;
        }
        if (step == FILE_MORE) {
            size_t most = begin + BUFFER < size ? begin + BUFFER : size;
            assert_true(end < most);
            end = end + piece < most ? end + piece : most;
        }
    }
}

/* Whatever the pieces are, the records are the same. */
static void expect(enum file_format format, const char *text, const char *records_told)
{
    for (size_t piece = 1; piece < BUFFER; piece += 3) {
        assert_string_equal(cut(format, text, piece), records_told);
    }
}

static void lines_are_events(void **state)
{
    (void)state;
    expect(FILE_NDJSON, "\xEF\xBB\xBF{\"a\":1}\r\n\n {\"a\":2}\n{\"a\":3}",
           "event 1 {\"a\":1}\nevent 3  {\"a\":2}\nevent 4 {\"a\":3}\n");
    expect(FILE_NDJSON, "", "");
}

static void a_bad_line_is_one_and_the_rest_goes_on(void **state)
{
    (void)state;
    expect(FILE_NDJSON, "{\"a\":}\n[1]\n{\"a\":3}\n",
           "bad 1 {\"a\":}\nbad 2 [1]\nevent 3 {\"a\":3}\n");
}

static void a_line_that_is_too_long_is_passed_over_with_its_beginning_kept(void **state)
{
    const char *text = "{\"a\":\"0123456789012345678901234567890123456789012345678901234\"}\n{}\n";

    (void)state;
    expect(FILE_NDJSON, text,
           "long 1 {\"a\":\"0123456789012345678901234567890123456789012345678901234\"}\n"
           "event 2 {}\n");
    expect(FILE_NDJSON, "{\"a\":\"01234567890123456789012345\"}\n{}\n",
           "long 1 {\"a\":\"01234567890123456789012345\"}\nevent 2 {}\n");
}

static void the_first_line_names_the_columns(void **state)
{
    (void)state;
    expect(FILE_CSV, "\n\xEF\xBB\xBFno\n1\n", "event 3 {\"\xEF\xBB\xBFno\":\"1\"}\n");
    expect(FILE_CSV, "\xEF\xBB\xBFno\n1\n\n\"2\n3\"\n4",
           "event 2 {\"no\":\"1\"}\nevent 4 {\"no\":\"2\\n3\"}\nevent 6 {\"no\":\"4\"}\n");
    expect(FILE_CSV, "", "broken 1\n");
    expect(FILE_CSV, "\n\n", "broken 3\n");
    expect(FILE_CSV, "a,a\n1,2\n", "broken 1\n");
}

static void a_quote_that_never_ends_costs_one_line(void **state)
{
    (void)state;
    expect(FILE_CSV, "no\n\"1\n2\n", "bad 2 \"1\nevent 3 {\"no\":\"2\"}\n");
    expect(FILE_CSV, "no\n\"1\n2345678901\n2345678902\n2345678903\n2345678904\n2345678905\n",
           "bad 2 \"1\nevent 3 {\"no\":\"2345678901\"}\nevent 4 {\"no\":\"2345678902\"}\n"
           "event 5 {\"no\":\"2345678903\"}\nevent 6 {\"no\":\"2345678904\"}\n"
           "event 7 {\"no\":\"2345678905\"}\n");
}

static void a_row_that_is_too_large_as_json_is_bad(void **state)
{
    (void)state;
    expect(FILE_CSV, "number\n12345678901234567890123\n1\n",
           "long 2 12345678901234567890123\nevent 3 {\"number\":\"1\"}\n");
}

static void a_json_file_is_one_object_or_a_list(void **state)
{
    (void)state;
    expect(FILE_JSON, " {\"a\":\"}\\\"\"}\n", "event 1 {\"a\":\"}\\\"\"}\n");
    expect(FILE_JSON, "[{\"a\":1},\n {\"b\":[{}]} , 7]\n",
           "event 1 {\"a\":1}\nevent 2 {\"b\":[{}]}\nbad 2 7\n");
    expect(FILE_JSON, "[]", "");
    expect(FILE_JSON, "[ ]", "");
}

static void json_that_is_none_is_broken(void **state)
{
    static const char *const texts[] = {"",          "[",      "{",        "[{},",      "[{},]",
                                        "[,{}]",     "[{}{}]", "[{}] 1",   "{}{}",      "{\"a\":}",
                                        "[{\"a\"}]", "]",      "[{},,{}]", "[{\"a\":1", "}"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t piece = 1; piece < 9; piece++) {
            const char *text = cut(FILE_JSON, texts[i], piece);
            if (strstr(text, "broken 1\n") == NULL) {
                fail_msg("'%s' in pieces of %zu: %s", texts[i], piece, text);
            }
        }
    }
}

static void a_json_value_that_does_not_fit_breaks_the_file(void **state)
{
    (void)state;
    expect(FILE_JSON, "[{},\n{\"a\":\"012345678901234567890123456789012345678901234567890\"}]",
           "event 1 {}\nbroken 2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_events),
        cmocka_unit_test(a_bad_line_is_one_and_the_rest_goes_on),
        cmocka_unit_test(a_line_that_is_too_long_is_passed_over_with_its_beginning_kept),
        cmocka_unit_test(the_first_line_names_the_columns),
        cmocka_unit_test(a_quote_that_never_ends_costs_one_line),
        cmocka_unit_test(a_row_that_is_too_large_as_json_is_bad),
        cmocka_unit_test(a_json_file_is_one_object_or_a_list),
        cmocka_unit_test(json_that_is_none_is_broken),
        cmocka_unit_test(a_json_value_that_does_not_fit_breaks_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
