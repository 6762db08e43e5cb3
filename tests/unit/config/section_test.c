#include "loading.h"

static const struct bad unknown_keys[] = {
    {ROOT("'stream': {}"), "/stream", 3, "unknown key \"stream\"; did you mean \"streams\"?"},
    {ROOT("'zzzzzz': 1"), "/zzzzzz", 3, "unknown key \"zzzzzz\"; allowed: $schema, agent, "},
    {"{'agent': {'id': 'a', 'sate': 'x'}}", "/agent/sate", 1, "did you mean \"state\"?"},
    {IN_STREAM("'qouta': '64MiB'"), "/streams/telemetry/qouta", 3,
     "unknown key \"qouta\"; did you mean \"quota\"? allowed: quota, when_full"},
    {IN_STREAM("'QUOTA': '64MiB'"), "/streams/telemetry/QUOTA", 3, "did you mean \"quota\"?"},
    {IN_MQTT("'url': 'mqtt://localhost', 'login_url': 'https://x'"), "/connections/site/login_url",
     3, "unknown key \"login_url\" for type \"mqtt\"; it goes with type \"salesforce\""},
    {IN_INPUT("'topic': 't', 'listen': ':80'"), "/inputs/readings/listen", 6,
     "it goes with type \"http\""},
    {IN_MAP("'V__c': {'from': '/v', 'tpye': 'int'}"), "/outputs/readings/records/0/map/V__c/tpye",
     6, "did you mean \"type\"?"},
    {IN_MQTT("'url': 'mqtt://localhost', 'a/b~c': 1"), "/connections/site/a~1b~0c", 3,
     "unknown key \"a/b~c\""},
    {ROOT("'connections': {'crm': " CRM(", 'auth2': {}") "}"), "/connections/crm/auth2", 3,
     "did you mean \"auth\"?"},
};

static const struct bad missing_keys[] = {
    {"{\n}", "", 1, "key \"agent\" is missing; allowed: an object"},
    {"{\n'agent': {}}", "/agent", 2, "key \"id\" is missing; allowed: text"},
    {ROOT("'connections': {'site': {}}"), "/connections/site", 3,
     "key \"type\" is missing; allowed: \"mqtt\", \"salesforce\""},
    {ROOT("'connections': {'site': {'type': 'mqtt'}}"), "/connections/site", 3,
     "key \"url\" is missing; allowed: mqtt://host[:port]"},
    {IN_INPUT("'qos': 1"), "/inputs/readings", 6, "key \"topic\" is missing"},
    {IN_OUTPUT("'from': 'telemetry'"), "/outputs/readings", 6,
     "key \"records\" is missing; allowed: a list of 1 to 5 objects"},
    {IN_OUTPUT("'records': [" RECORD_GOOD "]"), "/outputs/readings", 6, "key \"from\" is missing"},
    {IN_MAP("'V__c': {'type': 'int'}"), "/outputs/readings/records/0/map/V__c", 6,
     "found none of \"from\" and \"value\""},
    {IN_MAP("'V__c': {'from': '/v', 'value': 1}"), "/outputs/readings/records/0/map/V__c", 6,
     "found both of \"from\" and \"value\""},
};

static const struct bad duplicates[] = {
    {"{\n'agent': {'id': 'a'},\n'agent': {'id': 'b'}}", "/agent", 3, "key \"agent\" stands twice"},
    {IN_STREAM("'quota': '64MiB', 'quota': '1GiB'"), "/streams/telemetry/quota", 3,
     "key \"quota\" stands twice"},
    {ROOT("'streams': {'a': {},\n'a': {}}"), "/streams/a", 4, "key \"a\" stands twice"},
    {IN_MAP("'V__c': 1,\n'V__c': 2"), "/outputs/readings/records/0/map/V__c", 7,
     "key \"V__c\" stands twice"},
};

static const struct bad names[] = {
    {ROOT("'streams': {'': {}}"), "/streams/", 3, "the name \"\" is not valid"},
    {ROOT("'streams': {'Sales': {}}"), "/streams/Sales", 3, "a-z, 0-9, _ and -"},
    {ROOT("'streams': {'a/b': {}}"), "/streams/a~1b", 3, "the name \"a/b\" is not valid"},
    {ROOT("'streams': {'..': {}}"), "/streams/..", 3, "the name \"..\" is not valid"},
    {ROOT("'streams': {'a23456789012345678901234567890123': {}}"),
     "/streams/a23456789012345678901234567890123", 3, "1 to 32 bytes"},
    {IN_MAP("'Value c': 1"), "/outputs/readings/records/0/map/Value c", 6,
     "the name \"Value c\" is not valid"},
    {IN_MAP("'A__r.B__r.C__c': 1"), "/outputs/readings/records/0/map/A__r.B__r.C__c", 6,
     "a field such as"},
};

