#include "bulk/bulk.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "bulk/parts.h"

#include <stdio.h>

/* Rows of one event, or one row: all of a piece of the upload. */
#define PIECE_BYTES (1024u * 1024u)
/* One field's JSON at its worst, each character escaped, and its text behind it. */
#define VALUE_BYTES  (384u * 1024u)
#define BODY_BYTES   1024u
#define ANSWER_BYTES 16384u
/* Different reasons of failing rows that are kept with their words. */
#define REASONS_MAX 256u
/* After a job that failed as a whole, where there is another way. */
#define SHUT_NS (UINT64_C(900) * 1000000000u)

static const char *state_name(const struct sfe_bulk *bulk)
{
    static const char *const names[] = {
        [BULK_IDLE] = "idle",         [BULK_MEASURE] = "measure", [BULK_CREATE] = "create",
        [BULK_NOTE] = "note",         [BULK_UPLOAD] = "upload",   [BULK_CLOSE] = "close",
        [BULK_POLL] = "poll",         [BULK_REFILL] = "resume",   [BULK_SUCCESSES] = "successes",
        [BULK_FAILURES] = "failures", [BULK_ABORT] = "abort",     [BULK_DELETE] = "delete",
        [BULK_FORGET] = "forget",
    };
    static const char *const told[] = {
        [BULK_JOB_OPEN] = "Open",          [BULK_JOB_QUEUED] = "UploadComplete",
        [BULK_JOB_RUNNING] = "InProgress", [BULK_JOB_COMPLETE] = "JobComplete",
        [BULK_JOB_FAILED] = "Failed",      [BULK_JOB_ABORTED] = "Aborted",
    };

    return bulk->state == BULK_POLL ? told[bulk->told.state] : names[bulk->state];
}

void bulk_show(struct sfe_bulk *bulk)
{
    struct sfe_bulk_facts *facts = &bulk->facts;

    sfe_mutex_lock(bulk->mutex);
    memcpy(facts->job, bulk->job.id, sizeof(facts->job));
    facts->state = state_name(bulk);
    facts->rows = bulk->state == BULK_IDLE ? 0 : bulk->job_rows;
    facts->begun_ns = bulk->state == BULK_IDLE ? 0 : bulk->begun_ns;
    sfe_mutex_unlock(bulk->mutex);
}

void sfe_bulk_facts(struct sfe_bulk *bulk, struct sfe_bulk_facts *facts)
{
    sfe_mutex_lock(bulk->mutex);
    *facts = bulk->facts;
    sfe_mutex_unlock(bulk->mutex);
}

void bulk_empty(struct sfe_bulk *bulk)
{
    bulk_rows_rewind(&bulk->rows, 0);
    sfe_reasons_clear(bulk->reasons);
    bulk->event_count = 0;
    bulk->batch_bytes = 0;
    bulk->is_sent = false;
    bulk->map = 0;
    bulk->pass = 0;
}

static void give_verdict(void *context, uint32_t place, struct sfe_verdict *verdict)
{
    const struct sfe_bulk *bulk = context;

    SFE_ASSERT(place < bulk->event_count);
    *verdict =
        (struct sfe_verdict){.kind = bulk->events[place].kind, .id_hash = bulk->events[place].key};
    memcpy(verdict->record_id, bulk->events[place].record_id, sizeof(verdict->record_id));
    if (verdict->kind != SFE_VERDICT_DONE) {
        verdict->err = *sfe_reasons_at(bulk->reasons, bulk->events[place].reason);
    }
}

/* Of the first record: a job may have made many. */
static void add_answer(void *context, uint32_t place, struct sfe_json_writer *writer)
{
    const struct sfe_bulk *bulk = context;

    SFE_ASSERT(place < bulk->event_count);
    if (bulk->events[place].record_id[0] == '\0') {
        return;
    }
    sfe_json_begin_array(writer, "records");
    sfe_json_begin_object(writer, NULL);
    sfe_json_put_text(writer, "object", sfe_slice_text(sfe_map_object(bulk->options.maps[0])));
    sfe_json_put_text(writer, "id", sfe_slice_text(bulk->events[place].record_id));
    sfe_json_end_object(writer);
    sfe_json_end_array(writer);
}

void bulk_fail(struct sfe_bulk *bulk, enum sfe_slot_outcome outcome, const struct sfe_error *err,
               int64_t retry_after_s)
{
    if (bulk->options.has_other && outcome != SFE_SLOT_ANSWERED) {
        outcome = SFE_SLOT_AGAIN;
        bulk->shut_until_ns = sfe_org_now_ns(bulk->options.org) + SHUT_NS;
        SFE_LOG(bulk->options.log, SFE_WARNING, "a backlog goes record by record for a while",
                sfe_text("output", bulk->options.name), sfe_text("why", err->message));
    }
    bulk_finish(bulk, outcome, err, retry_after_s);
}

