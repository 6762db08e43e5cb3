#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "status/note.h"

#include <string.h>

static uint8_t memory[SFE_NOTE_BYTES_MAX];

static void stages_are_read_as_a_list_and_nonsense_is_none(void **state)
{
    (void)state;
    assert_int_equal(sfe_note_read_stages(SFE_TEXT("accepted")), 1u << SFE_WATCH_ACCEPTED);
    assert_int_equal(sfe_note_read_stages(SFE_TEXT("dead,answered")),
                     1u << SFE_WATCH_DEAD | 1u << SFE_WATCH_ANSWERED);
    assert_int_equal(sfe_note_read_stages(SFE_TEXT("accepted,dead,batched")),
                     1u << SFE_WATCH_ACCEPTED | 1u << SFE_WATCH_DEAD | 1u << SFE_WATCH_BATCHED);
    assert_int_equal(sfe_note_read_stages(SFE_TEXT("")), (1u << SFE_WATCH_STAGES) - 1u);
    assert_int_equal(sfe_note_read_stages(SFE_TEXT("dead,")), 0);
    assert_int_equal(sfe_note_read_stages(SFE_TEXT("accepted durable")), 0);
    assert_int_equal(sfe_note_read_stages(SFE_TEXT("deadly")), 0);
}

static void check_text(const struct sfe_watch_entry *entry, const char *text, const char *wanted)
{
    struct sfe_json_token tokens[64];
    struct sfe_json json;
    struct sfe_error err;
    static char shown[4096];
    struct sfe_builder document = sfe_builder_make(memory, sizeof(memory));
    struct sfe_builder line = sfe_builder_make(shown, sizeof(shown) - 1u);

    sfe_note_add(entry, (const uint8_t *)text, &document);
    assert_false(document.overflowed);
    assert_int_equal(sfe_json_parse(sfe_builder_slice(&document), 0, tokens, 64, &json, &err),
                     SFE_OK);
    sfe_note_add_text(&json, 0, &line);
    shown[line.size] = '\0';
    assert_string_equal(shown, wanted);
}

static void a_note_becomes_json_and_a_line(void **state)
{
    struct sfe_watch_entry entry = {.time_ns = 1795478400123000000,
                                    .sequence = 12,
                                    .attempt = 2,
                                    .request = 17,
                                    .took_ns = 45000000,
                                    .stage = SFE_WATCH_ANSWERED,
                                    .outcome = SFE_WATCH_RETRY,
                                    .code = SFE_E_API,
                                    .http_status = 200,
                                    .stream = "sales",
                                    .output = "crm",
                                    .api_code = "UNABLE_TO_LOCK_ROW",
                                    .message = "busy"};

    (void)state;
    check_text(
        &entry, "",
        "2026-11-24T00:00:00.123Z answered sales:12 -> crm try 2 request 17 retry after 45 ms"
        " SFE-API UNABLE_TO_LOCK_ROW HTTP 200: busy\n");
}

static void what_was_missed_is_said_before_the_note_and_alone(void **state)
{
    struct sfe_watch_entry entry = {.missed = 123, .stage = SFE_WATCH_STAGES};

    (void)state;
    check_text(&entry, "", "… 123 not shown\n");
    entry = (struct sfe_watch_entry){.missed = 7,
                                     .sequence = 1,
                                     .stage = SFE_WATCH_ACCEPTED,
                                     .has_event = true,
                                     .topic_bytes = 3,
                                     .payload_bytes = 900,
                                     .shown_bytes = 4,
                                     .stream = "sales",
                                     .input = "tills"};
    check_text(&entry, "a/b{\x1b\"}",
               "… 7 not shown\nclock-unset              accepted sales:1 from tills | a/b 900 B "
               "{?\"}\n");
}

static void a_payload_that_is_no_text_is_shown_in_base64(void **state)
{
    struct sfe_watch_entry entry = {.sequence = 1,
                                    .stage = SFE_WATCH_DURABLE,
                                    .has_event = true,
                                    .payload_bytes = 6,
                                    .shown_bytes = 6,
                                    .stream = "sales"};

    (void)state;
    check_text(&entry, "\xff\xfe\xfd\xfc\xfb\xfa",
               "clock-unset              durable  sales:1 |  6 B base64 //79/Pv6\n");
    /* Cut inside a character. */
    check_text(&entry, "ab\xe2\x82" /* and four more bytes */ "cd",
               "clock-unset              durable  sales:1 |  6 B base64 YWLigmNk\n");
    entry.shown_bytes = 4;
    check_text(&entry, "ab\xe2\x82", "clock-unset              durable  sales:1 |  6 B ab\n");
}

static void the_largest_note_fits(void **state)
{
    static uint8_t text[SFE_WATCH_TEXT_BYTES];
    struct sfe_watch_entry entry = {.missed = UINT64_MAX,
                                    .time_ns = INT64_MAX,
                                    .sequence = UINT64_MAX,
                                    .dead_sequence = UINT64_MAX,
                                    .request = UINT64_MAX,
                                    .took_ns = UINT64_MAX,
                                    .attempt = UINT32_MAX,
                                    .segment = UINT32_MAX,
                                    .stage = SFE_WATCH_ANSWERED,
                                    .outcome = SFE_WATCH_REFUSED,
                                    .has_event = true,
                                    .topic_bytes = SFE_WATCH_TOPIC_BYTES,
                                    .payload_bytes = UINT32_MAX,
                                    .shown_bytes = SFE_WATCH_PAYLOAD_BYTES};
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));

    (void)state;
    memset(text, 1, sizeof(text));
    memset(entry.message, '"', sizeof(entry.message) - 1u);
    memset(entry.api_code, '"', sizeof(entry.api_code) - 1u);
    memset(entry.stream, 'x', sizeof(entry.stream) - 1u);
    memset(entry.output, 'x', sizeof(entry.output) - 1u);
    memset(entry.input, 'x', sizeof(entry.input) - 1u);
    sfe_note_add(&entry, text, &out);
    assert_false(out.overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_are_read_as_a_list_and_nonsense_is_none),
        cmocka_unit_test(a_note_becomes_json_and_a_line),
        cmocka_unit_test(what_was_missed_is_said_before_the_note_and_alone),
        cmocka_unit_test(a_payload_that_is_no_text_is_shown_in_base64),
        cmocka_unit_test(the_largest_note_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
