#include "loading.h"

#include "config/check_mqtt_output.h"

/* A site with an input and an output; `more` of each. */
#define SITE(input, output)                                                                        \
    ROOT("'connections': {'site': {'type': 'mqtt', 'url': 'mqtt://127.0.0.1'}, "                   \
         "'old': {'type': 'mqtt', 'url': 'mqtt://[::1]', 'version': '3.1.1'}, "                    \
         "'same': {'type': 'mqtt', 'url': 'mqtt://127.0.0.1', 'client_id': 'b'}}, "                \
         "'streams': {'a': {}, 'b': {}}, "                                                         \
         "'inputs': {'in': {'type': 'mqtt', 'connection': 'site', 'stream': 'a', " input "}}, "    \
         "'outputs': {" output "}")
#define OUT(more) "'out': {'type': 'mqtt', " more "}"
#define BASIC     "'connection': 'site', 'from': 'a', 'topic': 'cmd/{/d}'"

static const struct bad bad[] = {
    {SITE("'topic': 'in/#'", OUT("'connection': 'site', 'from': 'a'")), "/outputs/out", 3,
     "key \"topic\" is missing"},
    {SITE("'topic': 'in/#'", OUT(BASIC ", 'payload': 'x', 'map': {'a': 'b'}")), "/outputs/out", 3,
     "at most one"},
    {SITE("'topic': 'in/#'", OUT(BASIC ", 'qos': 2")), "/outputs/out/qos", 3, "event-id"},
    {SITE("'topic': 'in/#'", OUT(BASIC ", 'in_flight': 65")), "/outputs/out/in_flight", 3, "64"},
    {SITE("'topic': 'in/#'", OUT(BASIC ", 'batch_records': 5")), "/outputs/out/batch_records", 3,
     "batch_records"},
    {SITE("'topic': 'cmd/#'", OUT(BASIC)), "/outputs/out/topic", 3, "\"loop\": true"},
    {SITE("'topic': '+/+'", OUT("'connection': 'same', 'from': 'a', 'topic': 'x/y'")),
     "/outputs/out/topic", 3, "again and again"},
    {SITE("'topic': 'in/#'", OUT("'connection': 'old', 'from': 'a', 'topic': 't', 'expiry': '1h'")),
     "/outputs/out/expiry", 3, "3.1.1"},
    {SITE("'topic': 'in/#'",
          OUT("'connection': 'old', 'from': 'a', 'topic': 't', 'properties': {'a': 'b'}")),
     "/outputs/out/properties", 3, "3.1.1"},
    {SITE("'topic': 'in/#'", OUT(BASIC ", 'properties': {'a': {'value': 1, 'default': 2}}")),
     "/outputs/out/properties/a/default", 3, "no effect"},
};

static void what_cannot_be_published_or_comes_back_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_bad((struct loading *)*state, &bad[i]);
    }
}

static void a_loop_by_way_of_another_output_is_one(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading,
         ROOT("'connections': {'site': {'type': 'mqtt', 'url': 'mqtt://127.0.0.1'}}, "
              "'streams': {'a': {}, 'b': {}}, 'inputs': {"
              "'ina': {'type': 'mqtt', 'connection': 'site', 'stream': 'a', 'topic': 'a/+'}, "
              "'inb': {'type': 'mqtt', 'connection': 'site', 'stream': 'b', 'topic': 'b/+'}}, "
              "'outputs': {'ab': {'type': 'mqtt', 'connection': 'site', 'from': 'a', "
              "'topic': 'b/{/x}'}, 'ba': {'type': 'mqtt', 'connection': 'site', 'from': 'b', "
              "'topic': 'a/{/x}'}}"));
    assert_int_equal(loading->mistake_count, 2);
    assert_string_equal(loading->mistakes[0].pointer, "/outputs/ab/topic");
    assert_string_equal(loading->mistakes[1].pointer, "/outputs/ba/topic");
}

static void what_goes_elsewhere_or_is_meant_is_no_mistake(void **state)
{
    struct loading *loading = (struct loading *)*state;
    const struct sfe_config *config;

    (void)load_good(loading, SITE("'topic': 'cmd/#'", OUT(BASIC ", 'loop': true")));
    /* Another broker; and another stream. */
    (void)load_good(
        loading, SITE("'topic': 'cmd/#'", OUT("'connection': 'old', 'from': 'a', 'topic': 't'")));
    config = load_good(loading, SITE("'topic': 'cmd/#'",
                                     OUT("'connection': 'site', 'from': 'b', 'topic': 'cmd/x'")));
    assert_int_equal(config->outputs[0].mqtt.qos, 1);
    assert_int_equal(config->outputs[0].mqtt.in_flight, 16);
    assert_true(config->outputs[0].mqtt.event_id);
    assert_false(config->outputs[0].mqtt.retain);
    assert_true(config->outputs[0].mqtt.expiry_ns == 0);
    assert_int_equal(config->outputs[0].record_count, 0);
    config = load_good(loading, SITE("'topic': 'in/#'", OUT(BASIC ", 'map': {'a': 'b'}")));
    assert_int_equal(config->outputs[0].record_count, 1);
    assert_string_equal(config->outputs[0].records[0].object, "payload");
}

static void topics_meet_level_by_level(void **state)
{
    (void)state;
    assert_true(check_topic_may_meet("cmd/{/payload/DeviceId__c}", "cmd/+"));
    assert_false(check_topic_may_meet("cmd/{/payload/DeviceId__c}", "cmd/+/x"));
    assert_true(check_topic_may_meet("cmd/{/d}", "cmd/dev-1"));
    assert_true(check_topic_may_meet("cmd/dev-{/d}", "cmd/dev-1"));
    assert_false(check_topic_may_meet("cmd/dev-{/d}", "cmd/dev-"));
    assert_false(check_topic_may_meet("cmd/dev-{/d}", "cmd/x-1"));
    assert_false(check_topic_may_meet("cmd/{/d}-out", "cmd/d-in"));
    assert_true(check_topic_may_meet("a", "a/#"));
    assert_true(check_topic_may_meet("a/b", "a/b"));
    assert_false(check_topic_may_meet("a/b", "a"));
    assert_false(check_topic_may_meet("a", "a/b"));
    assert_true(check_topic_may_meet("copy/{topic}", "copy/in/x"));
    assert_false(check_topic_may_meet("copy/{topic}", "in/#"));
    assert_true(check_topic_may_meet("copy/{topic|upper}", "copy/IN/X"));
    assert_true(check_topic_may_meet("a/{/b}", "$share/group/a/+"));
    assert_false(check_topic_may_meet("a/{{b}}", "a/b"));
    assert_true(check_topic_may_meet("{/open", "x"));
}

#define LOADING_TEST(test) cmocka_unit_test_setup_teardown(test, loading_open, loading_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADING_TEST(what_cannot_be_published_or_comes_back_is_refused),
        LOADING_TEST(a_loop_by_way_of_another_output_is_one),
        LOADING_TEST(what_goes_elsewhere_or_is_meant_is_no_mistake),
        cmocka_unit_test(topics_meet_level_by_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
