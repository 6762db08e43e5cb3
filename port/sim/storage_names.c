#include "sim/storage_parts.h"

#include "base/assert.h"

#include <string.h>

struct entry *directory_find(struct directory *directory, const char *name)
{
    for (uint32_t i = 0; i < directory->count; i++) {
        if (strcmp(directory->entries[i].name, name) == 0) {
            return &directory->entries[i];
        }
    }
    return NULL;
}

static void drop(struct directory *directory, struct entry *entry)
{
    *entry = directory->entries[--directory->count];
}

void directory_change(struct directory *directory, const struct change *change)
{
    struct entry *entry;

    if (change->from[0] != '\0') {
        entry = directory_find(directory, change->from);
        if (entry == NULL || entry->inode != change->inode) {
            return; /* What it rests on did not last. */
        }
        drop(directory, entry);
    }
    if (change->to[0] == '\0') {
        return;
    }
    entry = directory_find(directory, change->to);
    if (entry == NULL) {
        SFE_ASSERT(directory->count < FILES_MAX);
        entry = &directory->entries[directory->count++];
        memcpy(entry->name, change->to, sizeof(entry->name));
    }
    entry->inode = change->inode;
}

void names_change(struct sim_storage *storage, const struct change *change)
{
    if (storage->change_count == CHANGES_MAX) {
        /* The medium may take the oldest any time. */
        directory_change(&storage->durable, &storage->changes[0]);
        storage->change_count--;
        memmove(&storage->changes[0], &storage->changes[1],
                storage->change_count * sizeof(storage->changes[0]));
    }
    storage->changes[storage->change_count++] = *change;
    directory_change(&storage->seen, change);
}

void names_sync(struct sim_storage *storage)
{
    storage->durable = storage->seen;
    storage->change_count = 0;
    names_collect(storage);
}

static void mark(const struct directory *directory, bool *is_used)
{
    for (uint32_t i = 0; i < directory->count; i++) {
        is_used[directory->entries[i].inode] = true;
    }
}

/* Freed pages are given out again by and by. */
static void keep_old(struct sim_storage *storage, const struct inode *inode)
{
    for (uint32_t i = 0; i < inode->leaf_count; i++) {
        if (inode->leaves[i].durable == NULL) {
            continue;
        }
        uint32_t place = storage->old_page_count;
        if (place < OLD_PAGES_MAX) {
            storage->old_page_count++;
        } else {
            place = sim_random_below(&storage->random, OLD_PAGES_MAX);
        }
        page_put(&storage->old_pages[place], inode->leaves[i].durable);
    }
}

void names_collect(struct sim_storage *storage)
{
    bool is_used[FILES_MAX] = {false};

    mark(&storage->seen, is_used);
    mark(&storage->durable, is_used);
    for (uint32_t i = 0; i < storage->change_count; i++) {
        is_used[storage->changes[i].inode] = true;
    }
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        if (storage->inodes[i] != NULL && !is_used[i] && storage->handles[i] == 0) {
            if (storage->faults.gives_old_bytes) {
                keep_old(storage, storage->inodes[i]);
            }
            inode_release(storage->inodes[i]);
            storage->inodes[i] = NULL;
        }
    }
}
