#include "unit.h"

#include "base/time_format.h"

static struct sfe_error err;

static void assert_time(const char *text, enum sfe_time_unit unit, int64_t expected)
{
    int64_t unix_ns = 0;
    enum sfe_code code = sfe_time_parse(sfe_slice_text(text), unit, NULL, &unix_ns, &err);
    if (code != SFE_OK || unix_ns != expected) {
        fail_msg("%s: code %d, %lld", text, (int)code, (long long)unix_ns);
    }
}

static void assert_refused(const char *text, enum sfe_time_unit unit)
{
    int64_t unix_ns = 77;
    enum sfe_code code = sfe_time_parse(sfe_slice_text(text), unit, NULL, &unix_ns, &err);
    if (code != SFE_E_SYNTAX || unix_ns != 77) {
        fail_msg("%s: code %d, %lld", text, (int)code, (long long)unix_ns);
    }
}

static void rfc_3339_and_its_relatives_are_read(void **state)
{
    (void)state;
    assert_time("2026-11-24T10:15:00.120Z", SFE_TIME_AUTO, 1795515300120000000);
    assert_time("2026-11-24T10:15:00+01:00", SFE_TIME_RFC3339, 1795511700000000000);
    assert_time("2026-11-24t09:15:00.000-0100", SFE_TIME_RFC3339, 1795515300000000000);
    assert_time("2026-11-24 10:15:00,5+0000", SFE_TIME_AUTO, 1795515300500000000);
    assert_time("2026-11-24T10:15Z", SFE_TIME_AUTO, 1795515300000000000);
    assert_time("2026-11-24T10:15+00", SFE_TIME_AUTO, 1795515300000000000);
    assert_time("2026-11-24 10:15:00 +0000", SFE_TIME_AUTO, 1795515300000000000);
    assert_time("2026-11-24T10:15:00.123456789z", SFE_TIME_AUTO, 1795515300123456789);
    assert_time("2026-11-24T10:15:00.1234567899Z", SFE_TIME_AUTO, 1795515300123456789);
    assert_time("1969-12-31T23:59:59.999999999Z", SFE_TIME_AUTO, -1);
    assert_time("2000-02-29T12:00:00-00:00", SFE_TIME_AUTO, 951825600000000000);
}

static void a_zone_is_never_guessed(void **state)
{
    (void)state;
    assert_refused("2026-11-24T10:15:00", SFE_TIME_AUTO);
    assert_string_equal(err.message,
                        "a time without a zone (Z or +01:00): \"2026-11-24T10:15:00\"");
    assert_refused("2026-11-24T10:15:00.120", SFE_TIME_RFC3339);
    assert_refused("2026-11-24 10:15", SFE_TIME_RFC3339);
    assert_refused("2026-11-24", SFE_TIME_AUTO);
}

static void text_that_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "2026-",
                                      "2026-1-24T10:15:00Z",
                                      "2026-11-24T10:15:00ZZ",
                                      "2026-11-24T10:15:00.Z",
                                      "2026-11-24T10Z",
                                      "2026-11-24T1:15:00Z",
                                      "2026-11-24T10:15:00+1",
                                      "2026-11-24T10:15:00+01:0",
                                      "2026-11-24T10:15:00+24:00",
                                      "2026-11-24T10:15:00+01:60",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-11-31T00:00:00Z",
                                      "2026-11-00T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "1900-02-29T00:00:00Z",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T10:60:00Z",
                                      "2026-11-24T10:15:61Z",
                                      "2026/11/24T10:15:00Z",
                                      "20x6-11-24T10:15:00Z",
                                      "yesterday",
                                      "2026-11-24T10:15:00Z ",
                                      " 2026-11-24T10:15:00Z",
                                      "2026-11-24T10:-5:00Z"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_refused(bad[i], SFE_TIME_AUTO);
        assert_refused(bad[i], SFE_TIME_RFC3339);
    }
}

static void a_leap_second_is_the_next_minutes_first(void **state)
{
    (void)state;
    assert_time("2016-12-31T23:59:60Z", SFE_TIME_AUTO, 1483228800000000000);
    assert_time("2017-01-01T00:59:60.5+01:00", SFE_TIME_AUTO, 1483228800500000000);
    assert_time("2016-12-31T23:59:60+00:00", SFE_TIME_AUTO, 1483228800000000000);
    assert_refused("2016-12-31T23:58:60Z", SFE_TIME_AUTO);
    assert_refused("2017-01-01T23:59:60+01:00", SFE_TIME_AUTO);
}

