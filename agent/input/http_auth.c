#include "input/http_auth.h"

#include "base/assert.h"
#include "base/secret.h"
#include "input/http_request.h"

#define DIGEST_BYTES 32u
#define INNER_PAD    0x36u
#define OUTER_PAD    0x5Cu

/* Looks at all of `given`, so that its time tells nothing of the secret. */
static bool is_secret(struct sfe_slice secret, struct sfe_slice given)
{
    uint8_t difference = (uint8_t)(secret.size != given.size);

    if (secret.size == 0) {
        return false;
    }
    for (size_t i = 0; i < given.size; i++) {
        difference = (uint8_t)(difference | (secret.bytes[i % secret.size] ^ given.bytes[i]));
    }
    return difference == 0;
}

bool http_auth_bearer(struct sfe_slice secret, struct sfe_slice authorization)
{
    const struct sfe_slice scheme = SFE_TEXT("Bearer ");

    if (!http_same_word(sfe_slice_part(authorization, 0, scheme.size), scheme)) {
        return false;
    }
    return is_secret(secret, sfe_slice_part(authorization, scheme.size, authorization.size));
}

uint32_t http_auth_bearer_of(const struct sfe_http_identity *identities, uint32_t count,
                             struct sfe_slice authorization)
{
    uint32_t found = HTTP_NOBODY;

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < SFE_IDENTITY_SECRETS_MAX; k++) {
            if (http_auth_bearer(identities[i].tokens[k], authorization)) {
                found = i;
            }
        }
    }
    return found;
}

/* The key as RFC 2104 wants it: a block, hashed before where it is longer. */
static void make_block(const struct sfe_crypto *crypto, struct sfe_slice secret, uint8_t pad,
                       uint8_t block[HTTP_AUTH_BLOCK_BYTES])
{
    memset(block, 0, HTTP_AUTH_BLOCK_BYTES);
    if (secret.size > HTTP_AUTH_BLOCK_BYTES) {
        crypto->sha256(crypto->context, secret, block);
    } else {
        memcpy(block, secret.bytes, secret.size);
    }
    for (size_t i = 0; i < HTTP_AUTH_BLOCK_BYTES; i++) {
        block[i] ^= pad;
    }
}

/* What is signed: a time, a point and the body; or the body alone. */
struct text {
    struct sfe_slice time;
    uint8_t *body;
    size_t size;
};

static void make_digest(const struct sfe_crypto *crypto, struct sfe_slice secret,
                        const struct text *text, uint8_t digest[DIGEST_BYTES])
{
    const size_t time_bytes = text->time.size == 0 ? 0 : text->time.size + 1u;
    const size_t front_bytes = HTTP_AUTH_BLOCK_BYTES + time_bytes;
    uint8_t *front = text->body - front_bytes;
    uint8_t saved[HTTP_AUTH_BLOCK_BYTES + HTTP_AUTH_TIME_BYTES_MAX + 1u];
    uint8_t time[HTTP_AUTH_TIME_BYTES_MAX];
    uint8_t outer[HTTP_AUTH_BLOCK_BYTES + DIGEST_BYTES];

    SFE_ASSERT(text->time.size <= sizeof(time));
    memcpy(saved, front, front_bytes);
    if (time_bytes != 0) {
        memcpy(time, text->time.bytes, text->time.size);
        memcpy(front + HTTP_AUTH_BLOCK_BYTES, time, text->time.size);
        text->body[-1] = '.';
    }
    make_block(crypto, secret, INNER_PAD, front);
    crypto->sha256(crypto->context, sfe_slice_make(front, front_bytes + text->size),
                   outer + HTTP_AUTH_BLOCK_BYTES);
    memcpy(front, saved, front_bytes);
    make_block(crypto, secret, OUTER_PAD, outer);
    crypto->sha256(crypto->context, sfe_slice_make(outer, sizeof(outer)), digest);
    sfe_wipe(outer, sizeof(outer));
}

bool http_auth_signature(const struct sfe_crypto *crypto, struct sfe_slice secret,
                         struct sfe_slice time, struct sfe_slice signature, uint8_t *body,
                         size_t size)
{
    const struct text signed_text = {time, body, size};
    const struct sfe_slice prefix = SFE_TEXT("sha256=");
    uint8_t digest[DIGEST_BYTES];
    uint8_t text[2u * DIGEST_BYTES];
    uint8_t given[2u * DIGEST_BYTES];
    struct sfe_builder wanted = sfe_builder_make(text, sizeof(text));

    SFE_ASSERT(secret.size != 0);
    if (http_same_word(sfe_slice_part(signature, 0, prefix.size), prefix)) {
        signature = sfe_slice_part(signature, prefix.size, signature.size);
    }
    if (signature.size == 0 || signature.size > sizeof(given)) {
        return false;
    }
    memcpy(given, signature.bytes, signature.size);
    make_digest(crypto, secret, &signed_text, digest);
    if (signature.size == sizeof(text)) {
        sfe_builder_add_hex(&wanted, sfe_slice_make(digest, sizeof(digest)));
        for (size_t i = 0; i < sizeof(given); i++) {
            given[i] = (uint8_t)(given[i] >= 'A' && given[i] <= 'F' ? given[i] + 0x20u : given[i]);
        }
    } else {
        sfe_builder_add_base64(&wanted, sfe_slice_make(digest, sizeof(digest)));
    }
    return is_secret(sfe_builder_slice(&wanted), sfe_slice_make(given, signature.size));
}
