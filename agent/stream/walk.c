#include "stream/walk.h"

#include "base/arena.h"
#include "base/assert.h"
#include "stream/scan.h"
#include "stream/seal.h"

#include <stdlib.h>

/* More may come while we look. */
#define ENTRIES_SPARE 16u

struct walk_segment {
    struct segment segment;
    uint64_t limit; /* Sequences from here on stand in a later segment; UINT64_MAX: none. */
    bool is_valid;
    bool is_locked;    /* Sealed with a key that is not at hand. */
    bool is_put_aside; /* No part of the stream. */
    bool is_headless;
};

struct sfe_stream_walk {
    struct sfe_stream_walk_options options;
    struct sfe_stream_walk_facts facts;
    struct walk_segment *segments; /* By number. */
    uint32_t count;
    uint32_t capacity;
    struct window window;
    struct seal seal;
    uint8_t *plain; /* Sealed frames are opened into it; as large as the window, NULL: no keys. */
    /* Where the walk stands. */
    uint64_t wanted;
    uint32_t at; /* Index of the segment that is open or comes next, or is being scanned. */
    bool is_open;
    uint64_t offset;
    uint64_t expected;
    bool is_in_frame;
    struct frame frame;
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

    const bool is_put_aside =
        segment_number_of(name, walk->options.name, SEGMENT_BAD_SUFFIX, &number);
    if (!is_put_aside && !segment_number_of(name, walk->options.name, SEGMENT_SUFFIX, &number)) {
        return true;
    }
    listing->found++;
    if (listing->is_counting) {
        listing->largest = size > listing->largest ? size : listing->largest;
        return true;
    }
    if (walk->count < walk->capacity && size <= SFE_SEGMENT_BYTES_MAX) {
        walk->facts.file_bytes += size;
        walk->facts.quarantined += is_put_aside ? 1u : 0u;
        walk->segments[walk->count++] =
            (struct walk_segment){.segment = {.number = number, .file_bytes = (uint32_t)size},
                                  .limit = UINT64_MAX,
                                  .is_put_aside = is_put_aside};
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
    walk->window.capacity = listing.largest > SFE_SEGMENT_BYTES_MAX     ? SFE_SEGMENT_BYTES_MAX
                            : listing.largest > WINDOW_READ_AHEAD_BYTES ? (size_t)listing.largest
                                                                        : WINDOW_READ_AHEAD_BYTES;
    walk->window.bytes = sfe_arena_take(arena, walk->window.capacity, err);
    if (walk->segments == NULL || walk->window.bytes == NULL) {
        return err->code;
    }
    if (walk->options.key_count > 0) {
        walk->plain = sfe_arena_take(arena, walk->window.capacity, err);
        if (walk->plain == NULL) {
            return err->code;
        }
    }
    listing.is_counting = false;
    code = storage->list(storage->context, visit_file, &listing, err);
    if (walk->count > 1) {
        qsort(walk->segments, walk->count, sizeof(*walk->segments), compare_numbers);
    }
    return code;
}

static void name_file(const struct sfe_stream_walk *walk, uint32_t index,
                      char name[SEGMENT_NAME_BYTES])
{
    const struct walk_segment *entry = &walk->segments[index];

    segment_name(name, walk->options.name, entry->segment.number,
                 entry->is_put_aside ? SEGMENT_BAD_SUFFIX : SEGMENT_SUFFIX);
}

/* Tells of bytes of file `index`. */
static void tell(const struct sfe_stream_walk *walk, uint32_t index,
                 struct sfe_stream_damage damage)
{
    char name[SEGMENT_NAME_BYTES];

