#include "salesforce/records_parts.h"

#include "base/assert.h"
#include "salesforce/composite.h"
#include "salesforce/records_graph.h"
#include "salesforce/records_single.h"

#include <stdio.h>

void records_judge(struct records_slot *slot, uint32_t event, uint32_t map,
                   enum sfe_verdict_kind kind, const struct sfe_error *err)
{
    struct records_verdict *verdict = &slot->verdicts[event];

    SFE_ASSERT(event < slot->event_count && kind != SFE_VERDICT_DONE);
    const bool is_first = verdict->kind == SFE_VERDICT_DONE || map < verdict->judged_map;
    const bool is_worse = map == verdict->judged_map && kind == SFE_VERDICT_RETRY;
    if (is_first || (is_worse && verdict->kind == SFE_VERDICT_DEAD)) {
        verdict->kind = kind;
        slot->errors[event] = *err;
        verdict->judged_map = (uint8_t)map;
    }
}

void records_add_where(const struct records_slot *slot, uint32_t map, struct sfe_error *err)
{
    static const char *const verbs[] = {
        [SFE_RECORDS_UPSERT] = "upsert",
        [SFE_RECORDS_UPDATE] = "update",
        [SFE_RECORDS_DELETE] = "delete",
    };
    const struct records *records = slot->records;
    char where[sizeof(err->where)];

    SFE_ASSERT(map < records->options.map_count);
    if (snprintf(where, sizeof(where), "%s %.80s",
                 records_publishes(records) ? "publish" : verbs[records->options.verbs[map].action],
                 sfe_map_object(records->options.maps[map])) > 0) {
        (void)sfe_error_at(err, where, NULL, 0, 0);
    }
}

enum sfe_retry records_decide(const struct records_slot *slot, enum sfe_verdict_scope scope,
                              uint32_t map, uint16_t http_status, const struct rest_error *error,
                              uint32_t event, struct sfe_error *err)
{
    const struct sfe_target_host *host = &slot->records->host;
    uint32_t attempts =
        scope == SFE_SCOPE_RECORD ? host->attempts(host->context, slot->number, event) : 1;
    /* The same code as of too many records: here the events of this hour are used up. */
    const bool is_hour_used_up =
        records_publishes(slot->records) && strcmp(error->code, "LIMIT_EXCEEDED") == 0;
    enum sfe_retry retry = sfe_verdict_decide(
        scope, http_status, sfe_slice_text(is_hour_used_up ? "EVENT_LIMIT" : error->code),
        sfe_slice_text(error->message), attempts, err);

    if (error->fields[0] != '\0') {
        (void)sfe_within(err, "%s", error->fields);
    }
    records_add_where(slot, map, err);
    return retry;
}

void records_judge_error(struct records_slot *slot, uint32_t event, uint32_t map,
                         uint16_t http_status, const struct rest_error *error)
{
    struct sfe_error err;
    enum sfe_retry retry =
        records_decide(slot, SFE_SCOPE_RECORD, map, http_status, error, event, &err);

    records_results_note(&slot->results, event, map, RECORDS_RESULT_FAILED,
                         sfe_slice_text(error->code));
    records_judge(slot, event, map, retry == SFE_RETRY_NEVER ? SFE_VERDICT_DEAD : SFE_VERDICT_RETRY,
                  &err);
}

void records_note_first(struct records_slot *slot, uint32_t event, uint32_t place,
                        struct sfe_slice record_id)
{
    struct records_verdict *verdict = &slot->verdicts[event];

    if (verdict->id_hash == 0) {
        verdict->id_hash = slot->request.ids[place];
        sfe_printable(verdict->record_id, sizeof(verdict->record_id), record_id);
    }
}

/* Which event the record is of that was sent at this place of the request. */
static uint32_t event_at(const struct records_slot *slot, uint32_t place)
{
    return slot->event_of[slot->request.order[place]];
}

/* Finds the results of one part's records in `list`: they come as they were sent. */
static enum sfe_code find_results(struct records_slot *slot, const struct collections_part *part,
                                  const struct sfe_json *json, uint32_t list, struct sfe_error *err)
{
    struct collections_answer answer;

    if (collections_read(json, list, part->end - part->first, &answer, err) != SFE_OK) {
        return err->code;
    }
    for (uint32_t i = part->first; i < part->end; i++) {
        slot->records->elements[slot->request.order[i]] = answer.at;
        answer.at = sfe_json_next(json, list, answer.at);
    }
    return SFE_OK;
}

/* Judges as many records of the part's map as it has, in the order in which they were made and not
 * in that in which they were sent: so an event's results stand as its records do. */
