#include "http_world.h"

static void each_status_has_its_outcome(void **state)
{
    static const struct {
        uint16_t status;
        enum sfe_slot_outcome outcome;
        enum sfe_verdict_kind kind; /* With ANSWERED. */
        enum sfe_retry retry;
    } cases[] = {
        {200, SFE_SLOT_ANSWERED, SFE_VERDICT_DONE, SFE_RETRY_NEVER},
        {204, SFE_SLOT_ANSWERED, SFE_VERDICT_DONE, SFE_RETRY_NEVER},
        {400, SFE_SLOT_ANSWERED, SFE_VERDICT_DEAD, SFE_RETRY_NEVER},
        {413, SFE_SLOT_ANSWERED, SFE_VERDICT_DEAD, SFE_RETRY_NEVER},
        {423, SFE_SLOT_ANSWERED, SFE_VERDICT_RETRY, SFE_RETRY_LATER},
        {401, SFE_SLOT_STOPPED, SFE_VERDICT_DONE, SFE_RETRY_AFTER_HUMAN},
        {302, SFE_SLOT_STOPPED, SFE_VERDICT_DONE, SFE_RETRY_AFTER_HUMAN},
        {429, SFE_SLOT_AGAIN, SFE_VERDICT_DONE, SFE_RETRY_LATER},
        {500, SFE_SLOT_AGAIN, SFE_VERDICT_DONE, SFE_RETRY_LATER},
    };
    struct sfe_http_target_options options = world_options();

    (void)state;
    assert_true(sfe_http_settle_set(&options.settle, SFE_TEXT("423"), SFE_HTTP_EVENT_AGAIN));
    world_open(&options);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world_answer(world_post(0, "{\"id\":1}"), cases[i].status, "why");
        assert_int_equal(the_world.finished, i + 1);
        assert_int_equal(the_world.result.outcome, cases[i].outcome);
        if (cases[i].outcome == SFE_SLOT_ANSWERED) {
            assert_int_equal(the_world.verdict.kind, cases[i].kind);
        }
        assert_int_equal(the_world.result.err.retry, cases[i].retry);
        assert_int_equal(the_world.result.err.http_status,
                         cases[i].status < 300 ? 0 : cases[i].status);
    }
}

static void a_lost_answer_is_no_answer(void **state)
{
    struct sfe_http_answer answer = {.code = SFE_E_NETWORK, .status = 200, .retry_after_s = -1};
    const struct sfe_http_target_options options = world_options();

    (void)state;
    (void)sfe_fail(&answer.err, SFE_E_NETWORK, "cut");
    world_open(&options);
    world_answer_with(world_post(0, "{\"id\":1}"), &answer, "half");
    assert_int_equal(the_world.result.outcome, SFE_SLOT_AGAIN);
    assert_string_equal(the_world.result.err.message, "cut");
    answer = (struct sfe_http_answer){.code = SFE_OK, .retry_after_s = -1};
    world_answer_with(world_post(0, "{\"id\":1}"), &answer, "");
    assert_int_equal(the_world.result.outcome, SFE_SLOT_AGAIN);
    assert_int_equal(the_world.result.err.code, SFE_E_PROTOCOL);
}

static void an_answer_without_end_counts_by_its_status(void **state)
{
    struct sfe_http_answer answer = {.code = SFE_E_TOO_LARGE, .status = 200, .retry_after_s = -1};
    const struct sfe_http_target_options options = world_options();

    (void)state;
    world_open(&options);
    world_answer_with(world_post(0, "{\"id\":1}"), &answer, "many");
    assert_int_equal(the_world.verdict.kind, SFE_VERDICT_DONE);
}

static void the_pause_that_is_asked_for_is_passed_on(void **state)
{
    const struct sfe_http_answer answer = {.status = 429, .retry_after_s = 17};
    const struct sfe_http_target_options options = world_options();

    (void)state;
    world_open(&options);
    world_answer_with(world_post(0, "{\"id\":1}"), &answer, "");
    assert_int_equal(the_world.result.retry_after_s, 17);
}

static void a_batch_that_is_refused_is_halved(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.slot_events_max = 2;
    options.path = world_template("/all");
    world_open(&options);
    assert_int_equal(world_offer(0, "t", "{}"), SFE_OK);
    assert_int_equal(world_offer(0, "t", "{\"a\":1}"), SFE_OK);
    assert_int_equal(world_send(0), SFE_OK);
    world_answer(&the_world.calls[0], 413, "");
    assert_int_equal(the_world.result.outcome, SFE_SLOT_SMALLER);
    assert_int_equal(the_world.result.count, 2);
}

