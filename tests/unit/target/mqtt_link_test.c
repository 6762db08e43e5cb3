#include "mqtt_world.h"

static const struct sfe_mqtt_message message = {.topic = "cmd/1", .payload = SFE_TEXT("go")};

static void nothing_is_published_before_the_connection_stands(void **state)
{
    struct mqtt_world *world = *state;
    struct mqtt_link_state link;

    mqtt_link_state(world->link, &link);
    assert_false(link.is_up);
    assert_int_equal(mqtt_link_publish(world->link, 0, &message, &world->err), SFE_E_AGAIN);
    assert_int_equal(world->published, 0);
    sfe_mqtt_link_set(world->link, world_session(world), NULL, 0);
    assert_int_equal(world->cloud_wakes, 1);
    mqtt_link_state(world->link, &link);
    assert_true(link.is_up);
    assert_true(link.limits.packet_bytes_max == UINT32_MAX);
    assert_int_equal(mqtt_link_publish(world->link, 0, &message, &world->err), SFE_OK);
    assert_int_equal(world->published, 1);
}

static void an_answer_is_of_the_message_with_its_tag_and_is_taken_once(void **state)
{
    struct mqtt_world *world = *state;
    struct mqtt_outcome outcome = {0};
    uint64_t old;

    sfe_mqtt_link_set(world->link, world_session(world), NULL, 0);
    assert_int_equal(mqtt_link_publish(world->link, 2, &message, &world->err), SFE_OK);
    old = world->tag;
    assert_false(mqtt_link_take(world->link, 2, &outcome));
    mqtt_link_forget(world->link, 2);
    assert_int_equal(mqtt_link_publish(world->link, 2, &message, &world->err), SFE_OK);
    assert_true(world->tag != old);
    sfe_mqtt_link_on_published(world->link, old, 0, ""); /* Late, of the message before. */
    assert_false(mqtt_link_take(world->link, 2, &outcome));
    sfe_mqtt_link_on_published(world->link, world->tag, 0x87, "Not authorized");
    assert_false(mqtt_link_take(world->link, 1, &outcome));
    assert_true(mqtt_link_take(world->link, 2, &outcome));
    assert_int_equal(outcome.reason, 0x87);
    assert_string_equal(outcome.text, "Not authorized");
    assert_false(mqtt_link_take(world->link, 2, &outcome));
}

static void a_message_without_an_answer_waits_for_the_loss(void **state)
{
    struct mqtt_world *world = *state;
    struct mqtt_outcome outcome = {0};
    struct mqtt_link_state link;

    sfe_mqtt_link_set(world->link, world_session(world), NULL, 0);
    assert_int_equal(mqtt_link_publish(world->link, 0, &message, &world->err), SFE_OK);
    sfe_mqtt_link_on_published(world->link, world->tag, -1, "gone");
    assert_false(mqtt_link_take(world->link, 0, &outcome));
    world_lose(world, 0x95);
    mqtt_link_state(world->link, &link);
    assert_false(link.is_up);
    assert_true(link.losses == 1);
    assert_int_equal(link.reason, 0x95);
    assert_string_equal(link.why.message, "connection lost");
    world_lose(world, 0); /* A failed attempt is no loss. */
    mqtt_link_state(world->link, &link);
    assert_true(link.losses == 1);
}

static void a_complaint_is_told_once_and_of_its_connection_alone(void **state)
{
    struct mqtt_world *world = *state;
    struct sfe_error why = {0};
    struct sfe_error told = {0};

    (void)sfe_fail(&why, SFE_E_TIMEOUT, "silence");
    mqtt_link_complain(world->link, &why);
    assert_false(sfe_mqtt_link_wants_end(world->link, &told)); /* There is none. */
    sfe_mqtt_link_set(world->link, world_session(world), NULL, 0);
    mqtt_link_complain(world->link, &why);
    assert_int_equal(world->edge_wakes, 2);
    assert_true(sfe_mqtt_link_wants_end(world->link, &told));
    assert_string_equal(told.message, "silence");
    assert_false(sfe_mqtt_link_wants_end(world->link, &told));
    mqtt_link_complain(world->link, &why);
    world_lose(world, 0);
    sfe_mqtt_link_set(world->link, world_session(world), NULL, 0);
    assert_false(sfe_mqtt_link_wants_end(world->link, &told));
}

static void what_could_not_be_published_is_not_waited_for(void **state)
{
    struct mqtt_world *world = *state;

    sfe_mqtt_link_set(world->link, world_session(world), NULL, 0);
    world->refusal = SFE_E_NETWORK;
    assert_int_equal(mqtt_link_publish(world->link, 0, &message, &world->err), SFE_E_NETWORK);
    world->refusal = SFE_OK;
    assert_int_equal(mqtt_link_publish(world->link, 0, &message, &world->err), SFE_OK);
}

static void it_takes_what_it_says(void **state)
{
    struct mqtt_world *world = *state;
    struct sfe_mqtt_link_options options = {.mqtt = &world->mqtt, .slot_count = 64};
    struct sfe_mqtt_link *link = NULL;
    const size_t before = sfe_arena_taken(world->arena);

    assert_int_equal(sfe_mqtt_link_open(&options, world->arena, &link, &world->err), SFE_OK);
    assert_int_equal(sfe_arena_taken(world->arena) - before, sfe_mqtt_link_memory_bytes(64));
    sfe_mqtt_link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(nothing_is_published_before_the_connection_stands),
        WORLD_TEST(an_answer_is_of_the_message_with_its_tag_and_is_taken_once),
        WORLD_TEST(a_message_without_an_answer_waits_for_the_loss),
        WORLD_TEST(a_complaint_is_told_once_and_of_its_connection_alone),
        WORLD_TEST(what_could_not_be_published_is_not_waited_for),
        WORLD_TEST(it_takes_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
