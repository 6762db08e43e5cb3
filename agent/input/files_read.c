#include "input/files_parts.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>

#define TOPIC_BYTES    (SFE_NAME_BYTES_MAX + 1u + SFE_FOLDER_NAME_BYTES)
#define IDENTITY_BYTES (64u + TOPIC_BYTES + 32u)

bool files_is_durable(const struct files_waits *waits)
{
    for (uint32_t i = 0; i < waits->count; i++) {
        if (sfe_stream_durable(waits->items[i].stream) < waits->items[i].sequence) {
            return false;
        }
    }
    return true;
}

/* Sequences of a stream only rise: the newest stands for all. */
static void wait_for(struct files_waits *waits, const struct sfe_receipt *receipt)
{
    for (uint32_t i = 0; i < waits->count; i++) {
        if (waits->items[i].stream == receipt->stream) {
            if (receipt->sequence != 0) {
                waits->items[i].sequence = receipt->sequence;
            }
            return;
        }
    }
    SFE_ASSERT(waits->count < FILES_WAITS_MAX);
    waits->items[waits->count++] = *receipt;
}

void files_read_close(struct files_source *self)
{
    sfe_folder_close_file(self->current.file);
    self->current.file = NULL;
}

static void begin_pass(struct files_source *self, enum files_pass pass)
{
    struct files_current *current = &self->current;

    current->pass = pass;
    current->has_record = false;
    current->at_end = false;
    current->has_ended = false;
    current->begin = 0;
    current->end = 0;
    current->offset = 0;
    current->behind = 0;
    current->chain = current->seed;
    current->line = 0;
    current->events = 0;
    current->refused = 0;
    current->problem_count = 0;
    file_records_begin(&current->records, &self->records);
}

static bool has_place(const struct files_source *self)
{
    return strcmp(self->place.name, self->current.name) == 0 &&
           memcmp(&self->place.seed, &self->current.seed, sizeof(self->place.seed)) == 0;
}

static void begin_taking(struct files_source *self)
{
    begin_pass(self, has_place(self) ? FILES_FOLLOW : FILES_TAKE);
}

static struct sfe_hash128 seed_of(const struct files_source *self,
                                  const struct sfe_folder_entry *entry)
{
    const uint64_t numbers[] = {entry->inode, (uint64_t)entry->modified_ns};
    const struct sfe_slice part = sfe_slice_make(numbers, sizeof(numbers));

    return self->options.by_arrival ? sfe_hash128(&part, 1) : (struct sfe_hash128){{0}};
}

bool files_read_begin(struct files_source *self, struct files_candidate *candidate, uint64_t now_ns)
{
    struct files_current *current = &self->current;
    struct sfe_folder_entry entry;
    enum sfe_code code;

    memset(current, 0, sizeof(*current));
    code = sfe_folder_open_file(self->folder, candidate->name, &current->file, &self->last_error);
    if (code == SFE_OK) {
        code = sfe_folder_look_at_file(current->file, &entry, &self->last_error);
    }
    if (code != SFE_OK) {
        files_read_close(self);
        candidate->not_before_ns = now_ns + FILES_AGAIN_NS;
        sfe_log_error(self->options.log, SFE_WARNING, "cannot take a file", &self->last_error);
        return false;
    }
    if (entry.size != candidate->entry.size || entry.modified_ns != candidate->entry.modified_ns ||
        entry.inode != candidate->entry.inode) {
        files_read_close(self);
        candidate->entry = entry;
        candidate->since_ns = now_ns;
        return false;
    }
    (void)snprintf(current->name, sizeof(current->name), "%s", candidate->name);
    current->seed = seed_of(self, &entry);
    if (self->options.format == FILE_JSON) {
        begin_pass(self, FILES_CHECK);
    } else {
        begin_taking(self);
    }
    return true;
}

/* Reads on, behind what is not consumed. */
static enum sfe_code fill(struct files_source *self, size_t *budget, struct sfe_error *err)
{
    struct files_current *current = &self->current;
    size_t size;
    size_t got = 0;
    enum sfe_code code;

    if (current->begin != 0) {
        memmove(self->buffer, self->buffer + current->begin, current->end - current->begin);
        current->end -= current->begin;
        current->begin = 0;
    }
    size = self->capacity - current->end;
    size = size < *budget ? size : *budget;
    code = sfe_folder_read(current->file, current->offset + current->end,
                           self->buffer + current->end, size, &got, err);
    if (code == SFE_OK) {
        current->end += got;
        current->at_end = got < size;
        current->has_ended = current->has_ended && got == 0;
        *budget -= got;
    }
    return code;
}

static void advance(struct files_current *current, size_t size)
{
    SFE_ASSERT(size <= current->end - current->begin);
    current->begin += size;
    current->offset += size;
}

static struct sfe_hash128 chain_with(const struct files_current *current,
                                     const struct file_record *record)
{
    const struct sfe_slice parts[] = {
        sfe_slice_make(current->chain.bytes, sizeof(current->chain.bytes)),
        record->event,
        sfe_slice_make(&record->size, sizeof(record->size)),
    };

    return sfe_hash128(parts, sizeof(parts) / sizeof(parts[0]));
}

static void note_problem(struct files_current *current, const struct file_record *record)
{
    struct files_problem *problem;

    if (current->problem_count == FILES_PROBLEMS) {
        return;
    }
    problem = &current->problems[current->problem_count++];
    problem->line = record->line;
    (void)snprintf(problem->text, sizeof(problem->text), "%s",
                   record->problem[0] != '\0' ? record->problem
                                              : "it is over the limit of an event");
}

