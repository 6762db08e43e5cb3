#include "salesforce_world.h"

#include "salesforce/collections.h"

static uint8_t memory[65536];
static struct collections_request request;
static struct sfe_json_token tokens[4096];
static struct sfe_error err;
static const struct collections_path readings = {"v62.0", "Reading__c", "Id__c"};
static const struct collections_path lines = {"v62.0", "Line__c", "LineId__c"};

static void begin(size_t capacity)
{
    memset(&request, 0, sizeof(request));
    request.body = sfe_builder_make(memory, capacity);
    collections_begin(&request);
    collections_begin_part(&request, 0, &readings);
}

static enum sfe_code add(const char *id)
{
    struct collections_mark mark = collections_mark(&request);

    collections_begin_record(&request, SFE_TEXT("Reading__c"));
    sfe_builder_format(&request.body, "\"Id__c\":\"%s\"", id);
    enum sfe_code code = collections_end_record(&request, collections_hash_id(sfe_slice_text(id)));
    if (code != SFE_OK) {
        collections_rewind(&request, mark);
    }
    return code;
}

static void assert_body(const char *expected)
{
    const struct sfe_slice wire = collections_wire(&request, request.part_count > 1);

    assert_int_equal(wire.size, strlen(expected));
    assert_memory_equal(wire.bytes, expected, strlen(expected));
}

static void a_request_is_what_the_contract_says(void **state)
{
    (void)state;
    begin(sizeof(memory));
    assert_int_equal(add("R1"), SFE_OK);
    assert_int_equal(add("R2"), SFE_OK);
    collections_close(&request);
    assert_body("{\"allOrNone\":false,\"records\":["
                "{\"attributes\":{\"type\":\"Reading__c\"},\"Id__c\":\"R1\"},"
                "{\"attributes\":{\"type\":\"Reading__c\"},\"Id__c\":\"R2\"}]}");
    collections_reopen(&request);
    assert_int_equal(add("R3"), SFE_OK);
    assert_int_equal(request.count, 3);
}

static void several_parts_are_a_composite_that_runs_in_its_order(void **state)
{
    (void)state;
    begin(sizeof(memory));
    assert_int_equal(add("R1"), SFE_OK);
    const struct collections_mark mark = collections_mark(&request);
    collections_begin_part(&request, 1, &lines);
    assert_int_equal(add("L1"), SFE_OK);
    collections_rewind(&request, mark);
    assert_int_equal(add("R2"), SFE_OK);
    collections_begin_part(&request, 1, &lines);
    assert_int_equal(add("L1"), SFE_OK);
    assert_int_equal(collections_part_records(&request), 1);
    collections_close(&request);
    assert_body("{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":["
                "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/composite/sobjects/"
                "Reading__c/Id__c\",\"referenceId\":\"p0\",\"body\":"
                "{\"allOrNone\":false,\"records\":["
                "{\"attributes\":{\"type\":\"Reading__c\"},\"Id__c\":\"R1\"},"
                "{\"attributes\":{\"type\":\"Reading__c\"},\"Id__c\":\"R2\"}]}},"
                "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/composite/sobjects/"
                "Line__c/LineId__c\",\"referenceId\":\"p1\",\"body\":"
                "{\"allOrNone\":false,\"records\":["
                "{\"attributes\":{\"type\":\"Reading__c\"},\"Id__c\":\"L1\"}]}}]}");
    assert_int_equal(request.parts[0].end, 2);
    assert_int_equal(request.parts[1].first, 2);
    assert_int_equal(request.parts[1].end, 3);
}

static void ids_of_different_maps_are_apart(void **state)
{
    const uint64_t id = collections_hash_id(SFE_TEXT("S-1"));

    (void)state;
    assert_true(collections_hash_of_map(id, 0) == id);
    assert_true(collections_hash_of_map(id, 1) != id);
    assert_true(collections_hash_of_map(id, 1) != collections_hash_of_map(id, 2));
}

static void an_external_id_stands_in_a_request_once_whatever_its_case(void **state)
{
    (void)state;
    begin(sizeof(memory));
    assert_int_equal(add("r1"), SFE_OK);
    size_t size = request.body.size;
    assert_int_equal(add("R1"), SFE_E_AGAIN);
    assert_int_equal(request.body.size, size);
    assert_int_equal(add("R2"), SFE_OK);
    collections_begin(&request);
    collections_begin_part(&request, 0, &readings);
    assert_int_equal(add("R1"), SFE_OK);
}

static void going_back_forgets_the_ids(void **state)
{
    (void)state;
    begin(sizeof(memory));
    assert_int_equal(add("A"), SFE_OK);
    struct collections_mark mark = collections_mark(&request);
    for (int i = 0; i < 150; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "B%d", i);
        assert_int_equal(add(id), SFE_OK);
    }
    collections_rewind(&request, mark);
    assert_int_equal(request.count, 1);
    assert_int_equal(add("B7"), SFE_OK);
    assert_int_equal(add("A"), SFE_E_AGAIN);
}

