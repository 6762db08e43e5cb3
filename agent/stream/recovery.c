/* What the last run left, file by file: headers, then each segment between its neighbours, then the
 * newest one's end. */
#include "base/arena.h"
#include "base/assert.h"
#include "stream/drop.h"
#include "stream/parts.h"
#include "stream/scan.h"

#include <stdlib.h>

/* An event takes at least this much of a frame: bounds how many may stand where nothing can be
 * read. */
#define EVENT_BYTES_MIN 5u
/* Table entries beyond what the quota asks for: segments that a failure cut short. */
#define ENTRIES_SPARE 64u

struct recovery {
    struct sfe_stream *stream;
    const struct sfe_storage *storage;
    struct window window;
    struct sfe_stream_recovery report;
    uint64_t expected;   /* Sequence after the last one accounted for; 0: nothing is known yet. */
    uint32_t newest;     /* Index of the newest segment with a header; count: none. */
    uint32_t scanned;    /* Number of the segment that is being scanned. */
    bool end_is_damaged; /* The newest segment's end was durable once, or cannot be read: nothing is
                            cut. */
};

/* Listing: first counts, then fills. */
struct listing {
    struct sfe_stream *stream;
    bool is_counting;
    uint32_t count;
};

static bool visit(void *visitor, const char *name, uint64_t size)
{
    struct listing *listing = visitor;
    struct sfe_stream *stream = listing->stream;
    uint32_t number = 0;
    const bool is_segment = segment_number_of(name, stream->name, SEGMENT_SUFFIX, &number);

    if (!is_segment && !segment_number_of(name, stream->name, SEGMENT_BAD_SUFFIX, &number)) {
        return true;
    }
    if (number >= stream->next_number) {
        stream->next_number = number + 1u;
    }
    if (!is_segment) {
        return true;
    }
    listing->count++;
    if (!listing->is_counting && stream->table.count < stream->table.capacity) {
        stream->table.items[stream->table.count++] = (struct segment){
            .number = number,
            .durable_end = SEGMENT_BEGIN,
            .file_bytes = size > SFE_SEGMENT_BYTES_MAX ? SFE_SEGMENT_BYTES_MAX : (uint32_t)size,
            .is_inherited = true,
        };
    }
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct segment *one = a;
    const struct segment *other = b;

    return one->number < other->number ? -1 : one->number > other->number;
}

static uint64_t entries_wanted(const struct sfe_stream_options *options)
{
    return 2u * (options->quota_bytes / options->segment_bytes) + ENTRIES_SPARE;
}

size_t recovery_memory_bytes(const struct sfe_stream_options *options)
{
    /* The segments that are there already may be as many as the last run had room for. */
    return sfe_arena_cost((size_t)(2u * entries_wanted(options)) * sizeof(struct segment));
}

static enum sfe_code list_segments(struct recovery *recovery, struct sfe_arena *arena,
                                   struct sfe_error *err)
{
    struct sfe_stream *stream = recovery->stream;
    const struct sfe_stream_options *options = &stream->options;
    struct listing listing = {.stream = stream, .is_counting = true};

    stream->next_number = 1;
    enum sfe_code code = recovery->storage->list(recovery->storage->context, visit, &listing, err);
    if (code != SFE_OK) {
        return code;
    }
    /* Two neighbours together are larger than one segment, unless a failure or an end cut one
     * short. */
    const uint64_t wanted = entries_wanted(options) + listing.count;
    if (wanted > UINT32_MAX / sizeof(struct segment)) {
        return sfe_fail(err, SFE_E_CONFIG, "the quota makes too many segments");
    }
    stream->table.items = sfe_arena_take(arena, (size_t)wanted * sizeof(*stream->table.items), err);
    if (stream->table.items == NULL) {
        return err->code;
    }
    stream->table.capacity = (uint32_t)wanted;
    listing.is_counting = false;
    code = recovery->storage->list(recovery->storage->context, visit, &listing, err);
    if (stream->table.count > 1) {
        qsort(stream->table.items, stream->table.count, sizeof(*stream->table.items),
              compare_numbers);
    }
    return code;
}

/* Shows segment `index` in the window, up to `end` at most. The file must be closed by `hide`. */
static enum sfe_code show(struct recovery *recovery, uint32_t index, uint32_t end,
                          struct sfe_error *err)
{
    const struct segment *segment = &recovery->stream->table.items[index];
    char name[SEGMENT_NAME_BYTES];
    struct sfe_file *file = NULL;

