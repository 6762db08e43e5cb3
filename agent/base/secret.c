#include "base/secret.h"

#include "base/assert.h"

void sfe_wipe(void *memory, size_t size)
{
    if (size == 0) {
        return;
    }
    memset(memory, 0, size);
    /* The compiler must take it that somebody reads the zeros. */
    __asm__ __volatile__("" : : "r"(memory) : "memory");
}

enum sfe_code sfe_secret_set(struct sfe_secret *secret, struct sfe_slice value,
                             struct sfe_error *err)
{
    SFE_ASSERT(secret->size <= secret->capacity);

    if (value.size > secret->capacity) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "a secret of %zu bytes, %zu allowed", value.size,
                        secret->capacity);
    }
    if (value.size != 0) {
        memmove(secret->bytes, value.bytes, value.size);
    }
    sfe_wipe(secret->bytes == NULL ? NULL : secret->bytes + value.size,
             secret->capacity - value.size);
    secret->size = value.size;
    return SFE_OK;
}

void sfe_secret_wipe(struct sfe_secret *secret)
{
    SFE_ASSERT(secret->size <= secret->capacity);

    sfe_wipe(secret->bytes, secret->capacity);
    secret->size = 0;
}

struct sfe_slice sfe_secret_reveal(const struct sfe_secret *secret)
{
    return sfe_slice_make(secret->bytes, secret->size);
}
