/* Counts what goes to flash: stands in front of the platform's storage, and hands on every call.
 *
 * Each write counts as the whole pages it touches; each sync of the directory as one page, for its
 * block. What the file system writes beside that (its journal) and what the flash's own controller
 * moves is not known here. Any thread.
 */
#ifndef SFE_BASE_METERED_STORAGE_H
#define SFE_BASE_METERED_STORAGE_H

#include "port/storage.h"

#include <stdatomic.h>

struct sfe_metered_storage {
    struct sfe_storage inner;
    _Atomic uint64_t written_bytes;
    _Atomic uint64_t syncs; /* Of files and of the directory. */
};

/* Puts `metered` in front of *storage, which is replaced; `metered` must live as long as it is
 * used. Who closes the platform puts `inner` back before. */
void sfe_metered_storage_put(struct sfe_metered_storage *metered, struct sfe_storage *storage);

#endif
