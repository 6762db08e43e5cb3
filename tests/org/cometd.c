#include "cometd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "org.h"

#define VERSION_MIN 37u

void cometd_open(struct cometd *cometd)
{
    cometd->poll_ms = 110000;
    cometd->session_ms = 40000;
    bus_open(&cometd->bus);
}

void cometd_close(struct cometd *cometd)
{
    bus_close(&cometd->bus);
    buffer_close(&cometd->scratch);
}

/* One message being answered. */
struct exchange {
    struct org *org;
    const struct http_request *request;
    struct reply *reply;
    const struct sfe_json *json;
    uint32_t message;
    struct cometd_client *client;
    uint64_t now_ms;
    bool is_alone; /* The only message of its request. */
};

static struct sfe_slice text_member(struct exchange *exchange, const char *name)
{
    const uint32_t token = sfe_json_member(exchange->json, exchange->message, sfe_slice_text(name));
    if (token == SFE_JSON_NONE || sfe_json_kind(exchange->json, token) != SFE_JSON_STRING) {
        return SFE_TEXT("");
    }
    struct buffer *scratch = &exchange->org->cometd.scratch;
    const size_t before = scratch->size;
    const struct sfe_slice raw = sfe_json_raw(exchange->json, token);
    struct sfe_builder builder =
        sfe_builder_make(buffer_reserve(scratch, raw.size + 1), raw.size + 1);
    sfe_json_add_text(exchange->json, token, &builder);
    scratch->size += builder.size;
    return sfe_slice_make(scratch->bytes + before, builder.size);
}

/* The raw `id`, which comes back as it came. */
static struct sfe_slice id_of(const struct exchange *exchange)
{
    const uint32_t token = sfe_json_member(exchange->json, exchange->message, SFE_TEXT("id"));
    if (token == SFE_JSON_NONE) {
        return SFE_TEXT("null");
    }
    struct sfe_slice raw = sfe_json_raw(exchange->json, token);
    if (sfe_json_kind(exchange->json, token) == SFE_JSON_STRING) {
        raw = sfe_slice_make(raw.bytes - 1, raw.size + 2);
    }
    return raw;
}

static void separate(struct buffer *out)
{
    if (out->size > 1) {
        buffer_add_text(out, ",");
    }
}

static void begin_reply(struct exchange *exchange, const char *channel)
{
    struct buffer *out = &exchange->reply->body;
    separate(out);
    buffer_format(out, "{\"channel\":\"%s\",\"id\":", channel);
    buffer_add(out, id_of(exchange));
    if (exchange->client != NULL) {
        buffer_format(out, ",\"clientId\":\"%s\"", exchange->client->id);
    }
}

/* `advice` and `reason` may be NULL. */
static void refuse(struct exchange *exchange, const char *channel, const char *error,
                   const char *advice, const char *reason)
{
    struct buffer *out = &exchange->reply->body;
    exchange->org->cometd.refused++;
    begin_reply(exchange, channel);
    if (reason != NULL) {
        buffer_format(out, ",\"ext\":{\"sfdc\":{\"failureReason\":\"%s\"},\"replay\":true}",
                      reason);
    }
    if (advice != NULL) {
        buffer_format(out, ",\"advice\":%s", advice);
    }
    buffer_add_text(out, ",\"error\":");
    buffer_add_json(out, sfe_slice_text(error));
    buffer_add_text(out, ",\"successful\":false}");
}

static struct sfe_slice token_of(const struct http_request *request)
{
    struct sfe_slice token = request->authorization;
    (void)split_first(&token, ' ');
    return token;
}

static struct cometd_client *find_client(struct cometd *cometd, struct sfe_slice id,
                                         uint64_t now_ms)
{
    for (uint32_t i = 0; i < COMETD_CLIENTS_MAX; i++) {
        struct cometd_client *client = &cometd->clients[i];
        if (cometd_is_gone(cometd, client, now_ms)) {
            client->id[0] = '\0';
        }
        if (client->id[0] != '\0' && sfe_slice_equal(id, sfe_slice_text(client->id))) {
            return client;
        }
    }
    return NULL;
}

