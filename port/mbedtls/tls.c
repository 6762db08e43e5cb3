/* TLS connections by mbedTLS 2.28 or 3.x over the poller's streams. */
#include "tls.h"
#include "real_platform.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS_VERSION_3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)

/* The stream as mbedTLS calls it. */
static int carrier_result(struct sfe_tls_session *session, enum sfe_io io, size_t count, int again)
{
    switch (io) {
    case SFE_IO_DATA:
        return (int)count;
    case SFE_IO_WOULD_BLOCK:
        return again;
    case SFE_IO_CLOSED:
        return again == MBEDTLS_ERR_SSL_WANT_READ ? 0 : MBEDTLS_ERR_NET_CONN_RESET;
    case SFE_IO_FAILED:
        break;
    }
    SFE_ASSERT(session->broken.code != SFE_OK);
    return MBEDTLS_ERR_NET_CONN_RESET;
}

static int carrier_receive(void *context, unsigned char *bytes, size_t size)
{
    struct sfe_tls_session *session = context;
    const struct sfe_poller *poller = session->carrier.poller;
    size_t count = 0;
    enum sfe_io io = poller->read(poller->context, session->carrier.stream, bytes, size, &count,
                                  &session->broken);

    return carrier_result(session, io, count, MBEDTLS_ERR_SSL_WANT_READ);
}

static int carrier_send(void *context, const unsigned char *bytes, size_t size)
{
    struct sfe_tls_session *session = context;
    const struct sfe_poller *poller = session->carrier.poller;
    size_t count = 0;
    enum sfe_io io = poller->write(poller->context, session->carrier.stream,
                                   sfe_slice_make(bytes, size), &count, &session->broken);

    return carrier_result(session, io, count, MBEDTLS_ERR_SSL_WANT_WRITE);
}

void tls_require_1_2(mbedtls_ssl_config *config)
{
#if IS_VERSION_3
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

static enum sfe_code configure(struct sfe_tls_session *session, struct sfe_error *err)
{
    mbedtls_ssl_config *config = &session->config;
    int result = mbedtls_ssl_config_defaults(
        config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

    if (result == 0) {
        tls_require_1_2(config);
        mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
        mbedtls_ssl_conf_verify(config, tls_see_certificate, session);
        mbedtls_ssl_conf_ca_chain(config, &session->identity.trusted, NULL);
        mbedtls_ssl_conf_rng(config, tls_fill_random, &session->identity.entropy);
        if (session->identity.has_own) {
            result =
                mbedtls_ssl_conf_own_cert(config, &session->identity.own, &session->identity.key);
        }
    }
    if (result == 0 && session->protocols[0] != NULL) {
        result = mbedtls_ssl_conf_alpn_protocols(config, session->protocols);
    }
    if (result == 0) {
        result = mbedtls_ssl_setup(&session->ssl, config);
    }
    return result == 0 ? SFE_OK : sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS (%d)", result);
}

void tls_close_session(void *context, struct sfe_tls_session *session)
{
    (void)context;
    if (session == NULL) {
        return;
    }
    tls_resume_forget(session);
    mbedtls_ssl_free(&session->ssl);
    mbedtls_ssl_config_free(&session->config);
    tls_identity_free(&session->identity);
    free(session);
}

struct sfe_tls_session *tls_make_session(void)
{
    const struct sfe_entropy none = {NULL, NULL};
    struct sfe_tls_session *made = calloc(1, sizeof(*made));

    if (made != NULL) {
        mbedtls_ssl_init(&made->ssl);
        mbedtls_ssl_config_init(&made->config);
        tls_identity_init(&made->identity, &none);
        mbedtls_ssl_session_init(&made->ticket.session);
    }
    return made;
}

static enum sfe_code session_open(void *context, const struct sfe_tls_options *options,
                                  struct sfe_tls_session **session, struct sfe_error *err)
{
    const struct tls *tls = context;
    struct sfe_tls_session *made = tls_make_session();
    enum sfe_code code;

    *session = NULL;
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS");
    }
    made->clock = tls->clock;
    made->identity.entropy = tls->entropy;
    made->protocols[0] = options->alpn;
    code = tls_read_files(&made->identity, options, err);
    if (code == SFE_OK) {
        code = configure(made, err);
    }
    if (code != SFE_OK) {
        tls_close_session(context, made);
        return code;
    }
    *session = made;
    return SFE_OK;
}

void tls_begin_carrier(struct sfe_tls_session *session, const struct sfe_tls_carrier *carrier)
{
    SFE_ASSERT(session->carrier.stream == NULL);
    memset(&session->findings, 0, sizeof(session->findings));
    memset(&session->broken, 0, sizeof(session->broken));
    session->ended = SFE_IO_DATA;
    session->is_done = false;
    session->is_judged = false;
    session->last_alert = 0;
    session->unsent = 0;
    session->carrier = *carrier;
    mbedtls_ssl_set_bio(&session->ssl, session, carrier_send, carrier_receive, NULL);
}

static void read_address(struct sfe_tls_session *session, const char *host)
{
    session->address_bytes = 0;
    if (inet_pton(AF_INET, host, session->address) == 1) {
        session->address_bytes = 4;
    } else if (inet_pton(AF_INET6, host, session->address) == 1) {
        session->address_bytes = 16;
    }
}

static enum sfe_code session_begin(void *context, struct sfe_tls_session *session, const char *host,
                                   const struct sfe_tls_carrier *carrier, struct sfe_error *err)
{
    int size = snprintf(session->host, sizeof(session->host), "%s", host);
    int result;

    (void)context;
    SFE_ASSERT(session->carrier.stream == NULL && session->server == NULL);
    if (size <= 0 || (size_t)size >= sizeof(session->host)) {
        return sfe_fail(err, SFE_E_CONFIG, "a host's name of %d bytes", size);
    }
    read_address(session, host);
    /* RFC 6066, section 3: an address is no server name. tls_see_certificate compares it. */
    result = mbedtls_ssl_set_hostname(&session->ssl, session->address_bytes != 0 ? NULL : host);
    if (result != 0) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS (%d)", result);
    }
    tls_resume_offer(session);
    tls_begin_carrier(session, carrier);
    return SFE_OK;
}

