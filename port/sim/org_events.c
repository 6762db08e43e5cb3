#include "sim/org_events.h"

#include "base/assert.h"
#include "base/json_writer.h"
#include "sim/org_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX    4u
#define NAME_BYTES     24u
#define ANSWER_MAX     60u /* Events of one. */
#define POLL_NS        UINT64_C(110000000000)
#define SESSION_NS     UINT64_C(40000000000)
#define ID_STEP_MAX    5u
#define ID_JUMP        1000000u
#define WAKE_NS_MAX    50000000u
#define INTERVAL_MS    3000u
#define SHORT_POLL_MS  20000u
#define HELD_CUT_NS    1000000u
#define EVENT_HEAD_MAX 160u

const char *const sim_org_channels[SIM_ORG_CHANNELS] = {"/event/Zero__e", "/event/One__e"};

struct kept_event {
    uint32_t channel;
    uint32_t number;
    uint64_t replay;
    size_t size;
    uint8_t *payload; /* Owned. */
};

struct events_client {
    char id[NAME_BYTES]; /* Empty: none. */
    char cookie[NAME_BYTES];
    uint64_t left_ns; /* Until it is taken for gone, unless it polls. */
    bool has_connected;
    bool is_subscribed[SIM_ORG_CHANNELS];
    uint64_t after[SIM_ORG_CHANNELS]; /* Replay id of the last event sent. */
};

struct org_events {
    struct kept_event events[SIM_ORG_EVENTS_MAX];
    uint32_t count;
    uint32_t first_kept;
    uint64_t last_replay;
    uint64_t known_from; /* Places below it are refused. */
    struct events_client clients[CLIENTS_MAX];
    uint32_t made;
    uint64_t poll_ns;
    uint64_t sent;
    uint64_t stale;
};

/* A request being answered. */
struct answering {
    struct sim_org *org;
    struct org_events *events;
    struct exchange *exchange;
    struct events_client *client; /* NULL: unknown. */
    const struct sfe_json *json;
    uint32_t message;
    struct sfe_json_writer *out;
    uint32_t sent;
};

static struct org_events *events_of(struct sim_org *org)
{
    if (org->events == NULL) {
        org->events = calloc(1, sizeof(*org->events));
        SFE_ASSERT(org->events != NULL);
        org->events->poll_ns = POLL_NS;
        org->events->last_replay = 1000;
        org->events->known_from = 1000;
    }
    return org->events;
}

bool org_events_is(const struct exchange *exchange)
{
    return strstr(exchange->url, "/cometd/") != NULL;
}

/* A poll that is held is answered soon. */
static void wake_polls(struct sim_org *org, uint64_t within_ns)
{
    for (uint32_t i = 0; i < EXCHANGES_MAX; i++) {
        struct exchange *exchange = &org->exchanges[i];
        const uint64_t due_ns =
            org->options.world->now_ns + sim_random_below(&org->random, (uint32_t)within_ns);
        if (exchange->is_used && exchange->is_held && exchange->due_ns > due_ns) {
            exchange->due_ns = due_ns;
        }
    }
}

bool sim_org_publish(struct sim_org *org, uint32_t channel, uint32_t number,
                     struct sfe_slice payload)
{
    struct org_events *events = events_of(org);

    SFE_ASSERT(channel < SIM_ORG_CHANNELS && payload.size <= SIM_ORG_EVENT_BYTES);
    if (events->count == SIM_ORG_EVENTS_MAX) {
        return false;
    }
    struct kept_event *event = &events->events[events->count++];
    events->last_replay += 1u + sim_random_below(&org->random, ID_STEP_MAX);
    *event = (struct kept_event){.channel = channel,
                                 .number = number,
                                 .replay = events->last_replay,
                                 .size = payload.size,
                                 .payload = malloc(payload.size + 1u)};
    SFE_ASSERT(event->payload != NULL);
    memcpy(event->payload, payload.bytes, payload.size);
    wake_polls(org, WAKE_NS_MAX);
    return true;
}

