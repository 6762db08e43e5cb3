#include "mqtt_world.h"

#include "target/mqtt_message.h"
#include "flow/where.h"

static struct mqtt_maker maker;
static struct sfe_mqtt_output_options options;

static void open_maker(struct mqtt_world *world, const char *topic)
{
    memset(&maker, 0, sizeof(maker));
    options.topic = world_template(world, topic);
    options.event_bytes_max = 1024;
    options.qos = 1;
    options.is_5 = true;
    options.clock = &world->clock;
    assert_int_equal(mqtt_maker_open(&options, world->arena, &maker, &world->err), SFE_OK);
}

static struct sfe_map *compile_map(struct mqtt_world *world, const struct sfe_map_field *fields,
                                   uint32_t count)
{
    const struct sfe_map_options made = {
        .object = "payload", .fields = fields, .field_count = count, .agent_id = "gw"};
    struct sfe_map *map = NULL;
    uint32_t bad_field = 0;

    assert_int_equal(sfe_map_compile(&made, world->arena, &map, &bad_field, &world->err), SFE_OK);
    return map;
}

/* The message of a payload at WORLD_NS, or why there is none. */
static enum sfe_code make(struct mqtt_world *world, const char *payload)
{
    static struct sfe_event event;
    const struct sfe_mqtt_limits limits = world->limits;
    uint64_t order_key = 0;

    event = world_event(payload);
    enum sfe_code code = mqtt_maker_begin(&maker, &event, WORLD_NS, &order_key, &world->err);
    return code == SFE_OK ? mqtt_maker_finish(&maker, &limits, &world->err) : code;
}

static void a_value_in_a_topic_is_one_level_of_it(void **state)
{
    static const char *const bad[] = {
        "{\"d\":\"a/b\"}",       "{\"d\":\"+\"}",     "{\"d\":\"a#\"}",
        "{\"d\":\"\"}",          "{\"d\":null}",      "{\"e\":1}",
        "{\"d\":\"a\\u0000b\"}", "{\"d\":\"a\\nb\"}", "no json"};
    struct mqtt_world *world = *state;

    memset(&options, 0, sizeof(options));
    open_maker(world, "cmd/{/d}/do");
    assert_int_equal(make(world, "{\"d\":\"p1\"}"), SFE_OK);
    assert_string_equal(maker.message.topic, "cmd/p1/do");
    assert_int_equal(make(world, "{\"d\":17}"), SFE_OK);
    assert_string_equal(maker.message.topic, "cmd/17/do");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(make(world, bad[i]), SFE_E_UNMAPPED);
        assert_non_null(strstr(world->err.message, "topic"));
    }
}

static void a_topic_begins_with_a_dollar_only_where_that_is_written(void **state)
{
    struct mqtt_world *world = *state;

    memset(&options, 0, sizeof(options));
    open_maker(world, "{/d}/x");
    assert_int_equal(make(world, "{\"d\":\"$SYS\"}"), SFE_E_UNMAPPED);
    open_maker(world, "$aws/{/d}");
    assert_int_equal(make(world, "{\"d\":\"$x\"}"), SFE_OK);
    open_maker(world, "copy/{topic}");
    assert_int_equal(make(world, "{}"), SFE_OK);
    assert_string_equal(maker.message.topic, "copy/in/x");
}

static void a_topic_that_is_too_long_is_told(void **state)
{
    struct mqtt_world *world = *state;
    char payload[1200];

    memset(&options, 0, sizeof(options));
    open_maker(world, "a/{payload}");
    memset(payload, 'x', 1100);
    payload[1100] = '\0';
    assert_int_equal(make(world, payload), SFE_E_TOO_LARGE);
    payload[1022] = '\0';
    assert_int_equal(make(world, payload), SFE_OK);
    assert_int_equal(strlen(maker.message.topic), 1024);
}

