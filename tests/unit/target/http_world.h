/* A server without a network: what was asked is kept, and the test says the answers. */
#ifndef SFE_TESTS_OUTPUT_HTTP_WORLD_H
#define SFE_TESTS_OUTPUT_HTTP_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_writer.h"
#include "target/http.h"
#include "output/lane.h"

#define SECOND    UINT64_C(1000000000)
#define CALLS_MAX 16u

struct call {
    char method[8];
    char url[512];
    char headers[2048]; /* "Name: value\n" each. */
    char body[4096];
    size_t body_size;
    struct sfe_builder *answer_body;
    void *tag;
    bool is_over;
};

struct world {
    struct sfe_arena *arena;
    struct sfe_arena *target_arena; /* Of what the target says it takes, and no byte more. */
    struct sfe_http http;
    struct sfe_clock clock;
    struct sfe_crypto crypto;
    struct sfe_target target;
    struct sfe_lane *lane;
    struct call calls[CALLS_MAX];
    uint32_t call_count;
    uint32_t cancelled;
    bool refuses; /* The next begin fails. */
    uint64_t now_ns;
    uint64_t order_key; /* Of the last event offered. */
    /* Of the last slot that is over. */
    struct sfe_slot_result result;
    struct sfe_verdict verdict;
    uint32_t finished;
    char answer[8192]; /* What came back, as members. */
    struct sfe_error err;
};

static struct world the_world;

static enum sfe_code world_begin(void *context, const struct sfe_http_request *request,
                                 struct sfe_http_exchange **exchange, struct sfe_error *err)
{
    struct world *world = context;
    struct call *call = &world->calls[world->call_count];
    struct sfe_builder headers = sfe_builder_make(call->headers, sizeof(call->headers) - 1u);
    union {
        struct call *mine;
        struct sfe_http_exchange *theirs;
    } handle = {.mine = call};

    if (world->refuses) {
        world->refuses = false;
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a request");
    }
    assert_true(world->call_count < CALLS_MAX);
    world->call_count++;
    assert_true(snprintf(call->method, sizeof(call->method), "%s", request->method) > 0);
    assert_true(snprintf(call->url, sizeof(call->url), "%s", request->url) > 0);
    for (size_t i = 0; i < request->header_count; i++) {
        sfe_builder_format(&headers, "%s: %.*s\n", request->headers[i].name,
                           (int)request->headers[i].value.size,
                           (const char *)request->headers[i].value.bytes);
    }
    assert_false(headers.overflowed);
    call->body_size = request->body.size;
    if (request->body.size < sizeof(call->body) && request->body.size != 0) {
        memcpy(call->body, request->body.bytes, request->body.size);
    }
    call->answer_body = request->answer_body;
    call->tag = request->tag;
    *exchange = handle.theirs;
    return SFE_OK;
}

static void world_cancel(void *context, struct sfe_http_exchange *exchange)
{
    assert_non_null(exchange);
    ((struct world *)context)->cancelled++;
}

static uint64_t world_monotonic(void *context)
{
    return ((struct world *)context)->now_ns;
}

static enum sfe_clock_quality world_wall(void *context, int64_t *unix_ns)
{
    (void)context;
    *unix_ns = INT64_C(1764000000) * (int64_t)SECOND;
    return SFE_CLOCK_SYNCED;
}

/* Not a digest, but of all bytes. */
static void world_sha256(void *context, struct sfe_slice message, uint8_t digest[32])
{
    (void)context;
    memset(digest, (int)message.size, 32);
    for (size_t i = 0; i < message.size; i++) {
        digest[i % 32] = (uint8_t)(digest[i % 32] * 31u + message.bytes[i]);
    }
}

static void world_finished(void *context, const struct sfe_slot_result *result)
{
    struct world *world = context;
    struct sfe_builder out = sfe_builder_make(world->answer, sizeof(world->answer) - 1u);
    struct sfe_json_writer writer = sfe_json_writer_make(&out);

    world->result = *result;
    world->verdict = result->verdicts[0];
    world->finished++;
    sfe_json_begin_object(&writer, NULL);
    result->answer(result->context, 0, &writer);
    sfe_json_end_object(&writer);
    assert_false(out.overflowed);
    world->answer[out.size] = '\0';
}

/* "url" and the like are compiled from text. */
static inline const struct sfe_template *world_template(const char *text)
{
    struct sfe_template *made = NULL;

    assert_int_equal(
        sfe_template_compile(text, "store-042", the_world.arena, &made, &the_world.err), SFE_OK);
    return made;
}

