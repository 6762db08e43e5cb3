#include "bulk/parts.h"

#include "base/assert.h"
#include "output/lane.h"
#include "bulk/csv.h"
#include "salesforce/collections.h"

/* The key of the first record, as with Collections: the lanes of both are the same. */
static enum sfe_code find_key(const struct sfe_bulk *bulk, const struct sfe_map_subject *subject,
                              uint64_t *order_key, struct sfe_error *err)
{
    const struct sfe_map *map = bulk->options.maps[0];
    uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
    uint32_t count = 0;
    enum sfe_code code = sfe_map_count(map, subject, &count, err);

    if (code == SFE_OK && count == 0) {
        sfe_builder_add(&text, sfe_slice_make(subject->event->identity.bytes,
                                              sizeof(subject->event->identity.bytes)));
    } else if (code == SFE_OK) {
        uint32_t token = sfe_map_item(map, subject, 0, SFE_JSON_NONE);
        code = sfe_map_add_external_id(map, subject, 0, token, &text, err);
    }
    if (code == SFE_OK) {
        *order_key = collections_hash_id(sfe_builder_slice(&text));
    }
    return code;
}

/* Makes one row to see that it can be made, and notes its ID. */
static enum sfe_code try_row(struct sfe_bulk *bulk, uint32_t map,
                             const struct sfe_map_record *record, struct sfe_error *err)
{
    const struct sfe_map *compiled = bulk->options.maps[map];
    uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder id = sfe_builder_make(memory, sizeof(memory));
    struct sfe_builder *piece = &bulk->file.piece;

    sfe_builder_rewind(piece, 0);
    enum sfe_code code =
        sfe_map_add_external_id(compiled, record->subject, record->index, record->item, &id, err);
    if (code == SFE_OK) {
        code = bulk_csv_add_row(compiled, record, &bulk->value, piece, err);
    }
    if (code == SFE_OK) {
        code = bulk_rows_add(&bulk->rows, bulk_rows_hash(map, sfe_builder_slice(&id)), map,
                             bulk->event_count);
        bulk->batch_bytes += piece->size;
    }
    return code;
}

static enum sfe_code try_map(struct sfe_bulk *bulk, uint32_t map,
                             const struct sfe_map_subject *subject, struct sfe_error *err)
{
    const struct sfe_map *compiled = bulk->options.maps[map];
    struct sfe_map_record record = {.subject = subject, .item = SFE_JSON_NONE};
    uint32_t count = 0;
    enum sfe_code code = sfe_map_count(compiled, subject, &count, err);

    for (; record.index < count && code == SFE_OK; record.index++) {
        record.item = sfe_map_item(compiled, subject, record.index, record.item);
        code = try_row(bulk, map, &record, err);
    }
    return code;
}

/* All rows of the event, or none. */
static enum sfe_code add_event(struct sfe_bulk *bulk, const struct sfe_map_subject *subject,
                               uint64_t key, struct sfe_error *err)
{
    const uint32_t rows = bulk->rows.count;
    const uint64_t bytes = bulk->batch_bytes;
    enum sfe_code code = SFE_OK;

    for (uint32_t map = 0; map < bulk->options.map_count && code == SFE_OK; map++) {
        code = try_map(bulk, map, subject, err);
    }
    if (code == SFE_OK && bulk->event_count > 0 && bulk->batch_bytes > BULK_BYTES_MAX) {
        code = SFE_E_FULL;
    }
    if (code != SFE_OK) {
        bulk_rows_rewind(&bulk->rows, rows);
        bulk->batch_bytes = bytes;
        return code;
    }
    bulk->events[bulk->event_count++] = (struct bulk_event){
        .sequence = subject->event->sequence, .key = key, .kind = SFE_VERDICT_DONE};
    return SFE_OK;
}

/* While a job of the last run is taken back only its events are. */
static enum sfe_code check_refill(struct sfe_bulk *bulk, uint64_t sequence)
{
    bool is_beyond = false;

    if (bulk_journal_holds(bulk->options.journal, sequence, &is_beyond)) {
        return SFE_OK;
    }
    if (is_beyond && bulk->event_count > 0) {
        return SFE_E_FULL;
    }
    if (is_beyond) {
        bulk_enter(bulk, BULK_DELETE); /* All of its events were settled before. */
    }
    return SFE_E_AGAIN;
}

/* What a job cannot say goes the other way, once the backlog has been caught up with, or is dead
 * where there is none. */
static enum sfe_code refuse(const struct sfe_bulk *bulk, enum sfe_code code, struct sfe_error *err)
{
    if ((code == SFE_E_UNSUPPORTED || code == SFE_E_TOO_LARGE) && bulk->options.has_other) {
        return SFE_E_AGAIN;
    }
    if (code == SFE_E_UNSUPPORTED) {
        err->code = SFE_E_UNMAPPED;
        return SFE_E_UNMAPPED;
    }
    return code;
}

enum sfe_code bulk_offer(void *context, uint32_t number, struct sfe_event *event, int64_t time_ns,
                         struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    struct sfe_bulk *bulk = context;
    struct sfe_map_subject subject;

    SFE_ASSERT(number == bulk->options.slot && !bulk->is_sent);
    if (bulk->event_count == bulk->options.records_max ||
        bulk->rows.count >= bulk->options.records_max) {
        return SFE_E_FULL;
    }
    sfe_map_subject_make(event, time_ns, bulk->tokens, SFE_JSON_TOKENS_MAX, &subject);
    enum sfe_code code = sfe_where_judge(bulk->options.where, &subject, err);
    if (code != SFE_OK) {
        return code == SFE_E_UNMAPPED ? sfe_within(err, "where") : code;
    }
    code = find_key(bulk, &subject, order_key, err);
    if (code == SFE_OK && sfe_lane_is_held(lane, *order_key)) {
        return SFE_E_AGAIN;
    }
    if (code == SFE_OK && bulk->state == BULK_REFILL) {
        code = check_refill(bulk, event->sequence);
    }
    if (code == SFE_OK) {
        code = add_event(bulk, &subject, *order_key, err);
    }
    if (code == SFE_OK) {
        bool is_claimed = sfe_lane_claim(lane, *order_key);
        SFE_ASSERT(is_claimed);
    }
    return refuse(bulk, code, err);
}
