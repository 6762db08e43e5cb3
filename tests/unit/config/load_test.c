#include "loading.h"
#include "source_tree.h"

#include "config/config.h"

/* The example of the design, with what this version cannot do yet. */
static const char design[] =
    "{\n"
    "  'agent':   { 'id': 'store-042', 'state': '/var/lib/sfedge' },\n"
    "  'connections': {\n"
    "    'site': { 'type': 'mqtt', 'url': 'mqtts://broker.lan:8883',\n"
    "              'client_id': 'sfedge-store-042', 'username': 'gateway',\n"
    "              'password_file': 'mqtt.password', 'tls': { 'ca_file': 'site-ca.pem' } },\n"
    "    'crm':  { 'type': 'salesforce', 'login_url': 'https://login.salesforce.com',\n"
    "              'api_version': 'v62.0',\n"
    "              'auth': { 'flow': 'jwt-bearer', 'client_id': '3MVG9…',\n"
    "                        'username': 'edge@acme.example',\n"
    "                        'audience': 'https://login.salesforce.com',\n"
    "                        'key_file': 'crm.key' } } },\n"
    "  'streams': {\n"
    "    'telemetry': { 'quota': '64MiB', 'when_full': 'drop-oldest', 'linger': '20ms' },\n"
    "    'sales':     { 'quota': '64MiB', 'when_full': 'block', 'encrypt': true,\n"
    "                   'encrypt_key_file': 'flash.key', 'priority': 1 },\n"
    "    'receipts':  { 'encrypt': true, 'encrypt_key_file': 'flash.key' },\n"
    "    'dead':      { 'encrypt': true, 'encrypt_key_file': 'flash.key' } },\n"
    "  'inputs': {\n"
    "    'readings': { 'type': 'mqtt', 'connection': 'site', 'topic': 'plant/+/telemetry',\n"
    "                  'qos': 1, 'stream': 'telemetry' },\n"
    "    'tills':    { 'type': 'mqtt', 'connection': 'site', 'topic': 'pos/+/sale', 'qos': 1,\n"
    "                  'stream': 'sales', 'mask': ['card_number'] } },\n"
    "  'outputs': {\n"
    "    'readings': { 'type': 'salesforce-records', 'connection': 'crm', 'from': 'telemetry',\n"
    "                  'records': [ { 'object': 'DeviceReading__c',\n"
    "                    'external_id': 'ReadingId__c',\n"
    "                    'map': { 'ReadingId__c': '{/id}', 'DeviceId__c': '{topic.1}',\n"
    "                             'Value__c': { 'from': '/value', 'type': 'double' } } } ] },\n"
    "    'sales':    { 'type': 'salesforce-records', 'connection': 'crm', 'from': 'sales',\n"
    "                  'on_done': 'receipts',\n"
    "                  'records': [\n"
    "                    { 'object': 'PosSale__c', 'external_id': 'SaleId__c',\n"
    "                      'map': { 'SaleId__c': '{/sale_id}' } },\n"
    "                    { 'object': 'PosLine__c', 'external_id': 'LineId__c',\n"
    "                      'each': '/lines',\n"
    "                      'map': { 'LineId__c': '{/sale_id}-{item:/no}',\n"
    "                               'PosSale__r.SaleId__c': '{/sale_id}',\n"
    "                               'Sku__c': '{item:/sku}' } } ] } }\n"
    "}\n";

