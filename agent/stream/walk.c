#include "stream/walk.h"

#include "base/arena.h"
#include "base/assert.h"
#include "stream/scan.h"
#include "stream/segment.h"

#include <stdlib.h>

#define WINDOW_BYTES_MIN (2u * SFE_FRAME_BYTES_TARGET)
/* More may come while we look. */
#define ENTRIES_SPARE 16u

struct walk_segment {
    struct segment segment;
    uint64_t limit; /* Sequences from here on stand in a later segment; UINT64_MAX: none. */
    bool is_valid;
};

struct sfe_stream_walk {
    struct sfe_stream_walk_options options;
    struct sfe_stream_walk_facts facts;
    struct walk_segment *segments; /* By number. */
    uint32_t count;
    uint32_t capacity;
    struct window window;
    /* Where the walk stands. */
    uint64_t wanted;
    uint32_t at; /* Index of the segment that is open or comes next. */
    bool is_open;
    uint64_t offset;
    uint64_t expected;
    bool is_in_frame;
    uint64_t frame_end; /* Sequence. */
    struct sfe_event_decoder decoder;
};

/* First counts, then fills. */
struct listing {
    struct sfe_stream_walk *walk;
    bool is_counting;
    uint32_t found;
    uint64_t largest;
};

static bool visit_file(void *visitor, const char *name, uint64_t size)
{
    struct listing *listing = visitor;
    struct sfe_stream_walk *walk = listing->walk;
    uint32_t number = 0;

    if (segment_number_of(name, walk->options.name, SEGMENT_BAD_SUFFIX, &number)) {
        walk->facts.quarantined += listing->is_counting ? 1u : 0u;
        walk->facts.file_bytes += listing->is_counting ? size : 0u;
        return true;
    }
    if (!segment_number_of(name, walk->options.name, SEGMENT_SUFFIX, &number)) {
        return true;
    }
    listing->found++;
    if (listing->is_counting) {
        listing->largest = size > listing->largest ? size : listing->largest;
        return true;
    }
    if (walk->count < walk->capacity && size <= SFE_SEGMENT_BYTES_MAX) {
        walk->facts.file_bytes += size;
        walk->segments[walk->count++] = (struct walk_segment){
            .segment = {.number = number, .file_bytes = (uint32_t)size}, .limit = UINT64_MAX};
    }
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct walk_segment *one = a;
    const struct walk_segment *other = b;

    return one->segment.number < other->segment.number
               ? -1
               : one->segment.number > other->segment.number;
}

static enum sfe_code list(struct sfe_stream_walk *walk, struct sfe_arena *arena,
                          struct sfe_error *err)
{
    const struct sfe_storage *storage = walk->options.storage;
    struct listing listing = {.walk = walk, .is_counting = true};

    enum sfe_code code = storage->list(storage->context, visit_file, &listing, err);
    if (code != SFE_OK) {
        return code;
    }
    walk->capacity = listing.found + ENTRIES_SPARE;
    walk->segments = sfe_arena_take(arena, walk->capacity * sizeof(*walk->segments), err);
    walk->window.capacity = listing.largest > SFE_SEGMENT_BYTES_MAX ? SFE_SEGMENT_BYTES_MAX
                            : listing.largest > WINDOW_BYTES_MIN    ? (size_t)listing.largest
                                                                    : WINDOW_BYTES_MIN;
    walk->window.bytes = sfe_arena_take(arena, walk->window.capacity, err);
    if (walk->segments == NULL || walk->window.bytes == NULL) {
        return err->code;
    }
    listing.is_counting = false;
    code = storage->list(storage->context, visit_file, &listing, err);
    if (walk->count > 1) {
        qsort(walk->segments, walk->count, sizeof(*walk->segments), compare_numbers);
    }
    return code;
}

static void hide(struct sfe_stream_walk *walk)
{
    walk->options.storage->close(walk->options.storage->context, walk->window.file);
    window_show(&walk->window, NULL, 0);
    walk->is_open = false;
}

/* SFE_E_NOT_FOUND: it was released meanwhile. */
static enum sfe_code show(struct sfe_stream_walk *walk, uint32_t index, struct sfe_error *err)
{
    const struct segment *segment = &walk->segments[index].segment;
    char name[SEGMENT_NAME_BYTES];
    struct sfe_file *file = NULL;

    SFE_ASSERT(!walk->is_open);
    segment_name(name, walk->options.name, segment->number, SEGMENT_SUFFIX);
    enum sfe_code code = walk->options.storage->open(walk->options.storage->context, name,
                                                     SFE_STORAGE_READ, &file, err);
    if (code == SFE_OK) {
        window_show(&walk->window, file, segment->file_bytes);
        walk->is_open = true;
    }
    return code;
}

