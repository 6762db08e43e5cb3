#include "loading.h"

static const struct bad references[] = {
    {WHOLE("'inputs': {'i': {'type': 'mqtt', 'connection': 'sote', 'topic': 't', 'stream': "
           "'sales'}}"),
     "/inputs/i/connection", 6,
     "no connection is called \"sote\"; did you mean \"site\"? allowed: site, crm"},
    {WHOLE("'inputs': {'i': {'type': 'mqtt', 'connection': 'site', 'topic': 't', 'stream': "
           "'telemetri'}}"),
     "/inputs/i/stream", 6, "no stream is called \"telemetri\"; did you mean \"telemetry\"?"},
    {WHOLE("'inputs': {'i': {'type': 'mqtt', 'connection': 'crm', 'topic': 't', 'stream': "
           "'sales'}}"),
     "/inputs/i/connection", 6,
     "connection \"crm\" is of type \"salesforce\"; allowed: one of type "
     "\"mqtt\""},
    {WHOLE("'inputs': {'i': {'type': 'mqtt', 'connection': 7, 'topic': 't', 'stream': 'sales'}}"),
     "/inputs/i/connection", 6, "found 7; allowed: name of a connection of type \"mqtt\""},
    {WHOLE("'outputs': {'o': {'type': 'salesforce-records', 'connection': 'site', 'from': "
           "'sales', 'records': [" RECORD_GOOD "]}}"),
     "/outputs/o/connection", 6, "is of type \"mqtt\"; allowed: one of type \"salesforce\""},
    {IN_OUTPUT("'from': ['sales', 'sales'], 'records': [" RECORD_GOOD "]"),
     "/outputs/readings/from/1", 6, "stream \"sales\" stands twice in this list"},
    {IN_OUTPUT("'from': ['sales', 'slaes'], 'records': [" RECORD_GOOD "]"),
     "/outputs/readings/from/1", 6, "no stream is called \"slaes\"; did you mean \"sales\"?"},
    {IN_OUTPUT("'from': [], 'records': [" RECORD_GOOD "]"), "/outputs/readings/from", 6,
     "found a list: empty; allowed: name of a stream, or a list"},
    {IN_OUTPUT("'from': 1, 'records': [" RECORD_GOOD "]"), "/outputs/readings/from", 6,
     "found 1; allowed: name of a stream"},
    {IN_OUTPUT("'from': 'xxxxxxxxxx', 'records': [" RECORD_GOOD "]"), "/outputs/readings/from", 6,
     "no stream is called \"xxxxxxxxxx\"; allowed: telemetry, sales"},
};

static void a_reference_to_nothing_is_reported_with_the_nearest_right_name(void **state)
{
    BAD_LOOP((struct loading *)*state, references);
}

static void a_reference_where_nothing_is_declared_says_so(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, ROOT("'inputs': {'i': {'type': 'mqtt', 'connection': 'site', 'topic': 't', "
                       "'stream': 'x'}}"));

    assert_int_equal(loading->mistake_count, 2);
    assert_non_null(strstr(loading->mistakes[0].message, "allowed: none is declared"));
}

static void a_list_of_streams_keeps_its_order(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        IN_OUTPUT("'from': ['sales', 'dead', 'telemetry'], 'records': [" RECORD_GOOD "]"));

    assert_int_equal(config->outputs[0].from_count, 3);
    assert_int_equal(config->outputs[0].from[0], 1);
    assert_int_equal(config->outputs[0].from[1], config->dead_stream);
    assert_int_equal(config->outputs[0].from[2], 0);
}

static void sections_may_come_in_any_order(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state,
                  "{'inputs': {'i': {'type': 'mqtt', 'connection': 'site', 'topic': 't', 'stream': "
                  "'sales'}}, " STREAMS ", " CONNECTIONS ", " AGENT "}");

    assert_int_equal(config->inputs[0].stream, 1);
    assert_int_equal(config->inputs[0].connection, 0);
    assert_string_equal(config->connections[0].mqtt.client_id, "sfedge-store-042");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_to_nothing_is_reported_with_the_nearest_right_name),
        cmocka_unit_test(a_reference_where_nothing_is_declared_says_so),
        cmocka_unit_test(a_list_of_streams_keeps_its_order),
        cmocka_unit_test(sections_may_come_in_any_order),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
