/* Both ends of a TLS connection in one thread: ours, and a server that mbedTLS makes, with two
 * queues of bytes between them; and the certificates of a small world, made here. */
#ifndef SFE_TESTS_PORT_MBEDTLS_TLS_WORLD_H
#define SFE_TESTS_PORT_MBEDTLS_TLS_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_BYTES (512u * 1024u)
#define PEM_BYTES   4096u

struct queue {
    uint8_t *bytes;
    size_t begin;
    size_t end;
};

/* Our end of the stream. */
struct sfe_socket {
    struct queue to_us;
    struct queue to_server;
    size_t step;       /* At most so much a read or write. */
    size_t write_room; /* Bytes until a write blocks; SIZE_MAX: never. */
    bool is_ended;
    bool is_broken;
};

struct identity {
    mbedtls_pk_context key;
    mbedtls_x509_crt certificate;
    char cert_file[96];
    char key_file[96];
    char subject[64];
};

struct tls_world {
    char folder[64];
    struct identity authority;
    struct identity server;
    struct sfe_clock clock;
    enum sfe_clock_quality quality;
    int64_t now_s;
    struct sfe_entropy entropy;
    struct sfe_poller poller;
    struct sfe_socket socket;
    struct sfe_tls tls;
    struct sfe_tls_session *session;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    bool server_is_done;
    int server_result;
    struct sfe_error err;
};

static inline int world_random(void *context, unsigned char *bytes, size_t size)
{
    struct sfe_entropy entropy;
    struct sfe_error err;

    (void)context;
    sfe_posix_entropy(&entropy);
    return entropy.fill(entropy.context, bytes, size, &err) == SFE_OK ? 0 : -1;
}

static inline size_t queue_take(struct queue *queue, void *bytes, size_t size)
{
    size_t there = queue->end - queue->begin;

    size = size < there ? size : there;
    memcpy(bytes, queue->bytes + queue->begin, size);
    queue->begin += size;
    if (queue->begin == queue->end) {
        queue->begin = 0;
        queue->end = 0;
    }
    return size;
}

static inline void queue_add(struct queue *queue, const void *bytes, size_t size)
{
    assert_true(queue->end + size <= QUEUE_BYTES);
    memcpy(queue->bytes + queue->end, bytes, size);
    queue->end += size;
}

static inline enum sfe_io socket_receive(void *context, struct sfe_socket *socket, void *bytes,
                                         size_t capacity, size_t *count, struct sfe_error *err)
{
    (void)context;
    *count = 0;
    if (socket->is_broken) {
        (void)sfe_fail(err, SFE_E_NETWORK, "connection reset by peer");
        return SFE_IO_FAILED;
    }
    *count = queue_take(&socket->to_us, bytes, capacity < socket->step ? capacity : socket->step);
    if (*count != 0) {
        return SFE_IO_DATA;
    }
    return socket->is_ended ? SFE_IO_CLOSED : SFE_IO_WOULD_BLOCK;
}

static inline enum sfe_io socket_send(void *context, struct sfe_socket *socket,
                                      struct sfe_slice bytes, size_t *count, struct sfe_error *err)
{
    size_t size = bytes.size < socket->step ? bytes.size : socket->step;

    (void)context;
    *count = 0;
    if (socket->is_broken) {
        (void)sfe_fail(err, SFE_E_NETWORK, "broken pipe");
        return SFE_IO_FAILED;
    }
    size = size < socket->write_room ? size : socket->write_room;
    if (size == 0) {
        return SFE_IO_WOULD_BLOCK;
    }
    socket->write_room -= socket->write_room == SIZE_MAX ? 0 : size;
    queue_add(&socket->to_server, bytes.bytes, size);
    *count = size;
    return SFE_IO_DATA;
}

static inline int server_receive(void *context, unsigned char *bytes, size_t size)
{
    struct sfe_socket *socket = context;
    size_t count = queue_take(&socket->to_server, bytes, size);

    return count == 0 ? MBEDTLS_ERR_SSL_WANT_READ : (int)count;
}

static inline int server_send(void *context, const unsigned char *bytes, size_t size)
{
    struct sfe_socket *socket = context;

    queue_add(&socket->to_us, bytes, size);
    return (int)size;
}

