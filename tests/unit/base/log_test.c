#include "unit.h"

#include "base/log.h"
#include "port/clock.h"
#include "port/log_sink.h"

#define LINES_MAX 256

static char lines[LINES_MAX][1100];
static int line_priorities[LINES_MAX];
static size_t line_count;
static uint64_t now_ns;
static struct sfe_log *log_under_test;

void sfe_log_sink_write(int priority, const char *line, size_t size)
{
    assert_true(line_count < LINES_MAX);
    line_priorities[line_count] = priority;
    snprintf(lines[line_count++], sizeof(lines[0]), "%.*s", (int)size, line);
}

static uint64_t monotonic_ns(void *context)
{
    (void)context;
    return now_ns;
}

static const struct sfe_clock test_clock = {.monotonic_ns = monotonic_ns};

static int set_up(void **state)
{
    struct sfe_error err;
    (void)state;
    line_count = 0;
    now_ns = 5000000000u;
    return sfe_log_open(SFE_INFO, &test_clock, &log_under_test, &err) == SFE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sfe_log_close(log_under_test);
    log_under_test = NULL;
    return 0;
}

static void pass_seconds(uint64_t seconds)
{
    now_ns += seconds * 1000000000u;
}

static void a_line_has_level_message_and_fields(void **state)
{
    (void)state;
    SFE_LOG(log_under_test, SFE_INFO, "gate connected", sfe_text("broker", "site"),
            sfe_count("port", 1883), sfe_ms("took", 12999999));
    assert_int_equal(line_count, 1);
    assert_string_equal(lines[0],
                        "level=info msg=\"gate connected\" broker=site port=1883 took=12ms");
    assert_int_equal(line_priorities[0], 6);
}

static void values_are_quoted_where_they_would_not_read_as_one_word(void **state)
{
    (void)state;
    SFE_LOG(log_under_test, SFE_WARNING, "x", sfe_text("a", "two words"), sfe_text("b", "q\"\\"),
            sfe_text("c", ""), sfe_text("d", "k=v"), sfe_text("e", "l\nlevel=error"),
            sfe_text("f", NULL), sfe_slice_field("g", SFE_TEXT("gr\xc3\xbc\xc3\x9f/1.5")));
    assert_string_equal(lines[0], "level=warning msg=\"x\" a=\"two words\" b=\"q\\\"\\\\\" c=\"\" "
                                  "d=\"k=v\" e=\"l?level=error\" f=\"\" g=gr\xc3\xbc\xc3\x9f/1.5");
    assert_int_equal(line_priorities[0], 4);
}

static void signed_numbers_keep_their_sign(void **state)
{
    const struct sfe_field field = {"drift", SFE_FIELD_SIGNED, NULL, {NULL, 0}, (uint64_t)-5};
    (void)state;
    sfe_log_write(log_under_test, SFE_INFO, "clock", &field, 1);
    assert_string_equal(lines[0], "level=info msg=\"clock\" drift=-5");
}

static void less_urgent_lines_than_the_level_are_silent(void **state)
{
    (void)state;
    SFE_LOG(log_under_test, SFE_DEBUG, "not seen", sfe_count("n", 1));
    assert_int_equal(line_count, 0);
    sfe_log_set_level(log_under_test, SFE_DEBUG);
    SFE_LOG(log_under_test, SFE_DEBUG, "seen", sfe_count("n", 1));
    SFE_LOG(log_under_test, SFE_TRACE, "not seen", sfe_count("n", 1));
    assert_int_equal(line_count, 1);
    assert_int_equal(line_priorities[0], 7);
    SFE_LOG(NULL, SFE_ERROR, "not seen", sfe_count("n", 1));
    sfe_log_set_level(NULL, SFE_DEBUG);
    assert_int_equal(line_count, 1);
}

static void refuse_batch(uint64_t records, const char *stream)
{
    SFE_LOG(log_under_test, SFE_WARNING, "batch refused", sfe_text("stream", stream),
            sfe_count("records", records));
}

static void repeats_within_ten_minutes_become_one_line_with_a_count(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 118; i++) {
        refuse_batch(i, "sales");
        pass_seconds(3);
    }
    assert_int_equal(line_count, 1);
    pass_seconds(600 - 118 * 3);
    SFE_LOG(log_under_test, SFE_INFO, "another", sfe_count("n", 1));
    assert_int_equal(line_count, 3);
    assert_string_equal(lines[0], "level=warning msg=\"batch refused\" stream=sales records=0");
    assert_string_equal(lines[1], "level=warning msg=\"batch refused\" stream=sales records=117 "
                                  "repeated=117 last_before=249000ms");
    refuse_batch(1, "sales");
    assert_int_equal(line_count, 4);
}

static void the_same_message_about_another_thing_is_no_repeat(void **state)
{
    (void)state;
    refuse_batch(1, "sales");
    refuse_batch(1, "telemetry");
    refuse_batch(2, "telemetry");
    assert_int_equal(line_count, 2);
    SFE_LOG(log_under_test, SFE_WARNING, "other message", sfe_text("stream", "sales"));
    assert_int_equal(line_count, 3);
}

