#include "unit/input/gate_world.h"

#include "input/mqtt.h"

#define SECOND UINT64_C(1000000000)

/* The platform's client: does nothing but remember; the test speaks in its place. */
struct sfe_mqtt_session {
    struct sfe_mqtt_options options;
    char server_uri[64];
    unsigned connects;
    unsigned subscribes;
    unsigned unsubscribes;
    unsigned closes;
    char filter[64];
    uint8_t qos;
    uint8_t retain_handling;
    bool refuses_connect;
    bool refuses_subscribe;
};

struct test {
    struct input_world *world;
    struct sfe_mqtt_session session;
    struct sfe_mqtt mqtt;
    struct sfe_mqtt_former former;
    struct sfe_entropy entropy;
    struct sfe_tls_session tls_session;
    struct sfe_tls tls;
    struct sfe_source source;
    uint64_t now_ns;
    uint64_t next_ns;
    uint64_t random;
};

static enum sfe_code client_open(void *context, const struct sfe_mqtt_options *options,
                                 struct sfe_mqtt_session **session, struct sfe_error *err)
{
    struct test *test = context;

    (void)err;
    test->session.options = *options;
    (void)snprintf(test->session.server_uri, sizeof(test->session.server_uri), "%s",
                   options->server_uri);
    *session = &test->session;
    return SFE_OK;
}

static enum sfe_code client_connect(void *context, struct sfe_mqtt_session *session,
                                    struct sfe_error *err)
{
    (void)context;
    session->connects++;
    return session->refuses_connect ? sfe_fail(err, SFE_E_NETWORK, "no threads") : SFE_OK;
}

static enum sfe_code client_subscribe(void *context, struct sfe_mqtt_session *session,
                                      const char *const *filters, const uint8_t *qos, size_t count,
                                      uint8_t retain_handling, struct sfe_error *err)
{
    (void)context;
    assert_int_equal(count, 1);
    if (session->refuses_subscribe) {
        return sfe_fail(err, SFE_E_NETWORK, "disconnected");
    }
    session->subscribes++;
    (void)snprintf(session->filter, sizeof(session->filter), "%s", filters[0]);
    session->qos = qos[0];
    session->retain_handling = retain_handling;
    return SFE_OK;
}

static enum sfe_code client_unsubscribe(void *context, struct sfe_mqtt_session *session,
                                        const char *const *filters, size_t count,
                                        struct sfe_error *err)
{
    (void)context;
    (void)err;
    assert_int_equal(count, 2);
    assert_string_equal(filters[0], "old/a");
    assert_string_equal(filters[1], "old/b");
    session->unsubscribes++;
    return SFE_OK;
}

static void client_disconnect(void *context, struct sfe_mqtt_session *session)
{
    (void)context;
    (void)session;
    fail_msg("disconnect waits for the gate, which is this thread's");
}

static void client_close(void *context, struct sfe_mqtt_session *session)
{
    struct test *test = context;

    assert_false(test->world->listener.is_open);
    session->closes++;
}

static enum sfe_code entropy_fill(void *context, void *bytes, size_t size, struct sfe_error *err)
{
    const struct test *test = context;

    (void)err;
    assert_int_equal(size, sizeof(test->random));
    memcpy(bytes, &test->random, size);
    return SFE_OK;
}

static void turn(struct test *test)
{
    test->next_ns = test->source.turn(test->source.context, test->now_ns);
}

static void say(struct test *test, enum sfe_mqtt_event event, int detail, const char *text)
{
    unsigned wakes = test->world->wakes;

    test->session.options.on_event(test->session.options.owner, event, detail, text);
    assert_int_equal(test->world->wakes, wakes + 1);
    turn(test);
}

static struct sfe_source_facts facts_of(struct test *test)
{
    struct sfe_source_facts facts;

    test->source.facts(test->source.context, &facts);
    return facts;
}

static const struct sfe_mqtt_user *the_user; /* Of the next source. */

