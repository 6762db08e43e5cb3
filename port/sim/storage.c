#include "sim/storage.h"

#include "base/assert.h"
#include "sim/storage_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_NONE UINT64_MAX

static enum sfe_code power_is_off(struct sfe_error *err)
{
    return sfe_fail(err, SFE_E_STORAGE, "the power is off");
}

/* The fault that this call meets. */
static enum sim_fault draw_fault(struct sim_storage *storage)
{
    const struct sim_storage_faults *faults = &storage->faults;
    bool is_met = faults->at != 0 && storage->calls >= faults->at &&
                  storage->calls - faults->at < faults->count;

    if (!is_met && faults->permille != 0) {
        is_met = sim_random_chance(&storage->random, faults->permille);
    }
    return is_met ? faults->kind : SIM_FAULT_NONE;
}

static enum sfe_code fail_by(enum sim_fault fault, struct sfe_error *err)
{
    switch (fault) {
    case SIM_FAULT_NONE:
    case SIM_FAULT_LIE:
        return SFE_OK;
    case SIM_FAULT_NO_SPACE:
        return sfe_fail_os(err, SFE_E_NO_SPACE, ENOSPC, "the medium is full");
    case SIM_FAULT_READ_ONLY:
        return sfe_fail_os(err, SFE_E_PERMISSION, EROFS, "the medium is read-only");
    case SIM_FAULT_EIO:
    case SIM_FAULT_SHORT:
        break;
    }
    return sfe_fail_os(err, SFE_E_STORAGE, EIO, "the medium fails");
}

/* First in each call that changes something. */
static enum sfe_code begin_change(struct sim_storage *storage, enum sim_fault *fault,
                                  struct sfe_error *err)
{
    *fault = SIM_FAULT_NONE;
    if (storage->is_off) {
        return power_is_off(err);
    }
    storage->calls++;
    *fault = draw_fault(storage);
    return fail_by(*fault, err);
}

/* Last in each such call: what it did is done, and not durable yet. */
static enum sfe_code end_change(struct sim_storage *storage, struct sfe_error *err)
{
    if (storage->changed != NULL) {
        storage->changed(storage->owner);
    }
    if (storage->cut_at != 0 && storage->calls >= storage->cut_at) {
        storage->is_off = true;
        return power_is_off(err);
    }
    return SFE_OK;
}

static enum sfe_code begin_read(struct sim_storage *storage, struct sfe_error *err)
{
    const struct sim_storage_faults *faults = &storage->faults;

    if (storage->is_off) {
        return power_is_off(err);
    }
    storage->reads++;
    if (storage->reads == faults->read_at ||
        (faults->read_permille != 0 &&
         sim_random_chance(&storage->random, faults->read_permille))) {
        storage->failed_reads++;
        return sfe_fail_os(err, SFE_E_STORAGE, EIO, "the medium cannot be read");
    }
    return SFE_OK;
}

static void name_copy(char *to, const char *from)
{
    SFE_ASSERT(strlen(from) < SIM_NAME_BYTES);
    memset(to, 0, SIM_NAME_BYTES);
    memcpy(to, from, strlen(from));
}

static uint32_t free_inode(struct sim_storage *storage)
{
    names_collect(storage);
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        if (storage->inodes[i] == NULL) {
            return i;
        }
    }
    SFE_ASSERT(false); /* No scenario may need so many. */
    return 0;
}

static enum sfe_code create(struct sim_storage *storage, const char *name, uint32_t *number,
                            struct sfe_error *err)
{
    struct change change = {.inode = free_inode(storage)};
    enum sim_fault fault;
    enum sfe_code code = begin_change(storage, &fault, err);

    if (code != SFE_OK) {
        return code;
    }
    if (directory_find(&storage->seen, name) != NULL) {
        return sfe_fail_os(err, SFE_E_STORAGE, EEXIST, "'%s' exists", name);
    }
    name_copy(change.to, name);
    *number = change.inode;
    storage->inodes[*number] = inode_make();
    names_change(storage, &change);
    return end_change(storage, err);
}

static enum sfe_code sim_open(void *context, const char *name, enum sfe_storage_open how,
                              struct sfe_file **file, struct sfe_error *err)
{
    struct sim_storage *storage = context;
    const struct entry *entry = directory_find(&storage->seen, name);
    uint32_t number = entry == NULL ? 0 : entry->inode;
    enum sfe_code code;

