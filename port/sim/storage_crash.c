/* What is left after a crash, and damage at rest. */
#include "sim/storage_parts.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define SECTORS (SIM_PAGE_BYTES / SIM_SECTOR_BYTES)

struct fate {
    struct sim_cut cut;
    struct sim_random random;
    uint32_t kept_permille;
    uint32_t number; /* Of the next unsynced thing. */
};

static bool lasted(struct fate *fate)
{
    const uint32_t number = fate->number++;

    return fate->cut.kind == SIM_CUT_CHOSEN ? (fate->cut.kept >> (number % 64u) & 1u) != 0
                                            : sim_random_chance(&fate->random, fate->kept_permille);
}

/* Some sectors are new, the others are as before; or are nothing at all. */
static void tear(struct fate *fate, struct leaf *leaf)
{
    const bool garbles = sim_random_chance(&fate->random, 300);
    const uint32_t chosen = sim_random_below(&fate->random, 1u << SECTORS);
    struct page *torn = page_make();

    memset(torn->bytes, 0, sizeof(torn->bytes));
    if (leaf->durable != NULL) {
        memcpy(torn->bytes, leaf->durable->bytes, SIM_PAGE_BYTES);
    }
    for (uint32_t i = 0; i < SECTORS; i++) {
        uint8_t *sector = torn->bytes + (size_t)i * SIM_SECTOR_BYTES;
        if ((chosen >> i & 1u) == 0) {
            continue;
        }
        if (garbles) {
            sim_random_fill(&fate->random, sector, SIM_SECTOR_BYTES);
        } else if (leaf->seen != NULL) {
            memcpy(sector, leaf->seen->bytes + (size_t)i * SIM_SECTOR_BYTES, SIM_SECTOR_BYTES);
        } else {
            memset(sector, 0, SIM_SECTOR_BYTES);
        }
    }
    page_release(leaf->durable);
    leaf->durable = torn;
}

static void crash_leaf(struct fate *fate, struct leaf *leaf)
{
    if (!leaf->is_dirty) {
        return;
    }
    if (lasted(fate)) {
        page_put(&leaf->durable, leaf->seen);
    } else if (fate->cut.kind == SIM_CUT_DRAWN && sim_random_chance(&fate->random, 500)) {
        tear(fate, leaf);
    }
    leaf->is_dirty = false;
}

static void crash_inode(struct fate *fate, struct inode *inode)
{
    for (uint32_t i = 0; i < inode->leaf_count; i++) {
        crash_leaf(fate, &inode->leaves[i]);
    }
    if (inode->seen_size != inode->durable_size && lasted(fate)) {
        inode->durable_size = inode->seen_size;
    }
    inode->seen_size = inode->durable_size;
    for (uint32_t i = 0; i < inode->leaf_count; i++) {
        struct leaf *leaf = &inode->leaves[i];
        if ((uint64_t)i * SIM_PAGE_BYTES >= inode->seen_size) {
            page_put(&leaf->durable, NULL);
        }
        page_put(&leaf->seen, leaf->durable);
        leaf->was_synced = false; /* Not known; a rewrite is one within a run. */
    }
    inode->differs = false;
}

static struct sim_storage *copy(const struct sim_storage *storage, uint64_t seed)
{
    struct sim_storage *made = malloc(sizeof(*made));

    SFE_ASSERT(made != NULL);
    *made = *storage;
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        if (made->inodes[i] != NULL) {
            made->inodes[i]->references++;
        }
    }
    for (uint32_t i = 0; i < made->old_page_count; i++) {
        made->old_pages[i]->references++;
    }
    memset(made->handles, 0, sizeof(made->handles));
    const bool gives_old_bytes = made->faults.gives_old_bytes;
    made->faults = (struct sim_storage_faults){.gives_old_bytes = gives_old_bytes};
    made->random = sim_random_make(seed, 3);
    made->changed = NULL;
    made->owner = NULL;
    made->cut_at = 0;
    made->is_off = false;
    return made;
}

