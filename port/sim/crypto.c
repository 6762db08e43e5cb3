#include "base/assert.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE_BYTES 256u
#define SEALS_MAX       (1u << 18)

struct sfe_aead_key {
    uint8_t bytes[SFE_AEAD_KEY_BYTES];
};

/* Hashes; 0: free. */
struct sim_seals {
    uint32_t count;
    uint64_t items[SEALS_MAX];
};

struct sim_seals *sim_seals_open(void)
{
    struct sim_seals *seals = calloc(1, sizeof(*seals));

    SFE_ASSERT(seals != NULL);
    return seals;
}

void sim_seals_close(struct sim_seals *seals)
{
    free(seals);
}

static void stir(uint64_t *hash, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
}

/* False: that nonce was used before, under the same key and salt. */
static bool is_new_nonce(struct sim_seals *seals, const struct sfe_aead_key *key,
                         const struct sfe_aead_message *message)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    stir(&hash, key->bytes, sizeof(key->bytes));
    stir(&hash, message->salt, sizeof(message->salt));
    stir(&hash, message->nonce, sizeof(message->nonce));
    hash = hash == 0 ? 1 : hash;
    uint32_t place = (uint32_t)(hash % SEALS_MAX);
    while (seals->items[place] != 0) {
        if (seals->items[place] == hash) {
            return false;
        }
        place = (place + 1u) % SEALS_MAX;
    }
    if (seals->count < SEALS_MAX / 2u) {
        seals->items[place] = hash;
        seals->count++;
    }
    return true;
}

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
    (void)context;
    if (bytes.size != SFE_AEAD_KEY_BYTES) {
        return sfe_fail(err, SFE_E_CRYPTO, "a key has %u bytes", SFE_AEAD_KEY_BYTES);
    }
    *key = malloc(sizeof(**key));
    SFE_ASSERT(*key != NULL);
    memcpy((*key)->bytes, bytes.bytes, bytes.size);
    return SFE_OK;
}

static void aead_close(void *context, struct sfe_aead_key *key)
{
    (void)context;
    free(key);
}

static void aead_id(void *context, const struct sfe_aead_key *key, uint8_t id[SFE_AEAD_ID_BYTES])
{
    (void)context;
    memcpy(id, key->bytes, SFE_AEAD_ID_BYTES);
}

/* No secret, but it depends on all that a real tag depends on. */
static void make_tag(const struct sfe_aead_key *key, const struct sfe_aead_message *message,
                     struct sfe_slice plain, uint8_t tag[SFE_AEAD_TAG_BYTES])
{
    uint32_t checksum = sfe_crc32c(0, sfe_slice_make(key->bytes, sizeof(key->bytes)));
    struct sfe_builder builder = sfe_builder_make(tag, SFE_AEAD_TAG_BYTES);

    checksum = sfe_crc32c(checksum, sfe_slice_make(message->salt, sizeof(message->salt)));
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
    struct sim_world *world = context;

    (void)err;
    SFE_ASSERT(world->seals == NULL || is_new_nonce(world->seals, key, message));
    mix(message, message->bytes.size, sealed);
    make_tag(key, message, message->bytes, sealed + message->bytes.size);
    return SFE_OK;
}

static enum sfe_code aead_unseal(void *context, const struct sfe_aead_key *key,
                                 const struct sfe_aead_message *message, uint8_t *plain,
                                 struct sfe_error *err)
{
    uint8_t tag[SFE_AEAD_TAG_BYTES];

    (void)context;
    if (message->bytes.size < SFE_AEAD_TAG_BYTES) {
        return sfe_fail(err, SFE_E_CRYPTO, "no tag");
    }
    const size_t size = message->bytes.size - SFE_AEAD_TAG_BYTES;
    mix(message, size, plain);
    make_tag(key, message, sfe_slice_make(plain, size), tag);
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