static int open_with(void **state, const struct sfe_mqtt_broker *brokers, uint32_t broker_count)
{
    static const struct sfe_mqtt_subscription subscriptions[] = {{"pos/+/sale", 1}, {"plant/#", 0}};
    struct test *test = calloc(1, sizeof(*test));
    void *world = NULL;
    struct sfe_error err;
    struct sfe_mqtt_source_options options = {
        .connection = "site",
        .brokers = brokers,
        .broker_count = broker_count,
        .client_id = "sfedge-1",
        .username = "gateway",
        .password = SFE_TEXT("secret"),
        .keep_alive_s = 30,
        .session_expiry_s = 86400,
        .receive_maximum = 10,
        .event_bytes_max = 1000,
        .subscriptions = subscriptions,
        .subscription_count = 2,
    };

    assert_non_null(test);
    assert_int_equal(world_open(&world), 0);
    test->world = world;
    test->mqtt = (struct sfe_mqtt){.context = test,
                                   .open = client_open,
                                   .connect = client_connect,
                                   .subscribe = client_subscribe,
                                   .unsubscribe = client_unsubscribe,
                                   .disconnect = client_disconnect,
                                   .close = client_close};
    test->entropy = (struct sfe_entropy){test, entropy_fill};
    test->now_ns = 1000 * SECOND;
    options.intake = world_intake(test->world, 1000);
    options.former = &test->former;
    if (the_user != NULL) {
        options.user = the_user;
        options.intake = NULL;
        options.subscription_count = 0;
    }
    options.poller = &test->world->poller;
    options.mqtt = &test->mqtt;
    test->tls = fake_tls(&test->tls_session);
    options.tls = &test->tls;
    options.clock = &test->world->clock;
    options.entropy = &test->entropy;
    assert_int_equal(sfe_mqtt_source_open(&options, test->world->arena, &test->source, &err),
                     SFE_OK);
    *state = test;
    return 0;
}

static int test_open(void **state)
{
    static const struct sfe_mqtt_broker brokers[] = {{"broker.lan", 1883, false}};

    return open_with(state, brokers, 1);
}

static int spare_open(void **state)
{
    static const struct sfe_mqtt_broker brokers[] = {{"broker.lan", 1883, false},
                                                     {"spare.lan", 1883, false}};

    return open_with(state, brokers, 2);
}

static int secured_open(void **state)
{
    static const struct sfe_mqtt_broker brokers[] = {{"broker.lan", 1883, true}};

    return open_with(state, brokers, 1);
}

static int test_close(void **state)
{
    struct test *test = *state;
    void *world = test->world;

    if (test->session.closes == 0) {
        test->source.close(test->source.context);
    }
    (void)world_close(&world);
    free(test);
    return 0;
}

/* Connects and subscribes. */
static void run(struct test *test)
{
    turn(test);
    begin_session(test->world);
    SEND(&test->world->broker, CONNACK_5);
    pump(test->world);
    EXPECT_WRITTEN(&test->world->client, CONNACK_5);
    say(test, SFE_MQTT_CONNECTED, 1, "");
    say(test, SFE_MQTT_SUBSCRIBED, 1, "");
    say(test, SFE_MQTT_SUBSCRIBED, 0, "");
    assert_true(facts_of(test).is_connected);
}

static void session_is_opened_towards_the_gate(void **state)
{
    struct test *test = *state;

    assert_string_equal(test->session.server_uri, "tcp://127.0.0.1:4711");
    assert_string_equal(test->session.options.client_id, "sfedge-1");
    assert_string_equal(test->session.options.username, "gateway");
    assert_int_equal(test->session.options.receive_maximum, 10);
    assert_int_equal(test->session.options.session_expiry_s, 86400);
    assert_int_equal(test->session.connects, 0);
}

static void first_turn_connects_and_each_filter_is_subscribed(void **state)
{
    struct test *test = *state;

    turn(test);
    assert_int_equal(test->session.connects, 1);
    assert_false(facts_of(test).is_connected);
    say(test, SFE_MQTT_CONNECTED, 1, "");
    assert_string_equal(test->session.filter, "pos/+/sale");
    assert_int_equal(test->session.qos, 1);
    assert_int_equal(test->session.retain_handling, 1);
    say(test, SFE_MQTT_SUBSCRIBED, 1, "");
    assert_string_equal(test->session.filter, "plant/#");
    assert_int_equal(test->session.qos, 0);
    say(test, SFE_MQTT_SUBSCRIBED, 0, "");
    assert_int_equal(test->session.subscribes, 2);
    assert_true(test->next_ns == UINT64_MAX);
}

