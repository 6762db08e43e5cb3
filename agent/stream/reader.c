/* Reading shares no bytes with writing: what is at or below the durable end of a segment never
 * changes. Only the table is asked, under the stream's mutex, how far that is. */
#include "stream/reader.h"

#include "base/arena.h"
#include "base/assert.h"
#include "stream/boot_times.h"
#include "stream/parts.h"

/* What cannot be read for so long is taken for damaged: one bad block must not stop a stream for
 * ever, nor a medium that is away for a moment cost what lies on it. */
#define READ_PATIENCE_NS (UINT64_C(600) * 1000000000u)

/* A frame being decoded. It is loaded as long as the window holds its body; the view is of that
 * time, and stays true: all of the frame was durable then. */
struct walk {
    struct sfe_stream_place place; /* Segment 0: none. */
    uint32_t generation;
    struct segment_view view;
    struct frame frame;
    struct sfe_event_decoder decoder;
    uint8_t *plain; /* Sealed frames are opened into it; as large as the window, NULL: no keys. */
    bool is_opened; /* `plain` holds the frame at `place`, whatever the window shows. */
};

struct sfe_stream_reader {
    struct sfe_stream *stream;
    struct window window;
    uint32_t open_number; /* Of the segment whose file is open; 0: none. */
    uint64_t wanted;      /* The next event to return is the first one kept from here on. */
    /* Where the next frame stands; segment 0: to be found by `wanted`. */
    uint32_t segment;
    uint32_t offset;
    uint64_t expected;  /* First sequence of the frame there. */
    uint64_t failed_ns; /* When reading there first failed; 0: it has not. */
    bool is_in_damage;  /* The page before was bad: it has been told. */
    uint64_t damaged;
    bool is_walking; /* Inside the frame at `here`, which ends before `expected`. */
    struct sfe_stream_place here;
    struct walk next;
    struct walk fetch;
};

size_t sfe_stream_reader_memory_bytes(const struct sfe_stream_options *options)
{
    const uint32_t frame_bytes = stream_frame_bytes_max(options);
    /* The window, and where there are keys two that sealed frames are opened into. */
    const uint32_t buffers = options->key_count > 0 ? 3u : 1u;

    return sfe_arena_cost(sizeof(struct sfe_stream_reader)) +
           buffers * sfe_arena_cost(frame_bytes > WINDOW_READ_AHEAD_BYTES
                                        ? frame_bytes
                                        : WINDOW_READ_AHEAD_BYTES);
}

enum sfe_code sfe_stream_reader_open(struct sfe_stream *stream, struct sfe_arena *arena,
                                     struct sfe_stream_reader **reader, struct sfe_error *err)
{
    struct sfe_stream_reader *made = sfe_arena_take(arena, sizeof(*made), err);

    *reader = NULL;
    if (made == NULL) {
        return err->code;
    }
    made->stream = stream;
    made->window.storage = stream->options.storage;
    made->window.capacity = stream->frame_bytes_max > WINDOW_READ_AHEAD_BYTES
                                ? stream->frame_bytes_max
                                : WINDOW_READ_AHEAD_BYTES;
    made->window.bytes = sfe_arena_take(arena, made->window.capacity, err);
    if (made->window.bytes == NULL) {
        return err->code;
    }
    if (stream->options.key_count > 0) {
        made->next.plain = sfe_arena_take(arena, made->window.capacity, err);
        made->fetch.plain = sfe_arena_take(arena, made->window.capacity, err);
        if (made->next.plain == NULL || made->fetch.plain == NULL) {
            return err->code;
        }
    }
    made->wanted = 1;
    *reader = made;
    return SFE_OK;
}

static void close_file(struct sfe_stream_reader *reader)
{
    reader->window.storage->close(reader->window.storage->context, reader->window.file);
    window_show(&reader->window, NULL, 0);
    reader->open_number = 0;
}