    *file = NULL;
    if (how == SFE_STORAGE_CREATE) {
        code = create(storage, name, &number, err);
    } else {
        code = begin_read(storage, err);
        if (code == SFE_OK && entry == NULL) {
            code = sfe_fail_os(err, SFE_E_NOT_FOUND, ENOENT, "no '%s'", name);
        }
    }
    if (code != SFE_OK) {
        return code;
    }
    struct sfe_file *made = malloc(sizeof(*made));
    SFE_ASSERT(made != NULL);
    *made = (struct sfe_file){number, how != SFE_STORAGE_READ};
    storage->handles[number]++;
    *file = made;
    return SFE_OK;
}

static void sim_close(void *context, struct sfe_file *file)
{
    struct sim_storage *storage = context;

    if (file != NULL) {
        SFE_ASSERT(storage->handles[file->inode] > 0);
        storage->handles[file->inode]--;
        free(file);
    }
}

static enum sfe_code sim_read(void *context, struct sfe_file *file, uint64_t offset, void *bytes,
                              size_t size, size_t *got, struct sfe_error *err)
{
    struct sim_storage *storage = context;
    const struct inode *inode = storage->inodes[file->inode];
    uint8_t *place = bytes;
    size_t done = 0;
    enum sfe_code code = begin_read(storage, err);

    *got = 0;
    if (code != SFE_OK || offset >= inode->seen_size) {
        return code;
    }
    if (size > inode->seen_size - offset) {
        size = (size_t)(inode->seen_size - offset);
    }
    while (done < size) {
        const uint64_t at = offset + done;
        const size_t begin = (size_t)(at % SIM_PAGE_BYTES);
        const struct page *page = inode->leaves[at / SIM_PAGE_BYTES].seen;
        size_t part = SIM_PAGE_BYTES - begin;
        part = part < size - done ? part : size - done;
        if (page == NULL) {
            memset(place + done, 0, part);
        } else {
            memcpy(place + done, page->bytes + begin, part);
        }
        done += part;
    }
    *got = size;
    return SFE_OK;
}

uint64_t sim_storage_used_bytes(const struct sim_storage *storage)
{
    return sim_storage_bytes_of(storage, "", NULL);
}

uint64_t sim_storage_bytes_of(const struct sim_storage *storage, const char *prefix,
                              uint32_t *count)
{
    uint64_t bytes = 0;
    uint32_t files = 0;

    for (uint32_t i = 0; i < storage->seen.count; i++) {
        const struct entry *entry = &storage->seen.entries[i];
        if (strncmp(entry->name, prefix, strlen(prefix)) == 0) {
            bytes += storage->inodes[entry->inode]->seen_size;
            files++;
        }
    }
    if (count != NULL) {
        *count = files;
    }
    return bytes;
}

static enum sfe_code grow(struct sim_storage *storage, struct inode *inode, uint64_t size,
                          struct sfe_error *err)
{
    const uint64_t capacity = storage->faults.capacity;

    if (size <= inode->seen_size) {
        return SFE_OK;
    }
    if (capacity != 0 && sim_storage_used_bytes(storage) + (size - inode->seen_size) > capacity) {
        return sfe_fail_os(err, SFE_E_NO_SPACE, ENOSPC, "the medium is full");
    }
    const uint32_t first = (uint32_t)(inode->seen_size / SIM_PAGE_BYTES);
    inode_reach(inode, size);
    inode->seen_size = size;
    inode->differs = true;
    if (!storage->faults.gives_old_bytes || storage->old_page_count == 0) {
        return SFE_OK;
    }
    for (uint32_t i = first; i < inode->leaf_count; i++) {
        const uint32_t place = sim_random_below(&storage->random, OLD_PAGES_MAX);
        if (place < storage->old_page_count && !inode->leaves[i].is_dirty) {
            page_put(&inode->leaves[i].seen, storage->old_pages[place]);
            page_put(&inode->leaves[i].durable, storage->old_pages[place]);
        }
    }
    return SFE_OK;
}

