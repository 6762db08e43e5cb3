/* The log of cursors: files that are only appended to. A spare file is kept ready, so that a full
 * medium cannot stop the cursors: they are what frees it. */
#include "stream/cursor.h"

#include "base/arena.h"
#include "base/assert.h"
#include "stream/cursor_snapshot.h"
#include "stream/frame.h"
#include "stream/window.h"

#include <inttypes.h>
#include <stdio.h>

#define FILE_PAGES_MIN 64u
#define HEADER_COPIES  2u
#define FILE_BEGIN     (HEADER_COPIES * SFE_PAGE_BYTES) /* Offset of the first snapshot. */
#define FILES_MAX      64u
#define NAME_BYTES     32u
#define NAME_PREFIX    "cursors-"
#define NAME_SUFFIX    ".log"
#define DIGITS_MIN     6u
#define DIGITS_MAX     9u

struct numbers {
    uint32_t count;
    uint32_t highest;
    uint32_t items[FILES_MAX];
};

struct sfe_cursor_log {
    const struct sfe_storage *storage;
    const struct sfe_entropy *entropy;
    struct cursor_set set; /* What the last durable snapshot says. */
    uint64_t generation;   /* Of the last snapshot written or tried. */
    uint8_t *header_bytes; /* FILE_BEGIN. */
    uint8_t *snapshot_bytes;
    size_t snapshot_capacity;
    uint32_t file_bytes;
    struct sfe_file *file; /* NULL: the next save begins one. */
    uint32_t number;
    uint32_t salt;
    uint64_t offset;
    uint32_t next_number;
    uint32_t spare; /* Number of a file that is only allocated; 0: none. */
    uint64_t written_bytes;
    uint64_t syncs;
};

static void name_file(char *name, uint32_t number)
{
    int length = snprintf(name, NAME_BYTES, NAME_PREFIX "%06" PRIu32 NAME_SUFFIX, number);
    SFE_ASSERT(length > 0 && (size_t)length < NAME_BYTES);
}

/* 0 where `name` is not one of ours. */
static uint32_t number_of(const char *name)
{
    const size_t prefix = sizeof(NAME_PREFIX) - 1;
    const size_t suffix = sizeof(NAME_SUFFIX) - 1;
    const size_t size = strlen(name);
    char expected[NAME_BYTES];
    uint32_t number = 0;

    if (size < prefix + DIGITS_MIN + suffix || size > prefix + DIGITS_MAX + suffix) {
        return 0;
    }
    for (size_t i = prefix; i < size - suffix; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return 0;
        }
        number = number * 10u + (uint32_t)(name[i] - '0');
    }
    name_file(expected, number);
    return strcmp(name, expected) == 0 ? number : 0;
}

static bool visit(void *visitor, const char *name, uint64_t size)
{
    struct numbers *numbers = visitor;
    const uint32_t number = number_of(name);

    (void)size;
    if (number > numbers->highest) {
        numbers->highest = number;
    }
    if (number == 0) {
        return true;
    }
    if (numbers->count < FILES_MAX) {
        numbers->items[numbers->count++] = number;
        return true;
    }
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        if (numbers->items[i] < number) {
            numbers->items[i] = number; /* Of too many, rather the later ones. */
            return true;
        }
    }
    return true;
}

/* SFE_E_NOT_FOUND (no text): no valid header. */
static enum sfe_code read_salt(struct window *window, uint32_t *salt, struct sfe_error *err)
{
    for (uint32_t copy = 0; copy < HEADER_COPIES; copy++) {
        struct sfe_slice slice;
        struct sfe_error ignored;
        if (window_get(window, (uint64_t)copy * SFE_PAGE_BYTES, CURSOR_HEADER_BYTES, &slice,
                       &ignored) != SFE_OK) {
            continue;
        }
        switch (cursor_header_parse(slice, salt)) {
        case CURSOR_HEADER_VALID:
            return SFE_OK;
        case CURSOR_HEADER_NEWER:
            return sfe_fail(err, SFE_E_CORRUPT, "the cursors were written by a newer version");
        case CURSOR_HEADER_BAD:
            break;
        }
    }
    return SFE_E_NOT_FOUND;
}