static struct cometd_client *make_client(struct cometd *cometd, uint64_t now_ms)
{
    uint8_t random[8];
    struct cometd_client *client = NULL;
    (void)find_client(cometd, SFE_TEXT(""), now_ms);
    for (uint32_t i = 0; i < COMETD_CLIENTS_MAX && client == NULL; i++) {
        client = cometd->clients[i].id[0] == '\0' ? &cometd->clients[i] : NULL;
    }
    if (client == NULL) {
        return NULL;
    }
    random_fill(random, sizeof random);
    uint64_t number = 0;
    memcpy(&number, random, sizeof number);
    memset(client, 0, sizeof *client);
    cometd->made++;
    (void)snprintf(client->id, sizeof client->id, "%" PRIu64 "x%016" PRIx64, cometd->made, number);
    (void)snprintf(client->cookie, sizeof client->cookie, "b%016" PRIx64,
                   number * 0x9E3779B97F4A7C15u);
    client->gone_ms = now_ms + cometd->session_ms;
    return client;
}

static bool has_cookie(const struct http_request *request, const char *name, const char *value)
{
    struct sfe_slice rest = request->cookie;
    while (rest.size != 0) {
        struct sfe_slice one = split_first(&rest, ';');
        while (one.size != 0 && one.bytes[0] == ' ') {
            one = sfe_slice_part(one, 1, one.size);
        }
        const struct sfe_slice key = split_first(&one, '=');
        if (sfe_slice_equal(key, sfe_slice_text(name)) &&
            sfe_slice_equal(one, sfe_slice_text(value))) {
            return true;
        }
    }
    return false;
}

static void handshake(struct exchange *exchange)
{
    struct org *org = exchange->org;
    struct reply *reply = exchange->reply;
    const struct sfe_slice token = token_of(exchange->request);
    const uint32_t replay =
        sfe_json_find(exchange->json, exchange->message, SFE_TEXT("/ext/replay"));
    if (!session_alive(&org->sessions, token)) {
        org->audit.unauthorized++;
        refuse(exchange, "/meta/handshake", "403::Handshake denied", "{\"reconnect\":\"none\"}",
               "401::Authentication invalid");
        return;
    }
    if (!sfe_slice_equal(text_member(exchange, "version"), SFE_TEXT("1.0")) ||
        replay == SFE_JSON_NONE) {
        refuse(exchange, "/meta/handshake", "406::Unsupported version", "{\"reconnect\":\"none\"}",
               NULL);
        return;
    }
    struct cometd_client *client = make_client(&org->cometd, exchange->now_ms);
    if (client == NULL) {
        refuse(exchange, "/meta/handshake", "403::Handshake denied", "{\"reconnect\":\"none\"}",
               "403::Organization concurrent user limit exceeded");
        return;
    }
    (void)snprintf(client->token, sizeof client->token, "%.*s", (int)token.size,
                   (const char *)token.bytes);
    exchange->client = client;
    org->cometd.handshakes++;
    begin_reply(exchange, "/meta/handshake");
    buffer_add_text(&reply->body,
                    ",\"version\":\"1.0\",\"minimumVersion\":\"1.0\",\"supportedConnectionTypes\":["
                    "\"long-polling\"],\"ext\":{\"replay\":true,\"payload.format\":true},"
                    "\"successful\":true}");
    (void)snprintf(reply->headers, sizeof reply->headers,
                   "Set-Cookie: BAYEUX_BROWSER=%s; Path=/cometd/; Secure; HttpOnly\r\n"
                   "Set-Cookie: sfdc-stream=!%s==; Path=/; Secure\r\n"
                   "Set-Cookie: LSKey-c$CookieConsentPolicy=0:1; Path=/\r\n",
                   client->cookie, client->cookie);
}

/* Adds what the client has not been sent yet; returns how many. */
static uint32_t add_events(struct cometd *cometd, struct cometd_client *client, struct buffer *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < cometd->bus.count; i++) {
        const struct bus_event *event = &cometd->bus.events[i];
        for (uint32_t k = 0; k < client->subscription_count; k++) {
            struct cometd_subscription *one = &client->subscriptions[k];
            if (event->replay <= one->after || strcmp(event->channel, one->channel) != 0) {
                continue;
            }
            one->after = event->replay;
            separate(out);
            buffer_format(out, "{\"channel\":\"%s\",\"clientId\":\"%s\",\"data\":", event->channel,
                          client->id);
            buffer_add(out, buffer_slice(&event->data));
            buffer_add_text(out, "}");
            count++;
        }
    }
    cometd->sent += count;
    return count;
}

