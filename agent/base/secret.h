/* Bytes that cannot be logged, compared early or left in memory.
 *
 * A `struct sfe_secret` fits no log field and no error text: passing one does not compile. Any
 * thread, unshared.
 */
#ifndef SFE_BASE_SECRET_H
#define SFE_BASE_SECRET_H

#include "base/bytes.h"

struct sfe_secret {
    uint8_t *bytes; /* Memory given at open, `capacity` of it. NULL: no secret. */
    size_t size;
    size_t capacity;
};

/* Replaces the content; the old one is wiped. SFE_E_TOO_LARGE when it does not fit. */
SFE_MUST_USE enum sfe_code sfe_secret_set(struct sfe_secret *secret, struct sfe_slice value,
                                          struct sfe_error *err);

/* Overwrites the content (not optimised away) and makes it empty. */
void sfe_secret_wipe(struct sfe_secret *secret);

/* Overwrites any memory that held a secret. */
void sfe_wipe(void *memory, size_t size);

/* Borrows the content for the one place that must send it. */
struct sfe_slice sfe_secret_reveal(const struct sfe_secret *secret);

#endif
