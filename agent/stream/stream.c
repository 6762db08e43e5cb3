#include "stream/stream.h"

#include "base/arena.h"
#include "base/assert.h"
#include "stream/parts.h"
#include "stream/reserve.h"

/* A dead letter carries why; a topic may be long. Together with the payload they must fit a stage
 * buffer. */
#define ANNOTATION_BYTES_USUAL 8192u
#define STAGE_BYTES_MIN        (2u * SFE_FRAME_BYTES_TARGET)

_Static_assert(SEGMENT_BEGIN < SFE_SEGMENT_OVERHEAD_BYTES, "the header is part of it");

static bool is_name(const char *name)
{
    const size_t size = name == NULL ? 0 : strlen(name);

    if (size == 0 || size > SFE_NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const char byte = name[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) && byte != '_' &&
            byte != '-') {
            return false;
        }
    }
    return true;
}

static enum sfe_code check_options(const struct sfe_stream_options *options, struct sfe_error *err)
{
    const uint32_t segment = options->segment_bytes;

    if (!is_name(options->name)) {
        return sfe_fail(err, SFE_E_CONFIG, "not a name for a stream");
    }
    if (segment < SFE_SEGMENT_BYTES_MIN || segment > SFE_SEGMENT_BYTES_MAX ||
        (segment & (segment - 1u)) != 0) {
        return sfe_fail(err, SFE_E_CONFIG, "a segment cannot have %u bytes", (unsigned)segment);
    }
    if (options->event_bytes_max > segment - SFE_SEGMENT_OVERHEAD_BYTES) {
        return sfe_fail(err, SFE_E_CONFIG, "an event of %u bytes does not fit a segment of %u",
                        (unsigned)options->event_bytes_max, (unsigned)segment);
    }
    if (options->is_encrypted && options->key_count == 0) {
        return sfe_fail(err, SFE_E_CRYPTO, "no key to encrypt with");
    }
    if (options->quota_bytes < segment) {
        return sfe_fail(err, SFE_E_CONFIG, "the quota is smaller than one segment");
    }
    return SFE_OK;
}

static uint32_t stage_capacity(const struct sfe_stream_options *options)
{
    const uint32_t most = options->segment_bytes - SEGMENT_BEGIN;
    uint32_t bytes = page_align(FRAME_HEADER_BYTES + FRAME_TAG_BYTES + options->event_bytes_max +
                                SFE_TOPIC_BYTES_MAX + ANNOTATION_BYTES_USUAL);

    if (bytes < STAGE_BYTES_MIN) {
        bytes = STAGE_BYTES_MIN;
    }
    return bytes < most ? bytes : most;
}

size_t sfe_stream_memory_bytes(const struct sfe_stream_options *options)
{
    const uint32_t buffers = options->is_encrypted ? 3u : 2u;

    return sfe_arena_cost(sizeof(struct sfe_stream)) +
           buffers * sfe_arena_cost(stage_capacity(options)) + sfe_arena_cost(SEGMENT_BEGIN) +
           recovery_memory_bytes(options);
}

uint32_t stream_frame_bytes_max(const struct sfe_stream_options *options)
{
    return stage_capacity(options);
}

static enum sfe_code open_parts(struct sfe_stream *stream, struct sfe_arena *arena,
                                struct sfe_stream_recovery *recovery, struct sfe_error *err)
{
    const struct sfe_clock *clock = stream->options.clock;

