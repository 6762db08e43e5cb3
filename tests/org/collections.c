/* composite/sobjects: up to 200 records in one call. */
#include <stdio.h>

#include "org.h"

#define RECORDS_MAX 200u
#define CHUNKS_MAX  10u

struct envelope {
    bool all_or_none;
    uint32_t records; /* Token of the array. */
    uint32_t count;
};

static bool read_envelope(struct call *call, struct envelope *envelope)
{
    const struct sfe_json *json = call->json;
    *envelope = (struct envelope){call->all_or_none, SFE_JSON_NONE, 0};
    if (call->body == SFE_JSON_NONE || sfe_json_kind(json, call->body) != SFE_JSON_OBJECT) {
        call_error(call, 400, "JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object");
        return false;
    }
    for (uint32_t key = sfe_json_first(json, call->body); key != SFE_JSON_NONE;
         key = sfe_json_next(json, call->body, key)) {
        enum sfe_json_kind kind = sfe_json_kind(json, key + 1);
        if (sfe_json_text_equal(json, key, SFE_TEXT("records")) && kind == SFE_JSON_ARRAY) {
            envelope->records = key + 1;
        } else if (sfe_json_text_equal(json, key, SFE_TEXT("allOrNone")) &&
                   (kind == SFE_JSON_TRUE || kind == SFE_JSON_FALSE)) {
            envelope->all_or_none = envelope->all_or_none || kind == SFE_JSON_TRUE;
        } else {
            char shown[80];
            sfe_printable(shown, sizeof shown, sfe_json_raw(json, key));
            call_error(call, 400, "JSON_PARSER_ERROR", "Unrecognized or wrong field \"%s\"", shown);
            return false;
        }
    }
    if (envelope->records == SFE_JSON_NONE) {
        call_error(call, 400, "JSON_PARSER_ERROR", "The field \"records\" is missing");
        return false;
    }
    envelope->count = sfe_json_length(json, envelope->records);
    if (envelope->count > RECORDS_MAX) {
        call_error(call, 400, "EXCEEDED_ID_LIMIT",
                   "record limit reached. cannot submit more than 200 records into this call");
        return false;
    }
    return true;
}

/* The token of attributes.type; SFE_JSON_NONE where it is missing. */
static uint32_t type_token(const struct sfe_json *json, uint32_t record)
{
    uint32_t first = sfe_json_first(json, record);
    uint32_t attributes = SFE_JSON_NONE;
    if (first != SFE_JSON_NONE &&
        sfe_slice_equal(sfe_json_raw(json, first), SFE_TEXT("attributes"))) {
        attributes = first + 1;
    } else {
        attributes = sfe_json_member(json, record, SFE_TEXT("attributes"));
    }
    if (attributes == SFE_JSON_NONE || sfe_json_kind(json, attributes) != SFE_JSON_OBJECT) {
        return SFE_JSON_NONE;
    }
    uint32_t type = sfe_json_member(json, attributes, SFE_TEXT("type"));
    bool is_text = type != SFE_JSON_NONE && sfe_json_kind(json, type) == SFE_JSON_STRING;
    return is_text ? type : SFE_JSON_NONE;
}

/* The object of one record. `expected` (may be NULL) is the one in the URL. */
static struct object *record_object(struct org *org, const struct sfe_json *json, uint32_t record,
                                    struct object *expected)
{
    struct batch *batch = &org->batch;
    if (sfe_json_kind(json, record) != SFE_JSON_OBJECT) {
        batch_refuse(batch, 400, "JSON_PARSER_ERROR", "A record must be a JSON object");
        return NULL;
    }
    uint32_t type = type_token(json, record);
    if (type == SFE_JSON_NONE) {
        batch_refuse(batch, 400, "INVALID_INPUT",
                     "The type must be specified in the attributes of each record");
        return NULL;
    }
    struct sfe_slice raw = sfe_json_raw(json, type);
    if (expected != NULL && raw.size == expected->name_size &&
        memcmp(raw.bytes, expected->name, raw.size) == 0) {
        return expected;
    }
    struct object *object = schema_object(&org->schema, batch_text(batch, type));
    if (object == NULL || (expected != NULL && object != expected)) {
        char shown[80];
        sfe_printable(shown, sizeof shown, raw);
        batch_refuse(batch, 400, "INVALID_TYPE",
                     object == NULL ? "sObject type '%s' is not supported."
                                    : "sObject type '%s' is not that of the request",
                     shown);
        return NULL;
    }
    return object;
}

static void write_failure(const struct batch *batch, const struct failure *failure,
                          struct buffer *out)
{
    buffer_add(out, SFE_TEXT("{\"success\":false,\"errors\":[{\"statusCode\":\""));
    buffer_add_text(out, failure->code);
    buffer_add(out, SFE_TEXT("\",\"message\":"));
    buffer_add_json(out, batch_message(batch, failure));
    buffer_add(out, SFE_TEXT(",\"fields\":["));
    if (failure->field != NULL) {
        buffer_add(out, SFE_TEXT("\""));
        buffer_add_text(out, failure->field->name);
        buffer_add(out, SFE_TEXT("\""));
    }
    buffer_add(out, SFE_TEXT("]}]}"));
}

