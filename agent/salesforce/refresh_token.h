/* One refresh token that an operator gave, and what the org has made of it since.
 *
 * With rotation each use gives a new token and ends the one before, and a token that is used again
 * after its end costs the whole family (API sheet, section 1). So the newest of a family is kept on
 * flash: a file of its own, "token." and 16 digits, sealed (AES-256-GCM) with a key derived from
 * the operator's token: flash tells it to nobody who has not read that one, wherever the operator
 * keeps it. The bytes are little-endian: magic "SFET", u16 version, u16 size of what is sealed,
 * salt, nonce, the sealed token, CRC32C of all before. It is replaced whole.
 *
 * Cloud reads, flash writes; never both at a time.
 */
#ifndef SFE_SALESFORCE_REFRESH_TOKEN_H
#define SFE_SALESFORCE_REFRESH_TOKEN_H

#include "base/error.h"
#include "base/secret.h"
#include "port/crypto.h"
#include "port/entropy.h"
#include "port/storage.h"

/* Salesforce's have some 90 bytes. */
#define REFRESH_TOKEN_BYTES_MAX 512u
#define REFRESH_NAME_BYTES      28u

struct refresh_token {
    char name[REFRESH_NAME_BYTES]; /* Of its file. */
    struct sfe_aead_key *key;
    struct sfe_secret value; /* To be used next. */
    uint8_t memory[REFRESH_TOKEN_BYTES_MAX];
};

/* Takes `given` for the first of a family; nothing is read yet. SFE_E_TOO_LARGE, SFE_E_CRYPTO. */
SFE_MUST_USE enum sfe_code refresh_token_open(struct refresh_token *token, struct sfe_slice given,
                                              const struct sfe_crypto *crypto,
                                              struct sfe_error *err);

/* Takes what flash has of the family, if anything. SFE_E_STORAGE: it cannot be read now, and the
 * operator's token must not be used in its place. SFE_E_CORRUPT: it never can be; the operator's
 * token is all there is. */
SFE_MUST_USE enum sfe_code refresh_token_load(struct refresh_token *token,
                                              const struct sfe_crypto *crypto,
                                              const struct sfe_storage *storage,
                                              struct sfe_error *err);

/* Makes `token->value` durable. After a failure either the old one or the new one is on flash. */
SFE_MUST_USE enum sfe_code refresh_token_save(const struct refresh_token *token,
                                              const struct sfe_crypto *crypto,
                                              const struct sfe_entropy *entropy,
                                              const struct sfe_storage *storage,
                                              struct sfe_error *err);

/* Wipes. */
void refresh_token_close(struct refresh_token *token, const struct sfe_crypto *crypto);

#endif
