#include "sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "org.h"

struct jwt_verifier {
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
    bool is_certificate;
};

void random_fill(void *bytes, size_t size)
{
    uint8_t *place = bytes;
    while (size != 0) {
        ssize_t got = getrandom(place, size, 0);
        if (got < 0 && errno != EINTR) {
            (void)fprintf(stderr, "sfedge-org: no random bytes: %s\n", strerror(errno));
            exit(71);
        }
        if (got > 0) {
            place += got;
            size -= (size_t)got;
        }
    }
}

const struct session *session_open(struct sessions *sessions, uint32_t family)
{
    static const char ALPHABET[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    static const char HEAD[] = "00D5g000004Fq7x!AQ";
    struct session *session = &sessions->sessions[sessions->next];
    sessions->next = (sessions->next + 1) % SESSIONS_MAX;
    uint8_t random[TOKEN_BYTES];
    random_fill(random, sizeof random);
    for (size_t i = 0; i < TOKEN_BYTES; i++) {
        session->token[i] = ALPHABET[random[i] & 63];
    }
    memcpy(session->token, HEAD, sizeof HEAD - 1);
    session->ends_ms = clock_monotonic_ms() + sessions->lifetime_ms;
    session->family = family;
    return session;
}

static struct session *find(struct sessions *sessions, struct sfe_slice token)
{
    for (size_t i = 0; token.size == TOKEN_BYTES && i < SESSIONS_MAX; i++) {
        struct session *session = &sessions->sessions[i];
        if (session->ends_ms != 0 && memcmp(session->token, token.bytes, TOKEN_BYTES) == 0) {
            return session;
        }
    }
    return NULL;
}

bool session_alive(const struct sessions *sessions, struct sfe_slice token)
{
    for (size_t i = 0; token.size == TOKEN_BYTES && i < SESSIONS_MAX; i++) {
        const struct session *session = &sessions->sessions[i];
        if (session->ends_ms != 0 && memcmp(session->token, token.bytes, TOKEN_BYTES) == 0) {
            return session->ends_ms > clock_monotonic_ms();
        }
    }
    return false;
}

bool session_end(struct sessions *sessions, struct sfe_slice token)
{
    struct session *session = find(sessions, token);
    if (session != NULL) {
        session->ends_ms = 0;
    }
    return session != NULL;
}

void sessions_end_family(struct sessions *sessions, uint32_t family)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (sessions->sessions[i].family == family) {
            sessions->sessions[i].ends_ms = 0;
        }
    }
}

uint32_t sessions_end_all(struct sessions *sessions)
{
    uint32_t count = 0;
    uint64_t now_ms = clock_monotonic_ms();
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        count += sessions->sessions[i].ends_ms > now_ms;
        sessions->sessions[i].ends_ms = 0;
    }
    return count;
}

const char *jwt_verifier_open(struct sessions *sessions, const char *path)
{
    struct buffer pem = {NULL, 0, 0};
    const char *problem = buffer_read_file(&pem, path);
    if (problem != NULL) {
        buffer_close(&pem);
        return problem;
    }
    buffer_add(&pem, sfe_slice_make("", 1)); /* mbedTLS wants the NUL counted. */
    struct jwt_verifier *verifier = memory_take(sizeof *verifier);
    mbedtls_x509_crt_init(&verifier->certificate);
    mbedtls_pk_init(&verifier->key);
    sessions->verifier = verifier;
    verifier->is_certificate =
        mbedtls_x509_crt_parse(&verifier->certificate, pem.bytes, pem.size) == 0;
    if (!verifier->is_certificate &&
        mbedtls_pk_parse_public_key(&verifier->key, pem.bytes, pem.size) != 0) {
        problem = "neither a certificate nor a public key in PEM";
    } else if (!mbedtls_pk_can_do(verifier->is_certificate ? &verifier->certificate.pk
                                                           : &verifier->key,
                                  MBEDTLS_PK_RSA)) {
        problem = "not an RSA key";
    }
    buffer_close(&pem);
    return problem;
}

void jwt_verifier_close(struct sessions *sessions)
{
    if (sessions->verifier != NULL) {
        mbedtls_x509_crt_free(&sessions->verifier->certificate);
        mbedtls_pk_free(&sessions->verifier->key);
        free(sessions->verifier);
        sessions->verifier = NULL;
    }
    buffer_close(&sessions->client_secret);
    refresh_unload(&sessions->refresh);
}

bool jwt_verify(struct jwt_verifier *verifier, struct sfe_slice message, struct sfe_slice signature)
{
    uint8_t digest[32];
    if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), message.bytes, message.size,
                   digest) != 0) {
        return false;
    }
    mbedtls_pk_context *key = verifier->is_certificate ? &verifier->certificate.pk : &verifier->key;
    return mbedtls_pk_verify(key, MBEDTLS_MD_SHA256, digest, sizeof digest, signature.bytes,
                             signature.size) == 0;
}
