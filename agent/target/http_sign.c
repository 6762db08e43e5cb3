#include "target/http_sign.h"

#include "base/secret.h"

#define INNER_PAD 0x36u
#define OUTER_PAD 0x5Cu

/* The key as a block: hashed before where it is longer. */
static void make_block(const struct sfe_crypto *crypto, struct sfe_slice key, uint8_t pad,
                       uint8_t block[HTTP_SIGN_BLOCK_BYTES])
{
    memset(block, 0, HTTP_SIGN_BLOCK_BYTES);
    if (key.size > HTTP_SIGN_BLOCK_BYTES) {
        crypto->sha256(crypto->context, key, block);
    } else if (key.size != 0) {
        memcpy(block, key.bytes, key.size);
    }
    for (size_t i = 0; i < HTTP_SIGN_BLOCK_BYTES; i++) {
        block[i] ^= pad;
    }
}

void http_sign(const struct sfe_crypto *crypto, struct sfe_slice key, uint8_t *message, size_t size,
               uint8_t digest[HTTP_SIGN_DIGEST_BYTES])
{
    uint8_t *front = message - HTTP_SIGN_BLOCK_BYTES;
    uint8_t outer[HTTP_SIGN_BLOCK_BYTES + HTTP_SIGN_DIGEST_BYTES];

    make_block(crypto, key, INNER_PAD, front);
    crypto->sha256(crypto->context, sfe_slice_make(front, HTTP_SIGN_BLOCK_BYTES + size),
                   outer + HTTP_SIGN_BLOCK_BYTES);
    sfe_wipe(front, HTTP_SIGN_BLOCK_BYTES);
    make_block(crypto, key, OUTER_PAD, outer);
    crypto->sha256(crypto->context, sfe_slice_make(outer, sizeof(outer)), digest);
    sfe_wipe(outer, sizeof(outer));
}