    SFE_ASSERT(recovery->window.file == NULL);
    segment_name(name, recovery->stream->name, segment->number, SEGMENT_SUFFIX);
    enum sfe_code code =
        recovery->storage->open(recovery->storage->context, name, SFE_STORAGE_READ, &file, err);
    if (code == SFE_OK) {
        window_show(&recovery->window, file, segment->file_bytes < end ? segment->file_bytes : end);
    }
    return code;
}

static void hide(struct recovery *recovery)
{
    recovery->storage->close(recovery->storage->context, recovery->window.file);
    window_show(&recovery->window, NULL, 0);
}

static enum sfe_code read_header(struct recovery *recovery, struct segment *segment,
                                 struct sfe_error *err)
{
    bool is_unreadable = false;

    for (uint32_t copy = 0; copy < SEGMENT_HEADER_COPIES; copy++) {
        struct sfe_slice slice;
        enum sfe_code code = window_get(&recovery->window, (uint64_t)copy * SFE_PAGE_BYTES,
                                        SEGMENT_HEADER_BYTES_2, &slice, err);
        if (code != SFE_OK) {
            is_unreadable = is_unreadable || code != SFE_E_END;
            continue;
        }
        switch (segment_header_parse(slice, recovery->stream->name, segment)) {
        case HEADER_VALID:
            return segment->is_sealed ? seal_find_key(&recovery->stream->seal, segment, err)
                                      : SFE_OK;
        case HEADER_NEWER:
            return sfe_fail(err, SFE_E_CORRUPT, "segment %u was written by a newer version",
                            (unsigned)segment->number);
        case HEADER_BAD:
            break;
        }
    }
    segment->is_headless = true;
    segment->is_unreadable = is_unreadable;
    return SFE_OK;
}

static enum sfe_code read_headers(struct recovery *recovery, struct sfe_error *err)
{
    struct segment_table *table = &recovery->stream->table;
    uint64_t highest = 0;

    recovery->newest = table->count;
    for (uint32_t i = 0; i < table->count; i++) {
        struct segment *segment = &table->items[i];
        enum sfe_code code = show(recovery, i, SEGMENT_BEGIN, err);
        if (code != SFE_OK) {
            segment->is_headless = true;
            segment->is_unreadable = true;
            continue;
        }
        code = read_header(recovery, segment, err);
        hide(recovery);
        if (code != SFE_OK) {
            return code;
        }
        if (!segment->is_headless && segment->first_sequence < highest) {
            segment->is_headless = true; /* Sequences do not go back: it is not what it says. */
            segment->is_foreign = true;
        }
        if (!segment->is_headless) {
            highest = segment->first_sequence;
            recovery->newest = i;
        }
    }
    return SFE_OK;
}

/* Is there any frame of its own in segment `index`, or a page that cannot be read? */
static bool holds_frame(struct recovery *recovery, uint32_t index)
{
    const uint32_t salt = recovery->stream->table.items[index].salt;
    struct sfe_error ignored;
    bool is_found = false;

    if (show(recovery, index, UINT32_MAX, &ignored) != SFE_OK) {
        return true;
    }
    for (uint64_t offset = SEGMENT_BEGIN; offset < recovery->window.end && !is_found;
         offset += SFE_PAGE_BYTES) {
        struct frame frame;
        is_found = frame_check(&recovery->window, salt, offset, &frame, &ignored) != FRAME_BAD;
    }
    hide(recovery);
    return is_found;
}

/* Its header tells of the gaps of the segment before it, and that one is gone: it went only after
 * the header was durable. The frame that was durable with it is damaged; what it tells is true. */
static bool stands_for_removed(const struct segment_table *table, uint32_t index)
{
    const struct segment *segment = &table->items[index];
    uint32_t before = index;

    while (before > 0 && table->items[before - 1u].is_headless) {
        before--;
    }
    return segment->gap.why == SEGMENT_DROPPED_NEWEST &&
           segment->gap.end == segment->first_sequence &&
           (before == 0 || table->items[before - 1u].first_sequence < segment->gap.begin);
}

/* A header becomes durable with the first frame, in one sync. One without any frame is of a segment
 * whose making was cut short, or of a removed file of the same number whose bytes lie there still:
 * it gives up nothing of the segments before it. But when it was written, all before its first
 * sequence was durable. */
