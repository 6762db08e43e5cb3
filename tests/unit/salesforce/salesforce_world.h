/* An org without a network: what was asked is kept, and the test says the answers. */
#ifndef SFE_TESTS_SALESFORCE_WORLD_H
#define SFE_TESTS_SALESFORCE_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "output/lane.h"
#include "salesforce/org.h"
#include "salesforce/records.h"

#define SECOND     UINT64_C(1000000000)
#define CALLS_MAX  64u
#define BODY_MAX   65536u
#define EVENTS_MAX 512u
#define SLOTS      4u
#define NOW_S      INT64_C(1764000000)

#define TOKEN_ANSWER                                                                               \
    "{\"access_token\":\"00Dtoken\",\"instance_url\":\"https://acme.my.salesforce.com\","          \
    "\"token_type\":\"Bearer\"}"
#define SESSION_ENDED                                                                              \
    "[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]"

struct call {
    char method[8];
    char url[256];
    char authorization[128];
    bool is_gzip;
    bool is_over;
    const struct sfe_http_sink *sink;
    uint32_t bytes_per_second_max;
    uint32_t total_timeout_ms;
    char body[BODY_MAX];
    size_t body_size;
    struct sfe_builder *answer_body;
    void *tag;
};

struct world {
    struct sfe_arena *arena;
    struct sfe_http http;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_crypto crypto;
    struct sfe_org *org;
    struct sfe_target target;
    struct sfe_target_host host;
    struct sfe_lane *lane;
    struct sfe_map *maps[2];
    struct call *calls;
    uint32_t call_count;
    uint64_t now_ns;
    int64_t wall_s;
    enum sfe_clock_quality quality;
    enum sfe_code begin_code; /* What http's begin says. */
    /* The target's host. */
    const char *payloads[EVENTS_MAX];
    uint32_t payload_count;
    uint32_t places[SLOTS][EVENTS_MAX];
    uint32_t place_count[SLOTS];
    uint32_t attempts;
    bool is_gone;                     /* Fetch finds nothing. */
    bool is_bulk;                     /* The target is none of records. */
    struct sfe_records_verb verbs[2]; /* Of the maps; set before they are opened. */
    uint32_t finished_count;
    struct sfe_slot_result result;
    struct sfe_verdict verdicts[EVENTS_MAX];
    struct sfe_error err;
    uint64_t order_key;
    struct sfe_where *where; /* Of the records; NULL: all are taken. */
};

/* Reads a streamed body as curl does, in pieces. */
static inline void world_read(struct call *call, const struct sfe_http_body *upload)
{
    call->body_size = 0;
    while (call->body_size < upload->size) {
        size_t got = 0;
        size_t left = (size_t)upload->size - call->body_size;
        union {
            char *text;
            uint8_t *bytes;
        } place = {.text = call->body + call->body_size};
        assert_true(upload->size < BODY_MAX);
        if (upload->read(upload->context, place.bytes, left < 7 ? left : 7, &got) != SFE_OK) {
            return;
        }
        call->body_size += got;
    }
    call->body[call->body_size] = '\0';
}

static inline enum sfe_code world_begin(void *context, const struct sfe_http_request *request,
                                        struct sfe_http_exchange **exchange, struct sfe_error *err)
{
    struct world *world = context;

