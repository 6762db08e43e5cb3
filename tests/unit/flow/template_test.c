#include "fixture.h"

#include "flow/template.h"

/* The template's text for the fixture's event, or the message. */
static const char *applied(const char *text)
{
    struct sfe_template *compiled = NULL;
    assert_int_equal(
        sfe_template_compile(text, "store-042", fixture.arena, &compiled, &fixture.err), SFE_OK);
    fixture_forget_output();
    sfe_builder_add_text(&fixture.out, ">");
    memset(&fixture.err, 0, sizeof(fixture.err));
    enum sfe_code code = sfe_template_add(compiled, &fixture.subject, &fixture.out, &fixture.err);
    if (code != SFE_OK) {
        assert_int_equal(code, SFE_E_UNMAPPED);
        assert_int_equal(fixture.out.size, 1);
        return fixture.err.message;
    }
    return fixture_text() + 1;
}

static void each_part_gives_its_text(void **state)
{
    (void)state;
    fixture_event("{\"a\":\"x\\ty\",\"n\":0.10,\"t\":true,\"f\":false,\"e\":\"\"}");
    assert_string_equal(applied("{/a}"), "x\ty");
    assert_string_equal(applied("{/n}"), "0.10");
    assert_string_equal(applied("{/t}"), "true");
    assert_string_equal(applied("<{/f}{/e}>"), "<false>");
    assert_string_equal(applied("{topic}"), "plant/p1/telemetry");
    assert_string_equal(applied("{topic.0}"), "plant");
    assert_string_equal(applied("cmd/{topic.1}/set"), "cmd/p1/set");
    assert_string_equal(applied("{time}"), "2025-11-24T16:02:03.456Z");
    assert_string_equal(applied("{seq}"), "42");
    assert_string_equal(applied("{index}"), "0");
    assert_string_equal(applied("{source}@{agent}"), "readings@store-042");
    assert_string_equal(applied("{{{seq}}}"), "{42}");
    assert_string_equal(applied("say \"{/a}\""), "say \"x\ty\"");
    assert_string_equal(applied(""), "");
}

static void the_identity_is_32_digits_and_always_the_same(void **state)
{
    char first[40];
    (void)state;
    fixture_event("{\"a\":1}");
    snprintf(first, sizeof(first), "%s", applied("{id}"));
    assert_int_equal(strlen(first), 32);
    assert_int_equal(strspn(first, "0123456789abcdef"), 32);
    fixture_event("{\"a\":1}");
    assert_string_equal(applied("{id}"), first);
    fixture_event("{\"a\":2}");
    assert_string_not_equal(applied("{id}"), first);
}

static void the_whole_payload_is_text_where_it_is_utf8(void **state)
{
    (void)state;
    fixture_event("21.5 \xc2\xb0");
    assert_string_equal(applied("{payload}"), "21.5 \xc2\xb0");
    fixture_event_bytes("a\xff", 2);
    assert_string_equal(applied("{payload}"),
                        "the payload is not UTF-8; {payload:base64} takes any bytes");
    assert_string_equal(applied("{payload:base64}"), "Yf8=");
    assert_string_equal(applied("x-{payload:base64}"), "x-Yf8=");
}

static void topic_levels_are_counted_between_slashes(void **state)
{
    (void)state;
    fixture_event("1");
    fixture.event.topic = SFE_TEXT("/a//b/");
    assert_string_equal(applied("[{topic.0}]"), "[]");
    assert_string_equal(applied("[{topic.1}]"), "[a]");
    assert_string_equal(applied("[{topic.2}]"), "[]");
    assert_string_equal(applied("[{topic.3}]"), "[b]");
    assert_string_equal(applied("[{topic.4}]"), "[]");
    assert_string_equal(applied("[{topic.5}]"), "the topic has no level 5");
    assert_string_equal(applied("{topic.99999}"), "the topic has no level 99999");
}

