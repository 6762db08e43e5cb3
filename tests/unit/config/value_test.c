#include "loading.h"

#define URL   "'url': 'mqtt://localhost'"
#define AUTH  "'auth': {'client_id': 'k', 'username': 'u', 'key_file': 'f'}"
#define LOGIN "'login_url': 'https://login.salesforce.com'"

static const struct bad types[] = {
    {"{'agent': {'id': 7}}", "/agent/id", 1, "found 7; allowed: text"},
    {"{'agent': {'id': null}}", "/agent/id", 1, "found null; allowed: text"},
    {"{'agent': {'id': ''}}", "/agent/id", 1, "found \"\": empty; allowed: text"},
    {"{'agent': {'id': 'a\\nb'}}", "/agent/id", 1, "it holds a control character"},
    {"{'agent': {'id': 'a\\u0000b'}}", "/agent/id", 1, "it holds a control character"},
    {"{'agent': {'id': 'a', 'state': ''}}", "/agent/state", 1, "empty; allowed: path of a file"},
    {"{'agent': {'id': 'a', 'log': 'verbose'}}", "/agent/log", 1,
     "found \"verbose\"; allowed: \"error\", \"warning\", \"info\", \"debug\""},
    {"{'agent': {'id': 'a', 'log': 'warn'}}", "/agent/log", 1, "allowed: \"error\", \"warning\""},
    {"{'agent': {'id': 'a', 'log': 'inof'}}", "/agent/log", 1, "did you mean \"info\"?"},
    {IN_MQTT(URL ", 'plain': 'yes'"), "/connections/site/plain", 3,
     "found \"yes\"; allowed: true or false"},
    {IN_MAP("'V__c': {'from': '/v', 'default': [1]}"),
     "/outputs/readings/records/0/map/V__c/default", 6, "found a list; allowed: text, a number"},
    {IN_MAP("'V__c': {'from': '/v', 'type': 'float'}"), "/outputs/readings/records/0/map/V__c/type",
     6, "found \"float\"; allowed: \"string\""},
    {IN_MAP("'V__c': {'from': ''}"), "/outputs/readings/records/0/map/V__c/from", 6, "empty"},
    {IN_MAP("'V__c': ''"), "/outputs/readings/records/0/map/V__c", 6, "found \"\": empty"},
    {IN_MAP("'V__c': 'a\\u0000b'"), "/outputs/readings/records/0/map/V__c", 6,
     "it holds a control character"},
    {IN_OUTPUT("'from': 'sales', 'order_by': '', 'records': [" RECORD_GOOD "]"),
     "/outputs/readings/order_by", 6, "empty"},
};

static const struct bad quantities[] = {
    {"{'agent': {'id': 'a', 'event_max': '1MiB'}}", "/agent/event_max", 1,
     "found \"1MiB\"; allowed: text such as \"64KiB\" (units kB MB GB KiB MiB GiB), 1KiB to "
     "768KiB"},
    {"{'agent': {'id': 'a', 'event_max': '64kib'}}", "/agent/event_max", 1, "found \"64kib\""},
    {"{'agent': {'id': 'a', 'event_max': 1.5}}", "/agent/event_max", 1, "found 1.5;"},
    {"{'agent': {'id': 'a', 'stop_timeout': '10'}}", "/agent/stop_timeout", 1,
     "found \"10\": the unit is missing; allowed: text such as \"5s\" (units ms s m h d), 1s to "
     "10m"},
    {"{'agent': {'id': 'a', 'stop_timeout': 10}}", "/agent/stop_timeout", 1, "found 10; allowed"},
    {"{'agent': {'id': 'a', 'stop_timeout': '10 s'}}", "/agent/stop_timeout", 1, "found \"10 s\""},
    {"{'agent': {'id': 'a', 'stop_timeout': '-1s'}}", "/agent/stop_timeout", 1, "found \"-1s\""},
    {"{'agent': {'id': 'a', 'stop_timeout': '99999999999999999999s'}}", "/agent/stop_timeout", 1,
     "1s to 10m"},
    {IN_MQTT(URL ", 'keep_alive': '4s'"), "/connections/site/keep_alive", 3, "5s to 18h"},
    {IN_MQTT(URL ", 'keep_alive': '5500ms'"), "/connections/site/keep_alive", 3,
     "in whole seconds"},
    {IN_MQTT(URL ", 'keep_alive': '19h'"), "/connections/site/keep_alive", 3, "5s to 18h"},
    {IN_MQTT(URL ", 'receive_maximum': 0"), "/connections/site/receive_maximum", 3,
     "found 0; allowed: a whole number, 1 to 65535"},
    {IN_MQTT(URL ", 'receive_maximum': 65536"), "/connections/site/receive_maximum", 3,
     "1 to 65535"},
    {IN_MQTT(URL ", 'receive_maximum': 1e3"), "/connections/site/receive_maximum", 3,
     "found 1e3; allowed: a whole number"},
    {IN_STREAM("'linger': '11s'"), "/streams/telemetry/linger", 3, "0s to 10s"},
    {IN_STREAM("'segment': '768KiB'"), "/streams/telemetry/segment", 3,
     "64KiB to 16MiB, a power of two"},
    {IN_STREAM("'segment': '32KiB'"), "/streams/telemetry/segment", 3, "64KiB to 16MiB"},
    {IN_STREAM("'quota': '100KiB'"), "/streams/telemetry/quota", 3, "at least 4 segments"},
    {IN_STREAM("'priority': -1"), "/streams/telemetry/priority", 3, "found -1; allowed"},
    {IN_STREAM("'priority': 99999999999999999999"), "/streams/telemetry/priority", 3, "0 to 1000"},
    {IN_INPUT("'topic': 't', 'qos': 2"), "/inputs/readings/qos", 6,
     "found 2; allowed: a whole number, 0 to 1 (at most 1: exactly-once is made by event "
     "identity)"},
    {IN_OUTPUT("'from': 'sales', 'batch_records': 201, 'records': [" RECORD_GOOD "]"),
     "/outputs/readings/batch_records", 6, "1 to 200"},
    {IN_OUTPUT("'from': 'sales', 'requests_in_flight': 17, 'records': [" RECORD_GOOD "]"),
     "/outputs/readings/requests_in_flight", 6, "1 to 16"},
};

