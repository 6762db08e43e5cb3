#include "stream/table.h"

#include "base/assert.h"

/* Index of the first entry whose number is `number` or more. */
static uint32_t place_of(const struct segment_table *table, uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = table->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->items[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void table_add(struct segment_table *table, const struct segment *segment)
{
    SFE_ASSERT(table->count < table->capacity);
    SFE_ASSERT(table->count == 0 || table->items[table->count - 1].number < segment->number);
    table->items[table->count++] = *segment;
}

void table_remove(struct segment_table *table, uint32_t number)
{
    uint32_t place = place_of(table, number);

    SFE_ASSERT(place < table->count && table->items[place].number == number);
    table->count--;
    memmove(&table->items[place], &table->items[place + 1],
            (table->count - place) * sizeof(*table->items));
}

struct segment *table_find(struct segment_table *table, uint32_t number)
{
    uint32_t place = place_of(table, number);

    return place < table->count && table->items[place].number == number ? &table->items[place]
                                                                        : NULL;
}

uint32_t table_kept_from(const struct segment_table *table, uint32_t begin)
{
    while (begin < table->count && table->items[begin].is_doomed) {
        begin++;
    }
    return begin;
}

static bool view_at(const struct segment_table *table, uint32_t place, struct segment_view *view)
{
    if (place >= table->count || table->items[place].is_doomed) {
        return false;
    }
    uint32_t next = table_kept_from(table, place + 1);
    view->segment = table->items[place];
    view->has_next = next < table->count;
    view->limit = view->has_next ? segment_begin(&table->items[next]) : UINT64_MAX;
    return true;
}

bool table_view(const struct segment_table *table, uint32_t number, struct segment_view *view)
{
    uint32_t place = place_of(table, number);

    return place < table->count && table->items[place].number == number &&
           view_at(table, place, view);
}

bool table_view_after(const struct segment_table *table, uint32_t number, struct segment_view *view)
{
    return view_at(table, table_kept_from(table, place_of(table, number + 1)), view);
}

bool table_view_of(const struct segment_table *table, uint64_t sequence, struct segment_view *view)
{
    /* The newest that begins at or before it: an older one may hold the same sequences, given up.
     */
    for (uint32_t place = table->count; place > 0; place--) {
        if (table->items[place - 1].first_sequence <= sequence && view_at(table, place - 1, view)) {
            return true;
        }
    }
    return view_at(table, table_kept_from(table, 0), view);
}

uint64_t table_file_bytes(const struct segment_table *table)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < table->count; i++) {
        bytes += table->items[i].file_bytes;
    }
    return bytes;
}
