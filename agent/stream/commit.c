/* Writing frames. What is reported durable was covered by a sync that succeeded, in a file whose
 * name and header are durable as well. */
#include "stream/drop.h"
#include "stream/parts.h"
#include "stream/reserve.h"

#include "base/assert.h"

#include <inttypes.h>

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

/* Does a new segment pass a quota by one segment, and no more? `frame` is the first in it. */
static enum sfe_code check_quotas(struct sfe_stream *stream, const struct frame *frame,
                                  struct sfe_error *err)
{
    const struct sfe_stream_options *options = &stream->options;
    /* drop-oldest makes way for it; a gap makes way for the one before. */
    const bool makes_way =
        options->when_full == SFE_STREAM_DROP_OLDEST || (frame->flags & FRAME_GAP) != 0;

    if (!makes_way && stream_used_bytes(stream) > options->quota_bytes) {
        return sfe_fail(err, SFE_E_NO_SPACE, "the quota and what is over it are used up");
    }
    if (options->quota != NULL && !sfe_quota_may_begin(options->quota)) {
        return sfe_fail(err, SFE_E_NO_SPACE,
                        "the quota of all streams and what is over it are used up");
    }
    return SFE_OK;
}

/* New segments that could neither be used nor removed must not pile up beyond the quota; with
 * drop-oldest a new one must not add to what could not be removed before. */
static enum sfe_code make_way(struct sfe_stream *stream, const struct frame *frame,
                              struct sfe_error *err)
{
    const bool drops = stream->options.when_full == SFE_STREAM_DROP_OLDEST;

    if (drops || keeps_doomed(&stream->table)) {
        enum sfe_code code = stream_release_settled(stream, err);
        if (code != SFE_OK && (drops || stream_used_bytes(stream) > stream->options.quota_bytes)) {
            return sfe_within(err, "segments that should go cannot be removed");
        }
    }
    return check_quotas(stream, frame, err);
}

/* What the new segment's header will say. */
static enum sfe_code plan_segment(struct sfe_stream *stream, const struct frame *frame,
                                  struct segment *segment, struct sfe_error *err)
{
    const struct sfe_entropy *entropy = stream->options.entropy;
    uint8_t salt[SFE_AEAD_SALT_BYTES];

    enum sfe_code code = make_way(stream, frame, err);
    if (code != SFE_OK) {
        return code;
    }
    if (stream->table.count + 1 >= stream->table.capacity ||
        stream->next_number >= UINT32_MAX - 1u) {
        return sfe_fail(err, SFE_E_NO_SPACE, "too many segments are kept");
    }
    memcpy(segment->boot_id, stream->boot_id, sizeof(segment->boot_id));
    code = entropy->fill(entropy->context, &segment->salt, sizeof(segment->salt), err);
    if (code == SFE_OK && stream->options.is_encrypted) {
        code = entropy->fill(entropy->context, salt, sizeof(salt), err);
        if (code == SFE_OK) {
            seal_begin(&stream->seal, salt, segment);
        }
    }
    if (code != SFE_OK) {
        return sfe_within(err, "no salt for a segment");
    }
    sfe_mutex_lock(stream->mutex);
    drop_plan(stream, frame, segment);
    sfe_mutex_unlock(stream->mutex);
    return SFE_OK;
}

/* Creates the segment's file and keeps its space; where there is none, the reserve becomes it. */
static enum sfe_code make_file(struct sfe_stream *stream, struct segment *segment,
                               struct sfe_error *err)
{
    const struct sfe_storage *storage = stream->options.storage;
    char name[SEGMENT_NAME_BYTES];

    reserve_make(stream);
    segment_name(name, stream->name, segment->number, SEGMENT_SUFFIX);
    if (reserve_is_due(stream)) {
        return reserve_use(stream, name, &stream->file, err);
    }
    enum sfe_code code =
        storage->open(storage->context, name, SFE_STORAGE_CREATE, &stream->file, err);
    if (code == SFE_OK) {
        stream->current = *segment;
        code = storage->allocate(storage->context, stream->file, segment->file_bytes, err);
        if (code != SFE_OK) {
            drop_new_segment(stream);
        }
    }
    if (code != SFE_E_NO_SPACE || stream->reserve_bytes == 0) {
        return code;
    }
    /* Another number: what could not be made may not have been removed either. */
    segment->number = stream->next_number++;
    segment_name(name, stream->name, segment->number, SEGMENT_SUFFIX);
    return reserve_use(stream, name, &stream->file, err);
}

/* Begins a segment; its header is written with the first frame. */
static enum sfe_code begin_segment(struct sfe_stream *stream, const struct frame *frame,
                                   struct sfe_error *err)
{
    struct segment segment = {
        .first_sequence = frame->first_sequence,
        .number = stream->next_number,
        .durable_end = SEGMENT_BEGIN,
        .file_bytes = stream->options.segment_bytes,
        .frame_bytes_max = stream->stage.capacity,
    };

