#include "mqtt_world.h"

#include "base/json_writer.h"

#define NOW_NS UINT64_C(1000000000000)

struct ended {
    uint32_t count;
    enum sfe_slot_outcome outcome;
    enum sfe_verdict_kind verdict;
    struct sfe_error err;
    uint32_t slot;
    char answer[256];
};

static struct sfe_target target;
static struct sfe_lane *lane;
static struct ended ended;
static const char *again; /* Payload of the event that is read again. */
static uint32_t fetches;

static enum sfe_code fetch(void *context, uint32_t slot, uint32_t place_in_slot,
                           struct sfe_event *event, int64_t *time_ns, struct sfe_error *err)
{
    (void)context;
    (void)slot;
    (void)place_in_slot;
    fetches++;
    if (again == NULL) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "it is gone");
    }
    *event = world_event(again);
    *time_ns = WORLD_NS;
    return SFE_OK;
}

static void finished(void *context, const struct sfe_slot_result *result)
{
    struct sfe_builder out = sfe_builder_make(ended.answer, sizeof(ended.answer) - 1u);
    struct sfe_json_writer writer = sfe_json_writer_make(&out);

    (void)context;
    ended.count++;
    ended.slot = result->slot;
    ended.outcome = result->outcome;
    ended.verdict = result->verdicts[0].kind;
    ended.err = result->err;
    sfe_json_begin_object(&writer, NULL);
    result->answer(result->context, 0, &writer);
    sfe_json_end_object(&writer);
    ended.answer[out.size] = '\0';
}

static void open_target(struct mqtt_world *world, const char *topic)
{
    const struct sfe_target_host host = {NULL, fetch, NULL, finished};
    const struct sfe_mqtt_output_options options = {
        .link = world->link,
        .topic = world_template(world, topic),
        .has_event_id = true,
        .is_5 = true,
        .qos = 1,
        .slot_count = WORLD_SLOTS,
        .event_bytes_max = 1024,
        .clock = &world->clock,
    };

    memset(&ended, 0, sizeof(ended));
    again = NULL;
    fetches = 0;
    assert_int_equal(sfe_mqtt_output_open(&options, world->arena, &target, &world->err), SFE_OK);
    lane = sfe_lane_open(64, world->arena, &world->err);
    sfe_lane_begin(lane);
    target.bind(target.context, &host);
}

static bool ready(uint64_t now_ns)
{
    uint64_t until_ns = 0;

    return target.is_ready(target.context, now_ns, &until_ns);
}

static void connect_link(struct mqtt_world *world)
{
    sfe_mqtt_link_set(world->link, world_session(world), NULL, 0);
    assert_true(ready(NOW_NS));
}

static enum sfe_code offer(struct mqtt_world *world, uint32_t slot, const char *payload)
{
    static struct sfe_event event;
    uint64_t order_key = 0;

    event = world_event(payload);
    return target.offer(target.context, slot, &event, WORLD_NS, lane, &order_key, &world->err);
}

static void publish(struct mqtt_world *world, uint32_t slot, const char *payload)
{
    const uint32_t before = world->published;

    assert_int_equal(offer(world, slot, payload), SFE_OK);
    assert_int_equal(target.send(target.context, slot, &world->err), SFE_OK);
    assert_int_equal(world->published, before + 1u);
}

