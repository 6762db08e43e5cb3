#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/http_events.h"

static struct sfe_json_token tokens[256];

static struct http_events_rules rules(const char *identity)
{
    return (struct http_events_rules){identity, 64, tokens, 256};
}

static void expect_events(const char *body, enum http_body_kind kind, const char *const *events,
                          uint32_t wanted)
{
    const struct http_events_rules of = rules(NULL);
    struct sfe_error err;
    struct sfe_slice event;
    uint32_t count = 0;
    size_t offset = 0;

    assert_int_equal(http_events_check(sfe_slice_text(body), kind, &of, &count, &err), SFE_OK);
    assert_int_equal(count, wanted);
    for (uint32_t i = 0; i < wanted; i++) {
        assert_true(http_events_next(sfe_slice_text(body), &offset, &event));
        assert_int_equal(event.size, strlen(events[i]));
        assert_memory_equal(event.bytes, events[i], event.size);
    }
    assert_false(http_events_next(sfe_slice_text(body), &offset, &event));
}

static void expect_refusal(const char *body, enum http_body_kind kind, uint16_t status,
                           const char *words)
{
    const struct http_events_rules of = rules("/id");
    struct sfe_error err = {0};
    uint32_t count = 0;

    assert_int_equal(http_events_check(sfe_slice_text(body), kind, &of, &count, &err),
                     SFE_E_PROTOCOL);
    assert_int_equal(err.http_status, status);
    if (strstr(err.message, words) == NULL) {
        print_error("%s: %s\n", body, err.message);
    }
    assert_non_null(strstr(err.message, words));
}

static void a_body_is_taken_apart_into_its_events(void **state)
{
    static const char *const three[] = {"{\"a\":\"}{\"}", "{}", "{\"b\":[{\"c\":\"\\\"]\"}]}"};

    (void)state;
    expect_events(" {\"a\":\"}{\"}\n", HTTP_BODY_JSON, three, 1);
    expect_events("[{\"a\":\"}{\"},{} , {\"b\":[{\"c\":\"\\\"]\"}]}]", HTTP_BODY_JSON, three, 3);
    expect_events("\n{\"a\":\"}{\"}\r\n{}\n\n{\"b\":[{\"c\":\"\\\"]\"}]}", HTTP_BODY_LINES, three,
                  3);
    expect_events("[]", HTTP_BODY_JSON, three, 0);
    expect_events("", HTTP_BODY_LINES, three, 0);
}

static void a_mistake_names_its_element(void **state)
{
    (void)state;
    expect_refusal("", HTTP_BODY_JSON, 400, "line 1");
    expect_refusal("{\"id\":", HTTP_BODY_JSON, 400, "line 1, column");
    expect_refusal("[{\"id\":1},{\"id\":2},{\"id\":}]", HTTP_BODY_JSON, 400, "element 2 (line 1");
    expect_refusal("[{\"id\":\"a,b\"},\n{\"id\":2},,]", HTTP_BODY_JSON, 400, "element 2 (line 2");
    expect_refusal("[{\"id\":1},7]", HTTP_BODY_JSON, 400, "element 1: an event must be");
    expect_refusal("[[{\"id\":1}]]", HTTP_BODY_JSON, 400, "element 0: an event must be");
    expect_refusal("\"text\"", HTTP_BODY_JSON, 400, "an event must be");
    expect_refusal("[{\"id\":1}] {}", HTTP_BODY_JSON, 400, "line 1, column");
    expect_refusal("{\"id\":1}\n{\"id\":1}}\n", HTTP_BODY_LINES, 400, "line 2, column 9");
    expect_refusal("{\"id\":1}\n\n3\n", HTTP_BODY_LINES, 400, "line 3: an event must be");
}

static void an_event_needs_the_identity_that_is_asked_for(void **state)
{
    const struct http_events_rules of = rules("/sale/id");
    struct sfe_slice identity = http_events_identity(SFE_TEXT("{\"sale\":{\"id\":\"t1-7\"}}"), &of);

    (void)state;
    assert_true(sfe_slice_equal(identity, SFE_TEXT("t1-7")));
    expect_refusal("[{\"id\":1},{}]", HTTP_BODY_JSON, 400, "element 1: it has no text or number");
    expect_refusal("{\"id\":null}", HTTP_BODY_JSON, 400, "no text or number");
    expect_refusal("{\"id\":\"\"}", HTTP_BODY_JSON, 400, "1 to 255");
}

static void an_event_over_the_limit_is_refused_with_all_others(void **state)
{
    (void)state;
    expect_refusal("[{\"id\":1},{\"id\":2,\"x\":"
                   "\"01234567890123456789012345678901234567890123456789012345678\""
                   "}]",
                   HTTP_BODY_JSON, 413, "element 1: the event is over the limit");
}

static void more_values_than_there_is_room_for_are_refused(void **state)
{
    char body[1024];
    size_t size = 0;

    (void)state;
    body[size++] = '[';
    while (size < 800) {
        memcpy(body + size, "0,", 2);
        size += 2;
    }
    memcpy(body + size, "0]", 3);
    expect_refusal(body, HTTP_BODY_JSON, 413, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_taken_apart_into_its_events),
        cmocka_unit_test(a_mistake_names_its_element),
        cmocka_unit_test(an_event_needs_the_identity_that_is_asked_for),
        cmocka_unit_test(an_event_over_the_limit_is_refused_with_all_others),
        cmocka_unit_test(more_values_than_there_is_room_for_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
