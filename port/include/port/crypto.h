/* Signatures and digests. A struct of functions; key bytes never leave it. Any thread where a key
 * is not shared. */
#ifndef SFE_PORT_CRYPTO_H
#define SFE_PORT_CRYPTO_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_key; /* Opaque: a private key. */

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
};

#endif