static void a_record_beyond_the_buffer_or_the_count_is_full(void **state)
{
    (void)state;
    begin(270);
    assert_int_equal(add("R1"), SFE_OK);
    assert_int_equal(add("R2"), SFE_E_FULL);
    collections_close(&request);
    assert_false(request.body.overflowed);
    begin(sizeof(memory));
    for (unsigned i = 0; i < SFE_COLLECTION_RECORDS_MAX; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "%u", i);
        assert_int_equal(add(id), SFE_OK);
    }
    assert_int_equal(add("x"), SFE_E_FULL);
}

static enum sfe_code read_answer(const char *body, uint32_t count,
                                 struct collections_answer *answer)
{
    static struct sfe_json json;
    enum sfe_code code = sfe_json_parse(sfe_slice_text(body), 0, tokens, 4096, &json, &err);

    return code == SFE_OK ? collections_read(&json, 0, count, answer, &err) : SFE_E_PROTOCOL;
}

static void each_result_is_read_in_the_order_of_the_request(void **state)
{
    struct collections_answer answer;
    struct rest_error error;
    bool succeeded = false;

    (void)state;
    assert_int_equal(
        read_answer("[{\"id\":\"a02\",\"success\":true,\"errors\":[],\"created\":true},"
                    "{\"success\":false,\"errors\":[{\"statusCode\":\"STRING_TOO_LONG\","
                    "\"message\":\"Unit: data value too large\",\"fields\":[\"Unit__c\"]}]},"
                    "{\"success\":false,\"errors\":[]}]",
                    3, &answer),
        SFE_OK);
    assert_int_equal(collections_next(&answer, &succeeded, &error, &err), SFE_OK);
    assert_true(succeeded);
    assert_int_equal(collections_next(&answer, &succeeded, &error, &err), SFE_OK);
    assert_false(succeeded);
    assert_string_equal(error.code, "STRING_TOO_LONG");
    assert_string_equal(error.fields, "Unit__c");
    assert_int_equal(collections_next(&answer, &succeeded, &error, &err), SFE_OK);
    assert_false(succeeded);
    assert_string_equal(error.code, "");
}

static void a_wrong_number_of_results_is_no_answer(void **state)
{
    struct collections_answer answer;

    (void)state;
    assert_int_equal(read_answer("[{\"success\":true}]", 2, &answer), SFE_E_PROTOCOL);
    assert_int_equal(read_answer("{}", 1, &answer), SFE_E_PROTOCOL);
    assert_int_equal(read_answer("[{\"success\":true}", 1, &answer), SFE_E_PROTOCOL);
    assert_int_equal(read_answer("", 1, &answer), SFE_E_PROTOCOL);
}

static void an_element_without_success_is_no_result(void **state)
{
    struct collections_answer answer;
    struct rest_error error;
    bool succeeded = false;

    (void)state;
    assert_int_equal(read_answer("[{\"success\":\"true\"}]", 1, &answer), SFE_OK);
    assert_int_equal(collections_next(&answer, &succeeded, &error, &err), SFE_E_PROTOCOL);
    assert_int_equal(read_answer("[null]", 1, &answer), SFE_OK);
    assert_int_equal(collections_next(&answer, &succeeded, &error, &err), SFE_E_PROTOCOL);
}

static void begin_sorting(void)
{
    static uint8_t parents[64];

    begin(sizeof(memory));
    request.parents = sfe_builder_make(parents, sizeof(parents));
}

/* A record of that parent; NULL: it has none. */
static void add_child(const char *id, const char *parent)
{
    assert_int_equal(add(id), SFE_OK);
    if (parent != NULL) {
        collections_note_parent(&request, sfe_slice_text(parent));
    }
}

/* The IDs of the records as they stand in the body. */
static void assert_ids(const char *expected)
{
    struct sfe_slice wire = collections_wire(&request, true);
    char ids[128] = "";
    size_t size = 0;
    const char *at = (const char *)wire.bytes;

    memory[wire.size] = '\0';
    while ((at = strstr(at, "\"Id__c\":\"")) != NULL) {
        at += strlen("\"Id__c\":\"");
        const size_t id_size = strcspn(at, "\"");
        size += (size_t)snprintf(ids + size, sizeof(ids) - size, "%.*s ", (int)id_size, at);
    }
    assert_string_equal(ids, expected);
}