    SFE_ASSERT(stream->file == NULL);
    enum sfe_code code = plan_segment(stream, frame, &segment, err);
    if (code != SFE_OK) {
        return code;
    }
    stream->next_number++;
    code = make_file(stream, &segment, err);
    if (code != SFE_OK) {
        stream->file = NULL;
        return sfe_within(err, "cannot begin segment %" PRIu32, segment.number);
    }
    stream->current = segment;
    segment_header_write(&segment, stream->name, stream->header_bytes);
    return SFE_OK;
}

/* The bytes that go to flash: the stage's own, with header and padding, or sealed beside them.
 * NULL: they could not be sealed. */
static const uint8_t *make_frame(struct sfe_stream *stream, struct stage_buffer *buffer,
                                 const struct frame *frame, struct sfe_error *err)
{
    if ((frame->flags & FRAME_SEALED) != 0) {
        const enum sfe_code code =
            seal_frame(&stream->seal, &stream->current, stream->current.durable_end, frame,
                       buffer->bytes, stream->sealed_bytes, err);
        return code == SFE_OK ? stream->sealed_bytes : NULL;
    }
    if (buffer->is_gap) {
        frame_gap_write(buffer->payload_bytes, buffer->bytes + FRAME_HEADER_BYTES);
    }
    frame_seal(frame, stream->current.salt, buffer->bytes);
    return buffer->bytes;
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
    const uint8_t *bytes = make_frame(stream, buffer, frame, err);
    if (bytes == NULL) {
        return err->code;
    }
    if (is_new) {
        parts[count++] = sfe_slice_make(stream->header_bytes, SEGMENT_BEGIN);
    }
    parts[count++] = sfe_slice_make(bytes, frame_bytes(frame));
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

    const bool is_gap = (frame->flags & FRAME_GAP) != 0;

    stream->current.durable_end += frame_bytes(frame);
    stream->current.holds_gaps_only = stream->current.holds_gaps_only && is_gap;
    sfe_mutex_lock(stream->mutex);
    if (is_new) {
        table_add(&stream->table, &stream->current);
    }
    struct segment *kept = table_find(&stream->table, stream->current.number);
    SFE_ASSERT(kept != NULL && !kept->is_doomed);
    kept->durable_end = stream->current.durable_end;
    kept->holds_gaps_only = stream->current.holds_gaps_only;
    kept->told_events += is_gap ? frame->count : 0;
    const enum drop_change change = drop_note(stream, frame, is_new, payload_bytes);
    SFE_ASSERT(durable > atomic_load_explicit(&stream->durable, memory_order_relaxed));
    atomic_store_explicit(&stream->durable, durable, memory_order_release);
    stage_done(&stream->stage);
    stream_measure_room(stream);
    stream->commit_end_ns = now_ns;
    stream->is_failing = false;
    stream->counts.written_bytes += frame_bytes(frame) + (is_new ? SEGMENT_BEGIN : 0u);
    stream->counts.written_events += is_gap ? 0 : frame->count;
    stream->counts.payload_bytes += is_gap ? 0 : payload_bytes;
    stream->counts.syncs++;
    sfe_mutex_unlock(stream->mutex);
    drop_tell(stream, change);
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

/* The buffer's bytes are those of the frame: where it is sealed, that was done beside them. */
static void tell_durable(const struct sfe_stream *stream, const struct stage_buffer *buffer,
                         const struct frame *frame)
{
    struct sfe_event_decoder decoder;
    struct sfe_event event;
    struct sfe_error ignored;

    if (!sfe_watch_is_followed(stream->options.watch, SFE_WATCH_DURABLE) || buffer->is_gap) {
        return;
    }
    sfe_event_decoder_begin(&decoder, sfe_builder_slice(&buffer->body), frame->first_sequence);
    while (sfe_event_decode(&decoder, &event, &ignored) == SFE_OK) {
        const struct sfe_watch_note note = {
            .stage = SFE_WATCH_DURABLE,
            .stream = stream->name,
            .event = &event,
            .sequence = event.sequence,
            .segment = stream->current.number,
        };
        sfe_watch_tell(stream->options.watch, &note);
    }
}

static enum sfe_code commit_buffer(struct sfe_stream *stream, struct stage_buffer *buffer,
                                   struct sfe_error *err)
{
    struct frame frame = stage_frame(&stream->stage, buffer);
    const uint64_t payload_bytes = buffer->payload_bytes;
    enum sfe_code code = SFE_OK;

    SFE_ASSERT(frame_bytes(&frame) <= stream->options.segment_bytes - SEGMENT_BEGIN);
    if (stream->file != NULL &&
        frame_bytes(&frame) > stream->options.segment_bytes - stream->current.durable_end) {
        end_segment(stream);
    }
    const bool is_new = stream->file == NULL;
    if (is_new) {
        code = begin_segment(stream, &frame, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    code = write_frame(stream, buffer, &frame, is_new, err);
    if (code != SFE_OK) {
        give_up_segment(stream, is_new);
        return code;
    }
    tell_durable(stream, buffer, &frame);
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