static inline enum sfe_clock_quality world_wall_ns(void *context, int64_t *unix_ns)
{
    const struct tls_world *world = context;

    *unix_ns = world->now_s * 1000000000;
    return world->quality;
}

/* A certificate to be: `issuer` NULL signs itself. Days are from now. */
struct wish {
    const char *subject;
    const struct identity *issuer;
    bool is_authority;
    int from_day;
    int to_day;
    const uint8_t *names; /* subjectAltName in DER; NULL: none. */
    size_t names_size;
};

static inline void write_day(char text[16], int day)
{
    time_t at = time(NULL) + (time_t)day * 86400;
    struct tm parts;

    assert_non_null(gmtime_r(&at, &parts));
    assert_int_equal(strftime(text, 16, "%Y%m%d%H%M%S", &parts), 14);
}

static inline void write_pem(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static inline void sign_identity(mbedtls_x509write_cert *writer, const struct wish *wish,
                                 struct identity *made)
{
    mbedtls_mpi serial;
    char from[16];
    char to[16];
    unsigned char pem[PEM_BYTES];

    write_day(from, wish->from_day);
    write_day(to, wish->to_day);
    mbedtls_mpi_init(&serial);
    assert_int_equal(mbedtls_mpi_lset(&serial, 7), 0);
    assert_int_equal(mbedtls_x509write_crt_set_serial(writer, &serial), 0);
    mbedtls_mpi_free(&serial);
    assert_int_equal(mbedtls_x509write_crt_set_validity(writer, from, to), 0);
    assert_int_equal(
        mbedtls_x509write_crt_set_basic_constraints(writer, wish->is_authority ? 1 : 0, -1), 0);
    if (wish->names != NULL) {
        assert_int_equal(
            mbedtls_x509write_crt_set_extension(writer, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                                MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
                                                wish->names, wish->names_size),
            0);
    }
    assert_int_equal(mbedtls_x509write_crt_pem(writer, pem, sizeof(pem), world_random, NULL), 0);
    write_pem(made->cert_file, (const char *)pem);
    assert_int_equal(mbedtls_x509_crt_parse(&made->certificate, pem, strlen((const char *)pem) + 1),
                     0);
}

static inline void make_identity(const struct tls_world *world, const struct wish *wish,
                                 struct identity *made)
{
    mbedtls_x509write_cert writer;
    unsigned char pem[PEM_BYTES];
    const struct identity *issuer = wish->issuer == NULL ? made : wish->issuer;
    union {
        const mbedtls_pk_context *from;
        mbedtls_pk_context *to; /* mbedTLS writes nothing there. */
    } key = {&issuer->key};

    (void)snprintf(made->subject, sizeof(made->subject), "CN=%s", wish->subject);
    (void)snprintf(made->cert_file, sizeof(made->cert_file), "%s/%s.crt", world->folder,
                   wish->subject);
    (void)snprintf(made->key_file, sizeof(made->key_file), "%s/%s.key", world->folder,
                   wish->subject);
    mbedtls_x509_crt_init(&made->certificate);
    mbedtls_pk_init(&made->key);
    assert_int_equal(mbedtls_pk_setup(&made->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    assert_int_equal(
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(made->key), world_random, NULL),
        0);
    assert_int_equal(mbedtls_pk_write_key_pem(&made->key, pem, sizeof(pem)), 0);
    write_pem(made->key_file, (const char *)pem);
    mbedtls_x509write_crt_init(&writer);
    mbedtls_x509write_crt_set_version(&writer, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&writer, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&writer, &made->key);
    mbedtls_x509write_crt_set_issuer_key(&writer, key.to);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(&writer, made->subject), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&writer, issuer->subject), 0);
    sign_identity(&writer, wish, made);
    mbedtls_x509write_crt_free(&writer);
}

static inline void free_identity(struct identity *made)
{
    (void)unlink(made->cert_file);
    (void)unlink(made->key_file);
    mbedtls_x509_crt_free(&made->certificate);
    mbedtls_pk_free(&made->key);
}

/* DNS:broker.lan, IP:10.1.2.3 */
static const uint8_t broker_names[] = {0x30, 18,  0x82, 10,  'b',  'r', 'o', 'k', 'e', 'r',
                                       '.',  'l', 'a',  'n', 0x87, 4,   10,  1,   2,   3};

