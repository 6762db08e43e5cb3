/* What simulated flash is made of; shared by its files only. */
#ifndef SFE_PORT_SIM_STORAGE_PARTS_H
#define SFE_PORT_SIM_STORAGE_PARTS_H

#include "sim/storage.h"

#define FILES_MAX     64u
#define CHANGES_MAX   64u
#define OLD_PAGES_MAX 64u

/* Shared by all images that hold it; never changed while shared. A page that is not there is zeros.
 */
struct page {
    uint32_t references;
    uint8_t bytes[SIM_PAGE_BYTES];
};

struct leaf {
    struct page *seen;
    struct page *durable;
    bool is_dirty;
    bool was_synced; /* What was written here has been durable. */
};

/* Shared by storages; copied before it is changed. */
struct inode {
    uint32_t references;
    uint32_t leaf_count;
    uint64_t seen_size;
    uint64_t durable_size;
    bool differs; /* What is seen is not what is durable. */
    struct leaf *leaves;
};

/* A change of names: `from` empty creates, `to` empty removes, else renames. */
struct change {
    uint32_t inode;
    char from[SIM_NAME_BYTES];
    char to[SIM_NAME_BYTES];
};

struct entry {
    char name[SIM_NAME_BYTES];
    uint32_t inode;
};

struct directory {
    struct entry entries[FILES_MAX];
    uint32_t count;
};

struct sfe_file {
    uint32_t inode;
    bool is_writable;
};

struct sim_storage {
    struct inode *inodes[FILES_MAX];
    uint32_t handles[FILES_MAX]; /* Open files of each inode. */
    struct directory seen;
    struct directory durable;
    struct change changes[CHANGES_MAX]; /* Unsynced, oldest first. */
    uint32_t change_count;
    struct page *old_pages[OLD_PAGES_MAX]; /* Of removed files. */
    uint32_t old_page_count;
    struct sim_random random;
    struct sim_storage_faults faults;
    void (*changed)(void *owner);
    void *owner;
    uint64_t cut_at; /* The power goes in this call; 0: never. */
    bool is_off;
    uint64_t calls;
    uint64_t reads;
    uint64_t failed_reads;
    uint64_t rewrites;
};

/* storage_pages.c: pages and inodes. */

struct page *page_make(void);
void page_release(struct page *page); /* NULL is allowed. */
/* Puts `page` (one more reference is taken; NULL: zeros) where *place is. */
void page_put(struct page **place, struct page *page);

struct inode *inode_make(void);
void inode_release(struct inode *inode); /* NULL is allowed. */
/* The inode in a form that may be changed. */
struct inode *inode_own(struct sim_storage *storage, uint32_t number);
/* Has leaves for `size` bytes. */
void inode_reach(struct inode *inode, uint64_t size);
void inode_write(struct sim_storage *storage, struct inode *inode, uint64_t offset,
                 struct sfe_slice bytes);
/* What lies beyond `size` is no longer seen. It may have reached the medium before. */
void inode_cut(struct sim_storage *storage, struct inode *inode, uint64_t size);
void inode_sync(struct inode *inode);
/* The sync failed: each page lasted or not, and none is tried again. */
void inode_forget(struct sim_storage *storage, struct inode *inode);

/* storage_names.c: directories. */

struct entry *directory_find(struct directory *directory, const char *name);
void directory_change(struct directory *directory, const struct change *change);
/* Makes a change seen, and lets it wait for a sync. */
void names_change(struct sim_storage *storage, const struct change *change);
void names_sync(struct sim_storage *storage);
/* Frees inodes that nothing refers to. */
void names_collect(struct sim_storage *storage);

#endif