static void a_missing_value_names_the_pointer(void **state)
{
    (void)state;
    fixture_event("{\"a\":1,\"z\":null}");
    assert_string_equal(applied("{/a}-{/b/c}"), "no value at /b/c");
    assert_string_equal(fixture.err.pointer, "/b/c");
    assert_string_equal(applied("{/z}"), "no value at /z");
    assert_string_equal(applied("x{/z}"), "no value at /z");
}

static void a_payload_that_is_not_json_fails_only_where_it_is_pointed_into(void **state)
{
    (void)state;
    fixture_event("{\"a\":");
    assert_false(fixture.subject.is_json);
    assert_string_equal(applied("{topic.1}"), "p1");
    assert_non_null(strstr(applied("{/a}"), "the payload is not JSON (line 1, column"));
    assert_string_equal(fixture.err.pointer, "/a");
    fixture_event("");
    assert_string_equal(applied("{/a}"), "the payload is empty");
}

static void more_values_than_tokens_is_said_in_words(void **state)
{
    static char payload[2 * FIXTURE_TOKENS + 4];
    (void)state;
    memset(payload, ',', sizeof(payload));
    for (size_t i = 0; i < sizeof(payload); i += 2) {
        payload[i + 1] = '1';
    }
    payload[0] = '[';
    payload[sizeof(payload) - 2] = ']';
    payload[sizeof(payload) - 1] = '\0';
    fixture_event(payload);
    assert_false(fixture.subject.is_json);
    assert_string_equal(applied("{/0}"), "the payload holds more values than are allowed");
}

static void an_object_stands_alone_or_not_at_all(void **state)
{
    (void)state;
    fixture_event("{\"o\":{\"a\": 1},\"l\":[1]}");
    assert_string_equal(applied("{/o}"), "{\"a\": 1}");
    assert_string_equal(applied("x{/o}"), "an object cannot stand within text");
    assert_string_equal(applied("x{/l}"), "an array cannot stand within text");
}

static void what_does_not_fit_is_not_there(void **state)
{
    struct sfe_template *compiled = NULL;
    (void)state;
    fixture_event("{\"a\":\"0123456789\"}");
    assert_int_equal(
        sfe_template_compile("x{/a}y", "store-042", fixture.arena, &compiled, &fixture.err),
        SFE_OK);
    for (size_t capacity = 1; capacity < 13; capacity++) {
        struct sfe_builder out = sfe_builder_make(fixture.out_memory, capacity);
        sfe_builder_add_text(&out, "k");
        assert_int_equal(sfe_template_add(compiled, &fixture.subject, &out, &fixture.err),
                         SFE_E_FULL);
        assert_int_equal(out.size, 1);
    }
}

static void functions_change_the_text_of_a_part(void **state)
{
    (void)state;
    fixture_event("{\"a\":\" x\\u00e9\\ty \",\"n\":12.50,\"t\":true,\"o\":{},\"p|q\":\"bar\"}");
    assert_string_equal(applied("{/a|trim|upper}"), "X\xc3\xa9\tY");
    assert_string_equal(applied("<{/n|split:.:0}-{/t|slice:0:1}>"), "<12-t>");
    assert_string_equal(applied("{topic|split:/:-1}"), "telemetry");
    assert_string_equal(applied("{time|slice:0:10}"), "2025-11-24");
    assert_string_equal(applied("{/p\\|q|upper}"), "BAR");
    assert_non_null(strstr(applied("{/o|upper}"), "an object has no functions"));
    assert_non_null(strstr(applied("{/n|split:.:5}"), "not so many pieces"));
    assert_non_null(strstr(applied("{/none|upper}"), "no value at /none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_part_gives_its_text),
        TEST(the_identity_is_32_digits_and_always_the_same),
        TEST(the_whole_payload_is_text_where_it_is_utf8),
        TEST(topic_levels_are_counted_between_slashes),
        TEST(a_missing_value_names_the_pointer),
        TEST(a_payload_that_is_not_json_fails_only_where_it_is_pointed_into),
        TEST(more_values_than_tokens_is_said_in_words),
        TEST(an_object_stands_alone_or_not_at_all),
        TEST(what_does_not_fit_is_not_there),
        TEST(functions_change_the_text_of_a_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
