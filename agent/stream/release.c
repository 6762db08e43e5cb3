/* Giving flash back: whole segments, oldest first, each removal durable before the next, so that a
 * power cut leaves no gap that looks like damage. */
#include "stream/parts.h"

#include "base/assert.h"

/* Marks the next segment to go, so that readers leave it alone. What is marked already goes first:
 * a new segment that could not be dropped never held anything, and must not be left as the oldest,
 * where recovery would take it for damaged. The newest always stays: it keeps the sequence. */
static bool doom_next(struct sfe_stream *stream, uint32_t *number)
{
    struct segment_table *table = &stream->table;
    uint32_t place = 0;

    while (place < table->count && !table->items[place].is_doomed) {
        place++;
    }
    if (place == table->count) {
        if (table->count < 2 || table->items[1].first_sequence > stream->released) {
            return false;
        }
        place = 0;
        table->items[0].is_doomed = true;
    }
    *number = table->items[place].number;
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
    uint32_t number = 0;

    for (;;) {
        enum sfe_code code = sync_removal(stream, err);
        if (code != SFE_OK) {
            return code;
        }
        sfe_mutex_lock(stream->mutex);
        bool is_found = doom_next(stream, &number);
        sfe_mutex_unlock(stream->mutex);
        if (!is_found) {
            return SFE_OK;
        }
        SFE_ASSERT(stream->file == NULL || number != stream->current.number);
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, stream->name, number, SEGMENT_SUFFIX);
        code = storage->remove(storage->context, name, err);
        if (code != SFE_OK && code != SFE_E_NOT_FOUND) {
            return code;
        }
        stream->has_unsynced_removal = true;
        sfe_mutex_lock(stream->mutex);
        table_remove(&stream->table, number);
        stream_measure_room(stream);
        stream->stage.is_full = false;
        sfe_mutex_unlock(stream->mutex);
    }
}

enum sfe_code sfe_stream_release(struct sfe_stream *stream, uint64_t sequence,
                                 struct sfe_error *err)
{
    const uint64_t end = sfe_stream_durable(stream) + 1u;

    if (sequence > end) {
        sequence = end; /* What comes later is not settled by a promise made before it came. */
    }
    sfe_mutex_lock(stream->mutex);
    if (sequence > stream->released) {
        stream->released = sequence;
        stream_measure_room(stream);
    }
    sfe_mutex_unlock(stream->mutex);
    return stream_release_settled(stream, err);
}
