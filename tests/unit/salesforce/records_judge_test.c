#include "salesforce_world.h"

#include "salesforce/records_parts.h"

#define OK "{\"id\":\"a0\",\"success\":true,\"errors\":[],\"created\":true}"
#define FAILED(code)                                                                               \
    "{\"success\":false,\"errors\":[{\"statusCode\":\"" code                                       \
    "\",\"message\":\"no\",\"fields\":[]}]}"
#define NO_PARENT                                                                                  \
    "{\"success\":false,\"errors\":[{\"statusCode\":\"INVALID_FIELD\",\"message\":"                \
    "\"Foreign key external ID: S-1 not found for field SaleId__c in entity PosSale__c\","         \
    "\"fields\":[]}]}"
#define PART(number, status, body)                                                                 \
    "{\"body\":" body ",\"httpHeaders\":{},\"httpStatusCode\":" status                             \
    ",\"referenceId\":\"p" number "\"}"
#define HALTED "[{\"errorCode\":\"PROCESSING_HALTED\",\"message\":\"no\"}]"

static void composite(struct world *world, uint32_t call, const char *parts)
{
    char body[4096];

    (void)snprintf(body, sizeof(body), "{\"compositeResponse\":[%s]}", parts);
    world_reply(world, call, 200, body);
}

/* Two receipts with a line each: their sales are part 0, their lines part 1. */
static void send_receipts(struct world *world, uint32_t slot)
{
    if (world->target.context == NULL) {
        world_open_api(world, SFE_RECORDS_AUTO, 2, "/lines", NULL, 200);
        world_log_in(world);
    }
    sfe_lane_begin(world->lane);
    assert_int_equal(world_offer(world, slot, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_offer(world, slot, "{\"sale\":\"S-2\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_send(world, slot), SFE_OK);
}

static void receipts_go_in_one_call_with_parents_first(void **state)
{
    struct world *world = *state;

    send_receipts(world, 0);
    const struct call *call = world_call(world, 1);
    assert_string_equal(call->method, "POST");
    assert_string_equal(call->url, "https://acme.my.salesforce.com/services/data/v62.0/composite");
    assert_non_null(strstr(call->body, "\"collateSubrequests\":false"));
    assert_true(strstr(call->body, "/PosSale__c/SaleId__c") <
                strstr(call->body, "/PosLine__c/LineId__c"));
    composite(world, 1,
              PART("0", "200", "[" OK "," OK "]") "," PART("1", "200", "[" OK "," OK "]"));
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->call_count, 2);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_string_equal(world->verdicts[0].record_id, "a0");
    assert_true(world->verdicts[1].id_hash == sfe_records_hash_id(SFE_TEXT("S-2")));
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DONE);
}

static void an_event_is_settled_by_its_parents_error_not_by_what_follows_from_it(void **state)
{
    struct world *world = *state;

    send_receipts(world, 0);
    composite(world, 1,
              PART("0", "200",
                   "[" FAILED("STRING_TOO_LONG") "," FAILED(
                       "UNABLE_TO_LOCK_ROW") "]") "," PART("1", "200",
                                                           "[" NO_PARENT
                                                           "," FAILED("STRING_TOO_LONG") "]"));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DEAD);
    assert_string_equal(world->verdicts[0].err.api_code, "STRING_TOO_LONG");
    assert_string_equal(world->verdicts[0].err.where, "upsert PosSale__c");
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_RETRY);
    assert_string_equal(world->verdicts[1].err.api_code, "UNABLE_TO_LOCK_ROW");
}

static void a_part_that_was_not_run_brings_only_its_events_again(void **state)
{
    struct world *world = *state;

    world_open_api(world, SFE_RECORDS_AUTO, 1, NULL, NULL, 1);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-3\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    composite(
        world, 1,
        PART("0", "200", "[" OK "]") "," PART("1", "400", HALTED) "," PART("2", "500", "\"x\""));
    assert_int_equal(world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[1].err.retry, SFE_RETRY_LATER);
    assert_int_equal(world->verdicts[2].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[2].err.http_status, 500);
}