static void connection_counts_only_when_broker_and_filters_stand(void **state)
{
    struct test *test = *state;

    run(test);
    test->world->broker.is_ended = true;
    pump(test->world);
    assert_false(facts_of(test).is_connected);
}

static void refused_connection_waits_up_to_twice_as_long_each_time(void **state)
{
    struct test *test = *state;
    uint64_t longest = SECOND;

    for (unsigned i = 1; i <= 10; i++) {
        turn(test);
        assert_int_equal(test->session.connects, i);
        test->random = longest;
        say(test, SFE_MQTT_REFUSED, 0x87, "refused");
        assert_true(test->next_ns - test->now_ns == longest);
        turn(test);
        assert_int_equal(test->session.connects, i); /* Not before its time. */
        test->now_ns = test->next_ns;
        longest = longest < 32 * SECOND ? 2 * longest : 60 * SECOND;
    }
    assert_int_equal(facts_of(test).last_error.code, SFE_E_AUTH);
    assert_string_equal(facts_of(test).last_error.message,
                        "the broker refuses us: not authorized (0x87)");
}

static void reason_that_the_gate_saw_goes_before_the_clients(void **state)
{
    struct test *test = *state;

    turn(test);
    test->world->refuses = true;
    test->world->client_waits = true;
    pump(test->world);
    say(test, SFE_MQTT_REFUSED, -1, "TCP/TLS connect failure");
    assert_string_equal(facts_of(test).last_error.message, "no route to host");
}

static void reason_of_the_gate_is_not_told_of_a_later_failure(void **state)
{
    struct test *test = *state;

    reason_that_the_gate_saw_goes_before_the_clients(state);
    test->now_ns = test->next_ns;
    turn(test);
    say(test, SFE_MQTT_REFUSED, -1, "out of memory");
    assert_string_equal(facts_of(test).last_error.message, "cannot connect: out of memory");
}

static void connection_that_stood_long_starts_over_with_a_short_delay(void **state)
{
    struct test *test = *state;

    for (int i = 0; i < 8; i++) {
        turn(test);
        say(test, SFE_MQTT_REFUSED, 0x88, "");
        test->now_ns = test->next_ns;
    }
    run(test);
    test->now_ns += 61 * SECOND;
    say(test, SFE_MQTT_LOST, 0, "gone");
    assert_true(test->next_ns - test->now_ns <= SECOND);
    assert_string_equal(facts_of(test).last_error.message, "connection lost: gone");
}

static void connection_that_falls_at_once_keeps_the_long_delay(void **state)
{
    struct test *test = *state;

    for (int i = 0; i < 8; i++) {
        turn(test);
        say(test, SFE_MQTT_REFUSED, 0x88, "");
        test->now_ns = test->next_ns;
    }
    run(test);
    test->now_ns += SECOND;
    test->random = 50 * SECOND;
    say(test, SFE_MQTT_LOST, 0, "gone");
    assert_true(test->next_ns - test->now_ns == 50 * SECOND);
}

static void lost_connection_subscribes_again(void **state)
{
    struct test *test = *state;

    run(test);
    test->world->client.is_ended = true;
    pump(test->world);
    say(test, SFE_MQTT_LOST, 0, "gone");
    assert_false(facts_of(test).is_connected);
    test->now_ns = test->next_ns;
    run(test);
    assert_int_equal(test->session.subscribes, 4);
    assert_int_equal(facts_of(test).reconnects, 1);
}

