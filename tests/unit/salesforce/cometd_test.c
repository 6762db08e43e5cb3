#include "cometd_world.h"

static void nothing_is_asked_before_the_places_are_known(void **state)
{
    struct cometd_world *self = *state;

    assert_string_equal(cometd_asked(self), "");
    cometd_subscribe(self);
    assert_true(cometd_facts(self).is_connected);
    assert_int_equal(cometd_facts(self).sessions, 1);
    assert_string_equal(world_call(self->world, self->world->call_count - 1)->url,
                        "https://acme.my.salesforce.com/cometd/62.0");
}

static void the_next_poll_waits_until_what_came_is_taken(void **state)
{
    struct cometd_world *self = *state;
    struct sfe_feed_item item;

    cometd_subscribe(self);
    cometd_reply(self, 200,
                 "[{\"channel\":\"/u/B\",\"data\":{\"event\":{\"replayId\":7}}},"
                 "{\"channel\":\"/meta/connect\",\"successful\":true},"
                 "{\"channel\":\"/other\",\"data\":{}},"
                 "{\"channel\":\"\\/event\\/A__e\",\"data\":{\"event\":{\"replayId\":8}}}]");
    assert_string_equal(cometd_asked(self), "");
    assert_true(self->feed.peek(self->feed.context, &item));
    assert_int_equal(item.channel, 1);
    assert_true(sfe_slice_equal(item.payload, SFE_TEXT("{\"event\":{\"replayId\":7}}")));
    self->feed.pass(self->feed.context);
    assert_true(self->feed.peek(self->feed.context, &item));
    assert_int_equal(item.channel, 0);
    assert_true(sfe_slice_equal(sfe_feed_place_slice(&item.marks.place), SFE_TEXT("8")));
    assert_string_equal(cometd_asked(self), "");
    self->feed.pass(self->feed.context);
    assert_false(self->feed.peek(self->feed.context, &item));
    assert_true(cometd_asks(self, "/meta/connect"));
}

static void a_lost_answer_is_a_new_session_behind_what_was_taken(void **state)
{
    struct cometd_world *self = *state;

    cometd_subscribe(self);
    cometd_reply(self, 200,
                 "[{\"channel\":\"/u/B\",\"data\":{\"event\":{\"replayId\":7}}},"
                 "{\"channel\":\"/meta/connect\",\"successful\":true}]");
    assert_int_equal(cometd_take(self), 1);
    assert_true(cometd_asks(self, "/meta/connect"));
    world_break(self->world, self->world->call_count - 1);
    assert_string_equal(cometd_asked(self), "");
    assert_false(cometd_facts(self).is_connected);
    self->world->now_ns += 2 * SECOND;
    assert_true(cometd_asks(self, "/meta/handshake"));
    cometd_reply(self, 200, HANDSHAKEN);
    assert_true(cometd_asks(self, "/meta/connect"));
    cometd_reply(self, 200, OPENED);
    const char *asked = cometd_asked(self);
    assert_non_null(strstr(asked, "{\"/event/A__e\":-2}"));
    assert_non_null(strstr(asked, "{\"/u/B\":7}"));
}

static void a_session_that_was_left_alone_too_long_is_taken_for_gone(void **state)
{
    struct cometd_world *self = *state;

    cometd_subscribe(self);
    cometd_reply(self, 200,
                 "[{\"channel\":\"/u/B\",\"data\":{}},"
                 "{\"channel\":\"/meta/connect\",\"successful\":true}]");
    self->world->now_ns += 41 * SECOND;
    assert_int_equal(cometd_take(self), 1);
    assert_true(cometd_asks(self, "/meta/handshake"));
}

static void it_says_goodbye_and_waits_for_no_poll(void **state)
{
    struct cometd_world *self = *state;

    cometd_subscribe(self);
    self->feed.stop(self->feed.context);
    assert_false(sfe_cometd_is_quiet(self->cometd));
    assert_true(cometd_asks(self, "/meta/disconnect"));
    assert_true(world_call(self->world, self->world->call_count - 2)->is_over);
    cometd_reply(self, 200, "[{\"channel\":\"/meta/disconnect\",\"successful\":true}]");
    assert_true(sfe_cometd_is_quiet(self->cometd));
    assert_string_equal(cometd_asked(self), "");
}

static void one_that_never_began_has_nobody_to_say_goodbye_to(void **state)
{
    struct cometd_world *self = *state;

    self->feed.stop(self->feed.context);
    assert_string_equal(cometd_asked(self), "");
    assert_true(sfe_cometd_is_quiet(self->cometd));
}

/* A day of an org that publishes, on a link that drops every minute, with answers lost on the way:
 * each event is handed over, in order, and what comes twice is known by its identity. */
struct day {
    uint64_t published; /* Replay ids from 1 on. */
    uint64_t sent;      /* To this session. */
    uint64_t taken;
    uint64_t repeats;
    uint64_t requests;
    bool is_subscribed;
    uint64_t random;
};

