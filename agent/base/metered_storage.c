#include "base/metered_storage.h"

#include "base/assert.h"
#include "base/limits.h"

static void count_write(struct sfe_metered_storage *metered, uint64_t offset, uint64_t size)
{
    const uint64_t begin = offset / SFE_PAGE_BYTES;
    const uint64_t end = (offset + size + SFE_PAGE_BYTES - 1u) / SFE_PAGE_BYTES;

    atomic_fetch_add_explicit(&metered->written_bytes, (end - begin) * SFE_PAGE_BYTES,
                              memory_order_relaxed);
}

static enum sfe_code open_file(void *context, const char *name, enum sfe_storage_open how,
                               struct sfe_file **file, struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->open(inner->context, name, how, file, err);
}

static void close_file(void *context, struct sfe_file *file)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    inner->close(inner->context, file);
}

static enum sfe_code read_file(void *context, struct sfe_file *file, uint64_t offset, void *bytes,
                               size_t size, size_t *got, struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->read(inner->context, file, offset, bytes, size, got, err);
}

static enum sfe_code write_file(void *context, struct sfe_file *file, uint64_t offset,
                                const struct sfe_slice *parts, size_t part_count,
                                struct sfe_error *err)
{
    struct sfe_metered_storage *metered = context;
    uint64_t size = 0;

    for (size_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    count_write(metered, offset, size); /* One that fails may have reached the flash. */
    return metered->inner.write(metered->inner.context, file, offset, parts, part_count, err);
}

static enum sfe_code allocate(void *context, struct sfe_file *file, uint64_t size,
                              struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->allocate(inner->context, file, size, err);
}

static enum sfe_code truncate_file(void *context, struct sfe_file *file, uint64_t size,
                                   struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->truncate(inner->context, file, size, err);
}

static enum sfe_code size_of(void *context, struct sfe_file *file, uint64_t *size,
                             struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->size(inner->context, file, size, err);
}

static enum sfe_code sync_file(void *context, struct sfe_file *file, struct sfe_error *err)
{
    struct sfe_metered_storage *metered = context;

    atomic_fetch_add_explicit(&metered->syncs, 1u, memory_order_relaxed);
    return metered->inner.sync(metered->inner.context, file, err);
}

static enum sfe_code rename_file(void *context, const char *from, const char *to,
                                 struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->rename(inner->context, from, to, err);
}

static enum sfe_code remove_file(void *context, const char *name, struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->remove(inner->context, name, err);
}

static enum sfe_code sync_directory(void *context, struct sfe_error *err)
{
    struct sfe_metered_storage *metered = context;

    count_write(metered, 0, SFE_PAGE_BYTES);
    atomic_fetch_add_explicit(&metered->syncs, 1u, memory_order_relaxed);
    return metered->inner.sync_directory(metered->inner.context, err);
}

static enum sfe_code list(void *context, sfe_storage_visit visit, void *visitor,
                          struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->list(inner->context, visit, visitor, err);
}

static enum sfe_code space(void *context, uint64_t *total, uint64_t *available,
                           struct sfe_error *err)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    return inner->space(inner->context, total, available, err);
}

static void traits(void *context, struct sfe_storage_traits *found)
{
    const struct sfe_storage *inner = &((struct sfe_metered_storage *)context)->inner;

    inner->traits(inner->context, found);
}

void sfe_metered_storage_put(struct sfe_metered_storage *metered, struct sfe_storage *storage)
{
    SFE_ASSERT(storage->context != metered);
    metered->inner = *storage;
    atomic_init(&metered->written_bytes, 0);
    atomic_init(&metered->syncs, 0);
    *storage = (struct sfe_storage){
        .context = metered,
        .open = open_file,
        .close = close_file,
        .read = read_file,
        .write = write_file,
        .allocate = allocate,
        .truncate = truncate_file,
        .size = size_of,
        .sync = sync_file,
        .rename = rename_file,
        .remove = remove_file,
        .sync_directory = sync_directory,
        .list = list,
        .space = space,
        .traits = traits,
    };
}
