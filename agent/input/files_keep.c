/* What the flash thread does for the files input: it saves the place, and moves what is taken. */
#include "input/files_parts.h"

#include "base/assert.h"

#include <stdio.h>

#define REPORT_SUFFIX ".report.json"
#define NUMBER_BYTES  8u /* ".1234567" */
#define TRIES_MAX     1000000u
/* `done` is looked through each time that so many have come in. */
#define MOVES_MAX 16u

/* A name that nothing has in `part` and that leaves room for a report's beside it. The same again,
 * where a crash came before the move. */
static enum sfe_code choose_name(const struct files_job *job, const char *part,
                                 char to[SFE_FOLDER_NAME_BYTES], struct sfe_error *err)
{
    const size_t room = SFE_FOLDER_NAME_BYTES - sizeof(REPORT_SUFFIX) - NUMBER_BYTES;
    const struct sfe_slice name = sfe_slice_text(job->name);
    int size = (int)(name.size < room ? name.size : room);
    struct sfe_folder_entry entry;

    while (size != 0 && (size_t)size < name.size && (name.bytes[size] & 0xC0u) == 0x80u) {
        size--; /* Not in the middle of a character. */
    }
    for (uint32_t i = 0; i < TRIES_MAX; i++) {
        enum sfe_code code;
        if (i == 0) {
            (void)snprintf(to, SFE_FOLDER_NAME_BYTES, "%.*s", size, job->name);
        } else {
            (void)snprintf(to, SFE_FOLDER_NAME_BYTES, "%.*s.%u", size, job->name, i);
        }
        code = sfe_folder_look(job->folder, part, to, &entry, err);
        if (code != SFE_OK) {
            return code == SFE_E_NOT_FOUND ? SFE_OK : code;
        }
    }
    return sfe_fail(err, SFE_E_STORAGE, "no name is left for '%s' in '%s'", job->name, part);
}

static void add_old(struct files_job *job, uint32_t *count, const struct files_old *file)
{
    uint32_t place = *count;

    while (place != 0 && job->oldest[place - 1u].changed_ns > file->changed_ns) {
        place--;
    }
    if (place == FILES_OLDEST) {
        return;
    }
    *count -= *count == FILES_OLDEST ? 1u : 0u;
    memmove(&job->oldest[place + 1u], &job->oldest[place],
            (*count - place) * sizeof(job->oldest[0]));
    job->oldest[place] = *file;
    ++*count;
}

/* Lists `done`: how much is there, and the oldest of it. */
static enum sfe_code list_done(struct files_job *job, const char *part, uint64_t *files,
                               uint64_t *bytes, uint32_t *count)
{
    struct sfe_folder_list *list = NULL;
    struct sfe_folder_entry entry;
    struct files_old file;
    enum sfe_code code = sfe_folder_begin_list(job->folder, part, &list, &job->err);

    while (code == SFE_OK) {
        code = sfe_folder_next(list, file.name, &job->err);
        if (code == SFE_OK &&
            sfe_folder_look(job->folder, part, file.name, &entry, &job->err) == SFE_OK) {
            file.changed_ns = entry.changed_ns;
            file.size = entry.size;
            ++*files;
            *bytes += entry.size;
            add_old(job, count, &file);
        }
    }
    sfe_folder_end_list(list);
    return code == SFE_E_END ? SFE_OK : code;
}

/* The bounds of `done`; what cannot be removed now is next time. */
static void prune(struct files_job *job, const struct sfe_files_source_options *options)
{
    uint64_t files = 0;
    uint64_t bytes = 0;
    uint32_t count = 0;

    if (++job->moved < MOVES_MAX && job->moved != 1u) {
        return;
    }
    if (list_done(job, options->done, &files, &bytes, &count) != SFE_OK) {
        return;
    }
    job->moved = count == FILES_OLDEST ? MOVES_MAX : 1u;
    for (uint32_t i = 0; i < count; i++) {
        if (files <= options->keep_done && bytes <= options->keep_done_bytes) {
            job->moved = 1u;
            break;
        }
        if (sfe_folder_remove(job->folder, options->done, job->oldest[i].name, &job->err) ==
            SFE_OK) {
            files--;
            bytes -= job->oldest[i].size;
        }
    }
}

static enum sfe_code put_report(struct files_job *job, const char *part, const char *to)
{
    char name[SFE_FOLDER_NAME_BYTES];
    const int length = snprintf(name, sizeof(name), "%s" REPORT_SUFFIX, to);

    SFE_ASSERT(length > 0 && (size_t)length < sizeof(name));
    return sfe_folder_put(job->folder, part, name, sfe_slice_make(job->report, job->report_bytes),
                          &job->err);
}

/* The marker goes after its file: what is left of it does no harm. */
static enum sfe_code remove_marker(struct files_job *job)
{
    char marker[SFE_FOLDER_NAME_BYTES];

    return files_marker(job->folder, job->name, marker)
               ? sfe_folder_remove(job->folder, NULL, marker, &job->err)
               : SFE_OK;
}

static enum sfe_code move(struct files_job *job, const char *part)
{
    char to[SFE_FOLDER_NAME_BYTES];
    struct sfe_folder_entry entry;
    struct sfe_error ignored;
    enum sfe_code code = sfe_folder_make(job->folder, part, &job->err);

    if (code == SFE_OK) {
        code = choose_name(job, part, to, &job->err);
    }
    if (code == SFE_OK && job->report_bytes != 0) {
        code = put_report(job, part, to);
    }
    if (code == SFE_OK) {
        code = sfe_folder_move(job->folder, job->name, part, to, &job->err);
    }
    if (code == SFE_OK) {
        job->has_grown = sfe_folder_look(job->folder, part, to, &entry, &ignored) == SFE_OK &&
                         entry.size != job->size;
        code = sfe_folder_sync(job->folder, part, &job->err);
    }
    return code;
}

static void finish(struct files_job *job, const struct sfe_files_source_options *options)
{
    const bool is_removed = !job->is_failed && options->keep_done == 0;

    job->code = is_removed ? sfe_folder_remove(job->folder, NULL, job->name, &job->err)
                           : move(job, job->is_failed ? options->failed : options->done);
    if (job->code == SFE_OK && options->needs_marker) {
        job->code = remove_marker(job);
    }
    if (job->code == SFE_OK) {
        job->code = sfe_folder_sync(job->folder, NULL, &job->err);
    }
    if (job->code != SFE_OK) {
        return;
    }
    if (job->has_place) {
        files_place_forget(options->storage, options->input);
    }
    if (!job->is_failed && !is_removed) {
        prune(job, options);
    }
}

void files_keep(struct files_job *job, const struct sfe_files_source_options *options)
{
    if (atomic_load(&job->state) != FILES_JOB_ASKED) {
        return;
    }
    memset(&job->err, 0, sizeof(job->err));
    job->has_grown = false;
    if (job->is_finish) {
        finish(job, options);
    } else {
        job->code = files_place_save(options->storage, options->input, &job->place, &job->err);
    }
    atomic_store(&job->state, FILES_JOB_READY);
    options->wake_edge(options->owner);
}
