/* Writing frames. What is reported durable was covered by a sync that succeeded, in a file whose
 * name and header are durable as well. */
#include "stream/parts.h"

#include "base/assert.h"

/* Nothing more is written to the current file. Giving back its empty space is a kindness only: all
 * that counts is below. */
static void end_segment(struct sfe_stream *stream)
{
    const struct sfe_storage *storage = stream->options.storage;
    struct sfe_error ignored;
    const uint32_t end = stream->current.durable_end;

    bool is_cut = storage->truncate(storage->context, stream->file, end, &ignored) == SFE_OK;
    storage->close(storage->context, stream->file);
    stream->file = NULL;
    sfe_mutex_lock(stream->mutex);
    if (is_cut) {
        struct segment *kept = table_find(&stream->table, stream->current.number);
        SFE_ASSERT(kept != NULL && kept->durable_end == end);
        kept->file_bytes = end;
    }
    stream_measure_room(stream);
    sfe_mutex_unlock(stream->mutex);
}

/* A new segment that never held anything durable goes. Where it cannot, it stays in the table to be
 * removed later. */
static void drop_new_segment(struct sfe_stream *stream)
{
    const struct sfe_storage *storage = stream->options.storage;
    char name[SEGMENT_NAME_BYTES];
    struct sfe_error ignored;

    storage->close(storage->context, stream->file);
    stream->file = NULL;
    segment_name(name, stream->name, stream->current.number, SEGMENT_SUFFIX);
    enum sfe_code code = storage->remove(storage->context, name, &ignored);
    if (code != SFE_OK && code != SFE_E_NOT_FOUND) {
        sfe_mutex_lock(stream->mutex);
        stream->current.is_doomed = true;
        table_add(&stream->table, &stream->current);
        sfe_mutex_unlock(stream->mutex);
    }
}

/* After a failed write or sync the file is never trusted again beyond what was durable before. */
static void give_up_segment(struct sfe_stream *stream, bool is_new)
{
    if (is_new) {
        drop_new_segment(stream);
    } else {
        end_segment(stream);
    }
}

static bool keeps_doomed(const struct segment_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->items[i].is_doomed) {
            return true;
        }
    }
    return false;
}

/* New segments that could neither be used nor removed must not pile up beyond the quota. */
static enum sfe_code make_way(struct sfe_stream *stream, struct sfe_error *err)
{
    if (!keeps_doomed(&stream->table)) {
        return SFE_OK;
    }
    enum sfe_code code = stream_release_settled(stream, err);
    return table_file_bytes(&stream->table) > stream->options.quota_bytes ? code : SFE_OK;
}

/* Creates the file and keeps its space; the header is written with the first frame. */
static enum sfe_code begin_segment(struct sfe_stream *stream, uint64_t first_sequence,
                                   struct sfe_error *err)
{
    const struct sfe_storage *storage = stream->options.storage;
    const struct sfe_entropy *entropy = stream->options.entropy;
    char name[SEGMENT_NAME_BYTES];
    struct segment segment = {
        .first_sequence = first_sequence,
        .number = stream->next_number,
        .durable_end = SEGMENT_BEGIN,
        .file_bytes = stream->options.segment_bytes,
    };

    SFE_ASSERT(stream->file == NULL);
    if (stream->table.count + 1 >= stream->table.capacity || stream->next_number == UINT32_MAX) {
        return sfe_fail(err, SFE_E_NO_SPACE, "too many segments are kept");
    }
    enum sfe_code code = make_way(stream, err);
    if (code != SFE_OK) {
        return sfe_within(err, "segments that should go cannot be removed");
    }
    memcpy(segment.boot_id, stream->boot_id, sizeof(segment.boot_id));
    code = entropy->fill(entropy->context, &segment.salt, sizeof(segment.salt), err);
    if (code != SFE_OK) {
        return sfe_within(err, "no salt for a segment");
    }
    stream->next_number++;
    segment_name(name, stream->name, segment.number, SEGMENT_SUFFIX);
    code = storage->open(storage->context, name, SFE_STORAGE_CREATE, &stream->file, err);
    if (code != SFE_OK) {
        stream->file = NULL;
        return sfe_within(err, "cannot begin '%s'", name);
    }
    stream->current = segment;
    code = storage->allocate(storage->context, stream->file, stream->options.segment_bytes, err);
    if (code != SFE_OK) {
        drop_new_segment(stream);
        return sfe_within(err, "cannot begin '%s'", name);
    }
    segment_header_write(&segment, stream->name, stream->header_bytes);
    return SFE_OK;
}