/* The hub's words of the design, within a frame. */
static const char hub[] =
    "{\n" AGENT ",\n" CONNECTIONS ",\n"
    "'streams': { 'telemetry': {}, 'sales': {}, 'commands': {}, 'prices': {}, 'invoiced': {} },\n"
    "'inputs': {\n"
    "'webhook': { 'type': 'http', 'listen': '127.0.0.1:8088', 'path': '/pos/sales', 'auth': {\n"
    "  'bearer_file': 'pos.token' }, 'stream': 'sales' },\n"
    "'drop': { 'type': 'files', 'directory': '/var/spool/pos', 'format': 'csv', 'stream': 'sales' "
    "},\n"
    "'commands': { 'type': 'salesforce-events', 'connection': 'crm',\n"
    "  'channel': '/event/DeviceCommand__e', 'on_stale_replay': 'earliest',\n"
    "  'stream': 'commands' },\n"
    "'prices': { 'type': 'salesforce-query', 'connection': 'crm', 'every': '15m',\n"
    "  'query': 'SELECT Sku__c, Price__c FROM PriceBookItem__c', 'stream': 'prices' } },\n"
    "'outputs': {\n"
    "'commands': { 'type': 'mqtt', 'connection': 'site', 'from': 'commands',\n"
    "  'topic': 'cmd/{/payload/DeviceId__c}', 'payload': '{/payload/Payload__c}', 'qos': 1 },\n"
    "'accounting': { 'type': 'http', 'from': 'sales', 'where': { '/status': 'closed' },\n"
    "  'method': 'POST', 'url': 'https://accounting.lan/invoices',\n"
    "  'body': { 'doc': '{/sale_id}', 'amt': { 'from': '/total', 'type': 'double' } },\n"
    "  'on_done': 'invoiced' },\n"
    "'alerts': { 'type': 'salesforce-platform-events', 'connection': 'crm',\n"
    "  'from': 'telemetry', 'where': { '/value': { 'gt': 80 } }, 'event': 'DeviceAlert__e',\n"
    "  'map': { 'DeviceId__c': '{/device}', 'EventKey__c': '{id}' } } }}\n";

static void the_design_is_carried_out_whole(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, design);

    assert_int_equal(loading->mistake_count, 0);
}

static void the_hub_has_nothing_that_is_not_available(void **state)
{
    struct loading *loading = (struct loading *)*state;
    const struct sfe_config *config = load_good(loading, hub);
    const struct sfe_config_input *prices = &config->inputs[3];

    assert_int_equal(prices->type, SFE_INPUT_SALESFORCE_QUERY);
    assert_string_equal(prices->topic, "query/prices");
    assert_string_equal(prices->query.text, "SELECT Sku__c, Price__c FROM PriceBookItem__c");
    assert_int_equal(prices->query.every_ns, 15 * 60 * INT64_C(1000000000));
    assert_null(prices->query.after);
}

static void a_platform_event_is_the_one_record_of_its_output(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, WHOLE("'outputs': {'w': {'type': 'salesforce-platform-events', 'connection': "
                        "'crm', 'from': 'sales', 'event': 'E__e', 'map': {'K__c': '{id}'}}}"));

    assert_int_equal(loading->mistake_count, 0);
    const struct sfe_config_output *output = &loading->config->outputs[0];
    assert_int_equal(output->type, SFE_OUTPUT_PLATFORM_EVENTS);
    assert_int_equal(output->record_count, 1);
    assert_string_equal(output->records[0].object, "E__e");
    assert_null(output->records[0].external_id);
    assert_string_equal(output->records[0].fields[0].name, "K__c");
    assert_int_equal(output->batch_records, 200);
}

static const struct sfe_config *load_file(struct loading *loading, const char *name)
{
    char path[SOURCE_TREE_BYTES_MAX];

    loading->mistake_count = 0;
    loading->code = sfe_config_load(source_tree_path(__FILE__, name, path), loading->arena,
                                    loading_report, loading, &loading->config, &loading->error);
    for (uint32_t i = 0; i < loading->mistake_count; i++) {
        print_error("%s:%u: %s %s\n", name, loading->mistakes[i].line, loading->mistakes[i].pointer,
                    loading->mistakes[i].message);
    }
    assert_int_equal(loading->code, SFE_OK);
    assert_int_equal(loading->mistake_count, 0);
    return loading->config;
}