/* SFE_E_CORRUPT: a newer version wrote it. */
static enum sfe_code read_header(struct sfe_stream_walk *walk, struct walk_segment *entry,
                                 struct sfe_error *err)
{
    for (uint32_t copy = 0; copy < SEGMENT_HEADER_COPIES && !entry->is_valid; copy++) {
        struct sfe_slice slice;
        struct sfe_error ignored;
        if (window_get(&walk->window, (uint64_t)copy * SFE_PAGE_BYTES, SEGMENT_HEADER_BYTES_2,
                       &slice, &ignored) != SFE_OK) {
            continue;
        }
        enum header_verdict verdict =
            segment_header_parse(slice, walk->options.name, &entry->segment);
        if (verdict == HEADER_NEWER) {
            return sfe_fail(err, SFE_E_CORRUPT, "segment %u was written by a newer version",
                            (unsigned)entry->segment.number);
        }
        entry->is_valid = verdict == HEADER_VALID;
    }
    return SFE_OK;
}

static enum sfe_code read_headers(struct sfe_stream_walk *walk, struct sfe_error *err)
{
    struct walk_segment *before = NULL;

    for (uint32_t i = 0; i < walk->count; i++) {
        struct walk_segment *entry = &walk->segments[i];
        enum sfe_code code = show(walk, i, err);
        if (code == SFE_OK) {
            code = read_header(walk, entry, err);
            hide(walk);
        } else if (code == SFE_E_NOT_FOUND) {
            continue;
        }
        if (code != SFE_OK) {
            return code;
        }
        /* Sequences do not go back: such a file is not what it says. */
        entry->is_valid = entry->is_valid && (before == NULL || entry->segment.first_sequence >=
                                                                    before->segment.first_sequence);
        if (!entry->is_valid) {
            walk->facts.headless++;
            continue;
        }
        if (before != NULL) {
            before->limit = segment_begin(&entry->segment);
        }
        before = entry;
        walk->facts.segments++;
    }
    return SFE_OK;
}

/* Adds what one scan found. */
static void add_scan(struct sfe_stream_walk *walk, const struct walk_segment *entry,
                     const struct scan *scan)
{
    struct sfe_stream_walk_facts *facts = &walk->facts;
    const bool is_first = facts->end_sequence == 0;

    if (is_first) {
        facts->first_sequence = entry->segment.first_sequence;
    } else if (segment_begin(&entry->segment) > facts->end_sequence) {
        facts->lost += segment_begin(&entry->segment) - facts->end_sequence;
        facts->damaged_places++;
    }
    facts->end_sequence = scan->expected;
    facts->events += scan->kept;
    facts->sealed += entry->segment.is_sealed ? scan->kept : 0;
    facts->lost += scan->lost;
    facts->damaged_places += scan->places;
    facts->torn_bytes = scan->bad_bytes;
}

static enum sfe_code scan_all(struct sfe_stream_walk *walk, struct sfe_error *err)
{
    for (uint32_t i = 0; i < walk->count; i++) {
        struct walk_segment *entry = &walk->segments[i];
        struct scan scan = {.salt = entry->segment.salt,
                            .expected = entry->segment.first_sequence,
                            .limit = entry->limit,
                            .known_durable = walk->options.known_durable};
        if (!entry->is_valid) {
            continue;
        }
        enum sfe_code code = show(walk, i, err);
        if (code == SFE_E_NOT_FOUND) {
            entry->is_valid = false;
            walk->facts.segments--;
            continue;
        }
        if (code == SFE_OK) {
            code = scan_segment(&walk->window, &scan, err);
            hide(walk);
        }
        if (code != SFE_OK) {
            return code;
        }
        entry->segment.durable_end = (uint32_t)scan.end;
        add_scan(walk, entry, &scan);
    }
    if (walk->facts.end_sequence == 0) {
        walk->facts.first_sequence = walk->facts.end_sequence = walk->options.known_durable + 1u;
    }
    walk->facts.end_is_damaged = walk->facts.end_sequence <= walk->options.known_durable;
    return SFE_OK;
}

enum sfe_code sfe_stream_walk_open(const struct sfe_stream_walk_options *options,
                                   struct sfe_arena *arena, struct sfe_stream_walk **walk,
                                   struct sfe_error *err)
{
    struct sfe_stream_walk *made = sfe_arena_take(arena, sizeof(*made), err);

    SFE_ASSERT(options->storage != NULL && options->name != NULL);
    *walk = NULL;
    if (made == NULL) {
        return err->code;
    }
    made->options = *options;
    made->window.storage = options->storage;
    enum sfe_code code = list(made, arena, err);
    if (code == SFE_OK) {
        code = read_headers(made, err);
    }
    if (code == SFE_OK) {
        code = scan_all(made, err);
    }
    if (code != SFE_OK) {
        return sfe_within(err, "stream \"%s\"", options->name);
    }
    sfe_stream_walk_seek(made, 1);
    *walk = made;
    return SFE_OK;
}

void sfe_stream_walk_facts(const struct sfe_stream_walk *walk, struct sfe_stream_walk_facts *facts)
{
    *facts = walk->facts;
}

void sfe_stream_walk_seek(struct sfe_stream_walk *walk, uint64_t sequence)
{
    if (walk->is_open) {
        hide(walk);
    }
    walk->wanted = sequence == 0 ? 1 : sequence;
    walk->at = 0;
    walk->is_in_frame = false;
}