static void refused_filter_is_named_and_tried_again_while_the_others_work(void **state)
{
    struct test *test = *state;

    test->random = 40 * SECOND;
    turn(test);
    begin_session(test->world);
    SEND(&test->world->broker, CONNACK_5);
    pump(test->world);
    say(test, SFE_MQTT_CONNECTED, 0, "");
    say(test, SFE_MQTT_NOT_SUBSCRIBED, 0x87, "");
    assert_string_equal(test->session.filter, "plant/#");
    say(test, SFE_MQTT_SUBSCRIBED, 0, "");
    assert_false(facts_of(test).is_connected);
    assert_string_equal(facts_of(test).last_error.message,
                        "subscription 'pos/+/sale' is refused: not authorized (0x87)");
    assert_true(test->next_ns == test->now_ns + 40 * SECOND);

    test->now_ns = test->next_ns;
    turn(test);
    assert_int_equal(test->session.connects, 1);
    assert_int_equal(test->session.subscribes, 3);
    assert_string_equal(test->session.filter, "pos/+/sale");
    say(test, SFE_MQTT_SUBSCRIBED, 1, "");
    assert_int_equal(test->session.subscribes, 3); /* The other stands. */
    assert_true(facts_of(test).is_connected);
}

static void subscription_without_an_answer_is_a_lost_connection(void **state)
{
    struct test *test = *state;

    turn(test);
    begin_session(test->world);
    say(test, SFE_MQTT_CONNECTED, 1, "");
    say(test, SFE_MQTT_NOT_SUBSCRIBED, -1, "failed");
    assert_string_equal(facts_of(test).last_error.message, "cannot subscribe: failed");
    assert_false(test->world->client.is_open);
    say(test, SFE_MQTT_LOST, 0, ""); /* Comes after it, and is not counted again. */
    assert_string_equal(facts_of(test).last_error.message, "cannot subscribe: failed");
    test->now_ns = test->next_ns;
    test->session.refuses_subscribe = true;
    turn(test);
    assert_int_equal(test->session.connects, 2);
    say(test, SFE_MQTT_CONNECTED, 1, "");
    assert_string_equal(facts_of(test).last_error.message, "disconnected");
    assert_true(test->next_ns != UINT64_MAX);
}

static void silence_of_the_client_ends_its_connection(void **state)
{
    struct test *test = *state;

    turn(test);
    begin_session(test->world);
    test->now_ns = test->next_ns;
    turn(test);
    assert_false(test->world->client.is_open);
    assert_int_equal(test->session.connects, 1); /* Not while one is under way. */
    say(test, SFE_MQTT_REFUSED, -1, "closed");
    assert_string_equal(facts_of(test).last_error.message, "no answer to CONNECT");
    test->now_ns = test->next_ns;
    turn(test);
    assert_int_equal(test->session.connects, 2);
}

static void failure_to_begin_is_tried_again(void **state)
{
    struct test *test = *state;

    test->session.refuses_connect = true;
    turn(test);
    assert_string_equal(facts_of(test).last_error.message, "no threads");
    test->now_ns = test->next_ns;
    test->session.refuses_connect = false;
    turn(test);
    assert_int_equal(test->session.connects, 2);
}

static void blocked_source_comes_back_soon(void **state)
{
    struct test *test = *state;

    run(test);
    test->world->sales.room = 0;
    send_publish(&test->world->broker, 1, "pos/7/sale", "a");
    pump(test->world);
    turn(test);
    assert_true(facts_of(test).is_blocked);
    assert_true(test->next_ns <= test->now_ns + SECOND);
    test->world->sales.room = 1;
    turn(test);
    assert_false(facts_of(test).is_blocked);
    assert_true(test->next_ns == UINT64_MAX);
    assert_int_equal(facts_of(test).received, 1);
    assert_int_equal(facts_of(test).unacknowledged, 1);
}

static void stopped_source_acknowledges_and_does_not_connect_again(void **state)
{
    struct test *test = *state;

    run(test);
    send_publish(&test->world->broker, 1, "pos/7/sale", "a");
    pump(test->world);
    test->source.stop(test->source.context);
    assert_false(test->source.is_quiet(test->source.context));
    test->world->sales.durable = 1;
    turn(test);
    assert_true(test->source.is_quiet(test->source.context));
    assert_int_equal(facts_of(test).acknowledged, 1);
    say(test, SFE_MQTT_LOST, 0, "gone");
    assert_true(test->next_ns == UINT64_MAX);
    test->now_ns += 3600 * SECOND;
    turn(test);
    assert_int_equal(test->session.connects, 1);
}