void sim_org_events_drop(struct sim_org *org, uint32_t kept)
{
    struct org_events *events = events_of(org);

    while (events->count - events->first_kept > kept) {
        /* Who has this one, has missed nothing. */
        events->known_from = events->events[events->first_kept++].replay;
    }
    for (uint32_t i = 0; i < CLIENTS_MAX; i++) { /* No session outlasts the retention. */
        struct events_client *client = &events->clients[i];
        for (uint32_t k = 0; k < SIM_ORG_CHANNELS; k++) {
            if (client->after[k] < events->known_from) {
                client->id[0] = '\0';
            }
        }
    }
}

void sim_org_events_renumber(struct sim_org *org)
{
    struct org_events *events = events_of(org);

    events->last_replay += ID_JUMP;
    events->known_from = events->last_replay;
    for (uint32_t i = events->first_kept; i < events->count; i++) {
        events->last_replay += 1u + sim_random_below(&org->random, ID_STEP_MAX);
        events->events[i].replay = events->last_replay;
    }
    memset(events->clients, 0, sizeof(events->clients));
    wake_polls(org, WAKE_NS_MAX);
}

/* The next event kept that the client was not sent; NULL: none. */
static const struct kept_event *next_event(const struct org_events *events,
                                           const struct events_client *client)
{
    for (uint32_t i = events->first_kept; i < events->count; i++) {
        const struct kept_event *event = &events->events[i];
        if (client->is_subscribed[event->channel] &&
            event->replay > client->after[event->channel]) {
            return event;
        }
    }
    return NULL;
}

bool sim_org_events_idle(const struct sim_org *org)
{
    bool is_held = false;

    for (uint32_t i = 0; i < EXCHANGES_MAX; i++) {
        is_held = is_held || (org->exchanges[i].is_used && org->exchanges[i].is_held);
    }
    for (uint32_t i = 0; is_held && org->events != NULL && i < CLIENTS_MAX; i++) {
        const struct events_client *client = &org->events->clients[i];
        bool has_all = client->id[0] != '\0' && next_event(org->events, client) == NULL;
        for (uint32_t k = 0; k < SIM_ORG_CHANNELS; k++) {
            has_all = has_all && client->is_subscribed[k];
        }
        if (has_all) {
            return true;
        }
    }
    return false;
}

uint64_t sim_org_events_sent(const struct sim_org *org)
{
    return org->events == NULL ? 0 : org->events->sent;
}

uint64_t sim_org_events_stale(const struct sim_org *org)
{
    return org->events == NULL ? 0 : org->events->stale;
}

void org_events_advance(struct sim_org *org, uint64_t passed_ns)
{
    for (uint32_t i = 0; org->events != NULL && i < CLIENTS_MAX; i++) {
        struct events_client *client = &org->events->clients[i];
        client->left_ns -= passed_ns < client->left_ns ? passed_ns : client->left_ns;
        if (client->left_ns == 0) {
            client->id[0] = '\0';
        }
    }
}

void org_events_break(struct sim_org *org)
{
    for (uint32_t i = 0; i < EXCHANGES_MAX; i++) {
        struct exchange *exchange = &org->exchanges[i];
        if (exchange->is_used && exchange->is_held) {
            exchange->fate =
                sim_random_chance(&org->random, 500) ? FATE_LOST_BEFORE : FATE_LOST_AFTER;
        }
    }
    wake_polls(org, HELD_CUT_NS);
}

void org_events_close(struct sim_org *org)
{
    for (uint32_t i = 0; org->events != NULL && i < org->events->count; i++) {
        free(org->events->events[i].payload);
    }
    free(org->events);
    org->events = NULL;
}

static struct sfe_slice text_of(const struct answering *answering, const char *pointer)
{
    const uint32_t token =
        sfe_json_find(answering->json, answering->message, sfe_slice_text(pointer));

