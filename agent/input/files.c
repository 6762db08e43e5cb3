#include "input/files.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "input/files_parts.h"

#include <stdio.h>

/* An event and what is read beside it at once. */
static size_t buffer_bytes(const struct sfe_files_source_options *options)
{
    return (size_t)options->event_bytes_max + FILES_READ_BYTES;
}

/* A text of n bytes has no more values. */
static uint32_t tokens_max(const struct sfe_files_source_options *options)
{
    const uint32_t most = options->event_bytes_max / 2u + 2u;

    return most < SFE_JSON_TOKENS_MAX ? most : SFE_JSON_TOKENS_MAX;
}

size_t sfe_files_source_memory_bytes(const struct sfe_files_source_options *options)
{
    const size_t of_format =
        options->format == FILE_CSV
            ? sfe_arena_cost(options->event_bytes_max) + sfe_arena_cost(sizeof(struct csv_columns))
            : sfe_arena_cost(tokens_max(options) * sizeof(struct sfe_json_token));

    return sfe_arena_cost(sizeof(struct files_source)) + sfe_arena_cost(sizeof(struct files_job)) +
           2u * sfe_arena_cost(sizeof(struct files_table)) + sfe_arena_cost(buffer_bytes(options)) +
           of_format;
}

static bool has_job(const struct files_source *self)
{
    return atomic_load(&self->job->state) != FILES_JOB_NONE;
}

static void ask(struct files_source *self)
{
    SFE_ASSERT(!has_job(self));
    atomic_store(&self->job->state, FILES_JOB_ASKED);
    self->options.wake_flash(self->options.owner);
}

static bool needs_report(const struct files_current *current)
{
    return current->is_failed || current->refused != 0;
}

static void write_report(struct files_source *self)
{
    const struct files_current *current = &self->current;
    struct sfe_builder out = sfe_builder_make(self->job->report, sizeof(self->job->report) - 1u);
    struct sfe_json_writer json = sfe_json_writer_make(&out);

    sfe_json_begin_object(&json, NULL);
    sfe_json_put_text(&json, "input", sfe_slice_text(self->options.input));
    sfe_json_put_text(&json, "file", sfe_slice_text(current->name));
    sfe_json_put_text(&json, "result", current->is_failed ? SFE_TEXT("failed") : SFE_TEXT("done"));
    if (current->is_failed) {
        sfe_json_put_text(&json, "reason", sfe_slice_text(current->reason));
        sfe_json_put_u64(&json, "line", current->failed_line);
    }
    sfe_json_put_u64(&json, "events",
                     current->pass == FILES_CHECK ? 0 : current->events - current->refused);
    sfe_json_put_u64(&json, "refused", current->pass == FILES_CHECK ? 0 : current->refused);
    sfe_json_begin_array(&json, "first_refused");
    for (uint32_t i = 0; i < current->problem_count && current->pass != FILES_CHECK; i++) {
        sfe_json_begin_object(&json, NULL);
        sfe_json_put_u64(&json, "line", current->problems[i].line);
        sfe_json_put_text(&json, "reason", sfe_slice_text(current->problems[i].text));
        sfe_json_end_object(&json);
    }
    sfe_json_end_array(&json);
    sfe_json_end_object(&json);
    SFE_ASSERT(!out.overflowed);
    self->job->report[out.size] = '\n';
    self->job->report_bytes = out.size + 1u;
}

/* All is durable: the file may go. */
static void ask_to_finish(struct files_source *self)
{
    struct files_job *job = self->job;

    job->is_finish = true;
    job->folder = self->folder;
    job->is_failed = self->current.is_failed;
    job->size = self->current.offset;
    job->has_place = self->place.name[0] != '\0';
    (void)snprintf(job->name, sizeof(job->name), "%s", self->current.name);
    job->report_bytes = 0;
    if (needs_report(&self->current)) {
        write_report(self);
    }
    self->state = FILES_FINISHING;
    ask(self);
}