static void close_says_goodbye_through_the_gate(void **state)
{
    struct test *test = *state;

    run(test);
    test->source.close(test->source.context);
    EXPECT_WRITTEN(&test->world->broker, "\xe0\x00");
    assert_int_equal(test->session.closes, 1);
}

static void end_of_a_connection_is_not_lost_among_many_events(void **state)
{
    struct test *test = *state;

    run(test);
    for (int i = 0; i < 30; i++) {
        test->session.options.on_event(test->session.options.owner, SFE_MQTT_SUBSCRIBED, 0, NULL);
    }
    say(test, SFE_MQTT_LOST, 0, NULL);
    assert_string_equal(facts_of(test).last_error.message, "connection lost: no reason given");
}

/* Up to where the old filters are to be ended. */
static void connect_all(struct test *test)
{
    turn(test);
    say(test, SFE_MQTT_CONNECTED, 1, "");
    say(test, SFE_MQTT_SUBSCRIBED, 1, "");
    say(test, SFE_MQTT_SUBSCRIBED, 1, "");
}

static void lose(struct test *test)
{
    say(test, SFE_MQTT_LOST, 0, "gone");
    test->now_ns += 200 * SECOND;
}

static void what_was_subscribed_before_is_ended_until_that_succeeded(void **state)
{
    struct test *test = *state;

    assert_true(sfe_mqtt_former_add(&test->former, "old/a"));
    assert_true(sfe_mqtt_former_add(&test->former, "old/b"));
    connect_all(test);
    assert_int_equal(test->session.unsubscribes, 1);
    lose(test); /* Before the answer came. */
    connect_all(test);
    assert_int_equal(test->session.unsubscribes, 2);
    say(test, SFE_MQTT_NOT_UNSUBSCRIBED, 0x87, "not authorized");
    assert_true(test->next_ns == UINT64_MAX); /* It runs all the same. */
    lose(test);
    connect_all(test);
    assert_int_equal(test->session.unsubscribes, 3);
    say(test, SFE_MQTT_UNSUBSCRIBED, 0, "");
    assert_true(test->next_ns == UINT64_MAX);
    assert_int_equal(test->former.count, 0);
    lose(test);
    connect_all(test);
    assert_int_equal(test->session.unsubscribes, 3);
}

static void each_of_several_brokers_has_a_session_of_its_own(void **state)
{
    struct test *test = *state;

    assert_true(sfe_mqtt_former_add(&test->former, "old/a"));
    assert_true(sfe_mqtt_former_add(&test->former, "old/b"));
    connect_all(test);
    say(test, SFE_MQTT_UNSUBSCRIBED, 0, "");
    lose(test);
    connect_all(test);
    assert_int_equal(test->session.unsubscribes, 2);
}

#define MQTT_TEST(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)

/* The client reaches for the gate, and the gate for `host`. */
static void expect_reached(struct test *test, const char *host)
{
    turn(test);
    test->world->client_waits = true;
    pump(test->world);
    assert_string_equal(test->world->reached, host);
}

static void fall(struct test *test)
{
    test->world->client.is_ended = true;
    pump(test->world);
    say(test, SFE_MQTT_LOST, 0, "gone");
    test->now_ns = test->next_ns;
}

static void brokers_are_tried_in_turn_a_round_for_one_attempt(void **state)
{
    struct test *test = *state;
    static const char *const hosts[] = {"broker.lan", "spare.lan", "broker.lan", "spare.lan"};

    for (unsigned i = 0; i < 4; i++) {
        expect_reached(test, hosts[i]);
        test->random = i < 2 ? SECOND : 2 * SECOND;
        say(test, SFE_MQTT_REFUSED, 0x88, "");
        assert_true(test->next_ns - test->now_ns == test->random);
        test->now_ns = test->next_ns;
    }
}

static void first_broker_has_the_next_turn_after_a_steady_connection(void **state)
{
    struct test *test = *state;

    expect_reached(test, "broker.lan");
    say(test, SFE_MQTT_REFUSED, 0x88, "");
    test->now_ns = test->next_ns;
    run(test);
    assert_string_equal(test->world->reached, "spare.lan");
    test->now_ns += 61 * SECOND;
    test->world->refuses = true; /* No probe. */
    fall(test);
    test->world->refuses = false;
    expect_reached(test, "broker.lan");
    say(test, SFE_MQTT_REFUSED, 0x88, "");
}

