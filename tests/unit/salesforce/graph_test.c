#include "salesforce_world.h"

#include "salesforce/graph.h"

static uint8_t memory[65536];
static struct collections_request request;
static struct sfe_json_token tokens[4096];
static struct sfe_json json;
static struct graph_result results[SFE_GRAPHS_MAX];
static struct sfe_error err;
static const struct collections_path sales = {"v62.0", "PosSale__c", "SaleId__c"};

static enum sfe_code add(const char *id, uint32_t number)
{
    const struct graph_node node = {&sales, sfe_slice_text(id), 0, number};

    graph_begin_node(&request, &node);
    sfe_builder_add_text(&request.body, "\"Total__c\":1");
    return graph_end_node(&request, collections_hash_id(node.external_id));
}

static void begin(size_t capacity)
{
    memset(&request, 0, sizeof(request));
    request.body = sfe_builder_make(memory, capacity);
    graph_begin(&request);
}

static void a_request_is_what_the_contract_says(void **state)
{
    static const char wanted[] =
        "{\"graphs\":[{\"graphId\":\"g0\",\"compositeRequest\":["
        "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/sobjects/PosSale__c/SaleId__c/"
        "a%2Fb%20%C3%A9\",\"referenceId\":\"m0_0\",\"body\":{\"Total__c\":1}},"
        "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/sobjects/PosSale__c/SaleId__c/"
        "S-2\",\"referenceId\":\"m0_1\",\"body\":{\"Total__c\":1}}]},"
        "{\"graphId\":\"g1\",\"compositeRequest\":["
        "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/sobjects/PosSale__c/SaleId__c/"
        "S-3\",\"referenceId\":\"m0_0\",\"body\":{\"Total__c\":1}}]}]}";

    (void)state;
    begin(sizeof(memory));
    graph_open(&request);
    assert_int_equal(add("a/b \xc3\xa9", 0), SFE_OK);
    assert_int_equal(add("S-2", 1), SFE_OK);
    graph_close_one(&request);
    const struct collections_mark mark = collections_mark(&request);
    graph_open(&request);
    assert_int_equal(add("s-2", 0), SFE_E_AGAIN);
    collections_rewind(&request, mark);
    graph_open(&request);
    assert_int_equal(add("S-3", 0), SFE_OK);
    graph_close_one(&request);
    graph_close(&request);
    graph_reopen(&request);
    graph_close(&request);
    assert_int_equal(request.body.size, strlen(wanted));
    assert_memory_equal(request.body.bytes, wanted, strlen(wanted));
    assert_int_equal(request.part_count, 2);
    assert_int_equal(request.count, 3);
}

static void a_request_is_full_at_its_bytes_and_its_nodes(void **state)
{
    (void)state;
    begin(250);
    graph_open(&request);
    assert_int_equal(add("S-1", 0), SFE_OK);
    assert_int_equal(add("S-2", 1), SFE_E_FULL);
    begin(sizeof(memory));
    graph_open(&request);
    request.count = SFE_GRAPH_NODES_MAX;
    assert_int_equal(add("S-1", 0), SFE_E_FULL);
}

#define NODE(reference, status, body)                                                              \
    "{\"body\":" body ",\"httpStatusCode\":" status ",\"referenceId\":\"" reference "\"}"
#define GRAPH(name, flag, nodes)                                                                   \
    "{\"graphId\":\"" name "\",\"graphResponse\":{\"compositeResponse\":[" nodes                   \
    "]},\"isSuccessful\":" flag "}"
#define HALTED "[{\"errorCode\":\"PROCESSING_HALTED\",\"message\":\"x\"}]"
#define BAD    "[{\"errorCode\":\"STRING_TOO_LONG\",\"message\":\"x\"}]"

static enum sfe_code read_answer(const char *graphs, uint32_t count)
{
    char body[4096];

    (void)snprintf(body, sizeof(body), "{\"graphs\":[%s]}", graphs);
    assert_int_equal(sfe_json_parse(sfe_slice_text(body), 0, tokens, 4096, &json, &err), SFE_OK);
    return graph_read(&json, count, results, &err);
}

static void the_guilty_node_is_found_among_those_that_were_halted(void **state)
{
    (void)state;
    assert_int_equal(
        read_answer(GRAPH("g1", "false",
                          NODE("m0_0", "400", HALTED) "," NODE("m1_1", "400", BAD) "," NODE(
                              "m1_2", "400",
                              HALTED)) "," GRAPH("g0", "true",
                                                 NODE("m0_0", "201",
                                                      "{}")) "," GRAPH("g2", "false",
                                                                       NODE("m0_0", "400", HALTED)),
                    3),
        SFE_OK);
    assert_true(results[0].is_successful);
    assert_false(results[1].is_successful);
    assert_int_equal(results[1].map, 1);
    assert_int_equal(results[1].http_status, 400);
    assert_true(results[1].body != SFE_JSON_NONE);
    assert_false(results[2].is_successful);
    assert_int_equal(results[2].body, SFE_JSON_NONE);
}

static void a_graph_that_says_it_went_well_with_a_failed_node_did_not(void **state)
{
    (void)state;
    assert_int_equal(read_answer(GRAPH("g0", "true", NODE("m0_0", "400", BAD)), 1), SFE_OK);
    assert_false(results[0].is_successful);
}

static void an_answer_that_lacks_a_graph_says_nothing(void **state)
{
    static const char *const answers[] = {
        GRAPH("g0", "true", NODE("m0_0", "201", "{}")),
        GRAPH("g0", "true", NODE("m0_0", "201", "{}")) "," GRAPH("g0", "true", ""),
        GRAPH("g0", "true", "") "," GRAPH("g2", "true", ""),
        GRAPH("g0", "true", "") "," GRAPH("g1x", "true", ""),
        GRAPH("g0", "true", "") "," GRAPH("g1", "1", ""),
        GRAPH("g0", "true", "") "," GRAPH("g1", "true", NODE("x", "201", "{}")),
        GRAPH("g0", "true", "") "," GRAPH("g1", "true", NODE("m9_0", "201", "{}")),
        GRAPH("g0", "true", "") "," GRAPH("g1", "true", NODE("m0_0", "\"201\"", "{}")),
        GRAPH("g0", "true", "") ",{\"graphId\":\"g1\",\"isSuccessful\":true}",
        GRAPH("g0", "true", "") ",null",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        assert_int_equal(read_answer(answers[i], 2), SFE_E_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_what_the_contract_says),
        cmocka_unit_test(a_request_is_full_at_its_bytes_and_its_nodes),
        cmocka_unit_test(the_guilty_node_is_found_among_those_that_were_halted),
        cmocka_unit_test(a_graph_that_says_it_went_well_with_a_failed_node_did_not),
        cmocka_unit_test(an_answer_that_lacks_a_graph_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
