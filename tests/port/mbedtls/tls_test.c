#include "port/mbedtls/tls_world.h"

static void connect_both(struct tls_world *world, const char *host)
{
    const struct sfe_tls_options options = {.ca_file = world->authority.cert_file};

    if (world->session == NULL) {
        open_session(world, &options);
    }
    begin_server(world);
    begin(world, host);
    assert_int_equal(shake_hands(world), SFE_OK);
    if (!world->server_is_done) {
        world->server_result = mbedtls_ssl_handshake(&world->ssl);
    }
    assert_int_equal(world->server_result, 0);
}

static enum sfe_io receive(struct tls_world *world, void *bytes, size_t capacity, size_t *count)
{
    return world->tls.read(world->tls.context, world->session, bytes, capacity, count, &world->err);
}

static enum sfe_io transmit(struct tls_world *world, const void *bytes, size_t size, size_t *count)
{
    return world->tls.write(world->tls.context, world->session, sfe_slice_make(bytes, size), count,
                            &world->err);
}

static void bytes_pass_both_ways_and_not_in_the_clear(void **state)
{
    struct tls_world *world = *state;
    char bytes[64] = "";
    size_t count = 0;

    connect_both(world, "broker.lan");
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_WOULD_BLOCK);
    assert_int_equal(transmit(world, "a secret", 8, &count), SFE_IO_DATA);
    assert_int_equal(count, 8);
    assert_null(memmem(world->socket.to_server.bytes, world->socket.to_server.end, "secret", 6));
    assert_int_equal(mbedtls_ssl_read(&world->ssl, (unsigned char *)bytes, sizeof(bytes)), 8);
    assert_memory_equal(bytes, "a secret", 8);
    assert_int_equal(mbedtls_ssl_write(&world->ssl, (const unsigned char *)"answer", 6), 6);
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_DATA);
    assert_int_equal(count, 6);
    assert_memory_equal(bytes, "answer", 6);
}

static void handshake_goes_on_byte_by_byte(void **state)
{
    struct tls_world *world = *state;

    world->socket.step = 1;
    world->socket.write_room = 50; /* And blocks in between. */
    connect_both(world, "broker.lan");
    assert_string_equal(mbedtls_ssl_get_version(&world->ssl), "TLSv1.2");
}

static void what_is_left_of_a_record_is_told(void **state)
{
    struct tls_world *world = *state;
    uint8_t bytes[6000];
    uint8_t out[6000];
    size_t count = 0;

    connect_both(world, "broker.lan");
    memset(out, 'x', sizeof(out));
    assert_false(world->tls.has_more(world->tls.context, world->session));
    assert_int_equal(mbedtls_ssl_write(&world->ssl, out, sizeof(out)), (int)sizeof(out));
    assert_int_equal(receive(world, bytes, 4000, &count), SFE_IO_DATA);
    assert_int_equal(count, 4000);
    assert_int_equal(world->socket.to_us.end, 0); /* The stream has nothing more. */
    assert_true(world->tls.has_more(world->tls.context, world->session));
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_DATA);
    assert_int_equal(count, 2000);
    assert_false(world->tls.has_more(world->tls.context, world->session));
}

static void blocked_write_is_finished_before_more_is_begun(void **state)
{
    struct tls_world *world = *state;
    char bytes[64] = "";
    size_t count = 0;

    connect_both(world, "broker.lan");
    world->socket.write_room = 10;
    assert_int_equal(transmit(world, "first", 5, &count), SFE_IO_WOULD_BLOCK);
    assert_int_equal(transmit(world, "firstsecond", 11, &count), SFE_IO_WOULD_BLOCK);
    world->socket.write_room = SIZE_MAX;
    assert_int_equal(transmit(world, "firstsecond", 11, &count), SFE_IO_DATA);
    assert_int_equal(count, 5);
    assert_int_equal(transmit(world, "second", 6, &count), SFE_IO_DATA);
    assert_int_equal(count, 6);
    assert_int_equal(mbedtls_ssl_read(&world->ssl, (unsigned char *)bytes, sizeof(bytes)), 5);
    assert_int_equal(mbedtls_ssl_read(&world->ssl, (unsigned char *)bytes + 5, 59), 6);
    assert_string_equal(bytes, "firstsecond");
}

