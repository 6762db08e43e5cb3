/* AES-256-GCM under keys made by HKDF-SHA256, by mbedTLS 2.28 or 3.x. */
#include "real_platform.h"

#include "base/assert.h"
#include "base/secret.h"

#include <mbedtls/error.h>
#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>
#include <stdlib.h>

/* What a derived key is for: no two uses share one. */
#define LABEL_SEAL "sfedge aead seal 1"
#define LABEL_ID   "sfedge aead id 1"

struct sfe_aead_key {
    uint8_t bytes[SFE_AEAD_KEY_BYTES];
};

static int derive(const struct sfe_aead_key *key, struct sfe_slice salt, struct sfe_slice label,
                  uint8_t *bytes, size_t size)
{
    return mbedtls_hkdf(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), salt.bytes, salt.size,
                        key->bytes, sizeof(key->bytes), label.bytes, label.size, bytes, size);
}

static void aead_close(void *context, struct sfe_aead_key *key)
{
    (void)context;
    if (key != NULL) {
        sfe_wipe(key, sizeof(*key));
        free(key);
    }
}

static enum sfe_code aead_open(void *context, struct sfe_slice bytes, struct sfe_aead_key **key,
                               struct sfe_error *err)
{
    (void)context;
    *key = NULL;
    if (bytes.size != SFE_AEAD_KEY_BYTES) {
        return sfe_fail(err, SFE_E_CRYPTO, "a key has %u bytes, not %zu", SFE_AEAD_KEY_BYTES,
                        bytes.size);
    }
    struct sfe_aead_key *made = malloc(sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a key");
    }
    memcpy(made->bytes, bytes.bytes, sizeof(made->bytes));
    *key = made;
    return SFE_OK;
}

static void aead_id(void *context, const struct sfe_aead_key *key, uint8_t id[SFE_AEAD_ID_BYTES])
{
    (void)context;
    int result = derive(key, sfe_slice_make(NULL, 0), SFE_TEXT(LABEL_ID), id, SFE_AEAD_ID_BYTES);
    SFE_ASSERT(result == 0); /* It fails for lack of memory or a size that cannot be only. */
}

static int begin(mbedtls_gcm_context *gcm, const struct sfe_aead_key *key,
                 const struct sfe_aead_message *message)
{
    uint8_t derived[SFE_AEAD_KEY_BYTES];
    int result = derive(key, sfe_slice_make(message->salt, sizeof(message->salt)),
                        SFE_TEXT(LABEL_SEAL), derived, sizeof(derived));

    mbedtls_gcm_init(gcm);
    if (result == 0) {
        result = mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, derived, 8 * sizeof(derived));
    }
    sfe_wipe(derived, sizeof(derived));
    return result;
}

static enum sfe_code fail(struct sfe_error *err, int result, const char *what)
{
    char why[96] = "";

    mbedtls_strerror(result, why, sizeof(why));
    return sfe_fail(err, SFE_E_CRYPTO, "%s: %s", what, why);
}

static enum sfe_code aead_seal(void *context, const struct sfe_aead_key *key,
                               const struct sfe_aead_message *message, uint8_t *sealed,
                               struct sfe_error *err)
{
    mbedtls_gcm_context gcm;
    const size_t size = message->bytes.size;

    (void)context;
    int result = begin(&gcm, key, message);
    if (result == 0) {
        result = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, size, message->nonce,
                                           sizeof(message->nonce), message->associated.bytes,
                                           message->associated.size, message->bytes.bytes, sealed,
                                           SFE_AEAD_TAG_BYTES, sealed + size);
    }
    mbedtls_gcm_free(&gcm);
    return result == 0 ? SFE_OK : fail(err, result, "cannot seal");
}

static enum sfe_code aead_unseal(void *context, const struct sfe_aead_key *key,
                                 const struct sfe_aead_message *message, uint8_t *plain,
                                 struct sfe_error *err)
{
    mbedtls_gcm_context gcm;

    (void)context;
    if (message->bytes.size < SFE_AEAD_TAG_BYTES) {
        return sfe_fail(err, SFE_E_CRYPTO, "too short for sealed bytes");
    }
    const size_t size = message->bytes.size - SFE_AEAD_TAG_BYTES;
    int result = begin(&gcm, key, message);
    if (result == 0) {
        result = mbedtls_gcm_auth_decrypt(&gcm, size, message->nonce, sizeof(message->nonce),
                                          message->associated.bytes, message->associated.size,
                                          message->bytes.bytes + size, SFE_AEAD_TAG_BYTES,
                                          message->bytes.bytes, plain);
    }
    mbedtls_gcm_free(&gcm);
    return result == 0 ? SFE_OK : fail(err, result, "sealed bytes do not open");
}

void sfe_mbedtls_aead(struct sfe_crypto *crypto)
{
    crypto->aead_open = aead_open;
    crypto->aead_close = aead_close;
    crypto->aead_id = aead_id;
    crypto->aead_seal = aead_seal;
    crypto->aead_unseal = aead_unseal;
}