static void a_message_is_settled_by_its_puback(void **state)
{
    struct mqtt_world *world = *state;

    open_target(world, "cmd/{/d}");
    assert_false(ready(NOW_NS)); /* Not connected. */
    connect_link(world);
    publish(world, 0, "{\"d\":\"a\"}");
    assert_string_equal(world->topic, "cmd/a");
    assert_string_equal(world->payload, "{\"d\":\"a\"}");
    assert_memory_equal(world->properties, "event-id=", 9);
    assert_true(ready(NOW_NS));
    assert_int_equal(ended.count, 0);
    sfe_mqtt_link_on_published(world->link, world->tag, 0x10, "");
    assert_true(ready(NOW_NS));
    assert_int_equal(ended.count, 1);
    assert_int_equal(ended.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(ended.verdict, SFE_VERDICT_DONE);
    assert_string_equal(ended.answer, "{\"topic\":\"cmd/a\",\"reason_code\":16}");
    assert_int_equal(fetches, 0);
}

/* An output gives up what is late while its broker is away, and asks only whether it is its own. */
static void what_is_offered_without_a_broker_is_not_too_large_for_one(void **state)
{
    struct mqtt_world *world = *state;

    open_target(world, "cmd/{/d}");
    assert_false(ready(NOW_NS));
    assert_int_equal(offer(world, 0, "{\"d\":\"a\"}"), SFE_OK);
    target.abandon(target.context, 0);
    assert_int_equal(offer(world, 0, "{\"d\":\"+\"}"), SFE_E_UNMAPPED);
}

static void events_of_one_topic_go_one_after_the_other(void **state)
{
    struct mqtt_world *world = *state;

    open_target(world, "cmd/{/d}");
    connect_link(world);
    publish(world, 0, "{\"d\":\"a\"}");
    assert_int_equal(offer(world, 1, "{\"d\":\"a\",\"n\":2}"), SFE_E_AGAIN);
    publish(world, 1, "{\"d\":\"b\"}");
    sfe_lane_begin(lane);
    publish(world, 2, "{\"d\":\"a\",\"n\":2}");
}

static void what_was_under_way_on_a_lost_connection_comes_again(void **state)
{
    struct mqtt_world *world = *state;

    open_target(world, "cmd/{/d}");
    connect_link(world);
    publish(world, 0, "{\"d\":\"a\"}");
    const uint64_t first = world->tag;
    publish(world, 1, "{\"d\":\"b\"}");
    sfe_mqtt_link_on_published(world->link, first, 0, "");
    sfe_mqtt_link_on_published(world->link, world->tag, -1, "");
    assert_true(ready(NOW_NS));
    assert_int_equal(ended.count, 1); /* The other's fate is not known yet. */
    world_lose(world, 0x95);
    assert_false(ready(NOW_NS));
    assert_int_equal(ended.count, 2);
    assert_int_equal(ended.slot, 1);
    /* It was alone by then, and the broker blames it. */
    assert_int_equal(ended.outcome, SFE_SLOT_SMALLER);
    assert_string_equal(ended.answer, "{\"topic\":\"cmd/b\"}");
}

static void none_of_several_is_blamed_for_the_loss(void **state)
{
    struct mqtt_world *world = *state;

    open_target(world, "cmd/{/d}");
    connect_link(world);
    publish(world, 0, "{\"d\":\"a\"}");
    publish(world, 1, "{\"d\":\"b\"}");
    world_lose(world, 0x95);
    sfe_mqtt_link_set(world->link, world_session(world), NULL, 0);
    assert_true(ready(NOW_NS)); /* It is back already: the loss is not missed. */
    assert_int_equal(ended.count, 2);
    assert_int_equal(ended.outcome, SFE_SLOT_AGAIN);
    assert_string_equal(ended.err.message, "connection lost");
}

static void silence_of_the_broker_asks_for_another_connection_once(void **state)
{
    struct mqtt_world *world = *state;
    const uint64_t minute_ns = UINT64_C(60000000000);
    uint64_t until_ns = 0;
    struct sfe_error why;

    open_target(world, "cmd/{/d}");
    connect_link(world);
    publish(world, 0, "{\"d\":\"a\"}");
    (void)target.is_ready(target.context, NOW_NS + 1, &until_ns);
    assert_true(until_ns == NOW_NS + minute_ns);
    assert_int_equal(world->edge_wakes, 0);
    (void)target.is_ready(target.context, NOW_NS + minute_ns, &until_ns);
    (void)target.is_ready(target.context, NOW_NS + minute_ns + 1, &until_ns);
    assert_true(until_ns == UINT64_MAX);
    assert_int_equal(world->edge_wakes, 1);
    assert_true(sfe_mqtt_link_wants_end(world->link, &why));
    assert_int_equal(ended.count, 0);
}

static void a_message_that_another_has_displaced_is_made_again(void **state)
{
    struct mqtt_world *world = *state;

    open_target(world, "cmd/{/d}");
    connect_link(world);
    assert_int_equal(offer(world, 0, "{\"d\":\"a\"}"), SFE_OK);
    assert_int_equal(offer(world, 1, "{\"d\":\"b\"}"), SFE_OK);
    again = "{\"d\":\"a\"}";
    assert_int_equal(target.send(target.context, 0, &world->err), SFE_OK);
    assert_int_equal(fetches, 1);
    assert_string_equal(world->topic, "cmd/a");
    again = NULL; /* Its event was dropped meanwhile: it goes back. */
    assert_int_equal(target.send(target.context, 1, &world->err), SFE_OK);
    assert_int_equal(world->published, 1);
    assert_int_equal(ended.verdict, SFE_VERDICT_RETRY);
    assert_int_equal(ended.slot, 1);
}

static void what_the_broker_lacks_altogether_stops_the_output(void **state)
{
    struct mqtt_world *world = *state;

    world->limits.qos_max = 0;
    open_target(world, "cmd/{/d}");
    connect_link(world);
    assert_int_equal(offer(world, 0, "{\"d\":\"a\"}"), SFE_OK);
    assert_int_equal(target.send(target.context, 0, &world->err), SFE_OK);
    assert_int_equal(world->published, 0);
    assert_int_equal(ended.outcome, SFE_SLOT_STOPPED);
    assert_non_null(strstr(ended.err.message, "QoS 0"));
}

static void a_slot_that_could_not_be_sent_stays_filled(void **state)
{
    struct mqtt_world *world = *state;

    open_target(world, "cmd/{/d}");
    connect_link(world);
    assert_int_equal(offer(world, 0, "{\"d\":\"a\"}"), SFE_OK);
    world->refusal = SFE_E_AGAIN;
    assert_int_equal(target.send(target.context, 0, &world->err), SFE_E_AGAIN);
    world->refusal = SFE_OK;
    assert_int_equal(target.send(target.context, 0, &world->err), SFE_OK);
    assert_int_equal(fetches, 0);
    assert_int_equal(world->published, 1);
    sfe_lane_begin(lane);
    assert_int_equal(offer(world, 1, "{\"d\":\"b\"}"), SFE_OK);
    target.abandon(target.context, 1);
    sfe_lane_begin(lane);
    publish(world, 1, "{\"d\":\"c\"}");
}

static void what_is_in_flight_is_bounded_in_bytes(void **state)
{
    struct mqtt_world *world = *state;
    static char payload[4096];

    memset(payload, 'x', sizeof(payload) - 1u);
    open_target(world, "cmd/{payload}");
    open_target(world, "t/{seq}");
    connect_link(world);
    publish(world, 0, payload);
    sfe_lane_begin(lane);
    publish(world, 1, payload);
    assert_false(ready(NOW_NS));
    sfe_mqtt_link_on_published(world->link, world->tag, 0, "");
    assert_true(ready(NOW_NS));
}

static void it_takes_what_it_says(void **state)
{
    struct mqtt_world *world = *state;
    const struct sfe_mqtt_output_options options = {.topic = world_template(world, "t"),
                                                    .link = world->link,
                                                    .slot_count = 64,
                                                    .event_bytes_max = 1000};
    struct sfe_arena *arena = NULL;

    assert_int_equal(sfe_arena_open(8u << 20, &arena, &world->err), SFE_OK);
    assert_int_equal(sfe_mqtt_output_open(&options, arena, &target, &world->err), SFE_OK);
    assert_int_equal(sfe_arena_taken(arena), sfe_mqtt_output_memory_bytes(&options));
    sfe_arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_message_is_settled_by_its_puback),
        WORLD_TEST(what_is_offered_without_a_broker_is_not_too_large_for_one),
        WORLD_TEST(events_of_one_topic_go_one_after_the_other),
        WORLD_TEST(what_was_under_way_on_a_lost_connection_comes_again),
        WORLD_TEST(none_of_several_is_blamed_for_the_loss),
        WORLD_TEST(silence_of_the_broker_asks_for_another_connection_once),
        WORLD_TEST(a_message_that_another_has_displaced_is_made_again),
        WORLD_TEST(what_the_broker_lacks_altogether_stops_the_output),
        WORLD_TEST(a_slot_that_could_not_be_sent_stays_filled),
        WORLD_TEST(what_is_in_flight_is_bounded_in_bytes),
        WORLD_TEST(it_takes_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
