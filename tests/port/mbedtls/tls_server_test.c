#include "port/mbedtls/tls_world.h"

#include <mbedtls/net_sockets.h>

/* The other side is a client of mbedTLS' own; the world's server is not used. */
struct client {
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_session ticket;
    uint32_t certificates_seen;
};

struct files {
    char cert[PEM_BYTES];
    char key[PEM_BYTES];
    char authority[PEM_BYTES];
};

/* DNS:till-1.lan, URI:urn:till:1 */
static const uint8_t till_names[] = {0x30, 24,  0x82, 10,  't', 'i',  'l', 'l', '-',
                                     '1',  '.', 'l',  'a', 'n', 0x86, 10,  'u', 'r',
                                     'n',  ':', 't',  'i', 'l', 'l',  ':', '1'};

static void read_text(const char *path, char text[PEM_BYTES])
{
    FILE *file = fopen(path, "r");
    size_t size;

    assert_non_null(file);
    size = fread(text, 1, PEM_BYTES - 1, file);
    text[size] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void read_files(const struct tls_world *world, struct files *files)
{
    read_text(world->server.cert_file, files->cert);
    read_text(world->server.key_file, files->key);
    read_text(world->authority.cert_file, files->authority);
}

static struct sfe_tls_server *open_ours(struct tls_world *world, bool asks_clients)
{
    struct sfe_tls_server *server = NULL;
    struct files files;

    read_files(world, &files);
    const struct sfe_tls_server_options options = {
        .cert = sfe_slice_text(files.cert),
        .key = sfe_slice_text(files.key),
        .client_ca = sfe_slice_text(asks_clients ? files.authority : ""),
    };
    assert_int_equal(world->tls.server_open(world->tls.context, &options, &server, &world->err),
                     SFE_OK);
    assert_int_equal(
        world->tls.server_session(world->tls.context, server, &world->session, &world->err),
        SFE_OK);
    return server;
}

static void close_ours(struct tls_world *world, struct sfe_tls_server *server)
{
    world->tls.close(world->tls.context, world->session);
    world->session = NULL;
    world->tls.server_close(world->tls.context, server);
}

static int see(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    struct client *client = context;

    (void)certificate;
    (void)depth;
    (void)flags;
    client->certificates_seen++;
    return 0;
}

static void open_client(struct tls_world *world, struct client *client)
{
    memset(client, 0, sizeof(*client));
    mbedtls_ssl_config_init(&client->config);
    mbedtls_ssl_init(&client->ssl);
    mbedtls_ssl_session_init(&client->ticket);
    assert_int_equal(mbedtls_ssl_config_defaults(&client->config, MBEDTLS_SSL_IS_CLIENT,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&client->config, world_random, NULL);
    mbedtls_ssl_conf_ca_chain(&client->config, &world->authority.certificate, NULL);
    mbedtls_ssl_conf_verify(&client->config, see, client);
}

static void begin_both(struct tls_world *world, struct client *client)
{
    const struct sfe_tls_carrier carrier = {&world->poller, &world->socket};

    world->socket.to_us.begin = world->socket.to_us.end = 0;
    world->socket.to_server.begin = world->socket.to_server.end = 0;
    mbedtls_ssl_free(&client->ssl);
    mbedtls_ssl_init(&client->ssl);
    assert_int_equal(mbedtls_ssl_setup(&client->ssl, &client->config), 0);
    assert_int_equal(mbedtls_ssl_set_hostname(&client->ssl, "broker.lan"), 0);
    mbedtls_ssl_set_bio(&client->ssl, &world->socket, server_send, server_receive, NULL);
    world->tls.accept(world->tls.context, world->session, &carrier);
}

/* Until ours is over, one way or the other. */
static enum sfe_code greet(struct tls_world *world, struct client *client)
{
    enum sfe_code code = SFE_E_AGAIN;
    int theirs = MBEDTLS_ERR_SSL_WANT_READ;

    for (int i = 0; i < 100000 && code == SFE_E_AGAIN; i++) {
        unsigned events = 0;

        if (theirs == MBEDTLS_ERR_SSL_WANT_READ) {
            theirs = mbedtls_ssl_handshake(&client->ssl);
        }
        code = world->tls.handshake(world->tls.context, world->session, &events, &world->err);
        if (code == SFE_E_AGAIN && events == SFE_POLL_WRITE) {
            world->socket.write_room += world->socket.write_room == SIZE_MAX ? 0 : 100;
        }
    }
    if (code == SFE_OK && theirs == MBEDTLS_ERR_SSL_WANT_READ) {
        assert_int_equal(mbedtls_ssl_handshake(&client->ssl), 0);
    }
    return code;
}

static void close_client(struct client *client)
{
    mbedtls_ssl_free(&client->ssl);
    mbedtls_ssl_config_free(&client->config);
    mbedtls_ssl_session_free(&client->ticket);
}

static enum sfe_io receive(struct tls_world *world, void *bytes, size_t capacity, size_t *count)
{
    return world->tls.read(world->tls.context, world->session, bytes, capacity, count, &world->err);
}

static bool is_shown(struct tls_world *world, const char *name)
{
    return world->tls.shows(world->tls.context, world->session, sfe_slice_text(name));
}

static void bytes_pass_both_ways_after_a_handshake_byte_by_byte(void **state)
{
    struct tls_world *world = *state;
    struct sfe_tls_server *server = open_ours(world, false);
    struct client client;
    char bytes[64] = "";
    size_t count = 0;

    world->socket.step = 1;
    world->socket.write_room = 50; /* And blocks in between. */
    open_client(world, &client);
    begin_both(world, &client);
    assert_int_equal(greet(world, &client), SFE_OK);
    world->socket.step = SIZE_MAX;
    world->socket.write_room = SIZE_MAX;
    assert_non_null(strstr(mbedtls_ssl_get_ciphersuite(&client.ssl), "ECDHE"));
    assert_int_equal(mbedtls_ssl_write(&client.ssl, (const unsigned char *)"a secret", 8), 8);
    assert_int_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_DATA);
    assert_memory_equal(bytes, "a secret", 8);
    assert_int_equal(world->tls.write(world->tls.context, world->session,
                                      sfe_slice_make("answer", 6), &count, &world->err),
                     SFE_IO_DATA);
    assert_int_equal(mbedtls_ssl_read(&client.ssl, (unsigned char *)bytes, sizeof(bytes)), 6);
    assert_memory_equal(bytes, "answer", 6);
    assert_false(is_shown(world, "server")); /* Nobody was asked for a certificate. */
    close_client(&client);
    close_ours(world, server);
}

static void client_must_show_a_certificate_of_the_authority(void **state)
{
    struct tls_world *world = *state;
    struct sfe_tls_server *server = open_ours(world, true);
    struct identity stranger;
    const struct wish wish = {"till-1", NULL, false, -1, 10, NULL, 0};
    struct client client;

    open_client(world, &client);
    begin_both(world, &client);
    assert_int_equal(greet(world, &client), SFE_E_TLS);
    assert_string_equal(world->err.message, "a client shows no certificate");
    world->tls.end(world->tls.context, world->session);
    make_identity(world, &wish, &stranger); /* By itself. */
    assert_int_equal(
        mbedtls_ssl_conf_own_cert(&client.config, &stranger.certificate, &stranger.key), 0);
    begin_both(world, &client);
    assert_int_equal(greet(world, &client), SFE_E_TLS);
    assert_non_null(strstr(world->err.message, "the certificate of a client is refused"));
    close_client(&client);
    free_identity(&stranger);
    close_ours(world, server);
}

static void names_of_a_shown_certificate_are_told_apart(void **state)
{
    struct tls_world *world = *state;
    struct sfe_tls_server *server = open_ours(world, true);
    struct identity till;
    const struct wish wish = {"till-1",   &world->authority, false, -1, 10,
                              till_names, sizeof(till_names)};
    struct client client;

    make_identity(world, &wish, &till);
    open_client(world, &client);
    assert_int_equal(mbedtls_ssl_conf_own_cert(&client.config, &till.certificate, &till.key), 0);
    for (int i = 0; i < 2; i++) {
        begin_both(world, &client);
        if (i != 0) { /* What it kept is no ticket: it is looked at anew. */
            (void)mbedtls_ssl_set_session(&client.ssl, &client.ticket);
            client.certificates_seen = 0;
        }
        assert_int_equal(greet(world, &client), SFE_OK);
        assert_int_not_equal(client.certificates_seen, 0);
        assert_true(is_shown(world, "till-1"));
        assert_true(is_shown(world, "till-1.lan"));
        assert_true(is_shown(world, "urn:till:1"));
        assert_false(is_shown(world, "till-"));
        assert_false(is_shown(world, "TILL-1"));
        assert_false(is_shown(world, "Site CA"));
        assert_false(is_shown(world, ""));
        assert_int_equal(mbedtls_ssl_get_session(&client.ssl, &client.ticket), 0);
        world->tls.end(world->tls.context, world->session);
    }
    close_client(&client);
    free_identity(&till);
    close_ours(world, server);
}

static void client_of_before_resumes_by_its_ticket(void **state)
{
    struct tls_world *world = *state;
    struct sfe_tls_server *server = open_ours(world, false);
    struct client client;

    open_client(world, &client);
    begin_both(world, &client);
    assert_int_equal(greet(world, &client), SFE_OK);
    assert_int_not_equal(client.certificates_seen, 0);
    assert_int_equal(mbedtls_ssl_get_session(&client.ssl, &client.ticket), 0);
    world->tls.end(world->tls.context, world->session);
    client.certificates_seen = 0;
    begin_both(world, &client);
    assert_int_equal(mbedtls_ssl_set_session(&client.ssl, &client.ticket), 0);
    assert_int_equal(greet(world, &client), SFE_OK);
    assert_int_equal(client.certificates_seen, 0);
    world->tls.end(world->tls.context, world->session);
    close_ours(world, server);
    server = open_ours(world, false); /* Has other keys for its tickets. */
    begin_both(world, &client);
    assert_int_equal(mbedtls_ssl_set_session(&client.ssl, &client.ticket), 0);
    assert_int_equal(greet(world, &client), SFE_OK);
    assert_int_not_equal(client.certificates_seen, 0);
    close_client(&client);
    close_ours(world, server);
}

static void what_is_no_tls_is_refused_and_the_next_one_taken(void **state)
{
    struct tls_world *world = *state;
    struct sfe_tls_server *server = open_ours(world, false);
    struct client client;
    unsigned events = 0;

    open_client(world, &client);
    begin_both(world, &client);
    queue_add(&world->socket.to_us, "POST / HTTP/1.1\r\n\r\n", 19);
    assert_int_equal(world->tls.handshake(world->tls.context, world->session, &events, &world->err),
                     SFE_E_TLS);
    world->tls.end(world->tls.context, world->session);
    begin_both(world, &client);
    assert_int_equal(greet(world, &client), SFE_OK);
    close_client(&client);
    close_ours(world, server);
}

static void renegotiation_is_refused(void **state)
{
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    struct tls_world *world = *state;
    struct sfe_tls_server *server = open_ours(world, false);
    struct client client;
    uint8_t bytes[8];
    size_t count = 0;
    int result = 0;

    open_client(world, &client);
    mbedtls_ssl_conf_renegotiation(&client.config, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
    begin_both(world, &client);
    assert_int_equal(greet(world, &client), SFE_OK);
    for (int i = 0; i < 20 && (result == 0 || result == MBEDTLS_ERR_SSL_WANT_READ); i++) {
        result = mbedtls_ssl_renegotiate(&client.ssl);
        assert_int_not_equal(receive(world, bytes, sizeof(bytes), &count), SFE_IO_DATA);
    }
    assert_int_not_equal(result, 0);
    assert_int_not_equal(result, MBEDTLS_ERR_SSL_WANT_READ); /* It was told so. */
    close_client(&client);
    close_ours(world, server);
#else
    (void)state;
#endif
}

static void key_of_another_certificate_is_no_key(void **state)
{
    struct tls_world *world = *state;
    struct files files;
    int64_t until_s = 0;

    read_files(world, &files);
    struct sfe_tls_server_options options = {.cert = sfe_slice_text(files.cert),
                                             .key = sfe_slice_text(files.key)};
    assert_int_equal(sfe_tls_server_check(&options, &until_s, &world->err), SFE_OK);
    assert_true(until_s > time(NULL) + 9 * 86400 && until_s < time(NULL) + 11 * 86400);
    options.cert = sfe_slice_text(files.authority);
    assert_int_equal(sfe_tls_server_check(&options, &until_s, &world->err), SFE_E_CONFIG);
    assert_string_equal(world->err.message, "the key is not that of the certificate");
    options.cert = sfe_slice_text(files.key);
    assert_int_equal(sfe_tls_server_check(&options, &until_s, &world->err), SFE_E_CONFIG);
    assert_non_null(strstr(world->err.message, "cert_file"));
    options.cert = sfe_slice_text(files.cert);
    options.client_ca = SFE_TEXT("nonsense");
    assert_int_equal(sfe_tls_server_check(&options, &until_s, &world->err), SFE_E_CONFIG);
    assert_non_null(strstr(world->err.message, "client_ca_file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(bytes_pass_both_ways_after_a_handshake_byte_by_byte),
        WORLD_TEST(client_must_show_a_certificate_of_the_authority),
        WORLD_TEST(names_of_a_shown_certificate_are_told_apart),
        WORLD_TEST(client_of_before_resumes_by_its_ticket),
        WORLD_TEST(what_is_no_tls_is_refused_and_the_next_one_taken),
        WORLD_TEST(renegotiation_is_refused),
        WORLD_TEST(key_of_another_certificate_is_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
