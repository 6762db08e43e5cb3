#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "status/report.h"

#include <string.h>

static uint8_t document[65536];
static uint8_t text[65536];
static struct sfe_json_token tokens[4096];

static struct sfe_json write_document(const struct sfe_status *status)
{
    struct sfe_builder out = sfe_builder_make(document, sizeof(document));
    struct sfe_json json;
    struct sfe_error err;

    sfe_report_add(status, &out);
    assert_false(out.overflowed);
    assert_int_equal(
        sfe_json_parse(sfe_builder_slice(&out), SFE_JSON_UNIQUE_KEYS, tokens, 4096, &json, &err),
        SFE_OK);
    return json;
}

static struct sfe_slice at(const struct sfe_json *json, const char *pointer)
{
    uint32_t value = sfe_json_find(json, 0, sfe_slice_text(pointer));

    assert_int_not_equal(value, SFE_JSON_NONE);
    return sfe_json_raw(json, value);
}

static void assert_text(struct sfe_slice slice, const char *expected)
{
    assert_int_equal(slice.size, strlen(expected));
    assert_memory_equal(slice.bytes, expected, slice.size);
}

static struct sfe_status_link link_example(void)
{
    struct sfe_status_link link = {0};

    link.source.connection = "site";
    link.source.is_connected = true;
    link.source.received = 12;
    link.intake.empty = 3;
    return link;
}

static struct sfe_status_output output_example(void)
{
    struct sfe_status_output output = {.name = "sales", .stream = "till"};

    output.facts.state = SFE_OUTPUT_STOPPED;
    output.facts.backlog = 77;
    output.facts.oldest_ns = 1764000123456000000;
    output.facts.last_error.code = SFE_E_API;
    output.facts.last_error.http_status = 403;
    strcpy(output.facts.last_error.api_code, "STORAGE_LIMIT_EXCEEDED");
    strcpy(output.facts.last_error.message, "the org is \"full\"");
    return output;
}

static void report_is_one_json_document_with_all_parts(void **state)
{
    struct sfe_status_link link = link_example();
    struct sfe_status_output output = output_example();
    struct sfe_status_stream stream = {.name = "till", .quota_bytes = 4096};
    struct sfe_status status = {.agent_id = "store-1",
                                .links = &link,
                                .link_count = 1,
                                .streams = &stream,
                                .stream_count = 1,
                                .outputs = &output,
                                .output_count = 1};
    struct sfe_json json;

    (void)state;
    stream.facts.first_sequence = 11;
    stream.facts.durable_sequence = 20;
    stream.facts.flash_bytes = 8192;
    stream.thin.thinned = 7;
    status.wear.written_bytes = 4096;
    status.wear.uptime_ns = UINT64_C(86400000000000);
    status.quota_bytes = 16384;
    stream.facts.damaged_places = 2;
    stream.facts.damaged_segment = 7;
    stream.facts.damaged_offset = 8192;
    json = write_document(&status);
    assert_text(at(&json, "/streams/0/damaged_places"), "2");
    assert_text(at(&json, "/streams/0/damage/segment"), "7");
    assert_text(at(&json, "/streams/0/damage/offset"), "8192");
    assert_text(at(&json, "/agent"), "store-1");
    assert_text(at(&json, "/links/0/connected"), "true");
    assert_text(at(&json, "/links/0/empty"), "3");
    assert_text(at(&json, "/streams/0/events"), "10");
    assert_text(at(&json, "/outputs/0/state"), "stopped");
    assert_text(at(&json, "/outputs/0/oldest"), "2025-11-24T16:02:03.456Z");
    assert_text(at(&json, "/outputs/0/last_error/api_code"), "STORAGE_LIMIT_EXCEEDED");
    assert_text(at(&json, "/links/0/last_error"), "null");
    assert_text(at(&json, "/streams/0/thinned"), "7");
    assert_text(at(&json, "/wear/average_bytes_per_day"), "4096");
    assert_text(at(&json, "/quota_bytes"), "16384");
    assert_text(at(&json, "/quota_used_bytes"), "8192");
}

