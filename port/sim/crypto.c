#include "base/crc32c.h"
#include "base/hash.h"
#include "sim/world.h"

#include <string.h>

#define SIGNATURE_BYTES 256u

static enum sfe_code key_open(void *context, struct sfe_slice pem, struct sfe_key **key,
                              struct sfe_error *err)
{
    (void)pem;
    (void)err;
    *key = context; /* Only ever handed back. */
    return SFE_OK;
}

static void key_close(void *context, struct sfe_key *key)
{
    (void)context;
    (void)key;
}

static enum sfe_code sign(void *context, struct sfe_key *key, struct sfe_slice message,
                          uint8_t *signature, size_t *size, struct sfe_error *err)
{
    (void)context;
    (void)key;
    (void)message;
    if (*size < SIGNATURE_BYTES) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "no room for the signature");
    }
    memset(signature, 0, SIGNATURE_BYTES);
    *size = SIGNATURE_BYTES;
    return SFE_OK;
}

/* No digest to sign with, but it tells messages apart. */
static void sha256(void *context, struct sfe_slice message, uint8_t digest[32])
{
    (void)context;
    const struct sfe_hash128 first = sfe_hash128(&message, 1);
    const struct sfe_slice again[] = {message, message};
    const struct sfe_hash128 second = sfe_hash128(again, 2);

    memcpy(digest, first.bytes, sizeof(first.bytes));
    memcpy(digest + sizeof(first.bytes), second.bytes, sizeof(second.bytes));
}

static enum sfe_code aead_open(void *context, struct sfe_slice bytes, struct sfe_aead_key **key,
                               struct sfe_error *err)
{
    if (bytes.size != SFE_AEAD_KEY_BYTES) {
        return sfe_fail(err, SFE_E_CRYPTO, "a key has %u bytes", SFE_AEAD_KEY_BYTES);
    }
    *key = context; /* Only ever handed back. */
    return SFE_OK;
}

static void aead_close(void *context, struct sfe_aead_key *key)
{
    (void)context;
    (void)key;
}

static void aead_id(void *context, const struct sfe_aead_key *key, uint8_t id[SFE_AEAD_ID_BYTES])
{
    (void)context;
    (void)key;
    memset(id, 1, SFE_AEAD_ID_BYTES);
}

/* No secret, but it depends on all that a real tag depends on. */
static void make_tag(const struct sfe_aead_message *message, struct sfe_slice plain,
                     uint8_t tag[SFE_AEAD_TAG_BYTES])
{
    uint32_t checksum = sfe_crc32c(0, sfe_slice_make(message->salt, sizeof(message->salt)));
    struct sfe_builder builder = sfe_builder_make(tag, SFE_AEAD_TAG_BYTES);

    checksum = sfe_crc32c(checksum, sfe_slice_make(message->nonce, sizeof(message->nonce)));
    checksum = sfe_crc32c(checksum, message->associated);
    checksum = sfe_crc32c(checksum, plain);
    memset(tag, 0, SFE_AEAD_TAG_BYTES);
    sfe_builder_add_u32le(&builder, checksum);
}

static void mix(const struct sfe_aead_message *message, size_t size, uint8_t *out)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(message->bytes.bytes[i] ^ message->salt[i % SFE_AEAD_SALT_BYTES] ^
                           message->nonce[i % SFE_AEAD_NONCE_BYTES]);
    }
}

static enum sfe_code aead_seal(void *context, const struct sfe_aead_key *key,
                               const struct sfe_aead_message *message, uint8_t *sealed,
                               struct sfe_error *err)
{
    (void)context;
    (void)key;
    (void)err;
    mix(message, message->bytes.size, sealed);
    make_tag(message, message->bytes, sealed + message->bytes.size);
    return SFE_OK;
}

static enum sfe_code aead_unseal(void *context, const struct sfe_aead_key *key,
                                 const struct sfe_aead_message *message, uint8_t *plain,
                                 struct sfe_error *err)
{
    uint8_t tag[SFE_AEAD_TAG_BYTES];

    (void)context;
    (void)key;
    if (message->bytes.size < SFE_AEAD_TAG_BYTES) {
        return sfe_fail(err, SFE_E_CRYPTO, "no tag");
    }
    const size_t size = message->bytes.size - SFE_AEAD_TAG_BYTES;
    mix(message, size, plain);
    make_tag(message, sfe_slice_make(plain, size), tag);
    if (memcmp(tag, message->bytes.bytes + size, sizeof(tag)) != 0) {
        memset(plain, 0, size);
        return sfe_fail(err, SFE_E_CRYPTO, "the tag is another");
    }
    return SFE_OK;
}

void sim_crypto(struct sim_world *world, struct sfe_crypto *crypto)
{
    *crypto = (struct sfe_crypto){world,     key_open,   key_close, sign,      sha256,
                                  aead_open, aead_close, aead_id,   aead_seal, aead_unseal};
}
