/* A link to a client that only notes what it is asked to publish, for the tests of outputs to
 * brokers. */
#ifndef SFE_TESTS_UNIT_OUTPUT_MQTT_WORLD_H
#define SFE_TESTS_UNIT_OUTPUT_MQTT_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "flow/map.h"
#include "output/lane.h"
#include "target/mqtt.h"

#include <stdio.h>
#include <string.h>

#define WORLD_SLOTS 4u
#define WORLD_NS    INT64_C(1764000000000000000)

struct mqtt_world {
    struct sfe_arena *arena;
    struct sfe_mqtt mqtt;
    struct sfe_mqtt_limits limits;
    struct sfe_mqtt_link *link;
    struct sfe_clock clock;
    int64_t wall_ns;
    enum sfe_clock_quality quality;
    enum sfe_code refusal; /* Of publish; SFE_OK: it takes the message. */
    uint32_t published;
    uint64_t tag; /* Of the last message. */
    char topic[256];
    char payload[256];
    char properties[512]; /* "name=value;" */
    uint32_t expiry_s;
    uint32_t cloud_wakes, edge_wakes;
    struct sfe_error err;
};

/* Any place will do. */
static inline struct sfe_mqtt_session *world_session(struct mqtt_world *world)
{
    return (struct sfe_mqtt_session *)world;
}

static enum sfe_code world_publish(void *context, struct sfe_mqtt_session *session,
                                   const struct sfe_mqtt_message *message, uint64_t tag,
                                   struct sfe_error *err)
{
    struct mqtt_world *world = context;
    struct sfe_builder text = sfe_builder_make(world->properties, sizeof(world->properties) - 1u);

    assert_ptr_equal(session, world_session(world));
    if (world->refusal != SFE_OK) {
        return world->refusal == SFE_E_AGAIN ? SFE_E_AGAIN
                                             : sfe_fail(err, world->refusal, "refused");
    }
    world->published++;
    world->tag = tag;
    (void)snprintf(world->topic, sizeof(world->topic), "%s", message->topic);
    (void)snprintf(world->payload, sizeof(world->payload), "%.*s", (int)message->payload.size,
                   (const char *)message->payload.bytes);
    for (uint32_t i = 0; i < message->property_count; i++) {
        sfe_builder_add(&text, message->properties[i].name);
        sfe_builder_add_byte(&text, '=');
        sfe_builder_add(&text, message->properties[i].value);
        sfe_builder_add_byte(&text, ';');
    }
    world->properties[text.size] = '\0';
    world->expiry_s = message->expiry_s;
    return SFE_OK;
}

static void world_limits(void *context, struct sfe_mqtt_session *session,
                         struct sfe_mqtt_limits *limits)
{
    struct mqtt_world *world = context;

    (void)session;
    *limits = world->limits;
}

static void world_wake_cloud(void *owner)
{
    ((struct mqtt_world *)owner)->cloud_wakes++;
}

static void world_wake_edge(void *owner)
{
    ((struct mqtt_world *)owner)->edge_wakes++;
}

static enum sfe_clock_quality world_wall_ns(void *context, int64_t *unix_ns)
{
    const struct mqtt_world *world = context;

    *unix_ns = world->wall_ns;
    return world->quality;
}

static inline int mqtt_world_open(void **state)
{
    static struct mqtt_world world;
    struct sfe_mqtt_link_options options = {.mqtt = &world.mqtt,
                                            .slot_count = WORLD_SLOTS,
                                            .wake_cloud = world_wake_cloud,
                                            .wake_edge = world_wake_edge,
                                            .owner = &world};

    memset(&world, 0, sizeof(world));
    assert_int_equal(sfe_arena_open(8u << 20, &world.arena, &world.err), SFE_OK);
    world.mqtt =
        (struct sfe_mqtt){.context = &world, .publish = world_publish, .limits = world_limits};
    world.limits = (struct sfe_mqtt_limits){UINT32_MAX, 1, true};
    world.clock = (struct sfe_clock){.context = &world, .wall_ns = world_wall_ns};
    world.wall_ns = WORLD_NS;
    world.quality = SFE_CLOCK_SYNCED;
    assert_int_equal(sfe_mqtt_link_open(&options, world.arena, &world.link, &world.err), SFE_OK);
    *state = &world;
    return 0;
}

static inline int mqtt_world_close(void **state)
{
    struct mqtt_world *world = *state;

    sfe_mqtt_link_close(world->link);
    sfe_arena_close(world->arena);
    return 0;
}

static inline void world_lose(struct mqtt_world *world, int reason)
{
    struct sfe_error why = {0};

    (void)sfe_fail(&why, SFE_E_NETWORK, "connection lost");
    sfe_mqtt_link_set(world->link, NULL, &why, reason);
}

static inline struct sfe_template *world_template(struct mqtt_world *world, const char *text)
{
    struct sfe_template *made = NULL;

    assert_int_equal(sfe_template_compile(text, "gw", world->arena, &made, &world->err), SFE_OK);
    return made;
}

static inline struct sfe_event world_event(const char *payload)
{
    return (struct sfe_event){.sequence = 1,
                              .source = SFE_TEXT("in"),
                              .topic = SFE_TEXT("in/x"),
                              .payload = sfe_slice_text(payload)};
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, mqtt_world_open, mqtt_world_close)

#endif
