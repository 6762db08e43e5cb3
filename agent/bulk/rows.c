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
    return sfe_arena_cost(rows_max * sizeof(struct bulk_row)) +
           sfe_arena_cost(place_count(rows_max) * sizeof(uint32_t)) +
           sfe_arena_cost(rows_max * sizeof(uint32_t));
}

enum sfe_code bulk_rows_open(struct bulk_rows *rows, uint32_t rows_max, struct sfe_arena *arena,
                             struct sfe_error *err)
{
    const uint32_t count = place_count(rows_max);
    struct bulk_row *ids = sfe_arena_take(arena, rows_max * sizeof(*ids), err);
    uint32_t *places = sfe_arena_take(arena, count * sizeof(*places), err);
    uint32_t *order = sfe_arena_take(arena, rows_max * sizeof(*order), err);

    if (ids == NULL || places == NULL || order == NULL) {
        return SFE_E_NO_MEMORY;
    }
    *rows = (struct bulk_rows){
        .ids = ids, .places = places, .order = order, .mask = count - 1, .rows_max = rows_max};
    return SFE_OK;
}

uint64_t bulk_rows_hash(uint32_t map, struct sfe_slice external_id)
{
    return collections_hash_of_map(collections_hash_id(external_id), map);
}

/* The place of `hash`, or the free one where it would go. */
static uint32_t *place_of(const struct bulk_rows *rows, uint64_t hash)
{
    uint32_t index = (uint32_t)(hash * SPREAD >> 32) & rows->mask;

    while (rows->places[index] != 0 && rows->ids[rows->places[index] - 1].hash != hash) {
        index = (index + 1) & rows->mask;
    }
    return &rows->places[index];
}

struct bulk_row *bulk_rows_find(const struct bulk_rows *rows, uint64_t hash)
{
    const uint32_t place = *place_of(rows, hash);

    return place == 0 ? NULL : &rows->ids[place - 1];
}

enum sfe_code bulk_rows_add(struct bulk_rows *rows, uint64_t hash, uint32_t map, uint32_t event)
{
    uint32_t *place = place_of(rows, hash);

    SFE_ASSERT(hash != 0);
    if (*place != 0 && rows->ids[*place - 1].event != event) {
        return SFE_E_AGAIN;
    }
    if (rows->count == rows->rows_max ||
        (*place != 0 && rows->ids[*place - 1].times == UINT16_MAX)) {
        return SFE_E_FULL;
    }
    if (*place == 0) {
        rows->ids[rows->id_count] =
            (struct bulk_row){.hash = hash, .event = event, .map = (uint8_t)map};
        *place = ++rows->id_count;
    }
    rows->ids[*place - 1].times++;
    rows->order[rows->count++] = *place - 1;
    return SFE_OK;
}

void bulk_rows_rewind(struct bulk_rows *rows, uint32_t count)
{
    SFE_ASSERT(count <= rows->count);
    /* The last first: nothing was placed behind it in its run. */
    while (rows->count > count) {
        struct bulk_row *row = bulk_rows_at(rows, --rows->count);
        row->times--;
        if (row->times == 0) {
            *place_of(rows, row->hash) = 0;
            rows->id_count--;
            SFE_ASSERT(row == &rows->ids[rows->id_count]);
        }
    }
}
