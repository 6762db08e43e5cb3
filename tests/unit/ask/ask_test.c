#include "ask_world.h"

#define QUESTION "{\"sku\":\"A\"}"

static void an_answer_is_over_when_the_broker_has_it(void **state)
{
    struct ask_world *self = *state;

    ask_world_open_table(self);
    assert_int_equal(ask_world_settled(self), 0);
    assert_int_equal(ask_world_ask(self, QUESTION, "c"), 1);
    assert_false(self->source.is_quiet(self->source.context));
    (void)ask_world_turn(self);
    assert_int_equal(ask_world_settled(self), 0);
    ask_world_acknowledge(self, 0);
    assert_int_equal(self->woken_edge, 1);
    (void)ask_world_turn(self);
    assert_int_equal(ask_world_settled(self), 1);
    self->source.stop(self->source.context);
    assert_true(self->source.is_quiet(self->source.context));
    assert_int_equal(ask_world_facts(self).answered, 1);
    assert_string_equal(ask_world_facts(self).input, "prices");
    ask_world_acknowledge(self, 0); /* A late word meets nobody. */
    assert_int_equal(self->woken_edge, 1);
    self->source.close(self->source.context);
    assert_true(self->is_closed);
}

static void a_client_that_takes_nothing_now_is_asked_again_and_then_given_up(void **state)
{
    struct ask_world *self = *state;

    ask_world_open_table(self);
    self->publish_code = SFE_E_AGAIN;
    (void)ask_world_ask(self, QUESTION, "c");
    const uint64_t again_ns = ask_world_turn(self);
    assert_true(again_ns > self->world->now_ns && again_ns <= self->world->now_ns + 100u * MS);
    self->publish_code = SFE_OK;
    (void)ask_world_turn(self);
    ask_world_expect(self, "ok", "{\"key\":\"A\",\"value\":12.5}");
    ask_world_acknowledge(self, 0);
    self->publish_code = SFE_E_AGAIN;
    (void)ask_world_turn(self);
    (void)ask_world_ask(self, QUESTION, "c");
    self->world->now_ns += 4u * SECOND;
    (void)ask_world_turn(self);
    (void)ask_world_turn(self);
    assert_int_equal(ask_world_facts(self).under_way, 0);
    assert_int_equal(ask_world_facts(self).lost, 1);
    self->publish_code = SFE_E_NETWORK;
    (void)ask_world_ask(self, QUESTION, "c");
    (void)ask_world_turn(self);
    (void)ask_world_turn(self);
    assert_int_equal(ask_world_facts(self).lost, 2);
    assert_int_equal(ask_world_settled(self), 3);
}

static void questions_before_the_connection_is_told_wait_for_it(void **state)
{
    struct ask_world *self = *state;

    ask_world_open_table(self);
    ask_world_disconnect(self);
    (void)ask_world_ask(self, QUESTION, "c");
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, 0);
    ask_world_connect(self);
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, 1);
    ask_world_disconnect(self);
    (void)ask_world_turn(self);
    assert_int_equal(ask_world_facts(self).under_way, 0);
    /* It never comes: nobody waits for ever. */
    (void)ask_world_ask(self, QUESTION, "c");
    self->world->now_ns += 2u * SECOND;
    (void)ask_world_turn(self);
    (void)ask_world_turn(self);
    assert_int_equal(ask_world_facts(self).under_way, 0);
    assert_int_equal(self->published_count, 1);
}

static void a_broker_that_acknowledges_nothing_is_left(void **state)
{
    struct ask_world *self = *state;
    const struct sfe_mqtt_user *user;
    struct sfe_error why;

    ask_world_open_table(self);
    user = sfe_ask_user(self->ask);
    (void)ask_world_ask(self, QUESTION, "c");
    assert_int_equal(ask_world_turn(self), self->world->now_ns + 60u * SECOND);
    assert_false(user->wants_end(user->owner, &why));
    self->world->now_ns += 60u * SECOND;
    assert_true(user->wants_end(user->owner, &why));
    assert_int_equal(why.code, SFE_E_TIMEOUT);
    ask_world_disconnect(self);
    assert_false(user->wants_end(user->owner, &why));
}

static void what_the_broker_does_not_take_is_told_shortly(void **state)
{
    struct ask_world *self = *state;

    self->limits.packet_bytes_max = 170;
    self->limits.qos_max = 0;
    ask_world_open_query(self, true);
    (void)ask_world_ask(self, QUESTION, "c");
    (void)ask_world_cloud_turn(self);
    world_reply(self->world, 1, 200, "{\"records\":[{\"P\":\"123456789012345678901234567890\"}]}");
    (void)ask_world_turn(self);
    ask_world_expect(self, "failed", "{\"error\":\"failed\"}");
    assert_int_equal(self->published[0].qos, 0);
    assert_int_equal(ask_world_facts(self).failed, 1);
    ask_world_disconnect(self);
    self->limits.packet_bytes_max = 20;
    ask_world_connect(self);
    (void)ask_world_turn(self);
    (void)ask_world_ask(self, "[]", "c");
    (void)ask_world_turn(self);
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, 1);
    assert_int_equal(ask_world_facts(self).lost, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASK_TEST(an_answer_is_over_when_the_broker_has_it),
        ASK_TEST(a_client_that_takes_nothing_now_is_asked_again_and_then_given_up),
        ASK_TEST(questions_before_the_connection_is_told_wait_for_it),
        ASK_TEST(a_broker_that_acknowledges_nothing_is_left),
        ASK_TEST(what_the_broker_does_not_take_is_told_shortly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