static bool has_events(const struct cometd *cometd, const struct cometd_client *client)
{
    for (uint32_t i = cometd->bus.count; i-- > 0;) {
        const struct bus_event *event = &cometd->bus.events[i];
        for (uint32_t k = 0; k < client->subscription_count; k++) {
            if (event->replay > client->subscriptions[k].after &&
                strcmp(event->channel, client->subscriptions[k].channel) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The replay id asked for as a place on the bus: all behind it. False: there is no such id. */
static bool find_place(const struct exchange *exchange, struct sfe_slice channel, uint64_t *after)
{
    const struct bus *bus = &exchange->org->cometd.bus;
    const uint32_t map = sfe_json_find(exchange->json, exchange->message, SFE_TEXT("/ext/replay"));
    const uint32_t token =
        map == SFE_JSON_NONE ? SFE_JSON_NONE : sfe_json_member(exchange->json, map, channel);
    *after = bus->last_replay;
    if (token == SFE_JSON_NONE) {
        return true;
    }
    const struct sfe_slice raw = sfe_json_raw(exchange->json, token);
    if (sfe_slice_equal(raw, SFE_TEXT("-1"))) {
        return true;
    }
    if (sfe_slice_equal(raw, SFE_TEXT("-2"))) {
        *after = 0;
        return true;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] < '0' || raw.bytes[i] > '9' || number > UINT64_MAX / 100) {
            return false;
        }
        number = number * 10 + (uint64_t)(raw.bytes[i] - '0');
    }
    *after = number;
    return bus_knows(bus, number);
}

static void refuse_replay(struct exchange *exchange, struct sfe_slice channel)
{
    char error[256];
    char shown[BUS_CHANNEL_BYTES];
    const uint32_t map = sfe_json_find(exchange->json, exchange->message, SFE_TEXT("/ext/replay"));
    const struct sfe_slice raw =
        sfe_json_raw(exchange->json, sfe_json_member(exchange->json, map, channel));
    sfe_printable(shown, sizeof shown, channel);
    (void)snprintf(error, sizeof error,
                   "400::The replayId {%.*s} you provided was invalid.  Please provide a valid ID, "
                   "-2 to replay all events, or -1 to replay only new events.",
                   (int)raw.size, (const char *)raw.bytes);
    refuse(exchange, "/meta/subscribe", error, NULL, error);
    exchange->reply->body.size--; /* The brace. */
    buffer_format(&exchange->reply->body, ",\"subscription\":\"%s\"}", shown);
}

static void subscribe(struct exchange *exchange)
{
    struct cometd *cometd = &exchange->org->cometd;
    struct cometd_client *client = exchange->client;
    const struct sfe_slice channel = text_member(exchange, "subscription");
    char shown[BUS_CHANNEL_BYTES];
    char error[256];
    uint64_t after = 0;
    sfe_printable(shown, sizeof shown, channel);
    if (!bus_has_channel(&exchange->org->schema, channel)) {
        (void)snprintf(error, sizeof error,
                       "400::The channel you requested to subscribe to does not exist {%s}", shown);
        refuse(exchange, "/meta/subscribe", error, NULL, NULL);
        exchange->reply->body.size--;
        buffer_format(&exchange->reply->body, ",\"subscription\":\"%s\"}", shown);
        return;
    }
    if (!find_place(exchange, channel, &after)) {
        refuse_replay(exchange, channel);
        return;
    }
    if (client->subscription_count == COMETD_CHANNELS_MAX) {
        refuse(exchange, "/meta/subscribe", "403::Subscription limit exceeded", NULL, NULL);
        return;
    }
    struct cometd_subscription *made = &client->subscriptions[client->subscription_count++];
    (void)snprintf(made->channel, sizeof made->channel, "%s", shown);
    made->after = after;
    /* Before the reply: a client that waits for it first is wrong. */
    (void)add_events(cometd, client, &exchange->reply->body);
    begin_reply(exchange, "/meta/subscribe");
    buffer_format(&exchange->reply->body, ",\"subscription\":\"%s\",\"successful\":true}", shown);
}

static void add_connect_reply(struct cometd_client *client, struct sfe_slice id, const char *advice,
                              struct buffer *out)
{
    separate(out);
    buffer_format(out, "{\"clientId\":\"%s\",\"channel\":\"/meta/connect\",\"id\":", client->id);
    buffer_add(out, id);
    buffer_add_text(out, advice);
    buffer_add_text(out, ",\"successful\":true}");
}

static uint64_t wanted_ms(const struct exchange *exchange)
{
    const uint32_t token =
        sfe_json_find(exchange->json, exchange->message, SFE_TEXT("/advice/timeout"));
    uint64_t number = 0;
    if (token == SFE_JSON_NONE) {
        return exchange->org->cometd.poll_ms;
    }
    const struct sfe_slice raw = sfe_json_raw(exchange->json, token);
    for (size_t i = 0; i < raw.size && raw.bytes[i] >= '0' && raw.bytes[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(raw.bytes[i] - '0');
    }
    return number < exchange->org->cometd.poll_ms ? number : exchange->org->cometd.poll_ms;
}

static void connect(struct exchange *exchange)
{
    struct cometd *cometd = &exchange->org->cometd;
    struct cometd_client *client = exchange->client;
    struct buffer *out = &exchange->reply->body;
    const struct sfe_slice id = id_of(exchange);
    char advice[160];
    if (!sfe_slice_equal(text_member(exchange, "connectionType"), SFE_TEXT("long-polling"))) {
        refuse(exchange, "/meta/connect", "400::Invalid connection type",
               "{\"reconnect\":\"none\"}", NULL);
        return;
    }
    client->gone_ms = exchange->now_ms + cometd->session_ms;
    if (client->poll_id[0] != '\0') { /* It is answered: there is one at a time. */
        client->poll_id[0] = '\0';
        client->poll_number = 0;
    }
    const uint64_t hold_ms = wanted_ms(exchange);
    const bool is_first = !client->has_connected;
    client->has_connected = true;
    (void)snprintf(advice, sizeof advice,
                   ",\"advice\":{\"interval\":0,\"timeout\":%" PRIu32
                   ",\"multiple-clients\":false,\"reconnect\":\"retry\"}",
                   cometd->poll_ms);
    if (is_first || hold_ms == 0 || !exchange->is_alone || has_events(cometd, client) ||
        id.size >= sizeof client->poll_id) {
        (void)add_events(cometd, client, out);
        add_connect_reply(client, id, is_first ? advice : "", out);
        return;
    }
    (void)snprintf(client->poll_id, sizeof client->poll_id, "%.*s", (int)id.size,
                   (const char *)id.bytes);
    client->poll_number = ++cometd->made;
    client->poll_until_ms = exchange->now_ms + hold_ms;
    exchange->reply->fate = REPLY_HOLD;
    exchange->reply->poll_number = client->poll_number;
}

static void disconnect(struct exchange *exchange)
{
    begin_reply(exchange, "/meta/disconnect");
    buffer_add_text(&exchange->reply->body, ",\"successful\":true}");
    exchange->client->id[0] = '\0';
}

static void answer_known(struct exchange *exchange, struct sfe_slice channel, const char *name)
{
    const struct sfe_slice token = token_of(exchange->request);
    const struct cometd_client *client = exchange->client;
    char error[256];
    if (!session_alive(&exchange->org->sessions, token)) {
        exchange->org->audit.unauthorized++;
        refuse(exchange, name, "401::Authentication invalid",
               "{\"reconnect\":\"none\",\"interval\":0}", NULL);
        return;
    }
    if (client == NULL) {
        refuse(exchange, name, "403::Unknown client",
               "{\"reconnect\":\"handshake\",\"interval\":0}", NULL);
        return;
    }
    if (!has_cookie(exchange->request, "BAYEUX_BROWSER", client->cookie)) {
        (void)snprintf(error, sizeof error,
                       "400::Client %s has established a session, but no BAYEUX_BROWSER cookie "
                       "present",
                       client->id);
        refuse(exchange, name, error, "{\"reconnect\":\"none\"}", NULL);
        return;
    }
    if (sfe_slice_equal(channel, SFE_TEXT("/meta/connect"))) {
        connect(exchange);
    } else if (sfe_slice_equal(channel, SFE_TEXT("/meta/subscribe"))) {
        subscribe(exchange);
    } else if (sfe_slice_equal(channel, SFE_TEXT("/meta/disconnect"))) {
        disconnect(exchange);
    } else {
        refuse(exchange, name, "400::Unknown channel", NULL, NULL);
    }
}

static void answer_message(struct exchange *exchange)
{
    char name[BUS_CHANNEL_BYTES];
    const struct sfe_slice channel = text_member(exchange, "channel");
    sfe_printable(name, sizeof name, channel);
    exchange->client = NULL;
    if (token_of(exchange->request).size == 0) {
        refuse(exchange, name, "401::Request requires authentication", NULL, NULL);
    } else if (sfe_slice_equal(channel, SFE_TEXT("/meta/handshake"))) {
        handshake(exchange);
    } else {
        exchange->client = find_client(&exchange->org->cometd, text_member(exchange, "clientId"),
                                       exchange->now_ms);
        answer_known(exchange, channel, name);
    }
}

/* "/cometd/62.0", and what some clients add. */
static bool has_version(struct sfe_slice path)
{
    struct sfe_slice rest = sfe_slice_part(path, 8, path.size);
    struct sfe_slice version = split_first(&rest, '/');
    unsigned number = 0;
    while (version.size != 0 && version.bytes[0] >= '0' && version.bytes[0] <= '9') {
        number = number * 10 + (unsigned)(version.bytes[0] - '0');
        version = sfe_slice_part(version, 1, version.size);
    }
    return number >= VERSION_MIN && number < 1000 && sfe_slice_equal(version, SFE_TEXT(".0"));
}

static void refuse_request(struct reply *reply, const char *message)
{
    reply->status = 400;
    buffer_add_text(&reply->body, "[{\"error\":");
    buffer_add_json(&reply->body, sfe_slice_text(message));
    buffer_add_text(&reply->body, ",\"successful\":false}]");
}

void cometd_answer(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_json json;
    struct sfe_error err;
    if (!has_version(request->path)) {
        refuse_request(reply, "400::API version in the URI is mandatory. URI format: "
                              "'/cometd/65.0'");
        return;
    }
    if (request->method != HTTP_POST || org_parse(org, request->body, &json, &err) != SFE_OK ||
        sfe_json_kind(&json, 0) != SFE_JSON_ARRAY || sfe_json_length(&json, 0) == 0) {
        refuse_request(reply, "400::Messages are an array that is posted");
        return;
    }
    struct exchange exchange = {.org = org,
                                .request = request,
                                .reply = reply,
                                .json = &json,
                                .now_ms = clock_monotonic_ms(),
                                .is_alone = sfe_json_length(&json, 0) == 1};
    org->cometd.scratch.size = 0;
    (void)buffer_reserve(&org->cometd.scratch, request->body.size * 2 + 64);
    reply->status = 200;
    reply->may_gzip = true;
    buffer_add_text(&reply->body, "[");
    for (uint32_t message = sfe_json_first(&json, 0); message != SFE_JSON_NONE;
         message = sfe_json_next(&json, 0, message)) {
        exchange.message = message;
        answer_message(&exchange);
    }
    buffer_add_text(&reply->body, "]");
}

bool cometd_finish(struct org *org, uint64_t poll_number, uint64_t now_ms, struct reply *reply,
                   uint64_t *next_ms)
{
    struct cometd *cometd = &org->cometd;
    struct cometd_client *client = NULL;
    for (uint32_t i = 0; i < COMETD_CLIENTS_MAX && client == NULL; i++) {
        if (cometd->clients[i].poll_number == poll_number && cometd->clients[i].id[0] != '\0') {
            client = &cometd->clients[i];
        }
    }
    reply->status = 200;
    reply->content_type = "application/json;charset=UTF-8";
    reply->body.size = 0;
    reply->headers[0] = '\0';
    reply->fate = REPLY_SEND;
    reply->delay_ms = 0;
    reply->may_gzip = false;
    buffer_add_text(&reply->body, "[");
    if (client == NULL) {
        buffer_add_text(&reply->body,
                        "{\"channel\":\"/meta/connect\",\"id\":\"0\",\"advice\":{\"reconnect\":"
                        "\"handshake\",\"interval\":0},\"error\":\"403::Unknown client\","
                        "\"successful\":false}]");
        return true;
    }
    if (!session_alive(&org->sessions, sfe_slice_text(client->token))) {
        client->id[0] = '\0';
        buffer_add_text(&reply->body,
                        "{\"channel\":\"/meta/connect\",\"id\":0,\"advice\":{\"reconnect\":"
                        "\"none\",\"interval\":0},\"error\":\"401::Authentication invalid\","
                        "\"successful\":false}]");
        return true;
    }
    *next_ms = client->poll_until_ms;
    if (client->poll_until_ms > now_ms && !has_events(cometd, client)) {
        return false;
    }
    const uint32_t count = add_events(cometd, client, &reply->body);
    add_connect_reply(client, sfe_slice_text(client->poll_id), "", &reply->body);
    buffer_add_text(&reply->body, "]");
    client->poll_id[0] = '\0';
    client->poll_number = 0;
    client->gone_ms = now_ms + cometd->session_ms;
    if (count != 0 && faults_happens(&org->faults, FAULT_EVENTS_LOST)) {
        cometd->lost += count;
        reply->fate = REPLY_CUT; /* The org takes them for delivered. */
    }
    return true;
}
