#include "output/settle.h"

#include "base/arena.h"
#include "base/assert.h"
#include "port/thread.h"

struct settle {
    struct sfe_mutex *mutex; /* Guards cursor and facts: cloud writes, any thread reads. */
    struct sfe_cursor cursor;
    struct sfe_output_facts facts;
    struct sfe_cursor loaded; /* Never changes. */
    struct sfe_cursor next;   /* Cloud thread: the cursor being made. */
};

size_t settle_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct settle));
}

enum sfe_code settle_open(const struct sfe_cursor *start, struct sfe_arena *arena,
                          struct settle **settle, struct sfe_error *err)
{
    struct settle *opened = sfe_arena_take(arena, sizeof(*opened), err);

    SFE_ASSERT(start->range_count <= SFE_CURSOR_RANGES_MAX);
    if (opened == NULL) {
        return err->code;
    }
    opened->mutex = sfe_mutex_open();
    if (opened->mutex == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    opened->cursor = *start;
    opened->loaded = *start;
    opened->next = *start;
    opened->facts.cursor = start->sequence;
    *settle = opened;
    return SFE_OK;
}

uint64_t settle_end_of_known(const struct settle *settle, uint64_t sequence)
{
    for (uint32_t i = 0; i < settle->loaded.range_count; i++) {
        const struct sfe_cursor_range *range = &settle->loaded.ranges[i];
        if (sequence >= range->begin && sequence < range->end) {
            return range->end;
        }
    }
    return 0;
}

uint64_t settle_count_unknown(const struct settle *settle, uint64_t begin, uint64_t end)
{
    SFE_ASSERT(begin <= end);
    uint64_t count = end - begin;

    for (uint32_t i = 0; i < settle->loaded.range_count; i++) {
        const struct sfe_cursor_range *range = &settle->loaded.ranges[i];
        uint64_t from = range->begin > begin ? range->begin : begin;
        uint64_t to = range->end < end ? range->end : end;
        if (from < to) {
            count -= to - from;
        }
    }
    return count;
}

/* Ranges come in ascending order; what touches the last one is joined to it. */
static void add_range(struct sfe_cursor *cursor, uint64_t begin, uint64_t end)
{
    if (begin >= end) {
        return;
    }
    if (cursor->range_count > 0 && cursor->ranges[cursor->range_count - 1].end == begin) {
        cursor->ranges[cursor->range_count - 1].end = end;
        return;
    }
    if (cursor->range_count < SFE_CURSOR_RANGES_MAX) {
        cursor->ranges[cursor->range_count++] = (struct sfe_cursor_range){begin, end};
    }
}

/* All that was read and is not unsettled is settled: the spaces between the unsettled are the
 * ranges. */
static void add_window_ranges(struct sfe_cursor *cursor, const struct window *window)
{
    uint64_t begin = cursor->sequence;

    for (uint32_t i = 0; i < window->count && cursor->range_count < SFE_CURSOR_RANGES_MAX; i++) {
        const struct window_entry *entry = window_at(window, i);
        if (entry->state != ENTRY_SETTLED) {
            add_range(cursor, begin, entry->sequence);
            begin = window_end_of(window, entry);
        }
    }
    if (window->count > 0) {
        add_range(cursor, begin, window->next_sequence);
    }
}

/* What was settled before and is not read yet stays so. */
static void add_loaded_ranges(struct sfe_cursor *cursor, const struct sfe_cursor *loaded,
                              uint64_t next_sequence)
{
    for (uint32_t i = 0; i < loaded->range_count; i++) {
        uint64_t begin = loaded->ranges[i].begin;
        add_range(cursor, begin > next_sequence ? begin : next_sequence, loaded->ranges[i].end);
    }
}

void settle_publish_cursor(struct settle *settle, const struct window *window)
{
    struct sfe_cursor *next = &settle->next;
    uint64_t before = next->sequence;

    next->sequence = window_base(window);
    next->range_count = 0;
    add_window_ranges(next, window);
    add_loaded_ranges(next, &settle->loaded, window->next_sequence);
    if (next->range_count > 0 && next->ranges[0].begin <= next->sequence) {
        /* Read up to a loaded range and no further: the cursor may step over it. */
        next->sequence = next->ranges[0].end;
        next->range_count--;
        memmove(&next->ranges[0], &next->ranges[1], next->range_count * sizeof(next->ranges[0]));
    }
    SFE_ASSERT(next->sequence >= before);
    sfe_mutex_lock(settle->mutex);
    settle->cursor = *next;
    sfe_mutex_unlock(settle->mutex);
}

void settle_publish_facts(struct settle *settle, const struct sfe_output_facts *facts)
{
    sfe_mutex_lock(settle->mutex);
    settle->facts = *facts;
    sfe_mutex_unlock(settle->mutex);
}

void settle_cursor(struct settle *settle, struct sfe_cursor *cursor)
{
    sfe_mutex_lock(settle->mutex);
    *cursor = settle->cursor;
    sfe_mutex_unlock(settle->mutex);
}

void settle_facts(struct settle *settle, struct sfe_output_facts *facts)
{
    sfe_mutex_lock(settle->mutex);
    *facts = settle->facts;
    sfe_mutex_unlock(settle->mutex);
}

void settle_close(struct settle *settle)
{
    if (settle != NULL) {
        sfe_mutex_close(settle->mutex);
        settle->mutex = NULL;
    }
}
