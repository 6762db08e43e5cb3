#include "output/lane.h"

#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

/* Spreads keys whose low bits are alike (2^64 over the golden ratio). */
#define SPREAD 0x9e3779b97f4a7c15u

struct lane_place {
    uint64_t key;
    uint32_t walk; /* Of another walk: the place is free. */
    uint32_t slot;
};

struct sfe_lane {
    struct lane_place *places; /* Open addressing, at most half full. */
    uint32_t mask;
    uint32_t keys_max;
    uint32_t walk;
    uint32_t held;
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
           sfe_arena_cost(place_count(keys_max) * sizeof(struct lane_place));
}

struct sfe_lane *sfe_lane_open(uint32_t keys_max, struct sfe_arena *arena, struct sfe_error *err)
{
    uint32_t count = place_count(keys_max);

    SFE_ASSERT(keys_max > 0);
    struct sfe_lane *lane = sfe_arena_take(arena, sizeof(*lane), err);
    struct lane_place *places =
        lane == NULL ? NULL : sfe_arena_take(arena, count * sizeof(*places), err);
    if (places == NULL) {
        return NULL;
    }
    *lane = (struct sfe_lane){.places = places, .mask = count - 1, .keys_max = keys_max, .walk = 1};
    return lane;
}

void sfe_lane_begin(struct sfe_lane *lane)
{
    lane->held = 0;
    lane->walk++;
    if (lane->walk == 0) {
        memset(lane->places, 0, ((size_t)lane->mask + 1) * sizeof(*lane->places));
        lane->walk = 1;
    }
}

/* The place of `key`, or the free one where it would go. */
static struct lane_place *find(const struct sfe_lane *lane, uint64_t key)
{
    uint32_t index = (uint32_t)(key * SPREAD >> 32) & lane->mask;

    while (lane->places[index].walk == lane->walk && lane->places[index].key != key) {
        index = (index + 1) & lane->mask;
    }
    return &lane->places[index];
}

bool sfe_lane_claim(struct sfe_lane *lane, uint64_t key)
{
    if (key == 0) {
        return true;
    }
    struct lane_place *place = find(lane, key);
    if (place->walk == lane->walk) {
        return false;
    }
    SFE_ASSERT(lane->held < lane->keys_max);
    lane->held++;
    *place = (struct lane_place){key, lane->walk, 0};
    return true;
}

void sfe_lane_give(struct sfe_lane *lane, uint64_t key, uint32_t slot)
{
    struct lane_place *place = find(lane, key);

    SFE_ASSERT(key != 0);
    lane->held += place->walk != lane->walk;
    SFE_ASSERT(lane->held <= lane->keys_max);
    *place = (struct lane_place){key, lane->walk, slot};
}

bool sfe_lane_find(const struct sfe_lane *lane, uint64_t key, uint32_t *slot)
{
    const struct lane_place *place = find(lane, key);

    *slot = place->slot;
    return place->walk == lane->walk;
}

bool sfe_lane_is_held(const struct sfe_lane *lane, uint64_t key)
{
    return key != 0 && find(lane, key)->walk == lane->walk;
}