static const struct bad spellings[] = {
    {IN_INPUT("'topic': ''"), "/inputs/readings/topic", 6, "a topic filter is not empty"},
    {IN_INPUT("'topic': 'a/#/b'"), "/inputs/readings/topic", 6, "# stands alone in the last level"},
    {IN_INPUT("'topic': 'a/b#'"), "/inputs/readings/topic", 6, "# stands alone in the last level"},
    {IN_INPUT("'topic': 'a/b+/c'"), "/inputs/readings/topic", 6, "+ stands alone in its level"},
    {IN_CRM(LOGIN ", " AUTH ", 'api_version': '62.0'"), "/connections/crm/api_version", 3,
     "found \"62.0\"; allowed: \"v50.0\" or later"},
    {IN_CRM(LOGIN ", " AUTH ", 'api_version': 'v49.0'"), "/connections/crm/api_version", 3,
     "\"v50.0\" or later"},
    {IN_RECORD("'object': 'R c', 'external_id': 'Id__c', 'map': {'Id__c': '{id}'}"),
     "/outputs/readings/records/0/object", 6, "letters, digits and _"},
    {IN_RECORD(
         "'object': 'R__c', 'external_id': 'Id__c', 'map': {'Id__c': '{id}'}, 'each': 'lines'"),
     "/outputs/readings/records/0/each", 6, "found \"lines\"; allowed: a JSON pointer that begins"},
    {IN_RECORD("'object': 'R__c', 'external_id': 'Id__c', 'map': {'Id__c': '{id}'}, 'each': ''"),
     "/outputs/readings/records/0/each", 6, "begins with /"},
    {IN_RECORD("'object': 'R__c', 'external_id': 'Id__c', 'map': {'Id__c': '{id}'}, 'each': '/~2'"),
     "/outputs/readings/records/0/each", 6, "found \"/~2\""},
};

static const struct bad urls[] = {
    {IN_MQTT("'url': 'http://localhost'"), "/connections/site/url", 3,
     "found \"http://localhost\"; allowed: mqtt://host[:port]"},
    {IN_MQTT("'url': 'localhost:1883'"), "/connections/site/url", 3, "allowed: mqtt://host[:port]"},
    {IN_MQTT("'url': []"), "/connections/site/url", 3, "a list of 1 to 8 such"},
    {IN_MQTT("'url': ['mqtt://localhost', 1883]"), "/connections/site/url/1", 3, "found 1883"},
    {IN_MQTT("'url': ['mqtt://localhost', 'mqtt://']"), "/connections/site/url/1", 3,
     "the host's name is not valid"},
    {IN_MQTT("'url': {}"), "/connections/site/url", 3, "found an object"},
    {IN_MQTT("'url': 'mqtt://localhost:0'"), "/connections/site/url", 3, "from 1 to 65535"},
    {IN_MQTT("'url': 'mqtt://localhost:70000'"), "/connections/site/url", 3, "from 1 to 65535"},
    {IN_MQTT("'url': 'mqtt://'"), "/connections/site/url", 3, "the host's name is not valid"},
    {IN_MQTT("'url': 'mqtt://localhost/topic'"), "/connections/site/url", 3,
     "ends with its host or port"},
    {IN_MQTT("'url': 'mqtt://[::1'"), "/connections/site/url", 3, "not closed by ]"},
    {IN_MQTT("'url': 'mqtt://gw:hunter2@localhost'"), "/connections/site/url", 3,
     "found a url with a password: user names and passwords do not go into a url"},
    {IN_CRM("'login_url': 'ftp://x', " AUTH), "/connections/crm/login_url", 3,
     "allowed: https://host[:port] or http://host[:port]"},
    {IN_CRM("'login_url': 'https://x?y', " AUTH), "/connections/crm/login_url", 3,
     "ends with its host or port"},
};