/* Writes the parts up to `limit` bytes of them. */
static void write_parts(struct sim_storage *storage, struct inode *inode, uint64_t offset,
                        const struct sfe_slice *parts, size_t limit)
{
    while (limit > 0) {
        const struct sfe_slice part = sfe_slice_part(*parts++, 0, limit);
        inode_write(storage, inode, offset, part);
        offset += part.size;
        limit -= part.size;
    }
}

static enum sfe_code sim_write(void *context, struct sfe_file *file, uint64_t offset,
                               const struct sfe_slice *parts, size_t part_count,
                               struct sfe_error *err)
{
    struct sim_storage *storage = context;
    struct sfe_error why;
    enum sim_fault fault;
    size_t size = 0;
    enum sfe_code code = begin_change(storage, &fault, err);

    SFE_ASSERT(file->is_writable);
    if (code != SFE_OK && fault != SIM_FAULT_SHORT) {
        return code;
    }
    for (size_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    struct inode *inode = inode_own(storage, file->inode);
    if (grow(storage, inode, offset + size, &why) != SFE_OK) {
        *err = why;
        return why.code;
    }
    write_parts(storage, inode, offset, parts, code == SFE_OK ? size : size / 2u);
    if (code != SFE_OK) {
        (void)end_change(storage, &why);
        return code;
    }
    return end_change(storage, err);
}

static enum sfe_code sim_allocate(void *context, struct sfe_file *file, uint64_t size,
                                  struct sfe_error *err)
{
    struct sim_storage *storage = context;
    enum sim_fault fault;
    enum sfe_code code = begin_change(storage, &fault, err);

    if (code == SFE_OK) {
        code = grow(storage, inode_own(storage, file->inode), size, err);
    }
    return code == SFE_OK ? end_change(storage, err) : code;
}

static enum sfe_code sim_truncate(void *context, struct sfe_file *file, uint64_t size,
                                  struct sfe_error *err)
{
    struct sim_storage *storage = context;
    enum sim_fault fault;
    enum sfe_code code = begin_change(storage, &fault, err);

    if (code != SFE_OK) {
        return code;
    }
    struct inode *inode = inode_own(storage, file->inode);
    inode_reach(inode, size);
    inode_cut(storage, inode, size);
    inode->seen_size = size;
    return end_change(storage, err);
}

static enum sfe_code sim_size(void *context, struct sfe_file *file, uint64_t *size,
                              struct sfe_error *err)
{
    struct sim_storage *storage = context;

    *size = storage->inodes[file->inode]->seen_size;
    return storage->is_off ? power_is_off(err) : SFE_OK;
}

static enum sfe_code sim_sync(void *context, struct sfe_file *file, struct sfe_error *err)
{
    struct sim_storage *storage = context;
    enum sim_fault fault;

    if (!storage->is_off && storage->cut_at != 0 && storage->calls + 1 >= storage->cut_at) {
        storage->is_off = true; /* In the middle of it: anything may have lasted. */
    }
    enum sfe_code code = begin_change(storage, &fault, err);
    if (storage->is_off || fault == SIM_FAULT_LIE) {
        return code;
    }
    if (code != SFE_OK) {
        inode_forget(storage, inode_own(storage, file->inode));
        return code;
    }
    if (storage->inodes[file->inode]->differs) {
        inode_sync(inode_own(storage, file->inode));
    }
    return end_change(storage, err);
}

static enum sfe_code sim_rename(void *context, const char *from, const char *to,
                                struct sfe_error *err)
{
    struct sim_storage *storage = context;
    const struct entry *entry = directory_find(&storage->seen, from);
    struct change change = {0};
    enum sim_fault fault;
    enum sfe_code code = begin_change(storage, &fault, err);

    if (code != SFE_OK) {
        return code;
    }
    if (entry == NULL) {
        return sfe_fail_os(err, SFE_E_NOT_FOUND, ENOENT, "no '%s'", from);
    }
    change.inode = entry->inode;
    name_copy(change.from, from);
    name_copy(change.to, to);
    names_change(storage, &change);
    return end_change(storage, err);
}

static enum sfe_code sim_remove(void *context, const char *name, struct sfe_error *err)
{
    struct sim_storage *storage = context;
    const struct entry *entry = directory_find(&storage->seen, name);
    struct change change = {0};
    enum sim_fault fault;
    enum sfe_code code = begin_change(storage, &fault, err);

