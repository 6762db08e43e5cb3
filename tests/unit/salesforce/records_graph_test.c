#include "salesforce_world.h"

#include "salesforce/records_parts.h"

#define NODE(reference, status, body)                                                              \
    "{\"body\":" body ",\"httpStatusCode\":" status ",\"referenceId\":\"" reference "\"}"
#define GRAPH(name, flag, nodes)                                                                   \
    "{\"graphId\":\"" name "\",\"graphResponse\":{\"compositeResponse\":[" nodes                   \
    "]},\"isSuccessful\":" flag "}"
#define ERROR(code)  "[{\"errorCode\":\"" code "\",\"message\":\"x\"}]"
#define HALTED       NODE("m0_0", "400", ERROR("PROCESSING_HALTED"))
#define FAILED(code) NODE("m1_1", "400", ERROR(code))

static void open_graphs(struct world *world)
{
    world_open_api(world, SFE_RECORDS_GRAPH, 2, "/lines", NULL, 200);
    world_log_in(world);
}

static void reply_graphs(struct world *world, uint32_t call, const char *graphs)
{
    char body[4096];

    (void)snprintf(body, sizeof(body), "{\"graphs\":[%s]}", graphs);
    world_reply(world, call, 200, body);
}

static void what_where_does_not_take_makes_no_graph(void **state)
{
    static const struct sfe_where_node over = {SFE_WHERE_GT, 1, "/total", "5"};
    struct world *world = *state;
    uint32_t bad_node = 0;

    assert_int_equal(
        sfe_where_compile(&over, 1, world->arena, &world->where, &bad_node, &world->err), SFE_OK);
    open_graphs(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":5,\"lines\":[]}"),
                     SFE_E_SKIPPED);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":{},\"lines\":[]}"),
                     SFE_E_UNMAPPED);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":6,\"lines\":[]}"), SFE_OK);
}

static void each_receipt_is_a_graph_whose_lines_name_their_sale(void **state)
{
    struct world *world = *state;

    open_graphs(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S/1\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\",\"total\":2,\"lines\":[]}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_string_equal(world_call(world, 1)->url,
                        "https://acme.my.salesforce.com/services/data/v62.0/composite/graph");
    assert_string_equal(world_call(world, 1)->method, "POST");
    assert_string_equal(
        world_call(world, 1)->body,
        "{\"graphs\":[{\"graphId\":\"g0\",\"compositeRequest\":["
        "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/sobjects/PosSale__c/SaleId__c/"
        "S%2F1\","
        "\"referenceId\":\"m0_0\",\"body\":{}},"
        "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/sobjects/PosLine__c/LineId__c/"
        "S%2F1-1\","
        "\"referenceId\":\"m1_1\",\"body\":{\"PosSale__c\":\"@{m0_0.id}\"}}]},"
        "{\"graphId\":\"g1\",\"compositeRequest\":["
        "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/sobjects/PosSale__c/SaleId__c/S-2\","
        "\"referenceId\":\"m0_0\",\"body\":{\"Total__c\":2}}]}]}");
    reply_graphs(
        world, 1,
        GRAPH("g0", "true", NODE("m0_0", "201", "{}") "," NODE("m1_1", "201", "{}")) "," GRAPH(
            "g1", "true", NODE("m0_0", "200", "{\"id\":\"a2\"}")));
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DONE);
    assert_true(world->verdicts[0].id_hash == sfe_records_hash_id(SFE_TEXT("S/1")));
    assert_true(world->verdicts[1].id_hash == sfe_records_hash_id(SFE_TEXT("S-2")));
    assert_string_equal(world->verdicts[1].record_id, "a2");
}

