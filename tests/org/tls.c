#include "tls.h"

#include <errno.h>
#include <stdlib.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif
#include <mbedtls/net_sockets.h>
#include <sys/socket.h>

#include "buffer.h"

struct tls_server {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_config config;
    mbedtls_ssl_cache_context cache;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
    mbedtls_x509_crt client_ca; /* Empty: clients need no certificate. */
};

struct tls_stream {
    mbedtls_ssl_context context;
    int *socket; /* Borrowed. */
};

static int parse_key(struct tls_server *server, const char *path)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_pk_parse_keyfile(&server->key, path, NULL, mbedtls_ctr_drbg_random,
                                    &server->random);
#else
    return mbedtls_pk_parse_keyfile(&server->key, path, NULL);
#endif
}

static const char *configure(struct tls_server *server)
{
    if (mbedtls_ssl_config_defaults(&server->config, MBEDTLS_SSL_IS_SERVER,
                                    MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0 ||
        mbedtls_ssl_conf_own_cert(&server->config, &server->certificate, &server->key) != 0) {
        return "the TLS library refuses its configuration";
    }
    mbedtls_ssl_conf_rng(&server->config, mbedtls_ctr_drbg_random, &server->random);
    mbedtls_ssl_conf_session_cache(&server->config, &server->cache, mbedtls_ssl_cache_get,
                                   mbedtls_ssl_cache_set);
    mbedtls_ssl_conf_min_version(&server->config, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_3);
    return NULL;
}

const char *tls_server_open(struct tls_server **out, const char *certificate_file,
                            const char *key_file)
{
    struct tls_server *server = memory_take(sizeof *server);
    mbedtls_entropy_init(&server->entropy);
    mbedtls_ctr_drbg_init(&server->random);
    mbedtls_ssl_config_init(&server->config);
    mbedtls_ssl_cache_init(&server->cache);
    mbedtls_x509_crt_init(&server->certificate);
    mbedtls_x509_crt_init(&server->client_ca);
    mbedtls_pk_init(&server->key);
    *out = server;
#if MBEDTLS_VERSION_MAJOR >= 3
    if (psa_crypto_init() != PSA_SUCCESS) {
        return "the TLS library does not start";
    }
#endif
    if (mbedtls_ctr_drbg_seed(&server->random, mbedtls_entropy_func, &server->entropy, NULL, 0) !=
        0) {
        return "no random bytes for TLS";
    }
    if (mbedtls_x509_crt_parse_file(&server->certificate, certificate_file) != 0) {
        return "the TLS certificate cannot be read";
    }
    if (parse_key(server, key_file) != 0) {
        return "the TLS key cannot be read";
    }
    return configure(server);
}

const char *tls_server_ask(struct tls_server *server, const char *ca_file)
{
    if (mbedtls_x509_crt_parse_file(&server->client_ca, ca_file) != 0) {
        return "the certificate for clients cannot be read";
    }
    mbedtls_ssl_conf_ca_chain(&server->config, &server->client_ca, NULL);
    mbedtls_ssl_conf_authmode(&server->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    return NULL;
}

void tls_server_close(struct tls_server *server)
{
    if (server == NULL) {
        return;
    }
    mbedtls_pk_free(&server->key);
    mbedtls_x509_crt_free(&server->certificate);
    mbedtls_x509_crt_free(&server->client_ca);
    mbedtls_ssl_cache_free(&server->cache);
    mbedtls_ssl_config_free(&server->config);
    mbedtls_ctr_drbg_free(&server->random);
    mbedtls_entropy_free(&server->entropy);
    free(server);
}

static int socket_send(void *context, const unsigned char *bytes, size_t size)
{
    const struct tls_stream *stream = context;
    ssize_t done = send(*stream->socket, bytes, size, MSG_NOSIGNAL);
    if (done < 0) {
        return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE
                                                 : MBEDTLS_ERR_NET_SEND_FAILED;
    }
    return (int)done;
}

static int socket_receive(void *context, unsigned char *bytes, size_t size)
{
    const struct tls_stream *stream = context;
    ssize_t got = recv(*stream->socket, bytes, size, 0);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ
                                                 : MBEDTLS_ERR_NET_RECV_FAILED;
    }
    return (int)got;
}

struct tls_stream *tls_stream_open(struct tls_server *server, int *socket)
{
    struct tls_stream *stream = memory_take(sizeof *stream);
    stream->socket = socket;
    mbedtls_ssl_init(&stream->context);
    if (mbedtls_ssl_setup(&stream->context, &server->config) != 0) {
        mbedtls_ssl_free(&stream->context);
        free(stream);
        return NULL;
    }
    mbedtls_ssl_set_bio(&stream->context, stream, socket_send, socket_receive, NULL);
    return stream;
}

void tls_stream_close(struct tls_stream *stream)
{
    if (stream != NULL) {
        (void)mbedtls_ssl_close_notify(&stream->context);
        mbedtls_ssl_free(&stream->context);
        free(stream);
    }
}

static ssize_t result_of(int result)
{
    if (result >= 0) {
        return result;
    }
    if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        return 0;
    }
    errno = result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE ? EAGAIN
                                                                                        : EPROTO;
    return -1;
}

ssize_t tls_read(struct tls_stream *stream, void *bytes, size_t size)
{
    return result_of(mbedtls_ssl_read(&stream->context, bytes, size));
}

ssize_t tls_write(struct tls_stream *stream, const void *bytes, size_t size)
{
    return result_of(mbedtls_ssl_write(&stream->context, bytes, size));
}
