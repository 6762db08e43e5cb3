#include "run/rehearsal_parts.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>

#define NAME_BYTES 80u
/* What a file holds that nobody kept space for. */
#define FILE_BYTES_DEFAULT (256u * 1024u)

struct sfe_file {
    char name[NAME_BYTES]; /* Empty: free. */
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

static struct sfe_file *find(const struct rehearsal_storage *books, const char *name)
{
    for (uint32_t i = 0; i < REHEARSAL_FILES_MAX; i++) {
        if (strcmp(books->files[i].name, name) == 0) {
            return &books->files[i];
        }
    }
    return NULL;
}

static enum sfe_code open(void *context, const char *name, enum sfe_storage_open how,
                          struct sfe_file **file, struct sfe_error *err)
{
    struct rehearsal_storage *books = context;
    struct sfe_file *found = find(books, name);

    *file = found;
    if (how != SFE_STORAGE_CREATE) {
        return found != NULL ? SFE_OK : sfe_fail(err, SFE_E_NOT_FOUND, "no file '%s'", name);
    }
    if (found != NULL) {
        return sfe_fail(err, SFE_E_STORAGE, "'%s' exists already", name);
    }
    found = find(books, "");
    if (found == NULL) {
        return sfe_fail(err, SFE_E_NO_SPACE, "too many files");
    }
    int length = snprintf(found->name, sizeof(found->name), "%s", name);
    SFE_ASSERT(length > 0 && (size_t)length < sizeof(found->name));
    found->size = 0;
    *file = found;
    return SFE_OK;
}

static void close(void *context, struct sfe_file *file)
{
    (void)context;
    (void)file;
}

/* Makes room for `size` bytes; they stand still as long as they suffice. */
static enum sfe_code grow(struct rehearsal_storage *books, struct sfe_file *file, uint64_t size,
                          struct sfe_error *err)
{
    if (size <= file->capacity) {
        return SFE_OK;
    }
    const size_t capacity = size < FILE_BYTES_DEFAULT ? FILE_BYTES_DEFAULT : (size_t)size;
    uint8_t *bytes = sfe_arena_take(books->arena, capacity, err);
    if (bytes == NULL) {
        return err->code;
    }
    if (file->size != 0) {
        memcpy(bytes, file->bytes, file->size);
    }
    file->bytes = bytes;
    file->capacity = capacity;
    return SFE_OK;
}

static enum sfe_code read(void *context, struct sfe_file *file, uint64_t offset, void *bytes,
                          size_t size, size_t *got, struct sfe_error *err)
{
    (void)context;
    (void)err;
    *got = 0;
    if (offset < file->size) {
        const size_t left = file->size - (size_t)offset;
        *got = size < left ? size : left;
        memcpy(bytes, file->bytes + offset, *got);
    }
    return SFE_OK;
}

static enum sfe_code write(void *context, struct sfe_file *file, uint64_t offset,
                           const struct sfe_slice *parts, size_t part_count, struct sfe_error *err)
{
    for (size_t i = 0; i < part_count; i++) {
        enum sfe_code code = grow(context, file, offset + parts[i].size, err);
        if (code != SFE_OK) {
            return code;
        }
        if (parts[i].size != 0) {
            memcpy(file->bytes + offset, parts[i].bytes, parts[i].size);
        }
        offset += parts[i].size;
        file->size = offset > file->size ? (size_t)offset : file->size;
    }
    return SFE_OK;
}

static enum sfe_code allocate(void *context, struct sfe_file *file, uint64_t size,
                              struct sfe_error *err)
{
    enum sfe_code code = grow(context, file, size, err);

    if (code == SFE_OK && size > file->size) {
        file->size = (size_t)size; /* The arena's memory is zero. */
    }
    return code;
}

static enum sfe_code truncate(void *context, struct sfe_file *file, uint64_t size,
                              struct sfe_error *err)
{
    (void)context;
    (void)err;
    if (size < file->size) {
        file->size = (size_t)size;
    }
    return SFE_OK;
}

static enum sfe_code size_of(void *context, struct sfe_file *file, uint64_t *size,
                             struct sfe_error *err)
{
    (void)context;
    (void)err;
    *size = file->size;
    return SFE_OK;
}

static enum sfe_code sync(void *context, struct sfe_file *file, struct sfe_error *err)
{
    (void)context;
    (void)file;
    (void)err;
    return SFE_OK;
}

static enum sfe_code rename_file(void *context, const char *from, const char *to,
                                 struct sfe_error *err)
{
    struct sfe_file *file = find(context, from);

    if (file == NULL) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "no file '%s'", from);
    }
    int length = snprintf(file->name, sizeof(file->name), "%s", to);
    SFE_ASSERT(length > 0 && (size_t)length < sizeof(file->name));
    return SFE_OK;
}

static enum sfe_code remove_file(void *context, const char *name, struct sfe_error *err)
{
    struct sfe_file *file = find(context, name);

    if (file == NULL) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "no file '%s'", name);
    }
    memset(file, 0, sizeof(*file));
    return SFE_OK;
}

static enum sfe_code sync_directory(void *context, struct sfe_error *err)
{
    return sync(context, NULL, err);
}

static enum sfe_code list(void *context, sfe_storage_visit visit, void *visitor,
                          struct sfe_error *err)
{
    const struct rehearsal_storage *books = context;

    (void)err;
    for (uint32_t i = 0; i < REHEARSAL_FILES_MAX; i++) {
        const struct sfe_file *file = &books->files[i];
        if (file->name[0] != '\0' && !visit(visitor, file->name, file->size)) {
            break;
        }
    }
    return SFE_OK;
}

static enum sfe_code space(void *context, uint64_t *total, uint64_t *available,
                           struct sfe_error *err)
{
    (void)context;
    (void)err;
    *total = UINT32_MAX;
    *available = UINT32_MAX;
    return SFE_OK;
}

static void traits(void *context, struct sfe_storage_traits *traits_out)
{
    (void)context;
    traits_out->page_bytes = SFE_PAGE_BYTES;
}

enum sfe_code rehearsal_storage_open(struct rehearsal_storage *books, struct sfe_arena *arena,
                                     struct sfe_storage *storage, struct sfe_error *err)
{
    books->arena = arena;
    books->files = sfe_arena_take(arena, REHEARSAL_FILES_MAX * sizeof(*books->files), err);
    if (books->files == NULL) {
        return err->code;
    }
    *storage = (struct sfe_storage){books,       open,           close,   read,  write,
                                    allocate,    truncate,       size_of, sync,  rename_file,
                                    remove_file, sync_directory, list,    space, traits};
    return SFE_OK;
}
