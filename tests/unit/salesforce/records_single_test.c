#include "salesforce_world.h"

#include "salesforce/records_parts.h"

#define PART(number, status, body)                                                                 \
    "{\"body\":" body ",\"httpHeaders\":{},\"httpStatusCode\":" status                             \
    ",\"referenceId\":\"p" number "\"}"
#define ANSWER(parts) "{\"compositeResponse\":[" parts "]}"
#define ROWS(rows)    "{\"totalSize\":0,\"done\":true,\"records\":[" rows "]}"
#define ROW(id)       "{\"attributes\":{\"type\":\"PosSale__c\"},\"SaleId__c\":\"" id "\"}"
#define ERROR(code)   "[{\"errorCode\":\"" code "\",\"message\":\"m\"}]"
#define GONE          ERROR("NOT_FOUND")

static void open_verb(struct world *world, enum sfe_records_action action, bool missing_is_done)
{
    world->verbs[0] = (struct sfe_records_verb){action, missing_is_done};
    world_open_api(world, SFE_RECORDS_AUTO, 1, NULL, NULL, 200);
    world_log_in(world);
}

static void send_sale(struct world *world)
{
    sfe_lane_begin(world->lane);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":3}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
}

static void updates_and_the_query_are_one_composite(void **state)
{
    struct world *world = *state;

    open_verb(world, SFE_RECORDS_UPDATE, false);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":3}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    const struct call *call = world_call(world, 1);
    assert_string_equal(call->method, "POST");
    assert_string_equal(call->url, "https://acme.my.salesforce.com/services/data/v62.0/composite");
    assert_non_null(strstr(call->body, "/PosSale__c/SaleId__c/S-1?updateOnly=true\","
                                       "\"referenceId\":\"p0\",\"body\":{\"Total__c\":3}}"));
    assert_non_null(strstr(call->body, "\"referenceId\":\"p1\",\"body\":{}}"));
    world_reply(world, 1, 200,
                ANSWER(PART("0", "200", "{\"id\":\"a01\",\"success\":true}") "," PART(
                    "1", "204", "null") "," PART("2", "200", ROWS(""))));
    assert_int_equal(world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_string_equal(world->verdicts[0].record_id, "a01");
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DONE);
}

