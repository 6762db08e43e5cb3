#include "fixture.h"

#include "base/time_zone.h"
#include "flow/value.h"

/* Maps payload {"v":<json>}'s v to `type`; the JSON it becomes, or the message. */
static const char *converted(const char *json, enum sfe_map_type type, enum sfe_time_unit unit)
{
    static char payload[4096];
    snprintf(payload, sizeof(payload), "{\"v\":%s}", json);
    fixture_event(payload);
    assert_true(fixture.subject.is_json);
    fixture_forget_output();
    struct flow_value value = flow_value_of(&fixture.subject.json, 2);
    enum sfe_code code =
        flow_value_add(&value, &(struct flow_type){type, unit, NULL}, &fixture.out, &fixture.err);
    if (code != SFE_OK) {
        assert_int_equal(code, SFE_E_UNMAPPED);
        assert_int_equal(fixture.err.code, SFE_E_UNMAPPED);
        return fixture.err.message;
    }
    return fixture_text();
}

static void assert_becomes(const char *json, enum sfe_map_type type, const char *expected)
{
    assert_string_equal(converted(json, type, SFE_TIME_AUTO), expected);
}

static void auto_keeps_what_the_payload_says(void **state)
{
    (void)state;
    assert_becomes("\"a\\u00e9\\\\\\ud800\"", SFE_MAP_AUTO, "\"a\\u00e9\\\\\\ud800\"");
    assert_becomes("9007199254740993", SFE_MAP_AUTO, "9007199254740993");
    assert_becomes("0.10", SFE_MAP_AUTO, "0.10");
    assert_becomes("-0", SFE_MAP_AUTO, "-0");
    assert_becomes("1e3", SFE_MAP_AUTO, "1e3");
    assert_becomes("true", SFE_MAP_AUTO, "true");
    assert_becomes("false", SFE_MAP_AUTO, "false");
    assert_becomes("1e999", SFE_MAP_AUTO, "1e999 is not within the range of a double");
    assert_becomes("{\"a\":1}", SFE_MAP_AUTO, "an object is not one value");
    assert_becomes("[1]", SFE_MAP_AUTO, "an array is not one value");
}

static void a_string_is_made_of_anything(void **state)
{
    (void)state;
    assert_becomes("\"x\\n\"", SFE_MAP_STRING, "\"x\\n\"");
    assert_becomes("0.10", SFE_MAP_STRING, "\"0.10\"");
    assert_becomes("18446744073709551615", SFE_MAP_STRING, "\"18446744073709551615\"");
    assert_becomes("1e999", SFE_MAP_STRING, "\"1e999\"");
    assert_becomes("true", SFE_MAP_STRING, "\"true\"");
    assert_becomes("[1, \"a\"]", SFE_MAP_STRING, "\"[1, \\\"a\\\"]\"");
    assert_becomes("{\"a\":\"\\n\"}", SFE_MAP_STRING, "\"{\\\"a\\\":\\\"\\\\n\\\"}\"");
}

static void a_double_keeps_its_digits_and_its_range(void **state)
{
    (void)state;
    assert_becomes("9007199254740993", SFE_MAP_DOUBLE, "9007199254740993");
    assert_becomes("\"21.50\"", SFE_MAP_DOUBLE, "21.50");
    assert_becomes("\"\\u0032\"", SFE_MAP_DOUBLE, "2");
    assert_becomes("\"-1.5E+3\"", SFE_MAP_DOUBLE, "-1.5E+3");
    assert_becomes("\"12,50\"", SFE_MAP_DOUBLE, "\"12,50\" is not a number");
    assert_becomes("\"+1\"", SFE_MAP_DOUBLE, "\"+1\" is not a number");
    assert_becomes("\"12 \"", SFE_MAP_DOUBLE, "\"12 \" is not a number");
    assert_becomes("\"NaN\"", SFE_MAP_DOUBLE, "\"NaN\" is not a number");
    assert_becomes("\"0x1F\"", SFE_MAP_DOUBLE, "\"0x1F\" is not a number");
    assert_becomes("\"\"", SFE_MAP_DOUBLE, "\"\" is not a number");
    assert_becomes("\"1e999\"", SFE_MAP_DOUBLE, "\"1e999\" is not within the range of a double");
    assert_becomes("true", SFE_MAP_DOUBLE, "true is not a number");
    assert_becomes("[]", SFE_MAP_DOUBLE, "an array is not a number");
}

