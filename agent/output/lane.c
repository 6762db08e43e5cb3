#include "output/lane.h"

#include "base/arena.h"
#include "base/assert.h"

/* Spreads keys whose low bits are alike (2^64 over the golden ratio). */
#define SPREAD 0x9e3779b97f4a7c15u

struct lane_key {
    uint64_t key;
    uint32_t place; /* That points here. */
    uint32_t slot;
};

struct sfe_lane {
    struct lane_key *keys; /* Those that are held, as they came. */
    uint32_t held;
    uint32_t keys_max;
    /* Of a key, its place among `keys`; stale where that does not point back. Open addressing, at
     * most half full. */
    uint32_t *places;
    uint32_t mask;
};

/* A power of two, at least twice the keys. */
static uint32_t place_count(uint32_t keys_max)
{
    uint32_t count = 16;

    SFE_ASSERT(keys_max <= UINT32_MAX / 4);
    while (count < 2 * keys_max) {
        count *= 2;
    }
    return count;
}

size_t sfe_lane_memory_bytes(uint32_t keys_max)
{
    return sfe_arena_cost(sizeof(struct sfe_lane)) +
           sfe_arena_cost(keys_max * sizeof(struct lane_key)) +
           sfe_arena_cost(place_count(keys_max) * sizeof(uint32_t));
}

struct sfe_lane *sfe_lane_open(uint32_t keys_max, struct sfe_arena *arena, struct sfe_error *err)
{
    const uint32_t count = place_count(keys_max);

    SFE_ASSERT(keys_max > 0);
    struct sfe_lane *lane = sfe_arena_take(arena, sizeof(*lane), err);
    struct lane_key *keys =
        lane == NULL ? NULL : sfe_arena_take(arena, keys_max * sizeof(*keys), err);
    uint32_t *places = keys == NULL ? NULL : sfe_arena_take(arena, count * sizeof(*places), err);
    if (places == NULL) {
        return NULL;
    }
    *lane =
        (struct sfe_lane){.keys = keys, .keys_max = keys_max, .places = places, .mask = count - 1};
    return lane;
}

void sfe_lane_begin(struct sfe_lane *lane)
{
    lane->held = 0;
}

/* The key at a place of the table; NULL: the place is free. */
static struct lane_key *key_at(const struct sfe_lane *lane, uint32_t place)
{
    const uint32_t index = lane->places[place];

    return index < lane->held && lane->keys[index].place == place ? &lane->keys[index] : NULL;
}

/* The held key, or NULL and the free place where it would go. */
static struct lane_key *find(const struct sfe_lane *lane, uint64_t key, uint32_t *place)
{
    struct lane_key *held;

    *place = (uint32_t)(key * SPREAD >> 32) & lane->mask;
    while ((held = key_at(lane, *place)) != NULL && held->key != key) {
        *place = (*place + 1) & lane->mask;
    }
    return held;
}

static struct lane_key *hold(struct sfe_lane *lane, uint64_t key, uint32_t place)
{
    SFE_ASSERT(lane->held < lane->keys_max);
    lane->places[place] = lane->held;
    lane->keys[lane->held] = (struct lane_key){.key = key, .place = place};
    return &lane->keys[lane->held++];
}

bool sfe_lane_claim(struct sfe_lane *lane, uint64_t key)
{
    uint32_t place = 0;

    if (key == 0) {
        return true;
    }
    if (find(lane, key, &place) != NULL) {
        return false;
    }
    (void)hold(lane, key, place);
    return true;
}

void sfe_lane_give(struct sfe_lane *lane, uint64_t key, uint32_t slot)
{
    uint32_t place = 0;
    struct lane_key *held = find(lane, key, &place);

    SFE_ASSERT(key != 0);
    held = held == NULL ? hold(lane, key, place) : held;
    held->slot = slot;
}

bool sfe_lane_find(const struct sfe_lane *lane, uint64_t key, uint32_t *slot)
{
    uint32_t place = 0;
    const struct lane_key *held = find(lane, key, &place);

    *slot = held == NULL ? 0 : held->slot;
    return held != NULL;
}

bool sfe_lane_is_held(const struct sfe_lane *lane, uint64_t key)
{
    uint32_t place = 0;

    return key != 0 && find(lane, key, &place) != NULL;
}
