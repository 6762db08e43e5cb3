#include "salesforce_world.h"

#include "salesforce/records_parts.h"

#define OK "{\"id\":\"a0\",\"success\":true,\"errors\":[],\"created\":true}"
#define FAILED(code)                                                                               \
    "{\"success\":false,\"errors\":[{\"statusCode\":\"" code                                       \
    "\",\"message\":\"no\",\"fields\":[\"Total__c\"]}]}"

/* Sends one slot of `count` sales (at most 3); its call is the second of all. */
static void send_sales(struct world *world, uint32_t count)
{
    static const char *const sales[] = {"{\"sale\":\"S-1\"}", "{\"sale\":\"S-2\"}",
                                        "{\"sale\":\"S-3\"}"};

    if (world->target.context == NULL) {
        world_open_records(world, 1, NULL, NULL, 200);
        world_log_in(world);
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(world_offer(world, 0, sales[i]), SFE_OK);
    }
    assert_int_equal(world_send(world, 0), SFE_OK);
}

static void each_record_settles_its_own_event(void **state)
{
    struct world *world = *state;

    send_sales(world, 3);
    world_reply(world, 1, 200,
                "[" OK "," FAILED("STRING_TOO_LONG") "," FAILED("UNABLE_TO_LOCK_ROW") "]");
    assert_int_equal(world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DEAD);
    assert_string_equal(world->verdicts[1].err.api_code, "STRING_TOO_LONG");
    assert_non_null(strstr(world->verdicts[1].err.message, "Total__c"));
    assert_int_equal(world->verdicts[2].kind, SFE_VERDICT_RETRY);
}

static void verdicts_of_one_slot_do_not_leak_into_the_next(void **state)
{
    struct world *world = *state;

    send_sales(world, 1);
    world_reply(world, 1, 200, "[" FAILED("STRING_TOO_LONG") "]");
    sfe_lane_begin(world->lane);
    send_sales(world, 1);
    world_reply(world, 2, 200, "[" OK "]");
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
}

static void a_retry_dominates_a_death_and_a_death_what_is_done(void **state)
{
    struct world *world = *state;

    world_open_records(world, 0, "/lines", NULL, 200);
    world_log_in(world);
    assert_int_equal(
        world_offer(world, 0, "{\"sale\":\"A\",\"lines\":[{\"no\":1},{\"no\":2},{\"no\":3}]}"),
        SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"B\",\"lines\":[{\"no\":1},{\"no\":2}]}"),
                     SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    world_reply(world, 1, 200,
                "[" FAILED("STRING_TOO_LONG") "," FAILED("UNABLE_TO_LOCK_ROW") "," OK "," FAILED(
                    "STRING_TOO_LONG") "," OK "]");
    assert_int_equal(world->result.count, 2);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DEAD);
}

static void patience_ends_with_the_attempts(void **state)
{
    struct world *world = *state;

    world->attempts = 3;
    send_sales(world, 1);
    world_reply(world, 1, 200, "[" FAILED("SOMETHING_NEW") "]");
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DEAD);
}

static void a_401_in_mid_run_sends_the_same_bytes_once_more_after_one_log_in(void **state)
{
    struct world *world = *state;

    send_sales(world, 2);
    assert_int_equal(world_offer(world, 1, "{\"sale\":\"T-1\"}"), SFE_OK);
    assert_int_equal(world_send(world, 1), SFE_OK);
    world_reply(world, 1, 401, SESSION_ENDED);
    world_reply(world, 2, 401, SESSION_ENDED);
    assert_int_equal(world->finished_count, 0);
    world->now_ns += SECOND;
    assert_false(world_turn(world));
    assert_int_equal(world->call_count, 4);
    world_reply(
        world, 3, 200,
        "{\"access_token\":\"second\",\"instance_url\":\"https://moved.my.salesforce.com\"}");
    assert_true(world_turn(world));
    assert_int_equal(world->call_count, 6);
    assert_string_equal(world_call(world, 4)->body, world_call(world, 1)->body);
    assert_string_equal(world_call(world, 5)->body, world_call(world, 2)->body);
    assert_string_equal(world_call(world, 4)->authorization, "Bearer second");
    assert_non_null(strstr(world_call(world, 4)->url, "https://moved.my.salesforce.com/"));
    world_reply(world, 4, 200, "[" OK "," OK "]");
    world_reply(world, 5, 200, "[" OK "]");
    assert_int_equal(world->finished_count, 2);
    assert_int_equal(world->result.outcome, SFE_SLOT_ANSWERED);
}

static void a_second_401_in_a_row_gives_the_events_back(void **state)
{
    struct world *world = *state;

    send_sales(world, 1);
    world_reply(world, 1, 401, SESSION_ENDED);
    world->now_ns += SECOND;
    world_turn(world);
    world_reply(world, 2, 200, TOKEN_ANSWER);
    world_turn(world);
    world_reply(world, 3, 401, SESSION_ENDED);
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
    assert_string_equal(world->result.err.api_code, "INVALID_SESSION_ID");
}