static void an_int_is_digits_within_64_bits(void **state)
{
    (void)state;
    assert_becomes("9223372036854775807", SFE_MAP_INT, "9223372036854775807");
    assert_becomes("-9223372036854775808", SFE_MAP_INT, "-9223372036854775808");
    assert_becomes("\"12\"", SFE_MAP_INT, "12");
    assert_becomes("0", SFE_MAP_INT, "0");
    assert_becomes("-0", SFE_MAP_INT, "-0");
    assert_becomes("9223372036854775808", SFE_MAP_INT,
                   "******************* is not an integer of 64 bits");
    assert_becomes("-9223372036854775809", SFE_MAP_INT,
                   "-******************* is not an integer of 64 bits");
    assert_becomes("18446744073709551616", SFE_MAP_INT,
                   "******************** is not an integer of 64 bits");
    assert_becomes("12.0", SFE_MAP_INT, "12.0 is not an integer of 64 bits");
    assert_becomes("1e3", SFE_MAP_INT, "1e3 is not an integer of 64 bits");
    assert_becomes("\"007\"", SFE_MAP_INT, "\"007\" is not an integer of 64 bits");
    assert_becomes("\"12 \"", SFE_MAP_INT, "\"12 \" is not an integer of 64 bits");
    assert_becomes("\"-\"", SFE_MAP_INT, "\"-\" is not an integer of 64 bits");
    assert_becomes("\"\"", SFE_MAP_INT, "\"\" is not an integer of 64 bits");
    assert_becomes("false", SFE_MAP_INT, "false is not an integer of 64 bits");
}

static void a_boolean_is_any_word_for_it(void **state)
{
    static const char *const words[][2] = {{"true", "false"},         {"1", "0"},
                                           {"\"TRUE\"", "\"False\""}, {"\"on\"", "\"OFF\""},
                                           {"\"Yes\"", "\"no\""},     {"\"1\"", "\"0\""}};
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_becomes(words[i][0], SFE_MAP_BOOLEAN, "true");
        assert_becomes(words[i][1], SFE_MAP_BOOLEAN, "false");
    }
    assert_becomes("2", SFE_MAP_BOOLEAN, "2 is not true or false");
    assert_becomes("1.0", SFE_MAP_BOOLEAN, "1.0 is not true or false");
    assert_becomes("\"open\"", SFE_MAP_BOOLEAN, "\"open\" is not true or false");
    assert_becomes("\"\"", SFE_MAP_BOOLEAN, "\"\" is not true or false");
    assert_becomes("{}", SFE_MAP_BOOLEAN, "an object is not true or false");
}

static void a_day_is_kept_and_a_time_becomes_its_utc_day(void **state)
{
    (void)state;
    assert_becomes("\"2026-11-24\"", SFE_MAP_DATE, "\"2026-11-24\"");
    assert_becomes("\"2026-11-24T00:12:40+01:00\"", SFE_MAP_DATE, "\"2026-11-23\"");
    assert_becomes("1764000123", SFE_MAP_DATE, "\"2025-11-24\"");
    assert_becomes("\"2026-02-30\"", SFE_MAP_DATE, "\"2026-02-30\" is not a date");
    assert_becomes("\"24/11/2026\"", SFE_MAP_DATE, "\"24/11/2026\" is not a date");
    assert_becomes("true", SFE_MAP_DATE, "true is not a date");
}