static void values_of_the_wrong_type_are_reported(void **state)
{
    BAD_LOOP((struct loading *)*state, types);
}

static void numbers_out_of_range_or_without_unit_are_reported(void **state)
{
    BAD_LOOP((struct loading *)*state, quantities);
}

static void texts_spelled_wrong_are_reported(void **state)
{
    BAD_LOOP((struct loading *)*state, spellings);
}

static void wrong_urls_are_reported(void **state)
{
    BAD_LOOP((struct loading *)*state, urls);
}

static void a_password_in_a_url_is_not_repeated(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, IN_MQTT("'url': 'mqtt://gw:hunter2@localhost'"));

    assert_null(strstr(loading->mistakes[0].message, "hunter2"));
}

static void files_are_taken_from_the_folder_of_the_configuration(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state,
                  IN_MQTT(URL ", 'username': 'gw', 'password_file': 'secrets/mqtt.password'"));

    assert_string_equal(config->connections[0].mqtt.password_file, "etc/secrets/mqtt.password");
    assert_string_equal(config->agent.state, "/var/lib/sfedge");
}

static void left_out_keys_have_their_defaults(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        WHOLE("'inputs': {'i': {'type': 'mqtt', 'connection': 'site', 'topic': 't', 'stream': "
              "'sales'}}, 'outputs': {'o': {'type': 'salesforce-records', 'connection': 'crm', "
              "'from': 'sales', 'records': [" RECORD_GOOD "]}}"));

    assert_int_equal(config->agent.log_level, SFE_INFO);
    assert_int_equal(config->agent.event_bytes_max, SFE_EVENT_BYTES_MAX_DEFAULT);
    assert_int_equal(config->agent.stop_timeout_ns, 10000000000u);
    assert_int_equal(config->connections[0].mqtt.brokers[0].port, 1883);
    assert_int_equal(config->connections[0].mqtt.keep_alive_ns, 30000000000u);
    assert_int_equal(config->connections[0].mqtt.session_expiry_ns, 604800000000000u);
    assert_int_equal(config->connections[0].mqtt.receive_maximum, SFE_RECEIVE_MAXIMUM_DEFAULT);
    assert_false(config->connections[0].plain);
    assert_string_equal(config->connections[1].salesforce.api_version, "v62.0");
    assert_int_equal(config->connections[1].salesforce.connect_timeout_ns, 15000000000u);
    assert_int_equal(config->connections[1].salesforce.request_timeout_ns, 120000000000u);
    assert_true(config->connections[1].salesforce.compress);
    assert_null(config->connections[1].salesforce.ca_file);
    assert_int_equal(config->streams[0].quota_bytes, 64u * 1024u * 1024u);
    assert_int_equal(config->streams[0].when_full, SFE_WHEN_FULL_BLOCK);
    assert_int_equal(config->streams[0].linger_ns, 0);
    assert_int_equal(config->inputs[0].qos, 1);
    assert_int_equal(config->inputs[0].retained, SFE_RETAINED_TAKE);
    assert_int_equal(config->inputs[0].identity_rule, SFE_IDENTITY_BY_CONTENT);
    assert_int_equal(config->outputs[0].batch_age_ns, 1000000000u);
    assert_int_equal(config->outputs[0].batch_records, SFE_COLLECTION_RECORDS_MAX);
    assert_int_equal(config->outputs[0].requests_in_flight, SFE_REQUESTS_IN_FLIGHT_DEFAULT);
    assert_int_equal(config->outputs[0].on_done, -1);
    assert_null(config->outputs[0].order_by);
}

static void a_slash_at_the_end_of_a_login_url_is_dropped(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state, IN_CRM("'login_url': 'https://acme.my.salesforce.com/', " AUTH));

    assert_string_equal(config->connections[0].salesforce.login_url,
                        "https://acme.my.salesforce.com");
    assert_string_equal(config->connections[0].salesforce.audience,
                        "https://acme.my.salesforce.com");
}

