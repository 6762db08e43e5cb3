#include "salesforce/records_single.h"

#include "base/assert.h"
#include "salesforce/single.h"

#include <stdio.h>

/* What stands around object, field and IDs in the query, with room to spare. */
#define QUERY_BYTES 256u

static void add_address(const struct collections_path *path, struct sfe_builder *out)
{
    sfe_builder_add(out, SFE_TEXT("/services/data/"));
    sfe_builder_add_text(out, path->version);
}

/* The ID as text of the query language, encoded: a quote in it does not end it. */
static void add_quoted(struct sfe_slice text, struct sfe_builder *out)
{
    sfe_builder_add(out, SFE_TEXT("%27"));
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '\'' || text.bytes[i] == '\\') {
            sfe_builder_add(out, SFE_TEXT("%5C"));
        }
        rest_add_encoded(sfe_slice_part(text, i, 1), out);
    }
    sfe_builder_add(out, SFE_TEXT("%27"));
}

void single_begin(struct collections_request *request, const struct single *single)
{
    struct sfe_builder *body = &request->body;

    SFE_ASSERT(!request->is_closed);
    SFE_ASSERT(request->count == 0 || (request->is_single && request->parts[0].map == single->map));
    if (request->count == 0) {
        request->parts[0] = (struct collections_part){single->map, 0, 0, body->size};
        request->part_count = 1;
        request->is_single = true;
        sfe_builder_rewind(&request->lookup, 0);
    } else {
        sfe_builder_add_byte(body, ',');
        sfe_builder_add(&request->lookup, SFE_TEXT("%2C"));
    }
    add_quoted(single->external_id, &request->lookup);
    sfe_builder_add_text(body, single->deletes ? "{\"method\":\"DELETE\",\"url\":\""
                                               : "{\"method\":\"PATCH\",\"url\":\"");
    add_address(single->path, body);
    sfe_builder_add(body, SFE_TEXT("/sobjects/"));
    sfe_builder_add_text(body, single->path->object);
    sfe_builder_add_byte(body, '/');
    sfe_builder_add_text(body, single->path->external_id);
    sfe_builder_add_byte(body, '/');
    rest_add_encoded(single->external_id, body);
    sfe_builder_add_text(body, single->deletes ? "\",\"referenceId\":\"p"
                                               : "?updateOnly=true\",\"referenceId\":\"p");
    sfe_builder_add_u64(body, request->count);
    sfe_builder_add_text(body, single->deletes ? "\"" : "\",\"body\":{");
    request->record_begin = body->size;
}

enum sfe_code single_end(struct collections_request *request, const struct single *single,
                         uint64_t id_hash)
{
    struct sfe_builder *body = &request->body;
    const struct collections_path *path = single->path;

    sfe_builder_add_text(body, single->deletes ? "}" : "}}");
    const size_t closing = QUERY_BYTES + request->lookup.size + strlen(path->version) +
                           strlen(path->object) + 2u * strlen(path->external_id);
    if (request->count == SINGLES_MAX || request->lookup.overflowed || body->overflowed ||
        sfe_builder_room(body) < closing) {
        return SFE_E_FULL;
    }
    return collections_claim(request, id_hash) ? SFE_OK : SFE_E_AGAIN;
}

void single_close(struct collections_request *request, const struct collections_path *path)
{
    struct sfe_builder *body = &request->body;

    SFE_ASSERT(!request->is_closed && request->is_single && request->count > 0);
    request->open_size = body->size;
    sfe_builder_add(body, SFE_TEXT(",{\"method\":\"GET\",\"url\":\""));
    add_address(path, body);
    sfe_builder_format(body, "/query?q=SELECT%%20%s%%20FROM%%20%s%%20WHERE%%20%s%%20IN%%20%%28",
                       path->external_id, path->object, path->external_id);
    sfe_builder_add(body, sfe_builder_slice(&request->lookup));
    sfe_builder_add(body, SFE_TEXT("%29\",\"referenceId\":\"p"));
    sfe_builder_add_u64(body, request->count);
    sfe_builder_add(body, SFE_TEXT("\"}]}"));
    SFE_ASSERT(!body->overflowed);
    request->parts[0].end = request->count;
    request->is_closed = true;
}