static void of_a_batch_nothing_is_done_because_one_event_was_there_already(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.slot_events_max = 2;
    options.path = world_template("/all");
    assert_true(sfe_http_settle_set(&options.settle, SFE_TEXT("409"), SFE_HTTP_DONE));
    assert_true(sfe_http_settle_set(&options.settle, SFE_TEXT("423"), SFE_HTTP_EVENT_AGAIN));
    world_open(&options);
    assert_int_equal(world_offer(0, "t", "{}"), SFE_OK);
    assert_int_equal(world_offer(0, "t", "{\"a\":1}"), SFE_OK);
    assert_int_equal(world_send(0), SFE_OK);
    world_answer(&the_world.calls[0], 409, "");
    assert_int_equal(the_world.result.outcome, SFE_SLOT_SMALLER);
    assert_int_equal(world_offer(0, "t", "{}"), SFE_OK);
    assert_int_equal(world_offer(0, "t", "{\"a\":1}"), SFE_OK);
    assert_int_equal(world_send(0), SFE_OK);
    world_answer(&the_world.calls[1], 423, "");
    assert_int_equal(the_world.result.outcome, SFE_SLOT_SMALLER);
    world_answer(world_post(0, "{\"a\":1}"), 409, ""); /* Alone it is meant. */
    assert_int_equal(the_world.verdict.kind, SFE_VERDICT_DONE);
}

static void errors_quote_the_server_but_no_secret(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.auth = (struct sfe_http_auth){
        .scheme = SFE_HTTP_BASIC, .user = "till", .secret = SFE_TEXT("geheim")};
    world_open(&options);
    world_answer(world_post(0, "{\"id\":1}"), 422, "no total\nyou sent geheim");
    assert_string_equal(the_world.verdict.err.message, "HTTP 422: no total?you sent ");
    assert_string_equal(the_world.verdict.err.api_code, "HTTP-422");
    assert_null(strstr(the_world.answer, "geheim"));
    world_answer(world_post(0, "{\"id\":1}"), 422, "{\"auth\":\"dGlsbDpnZWhlaW0=\"}");
    assert_null(strstr(the_world.verdict.err.message, "dGlsb"));
    assert_null(strstr(the_world.answer, "dGlsb"));
}

static void what_came_back_is_passed_on_as_json_or_text(void **state)
{
    struct sfe_http_answer answer = {.status = 201, .retry_after_s = -1, .location = "/i/7"};
    const struct sfe_http_target_options options = world_options();
    static char many[6000];

    (void)state;
    world_open(&options);
    world_answer_with(world_post(0, "{\"id\":1}"), &answer, " {\"no\": 7} ");
    assert_string_equal(the_world.answer,
                        "{\"status\":201,\"location\":\"/i/7\",\"body\":{\"no\": 7}}");
    world_answer(world_post(0, "{\"id\":1}"), 200, "\"seven\"");
    assert_string_equal(the_world.answer, "{\"status\":200,\"body\":\"seven\"}");
    world_answer(world_post(0, "{\"id\":1}"), 200, "<ok/>");
    assert_string_equal(the_world.answer, "{\"status\":200,\"body\":\"<ok/>\"}");
    world_answer(world_post(0, "{\"id\":1}"), 204, "");
    assert_string_equal(the_world.answer, "{\"status\":204}");
    memset(many, 'a', sizeof(many) - 1u);
    memcpy(many + 4095, "\xc3\xbc", 2); /* On the border. */
    world_answer(world_post(0, "{\"id\":1}"), 200, many);
    assert_int_equal(strlen(the_world.answer), 4095 + strlen("{\"status\":200,\"body\":\"\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_status_has_its_outcome),
        TEST(a_lost_answer_is_no_answer),
        TEST(an_answer_without_end_counts_by_its_status),
        TEST(the_pause_that_is_asked_for_is_passed_on),
        TEST(a_batch_that_is_refused_is_halved),
        TEST(of_a_batch_nothing_is_done_because_one_event_was_there_already),
        TEST(errors_quote_the_server_but_no_secret),
        TEST(what_came_back_is_passed_on_as_json_or_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
