/* Flash in memory that loses what flash may lose. Two images of each file: what is seen, and what
 * survives a power cut; every page that was written and not synced is kept, dropped, torn or
 * garbled by a seed when the power goes, each on its own, and so is every name. One thread. */
#ifndef SFE_TESTS_MEMORY_STORAGE_H
#define SFE_TESTS_MEMORY_STORAGE_H

#include "port/storage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMORY_PAGE       4096u
#define MEMORY_INODES_MAX 512u
#define MEMORY_NAMES_MAX  512u
#define MEMORY_PAGES_MAX  512u

struct memory_inode {
    uint8_t *seen;
    uint8_t *durable;
    size_t seen_size;
    size_t durable_size;
    size_t extent; /* Of the memory; no byte at or beyond was ever written. */
    bool is_dirty[MEMORY_PAGES_MAX];
    bool is_unreadable[MEMORY_PAGES_MAX];
    bool has_dirty_size;
};

struct memory_name {
    char name[64];
    int seen; /* Inode; -1: there is no such name. */
    int durable;
};

struct sfe_file {
    int inode;
    bool is_writable;
};

struct memory_storage {
    struct sfe_storage storage;
    struct memory_inode inodes[MEMORY_INODES_MAX];
    int inode_count;
    struct memory_name names[MEMORY_NAMES_MAX];
    int name_count;
    uint64_t random;
    int open_files;
    /* Calls that change something. */
    uint64_t calls;
    uint64_t cut_at;  /* The power goes in this call; 0: never. */
    uint64_t fail_at; /* This call fails, and so do `fail_count` - 1 after it. */
    uint64_t fail_count;
    uint64_t syncs;
    uint64_t fail_sync_at; /* This sync fails and forgets what it was to cover; 0: none. */
    uint64_t directory_syncs;
    uint64_t fail_directory_sync_at;
    uint64_t capacity; /* Of all files; 0: endless. */
    bool is_off;
    bool is_read_only;
    bool fails_removal;
    bool never_garbles;     /* What a cut meets is old or new, sector by sector. */
    bool gives_stale_bytes; /* Preallocated space is not zero. */
    uint64_t reads;
};

static inline uint64_t memory_random(struct memory_storage *memory)
{
    memory->random ^= memory->random << 13;
    memory->random ^= memory->random >> 7;
    memory->random ^= memory->random << 17;
    return memory->random;
}

static inline void memory_garble(struct memory_storage *memory, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)memory_random(memory);
    }
}

static inline void memory_tear(struct memory_storage *memory, struct memory_inode *inode,
                               size_t page)
{
    uint8_t *durable = inode->durable + page * MEMORY_PAGE;
    const uint8_t *seen = inode->seen + page * MEMORY_PAGE;

    switch (memory_random(memory) % (memory->never_garbles ? 4u : 5u)) {
    case 0:
    case 1:
        memcpy(durable, seen, MEMORY_PAGE);
        break;
    case 2:
        break;
    case 3:
        memcpy(durable, seen, 512u * (1u + (size_t)(memory_random(memory) % 7u)));
        break;
    default:
        memory_garble(memory, durable, MEMORY_PAGE);
        break;
    }
}

/* The power goes; nothing works until memory_restart. */
static inline void memory_cut(struct memory_storage *memory)
{
    memory->is_off = true;
    for (int i = 0; i < memory->inode_count; i++) {
        struct memory_inode *inode = &memory->inodes[i];
        for (size_t page = 0; page < MEMORY_PAGES_MAX; page++) {
            if (inode->is_dirty[page]) {
                memory_tear(memory, inode, page);
            }
        }
        if (inode->has_dirty_size && memory_random(memory) % 2u == 0) {
            inode->durable_size = inode->seen_size;
        }
    }
    for (int i = 0; i < memory->name_count; i++) {
        struct memory_name *name = &memory->names[i];
        if (name->seen != name->durable && memory_random(memory) % 2u == 0) {
            name->durable = name->seen;
        }
    }
}