static uint64_t draw(struct day *day)
{
    day->random = day->random * 6364136223846793005u + 1442695040888963407u;
    return day->random >> 33;
}

static uint64_t number_behind(const char *text, const char *words)
{
    const char *at = strstr(text, words);
    uint64_t number = 0;

    assert_non_null(at);
    for (at += strlen(words); *at >= '0' && *at <= '9'; at++) {
        number = number * 10u + (uint64_t)(*at - '0');
    }
    return number;
}

static void answer_poll(struct cometd_world *self, struct day *day, bool is_lost)
{
    static char body[4096];
    size_t size = (size_t)snprintf(body, sizeof(body), "[");

    while (day->is_subscribed && day->sent < day->published && size < 3000) {
        day->sent++;
        size += (size_t)snprintf(body + size, sizeof(body) - size,
                                 "{\"channel\":\"/u/B\",\"data\":{\"event\":{\"replayId\":%llu}}},",
                                 (unsigned long long)day->sent);
    }
    (void)snprintf(body + size, sizeof(body) - size,
                   "{\"channel\":\"/meta/connect\",\"successful\":true}]");
    if (is_lost) {
        world_break(self->world, self->world->call_count - 1);
    } else {
        cometd_reply(self, 200, body);
    }
}

static void answer(struct cometd_world *self, struct day *day, const char *asked, bool is_lost)
{
    const char *const places[] = {"\"/u/B\":-1", "\"/u/B\":"};

    if (strstr(asked, "/meta/subscribe") != NULL) {
        day->sent =
            strstr(asked, places[0]) != NULL ? day->published : number_behind(asked, places[1]);
        day->is_subscribed = !is_lost;
    } else if (strstr(asked, "/meta/handshake") != NULL) {
        day->is_subscribed = false;
    } else {
        answer_poll(self, day, is_lost);
        return;
    }
    if (is_lost) {
        world_break(self->world, self->world->call_count - 1);
    } else {
        cometd_reply(self, 200, strstr(asked, "handshake") != NULL ? HANDSHAKEN : SUBSCRIBED);
    }
}

static void take_of_day(struct cometd_world *self, struct day *day)
{
    struct sfe_feed_item item;

    while (self->feed.peek(self->feed.context, &item)) {
        const uint64_t number = number_behind((const char *)item.payload.bytes, "\"replayId\":");
        if (number <= day->taken) {
            day->repeats++;
        } else {
            assert_int_equal(number, day->taken + 1u);
            day->taken = number;
        }
        self->feed.pass(self->feed.context);
    }
}

static void a_day_with_a_drop_every_minute_has_no_gap(void **state)
{
    struct cometd_world *self = *state;
    struct day day = {.random = 7};
    const uint64_t end_ns = self->world->now_ns + 24 * 3600 * SECOND;
    uint64_t drop_ns = self->world->now_ns + 60 * SECOND;

    self->feed.start(self->feed.context);
    while (self->world->now_ns < end_ns) {
        const char *asked = cometd_asked(self);
        self->world->now_ns += SECOND / 4u + draw(&day) % (2u * SECOND);
        day.published += day.requests > 8 ? draw(&day) % 3u : 0;
        if (asked[0] == '\0') {
            continue;
        }
        day.requests++;
        const bool is_lost = self->world->now_ns >= drop_ns;
        drop_ns = is_lost ? self->world->now_ns + 60 * SECOND : drop_ns;
        answer(self, &day, asked, is_lost);
        take_of_day(self, &day);
        self->world->call_count = 1; /* The log-in stays. */
    }
    day.published += 0;
    while (day.taken < day.published) {
        const char *asked = cometd_asked(self);
        self->world->now_ns += SECOND;
        if (asked[0] != '\0') {
            answer(self, &day, asked, false);
            take_of_day(self, &day);
            self->world->call_count = 1;
        }
    }
    assert_true(day.taken > 40000);
    assert_int_equal(day.repeats, 0);
    assert_in_range(cometd_facts(self).sessions, 1000, 3000);
    assert_true(day.requests < 24u * 3600u * 2u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_asked_before_the_places_are_known, cometd_setup,
                                        cometd_teardown),
        cmocka_unit_test_setup_teardown(the_next_poll_waits_until_what_came_is_taken, cometd_setup,
                                        cometd_teardown),
        cmocka_unit_test_setup_teardown(a_lost_answer_is_a_new_session_behind_what_was_taken,
                                        cometd_setup, cometd_teardown),
        cmocka_unit_test_setup_teardown(a_session_that_was_left_alone_too_long_is_taken_for_gone,
                                        cometd_setup, cometd_teardown),
        cmocka_unit_test_setup_teardown(it_says_goodbye_and_waits_for_no_poll, cometd_setup,
                                        cometd_teardown),
        cmocka_unit_test_setup_teardown(one_that_never_began_has_nobody_to_say_goodbye_to,
                                        cometd_setup, cometd_teardown),
        cmocka_unit_test_setup_teardown(a_day_with_a_drop_every_minute_has_no_gap, cometd_setup,
                                        cometd_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