void sfe_stream_reader_seek(struct sfe_stream_reader *reader, uint64_t sequence)
{
    reader->wanted = sequence == 0 ? 1 : sequence;
    reader->segment = 0;
    reader->is_walking = false;
    reader->is_in_damage = false;
    reader->failed_ns = 0;
}

/* Opens the file of the viewed segment, or lets an open one reach as far as it is durable now. */
static enum sfe_code show_segment(struct sfe_stream_reader *reader, const struct segment_view *view,
                                  struct sfe_error *err)
{
    const struct sfe_storage *storage = reader->window.storage;
    char name[SEGMENT_NAME_BYTES];
    struct sfe_file *file = NULL;

    if (reader->open_number == view->segment.number) {
        reader->window.end = view->segment.durable_end;
        return SFE_OK;
    }
    close_file(reader);
    segment_name(name, reader->stream->name, view->segment.number, SEGMENT_SUFFIX);
    enum sfe_code code = storage->open(storage->context, name, SFE_STORAGE_READ, &file, err);
    if (code != SFE_OK) {
        return code;
    }
    window_show(&reader->window, file, view->segment.durable_end);
    reader->open_number = view->segment.number;
    return SFE_OK;
}

/* Events from `begin` to before `end` are damaged, as far as they are wanted. */
static void count_damage(struct sfe_stream_reader *reader, uint64_t begin, uint64_t end)
{
    if (begin < reader->wanted) {
        begin = reader->wanted;
    }
    if (begin < end) {
        reader->damaged += end - begin;
        reader->wanted = end;
    }
}

static void enter_segment(struct sfe_stream_reader *reader, const struct segment_view *view)
{
    reader->segment = view->segment.number;
    reader->offset = SEGMENT_BEGIN;
    reader->expected = view->segment.first_sequence;
    reader->is_in_damage = false;
    reader->failed_ns = 0;
    if (reader->wanted < reader->expected) {
        reader->wanted = reader->expected; /* What came before is gone: released, or counted. */
    }
}

/* A look at the segment where the next frame stands. `durable` is of the same moment. False: there
 * is no segment. */
static bool look(struct sfe_stream_reader *reader, struct segment_view *view, uint64_t *durable)
{
    struct sfe_stream *stream = reader->stream;
    bool is_found = false;

    sfe_mutex_lock(stream->mutex);
    *durable = atomic_load_explicit(&stream->durable, memory_order_relaxed);
    if (reader->segment != 0) {
        is_found = table_view(&stream->table, reader->segment, view);
    }
    if (!is_found) {
        is_found = table_view_of(&stream->table, reader->wanted, view);
        reader->segment = 0;
    }
    sfe_mutex_unlock(stream->mutex);
    if (is_found && reader->segment == 0) {
        enter_segment(reader, view);
    }
    return is_found;
}

/* The segment is read to its end: on to the next one. SFE_E_END: there is none. */
static enum sfe_code leave_segment(struct sfe_stream_reader *reader,
                                   const struct segment_view *view, uint64_t durable)
{
    struct segment_view next;
    struct sfe_stream *stream = reader->stream;

    if (!view->has_next) {
        count_damage(reader, reader->expected, durable + 1u);
        reader->expected = durable + 1u;
        return SFE_E_END;
    }
    count_damage(reader, reader->expected, view->limit);
    sfe_mutex_lock(stream->mutex);
    bool is_found = table_view_after(&stream->table, reader->segment, &next);
    sfe_mutex_unlock(stream->mutex);
    if (!is_found) {
        return SFE_E_END;
    }
    enter_segment(reader, &next);
    return SFE_OK;
}

static void pass_bad_page(struct sfe_stream_reader *reader)
{
    if (!reader->is_in_damage) {
        SFE_LOG(reader->stream->options.log, SFE_ERROR, "damaged place on flash passed over",
                sfe_text("stream", reader->stream->name), sfe_count("segment", reader->segment),
                sfe_count("offset", reader->offset));
        stream_note_damage(reader->stream, reader->segment, reader->offset);
    }
    reader->is_in_damage = true;
    reader->offset += SFE_PAGE_BYTES;
}