static const struct bad shapes[] = {
    {"[]", "", 1, "found a list; allowed: an object"},
    {"null", "", 1, "found null; allowed: an object"},
    {"{'agent': 1}", "/agent", 1, "found 1; allowed: an object"},
    {ROOT("'streams': []"), "/streams", 3, "found a list; allowed: an object of"},
    {ROOT("'streams': {'a': '64MiB'}"), "/streams/a", 3, "found \"64MiB\"; allowed: an object"},
    {IN_OUTPUT("'from': 'telemetry', 'records': []"), "/outputs/readings/records", 6,
     "found a list: empty; allowed: a list of 1 to 5 objects"},
    {IN_OUTPUT("'from': 'telemetry', 'records': {}"), "/outputs/readings/records", 6,
     "found an object; allowed: a list of 1 to 5 objects"},
    {IN_OUTPUT("'from': 'telemetry', 'records': ['x']"), "/outputs/readings/records/0", 6,
     "found \"x\"; allowed: an object"},
    {IN_RECORD("'object': 'R__c', 'external_id': 'Id__c', 'map': {}"),
     "/outputs/readings/records/0/map", 6,
     "found an object: empty; allowed: an object of 1 to 200"},
    {IN_MAP("'V__c': [1]"), "/outputs/readings/records/0/map/V__c", 6,
     "found a list; allowed: text, a number"},
    {IN_OUTPUT("'from': 'telemetry', 'records': [" RECORD_GOOD "," RECORD_GOOD "," RECORD_GOOD
               "," RECORD_GOOD "," RECORD_GOOD "," RECORD_GOOD "]"),
     "/outputs/readings/records", 6, "found a list: too many entries"},
};

static const struct bad unavailable[] = {
    {IN_INPUT("'topic': 't', 'mask': 'card'"), "/inputs/readings/mask", 6, "a list of"},
    {IN_INPUT("'topic': 't', 'card_guard': 1"), "/inputs/readings/card_guard", 6, "true or false"},
    {IN_OUTPUT("'from': 'telemetry', 'where': {}, 'records': [" RECORD_GOOD "]"),
     "/outputs/readings/where", 6, "nothing in it"},
    {WHOLE("'inputs': {'w': {'type': 'salesforce-query', 'query': 'q', 'every': '15m'}}"),
     "/inputs/w/type", 6,
     "\"salesforce-query\" is not available in this version; allowed: \"mqtt\", \"http\", "
     "\"files\", \"salesforce-events\""},
};

static void unknown_keys_are_reported_with_the_nearest_right_one(void **state)
{
    BAD_LOOP((struct loading *)*state, unknown_keys);
}

static void missing_keys_are_reported_at_their_object(void **state)
{
    BAD_LOOP((struct loading *)*state, missing_keys);
}

static void a_repeated_key_is_reported_where_it_stands_again(void **state)
{
    BAD_LOOP((struct loading *)*state, duplicates);
}

static void names_that_cannot_be_file_names_are_refused(void **state)
{
    BAD_LOOP((struct loading *)*state, names);
}

static void a_value_of_the_wrong_shape_is_reported(void **state)
{
    BAD_LOOP((struct loading *)*state, shapes);
}

static void what_this_version_cannot_do_is_never_ignored(void **state)
{
    BAD_LOOP((struct loading *)*state, unavailable);
}

static void an_unknown_key_beside_an_unavailable_type_is_still_reported(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading,
         ROOT("'inputs': {'x': {'type': 'salesforce-query', 'stream': 'dead', 'qery': 'd'}}"));

    assert_int_equal(loading->mistake_count, 2);
    assert_string_equal(loading->mistakes[0].pointer, "/inputs/x/type");
    assert_non_null(strstr(loading->mistakes[1].message, "did you mean \"query\"?"));
}

static void a_key_written_with_escapes_is_the_same_key(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state, "{'\\u0061gent': {'\\u0069d': '\\u0061'}}");

    assert_string_equal(config->agent.id, "a");
}

static void the_dead_stream_exists_undeclared_and_last(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state, ROOT("'streams': {'b': {}, 'a': {}}"));

    assert_int_equal(config->stream_count, 3);
    assert_int_equal(config->dead_stream, 2);
    assert_string_equal(config->streams[2].name, "dead");
    assert_int_equal(config->streams[2].quota_bytes, 16u * 1024u * 1024u);
    assert_int_equal(config->streams[2].segment_bytes, SFE_SEGMENT_BYTES_DEFAULT);
}

static void a_declared_dead_stream_keeps_its_place_and_quota(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state, ROOT("'streams': {'dead': {'quota': '32MiB'}, 'a': {}}"));

    assert_int_equal(config->stream_count, 2);
    assert_int_equal(config->dead_stream, 0);
    assert_int_equal(config->streams[0].quota_bytes, 32u * 1024u * 1024u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_are_reported_with_the_nearest_right_one),
        cmocka_unit_test(missing_keys_are_reported_at_their_object),
        cmocka_unit_test(a_repeated_key_is_reported_where_it_stands_again),
        cmocka_unit_test(names_that_cannot_be_file_names_are_refused),
        cmocka_unit_test(a_value_of_the_wrong_shape_is_reported),
        cmocka_unit_test(what_this_version_cannot_do_is_never_ignored),
        cmocka_unit_test(an_unknown_key_beside_an_unavailable_type_is_still_reported),
        cmocka_unit_test(a_key_written_with_escapes_is_the_same_key),
        cmocka_unit_test(the_dead_stream_exists_undeclared_and_last),
        cmocka_unit_test(a_declared_dead_stream_keeps_its_place_and_quota),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
