#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json_reader.h"
#include "output/answer_event.h"

#include <string.h>

#define BYTES 2048u

struct made {
    uint8_t memory[BYTES + 1u];
    struct sfe_builder payload;
    struct sfe_event event;
    enum answer_event_cut cut;
};

static struct sfe_event event_of(struct sfe_slice payload)
{
    return (struct sfe_event){.sequence = 7,
                              .clock_quality = SFE_CLOCK_SYNCED,
                              .identity_kind = SFE_IDENTITY_CONTENT,
                              .source = SFE_TEXT("tills"),
                              .topic = SFE_TEXT("pos/3/sale"),
                              .payload = payload};
}

static struct answer_origin origin_of(const struct sfe_error *reason)
{
    return (struct answer_origin){.output = "accounting",
                                  .stream = "sales",
                                  .attempts = 2,
                                  .time_ns = INT64_C(1764000000123000000),
                                  .time_is_known = true,
                                  .reason = reason};
}

static void make(struct sfe_slice payload, const struct answer_origin *origin, size_t capacity,
                 struct made *made)
{
    struct sfe_event event = event_of(payload);

    made->payload = sfe_builder_make(made->memory, capacity);
    made->cut = answer_event_make(&event, origin, ANSWER_EVENT_WHOLE, &made->payload, &made->event);
    made->memory[made->payload.size] = '\0';
    assert_true(sfe_json_is_value(made->event.payload, SFE_JSON_DEPTH_MAX));
}

static bool says(const struct made *made, const char *text)
{
    return strstr((const char *)made->memory, text) != NULL;
}

static void an_answer_says_whose_it_is_and_what_came_of_it(void **state)
{
    struct made made;
    struct answer_origin origin = origin_of(NULL);

    (void)state;
    origin.answer = SFE_TEXT("{\"records\":[]}");
    make(SFE_TEXT("{\"sale\":\"S-1\"}"), &origin, BYTES, &made);
    assert_int_equal(made.cut, ANSWER_EVENT_WHOLE);
    assert_true(says(&made, "\"stream\":\"sales\",\"seq\":7,\"source\":\"tills\","
                            "\"time\":\"2025-11-24T16:00:00.123Z\"}"));
    assert_true(says(&made, ",\"output\":\"accounting\",\"outcome\":\"done\",\"attempts\":2,"
                            "\"answer\":{\"records\":[]},\"payload\":{\"sale\":\"S-1\"}}"));
    assert_false(says(&made, "\"error\""));
    assert_true(sfe_slice_equal(made.event.topic, SFE_TEXT("pos/3/sale")));
    assert_true(sfe_slice_equal(made.event.source, SFE_TEXT("accounting")));
}

static void a_dead_one_says_why_and_which_letter_it_is(void **state)
{
    struct made made;
    struct sfe_error reason;

    (void)state;
    (void)sfe_fail(&reason, SFE_E_API, "no such \"item\"");
    (void)sfe_error_api(&reason, 400, "NO_ITEM", SFE_RETRY_NEVER);
    struct answer_origin origin = origin_of(&reason);
    origin.dead_sequence = 12;
    make(SFE_TEXT("3"), &origin, BYTES, &made);
    assert_true(says(&made, "\"outcome\":\"dead\""));
    assert_true(says(&made,
                     "\"error\":{\"reason\":\"SFE-API\",\"message\":\"no such \\\"item\\\"\","
                     "\"api_code\":\"NO_ITEM\",\"http_status\":400}"));
    assert_true(says(&made, "\"dead\":12,\"payload\":3}"));
}

static void its_identity_follows_from_event_output_and_outcome(void **state)
{
    struct made first;
    struct made again;
    struct made dead;
    struct made elsewhere;
    struct sfe_error reason;
    struct answer_origin origin = origin_of(NULL);
    struct answer_origin other = origin_of(NULL);

    (void)state;
    (void)sfe_fail(&reason, SFE_E_API, "no");
    const struct answer_origin refused = origin_of(&reason);
    make(SFE_TEXT("1"), &origin, BYTES, &first);
    origin.attempts = 9;
    origin.answer = SFE_TEXT("{}");
    make(SFE_TEXT("1"), &origin, BYTES, &again);
    make(SFE_TEXT("1"), &refused, BYTES, &dead);
    other.output = "billing";
    make(SFE_TEXT("1"), &other, BYTES, &elsewhere);
    assert_int_equal(first.event.identity_kind, SFE_IDENTITY_GIVEN);
    assert_memory_equal(&first.event.identity, &again.event.identity, 16);
    assert_memory_not_equal(&first.event.identity, &dead.event.identity, 16);
    assert_memory_not_equal(&first.event.identity, &elsewhere.event.identity, 16);
}