static void a_graph_that_fails_settles_its_one_event(void **state)
{
    static const char *const sales[] = {"{\"sale\":\"A\"}", "{\"sale\":\"B\"}", "{\"sale\":\"C\"}",
                                        "{\"sale\":\"D\"}", "{\"sale\":\"E\"}"};
    struct world *world = *state;

    open_graphs(world);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(world_offer(world, 0, sales[i]), SFE_OK);
    }
    assert_int_equal(world_send(world, 0), SFE_OK);
    static const char *const graphs[] = {
        GRAPH("g0", "true", NODE("m0_0", "201", "{}")),
        GRAPH("g1", "false", HALTED "," FAILED("STRING_TOO_LONG")),
        GRAPH("g2", "false", HALTED "," FAILED("UNABLE_TO_LOCK_ROW")),
        GRAPH("g3", "false", HALTED),
        GRAPH("g4", "false", NODE("m0_0", "300", "[\"/services/data/v62.0/x\"]")),
    };
    char text[2048];
    (void)snprintf(text, sizeof(text), "%s,%s,%s,%s,%s", graphs[0], graphs[1], graphs[2], graphs[3],
                   graphs[4]);
    reply_graphs(world, 1, text);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DEAD);
    assert_string_equal(world->verdicts[1].err.api_code, "STRING_TOO_LONG");
    assert_string_equal(world->verdicts[1].err.where, "upsert PosLine__c");
    assert_int_equal(world->verdicts[2].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[3].kind, SFE_VERDICT_RETRY);
    assert_string_equal(world->verdicts[3].err.api_code, "PROCESSING_HALTED");
    assert_int_equal(world->verdicts[4].kind, SFE_VERDICT_DEAD);
    assert_string_equal(world->verdicts[4].err.api_code, "DUPLICATE_EXTERNAL_ID");
}

static void what_cannot_be_all_or_none_is_refused_with_its_reason(void **state)
{
    struct world *world = *state;

    open_graphs(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S\",\"lines\":[{\"no\":1},{\"no\":1}]}"),
                     SFE_E_UNMAPPED);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S\",\"lines\":[{}]}"), SFE_E_UNMAPPED);
    char payload[8192] = "{\"sale\":\"S\",\"lines\":[";
    for (unsigned i = 0; i < SFE_GRAPH_NODES_MAX; i++) {
        size_t size = strlen(payload);
        (void)snprintf(payload + size, sizeof(payload) - size, "%s{\"no\":%u}", i == 0 ? "" : ",",
                       i);
    }
    (void)strncat(payload, "]}", 3);
    assert_int_equal(world_offer(world, 0, payload), SFE_E_TOO_LARGE);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S\"}"), SFE_OK);
}

static void events_that_make_no_records_are_done_beside_others(void **state)
{
    struct world *world = *state;

    world_open_api(world, SFE_RECORDS_GRAPH, 0, "/lines", "{/sale}", 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S\",\"lines\":[]}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"T\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    reply_graphs(world, 1, GRAPH("g0", "false", FAILED("STRING_TOO_LONG")));
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DEAD);
    assert_int_equal(world_offer(world, 1, "{\"sale\":\"U\",\"lines\":[]}"), SFE_OK);
    assert_int_equal(world_send(world, 1), SFE_OK);
    assert_int_equal(world->finished_count, 2);
    assert_int_equal(world->call_count, 2);
}

static void an_answer_that_lacks_a_graph_brings_all_again(void **state)
{
    struct world *world = *state;

    open_graphs(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"A\"}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"B\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    reply_graphs(world, 1, GRAPH("g0", "true", NODE("m0_0", "201", "{}")));
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
}

static void a_slot_that_could_not_be_sent_takes_more_events(void **state)
{
    struct world *world = *state;

    open_graphs(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"A\"}"), SFE_OK);
    world->begin_code = SFE_E_NETWORK;
    assert_int_equal(world_send(world, 0), SFE_E_NETWORK);
    world->begin_code = SFE_OK;
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"B\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_non_null(strstr(world_call(world, 1)->body, "\"graphId\":\"g1\""));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_where_does_not_take_makes_no_graph),
        TEST(each_receipt_is_a_graph_whose_lines_name_their_sale),
        TEST(a_graph_that_fails_settles_its_one_event),
        TEST(what_cannot_be_all_or_none_is_refused_with_its_reason),
        TEST(events_that_make_no_records_are_done_beside_others),
        TEST(an_answer_that_lacks_a_graph_brings_all_again),
        TEST(a_slot_that_could_not_be_sent_takes_more_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