/* After a cut: what is durable is all there is. */
static inline void memory_restart(struct memory_storage *memory)
{
    for (int i = 0; i < memory->inode_count; i++) {
        struct memory_inode *inode = &memory->inodes[i];
        if (inode->extent == 0) {
            continue;
        }
        memcpy(inode->seen, inode->durable, inode->extent);
        inode->seen_size = inode->durable_size;
        memset(inode->is_dirty, 0, sizeof(inode->is_dirty));
        inode->has_dirty_size = false;
        memset(inode->seen + inode->seen_size, 0, inode->extent - inode->seen_size);
        memset(inode->durable + inode->seen_size, 0, inode->extent - inode->seen_size);
    }
    for (int i = 0; i < memory->name_count; i++) {
        memory->names[i].seen = memory->names[i].durable;
    }
    memory->is_off = false;
    memory->cut_at = 0;
    memory->fail_at = 0;
}

static inline struct memory_name *memory_find(struct memory_storage *memory, const char *name)
{
    for (int i = 0; i < memory->name_count; i++) {
        if (strcmp(memory->names[i].name, name) == 0) {
            return &memory->names[i];
        }
    }
    return NULL;
}

/* The seen file of that name; NULL when there is none. */
static inline struct memory_inode *memory_file(struct memory_storage *memory, const char *name)
{
    struct memory_name *found = memory_find(memory, name);
    return found == NULL || found->seen < 0 ? NULL : &memory->inodes[found->seen];
}

/* Changes bytes in both images: damage to what is at rest. */
static inline void memory_damage(struct memory_inode *inode, size_t offset, uint8_t mask)
{
    inode->seen[offset] = (uint8_t)(inode->seen[offset] ^ mask);
    inode->durable[offset] = (uint8_t)(inode->durable[offset] ^ mask);
}

/* Called first by each call that changes something. */
static inline enum sfe_code memory_change(struct memory_storage *memory, struct sfe_error *err)
{
    if (memory->is_off) {
        return sfe_fail(err, SFE_E_STORAGE, "the power is off");
    }
    memory->calls++;
    if (memory->fail_at != 0 && memory->calls >= memory->fail_at &&
        memory->calls < memory->fail_at + memory->fail_count) {
        return sfe_fail_os(err, SFE_E_STORAGE, EIO, "the call fails");
    }
    return memory->is_read_only ? sfe_fail_os(err, SFE_E_PERMISSION, EROFS, "read-only") : SFE_OK;
}

/* Called last: the power goes after what the call did, which is not durable yet. */
static inline enum sfe_code memory_end(struct memory_storage *memory, struct sfe_error *err)
{
    if (memory->cut_at != 0 && memory->calls == memory->cut_at) {
        memory_cut(memory);
        return sfe_fail(err, SFE_E_STORAGE, "the power went");
    }
    return SFE_OK;
}

static inline int memory_inode_make(struct memory_storage *memory)
{
    struct memory_inode *inode = &memory->inodes[memory->inode_count];

    if (memory->inode_count == (int)MEMORY_INODES_MAX) {
        abort();
    }
    memset(inode, 0, sizeof(*inode));
    return memory->inode_count++;
}

/* Memory for `size` bytes of both images, in whole pages. */
static inline void memory_extend(struct memory_inode *inode, size_t size)
{
    const size_t extent = (size + MEMORY_PAGE - 1u) / MEMORY_PAGE * MEMORY_PAGE;

    if (extent > (size_t)MEMORY_PAGES_MAX * MEMORY_PAGE) {
        abort();
    }
    if (extent > inode->extent) {
        inode->seen = realloc(inode->seen, extent);
        inode->durable = realloc(inode->durable, extent);
        if (inode->seen == NULL || inode->durable == NULL) {
            abort();
        }
        memset(inode->seen + inode->extent, 0, extent - inode->extent);
        memset(inode->durable + inode->extent, 0, extent - inode->extent);
        inode->extent = extent;
    }
}

static inline enum sfe_code memory_open(void *context, const char *name, enum sfe_storage_open how,
                                        struct sfe_file **file, struct sfe_error *err)
{
    struct memory_storage *memory = context;
    struct memory_name *found = memory_find(memory, name);
    bool exists = found != NULL && found->seen >= 0;

