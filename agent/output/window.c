#include "output/window.h"

#include "base/arena.h"
#include "base/assert.h"

size_t window_memory_bytes(uint32_t capacity)
{
    return sfe_arena_cost(capacity * sizeof(struct window_entry));
}

enum sfe_code window_open(struct window *window, uint32_t capacity, uint64_t next_sequence,
                          struct sfe_arena *arena, struct sfe_error *err)
{
    struct window_entry *entries = sfe_arena_take(arena, capacity * sizeof(*entries), err);

    if (entries == NULL) {
        return err->code;
    }
    *window =
        (struct window){.entries = entries, .capacity = capacity, .next_sequence = next_sequence};
    return SFE_OK;
}

struct window_entry *window_add(struct window *window, uint64_t sequence,
                                struct sfe_stream_place place, int64_t arrival_ns)
{
    SFE_ASSERT(!window_is_full(window));
    SFE_ASSERT(sequence >= window->next_sequence);

    struct window_entry *entry = window_at(window, window->count);
    *entry = (struct window_entry){
        .sequence = sequence,
        .arrival_ns = arrival_ns,
        .place = place,
        .state = ENTRY_WAITING,
        .answer = WINDOW_NO_ANSWER,
    };
    window->count++;
    window->next_sequence = sequence + 1;
    return entry;
}

bool window_pass(struct window *window)
{
    uint32_t before = window->count;

    while (window->count > 0 && window_at(window, 0)->state == ENTRY_SETTLED) {
        window->head = (window->head + 1) % window->capacity;
        window->count--;
    }
    return window->count != before;
}

uint64_t window_base(const struct window *window)
{
    return window->count == 0 ? window->next_sequence : window_at(window, 0)->sequence;
}
