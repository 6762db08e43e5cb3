#include "loading.h"

#define AUTH "'auth': {'client_id': 'k', 'username': 'u', 'key_file': 'f'}"

static const struct bad mistakes[] = {
    {IN_MQTT("'url': 'mqtt://broker.lan'"), "/connections/site/url", 3,
     "\"url\" to broker.lan is not encrypted; allowed: localhost, 127.0.0.0/8 and ::1"},
    {IN_MQTT("'url': 'mqtt://127.0.0.1.evil.example', 'plain': false"), "/connections/site/url", 3,
     "is not encrypted"},
    {IN_CRM("'login_url': 'http://login.salesforce.com', " AUTH), "/connections/crm/login_url", 3,
     "\"login_url\" to login.salesforce.com is not encrypted"},
    {IN_STREAM("'quota': '3MiB'"), "/streams/telemetry/quota", 3,
     "fewer than 4 segments; allowed: at least 4MiB"},
    {IN_STREAM("'segment': '16MiB', 'quota': '63MiB'"), "/streams/telemetry/quota", 3,
     "at least 64MiB"},
    {IN_RECORD("'object': 'R__c', 'external_id': 'ID__c', 'map': {'Id__c': '{id}'}"),
     "/outputs/readings/records/0/external_id", 6,
     "\"ID__c\" is not in \"map\"; did you mean \"Id__c\"?"},
    {IN_RECORD("'object': 'R__c', 'external_id': 'Reading__c', 'map': {'Id__c': '{id}'}"),
     "/outputs/readings/records/0/external_id", 6, "allowed: a field of \"map\""},
    {IN_MAP("'V__c': {'from': '/v', 'unit': 'ms'}"), "/outputs/readings/records/0/map/V__c/unit", 6,
     "\"unit\" has no effect here"},
    {IN_MAP("'V__c': {'value': 1, 'type': 'int'}"), "/outputs/readings/records/0/map/V__c/type", 6,
     "\"type\" has no effect beside \"value\""},
    {IN_MAP("'V__c': {'from': '/v', 'default': 0, 'optional': true}"),
     "/outputs/readings/records/0/map/V__c/optional", 6, "has no effect beside \"default\""},
    {ROOT("'connections': {'a': {'type': 'mqtt', 'url': 'mqtt://localhost'},\n'b': {'type': "
          "'mqtt', 'url': 'mqtt://localhost'}}"),
     "/connections/b", 4, "connection \"a\" has the same client_id at the same broker"},
    {ROOT("'connections': {'a': {'type': 'mqtt', 'url': ['mqtt://[::1]', 'mqtt://localhost:99']},\n"
          "'b': {'type': 'mqtt', 'url': ['mqtt://localhost', 'mqtt://localhost:99']}}"),
     "/connections/b", 4, "connection \"a\" has the same client_id at the same broker"},
    {IN_MQTT("'url': ['mqtt://localhost', 'mqtt://broker.lan']"), "/connections/site/url", 3,
     "\"url\" to broker.lan is not encrypted"},
    {IN_MQTT("'url': 'mqtt://localhost', 'tls': {'ca_file': 'x'}"), "/connections/site/tls", 3,
     "\"tls\" has no effect on mqtt://"},
    {IN_MQTT("'url': 'mqtts://broker.lan', 'tls': {'cert_file': 'x'}"), "/connections/site/tls", 3,
     "\"key_file\" is missing"},
    {IN_MQTT("'url': 'mqtts://broker.lan', 'tls': {'key_file': 'x'}"), "/connections/site/tls", 3,
     "\"cert_file\" is missing"},
    {IN_MQTT("'url': 'mqtt://localhost', 'will': {'topic': 'a/+'}"), "/connections/site/will/topic",
     3, "a topic without wildcards"},
    {IN_MQTT("'url': 'mqtt://localhost', 'will': {'payload': 'a'}"), "/connections/site/will", 3,
     "key \"topic\" is missing"},
    {IN_MQTT("'url': 'mqtt://localhost', 'version': '3.1.1', 'session_expiry': '1d'"),
     "/connections/site/session_expiry", 3, "has no effect with \"version\": \"3.1.1\""},
    {IN_MQTT("'url': 'mqtt://localhost', 'version': '3.1.1', 'password_file': 'x'"),
     "/connections/site/password_file", 3, "no password without a user name"},
};

static void what_does_not_fit_together_is_reported(void **state)
{
    BAD_LOOP((struct loading *)*state, mistakes);
}

static void unencrypted_loopback_needs_no_permission(void **state)
{
    struct loading *loading = (struct loading *)*state;

    (void)load_good(loading, IN_MQTT("'url': 'mqtt://127.3.2.1:1885/'"));
    (void)load_good(loading, IN_MQTT("'url': 'mqtt://[::1]'"));
    (void)load_good(loading, IN_CRM("'login_url': 'http://localhost:8080', " AUTH));
}

static void plain_permits_unencrypted_transport(void **state)
{
    struct loading *loading = (struct loading *)*state;
    const struct sfe_config *config =
        load_good(loading, IN_MQTT("'url': 'mqtt://broker.lan', 'plain': true"));

    assert_true(config->connections[0].plain);
    (void)load_good(loading, IN_CRM("'login_url': 'http://org.lan', 'plain': true, " AUTH));
}

static void the_client_id_comes_from_the_agent_unless_given(void **state)
{
    struct loading *loading = (struct loading *)*state;
    const struct sfe_config *config = load_good(
        loading, ROOT("'connections': {'a': {'type': 'mqtt', 'url': 'mqtt://localhost'}, 'b': "
                      "{'type': 'mqtt', 'url': 'mqtt://localhost', 'client_id': 'own'}}"));

    assert_string_equal(config->connections[0].mqtt.client_id, "sfedge-store-042");
    assert_string_equal(config->connections[1].mqtt.client_id, "own");
}

static void an_unread_stream_and_an_output_without_input_are_no_mistakes(void **state)
{
    (void)load_good((struct loading *)*state,
                    IN_OUTPUT("'from': 'dead', 'records': [" RECORD_GOOD "]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_together_is_reported),
        cmocka_unit_test(unencrypted_loopback_needs_no_permission),
        cmocka_unit_test(plain_permits_unencrypted_transport),
        cmocka_unit_test(the_client_id_comes_from_the_agent_unless_given),
        cmocka_unit_test(an_unread_stream_and_an_output_without_input_are_no_mistakes),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
