#include "stream/kept_file.h"

#define NEXT_NAME "kept.next"

static enum sfe_code write_next(const struct sfe_storage *storage, struct sfe_slice bytes,
                                struct sfe_error *err)
{
    struct sfe_file *file = NULL;
    struct sfe_error ignored;

    (void)storage->remove(storage->context, NEXT_NAME, &ignored); /* Of a write that broke off. */
    enum sfe_code code = storage->open(storage->context, NEXT_NAME, SFE_STORAGE_CREATE, &file, err);
    if (code != SFE_OK) {
        return code;
    }
    code = storage->write(storage->context, file, 0, &bytes, 1, err);
    if (code == SFE_OK) {
        code = storage->sync(storage->context, file, err);
    }
    storage->close(storage->context, file);
    return code;
}

enum sfe_code kept_file_write(const struct sfe_storage *storage, const char *name,
                              struct sfe_slice bytes, struct sfe_error *err)
{
    enum sfe_code code = write_next(storage, bytes, err);

    if (code == SFE_OK) {
        code = storage->rename(storage->context, NEXT_NAME, name, err);
    }
    return code == SFE_OK ? storage->sync_directory(storage->context, err) : code;
}

enum sfe_code kept_file_read(const struct sfe_storage *storage, const char *name,
                             struct sfe_builder *bytes, struct sfe_error *err)
{
    struct sfe_file *file = NULL;
    size_t got = 0;
    enum sfe_code code = storage->open(storage->context, name, SFE_STORAGE_READ, &file, err);

    if (code == SFE_OK) {
        code = storage->read(storage->context, file, 0, bytes->bytes, bytes->capacity, &got, err);
        storage->close(storage->context, file);
        bytes->size = got;
    }
    return code;
}