static void a_time_becomes_utc_in_milliseconds(void **state)
{
    (void)state;
    assert_becomes("\"2026-11-24T10:15:00.5+01:00\"", SFE_MAP_DATETIME,
                   "\"2026-11-24T09:15:00.500Z\"");
    assert_becomes("1764000123456", SFE_MAP_DATETIME, "\"2025-11-24T16:02:03.456Z\"");
    assert_string_equal(converted("1764000123456000", SFE_MAP_DATETIME, SFE_TIME_US),
                        "\"2025-11-24T16:02:03.456Z\"");
    assert_string_equal(converted("\"1764000123.25\"", SFE_MAP_DATETIME, SFE_TIME_S),
                        "\"2025-11-24T16:02:03.250Z\"");
    assert_becomes("\"2026-11-24T10:15:00\"", SFE_MAP_DATETIME,
                   "\"2026-11-24T10:15:00\" is not a time with a zone, as 2026-11-24T10:15:00Z");
    assert_string_equal(converted("\"soon\"", SFE_MAP_DATETIME, SFE_TIME_MS),
                        "\"soon\" is not a time in milliseconds since 1970");
    assert_becomes("{}", SFE_MAP_DATETIME, "an object is not a time");
}

static void a_message_holds_no_card_number_and_little_of_the_payload(void **state)
{
    (void)state;
    assert_becomes("\"card 4111111111111111\"", SFE_MAP_DOUBLE,
                   "\"card ****************\" is not a number");
    assert_becomes("\"4111 1111 1111 1111\"", SFE_MAP_DATETIME,
                   "\"**** **** **** ****\" is not a time with a zone, as 2026-11-24T10:15:00Z");
    assert_becomes("\"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij\"", SFE_MAP_INT,
                   "\"abcdefghijabcdefghijabcdefghijabcdefg...\" is not an integer of 64 bits");
}

static void text_that_is_far_too_long_for_its_type_is_refused(void **state)
{
    static char json[3000];
    (void)state;
    memset(json, '1', sizeof(json));
    memcpy(json, "\"\\u0031", 7);
    json[2998] = '"';
    json[2999] = '\0';
    assert_non_null(strstr(converted(json, SFE_MAP_DOUBLE, SFE_TIME_AUTO), "is not a number"));
}

static struct flow_value arrival(void)
{
    return (struct flow_value){.kind = FLOW_VALUE_TIME, .time_ns = FIXTURE_TIME_NS};
}

static const char *time_as(enum sfe_map_type type, enum sfe_time_unit unit)
{
    struct flow_value value = arrival();
    fixture_forget_output();
    return flow_value_add(&value, &(struct flow_type){type, unit, NULL}, &fixture.out,
                          &fixture.err) == SFE_OK
               ? fixture_text()
               : fixture.err.message;
}

static void the_time_of_arrival_takes_any_form_but_a_boolean(void **state)
{
    (void)state;
    assert_string_equal(time_as(SFE_MAP_AUTO, SFE_TIME_AUTO), "\"2025-11-24T16:02:03.456Z\"");
    assert_string_equal(time_as(SFE_MAP_STRING, SFE_TIME_AUTO), "\"2025-11-24T16:02:03.456Z\"");
    assert_string_equal(time_as(SFE_MAP_DATETIME, SFE_TIME_MS), "\"2025-11-24T16:02:03.456Z\"");
    assert_string_equal(time_as(SFE_MAP_DATE, SFE_TIME_AUTO), "\"2025-11-24\"");
    assert_string_equal(time_as(SFE_MAP_INT, SFE_TIME_AUTO), "1764000123456");
    assert_string_equal(time_as(SFE_MAP_INT, SFE_TIME_S), "1764000123");
    assert_string_equal(time_as(SFE_MAP_DOUBLE, SFE_TIME_US), "1764000123456789");
    assert_string_equal(time_as(SFE_MAP_INT, SFE_TIME_NS), "1764000123456789000");
    assert_string_equal(time_as(SFE_MAP_BOOLEAN, SFE_TIME_AUTO), "a time is not true or false");
}