    enum sfe_code code = stage_open(&stream->stage, stage_capacity(&stream->options),
                                    stream->options.is_encrypted ? FRAME_TAG_BYTES : 0, arena, err);
    if (code != SFE_OK) {
        return code;
    }
    stream->seal =
        (struct seal){stream->options.crypto, stream->options.keys, stream->options.key_count};
    if (stream->options.is_encrypted) {
        stream->sealed_bytes = sfe_arena_take(arena, stream->stage.capacity, err);
        if (stream->sealed_bytes == NULL) {
            return err->code;
        }
    }
    stream->header_bytes = sfe_arena_take(arena, SEGMENT_BEGIN, err);
    if (stream->header_bytes == NULL) {
        return err->code;
    }
    clock->boot_id(clock->context, stream->boot_id);
    stream->frame_bytes_max = stream->stage.capacity;
    code = recovery_run(stream, arena, recovery, err);
    if (code != SFE_OK) {
        return code;
    }
    reserve_make(stream);
    stream_measure_room(stream);
    /* What was dropped before a crash, and not removed. */
    struct sfe_error later;
    if (stream_release_settled(stream, &later) != SFE_OK) {
        sfe_log_error(stream->options.log, SFE_WARNING, "cannot give flash back", &later);
    }
    return SFE_OK;
}

enum sfe_code sfe_stream_open(const struct sfe_stream_options *options, struct sfe_arena *arena,
                              struct sfe_stream **stream, struct sfe_stream_recovery *recovery,
                              struct sfe_error *err)
{
    SFE_ASSERT(options->storage != NULL && options->clock != NULL && options->entropy != NULL);
    *stream = NULL;
    enum sfe_code code = check_options(options, err);
    if (code != SFE_OK) {
        return code;
    }
    struct sfe_stream *made = sfe_arena_take(arena, sizeof(*made), err);
    if (made == NULL) {
        return err->code;
    }
    made->options = *options;
    memcpy(made->name, options->name, strlen(options->name));
    made->options.name = made->name;
    made->table_quota_bytes = options->quota_bytes;
    made->mutex = sfe_mutex_open();
    if (made->mutex == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    code = open_parts(made, arena, recovery, err);
    if (code != SFE_OK) {
        sfe_stream_close(made);
        return code;
    }
    *stream = made;
    return SFE_OK;
}

const char *sfe_stream_name(const struct sfe_stream *stream)
{
    return stream->name;
}

/* With drop-newest one segment is kept for saying what was dropped, and the reserve is kept. */
static uint64_t quota_of_events(const struct sfe_stream *stream)
{
    const uint32_t segment = stream->options.segment_bytes;
    uint64_t quota = stream_quota_bytes(stream);

    if (stream->options.when_full == SFE_STREAM_DROP_NEWEST && quota >= 2u * (uint64_t)segment) {
        quota -= segment;
    }
    return stream->options.has_reserve && quota >= 2u * (uint64_t)segment ? quota - segment : quota;
}

/* Claims what is in `rooms`, so that it stays: of what others may come for. */
static void claim_rooms(struct sfe_stream *stream, struct stage_room *room,
                        struct stage_room *reserved)
{
    const struct sfe_stream_options *options = &stream->options;
    const uint64_t for_gaps = options->when_full == SFE_STREAM_DROP_NEWEST ? 1u : 0u;
    const uint64_t spare = stream->reserve_bytes != 0 ? 1u : 0u;
    uint64_t granted = sfe_quota_claim(options->quota, options->quota_share,
                                       stream_used_bytes(stream), room->segments + for_gaps);

    stream->quota_returns = sfe_quota_returns(options->quota);
    if (options->when_full == SFE_STREAM_DROP_OLDEST) {
        return; /* It makes way for itself. */
    }
    granted = granted > for_gaps ? granted - for_gaps : 0;
    room->segments = room->segments < granted ? room->segments : granted;
    reserved->segments =
        reserved->segments < granted + spare ? reserved->segments : granted + spare;
}

uint64_t stream_used_bytes(const struct sfe_stream *stream)
{
    return table_file_bytes(&stream->table) + stream->reserve_bytes;
}

uint64_t stream_quota_bytes(const struct sfe_stream *stream)
{
    const struct sfe_stream_options *options = &stream->options;
    const uint64_t shared =
        options->quota == NULL ? UINT64_MAX : sfe_quota_limit(options->quota, options->quota_share);

    return shared < options->quota_bytes ? shared : options->quota_bytes;
}

/* What `quota` leaves, by the stream's own segments alone. */
static struct stage_room room_within(const struct sfe_stream *stream, uint64_t quota)
{
    const uint32_t segment_bytes = stream->options.segment_bytes;
    const uint64_t used = table_file_bytes(&stream->table);
    const uint32_t entries = stream->table.capacity - stream->table.count;
    struct stage_room room = {.segment_bytes = segment_bytes - SEGMENT_BEGIN};