    if (world->begin_code != SFE_OK) {
        return sfe_fail(err, world->begin_code, "no connection");
    }
    assert_true(world->call_count < CALLS_MAX);
    struct call *call = &world->calls[world->call_count++];
    memset(call, 0, offsetof(struct call, body));
    (void)snprintf(call->method, sizeof(call->method), "%s", request->method);
    (void)snprintf(call->url, sizeof(call->url), "%s", request->url);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct sfe_http_header *header = &request->headers[i];
        if (strcmp(header->name, "Authorization") == 0) {
            (void)snprintf(call->authorization, sizeof(call->authorization), "%.*s",
                           (int)header->value.size, (const char *)header->value.bytes);
        }
        call->is_gzip = call->is_gzip || strcmp(header->name, "Content-Encoding") == 0;
    }
    assert_true(request->body.size < BODY_MAX);
    if (request->body.size > 0) {
        memcpy(call->body, request->body.bytes, request->body.size);
    }
    call->body[request->body.size] = '\0';
    call->body_size = request->body.size;
    if (request->upload != NULL) {
        world_read(call, request->upload);
    }
    call->sink = request->sink;
    call->bytes_per_second_max = request->bytes_per_second_max;
    call->total_timeout_ms = request->total_timeout_ms;
    call->answer_body = request->answer_body;
    call->tag = request->tag;
    *exchange = (struct sfe_http_exchange *)call;
    return SFE_OK;
}

static inline void world_cancel(void *context, struct sfe_http_exchange *exchange)
{
    (void)context;
    ((struct call *)exchange)->is_over = true;
}

static inline uint64_t world_monotonic(void *context)
{
    return ((struct world *)context)->now_ns;
}

static inline enum sfe_clock_quality world_wall(void *context, int64_t *unix_ns)
{
    const struct world *world = context;

    *unix_ns = world->wall_s * INT64_C(1000000000);
    return world->quality;
}

static inline enum sfe_code world_fill(void *context, void *bytes, size_t size,
                                       struct sfe_error *err)
{
    (void)context;
    (void)err;
    memset(bytes, 0x5a, size);
    return SFE_OK;
}

static inline enum sfe_code world_key_open(void *context, struct sfe_slice pem,
                                           struct sfe_key **key, struct sfe_error *err)
{
    if (pem.size == 0) {
        return sfe_fail(err, SFE_E_CRYPTO, "no key");
    }
    *key = context;
    return SFE_OK;
}

static inline void world_key_close(void *context, struct sfe_key *key)
{
    (void)context;
    (void)key;
}

static inline enum sfe_code world_sign(void *context, struct sfe_key *key, struct sfe_slice message,
                                       uint8_t *signature, size_t *size, struct sfe_error *err)
{
    (void)context;
    (void)key;
    (void)message;
    (void)err;
    memcpy(signature, "signed", 6);
    *size = 6;
    return SFE_OK;
}

static inline enum sfe_code world_fetch(void *context, uint32_t slot, uint32_t place,
                                        struct sfe_event *event, int64_t *time_ns,
                                        struct sfe_error *err)
{
    const struct world *world = context;

    if (world->is_gone) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "the event is no longer there");
    }
    assert_true(place < world->place_count[slot]);
    memset(event, 0, sizeof(*event));
    event->payload = sfe_slice_text(world->payloads[world->places[slot][place]]);
    event->topic = SFE_TEXT("pos/7/sale");
    *time_ns = NOW_S;
    return SFE_OK;
}

static inline uint32_t world_attempts(void *context, uint32_t slot, uint32_t place)
{
    (void)slot;
    (void)place;
    return ((struct world *)context)->attempts;
}

static inline void world_finished(void *context, const struct sfe_slot_result *result)
{
    struct world *world = context;

    world->finished_count++;
    world->result = *result;
    assert_true(result->count <= EVENTS_MAX);
    for (uint32_t i = 0; i < result->count; i++) {
        if (result->verdict != NULL) {
            result->verdict(result->context, i, &world->verdicts[i]);
        } else if (result->verdicts != NULL) {
            world->verdicts[i] = result->verdicts[i];
        }
    }
    world->place_count[result->slot] = 0;
}

