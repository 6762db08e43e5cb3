/* The bytes of the cursor log: headers of its files, and the snapshots in them. The bytes:
 * FORMAT.md. Pure; any thread. */
#ifndef SFE_STREAM_CURSOR_SNAPSHOT_H
#define SFE_STREAM_CURSOR_SNAPSHOT_H

#include "stream/cursor.h"

#define CURSOR_HEADER_BYTES   20u
#define SNAPSHOT_HEADER_BYTES 32u

struct cursor_set {
    struct sfe_cursor *cursors;
    struct sfe_cursor_mark *marks;
    uint32_t cursor_count;
    uint32_t cursor_capacity;
    uint32_t mark_count;
    uint32_t mark_capacity;
};

enum cursor_header { CURSOR_HEADER_VALID, CURSOR_HEADER_BAD, CURSOR_HEADER_NEWER };

void cursor_header_write(uint32_t salt, uint8_t *bytes);
enum cursor_header cursor_header_parse(struct sfe_slice header, uint32_t *salt);

/* What a snapshot of that many takes at most, in whole pages. */
size_t snapshot_bytes_max(uint32_t cursors, uint32_t marks);

/* A snapshot is begun, filled with so many cursors and marks as begun with, and sealed: padded to
 * whole pages. */
void snapshot_begin(struct sfe_builder *builder);
void snapshot_add_cursor(struct sfe_builder *builder, const struct sfe_cursor *cursor);
void snapshot_add_mark(struct sfe_builder *builder, const struct sfe_cursor_mark *mark);
void snapshot_seal(struct sfe_builder *builder, uint64_t generation, uint32_t cursor_count,
                   uint32_t mark_count, uint32_t salt);

/* Size of the snapshot whose header is this, padding not counted; 0 where it is none. */
size_t snapshot_size(struct sfe_slice header);

/* What a snapshot's header says, unchecked. */
uint64_t snapshot_generation(struct sfe_slice header);

/* Reads a whole snapshot of that size. False where it does not check or does not fit; then `set` is
 * as before. */
bool snapshot_parse(struct sfe_slice snapshot, uint32_t salt, uint64_t *generation,
                    struct cursor_set *set);

/* NULL when there is none of that name. */
struct sfe_cursor *cursor_set_find(const struct cursor_set *set, const char *name);
struct sfe_cursor_mark *cursor_set_mark(const struct cursor_set *set, const char *stream);

#endif