    room.can_drop = stream->options.when_full == SFE_STREAM_DROP_NEWEST && entries >= 3;
    /* Over the quota is the reserve, which failures have used, or which is kept for gaps: it is for
     * what they cost, not for more. */
    room.current_bytes =
        stream->file == NULL || used > quota ? 0 : segment_bytes - stream->current.durable_end;
    room.segments = quota > used ? (quota - used) / segment_bytes : 0;
    if (room.segments == 0 &&
        stream->released > atomic_load_explicit(&stream->durable, memory_order_relaxed)) {
        room.segments = 1; /* All is settled: the newest goes as soon as another has begun. */
    }
    if (stream->options.when_full == SFE_STREAM_DROP_OLDEST) {
        room.segments = entries; /* What is in the way goes. */
    }
    /* Two stay free for what is staged, whatever fails. */
    if (entries < 3) {
        room.segments = 0;
    } else if (room.segments > entries - 2u) {
        room.segments = entries - 2u;
    }
    return room;
}

static void measure_fill(struct sfe_stream *stream)
{
    const uint64_t quota = quota_of_events(stream);
    const uint64_t used = table_file_bytes(&stream->table);
    const uint64_t permille = used >= quota ? 1000u : used * 1000u / quota;

    atomic_store_explicit(&stream->fill_permille, (uint32_t)permille, memory_order_relaxed);
}

uint32_t sfe_stream_fill_permille(const struct sfe_stream *stream)
{
    return atomic_load_explicit(&stream->fill_permille, memory_order_relaxed);
}

void stream_measure_room(struct sfe_stream *stream)
{
    const struct sfe_stream_options *options = &stream->options;
    struct stage_room room = room_within(stream, quota_of_events(stream));
    struct stage_room reserved = room;

    if (options->has_reserve && options->when_full == SFE_STREAM_BLOCK) {
        reserved = room_within(stream, stream_quota_bytes(stream));
    }
    if (options->quota != NULL) {
        claim_rooms(stream, &room, &reserved);
    }
    measure_fill(stream);
    stream->stage.room = room;
    stream->stage.reserved_room = reserved;
}

void sfe_stream_share(struct sfe_stream *stream)
{
    const struct sfe_quota *quota = stream->options.quota;

    if (quota != NULL && sfe_quota_returns(quota) != stream->quota_returns) {
        sfe_mutex_lock(stream->mutex);
        stream_measure_room(stream);
        sfe_mutex_unlock(stream->mutex);
    }
}

static enum sfe_code stage(struct sfe_stream *stream, bool is_reserved,
                           const struct sfe_event *event, uint64_t *sequence, struct sfe_error *err)
{
    if (event->payload.size > stream->options.event_bytes_max ||
        sfe_event_encoded_bytes_max(event) > stage_event_bytes_max(&stream->stage)) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "an event of %zu bytes is over the stream's limit",
                        event->payload.size);
    }
    const uint64_t now_ns = sfe_clock_monotonic_ns(stream->options.clock);

    sfe_mutex_lock(stream->mutex);
    enum stage_outcome outcome =
        stage_add(&stream->stage, is_reserved ? &stream->stage.reserved_room : &stream->stage.room,
                  event, now_ns, sequence);
    sfe_mutex_unlock(stream->mutex);
    if (outcome == STAGE_WAKES && stream->options.on_staged != NULL) {
        stream->options.on_staged(stream->options.owner);
    }
    return outcome == STAGE_FULL ? SFE_E_FULL : SFE_OK;
}

enum sfe_code sfe_stream_stage(struct sfe_stream *stream, const struct sfe_event *event,
                               uint64_t *sequence, struct sfe_error *err)
{
    return stage(stream, false, event, sequence, err);
}

