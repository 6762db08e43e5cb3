#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "status/top.h"

#include <stdio.h>
#include <string.h>

#define BEFORE                                                                                     \
    "{\"agent\":\"shop\",\"version\":\"1\",\"uptime_s\":5,\"links\":[{\"connection\":\"site\","    \
    "\"connected\":true,\"received\":100}],\"streams\":[{\"name\":\"sales\","                      \
    "\"durable_sequence\":100,\"written_bytes\":4096}],\"outputs\":[{\"name\":\"crm\",\"stream\":" \
    "\"sales\",\"delivered\":90,\"state\":\"moving\"}]}"
#define NOW                                                                                        \
    "{\"agent\":\"shop\",\"version\":\"1\",\"uptime_s\":7,\"memory_bytes\":5242880,\"links\":"     \
    "[{\"connection\":\"site\",\"connected\":false,\"received\":125,\"last_error\":"               \
    "{\"code\":\"SFE-NETWORK\",\"message\":\"refused\\u001b[2J\"}}],\"streams\":"                  \
    "[{\"name\":\"sales\",\"durable_sequence\":125,\"written_bytes\":45056},{\"name\":\"new\","    \
    "\"durable_sequence\":5}],\"outputs\":[{\"name\":\"crm\",\"stream\":\"sales\","                \
    "\"delivered\":92,\"backlog\":33,\"oldest_age_s\":700,\"in_flight\":4,\"state\":\"waiting\","  \
    "\"dead\":1,\"retried\":2,\"last_error\":{\"code\":\"SFE-API\",\"message\":\"later\"}}]}"

static char shown[8192];

static void parse(const char *text, struct sfe_json_token tokens[256], struct sfe_json *json)
{
    struct sfe_error err;

    assert_int_equal(sfe_json_parse(sfe_slice_text(text), 0, tokens, 256, json, &err), SFE_OK);
}

static void show(const char *before_text, const char *now_text, uint32_t columns, bool as_json)
{
    static struct sfe_json_token tokens[2][256];
    struct sfe_json before;
    struct sfe_json now;
    struct sfe_builder out = sfe_builder_make(shown, sizeof(shown) - 1u);
    const struct sfe_top top = {&before, &now, 2000000000u, columns};

    parse(before_text, tokens[0], &before);
    parse(now_text, tokens[1], &now);
    if (as_json) {
        sfe_top_add_json(&top, &out);
    } else {
        sfe_top_add_text(&top, &out);
    }
    assert_false(out.overflowed);
    shown[out.size] = '\0';
}

static void rates_are_what_rose_over_the_time_between(void **state)
{
    (void)state;
    show(BEFORE, NOW, 0, false);
    assert_non_null(strstr(shown, "site                  12.5 "));
    assert_non_null(strstr(shown, "sales                 12.5 "));
    assert_non_null(strstr(shown, " 20 KiB/s"));
    assert_non_null(strstr(shown,
                           "crm           sales          1.0      33    11m      4     1      "
                           "2 waiting"));
    assert_non_null(strstr(shown, "RSS 5120 KiB"));
    /* What was not there before has no rate yet. */
    assert_non_null(strstr(shown, "new                      - "));
}

static void who_does_not_move_has_a_reason_that_cannot_touch_the_terminal(void **state)
{
    (void)state;
    show(BEFORE, NOW, 0, false);
    assert_non_null(strstr(shown, "NOT CONNECTED\n  SFE-NETWORK: refused"));
    assert_non_null(strstr(shown, "waiting\n  SFE-API: later\n"));
    assert_null(strchr(shown, '\x1b'));
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    show(BEFORE, NOW, 0, false);
    for (char *line = strtok(shown, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= 80); /* In full, with names of usual length. */
    }
    show(BEFORE, NOW, 20, false);
    for (char *line = strtok(shown, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= 20);
    }
}

static void scripts_get_rates_and_the_whole_status(void **state)
{
    static struct sfe_json_token tokens[512];
    struct sfe_json json;
    struct sfe_error err;

    (void)state;
    show(BEFORE, NOW, 0, true);
    assert_int_equal(
        sfe_json_parse(sfe_slice_text(shown), SFE_JSON_UNIQUE_KEYS, tokens, 512, &json, &err),
        SFE_OK);
    static const char *const wanted[][2] = {{"/interval_ms", "2000"},
                                            {"/rates/links/0/in_per_s", "12.5"},
                                            {"/rates/streams/0/flash_bytes_per_s", "20480.0"},
                                            {"/rates/streams/1/in_per_s", "null"},
                                            {"/rates/outputs/0/out_per_s", "1.0"},
                                            {"/status/outputs/0/backlog", "33"}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        uint32_t token = sfe_json_find(&json, 0, sfe_slice_text(wanted[i][0]));
        assert_int_not_equal(token, SFE_JSON_NONE);
        assert_true(sfe_slice_equal(sfe_json_raw(&json, token), sfe_slice_text(wanted[i][1])));
    }
}

static void an_agent_that_was_started_again_has_no_rates_for_once(void **state)
{
    (void)state;
    show(NOW, BEFORE, 0, false);
    assert_non_null(strstr(shown, "site                     - "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_what_rose_over_the_time_between),
        cmocka_unit_test(who_does_not_move_has_a_reason_that_cannot_touch_the_terminal),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(scripts_get_rates_and_the_whole_status),
        cmocka_unit_test(an_agent_that_was_started_again_has_no_rates_for_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
