#include "http_world.h"

static uint64_t until_ns;

static bool is_ready(void)
{
    return the_world.target.is_ready(the_world.target.context, the_world.now_ns, &until_ns);
}

static void events_of_a_source_and_topic_go_one_after_the_other(void **state)
{
    const struct sfe_http_target_options options = world_options();

    (void)state;
    world_open(&options);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":1}"), SFE_OK);
    const uint64_t key = the_world.order_key;
    assert_int_not_equal(key, 0);
    assert_int_equal(world_offer(1, "pos/1", "{\"id\":2}"), SFE_E_AGAIN);
    assert_int_equal(the_world.order_key, key);
    assert_int_equal(world_offer(1, "pos/2", "{\"id\":2}"), SFE_OK);
    assert_int_not_equal(the_world.order_key, key);
}

static void order_by_decides_where_it_is_set(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.order_by = world_template("{/shop}");
    world_open(&options);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":1,\"shop\":7}"), SFE_OK);
    assert_int_equal(world_offer(1, "pos/2", "{\"id\":2,\"shop\":7}"), SFE_E_AGAIN);
    assert_int_equal(world_offer(1, "pos/1", "{\"id\":3,\"shop\":8}"), SFE_OK);
    assert_int_equal(world_offer(1, "pos/1", "{\"id\":3}"), SFE_E_FULL);
}

static void an_event_that_makes_no_request_says_why_and_holds_its_key(void **state)
{
    const struct sfe_http_target_options options = world_options();

    (void)state;
    world_open(&options);
    assert_int_equal(world_offer(0, "pos/1", "{}"), SFE_E_UNMAPPED);
    assert_non_null(strstr(the_world.err.message, "url"));
    assert_non_null(strstr(the_world.err.message, "/id"));
    assert_int_not_equal(the_world.order_key, 0);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":\"\"}"), SFE_E_UNMAPPED);
    assert_int_equal(world_offer(0, "pos/1", "no json"), SFE_E_UNMAPPED);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":1}"), SFE_OK);
}

static void where_passes_over_what_it_does_not_take(void **state)
{
    struct sfe_http_target_options options = world_options();
    const struct sfe_where_node node = {SFE_WHERE_EQ, 1, "/id", "7"};
    uint32_t bad = 0;

    (void)state;
    assert_int_equal(
        sfe_where_compile(&node, 1, the_world.arena, &options.where, &bad, &the_world.err), SFE_OK);
    world_open(&options);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":1}"), SFE_E_SKIPPED);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":7}"), SFE_OK);
}

static void the_rate_lets_requests_go_one_by_one(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.rate = 2;
    options.rate_every_ns = SECOND;
    world_open(&options);
    (void)world_post(0, "{\"id\":1}");
    sfe_lane_begin(the_world.lane);
    assert_int_equal(world_offer(1, "pos/1", "{\"id\":2}"), SFE_OK);
    assert_int_equal(world_send(1), SFE_OK);
    assert_int_equal(the_world.call_count, 1);
    assert_true(is_ready());
    assert_int_equal(until_ns, SECOND + SECOND / 2u);
    the_world.now_ns = until_ns;
    assert_true(is_ready());
    assert_int_equal(the_world.call_count, 2);
    assert_int_equal(until_ns, UINT64_MAX);
}

static void what_waits_for_its_turn_is_given_back_when_the_server_is_away(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.rate = 1;
    options.rate_every_ns = SECOND;
    world_open(&options);
    struct call *call = world_post(0, "{\"id\":1}");
    sfe_lane_begin(the_world.lane);
    assert_int_equal(world_offer(1, "pos/1", "{\"id\":2}"), SFE_OK);
    assert_int_equal(world_send(1), SFE_OK);
    world_answer(call, 503, "");
    assert_int_equal(the_world.finished, 2);
    assert_int_equal(the_world.result.slot, 1);
    assert_int_equal(the_world.result.outcome, SFE_SLOT_AGAIN);
    the_world.now_ns += 10 * SECOND;
    assert_true(is_ready());
    assert_int_equal(the_world.call_count, 1);
}

static void a_request_that_cannot_begin_leaves_its_slot_filled(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.slot_events_max = 2;
    options.path = world_template("/all");
    world_open(&options);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":1}"), SFE_OK);
    the_world.refuses = true;
    assert_int_equal(world_send(0), SFE_E_NO_MEMORY);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":2}"), SFE_OK);
    assert_int_equal(world_send(0), SFE_OK);
    assert_string_equal(the_world.calls[0].body, "[{\"id\":1},{\"id\":2}]");
}

static void a_slot_that_is_abandoned_is_empty(void **state)
{
    const struct sfe_http_target_options options = world_options();

    (void)state;
    world_open(&options);
    assert_int_equal(world_offer(0, "pos/1", "{\"id\":1}"), SFE_OK);
    the_world.target.abandon(the_world.target.context, 0);
    struct call *call = world_post(0, "{\"id\":2}");
    assert_string_equal(call->body, "{\"id\":2}");
    sfe_http_target_close(&the_world.target);
    assert_int_equal(the_world.cancelled, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_of_a_source_and_topic_go_one_after_the_other),
        TEST(order_by_decides_where_it_is_set),
        TEST(an_event_that_makes_no_request_says_why_and_holds_its_key),
        TEST(where_passes_over_what_it_does_not_take),
        TEST(the_rate_lets_requests_go_one_by_one),
        TEST(what_waits_for_its_turn_is_given_back_when_the_server_is_away),
        TEST(a_request_that_cannot_begin_leaves_its_slot_filled),
        TEST(a_slot_that_is_abandoned_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
