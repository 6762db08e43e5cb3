/* A machine without folders that others share: who watches one, or writes into it, waits. */
#include "port/folder.h"
#include "port/storage.h"

#include "base/assert.h"

enum sfe_code sfe_folder_open(const char *path, struct sfe_folder **folder, struct sfe_error *err)
{
    *folder = NULL;
    return sfe_fail(err, SFE_E_NOT_FOUND, "no '%s' in a simulation", path);
}

void sfe_folder_close(struct sfe_folder *folder)
{
    SFE_ASSERT(folder == NULL);
}

/* Nothing below can be reached without a folder. */
static enum sfe_code unreachable(struct sfe_error *err)
{
    SFE_ASSERT(false);
    return sfe_fail(err, SFE_E_NOT_FOUND, "no folders in a simulation");
}

enum sfe_code sfe_folder_look(struct sfe_folder *folder, const char *part, const char *name,
                              struct sfe_folder_entry *entry, struct sfe_error *err)
{
    (void)folder;
    (void)part;
    (void)name;
    (void)entry;
    return unreachable(err);
}

enum sfe_code sfe_folder_begin_list(struct sfe_folder *folder, const char *part,
                                    struct sfe_folder_list **list, struct sfe_error *err)
{
    (void)folder;
    (void)part;
    *list = NULL;
    return unreachable(err);
}

enum sfe_code sfe_folder_next(struct sfe_folder_list *list, char *name, struct sfe_error *err)
{
    (void)list;
    (void)name;
    return unreachable(err);
}

void sfe_folder_end_list(struct sfe_folder_list *list)
{
    SFE_ASSERT(list == NULL);
}

enum sfe_code sfe_folder_open_file(struct sfe_folder *folder, const char *name,
                                   struct sfe_folder_file **file, struct sfe_error *err)
{
    (void)folder;
    (void)name;
    *file = NULL;
    return unreachable(err);
}

enum sfe_code sfe_folder_look_at_file(struct sfe_folder_file *file, struct sfe_folder_entry *entry,
                                      struct sfe_error *err)
{
    (void)file;
    (void)entry;
    return unreachable(err);
}

enum sfe_code sfe_folder_read(struct sfe_folder_file *file, uint64_t offset, void *bytes,
                              size_t size, size_t *got, struct sfe_error *err)
{
    (void)file;
    (void)offset;
    (void)bytes;
    (void)size;
    *got = 0;
    return unreachable(err);
}

void sfe_folder_close_file(struct sfe_folder_file *file)
{
    SFE_ASSERT(file == NULL);
}

enum sfe_code sfe_folder_make(struct sfe_folder *folder, const char *part, struct sfe_error *err)
{
    (void)folder;
    (void)part;
    return unreachable(err);
}

enum sfe_code sfe_folder_move(struct sfe_folder *folder, const char *name, const char *part,
                              const char *to, struct sfe_error *err)
{
    (void)folder;
    (void)name;
    (void)part;
    (void)to;
    return unreachable(err);
}

enum sfe_code sfe_folder_put(struct sfe_folder *folder, const char *part, const char *name,
                             struct sfe_slice content, struct sfe_error *err)
{
    (void)folder;
    (void)part;
    (void)name;
    (void)content;
    return unreachable(err);
}

enum sfe_code sfe_folder_remove(struct sfe_folder *folder, const char *part, const char *name,
                                struct sfe_error *err)
{
    (void)folder;
    (void)part;
    (void)name;
    return unreachable(err);
}

enum sfe_code sfe_folder_sync(struct sfe_folder *folder, const char *part, struct sfe_error *err)
{
    (void)folder;
    (void)part;
    return unreachable(err);
}

enum sfe_code sfe_storage_open_shared(const char *path, struct sfe_storage *storage,
                                      struct sfe_error *err)
{
    *storage = (struct sfe_storage){.context = NULL};
    return sfe_fail(err, SFE_E_NOT_FOUND, "no '%s' in a simulation", path);
}

void sfe_storage_close_shared(struct sfe_storage *storage)
{
    SFE_ASSERT(storage->context == NULL);
}
