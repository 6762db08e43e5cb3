#include "loading.h"

#define HEAD                                                                                       \
    "'connections': {'site': {'type': 'mqtt', 'url': 'mqtt://127.0.0.1'}, 'old': {'type': "        \
    "'mqtt', 'url': 'mqtt://127.0.0.1', 'client_id': 'o', 'version': '3.1.1'}, 'crm': {'type': "   \
    "'salesforce', "                                                                               \
    "'login_url': 'https://login.salesforce.com', 'auth': {'client_id': 'c', 'username': 'u', "    \
    "'key_file': 'k'}}}, 'streams': {}, "
#define IN_ASK(broker, members)                                                                    \
    ROOT(HEAD "'inputs': {'q': {'type': 'mqtt-ask', 'connection': '" broker "', 'topic': "         \
              "'ask/+', " members "}}")

static void check_bad(struct loading *loading, const char *text, const char *words)
{
    load(loading, text);
    assert_int_equal(loading->mistake_count, 1);
    if (strstr(loading->mistakes[0].message, words) == NULL) {
        print_error("%s\n", loading->mistakes[0].message);
        fail();
    }
}

static void a_table_needs_no_org_and_has_no_stream(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state, IN_ASK("site", "'table': 't.csv', 'key': '{/a}'"));
    const struct sfe_config_input *input = &config->inputs[0];

    assert_int_equal(input->type, SFE_INPUT_MQTT_ASK);
    assert_int_equal(input->stream, UINT32_MAX);
    assert_int_equal(input->ask.org, UINT32_MAX);
    assert_string_equal(input->ask.prefix, "answer/");
    assert_int_equal(input->ask.within_ns, 2 * INT64_C(1000000000));
    assert_int_equal(input->ask.in_flight, 16);
    assert_int_equal(input->ask.rate, 100);
    assert_int_equal(input->ask.question_bytes_max, 4096);
    assert_int_equal(input->ask.answer_bytes_max, 16384);
    assert_int_equal(input->ask.map.field_count, 0);
    assert_false(input->ask.priority);
}

static void a_query_has_its_org_and_its_map(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state,
                  IN_ASK("site", "'org': 'crm', 'query': ' select Id FROM A', 'map': {'a': "
                                 "'{/row/Id}', 'b': {'from': '/row/B', 'type': 'double'}}"));
    const struct sfe_config_ask *ask = &config->inputs[0].ask;

    assert_int_equal(ask->org, 2);
    assert_int_equal(ask->map.field_count, 2);
    assert_string_equal(ask->map.object, "answer");
    assert_int_equal(ask->map.place.line, config->inputs[0].place.line);
}

static void what_could_not_be_answered_is_refused(void **state)
{
    struct loading *loading = (struct loading *)*state;

    check_bad(loading, IN_ASK("old", "'table': 't.csv', 'key': '{/a}'"), "no response topics");
    check_bad(loading, IN_ASK("site", "'table': 't', 'key': '{/a}', 'answers_below': 'a/#'"),
              "no topic that we may publish to");
    check_bad(loading, IN_ASK("site", "'table': 't', 'key': '{/a}', 'answers_below': '$SYS/'"),
              "no topic that we may publish to");
    check_bad(loading, IN_ASK("site", "'org': 'crm', 'query': 'SELECTED {/a}'"),
              "that is no query");
    check_bad(loading,
              IN_ASK("site", "'table': 't', 'key': '{/a}', 'map': {'a': {'from': '/row/value', "
                             "'unit': 'ms'}}"),
              "\"unit\" has no effect here");
}

static void a_table_and_a_query_exclude_each_other(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, IN_ASK("site", "'table': 't', 'key': '{/a}', 'org': 'crm', 'query': 'SELECT Id "
                                 "FROM A'"));
    assert_int_not_equal(loading->mistake_count, 0);
    load(loading, IN_ASK("site", "'qos': 1"));
    assert_int_not_equal(loading->mistake_count, 0);
    load(loading, IN_ASK("site", "'table': 't', 'org': 'crm'"));
    assert_int_not_equal(loading->mistake_count, 0);
    load(loading, IN_ASK("site", "'table': 't', 'key': 'k', 'stream': 'dead'"));
    assert_int_not_equal(loading->mistake_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_table_needs_no_org_and_has_no_stream, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(a_query_has_its_org_and_its_map, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(what_could_not_be_answered_is_refused, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(a_table_and_a_query_exclude_each_other, loading_open,
                                        loading_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
