#include "cometd_world.h"

#define CONNECT_REFUSED(error, advice)                                                             \
    "[{\"channel\":\"/meta/connect\",\"successful\":false,\"error\":\"" error                      \
    "\",\"advice\":" advice "}]"

static void an_unknown_client_shakes_hands_at_once_and_the_second_time_later(void **state)
{
    struct cometd_world *self = *state;

    cometd_subscribe(self);
    cometd_reply(
        self, 200,
        CONNECT_REFUSED("403::Unknown client", "{\"reconnect\":\"handshake\",\"interval\":0}"));
    assert_true(cometd_asks(self, "/meta/handshake"));
    cometd_reply(self, 200, HANDSHAKEN);
    assert_true(cometd_asks(self, "/meta/connect"));
    cometd_reply(
        self, 200,
        CONNECT_REFUSED("403::Unknown client", "{\"reconnect\":\"handshake\",\"interval\":0}"));
    assert_string_equal(cometd_asked(self), "");
    self->world->now_ns += 3 * SECOND;
    assert_true(cometd_asks(self, "/meta/handshake"));
}

static void a_token_that_is_refused_is_renewed_once(void **state)
{
    struct cometd_world *self = *state;

    cometd_subscribe(self);
    cometd_reply(
        self, 200,
        CONNECT_REFUSED("401::Authentication invalid", "{\"reconnect\":\"none\",\"interval\":0}"));
    const uint32_t before = self->world->call_count;
    assert_string_equal(cometd_asked(self), "");
    world_log_in(self->world);
    assert_int_equal(self->world->call_count, before + 1);
    assert_true(cometd_asks(self, "/meta/handshake"));
}

static void the_reason_of_a_refused_handshake_counts_more_than_its_error(void **state)
{
    struct cometd_world *self = *state;
    uint64_t until_ns = 0;

    self->feed.start(self->feed.context);
    assert_true(cometd_asks(self, "/meta/handshake"));
    cometd_reply(self, 200,
                 "[{\"ext\":{\"sfdc\":{\"failureReason\":\"401::Authentication invalid\"}},"
                 "\"advice\":{\"reconnect\":\"none\"},\"channel\":\"/meta/handshake\","
                 "\"error\":\"403::Handshake denied\",\"successful\":false}]");
    assert_false(sfe_org_is_ready(self->world->org, self->world->now_ns, &until_ns));
}

static void an_advice_to_retry_keeps_the_session_and_waits(void **state)
{
    struct cometd_world *self = *state;

    cometd_subscribe(self);
    cometd_reply(
        self, 200,
        CONNECT_REFUSED("503::Server is too busy", "{\"reconnect\":\"retry\",\"interval\":5000}"));
    assert_string_equal(cometd_asked(self), "");
    self->world->now_ns += 5 * SECOND;
    assert_true(cometd_asks(self, "/meta/connect"));
}

static void a_limit_is_waited_for_by_the_minute(void **state)
{
    struct cometd_world *self = *state;

    cometd_subscribe(self);
    cometd_reply(self, 200,
                 CONNECT_REFUSED("403::Organization total events daily limit exceeded",
                                 "{\"reconnect\":\"none\"}"));
    self->world->now_ns += 7 * SECOND;
    assert_string_equal(cometd_asked(self), "");
    self->world->now_ns += 60 * SECOND;
    assert_true(cometd_asks(self, "/meta/handshake"));
}

static void a_stale_place_is_told_before_anything_else_and_then_left(void **state)
{
    struct cometd_world *self = *state;
    struct sfe_feed_place place = {.bytes = "123", .size = 3};
    struct sfe_feed_item item;

    self->feed.set_place(self->feed.context, 0, &place);
    self->feed.start(self->feed.context);
    (void)cometd_asked(self);
    cometd_reply(self, 200, HANDSHAKEN);
    (void)cometd_asked(self);
    cometd_reply(self, 200, OPENED);
    assert_true(cometd_asks(self, "{\"/event/A__e\":123}"));
    cometd_reply(
        self, 200,
        "[{\"channel\":\"/u/B\",\"data\":{}},"
        "{\"channel\":\"/meta/subscribe\",\"subscription\":\"/event/A__e\","
        "\"successful\":false,\"error\":\"400::The replayId {123} you provided was "
        "invalid.  Please provide a valid ID\"},"
        "{\"channel\":\"/meta/subscribe\",\"subscription\":\"/u/B\",\"successful\":true}]");
    assert_true(self->feed.peek(self->feed.context, &item));
    assert_true(item.is_gap && item.to_earliest && item.channel == 0);
    assert_true(sfe_slice_equal(sfe_feed_place_slice(&item.marks.place), SFE_TEXT("123")));
    assert_int_equal(cometd_take(self), 2);
    const char *asked = cometd_asked(self);
    assert_non_null(strstr(asked, "{\"/event/A__e\":-2}"));
    assert_null(strstr(asked, "/u/B"));
}