static void count(struct files_source *self, const struct file_record *record)
{
    struct files_current *current = &self->current;

    current->events++;
    if (record->is_bad) {
        current->refused++;
        note_problem(current, record);
    }
    if (current->pass == FILES_TAKE) {
        self->received++;
        self->refused += record->is_bad ? 1u : 0u;
    }
}

/* Stages the record that is cut out. */
static enum sfe_code stage(struct files_source *self, const struct sfe_hash128 *chain)
{
    const struct file_record *record = &self->current.record;
    const uint32_t most = self->options.event_bytes_max;
    char topic[TOPIC_BYTES];
    char refusal[CSV_PROBLEM_BYTES + 32u];
    uint8_t memory[IDENTITY_BYTES];
    struct sfe_builder identity = sfe_builder_make(memory, sizeof(memory));
    struct sfe_receipt receipts[FILES_WAITS_MAX];
    struct sfe_error ignored;
    uint32_t given = 0;
    enum sfe_code code;

    (void)snprintf(topic, sizeof(topic), "%s/%s", self->options.input, self->current.name);
    (void)snprintf(refusal, sizeof(refusal), "line %" PRIu64 ": %s", record->line, record->problem);
    sfe_builder_format(&identity, "file %s %s ", self->options.agent_id, topic);
    sfe_builder_add(&identity, sfe_slice_make(chain->bytes, sizeof(chain->bytes)));
    SFE_ASSERT(!identity.overflowed);
    struct sfe_message message = {
        .topic = sfe_slice_text(topic),
        .payload = record->size > most ? sfe_slice_part(record->event, 0, SFE_EVENT_EXCERPT_BYTES)
                                       : record->event,
        .payload_bytes = record->is_bad ? record->size : record->event.size,
        .identity = sfe_builder_slice(&identity),
        .refusal = record->is_bad ? refusal : NULL,
    };
    code = sfe_intake_accept(self->options.intake, &message, receipts, FILES_WAITS_MAX, &given,
                             &ignored);
    SFE_ASSERT(code == SFE_OK || code == SFE_E_FULL);
    for (uint32_t i = 0; code == SFE_OK && i < given; i++) {
        wait_for(&self->current.waits, &receipts[i]);
    }
    return code;
}

/* Is the place of before reached, and is it one of this file? Otherwise all is taken. */
static void follow(struct files_source *self)
{
    struct files_current *current = &self->current;

    if (current->offset < self->place.offset) {
        return;
    }
    if (current->offset == self->place.offset &&
        memcmp(&current->chain, &self->place.chain, sizeof(current->chain)) == 0) {
        current->pass = FILES_TAKE;
        SFE_LOG(self->options.log, SFE_INFO, "file taken up where it was left",
                sfe_text("input", self->options.input), sfe_text("file", current->name),
                sfe_count("line", current->records.line));
        return;
    }
    begin_pass(self, FILES_TAKE);
}

/* SFE_E_FULL: the record stays. */
static enum sfe_code take(struct files_source *self)
{
    struct files_current *current = &self->current;
    const struct sfe_hash128 chain = chain_with(current, &current->record);

    if (current->pass == FILES_TAKE && stage(self, &chain) != SFE_OK) {
        return SFE_E_FULL;
    }
    count(self, &current->record);
    current->has_record = false;
    current->chain = chain;
    current->line = current->record.line;
    advance(current, current->record.consumed);
    current->behind = current->offset;
    if (current->pass == FILES_FOLLOW) {
        follow(self);
    }
    return SFE_OK;
}

/* SFE_OK: there is more, of this pass or of the next one. */
static enum sfe_code end_pass(struct files_source *self, struct sfe_error *err)
{
    struct files_current *current = &self->current;
    struct sfe_folder_entry entry;
    enum sfe_code code = sfe_folder_look_at_file(current->file, &entry, err);

    if (code != SFE_OK) {
        return code;
    }
    /* It has grown meanwhile. Or its size is none: some file systems say more than can be read. */
    if (entry.size > current->offset && !current->has_ended) {
        current->at_end = false;
        current->has_ended = true;
        return SFE_OK;
    }
    if (current->pass == FILES_TAKE) {
        return SFE_E_END;
    }
    if (current->pass == FILES_CHECK) {
        begin_taking(self);
    } else {
        begin_pass(self, FILES_TAKE); /* The place was beyond its end: another file. */
    }
    return SFE_OK;
}

static enum sfe_code fail_file(struct files_current *current)
{
    current->is_failed = true;
    current->failed_line = current->record.line;
    (void)snprintf(current->reason, sizeof(current->reason), "%s", current->record.problem);
    return SFE_E_END;
}

static enum sfe_code read_one(struct files_source *self, size_t *budget, struct sfe_error *err)
{
    struct files_current *current = &self->current;
    const struct sfe_slice text =
        sfe_slice_make(self->buffer + current->begin, current->end - current->begin);
    const bool is_full = text.size == self->capacity;
    const enum file_step step =
        file_records_next(&current->records, text, current->at_end, is_full, &current->record);

    switch (step) {
    case FILE_RECORD:
        current->has_record = true;
        return take(self);
    case FILE_PASSED:
        advance(current, current->record.consumed);
        return SFE_OK;
    case FILE_MORE:
        return *budget == 0 ? SFE_E_AGAIN : fill(self, budget, err);
    case FILE_END:
        return end_pass(self, err);
    case FILE_BROKEN:
        break;
    }
    return fail_file(current);
}

enum sfe_code files_read_step(struct files_source *self, struct sfe_error *err)
{
    size_t budget = FILES_READ_BYTES;
    enum sfe_code code = self->current.has_record ? take(self) : SFE_OK;

    while (code == SFE_OK) {
        code = read_one(self, &budget, err);
    }
    return code == SFE_E_AGAIN ? SFE_OK : code;
}
