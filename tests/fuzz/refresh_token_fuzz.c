/* Any bytes as the file of a refresh token: it is damaged, and the operator's token stands. With an
 * odd first byte the checksum is put right, so that the rest is looked at. */
#include "real_platform.h"
#include "unit/stream/memory_storage.h"

#include "base/crc32c.h"
#include "salesforce/refresh_token.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_file(struct memory_storage *memory, const char *name, const uint8_t *data,
                     size_t size)
{
    static uint8_t bytes[4096];
    const size_t whole = size - 1 < sizeof(bytes) ? size - 1 : sizeof(bytes);

    memcpy(bytes, data + 1, whole);
    if ((data[0] & 1u) != 0 && whole > 4) {
        struct sfe_builder end = sfe_builder_make(bytes + whole - 4, 4);
        sfe_builder_add_u32le(&end, sfe_crc32c(0, sfe_slice_make(bytes, whole - 4)));
    }
    memory_put(memory, name, bytes, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_storage *memory = memory_storage_open(1);
    struct refresh_token token;
    struct sfe_entropy entropy;
    struct sfe_crypto crypto;
    struct sfe_error err;

    sfe_posix_entropy(&entropy);
    if (sfe_mbedtls_crypto_open(&entropy, &crypto, &err) != SFE_OK ||
        refresh_token_open(&token, SFE_TEXT("5Aep.given"), &crypto, &err) != SFE_OK) {
        abort();
    }
    if (size > 1) {
        put_file(memory, token.name, data, size);
        if (refresh_token_load(&token, &crypto, &memory->storage, &err) != SFE_E_CORRUPT) {
            abort(); /* Nobody has the key but us. */
        }
    }
    if (!sfe_slice_equal(sfe_secret_reveal(&token.value), SFE_TEXT("5Aep.given"))) {
        abort();
    }
    refresh_token_close(&token, &crypto);
    sfe_mbedtls_crypto_close(&crypto);
    memory_storage_close(memory);
    return 0;
}
