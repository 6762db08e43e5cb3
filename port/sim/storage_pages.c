#include "sim/storage_parts.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static const struct page zero_page = {0, {0}};

/* A simulation that has no memory left has nothing more to say. */
static void *take(size_t size)
{
    void *memory = calloc(1, size);

    SFE_ASSERT(memory != NULL);
    return memory;
}

struct page *page_make(void)
{
    struct page *page = malloc(sizeof(*page)); /* Its maker fills it. */

    SFE_ASSERT(page != NULL);
    page->references = 1;
    return page;
}

void page_release(struct page *page)
{
    if (page != NULL && --page->references == 0) {
        free(page);
    }
}

void page_put(struct page **place, struct page *page)
{
    if (page != NULL) {
        page->references++;
    }
    page_release(*place);
    *place = page;
}

struct inode *inode_make(void)
{
    struct inode *inode = take(sizeof(*inode));

    inode->references = 1;
    return inode;
}

void inode_release(struct inode *inode)
{
    if (inode == NULL || --inode->references > 0) {
        return;
    }
    for (uint32_t i = 0; i < inode->leaf_count; i++) {
        page_release(inode->leaves[i].seen);
        page_release(inode->leaves[i].durable);
    }
    free(inode->leaves);
    free(inode);
}

struct inode *inode_own(struct sim_storage *storage, uint32_t number)
{
    struct inode *shared = storage->inodes[number];

    SFE_ASSERT(shared != NULL);
    if (shared->references == 1) {
        return shared;
    }
    struct inode *own = take(sizeof(*own));
    *own = *shared;
    own->references = 1;
    own->leaves = take((own->leaf_count + 1u) * sizeof(*own->leaves));
    for (uint32_t i = 0; i < own->leaf_count; i++) {
        own->leaves[i] = shared->leaves[i];
        if (own->leaves[i].seen != NULL) {
            own->leaves[i].seen->references++;
        }
        if (own->leaves[i].durable != NULL) {
            own->leaves[i].durable->references++;
        }
    }
    shared->references--;
    storage->inodes[number] = own;
    return own;
}

void inode_reach(struct inode *inode, uint64_t size)
{
    const uint32_t wanted = (uint32_t)((size + SIM_PAGE_BYTES - 1u) / SIM_PAGE_BYTES);

    if (wanted <= inode->leaf_count) {
        return;
    }
    struct leaf *leaves = realloc(inode->leaves, wanted * sizeof(*leaves));
    SFE_ASSERT(leaves != NULL);
    memset(leaves + inode->leaf_count, 0, (wanted - inode->leaf_count) * sizeof(*leaves));
    inode->leaves = leaves;
    inode->leaf_count = wanted;
}

static void write_page(struct sim_storage *storage, struct leaf *leaf, size_t begin,
                       struct sfe_slice bytes)
{
    struct page *page = page_make();
    const struct page *before = leaf->seen == NULL ? &zero_page : leaf->seen;

    memcpy(page->bytes, before->bytes, SIM_PAGE_BYTES);
    memcpy(page->bytes + begin, bytes.bytes, bytes.size);
    storage->rewrites += leaf->was_synced ? 1u : 0u;
    page_release(leaf->seen);
    leaf->seen = page;
    leaf->is_dirty = true;
}

void inode_write(struct sim_storage *storage, struct inode *inode, uint64_t offset,
                 struct sfe_slice bytes)
{
    size_t done = 0;

    inode->differs = true;
    while (done < bytes.size) {
        const uint64_t at = offset + done;
        const size_t begin = (size_t)(at % SIM_PAGE_BYTES);
        const struct sfe_slice part = sfe_slice_part(bytes, done, SIM_PAGE_BYTES - begin);
        write_page(storage, &inode->leaves[at / SIM_PAGE_BYTES], begin, part);
        done += part.size;
    }
}

void inode_cut(struct sim_storage *storage, struct inode *inode, uint64_t size)
{
    const uint32_t first = (uint32_t)((size + SIM_PAGE_BYTES - 1u) / SIM_PAGE_BYTES);

    inode->differs = true;
    for (uint32_t i = first; i < inode->leaf_count; i++) {
        struct leaf *leaf = &inode->leaves[i];
        if (leaf->is_dirty && sim_random_chance(&storage->random, 500)) {
            page_put(&leaf->durable, leaf->seen);
        }
        page_put(&leaf->seen, NULL);
        leaf->is_dirty = false;
        leaf->was_synced = false;
    }
}

void inode_sync(struct inode *inode)
{
    inode->differs = false;
    inode->durable_size = inode->seen_size;
    for (uint32_t i = 0; i < inode->leaf_count; i++) {
        struct leaf *leaf = &inode->leaves[i];
        if ((uint64_t)i * SIM_PAGE_BYTES >= inode->seen_size) {
            page_put(&leaf->durable, NULL);
        } else if (leaf->is_dirty) {
            page_put(&leaf->durable, leaf->seen);
            leaf->was_synced = true;
        }
        leaf->is_dirty = false;
        inode->differs = inode->differs || leaf->seen != leaf->durable;
    }
}

void inode_forget(struct sim_storage *storage, struct inode *inode)
{
    const bool shows_it = sim_random_chance(&storage->random, 500);

    inode->differs = true;
    for (uint32_t i = 0; i < inode->leaf_count; i++) {
        struct leaf *leaf = &inode->leaves[i];
        if (leaf->is_dirty && sim_random_chance(&storage->random, 400)) {
            page_put(&leaf->durable, leaf->seen);
        } else if (leaf->is_dirty && shows_it) {
            page_put(&leaf->seen, leaf->durable);
        }
        leaf->is_dirty = false;
    }
}
