#include "salesforce/refresh_token.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "stream/kept_file.h"

#include <stdio.h>

#define MAGIC        0x54454653u /* "SFET" */
#define VERSION      1u
#define CRC_BYTES    4u
#define HEAD_BYTES   (8u + SFE_AEAD_SALT_BYTES + SFE_AEAD_NONCE_BYTES)
#define SEALED_MAX   (REFRESH_TOKEN_BYTES_MAX + SFE_AEAD_TAG_BYTES)
#define FILE_MAX     (HEAD_BYTES + SEALED_MAX + CRC_BYTES)
#define DIGEST_BYTES 32u
#define NAME_DIGITS  16u

/* SHA-256 of a purpose and a token: apart for each purpose, and back to the token for nobody. */
static void derive(const struct sfe_crypto *crypto, const char *purpose, struct sfe_slice given,
                   uint8_t digest[DIGEST_BYTES])
{
    uint8_t memory[REFRESH_TOKEN_BYTES_MAX + 64u];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    sfe_builder_add_text(&text, purpose);
    sfe_builder_add(&text, given);
    SFE_ASSERT(!text.overflowed);
    crypto->sha256(crypto->context, sfe_builder_slice(&text), digest);
    sfe_wipe(memory, sizeof(memory));
}

static void make_name(struct refresh_token *token, const uint8_t digest[DIGEST_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char hex[NAME_DIGITS + 1u];

    for (size_t i = 0; i < NAME_DIGITS; i++) {
        hex[i] = digits[((uint32_t)digest[i / 2] >> (i % 2 == 0 ? 4u : 0u)) & 0x0fu];
    }
    hex[NAME_DIGITS] = '\0';
    (void)snprintf(token->name, sizeof(token->name), "token.%s", hex);
}

enum sfe_code refresh_token_open(struct refresh_token *token, struct sfe_slice given,
                                 const struct sfe_crypto *crypto, struct sfe_error *err)
{
    uint8_t digest[DIGEST_BYTES];

    token->key = NULL;
    token->value = (struct sfe_secret){token->memory, 0, sizeof(token->memory)};
    enum sfe_code code = sfe_secret_set(&token->value, given, err);
    if (code != SFE_OK) {
        return sfe_within(err, "a refresh token");
    }
    derive(crypto, "sfedge name of refresh token\n", given, digest);
    make_name(token, digest);
    derive(crypto, "sfedge key of refresh token\n", given, digest);
    code = crypto->aead_open(crypto->context, sfe_slice_make(digest, sizeof(digest)), &token->key,
                             err);
    sfe_wipe(digest, sizeof(digest));
    return code;
}

static enum sfe_code damaged(const struct refresh_token *token, struct sfe_error *err)
{
    return sfe_fail(err, SFE_E_CORRUPT, "the refresh token kept in %s is damaged", token->name);
}

static enum sfe_code unseal(struct refresh_token *token, const struct sfe_crypto *crypto,
                            struct sfe_slice bytes, struct sfe_error *err)
{
    struct sfe_reader reader = sfe_reader_make(bytes);
    struct sfe_aead_message message;
    uint8_t plain[REFRESH_TOKEN_BYTES_MAX];
    uint32_t magic = sfe_reader_u32le(&reader);
    uint16_t version = sfe_reader_u16le(&reader);
    uint16_t size = sfe_reader_u16le(&reader);

    if (magic != MAGIC || version != VERSION || size <= SFE_AEAD_TAG_BYTES || size > SEALED_MAX ||
        bytes.size != HEAD_BYTES + (size_t)size + CRC_BYTES) {
        return damaged(token, err);
    }
    memcpy(message.salt, sfe_reader_take(&reader, sizeof(message.salt)).bytes,
           sizeof(message.salt));
    memcpy(message.nonce, sfe_reader_take(&reader, sizeof(message.nonce)).bytes,
           sizeof(message.nonce));
    message.associated = sfe_slice_text(token->name);
    message.bytes = sfe_reader_take(&reader, size);
    if (sfe_reader_u32le(&reader) !=
            sfe_crc32c(0, sfe_slice_part(bytes, 0, bytes.size - CRC_BYTES)) ||
        crypto->aead_unseal(crypto->context, token->key, &message, plain, err) != SFE_OK) {
        return damaged(token, err);
    }
    enum sfe_code code =
        sfe_secret_set(&token->value, sfe_slice_make(plain, size - SFE_AEAD_TAG_BYTES), err);
    SFE_ASSERT(code == SFE_OK);
    sfe_wipe(plain, sizeof(plain));
    return code;
}

enum sfe_code refresh_token_load(struct refresh_token *token, const struct sfe_crypto *crypto,
                                 const struct sfe_storage *storage, struct sfe_error *err)
{
    uint8_t memory[FILE_MAX + 1u]; /* One more: a longer file is no such file. */
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));
    enum sfe_code code = kept_file_read(storage, token->name, &bytes, err);

    if (code == SFE_E_NOT_FOUND) {
        return SFE_OK; /* It was never rotated. */
    }
    return code == SFE_OK ? unseal(token, crypto, sfe_builder_slice(&bytes), err)
                          : sfe_within(err, "the refresh token kept on flash");
}

enum sfe_code refresh_token_save(const struct refresh_token *token, const struct sfe_crypto *crypto,
                                 const struct sfe_entropy *entropy,
                                 const struct sfe_storage *storage, struct sfe_error *err)
{
    uint8_t memory[FILE_MAX];
    uint8_t sealed[SEALED_MAX];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_aead_message message = {.associated = sfe_slice_text(token->name),
                                       .bytes = sfe_secret_reveal(&token->value)};
    const size_t size = token->value.size + SFE_AEAD_TAG_BYTES;
    enum sfe_code code = entropy->fill(entropy->context, message.salt, sizeof(message.salt), err);

    if (code == SFE_OK) {
        code = entropy->fill(entropy->context, message.nonce, sizeof(message.nonce), err);
    }
    if (code == SFE_OK) {
        code = crypto->aead_seal(crypto->context, token->key, &message, sealed, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    sfe_builder_add_u32le(&out, MAGIC);
    sfe_builder_add_u16le(&out, VERSION);
    sfe_builder_add_u16le(&out, (uint16_t)size);
    sfe_builder_add(&out, sfe_slice_make(message.salt, sizeof(message.salt)));
    sfe_builder_add(&out, sfe_slice_make(message.nonce, sizeof(message.nonce)));
    sfe_builder_add(&out, sfe_slice_make(sealed, size));
    sfe_builder_add_u32le(&out, sfe_crc32c(0, sfe_builder_slice(&out)));
    SFE_ASSERT(!out.overflowed);
    return kept_file_write(storage, token->name, sfe_builder_slice(&out), err);
}

void refresh_token_close(struct refresh_token *token, const struct sfe_crypto *crypto)
{
    crypto->aead_close(crypto->context, token->key);
    token->key = NULL;
    sfe_secret_wipe(&token->value);
}