static void what_is_no_json_or_would_be_too_deep_goes_as_base64(void **state)
{
    struct made made;
    const struct answer_origin origin = origin_of(NULL);
    char deep[2u * SFE_JSON_DEPTH_MAX];

    (void)state;
    make(SFE_TEXT("no json"), &origin, BYTES, &made);
    assert_true(says(&made, "\"payload_base64\":\"bm8ganNvbg==\"}"));
    make(SFE_TEXT(""), &origin, BYTES, &made);
    assert_true(says(&made, "\"payload_base64\":\"\"}"));
    make(SFE_TEXT("\xef\xbb\xbf{\"a\":1}"), &origin, BYTES, &made);
    assert_true(says(&made, "\"payload\":{\"a\":1}}"));
    memset(deep, '[', SFE_JSON_DEPTH_MAX);
    memset(deep + SFE_JSON_DEPTH_MAX, ']', SFE_JSON_DEPTH_MAX);
    make(sfe_slice_make(deep, sizeof(deep)), &origin, BYTES, &made);
    assert_true(says(&made, "\"payload_base64\":\"W1tb"));
    make(sfe_slice_make(deep + 1, sizeof(deep) - 2), &origin, BYTES, &made);
    assert_true(says(&made, "\"payload\":[[["));
}

static void what_does_not_fit_is_left_out_and_said_so(void **state)
{
    static char large[4000];
    struct made made;
    struct answer_origin origin = origin_of(NULL);

    (void)state;
    memset(large, '1', sizeof(large));
    origin.answer = sfe_slice_make(large, 1200);
    make(sfe_slice_make(large, 1500), &origin, BYTES, &made);
    assert_int_equal(made.cut, ANSWER_EVENT_NO_PAYLOAD);
    assert_true(says(&made, "111,\"payload_left_out\":true}"));
    make(sfe_slice_make(large, 1500), &origin, ANSWER_EVENT_BYTES_MIN, &made);
    assert_int_equal(made.cut, ANSWER_EVENT_NO_ANSWER);
    assert_true(says(&made, "\"answer_left_out\":true,\"payload_left_out\":true}"));
    origin.answer = sfe_slice_make(NULL, 0);
    origin.is_answer_cut = true;
    make(SFE_TEXT("1"), &origin, BYTES, &made);
    assert_true(says(&made, "\"answer_left_out\":true,\"payload\":1}"));
}

static void the_least_fits_the_smallest_limit_whatever_it_holds(void **state)
{
    static char large[4000];
    struct made made;
    struct sfe_error reason;
    struct sfe_event event = event_of(sfe_slice_make(large, sizeof(large)));
    struct answer_origin origin = origin_of(&reason);

    (void)state;
    memset(&reason, 1, sizeof(reason)); /* Control characters: six bytes each. */
    reason.code = SFE_E_NOT_READY;
    reason.http_status = 599;
    reason.api_code[sizeof(reason.api_code) - 1] = '\0';
    reason.pointer[sizeof(reason.pointer) - 1] = '\0';
    reason.where[sizeof(reason.where) - 1] = '\0';
    reason.message[sizeof(reason.message) - 1] = '\0';
    event.source = SFE_TEXT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    event.sequence = UINT64_MAX;
    origin.output = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    origin.stream = "cccccccccccccccccccccccccccccccc";
    origin.attempts = UINT32_MAX;
    origin.dead_sequence = UINT64_MAX;
    origin.answer = sfe_slice_make(large, sizeof(large));
    made.payload = sfe_builder_make(made.memory, ANSWER_EVENT_BYTES_MIN);
    assert_int_equal(
        answer_event_make(&event, &origin, ANSWER_EVENT_WHOLE, &made.payload, &made.event),
        ANSWER_EVENT_LEAST);
    assert_true(sfe_json_is_value(made.event.payload, 3));
    assert_int_equal(made.event.topic.size, 0);
}

static void a_time_nobody_knows_is_left_out(void **state)
{
    struct made made;
    struct answer_origin origin = origin_of(NULL);
    struct sfe_event event = event_of(SFE_TEXT("1"));

    (void)state;
    origin.time_is_known = false;
    event.clock_quality = SFE_CLOCK_UNSET;
    made.payload = sfe_builder_make(made.memory, BYTES);
    (void)answer_event_make(&event, &origin, ANSWER_EVENT_WHOLE, &made.payload, &made.event);
    made.memory[made.payload.size] = '\0';
    assert_false(says(&made, "\"time\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_says_whose_it_is_and_what_came_of_it),
        cmocka_unit_test(a_dead_one_says_why_and_which_letter_it_is),
        cmocka_unit_test(its_identity_follows_from_event_output_and_outcome),
        cmocka_unit_test(what_is_no_json_or_would_be_too_deep_goes_as_base64),
        cmocka_unit_test(what_does_not_fit_is_left_out_and_said_so),
        cmocka_unit_test(the_least_fits_the_smallest_limit_whatever_it_holds),
        cmocka_unit_test(a_time_nobody_knows_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