/* Begins at the first event of the frame in the window, which stands at `place`. False: its body
 * does not open; then it is damaged. */
static bool begin_walk(struct sfe_stream_reader *reader, struct walk *walk,
                       struct sfe_stream_place place, const struct segment_view *view)
{
    const bool is_sealed = (walk->frame.flags & FRAME_SEALED) != 0;
    struct sfe_slice body = frame_body(&reader->window, place.offset, &walk->frame);
    struct sfe_error ignored;

    walk->place.segment = 0;
    walk->is_opened = false;
    if (is_sealed != view->segment.is_sealed) {
        return false; /* In the clear where it must not be: it is not ours. */
    }
    if (is_sealed) {
        if (body.size < FRAME_TAG_BYTES ||
            seal_open(&reader->stream->seal, &view->segment, place.offset, body, walk->plain,
                      &ignored) != SFE_OK) {
            return false;
        }
        body = sfe_slice_make(walk->plain, body.size - FRAME_TAG_BYTES);
        walk->is_opened = true;
    }
    walk->place = place;
    walk->generation = reader->window.generation;
    walk->view = *view;
    sfe_event_decoder_begin(&walk->decoder, body, walk->frame.first_sequence);
    return true;
}

static bool is_loaded(const struct sfe_stream_reader *reader, const struct walk *walk,
                      struct sfe_stream_place place)
{
    return walk->place.segment == place.segment && walk->place.offset == place.offset &&
           (walk->is_opened || walk->generation == reader->window.generation);
}

/* Events that were dropped as they came: their sequences are passed over. */
static void pass_gap(struct sfe_stream_reader *reader, const struct frame *frame)
{
    reader->offset += frame_bytes(frame);
    reader->expected = frame_end_sequence(frame);
    if (reader->wanted < reader->expected) {
        reader->wanted = reader->expected;
    }
}

/* A valid frame at the place: walk it, unless all in it is unwanted. */
static void take_frame(struct sfe_stream_reader *reader, const struct segment_view *view)
{
    const struct frame *frame = &reader->next.frame;
    const bool is_gap = (frame->flags & FRAME_GAP) != 0;

    reader->failed_ns = 0;
    if (frame->first_sequence >= view->limit) {
        reader->offset = view->segment.durable_end; /* Given up; it stands in the next segment. */
        return;
    }
    reader->here = (struct sfe_stream_place){reader->segment, reader->offset};
    if (!is_gap && !begin_walk(reader, &reader->next, reader->here, view)) {
        pass_bad_page(reader);
        return;
    }
    reader->is_in_damage = false;
    count_damage(reader, reader->expected, frame->first_sequence);
    if (is_gap) {
        pass_gap(reader, frame);
        return;
    }
    reader->offset += frame_bytes(frame);
    reader->expected = frame_end_sequence(frame);
    reader->is_walking = reader->expected > reader->wanted;
}

/* A read failed; true where it is to be tried again. */
static bool is_patient(struct sfe_stream_reader *reader)
{
    const uint64_t now_ns = sfe_clock_monotonic_ns(reader->stream->options.clock);

    if (reader->failed_ns == 0) {
        reader->failed_ns = now_ns == 0 ? 1u : now_ns;
    }
    return now_ns < reader->failed_ns + READ_PATIENCE_NS;
}

/* Looks at the place where the next frame should stand. SFE_OK: some progress was made. */
static enum sfe_code step(struct sfe_stream_reader *reader, struct sfe_error *err)
{
    struct segment_view view;
    uint64_t durable = 0;