static void end_of_the_other_side_is_an_end_and_stays_one(void **state)
{
    struct tls_world *world = *state;
    uint8_t bytes[8];
    size_t count = 0;

    connect_both(world, "broker.lan");
    assert_int_equal(mbedtls_ssl_close_notify(&world->ssl), 0);
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_CLOSED);
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_CLOSED);
    assert_int_equal(transmit(world, "x", 1, &count), SFE_IO_CLOSED);
    assert_true(world->tls.has_more(world->tls.context, world->session));
}

static void bytes_changed_on_the_way_break_the_connection(void **state)
{
    struct tls_world *world = *state;
    uint8_t bytes[8];
    size_t count = 0;

    connect_both(world, "broker.lan");
    assert_int_equal(mbedtls_ssl_write(&world->ssl, (const unsigned char *)"answer", 6), 6);
    world->socket.to_us.bytes[world->socket.to_us.end - 1] ^= 1;
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_FAILED);
    assert_int_equal(world->err.code, SFE_E_TLS);
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_FAILED);
    assert_int_equal(world->err.code, SFE_E_TLS);
}

static void broken_stream_is_no_fault_of_tls(void **state)
{
    struct tls_world *world = *state;
    uint8_t bytes[8];
    size_t count = 0;

    connect_both(world, "broker.lan");
    world->socket.is_broken = true;
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_FAILED);
    assert_int_equal(world->err.code, SFE_E_NETWORK);
    assert_string_equal(world->err.message, "connection reset by peer");
}

static void session_carries_one_connection_after_the_other(void **state)
{
    struct tls_world *world = *state;
    uint8_t bytes[64];

    for (int i = 0; i < 3; i++) {
        world->server_is_done = false;
        connect_both(world, "broker.lan");
        world->tls.end(world->tls.context, world->session);
        world->tls.end(world->tls.context, world->session); /* Twice changes nothing. */
        assert_int_equal(mbedtls_ssl_read(&world->ssl, bytes, sizeof(bytes)),
                         MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
        mbedtls_ssl_free(&world->ssl);
        mbedtls_ssl_init(&world->ssl);
    }
}

static void protocol_is_offered_by_its_name(void **state)
{
    static const char *protocols[] = {"http/1.1", "mqtt", NULL};
    struct tls_world *world = *state;
    const struct sfe_tls_options options = {.ca_file = world->authority.cert_file, .alpn = "mqtt"};

    open_session(world, &options);
    assert_int_equal(mbedtls_ssl_conf_alpn_protocols(&world->config, protocols), 0);
    connect_both(world, "broker.lan");
    assert_string_equal(mbedtls_ssl_get_alpn_protocol(&world->ssl), "mqtt");
}

static void own_certificate_is_shown_to_who_asks(void **state)
{
    struct tls_world *world = *state;
    struct identity gateway;
    const struct wish wish = {"gateway", &world->authority, false, -1, 10, NULL, 0};
    struct sfe_tls_options options = {.ca_file = world->authority.cert_file};

    make_identity(world, &wish, &gateway);
    options.cert_file = gateway.cert_file;
    options.key_file = gateway.key_file;
    open_session(world, &options);
    mbedtls_ssl_conf_authmode(&world->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&world->config, &world->authority.certificate, NULL);
    connect_both(world, "broker.lan");
    assert_non_null(mbedtls_ssl_get_peer_cert(&world->ssl));
    free_identity(&gateway);
}

static void host_that_has_no_room_is_refused(void **state)
{
    struct tls_world *world = *state;
    const struct sfe_tls_options options = {.ca_file = world->authority.cert_file};
    const struct sfe_tls_carrier carrier = {&world->poller, &world->socket};
    char host[300];

    memset(host, 'a', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    open_session(world, &options);
    assert_int_equal(
        world->tls.begin(world->tls.context, world->session, host, &carrier, &world->err),
        SFE_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(bytes_pass_both_ways_and_not_in_the_clear),
        WORLD_TEST(handshake_goes_on_byte_by_byte),
        WORLD_TEST(what_is_left_of_a_record_is_told),
        WORLD_TEST(blocked_write_is_finished_before_more_is_begun),
        WORLD_TEST(end_of_the_other_side_is_an_end_and_stays_one),
        WORLD_TEST(bytes_changed_on_the_way_break_the_connection),
        WORLD_TEST(broken_stream_is_no_fault_of_tls),
        WORLD_TEST(session_carries_one_connection_after_the_other),
        WORLD_TEST(protocol_is_offered_by_its_name),
        WORLD_TEST(own_certificate_is_shown_to_who_asks),
        WORLD_TEST(host_that_has_no_room_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
