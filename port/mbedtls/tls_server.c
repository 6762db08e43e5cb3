/* The server's side: who connects to us shows a certificate, where one is asked for; else it may
 * resume by a ticket (RFC 5077), which proves nothing of who it is. */
#include "tls.h"
#include "real_platform.h"

#include "base/assert.h"

#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <stdlib.h>
#include <string.h>

#define IS_VERSION_3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)
/* Tags of a subjectAltName: context-specific 2 and 6. */
#define TAG_DNS_NAME      0x82
#define TAG_URI           0x86
#define TICKET_S          3600u
#define FINGERPRINT       SFE_TEXT("sha256:")
#define FINGERPRINT_BYTES 32u

struct sfe_tls_server {
    struct tls_identity identity;
    mbedtls_ssl_config config;
    mbedtls_ssl_ticket_context tickets;
    struct sfe_clock clock;
};

/* What costs us a key exchange of its own each time; an old till has one of them. */
static const int suites[] = {
#if IS_VERSION_3
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
    0};

static int configure(struct sfe_tls_server *server, bool asks_clients)
{
    mbedtls_ssl_config *config = &server->config;
    int result = mbedtls_ssl_config_defaults(
        config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

    if (result != 0) {
        return result;
    }
    tls_require_1_2(config);
    mbedtls_ssl_conf_ciphersuites(config, suites);
    mbedtls_ssl_conf_rng(config, tls_fill_random, &server->identity.entropy);
    if (asks_clients) {
        mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
        mbedtls_ssl_conf_ca_chain(config, &server->identity.trusted, NULL);
    } else {
        mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
        mbedtls_ssl_conf_session_tickets_cb(config, mbedtls_ssl_ticket_write,
                                            mbedtls_ssl_ticket_parse, &server->tickets);
        result =
            mbedtls_ssl_ticket_setup(&server->tickets, tls_fill_random, &server->identity.entropy,
                                     MBEDTLS_CIPHER_AES_256_GCM, TICKET_S);
    }
    return result != 0
               ? result
               : mbedtls_ssl_conf_own_cert(config, &server->identity.own, &server->identity.key);
}

enum sfe_code tls_server_open(void *context, const struct sfe_tls_server_options *options,
                              struct sfe_tls_server **server, struct sfe_error *err)
{
    const struct tls *tls = context;
    struct sfe_tls_server *made = calloc(1, sizeof(*made));
    enum sfe_code code;

    *server = NULL;
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS");
    }
    tls_identity_init(&made->identity, &tls->entropy);
    mbedtls_ssl_config_init(&made->config);
    mbedtls_ssl_ticket_init(&made->tickets);
    made->clock = tls->clock;
    code = tls_read_bytes(&made->identity, options, err);
    if (code == SFE_OK) {
        const int result = configure(made, options->client_ca.size != 0);

        code =
            result == 0 ? SFE_OK : sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS (%d)", result);
    }
    if (code != SFE_OK) {
        tls_server_close(context, made);
        return code;
    }
    *server = made;
    return SFE_OK;
}

void tls_server_close(void *context, struct sfe_tls_server *server)
{
    (void)context;
    if (server == NULL) {
        return;
    }
    mbedtls_ssl_config_free(&server->config);
    mbedtls_ssl_ticket_free(&server->tickets);
    tls_identity_free(&server->identity);
    free(server);
}

enum sfe_code tls_server_session(void *context, struct sfe_tls_server *server,
                                 struct sfe_tls_session **session, struct sfe_error *err)
{
    struct sfe_tls_session *made = tls_make_session();
    int result;

    *session = NULL;
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS");
    }
    made->server = server;
    made->clock = server->clock;
    result = mbedtls_ssl_setup(&made->ssl, &server->config);
    if (result != 0) {
        tls_close_session(context, made);
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS (%d)", result);
    }
    *session = made;
    return SFE_OK;
}

void tls_server_accept(void *context, struct sfe_tls_session *session,
                       const struct sfe_tls_carrier *carrier)
{
    (void)context;
    SFE_ASSERT(session->server != NULL);
    tls_begin_carrier(session, carrier);
}