static void a_zone_is_that_of_times_without_one_and_of_days(void **state)
{
    struct sfe_time_zone zone;
    const struct flow_type datetime = {SFE_MAP_DATETIME, SFE_TIME_AUTO, &zone};
    const struct flow_type date = {SFE_MAP_DATE, SFE_TIME_AUTO, &zone};
    static const struct {
        const char *text;
        const char *datetime;
        const char *date;
    } cases[] = {
        {"2026-07-01 00:30:00", "\"2026-06-30T22:30:00.000Z\"", "\"2026-07-01\""},
        {"2026-01-01T00:30", "\"2025-12-31T23:30:00.000Z\"", "\"2026-01-01\""},
        {"2026-07-01T00:30:00Z", "\"2026-07-01T00:30:00.000Z\"", "\"2026-07-01\""},
        {"2026-06-30T23:00:00-01:00", "\"2026-07-01T00:00:00.000Z\"", "\"2026-07-01\""},
        {"1782858600", "\"2026-06-30T22:30:00.000Z\"", "\"2026-07-01\""},
    };

    (void)state;
    assert_int_equal(
        sfe_time_zone_parse(SFE_TEXT("CET-1CEST,M3.5.0,M10.5.0/3"), &zone, &fixture.err), SFE_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct flow_value value = {.kind = FLOW_VALUE_TEXT,
                                         .text = sfe_slice_text(cases[i].text)};
        fixture_forget_output();
        assert_int_equal(flow_value_add(&value, &datetime, &fixture.out, &fixture.err), SFE_OK);
        assert_string_equal(fixture_text(), cases[i].datetime);
        fixture_forget_output();
        assert_int_equal(flow_value_add(&value, &date, &fixture.out, &fixture.err), SFE_OK);
        assert_string_equal(fixture_text(), cases[i].date);
    }
}

static void plain_text_is_escaped_and_bytes_become_base64(void **state)
{
    struct flow_value text = {.kind = FLOW_VALUE_TEXT, .text = SFE_TEXT("a\"b\n\xff")};
    struct flow_value bytes = {.kind = FLOW_VALUE_BASE64, .text = SFE_TEXT("\xff\x01")};
    (void)state;
    fixture_forget_output();
    assert_int_equal(flow_value_add(&text, &(struct flow_type){SFE_MAP_STRING, SFE_TIME_AUTO, NULL},
                                    &fixture.out, &fixture.err),
                     SFE_OK);
    assert_string_equal(fixture_text(), "\"a\\\"b\\n\xef\xbf\xbd\"");
    fixture_forget_output();
    assert_int_equal(flow_value_add(&bytes, &(struct flow_type){SFE_MAP_AUTO, SFE_TIME_AUTO, NULL},
                                    &fixture.out, &fixture.err),
                     SFE_OK);
    assert_string_equal(fixture_text(), "\"/wE=\"");
    assert_int_equal(flow_value_add(&bytes, &(struct flow_type){SFE_MAP_INT, SFE_TIME_AUTO, NULL},
                                    &fixture.out, &fixture.err),
                     SFE_E_UNMAPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(auto_keeps_what_the_payload_says),
        TEST(a_string_is_made_of_anything),
        TEST(a_double_keeps_its_digits_and_its_range),
        TEST(an_int_is_digits_within_64_bits),
        TEST(a_boolean_is_any_word_for_it),
        TEST(a_day_is_kept_and_a_time_becomes_its_utc_day),
        TEST(a_time_becomes_utc_in_milliseconds),
        TEST(a_message_holds_no_card_number_and_little_of_the_payload),
        TEST(text_that_is_far_too_long_for_its_type_is_refused),
        TEST(the_time_of_arrival_takes_any_form_but_a_boolean),
        TEST(a_zone_is_that_of_times_without_one_and_of_days),
        TEST(plain_text_is_escaped_and_bytes_become_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