static void a_channel_that_is_refused_is_seldom_asked_for_and_holds_up_no_other(void **state)
{
    struct cometd_world *self = *state;

    self->feed.start(self->feed.context);
    (void)cometd_asked(self);
    cometd_reply(self, 200, HANDSHAKEN);
    (void)cometd_asked(self);
    cometd_reply(self, 200, OPENED);
    (void)cometd_asked(self);
    cometd_reply(
        self, 200,
        "[{\"channel\":\"/meta/subscribe\",\"subscription\":\"/event/A__e\","
        "\"successful\":false,\"error\":\"400::The channel you requested to subscribe to "
        "does not exist {/event/A__e}\"},"
        "{\"channel\":\"/meta/subscribe\",\"subscription\":\"/u/B\",\"successful\":true}]");
    assert_true(cometd_asks(self, "/meta/connect"));
    assert_false(cometd_facts(self).is_connected);
    assert_non_null(strstr(cometd_facts(self).failed.message, "/event/A__e"));
    cometd_reply(self, 200,
                 "[{\"channel\":\"/u/B\",\"data\":{}},"
                 "{\"channel\":\"/meta/connect\",\"successful\":true}]");
    assert_int_equal(cometd_take(self), 1);
}

static void of_an_answer_over_its_bound_what_is_whole_is_taken(void **state)
{
    struct cometd_world *self = *state;
    struct sfe_http_answer answer;

    cometd_subscribe(self);
    answer = world_answer_to(self->world, self->world->call_count - 1);
    answer.code = SFE_E_TOO_LARGE;
    sfe_builder_add_text(&self->cometd->answer,
                         "[{\"channel\":\"/u/B\",\"data\":{\"event\":{\"replayId\":7}}},"
                         "{\"channel\":\"/u/B\",\"data\":{\"event\":{\"repl");
    world_deliver(self->world, self->world->call_count - 1, &answer);
    assert_int_equal(cometd_take(self), 1);
    self->world->now_ns += 2 * SECOND;
    assert_true(cometd_asks(self, "/meta/handshake"));
    cometd_reply(self, 200, HANDSHAKEN);
    (void)cometd_asked(self);
    cometd_reply(self, 200, OPENED);
    assert_true(cometd_asks(self, "{\"/u/B\":7}"));
}

static void polls_that_are_answered_at_once_with_nothing_make_no_storm(void **state)
{
    struct cometd_world *self = *state;
    uint32_t polls = 0;

    cometd_subscribe(self);
    for (uint32_t i = 0; i < 1000; i++) {
        if (self->cometd->is_under_way) {
            cometd_reply(self, 200, POLLED);
            self->world->call_count = 1;
            polls++;
        }
        self->world->now_ns += SECOND / 100u;
        (void)cometd_asked(self);
    }
    assert_in_range(polls, 4, 30);
}

static void a_page_instead_of_an_answer_is_a_failure(void **state)
{
    struct cometd_world *self = *state;

    cometd_subscribe(self);
    cometd_reply(self, 200, "<html><body>Please sign in</body></html>");
    assert_int_equal(cometd_facts(self).failed.code, SFE_E_API);
    assert_string_equal(cometd_asked(self), "");
    self->world->now_ns += 3 * SECOND;
    assert_true(cometd_asks(self, "/meta/handshake"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cometd_setup, cometd_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_unknown_client_shakes_hands_at_once_and_the_second_time_later),
        TEST(a_token_that_is_refused_is_renewed_once),
        TEST(the_reason_of_a_refused_handshake_counts_more_than_its_error),
        TEST(an_advice_to_retry_keeps_the_session_and_waits),
        TEST(a_limit_is_waited_for_by_the_minute),
        TEST(a_stale_place_is_told_before_anything_else_and_then_left),
        TEST(a_channel_that_is_refused_is_seldom_asked_for_and_holds_up_no_other),
        TEST(of_an_answer_over_its_bound_what_is_whole_is_taken),
        TEST(polls_that_are_answered_at_once_with_nothing_make_no_storm),
        TEST(a_page_instead_of_an_answer_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