    *file = NULL;
    if (memory->is_off) {
        return sfe_fail(err, SFE_E_STORAGE, "the power is off");
    }
    if (how != SFE_STORAGE_READ && memory->is_read_only) {
        return sfe_fail_os(err, SFE_E_PERMISSION, EROFS, "read-only");
    }
    if (how != SFE_STORAGE_CREATE && !exists) {
        return sfe_fail_os(err, SFE_E_NOT_FOUND, ENOENT, "no '%s'", name);
    }
    if (how == SFE_STORAGE_CREATE) {
        enum sfe_code code = memory_change(memory, err);
        if (code != SFE_OK) {
            return code;
        }
        if (exists) {
            return sfe_fail_os(err, SFE_E_STORAGE, EEXIST, "'%s' exists", name);
        }
        if (found == NULL) {
            if (memory->name_count == (int)MEMORY_NAMES_MAX) {
                abort();
            }
            found = &memory->names[memory->name_count++];
            found->durable = -1;
            (void)snprintf(found->name, sizeof(found->name), "%s", name);
        }
        found->seen = memory_inode_make(memory);
        code = memory_end(memory, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    *file = malloc(sizeof(**file));
    if (*file == NULL) {
        abort();
    }
    **file = (struct sfe_file){found->seen, how != SFE_STORAGE_READ};
    memory->open_files++;
    return SFE_OK;
}

static inline void memory_close(void *context, struct sfe_file *file)
{
    struct memory_storage *memory = context;
    if (file != NULL) {
        memory->open_files--;
        free(file);
    }
}

static inline enum sfe_code memory_read(void *context, struct sfe_file *file, uint64_t offset,
                                        void *bytes, size_t size, size_t *got,
                                        struct sfe_error *err)
{
    struct memory_storage *memory = context;
    struct memory_inode *inode = &memory->inodes[file->inode];

    *got = 0;
    memory->reads++;
    if (memory->is_off) {
        return sfe_fail(err, SFE_E_STORAGE, "the power is off");
    }
    if (offset >= inode->seen_size) {
        return SFE_OK;
    }
    size_t count = inode->seen_size - offset < size ? inode->seen_size - (size_t)offset : size;
    for (size_t page = (size_t)offset / MEMORY_PAGE; page * MEMORY_PAGE < offset + count; page++) {
        if (inode->is_unreadable[page]) {
            return sfe_fail_os(err, SFE_E_STORAGE, EIO, "cannot read");
        }
    }
    memcpy(bytes, inode->seen + offset, count);
    *got = count;
    return SFE_OK;
}

static inline uint64_t memory_used(const struct memory_storage *memory)
{
    uint64_t used = 0;
    for (int i = 0; i < memory->name_count; i++) {
        if (memory->names[i].seen >= 0) {
            used += memory->inodes[memory->names[i].seen].seen_size;
        }
    }
    return used;
}

static inline enum sfe_code memory_grow(struct memory_storage *memory, struct memory_inode *inode,
                                        size_t size, struct sfe_error *err)
{
    if (size <= inode->seen_size) {
        return SFE_OK;
    }
    if (memory->capacity != 0 &&
        memory_used(memory) + (size - inode->seen_size) > memory->capacity) {
        return sfe_fail_os(err, SFE_E_NO_SPACE, ENOSPC, "full");
    }
    memory_extend(inode, size);
    if (memory->gives_stale_bytes) {
        memory_garble(memory, inode->seen + inode->seen_size, size - inode->seen_size);
        memcpy(inode->durable + inode->seen_size, inode->seen + inode->seen_size,
               size - inode->seen_size);
    }
    inode->seen_size = size;
    inode->has_dirty_size = true;
    return SFE_OK;
}

static inline enum sfe_code memory_write(void *context, struct sfe_file *file, uint64_t offset,
                                         const struct sfe_slice *parts, size_t part_count,
                                         struct sfe_error *err)
{
    struct memory_storage *memory = context;
    struct memory_inode *inode = &memory->inodes[file->inode];
    size_t size = 0;

    enum sfe_code code = memory_change(memory, err);
    if (code != SFE_OK) {
        return code;
    }
    if (!file->is_writable) {
        abort();
    }
    for (size_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    code = memory_grow(memory, inode, (size_t)offset + size, err);
    if (code != SFE_OK) {
        return code;
    }
    size_t at = (size_t)offset;
    for (size_t i = 0; i < part_count; i++) {
        memcpy(inode->seen + at, parts[i].bytes, parts[i].size);
        at += parts[i].size;
    }
    for (size_t page = (size_t)offset / MEMORY_PAGE; page * MEMORY_PAGE < offset + size; page++) {
        inode->is_dirty[page] = true;
    }
    return memory_end(memory, err);
}

static inline enum sfe_code memory_allocate(void *context, struct sfe_file *file, uint64_t size,
                                            struct sfe_error *err)
{
    struct memory_storage *memory = context;
    enum sfe_code code = memory_change(memory, err);
    if (code == SFE_OK) {
        code = memory_grow(memory, &memory->inodes[file->inode], (size_t)size, err);
    }
    return code == SFE_OK ? memory_end(memory, err) : code;
}

static inline enum sfe_code memory_truncate(void *context, struct sfe_file *file, uint64_t size,
                                            struct sfe_error *err)
{
    struct memory_storage *memory = context;
    struct memory_inode *inode = &memory->inodes[file->inode];

    enum sfe_code code = memory_change(memory, err);
    if (code != SFE_OK) {
        return code;
    }
    if (size < inode->seen_size) {
        memset(inode->seen + size, 0, inode->seen_size - (size_t)size);
    }
    inode->seen_size = (size_t)size;
    inode->has_dirty_size = true;
    return memory_end(memory, err);
}

static inline enum sfe_code memory_size(void *context, struct sfe_file *file, uint64_t *size,
                                        struct sfe_error *err)
{
    struct memory_storage *memory = context;
    (void)err;
    *size = memory->inodes[file->inode].seen_size;
    return SFE_OK;
}

static inline enum sfe_code memory_sync(void *context, struct sfe_file *file, struct sfe_error *err)
{
    struct memory_storage *memory = context;
    struct memory_inode *inode = &memory->inodes[file->inode];

    if (memory->is_off) {
        return sfe_fail(err, SFE_E_STORAGE, "the power is off");
    }
    memory->calls++;
    memory->syncs++;
    if (memory->cut_at != 0 && memory->calls == memory->cut_at) {
        memory_cut(memory);
        return sfe_fail(err, SFE_E_STORAGE, "the power went");
    }
    bool fails = memory->syncs == memory->fail_sync_at ||
                 (memory->fail_at != 0 && memory->calls >= memory->fail_at &&
                  memory->calls < memory->fail_at + memory->fail_count);
    for (size_t page = 0; page < MEMORY_PAGES_MAX; page++) {
        if (inode->is_dirty[page] && !fails) {
            memcpy(inode->durable + page * MEMORY_PAGE, inode->seen + page * MEMORY_PAGE,
                   MEMORY_PAGE);
        }
        inode->is_dirty[page] = false; /* After a failure too: it is clean, and lost. */
    }
    if (fails) {
        return sfe_fail_os(err, SFE_E_STORAGE, EIO, "cannot sync");
    }
    inode->durable_size = inode->seen_size;
    inode->has_dirty_size = false;
    return SFE_OK;
}

static inline enum sfe_code memory_rename(void *context, const char *from, const char *to,
                                          struct sfe_error *err)
{
    struct memory_storage *memory = context;
    struct memory_name *found = memory_find(memory, from);

    enum sfe_code code = memory_change(memory, err);
    if (code != SFE_OK) {
        return code;
    }
    if (found == NULL || found->seen < 0) {
        return sfe_fail_os(err, SFE_E_NOT_FOUND, ENOENT, "no '%s'", from);
    }
    struct memory_name *other = memory_find(memory, to);
    if (other != NULL) {
        if (other->durable >= 0) {
            found->durable = other->durable; /* What is replaced lasts until the new name does. */
        }
        other->seen = -1;
        other->durable = -1;
        other->name[0] = '\0';
    }
    (void)snprintf(found->name, sizeof(found->name), "%s", to);
    return memory_end(memory, err);
}

static inline enum sfe_code memory_remove(void *context, const char *name, struct sfe_error *err)
{
    struct memory_storage *memory = context;
    struct memory_name *found = memory_find(memory, name);

    enum sfe_code code = memory_change(memory, err);
    if (code != SFE_OK) {
        return code;
    }
    if (found == NULL || found->seen < 0) {
        return sfe_fail_os(err, SFE_E_NOT_FOUND, ENOENT, "no '%s'", name);
    }
    if (memory->fails_removal) {
        return sfe_fail_os(err, SFE_E_STORAGE, EIO, "cannot remove");
    }
    found->seen = -1;
    return memory_end(memory, err);
}

static inline enum sfe_code memory_sync_directory(void *context, struct sfe_error *err)
{
    struct memory_storage *memory = context;

    enum sfe_code code = memory_change(memory, err);
    if (code == SFE_E_PERMISSION) {
        return SFE_OK; /* Nothing can be unsynced. */
    }
    if (code == SFE_OK) {
        code = memory_end(memory, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    memory->directory_syncs++;
    if (memory->directory_syncs == memory->fail_directory_sync_at) {
        return sfe_fail_os(err, SFE_E_STORAGE, EIO, "cannot sync the directory");
    }
    for (int i = 0; i < memory->name_count; i++) {
        memory->names[i].durable = memory->names[i].seen;
    }
    return SFE_OK;
}

static inline enum sfe_code memory_list(void *context, sfe_storage_visit visit, void *visitor,
                                        struct sfe_error *err)
{
    struct memory_storage *memory = context;

    if (memory->is_off) {
        return sfe_fail(err, SFE_E_STORAGE, "the power is off");
    }
    /* In no useful order. */
    for (int i = memory->name_count; i > 0; i--) {
        const struct memory_name *name = &memory->names[i - 1];
        if (name->seen >= 0 && !visit(visitor, name->name, memory->inodes[name->seen].seen_size)) {
            break;
        }
    }
    return SFE_OK;
}

static inline enum sfe_code memory_space(void *context, uint64_t *total, uint64_t *available,
                                         struct sfe_error *err)
{
    struct memory_storage *memory = context;
    (void)err;
    *total = memory->capacity;
    *available = memory->capacity - memory_used(memory);
    return SFE_OK;
}

static inline void memory_traits(void *context, struct sfe_storage_traits *traits)
{
    (void)context;
    traits->page_bytes = MEMORY_PAGE;
}

static inline struct memory_storage *memory_storage_open(uint64_t seed)
{
    struct memory_storage *memory = calloc(1, sizeof(*memory));

    if (memory == NULL) {
        abort();
    }
    memory->random = seed * 0x9e3779b97f4a7c15u + 1u;
    memory->storage = (struct sfe_storage){
        .context = memory,
        .open = memory_open,
        .close = memory_close,
        .read = memory_read,
        .write = memory_write,
        .allocate = memory_allocate,
        .truncate = memory_truncate,
        .size = memory_size,
        .sync = memory_sync,
        .rename = memory_rename,
        .remove = memory_remove,
        .sync_directory = memory_sync_directory,
        .list = memory_list,
        .space = memory_space,
        .traits = memory_traits,
    };
    return memory;
}

static inline void memory_storage_close(struct memory_storage *memory)
{
    for (int i = 0; i < memory->inode_count; i++) {
        free(memory->inodes[i].seen);
        free(memory->inodes[i].durable);
    }
    free(memory);
}

/* Puts a file there whole, durable; no bytes: zeros. */
static inline struct memory_inode *memory_put(struct memory_storage *memory, const char *name,
                                              const void *bytes, size_t size)
{
    struct memory_name *found = memory_find(memory, name);

    if (found == NULL) {
        found = &memory->names[memory->name_count++];
        (void)snprintf(found->name, sizeof(found->name), "%s", name);
    }
    found->seen = memory_inode_make(memory);
    found->durable = found->seen;
    struct memory_inode *inode = &memory->inodes[found->seen];
    memory_extend(inode, size);
    if (bytes != NULL && size != 0) {
        memcpy(inode->seen, bytes, size);
        memcpy(inode->durable, bytes, size);
    }
    inode->seen_size = size;
    inode->durable_size = size;
    return inode;
}

#endif
