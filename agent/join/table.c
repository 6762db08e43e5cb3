#include "join/table.h"

#include "base/arena.h"
#include "base/assert.h"

#define NONE UINT32_MAX

/* A power of two, at least as many as there are items. */
static uint32_t place_count(uint32_t capacity)
{
    uint32_t count = 16;

    SFE_ASSERT(capacity <= UINT32_MAX / 4u);
    while (count < capacity) {
        count *= 2u;
    }
    return count;
}

size_t join_table_memory_bytes(uint32_t capacity)
{
    return sfe_arena_cost(capacity * sizeof(struct join_item)) +
           sfe_arena_cost(place_count(capacity) * sizeof(uint32_t));
}

enum sfe_code join_table_open(struct join_table *table, uint32_t capacity, struct sfe_arena *arena,
                              struct sfe_error *err)
{
    const uint32_t places = place_count(capacity);

    SFE_ASSERT(capacity > 0);
    *table = (struct join_table){
        .items = sfe_arena_take(arena, capacity * sizeof(struct join_item), err),
        .places = sfe_arena_take(arena, places * sizeof(uint32_t), err),
        .mask = places - 1u,
        .capacity = capacity,
        .first = NONE,
        .last = NONE,
    };
    if (table->items == NULL || table->places == NULL) {
        return SFE_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < places; i++) {
        table->places[i] = NONE;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        table->items[i].next = i + 1u < capacity ? i + 1u : NONE;
    }
    return SFE_OK;
}

static struct join_item *at(const struct join_table *table, uint32_t index)
{
    return index == NONE ? NULL : &table->items[index];
}

static uint32_t index_of(const struct join_table *table, const struct join_item *item)
{
    return (uint32_t)(item - table->items);
}

static uint32_t *place_of(const struct join_table *table, const struct sfe_hash128 *key)
{
    uint32_t bits = 0;

    memcpy(&bits, key->bytes, sizeof(bits));
    return &table->places[bits & table->mask];
}

static bool has_key(const struct join_item *item, const struct sfe_hash128 *key)
{
    return memcmp(item->key.bytes, key->bytes, sizeof(key->bytes)) == 0;
}

struct join_item *join_table_add(struct join_table *table, const struct sfe_hash128 *key,
                                 uint64_t sequence)
{
    const uint32_t index = table->free_first;
    uint32_t *place = place_of(table, key);

    SFE_ASSERT(!join_table_is_full(table) && index != NONE);
    struct join_item *item = &table->items[index];
    table->free_first = item->next;
    *item = (struct join_item){
        .key = *key,
        .sequence = sequence,
        .next = NONE,
        .before = table->last,
        .same_place = *place,
    };
    *place = index;
    if (table->last == NONE) {
        table->first = index;
    } else {
        table->items[table->last].next = index;
    }
    table->last = index;
    table->count++;
    return item;
}

void join_table_remove(struct join_table *table, struct join_item *item)
{
    const uint32_t index = index_of(table, item);
    uint32_t *link = place_of(table, &item->key);

    SFE_ASSERT(table->count > 0);
    while (*link != index) {
        SFE_ASSERT(*link != NONE);
        link = &table->items[*link].same_place;
    }
    *link = item->same_place;
    *(item->before == NONE ? &table->first : &table->items[item->before].next) = item->next;
    *(item->next == NONE ? &table->last : &table->items[item->next].before) = item->before;
    item->next = table->free_first;
    table->free_first = index;
    table->count--;
}

static struct join_item *with_key(const struct join_table *table, uint32_t index,
                                  const struct sfe_hash128 *key)
{
    struct join_item *item = at(table, index);

    while (item != NULL && !has_key(item, key)) {
        item = at(table, item->same_place);
    }
    return item;
}

struct join_item *join_table_find(const struct join_table *table, const struct sfe_hash128 *key)
{
    return with_key(table, *place_of(table, key), key);
}

struct join_item *join_table_find_next(const struct join_table *table, const struct join_item *item)
{
    return with_key(table, item->same_place, &item->key);
}

struct join_item *join_table_front(const struct join_table *table)
{
    return at(table, table->first);
}

struct join_item *join_table_next(const struct join_table *table, const struct join_item *item)
{
    return at(table, item->next);
}
