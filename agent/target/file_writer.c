#include "target/file_writer.h"

#include "base/assert.h"
#include "base/hash.h"

#include <stdio.h>

#define TARGET_SEED  0x7366656467652d66u
#define DIGITS       10u
#define CHUNK_BYTES  1024u
#define AGE_AGAIN_NS (UINT64_C(10) * 1000000000u)

/* What a walk over the directory finds of our closed files. */
struct survey {
    const struct file_writer *writer;
    uint64_t count, bytes;
    uint64_t newest, oldest;
    uint64_t oldest_bytes;
    char oldest_name[SFE_FILE_NAME_BYTES];
};

static void put_name(char *name, const char *begin, const char *end)
{
    const int length = snprintf(name, SFE_FILE_NAME_BYTES, "%s%s", begin, end);

    SFE_ASSERT(length > 0 && (size_t)length < SFE_FILE_NAME_BYTES);
}

void file_writer_make(const struct sfe_file_output_options *options, struct sfe_slice heading,
                      struct file_writer *writer)
{
    const struct sfe_slice kind = options->is_csv ? SFE_TEXT("csv") : SFE_TEXT("ndjson");

    writer->options = options;
    writer->heading = heading;
    writer->target = sfe_hash64(sfe_hash64(TARGET_SEED, sfe_slice_text(options->directory)),
                                sfe_slice_text(options->name)) |
                     1u;
    writer->layout = sfe_hash64(sfe_hash64(TARGET_SEED, kind), heading);
    put_name(writer->part, options->name, ".part");
    file_place_name(options->output, options->stream, writer->note);
}

enum sfe_code file_writer_load(struct file_writer *writer, uint64_t durable, struct sfe_error *err)
{
    const struct sfe_file_output_options *options = writer->options;
    bool is_lost = false;
    const enum sfe_code code =
        file_place_load(options->state, writer->note, durable, &writer->place, &is_lost, err);

    if (code != SFE_OK) {
        return sfe_within(err, "%s", writer->note);
    }
    if (is_lost) {
        SFE_LOG(options->log, SFE_WARNING,
                "what was noted of an output's files is damaged or of another stream; they are "
                "closed as they are",
                sfe_text("output", options->output));
    }
    atomic_store(&writer->active_bytes, writer->place.length);
    return SFE_OK;
}

static bool is_ours(const struct file_writer *writer)
{
    return writer->place.target == writer->target;
}

/* The number of a closed file of ours; 0: it is none. */
static uint64_t number_of(const struct file_writer *writer, const char *name)
{
    const char *ours = writer->options->name;
    const size_t size = strlen(ours);
    uint64_t number = 0;

    if (strncmp(name, ours, size) != 0 || name[size] != '-') {
        return 0;
    }
    const char *digits = name + size + 1;
    for (size_t i = 0; i < DIGITS; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return 0;
        }
        number = number * 10u + (uint64_t)(digits[i] - '0');
    }
    const bool is_closed =
        strcmp(digits + DIGITS, ".ndjson") == 0 || strcmp(digits + DIGITS, ".csv") == 0;
    return is_closed ? number : 0;
}

static bool visit(void *visitor, const char *name, uint64_t size)
{
    struct survey *survey = visitor;
    const uint64_t number = number_of(survey->writer, name);

    if (number == 0) {
        return true;
    }
    survey->count++;
    survey->bytes += size;
    survey->newest = number > survey->newest ? number : survey->newest;
    if (survey->oldest == 0 || number < survey->oldest) {
        survey->oldest = number;
        survey->oldest_bytes = size;
        put_name(survey->oldest_name, name, "");
    }
    return true;
}

static enum sfe_code look(struct file_writer *writer, struct survey *survey, struct sfe_error *err)
{
    memset(survey, 0, sizeof(*survey));
    survey->writer = writer;
    return writer->directory.list(writer->directory.context, visit, survey, err);
}

/* What cannot be removed stays, and is told: it is no reason not to go on. */
static void remove_oldest(struct file_writer *writer)
{
    const struct sfe_storage *directory = &writer->directory;
    struct survey survey;
    struct sfe_error err;
    enum sfe_code code = look(writer, &survey, &err);

    while (code == SFE_OK && (survey.count > writer->options->keep_files ||
                              survey.bytes > writer->options->keep_bytes)) {
        code = directory->remove(directory->context, survey.oldest_name, &err);
        if (code == SFE_OK) {
            atomic_fetch_add(&writer->removed, 1);
            atomic_fetch_add(&writer->removed_bytes, survey.oldest_bytes);
            SFE_LOG(writer->options->log, SFE_INFO, "the oldest file of an output was removed",
                    sfe_text("output", writer->options->output),
                    sfe_text("file", survey.oldest_name));
            code = look(writer, &survey, &err);
        }
    }
    if (code != SFE_OK) {
        sfe_log_error(writer->options->log, SFE_WARNING, "cannot remove an output's oldest file",
                      &err);
    }
}

