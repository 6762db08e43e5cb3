#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"

#define SLOTS_MIN 1024u

static void place(struct index *index, uint64_t hash, uint32_t number)
{
    uint32_t at = (uint32_t)hash & index->mask;
    while (index->slots[at].number != 0) {
        at = (at + 1) & index->mask;
    }
    index->slots[at] = (struct index_slot){hash, number + 1};
    index->used++;
}

static void grow(struct index *index)
{
    struct index old = *index;
    uint32_t count = old.slots == NULL ? SLOTS_MIN : (old.mask + 1) * 2;
    index->slots = memory_take(count * sizeof *index->slots);
    memset(index->slots, 0, count * sizeof *index->slots);
    index->mask = count - 1;
    index->used = 0;
    for (uint32_t i = 0; old.slots != NULL && i <= old.mask; i++) {
        if (old.slots[i].number != 0) {
            place(index, old.slots[i].hash, old.slots[i].number - 1);
        }
    }
    free(old.slots);
}

void index_add(struct index *index, uint64_t hash, uint32_t number)
{
    uint32_t cursor = index_begin(index, hash);
    uint32_t found = index_next(index, hash, &cursor);
    while (found != INDEX_NONE) {
        if (found == number) {
            return;
        }
        found = index_next(index, hash, &cursor);
    }
    if (index->slots == NULL || index->used >= index->mask / 2) {
        grow(index);
    }
    place(index, hash, number);
}

void index_close(struct index *index)
{
    free(index->slots);
    *index = (struct index){NULL, 0, 0};
}