enum sfe_code sfe_stream_stage_reserved(struct sfe_stream *stream, const struct sfe_event *event,
                                        uint64_t *sequence, struct sfe_error *err)
{
    return stage(stream, true, event, sequence, err);
}

/* Without linger: soon after the last commit frames wait for company, but not for company that does
 * not come. */
static uint64_t due_by_load_ns(const struct sfe_stream *stream, uint64_t now_ns)
{
    const uint64_t end_ns = stream->commit_end_ns;
    const uint64_t lull_ns = stream->stage.last_staged_ns + COMMIT_LULL_NS;

    if (end_ns == 0 || now_ns >= end_ns + COMMIT_SPACING_NS) {
        return now_ns;
    }
    return lull_ns < end_ns + COMMIT_SPACING_NS ? lull_ns : end_ns + COMMIT_SPACING_NS;
}

uint64_t sfe_stream_due_ns(struct sfe_stream *stream, uint64_t now_ns)
{
    const struct stage *stage = &stream->stage;
    uint64_t due_ns = UINT64_MAX;

    sfe_mutex_lock(stream->mutex);
    if (stage_events(stage) == 0) {
        due_ns = UINT64_MAX;
    } else if (stream->is_failing) {
        due_ns = stream->retry_ns;
    } else if (stage_has_taken(stage) ||
               stage->buffers[stage->filling].body.size >= SFE_FRAME_BYTES_TARGET) {
        due_ns = now_ns;
    } else if (stream->options.linger_ns != 0 || stage->buffers[stage->filling].is_gap) {
        const uint64_t linger_ns = stream->options.linger_ns;
        const bool is_gap = stage->buffers[stage->filling].is_gap;
        due_ns = stage->first_staged_ns +
                 (is_gap && linger_ns < GAP_SPACING_NS ? GAP_SPACING_NS : linger_ns);
    } else {
        due_ns = due_by_load_ns(stream, now_ns);
    }
    sfe_mutex_unlock(stream->mutex);
    return due_ns;
}

uint64_t sfe_stream_durable(const struct sfe_stream *stream)
{
    return atomic_load_explicit(&stream->durable, memory_order_acquire);
}

void sfe_stream_facts(struct sfe_stream *stream, struct sfe_stream_facts *facts)
{
    sfe_mutex_lock(stream->mutex);
    const struct segment_table *table = &stream->table;
    const uint64_t durable = atomic_load_explicit(&stream->durable, memory_order_relaxed);
    const uint32_t first = table_kept_from(table, 0);

    *facts = (struct sfe_stream_facts){
        .first_sequence = durable + 1u,
        .durable_sequence = durable,
        .staged_events = stage_events(&stream->stage),
        .flash_bytes = stream_used_bytes(stream),
        .has_reserve = stream->reserve_bytes != 0,
        .written_bytes = stream->counts.written_bytes,
        .written_events = stream->counts.written_events,
        .payload_bytes = stream->counts.payload_bytes,
        .syncs = stream->counts.syncs,
        .refused = stream->stage.refused,
        .is_full = stream->stage.is_full,
        .is_failing = stream->is_failing,
        .is_dropping = stream->is_dropping,
        .dropped_events = stream->counts.dropped_events,
        .dropped_bytes = stream->counts.dropped_bytes,
        .dropped_end = atomic_load_explicit(&stream->dropped_end, memory_order_relaxed),
        .damaged_places = stream->damage.count,
        .damaged_segment = stream->damage.last_segment,
        .damaged_offset = stream->damage.last_offset,
    };
    if (first < table->count && stream->released <= durable) {
        facts->first_sequence = table->items[first].first_sequence;
    }
    if (stream->is_failing) {
        facts->failure = stream->failure;
    }
    sfe_mutex_unlock(stream->mutex);
}

void sfe_stream_close(struct sfe_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    stream->options.storage->close(stream->options.storage->context, stream->file);
    stream->file = NULL;
    sfe_mutex_close(stream->mutex);
    stream->mutex = NULL;
}