/* Who refuses us says why and hangs up, while we may be sending still: then the reason lies unread
 * in the stream (a plain alert record, RFC 5246 section 7.2). */
static void hear_last_word(struct sfe_tls_session *session)
{
    const struct sfe_poller *poller = session->carrier.poller;
    uint8_t record[7];
    size_t count = 0;
    struct sfe_error ignored;

    if (session->broken.code == SFE_OK) {
        return;
    }
    if (poller->read(poller->context, session->carrier.stream, record, sizeof(record), &count,
                     &ignored) == SFE_IO_DATA &&
        count == sizeof(record) && record[0] == MBEDTLS_SSL_MSG_ALERT && record[3] == 0 &&
        record[4] == 2) {
        session->last_alert = record[6];
    }
}

/* With TLS 1.3 they come behind the handshake. */
static bool gets_tickets_later(const struct sfe_tls_session *session)
{
#if IS_VERSION_3
    return mbedtls_ssl_get_version_number(&session->ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
#else
    (void)session;
    return false;
#endif
}

static enum sfe_code say_why(const struct sfe_tls_session *session, int result,
                             struct sfe_error *err)
{
    return session->server == NULL ? tls_fail(session, result, err)
                                   : tls_server_fail(session, result, err);
}

static enum sfe_code session_handshake(void *context, struct sfe_tls_session *session,
                                       unsigned *events, struct sfe_error *err)
{
    enum sfe_code code;
    int result;

    (void)context;
    SFE_ASSERT(session->carrier.stream != NULL);
    SFE_ASSERT(!session->is_done);
    result = mbedtls_ssl_handshake(&session->ssl);
    if (result == 0) {
        session->is_done = true;
        if (session->server == NULL && !gets_tickets_later(session)) {
            tls_resume_keep(session);
        }
        return SFE_OK;
    }
    if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE) {
        *events = result == MBEDTLS_ERR_SSL_WANT_READ ? SFE_POLL_READ : SFE_POLL_WRITE;
        return SFE_E_AGAIN;
    }
    session->ended = SFE_IO_FAILED;
    hear_last_word(session);
    code = say_why(session, result, err);
    if (session->server == NULL) {
        tls_resume_fail(session, code == SFE_E_TLS);
    }
    return code;
}

/* What the end of a read or write is called; it stays so. */
static enum sfe_io end_of(struct sfe_tls_session *session, int result, struct sfe_error *err)
{
    bool is_orderly = result == 0 || result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ||
                      result == MBEDTLS_ERR_SSL_CONN_EOF;

    if (is_orderly && session->broken.code == SFE_OK) {
        session->ended = SFE_IO_CLOSED;
        return SFE_IO_CLOSED;
    }
    session->ended = SFE_IO_FAILED;
    (void)say_why(session, result, err);
    session->broken = *err;
    return SFE_IO_FAILED;
}