static void distrust_empty_end(struct recovery *recovery)
{
    struct segment_table *table = &recovery->stream->table;
    uint64_t *known = &recovery->stream->options.known_durable;

    while (recovery->newest < table->count && !holds_frame(recovery, recovery->newest) &&
           !stands_for_removed(table, recovery->newest)) {
        uint32_t before = recovery->newest;
        const uint64_t first_sequence = table->items[before].first_sequence;
        *known = first_sequence - 1u > *known ? first_sequence - 1u : *known;
        table->items[before].is_headless = true;
        while (before > 0 && table->items[before - 1].is_headless) {
            before--;
        }
        recovery->newest = before > 0 ? before - 1u : table->count;
    }
}

static void count_place(struct recovery *recovery, uint32_t number, uint64_t offset, uint64_t lost)
{
    recovery->report.damaged_places++;
    recovery->report.lost_events += lost;
    SFE_LOG(recovery->stream->options.log, SFE_ERROR, "damaged place on flash",
            sfe_text("stream", recovery->stream->name), sfe_count("segment", number),
            sfe_count("offset", offset), sfe_count("lost", lost));
    stream_note_damage(recovery->stream, number, offset);
}

/* A file without a valid header: quarantined where it held durable events, else removed: its making
 * was cut short. Where it cannot be removed now it is doomed: left behind as the oldest it would be
 * taken for damaged. One that cannot be read is left alone. */
static void settle_headless(struct recovery *recovery, struct segment *segment, bool is_damage)
{
    char name[SEGMENT_NAME_BYTES];
    char bad_name[SEGMENT_NAME_BYTES];
    struct sfe_error ignored;
    enum sfe_code code = SFE_OK;

    if (segment->is_unreadable) {
        return;
    }
    segment_name(name, recovery->stream->name, segment->number, SEGMENT_SUFFIX);
    if (is_damage || segment->is_foreign) {
        segment_name(bad_name, recovery->stream->name, segment->number, SEGMENT_BAD_SUFFIX);
        code = recovery->storage->rename(recovery->storage->context, name, bad_name, &ignored);
    } else {
        code = recovery->storage->remove(recovery->storage->context, name, &ignored);
        segment->is_doomed = code != SFE_OK && code != SFE_E_NOT_FOUND;
    }
    if (code != SFE_OK) {
        sfe_log_error(recovery->stream->options.log, SFE_WARNING, "cannot put a segment aside",
                      &ignored);
    }
}

/* Headless files between the last good segment and one that begins with `first`: by the sequences,
 * did they hold anything? */
static void settle_gap(struct recovery *recovery, uint32_t begin, uint32_t index)
{
    struct segment_table *table = &recovery->stream->table;
    const uint64_t first = segment_begin(&table->items[index]);
    const bool is_known = recovery->expected != 0;
    uint64_t lost = is_known && first > recovery->expected ? first - recovery->expected : 0;
    const bool is_damage = is_known ? lost > 0 : first > 1;

    for (uint32_t i = begin; i < index; i++) {
        if (is_damage) {
            count_place(recovery, table->items[i].number, 0, lost);
            lost = 0;
        }
        settle_headless(recovery, &table->items[i], is_damage);
    }
    if (lost > 0) {
        /* Segments have vanished, or the end of the one before is damaged. */
        const struct segment *before = &table->items[index - 1];
        count_place(recovery, before->number, before->durable_end, lost);
    }
}

static void on_place(void *owner, const struct scan *scan, uint64_t begin, uint64_t end,
                     uint64_t lost)
{
    struct recovery *recovery = owner;

    (void)scan;
    (void)end;
    count_place(recovery, recovery->scanned, begin, lost);
}

static enum sfe_code scan_one(struct recovery *recovery, uint32_t index, uint64_t limit,
                              struct scan *scan, struct sfe_error *err)
{
    struct sfe_stream *stream = recovery->stream;
    struct segment *segment = &stream->table.items[index];

    recovery->scanned = segment->number;
    *scan = (struct scan){
        .on_place = on_place,
        .owner = recovery,
        .salt = segment->salt,
        .expected = segment->first_sequence,
        .limit = limit,
        .known_durable = stream->options.known_durable,
    };
    enum sfe_code code = show(recovery, index, UINT32_MAX, err);
    if (code != SFE_OK) {
        return code;
    }
    code = scan_segment(&recovery->window, scan, err);
    hide(recovery);
    segment->durable_end = (uint32_t)scan->end;
    recovery->report.kept_events += scan->kept;
    recovery->report.segments++;
    recovery->expected = scan->expected;
    if (scan->frame_bytes_max > stream->frame_bytes_max) {
        stream->frame_bytes_max = scan->frame_bytes_max;
    }
    return code;
}