static void run_on_spare(struct test *test)
{
    expect_reached(test, "broker.lan");
    say(test, SFE_MQTT_REFUSED, 0x88, "");
    test->now_ns = test->next_ns;
    run(test);
}

static void connection_returns_once_the_first_broker_answers(void **state)
{
    struct test *test = *state;

    run_on_spare(test);
    assert_true(test->next_ns == test->now_ns + 30 * SECOND);
    test->now_ns = test->next_ns;
    turn(test);
    assert_string_equal(test->world->reached, "broker.lan");
    assert_true(test->world->broker.is_open);
    test->world->probed.is_standing = true;
    pump(test->world);
    assert_false(test->world->probed.is_open);
    turn(test);
    EXPECT_WRITTEN(&test->world->broker, "\xe0\x00"); /* In order: the session stays there. */
    assert_false(test->world->broker.is_open);
    assert_int_equal(test->session.connects, 2);
    say(test, SFE_MQTT_LOST, 0, "gone");
    assert_int_equal(test->session.connects, 3); /* At once. */
    expect_reached(test, "broker.lan");
}

static void first_broker_that_does_not_answer_is_asked_again(void **state)
{
    struct test *test = *state;

    run_on_spare(test);
    for (int i = 0; i < 3; i++) {
        test->now_ns = test->next_ns;
        turn(test);
        assert_true(test->world->probed.is_open);
        test->world->probed.is_broken = true;
        pump(test->world);
        assert_false(test->world->probed.is_open);
        turn(test);
        assert_true(test->next_ns == test->now_ns + 30 * SECOND);
    }
    assert_true(facts_of(test).is_connected);
}

static void tls_is_opened_once_and_closed_where_a_broker_needs_it(void **state)
{
    struct test *test = *state;

    assert_int_equal(test->tls_session.opens, 1);
    expect_reached(test, "broker.lan");
    test->world->broker.is_standing = true;
    pump(test->world);
    EXPECT_WRITTEN(&test->world->broker, "hi");
    test->source.close(test->source.context);
    assert_int_equal(test->tls_session.opens, 0);
    assert_int_equal(test->tls_session.ends, 1);
}

static struct sfe_mqtt_session *link_session;
static struct sfe_error link_why;
static int link_reason;
static bool link_wants_end;

static void on_link(void *owner, struct sfe_mqtt_session *session, const struct sfe_error *why,
                    int reason)
{
    assert_ptr_equal(owner, &link_session);
    link_session = session;
    link_reason = reason;
    link_why = (struct sfe_error){0};
    if (why != NULL) {
        link_why = *why;
    }
}

static bool wants_end(void *owner, struct sfe_error *why)
{
    const bool was_wanted = link_wants_end;

    assert_ptr_equal(owner, &link_session);
    link_wants_end = false;
    if (was_wanted) {
        (void)sfe_fail(why, SFE_E_TIMEOUT, "silence");
    }
    return was_wanted;
}

static int user_open(void **state)
{
    static const struct sfe_mqtt_broker brokers[] = {{"broker.lan", 1883, false}};
    static const struct sfe_mqtt_user user = {
        .on_link = on_link, .wants_end = wants_end, .owner = &link_session};

    link_session = NULL;
    link_wants_end = false;
    the_user = &user;
    const int result = open_with(state, brokers, 1);
    the_user = NULL;
    return result;
}

/* Connects, with nothing to subscribe to. */
static void run_user(struct test *test)
{
    turn(test);
    begin_session(test->world);
    SEND(&test->world->broker, CONNACK_5);
    pump(test->world);
    EXPECT_WRITTEN(&test->world->client, CONNACK_5);
    say(test, SFE_MQTT_CONNECTED, 0, "");
}