/* Allocated and never written: where a header should stand is nothing. */
static bool is_blank(struct window *window)
{
    struct sfe_slice slice;
    struct sfe_error ignored;

    for (uint64_t offset = 0; offset < FILE_BEGIN; offset += SFE_PAGE_BYTES) {
        if (window_get(window, offset, SFE_PAGE_BYTES, &slice, &ignored) != SFE_OK ||
            !sfe_slice_is_zero(slice)) {
            return false;
        }
    }
    return true;
}

/* Loads the newest snapshot of the file, if it is newer than what is loaded. What cannot be read or
 * does not check costs repeats. */
static void read_snapshots(struct sfe_cursor_log *log, struct window *window, uint32_t salt)
{
    uint64_t offset = FILE_BEGIN;

    while (offset < window->end) {
        struct sfe_slice slice;
        struct sfe_error ignored;
        struct cursor_set set = log->set;
        uint64_t generation = 0;
        size_t size = 0;
        if (window_get(window, offset, SNAPSHOT_HEADER_BYTES, &slice, &ignored) == SFE_OK) {
            size = snapshot_size(slice);
        }
        bool is_valid = size != 0 && size <= window->capacity &&
                        window_get(window, offset, size, &slice, &ignored) == SFE_OK &&
                        snapshot_generation(slice) > log->generation &&
                        snapshot_parse(slice, salt, &generation, &set);
        if (is_valid) {
            log->set = set;
            log->generation = generation;
        }
        offset += is_valid ? page_align((uint32_t)size) : SFE_PAGE_BYTES;
    }
}

static enum sfe_code load_file(struct sfe_cursor_log *log, uint32_t number, uint32_t highest,
                               struct sfe_error *err)
{
    const struct sfe_storage *storage = log->storage;
    struct window window = {
        .storage = storage, .bytes = log->snapshot_bytes, .capacity = log->snapshot_capacity};
    char name[NAME_BYTES];
    struct sfe_file *file = NULL;
    uint64_t size = 0;
    uint32_t salt = 0;

    name_file(name, number);
    enum sfe_code code = storage->open(storage->context, name, SFE_STORAGE_READ, &file, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot read '%s'", name);
    }
    code = storage->size(storage->context, file, &size, err);
    if (code == SFE_OK) {
        window_show(&window, file, size > SFE_SEGMENT_BYTES_MAX ? SFE_SEGMENT_BYTES_MAX : size);
        code = read_salt(&window, &salt, err);
        if (code == SFE_OK) {
            read_snapshots(log, &window, salt);
        } else if (code == SFE_E_NOT_FOUND) {
            if (number == highest && size >= log->file_bytes && is_blank(&window)) {
                log->spare = number;
            }
            code = SFE_OK;
        }
    }
    storage->close(storage->context, file);
    return code;
}

static enum sfe_code load(struct sfe_cursor_log *log, struct sfe_error *err)
{
    struct numbers numbers = {0};

    enum sfe_code code = log->storage->list(log->storage->context, visit, &numbers, err);
    for (uint32_t i = 0; i < numbers.count && code == SFE_OK; i++) {
        code = load_file(log, numbers.items[i], numbers.highest, err);
    }
    log->next_number = numbers.highest + 1u;
    return code;
}

static uint32_t file_bytes_of(uint32_t cursors_max, uint32_t marks_max)
{
    const size_t least = FILE_BEGIN + snapshot_bytes_max(2u * cursors_max, 2u * marks_max);
    const uint32_t usual = FILE_PAGES_MIN * SFE_PAGE_BYTES;

    return least > usual ? (uint32_t)least : usual;
}

uint64_t sfe_cursor_log_flash_bytes(uint32_t cursors_max, uint32_t marks_max)
{
    return UINT64_C(3) * file_bytes_of(cursors_max, marks_max);
}

size_t sfe_cursor_log_memory_bytes(uint32_t cursors_max, uint32_t marks_max)
{
    size_t cursors = 2u * (size_t)cursors_max;
    size_t marks = 2u * (size_t)marks_max;

    return sfe_arena_cost(sizeof(struct sfe_cursor_log)) +
           sfe_arena_cost(cursors * sizeof(struct sfe_cursor)) +
           sfe_arena_cost(marks * sizeof(struct sfe_cursor_mark)) + sfe_arena_cost(FILE_BEGIN) +
           sfe_arena_cost(snapshot_bytes_max(2u * cursors_max, 2u * marks_max));
}