/* Each record was given its own place, and the text is still JSON. */
static void assert_order(void)
{
    struct sfe_json json;
    bool is_there[COLLECTIONS_RECORDS_MAX] = {false};

    assert_int_equal(sfe_json_parse(collections_wire(&request, true), 0, tokens, 4096, &json, &err),
                     SFE_OK);
    for (uint32_t i = 0; i < request.count; i++) {
        const struct collections_row *row = &request.rows[request.order[i]];
        assert_false(is_there[request.order[i]]);
        is_there[request.order[i]] = true;
        assert_int_equal(request.body.bytes[row->begin], '{');
        assert_int_equal(request.body.bytes[row->begin + row->size - 1], '}');
    }
    for (uint32_t i = 0; i < request.part_count; i++) {
        assert_memory_equal(request.body.bytes + request.parts[i].begin, "{\"allOrNone\"", 12);
    }
}

static struct sfe_builder scratch(void)
{
    static uint8_t bytes[sizeof(memory)];

    return sfe_builder_make(bytes, sizeof(bytes));
}

static void records_of_one_parent_stand_together_as_they_came_over_all_parts_of_a_map(void **state)
{
    struct sfe_builder sorted = scratch();

    (void)state;
    begin_sorting();
    add_child("R1", "\"b\"");
    add_child("R22", "\"a\"");
    add_child("R3", NULL);
    collections_begin_part(&request, 0, &readings);
    add_child("R444", "\"b\"");
    add_child("R5", "\"a\"");
    collections_begin_part(&request, 1, &lines);
    add_child("L2", "\"b\"");
    add_child("L1", "\"a\"");
    collections_close(&request);
    const size_t size = request.body.size;
    collections_sort(&request, &sorted);
    assert_ids("R3 R22 R5 R1 R444 L1 L2 ");
    assert_int_equal(request.body.size, size);
    assert_order();
    assert_int_equal(request.order[1], 1);
    assert_int_equal(request.order[4], 3);
    collections_sort(&request, &sorted);
    assert_ids("R3 R22 R5 R1 R444 L1 L2 ");
}

static void a_sorted_request_that_could_not_be_sent_takes_more_and_is_sorted_again(void **state)
{
    struct sfe_builder sorted = scratch();

    (void)state;
    begin_sorting();
    add_child("R1", "\"c\"");
    add_child("R2", "\"a\"");
    const struct collections_mark mark = collections_mark(&request);
    collections_begin_part(&request, 1, &lines);
    add_child("L2", "\"b\"");
    add_child("L1", "\"a\"");
    collections_close(&request);
    collections_sort(&request, &sorted);
    assert_ids("R2 R1 L1 L2 ");
    collections_reopen(&request);
    collections_rewind(&request, mark);
    assert_int_equal(add("R1"), SFE_E_AGAIN);
    add_child("R3", "\"b\"");
    add_child("L1", "\"a\"");
    collections_close(&request);
    collections_sort(&request, &sorted);
    assert_ids("R2 L1 R3 R1 ");
    assert_order();
}

static void parents_for_which_there_is_no_room_come_first(void **state)
{
    struct sfe_builder sorted = scratch();

    (void)state;
    begin_sorting();
    add_child("R1", "\"b\"");
    add_child("R2", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"");
    add_child("R3", "\"a\"");
    collections_close(&request);
    collections_sort(&request, &sorted);
    assert_ids("R2 R3 R1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_what_the_contract_says),
        cmocka_unit_test(several_parts_are_a_composite_that_runs_in_its_order),
        cmocka_unit_test(ids_of_different_maps_are_apart),
        cmocka_unit_test(an_external_id_stands_in_a_request_once_whatever_its_case),
        cmocka_unit_test(going_back_forgets_the_ids),
        cmocka_unit_test(a_record_beyond_the_buffer_or_the_count_is_full),
        cmocka_unit_test(each_result_is_read_in_the_order_of_the_request),
        cmocka_unit_test(a_wrong_number_of_results_is_no_answer),
        cmocka_unit_test(an_element_without_success_is_no_result),
        cmocka_unit_test(records_of_one_parent_stand_together_as_they_came_over_all_parts_of_a_map),
        cmocka_unit_test(a_sorted_request_that_could_not_be_sent_takes_more_and_is_sorted_again),
        cmocka_unit_test(parents_for_which_there_is_no_room_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
