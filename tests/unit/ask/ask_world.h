/* An ask without a broker and without a network: what it publishes and asks for is kept, and the
 * test says the rest. */
#ifndef SFE_TESTS_ASK_WORLD_H
#define SFE_TESTS_ASK_WORLD_H

#include "unit/salesforce/salesforce_world.h"

#include "ask/ask_parts.h"
#include "flow/lookup.h"
#include "flow/soql.h"

#include <stdlib.h>

#define ANSWERS_MAX 32u
#define MS          UINT64_C(1000000)

struct published {
    char topic[ASK_TOPIC_BYTES_MAX + 1u];
    char body[4096];
    char correlation[ASK_CORRELATION_BYTES_MAX + 1u];
    char status[32];
    uint8_t qos;
    uint64_t tag;
};

struct ask_world {
    struct world *world;
    struct sfe_mqtt mqtt;
    struct sfe_mqtt_limits limits;
    struct sfe_ask_options options;
    struct sfe_arena *arena; /* Of the ask. */
    struct sfe_ask *ask;
    struct sfe_source source;
    struct sfe_lookup_table table;
    struct sfe_template *key;
    struct sfe_soql *query;
    struct sfe_map *map;
    struct published published[ANSWERS_MAX];
    uint32_t published_count;
    enum sfe_code publish_code;
    uint32_t woken_edge;
    bool link_is_quiet;
    bool is_closed;
};

static inline enum sfe_code ask_world_publish(void *context, struct sfe_mqtt_session *session,
                                              const struct sfe_mqtt_message *message, uint64_t tag,
                                              struct sfe_error *err)
{
    struct ask_world *self = context;

    (void)err;
    assert_ptr_equal(session, self);
    if (self->publish_code != SFE_OK) {
        return self->publish_code;
    }
    assert_true(self->published_count < ANSWERS_MAX);
    struct published *one = &self->published[self->published_count++];
    (void)snprintf(one->topic, sizeof(one->topic), "%s", message->topic);
    (void)snprintf(one->body, sizeof(one->body), "%.*s", (int)message->payload.size,
                   (const char *)message->payload.bytes);
    (void)snprintf(one->correlation, sizeof(one->correlation), "%.*s",
                   (int)message->correlation.size,
                   message->correlation.size == 0 ? "" : (const char *)message->correlation.bytes);
    assert_int_equal(message->property_count, 1);
    (void)snprintf(one->status, sizeof(one->status), "%.*s", (int)message->properties[0].value.size,
                   (const char *)message->properties[0].value.bytes);
    one->qos = message->qos;
    one->tag = tag;
    return SFE_OK;
}

static inline void ask_world_limits(void *context, struct sfe_mqtt_session *session,
                                    struct sfe_mqtt_limits *limits)
{
    (void)session;
    *limits = ((struct ask_world *)context)->limits;
}

static inline void ask_world_wake_edge(void *owner)
{
    ((struct ask_world *)owner)->woken_edge++;
}

static inline void ask_world_wake_cloud(void *context)
{
    (void)context;
}

static inline uint64_t ask_world_link_turn(void *context, uint64_t now_ns)
{
    (void)context;
    (void)now_ns;
    return UINT64_MAX;
}

static inline void ask_world_link_stop(void *context)
{
    ((struct ask_world *)context)->link_is_quiet = true;
}

static inline bool ask_world_link_is_quiet(void *context)
{
    return ((struct ask_world *)context)->link_is_quiet;
}

static inline void ask_world_link_facts(void *context, struct sfe_source_facts *facts)
{
    (void)context;
    facts->connection = "site";
}

static inline void ask_world_link_close(void *context)
{
    ((struct ask_world *)context)->is_closed = true;
}

static inline int ask_world_setup(void **state)
{
    struct ask_world *self = test_calloc(1, sizeof(*self));

    self->world = world_make();
    self->world->http.wake = ask_world_wake_cloud;
    self->mqtt = (struct sfe_mqtt){
        .context = self, .publish = ask_world_publish, .limits = ask_world_limits};
    self->limits = (struct sfe_mqtt_limits){UINT32_MAX, 1, true};
    self->options = (struct sfe_ask_options){
        .input = "prices",
        .prefix = "answer/",
        .within_ns = 2u * SECOND,
        .in_flight = 2,
        .question_bytes_max = 1024,
        .answer_bytes_max = 1024,
        .qos = 1,
        .mqtt = &self->mqtt,
        .http = &self->world->http,
        .clock = &self->world->clock,
        .wake_edge = ask_world_wake_edge,
        .owner = self,
    };
    *state = self;
    return 0;
}

static inline int ask_world_teardown(void **state)
{
    struct ask_world *self = *state;
    void *world = self->world;

    sfe_ask_close(self->ask);
    sfe_arena_close(self->arena);
    (void)world_teardown(&world);
    test_free(self);
    return 0;
}

