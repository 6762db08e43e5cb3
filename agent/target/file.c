#include "target/file.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/limits.h"
#include "flow/where.h"
#include "target/file_line.h"
#include "target/file_writer.h"

#define BATCH_BYTES   131072u
#define AGAIN_NS      1000000000u
#define HEADING_BYTES 16384u

struct sfe_file_output {
    struct sfe_file_output_options options;
    struct sfe_target_host host;
    struct sfe_json_token *tokens;
    struct sfe_builder value; /* Scratch of a row. */
    struct sfe_builder heading;
    struct file_place known; /* As it was at open. */

    /* Filled by cloud; flash's from `handed` on until `done` is the same. */
    struct sfe_builder lines;
    struct file_passed passed;
    uint64_t last;
    uint32_t count; /* Events of the batch; some have no line. */
    bool is_under_way;
    atomic_uint handed, done;

    /* Flash thread; `err` is cloud's with `done`. */
    struct file_writer writer;
    bool is_written; /* What is handed over; its note is owed. */
    bool has_failed;
    struct sfe_error err;
};

static void bind(void *context, const struct sfe_target_host *host)
{
    struct sfe_file_output *self = context;

    SFE_ASSERT(self->host.finished == NULL);
    self->host = *host;
}

static void verdict(void *context, uint32_t place_in_slot, struct sfe_verdict *verdict)
{
    (void)context;
    (void)place_in_slot;
    memset(verdict, 0, sizeof(*verdict));
    verdict->kind = SFE_VERDICT_DONE;
}

static void empty(struct sfe_file_output *self)
{
    sfe_builder_rewind(&self->lines, 0);
    self->count = 0;
    self->is_under_way = false;
}

static void finish(struct sfe_file_output *self, bool has_failed)
{
    const struct sfe_slot_result result = {
        .outcome = has_failed ? SFE_SLOT_AGAIN : SFE_SLOT_ANSWERED,
        .verdict = verdict,
        .context = self,
        .count = self->count,
        .retry_after_s = -1,
        .err = self->err,
    };

    empty(self);
    self->host.finished(self->host.context, &result);
}

static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    struct sfe_file_output *self = context;

    (void)now_ns;
    *until_ns = UINT64_MAX;
    if (self->is_under_way && atomic_load(&self->done) == atomic_load(&self->handed)) {
        finish(self, self->has_failed);
    }
    return !self->is_under_way;
}

static enum sfe_code add_line(struct sfe_file_output *self, const struct sfe_map_subject *subject,
                              struct sfe_error *err)
{
    return self->options.is_csv
               ? file_line_add_row(self->options.map, subject, &self->value, &self->lines, err)
               : file_line_add_json(self->options.map, subject, &self->lines, err);
}

static enum sfe_code offer(void *context, uint32_t slot, struct sfe_event *event, int64_t time_ns,
                           struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    struct sfe_file_output *self = context;
    const size_t before = self->lines.size;
    struct sfe_map_subject subject;

    (void)lane; /* There is one slot: all keep the order of the stream. */
    *order_key = 0;
    SFE_ASSERT(slot == 0 && !self->is_under_way);
    if (before >= BATCH_BYTES) {
        return SFE_E_FULL;
    }
    sfe_map_subject_make(event, time_ns, self->tokens, SFE_JSON_TOKENS_MAX, &subject);
    enum sfe_code code = sfe_where_judge(self->options.where, &subject, err);
    if (code == SFE_OK) {
        code = add_line(self, &subject, err);
    }
    if (code == SFE_E_FULL && before > 0) {
        return code;
    }
    if (code == SFE_OK && file_place_holds(&self->known, event->sequence)) {
        sfe_builder_rewind(&self->lines, before);
        self->count++;
    } else if (code == SFE_OK) {
        file_place_unpass(&self->passed, event->sequence);
        self->last = event->sequence;
        self->count++;
    } else if (code != SFE_E_SKIPPED) {
        file_place_pass(&self->passed, event->sequence);
    }
    return code == SFE_E_FULL ? sfe_fail(err, SFE_E_TOO_LARGE, "the line is too long") : code;
}

static enum sfe_code send(void *context, uint32_t slot, struct sfe_error *err)
{
    struct sfe_file_output *self = context;

    (void)err;
    SFE_ASSERT(slot == 0 && !self->is_under_way && self->count > 0);
    self->is_under_way = true;
    if (self->lines.size == 0) {
        finish(self, false); /* The last run has written them all. */
        return SFE_OK;
    }
    atomic_fetch_add(&self->handed, 1);
    self->options.on_handed(self->options.owner);
    return SFE_OK;
}

static void abandon(void *context, uint32_t slot)
{
    struct sfe_file_output *self = context;

    SFE_ASSERT(slot == 0 && !self->is_under_way);
    empty(self);
}

