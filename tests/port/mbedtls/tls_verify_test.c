#include "port/mbedtls/tls_world.h"

/* The server shows `identity` to a client that wants `host`; the handshake's end. */
static enum sfe_code meet(struct tls_world *world, struct identity *identity, const char *host)
{
    const struct sfe_tls_options options = {.ca_file = world->authority.cert_file};

    if (world->session == NULL) {
        open_session(world, &options);
    }
    close_server(world);
    open_server(world, identity);
    begin_server(world);
    world->server_is_done = false;
    world->socket.to_us = (struct queue){world->socket.to_us.bytes, 0, 0};
    world->socket.to_server = (struct queue){world->socket.to_server.bytes, 0, 0};
    begin(world, host);
    enum sfe_code code = shake_hands(world);
    world->tls.end(world->tls.context, world->session);
    return code;
}

static void expect_refusal(struct tls_world *world, const struct wish *wish, const char *message)
{
    struct identity identity;

    make_identity(world, wish, &identity);
    assert_int_equal(meet(world, &identity, "broker.lan"), SFE_E_TLS);
    assert_non_null(strstr(world->err.message, message));
    free_identity(&identity);
}

static void names_and_addresses_of_the_certificate_are_accepted(void **state)
{
    struct tls_world *world = *state;

    assert_int_equal(meet(world, &world->server, "broker.lan"), SFE_OK);
    assert_int_equal(meet(world, &world->server, "BROKER.LAN"), SFE_OK);
    assert_int_equal(meet(world, &world->server, "10.1.2.3"), SFE_OK);
}

static void other_hosts_are_refused_with_the_name_that_it_is_for(void **state)
{
    static const char *const hosts[] = {"other.lan", "10.1.2.4", "::ffff:10.1.2.3", "roker.lan"};
    struct tls_world *world = *state;
    char wanted[96];

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        assert_int_equal(meet(world, &world->server, hosts[i]), SFE_E_TLS);
        (void)snprintf(wanted, sizeof(wanted), "the certificate is for broker.lan, not for %s",
                       hosts[i]);
        assert_string_equal(world->err.message, wanted);
    }
}

static void address_is_not_taken_from_the_common_name(void **state)
{
    struct tls_world *world = *state;
    struct identity identity;
    const struct wish wish = {"10.9.9.9", &world->authority, false, -1, 10, NULL, 0};

    make_identity(world, &wish, &identity);
    assert_int_equal(meet(world, &identity, "10.9.9.9"), SFE_E_TLS);
    free_identity(&identity);
}

static void expired_and_future_certificates_name_the_day_and_our_clock(void **state)
{
    struct tls_world *world = *state;
    struct wish wish = {"late",       &world->authority,   false, -9, -2,
                        broker_names, sizeof(broker_names)};

    expect_refusal(world, &wish, "the certificate of broker.lan expired on 2");
    assert_non_null(strstr(world->err.message, "; our clock says 1970-01-02"));
    wish.from_day = 2;
    wish.to_day = 9;
    world->quality = SFE_CLOCK_COASTING;
    expect_refusal(world, &wish, "is not valid before 2");
    assert_non_null(strstr(world->err.message, "our clock says 1970-01-02 and may be wrong"));
    world->quality = SFE_CLOCK_UNSET;
    expect_refusal(world, &wish, "our clock says 1970-01-02 and is not set");
}

static void unknown_authority_is_named(void **state)
{
    struct tls_world *world = *state;
    struct identity other;
    const struct wish authority = {"Other CA", NULL, true, -2, 20, NULL, 0};
    struct wish wish = {"stray", &other, false, -1, 10, broker_names, sizeof(broker_names)};

    make_identity(world, &authority, &other);
    expect_refusal(world, &wish, "comes from an unknown authority (CN=Other CA)");
    free_identity(&other);
}

static void self_signed_certificate_is_called_so(void **state)
{
    struct tls_world *world = *state;
    const struct wish wish = {"alone", NULL, false, -1, 10, broker_names, sizeof(broker_names)};

    expect_refusal(world, &wish, "the certificate of broker.lan is self-signed and not trusted");
}

static void request_for_a_certificate_that_we_lack_is_said(void **state)
{
    struct tls_world *world = *state;
    const struct sfe_tls_options options = {.ca_file = world->authority.cert_file};

    open_session(world, &options);
    mbedtls_ssl_conf_authmode(&world->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&world->config, &world->authority.certificate, NULL);
    begin_server(world);
    begin(world, "broker.lan");
    assert_int_equal(shake_hands(world), SFE_E_TLS);
    assert_non_null(strstr(world->err.message, "broker.lan refuses our TLS handshake"));
    assert_non_null(strstr(world->err.message, "it asks for a client certificate"));
}

#if MBEDTLS_VERSION_NUMBER < 0x03000000
static void version_before_1_2_is_refused(void **state)
{
    struct tls_world *world = *state;
    const struct sfe_tls_options options = {.ca_file = world->authority.cert_file};

    open_session(world, &options);
    mbedtls_ssl_conf_max_version(&world->config, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_2);
    begin_server(world);
    begin(world, "broker.lan");
    assert_int_equal(shake_hands(world), SFE_E_TLS);
    assert_true(strstr(world->err.message, "has no TLS 1.2") != NULL ||
                strstr(world->err.message, "protocol version (70)") != NULL);
}
#endif

static void what_is_no_tls_is_said(void **state)
{
    struct tls_world *world = *state;
    const struct sfe_tls_options options = {.ca_file = world->authority.cert_file};

    open_session(world, &options);
    world->server_is_done = true;
    queue_add(&world->socket.to_us, "HTTP/1.1 400 Bad Request\r\n", 26);
    begin(world, "broker.lan");
    assert_int_equal(shake_hands(world), SFE_E_TLS);
    assert_non_null(strstr(world->err.message, "does not speak TLS on this port"));
}

static void end_during_the_handshake_is_no_matter_of_trust(void **state)
{
    struct tls_world *world = *state;
    const struct sfe_tls_options options = {.ca_file = world->authority.cert_file};

    open_session(world, &options);
    world->server_is_done = true;
    world->socket.is_ended = true;
    begin(world, "broker.lan");
    assert_int_equal(shake_hands(world), SFE_E_NETWORK);
    assert_string_equal(world->err.message,
                        "broker.lan ended the connection during the TLS handshake");
    world->tls.end(world->tls.context, world->session);
    world->socket.is_broken = true;
    begin(world, "broker.lan");
    assert_int_equal(shake_hands(world), SFE_E_NETWORK);
    assert_non_null(strstr(world->err.message, "TLS handshake with broker.lan"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(names_and_addresses_of_the_certificate_are_accepted),
        WORLD_TEST(other_hosts_are_refused_with_the_name_that_it_is_for),
        WORLD_TEST(address_is_not_taken_from_the_common_name),
        WORLD_TEST(expired_and_future_certificates_name_the_day_and_our_clock),
        WORLD_TEST(unknown_authority_is_named),
        WORLD_TEST(self_signed_certificate_is_called_so),
        WORLD_TEST(request_for_a_certificate_that_we_lack_is_said),
#if MBEDTLS_VERSION_NUMBER < 0x03000000
        WORLD_TEST(version_before_1_2_is_refused),
#endif
        WORLD_TEST(what_is_no_tls_is_said),
        WORLD_TEST(end_during_the_handshake_is_no_matter_of_trust),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