/* A segment was durable up to the beginning of the one that follows. Its frames are checked when
 * they are read. False: by the numbers another stood between, or its largest frame is not known,
 * and readers must have room for it. */
static bool trust_one(struct recovery *recovery, uint32_t index, uint64_t limit)
{
    struct sfe_stream *stream = recovery->stream;
    struct segment *segment = &stream->table.items[index];

    if (segment->frame_bytes_max == 0 || segment[1].number != segment->number + 1u ||
        segment[1].is_headless) {
        return false;
    }
    segment->durable_end = segment->file_bytes & ~(SFE_PAGE_BYTES - 1u);
    if (segment->durable_end < SEGMENT_BEGIN) {
        segment->durable_end = SEGMENT_BEGIN;
    }
    if (segment->frame_bytes_max > stream->frame_bytes_max) {
        stream->frame_bytes_max = segment->frame_bytes_max;
    }
    recovery->report.kept_events +=
        limit > segment->first_sequence ? limit - segment->first_sequence : 0;
    recovery->report.segments++;
    recovery->expected = limit;
    return true;
}

/* Counts what was dropped: up to the newest segment by its header, in it by its frames. */
static void take_counts(struct recovery *recovery, const struct scan *scan)
{
    struct sfe_stream *stream = recovery->stream;
    struct segment *newest = &stream->table.items[recovery->newest];

    stream->counts.dropped_events = newest->dropped_events + scan->dropped;
    stream->counts.dropped_bytes = newest->dropped_bytes + scan->dropped_bytes;
    newest->told_events = scan->dropped;
    drop_take_told(&stream->table, recovery->newest);
    newest->holds_gaps_only = scan->kept == 0 && (scan->dropped > 0 || newest->gap.end != 0) &&
                              scan->places == 0 && newest->gap.why != SEGMENT_DROPPED_OLDEST;
}

/* The end of the newest segment: nothing follows that could prove anything, but the cursor log may
 * know. */
static void judge_end(struct recovery *recovery, const struct scan *scan)
{
    const struct segment *newest = &recovery->stream->table.items[recovery->newest];

    if (scan->expected <= recovery->stream->options.known_durable) {
        recovery->end_is_damaged = true; /* Counted when all files are known. */
        return;
    }
    if (scan->is_unreadable) {
        /* Not the same as torn. What stands there may be readable again: its sequences are not
         * given out twice. */
        recovery->end_is_damaged = true;
        count_place(recovery, newest->number, scan->end, 0);
        recovery->expected += (newest->file_bytes - scan->end) / EVENT_BYTES_MIN;
        return;
    }
    recovery->report.torn_bytes = scan->bad_bytes;
}

static enum sfe_code scan_segments(struct recovery *recovery, struct sfe_error *err)
{
    const struct segment_table *table = &recovery->stream->table;
    uint32_t begin = 0; /* After the last good one. */

    for (uint32_t i = 0; i < table->count; i++) {
        struct scan scan;
        uint32_t next = i + 1;
        if (table->items[i].is_headless) {
            continue;
        }
        settle_gap(recovery, begin, i);
        while (next < table->count && table->items[next].is_headless) {
            next++;
        }
        const bool is_newest = next == table->count;
        const uint64_t limit = is_newest ? UINT64_MAX : segment_begin(&table->items[next]);
        drop_take_gap(recovery->stream, &table->items[i].gap);
        begin = i + 1;
        if (!is_newest && trust_one(recovery, i, limit)) {
            continue;
        }
        enum sfe_code code = scan_one(recovery, i, limit, &scan, err);
        if (code != SFE_OK) {
            return code;
        }
        if (is_newest) {
            judge_end(recovery, &scan);
            take_counts(recovery, &scan);
        }
    }
    return SFE_OK;
}

/* A headless file behind the newest good segment: what it held can only be guessed, or known from
 * the cursor log. */