static void the_payload_is_the_events_own_a_template_or_an_object(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "who", .from = "/d"},
                                                  {.name = "n", .from = "/n", .is_optional = true}};
    struct mqtt_world *world = *state;

    memset(&options, 0, sizeof(options));
    open_maker(world, "t");
    assert_int_equal(make(world, "\xff raw"), SFE_OK); /* No text at all. */
    assert_int_equal(maker.message.payload.size, 5);
    options.payload = world_template(world, "{/d}!");
    open_maker(world, "t");
    assert_int_equal(make(world, "{\"d\":\"x\"}"), SFE_OK);
    assert_true(sfe_slice_equal(maker.message.payload, SFE_TEXT("x!")));
    options.payload = NULL;
    options.map = compile_map(world, fields, 2);
    open_maker(world, "t");
    assert_int_equal(make(world, "{\"d\":\"x\"}"), SFE_OK);
    assert_true(sfe_slice_equal(maker.message.payload, SFE_TEXT("{\"who\":\"x\"}")));
    assert_int_equal(make(world, "{}"), SFE_E_UNMAPPED);
    assert_non_null(strstr(world->err.message, "payload"));
}

static void a_message_is_empty_where_its_conditions_hold(void **state)
{
    static const struct sfe_where_node node = {SFE_WHERE_GT, 1, "/gone", "1"};
    struct mqtt_world *world = *state;
    uint32_t bad = 0;

    memset(&options, 0, sizeof(options));
    assert_int_equal(
        sfe_where_compile(&node, 1, world->arena, &options.empty_when, &bad, &world->err), SFE_OK);
    options.payload = world_template(world, "{/d}");
    open_maker(world, "t");
    assert_int_equal(make(world, "{\"d\":\"x\",\"gone\":2}"), SFE_OK);
    assert_int_equal(maker.message.payload.size, 0);
    assert_int_equal(make(world, "{\"d\":\"x\",\"gone\":0}"), SFE_OK);
    assert_true(sfe_slice_equal(maker.message.payload, SFE_TEXT("x")));
    assert_int_equal(make(world, "{\"gone\":2}"), SFE_OK); /* Nothing is looked for in it. */
    assert_int_equal(make(world, "{\"d\":\"x\",\"gone\":true}"), SFE_E_UNMAPPED);
    assert_non_null(strstr(world->err.message, "empty_when"));
}

static void properties_are_texts_of_whatever_they_are_made_of(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "text", .from = "{/d}-\"{/n}"},
                                                  {.name = "number", .from = "/n"},
                                                  {.name = "flag", .constant = "true"}};
    struct mqtt_world *world = *state;
    static const char *const wanted[] = {"x-\"5", "5", "true"};

    memset(&options, 0, sizeof(options));
    options.properties = compile_map(world, fields, 3);
    options.has_event_id = true;
    options.content_type = world_template(world, "text/{/d}");
    options.correlation = world_template(world, "{id}");
    open_maker(world, "t");
    assert_int_equal(make(world, "{\"d\":\"x\",\"n\":5}"), SFE_OK);
    assert_int_equal(maker.message.property_count, 4);
    assert_true(sfe_slice_equal(maker.message.properties[0].name, SFE_TEXT("event-id")));
    assert_int_equal(maker.message.properties[0].value.size, 32);
    assert_true(sfe_slice_equal(maker.message.correlation, maker.message.properties[0].value));
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(
            sfe_slice_equal(maker.message.properties[i + 1u].value, sfe_slice_text(wanted[i])));
    }
    assert_true(sfe_slice_equal(maker.message.content_type, SFE_TEXT("text/x")));
    assert_int_equal(make(world, "{\"d\":\"a\\u0000\",\"n\":5}"), SFE_E_UNMAPPED);
}

static void mqtt_3_1_1_gets_none_of_what_it_does_not_know(void **state)
{
    struct mqtt_world *world = *state;

    memset(&options, 0, sizeof(options));
    options.has_event_id = true;
    open_maker(world, "t");
    options.is_5 = false;
    assert_int_equal(make(world, "{}"), SFE_OK);
    assert_int_equal(maker.message.property_count, 0);
}

static void expiry_counts_from_the_event_on_and_an_unset_clock_judges_nothing(void **state)
{
    struct mqtt_world *world = *state;
    const int64_t second_ns = 1000000000;

    memset(&options, 0, sizeof(options));
    options.expiry_ns = 60u * (uint64_t)second_ns;
    open_maker(world, "t");
    assert_int_equal(make(world, "{}"), SFE_OK);
    assert_int_equal(maker.message.expiry_s, 60);
    world->wall_ns = WORLD_NS + 59 * second_ns + 1;
    assert_int_equal(make(world, "{}"), SFE_OK);
    assert_int_equal(maker.message.expiry_s, 1);
    world->wall_ns = WORLD_NS + 60 * second_ns;
    assert_int_equal(make(world, "{}"), SFE_E_UNMAPPED);
    assert_non_null(strstr(world->err.message, "expired"));
    world->quality = SFE_CLOCK_UNSET;
    assert_int_equal(make(world, "{}"), SFE_OK);
    world->quality = SFE_CLOCK_SYNCED;
    world->wall_ns = WORLD_NS - 3600 * second_ns; /* It was put back. */
    assert_int_equal(make(world, "{}"), SFE_OK);
    assert_int_equal(maker.message.expiry_s, 60);
}