static void a_link_that_asks_again_and_again_says_when(void **state)
{
    struct sfe_status_link link = link_example();
    struct sfe_status status = {.agent_id = "store-1", .links = &link, .link_count = 1};
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1);
    struct sfe_json json;
    struct sfe_error err;

    (void)state;
    status.monotonic_ns = UINT64_C(100000000000);
    link.source.has_runs = true;
    json = write_document(&status);
    assert_text(at(&json, "/links/0/runs/last_s_ago"), "null");
    assert_text(at(&json, "/links/0/runs/next_in_s"), "null");
    link.source.runs = (struct sfe_feed_runs){.ended = 2,
                                              .failed = 1,
                                              .records = 34,
                                              .last_ns = UINT64_C(93000000000),
                                              .next_ns = UINT64_C(112000000000)};
    json = write_document(&status);
    assert_text(at(&json, "/links/0/runs/records"), "34");
    assert_text(at(&json, "/links/0/runs/last_s_ago"), "7");
    assert_text(at(&json, "/links/0/runs/next_in_s"), "12");
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_OK);
    text[out.size] = '\0';
    assert_non_null(strstr((const char *)text, "runs 2, failed 1, the last one of 34 records 7 s "
                                               "ago, the next one in 12 s"));
}

static void report_for_people_names_what_needs_a_human(void **state)
{
    struct sfe_status_output output = output_example();
    struct sfe_status status = {.agent_id = "store-1", .outputs = &output, .output_count = 1};
    struct sfe_json json = write_document(&status);
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1);
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_OK);
    text[out.size] = '\0';
    assert_non_null(strstr((const char *)text, "stopped"));
    assert_non_null(strstr((const char *)text, "backlog 77 (oldest 2025-11-24T16:02:03.456Z), "));
    assert_non_null(strstr((const char *)text, "the org is \"full\""));
}

static void people_see_text_as_it_is_and_no_null_and_no_escapes_of_terminals(void **state)
{
    struct sfe_status_output output = output_example();
    struct sfe_status status = {.agent_id = "store-1", .outputs = &output, .output_count = 1};
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1);
    struct sfe_error err;

    (void)state;
    output.facts.backlog = 0;
    output.facts.oldest_ns = 0;
    strcpy(output.facts.last_error.message, "\x1b[2J a\\b");
    struct sfe_json json = write_document(&status);
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_OK);
    text[out.size] = '\0';
    assert_non_null(strstr((const char *)text, "backlog 0, delivered"));
    assert_non_null(strstr((const char *)text, "?[2J a\\b"));
    assert_null(strchr((const char *)text, '\x1b'));
}

static void a_trial_and_a_drain_are_told_and_only_where_there_are_any(void **state)
{
    struct sfe_status status = {.agent_id = "store-1"};
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1);
    struct sfe_json json = write_document(&status);
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_json_find(&json, 0, SFE_TEXT("/trial")), SFE_JSON_NONE);
    assert_int_equal(sfe_json_find(&json, 0, SFE_TEXT("/draining")), SFE_JSON_NONE);
    status.is_draining = true;
    status.trial = (struct sfe_status_trial){"trying", 0, 7900000000u, "crm"};
    json = write_document(&status);
    assert_text(at(&json, "/trial/left_s"), "7");
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_OK);
    text[out.size] = '\0';
    assert_non_null(strstr((const char *)text, "draining"));
    assert_non_null(strstr((const char *)text, "on trial, seconds left: 7, not connected: crm"));
    status.trial = (struct sfe_status_trial){"returned", 1764000123456000000, 0, "crm"};
    json = write_document(&status);
    out = sfe_builder_make(text, sizeof(text) - 1);
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_OK);
    text[out.size] = '\0';
    assert_non_null(strstr((const char *)text, "DID NOT CONNECT"));
    assert_non_null(strstr((const char *)text, "since 2025-11-24T16:02:03.456Z"));
}