/* The server shows `identity`. */
static inline void open_server(struct tls_world *world, struct identity *identity)
{
    mbedtls_ssl_config_init(&world->config);
    mbedtls_ssl_init(&world->ssl);
    assert_int_equal(mbedtls_ssl_config_defaults(&world->config, MBEDTLS_SSL_IS_SERVER,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&world->config, world_random, NULL);
    assert_int_equal(
        mbedtls_ssl_conf_own_cert(&world->config, &identity->certificate, &identity->key), 0);
}

static inline void begin_server(struct tls_world *world)
{
    assert_int_equal(mbedtls_ssl_setup(&world->ssl, &world->config), 0);
    mbedtls_ssl_set_bio(&world->ssl, &world->socket, server_send, server_receive, NULL);
}

static inline void close_server(struct tls_world *world)
{
    mbedtls_ssl_free(&world->ssl);
    mbedtls_ssl_config_free(&world->config);
}

static inline void open_session(struct tls_world *world, const struct sfe_tls_options *options)
{
    assert_int_equal(world->tls.open(world->tls.context, options, &world->session, &world->err),
                     SFE_OK);
}

static inline void begin(struct tls_world *world, const char *host)
{
    const struct sfe_tls_carrier carrier = {&world->poller, &world->socket};

    assert_int_equal(
        world->tls.begin(world->tls.context, world->session, host, &carrier, &world->err), SFE_OK);
}

/* Both sides go on with the handshake until ours is over, one way or the other. */
static inline enum sfe_code shake_hands(struct tls_world *world)
{
    enum sfe_code code = SFE_E_AGAIN;

    for (int i = 0; i < 100000 && code == SFE_E_AGAIN; i++) {
        unsigned events = 0;
        size_t waiting = world->socket.to_us.end;

        code = world->tls.handshake(world->tls.context, world->session, &events, &world->err);
        if (code == SFE_E_AGAIN && events == SFE_POLL_WRITE) {
            world->socket.write_room += world->socket.write_room == SIZE_MAX ? 0 : 100;
        } else if (code == SFE_E_AGAIN) {
            assert_int_equal(events, SFE_POLL_READ);
        }
        if (!world->server_is_done && waiting == 0) {
            world->server_result = mbedtls_ssl_handshake(&world->ssl);
            world->server_is_done = world->server_result != MBEDTLS_ERR_SSL_WANT_READ;
            if (world->server_is_done && world->server_result != 0) {
                /* mbedTLS does not always say it. */
                (void)mbedtls_ssl_send_alert_message(&world->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                                     MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
            }
        }
    }
    return code;
}

static inline int world_open(void **state)
{
    struct tls_world *world = calloc(1, sizeof(*world));
    struct wish authority = {"Site CA", NULL, true, -2, 20, NULL, 0};
    struct wish server = {"server", NULL, false, -1, 10, broker_names, sizeof(broker_names)};

    assert_non_null(world);
    (void)snprintf(world->folder, sizeof(world->folder), "/tmp/sfedge-tls-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    make_identity(world, &authority, &world->authority);
    server.issuer = &world->authority;
    make_identity(world, &server, &world->server);
    world->clock = (struct sfe_clock){.context = world, .wall_ns = world_wall_ns};
    world->quality = SFE_CLOCK_SYNCED;
    world->now_s = 86400; /* 1970-01-02 */
    sfe_posix_entropy(&world->entropy);
    world->poller = (struct sfe_poller){.read = socket_receive, .write = socket_send};
    world->socket.to_us.bytes = malloc(QUEUE_BYTES);
    world->socket.to_server.bytes = malloc(QUEUE_BYTES);
    world->socket.step = SIZE_MAX;
    world->socket.write_room = SIZE_MAX;
    assert_int_equal(sfe_mbedtls_tls_open(&world->clock, &world->entropy, &world->tls, &world->err),
                     SFE_OK);
    open_server(world, &world->server);
    *state = world;
    return 0;
}

static inline int world_close(void **state)
{
    struct tls_world *world = *state;

    world->tls.close(world->tls.context, world->session);
    sfe_mbedtls_tls_close(&world->tls);
    close_server(world);
    free_identity(&world->server);
    free_identity(&world->authority);
    free(world->socket.to_us.bytes);
    free(world->socket.to_server.bytes);
    (void)rmdir(world->folder);
    free(world);
    return 0;
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

#endif