static bool is_name(const mbedtls_x509_buf *text, struct sfe_slice name)
{
    return sfe_slice_equal(sfe_slice_make(text->p, text->len), name);
}

/* No name of a certificate is looked at for a fingerprint: an authority's client could have any. */
static bool is_fingerprint(const mbedtls_x509_crt *certificate, struct sfe_slice digits)
{
    uint8_t digest[FINGERPRINT_BYTES];
    uint8_t memory[2u * FINGERPRINT_BYTES];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), certificate->raw.p,
                   certificate->raw.len, digest) != 0) {
        return false;
    }
    sfe_builder_add_hex(&text, sfe_slice_make(digest, sizeof(digest)));
    return sfe_slice_equal(sfe_builder_slice(&text), digits);
}

bool tls_server_shows(void *context, const struct sfe_tls_session *session, struct sfe_slice name)
{
    const mbedtls_x509_crt *certificate;

    (void)context;
    SFE_ASSERT(session->server != NULL && session->is_done);
    certificate = mbedtls_ssl_get_peer_cert(&session->ssl);
    if (certificate == NULL) {
        return false;
    }
    if (name.size >= FINGERPRINT.size &&
        sfe_slice_equal(sfe_slice_part(name, 0, FINGERPRINT.size), FINGERPRINT)) {
        return is_fingerprint(certificate, sfe_slice_part(name, FINGERPRINT.size, name.size));
    }
    for (const mbedtls_x509_name *at = &certificate->subject; at != NULL; at = at->next) {
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &at->oid) == 0 && is_name(&at->val, name)) {
            return true;
        }
    }
    for (const mbedtls_x509_sequence *at = &certificate->subject_alt_names; at != NULL;
         at = at->next) {
        if ((at->buf.tag == TAG_DNS_NAME || at->buf.tag == TAG_URI) && is_name(&at->buf, name)) {
            return true;
        }
    }
    return false;
}

static enum sfe_code fail_certificate(const struct sfe_tls_session *session, struct sfe_error *err)
{
    char why[96] = "";
    const int size = mbedtls_x509_crt_verify_info(why, sizeof(why), "",
                                                  mbedtls_ssl_get_verify_result(&session->ssl));

    return sfe_fail(err, SFE_E_TLS, "the certificate of a client is refused: %.*s",
                    size > 0 ? (int)strcspn(why, "\n") : 0, why);
}

enum sfe_code tls_server_fail(const struct sfe_tls_session *session, int result,
                              struct sfe_error *err)
{
    char why[96] = "";
    unsigned alert;

    SFE_ASSERT(result <= 0);
    if (session->broken.code != SFE_OK) {
        *err = session->broken;
        return err->code;
    }
    switch (result) {
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        return fail_certificate(session, err);
    case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
        return sfe_fail(err, SFE_E_TLS, "a client shows no certificate");
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        alert = tls_alert_at_hand(session);
        return sfe_fail(err, SFE_E_TLS, "a client refuses the TLS handshake: %s (%u)",
                        tls_alert_name(alert), alert);
    case 0:
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return sfe_fail(err, SFE_E_NETWORK, "a client has ended the connection%s",
                        session->is_done ? "" : " during the TLS handshake");
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
        return sfe_fail(err, SFE_E_TLS, "a client does not speak TLS, or broke it");
    default:
        mbedtls_strerror(result, why, sizeof(why));
        return sfe_fail(err, SFE_E_TLS, "TLS with a client failed: %s", why);
    }
}

enum sfe_code sfe_tls_server_check(const struct sfe_tls_server_options *options, int64_t *until_s,
                                   struct sfe_error *err)
{
    struct tls_validity validity = {0, INT64_MAX};
    struct tls_identity identity;
    struct sfe_entropy entropy;
    enum sfe_code code;

    *until_s = 0;
    sfe_posix_entropy(&entropy);
    tls_identity_init(&identity, &entropy);
    code = tls_read_bytes(&identity, options, err);
    if (code == SFE_OK) {
        for (const mbedtls_x509_crt *at = &identity.own; at != NULL; at = at->next) {
            tls_narrow_validity(&validity, at);
        }
        *until_s = validity.until_s;
    }
    tls_identity_free(&identity);
    return code;
}
