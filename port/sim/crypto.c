#include "sim/world.h"

#include <string.h>

#define SIGNATURE_BYTES 256u

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

static void sha256(void *context, struct sfe_slice message, uint8_t digest[32])
{
    (void)context;
    (void)message;
    memset(digest, 0, 32);
}

void sim_crypto(struct sim_world *world, struct sfe_crypto *crypto)
{
    *crypto = (struct sfe_crypto){world, key_open, key_close, sign, sha256};
}
