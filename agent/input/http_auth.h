/* Who may send: a bearer token (RFC 6750), or HMAC-SHA256 of the body (RFC 2104). Comparisons take
 * as long whatever is wrong. Any thread. */
#ifndef SFE_INPUT_HTTP_AUTH_H
#define SFE_INPUT_HTTP_AUTH_H

#include "base/bytes.h"
#include "base/limits.h"
#include "port/crypto.h"

/* Room that http_auth_signature needs before the body. */
#define HTTP_AUTH_BLOCK_BYTES 64u
/* And as much again before that as the time takes, with its point. */
#define HTTP_AUTH_TIME_BYTES_MAX 20u

/* True where the field's value is "Bearer " and the secret. */
bool http_auth_bearer(struct sfe_slice secret, struct sfe_slice authorization);

struct sfe_where; /* flow/where.h */

/* A sender that an input knows. */
struct sfe_http_identity {
    const char *name; /* Borrowed, as all here. */
    /* What it shows: one of the three. */
    struct sfe_slice tokens[SFE_IDENTITY_SECRETS_MAX]; /* Bearer tokens; empty ones are none. */
    struct sfe_slice keys[SFE_IDENTITY_SECRETS_MAX];   /* Of its signatures; as above. */
    const char *const *certificates;                   /* As tls->shows takes them. */
    uint32_t certificate_count;
    bool may_send;           /* Its scopes hold the input and its stream. */
    struct sfe_where *where; /* And these events; NULL: all. */
};

#define HTTP_NOBODY UINT32_MAX

/* Whose token the field's value shows; HTTP_NOBODY: nobody's. Looks at those of all, whoever it
 * is. */
uint32_t http_auth_bearer_of(const struct sfe_http_identity *identities, uint32_t count,
                             struct sfe_slice authorization);

/* True where `signature`, in hexadecimal or base64, with or without "sha256=" before it, is that of
 * `size` bytes at `body`; or where `time` is not empty, of the time, a point and these. The bytes
 * before the body are used, and are put back; `time` may be among them. */
bool http_auth_signature(const struct sfe_crypto *crypto, struct sfe_slice secret,
                         struct sfe_slice time, struct sfe_slice signature, uint8_t *body,
                         size_t size);

#endif