static enum sfe_code save_note(struct file_writer *writer, struct sfe_error *err)
{
    enum sfe_code code;

    writer->owes_note = true;
    code = file_place_save(writer->options->state, writer->note, &writer->next, err);
    if (code != SFE_OK) {
        return sfe_within(err, "%s", writer->note);
    }
    writer->owes_note = false;
    writer->place = writer->next;
    atomic_store(&writer->active_bytes, writer->place.length);
    return SFE_OK;
}

bool file_writer_settle(struct file_writer *writer)
{
    struct sfe_error err;

    if (writer->owes_note && save_note(writer, &err) != SFE_OK) {
        if (!writer->is_failing) {
            sfe_log_error(writer->options->log, SFE_ERROR,
                          "cannot note how far an output's file is written; it waits", &err);
        }
        writer->is_failing = true;
        return false;
    }
    writer->is_failing = false;
    return true;
}

/* Notes that file number `serial`, empty, is the next. */
static enum sfe_code note_empty(struct file_writer *writer, uint64_t serial, struct sfe_error *err)
{
    writer->next = writer->place;
    writer->next.target = writer->target;
    writer->next.layout = writer->layout;
    writer->next.is_csv = writer->options->is_csv;
    writer->next.serial = serial;
    writer->next.length = 0;
    writer->next.age_ns = 0;
    writer->has_born = false;
    return save_note(writer, err);
}

/* Renames the active file, which is synced, and notes the next. */
static enum sfe_code close_active(struct file_writer *writer, bool is_csv, uint64_t serial,
                                  struct sfe_error *err)
{
    const struct sfe_storage *directory = &writer->directory;
    char name[SFE_FILE_NAME_BYTES];
    char end[DIGITS + 16u];
    const int length =
        snprintf(end, sizeof(end), "-%010llu.%s", (unsigned long long)(serial % 10000000000u),
                 is_csv ? "csv" : "ndjson");

    SFE_ASSERT(length > 0 && (size_t)length < sizeof(end));
    put_name(name, writer->options->name, end);
    enum sfe_code code = directory->rename(directory->context, writer->part, name, err);
    if (code == SFE_OK) {
        code = directory->sync_directory(directory->context, err);
    }
    if (code == SFE_OK) {
        code = note_empty(writer, serial + 1u, err);
    }
    if (code == SFE_OK) {
        atomic_fetch_add(&writer->closed, 1);
        remove_oldest(writer);
    }
    return code;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static enum sfe_code rotate(struct file_writer *writer, struct sfe_error *err)
{
    struct survey survey;
    enum sfe_code code = look(writer, &survey, err);

    if (code == SFE_OK) {
        code = close_active(writer, writer->place.is_csv,
                            later(writer->place.serial, survey.newest + 1u), err);
    }
    return code;
}

/* Where the last whole line before `size` ends. */
static enum sfe_code find_line_end(const struct sfe_storage *directory, struct sfe_file *file,
                                   uint64_t size, uint64_t *end, struct sfe_error *err)
{
    uint8_t chunk[CHUNK_BYTES];
    enum sfe_code code = SFE_OK;

    while (size > 0) {
        const size_t part = size < CHUNK_BYTES ? (size_t)size : CHUNK_BYTES;
        size_t got = 0;
        code = directory->read(directory->context, file, size - part, chunk, part, &got, err);
        if (code != SFE_OK) {
            break;
        }
        while (got > 0 && chunk[got - 1u] != '\n') {
            got--;
        }
        if (got > 0) {
            *end = size - part + got;
            return SFE_OK;
        }
        size -= part;
    }
    *end = 0;
    return code;
}

/* Cuts the active file to what counts: what was noted, or else its whole lines. */
static enum sfe_code cut(struct file_writer *writer, struct sfe_file *file, uint64_t *length,
                         bool *is_noted, struct sfe_error *err)
{
    const struct sfe_storage *directory = &writer->directory;
    uint64_t size = 0;
    enum sfe_code code = directory->size(directory->context, file, &size, err);

    *is_noted = is_ours(writer) && size >= writer->place.length;
    *length = writer->place.length;
    if (code == SFE_OK && !*is_noted) {
        code = find_line_end(directory, file, size, length, err);
    }
    if (code == SFE_OK && size > *length) {
        code = directory->truncate(directory->context, file, *length, err);
    }
    return code == SFE_OK ? directory->sync(directory->context, file, err) : code;
}

static enum sfe_code take_over(struct file_writer *writer, struct sfe_file *file, uint64_t newest,
                               struct sfe_error *err)
{
    const bool was_ours = is_ours(writer);
    const uint64_t serial = later(was_ours ? writer->place.serial : 1u, newest + 1u);
    uint64_t length = 0;
    bool is_noted = false;
    enum sfe_code code = cut(writer, file, &length, &is_noted, err);

