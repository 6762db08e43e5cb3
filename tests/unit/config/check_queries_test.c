#include "loading.h"

#define ORG                                                                                        \
    "'connections': {'crm': {'type': 'salesforce', 'login_url': 'https://login.salesforce.com', "  \
    "'auth': {'client_id': 'c', 'username': 'u', 'key_file': 'k'}}}, 'streams': {'sales': {}}, "
#define IN_QUERY(members)                                                                          \
    ROOT(ORG "'inputs': {'q': {'type': 'salesforce-query', 'connection': 'crm', 'stream': "        \
             "'sales', " members "}}")

static void check_bad(struct loading *loading, const char *text, const char *words)
{
    load(loading, text);
    assert_int_equal(loading->mistake_count, 1);
    if (strstr(loading->mistakes[0].message, words) == NULL) {
        print_error("%s\n", loading->mistakes[0].message);
        fail();
    }
}

static void a_query_without_after_has_its_topic_and_its_period(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state, IN_QUERY("'query': ' select Id FROM A__c'"));

    assert_string_equal(config->inputs[0].topic, "query/q");
    assert_int_equal(config->inputs[0].query.every_ns, 900 * INT64_C(1000000000));
    assert_null(config->inputs[0].query.after);
}

static void a_query_that_can_go_on_is_taken(void **state)
{
    static const char *const queries[] = {
        IN_QUERY("'after': 'SystemModstamp', 'query': 'SELECT Id, SystemModstamp FROM A__c WHERE "
                 "SystemModstamp >= {after} ORDER BY SystemModstamp'"),
        IN_QUERY("'after': 'M__c', 'query': 'select m__c from A__c where N__c = 7 and "
                 "m__c>={after} order by M__C asc, Id desc limit 5'"),
    };
    struct loading *loading = (struct loading *)*state;

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        (void)load_good(loading, queries[i]);
    }
}

static void what_is_no_query_is_refused(void **state)
{
    struct loading *loading = (struct loading *)*state;
    static char text[20000];
    static char big[16000];

    check_bad(loading, IN_QUERY("'query': '  '"), "that is no query");
    check_bad(loading, IN_QUERY("'query': 'FIND x'"), "that is no query");
    memset(big, 'x', sizeof(big) - 1u);
    (void)snprintf(text, sizeof(text), IN_QUERY("'query': 'SELECT %s FROM A'"), big);
    check_bad(loading, text, "allowed: at most 15000");
}

static void a_query_that_could_lose_its_place_is_refused(void **state)
{
    struct loading *loading = (struct loading *)*state;

    check_bad(loading, IN_QUERY("'query': 'SELECT M FROM A WHERE M >= {after} ORDER BY M'"),
              "without \"after\"");
    check_bad(loading, IN_QUERY("'after': 'M', 'query': 'SELECT M FROM A ORDER BY M'"),
              "does not go on by it");
    check_bad(loading,
              IN_QUERY("'after': 'M', 'query': 'SELECT M FROM A WHERE M > {after} ORDER BY M'"),
              "WHERE M >= {after}");
    check_bad(loading,
              IN_QUERY("'after': 'M', 'query': 'SELECT M FROM A WHERE N >= {after} ORDER BY M'"),
              "does not go on by it");
    check_bad(loading,
              IN_QUERY("'after': 'M', 'query': 'SELECT P.M FROM A WHERE M >= {after} ORDER BY M'"),
              "does not select M");
    check_bad(loading, IN_QUERY("'after': 'M', 'query': 'SELECT M FROM A WHERE M >= {after}'"),
              "ORDER BY M");
    check_bad(
        loading,
        IN_QUERY("'after': 'M', 'query': 'SELECT M FROM A WHERE M >= {after} ORDER BY M DESC'"),
        "not in the order");
    check_bad(loading,
              IN_QUERY("'after': 'M', 'query': 'SELECT M FROM A WHERE M >= {after} ORDER BY N, M'"),
              "not in the order");
    check_bad(loading, IN_QUERY("'after': 'P.M', 'query': 'SELECT P.M FROM A'"),
              "that is no field");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_query_without_after_has_its_topic_and_its_period,
                                        loading_open, loading_close),
        cmocka_unit_test_setup_teardown(a_query_that_can_go_on_is_taken, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(what_is_no_query_is_refused, loading_open, loading_close),
        cmocka_unit_test_setup_teardown(a_query_that_could_lose_its_place_is_refused, loading_open,
                                        loading_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