enum sfe_code sfe_cursor_log_open(const struct sfe_storage *storage,
                                  const struct sfe_entropy *entropy, uint32_t cursors_max,
                                  uint32_t marks_max, struct sfe_arena *arena,
                                  struct sfe_cursor_log **log, struct sfe_error *err)
{
    struct sfe_cursor_log *made = sfe_arena_take(arena, sizeof(*made), err);

    *log = NULL;
    if (made == NULL) {
        return err->code;
    }
    /* As many again that are kept though nobody is configured to use them. */
    made->storage = storage;
    made->entropy = entropy;
    made->set.cursor_capacity = 2u * cursors_max;
    made->set.mark_capacity = 2u * marks_max;
    made->snapshot_capacity = snapshot_bytes_max(2u * cursors_max, 2u * marks_max);
    made->file_bytes = file_bytes_of(cursors_max, marks_max);
    made->set.cursors =
        sfe_arena_take(arena, made->set.cursor_capacity * sizeof(*made->set.cursors), err);
    made->set.marks =
        sfe_arena_take(arena, made->set.mark_capacity * sizeof(*made->set.marks), err);
    made->header_bytes = sfe_arena_take(arena, FILE_BEGIN, err);
    made->snapshot_bytes = sfe_arena_take(arena, made->snapshot_capacity, err);
    if (made->set.cursors == NULL || made->set.marks == NULL || made->header_bytes == NULL ||
        made->snapshot_bytes == NULL) {
        return SFE_E_NO_MEMORY;
    }
    enum sfe_code code = load(made, err);
    if (code == SFE_OK) {
        *log = made;
    }
    return code;
}

const struct sfe_cursor *sfe_cursor_log_find(const struct sfe_cursor_log *log, const char *name)
{
    return cursor_set_find(&log->set, name);
}

const struct sfe_cursor_mark *sfe_cursor_log_mark(const struct sfe_cursor_log *log,
                                                  const char *stream)
{
    return cursor_set_mark(&log->set, stream);
}

const struct sfe_cursor *sfe_cursor_log_at(const struct sfe_cursor_log *log, uint32_t index)
{
    return index < log->set.cursor_count ? &log->set.cursors[index] : NULL;
}

bool sfe_cursor_log_has_room(const struct sfe_cursor_log *log, uint32_t cursors, uint32_t marks)
{
    SFE_ASSERT(log->set.cursor_count <= log->set.cursor_capacity);
    SFE_ASSERT(log->set.mark_count <= log->set.mark_capacity);
    return cursors <= log->set.cursor_capacity - log->set.cursor_count &&
           marks <= log->set.mark_capacity - log->set.mark_count;
}

/* What a save says. */
struct given {
    const struct sfe_cursor *cursors;
    const struct sfe_cursor_mark *marks;
    uint32_t cursor_count;
    uint32_t mark_count;
};

