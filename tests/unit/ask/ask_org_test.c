#include "ask_world.h"

#define QUESTION "{\"sku\":\"A\"}"

static void begin(struct ask_world *self)
{
    ask_world_open_query(self, true);
    assert_int_equal(ask_world_ask(self, QUESTION, "c"), 1);
    assert_int_equal(ask_world_cloud_turn(self), self->world->now_ns + 2u * SECOND);
    assert_int_equal(self->world->call_count, 2);
    assert_false(sfe_ask_is_quiet(self->ask));
}

static void expect(struct ask_world *self, const char *status)
{
    char body[64];

    (void)ask_world_turn(self);
    (void)snprintf(body, sizeof(body), "{\"error\":\"%s\"}", status);
    ask_world_expect(self, status, body);
    assert_true(sfe_ask_is_quiet(self->ask));
}

static void what_takes_too_long_is_given_up(void **state)
{
    struct ask_world *self = *state;

    begin(self);
    self->world->now_ns += 2u * SECOND - 1u;
    (void)ask_world_cloud_turn(self);
    assert_false(world_call(self->world, 1)->is_over);
    self->world->now_ns++;
    assert_int_equal(ask_world_cloud_turn(self), UINT64_MAX);
    assert_true(world_call(self->world, 1)->is_over);
    expect(self, "timeout");
}

static void a_network_that_breaks_is_told_at_once(void **state)
{
    struct ask_world *self = *state;

    begin(self);
    world_break(self->world, 1);
    assert_int_equal(self->woken_edge, 1);
    expect(self, "unavailable");
}

static void an_org_that_lets_nobody_in_is_waited_for_as_long_as_there_is_time(void **state)
{
    struct ask_world *self = *state;

    ask_world_open_query(self, false);
    (void)ask_world_ask(self, QUESTION, "c");
    assert_int_equal(ask_world_cloud_turn(self), self->world->now_ns + 2u * SECOND);
    assert_int_equal(self->world->call_count, 0);
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, 0);
    self->world->now_ns += 2u * SECOND;
    (void)ask_world_cloud_turn(self);
    expect(self, "unavailable");
}

static void a_session_that_has_ended_is_begun_anew_once(void **state)
{
    struct ask_world *self = *state;

    begin(self);
    world_reply(self->world, 1, 200, "{\"records\":[]}");
    for (uint32_t i = 0; i < 2; i++) {
        (void)ask_world_turn(self);
        ask_world_acknowledge(self, i);
        (void)ask_world_turn(self);
        (void)ask_world_ask(self, QUESTION, "c");
        (void)ask_world_cloud_turn(self);
        world_reply(self->world, self->world->call_count - 1u, 401, SESSION_ENDED);
        (void)ask_world_cloud_turn(self);
        world_log_in(self->world);
        (void)ask_world_cloud_turn(self);
        if (i == 0) {
            world_reply(self->world, self->world->call_count - 1u, 200,
                        "{\"records\":[{\"P\":1}]}");
        }
    }
    assert_int_equal(self->published_count, 2);
    ask_world_expect(self, "ok", "{\"P\":1}");
    world_reply(self->world, self->world->call_count - 1u, 401, SESSION_ENDED);
    expect(self, "unavailable");
}

static void refusals_of_the_org_are_told_apart(void **state)
{
    static const struct {
        uint16_t status;
        const char *body;
        const char *told;
    } cases[] = {
        {400, "[{\"errorCode\":\"MALFORMED_QUERY\",\"message\":\"'A'\"}]", "failed"},
        {503, "[{\"errorCode\":\"SERVER_UNAVAILABLE\",\"message\":\"x\"}]", "unavailable"},
        {500, "no JSON", "unavailable"},
        {403, "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"x\"}]", "budget"},
    };
    struct ask_world *self = *state;

    ask_world_open_query(self, true);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)ask_world_ask(self, QUESTION, "c");
        (void)ask_world_cloud_turn(self);
        world_reply(self->world, i + 1u, cases[i].status, cases[i].body);
        expect(self, cases[i].told);
        ask_world_acknowledge(self, i);
        (void)ask_world_turn(self);
    }
    /* Then nobody is asked before the allowance may be back. */
    (void)ask_world_ask(self, QUESTION, "c");
    (void)ask_world_cloud_turn(self);
    assert_int_equal(self->world->call_count, 5);
    expect(self, "budget");
}

static void an_answer_over_the_limit_has_failed(void **state)
{
    struct ask_world *self = *state;

    begin(self);
    struct sfe_http_answer answer = world_answer_to(self->world, 1);
    answer.code = sfe_fail(&answer.err, SFE_E_TOO_LARGE, "over its bound");
    world_deliver(self->world, 1, &answer);
    expect(self, "failed");
}

static void nobody_is_asked_for_a_connection_that_is_gone(void **state)
{
    struct ask_world *self = *state;

    ask_world_open_query(self, true);
    (void)ask_world_ask(self, QUESTION, "c");
    ask_world_disconnect(self);
    assert_int_equal(ask_world_settled(self), 1);
    (void)ask_world_cloud_turn(self);
    assert_int_equal(self->world->call_count, 1);
    (void)ask_world_turn(self);
    assert_int_equal(ask_world_facts(self).under_way, 0);
    assert_int_equal(ask_world_facts(self).lost, 1);
    /* What the org is being asked is answered to nobody. */
    ask_world_connect(self);
    (void)ask_world_ask(self, QUESTION, "c");
    (void)ask_world_cloud_turn(self);
    ask_world_disconnect(self);
    ask_world_connect(self);
    world_reply(self->world, 1, 200, "{\"records\":[{\"P\":1}]}");
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, 0);
    assert_int_equal(ask_world_facts(self).under_way, 0);
}

static void closing_ends_what_is_under_way(void **state)
{
    struct ask_world *self = *state;

    begin(self);
    sfe_ask_close(self->ask);
    assert_true(world_call(self->world, 1)->is_over);
    self->ask = NULL;
    sfe_ask_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASK_TEST(what_takes_too_long_is_given_up),
        ASK_TEST(a_network_that_breaks_is_told_at_once),
        ASK_TEST(an_org_that_lets_nobody_in_is_waited_for_as_long_as_there_is_time),
        ASK_TEST(a_session_that_has_ended_is_begun_anew_once),
        ASK_TEST(refusals_of_the_org_are_told_apart),
        ASK_TEST(an_answer_over_the_limit_has_failed),
        ASK_TEST(nobody_is_asked_for_a_connection_that_is_gone),
        ASK_TEST(closing_ends_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
