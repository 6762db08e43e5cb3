/* The external IDs of a batch that goes by bulk, each with its event: so a result row finds its
 * event whatever its place in the file. Exact: an ID whose hash is there already is never added for
 * another event. Cloud thread.
 *
 * An event may name one ID several times: its rows of that ID go in as many jobs, one after the
 * other (passes), for a job promises no order among its rows.
 */
#ifndef SFE_BULK_ROWS_H
#define SFE_BULK_ROWS_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_arena;

struct bulk_row {
    uint64_t hash;
    uint32_t event;
    uint16_t times; /* So often the event names this ID. */
    uint16_t seen;  /* Of these, met in the walk under way. */
    uint8_t map;
    bool is_open; /* In the job, and no result has come. */
};

struct bulk_rows {
    struct bulk_row *ids; /* As they came. */
    uint32_t id_count;
    uint32_t *places; /* One more than an ID's place among `ids`; 0: free. Open addressing, at most
                         half full. */
    uint32_t *order;  /* Of each addition, the place of its ID. */
    uint32_t mask;
    uint32_t rows_max;
    uint32_t count; /* Of additions. */
};

/* What it takes from the arena. Pure. */
size_t bulk_rows_memory_bytes(uint32_t rows_max);

SFE_MUST_USE enum sfe_code bulk_rows_open(struct bulk_rows *rows, uint32_t rows_max,
                                          struct sfe_arena *arena, struct sfe_error *err);

/* The hash of an external ID among the records of map number `map`; never 0. Capitals are like
 * small letters, blanks around do not count. */
uint64_t bulk_rows_hash(uint32_t map, struct sfe_slice external_id);

/* The row of `hash`; NULL: none. */
struct bulk_row *bulk_rows_find(const struct bulk_rows *rows, uint64_t hash);

/* Adds the ID of one more row of `event`. SFE_E_AGAIN: another event of the batch has it;
 * SFE_E_FULL: no room. */
SFE_MUST_USE enum sfe_code bulk_rows_add(struct bulk_rows *rows, uint64_t hash, uint32_t map,
                                         uint32_t event);

/* The ID of the `number`-th addition. */
static inline struct bulk_row *bulk_rows_at(const struct bulk_rows *rows, uint32_t number)
{
    return &rows->ids[rows->order[number]];
}

/* Takes back what was added last, until `count` are left. */
void bulk_rows_rewind(struct bulk_rows *rows, uint32_t count);

#endif
