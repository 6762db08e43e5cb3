#include "output/window.h"

#include "base/arena.h"
#include "base/assert.h"

/* The oldest may stand at the end of its block. */
static uint32_t block_count(uint32_t capacity)
{
    return (capacity + WINDOW_BLOCK_EVENTS - 1u) / WINDOW_BLOCK_EVENTS + 1u;
}

size_t window_memory_bytes(uint32_t capacity)
{
    const size_t blocks = block_count(capacity);

    return sfe_arena_cost(blocks * WINDOW_BLOCK_EVENTS * sizeof(struct window_entry)) +
           sfe_arena_cost(blocks * WINDOW_BLOCK_EVENTS * sizeof(struct window_trouble)) +
           3u * sfe_arena_cost(blocks * sizeof(uint16_t));
}

enum sfe_code window_open(struct window *window, uint32_t capacity, uint64_t next_sequence,
                          struct sfe_arena *arena, struct sfe_error *err)
{
    const uint32_t blocks = block_count(capacity);
    const size_t events = (size_t)blocks * WINDOW_BLOCK_EVENTS;

    SFE_ASSERT(blocks <= UINT16_MAX);
    *window = (struct window){
        .entries = sfe_arena_take(arena, events * sizeof(struct window_entry), err),
        .troubles = sfe_arena_take(arena, events * sizeof(struct window_trouble), err),
        .ring = sfe_arena_take(arena, blocks * sizeof(uint16_t), err),
        .positions = sfe_arena_take(arena, blocks * sizeof(uint16_t), err),
        .free_blocks = sfe_arena_take(arena, blocks * sizeof(uint16_t), err),
        .block_count = blocks,
        .free_count = blocks,
        .capacity = capacity,
        .next_sequence = next_sequence,
    };
    if (window->entries == NULL || window->troubles == NULL || window->ring == NULL ||
        window->positions == NULL || window->free_blocks == NULL) {
        return SFE_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < blocks; i++) {
        window->free_blocks[i] = (uint16_t)(blocks - 1u - i);
    }
    return SFE_OK;
}

/* One more block behind the last. */
static void add_block(struct window *window)
{
    const uint32_t used = window->block_count - window->free_count;
    const uint32_t position = (window->first + used) % window->block_count;

    SFE_ASSERT(window->free_count > 0);
    window->free_count--;
    const uint16_t block = window->free_blocks[window->free_count];
    window->ring[position] = block;
    window->positions[block] = (uint16_t)position;
}

/* The first block is passed. */
static void free_block(struct window *window)
{
    window->free_blocks[window->free_count] = window->ring[window->first];
    window->free_count++;
    window->first = (window->first + 1u) % window->block_count;
    window->head = 0;
}

struct window_trouble *window_trouble(const struct window *window, struct window_entry *entry)
{
    struct window_trouble *trouble = &window->troubles[window_index(window, entry)];

    if (!entry->has_trouble) {
        *trouble = (struct window_trouble){0};
        entry->has_trouble = true;
    }
    return trouble;
}

const struct window_trouble *window_known_trouble(const struct window *window,
                                                  const struct window_entry *entry)
{
    SFE_ASSERT(entry->has_trouble);
    return &window->troubles[window_index(window, entry)];
}

struct window_entry *window_add(struct window *window, uint64_t sequence,
                                struct sfe_stream_place place, int64_t arrival_ns)
{
    SFE_ASSERT(!window_is_full(window));
    SFE_ASSERT(sequence >= window->next_sequence);

    const uint32_t used = window->block_count - window->free_count;
    if (window->head + window->count == used * WINDOW_BLOCK_EVENTS) {
        add_block(window);
    }
    struct window_entry *entry = window_at(window, window->count);
    *entry = (struct window_entry){
        .sequence = sequence,
        .arrival_ns = arrival_ns,
        .place = place,
        .state = ENTRY_WAITING,
    };
    window->count++;
    window->next_sequence = sequence + 1;
    return entry;
}

void window_drop_last(struct window *window)
{
    SFE_ASSERT(window->count > 0);
    SFE_ASSERT(window_at(window, window->count - 1u)->state == ENTRY_SETTLED);
    window->count--;
}

struct window_entry *window_find(const struct window *window, uint64_t sequence)
{
    uint32_t begin = 0;
    uint32_t end = window->count;

    while (begin < end) {
        const uint32_t middle = begin + (end - begin) / 2u;
        struct window_entry *entry = window_at(window, middle);
        if (entry->sequence == sequence) {
            return entry;
        }
        if (entry->sequence < sequence) {
            begin = middle + 1u;
        } else {
            end = middle;
        }
    }
    return NULL;
}

bool window_pass(struct window *window)
{
    uint32_t before = window->count;

    while (window->count > 0 && window_at(window, 0)->state == ENTRY_SETTLED) {
        window->head++;
        window->count--;
        if (window->head == WINDOW_BLOCK_EVENTS) {
            free_block(window);
        }
    }
    return window->count != before;
}

uint64_t window_base(const struct window *window)
{
    return window->count == 0 ? window->next_sequence : window_at(window, 0)->sequence;
}
