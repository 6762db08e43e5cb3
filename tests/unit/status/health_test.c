/* Reports over an intake that notes what it is offered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_reader.h"
#include "status/health.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

static enum sfe_code verdict;
static uint32_t offered;
static char topic[64];
static char payload[8192];
static struct sfe_arena *arena;
static struct sfe_source source;

/* In place of the real one. */
enum sfe_code sfe_intake_accept(struct sfe_intake *intake, struct sfe_message *message,
                                struct sfe_receipt *receipts, uint32_t capacity, uint32_t *count,
                                struct sfe_error *err)
{
    (void)intake;
    (void)receipts;
    (void)err;
    assert_true(capacity >= 2);
    assert_true(message->payload.size < sizeof(payload));
    assert_int_equal(message->payload.size, message->payload_bytes);
    memcpy(topic, message->topic.bytes, message->topic.size);
    memcpy(payload, message->payload.bytes, message->payload.size);
    payload[message->payload.size] = '\0';
    *count = 1;
    offered++;
    return verdict;
}

static void add(void *owner, struct sfe_builder *out)
{
    assert_ptr_equal(owner, &offered);
    sfe_builder_add_text(out, "{}");
}

static void open_source(uint64_t every_ns)
{
    const struct sfe_health_options options = {
        .input = "health", .every_ns = every_ns, .owner = &offered, .add = add};
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(1u << 20, &arena, &err), SFE_OK);
    assert_int_equal(sfe_health_open(&options, arena, &source, &err), SFE_OK);
    assert_true(sfe_arena_taken(arena) <= sfe_health_memory_bytes());
}

static int begin(void **state)
{
    (void)state;
    verdict = SFE_OK;
    offered = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    arena = NULL;
    return 0;
}

static void reports_come_as_often_as_they_are_to_and_not_with_each_turn(void **state)
{
    (void)state;
    open_source(300 * SECOND);
    assert_true(source.turn(source.context, 1000 * SECOND) == 1030 * SECOND);
    assert_true(source.turn(source.context, 1029 * SECOND) == 1030 * SECOND);
    assert_int_equal(offered, 0);
    assert_true(source.turn(source.context, 1030 * SECOND) == 1330 * SECOND);
    assert_int_equal(offered, 1);
    assert_string_equal(topic, SFE_HEALTH_TOPIC);
    for (uint64_t now = 1031; now < 1330; now++) {
        (void)source.turn(source.context, now * SECOND);
    }
    assert_int_equal(offered, 1);
    (void)source.turn(source.context, 5000 * SECOND); /* Turns were late: one, not twelve. */
    assert_int_equal(offered, 2);
}

static void one_without_room_is_missed_and_the_next_one_comes(void **state)
{
    struct sfe_source_facts facts;

    (void)state;
    open_source(10 * SECOND);
    verdict = SFE_E_FULL;
    (void)source.turn(source.context, 0);
    assert_true(source.turn(source.context, 10 * SECOND) == 20 * SECOND);
    source.facts(source.context, &facts);
    assert_int_equal(facts.received, 1);
    assert_int_equal(facts.acknowledged, 0);
    assert_true(source.is_quiet(source.context));
    verdict = SFE_OK;
    (void)source.turn(source.context, 20 * SECOND);
    source.facts(source.context, &facts);
    assert_int_equal(facts.acknowledged, 1);
    source.stop(source.context);
    assert_true(source.turn(source.context, 500 * SECOND) == UINT64_MAX);
    assert_int_equal(offered, 2);
}

static uint64_t count_at(const struct sfe_json *json, const char *name)
{
    uint64_t number = UINT64_MAX;

    assert_true(sfe_json_read_count(json, sfe_json_member(json, 0, sfe_slice_text(name)), &number));
    return number;
}

static void a_report_sums_up_the_gateway(void **state)
{
    static struct sfe_json_token tokens[256];
    struct sfe_status_output outputs[2] = {{.name = "a", .stream = "s"},
                                           {.name = "b", .stream = "s"}};
    struct sfe_status_link links[2] = {{.source.connection = "site", .source.is_connected = true},
                                       {.source.connection = "web"}};
    struct sfe_status_org org = {.connection = "crm"};
    struct sfe_status_stream stream = {.name = "s"};
    struct sfe_status status = {.agent_id = "store-1",
                                .outputs = outputs,
                                .output_count = 2,
                                .links = links,
                                .link_count = 2,
                                .orgs = &org,
                                .org_count = 1,
                                .streams = &stream,
                                .stream_count = 1};
    struct sfe_builder out = sfe_builder_make(payload, sizeof(payload));
    struct sfe_json json;
    struct sfe_error err;

    (void)state;
    status.now_ns = 1764000123456000000;
    outputs[0].facts.backlog = 5;
    outputs[1].facts.backlog = 7;
    outputs[0].facts.oldest_ns = status.now_ns - (int64_t)(90 * SECOND);
    outputs[1].facts.oldest_ns = status.now_ns - (int64_t)(30 * SECOND);
    outputs[1].facts.state = SFE_OUTPUT_STOPPED;
    outputs[1].facts.dead = 2;
    org.facts.calls_of_day = 311;
    stream.facts.dropped_events = 9;
    sfe_health_add(&status, SFE_TEXT("it \"stands\""), SFE_CLOCK_UNSET, &out);
    assert_int_equal(
        sfe_json_parse(sfe_builder_slice(&out), SFE_JSON_UNIQUE_KEYS, tokens, 256, &json, &err),
        SFE_OK);
    assert_int_equal(count_at(&json, "backlog"), 12);
    assert_int_equal(count_at(&json, "oldest_age_s"), 90);
    assert_int_equal(count_at(&json, "dead"), 2);
    assert_int_equal(count_at(&json, "outputs_held_up"), 1);
    assert_int_equal(count_at(&json, "sources"), 2);
    assert_int_equal(count_at(&json, "sources_connected"), 1);
    assert_int_equal(count_at(&json, "api_calls_of_day"), 311);
    assert_int_equal(count_at(&json, "dropped"), 9);
    assert_true(sfe_json_text_equal(&json, sfe_json_member(&json, 0, SFE_TEXT("clock")),
                                    SFE_TEXT("not set")));
    assert_true(sfe_json_text_equal(&json, sfe_json_member(&json, 0, SFE_TEXT("trouble")),
                                    SFE_TEXT("it \"stands\"")));
    assert_true(sfe_json_text_equal(&json, sfe_json_member(&json, 0, SFE_TEXT("time")),
                                    SFE_TEXT("2025-11-24T16:02:03.456Z")));
    assert_int_equal(sfe_json_kind(&json, sfe_json_member(&json, 0, SFE_TEXT("ready"))),
                     SFE_JSON_FALSE);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reports_come_as_often_as_they_are_to_and_not_with_each_turn),
        TEST(one_without_room_is_missed_and_the_next_one_comes),
        TEST(a_report_sums_up_the_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
