#include "bulk/parts.h"

#include "base/assert.h"
#include "bulk/csv.h"

void bulk_file_begin(struct sfe_bulk *bulk)
{
    struct bulk_file *file = &bulk->file;

    for (uint32_t i = 0; i < bulk->rows.count; i++) {
        bulk_rows_at(&bulk->rows, i)->seen = 0;
    }
    sfe_builder_rewind(&file->piece, 0);
    file->event = 0;
    file->index = 0;
    file->rows = 0;
    file->bytes = 0;
    file->sent = 0;
    file->is_begun = false;
}

/* Adds the row if it is one of this job's. SFE_E_FULL: not into this piece. */
static enum sfe_code add_row(struct sfe_bulk *bulk, const struct sfe_map_record *record,
                             struct sfe_error *err)
{
    const struct sfe_map *map = bulk->options.maps[bulk->map];
    struct bulk_file *file = &bulk->file;
    uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder id = sfe_builder_make(memory, sizeof(memory));
    enum sfe_code code =
        sfe_map_add_external_id(map, record->subject, record->index, record->item, &id, err);

    if (code != SFE_OK) {
        return code;
    }
    struct bulk_row *row =
        bulk_rows_find(&bulk->rows, bulk_rows_hash(bulk->map, sfe_builder_slice(&id)));
    if (row == NULL || row->event != file->event) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the event's external ID has changed");
    }
    if (row->seen == bulk->pass) {
        code = bulk_csv_add_row(map, record, &bulk->value, &file->piece, err);
        if (code == SFE_E_TOO_LARGE && file->piece.size > 0) {
            return SFE_E_FULL;
        }
        file->rows += code == SFE_OK;
    }
    row->seen++;
    return code;
}

/* The event's rows from where the file stands, as many as fit. SFE_OK: all of them. */
static enum sfe_code add_rows(struct sfe_bulk *bulk, const struct sfe_map_subject *subject,
                              struct sfe_error *err)
{
    const struct sfe_map *map = bulk->options.maps[bulk->map];
    struct sfe_map_record record = {.subject = subject, .item = SFE_JSON_NONE};
    uint32_t count = 0;
    enum sfe_code code = sfe_map_count(map, subject, &count, err);

    for (; record.index < count && code == SFE_OK; record.index++) {
        record.item = sfe_map_item(map, subject, record.index, record.item);
        if (record.index >= bulk->file.index) {
            code = add_row(bulk, &record, err);
            bulk->file.index += code == SFE_OK;
        }
    }
    return code;
}

static enum sfe_code add_event(struct sfe_bulk *bulk, struct sfe_error *err)
{
    struct sfe_map_subject subject;
    struct sfe_event event;
    int64_t time_ns = 0;
    enum sfe_code code = bulk->host.fetch(bulk->host.context, bulk->options.slot, bulk->file.event,
                                          &event, &time_ns, err);

    if (code == SFE_OK) {
        sfe_map_subject_make(&event, time_ns, bulk->tokens, SFE_JSON_TOKENS_MAX, &subject);
        code = add_rows(bulk, &subject, err);
    }
    return code;
}

/* The event's rows do not come whole: it goes again, and the file begins anew without it. */
static void leave_out(struct sfe_bulk *bulk, struct sfe_error *err)
{
    err->retry = SFE_RETRY_LATER;
    bulk_judge(bulk, bulk->file.event, SFE_VERDICT_RETRY, err);
    bulk_file_begin(bulk);
}

static void next_event(struct bulk_file *file)
{
    file->event++;
    file->index = 0;
}

enum sfe_code bulk_file_next(struct sfe_bulk *bulk, struct sfe_error *err)
{
    struct bulk_file *file = &bulk->file;

    sfe_builder_rewind(&file->piece, 0);
    file->sent = 0;
    if (!file->is_begun) {
        file->is_begun = true;
        bulk_csv_add_header(bulk->options.maps[bulk->map], &file->piece);
        SFE_ASSERT(!file->piece.overflowed);
        file->bytes = file->piece.size;
        return SFE_OK;
    }
    while (file->event < bulk->event_count && bulk->events[file->event].kind != SFE_VERDICT_DONE) {
        next_event(file);
    }
    if (file->event == bulk->event_count) {
        return SFE_E_END;
    }
    enum sfe_code code = add_event(bulk, err);
    if (code == SFE_OK) {
        next_event(file);
    } else if (code == SFE_E_FULL) {
        code = SFE_OK; /* The rest of its rows comes in the next piece. */
    } else if (bulk->state == BULK_MEASURE) {
        leave_out(bulk, err);
        return SFE_OK;
    }
    file->bytes += file->piece.size;
    return code;
}

enum sfe_code bulk_file_read(void *context, uint8_t *bytes, size_t capacity, size_t *got)
{
    struct sfe_bulk *bulk = context;
    struct bulk_file *file = &bulk->file;
    struct sfe_error err;

    while (file->sent == file->piece.size) {
        enum sfe_code code = bulk_file_next(bulk, &err);
        if (code != SFE_OK) {
            if (code != SFE_E_END) {
                sfe_log_error(bulk->options.log, SFE_WARNING, "cannot make a bulk job's data",
                              &err);
            }
            return code; /* At its end too: it was measured longer. */
        }
    }
    const struct sfe_slice left =
        sfe_slice_part(sfe_builder_slice(&file->piece), file->sent, capacity);
    memcpy(bytes, left.bytes, left.size);
    file->sent += left.size;
    *got = left.size;
    return SFE_OK;
}