static void the_range_of_nanoseconds_is_met_exactly(void **state)
{
    (void)state;
    assert_time("2262-04-11T23:47:16.854775807Z", SFE_TIME_AUTO, INT64_MAX);
    assert_refused("2262-04-11T23:47:16.854775808Z", SFE_TIME_AUTO);
    assert_time("1677-09-21T00:12:43.145224192Z", SFE_TIME_AUTO, INT64_MIN);
    assert_refused("1677-09-21T00:12:43.145224191Z", SFE_TIME_AUTO);
    assert_refused("0000-01-01T00:00:00Z", SFE_TIME_AUTO);
    assert_refused("9999-12-31T23:59:59Z", SFE_TIME_AUTO);
    assert_time("9223372036854775807", SFE_TIME_NS, INT64_MAX);
    assert_refused("9223372036854775808", SFE_TIME_NS);
    assert_time("-9223372036854775808", SFE_TIME_NS, INT64_MIN);
    assert_refused("-9223372036854775809", SFE_TIME_NS);
    assert_time("9223372036.854775807", SFE_TIME_S, INT64_MAX);
    assert_refused("9223372036.854775808", SFE_TIME_S);
    assert_refused("99999999999999999999999999", SFE_TIME_AUTO);
    assert_refused("1e99999999999", SFE_TIME_S);
    assert_time("1e-99999999999", SFE_TIME_S, 0);
}

static void the_unit_of_a_number_goes_by_its_size(void **state)
{
    (void)state;
    assert_time("1764000123", SFE_TIME_AUTO, 1764000123000000000);
    assert_time("1764000123.45", SFE_TIME_AUTO, 1764000123450000000);
    assert_time("1764000123456", SFE_TIME_AUTO, 1764000123456000000);
    assert_time("1764000123456.75", SFE_TIME_AUTO, 1764000123456750000);
    assert_time("1764000123456789", SFE_TIME_AUTO, 1764000123456789000);
    assert_time("1764000123456789012", SFE_TIME_AUTO, 1764000123456789012);
    assert_time("0", SFE_TIME_AUTO, 0);
    assert_refused("99999999999", SFE_TIME_AUTO);
    assert_time("100000000000", SFE_TIME_AUTO, 100000000000000000);
    assert_refused("99999999999999", SFE_TIME_AUTO);
    assert_refused("99999999999999999", SFE_TIME_AUTO);
    assert_time("100000000000000", SFE_TIME_AUTO, 100000000000000000);
    assert_time("99999999999999999", SFE_TIME_NS, 99999999999999999);
    assert_time("100000000000000000", SFE_TIME_AUTO, 100000000000000000);
}

static void numbers_are_read_exactly_in_their_unit(void **state)
{
    (void)state;
    assert_time("1764000123.45", SFE_TIME_S, 1764000123450000000);
    assert_time("1764000123.123456789", SFE_TIME_S, 1764000123123456789);
    assert_time("1764000123.1234567899", SFE_TIME_S, 1764000123123456789);
    assert_time("12", SFE_TIME_MS, 12000000);
    assert_time("0.5", SFE_TIME_US, 500);
    assert_time("0.000000001", SFE_TIME_S, 1);
    assert_time("00.0500", SFE_TIME_S, 50000000);
    assert_time("0.0000000009", SFE_TIME_S, 0);
    assert_time("7.9", SFE_TIME_NS, 7);
    assert_time("-1.5", SFE_TIME_S, -1500000000);
    assert_time("-1764000123", SFE_TIME_AUTO, -1764000123000000000);
    assert_time("1.764000123456e12", SFE_TIME_AUTO, 1764000123456000000);
    assert_time("1.764000123456E+9", SFE_TIME_S, 1764000123456000000);
    assert_time("1764000123456e-3", SFE_TIME_S, 1764000123456000000);
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const bad[] = {"",      "-",   "+1",  ".5",   "5.",  "1..2",
                                      "1.2.3", "1e",  "1e+", "0x10", "12 ", " 12",
                                      "1,5",   "--1", "NaN", "1.e3", "12Z"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_refused(bad[i], SFE_TIME_S);
        assert_refused(bad[i], SFE_TIME_AUTO);
    }
    assert_refused("2026-11-24T10:15:00Z", SFE_TIME_S);
    assert_refused("1764000123", SFE_TIME_RFC3339);
}

