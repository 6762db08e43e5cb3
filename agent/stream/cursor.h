/* Where each output stands in each stream, kept in one append-only log of whole-page snapshots.
 *
 * A snapshot holds every cursor and what was durable of every stream, so the last valid one is all
 * that recovery needs; a torn one costs repeats, never events. Files "cursors-NNNNNN.log"; a new
 * one is begun when one is full, and the old one removed once the new one is durable. Flash thread.
 */
#ifndef SFE_STREAM_CURSOR_H
#define SFE_STREAM_CURSOR_H

#include "base/error.h"
#include "base/limits.h"
#include "port/entropy.h"
#include "port/storage.h"

#include <stdbool.h>

struct sfe_arena;
struct sfe_cursor_log;

#define SFE_CURSOR_RANGES_MAX 32u
#define SFE_CURSOR_NAME_BYTES (2u * SFE_NAME_BYTES_MAX + 2u)

struct sfe_cursor_range {
    uint64_t begin;
    uint64_t end; /* Exclusive. */
};

/* `sequence`: everything below it is settled. `ranges`: settled beyond it, ascending, apart from
 * each other; what does not fit is forgotten and repeated after a crash. */
struct sfe_cursor {
    char name[SFE_CURSOR_NAME_BYTES]; /* "output/stream". */
    uint64_t sequence;
    uint32_t range_count;
    struct sfe_cursor_range ranges[SFE_CURSOR_RANGES_MAX];
};

/* What was durable of a stream. */
struct sfe_cursor_mark {
    char stream[SFE_NAME_BYTES_MAX + 1];
    uint64_t durable;
};

/* What a cursor log with these limits takes from the arena. Pure. */
size_t sfe_cursor_log_memory_bytes(uint32_t cursors_max, uint32_t marks_max);

/* What it takes on flash at most: the file in use, its spare, and one that is being removed. Pure.
 */
uint64_t sfe_cursor_log_flash_bytes(uint32_t cursors_max, uint32_t marks_max);

/* Opens and loads the last valid snapshot. Errors: SFE_E_STORAGE, SFE_E_CORRUPT (a newer format),
 * SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_cursor_log_open(const struct sfe_storage *storage,
                                               const struct sfe_entropy *entropy,
                                               uint32_t cursors_max, uint32_t marks_max,
                                               struct sfe_arena *arena, struct sfe_cursor_log **log,
                                               struct sfe_error *err);

/* What the last snapshot says; NULL when it says nothing of that name. Lives until the next save.
 * Cursors of outputs that are no longer configured are kept by every save until they are dropped by
 * hand. */
const struct sfe_cursor *sfe_cursor_log_find(const struct sfe_cursor_log *log, const char *name);
const struct sfe_cursor_mark *sfe_cursor_log_mark(const struct sfe_cursor_log *log,
                                                  const char *stream);

/* One after the other, in no order; NULL behind the last. Lives until the next save. */
const struct sfe_cursor *sfe_cursor_log_at(const struct sfe_cursor_log *log, uint32_t index);

/* True where the names that are kept and so many more fit into a snapshot. */
bool sfe_cursor_log_has_room(const struct sfe_cursor_log *log, uint32_t cursors, uint32_t marks);

/* Writes a snapshot of `cursors` and `marks` and makes it durable. On failure the last one stands
 * and the next save begins a new file. */
SFE_MUST_USE enum sfe_code sfe_cursor_log_save(struct sfe_cursor_log *log,
                                               const struct sfe_cursor *cursors, uint32_t count,
                                               const struct sfe_cursor_mark *marks,
                                               uint32_t mark_count, struct sfe_error *err);

/* Writes a snapshot without cursor `name`, all else as it was, and makes it durable.
 * SFE_E_NOT_FOUND: there is none of that name. After another failure the last snapshot stands. */
SFE_MUST_USE enum sfe_code sfe_cursor_log_forget(struct sfe_cursor_log *log, const char *name,
                                                 struct sfe_error *err);

/* Since open: bytes written and syncs. */
uint64_t sfe_cursor_log_written_bytes(const struct sfe_cursor_log *log);
uint64_t sfe_cursor_log_syncs(const struct sfe_cursor_log *log);

/* Releases the file. NULL is allowed. */
void sfe_cursor_log_close(struct sfe_cursor_log *log);

#endif