uint32_t sim_storage_unsynced(const struct sim_storage *storage)
{
    uint32_t count = storage->change_count;

    for (uint32_t i = 0; i < FILES_MAX; i++) {
        const struct inode *inode = storage->inodes[i];
        if (inode == NULL || !inode->differs) {
            continue;
        }
        for (uint32_t leaf = 0; leaf < inode->leaf_count; leaf++) {
            count += inode->leaves[leaf].is_dirty ? 1u : 0u;
        }
        count += inode->seen_size != inode->durable_size ? 1u : 0u;
    }
    return count;
}

uint32_t sim_storage_forgotten(const struct sim_storage *storage)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < FILES_MAX; i++) {
        const struct inode *inode = storage->inodes[i];
        for (uint32_t leaf = 0; inode != NULL && leaf < inode->leaf_count; leaf++) {
            const struct leaf *at = &inode->leaves[leaf];
            count += !at->is_dirty && at->seen != NULL && at->seen != at->durable ? 1u : 0u;
        }
    }
    return count;
}

struct sim_storage *sim_storage_after(const struct sim_storage *storage, struct sim_cut cut,
                                      uint64_t seed)
{
    static const uint32_t moods[] = {30, 300, 500, 700, 970};
    struct sim_storage *made = copy(storage, seed);
    struct fate fate = {.cut = cut, .random = sim_random_make(seed, 4)};

    if (cut.kind == SIM_CUT_KILL) {
        names_collect(made);
        return made;
    }
    fate.kept_permille = moods[sim_random_below(&fate.random, sizeof(moods) / sizeof(moods[0]))];
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        if (made->inodes[i] != NULL && made->inodes[i]->differs) {
            crash_inode(&fate, inode_own(made, i));
        }
    }
    for (uint32_t i = 0; i < made->change_count; i++) {
        if (lasted(&fate)) {
            directory_change(&made->durable, &made->changes[i]);
        }
    }
    made->change_count = 0;
    made->seen = made->durable;
    names_collect(made);
    return made;
}

static bool flip_in(struct sim_storage *storage, const struct entry *entry, uint64_t *offset)
{
    struct inode *inode = inode_own(storage, entry->inode);
    uint32_t page =
        inode->leaf_count == 0 ? 0 : sim_random_below(&storage->random, inode->leaf_count);

    for (uint32_t tries = 0; tries < inode->leaf_count; tries++) {
        struct leaf *leaf = &inode->leaves[page];
        if (leaf->durable != NULL && leaf->durable == leaf->seen) {
            const uint32_t bit = sim_random_below(&storage->random, SIM_PAGE_BYTES * 8u);
            struct page *damaged = page_make();
            memcpy(damaged->bytes, leaf->durable->bytes, SIM_PAGE_BYTES);
            damaged->bytes[bit / 8u] = (uint8_t)(damaged->bytes[bit / 8u] ^ (1u << (bit % 8u)));
            page_put(&leaf->seen, damaged);
            page_put(&leaf->durable, damaged);
            page_release(damaged);
            *offset = (uint64_t)page * SIM_PAGE_BYTES + bit / 8u;
            return true;
        }
        page = (page + 1u) % inode->leaf_count;
    }
    return false;
}

bool sim_storage_flip_bit(struct sim_storage *storage, const char *prefix, char *file,
                          uint64_t *offset)
{
    const uint32_t count = storage->seen.count;
    const uint32_t first = count == 0 ? 0 : sim_random_below(&storage->random, count);

    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &storage->seen.entries[(first + i) % count];
        if (strncmp(entry->name, prefix, strlen(prefix)) == 0 && flip_in(storage, entry, offset)) {
            memcpy(file, entry->name, SIM_NAME_BYTES);
            return true;
        }
    }
    return false;
}
