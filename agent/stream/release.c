/* Giving flash back: whole segments, oldest first, each removal durable before the next, so that a
 * power cut leaves no gap that looks like damage. */
#include "stream/drop.h"
#include "stream/parts.h"

#include "base/assert.h"

/* Is all in it settled, or dropped? The newest always stays: it keeps the sequence. */
static bool may_go(const struct sfe_stream *stream, uint32_t place)
{
    const struct segment_table *table = &stream->table;

    return place + 1u < table->count &&
           (table->items[place + 1u].first_sequence <= stream->released ||
            drop_covers(stream, place));
}

/* Marks the next segment to go, so that readers leave it alone. What is marked already goes first:
 * a new segment that could not be dropped never held anything, and must not be left as the oldest,
 * where recovery would take it for damaged. */
static bool doom_next(struct sfe_stream *stream, struct segment *doomed, uint64_t *limit)
{
    struct segment_table *table = &stream->table;
    uint32_t place = 0;

    while (place < table->count && !table->items[place].is_doomed) {
        place++;
    }
    if (place == table->count) {
        place = 0;
        while (place < table->count && !may_go(stream, place)) {
            place++;
        }
        if (place == table->count) {
            return false;
        }
        table->items[place].is_doomed = true;
    }
    *doomed = table->items[place];
    *limit = place + 1u < table->count ? segment_begin(&table->items[place + 1u]) : UINT64_MAX;
    return true;
}

static enum sfe_code sync_removal(struct sfe_stream *stream, struct sfe_error *err)
{
    const struct sfe_storage *storage = stream->options.storage;

    if (!stream->has_unsynced_removal) {
        return SFE_OK;
    }
    enum sfe_code code = storage->sync_directory(storage->context, err);
    if (code == SFE_OK) {
        stream->has_unsynced_removal = false;
    }
    return code;
}

enum sfe_code stream_release_settled(struct sfe_stream *stream, struct sfe_error *err)
{
    const struct sfe_storage *storage = stream->options.storage;
    struct segment doomed;
    uint64_t limit = 0;

    for (;;) {
        enum sfe_code code = sync_removal(stream, err);
        if (code != SFE_OK) {
            return code;
        }
        sfe_mutex_lock(stream->mutex);
        bool is_found = doom_next(stream, &doomed, &limit);
        sfe_mutex_unlock(stream->mutex);
        if (!is_found) {
            return SFE_OK;
        }
        SFE_ASSERT(stream->file == NULL || doomed.number != stream->current.number);
        if (!stream_put_aside(stream, &doomed, limit)) {
            char name[SEGMENT_NAME_BYTES];
            segment_name(name, stream->name, doomed.number, SEGMENT_SUFFIX);
            code = storage->remove(storage->context, name, err);
            if (code != SFE_OK && code != SFE_E_NOT_FOUND) {
                return code;
            }
        }
        stream->has_unsynced_removal = true;
        sfe_mutex_lock(stream->mutex);
        table_remove(&stream->table, doomed.number);
        stream_measure_room(stream);
        stream->stage.is_full = false;
        sfe_mutex_unlock(stream->mutex);
    }
}

enum sfe_code sfe_stream_release(struct sfe_stream *stream, uint64_t sequence,
                                 struct sfe_error *err)
{
    const uint64_t end = sfe_stream_durable(stream) + 1u;
    enum drop_change change;

    if (sequence > end) {
        sequence = end; /* What comes later is not settled by a promise made before it came. */
    }
    sfe_mutex_lock(stream->mutex);
    if (sequence > stream->released) {
        stream->released = sequence;
        stream_measure_room(stream);
    }
    sfe_mutex_unlock(stream->mutex);
    enum sfe_code code = stream_release_settled(stream, err);
    sfe_mutex_lock(stream->mutex);
    change = drop_note_release(stream);
    sfe_mutex_unlock(stream->mutex);
    drop_tell(stream, change);
    return code;
}
