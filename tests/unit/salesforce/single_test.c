#include "salesforce_world.h"

#include "salesforce/single.h"

static uint8_t body[65536];
static uint8_t lookup[SINGLE_LOOKUP_BYTES];
static struct collections_request request;
static const struct collections_path path = {"v62.0", "R__c", "Id__c"};

static int setup(void **state)
{
    (void)state;
    request.body = sfe_builder_make(body, sizeof(body));
    request.lookup = sfe_builder_make(lookup, sizeof(lookup));
    collections_begin(&request);
    return 0;
}

static enum sfe_code add(const char *id, bool deletes)
{
    const struct single single = {&path, sfe_slice_text(id), 0, deletes};

    single_begin(&request, &single);
    if (!deletes) {
        sfe_builder_add(&request.body, SFE_TEXT("\"V__c\":1"));
    }
    return single_end(&request, &single, collections_hash_id(single.external_id));
}

static void check_body(const char *wanted)
{
    assert_int_equal(request.body.size, strlen(wanted));
    assert_memory_equal(body, wanted, request.body.size);
}

static void a_delete_is_one_address_each_and_a_query_for_all(void **state)
{
    (void)state;
    assert_int_equal(add("a/b", true), SFE_OK);
    assert_int_equal(add("it's\\", true), SFE_OK);
    single_close(&request, &path);
    check_body("{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":["
               "{\"method\":\"DELETE\",\"url\":\"/services/data/v62.0/sobjects/R__c/Id__c/a%2Fb\","
               "\"referenceId\":\"p0\"},"
               "{\"method\":\"DELETE\",\"url\":\"/services/data/v62.0/sobjects/R__c/Id__c/"
               "it%27s%5C\",\"referenceId\":\"p1\"},"
               "{\"method\":\"GET\",\"url\":\"/services/data/v62.0/query?q=SELECT%20Id__c%20FROM"
               "%20R__c%20WHERE%20Id__c%20IN%20%28%27a%2Fb%27%2C%27it%5C%27s%5C%5C%27%29\","
               "\"referenceId\":\"p2\"}]}");
}

static void an_update_never_creates(void **state)
{
    (void)state;
    assert_int_equal(add("x", false), SFE_OK);
    assert_non_null(strstr((const char *)body,
                           "{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/sobjects/R__c/"
                           "Id__c/x?updateOnly=true\",\"referenceId\":\"p0\","
                           "\"body\":{\"V__c\":1}}"));
}

static void a_request_that_was_closed_is_opened_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(add("x", true), SFE_OK);
    const size_t size = request.body.size;
    single_close(&request, &path);
    assert_true(request.body.size > size);
    single_reopen(&request);
    assert_int_equal(request.body.size, size);
    assert_int_equal(add("y", true), SFE_OK);
}

static void an_id_stands_in_a_request_once_and_24_fill_it(void **state)
{
    char id[8];

    (void)state;
    for (uint32_t i = 0; i < SINGLES_MAX; i++) {
        assert_true(snprintf(id, sizeof(id), "n%u", (unsigned)i) > 0);
        assert_int_equal(add(id, true), SFE_OK);
        if (i == 0) {
            const struct collections_mark mark = collections_mark(&request);
            const size_t lookup_size = request.lookup.size;
            assert_int_equal(add("N0", true), SFE_E_AGAIN);
            collections_rewind(&request, mark);
            assert_int_equal(request.lookup.size, lookup_size);
        }
    }
    assert_int_equal(add("more", true), SFE_E_FULL);
}

static void long_ids_end_a_request_before_its_query_is_too_long(void **state)
{
    char id[256];
    uint32_t count = 0;

    (void)state;
    memset(id, '\'', sizeof(id) - 1);
    id[255] = '\0';
    enum sfe_code code = SFE_OK;
    for (; code == SFE_OK; count++) {
        id[0] = (char)('a' + (int)count);
        const struct collections_mark mark = collections_mark(&request);
        code = add(id, true);
        if (code != SFE_OK) {
            collections_rewind(&request, mark);
        }
    }
    assert_int_equal(code, SFE_E_FULL);
    assert_in_range(count, 5, SINGLES_MAX);
    single_close(&request, &path);
    assert_false(request.body.overflowed);
}

static struct sfe_json_token tokens[256];
static struct sfe_json json;

static enum sfe_code find(const char *text, uint32_t *rows)
{
    struct sfe_error err;

    assert_int_equal(sfe_json_parse(sfe_slice_text(text), 0, tokens, 256, &json, &err), SFE_OK);
    return single_find_rows(&json, 0, rows, &err);
}

static void rows_are_known_by_their_one_field_whatever_its_case(void **state)
{
    uint32_t rows = SFE_JSON_NONE;

    (void)state;
    assert_int_equal(find("{\"totalSize\":3,\"done\":true,\"records\":["
                          "{\"attributes\":{\"type\":\"R__c\"},\"ID__C\":\"A\\u002fb\"},"
                          "{\"attributes\":{},\"Id__c\":null},7]}",
                          &rows),
                     SFE_OK);
    assert_true(single_is_listed(&json, rows, collections_hash_id(SFE_TEXT("a/B"))));
    assert_false(single_is_listed(&json, rows, collections_hash_id(SFE_TEXT("c"))));
}

static void half_a_result_proves_nothing(void **state)
{
    static const char *const answers[] = {
        "{\"done\":false,\"records\":[]}",
        "{\"records\":[]}",
        "{\"done\":true}",
        "{\"done\":true,\"records\":{}}",
        "[]",
        "null",
    };
    uint32_t rows = SFE_JSON_NONE;

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        assert_int_equal(find(answers[i], &rows), SFE_E_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_delete_is_one_address_each_and_a_query_for_all, setup),
        cmocka_unit_test_setup(an_update_never_creates, setup),
        cmocka_unit_test_setup(a_request_that_was_closed_is_opened_as_it_was, setup),
        cmocka_unit_test_setup(an_id_stands_in_a_request_once_and_24_fill_it, setup),
        cmocka_unit_test_setup(long_ids_end_a_request_before_its_query_is_too_long, setup),
        cmocka_unit_test(rows_are_known_by_their_one_field_whatever_its_case),
        cmocka_unit_test(half_a_result_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
