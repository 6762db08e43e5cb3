#include "bulk/parts.h"

#include "base/assert.h"
#include "base/card_number.h"
#include "salesforce/verdict.h"

#include <stdio.h>

void bulk_judge(struct sfe_bulk *bulk, uint32_t event, enum sfe_verdict_kind kind,
                const struct sfe_error *err)
{
    struct bulk_event *judged = &bulk->events[event];
    bool is_worse = judged->kind == SFE_VERDICT_DONE ||
                    (judged->kind == SFE_VERDICT_DEAD && kind == SFE_VERDICT_RETRY);

    SFE_ASSERT(event < bulk->event_count && kind != SFE_VERDICT_DONE);
    if (!is_worse) {
        return;
    }
    if (judged->kind != SFE_VERDICT_DONE) {
        sfe_reasons_drop(bulk->reasons, judged->reason);
    }
    judged->kind = kind;
    judged->reason = sfe_reasons_keep(bulk->reasons, err);
}

void bulk_results_open(struct sfe_bulk *bulk)
{
    bulk->job_rows = 0;
    bulk->settled_rows = 0;
    for (uint32_t i = 0; i < bulk->rows.count; i++) {
        struct bulk_row *row = bulk_rows_at(&bulk->rows, i);
        bool is_in_job = row->map == bulk->map && row->times > bulk->pass &&
                         bulk->events[row->event].kind == SFE_VERDICT_DONE;
        bulk->job_rows += is_in_job && !row->is_open;
        row->is_open = is_in_job;
    }
}

static void add_where(const struct sfe_bulk *bulk, struct sfe_error *err)
{
    char where[sizeof(err->where)];

    if (snprintf(where, sizeof(where), "upsert %.80s",
                 sfe_map_object(bulk->options.maps[bulk->map])) > 0) {
        (void)sfe_error_at(err, where, NULL, 0, 0);
    }
}

/* The org may quote what it refuses. */
static struct sfe_slice mask(struct sfe_slice text, struct sfe_builder *memory)
{
    struct sfe_card_found found = {0, 0};

    sfe_builder_add(memory, sfe_slice_part(text, 0, memory->capacity));
    sfe_card_mask(memory, &found);
    return sfe_builder_slice(memory);
}

static void judge_failure(struct sfe_bulk *bulk, uint32_t event, struct sfe_slice text)
{
    uint8_t memory[BULK_ERROR_BYTES];
    struct sfe_builder masked = sfe_builder_make(memory, sizeof(memory));
    struct bulk_failure failure;
    struct sfe_error err;
    char fields[64];

    bulk_failure_read(mask(text, &masked), &failure);
    uint32_t attempts = bulk->host.attempts(bulk->host.context, bulk->options.slot, event);
    enum sfe_retry retry =
        sfe_verdict_decide(SFE_SCOPE_RECORD, 200, failure.code, failure.message, attempts, &err);
    if (failure.fields.size > 0) {
        sfe_printable(fields, sizeof(fields), failure.fields);
        (void)sfe_within(&err, "%s", fields);
    }
    add_where(bulk, &err);
    bulk_judge(bulk, event, retry == SFE_RETRY_NEVER ? SFE_VERDICT_DEAD : SFE_VERDICT_RETRY, &err);
}

void bulk_take_result(void *context, const struct bulk_result *result)
{
    struct sfe_bulk *bulk = context;

    if (result->id.size == 0) {
        return;
    }
    struct bulk_row *row = bulk_rows_find(&bulk->rows, bulk_rows_hash(bulk->map, result->id));
    if (row == NULL || !row->is_open) {
        return; /* Of an event that is no longer in the batch; or told before. */
    }
    row->is_open = false;
    bulk->settled_rows++;
    if (bulk->state == BULK_FAILURES) {
        judge_failure(bulk, row->event, result->error);
    }
}

enum sfe_slot_outcome bulk_job_verdict(const struct sfe_bulk *bulk, struct sfe_error *err)
{
    struct sfe_slice text = sfe_slice_text(bulk->told.message);
    struct bulk_failure failure;

    if (bulk->told.state == BULK_JOB_ABORTED || text.size == 0) {
        (void)sfe_fail(err, SFE_E_API, "the bulk job was %s, and none of its rows processed",
                       bulk->told.state == BULK_JOB_ABORTED ? "aborted in the org" : "ended");
        err->retry = SFE_RETRY_LATER;
        add_where(bulk, err);
        return SFE_SLOT_AGAIN;
    }
    bulk_failure_read(text, &failure);
    enum sfe_retry retry =
        sfe_verdict_decide(SFE_SCOPE_REQUEST, 400, failure.code, failure.message, 1, err);
    add_where(bulk, err);
    switch (retry) {
    case SFE_RETRY_AFTER_HUMAN:
        return SFE_SLOT_STOPPED;
    case SFE_RETRY_SMALLER:
    case SFE_RETRY_ALONE:
    case SFE_RETRY_NEVER:
        return SFE_SLOT_SMALLER;
    case SFE_RETRY_LATER:
    case SFE_RETRY_LOCKED:
    case SFE_RETRY_AWAY:
    case SFE_RETRY_AFTER_LOGIN:
    case SFE_RETRY_AFTER_QUOTA:
        break;
    }
    return SFE_SLOT_AGAIN;
}

/* Rows without a result were not processed: that is no fault of theirs, so no try is counted. */
static void judge_unprocessed(struct sfe_bulk *bulk)
{
    struct sfe_error err;

    (void)sfe_fail(&err, SFE_E_API, "the bulk job ended before this record");
    err.retry = SFE_RETRY_AFTER_QUOTA;
    add_where(bulk, &err);
    for (uint32_t i = 0; i < bulk->rows.count; i++) {
        struct bulk_row *row = bulk_rows_at(&bulk->rows, i);
        if (row->is_open) {
            row->is_open = false;
            bulk_judge(bulk, row->event, SFE_VERDICT_RETRY, &err);
        }
    }
}

/* Is there a further job for the same map: an event that names one ID more often? */
static bool has_pass(const struct sfe_bulk *bulk, uint32_t pass)
{
    for (uint32_t i = 0; i < bulk->rows.count; i++) {
        const struct bulk_row *row = bulk_rows_at(&bulk->rows, i);
        if (row->map == bulk->map && row->times > pass &&
            bulk->events[row->event].kind == SFE_VERDICT_DONE) {
            return true;
        }
    }
    return false;
}

void bulk_results_close(struct sfe_bulk *bulk)
{
    struct sfe_error err = {.code = SFE_OK};

    if (bulk->settled_rows == 0 && bulk->job_rows > 0) {
        enum sfe_slot_outcome outcome = bulk_job_verdict(bulk, &err);
        bulk_fail(bulk, outcome, &err, -1);
        return;
    }
    judge_unprocessed(bulk);
    bulk->pass++;
    while (bulk->map < bulk->options.map_count && !has_pass(bulk, bulk->pass)) {
        bulk->map++;
        bulk->pass = 0;
    }
    if (bulk->map == bulk->options.map_count) {
        bulk_finish(bulk, SFE_SLOT_ANSWERED, &err, -1);
    }
}
