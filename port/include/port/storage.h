/* Flash, as one directory of plain files. A struct of functions with a context: it can be stacked
 * and simulated.
 *
 * Names are plain (no '/', not starting with '.'), inside one directory fixed at open. Every
 * function may block as long as the medium does. Errors: SFE_E_STORAGE with os_errno,
 * SFE_E_NO_SPACE (ENOSPC, EDQUOT), SFE_E_NOT_FOUND, SFE_E_PERMISSION (EACCES, EROFS). A file handle
 * belongs to one thread at a time.
 */
#ifndef SFE_PORT_STORAGE_H
#define SFE_PORT_STORAGE_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_file; /* Opaque; made by `open`. */

enum sfe_storage_open {
    SFE_STORAGE_READ,  /* Must exist; reading only. */
    SFE_STORAGE_WRITE, /* Must exist; reading and writing. */
    SFE_STORAGE_CREATE /* Must not exist; reading and writing. */
};

struct sfe_storage_traits {
    uint32_t page_bytes; /* What is written together is torn together. */
};

/* Called for each file; return false to stop. */
typedef bool (*sfe_storage_visit)(void *visitor, const char *name, uint64_t size);

struct sfe_storage {
    void *context;
    enum sfe_code (*open)(void *context, const char *name, enum sfe_storage_open how,
                          struct sfe_file **file, struct sfe_error *err);
    void (*close)(void *context, struct sfe_file *file); /* NULL is allowed. */
    /* Reads at `offset`; *got is short only at the end of the file. */
    enum sfe_code (*read)(void *context, struct sfe_file *file, uint64_t offset, void *bytes,
                          size_t size, size_t *got, struct sfe_error *err);
    /* Writes all parts one after the other at `offset`, or fails; not durable. */
    enum sfe_code (*write)(void *context, struct sfe_file *file, uint64_t offset,
                           const struct sfe_slice *parts, size_t part_count, struct sfe_error *err);
    /* Keeps space: a later write below `size` does not meet a full disk. Grows the file to `size`.
     */
    enum sfe_code (*allocate)(void *context, struct sfe_file *file, uint64_t size,
                              struct sfe_error *err);
    enum sfe_code (*truncate)(void *context, struct sfe_file *file, uint64_t size,
                              struct sfe_error *err);
    enum sfe_code (*size)(void *context, struct sfe_file *file, uint64_t *size,
                          struct sfe_error *err);
    /* Makes data and size durable (fdatasync). After a failure what was unsynced is unknown: never
     * sync the same file again and believe it. */
    enum sfe_code (*sync)(void *context, struct sfe_file *file, struct sfe_error *err);
    /* Atomic when seen; durable only after sync_directory. rename replaces `to`. */
    enum sfe_code (*rename)(void *context, const char *from, const char *to, struct sfe_error *err);
    enum sfe_code (*remove)(void *context, const char *name, struct sfe_error *err);
    enum sfe_code (*sync_directory)(void *context, struct sfe_error *err);
    enum sfe_code (*list)(void *context, sfe_storage_visit visit, void *visitor,
                          struct sfe_error *err);
    enum sfe_code (*space)(void *context, uint64_t *total, uint64_t *available,
                           struct sfe_error *err);
    void (*traits)(void *context, struct sfe_storage_traits *traits);
};

/* The directory at `path`, which is not ours alone: its files may be read by their group (mode
 * 0640). Chosen by the linker. On failure nothing is left open. */
SFE_MUST_USE enum sfe_code sfe_storage_open_shared(const char *path, struct sfe_storage *storage,
                                                   struct sfe_error *err);
void sfe_storage_close_shared(struct sfe_storage *storage); /* All files must be closed. */

#endif