void single_reopen(struct collections_request *request)
{
    SFE_ASSERT(request->is_closed && request->is_single);
    sfe_builder_rewind(&request->body, request->open_size);
    request->is_closed = false;
}

enum sfe_code single_find_rows(const struct sfe_json *json, uint32_t body, uint32_t *rows,
                               struct sfe_error *err)
{
    const bool is_object = sfe_json_kind(json, body) == SFE_JSON_OBJECT;
    const uint32_t done = is_object ? sfe_json_member(json, body, SFE_TEXT("done")) : SFE_JSON_NONE;

    *rows = is_object ? sfe_json_member(json, body, SFE_TEXT("records")) : SFE_JSON_NONE;
    if (done == SFE_JSON_NONE || sfe_json_kind(json, done) != SFE_JSON_TRUE ||
        *rows == SFE_JSON_NONE || sfe_json_kind(json, *rows) != SFE_JSON_ARRAY) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer to the query is no whole list of rows");
    }
    return SFE_OK;
}

/* The hash of the row's one field, whatever the case of its name; 0: it has none. */
static uint64_t hash_row(const struct sfe_json *json, uint32_t row)
{
    uint8_t memory[4u * SFE_EXTERNAL_ID_BYTES_MAX];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    if (sfe_json_kind(json, row) != SFE_JSON_OBJECT) {
        return 0;
    }
    for (uint32_t key = sfe_json_first(json, row); key != SFE_JSON_NONE;
         key = sfe_json_next(json, row, key)) {
        if (sfe_json_text_equal(json, key, SFE_TEXT("attributes"))) {
            continue;
        }
        if (sfe_json_kind(json, key + 1) != SFE_JSON_STRING) {
            return 0;
        }
        sfe_json_add_text(json, key + 1, &text);
        return text.overflowed ? 0 : collections_hash_id(sfe_builder_slice(&text));
    }
    return 0;
}

bool single_is_listed(const struct sfe_json *json, uint32_t rows, uint64_t id_hash)
{
    for (uint32_t row = sfe_json_first(json, rows); row != SFE_JSON_NONE;
         row = sfe_json_next(json, rows, row)) {
        if (hash_row(json, row) == id_hash) {
            return true;
        }
    }
    return false;
}

static struct collections_path path_of(const struct records *records, uint32_t map)
{
    const struct sfe_map *compiled = records->options.maps[map];

    return (struct collections_path){sfe_org_api_version(records->options.org),
                                     sfe_map_object(compiled), sfe_map_external_id_field(compiled)};
}

static bool deletes(const struct records *records, uint32_t map)
{
    return records->options.verbs[map].action == SFE_RECORDS_DELETE;
}

/* The members of an update. A Composite would take "@{" in a text for a reference. */
static enum sfe_code add_body(struct records_slot *slot, uint32_t number,
                              const struct sfe_map_subject *subject, uint32_t index, uint32_t token,
                              struct sfe_error *err)
{
    struct collections_request *request = &slot->request;
    const struct sfe_map *map = slot->records->options.maps[number];
    struct sfe_map_linked linked = {subject, index, token, NULL, 0, 0};
    enum sfe_code code = sfe_map_add_linked(map, &linked, &request->body, err);

    if (code != SFE_OK) {
        return code;
    }
    const size_t begin = request->record_begin;
    if (collections_count_references(
            sfe_slice_make(request->body.bytes + begin, request->body.size - begin)) > 0) {
        return sfe_fail(err, SFE_E_UNMAPPED,
                        "%.64s: a text holds \"@{\", which action \"update\" cannot send",
                        sfe_map_object(map));
    }
    return SFE_OK;
}

static bool has_room(const struct records_slot *slot, uint32_t map)
{
    const struct collections_request *request = &slot->request;

    return request->count == 0 || (request->is_single && request->parts[0].map == map &&
                                   request->count < slot->records->options.records_max);
}

