#include "port/mbedtls/tls_world.h"

#include <mbedtls/ssl_ticket.h>

#define DAY_S INT64_C(86400)

struct resume_world {
    struct tls_world *tls;
    mbedtls_ssl_ticket_context tickets;
};

static int resume_open(void **state)
{
    struct resume_world *world = calloc(1, sizeof(*world));
    struct sfe_tls_options options = {.ca_file = NULL};
    void *inner = NULL;

    assert_non_null(world);
    assert_int_equal(world_open(&inner), 0);
    world->tls = inner;
    world->tls->now_s = time(NULL);
    mbedtls_ssl_ticket_init(&world->tickets);
    assert_int_equal(mbedtls_ssl_ticket_setup(&world->tickets, world_random, NULL,
                                              MBEDTLS_CIPHER_AES_256_GCM, 86400),
                     0);
    mbedtls_ssl_conf_session_tickets_cb(&world->tls->config, mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse, &world->tickets);
    begin_server(world->tls);
    options.ca_file = world->tls->authority.cert_file;
    open_session(world->tls, &options);
    *state = world;
    return 0;
}

static int resume_close(void **state)
{
    struct resume_world *world = *state;
    void *inner = world->tls;

    assert_int_equal(world_close(&inner), 0);
    mbedtls_ssl_ticket_free(&world->tickets);
    free(world);
    return 0;
}

/* The next connection; the one before is ended by both sides. */
static enum sfe_code connect_to(struct resume_world *world, const char *host)
{
    struct tls_world *tls = world->tls;

    tls->tls.end(tls->tls.context, tls->session);
    assert_int_equal(mbedtls_ssl_session_reset(&tls->ssl), 0);
    tls->server_is_done = false;
    tls->socket.to_us.begin = tls->socket.to_us.end = 0;
    tls->socket.to_server.begin = tls->socket.to_server.end = 0;
    begin(tls, host);
    return shake_hands(tls);
}

static bool is_resumed(struct resume_world *world)
{
    struct sfe_tls_facts facts;

    world->tls->tls.facts(world->tls->tls.context, world->tls->session, &facts);
    return facts.is_resumed;
}

static void second_connection_to_a_host_resumes_and_carries_bytes(void **state)
{
    struct resume_world *world = *state;
    struct tls_world *tls = world->tls;
    unsigned char heard[8];
    size_t count = 0;

    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    assert_false(is_resumed(world));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
        assert_true(is_resumed(world));
    }
    assert_int_equal(
        tls->tls.write(tls->tls.context, tls->session, SFE_TEXT("hello"), &count, &tls->err),
        SFE_IO_DATA);
    assert_int_equal(mbedtls_ssl_read(&tls->ssl, heard, sizeof(heard)), 5);
    assert_memory_equal(heard, "hello", 5);
}

static void facts_say_how_long_the_certificates_are_good(void **state)
{
    struct resume_world *world = *state;
    struct sfe_tls_facts facts;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
        world->tls->tls.facts(world->tls->tls.context, world->tls->session, &facts);
        assert_true(facts.valid_until_s > world->tls->now_s + 9 * DAY_S);
        assert_true(facts.valid_until_s <= world->tls->now_s + 10 * DAY_S);
        assert_int_equal(facts.own_until_s, 0);
        assert_string_equal(facts.version, "TLSv1.2");
    }
}

static void ticket_is_good_for_the_name_alone_that_was_proved(void **state)
{
    struct resume_world *world = *state;

    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    assert_int_equal(connect_to(world, "other.lan"), SFE_E_TLS);
    assert_non_null(strstr(world->tls->err.message, "not for other.lan"));
    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    assert_int_equal(connect_to(world, "10.1.2.3"), SFE_OK);
    assert_false(is_resumed(world));
}

static void nothing_is_resumed_once_a_certificate_has_ended(void **state)
{
    struct resume_world *world = *state;

    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    world->tls->now_s += 11 * DAY_S;
    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK); /* mbedTLS has its own clock. */
    assert_false(is_resumed(world));
    world->tls->now_s = DAY_S; /* A clock that has lost its time. */
    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    assert_false(is_resumed(world));
}

static void who_does_not_know_the_ticket_must_prove_its_name(void **state)
{
    struct resume_world *world = *state;
    struct tls_world *tls = world->tls;
    struct wish wish = {"Other CA", NULL, true, -1, 10, broker_names, sizeof(broker_names)};
    struct identity impostor;

    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    mbedtls_ssl_conf_session_tickets_cb(&tls->config, NULL, NULL, NULL);
    close_server(tls);
    make_identity(tls, &wish, &impostor);
    open_server(tls, &impostor);
    begin_server(tls);
    assert_int_equal(connect_to(world, "broker.lan"), SFE_E_TLS);
    assert_non_null(strstr(tls->err.message, "not trusted"));
    free_identity(&impostor);
}

static void ticket_that_was_refused_is_the_last_one(void **state)
{
    static const uint8_t internal_error[] = {0x15, 3, 3, 0, 2, 2, 80};
    struct resume_world *world = *state;
    struct tls_world *tls = world->tls;
    enum sfe_code code = SFE_E_AGAIN;

    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    tls->tls.end(tls->tls.context, tls->session);
    tls->socket.to_us.begin = tls->socket.to_us.end = 0;
    begin(tls, "broker.lan");
    queue_add(&tls->socket.to_us, internal_error, sizeof(internal_error));
    for (int i = 0; i < 100 && code == SFE_E_AGAIN; i++) {
        unsigned events = 0;
        code = tls->tls.handshake(tls->tls.context, tls->session, &events, &tls->err);
    }
    assert_int_equal(code, SFE_E_TLS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
        assert_false(is_resumed(world));
    }
}

static void line_that_breaks_costs_the_ticket_the_second_time(void **state)
{
    struct resume_world *world = *state;
    struct tls_world *tls = world->tls;
    unsigned events = 0;

    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    for (int i = 0; i < 2; i++) {
        tls->tls.end(tls->tls.context, tls->session);
        begin(tls, "broker.lan");
        tls->socket.is_broken = true;
        assert_int_equal(tls->tls.handshake(tls->tls.context, tls->session, &events, &tls->err),
                         SFE_E_NETWORK);
        tls->socket.is_broken = false;
        assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
        assert_true(is_resumed(world)); /* Which clears the doubt. */
    }
    for (int i = 0; i < 2; i++) {
        tls->tls.end(tls->tls.context, tls->session);
        begin(tls, "broker.lan");
        tls->socket.is_broken = true;
        assert_int_equal(tls->tls.handshake(tls->tls.context, tls->session, &events, &tls->err),
                         SFE_E_NETWORK);
        tls->socket.is_broken = false;
    }
    assert_int_equal(connect_to(world, "broker.lan"), SFE_OK);
    assert_false(is_resumed(world));
}

#define RESUME_TEST(test) cmocka_unit_test_setup_teardown(test, resume_open, resume_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESUME_TEST(second_connection_to_a_host_resumes_and_carries_bytes),
        RESUME_TEST(facts_say_how_long_the_certificates_are_good),
        RESUME_TEST(ticket_is_good_for_the_name_alone_that_was_proved),
        RESUME_TEST(nothing_is_resumed_once_a_certificate_has_ended),
        RESUME_TEST(who_does_not_know_the_ticket_must_prove_its_name),
        RESUME_TEST(ticket_that_was_refused_is_the_last_one),
        RESUME_TEST(line_that_breaks_costs_the_ticket_the_second_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