    return token == SFE_JSON_NONE ? sfe_slice_make(NULL, 0) : sfe_json_raw(answering->json, token);
}

static bool is_channel(const struct answering *answering, const char *name)
{
    return sfe_slice_equal(text_of(answering, "/channel"), sfe_slice_text(name));
}

static struct events_client *find_client(struct answering *answering)
{
    const struct sfe_slice id = text_of(answering, "/clientId");

    for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
        struct events_client *client = &answering->events->clients[i];
        if (client->id[0] != '\0' && sfe_slice_equal(id, sfe_slice_text(client->id))) {
            return client;
        }
    }
    return NULL;
}

static void add_event(struct sfe_json_writer *out, const struct kept_event *event)
{
    char text[SIM_ORG_EVENT_BYTES + EVENT_HEAD_MAX];
    struct sfe_builder data = sfe_builder_make(text, sizeof(text));

    sfe_builder_format(&data, "{\"schema\":\"s\",\"payload\":");
    sfe_builder_add(&data, sfe_slice_make(event->payload, event->size));
    sfe_builder_format(&data, ",\"event\":{\"replayId\":%" PRIu64 ",\"EventUuid\":\"u-%u\"}}",
                       event->replay, (unsigned)event->number);
    SFE_ASSERT(!data.overflowed);
    sfe_json_begin_object(out, NULL);
    sfe_json_put_text(out, "channel", sfe_slice_text(sim_org_channels[event->channel]));
    sfe_json_put_raw(out, "data", sfe_builder_slice(&data));
    sfe_json_end_object(out);
}

/* Taken for delivered from here on. */
static void add_events(struct answering *answering)
{
    const struct kept_event *event;

    while (answering->sent < ANSWER_MAX &&
           (event = next_event(answering->events, answering->client)) != NULL) {
        add_event(answering->out, event);
        answering->client->after[event->channel] = event->replay;
        answering->sent++;
        answering->events->sent++;
    }
}

static void begin_reply(const struct answering *answering, bool is_successful)
{
    struct sfe_json_writer *out = answering->out;

    sfe_json_begin_object(out, NULL);
    sfe_json_put_text(out, "channel", text_of(answering, "/channel"));
    sfe_json_put_text(out, "id", text_of(answering, "/id"));
    sfe_json_put_bool(out, "successful", is_successful);
    if (answering->client != NULL) {
        sfe_json_put_text(out, "clientId", sfe_slice_text(answering->client->id));
    }
}

/* `reconnect` NULL: no advice. */
static void refuse(const struct answering *answering, const char *error, const char *reconnect)
{
    struct sfe_json_writer *out = answering->out;

    begin_reply(answering, false);
    sfe_json_put_text(out, "error", sfe_slice_text(error));
    if (text_of(answering, "/subscription").size != 0) {
        sfe_json_put_text(out, "subscription", text_of(answering, "/subscription"));
    }
    if (reconnect != NULL) {
        sfe_json_begin_object(out, "advice");
        sfe_json_put_text(out, "reconnect", sfe_slice_text(reconnect));
        sfe_json_put_i64(out, "interval", 0);
        sfe_json_end_object(out);
    }
    sfe_json_end_object(out);
}

static void handshake(struct answering *answering)
{
    struct org_events *events = answering->events;
    struct events_client *client = &events->clients[events->made % CLIENTS_MAX];
    char cookie[2u * NAME_BYTES + 32u];

    events->made++;
    *client = (struct events_client){.left_ns = SESSION_NS};
    (void)snprintf(client->id, sizeof(client->id), "%ux%u", (unsigned)events->made,
                   (unsigned)sim_random_below(&answering->org->random, 1u << 30));
    (void)snprintf(client->cookie, sizeof(client->cookie), "BAYEUX_BROWSER=b%u",
                   (unsigned)events->made);
    (void)snprintf(cookie, sizeof(cookie), "%s; Path=/cometd/; Secure\n", client->cookie);
    SFE_ASSERT(answering->exchange->cookies != NULL);
    sfe_builder_add_text(answering->exchange->cookies, cookie);
    answering->client = client;
    begin_reply(answering, true);
    sfe_json_end_object(answering->out);
}