    if (walk->options.on_damage == NULL) {
        return;
    }
    name_file(walk, index, name);
    damage.file = name;
    damage.is_put_aside = walk->segments[index].is_put_aside;
    walk->options.on_damage(walk->options.owner, &damage);
}

static void tell_headless(const struct sfe_stream_walk *walk, uint32_t index)
{
    const struct sfe_stream_damage damage = {.kind = SFE_DAMAGE_HEADER,
                                             .bytes = walk->segments[index].segment.file_bytes};

    tell(walk, index, damage);
}

/* Tells of what stands in file `index` from `offset` on, with `lost` events from `first` on. */
static void tell_rest(const struct sfe_stream_walk *walk, uint32_t index, uint64_t offset,
                      uint64_t first, uint64_t lost)
{
    const uint64_t size = walk->segments[index].segment.file_bytes;
    const struct sfe_stream_damage damage = {.kind = SFE_DAMAGE_BYTES,
                                             .offset = offset,
                                             .bytes = size > offset ? size - offset : 0,
                                             .first_sequence = first,
                                             .lost = lost};

    tell(walk, index, damage);
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
    name_file(walk, index, name);
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
    struct sfe_error ignored;
    entry->is_locked = entry->is_valid && entry->segment.is_sealed &&
                       seal_find_key(&walk->seal, &entry->segment, &ignored) != SFE_OK;
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
        if (entry->is_put_aside) {
            continue; /* Whatever it is. */
        }
        if (code != SFE_OK) {
            return code;
        }
        /* Sequences do not go back: such a file is not what it says. */
        entry->is_valid = entry->is_valid && (before == NULL || entry->segment.first_sequence >=
                                                                    before->segment.first_sequence);
        if (!entry->is_valid) {
            entry->is_headless = true;
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

static void on_place(void *owner, const struct scan *scan, uint64_t begin, uint64_t end,
                     uint64_t lost)
{
    const struct sfe_stream_walk *walk = owner;
    const struct sfe_stream_damage damage = {.kind = SFE_DAMAGE_BYTES,
                                             .offset = begin,
                                             .bytes = end - begin,
                                             .first_sequence = scan->expected,
                                             .lost = lost};

    tell(walk, walk->at, damage);
}

static enum sfe_code scan_one(struct sfe_stream_walk *walk, uint32_t index, struct scan *scan,
                              struct sfe_error *err)
{
    struct walk_segment *entry = &walk->segments[index];

    walk->at = index;
    scan->salt = entry->segment.salt;
    scan->expected = entry->segment.first_sequence;
    scan->limit = entry->limit;
    scan->on_place = on_place;
    scan->owner = walk;
    enum sfe_code code = show(walk, index, err);
    if (code == SFE_OK) {
        code = scan_segment(&walk->window, scan, err);
        hide(walk);
        entry->segment.durable_end = (uint32_t)scan->end;
    }
    return code;
}

/* Adds what one scan found; `before` is the valid segment before it, where there is one. */
static void add_scan(struct sfe_stream_walk *walk, uint32_t before, uint32_t index,
                     const struct scan *scan)
{
    struct sfe_stream_walk_facts *facts = &walk->facts;
    const struct walk_segment *entry = &walk->segments[index];
    const uint64_t begin = segment_begin(&entry->segment);

    if (facts->end_sequence == 0) {
        facts->first_sequence = entry->segment.first_sequence;
    } else if (begin > facts->end_sequence) {
        facts->lost += begin - facts->end_sequence;
        facts->damaged_places++;
        tell_rest(walk, before, walk->segments[before].segment.durable_end, facts->end_sequence,
                  begin - facts->end_sequence);
    }
    facts->end_sequence = scan->expected;
    facts->events += scan->kept;
    facts->sealed += entry->segment.is_sealed ? scan->kept : 0;
    if (entry->is_locked) {
        facts->locked += scan->kept;
        facts->locked_segment = entry->segment.number;
        memcpy(facts->locked_key, entry->segment.seal.key_id, sizeof(facts->locked_key));
    }
    facts->lost += scan->lost;
    facts->damaged_places += scan->places;
    facts->torn_bytes = scan->bad_bytes;
}

static void end_scans(struct sfe_stream_walk *walk, uint32_t newest)
{
    struct sfe_stream_walk_facts *facts = &walk->facts;
    const uint64_t known = walk->options.known_durable;

    if (facts->end_sequence == 0) {
        facts->first_sequence = facts->end_sequence = known + 1u;
    }
    facts->end_is_damaged = facts->end_sequence <= known;
    if (facts->end_is_damaged) {
        tell_rest(walk, newest, walk->segments[newest].segment.durable_end, facts->end_sequence,
                  known + 1u - facts->end_sequence);
    }
}

/* A file behind all others without a header: a running agent makes it just now, or was cut short
 * when it did. Not, where it looks as if it had held durable events. */
static bool is_being_made(struct sfe_stream_walk *walk, uint32_t index)
{
    struct sfe_error err;
    uint64_t end = 0;
    const enum sfe_code code = show(walk, index, &err);

    if (code != SFE_OK) {
        return code == SFE_E_NOT_FOUND;
    }
    const bool held = scan_finds_durable(&walk->window, walk->facts.end_sequence, &end);
    hide(walk);
    return !held;
}

static void count_headless(struct sfe_stream_walk *walk, uint32_t newest)
{
    const bool has_newest = walk->facts.segments > 0;

    for (uint32_t i = 0; i < walk->count; i++) {
        const bool is_last = has_newest ? i > newest : walk->options.known_durable == 0;
        if (!walk->segments[i].is_headless ||
            (is_last && !walk->facts.end_is_damaged && is_being_made(walk, i))) {
            continue;
        }
        walk->facts.headless++;
        tell_headless(walk, i);
    }
}

static enum sfe_code scan_all(struct sfe_stream_walk *walk, struct sfe_error *err)
{
    uint32_t newest = 0;

    for (uint32_t i = 0; i < walk->count; i++) {
        struct walk_segment *entry = &walk->segments[i];
        struct scan scan = {.known_durable = walk->options.known_durable};
        if (!entry->is_valid || entry->is_put_aside) {
            continue;
        }
        enum sfe_code code = scan_one(walk, i, &scan, err);
        if (code == SFE_E_NOT_FOUND) {
            entry->is_valid = false;
            walk->facts.segments--;
            continue;
        }
        if (code != SFE_OK) {
            return code;
        }
        add_scan(walk, newest, i, &scan);
        newest = i;
    }
    end_scans(walk, newest);
    count_headless(walk, newest);
    return SFE_OK;
}

/* Files that were put aside: all in them was durable once. */
static void tell_put_aside(struct sfe_stream_walk *walk)
{
    for (uint32_t i = 0; i < walk->count && walk->options.on_damage != NULL; i++) {
        struct scan scan = {.known_durable = SEQUENCE_MAX};
        struct sfe_error ignored;
        if (!walk->segments[i].is_put_aside) {
            continue;
        }
        if (!walk->segments[i].is_valid) {
            tell_headless(walk, i);
        } else if (scan_one(walk, i, &scan, &ignored) == SFE_OK && scan.bad_bytes > 0) {
            tell_rest(walk, i, scan.end, scan.expected, 0);
        }
        walk->segments[i].is_valid = false; /* The walk does not go there. */
    }
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
    made->seal = (struct seal){options->crypto, options->keys, options->key_count};
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
    tell_put_aside(made);
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
        if (!entry->is_valid || entry->is_put_aside || entry->limit <= walk->wanted) {
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

/* The events from `first` on of the frame before `offset` cannot be had. */
static void pass_frame(struct sfe_stream_walk *walk, enum sfe_stream_damage_kind kind,
                       uint64_t first)
{
    const uint64_t size = frame_bytes(&walk->frame);
    const struct sfe_stream_damage damage = {.kind = kind,
                                             .offset = walk->offset - size,
                                             .bytes = size,
                                             .first_sequence = first,
                                             .lost = walk->frame_end - first};

    walk->facts.undecodable += walk->frame_end - first;
    tell(walk, walk->at, damage);
}

/* The events of the sealed frame at `offset`. False: they do not open, or are in the clear where
 * they must not be. */
static bool unseal(struct sfe_stream_walk *walk, const struct walk_segment *entry,
                   struct sfe_slice *body)
{
    struct sfe_error ignored;

    if (((walk->frame.flags & FRAME_SEALED) != 0) != entry->segment.is_sealed) {
        return false;
    }
    if (!entry->segment.is_sealed) {
        return true;
    }
    if (body->size < FRAME_TAG_BYTES ||
        seal_open(&walk->seal, &entry->segment, (uint32_t)walk->offset, *body, walk->plain,
                  &ignored) != SFE_OK) {
        return false;
    }
    *body = sfe_slice_make(walk->plain, body->size - FRAME_TAG_BYTES);
    return true;
}

/* A valid frame stands at `offset`: its events come next, unless none is wanted. */
static void enter_frame(struct sfe_stream_walk *walk, const struct walk_segment *entry)
{
    const struct frame *frame = &walk->frame;
    const uint32_t size = frame_bytes(frame);

    walk->expected = frame_end_sequence(frame);
    walk->frame_end = walk->expected < entry->limit ? walk->expected : entry->limit;
    if ((frame->flags & FRAME_GAP) != 0 || entry->is_locked || walk->frame_end <= walk->wanted) {
        walk->offset += size;
        return;
    }
    struct sfe_slice body = frame_body(&walk->window, walk->offset, frame);
    walk->is_in_frame = unseal(walk, entry, &body);
    walk->offset += size;
    if (walk->is_in_frame) {
        sfe_event_decoder_begin(&walk->decoder, body, frame->first_sequence);
    } else {
        pass_frame(walk, SFE_DAMAGE_SEAL, frame->first_sequence);
    }
}

/* The next frame of the segment that is open; closes it at its end. */
static void step(struct sfe_stream_walk *walk)
{
    const struct walk_segment *entry = &walk->segments[walk->at];
    struct frame *frame = &walk->frame;
    struct sfe_error ignored;

    if (walk->offset >= entry->segment.durable_end || walk->expected >= entry->limit) {
        hide(walk);
        walk->at++;
        return;
    }
    if (frame_check(&walk->window, entry->segment.salt, walk->offset, frame, &ignored) !=
            FRAME_VALID ||
        frame->first_sequence < walk->expected || frame->first_sequence >= entry->limit ||
        frame_bytes(frame) > walk->window.capacity) {
        walk->offset += SFE_PAGE_BYTES;
        return;
    }
    enter_frame(walk, entry);
}

/* False: the frame holds no more that is wanted. */
static bool next_in_frame(struct sfe_stream_walk *walk, struct sfe_event *event)
{
    struct sfe_error ignored;

    while (walk->decoder.sequence < walk->frame_end) {
        const uint64_t sequence = walk->decoder.sequence;
        if (sfe_event_decode(&walk->decoder, event, &ignored) != SFE_OK) {
            pass_frame(walk, SFE_DAMAGE_EVENTS, sequence);
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