    if (!look(reader, &view, &durable)) {
        return SFE_E_END;
    }
    if (reader->expected >= view.limit || reader->offset >= view.segment.durable_end) {
        return leave_segment(reader, &view, durable);
    }
    enum sfe_code code = show_segment(reader, &view, err);
    if (code == SFE_E_NOT_FOUND) {
        reader->offset = view.segment.durable_end; /* Someone took the file away. */
        return SFE_OK;
    }
    if (code != SFE_OK) {
        return code;
    }
    enum frame_verdict verdict =
        frame_check(&reader->window, view.segment.salt, reader->offset, &reader->next.frame, err);
    if (verdict == FRAME_UNREADABLE && is_patient(reader)) {
        return err->code;
    }
    if (verdict == FRAME_VALID && reader->next.frame.first_sequence >= reader->expected &&
        frame_bytes(&reader->next.frame) <= reader->window.capacity) {
        take_frame(reader, &view);
    } else {
        pass_bad_page(reader);
    }
    return SFE_OK;
}

/* Has the frame at `place` in the window, at its beginning if it was not there. SFE_E_END (no
 * text): its segment is released. SFE_E_NOT_FOUND (no text): no such frame can be read there. */
static enum sfe_code load(struct sfe_stream_reader *reader, struct walk *walk,
                          struct sfe_stream_place place, struct sfe_error *err)
{
    struct sfe_stream *stream = reader->stream;
    struct segment_view view;

    if (is_loaded(reader, walk, place)) {
        return SFE_OK;
    }
    walk->place.segment = 0;
    sfe_mutex_lock(stream->mutex);
    bool is_found = table_view(&stream->table, place.segment, &view);
    sfe_mutex_unlock(stream->mutex);
    if (!is_found) {
        return SFE_E_END;
    }
    if (place.offset % SFE_PAGE_BYTES != 0 || place.offset < SEGMENT_BEGIN) {
        return SFE_E_NOT_FOUND;
    }
    enum sfe_code code = show_segment(reader, &view, err);
    if (code != SFE_OK) {
        return code;
    }
    enum frame_verdict verdict =
        frame_check(&reader->window, view.segment.salt, place.offset, &walk->frame, err);
    if (verdict == FRAME_UNREADABLE) {
        return err->code;
    }
    if (verdict != FRAME_VALID || frame_bytes(&walk->frame) > reader->window.capacity ||
        !begin_walk(reader, walk, place, &view)) {
        return SFE_E_NOT_FOUND;
    }
    return SFE_OK;
}

/* A time of another boot, which its monotonic clock told. */
static int64_t earlier_boot_ns(const struct sfe_stream *stream, const struct segment_view *view,
                               int64_t received_ns)
{
    const struct sfe_boot_time *boot = NULL;

    if (stream->options.boot_times != NULL) {
        boot = sfe_boot_times_find(stream->options.boot_times, view->segment.boot_id);
    }
    return boot == NULL
               ? received_ns
               : (int64_t)((uint64_t)received_ns + (uint64_t)boot->wall_minus_monotonic_ns);
}

/* Time of arrival as Unix time. One taken before the clock was set is put right if that was in this
 * boot, or in one that the clock was set in later. */
static int64_t arrival_ns(const struct sfe_stream *stream, const struct segment_view *view,
                          const struct sfe_event *event)
{
    const struct sfe_clock *clock = stream->options.clock;
    int64_t wall_ns = 0;

    if (event->clock_quality != SFE_CLOCK_UNSET) {
        return event->received_ns;
    }
    if (memcmp(view->segment.boot_id, stream->boot_id, sizeof(stream->boot_id)) != 0) {
        return earlier_boot_ns(stream, view, event->received_ns);
    }
    if (clock->wall_ns(clock->context, &wall_ns) == SFE_CLOCK_UNSET) {
        return event->received_ns;
    }
    const uint64_t age_ns = sfe_clock_monotonic_ns(clock) - (uint64_t)event->received_ns;
    return (int64_t)((uint64_t)wall_ns - age_ns);
}

/* The first event of the walk's frame from `sequence` on. SFE_E_END: there is none, or what follows
 * makes no events. */
static enum sfe_code decode_from(struct walk *walk, uint64_t sequence, struct sfe_event *event)
{
    const uint64_t frame_end = frame_end_sequence(&walk->frame);
    const uint64_t end = frame_end < walk->view.limit ? frame_end : walk->view.limit;
    struct sfe_error ignored;