static inline struct world *world_make(void)
{
    struct world *world = test_calloc(1, sizeof(*world));

    world->calls = test_calloc(CALLS_MAX, sizeof(*world->calls));
    world->http = (struct sfe_http){world, world_begin, NULL, world_cancel, NULL};
    world->clock = (struct sfe_clock){world, world_monotonic, world_wall, NULL};
    world->entropy = (struct sfe_entropy){world, world_fill};
    world->crypto = (struct sfe_crypto){.context = world,
                                        .key_open = world_key_open,
                                        .key_close = world_key_close,
                                        .sign_rs256 = world_sign};
    world->now_ns = 1000 * SECOND;
    world->wall_s = NOW_S;
    world->quality = SFE_CLOCK_SYNCED;
    world->attempts = 1;
    assert_int_equal(sfe_arena_open(16u << 20, &world->arena, &world->err), SFE_OK);
    const struct sfe_org_options options = {
        .name = "crm",
        .login_url = "https://login.salesforce.com/",
        .api_version = "v62.0",
        .client_id = "3MVG9",
        .username = "edge@acme.example",
        .audience = "https://login.salesforce.com",
        .key_pem = SFE_TEXT("key"),
        .connect_timeout_ms = 1000,
        .request_timeout_ms = 2000,
        .http = &world->http,
        .clock = &world->clock,
        .entropy = &world->entropy,
        .crypto = &world->crypto,
    };
    assert_int_equal(sfe_org_open(&options, world->arena, &world->org, &world->err), SFE_OK);
    return world;
}

static inline int world_setup(void **state)
{
    *state = world_make();
    return 0;
}

static inline int world_teardown(void **state)
{
    struct world *world = *state;

    if (world->target.context != NULL && !world->is_bulk) {
        sfe_records_close(&world->target);
    }
    sfe_org_close(world->org);
    sfe_arena_close(world->arena);
    test_free(world->calls);
    test_free(world);
    return 0;
}

static inline struct call *world_call(struct world *world, uint32_t index)
{
    assert_true(index < world->call_count);
    return &world->calls[index];
}

static inline struct sfe_http_answer world_answer_to(struct world *world, uint32_t index)
{
    struct sfe_http_answer answer = {.retry_after_s = -1, .sent_bytes = 1000};

    answer.tag = world_call(world, index)->tag;
    (void)snprintf(answer.content_type, sizeof(answer.content_type), "application/json");
    return answer;
}

static inline void world_deliver(struct world *world, uint32_t index,
                                 const struct sfe_http_answer *answer)
{
    struct call *call = world_call(world, index);
    struct sfe_http_owner *owner = call->tag;

    assert_false(call->is_over);
    call->is_over = true;
    owner->on_answer(owner, answer);
}

static inline void world_reply(struct world *world, uint32_t index, uint16_t status,
                               const char *body)
{
    struct sfe_http_answer answer = world_answer_to(world, index);

    const struct sfe_http_sink *sink = world_call(world, index)->sink;
    answer.status = status;
    if (sink != NULL && status < 300) {
        answer.code = sink->take(sink->context, sfe_slice_text(body));
    } else {
        sfe_builder_add_text(world_call(world, index)->answer_body, body);
    }
    world_deliver(world, index, &answer);
}

/* Nothing came back. */
static inline void world_break(struct world *world, uint32_t index)
{
    struct sfe_http_answer answer = world_answer_to(world, index);

    answer.code = sfe_fail(&answer.err, SFE_E_NETWORK, "connection reset");
    answer.request_left = true;
    world_deliver(world, index, &answer);
}