static void hand_back(struct sfe_file_output *self, bool has_failed)
{
    self->has_failed = has_failed;
    self->is_written = false;
    if (has_failed) {
        self->err.retry = SFE_RETRY_AWAY;
    }
    atomic_store(&self->done, atomic_load(&self->handed));
    self->options.on_written(self->options.owner);
}

uint64_t sfe_file_output_flash_turn(struct sfe_file_output *self, uint64_t now_ns)
{
    if (!file_writer_settle(&self->writer)) {
        return now_ns + AGAIN_NS;
    }
    if (self->is_written) {
        hand_back(self, false);
    }
    if (atomic_load(&self->done) != atomic_load(&self->handed)) {
        const struct file_batch batch = {sfe_builder_slice(&self->lines), self->last,
                                         &self->passed};
        if (file_writer_write(&self->writer, &batch, now_ns, &self->err) != SFE_OK) {
            hand_back(self, true);
            return now_ns + AGAIN_NS; /* A note may be owed. */
        }
        self->is_written = true;
        if (!file_writer_settle(&self->writer)) {
            return now_ns + AGAIN_NS;
        }
        hand_back(self, false);
    }
    return file_writer_mind_age(&self->writer, now_ns);
}

bool sfe_file_output_pending(const struct sfe_file_output *self, struct sfe_slice *lines)
{
    *lines = sfe_builder_slice(&self->lines);
    return atomic_load(&self->done) != atomic_load(&self->handed);
}

void sfe_file_output_facts(const struct sfe_file_output *self, struct sfe_file_facts *facts)
{
    facts->active_bytes = atomic_load(&self->writer.active_bytes);
    facts->closed = atomic_load(&self->writer.closed);
    facts->removed = atomic_load(&self->writer.removed);
    facts->removed_bytes = atomic_load(&self->writer.removed_bytes);
}

/* A line that begins within the batch's size fits as well. */
static size_t lines_bytes(const struct sfe_file_output_options *options)
{
    return BATCH_BYTES + file_line_bytes_max(options->event_bytes_max);
}

static size_t value_bytes(const struct sfe_file_output_options *options)
{
    return 2u * file_line_bytes_max(options->event_bytes_max);
}

size_t sfe_file_output_memory_bytes(const struct sfe_file_output_options *options)
{
    return sfe_arena_cost(sizeof(struct sfe_file_output)) +
           sfe_arena_cost(SFE_JSON_TOKENS_MAX * sizeof(struct sfe_json_token)) +
           sfe_arena_cost(lines_bytes(options)) +
           (options->is_csv ? sfe_arena_cost(value_bytes(options)) + sfe_arena_cost(HEADING_BYTES)
                            : 0);
}

uint64_t sfe_file_output_flash_bytes(const struct sfe_file_output_options *options)
{
    const uint64_t batch = lines_bytes(options) + HEADING_BYTES;
    const uint64_t file = options->rotate_bytes > batch ? options->rotate_bytes : batch;

    /* The active one, and the one closed just before the oldest goes; both notes. */
    return options->keep_bytes + 2u * file + 2u * SFE_PAGE_BYTES;
}

enum sfe_code sfe_file_output_open(const struct sfe_file_output_options *options,
                                   struct sfe_arena *arena, struct sfe_file_output **output,
                                   struct sfe_target *target, struct sfe_error *err)
{
    struct sfe_file_output *self = sfe_arena_take(arena, sizeof(*self), err);

    *output = NULL;
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*self->tokens), err);
    if (self->tokens == NULL ||
        sfe_arena_take_builder(arena, lines_bytes(options), &self->lines, err) != SFE_OK) {
        return SFE_E_NO_MEMORY;
    }
    if (options->is_csv) {
        SFE_ASSERT(options->map != NULL);
        if (sfe_arena_take_builder(arena, value_bytes(options), &self->value, err) != SFE_OK ||
            sfe_arena_take_builder(arena, HEADING_BYTES, &self->heading, err) != SFE_OK) {
            return SFE_E_NO_MEMORY;
        }
        file_line_add_heading(options->map, &self->heading);
        if (self->heading.overflowed) {
            return sfe_fail(err, SFE_E_TOO_LARGE, "the names of the columns are too long");
        }
    }
    file_writer_make(&self->options, sfe_builder_slice(&self->heading), &self->writer);
    *target = (struct sfe_target){
        .context = self,
        .bind = bind,
        .is_ready = is_ready,
        .offer = offer,
        .send = send,
        .abandon = abandon,
    };
    *output = self;
    return SFE_OK;
}

enum sfe_code sfe_file_output_begin(struct sfe_file_output *self, uint64_t durable,
                                    struct sfe_error *err)
{
    const enum sfe_code code = file_writer_load(&self->writer, durable, err);

    self->known = self->writer.place;
    self->passed = self->known.passed;
    return code;
}
