#include "loading.h"

#define ORG                                                                                        \
    "'connections': {'crm': {'type': 'salesforce', 'login_url': 'https://login.salesforce.com', "  \
    "'auth': {'client_id': 'c', 'username': 'u', 'key_file': 'k'}}}, 'streams': {'commands': "     \
    "{}}, "
#define INPUT(channel)                                                                             \
    ROOT(ORG "'inputs': {'w': {'type': 'salesforce-events', 'stream': 'commands', "                \
             "'connection': 'crm', 'channel': '" channel "'}}")

static const struct bad bad[] = {
    {INPUT("event/A__e"), "/inputs/w/channel", 3, "no channel"},
    {INPUT("/event/"), "/inputs/w/channel", 3, "no channel"},
    {INPUT("/event/*"), "/inputs/w/channel", 3, "no channel"},
    {INPUT("/event/A__e/b"), "/inputs/w/channel", 3, "no channel"},
    {INPUT("/meta/connect"), "/inputs/w/channel", 3, "/event/DeviceCommand__e"},
    {INPUT("/Event/A__e"), "/inputs/w/channel", 3, "no channel"},
};

static void what_is_no_channel_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_bad((struct loading *)*state, &bad[i]);
    }
}

static void a_channel_of_each_kind_is_taken_as_the_topic(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state, INPUT("/data/Device__ChangeEvent"));

    assert_int_equal(config->inputs[0].type, SFE_INPUT_SALESFORCE_EVENTS);
    assert_string_equal(config->inputs[0].topic, "/data/Device__ChangeEvent");
    assert_int_equal(config->inputs[0].on_stale_replay, SFE_STALE_EARLIEST);
    assert_string_equal(config->connections[config->inputs[0].connection].name, "crm");
}

static void two_inputs_do_not_subscribe_to_one_channel(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading,
         ROOT(ORG "'inputs': {'a': {'type': 'salesforce-events', 'stream': 'commands', "
                  "'connection': 'crm', 'channel': '/u/A'}, "
                  "'b': {'type': 'salesforce-events', 'stream': 'commands', 'connection': 'crm', "
                  "'channel': '/u/A', 'on_stale_replay': 'latest'}}"));
    assert_int_equal(loading->mistake_count, 1);
    assert_string_equal(loading->mistakes[0].pointer, "/inputs/b/channel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_no_channel_is_refused, loading_open, loading_close),
        cmocka_unit_test_setup_teardown(a_channel_of_each_kind_is_taken_as_the_topic, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(two_inputs_do_not_subscribe_to_one_channel, loading_open,
                                        loading_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