static void settle_last(struct recovery *recovery, uint32_t index)
{
    struct segment *segment = &recovery->stream->table.items[index];
    const uint64_t known = recovery->stream->options.known_durable;
    const uint64_t begin = recovery->expected;
    uint64_t end = begin;
    bool is_damage = begin <= known;
    struct sfe_error ignored;

    if (segment->is_unreadable) {
        count_place(recovery, segment->number, 0, 0);
        recovery->expected += segment->file_bytes / EVENT_BYTES_MIN;
        return;
    }
    if (show(recovery, index, UINT32_MAX, &ignored) == SFE_OK) {
        is_damage = scan_finds_durable(&recovery->window, begin, &end) || is_damage;
        hide(recovery);
    }
    if (is_damage) {
        recovery->expected = end > known ? end : known + 1u;
        count_place(recovery, segment->number, 0, recovery->expected - begin);
    }
    settle_headless(recovery, segment, is_damage);
}

static void drop_headless(struct segment_table *table)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < table->count; i++) {
        if (!table->items[i].is_headless || table->items[i].is_doomed) {
            table->items[kept++] = table->items[i];
        }
    }
    table->count = kept;
}

static struct segment *newest_kept(struct segment_table *table)
{
    for (uint32_t i = table->count; i > 0; i--) {
        if (!table->items[i - 1].is_doomed) {
            return &table->items[i - 1];
        }
    }
    return NULL;
}

/* The newest segment is never written to again. What was read may be in memory only (we were
 * killed, the power stayed on): it is durable after this, name and all. */
static enum sfe_code seal_newest(struct recovery *recovery, struct sfe_error *err)
{
    const struct sfe_storage *storage = recovery->storage;
    struct segment *newest = newest_kept(&recovery->stream->table);
    char name[SEGMENT_NAME_BYTES];
    struct sfe_file *file = NULL;

    if (newest == NULL) {
        return SFE_OK;
    }
    segment_name(name, recovery->stream->name, newest->number, SEGMENT_SUFFIX);
    bool is_writable =
        storage->open(storage->context, name, SFE_STORAGE_WRITE, &file, err) == SFE_OK;
    if (!is_writable) {
        /* A read-only medium can still be delivered from. */
        enum sfe_code code = storage->open(storage->context, name, SFE_STORAGE_READ, &file, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    if (is_writable && !recovery->end_is_damaged && newest->file_bytes > newest->durable_end &&
        storage->truncate(storage->context, file, newest->durable_end, err) == SFE_OK) {
        newest->file_bytes = newest->durable_end;
    }
    enum sfe_code code = storage->sync(storage->context, file, err);
    storage->close(storage->context, file);
    return code == SFE_OK ? storage->sync_directory(storage->context, err) : code;
}

static enum sfe_code recover_all(struct recovery *recovery, struct sfe_error *err)
{
    struct sfe_stream *stream = recovery->stream;
    const uint64_t known = stream->options.known_durable;

    enum sfe_code code = read_headers(recovery, err);
    if (code != SFE_OK) {
        return code;
    }
    distrust_empty_end(recovery);
    code = scan_segments(recovery, err);
    if (code != SFE_OK) {
        return code;
    }
    const bool is_empty = recovery->expected == 0;
    if (is_empty) {
        recovery->expected = 1;
    }
    for (uint32_t i = is_empty ? 0 : recovery->newest + 1u; i < stream->table.count; i++) {
        settle_last(recovery, i);
    }
    if (recovery->expected <= known) {
        /* Of a stream without any segment it is unknown how much had been released. */
        const struct segment none = {.number = 0};
        const struct segment *at = is_empty ? &none : &stream->table.items[recovery->newest];
        count_place(recovery, at->number, at->durable_end,
                    is_empty ? 0 : known + 1u - recovery->expected);
        recovery->expected = known + 1u;
    }
    drop_headless(&stream->table);
    return seal_newest(recovery, err);
}

enum sfe_code recovery_run(struct sfe_stream *stream, struct sfe_arena *arena,
                           struct sfe_stream_recovery *report, struct sfe_error *err)
{
    struct recovery recovery = {
        .stream = stream,
        .storage = stream->options.storage,
        .window = {.storage = stream->options.storage,
                   .bytes = stream->stage.buffers[0].bytes,
                   .capacity = stream->stage.capacity},
    };

    enum sfe_code code = list_segments(&recovery, arena, err);
    if (code == SFE_OK) {
        code = recover_all(&recovery, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    SFE_ASSERT(recovery.expected > 0);
    stream->stage.next_sequence = recovery.expected;
    atomic_store(&stream->durable, recovery.expected - 1u);
    *report = recovery.report;
    return SFE_OK;
}
