/* What is known of keys, bounded: items in the order in which they came, found by their keys. All
 * memory is taken at open. One thread. */
#ifndef SFE_JOIN_TABLE_H
#define SFE_JOIN_TABLE_H

#include "base/error.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>

struct sfe_arena;

/* An order that waits, or a confirmation that is kept. */
struct join_item {
    struct sfe_hash128 key;
    uint64_t sequence; /* In its stream. */
    uint64_t read_ns;  /* Monotonic: when it was read in this run. */
    int64_t stamp_ns;  /* Its time of arrival as it stands on flash. */
    uint64_t order;    /* Of a confirmation: the newest order that went by it. Of an order: the
                          one read before it. 0: none. */
    uint32_t next;     /* In the order of coming, and back; for the table alone, as the next. */
    uint32_t before;
    uint32_t same_place; /* Of those in one place of the hash table. */
    bool stamp_is_sure;  /* The clock was set then. */
    bool is_settled;     /* An order that was settled in the last run: it does not wait. */
    bool is_due;         /* An order whose time was over when the round began. */
    bool is_decided;     /* An order that is late, whatever comes. */
};

struct join_table {
    struct join_item *items;
    uint32_t *places;
    uint32_t mask;
    uint32_t capacity;
    uint32_t count;
    uint32_t first, last; /* As they came. */
    uint32_t free_first;
};

size_t join_table_memory_bytes(uint32_t capacity);

/* SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code join_table_open(struct join_table *table, uint32_t capacity,
                                           struct sfe_arena *arena, struct sfe_error *err);

static inline bool join_table_is_full(const struct join_table *table)
{
    return table->count == table->capacity;
}

/* Adds an item behind the others; all else of it is zero. There must be room. */
struct join_item *join_table_add(struct join_table *table, const struct sfe_hash128 *key,
                                 uint64_t sequence);

void join_table_remove(struct join_table *table, struct join_item *item);

/* One of that key, and the next of the same key, in no order; NULL: there is none. */
struct join_item *join_table_find(const struct join_table *table, const struct sfe_hash128 *key);
struct join_item *join_table_find_next(const struct join_table *table,
                                       const struct join_item *item);

/* In the order of coming; NULL behind the last. */
struct join_item *join_table_front(const struct join_table *table);
struct join_item *join_table_next(const struct join_table *table, const struct join_item *item);

#endif