enum sfe_code records_single_add(struct records_slot *slot, uint32_t map,
                                 const struct sfe_map_subject *subject, uint32_t index,
                                 uint32_t token, struct sfe_error *err)
{
    struct collections_request *request = &slot->request;
    const struct sfe_map *compiled = slot->records->options.maps[map];
    const struct collections_mark mark = collections_mark(request);
    const struct collections_path path = path_of(slot->records, map);
    uint8_t memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
    struct sfe_builder id = sfe_builder_make(memory, sizeof(memory));
    enum sfe_code code = sfe_map_add_external_id(compiled, subject, index, token, &id, err);

    if (code != SFE_OK) {
        return code;
    }
    if (!has_room(slot, map)) {
        return SFE_E_FULL;
    }
    const struct single single = {&path, sfe_builder_slice(&id), map, deletes(slot->records, map)};
    single_begin(request, &single);
    if (!single.deletes) {
        code = add_body(slot, map, subject, index, token, err);
    }
    if (code == SFE_OK) {
        code = single_end(request, &single, collections_hash_id(single.external_id));
    }
    if (code != SFE_OK) {
        collections_rewind(request, mark);
    }
    if (code == SFE_E_FULL && mark.count == 0) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "a %.64s record does not fit into a request",
                        sfe_map_object(compiled));
    }
    return code;
}

void records_single_close(struct records_slot *slot)
{
    const struct collections_path path = path_of(slot->records, slot->request.parts[0].map);

    single_close(&slot->request, &path);
}

/* Somebody may have made the record between the two: only what stays so is no chance. */
#define TRIES_LISTED 3u

/* What the query said. */
struct lookup {
    const struct sfe_json *json;
    const struct composite_result *result;
    uint32_t rows; /* SFE_JSON_NONE: it was refused. */
};

static void judge(struct records_slot *slot, uint32_t record, enum sfe_verdict_kind kind,
                  enum sfe_retry retry, uint16_t http_status, struct sfe_error *err)
{
    const uint32_t map = slot->request.parts[0].map;

    (void)sfe_error_api(err, http_status, err->api_code, retry);
    records_add_where(slot, map, err);
    records_judge(slot, slot->event_of[record], map, kind, err);
}

/* The query was refused, so nobody knows whether the record is there. What it says of object and
 * field stops the output; it is never one record's fault. */
static void judge_unknown(struct records_slot *slot, uint32_t record, const struct lookup *lookup)
{
    const uint32_t map = slot->request.parts[0].map;
    struct rest_error error = {.code = ""};
    struct sfe_error err;

    (void)rest_take_first_error(lookup->json, lookup->result->body, &error);
    enum sfe_retry retry =
        records_decide(slot, SFE_SCOPE_REQUEST, map, lookup->result->http_status, &error, 0, &err);
    if (retry == SFE_RETRY_AFTER_QUOTA) {
        records_pause_for_quota(slot, -1);
    } else if (retry == SFE_RETRY_AFTER_LOGIN) {
        err.retry = SFE_RETRY_LATER;
    } else if (retry == SFE_RETRY_NEVER || retry == SFE_RETRY_ALONE || retry == SFE_RETRY_SMALLER) {
        err.retry = SFE_RETRY_AFTER_HUMAN;
    }
    records_judge(slot, slot->event_of[record], map, SFE_VERDICT_RETRY, &err);
}

/* Not found by its address, and yet there. */
static void judge_listed(struct records_slot *slot, uint32_t record, uint16_t http_status)
{
    const struct sfe_target_host *host = &slot->records->host;
    const bool is_over =
        host->attempts(host->context, slot->number, slot->event_of[record]) >= TRIES_LISTED;
    struct sfe_error err;

    (void)sfe_fail(&err, SFE_E_API,
                   "the org has the record, but does not find it by this external ID in an "
                   "address: use IDs of letters, digits, - and _");
    judge(slot, record, is_over ? SFE_VERDICT_DEAD : SFE_VERDICT_RETRY,
          is_over ? SFE_RETRY_NEVER : SFE_RETRY_LATER, http_status, &err);
}