static void the_committed_examples_load(void **state)
{
    struct loading *loading = (struct loading *)*state;
    const struct sfe_config *config = load_file(loading, "config/sfedge.example.json");

    assert_int_equal(config->output_count, 2);
    assert_int_equal(config->outputs[1].record_count, 2);
    assert_string_equal(config->outputs[1].records[1].each, "/lines");
    assert_int_equal(config->inputs[1].mask_count, 1);
    assert_true(config->inputs[1].card_guard); /* By default, where there is mask. */
    assert_false(config->inputs[0].card_guard);
    config = load_file(loading, "config/examples/plant.json");
    assert_int_equal(config->stream_count, 3);
    (void)load_file(loading, "config/examples/behind-proxy.json");
    config = load_file(loading, "config/examples/commands.json");
    assert_int_equal(config->inputs[1].on_stale_replay, SFE_STALE_LATEST);
    (void)load_file(loading, "config/examples/closed-sale.json");
    (void)load_file(loading, "config/examples/new-customer.json");
    (void)load_file(loading, "config/examples/confirmed-order.json");
    (void)load_file(loading, "config/examples/http-output.json");
    (void)load_file(loading, "config/examples/hub.json");
    (void)load_file(loading, "config/examples/sale-steps.json");
    (void)load_file(loading, "config/examples/device-commands.json");
    (void)load_file(loading, "config/examples/prices.json");
    (void)load_file(loading, "config/examples/price-questions.json");
    config = load_file(loading, "config/examples/till.json");
    assert_int_equal(config->dead_stream, 1);
}

static void a_file_that_is_not_there_is_reported(void **state)
{
    struct loading *loading = (struct loading *)*state;

    loading->mistake_count = 0;
    loading->code = sfe_config_load("/nonexistent/sfedge.json", loading->arena, loading_report,
                                    loading, &loading->config, &loading->error);

    assert_int_equal(loading->code, SFE_E_NOT_FOUND);
    assert_int_equal(loading->mistake_count, 1);
    assert_int_equal(loading->mistakes[0].code, SFE_E_NOT_FOUND);
    assert_string_equal(loading->mistakes[0].where, "/nonexistent/sfedge.json");
    assert_null(loading->config);
}

static void text_that_is_no_json_is_reported_with_its_place(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, "{\n  'agent': { 'id': 'a', }\n}");

    assert_int_equal(loading->code, SFE_E_CONFIG);
    assert_int_equal(loading->mistake_count, 1);
    assert_int_equal(loading->mistakes[0].line, 2);
    assert_int_equal(loading->mistakes[0].column, 25);
    assert_string_equal(loading->mistakes[0].where, "etc/sfedge.json");
}

static void an_empty_file_is_reported(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, "");

    assert_int_equal(loading->code, SFE_E_CONFIG);
    assert_int_equal(loading->mistake_count, 1);
}

static void every_mistake_is_reported_at_once(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, WHOLE("'inputs': {'i': {'type': 'mqtt', 'connection': 'sitte', 'topic': '#/a',"
                        "'qos': 2, 'stream': 'sale', 'qox': 1}}, 'watch': 1"));

    assert_int_equal(loading->mistake_count, 6);
    assert_string_equal(loading->error.message, "6 mistakes in the configuration");
}

static void too_little_memory_is_a_failure_at_every_size(void **state)
{
    struct loading *loading = (struct loading *)*state;
    static const char text[] =
        WHOLE("'outputs': {'o': {'type': 'salesforce-records', 'from': "
              "['sales'], 'connection': 'crm', 'records': [" RECORD_GOOD "]}}");
    struct sfe_arena *whole = loading->arena;
    struct sfe_error err;
    bool has_loaded = false;

    for (size_t room = 0; room < 8192 && !has_loaded; room += 40) {
        assert_int_equal(sfe_arena_open(room, &loading->arena, &err), SFE_OK);
        load(loading, text);
        has_loaded = loading->code == SFE_OK;
        assert_true(has_loaded || loading->code == SFE_E_NO_MEMORY);
        assert_int_equal(loading->mistake_count, 0);
        assert_true(has_loaded == (loading->config != NULL));
        sfe_arena_close(loading->arena);
    }
    loading->arena = whole;
    assert_true(has_loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_design_is_carried_out_whole),
        cmocka_unit_test(a_platform_event_is_the_one_record_of_its_output),
        cmocka_unit_test(the_hub_has_nothing_that_is_not_available),
        cmocka_unit_test(the_committed_examples_load),
        cmocka_unit_test(a_file_that_is_not_there_is_reported),
        cmocka_unit_test(text_that_is_no_json_is_reported_with_its_place),
        cmocka_unit_test(an_empty_file_is_reported),
        cmocka_unit_test(every_mistake_is_reported_at_once),
        cmocka_unit_test(too_little_memory_is_a_failure_at_every_size),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