static void what_is_held_back_is_told_when_the_log_closes(void **state)
{
    (void)state;
    refuse_batch(1, "sales");
    refuse_batch(2, "sales");
    assert_int_equal(line_count, 1);
    sfe_log_close(log_under_test);
    log_under_test = NULL;
    assert_int_equal(line_count, 2);
    assert_non_null(strstr(lines[1], "records=2 repeated=1"));
}

static void debug_lines_are_not_folded(void **state)
{
    (void)state;
    sfe_log_set_level(log_under_test, SFE_TRACE);
    for (int i = 0; i < 5; i++) {
        SFE_LOG(log_under_test, SFE_DEBUG, "batch sent", sfe_text("stream", "sales"));
    }
    assert_int_equal(line_count, 5);
}

static void more_subjects_than_the_table_holds_lose_no_count(void **state)
{
    char name[24];
    size_t written = 0;
    size_t repeated = 0;
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 40; i++) {
            snprintf(name, sizeof(name), "stream%d", i);
            refuse_batch(1, name);
            refuse_batch(2, name);
            pass_seconds(1);
        }
    }
    sfe_log_close(log_under_test);
    log_under_test = NULL;
    for (size_t i = 0; i < line_count; i++) {
        const char *count = strstr(lines[i], "repeated=");
        written += count == NULL ? 1 : 0;
        repeated += count == NULL ? 0 : (size_t)(count[9] - '0');
    }
    assert_int_equal(written + repeated, 160);
}

static void lines_a_second_are_bounded_and_the_rest_counted(void **state)
{
    (void)state;
    sfe_log_set_level(log_under_test, SFE_DEBUG);
    for (uint64_t i = 0; i < 80; i++) {
        SFE_LOG(log_under_test, SFE_DEBUG, "flood", sfe_count("n", i));
    }
    assert_int_equal(line_count, 50);
    pass_seconds(1);
    SFE_LOG(log_under_test, SFE_DEBUG, "flood", sfe_count("n", 80));
    assert_int_equal(line_count, 52);
    assert_string_equal(lines[50], "level=warning msg=\"log lines dropped\" lines=30");
    assert_string_equal(lines[51], "level=debug msg=\"flood\" n=80");
    SFE_LOG(log_under_test, SFE_DEBUG, "flood", sfe_count("n", 81));
    assert_int_equal(line_count, 53);
}

static void a_field_that_does_not_fit_is_left_out_whole(void **state)
{
    char text[400];
    (void)state;
    memset(text, 'v', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        SFE_LOG(log_under_test, SFE_INFO, "long", sfe_text("a", text), sfe_text("b", text),
                sfe_text("c", text), sfe_text("d", text), sfe_count("n", 7));
    }
    assert_non_null(strstr(lines[0], " c=vvv"));
    assert_null(strstr(lines[0], " d="));
    assert_string_equal(lines[0] + strlen(lines[0]) - 5, "v n=7");
    sfe_log_close(log_under_test);
    log_under_test = NULL;
    assert_null(strstr(lines[1], " b="));
    assert_non_null(strstr(lines[1], "v repeated=1 last_before=0ms"));
}

static void an_error_is_written_with_all_it_knows(void **state)
{
    struct sfe_error err;
    (void)state;
    (void)sfe_fail_os(&err, SFE_E_STORAGE, 5, "cannot write");
    (void)sfe_error_at(&err, "a.seg", "/x", 3, 4);
    (void)sfe_error_api(&err, 503, "SERVER_UNAVAILABLE", SFE_RETRY_LATER);
    sfe_log_error(log_under_test, SFE_ERROR, "flash failed", &err);
    assert_string_equal(lines[0],
                        "level=error msg=\"flash failed\" error=SFE-STORAGE "
                        "cause=\"cannot write: Input/output error (5)\" where=a.seg pointer=/x "
                        "line=3 column=4 http=503 api=SERVER_UNAVAILABLE errno=5");
    assert_int_equal(line_priorities[0], 3);
    (void)sfe_fail(&err, SFE_E_TIMEOUT, "no answer");
    sfe_log_error(log_under_test, SFE_ERROR, "flash failed", &err);
    assert_string_equal(lines[1], "level=error msg=\"flash failed\" error=SFE-TIMEOUT "
                                  "cause=\"no answer\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_level_message_and_fields),
        TEST(values_are_quoted_where_they_would_not_read_as_one_word),
        TEST(signed_numbers_keep_their_sign),
        TEST(less_urgent_lines_than_the_level_are_silent),
        TEST(repeats_within_ten_minutes_become_one_line_with_a_count),
        TEST(the_same_message_about_another_thing_is_no_repeat),
        TEST(what_is_held_back_is_told_when_the_log_closes),
        TEST(debug_lines_are_not_folded),
        TEST(more_subjects_than_the_table_holds_lose_no_count),
        TEST(lines_a_second_are_bounded_and_the_rest_counted),
        TEST(a_field_that_does_not_fit_is_left_out_whole),
        TEST(an_error_is_written_with_all_it_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