static void a_part_refused_for_its_content_comes_again_in_halves(void **state)
{
    struct world *world = *state;

    send_receipts(world, 0);
    composite(
        world, 1,
        PART("0", "400", "[{\"errorCode\":\"JSON_PARSER_ERROR\",\"message\":\"no\"}]") "," PART(
            "1", "200", "[" NO_PARENT "," NO_PARENT "]"));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[0].err.retry, SFE_RETRY_SMALLER);
    assert_int_equal(world->verdicts[1].err.retry, SFE_RETRY_SMALLER);
}

static void a_part_of_one_event_refused_for_its_content_is_its_own_verdict(void **state)
{
    struct world *world = *state;

    world_open_api(world, SFE_RECORDS_AUTO, 1, NULL, NULL, 1);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    composite(
        world, 1,
        PART("0", "400", "[{\"errorCode\":\"JSON_PARSER_ERROR\",\"message\":\"no\"}]") "," PART(
            "1", "200", "[" OK "]"));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DEAD);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DONE);
}

static void a_part_that_waits_for_a_human_does_not_touch_the_others(void **state)
{
    struct world *world = *state;

    send_receipts(world, 0);
    composite(world, 1,
              PART("0", "200", "[" OK "," OK "]") "," PART(
                  "1", "403", "[{\"errorCode\":\"INSUFFICIENT_ACCESS\",\"message\":\"no\"}]"));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[0].err.retry, SFE_RETRY_AFTER_HUMAN);
    assert_string_equal(world->verdicts[0].err.where, "upsert PosLine__c");
}

static void an_answer_that_lacks_a_part_or_a_result_brings_all_again(void **state)
{
    static const char *const answers[] = {
        PART("0", "200", "[" OK "," OK "]"),
        PART("0", "200", "[" OK "," OK "]") "," PART("1", "200", "[" OK "]"),
        PART("0", "200", "[" OK "," OK "]") "," PART("1", "200", "{}"),
        PART("0", "200", "[" OK "," OK "]") "," PART("1", "200", "[1,2]"),
    };
    struct world *world = *state;

    for (uint32_t i = 0; i < 4; i++) {
        send_receipts(world, 0);
        composite(world, i + 1, answers[i]);
        assert_int_equal(world->finished_count, i + 1);
        assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
    }
    send_receipts(world, 0);
    composite(world, 5,
              PART("0", "200", "[" OK "," OK "]") "," PART("1", "200", "[" OK "," OK "]"));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
}