/* An object of one value. */
static inline const struct sfe_shape *world_shape(const char *name, const char *from)
{
    const struct sfe_shape_node nodes[] = {
        {.kind = SFE_SHAPE_OBJECT, .next = 2},
        {.kind = SFE_SHAPE_VALUE, .name = name, .next = 2, .field = {.name = name, .from = from}}};
    struct sfe_shape *made = NULL;
    uint32_t bad = 0;

    assert_int_equal(
        sfe_shape_compile(nodes, 2, "store-042", the_world.arena, &made, &bad, &the_world.err),
        SFE_OK);
    return made;
}

/* Two slots, POST https://host/{/id}, the payload as body. */
static inline struct sfe_http_target_options world_options(void)
{
    struct sfe_http_target_options options = {
        .name = "out",
        .method = "POST",
        .base = "https://host",
        .path = world_template("/{/id}"),
        .identity_header = "Idempotency-Key",
        .slot_count = 2,
        .slot_events_max = 1,
        .connect_timeout_ms = 1000,
        .request_timeout_ms = 1000,
        .http = &the_world.http,
        .clock = &the_world.clock,
        .crypto = &the_world.crypto,
    };

    sfe_http_settle_make(&options.settle);
    return options;
}

static inline void world_open(const struct sfe_http_target_options *options)
{
    static const struct sfe_target_host host = {.context = &the_world, .finished = world_finished};

    sfe_arena_close(the_world.target_arena);
    assert_int_equal(sfe_arena_open(sfe_http_target_memory_bytes(options), &the_world.target_arena,
                                    &the_world.err),
                     SFE_OK);
    assert_int_equal(
        sfe_http_target_open(options, the_world.target_arena, &the_world.target, &the_world.err),
        SFE_OK);
    assert_int_equal(sfe_arena_taken(the_world.target_arena),
                     sfe_http_target_memory_bytes(options));
    the_world.target.bind(the_world.target.context, &host);
    the_world.lane = sfe_lane_open(64, the_world.arena, &the_world.err);
    assert_non_null(the_world.lane);
    sfe_lane_begin(the_world.lane);
}

static inline enum sfe_code world_offer(uint32_t slot, const char *topic, const char *payload)
{
    struct sfe_event event = {.sequence = 1,
                              .source = SFE_TEXT("tills"),
                              .topic = sfe_slice_text(topic),
                              .payload = sfe_slice_text(payload)};

    return the_world.target.offer(the_world.target.context, slot, &event, 0, the_world.lane,
                                  &the_world.order_key, &the_world.err);
}

static inline enum sfe_code world_send(uint32_t slot)
{
    return the_world.target.send(the_world.target.context, slot, &the_world.err);
}

/* Offers an event with this payload to an empty slot and sends it; the call it became. */
static inline struct call *world_post(uint32_t slot, const char *payload)
{
    sfe_lane_begin(the_world.lane);
    assert_int_equal(world_offer(slot, "pos/1", payload), SFE_OK);
    assert_int_equal(world_send(slot), SFE_OK);
    return &the_world.calls[the_world.call_count - 1u];
}

static inline void world_answer_with(struct call *call, const struct sfe_http_answer *answer,
                                     const char *body)
{
    struct sfe_http_answer given = *answer;
    struct sfe_http_owner *owner = call->tag;

    assert_false(call->is_over);
    call->is_over = true;
    sfe_builder_add_text(call->answer_body, body);
    given.tag = owner;
    owner->on_answer(owner, &given);
}

static inline void world_answer(struct call *call, uint16_t status, const char *body)
{
    const struct sfe_http_answer answer = {.status = status, .retry_after_s = -1};

    world_answer_with(call, &answer, body);
}

static inline int world_setup(void **state)
{
    (void)state;
    memset(&the_world, 0, sizeof(the_world));
    the_world.now_ns = SECOND;
    the_world.http =
        (struct sfe_http){.context = &the_world, .begin = world_begin, .cancel = world_cancel};
    the_world.clock = (struct sfe_clock){&the_world, world_monotonic, world_wall, NULL};
    the_world.crypto.sha256 = world_sha256;
    return sfe_arena_open(1u << 20, &the_world.arena, &the_world.err) == SFE_OK ? 0 : -1;
}

static inline int world_teardown(void **state)
{
    (void)state;
    sfe_http_target_close(&the_world.target);
    sfe_arena_close(the_world.target_arena);
    sfe_arena_close(the_world.arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

#endif
