/* A small file that is replaced whole: written beside its place, synced, renamed. After a failure
 * or a power cut the old one or the new one is there. Flash thread, one at a time. */
#ifndef SFE_STREAM_KEPT_FILE_H
#define SFE_STREAM_KEPT_FILE_H

#include "base/error.h"
#include "port/storage.h"

/* SFE_E_STORAGE, SFE_E_NO_SPACE, SFE_E_PERMISSION. */
SFE_MUST_USE enum sfe_code kept_file_write(const struct sfe_storage *storage, const char *name,
                                           struct sfe_slice bytes, struct sfe_error *err);

/* Reads at most `capacity` bytes. SFE_E_NOT_FOUND: there is none; SFE_E_STORAGE. Any thread that
 * does not meet a write. */
SFE_MUST_USE enum sfe_code kept_file_read(const struct sfe_storage *storage, const char *name,
                                          struct sfe_builder *bytes, struct sfe_error *err);

#endif