static bool is_again(struct sfe_tls_session *session, int result)
{
#if IS_VERSION_3
    if (result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
        tls_resume_keep(session);
        return true;
    }
#else
    (void)session;
#endif
    return result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static enum sfe_io session_read(void *context, struct sfe_tls_session *session, void *bytes,
                                size_t capacity, size_t *count, struct sfe_error *err)
{
    int result;

    (void)context;
    SFE_ASSERT(session->is_done);
    SFE_ASSERT(capacity > 0);
    *count = 0;
    if (session->ended != SFE_IO_DATA) {
        *err = session->broken;
        return session->ended;
    }
    result = mbedtls_ssl_read(&session->ssl, bytes, capacity);
    if (result > 0) {
        *count = (size_t)result;
        return SFE_IO_DATA;
    }
    return is_again(session, result) ? SFE_IO_WOULD_BLOCK : end_of(session, result, err);
}

static enum sfe_io session_write(void *context, struct sfe_tls_session *session,
                                 struct sfe_slice bytes, size_t *count, struct sfe_error *err)
{
    /* What would have blocked is encrypted already: it is finished before more is begun. */
    size_t size = session->unsent != 0 ? session->unsent : bytes.size;
    int result;

    (void)context;
    SFE_ASSERT(session->is_done);
    SFE_ASSERT(size > 0 && size <= bytes.size);
    *count = 0;
    if (session->ended != SFE_IO_DATA) {
        *err = session->broken;
        return session->ended;
    }
    result = mbedtls_ssl_write(&session->ssl, bytes.bytes, size);
    session->unsent = 0;
    if (result >= 0) {
        *count = (size_t)result;
        return SFE_IO_DATA;
    }
    if (is_again(session, result)) {
        session->unsent = size;
        return SFE_IO_WOULD_BLOCK;
    }
    return end_of(session, result, err);
}

static bool session_has_more(void *context, const struct sfe_tls_session *session)
{
    (void)context;
    return session->is_done &&
           (session->ended != SFE_IO_DATA || mbedtls_ssl_get_bytes_avail(&session->ssl) != 0);
}

static void session_facts(void *context, const struct sfe_tls_session *session,
                          struct sfe_tls_facts *facts)
{
    struct tls_validity own = {0, INT64_MAX};

    (void)context;
    SFE_ASSERT(session->is_done && session->server == NULL);
    for (const mbedtls_x509_crt *at = &session->identity.own;
         session->identity.has_own && at != NULL; at = at->next) {
        tls_narrow_validity(&own, at);
    }
    *facts = (struct sfe_tls_facts){
        .valid_until_s = session->validity.until_s,
        .own_until_s = session->identity.has_own ? own.until_s : 0,
        .version = mbedtls_ssl_get_version(&session->ssl),
        .is_resumed = !session->is_judged,
    };
}

static void session_end(void *context, struct sfe_tls_session *session)
{
    int ignored;

    (void)context;
    if (session->carrier.stream == NULL) {
        return;
    }
    if (session->is_done && session->ended == SFE_IO_DATA) {
        ignored = mbedtls_ssl_close_notify(&session->ssl);
        (void)ignored; /* The other side will see the end of the stream anyway. */
    }
    /* Frees all that belonged to the connection. Where memory is short, the next handshake says it.
     */
    ignored = mbedtls_ssl_session_reset(&session->ssl);
    (void)ignored;
    session->carrier.stream = NULL;
    session->is_done = false;
}

enum sfe_code sfe_mbedtls_tls_open(const struct sfe_clock *clock, const struct sfe_entropy *entropy,
                                   struct sfe_tls *tls, struct sfe_error *err)
{
    struct tls *made = malloc(sizeof(*made));

    *tls = (struct sfe_tls){.context = NULL};
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS");
    }
    made->clock = *clock;
    made->entropy = *entropy;
    *tls = (struct sfe_tls){.context = made,
                            .open = session_open,
                            .close = tls_close_session,
                            .begin = session_begin,
                            .handshake = session_handshake,
                            .read = session_read,
                            .write = session_write,
                            .has_more = session_has_more,
                            .facts = session_facts,
                            .end = session_end,
                            .server_open = tls_server_open,
                            .server_close = tls_server_close,
                            .server_session = tls_server_session,
                            .accept = tls_server_accept,
                            .shows = tls_server_shows};
    return SFE_OK;
}

void sfe_mbedtls_tls_close(struct sfe_tls *tls)
{
    free(tls->context);
    tls->context = NULL;
}

enum sfe_code sfe_tls_check(const struct sfe_tls_options *options, struct sfe_error *err)
{
    struct sfe_tls_session *session = tls_make_session();
    enum sfe_code code;

    if (session == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for TLS");
    }
    sfe_posix_entropy(&session->identity.entropy);
    code = tls_read_files(&session->identity, options, err);
    tls_close_session(NULL, session);
    return code;
}