static void a_used_up_allowance_within_a_part_pauses_the_org(void **state)
{
    struct world *world = *state;
    uint64_t until_ns = 0;

    send_receipts(world, 0);
    composite(world, 1,
              PART("0", "200", "[" OK "," OK "]") "," PART(
                  "1", "403", "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"no\"}]"));
    assert_int_equal(world->verdicts[0].err.retry, SFE_RETRY_AFTER_QUOTA);
    assert_false(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
}

static void a_call_that_takes_too_long_is_tried_with_fewer_parts(void **state)
{
    struct world *world = *state;

    send_receipts(world, 0);
    struct sfe_http_answer answer = world_answer_to(world, 1);
    answer.code = sfe_fail(&answer.err, SFE_E_TIMEOUT, "no answer in time");
    world_deliver(world, 1, &answer);
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
    send_receipts(world, 0);
    assert_string_equal(world_call(world, 2)->method, "PATCH");
    world_reply(world, 2, 200, "[" OK "," OK "]");
    world_reply(world, 3, 200, "[" OK "," OK "]"); /* Its lines. */
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    send_receipts(world, 0);
    assert_string_equal(world_call(world, 4)->method, "POST");
}

static void a_composite_is_one_always_where_the_operator_said_so(void **state)
{
    struct world *world = *state;

    world_open_api(world, SFE_RECORDS_COMPOSITE, 1, NULL, NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_string_equal(world_call(world, 1)->method, "POST");
    composite(world, 1, PART("0", "200", "[" OK "]"));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
}

/* Three lines of as many parents in two parts, sent as those of b, c | a. */
static void send_unsorted_lines(struct world *world)
{
    world_open_api(world, SFE_RECORDS_COMPOSITE, 0, "/lines", NULL, 2);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"c\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"b\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"a\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    const char *body = world_call(world, 1)->body;
    assert_true(strstr(body, "\"a-1\"") < strstr(body, "\"b-1\""));
    assert_true(strstr(body, "\"b-1\"") < strstr(body, "\"p1\""));
    assert_true(strstr(body, "\"p1\"") < strstr(body, "\"c-1\""));
}

#define NAMED(id) "{\"id\":\"" id "\",\"success\":true,\"errors\":[],\"created\":true}"

static void an_event_has_its_own_result_where_records_were_sorted(void **state)
{
    struct world *world = *state;

    send_unsorted_lines(world);
    composite(world, 1,
              PART("0", "200", "[" NAMED("idA") "," FAILED("STRING_TOO_LONG") "]") "," PART(
                  "1", "200", "[" NAMED("idC") "]"));
    assert_string_equal(world->verdicts[0].record_id, "idC");
    assert_true(world->verdicts[0].id_hash == sfe_records_hash_id(SFE_TEXT("c-1")));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DEAD);
    assert_string_equal(world->verdicts[2].record_id, "idA");
    assert_int_equal(world->verdicts[2].kind, SFE_VERDICT_DONE);
}

static void a_part_that_was_not_run_brings_the_events_that_were_sorted_into_it(void **state)
{
    struct world *world = *state;

    send_unsorted_lines(world);
    composite(world, 1, PART("0", "400", HALTED) "," PART("1", "200", "[" NAMED("idC") "]"));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[2].kind, SFE_VERDICT_RETRY);
}

static void a_refused_part_is_of_one_event_only_where_all_its_records_are(void **state)
{
    struct world *world = *state;

    world_open_api(world, SFE_RECORDS_COMPOSITE, 0, "/lines", NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"b\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"a\",\"lines\":[{\"no\":1},{\"no\":2}]}"),
                     SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    struct records *records = world->target.context;
    records->slots[0].event_of[0] = 0; /* As if lines of different parents were of one event: */
    records->slots[0].event_of[1] = 0; /* they are sent as 1, 2, 0. */
    records->slots[0].event_of[2] = 1;
    composite(world, 1,
              PART("0", "400", "[{\"errorCode\":\"JSON_PARSER_ERROR\",\"message\":\"no\"}]"));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[1].err.retry, SFE_RETRY_SMALLER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(receipts_go_in_one_call_with_parents_first),
        TEST(an_event_is_settled_by_its_parents_error_not_by_what_follows_from_it),
        TEST(a_part_that_was_not_run_brings_only_its_events_again),
        TEST(a_part_refused_for_its_content_comes_again_in_halves),
        TEST(a_part_of_one_event_refused_for_its_content_is_its_own_verdict),
        TEST(a_part_that_waits_for_a_human_does_not_touch_the_others),
        TEST(an_answer_that_lacks_a_part_or_a_result_brings_all_again),
        TEST(a_used_up_allowance_within_a_part_pauses_the_org),
        TEST(a_call_that_takes_too_long_is_tried_with_fewer_parts),
        TEST(a_composite_is_one_always_where_the_operator_said_so),
        TEST(an_event_has_its_own_result_where_records_were_sorted),
        TEST(a_part_that_was_not_run_brings_the_events_that_were_sorted_into_it),
        TEST(a_refused_part_is_of_one_event_only_where_all_its_records_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
