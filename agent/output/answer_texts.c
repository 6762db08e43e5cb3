#include "output/answer_texts.h"

#include "base/arena.h"
#include "base/assert.h"

#define CELL_TEXT_BYTES 59u
#define NO_CELL         UINT32_MAX

struct cell {
    uint32_t next; /* Of the same text, or of the free ones; NO_CELL: the last. */
    uint8_t size;  /* 0: it is free. */
    uint8_t text[CELL_TEXT_BYTES];
};

struct answer_texts {
    struct cell *cells;
    uint32_t count;
    uint32_t free_count;
    uint32_t first_free;
};

static size_t cells_for(size_t bytes)
{
    return (bytes + CELL_TEXT_BYTES - 1u) / CELL_TEXT_BYTES;
}

size_t answer_texts_memory_bytes(size_t bytes)
{
    return sfe_arena_cost(sizeof(struct answer_texts)) +
           sfe_arena_cost(cells_for(bytes) * sizeof(struct cell));
}

struct answer_texts *answer_texts_open(size_t bytes, struct sfe_arena *arena, struct sfe_error *err)
{
    const size_t count = cells_for(bytes);
    struct answer_texts *texts = sfe_arena_take(arena, sizeof(*texts), err);
    struct cell *cells =
        texts == NULL ? NULL : sfe_arena_take(arena, count * sizeof(struct cell), err);

    SFE_ASSERT(count > 0 && count < NO_CELL);
    if (cells == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        cells[i].next = i + 1u == count ? NO_CELL : i + 1u;
        cells[i].size = 0;
    }
    *texts = (struct answer_texts){cells, (uint32_t)count, (uint32_t)count, 0};
    return texts;
}

/* The cells that were taken last are free first. */
static uint32_t take(struct answer_texts *texts, struct sfe_slice text, uint32_t next)
{
    const uint32_t index = texts->first_free;
    struct cell *cell = &texts->cells[index];

    SFE_ASSERT(index < texts->count && cell->size == 0);
    texts->first_free = cell->next;
    texts->free_count--;
    cell->next = next;
    cell->size = (uint8_t)text.size;
    memcpy(cell->text, text.bytes, text.size);
    return index;
}

bool answer_texts_keep(struct answer_texts *texts, struct sfe_slice text, uint32_t *place)
{
    size_t left = text.size;
    uint32_t next = NO_CELL;

    SFE_ASSERT(text.size > 0);
    if (cells_for(text.size) > texts->free_count) {
        return false;
    }
    /* From the end on, so that each cell knows the next one. */
    while (left > 0) {
        const size_t size = left % CELL_TEXT_BYTES == 0 ? CELL_TEXT_BYTES : left % CELL_TEXT_BYTES;
        left -= size;
        next = take(texts, sfe_slice_part(text, left, size), next);
    }
    *place = next;
    return true;
}

void answer_texts_add(const struct answer_texts *texts, uint32_t place, struct sfe_builder *out)
{
    while (place != NO_CELL) {
        const struct cell *cell = &texts->cells[place];
        SFE_ASSERT(place < texts->count && cell->size > 0);
        sfe_builder_add(out, sfe_slice_make(cell->text, cell->size));
        place = cell->next;
    }
}

void answer_texts_drop(struct answer_texts *texts, uint32_t place)
{
    while (place != NO_CELL) {
        struct cell *cell = &texts->cells[place];
        const uint32_t next = cell->next;
        SFE_ASSERT(place < texts->count && cell->size > 0);
        cell->size = 0;
        cell->next = texts->first_free;
        texts->first_free = place;
        texts->free_count++;
        place = next;
    }
}