static void assert_written(int64_t unix_ns, const char *datetime)
{
    char date[11];
    uint8_t memory[64];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    sfe_time_add_datetime(&builder, unix_ns);
    assert_built(&builder, datetime);
    builder = sfe_builder_make(memory, sizeof(memory));
    sfe_time_add_date(&builder, unix_ns);
    snprintf(date, sizeof(date), "%.10s", datetime);
    assert_built(&builder, date);
}

static void times_are_written_as_salesforce_takes_them(void **state)
{
    (void)state;
    assert_written(1795515330123000000, "2026-11-24T10:15:30.123Z");
    assert_written(0, "1970-01-01T00:00:00.000Z");
    assert_written(-1, "1969-12-31T23:59:59.999Z");
    assert_written(951782400000000000, "2000-02-29T00:00:00.000Z");
    assert_written(4107542399999999999, "2100-02-28T23:59:59.999Z");
    assert_written(INT64_MAX, "2262-04-11T23:47:16.854Z");
    assert_written(INT64_MIN, "1677-09-21T00:12:43.145Z");
}

static void every_day_comes_back_and_follows_the_one_before(void **state)
{
    char before[64] = "1677-09-21";
    (void)state;
    for (int64_t day = -106751; day <= 106751; day++) {
        uint8_t memory[64];
        char text[64];
        struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
        sfe_time_add_date(&builder, day * 86400000000000);
        assert_true(sfe_time_is_date(sfe_builder_slice(&builder)));
        snprintf(text, sizeof(text), "%.10sT00:00:00Z", (const char *)memory);
        assert_true(strcmp(text, before) > 0);
        assert_time(text, SFE_TIME_AUTO, day * 86400000000000);
        memcpy(before, text, sizeof(before));
    }
}

static void a_date_is_one_that_exists(void **state)
{
    static const char *const bad[] = {"",           "2026-02-29", "2026-11-31", "2026-11-24T",
                                      "2026-1-24",  "20261124",   "2026-11-2",  " 2026-11-24",
                                      "1900-02-29", "2026-00-10", "2026-10-00"};
    (void)state;
    assert_true(sfe_time_is_date(SFE_TEXT("2026-11-24")));
    assert_true(sfe_time_is_date(SFE_TEXT("2024-02-29")));
    assert_true(sfe_time_is_date(SFE_TEXT("2000-02-29")));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(sfe_time_is_date(sfe_slice_text(bad[i])));
    }
}

static void http_dates_are_read(void **state)
{
    static const char *const bad[] = {"",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "Sun Nov  6 08:49:37 1994",
                                      "Xyz, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nox 1994 08:49:37 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:37 GMT "};
    int64_t unix_s = 0;
    (void)state;
    assert_int_equal(sfe_time_parse_http(SFE_TEXT("Sun, 06 Nov 1994 08:49:37 GMT"), &unix_s, &err),
                     SFE_OK);
    assert_int_equal(unix_s, 784111777);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(sfe_time_parse_http(sfe_slice_text(bad[i]), &unix_s, &err), SFE_E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_and_its_relatives_are_read),
        cmocka_unit_test(a_zone_is_never_guessed),
        cmocka_unit_test(text_that_is_no_time_is_refused),
        cmocka_unit_test(a_leap_second_is_the_next_minutes_first),
        cmocka_unit_test(the_range_of_nanoseconds_is_met_exactly),
        cmocka_unit_test(the_unit_of_a_number_goes_by_its_size),
        cmocka_unit_test(numbers_are_read_exactly_in_their_unit),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(times_are_written_as_salesforce_takes_them),
        cmocka_unit_test(every_day_comes_back_and_follows_the_one_before),
        cmocka_unit_test(a_date_is_one_that_exists),
        cmocka_unit_test(http_dates_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