static void what_says_nothing_of_the_records_brings_all_again(void **state)
{
    static const struct {
        uint16_t status;
        const char *body;
    } answers[] = {
        {500, "[{\"errorCode\":\"UNKNOWN_EXCEPTION\",\"message\":\"x\"}]"},
        {503, "[{\"errorCode\":\"SERVER_UNAVAILABLE\",\"message\":\"x\"}]"},
        {502, ""},
        {504, "gateway"},
        {429, ""},
        {302, ""},
        {200, "<html>We are down for maintenance</html>"},
        {400, "<html>Bad proxy</html>"},
        {200, "[" OK},
        {200, "[" OK "," OK "]"},
        {200, "[]"},
        {200, "[{\"success\":null}]"},
        {204, ""},
        {403, "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"ConcurrentRequests "
              "Limit exceeded.\"}]"},
        {400, "[{\"errorCode\":\"UNABLE_TO_LOCK_ROW\",\"message\":\"x\"}]"},
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct world *world = world_make();
        send_sales(world, 1);
        world_reply(world, 1, answers[i].status, answers[i].body);
        if (world->finished_count != 1 || world->result.outcome != SFE_SLOT_AGAIN) {
            fail_msg("%u %s: outcome %d", answers[i].status, answers[i].body,
                     (int)world->result.outcome);
        }
        void *made = world;
        (void)world_teardown(&made);
    }
    (void)state;
}

static void a_connection_that_breaks_brings_all_again_with_the_same_ids(void **state)
{
    struct world *world = *state;

    send_sales(world, 2);
    world_break(world, 1);
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
    assert_int_equal(world->result.err.code, SFE_E_NETWORK);
    sfe_lane_begin(world->lane);
    send_sales(world, 2);
    assert_string_equal(world_call(world, 1)->body, world_call(world, 2)->body);
}

static void retry_after_is_handed_on(void **state)
{
    struct world *world = *state;

    send_sales(world, 1);
    struct sfe_http_answer answer = world_answer_to(world, 1);
    answer.status = 503;
    answer.retry_after_s = 30;
    world_deliver(world, 1, &answer);
    assert_int_equal(world->result.retry_after_s, 30);
}

static void a_refusal_for_its_content_is_split(void **state)
{
    struct world *world = *state;

    send_sales(world, 3);
    world_reply(world, 1, 400, "[{\"errorCode\":\"JSON_PARSER_ERROR\",\"message\":\"x\"}]");
    assert_int_equal(world->result.outcome, SFE_SLOT_SMALLER);
}

static void a_refusal_for_the_content_of_one_event_is_its_own_verdict(void **state)
{
    struct world *world = *state;

    send_sales(world, 1);
    world_reply(world, 1, 400, "[{\"errorCode\":\"JSON_PARSER_ERROR\",\"message\":\"x\"}]");
    assert_int_equal(world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DEAD);
    sfe_lane_begin(world->lane);
    send_sales(world, 1);
    world_reply(world, 2, 400, "[{\"errorCode\":\"SOMETHING_NEW\",\"message\":\"x\"}]");
    assert_int_equal(world->result.outcome, SFE_SLOT_STOPPED);
}

static void a_refusal_that_needs_a_human_stops(void **state)
{
    struct world *world = *state;

    send_sales(world, 2);
    world_reply(world, 1, 404, "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"x\"}]");
    assert_int_equal(world->result.outcome, SFE_SLOT_STOPPED);
    assert_non_null(strstr(world->result.err.message, "check object"));
    assert_string_equal(world->result.err.where, "upsert PosSale__c");
}

static void a_used_up_allowance_pauses_the_org(void **state)
{
    struct world *world = *state;
    uint64_t until_ns = 0;

    send_sales(world, 2);
    world_reply(world, 1, 403,
                "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests Limit "
                "exceeded.\"}]");
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
    assert_false(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
    assert_int_equal(until_ns, world->now_ns + 900 * SECOND);
}

static void an_answer_larger_than_its_buffer_is_split(void **state)
{
    struct world *world = *state;

    send_sales(world, 2);
    struct sfe_http_answer answer = world_answer_to(world, 1);
    answer.code = sfe_fail(&answer.err, SFE_E_TOO_LARGE, "over its bound");
    world_deliver(world, 1, &answer);
    assert_int_equal(world->result.outcome, SFE_SLOT_SMALLER);
}

static void an_answer_to_one_event_that_is_always_too_large_ends_its_tries(void **state)
{
    struct world *world = *state;

    send_sales(world, 1);
    struct sfe_http_answer answer = world_answer_to(world, 1);
    answer.code = sfe_fail(&answer.err, SFE_E_TOO_LARGE, "over its bound");
    world_deliver(world, 1, &answer);
    assert_int_equal(world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    world->attempts = 5;
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-9\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    answer.tag = world_call(world, 2)->tag;
    world_deliver(world, 2, &answer);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DEAD);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_record_settles_its_own_event),
        TEST(verdicts_of_one_slot_do_not_leak_into_the_next),
        TEST(a_retry_dominates_a_death_and_a_death_what_is_done),
        TEST(patience_ends_with_the_attempts),
        TEST(a_401_in_mid_run_sends_the_same_bytes_once_more_after_one_log_in),
        TEST(a_second_401_in_a_row_gives_the_events_back),
        cmocka_unit_test(what_says_nothing_of_the_records_brings_all_again),
        TEST(a_connection_that_breaks_brings_all_again_with_the_same_ids),
        TEST(retry_after_is_handed_on),
        TEST(a_refusal_for_its_content_is_split),
        TEST(a_refusal_for_the_content_of_one_event_is_its_own_verdict),
        TEST(a_refusal_that_needs_a_human_stops),
        TEST(a_used_up_allowance_pauses_the_org),
        TEST(an_answer_larger_than_its_buffer_is_split),
        TEST(an_answer_to_one_event_that_is_always_too_large_ends_its_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