/* Opens the next segment that holds what is wanted. SFE_E_END: there is none. */
static enum sfe_code enter_segment(struct sfe_stream_walk *walk, struct sfe_error *err)
{
    for (; walk->at < walk->count; walk->at++) {
        const struct walk_segment *entry = &walk->segments[walk->at];
        if (!entry->is_valid || entry->limit <= walk->wanted) {
            continue;
        }
        enum sfe_code code = show(walk, walk->at, err);
        if (code == SFE_E_NOT_FOUND) {
            continue;
        }
        walk->offset = SEGMENT_BEGIN;
        walk->expected = entry->segment.first_sequence;
        return code;
    }
    return SFE_E_END;
}

/* The next frame of the segment that is open; closes it at its end. */
static void step(struct sfe_stream_walk *walk)
{
    const struct walk_segment *entry = &walk->segments[walk->at];
    struct frame frame;
    struct sfe_error ignored;

    if (walk->offset >= entry->segment.durable_end || walk->expected >= entry->limit) {
        hide(walk);
        walk->at++;
        return;
    }
    if (frame_check(&walk->window, entry->segment.salt, walk->offset, &frame, &ignored) !=
            FRAME_VALID ||
        frame.first_sequence < walk->expected || frame.first_sequence >= entry->limit ||
        frame_bytes(&frame) > walk->window.capacity) {
        walk->offset += SFE_PAGE_BYTES;
        return;
    }
    walk->expected = frame_end_sequence(&frame);
    walk->frame_end = walk->expected < entry->limit ? walk->expected : entry->limit;
    /* A gap holds no events; what is sealed is not shown. */
    walk->is_in_frame =
        (frame.flags & (FRAME_GAP | FRAME_SEALED)) == 0 && walk->frame_end > walk->wanted;
    if (walk->is_in_frame) {
        sfe_event_decoder_begin(&walk->decoder, frame_body(&walk->window, walk->offset, &frame),
                                frame.first_sequence);
    }
    walk->offset += frame_bytes(&frame);
}

/* False: the frame holds no more that is wanted. */
static bool next_in_frame(struct sfe_stream_walk *walk, struct sfe_event *event)
{
    struct sfe_error ignored;

    while (walk->decoder.sequence < walk->frame_end) {
        if (sfe_event_decode(&walk->decoder, event, &ignored) != SFE_OK) {
            walk->facts.undecodable += walk->frame_end - walk->decoder.sequence;
            break;
        }
        if (event->sequence >= walk->wanted) {
            walk->wanted = event->sequence + 1u;
            return true;
        }
    }
    walk->is_in_frame = false;
    return false;
}

enum sfe_code sfe_stream_walk_next(struct sfe_stream_walk *walk, struct sfe_event *event,
                                   struct sfe_error *err)
{
    for (;;) {
        if (walk->is_in_frame && next_in_frame(walk, event)) {
            return SFE_OK;
        }
        if (!walk->is_open) {
            enum sfe_code code = enter_segment(walk, err);
            if (code != SFE_OK) {
                return code;
            }
        }
        step(walk);
    }
}

uint32_t sfe_stream_walk_segment(const struct sfe_stream_walk *walk)
{
    return walk->is_in_frame ? walk->segments[walk->at].segment.number : 0;
}

void sfe_stream_walk_close(struct sfe_stream_walk *walk)
{
    if (walk != NULL && walk->is_open) {
        hide(walk);
    }
}

struct names {
    char items[SFE_STREAMS_MAX + 1u][SFE_NAME_BYTES_MAX + 1u];
    uint32_t count;
};

static bool visit_name(void *visitor, const char *name, uint64_t size)
{
    struct names *names = visitor;
    char stream[SFE_NAME_BYTES_MAX + 1u];
    uint32_t number = 0;

    (void)size;
    /* A stream's name may hold hyphens itself: any part before one may be it. */
    for (const char *hyphen = strchr(name, '-'); hyphen != NULL; hyphen = strchr(hyphen + 1, '-')) {
        const size_t length = (size_t)(hyphen - name);
        if (length == 0 || length > SFE_NAME_BYTES_MAX) {
            continue;
        }
        memcpy(stream, name, length);
        stream[length] = '\0';
        if (!segment_number_of(name, stream, SEGMENT_SUFFIX, &number) &&
            !segment_number_of(name, stream, SEGMENT_BAD_SUFFIX, &number)) {
            continue;
        }
        for (uint32_t i = 0; i < names->count; i++) {
            if (strcmp(names->items[i], stream) == 0) {
                return true;
            }
        }
        memcpy(names->items[names->count++], stream, length + 1u);
        break;
    }
    return names->count < SFE_STREAMS_MAX + 1u;
}

enum sfe_code sfe_stream_walk_names(const struct sfe_storage *storage,
                                    void (*visit)(void *visitor, const char *name), void *visitor,
                                    struct sfe_error *err)
{
    struct names names = {.count = 0};
    enum sfe_code code = storage->list(storage->context, visit_name, &names, err);

    for (uint32_t i = 0; i < names.count && code == SFE_OK; i++) {
        visit(visitor, names.items[i]);
    }
    return code;
}