/* The place asked for; false: it is not known. */
static bool find_place(const struct answering *answering, uint32_t channel, uint64_t *after)
{
    const struct org_events *events = answering->events;
    const uint32_t map =
        sfe_json_find(answering->json, answering->message, SFE_TEXT("/ext/replay"));
    uint64_t number = 0;

    SFE_ASSERT(map != SFE_JSON_NONE);
    const uint32_t token =
        sfe_json_member(answering->json, map, sfe_slice_text(sim_org_channels[channel]));
    SFE_ASSERT(token != SFE_JSON_NONE);
    const struct sfe_slice raw = sfe_json_raw(answering->json, token);
    if (sfe_slice_equal(raw, SFE_TEXT("-1"))) {
        *after = events->last_replay;
        return true;
    }
    if (sfe_slice_equal(raw, SFE_TEXT("-2"))) {
        *after = 0;
        return true;
    }
    const bool is_number = sfe_json_read_count(answering->json, token, &number);
    *after = number;
    return is_number && number >= events->known_from && number <= events->last_replay;
}

static void subscribe(struct answering *answering)
{
    const struct sfe_slice name = text_of(answering, "/subscription");
    uint32_t channel = 0;
    uint64_t after = 0;

    while (!sfe_slice_equal(name, sfe_slice_text(sim_org_channels[channel]))) {
        channel++;
        SFE_ASSERT(channel < SIM_ORG_CHANNELS);
    }
    if (!find_place(answering, channel, &after)) {
        answering->events->stale++;
        refuse(answering,
               "400::The replayId {1} you provided was invalid.  Please provide a valid ID, -2 to "
               "replay all events, or -1 to replay only new events.",
               NULL);
        return;
    }
    answering->client->is_subscribed[channel] = true;
    answering->client->after[channel] = after;
    answering->client->left_ns = SESSION_NS;
    if (sim_random_chance(&answering->org->random, 500)) {
        add_events(answering); /* Before the reply: a client that waits for it first is wrong. */
    }
    begin_reply(answering, true);
    sfe_json_put_text(answering->out, "subscription", name);
    sfe_json_end_object(answering->out);
}

static void connect(struct answering *answering)
{
    struct sim_org *org = answering->org;
    struct sfe_json_writer *out = answering->out;
    const bool is_short = sim_random_chance(&org->random, org->trouble_permille);

    answering->client->has_connected = true;
    answering->client->left_ns = SESSION_NS;
    add_events(answering);
    begin_reply(answering, true);
    if (is_short || sim_random_chance(&org->random, 100)) {
        answering->events->poll_ns = is_short ? UINT64_C(1000000) * SHORT_POLL_MS : POLL_NS;
        sfe_json_begin_object(out, "advice");
        sfe_json_put_text(out, "reconnect", SFE_TEXT("retry"));
        sfe_json_put_i64(out, "interval",
                         is_short ? (int64_t)sim_random_below(&org->random, INTERVAL_MS) : 0);
        sfe_json_put_i64(out, "timeout", (int64_t)(answering->events->poll_ns / 1000000u));
        sfe_json_end_object(out);
    }
    sfe_json_end_object(out);
}

static void answer_known(struct answering *answering)
{
    if (strstr(answering->exchange->cookie, answering->client->cookie) == NULL) {
        refuse(answering, "400::Client has established a session, but no BAYEUX_BROWSER cookie",
               "none");
    } else if (is_channel(answering, "/meta/connect")) {
        connect(answering);
    } else if (is_channel(answering, "/meta/subscribe")) {
        subscribe(answering);
    } else {
        SFE_ASSERT(is_channel(answering, "/meta/disconnect"));
        begin_reply(answering, true);
        sfe_json_end_object(answering->out);
        answering->client->id[0] = '\0';
    }
}