static void end_file(struct files_source *self, const struct files_job *job)
{
    const struct files_current *current = &self->current;

    self->place.name[0] = '\0';
    self->cannot_move = false;
    self->state = FILES_IDLE;
    self->due_ns = 0;
    memset(&self->last_error, 0, sizeof(self->last_error));
    if (current->is_failed) {
        self->failed++;
        (void)sfe_fail(&self->last_error, SFE_E_SYNTAX, "%.64s: %.96s", current->name,
                       current->reason);
        SFE_LOG(self->options.log, SFE_WARNING, "file failed",
                sfe_text("input", self->options.input), sfe_text("file", current->name),
                sfe_text("reason", current->reason), sfe_count("line", current->failed_line));
    } else {
        self->done++;
        SFE_LOG(self->options.log, SFE_DEBUG, "file done", sfe_text("input", self->options.input),
                sfe_text("file", current->name), sfe_count("events", current->events),
                sfe_count("refused", current->refused));
    }
    if (job->has_grown && !current->is_failed) {
        self->grown_after++;
        (void)sfe_fail(&self->last_error, SFE_E_REFUSED,
                       "%.96s was still written to when it had been taken; what came then is not "
                       "taken; let `settle` be longer",
                       current->name);
        sfe_log_error(self->options.log, SFE_ERROR, "a file has grown behind its end",
                      &self->last_error);
    }
}

/* What the flash thread has done. */
static void take_answer(struct files_source *self, uint64_t now_ns)
{
    struct files_job *job = self->job;

    if (atomic_load(&job->state) != FILES_JOB_READY) {
        return;
    }
    atomic_store(&job->state, FILES_JOB_NONE);
    if (!job->is_finish) {
        self->wanted.name[0] = '\0';
        if (job->code == SFE_OK) {
            self->place = job->place;
        } else {
            self->gives_up = self->is_stopping;
            self->last_error = job->err;
            sfe_log_error(self->options.log, SFE_WARNING, "cannot note the place in a file",
                          &job->err);
        }
        return;
    }
    if (job->code == SFE_OK || job->code == SFE_E_NOT_FOUND) {
        end_file(self, job); /* Not there: somebody else has moved it. */
        return;
    }
    self->last_error = job->err;
    sfe_log_error(self->options.log, SFE_ERROR, "cannot move a file that is taken; tried again",
                  &job->err);
    self->cannot_move = true;
    self->state = FILES_DRAINING;
    self->due_ns = now_ns + FILES_AGAIN_NS;
}

/* Nothing is staged of a file at hand that a place on flash does not tell of. */
static bool is_noted(const struct files_source *self)
{
    const struct files_current *current = &self->current;

    return self->state != FILES_READING || current->pass != FILES_TAKE || current->events == 0 ||
           self->gives_up ||
           (current->behind == self->place.offset && strcmp(current->name, self->place.name) == 0);
}

/* Wants the place noted that is staged by now. */
static void want_place(struct files_source *self, uint64_t now_ns)
{
    const struct files_current *current = &self->current;

    if (is_noted(self) || self->wanted.name[0] != '\0' ||
        (now_ns < self->place_ns && !self->is_stopping)) {
        return;
    }
    memcpy(self->wanted.name, current->name, sizeof(self->wanted.name));
    self->wanted.offset = current->behind;
    self->wanted.chain = current->chain;
    self->wanted.seed = current->seed;
    self->wanted_waits = current->waits;
    self->place_ns = now_ns + FILES_SECOND_NS;
}

static void save_place(struct files_source *self)
{
    if (self->wanted.name[0] != '\0' && !has_job(self) && files_is_durable(&self->wanted_waits)) {
        self->job->is_finish = false;
        self->job->place = self->wanted;
        ask(self);
    }
}

static bool load_place(struct files_source *self, uint64_t now_ns)
{
    if (files_place_load(self->options.storage, self->options.input, &self->place,
                         &self->last_error) != SFE_OK) {
        sfe_log_error(self->options.log, SFE_ERROR, "cannot read the place in a file",
                      &self->last_error);
        self->due_ns = now_ns + FILES_AGAIN_NS;
        return false;
    }
    self->is_loaded = true;
    return true;
}

