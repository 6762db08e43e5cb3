/* HMAC-SHA256 (RFC 2104) of a message that has room in front of it. Pure; any thread. */
#ifndef SFE_OUTPUT_HTTP_SIGN_H
#define SFE_OUTPUT_HTTP_SIGN_H

#include "port/crypto.h"

#define HTTP_SIGN_BLOCK_BYTES  64u
#define HTTP_SIGN_DIGEST_BYTES 32u

/* Signs `size` bytes at `message`; the HTTP_SIGN_BLOCK_BYTES in front of them are written to and
 * wiped. */
void http_sign(const struct sfe_crypto *crypto, struct sfe_slice key, uint8_t *message, size_t size,
               uint8_t digest[HTTP_SIGN_DIGEST_BYTES]);

#endif