void write_published(const struct object *object, const struct record *record, struct buffer *out)
{
    char id[ID_BYTES];
    if (!object->is_event) {
        buffer_add(out, SFE_TEXT("[]"));
        return;
    }
    record_id(object, record, id);
    buffer_format(out,
                  "[{\"statusCode\":\"OPERATION_ENQUEUED\",\"message\":"
                  "\"00000000-0000-4%.3s-8000-%.12s\",\"fields\":[]}]",
                  id, id + 3);
}

static void write_success(const struct draft *draft, bool is_upsert, struct buffer *out)
{
    char id[ID_BYTES];
    record_id(draft->object, draft->record, id);
    buffer_add(out, SFE_TEXT("{\"id\":\""));
    buffer_add(out, sfe_slice_make(id, sizeof id));
    buffer_add(out, SFE_TEXT("\",\"success\":true,\"errors\":"));
    write_published(draft->object, draft->record, out);
    if (is_upsert) {
        buffer_add(out, draft->created ? SFE_TEXT(",\"created\":true}")
                                       : SFE_TEXT(",\"created\":false}"));
    } else {
        buffer_add(out, SFE_TEXT("}"));
    }
}

static void write_results(struct org *org, struct call *call, bool is_upsert)
{
    struct batch *batch = &org->batch;
    uint32_t count = batch->count;
    org->audit.collections++;
    org->audit.records += count;
    if (count > 0 && faults_happens(&org->faults, FAULT_WRONG_COUNT)) {
        count--;
    }
    buffer_add(call->out, SFE_TEXT("["));
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct draft *draft = &batch->drafts[i];
        org->audit.records_failed += draft->failure.code != NULL;
        if (i >= count) {
            continue;
        }
        if (i != 0) {
            buffer_add(call->out, SFE_TEXT(","));
        }
        if (draft->failure.code != NULL) {
            write_failure(batch, &draft->failure, call->out);
        } else {
            write_success(draft, is_upsert, call->out);
        }
    }
    buffer_add(call->out, SFE_TEXT("]"));
}

static bool read_upserts(struct org *org, struct call *call, const struct envelope *envelope,
                         struct object *object)
{
    struct batch *batch = &org->batch;
    batch_begin(batch, call->json, envelope->count);
    for (uint32_t record = sfe_json_first(call->json, envelope->records); record != SFE_JSON_NONE;
         record = sfe_json_next(call->json, envelope->records, record)) {
        if (record_object(org, call->json, record, object) == NULL ||
            !record_read(batch, batch_add(batch, object), record, NULL)) {
            return false;
        }
    }
    return true;
}

static void upsert(struct org *org, struct call *call, struct sfe_slice object_name,
                   struct sfe_slice key_name)
{
    struct object *object = schema_object(&org->schema, object_name);
    struct envelope envelope;
    if (object == NULL || object->is_event) {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
        return;
    }
    const struct field *key = schema_field(object, key_name);
    if (key == NULL || !key->external_id) {
        call_error(call, 404, "NOT_FOUND",
                   "Provided external ID field does not exist or is not accessible: %.*s",
                   (int)(key_name.size < 80 ? key_name.size : 80), (const char *)key_name.bytes);
        return;
    }
    if (!read_envelope(call, &envelope)) {
        return;
    }
    struct batch *batch = &org->batch;
    if (!read_upserts(org, call, &envelope, object)) {
        call_refused(batch, call);
        return;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        draft_find(batch, &batch->drafts[i], key);
    }
    batch_check_keys(batch, key);
    batch_put(batch, envelope.all_or_none);
    write_results(org, call, true);
}

/* Reads records of mixed types; consecutive ones of a type are a chunk. */
static bool read_mixed(struct org *org, struct call *call, const struct envelope *envelope,
                       bool is_update)
{
    struct batch *batch = &org->batch;
    const struct object *last = NULL;
    unsigned chunks = 0;
    batch_begin(batch, call->json, envelope->count);
    for (uint32_t record = sfe_json_first(call->json, envelope->records); record != SFE_JSON_NONE;
         record = sfe_json_next(call->json, envelope->records, record)) {
        struct object *object = record_object(org, call->json, record, NULL);
        if (object == NULL) {
            return false;
        }
        if (is_update && object->is_event) {
            return batch_refuse(batch, 400, "INVALID_TYPE", "Platform events are created only");
        }
        chunks += object != last;
        last = object;
        if (chunks > CHUNKS_MAX) {
            return batch_refuse(batch, 400, "LIMIT_EXCEEDED",
                                "Cannot have more than 10 chunks in a single operation. Please "
                                "rearrange the data to reduce chunking.");
        }
        struct draft *draft = batch_add(batch, object);
        struct sfe_slice id = {NULL, 0};
        if (!record_read(batch, draft, record, is_update ? &id : NULL)) {
            return false;
        }
        if (is_update) {
            draft_find_id(org, draft, id);
        }
        draft_check(batch, draft, NULL);
        if (object->is_event && faults_happens(&org->faults, FAULT_EVENT_LIMIT)) {
            batch_fail(batch, draft, "LIMIT_EXCEEDED", NULL,
                       "The hourly limit of published platform events is exceeded");
        }
    }
    return true;
}