static void who_publishes_is_told_when_the_connection_stands_and_why_it_does_not(void **state)
{
    struct test *test = *state;

    assert_non_null(test->session.options.publishing);
    run_user(test);
    assert_int_equal(test->session.subscribes, 0);
    assert_ptr_equal(link_session, &test->session);
    assert_true(facts_of(test).is_connected);
    say(test, SFE_MQTT_LOST, 0x95, "Packet too large");
    assert_null(link_session);
    assert_int_equal(link_reason, 0x95);
    assert_int_equal(link_why.code, SFE_E_NETWORK);
    test->now_ns = test->next_ns;
    turn(test);
    say(test, SFE_MQTT_REFUSED, 0x87, "");
    assert_int_equal(link_reason, 0); /* That was of the connection before. */
    assert_string_equal(link_why.message, "the broker refuses us: not authorized (0x87)");
}

static void who_publishes_may_ask_for_another_connection(void **state)
{
    struct test *test = *state;

    run_user(test);
    link_wants_end = true;
    turn(test);
    assert_false(facts_of(test).is_connected);
    say(test, SFE_MQTT_LOST, 0, "");
    assert_null(link_session);
    assert_string_equal(link_why.message, "silence");
}

static void a_message_for_who_only_publishes_ends_the_connection(void **state)
{
    struct test *test = *state;

    run_user(test);
    SEND(&test->world->broker, "\x30\6\0\1t\0hi");
    pump(test->world);
    assert_false(facts_of(test).is_connected);
    say(test, SFE_MQTT_LOST, 0, "");
    assert_string_equal(link_why.message, "a message where nothing is subscribed to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MQTT_TEST(session_is_opened_towards_the_gate),
        MQTT_TEST(first_turn_connects_and_each_filter_is_subscribed),
        MQTT_TEST(connection_counts_only_when_broker_and_filters_stand),
        MQTT_TEST(refused_connection_waits_up_to_twice_as_long_each_time),
        MQTT_TEST(reason_that_the_gate_saw_goes_before_the_clients),
        MQTT_TEST(reason_of_the_gate_is_not_told_of_a_later_failure),
        MQTT_TEST(connection_that_stood_long_starts_over_with_a_short_delay),
        MQTT_TEST(connection_that_falls_at_once_keeps_the_long_delay),
        MQTT_TEST(lost_connection_subscribes_again),
        MQTT_TEST(refused_filter_is_named_and_tried_again_while_the_others_work),
        MQTT_TEST(subscription_without_an_answer_is_a_lost_connection),
        MQTT_TEST(silence_of_the_client_ends_its_connection),
        MQTT_TEST(failure_to_begin_is_tried_again),
        MQTT_TEST(blocked_source_comes_back_soon),
        MQTT_TEST(stopped_source_acknowledges_and_does_not_connect_again),
        MQTT_TEST(close_says_goodbye_through_the_gate),
        MQTT_TEST(end_of_a_connection_is_not_lost_among_many_events),
        MQTT_TEST(what_was_subscribed_before_is_ended_until_that_succeeded),
        cmocka_unit_test_setup_teardown(
            who_publishes_is_told_when_the_connection_stands_and_why_it_does_not, user_open,
            test_close),
        cmocka_unit_test_setup_teardown(who_publishes_may_ask_for_another_connection, user_open,
                                        test_close),
        cmocka_unit_test_setup_teardown(a_message_for_who_only_publishes_ends_the_connection,
                                        user_open, test_close),
        cmocka_unit_test_setup_teardown(each_of_several_brokers_has_a_session_of_its_own,
                                        spare_open, test_close),
        cmocka_unit_test_setup_teardown(brokers_are_tried_in_turn_a_round_for_one_attempt,
                                        spare_open, test_close),
        cmocka_unit_test_setup_teardown(first_broker_has_the_next_turn_after_a_steady_connection,
                                        spare_open, test_close),
        cmocka_unit_test_setup_teardown(connection_returns_once_the_first_broker_answers,
                                        spare_open, test_close),
        cmocka_unit_test_setup_teardown(first_broker_that_does_not_answer_is_asked_again,
                                        spare_open, test_close),
        cmocka_unit_test_setup_teardown(tls_is_opened_once_and_closed_where_a_broker_needs_it,
                                        secured_open, test_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