/* A session or a token that ends, or an org that has no time. */
static bool answer_trouble(struct answering *answering)
{
    static const char *const advice[] = {"handshake", "retry", "none", NULL};
    const char *reconnect = advice[sim_random_below(&answering->org->random, 4)];

    if (answering->exchange->fate == FATE_HALTED) {
        refuse(answering, "503::Server is too busy. Please try your request again later.",
               reconnect);
        return true;
    }
    if (answering->exchange->fate == FATE_LOCKED && answering->client != NULL) {
        answering->client->id[0] = '\0';
        answering->client = NULL;
    }
    if (answering->client == NULL && !is_channel(answering, "/meta/handshake")) {
        refuse(answering,
               sim_random_chance(&answering->org->random, 500) ? "402::Unknown client"
                                                               : "403::Unknown client",
               "handshake");
        return true;
    }
    return false;
}

static void answer_message(struct answering *answering)
{
    answering->client = find_client(answering);
    if (!org_has_session(answering->org, answering->exchange)) {
        refuse(answering, "401::Authentication invalid", "none");
    } else if (answer_trouble(answering)) {
        return;
    } else if (is_channel(answering, "/meta/handshake")) {
        handshake(answering);
    } else {
        answer_known(answering);
    }
}

static void parse(struct sim_org *org, const struct exchange *exchange, struct sfe_json *json)
{
    struct sfe_error err;
    const enum sfe_code code = sfe_json_parse(sfe_slice_make(exchange->body, exchange->body_size),
                                              0, org->tokens, TOKENS_MAX, json, &err);

    SFE_ASSERT(code == SFE_OK && sfe_json_kind(json, 0) == SFE_JSON_ARRAY);
}

bool org_events_holds(struct sim_org *org, struct exchange *exchange)
{
    struct org_events *events = events_of(org);
    struct sfe_json json;
    uint64_t asked_ms = 0;

    if (!org_events_is(exchange) || exchange->is_held ||
        (exchange->fate != FATE_FINE && exchange->fate != FATE_LOST_AFTER &&
         exchange->fate != FATE_CUT)) {
        return false;
    }
    parse(org, exchange, &json);
    struct answering answering = {.org = org,
                                  .events = events,
                                  .exchange = exchange,
                                  .json = &json,
                                  .message = sfe_json_first(&json, 0)};
    const struct events_client *client = find_client(&answering);
    const uint32_t timeout = sfe_json_find(&json, answering.message, SFE_TEXT("/advice/timeout"));
    if (!is_channel(&answering, "/meta/connect") || client == NULL || !client->has_connected ||
        next_event(events, client) != NULL) {
        return false;
    }
    if (!sfe_json_read_count(&json, timeout, &asked_ms)) {
        asked_ms = events->poll_ns / 1000000u;
    }
    const uint64_t hold_ns =
        asked_ms * 1000000u < events->poll_ns ? asked_ms * 1000000u : events->poll_ns;
    exchange->is_held = true;
    exchange->due_ns = org->options.world->now_ns + hold_ns;
    find_client(&answering)->left_ns = hold_ns + SESSION_NS;
    return hold_ns != 0;
}

void org_events_act(struct sim_org *org, struct exchange *exchange, struct sfe_builder *body)
{
    struct sfe_json_writer out = sfe_json_writer_make(body);
    struct sfe_json json;
    struct answering answering = {
        .org = org, .events = events_of(org), .exchange = exchange, .json = &json, .out = &out};

    parse(org, exchange, &json);
    if (exchange->fate == FATE_SESSION) {
        org->token_number++;
    }
    sfe_json_begin_array(&out, NULL);
    for (uint32_t at = sfe_json_first(&json, 0); at != SFE_JSON_NONE;
         at = sfe_json_next(&json, 0, at)) {
        answering.message = at;
        answer_message(&answering);
    }
    sfe_json_end_array(&out);
    SFE_ASSERT(!body->overflowed);
}