/* Begins with the next file that is complete, or looks again in a while. */
static void choose(struct files_source *self, uint64_t now_ns)
{
    struct files_candidate *candidate = files_scan_choose(self, now_ns);

    if (candidate == NULL) {
        self->due_ns = now_ns + FILES_LOOK_NS;
        return;
    }
    if (files_read_begin(self, candidate, now_ns)) {
        files_scan_forget(self, candidate);
        self->state = FILES_READING;
        self->place_ns = now_ns + FILES_PLACE_NS;
    }
}

static void turn_idle(struct files_source *self, uint64_t now_ns)
{
    if (self->is_stopping || (!self->is_loaded && !load_place(self, now_ns))) {
        return;
    }
    if (self->due_ns == 0) { /* The last look still tells. */
        choose(self, now_ns);
        if (self->state == FILES_IDLE) {
            self->due_ns = now_ns;
            self->state = FILES_LISTING;
        }
        return;
    }
    self->state = FILES_LISTING;
}

static void turn_listing(struct files_source *self, uint64_t now_ns)
{
    if (files_scan_step(self, now_ns)) {
        self->state = FILES_IDLE;
        choose(self, now_ns);
    }
}

static void turn_reading(struct files_source *self, uint64_t now_ns)
{
    enum sfe_code code;

    if (self->is_stopping) {
        return;
    }
    code = files_read_step(self, &self->last_error);
    self->is_blocked = code == SFE_E_FULL;
    if (self->is_blocked) {
        self->due_ns = now_ns + FILES_BLOCKED_NS;
    } else if (code == SFE_E_END) {
        files_read_close(self);
        self->state = FILES_DRAINING;
    } else if (code != SFE_OK) {
        (void)sfe_within(&self->last_error, "%.96s", self->current.name);
        sfe_log_error(self->options.log, SFE_WARNING, "cannot read a file; tried again",
                      &self->last_error);
        files_read_close(self);
        self->state = FILES_IDLE;
        self->due_ns = now_ns + FILES_AGAIN_NS;
    }
}

static void turn_draining(struct files_source *self)
{
    if (self->state == FILES_DRAINING && self->wanted.name[0] == '\0' && !has_job(self) &&
        files_is_durable(&self->current.waits)) {
        ask_to_finish(self);
    }
}

static bool is_waiting(const struct files_source *self)
{
    return self->state == FILES_DRAINING || self->state == FILES_FINISHING;
}

static uint64_t turn(void *context, uint64_t now_ns)
{
    struct files_source *self = context;

    take_answer(self, now_ns);
    if (now_ns >= self->due_ns || self->is_blocked) { /* What was written may have made room. */
        switch (self->state) {
        case FILES_IDLE:
            turn_idle(self, now_ns);
            break;
        case FILES_LISTING:
            turn_listing(self, now_ns);
            break;
        case FILES_READING:
            turn_reading(self, now_ns);
            break;
        case FILES_DRAINING:
        case FILES_FINISHING:
            break;
        }
        turn_draining(self); /* What is durable by now wakes nobody. */
    }
    want_place(self, now_ns);
    save_place(self);
    if (self->due_ns > now_ns) {
        return self->due_ns;
    }
    /* Who waits for flash is woken. */
    return is_waiting(self) || self->is_stopping ? UINT64_MAX : now_ns;
}

static void stop(void *context)
{
    struct files_source *self = context;

    self->is_stopping = true;
    if (self->state == FILES_LISTING) {
        self->state = FILES_IDLE;
    }
}

/* What was staged of a file at hand is durable, and noted. */
static bool is_quiet(void *context)
{
    const struct files_source *self = context;

    return !has_job(self) && self->wanted.name[0] == '\0' && is_noted(self) &&
           (!is_waiting(self) || self->cannot_move);
}

