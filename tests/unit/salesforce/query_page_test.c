#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "salesforce/query_page.h"

static enum sfe_code read_page(const char *text, struct query_page *page)
{
    struct sfe_error err;

    return query_page_read(sfe_slice_text(text), page, &err);
}

static struct sfe_feed_marks marks_of(const char *after, const char *record)
{
    struct sfe_feed_marks marks;

    assert_true(query_page_marks(after, sfe_slice_text(record), &marks));
    assert_true(marks.has_identity);
    return marks;
}

static bool same(const char *a, const char *b)
{
    const struct sfe_feed_marks left = marks_of(NULL, a);
    const struct sfe_feed_marks right = marks_of(NULL, b);

    return memcmp(&left.identity, &right.identity, sizeof(left.identity)) == 0;
}

static void the_records_of_a_page_are_walked_as_they_came(void **state)
{
    static const char text[] =
        " {\"records\": [ {\"Id\":\"1\",\"T\":\"]}\"} ,{\"Id\":\"2\"}],\"done\":false,"
        "\"nextRecordsUrl\":\"\\/services/data/v62.0/query/01gAAA-2000\",\"totalSize\":3}";
    const struct sfe_slice body = sfe_slice_text(text);
    struct query_page page;
    struct sfe_slice record;

    (void)state;
    assert_int_equal(read_page(text, &page), SFE_OK);
    assert_false(page.is_last);
    assert_string_equal(page.next, "/services/data/v62.0/query/01gAAA-2000");
    assert_true(query_page_next(body, &page.records, &record));
    assert_true(sfe_slice_equal(record, SFE_TEXT("{\"Id\":\"1\",\"T\":\"]}\"}")));
    assert_true(query_page_next(body, &page.records, &record));
    assert_true(sfe_slice_equal(record, SFE_TEXT("{\"Id\":\"2\"}")));
    assert_false(query_page_next(body, &page.records, &record));
}

static void the_last_page_has_no_next_one(void **state)
{
    static const char text[] = "{\"totalSize\":0,\"done\":true,\"records\":[]}";
    struct query_page page;
    struct sfe_slice record;

    (void)state;
    assert_int_equal(read_page(text, &page), SFE_OK);
    assert_true(page.is_last);
    assert_string_equal(page.next, "");
    assert_false(query_page_next(sfe_slice_text(text), &page.records, &record));
}

static void what_is_no_page_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "<html>",
        "{\"done\":true}",
        "{\"done\":true,\"records\":{}}",
        "{\"done\":true,\"records\":[{\"a\":1}",
        "{\"done\":false,\"records\":[]}",
        "{\"done\":false,\"records\":[],\"nextRecordsUrl\":\"https://evil.example/\"}",
        "{\"done\":false,\"records\":[],\"nextRecordsUrl\":\"/services/data/../x\"}",
        "{\"done\":false,\"records\":[],\"nextRecordsUrl\":\"/services/data/ x\"}",
        "{\"done\":false,\"records\":[],\"nextRecordsUrl\":\"/services/data/\\u0041\"}",
    };
    struct query_page page;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_page(texts[i], &page), SFE_E_PROTOCOL);
    }
}

static void an_identity_is_of_record_and_content_whatever_the_version(void **state)
{
    static const char one[] =
        "{\"attributes\":{\"type\":\"A\",\"url\":\"/services/data/v62.0/sobjects/A/1\"},\"V\":1}";

    (void)state;
    assert_true(same(one, one));
    assert_true(same(one, "{\"attributes\":{\"type\":\"A\",\"url\":\"/services/data/v63.0/sobjects/"
                          "A/1\"},\"V\":1}"));
    assert_false(same(one, "{\"attributes\":{\"type\":\"A\",\"url\":\"/services/data/v62.0/"
                           "sobjects/A/2\"},\"V\":1}"));
    assert_false(same(one, "{\"attributes\":{\"type\":\"A\",\"url\":\"/services/data/v62.0/"
                           "sobjects/A/1\"},\"V\":2}"));
    assert_false(same("{\"Id\":\"1\"}", "{\"Id\":\"2\"}"));
}

static void a_place_is_the_time_as_a_query_takes_it(void **state)
{
    struct sfe_feed_marks marks =
        marks_of("systemmodstamp", "{\"SystemModstamp\":\"2026-11-24T10:15:30.000+0000\"}");

    (void)state;
    assert_true(
        sfe_slice_equal(sfe_feed_place_slice(&marks.place), SFE_TEXT("2026-11-24T10:15:30.000Z")));
    assert_int_equal(marks_of("M", "{\"M\":null}").place.size, 0);
    assert_int_equal(marks_of("M", "{\"M\":\"soon' OR Id != '\"}").place.size, 0);
    assert_int_equal(marks_of("M", "{\"N\":\"2026-11-24T10:15:30.000+0000\"}").place.size, 0);
    assert_int_equal(marks_of(NULL, "{\"M\":\"2026-11-24T10:15:30.000+0000\"}").place.size, 0);
    assert_false(query_page_marks("M", SFE_TEXT("7"), &marks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_records_of_a_page_are_walked_as_they_came),
        cmocka_unit_test(the_last_page_has_no_next_one),
        cmocka_unit_test(what_is_no_page_is_none),
        cmocka_unit_test(an_identity_is_of_record_and_content_whatever_the_version),
        cmocka_unit_test(a_place_is_the_time_as_a_query_takes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