void bulk_finish(struct sfe_bulk *bulk, enum sfe_slot_outcome outcome, const struct sfe_error *err,
                 int64_t retry_after_s)
{
    const struct sfe_slot_result result = {
        .slot = bulk->options.slot,
        .outcome = outcome,
        .verdict = give_verdict,
        .answer = add_answer,
        .context = bulk,
        .count = bulk->event_count,
        .retry_after_s = retry_after_s,
        .err = *err,
    };

    SFE_ASSERT(bulk->is_sent);
    bulk->host.finished(bulk->host.context, &result);
    bulk_empty(bulk);
}

static void bind(void *context, const struct sfe_target_host *host)
{
    struct sfe_bulk *bulk = context;

    SFE_ASSERT(bulk->host.finished == NULL);
    bulk->host = *host;
}

/* Does the day have a job's calls? One of the last run was begun, and is ended. */
static bool may_begin(const struct sfe_bulk *bulk, uint64_t now_ns, uint64_t *until_ns)
{
    uint64_t begin_ns = UINT64_MAX;

    if (bulk->is_sent || bulk->state == BULK_REFILL ||
        sfe_org_may_call(bulk->options.org, bulk->options.need, now_ns, &begin_ns)) {
        return true;
    }
    *until_ns = sfe_clock_earlier_ns(*until_ns, begin_ns);
    return false;
}

/* Until a job that nobody waits for is over nothing else may be sent: it could be overtaken, and
 * what it says be written over what is newer. */
static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    struct sfe_bulk *bulk = context;
    bool is_org_ready = sfe_org_is_ready(bulk->options.org, now_ns, until_ns);

    if (is_org_ready) {
        *until_ns = bulk_step(bulk, now_ns);
        bulk_show(bulk);
    }
    bool may_come_late = bulk->state == BULK_ABORT || (bulk->is_left && bulk->state != BULK_REFILL);
    return is_org_ready && !may_come_late && !bulk->is_leaving && may_begin(bulk, now_ns, until_ns);
}

static enum sfe_code send(void *context, uint32_t number, struct sfe_error *err)
{
    struct sfe_bulk *bulk = context;
    struct sfe_error none = {.code = SFE_OK};

    uint64_t ignored = 0;

    (void)err;
    SFE_ASSERT(number == bulk->options.slot && bulk->event_count > 0 && !bulk->is_sent);
    if (!may_begin(bulk, sfe_org_now_ns(bulk->options.org), &ignored)) {
        return SFE_E_AGAIN;
    }
    bulk->is_sent = true;
    if (bulk->rows.count == 0) {
        bulk_finish(bulk, SFE_SLOT_ANSWERED, &none, -1); /* Its events make no records at all. */
        return SFE_OK;
    }
    if (bulk->state == BULK_REFILL) {
        bulk->map = bulk->job.map;
        bulk->pass = bulk->job.pass;
        bulk_results_open(bulk);
        bulk_enter(bulk, BULK_SUCCESSES);
    }
    return SFE_OK;
}

static void abandon(void *context, uint32_t number)
{
    struct sfe_bulk *bulk = context;

    SFE_ASSERT(number == bulk->options.slot && !bulk->is_sent);
    if (bulk->state == BULK_REFILL && bulk->event_count == 0) {
        bulk_enter(bulk, BULK_DELETE); /* None of its events can be taken back. */
    }
    bulk_empty(bulk);
}

void sfe_bulk_target(struct sfe_bulk *bulk, struct sfe_target *target)
{
    *target = (struct sfe_target){bulk, bind, is_ready, bulk_offer, send, abandon, NULL};
}

enum sfe_large_use sfe_bulk_use(const void *context)
{
    const struct sfe_bulk *bulk = context;

    if (bulk->state == BULK_REFILL) {
        return SFE_LARGE_RESUMES;
    }
    if (sfe_org_now_ns(bulk->options.org) < bulk->shut_until_ns) {
        return SFE_LARGE_SHUT;
    }
    return sfe_org_is_scarce(bulk->options.org, bulk->options.need) ? SFE_LARGE_DEAR
                                                                    : SFE_LARGE_MAY;
}

void sfe_bulk_leave(struct sfe_bulk *bulk)
{
    struct sfe_error err;

    if (bulk->is_leaving) {
        return;
    }
    bool may_leave = bulk->state == BULK_POLL && bulk->is_closed;
    if (bulk->is_sent && may_leave) {
        (void)sfe_fail(&err, SFE_E_NOT_READY, "the bulk job is left to the org until the next run");
        err.retry = SFE_RETRY_LATER;
        bulk->is_leaving = true;
        bulk_finish(bulk, SFE_SLOT_AGAIN, &err, -1);
    }
}

