/* A subscription without a network: the test says each answer, and takes what is handed over. */
#ifndef SFE_TESTS_COMETD_WORLD_H
#define SFE_TESTS_COMETD_WORLD_H

#include "salesforce_world.h"

#include "salesforce/cometd_parts.h"

#define HANDSHAKEN                                                                                 \
    "[{\"channel\":\"/meta/handshake\",\"successful\":true,\"clientId\":\"c1\",\"id\":\"1\"}]"
#define OPENED                                                                                     \
    "[{\"channel\":\"/meta/connect\",\"successful\":true,\"id\":\"2\",\"advice\":{\"interval\":0," \
    "\"timeout\":60000,\"reconnect\":\"retry\"}}]"
#define SUBSCRIBED                                                                                 \
    "[{\"channel\":\"/meta/subscribe\",\"subscription\":\"/event/A__e\",\"successful\":true},"     \
    "{\"channel\":\"/meta/subscribe\",\"subscription\":\"/u/B\",\"successful\":true}]"
#define POLLED "[{\"channel\":\"/meta/connect\",\"successful\":true,\"id\":\"9\"}]"

struct cometd_world {
    struct world *world;
    struct sfe_cometd *cometd;
    struct sfe_feed feed;
    uint32_t wakes;
    uint32_t changes;
};

static inline void cometd_wake(void *context)
{
    (void)context;
}

static inline void cometd_changed(void *owner)
{
    ((struct cometd_world *)owner)->changes++;
}

static inline int cometd_setup(void **state)
{
    static const struct sfe_cometd_channel channels[] = {{"/event/A__e", true}, {"/u/B", false}};
    struct cometd_world *self = test_calloc(1, sizeof(*self));
    struct world *world = world_make();

    self->world = world;
    world->http.wake = cometd_wake;
    const struct sfe_cometd_options options = {
        .connection = "crm",
        .org = world->org,
        .channels = channels,
        .channel_count = 2,
        .answer_bytes_max = 4096,
        .http = &world->http,
        .entropy = &world->entropy,
        .on_change = cometd_changed,
        .owner = self,
    };
    assert_int_equal(
        sfe_cometd_open(&options, world->arena, &self->cometd, &self->feed, &world->err), SFE_OK);
    world_log_in(world);
    *state = self;
    return 0;
}

static inline int cometd_teardown(void **state)
{
    struct cometd_world *self = *state;
    void *world = self->world;

    sfe_cometd_close(self->cometd);
    (void)world_teardown(&world);
    test_free(self);
    return 0;
}

/* The last request, after a turn. */
static inline const char *cometd_asked(struct cometd_world *self)
{
    const uint32_t before = self->world->call_count;

    (void)sfe_cometd_turn(self->cometd, self->world->now_ns);
    return self->world->call_count == before
               ? ""
               : world_call(self->world, self->world->call_count - 1)->body;
}

static inline bool cometd_asks(struct cometd_world *self, const char *words)
{
    return strstr(cometd_asked(self), words) != NULL;
}

static inline void cometd_reply(struct cometd_world *self, uint16_t status, const char *body)
{
    world_reply(self->world, self->world->call_count - 1, status, body);
}

/* Until the first poll is held. */
static inline void cometd_subscribe(struct cometd_world *self)
{
    self->feed.start(self->feed.context);
    assert_true(cometd_asks(self, "/meta/handshake"));
    cometd_reply(self, 200, HANDSHAKEN);
    assert_true(cometd_asks(self, "/meta/connect"));
    cometd_reply(self, 200, OPENED);
    assert_true(cometd_asks(self, "/meta/subscribe"));
    cometd_reply(self, 200, SUBSCRIBED);
    assert_true(cometd_asks(self, "/meta/connect"));
}

/* Takes all that was handed over; returns how many. */
static inline uint32_t cometd_take(struct cometd_world *self)
{
    struct sfe_feed_item item;
    uint32_t count = 0;

    while (self->feed.peek(self->feed.context, &item)) {
        self->feed.pass(self->feed.context);
        count++;
    }
    return count;
}

static inline struct sfe_feed_facts cometd_facts(struct cometd_world *self)
{
    struct sfe_feed_facts facts;

    self->feed.facts(self->feed.context, &facts);
    return facts;
}

#endif