static void a_refused_reload_is_told_with_its_first_reason_and_a_good_one_is_not(void **state)
{
    struct sfe_status status = {.agent_id = "store-1"};
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1);
    struct sfe_json json = write_document(&status);
    struct sfe_error err;

    (void)state;
    assert_text(at(&json, "/last_reload"), "null");
    status.reload = (struct sfe_status_reload){.when_ns = 1764000123456000000, .mistakes = 2};
    strcpy(status.reload.first.message, "unknown key");
    strcpy(status.reload.first.pointer, "/streams/x");
    json = write_document(&status);
    assert_text(at(&json, "/last_reload/ok"), "false");
    assert_text(at(&json, "/last_reload/mistakes"), "2");
    assert_int_equal(sfe_json_find(&json, 0, SFE_TEXT("/last_reload/arena_bytes")), SFE_JSON_NONE);
    assert_text(at(&json, "/last_reload/pointer"), "/streams/x");
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_OK);
    text[out.size] = '\0';
    assert_non_null(strstr((const char *)text, "reload refused 2025-11-24T16:02:03.456Z"));
    assert_non_null(strstr((const char *)text, "/streams/x unknown key"));
    status.reload = (struct sfe_status_reload){
        .when_ns = 1764000123456000000, .is_done = true, .arena_bytes = 7};
    json = write_document(&status);
    assert_text(at(&json, "/last_reload/arena_bytes"), "7");
    out = sfe_builder_make(text, sizeof(text) - 1);
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_OK);
    text[out.size] = '\0';
    assert_null(strstr((const char *)text, "reload"));
}

static void masked_values_and_a_missing_clock_are_shown(void **state)
{
    struct sfe_status_link link = link_example();
    struct sfe_status_org org = {.connection = "crm"};
    struct sfe_status_output output = output_example();
    struct sfe_status status = {.agent_id = "store-1",
                                .links = &link,
                                .link_count = 1,
                                .orgs = &org,
                                .org_count = 1,
                                .outputs = &output,
                                .output_count = 1};
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1);
    struct sfe_error err;

    (void)state;
    link.intake.guard.numbers = 5;
    org.facts.is_waiting_for_clock = true;
    struct sfe_json json = write_document(&status);
    assert_text(at(&json, "/links/0/masked/numbers"), "5");
    assert_text(at(&json, "/orgs/0/state"), "waiting for the clock");
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_OK);
    text[out.size] = '\0';
    assert_non_null(strstr((const char *)text, "card numbers 5"));
    assert_non_null(strstr((const char *)text, "crm  waiting for the clock"));
}

static void report_for_people_refuses_what_is_no_status(void **state)
{
    struct sfe_json json;
    struct sfe_error err;
    struct sfe_builder out = sfe_builder_make(text, sizeof(text));

    (void)state;
    assert_int_equal(sfe_json_parse(SFE_TEXT("[1]"), 0, tokens, 4096, &json, &err), SFE_OK);
    assert_int_equal(sfe_report_add_text(&json, &out, &err), SFE_E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_is_one_json_document_with_all_parts),
        cmocka_unit_test(a_link_that_asks_again_and_again_says_when),
        cmocka_unit_test(report_for_people_names_what_needs_a_human),
        cmocka_unit_test(people_see_text_as_it_is_and_no_null_and_no_escapes_of_terminals),
        cmocka_unit_test(a_trial_and_a_drain_are_told_and_only_where_there_are_any),
        cmocka_unit_test(a_refused_reload_is_told_with_its_first_reason_and_a_good_one_is_not),
        cmocka_unit_test(masked_values_and_a_missing_clock_are_shown),
        cmocka_unit_test(report_for_people_refuses_what_is_no_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