static void what_is_not_there_to_update_is_dead_or_done_as_configured(void **state)
{
    struct world *world = *state;

    open_verb(world, SFE_RECORDS_UPDATE, false);
    send_sale(world);
    world_reply(world, 1, 200, ANSWER(PART("0", "404", GONE) "," PART("1", "200", ROWS(""))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DEAD);
    assert_string_equal(world->verdicts[0].err.where, "update PosSale__c");
    ((struct records *)world->target.context)->options.verbs[0].missing_is_done = true;
    send_sale(world);
    world_reply(world, 2, 200, ANSWER(PART("0", "404", GONE) "," PART("1", "200", ROWS(""))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
}

static void a_delete_of_what_is_gone_is_done(void **state)
{
    struct world *world = *state;

    open_verb(world, SFE_RECORDS_DELETE, false);
    send_sale(world);
    assert_null(strstr(world_call(world, 1)->body, "updateOnly"));
    world_reply(world, 1, 200, ANSWER(PART("0", "404", GONE) "," PART("1", "200", ROWS(""))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    send_sale(world);
    world_reply(
        world, 2, 200,
        ANSWER(PART("0", "400", ERROR("ENTITY_IS_DELETED")) "," PART("1", "200", ROWS(""))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
}

static void a_404_is_not_believed_without_the_query(void **state)
{
    struct world *world = *state;

    open_verb(world, SFE_RECORDS_DELETE, false);
    send_sale(world);
    world_reply(world, 1, 200,
                ANSWER(PART("0", "404", GONE) "," PART("1", "400", ERROR("INVALID_TYPE"))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[0].err.retry, SFE_RETRY_AFTER_HUMAN);
    send_sale(world);
    world_reply(world, 2, 200,
                ANSWER(PART("0", "404", GONE) "," PART("1", "400", ERROR("PROCESSING_HALTED"))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[0].err.retry, SFE_RETRY_LATER);
    send_sale(world);
    world_reply(world, 3, 200,
                ANSWER(PART("0", "404", GONE) "," PART("1", "400", ERROR("SOMETHING_NEW"))));
    assert_int_equal(world->verdicts[0].err.retry, SFE_RETRY_AFTER_HUMAN);
    send_sale(world);
    world_reply(world, 4, 200,
                ANSWER(PART("0", "404", GONE) "," PART("1", "200", "{\"done\":false}")));
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
}

static void what_the_query_lists_is_never_gone(void **state)
{
    struct world *world = *state;

    open_verb(world, SFE_RECORDS_DELETE, false);
    send_sale(world);
    world_reply(world, 1, 200,
                ANSWER(PART("0", "404", GONE) "," PART("1", "200", ROWS(ROW("s-1")))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    world->attempts = 3;
    send_sale(world);
    world_reply(world, 2, 200,
                ANSWER(PART("0", "404", GONE) "," PART("1", "200", ROWS(ROW("s-1")))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DEAD);
}

static void an_org_that_creates_instead_is_stopped(void **state)
{
    struct world *world = *state;

    open_verb(world, SFE_RECORDS_UPDATE, false);
    send_sale(world);
    world_reply(world, 1, 200,
                ANSWER(PART("0", "201", "{\"id\":\"a01\",\"success\":true}") "," PART(
                    "1", "200", ROWS(ROW("S-1")))));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[0].err.retry, SFE_RETRY_AFTER_HUMAN);
}

static void each_record_has_its_own_verdict(void **state)
{
    static const struct {
        const char *answer;
        enum sfe_verdict_kind kind;
        enum sfe_retry retry;
    } cases[] = {
        {PART("0", "300", "[\"/services/data/v62.0/sobjects/X/1\"]"), SFE_VERDICT_DEAD,
         SFE_RETRY_NEVER},
        {PART("0", "400", ERROR("STRING_TOO_LONG")), SFE_VERDICT_DEAD, SFE_RETRY_NEVER},
        {PART("0", "403", ERROR("INSUFFICIENT_ACCESS_OR_READONLY")), SFE_VERDICT_DEAD,
         SFE_RETRY_NEVER},
        {PART("0", "503", "null"), SFE_VERDICT_RETRY, SFE_RETRY_LATER},
        {PART("0", "429", "null"), SFE_VERDICT_RETRY, SFE_RETRY_LATER},
        {PART("0", "401", ERROR("INVALID_SESSION_ID")), SFE_VERDICT_RETRY, SFE_RETRY_LATER},
        {PART("0", "400", ERROR("UNABLE_TO_LOCK_ROW")), SFE_VERDICT_RETRY, SFE_RETRY_LOCKED},
    };
    struct world *world = *state;
    char answer[1024];

    open_verb(world, SFE_RECORDS_UPDATE, false);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        send_sale(world);
        assert_true(snprintf(answer, sizeof(answer), ANSWER("%s," PART("1", "200", ROWS(""))),
                             cases[i].answer) > 0);
        world_reply(world, i + 1, 200, answer);
        assert_int_equal(world->verdicts[0].kind, cases[i].kind);
        assert_int_equal(world->verdicts[0].err.retry, cases[i].retry);
    }
}

static void a_text_that_looks_like_a_reference_is_dead_and_says_why(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "SaleId__c", .from = "/sale"},
                                                  {.name = "Text__c", .from = "/text"}};
    const struct sfe_map_options options = {.object = "PosSale__c",
                                            .external_id = "SaleId__c",
                                            .fields = fields,
                                            .field_count = 2,
                                            .agent_id = "a"};
    struct world *world = *state;
    uint32_t bad_field = 0;

    open_verb(world, SFE_RECORDS_UPDATE, false);
    assert_int_equal(
        sfe_map_compile(&options, world->arena, &world->maps[0], &bad_field, &world->err), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"text\":\"@{p0.id}\"}"),
                     SFE_E_UNMAPPED);
    assert_non_null(strstr(world->err.message, "@{"));
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\",\"text\":\"plain\"}"), SFE_OK);
}

static void more_than_24_wait_for_the_next_call(void **state)
{
    static char payloads[25][32];
    struct world *world = *state;

    open_verb(world, SFE_RECORDS_DELETE, false);
    for (uint32_t i = 0; i < 25; i++) {
        assert_true(snprintf(payloads[i], sizeof(payloads[i]), "{\"sale\":\"S-%u\"}", i) > 0);
        assert_int_equal(world_offer(world, 0, payloads[i]), i < 24 ? SFE_OK : SFE_E_FULL);
    }
}

static void upserts_and_deletes_of_one_output_go_in_their_order_a_call_each(void **state)
{
    struct world *world = *state;

    world->verbs[1].action = SFE_RECORDS_DELETE;
    world_open_api(world, SFE_RECORDS_AUTO, 2, "/lines", NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1},{\"no\":2}]}"),
                     SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_string_equal(world_call(world, 1)->method, "PATCH");
    world_reply(world, 1, 200, "[{\"id\":\"a0\",\"success\":true,\"errors\":[]}]");
    const struct call *call = world_call(world, 2);
    assert_non_null(strstr(call->body, "/PosLine__c/LineId__c/S-1-1\",\"referenceId\":\"p0\""));
    assert_non_null(strstr(call->body, "/PosLine__c/LineId__c/S-1-2\",\"referenceId\":\"p1\""));
    world_reply(world, 2, 200,
                ANSWER(PART("0", "204", "null") "," PART("1", "204", "null") "," PART("2", "200",
                                                                                      ROWS(""))));
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
}

static void a_slot_that_could_not_be_sent_takes_more(void **state)
{
    struct world *world = *state;

    open_verb(world, SFE_RECORDS_DELETE, false);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    world->begin_code = SFE_E_NETWORK;
    assert_int_equal(world_send(world, 0), SFE_E_NETWORK);
    world->begin_code = SFE_OK;
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_non_null(strstr(world_call(world, 1)->body, "IN%20%28%27S-1%27%2C%27S-2%27%29"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(updates_and_the_query_are_one_composite),
        TEST(what_is_not_there_to_update_is_dead_or_done_as_configured),
        TEST(a_delete_of_what_is_gone_is_done),
        TEST(a_404_is_not_believed_without_the_query),
        TEST(what_the_query_lists_is_never_gone),
        TEST(an_org_that_creates_instead_is_stopped),
        TEST(each_record_has_its_own_verdict),
        TEST(a_text_that_looks_like_a_reference_is_dead_and_says_why),
        TEST(more_than_24_wait_for_the_next_call),
        TEST(upserts_and_deletes_of_one_output_go_in_their_order_a_call_each),
        TEST(a_slot_that_could_not_be_sent_takes_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