    if (code != SFE_OK) {
        return code;
    }
    if (entry == NULL) {
        return sfe_fail_os(err, SFE_E_NOT_FOUND, ENOENT, "no '%s'", name);
    }
    change.inode = entry->inode;
    name_copy(change.from, name);
    names_change(storage, &change);
    return end_change(storage, err);
}

static enum sfe_code sim_sync_directory(void *context, struct sfe_error *err)
{
    struct sim_storage *storage = context;
    enum sim_fault fault;

    if (!storage->is_off && storage->cut_at != 0 && storage->calls + 1 >= storage->cut_at) {
        storage->is_off = true;
    }
    enum sfe_code code = begin_change(storage, &fault, err);
    if (code != SFE_OK || fault == SIM_FAULT_LIE) {
        return code;
    }
    names_sync(storage);
    return end_change(storage, err);
}

static enum sfe_code sim_list(void *context, sfe_storage_visit visit, void *visitor,
                              struct sfe_error *err)
{
    struct sim_storage *storage = context;
    enum sfe_code code = begin_read(storage, err);
    const uint32_t count = storage->seen.count;
    const uint32_t first = count == 0 ? 0 : sim_random_below(&storage->random, count);

    for (uint32_t i = 0; i < count && code == SFE_OK; i++) {
        const struct entry *entry = &storage->seen.entries[(first + i) % count];
        if (!visit(visitor, entry->name, storage->inodes[entry->inode]->seen_size)) {
            break;
        }
    }
    return code;
}

static enum sfe_code sim_space(void *context, uint64_t *total, uint64_t *available,
                               struct sfe_error *err)
{
    const struct sim_storage *storage = context;
    const uint64_t used = sim_storage_used_bytes(storage);

    (void)err;
    *total = storage->faults.capacity == 0 ? CAPACITY_NONE : storage->faults.capacity;
    *available = *total > used ? *total - used : 0;
    return SFE_OK;
}

static void sim_traits(void *context, struct sfe_storage_traits *traits)
{
    (void)context;
    traits->page_bytes = SIM_PAGE_BYTES;
}

void sim_storage_port(struct sim_storage *storage, struct sfe_storage *port)
{
    *port = (struct sfe_storage){
        .context = storage,
        .open = sim_open,
        .close = sim_close,
        .read = sim_read,
        .write = sim_write,
        .allocate = sim_allocate,
        .truncate = sim_truncate,
        .size = sim_size,
        .sync = sim_sync,
        .rename = sim_rename,
        .remove = sim_remove,
        .sync_directory = sim_sync_directory,
        .list = sim_list,
        .space = sim_space,
        .traits = sim_traits,
    };
}

struct sim_storage *sim_storage_open(uint64_t seed)
{
    struct sim_storage *storage = calloc(1, sizeof(*storage));

    SFE_ASSERT(storage != NULL);
    storage->random = sim_random_make(seed, 3);
    return storage;
}

void sim_storage_close(struct sim_storage *storage)
{
    if (storage == NULL) {
        return;
    }
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        SFE_ASSERT(storage->handles[i] == 0);
        inode_release(storage->inodes[i]);
    }
    for (uint32_t i = 0; i < storage->old_page_count; i++) {
        page_release(storage->old_pages[i]);
    }
    free(storage);
}

struct sim_storage_faults *sim_storage_faults(struct sim_storage *storage)
{
    return &storage->faults;
}

void sim_storage_watch(struct sim_storage *storage, void (*changed)(void *owner), void *owner)
{
    storage->changed = changed;
    storage->owner = owner;
}

void sim_storage_cut(struct sim_storage *storage, uint64_t after)
{
    storage->cut_at = storage->calls + after;
    storage->is_off = storage->is_off || after == 0;
}

bool sim_storage_is_off(const struct sim_storage *storage)
{
    return storage->is_off;
}

uint64_t sim_storage_calls(const struct sim_storage *storage)
{
    return storage->calls;
}

uint64_t sim_storage_reads(const struct sim_storage *storage)
{
    return storage->reads;
}

uint64_t sim_storage_failed_reads(const struct sim_storage *storage)
{
    return storage->failed_reads;
}

uint64_t sim_storage_rewrites(const struct sim_storage *storage)
{
    return storage->rewrites;
}