/* The connection stands. */
static inline void ask_world_connect(struct ask_world *self)
{
    const struct sfe_mqtt_user *user = sfe_ask_user(self->ask);

    user->on_link(user->owner, (struct sfe_mqtt_session *)(void *)self, NULL, 0);
}

static inline void ask_world_disconnect(struct ask_world *self)
{
    const struct sfe_mqtt_user *user = sfe_ask_user(self->ask);

    user->on_link(user->owner, NULL, &self->world->err, 0);
}

static inline void ask_world_open(struct ask_world *self)
{
    const struct sfe_source link = {
        .context = self,
        .turn = ask_world_link_turn,
        .stop = ask_world_link_stop,
        .is_quiet = ask_world_link_is_quiet,
        .facts = ask_world_link_facts,
        .close = ask_world_link_close,
    };
    const size_t bytes = sfe_ask_memory_bytes(&self->options, self->options.table == NULL);

    self->options.map = self->map;
    assert_int_equal(sfe_arena_open(bytes, &self->arena, &self->world->err), SFE_OK);
    assert_int_equal(sfe_ask_open(&self->options, self->arena, &self->ask, &self->world->err),
                     SFE_OK);
    assert_true(bytes - sfe_arena_taken(self->arena) < 16u); /* No more, and no less. */
    sfe_ask_make_source(self->ask, &link, &self->source);
    ask_world_connect(self);
}

/* Answers from {"A":12.5,"B":"x"}, by {/sku}. */
static inline void ask_world_open_table(struct ask_world *self)
{
    assert_int_equal(sfe_lookup_read(SFE_TEXT("{\"A\":12.5,\"B\":\"x\"}"), self->world->arena,
                                     &self->table, &self->world->err),
                     SFE_OK);
    assert_int_equal(
        sfe_template_compile("{/sku}", "a", self->world->arena, &self->key, &self->world->err),
        SFE_OK);
    self->options.table = &self->table;
    self->options.key = self->key;
    ask_world_open(self);
}

/* Asks the org, which has let us in where `is_in`. */
static inline void ask_world_open_query(struct ask_world *self, bool is_in)
{
    assert_int_equal(sfe_soql_compile("SELECT P FROM A WHERE S='{/sku}'", "a", self->world->arena,
                                      &self->query, &self->world->err),
                     SFE_OK);
    self->options.query = self->query;
    self->options.org = self->world->org;
    if (is_in) {
        world_log_in(self->world);
    }
    ask_world_open(self);
}

static inline uint64_t ask_world_take(struct ask_world *self, const struct sfe_mqtt_taken *message)
{
    const struct sfe_mqtt_taker *taker = sfe_ask_taker(self->ask);

    return taker->take(taker->owner, message);
}

static inline uint64_t ask_world_settled(struct ask_world *self)
{
    const struct sfe_mqtt_taker *taker = sfe_ask_taker(self->ask);

    return taker->settled(taker->owner);
}

/* A question as it should be. */
static inline uint64_t ask_world_ask(struct ask_world *self, const char *payload,
                                     const char *correlation)
{
    const struct sfe_mqtt_taken message = {
        .topic = SFE_TEXT("ask/price/t01"),
        .payload = sfe_slice_text(payload),
        .payload_bytes = strlen(payload),
        .response_topic = SFE_TEXT("answer/t01"),
        .correlation = sfe_slice_text(correlation),
    };

    return ask_world_take(self, &message);
}

static inline uint64_t ask_world_turn(struct ask_world *self)
{
    return self->source.turn(self->source.context, self->world->now_ns);
}

static inline uint64_t ask_world_cloud_turn(struct ask_world *self)
{
    return sfe_ask_cloud_turn(self->ask, self->world->now_ns);
}

/* The broker acknowledges answer `index`. */
static inline void ask_world_acknowledge(struct ask_world *self, uint32_t index)
{
    const struct sfe_mqtt_user *user = sfe_ask_user(self->ask);

    assert_true(index < self->published_count);
    user->publishing.on_published(user->publishing.owner, self->published[index].tag, 0, "");
}

static inline struct sfe_source_ask ask_world_facts(struct ask_world *self)
{
    struct sfe_source_facts facts = {0};

    self->source.facts(self->source.context, &facts);
    assert_true(facts.has_ask);
    return facts.ask;
}

/* The last answer has this status and this body. */
static inline void ask_world_expect(const struct ask_world *self, const char *status,
                                    const char *body)
{
    assert_true(self->published_count > 0);
    assert_string_equal(self->published[self->published_count - 1u].status, status);
    assert_string_equal(self->published[self->published_count - 1u].body, body);
}

#define ASK_TEST(name) cmocka_unit_test_setup_teardown(name, ask_world_setup, ask_world_teardown)

#endif
