/* Signatures and digests by mbedTLS 2.28 or 3.x. */
#include "real_platform.h"

#include "base/assert.h"
#include "base/secret.h"

#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <stdlib.h>

#define IS_VERSION_3  (MBEDTLS_VERSION_NUMBER >= 0x03000000)
#define DIGEST_BYTES  32u
#define KEY_BITS_MIN  2048u
#define PEM_BYTES_MAX 16384u

struct crypto {
    struct sfe_entropy entropy;
};

struct sfe_key {
    mbedtls_pk_context pk;
};

/* As mbedTLS wants its random numbers: 0, or an error that it passes on. */
static int fill_random(void *context, unsigned char *bytes, size_t size)
{
    const struct crypto *crypto = context;
    struct sfe_error err;
    enum sfe_code code = crypto->entropy.fill(crypto->entropy.context, bytes, size, &err);
    return code == SFE_OK ? 0 : -1;
}

static enum sfe_code fail(struct sfe_error *err, int result, const char *what)
{
    char why[96] = "";
    mbedtls_strerror(result, why, sizeof(why));
    return sfe_fail(err, SFE_E_CRYPTO, "%s: %s", what, why);
}

static int parse(struct crypto *crypto, mbedtls_pk_context *pk, const unsigned char *text,
                 size_t size)
{
#if IS_VERSION_3
    return mbedtls_pk_parse_key(pk, text, size, NULL, 0, fill_random, crypto);
#else
    (void)crypto;
    return mbedtls_pk_parse_key(pk, text, size, NULL, 0);
#endif
}

static enum sfe_code read_key(struct crypto *crypto, mbedtls_pk_context *pk, struct sfe_slice pem,
                              struct sfe_error *err)
{
    if (pem.size == 0 || pem.size > PEM_BYTES_MAX) {
        return sfe_fail(err, SFE_E_CRYPTO, "a private key of %zu bytes is none", pem.size);
    }
    /* mbedTLS takes text for PEM only where a NUL ends it. */
    unsigned char *text = malloc(pem.size + 1);
    if (text == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a private key");
    }
    memcpy(text, pem.bytes, pem.size);
    text[pem.size] = '\0';
    int result = parse(crypto, pk, text, pem.size + 1);
    sfe_wipe(text, pem.size + 1);
    free(text);
    if (result != 0) {
        return fail(err, result, "the private key cannot be read");
    }
    if (mbedtls_pk_can_do(pk, MBEDTLS_PK_RSA) == 0) {
        return sfe_fail(err, SFE_E_CRYPTO, "the private key is not an RSA key");
    }
    if (mbedtls_pk_get_bitlen(pk) < KEY_BITS_MIN) {
        return sfe_fail(err, SFE_E_CRYPTO, "the private key has %zu bits; at least %u are needed",
                        mbedtls_pk_get_bitlen(pk), KEY_BITS_MIN);
    }
    return SFE_OK;
}

static void key_close(void *context, struct sfe_key *key)
{
    (void)context;
    if (key == NULL) {
        return;
    }
    mbedtls_pk_free(&key->pk); /* Wipes. */
    free(key);
}

static enum sfe_code key_open(void *context, struct sfe_slice pem, struct sfe_key **key,
                              struct sfe_error *err)
{
    *key = NULL;
    struct sfe_key *made = malloc(sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a private key");
    }
    mbedtls_pk_init(&made->pk);
    enum sfe_code code = read_key(context, &made->pk, pem, err);
    if (code != SFE_OK) {
        key_close(context, made);
        return code;
    }
    *key = made;
    return SFE_OK;
}

static int digest_of(struct sfe_slice message, unsigned char digest[DIGEST_BYTES])
{
    static const unsigned char nothing[1];
    return mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                      message.size == 0 ? nothing : message.bytes, message.size, digest);
}

static enum sfe_code sign_rs256(void *context, struct sfe_key *key, struct sfe_slice message,
                                uint8_t *signature, size_t *size, struct sfe_error *err)
{
    struct crypto *crypto = context;
    unsigned char digest[DIGEST_BYTES];
    size_t capacity = *size;
    SFE_ASSERT(key != NULL);
    *size = 0;
    if (capacity < (mbedtls_pk_get_bitlen(&key->pk) + 7) / 8) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "no room for a signature of %zu bits",
                        mbedtls_pk_get_bitlen(&key->pk));
    }
    int result = digest_of(message, digest);
    if (result == 0) {
#if IS_VERSION_3
        result = mbedtls_pk_sign(&key->pk, MBEDTLS_MD_SHA256, digest, sizeof(digest), signature,
                                 capacity, size, fill_random, crypto);
#else
        result = mbedtls_pk_sign(&key->pk, MBEDTLS_MD_SHA256, digest, sizeof(digest), signature,
                                 size, fill_random, crypto);
#endif
    }
    return result == 0 ? SFE_OK : fail(err, result, "cannot sign");
}

static void sha256(void *context, struct sfe_slice message, uint8_t digest[DIGEST_BYTES])
{
    (void)context;
    int result = digest_of(message, digest);
    SFE_ASSERT(result == 0);
}

enum sfe_code sfe_mbedtls_crypto_open(const struct sfe_entropy *entropy, struct sfe_crypto *crypto,
                                      struct sfe_error *err)
{
    SFE_ASSERT(entropy->fill != NULL);
    *crypto = (struct sfe_crypto){.context = NULL};
    struct crypto *made = malloc(sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for signatures");
    }
    made->entropy = *entropy;
    *crypto = (struct sfe_crypto){.context = made,
                                  .key_open = key_open,
                                  .key_close = key_close,
                                  .sign_rs256 = sign_rs256,
                                  .sha256 = sha256};
    sfe_mbedtls_aead(crypto);
    return SFE_OK;
}

void sfe_mbedtls_crypto_close(struct sfe_crypto *crypto)
{
    free(crypto->context);
    crypto->context = NULL;
}