static void facts(void *context, struct sfe_source_facts *facts)
{
    const struct files_source *self = context;
    const bool has_current = self->state == FILES_READING || is_waiting(self);

    *facts = (struct sfe_source_facts){
        .connection = self->options.input,
        .is_connected = self->folder != NULL,
        .is_blocked = self->is_blocked,
        .received = self->received,
        .last_error = self->last_error,
        .has_files = true,
        .files =
            {
                .current = has_current ? self->current.name : NULL,
                .line = has_current ? self->current.line : 0,
                .waiting = self->waiting,
                .done = self->done,
                .failed = self->failed,
                .refused = self->refused,
                .grown_after = self->grown_after,
            },
    };
    facts->unacknowledged =
        has_current && self->current.pass == FILES_TAKE ? self->current.events : 0;
    facts->unacknowledged =
        facts->unacknowledged < self->received ? facts->unacknowledged : self->received;
    facts->acknowledged = self->received - facts->unacknowledged;
}

static void keep(void *context)
{
    struct files_source *self = context;

    files_keep(self->job, &self->options);
}

static void close(void *context)
{
    struct files_source *self = context;

    files_read_close(self);
    sfe_folder_end_list(self->list);
    self->list = NULL;
    sfe_folder_close(self->folder);
    self->folder = NULL;
}

static enum sfe_code open_columns(struct files_source *self, struct sfe_arena *arena,
                                  struct sfe_error *err)
{
    const struct sfe_files_source_options *options = &self->options;
    struct csv_columns *columns = sfe_arena_take(arena, sizeof(*columns), err);
    enum sfe_code code = SFE_OK;

    self->records.event = sfe_arena_take(arena, options->event_bytes_max, err);
    self->records.columns = columns;
    if (columns == NULL || self->records.event == NULL) {
        return err->code;
    }
    columns->delimiter = options->delimiter;
    columns->is_windows_1252 = options->is_windows_1252;
    self->records.has_names = options->column_count != 0;
    for (uint32_t i = 0; i < options->column_count && code == SFE_OK; i++) {
        code = csv_columns_add(columns, sfe_slice_text(options->columns[i]), err);
    }
    return code == SFE_E_SYNTAX || code == SFE_E_TOO_LARGE
               ? sfe_fail(err, SFE_E_CONFIG, "columns of input \"%s\" have no name or the same",
                          options->input)
               : code;
}

static enum sfe_code open_records(struct files_source *self, struct sfe_arena *arena,
                                  struct sfe_error *err)
{
    const struct sfe_files_source_options *options = &self->options;

    self->records = (struct file_records_options){
        .format = options->format,
        .event_bytes_max = options->event_bytes_max,
    };
    if (options->format == FILE_CSV) {
        return open_columns(self, arena, err);
    }
    self->records.token_capacity = tokens_max(options);
    self->records.tokens =
        sfe_arena_take(arena, self->records.token_capacity * sizeof(struct sfe_json_token), err);
    return self->records.tokens == NULL ? err->code : SFE_OK;
}

enum sfe_code sfe_files_source_open(const struct sfe_files_source_options *options,
                                    struct sfe_arena *arena, struct sfe_source *source,
                                    struct sfe_error *err)
{
    struct files_source *self = sfe_arena_take(arena, sizeof(*self), err);

    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->due_ns = 1; /* 0: the last look still tells. */
    self->capacity = buffer_bytes(options);
    self->job = sfe_arena_take(arena, sizeof(*self->job), err);
    self->table = sfe_arena_take(arena, sizeof(*self->table), err);
    self->next = sfe_arena_take(arena, sizeof(*self->next), err);
    self->buffer = sfe_arena_take(arena, self->capacity, err);
    if (self->job == NULL || self->table == NULL || self->next == NULL || self->buffer == NULL) {
        return err->code;
    }
    atomic_init(&self->job->state, FILES_JOB_NONE);
    if (open_records(self, arena, err) != SFE_OK) {
        return err->code;
    }
    *source = (struct sfe_source){self, turn, stop, is_quiet, facts, close, keep};
    return SFE_OK;
}
