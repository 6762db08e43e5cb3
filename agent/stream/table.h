/* The kept segments of a stream, in the order of their numbers. Guarded by the stream's mutex. */
#ifndef SFE_STREAM_TABLE_H
#define SFE_STREAM_TABLE_H

#include "stream/segment.h"

struct segment_table {
    struct segment *items;
    uint32_t count;
    uint32_t capacity;
};

/* What a reader must know of a segment; a copy. */
struct segment_view {
    struct segment segment;
    bool has_next;
    uint64_t
        limit; /* Sequences from here on a later segment speaks of; UINT64_MAX: there is none. */
};

/* Adds the newest segment. There must be room. */
void table_add(struct segment_table *table, const struct segment *segment);
void table_remove(struct segment_table *table, uint32_t number);

/* The entry of that number, NULL when there is none. */
struct segment *table_find(struct segment_table *table, uint32_t number);

/* Index of the first kept segment from `begin` on; count when there is none. */
uint32_t table_kept_from(const struct segment_table *table, uint32_t begin);

/* Views of: segment `number`; the kept segment after it; the kept segment that holds `sequence`, or
 * the first one after it. False when there is none. */
bool table_view(const struct segment_table *table, uint32_t number, struct segment_view *view);
bool table_view_after(const struct segment_table *table, uint32_t number,
                      struct segment_view *view);
bool table_view_of(const struct segment_table *table, uint64_t sequence, struct segment_view *view);

/* Of the files of all segments. */
uint64_t table_file_bytes(const struct segment_table *table);

#endif
