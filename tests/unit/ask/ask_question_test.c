#include "ask_world.h"

static bool is_allowed(const struct ask_world *self, const char *topic)
{
    return ask_is_allowed_topic(self->ask, sfe_slice_text(topic));
}

static void answers_go_below_the_prefix_alone(void **state)
{
    struct ask_world *self = *state;
    char longest[ASK_TOPIC_BYTES_MAX + 2u];

    ask_world_open_table(self);
    assert_true(is_allowed(self, "answer/t01"));
    assert_true(is_allowed(self, "answer/\xc3\xa4/b"));
    assert_false(is_allowed(self, ""));
    assert_false(is_allowed(self, "answer/"));
    assert_false(is_allowed(self, "answer"));
    assert_false(is_allowed(self, "Answer/t01"));
    assert_false(is_allowed(self, "pos/t01/sale"));
    assert_false(is_allowed(self, "$SYS/answer/"));
    assert_false(is_allowed(self, "answer/+"));
    assert_false(is_allowed(self, "answer/a/#"));
    assert_false(is_allowed(self, "answer/\xff"));
    assert_false(is_allowed(self, "answer/\x01"));
    assert_false(ask_is_allowed_topic(self->ask, SFE_TEXT("answer/a\0b")));
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "answer/", 7);
    assert_true(ask_is_allowed_topic(self->ask, sfe_slice_make(longest, ASK_TOPIC_BYTES_MAX)));
    assert_false(
        ask_is_allowed_topic(self->ask, sfe_slice_make(longest, ASK_TOPIC_BYTES_MAX + 1u)));
}

static void what_cannot_be_answered_is_counted_and_acknowledged_at_once(void **state)
{
    struct ask_world *self = *state;
    static const uint8_t huge[ASK_CORRELATION_BYTES_MAX + 1u];
    struct sfe_mqtt_taken message = {
        .topic = SFE_TEXT("ask/t"), .payload = SFE_TEXT("{\"sku\":\"A\"}"), .payload_bytes = 11};

    ask_world_open_table(self);
    assert_int_equal(ask_world_take(self, &message), 1);
    message.response_topic = SFE_TEXT("pos/1/sale");
    assert_int_equal(ask_world_take(self, &message), 2);
    message.response_topic = SFE_TEXT("answer/t");
    message.correlation = sfe_slice_make(huge, sizeof(huge));
    assert_int_equal(ask_world_take(self, &message), 3);
    message.correlation.size--;
    message.is_retained = true;
    assert_int_equal(ask_world_take(self, &message), 4);
    assert_int_equal(ask_world_settled(self), 4);
    message.is_retained = false;
    assert_int_equal(ask_world_take(self, &message), 5);
    assert_int_equal(ask_world_settled(self), 4);
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, 1);
    assert_int_equal(ask_world_facts(self).refused, 4);
    assert_int_equal(ask_world_facts(self).questions, 5);
}

static void a_question_over_its_limits_is_a_bad_one(void **state)
{
    struct ask_world *self = *state;
    static char topic[ASK_TOPIC_BYTES_MAX + 1u];
    struct sfe_mqtt_taken message = {.topic = SFE_TEXT("ask/t"),
                                     .payload = SFE_TEXT("{\"sku\":\"A\"}"),
                                     .payload_bytes = 1025,
                                     .response_topic = SFE_TEXT("answer/t")};

    ask_world_open_table(self);
    (void)ask_world_take(self, &message);
    (void)ask_world_turn(self);
    ask_world_expect(self, "bad_question", "{\"error\":\"bad_question\"}");
    memset(topic, 'a', sizeof(topic));
    message.payload_bytes = 11;
    message.topic = sfe_slice_make(topic, sizeof(topic));
    (void)ask_world_take(self, &message);
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, 2);
    ask_world_expect(self, "bad_question", "{\"error\":\"bad_question\"}");
}

static void more_than_may_be_under_way_are_told_so_and_then_held(void **state)
{
    struct ask_world *self = *state;

    ask_world_open_query(self, true);
    for (uint32_t i = 0; i < 2u + SFE_ASK_SPARE_SLOTS; i++) {
        assert_int_equal(ask_world_ask(self, "{\"sku\":\"A\"}", "c"), i + 1u);
    }
    assert_int_equal(ask_world_ask(self, "{\"sku\":\"A\"}", "c"), 0);
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, SFE_ASK_SPARE_SLOTS);
    ask_world_expect(self, "busy", "{\"error\":\"busy\"}");
    assert_int_equal(ask_world_ask(self, "{\"sku\":\"A\"}", "c"), 0);
    ask_world_acknowledge(self, 3);
    assert_true(self->woken_edge > 0);
    (void)ask_world_turn(self);
    assert_int_equal(ask_world_ask(self, "{\"sku\":\"A\"}", "c"), 3u + SFE_ASK_SPARE_SLOTS);
    assert_int_equal(ask_world_facts(self).questions, 3u + SFE_ASK_SPARE_SLOTS);
    assert_int_equal(ask_world_facts(self).under_way, 2u + SFE_ASK_SPARE_SLOTS);
    /* The first that is not answered yet holds the acknowledgements behind it up. */
    assert_int_equal(ask_world_settled(self), 0);
}

static void a_rate_is_kept_after_a_seconds_worth(void **state)
{
    struct ask_world *self = *state;
    uint64_t now_ns = 1000u * SECOND;

    self->options.rate = 10;
    ask_world_open_table(self);
    for (uint32_t i = 0; i < 10; i++) {
        assert_false(ask_is_too_soon(self->ask, now_ns));
    }
    assert_true(ask_is_too_soon(self->ask, now_ns));
    now_ns += 99u * MS;
    assert_true(ask_is_too_soon(self->ask, now_ns));
    now_ns += MS;
    assert_false(ask_is_too_soon(self->ask, now_ns));
    assert_true(ask_is_too_soon(self->ask, now_ns));
    now_ns += 3600u * SECOND;
    for (uint32_t i = 0; i < 10; i++) {
        assert_false(ask_is_too_soon(self->ask, now_ns));
    }
    assert_true(ask_is_too_soon(self->ask, now_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASK_TEST(answers_go_below_the_prefix_alone),
        ASK_TEST(what_cannot_be_answered_is_counted_and_acknowledged_at_once),
        ASK_TEST(a_question_over_its_limits_is_a_bad_one),
        ASK_TEST(more_than_may_be_under_way_are_told_so_and_then_held),
        ASK_TEST(a_rate_is_kept_after_a_seconds_worth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