static void an_address_in_brackets_is_a_host_without_them(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state, IN_MQTT("'url': 'mqtt://[::1]:1884'"));

    assert_string_equal(config->connections[0].mqtt.brokers[0].host, "::1");
    assert_int_equal(config->connections[0].mqtt.brokers[0].port, 1884);
}

static void brokers_stand_in_the_order_of_their_urls(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        IN_MQTT("'url': ['mqtts://a.lan', 'mqtt://[::1]', 'mqtts://10.0.0.1:443/'], 'version': "
                "'3.1.1', 'tls': {'cert_file': 'c', 'key_file': '/k', 'alpn': 'mqtt'}, 'will': "
                "{'topic': 'gone', 'qos': 0, 'retain': true}"));
    const struct sfe_config_mqtt *mqtt = &config->connections[0].mqtt;

    assert_int_equal(mqtt->broker_count, 3);
    assert_string_equal(mqtt->brokers[0].host, "a.lan");
    assert_int_equal(mqtt->brokers[0].port, 8883);
    assert_true(mqtt->brokers[0].tls);
    assert_string_equal(mqtt->brokers[1].host, "::1");
    assert_int_equal(mqtt->brokers[1].port, 1883);
    assert_false(mqtt->brokers[1].tls);
    assert_int_equal(mqtt->brokers[2].port, 443);
    assert_int_equal(mqtt->version, SFE_CONFIG_MQTT_3_1_1);
    assert_string_equal(mqtt->tls_cert_file, "etc/c");
    assert_string_equal(mqtt->tls_key_file, "/k");
    assert_string_equal(mqtt->tls_alpn, "mqtt");
    assert_null(mqtt->tls_ca_file);
    assert_string_equal(mqtt->will.topic, "gone");
    assert_null(mqtt->will.payload);
    assert_int_equal(mqtt->will.qos, 0);
    assert_true(mqtt->will.retain);
}

static void fields_keep_their_templates_constants_and_defaults(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        IN_MAP("'A__c': '{/a}\\n', 'B__c': 12.50, 'C__c': null, 'D__r.Id__c': {'from': '/d', "
               "'type': 'datetime', 'unit': 'ms', 'default': 'x\\u00e9'}, 'E__c': {'value': 'v'}, "
               "'F__c': {'from': '/f', 'type': 'double', 'optional': true}, 'G__c': '-'"));
    const struct sfe_config_field *fields = config->outputs[0].records[0].fields;

    assert_int_equal(config->outputs[0].records[0].field_count, 8);
    assert_string_equal(config->outputs[0].records[0].object, "R__c");
    assert_string_equal(fields[1].from, "{/a}\n");
    assert_int_equal(fields[1].type, SFE_TYPE_AUTO);
    assert_null(fields[1].constant);
    assert_string_equal(fields[2].constant, "12.50");
    assert_null(fields[2].from);
    assert_string_equal(fields[3].constant, "null");
    assert_string_equal(fields[4].name, "D__r.Id__c");
    assert_string_equal(fields[4].from, "/d");
    assert_int_equal(fields[4].type, SFE_TYPE_DATETIME);
    assert_int_equal(fields[4].unit, SFE_TIME_MS);
    assert_string_equal(fields[4].default_value, "\"x\\u00e9\"");
    assert_string_equal(fields[5].constant, "\"v\"");
    assert_int_equal(fields[6].type, SFE_TYPE_DOUBLE);
    assert_true(fields[6].is_optional);
    assert_string_equal(fields[7].from, "-");
    assert_string_equal(fields[7].place.pointer, "/outputs/readings/records/0/map/G__c");
}

static void a_size_may_be_a_number_of_bytes(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state, "{'agent': {'id': 'a', 'event_max': 4096}}");

    assert_int_equal(config->agent.event_bytes_max, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_the_wrong_type_are_reported),
        cmocka_unit_test(numbers_out_of_range_or_without_unit_are_reported),
        cmocka_unit_test(texts_spelled_wrong_are_reported),
        cmocka_unit_test(wrong_urls_are_reported),
        cmocka_unit_test(a_password_in_a_url_is_not_repeated),
        cmocka_unit_test(files_are_taken_from_the_folder_of_the_configuration),
        cmocka_unit_test(left_out_keys_have_their_defaults),
        cmocka_unit_test(a_slash_at_the_end_of_a_login_url_is_dropped),
        cmocka_unit_test(an_address_in_brackets_is_a_host_without_them),
        cmocka_unit_test(brokers_stand_in_the_order_of_their_urls),
        cmocka_unit_test(fields_keep_their_templates_constants_and_defaults),
        cmocka_unit_test(a_size_may_be_a_number_of_bytes),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