    if (code != SFE_OK || (is_noted && (length == 0 || writer->place.layout == writer->layout))) {
        return code;
    }
    if (was_ours && !is_noted) {
        SFE_LOG(writer->options->log, SFE_WARNING,
                "somebody cut the file of an output while it was written; it is closed",
                sfe_text("output", writer->options->output), sfe_text("file", writer->part));
    }
    if (length == 0) {
        return note_empty(writer, serial, err);
    }
    return close_active(writer, was_ours ? writer->place.is_csv : writer->options->is_csv, serial,
                        err);
}

/* There is no active file: it was closed, or somebody took it, or there never was one. */
static enum sfe_code begin_anew(struct file_writer *writer, uint64_t newest, struct sfe_error *err)
{
    const struct sfe_storage *directory = &writer->directory;
    const bool was_ours = is_ours(writer);

    if (was_ours && writer->place.length == 0) {
        return SFE_OK;
    }
    if (was_ours && newest < writer->place.serial) {
        SFE_LOG(writer->options->log, SFE_WARNING,
                "the file of an output was taken away; the next is begun",
                sfe_text("output", writer->options->output), sfe_text("file", writer->part));
    }
    const enum sfe_code code = directory->sync_directory(directory->context, err);
    return code == SFE_OK
               ? note_empty(writer, later(was_ours ? writer->place.serial + 1u : 1u, newest + 1u),
                            err)
               : code;
}

/* Brings the files to what is noted of them. */
static enum sfe_code make_ready(struct file_writer *writer, struct sfe_error *err)
{
    const struct sfe_storage *directory = &writer->directory;
    struct sfe_file *file = NULL;
    struct survey survey;
    enum sfe_code code = look(writer, &survey, err);

    if (code != SFE_OK) {
        return code;
    }
    code = directory->open(directory->context, writer->part, SFE_STORAGE_WRITE, &file, err);
    if (code == SFE_E_NOT_FOUND) {
        code = begin_anew(writer, survey.newest, err);
    } else if (code == SFE_OK) {
        code = take_over(writer, file, survey.newest, err);
        directory->close(directory->context, file);
    }
    writer->is_ready = code == SFE_OK;
    return code;
}

/* Opens the active file as it was left; SFE_E_NOT_FOUND where it is another. */
static enum sfe_code open_active(struct file_writer *writer, struct sfe_file **file, bool *is_new,
                                 struct sfe_error *err)
{
    const struct sfe_storage *directory = &writer->directory;
    uint64_t size = 0;
    enum sfe_code code =
        directory->open(directory->context, writer->part, SFE_STORAGE_WRITE, file, err);

    *is_new = code == SFE_E_NOT_FOUND && writer->place.length == 0;
    if (*is_new) {
        return directory->open(directory->context, writer->part, SFE_STORAGE_CREATE, file, err);
    }
    if (code == SFE_OK) {
        code = directory->size(directory->context, *file, &size, err);
    }
    if (code == SFE_OK && size != writer->place.length) {
        code = sfe_fail(err, SFE_E_NOT_FOUND, "'%s' is not as it was left", writer->part);
    }
    if (code != SFE_OK) {
        directory->close(directory->context, *file);
        *file = NULL;
    }
    return code;
}

/* As often as somebody else changes it meanwhile, which is looked after once. */
static enum sfe_code have_active(struct file_writer *writer, struct sfe_file **file, bool *is_new,
                                 struct sfe_error *err)
{
    enum sfe_code code = open_active(writer, file, is_new, err);

