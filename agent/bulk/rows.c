#include "bulk/rows.h"

#include "base/arena.h"
#include "base/assert.h"
#include "salesforce/collections.h"

/* Spreads hashes whose low bits are alike (2^64 over the golden ratio). */
#define SPREAD 0x9e3779b97f4a7c15u

static uint32_t place_count(uint32_t rows_max)
{
    uint32_t count = 16;

    SFE_ASSERT(rows_max <= UINT32_MAX / 4);
    while (count < 2 * rows_max) {
        count *= 2;
    }
    return count;
}

size_t bulk_rows_memory_bytes(uint32_t rows_max)
{
    return sfe_arena_cost(place_count(rows_max) * sizeof(struct bulk_row)) +
           sfe_arena_cost(rows_max * sizeof(uint32_t));
}

enum sfe_code bulk_rows_open(struct bulk_rows *rows, uint32_t rows_max, struct sfe_arena *arena,
                             struct sfe_error *err)
{
    const uint32_t count = place_count(rows_max);
    struct bulk_row *places = sfe_arena_take(arena, count * sizeof(*places), err);
    uint32_t *order = sfe_arena_take(arena, rows_max * sizeof(*order), err);

    if (places == NULL || order == NULL) {
        return SFE_E_NO_MEMORY;
    }
    *rows = (struct bulk_rows){
        .places = places, .order = order, .mask = count - 1, .rows_max = rows_max};
    return SFE_OK;
}

uint64_t bulk_rows_hash(uint32_t map, struct sfe_slice external_id)
{
    return collections_hash_of_map(collections_hash_id(external_id), map);
}

/* The place of `hash`, or the free one where it would go. */
static uint32_t place_of(const struct bulk_rows *rows, uint64_t hash)
{
    uint32_t index = (uint32_t)(hash * SPREAD >> 32) & rows->mask;

    while (rows->places[index].hash != 0 && rows->places[index].hash != hash) {
        index = (index + 1) & rows->mask;
    }
    return index;
}

struct bulk_row *bulk_rows_find(const struct bulk_rows *rows, uint64_t hash)
{
    struct bulk_row *row = &rows->places[place_of(rows, hash)];

    return row->hash == 0 ? NULL : row;
}

enum sfe_code bulk_rows_add(struct bulk_rows *rows, uint64_t hash, uint32_t map, uint32_t event)
{
    const uint32_t place = place_of(rows, hash);
    struct bulk_row *row = &rows->places[place];

    SFE_ASSERT(hash != 0);
    if (row->hash != 0 && row->event != event) {
        return SFE_E_AGAIN;
    }
    if (rows->count == rows->rows_max || row->times == UINT16_MAX) {
        return SFE_E_FULL;
    }
    if (row->hash == 0) {
        *row = (struct bulk_row){.hash = hash, .event = event, .map = (uint8_t)map};
    }
    row->times++;
    rows->order[rows->count++] = place;
    return SFE_OK;
}

void bulk_rows_rewind(struct bulk_rows *rows, uint32_t count)
{
    SFE_ASSERT(count <= rows->count);
    /* The last first: nothing was placed behind it in its run. */
    while (rows->count > count) {
        struct bulk_row *row = &rows->places[rows->order[--rows->count]];
        row->times--;
        if (row->times == 0) {
            row->hash = 0;
        }
    }
}