/* The next call of all is a log-in, and it succeeds. */
static inline void world_log_in(struct world *world)
{
    uint64_t until_ns = 0;

    assert_false(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
    (void)sfe_org_turn(world->org, world->now_ns);
    assert_non_null(strstr(world_call(world, world->call_count - 1)->url, "/oauth2/token"));
    world_reply(world, world->call_count - 1, 200, TOKEN_ANSWER);
    assert_true(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
}

static inline void world_open_target(struct world *world, const struct sfe_records_options *records)
{
    assert_int_equal(sfe_records_open(records, world->arena, &world->target, &world->err), SFE_OK);
    const struct sfe_target_host host = {world, world_fetch, world_attempts, world_finished};
    world->target.bind(world->target.context, &host);
    world->lane = sfe_lane_open(1000, world->arena, &world->err);
    assert_non_null(world->lane);
    sfe_lane_begin(world->lane);
}

/* Sales with lines: parents by /sale, children by /lines and no. */
static inline void world_open_api(struct world *world, enum sfe_records_api api, uint32_t map_count,
                                  const char *each, const char *order_by, uint32_t records_max)
{
    static const struct sfe_map_field sale[] = {
        {.name = "SaleId__c", .from = "/sale"},
        {.name = "Total__c", .from = "/total", .is_optional = true, .type = SFE_MAP_DOUBLE}};
    static const struct sfe_map_field line[] = {
        {.name = "LineId__c", .from = "{/sale}-{item:/no}"},
        {.name = "PosSale__r.SaleId__c", .from = "/sale"},
    };
    const struct sfe_map_options options[2] = {
        {.object = "PosSale__c",
         .external_id = "SaleId__c",
         .each = NULL,
         .fields = sale,
         .field_count = 2,
         .agent_id = "a"},
        {.object = "PosLine__c",
         .external_id = "LineId__c",
         .each = each,
         .fields = line,
         .field_count = 2,
         .agent_id = "a"},
    };
    struct sfe_template *compiled_order = NULL;
    uint32_t bad_field = 0;

    assert_int_equal(
        sfe_map_compile(&options[0], world->arena, &world->maps[0], &bad_field, &world->err),
        SFE_OK);
    if (each != NULL) {
        assert_int_equal(
            sfe_map_compile(&options[1], world->arena, &world->maps[1], &bad_field, &world->err),
            SFE_OK);
    }
    if (order_by != NULL) {
        assert_int_equal(
            sfe_template_compile(order_by, "a", world->arena, &compiled_order, &world->err),
            SFE_OK);
    }
    const struct sfe_records_options records = {
        .org = world->org,
        /* Lines alone where there is no parent map. */
        .maps = map_count == 0 ? world->maps + 1 : world->maps,
        .map_count = map_count == 0 ? 1 : map_count,
        .where = world->where,
        .order_by = compiled_order,
        .slot_count = SLOTS,
        .slot_events_max = 200,
        .records_max = records_max,
        .api = api,
        .verbs = {world->verbs[0], world->verbs[1]},
        .names_parents = api != SFE_RECORDS_GRAPH && each != NULL,
    };
    world_open_target(world, &records);
}

/* One Collections a call. */
static inline void world_open_records(struct world *world, uint32_t map_count, const char *each,
                                      const char *order_by, uint32_t records_max)
{
    world_open_api(world, SFE_RECORDS_COLLECTIONS, map_count, each, order_by, records_max);
}

static inline enum sfe_code world_offer(struct world *world, uint32_t slot, const char *payload)
{
    struct sfe_event event = {.payload = sfe_slice_text(payload), .topic = SFE_TEXT("pos/7/sale")};

    world->order_key = 0;
    enum sfe_code code = world->target.offer(world->target.context, slot, &event, NOW_S,
                                             world->lane, &world->order_key, &world->err);
    if (code == SFE_OK) {
        assert_true(world->payload_count < EVENTS_MAX);
        world->payloads[world->payload_count] = payload;
        world->places[slot][world->place_count[slot]++] = world->payload_count++;
    }
    return code;
}

static inline enum sfe_code world_send(struct world *world, uint32_t slot)
{
    return world->target.send(world->target.context, slot, &world->err);
}

static inline bool world_turn(struct world *world)
{
    uint64_t until_ns = 0;
    bool is_ready = world->target.is_ready(world->target.context, world->now_ns, &until_ns);

    (void)sfe_org_turn(world->org, world->now_ns);
    return is_ready;
}

#endif