static bool gives_cursor(const struct given *given, const char *name)
{
    for (uint32_t i = 0; i < given->cursor_count; i++) {
        if (strcmp(given->cursors[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool gives_mark(const struct given *given, const char *stream)
{
    for (uint32_t i = 0; i < given->mark_count; i++) {
        if (strcmp(given->marks[i].stream, stream) == 0) {
            return true;
        }
    }
    return false;
}

/* Encodes what is given and what is kept besides; the salt of the file comes later, with the seal.
 */
static enum sfe_code fill_snapshot(const struct sfe_cursor_log *log, const struct given *given,
                                   struct sfe_builder *builder, struct given *total,
                                   struct sfe_error *err)
{
    *total = *given;
    snapshot_begin(builder);
    for (uint32_t i = 0; i < given->cursor_count; i++) {
        snapshot_add_cursor(builder, &given->cursors[i]);
    }
    for (uint32_t i = 0; i < log->set.cursor_count; i++) {
        if (!gives_cursor(given, log->set.cursors[i].name)) {
            snapshot_add_cursor(builder, &log->set.cursors[i]);
            total->cursor_count++;
        }
    }
    for (uint32_t i = 0; i < given->mark_count; i++) {
        snapshot_add_mark(builder, &given->marks[i]);
    }
    for (uint32_t i = 0; i < log->set.mark_count; i++) {
        if (!gives_mark(given, log->set.marks[i].stream)) {
            snapshot_add_mark(builder, &log->set.marks[i]);
            total->mark_count++;
        }
    }
    if (builder->overflowed || total->cursor_count > log->set.cursor_capacity ||
        total->mark_count > log->set.mark_capacity) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "too many cursors of former outputs are kept");
    }
    return SFE_OK;
}

static void merge(struct cursor_set *set, const struct given *given)
{
    for (uint32_t i = 0; i < given->cursor_count; i++) {
        struct sfe_cursor *cursor = cursor_set_find(set, given->cursors[i].name);
        if (cursor == NULL) {
            SFE_ASSERT(set->cursor_count < set->cursor_capacity);
            cursor = &set->cursors[set->cursor_count++];
        }
        *cursor = given->cursors[i];
    }
    for (uint32_t i = 0; i < given->mark_count; i++) {
        struct sfe_cursor_mark *mark = cursor_set_mark(set, given->marks[i].stream);
        if (mark == NULL) {
            SFE_ASSERT(set->mark_count < set->mark_capacity);
            mark = &set->marks[set->mark_count++];
        }
        *mark = given->marks[i];
    }
}

static void close_file(struct sfe_cursor_log *log)
{
    log->storage->close(log->storage->context, log->file);
    log->file = NULL;
}

/* A new file with its space kept. SFE_E_...: there is none, and nothing is left of it. */
static enum sfe_code create_file(struct sfe_cursor_log *log, struct sfe_file **file,
                                 uint32_t *number, struct sfe_error *err)
{
    const struct sfe_storage *storage = log->storage;
    char name[NAME_BYTES];
    struct sfe_error ignored;

    *number = log->next_number++;
    name_file(name, *number);
    enum sfe_code code = storage->open(storage->context, name, SFE_STORAGE_CREATE, file, err);
    if (code != SFE_OK) {
        *file = NULL;
        return code;
    }
    code = storage->allocate(storage->context, *file, log->file_bytes, err);
    if (code != SFE_OK) {
        storage->close(storage->context, *file);
        *file = NULL;
        (void)storage->remove(storage->context, name, &ignored); /* If not, with the next file. */
    }
    return code;
}

static enum sfe_code begin_file(struct sfe_cursor_log *log, struct sfe_error *err)
{
    char name[NAME_BYTES];
    enum sfe_code code =
        log->entropy->fill(log->entropy->context, &log->salt, sizeof(log->salt), err);
    if (code != SFE_OK) {
        return code;
    }
    if (log->spare != 0) {
        log->number = log->spare;
        log->spare = 0;
        name_file(name, log->number);
        code = log->storage->open(log->storage->context, name, SFE_STORAGE_WRITE, &log->file, err);
        if (code != SFE_OK) {
            log->file = NULL;
        }
    }
    if (log->file == NULL) {
        code = create_file(log, &log->file, &log->number, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    memset(log->header_bytes, 0, FILE_BEGIN);
    for (uint32_t copy = 0; copy < HEADER_COPIES; copy++) {
        cursor_header_write(log->salt, log->header_bytes + (size_t)copy * SFE_PAGE_BYTES);
    }
    log->offset = 0; /* The header goes with the first snapshot. */
    return SFE_OK;
}

/* The snapshot in the new file is durable: what came before is no longer needed, and a spare can
 * take its place. */
static void remove_others(struct sfe_cursor_log *log)
{
    const struct sfe_storage *storage = log->storage;
    struct numbers numbers = {0};
    struct sfe_error ignored;
    struct sfe_file *file = NULL;
    bool is_gone = storage->list(storage->context, visit, &numbers, &ignored) == SFE_OK;

    for (uint32_t i = 0; i < numbers.count; i++) {
        char name[NAME_BYTES];
        name_file(name, numbers.items[i]);
        if (numbers.items[i] != log->number &&
            storage->remove(storage->context, name, &ignored) != SFE_OK) {
            is_gone = false; /* Tried again with the next file. */
        }
    }
    if (is_gone && create_file(log, &file, &log->spare, &ignored) == SFE_OK) {
        storage->close(storage->context, file);
    } else {
        log->spare = 0;
    }
}

static enum sfe_code write_snapshot(struct sfe_cursor_log *log, const struct sfe_builder *builder,
                                    bool is_new, struct sfe_error *err)
{
    const struct sfe_storage *storage = log->storage;
    struct sfe_slice parts[2];
    size_t count = 0;

    if (is_new) {
        parts[count++] = sfe_slice_make(log->header_bytes, FILE_BEGIN);
    }
    parts[count++] = sfe_builder_slice(builder);
    enum sfe_code code =
        storage->write(storage->context, log->file, log->offset, parts, count, err);
    if (code == SFE_OK) {
        code = storage->sync(storage->context, log->file, err);
    }
    if (code == SFE_OK && is_new) {
        code = storage->sync_directory(storage->context, err);
    }
    if (code == SFE_OK) {
        log->offset += builder->size + (is_new ? FILE_BEGIN : 0u);
        log->written_bytes += builder->size + (is_new ? FILE_BEGIN : 0u);
        log->syncs++;
    }
    return code;
}

/* Never trusted again; the last snapshot stands. A new file goes at once, or a failing medium would
 * fill up with them. */
static void give_up_file(struct sfe_cursor_log *log, bool is_new)
{
    close_file(log);
    if (is_new) {
        char name[NAME_BYTES];
        struct sfe_error ignored;
        name_file(name, log->number);
        /* Where that fails, the next new file takes it away. */
        (void)log->storage->remove(log->storage->context, name, &ignored);
    }
}

enum sfe_code sfe_cursor_log_save(struct sfe_cursor_log *log, const struct sfe_cursor *cursors,
                                  uint32_t count, const struct sfe_cursor_mark *marks,
                                  uint32_t mark_count, struct sfe_error *err)
{
    const struct given given = {cursors, marks, count, mark_count};
    struct given total;
    struct sfe_builder builder = sfe_builder_make(log->snapshot_bytes, log->snapshot_capacity);

    SFE_ASSERT(count <= log->set.cursor_capacity && mark_count <= log->set.mark_capacity);
    enum sfe_code code = fill_snapshot(log, &given, &builder, &total, err);
    if (code != SFE_OK) {
        return code;
    }
    if (log->file != NULL && log->offset + page_align((uint32_t)builder.size) > log->file_bytes) {
        close_file(log);
    }
    const bool is_new = log->file == NULL;
    if (is_new) {
        code = begin_file(log, err);
        if (code != SFE_OK) {
            return sfe_within(err, "cannot begin a file of cursors");
        }
    }
    log->generation++;
    snapshot_seal(&builder, log->generation, total.cursor_count, total.mark_count, log->salt);
    code = write_snapshot(log, &builder, is_new, err);
    if (code != SFE_OK) {
        give_up_file(log, is_new);
        return sfe_within(err, "cannot save the cursors");
    }
    merge(&log->set, &given);
    if (is_new) {
        remove_others(log);
    }
    return SFE_OK;
}

enum sfe_code sfe_cursor_log_forget(struct sfe_cursor_log *log, const char *name,
                                    struct sfe_error *err)
{
    struct cursor_set *set = &log->set;
    struct sfe_cursor *cursor = cursor_set_find(set, name);

    if (cursor == NULL) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "there is no cursor \"%.130s\"", name);
    }
    const struct sfe_cursor forgotten = *cursor;
    *cursor = set->cursors[--set->cursor_count];
    enum sfe_code code = sfe_cursor_log_save(log, NULL, 0, NULL, 0, err);
    if (code != SFE_OK) {
        set->cursors[set->cursor_count++] = forgotten;
    }
    return code;
}

uint64_t sfe_cursor_log_written_bytes(const struct sfe_cursor_log *log)
{
    return log->written_bytes;
}

uint64_t sfe_cursor_log_syncs(const struct sfe_cursor_log *log)
{
    return log->syncs;
}

void sfe_cursor_log_close(struct sfe_cursor_log *log)
{
    if (log != NULL) {
        close_file(log);
    }
}