static uint32_t rows_max(const struct sfe_bulk_options *options)
{
    return options->records_max + BULK_ROWS_EXTRA;
}

size_t sfe_bulk_memory_bytes(const struct sfe_bulk_options *options)
{
    return sfe_arena_cost(sizeof(struct sfe_bulk)) +
           sfe_arena_cost(options->records_max * sizeof(struct bulk_event)) +
           sfe_arena_cost(options->records_max * sizeof(uint64_t)) +
           bulk_rows_memory_bytes(rows_max(options)) + sfe_reasons_memory_bytes(REASONS_MAX) +
           sfe_arena_cost(SFE_JSON_TOKENS_MAX * sizeof(struct sfe_json_token)) +
           sfe_arena_cost(PIECE_BYTES) + sfe_arena_cost(VALUE_BYTES) + sfe_arena_cost(BODY_BYTES) +
           sfe_arena_cost(ANSWER_BYTES);
}

static enum sfe_code open_memory(struct sfe_bulk *bulk, struct sfe_arena *arena,
                                 struct sfe_error *err)
{
    bulk->events = sfe_arena_take(arena, bulk->options.records_max * sizeof(*bulk->events), err);
    bulk->sequences =
        sfe_arena_take(arena, bulk->options.records_max * sizeof(*bulk->sequences), err);
    if (bulk->events == NULL || bulk->sequences == NULL ||
        bulk_rows_open(&bulk->rows, rows_max(&bulk->options), arena, err) != SFE_OK) {
        return SFE_E_NO_MEMORY;
    }
    bulk->reasons = sfe_reasons_open(REASONS_MAX, arena, err);
    bulk->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*bulk->tokens), err);
    bool is_taken = bulk->reasons != NULL && bulk->tokens != NULL &&
                    sfe_arena_take_builder(arena, PIECE_BYTES, &bulk->file.piece, err) == SFE_OK &&
                    sfe_arena_take_builder(arena, VALUE_BYTES, &bulk->value, err) == SFE_OK &&
                    sfe_arena_take_builder(arena, BODY_BYTES, &bulk->body, err) == SFE_OK &&
                    sfe_arena_take_builder(arena, ANSWER_BYTES, &bulk->answer_body, err) == SFE_OK;
    return is_taken ? SFE_OK : SFE_E_NO_MEMORY;
}

static enum sfe_code take_bytes(void *context, struct sfe_slice bytes)
{
    struct sfe_bulk *bulk = context;

    return bulk_results_take(&bulk->results, bytes) ? SFE_OK : SFE_E_PROTOCOL;
}

/* Takes up what the last run left. */
static void take_up(struct sfe_bulk *bulk)
{
    struct bulk_job_note note;

    bulk->facts.state = state_name(bulk);
    if (!bulk_journal_left(bulk->options.journal, &note)) {
        return;
    }
    if (note.map >= bulk->options.map_count) {
        note.map = 0; /* The configuration has changed; its results will fit nothing. */
    }
    bulk->job = note;
    bulk->is_left = true;
    bulk->is_last_runs = true;
    bulk->begun_ns = sfe_org_now_ns(bulk->options.org);
    bulk->state = BULK_POLL;
    SFE_LOG(bulk->options.log, SFE_INFO, "a bulk job of the last run is taken up",
            sfe_text("output", bulk->options.name), sfe_text("job", note.id));
    bulk_show(bulk);
}

enum sfe_code sfe_bulk_open(const struct sfe_bulk_options *options, struct sfe_arena *arena,
                            struct sfe_bulk **bulk, struct sfe_error *err)
{
    struct sfe_bulk *opened = sfe_arena_take(arena, sizeof(*opened), err);

    SFE_ASSERT(options->map_count > 0 && options->records_max > 0);
    *bulk = NULL;
    if (opened == NULL) {
        return err->code;
    }
    opened->options = *options;
    opened->owner.on_answer = bulk_answered;
    opened->upload = (struct sfe_http_body){.context = opened, .read = bulk_file_read};
    opened->sink = (struct sfe_http_sink){.context = opened, .take = take_bytes};
    if (open_memory(opened, arena, err) != SFE_OK) {
        return SFE_E_NO_MEMORY;
    }
    opened->mutex = sfe_mutex_open();
    if (opened->mutex == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    take_up(opened);
    *bulk = opened;
    return SFE_OK;
}

void sfe_bulk_close(struct sfe_bulk *bulk)
{
    if (bulk != NULL) {
        if (bulk->is_under_way) {
            sfe_org_cancel(bulk->options.org, &bulk->owner);
        }
        sfe_mutex_close(bulk->mutex);
        bulk->mutex = NULL;
    }
}