    while (walk->decoder.sequence < end) {
        if (sfe_event_decode(&walk->decoder, event, &ignored) != SFE_OK) {
            return SFE_E_END;
        }
        if (event->sequence >= sequence) {
            return SFE_OK;
        }
    }
    return SFE_E_END;
}

/* Dropped while it was being read: what is still at hand of it does not count. */
static bool is_dropped(const struct sfe_stream_reader *reader, uint64_t sequence)
{
    return sequence < atomic_load_explicit(&reader->stream->dropped_end, memory_order_acquire);
}

/* The next event of the frame at `here`. SFE_E_AGAIN: there is no more in it. */
static enum sfe_code next_in_frame(struct sfe_stream_reader *reader, struct sfe_event *event,
                                   int64_t *time_ns, struct sfe_error *err)
{
    struct walk *walk = &reader->next;

    enum sfe_code code =
        is_dropped(reader, reader->wanted) ? SFE_E_END : load(reader, walk, reader->here, err);
    if (code == SFE_E_END) {
        reader->is_walking = false;
        return SFE_E_AGAIN; /* Released meanwhile. */
    }
    if (code != SFE_OK && code != SFE_E_NOT_FOUND && is_patient(reader)) {
        return code;
    }
    reader->failed_ns = 0;
    if (code != SFE_OK || decode_from(walk, reader->wanted, event) != SFE_OK) {
        reader->is_walking = false;
        uint64_t end = reader->expected;
        if (code == SFE_OK && end > walk->view.limit) {
            end = walk->view.limit;
        }
        if (reader->wanted < end) { /* Else the frame was whole. */
            stream_note_damage(reader->stream, reader->here.segment, reader->here.offset);
        }
        count_damage(reader, reader->wanted, end);
        return SFE_E_AGAIN;
    }
    reader->wanted = event->sequence + 1u;
    *time_ns = arrival_ns(reader->stream, &walk->view, event);
    return SFE_OK;
}

enum sfe_code sfe_stream_reader_next(struct sfe_stream_reader *reader, struct sfe_event *event,
                                     int64_t *time_ns, struct sfe_stream_place *place,
                                     struct sfe_error *err)
{
    for (;;) {
        if (!reader->is_walking) {
            enum sfe_code code = step(reader, err);
            if (code != SFE_OK) {
                return code;
            }
            continue;
        }
        enum sfe_code code = next_in_frame(reader, event, time_ns, err);
        if (code == SFE_OK && place != NULL) {
            *place = reader->here;
        }
        if (code != SFE_E_AGAIN) {
            return code;
        }
    }
}

enum sfe_code sfe_stream_reader_fetch(struct sfe_stream_reader *reader,
                                      struct sfe_stream_place place, uint64_t sequence,
                                      struct sfe_event *event, int64_t *time_ns,
                                      struct sfe_error *err)
{
    struct walk *walk = &reader->fetch;

    enum sfe_code code = is_dropped(reader, sequence) ? SFE_E_END : load(reader, walk, place, err);
    if (code == SFE_E_END || code == SFE_E_NOT_FOUND) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "the event is no longer there");
    }
    if (code != SFE_OK) {
        return code;
    }
    if (walk->decoder.sequence > sequence) {
        sfe_event_decoder_begin(&walk->decoder, walk->decoder.body, walk->frame.first_sequence);
    }
    if (decode_from(walk, sequence, event) != SFE_OK || event->sequence != sequence) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "the event is no longer there");
    }
    *time_ns = arrival_ns(reader->stream, &walk->view, event);
    return SFE_OK;
}

uint64_t sfe_stream_reader_damaged(const struct sfe_stream_reader *reader)
{
    return reader->damaged;
}

void sfe_stream_reader_close(struct sfe_stream_reader *reader)
{
    if (reader != NULL) {
        close_file(reader);
    }
}