/* MQTT 5, section 3.3: 30 11 00 01 't' 00 payload with QoS 0; two bytes more with QoS 1. */
static void the_packets_size_is_known_to_the_byte(void **state)
{
    struct sfe_mqtt_message message = {.topic = "t", .payload = SFE_TEXT("12345678")};
    const struct sfe_mqtt_property property = {SFE_TEXT("ab"), SFE_TEXT("cde")};

    (void)state;
    assert_int_equal(mqtt_message_packet_bytes(&message, false), 2 + 3 + 8);
    assert_int_equal(mqtt_message_packet_bytes(&message, true), 2 + 3 + 1 + 8);
    message.qos = 1;
    assert_int_equal(mqtt_message_packet_bytes(&message, true), 2 + 3 + 2 + 1 + 8);
    message.expiry_s = 7;
    message.properties = &property;
    message.property_count = 1;
    message.content_type = SFE_TEXT("x");
    assert_int_equal(mqtt_message_packet_bytes(&message, true),
                     2 + 3 + 2 + 1 + 5 + (5 + 2 + 3) + 4 + 8);
    message.payload.size = 200; /* Remaining length has two bytes. */
    assert_int_equal(mqtt_message_packet_bytes(&message, false), 3 + 3 + 2 + 200);
}

static void a_message_over_the_brokers_limit_is_not_sent(void **state)
{
    struct mqtt_world *world = *state;

    memset(&options, 0, sizeof(options));
    open_maker(world, "t");
    world->limits.packet_bytes_max = 16;
    assert_int_equal(make(world, "12345678"), SFE_OK);
    assert_int_equal(make(world, "123456789"), SFE_E_TOO_LARGE);
    assert_non_null(strstr(world->err.message, "17 bytes"));
}

static void wildcards_in_a_topic_itself_are_a_mistake(void **state)
{
    struct mqtt_world *world = *state;

    assert_int_equal(sfe_mqtt_output_check_topic(world_template(world, "a/+/{/d}"), &world->err),
                     SFE_E_CONFIG);
    assert_int_equal(sfe_mqtt_output_check_topic(world_template(world, "{/d}/#"), &world->err),
                     SFE_E_CONFIG);
    assert_int_equal(sfe_mqtt_output_check_topic(world_template(world, "{/a+b}/c"), &world->err),
                     SFE_OK);
}

static void it_takes_what_it_says(void **state)
{
    struct mqtt_world *world = *state;
    const size_t before = sfe_arena_taken(world->arena);

    memset(&options, 0, sizeof(options));
    options.event_bytes_max = 1000;
    assert_int_equal(mqtt_maker_open(&options, world->arena, &maker, &world->err), SFE_OK);
    assert_int_equal(sfe_arena_taken(world->arena) - before, mqtt_maker_memory_bytes(&options));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_value_in_a_topic_is_one_level_of_it),
        WORLD_TEST(a_topic_begins_with_a_dollar_only_where_that_is_written),
        WORLD_TEST(a_topic_that_is_too_long_is_told),
        WORLD_TEST(the_payload_is_the_events_own_a_template_or_an_object),
        WORLD_TEST(a_message_is_empty_where_its_conditions_hold),
        WORLD_TEST(properties_are_texts_of_whatever_they_are_made_of),
        WORLD_TEST(mqtt_3_1_1_gets_none_of_what_it_does_not_know),
        WORLD_TEST(expiry_counts_from_the_event_on_and_an_unset_clock_judges_nothing),
        WORLD_TEST(the_packets_size_is_known_to_the_byte),
        WORLD_TEST(a_message_over_the_brokers_limit_is_not_sent),
        WORLD_TEST(wildcards_in_a_topic_itself_are_a_mistake),
        WORLD_TEST(it_takes_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