static enum sfe_code judge_part(struct records_slot *slot, const struct collections_part *part,
                                const struct sfe_json *json, struct sfe_error *err)
{
    struct collections_answer answer = {.json = json};
    enum sfe_code code = SFE_OK;

    for (uint32_t i = part->first; i < part->end && code == SFE_OK; i++) {
        const uint32_t element = slot->records->elements[i];
        struct rest_error error;
        bool succeeded = false;
        if (element == SFE_JSON_NONE) {
            continue; /* Its part was refused. */
        }
        code = collections_take(&answer, element, &succeeded, &error, err);
        if (code == SFE_OK && part->map == 0) {
            records_note_first(slot, slot->event_of[i], i, answer.record_id);
        }
        if (code == SFE_OK && succeeded) {
            records_results_take(&slot->results, slot->event_of[i], part->map, json, element);
        } else if (code == SFE_OK) {
            records_judge_error(slot, slot->event_of[i], part->map, 200, &error);
        }
    }
    return code;
}

/* The answer to the one Collections that was sent alone. */
static enum sfe_code read_alone(struct records_slot *slot, const struct sfe_json *json,
                                struct sfe_error *err)
{
    const struct collections_part *part = &slot->request.parts[0];
    const enum sfe_code code = find_results(slot, part, json, 0, err);

    return code == SFE_OK ? judge_part(slot, part, json, err) : code;
}

static bool is_of_one_event(const struct records_slot *slot, const struct collections_part *part)
{
    for (uint32_t i = part->first + 1; i < part->end; i++) {
        if (event_at(slot, i) != event_at(slot, part->first)) {
            return false;
        }
    }
    return true;
}

void records_judge_refused(struct records_slot *slot, const struct collections_part *part,
                           uint16_t http_status, const struct rest_error *error)
{
    struct sfe_error err;
    enum sfe_retry retry =
        records_decide(slot, SFE_SCOPE_REQUEST, part->map, http_status, error, 0, &err);

    if (retry == SFE_RETRY_NEVER || retry == SFE_RETRY_ALONE || retry == SFE_RETRY_SMALLER) {
        if (is_of_one_event(slot, part)) {
            records_judge_error(slot, event_at(slot, part->first), part->map, http_status, error);
            return;
        }
        err.retry = SFE_RETRY_SMALLER; /* One of them is the reason: they come again in halves. */
    } else if (retry == SFE_RETRY_AFTER_QUOTA) {
        records_pause_for_quota(slot, -1);
    } else if (retry == SFE_RETRY_AFTER_LOGIN) {
        err.retry = SFE_RETRY_LATER;
    }
    for (uint32_t i = part->first; i < part->end; i++) {
        records_judge(slot, event_at(slot, i), part->map, SFE_VERDICT_RETRY, &err);
    }
}

static enum sfe_code read_composite(struct records_slot *slot, const struct sfe_json *json,
                                    struct sfe_error *err)
{
    struct composite_result results[COMPOSITE_PARTS_MAX];
    const struct collections_request *request = &slot->request;
    enum sfe_code code = composite_read(json, request->part_count, results, err);

    for (uint32_t i = 0; i < request->part_count && code == SFE_OK; i++) {
        const struct collections_part *part = &request->parts[i];
        if (results[i].http_status == 200) {
            code = find_results(slot, part, json, results[i].body, err);
        } else {
            struct rest_error error;
            for (uint32_t place = part->first; place < part->end; place++) {
                slot->records->elements[request->order[place]] = SFE_JSON_NONE;
            }
            (void)rest_take_first_error(json, results[i].body, &error);
            records_judge_refused(slot, part, results[i].http_status, &error);
        }
    }
    for (uint32_t i = 0; i < request->part_count && code == SFE_OK; i++) {
        code = judge_part(slot, &request->parts[i], json, err);
    }
    return code;
}

enum sfe_code records_read_results(struct records_slot *slot, struct sfe_error *err)
{
    struct sfe_json json;

    if (sfe_json_parse(sfe_builder_slice(&slot->answer_body), 0, slot->records->tokens,
                       SFE_JSON_TOKENS_MAX, &json, err) != SFE_OK) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer is not JSON");
    }
    if (slot->records->options.api == SFE_RECORDS_GRAPH) {
        return records_graph_read(slot, &json, err);
    }
    if (slot->request.is_single) {
        return records_single_read(slot, &json, err);
    }
    return slot->is_composite ? read_composite(slot, &json, err) : read_alone(slot, &json, err);
}
