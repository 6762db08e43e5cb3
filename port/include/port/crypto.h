/* Signatures, digests and sealed bytes. A struct of functions; key bytes never leave it. Any thread
 * where a private key is not shared; an AEAD key may be. */
#ifndef SFE_PORT_CRYPTO_H
#define SFE_PORT_CRYPTO_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_key;      /* Opaque: a private key. */
struct sfe_aead_key; /* Opaque: 256 bits to seal with. Never changes: any thread may use it. */

#define SFE_AEAD_KEY_BYTES   32u
#define SFE_AEAD_ID_BYTES    8u
#define SFE_AEAD_SALT_BYTES  16u
#define SFE_AEAD_NONCE_BYTES 12u
#define SFE_AEAD_TAG_BYTES   16u

/* What is sealed or opened. The cipher's key is not the key itself but HKDF-SHA256 of it and
 * `salt`, so a nonce need only be unique under its salt. */
struct sfe_aead_message {
    uint8_t salt[SFE_AEAD_SALT_BYTES];
    uint8_t nonce[SFE_AEAD_NONCE_BYTES]; /* Never twice with the same key and salt. */
    struct sfe_slice associated;         /* In the clear, and authenticated. */
    struct sfe_slice bytes;              /* To be sealed; or sealed, with the tag at their end. */
};

struct sfe_crypto {
    void *context;
    /* Reads an RSA private key (PEM, PKCS#1 or PKCS#8, at least 2048 bits). SFE_E_CRYPTO says what
     * is wrong, never what is in it. */
    enum sfe_code (*key_open)(void *context, struct sfe_slice pem, struct sfe_key **key,
                              struct sfe_error *err);
    void (*key_close)(void *context, struct sfe_key *key); /* Wipes. NULL is allowed. */
    /* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3). *size in: capacity, out: bytes
     * written. */
    enum sfe_code (*sign_rs256)(void *context, struct sfe_key *key, struct sfe_slice message,
                                uint8_t *signature, size_t *size, struct sfe_error *err);
    void (*sha256)(void *context, struct sfe_slice message, uint8_t digest[32]);
    /* Copies a key of SFE_AEAD_KEY_BYTES. SFE_E_CRYPTO where it has another size. */
    enum sfe_code (*aead_open)(void *context, struct sfe_slice bytes, struct sfe_aead_key **key,
                               struct sfe_error *err);
    void (*aead_close)(void *context, struct sfe_aead_key *key); /* Wipes. NULL is allowed. */
    /* Tells keys apart and says nothing of their bytes: derived one way. */
    void (*aead_id)(void *context, const struct sfe_aead_key *key, uint8_t id[SFE_AEAD_ID_BYTES]);
    /* AES-256-GCM. Writes bytes.size + SFE_AEAD_TAG_BYTES to `sealed`, which overlaps nothing. */
    enum sfe_code (*aead_seal)(void *context, const struct sfe_aead_key *key,
                               const struct sfe_aead_message *message, uint8_t *sealed,
                               struct sfe_error *err);
    /* Writes bytes.size - SFE_AEAD_TAG_BYTES to `plain`. SFE_E_CRYPTO: not sealed with this key,
     * salt and nonce, or changed since; `plain` then holds nothing of it. */
    enum sfe_code (*aead_unseal)(void *context, const struct sfe_aead_key *key,
                                 const struct sfe_aead_message *message, uint8_t *plain,
                                 struct sfe_error *err);
};

#endif
