/* An open-addressing hash index from a 64-bit hash to record numbers.
 *
 * Several records may share a hash: the caller walks them and compares the values itself. Entries
 * are never removed; a stale one (value changed, record deleted) fails that comparison.
 */
#ifndef SFE_TESTS_ORG_INDEX_H
#define SFE_TESTS_ORG_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct index_slot {
    uint64_t hash;
    uint32_t number; /* Of the record, plus 1; 0 is an empty slot. */
};

struct index {
    struct index_slot *slots; /* Owned; NULL while empty. */
    uint32_t mask;
    uint32_t used;
};

#define INDEX_NONE UINT32_MAX

/* Begins a walk over the entries of `hash`. */
static inline uint32_t index_begin(const struct index *index, uint64_t hash)
{
    return (uint32_t)hash & index->mask;
}

/* The next record number of `hash`, or INDEX_NONE; `cursor` comes from index_begin. */
static inline uint32_t index_next(const struct index *index, uint64_t hash, uint32_t *cursor)
{
    while (index->slots != NULL && index->slots[*cursor].number != 0) {
        const struct index_slot *slot = &index->slots[*cursor];
        *cursor = (*cursor + 1) & index->mask;
        if (slot->hash == hash) {
            return slot->number - 1;
        }
    }
    return INDEX_NONE;
}

/* Adds an entry, unless this very one is there. */
void index_add(struct index *index, uint64_t hash, uint32_t number);

void index_close(struct index *index);

#endif
