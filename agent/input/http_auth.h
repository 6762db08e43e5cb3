/* Who may send: a bearer token (RFC 6750), or HMAC-SHA256 of the body (RFC 2104). Comparisons take
 * as long whatever is wrong. Any thread. */
#ifndef SFE_INPUT_HTTP_AUTH_H
#define SFE_INPUT_HTTP_AUTH_H

#include "base/bytes.h"
#include "port/crypto.h"

/* Room that http_auth_signature needs before the body. */
#define HTTP_AUTH_BLOCK_BYTES 64u
/* And as much again before that as the time takes, with its point. */
#define HTTP_AUTH_TIME_BYTES_MAX 20u

/* True where the field's value is "Bearer " and the secret. */
bool http_auth_bearer(struct sfe_slice secret, struct sfe_slice authorization);

/* True where `signature`, in hexadecimal or base64, with or without "sha256=" before it, is that of
 * `size` bytes at `body`; or where `time` is not empty, of the time, a point and these. The bytes
 * before the body are used, and are put back; `time` may be among them. */
bool http_auth_signature(const struct sfe_crypto *crypto, struct sfe_slice secret,
                         struct sfe_slice time, struct sfe_slice signature, uint8_t *body,
                         size_t size);

#endif