/* The org finds no record by this address. */
static void judge_missing(struct records_slot *slot, uint32_t record, uint16_t http_status,
                          const struct lookup *lookup)
{
    const uint32_t map = slot->request.parts[0].map;
    const struct sfe_records_verb *verb = &slot->records->options.verbs[map];
    struct sfe_error err;

    if (lookup->rows == SFE_JSON_NONE) {
        judge_unknown(slot, record, lookup);
        return;
    }
    if (single_is_listed(lookup->json, lookup->rows, slot->request.ids[record])) {
        judge_listed(slot, record, http_status);
    } else if (verb->action == SFE_RECORDS_UPDATE && !verb->missing_is_done) {
        (void)sfe_fail(&err, SFE_E_API,
                       "no record with this external ID is there to update, or the user may not "
                       "see it");
        judge(slot, record, SFE_VERDICT_DEAD, SFE_RETRY_NEVER, http_status, &err);
    }
}

/* An org that does not know updateOnly has made a record. It is stopped before it makes more. */
static void judge_created(struct records_slot *slot, uint32_t record)
{
    struct sfe_error err;

    (void)sfe_fail(&err, SFE_E_API,
                   "the org created a record where it should only update: set api_version to a "
                   "later one, and look for records that should not be there");
    judge(slot, record, SFE_VERDICT_RETRY, SFE_RETRY_AFTER_HUMAN, 201, &err);
}

static void judge_error(struct records_slot *slot, uint32_t record,
                        const struct composite_result *result, const struct lookup *lookup)
{
    const uint16_t status = result->http_status;
    struct rest_error error = {.code = ""};
    const uint32_t map = slot->request.parts[0].map;

    if (!rest_take_first_error(lookup->json, result->body, &error) && status == 300) {
        (void)snprintf(error.code, sizeof(error.code), "DUPLICATE_EXTERNAL_ID");
    }
    if (status == 404 || strcmp(error.code, "ENTITY_IS_DELETED") == 0) {
        judge_missing(slot, record, status, lookup);
    } else if (status >= 500 || status == 401 || status == 408 || status == 429) {
        const struct collections_part alone = {map, record, record + 1, 0};
        records_judge_refused(slot, &alone, status, &error);
    } else {
        /* One record's own error, whatever its status: its neighbours tell nothing of it. */
        records_judge_error(slot, slot->event_of[record], map, 0, &error);
    }
}

static struct sfe_slice record_id_of(const struct sfe_json *json, uint32_t body)
{
    const uint32_t id = sfe_json_kind(json, body) == SFE_JSON_OBJECT
                            ? sfe_json_member(json, body, SFE_TEXT("id"))
                            : SFE_JSON_NONE;
    const bool is_text = id != SFE_JSON_NONE && sfe_json_kind(json, id) == SFE_JSON_STRING;

    return is_text ? sfe_json_raw(json, id) : (struct sfe_slice){NULL, 0};
}

enum sfe_code records_single_read(struct records_slot *slot, const struct sfe_json *json,
                                  struct sfe_error *err)
{
    struct composite_result results[COMPOSITE_PARTS_MAX];
    const struct collections_request *request = &slot->request;
    enum sfe_code code = composite_read(json, request->count + 1, results, err);
    struct lookup lookup = {json, &results[request->count], SFE_JSON_NONE};

    if (code == SFE_OK && lookup.result->http_status == 200) {
        code = single_find_rows(json, lookup.result->body, &lookup.rows, err);
    }
    for (uint32_t i = 0; i < request->count && code == SFE_OK; i++) {
        const struct composite_result *result = &results[i];
        if (request->parts[0].map == 0) {
            records_note_first(slot, slot->event_of[i], i, record_id_of(json, result->body));
        }
        if (result->http_status == 201) {
            judge_created(slot, i);
        } else if (result->http_status < 200 || result->http_status > 299) {
            judge_error(slot, i, result, &lookup);
        } else {
            records_results_take(&slot->results, slot->event_of[i], request->parts[0].map, json,
                                 result->body);
        }
    }
    return code;
}