    if (code == SFE_E_NOT_FOUND) {
        code = make_ready(writer, err);
        if (code == SFE_OK) {
            code = open_active(writer, file, is_new, err);
        }
    }
    return code;
}

static enum sfe_code append(struct file_writer *writer, const struct file_batch *batch,
                            struct sfe_error *err)
{
    const struct sfe_storage *directory = &writer->directory;
    struct sfe_file *file = NULL;
    bool is_new = false;
    enum sfe_code code = have_active(writer, &file, &is_new, err);

    if (code != SFE_OK) {
        return code;
    }
    const bool has_heading = writer->place.length == 0 && writer->heading.size != 0;
    const struct sfe_slice parts[] = {writer->heading, batch->lines};
    code = directory->write(directory->context, file, writer->place.length,
                            has_heading ? parts : parts + 1, has_heading ? 2 : 1, err);
    if (code == SFE_OK) {
        code = directory->sync(directory->context, file, err);
    }
    directory->close(directory->context, file);
    if (code == SFE_OK && (is_new || writer->place.length == 0)) {
        code = directory->sync_directory(directory->context, err);
    }
    if (code == SFE_OK) {
        writer->next = writer->place;
        writer->next.layout = writer->layout;
        writer->next.is_csv = writer->options->is_csv;
        writer->next.length += (has_heading ? parts[0].size : 0) + parts[1].size;
        writer->owes_note = true;
    }
    return code;
}

static uint64_t due_ns(struct file_writer *writer, uint64_t now_ns)
{
    if (writer->place.length == 0) {
        return UINT64_MAX;
    }
    if (!writer->has_born) {
        writer->born_ns = now_ns - writer->place.age_ns;
        writer->has_born = true;
    }
    /* Unsigned: a file may be older than this boot. */
    const uint64_t age_ns = now_ns - writer->born_ns;
    const uint64_t limit_ns = writer->options->rotate_age_ns;
    return age_ns >= limit_ns ? now_ns : now_ns + (limit_ns - age_ns);
}

/* Opens the directory, and makes the files what they are noted to be. */
static enum sfe_code enter(struct file_writer *writer, struct sfe_error *err)
{
    const struct sfe_file_output_options *options = writer->options;
    const enum sfe_code code =
        options->open_directory(options->owner, options->directory, &writer->directory, err);

    if (code != SFE_OK) {
        writer->is_ready = false;
        return code;
    }
    return writer->is_ready ? SFE_OK : make_ready(writer, err);
}

static void leave(struct file_writer *writer, enum sfe_code code)
{
    writer->is_ready = writer->is_ready && code == SFE_OK;
    if (writer->directory.context != NULL) {
        writer->options->close_directory(&writer->directory);
        writer->directory.context = NULL;
    }
}

enum sfe_code file_writer_write(struct file_writer *writer, const struct file_batch *batch,
                                uint64_t now_ns, struct sfe_error *err)
{
    SFE_ASSERT(!writer->owes_note && batch->lines.size > 0);
    enum sfe_code code = enter(writer, err);
    const uint64_t length = writer->place.length;
    const bool is_over =
        length > 0 && (length + batch->lines.size > writer->options->rotate_bytes ||
                       due_ns(writer, now_ns) <= now_ns);

    if (code == SFE_OK && is_over) {
        code = rotate(writer, err);
    }
    if (code == SFE_OK) {
        code = append(writer, batch, err);
    }
    leave(writer, code);
    if (code != SFE_OK) {
        return sfe_within(err, "%s/%s", writer->options->directory, writer->part);
    }
    if (writer->place.length == 0 || !writer->has_born) {
        writer->born_ns = now_ns;
        writer->has_born = true;
    }
    writer->next.age_ns = now_ns - writer->born_ns;
    writer->next.last = later(writer->next.last, batch->last);
    writer->next.passed = *batch->passed;
    return SFE_OK;
}

uint64_t file_writer_mind_age(struct file_writer *writer, uint64_t now_ns)
{
    const uint64_t due = due_ns(writer, now_ns);
    struct sfe_error err;

    if (due > now_ns || writer->owes_note) {
        return writer->owes_note ? UINT64_MAX : due;
    }
    enum sfe_code code = enter(writer, &err);
    if (code == SFE_OK && writer->place.length > 0) {
        code = rotate(writer, &err);
    }
    leave(writer, code);
    if (code != SFE_OK) {
        sfe_log_error(writer->options->log, SFE_WARNING, "cannot close an output's file; later",
                      &err);
        return now_ns + AGE_AGAIN_NS;
    }
    return due_ns(writer, now_ns);
}