/* One write and one sync; a new segment's name is made durable too. */
static enum sfe_code write_frame(struct sfe_stream *stream, struct stage_buffer *buffer,
                                 struct frame *frame, bool is_new, struct sfe_error *err)
{
    const struct sfe_storage *storage = stream->options.storage;
    const uint32_t offset = is_new ? 0 : stream->current.durable_end;
    struct sfe_slice parts[2];
    size_t count = 0;

    frame->durable_end = offset;
    frame_seal(frame, stream->current.salt, buffer->bytes);
    if (is_new) {
        parts[count++] = sfe_slice_make(stream->header_bytes, SEGMENT_BEGIN);
    }
    parts[count++] = sfe_slice_make(buffer->bytes, frame_bytes(frame));
    enum sfe_code code = storage->write(storage->context, stream->file, offset, parts, count, err);
    if (code == SFE_OK) {
        code = storage->sync(storage->context, stream->file, err);
    }
    if (code == SFE_OK && is_new) {
        code = storage->sync_directory(storage->context, err);
    }
    return code;
}

static void note_durable(struct sfe_stream *stream, const struct frame *frame, bool is_new,
                         uint64_t payload_bytes)
{
    const uint64_t durable = frame_end_sequence(frame) - 1u;
    const uint64_t now_ns = sfe_clock_monotonic_ns(stream->options.clock);

    stream->current.durable_end += frame_bytes(frame);
    sfe_mutex_lock(stream->mutex);
    if (is_new) {
        table_add(&stream->table, &stream->current);
    }
    struct segment *kept = table_find(&stream->table, stream->current.number);
    SFE_ASSERT(kept != NULL && !kept->is_doomed);
    kept->durable_end = stream->current.durable_end;
    SFE_ASSERT(durable > atomic_load_explicit(&stream->durable, memory_order_relaxed));
    atomic_store_explicit(&stream->durable, durable, memory_order_release);
    stage_done(&stream->stage);
    stream_measure_room(stream);
    stream->commit_end_ns = now_ns;
    stream->is_failing = false;
    stream->counts.written_bytes += frame_bytes(frame) + (is_new ? SEGMENT_BEGIN : 0u);
    stream->counts.payload_bytes += payload_bytes;
    stream->counts.syncs++;
    sfe_mutex_unlock(stream->mutex);
}

static void note_failure(struct sfe_stream *stream, uint64_t now_ns, const struct sfe_error *err)
{
    sfe_mutex_lock(stream->mutex);
    stream->is_failing = true;
    stream->failure = *err;
    stream->retry_ns = now_ns + COMMIT_RETRY_NS;
    stream_measure_room(stream);
    sfe_mutex_unlock(stream->mutex);
}

static enum sfe_code commit_buffer(struct sfe_stream *stream, struct stage_buffer *buffer,
                                   struct sfe_error *err)
{
    struct frame frame = stage_frame(buffer);
    const uint64_t payload_bytes = buffer->payload_bytes;
    enum sfe_code code = SFE_OK;

    SFE_ASSERT(frame_bytes(&frame) <= stream->options.segment_bytes - SEGMENT_BEGIN);
    if (stream->file != NULL &&
        frame_bytes(&frame) > stream->options.segment_bytes - stream->current.durable_end) {
        end_segment(stream);
    }
    const bool is_new = stream->file == NULL;
    if (is_new) {
        code = begin_segment(stream, frame.first_sequence, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    code = write_frame(stream, buffer, &frame, is_new, err);
    if (code != SFE_OK) {
        give_up_segment(stream, is_new);
        return code;
    }
    note_durable(stream, &frame, is_new, payload_bytes);
    if (stream->options.on_durable != NULL) {
        stream->options.on_durable(stream->options.owner);
    }
    if (is_new) {
        /* The segment before it is no longer the newest: it may go, if all in it is settled. */
        struct sfe_error later;
        if (stream_release_settled(stream, &later) != SFE_OK) {
            sfe_log_error(stream->options.log, SFE_WARNING, "cannot give flash back", &later);
        }
    }
    return SFE_OK;
}

enum sfe_code sfe_stream_commit(struct sfe_stream *stream, uint64_t now_ns, struct sfe_error *err)
{
    sfe_mutex_lock(stream->mutex);
    /* What failed before comes first; then what was staged meanwhile. */
    uint32_t rounds = stage_has_taken(&stream->stage) ? 2 : 1;
    sfe_mutex_unlock(stream->mutex);

    for (; rounds > 0; rounds--) {
        sfe_mutex_lock(stream->mutex);
        struct stage_buffer *buffer = stage_take(&stream->stage);
        sfe_mutex_unlock(stream->mutex);
        if (buffer == NULL) {
            return SFE_OK;
        }
        enum sfe_code code = commit_buffer(stream, buffer, err);
        if (code != SFE_OK) {
            note_failure(stream, now_ns, err);
            return code;
        }
    }
    return SFE_OK;
}