static void create_or_update(struct org *org, struct call *call, bool is_update)
{
    struct envelope envelope;
    if (!read_envelope(call, &envelope)) {
        return;
    }
    if (!read_mixed(org, call, &envelope, is_update)) {
        call_refused(&org->batch, call);
        return;
    }
    batch_check_keys(&org->batch, NULL);
    batch_put(&org->batch, envelope.all_or_none);
    write_results(org, call, false);
}

/* Finds the records of "ids=a,b"; each has a draft, with its failure. */
static bool find_ids(struct org *org, struct call *call, struct sfe_slice ids, bool deletes)
{
    struct batch *batch = &org->batch;
    batch_begin(batch, NULL, RECORDS_MAX);
    while (ids.size != 0) {
        struct sfe_slice id = split_first(&ids, ',');
        struct object *object = NULL;
        struct record *record = table_find_id(&org->schema, id, &object);
        if (batch->count == RECORDS_MAX) {
            call_error(call, 400, "EXCEEDED_ID_LIMIT",
                       "record limit reached. cannot submit more than 200 records into this call");
            return false;
        }
        struct draft *draft = batch_add(batch, object == NULL ? &org->schema.objects[0] : object);
        draft->record = record;
        if (!id_is_well_formed(id)) {
            batch_fail(batch, draft, "MALFORMED_ID", NULL, "malformed id");
        } else if (record == NULL || record->undone) {
            batch_fail(batch, draft, "INVALID_CROSS_REFERENCE_KEY", NULL,
                       "invalid cross reference id");
        } else if (record->deleted) {
            batch_fail(batch, draft, "ENTITY_IS_DELETED", NULL, "entity is deleted");
        } else if (deletes && faults_lock_row(&org->faults)) {
            batch_fail(batch, draft, "UNABLE_TO_LOCK_ROW", NULL,
                       "unable to obtain exclusive access to this record");
        }
    }
    return true;
}

/* Deletes the drafts that have no failure; an Id that stands twice fails the second time. */
static void delete_drafts(struct org *org, bool all_or_none)
{
    struct batch *batch = &org->batch;
    bool any_failed = false;
    for (uint32_t i = 0; i < batch->count; i++) {
        any_failed = any_failed || batch->drafts[i].failure.code != NULL;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        struct draft *draft = &batch->drafts[i];
        if (draft->failure.code != NULL) {
            continue;
        }
        if (any_failed && all_or_none) {
            batch_fail(batch, draft, "ALL_OR_NONE_OPERATION_ROLLED_BACK", NULL,
                       "Record rolled back because not all records were valid and the request "
                       "was using AllOrNone header");
        } else if (draft->record->deleted) {
            batch_fail(batch, draft, "ENTITY_IS_DELETED", NULL, "entity is deleted");
        } else {
            table_delete(&org->table, draft->object, draft->record);
        }
    }
}

static void remove_records(struct org *org, struct call *call)
{
    struct sfe_slice raw = {NULL, 0};
    struct sfe_slice ids = {NULL, 0};
    struct sfe_slice flag = {NULL, 0};
    if (!form_value(call->query, SFE_TEXT("ids"), &raw) || !call_segment(org, raw, &ids) ||
        ids.size == 0 || org->schema.object_count == 0) {
        call_error(call, 400, "MISSING_ARGUMENT", "ids not specified");
        return;
    }
    if (!find_ids(org, call, ids, true)) {
        return;
    }
    bool asked = form_value(call->query, SFE_TEXT("allOrNone"), &flag) &&
                 sfe_slice_equal(flag, SFE_TEXT("true"));
    delete_drafts(org, call->all_or_none || asked);
    write_results(org, call, false);
}

/* composite/sobjects itself: records named by their own type or Id. */
static void mixed_call(struct org *org, struct call *call)
{
    if (call->method == HTTP_POST || call->method == HTTP_PATCH) {
        create_or_update(org, call, call->method == HTTP_PATCH);
    } else if (call->method == HTTP_DELETE) {
        remove_records(org, call);
    } else {
        call_error(call, 405, "METHOD_NOT_ALLOWED",
                   "HTTP method not allowed. Allowed are POST,PATCH,DELETE");
    }
}

void collections_call(struct org *org, struct call *call, struct sfe_slice rest)
{
    struct sfe_slice behind = rest;
    struct sfe_slice object;
    struct sfe_slice key;
    if (!call_segment(org, split_first(&behind, '/'), &object) ||
        !call_segment(org, split_first(&behind, '/'), &key) || behind.size != 0) {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    } else if (object.size == 0) {
        mixed_call(org, call);
    } else if (key.size == 0) {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    } else if (call->method == HTTP_PATCH) {
        upsert(org, call, object, key);
    } else {
        call_error(call, 405, "METHOD_NOT_ALLOWED", "HTTP method not allowed. Allowed are PATCH");
    }
}
