/* sobjects: one record in one call. */
#include <stdio.h>

#include "org.h"

/* A field's stored value as JSON. Numbers have the text they came with. */
void record_write_value(const struct field *field, struct sfe_slice value, struct buffer *out)
{
    if (value.size == 0) {
        buffer_add_text(out, field->type == FIELD_BOOLEAN ? "false" : "null");
    } else if (field_is_number(field->type) || field->type == FIELD_BOOLEAN) {
        buffer_add(out, value);
    } else {
        buffer_add_json(out, value);
    }
}

void record_write(const struct object *object, const struct record *record, struct buffer *out)
{
    char id[ID_BYTES];
    record_id(object, record, id);
    buffer_format(out, "\"Id\":\"%.18s\"", id);
    for (uint16_t i = 0; i < object->field_count; i++) {
        const struct field *field = &object->fields[i];
        buffer_add_text(out, ",\"");
        buffer_add_text(out, field->name);
        buffer_add_text(out, "\":");
        record_write_value(field, record_value(object, record, field), out);
    }
}

static void write_row(struct call *call, const struct object *object, const struct record *record)
{
    char id[ID_BYTES];
    record_id(object, record, id);
    buffer_format(call->out, "{\"attributes\":{\"type\":\"%s\",\"url\":", object->name);
    buffer_format(call->out, "\"/services/data/v%u.0/sobjects/%s/%.18s\"},", call->version,
                  object->name, id);
    record_write(object, record, call->out);
    buffer_add_text(call->out, "}");
}

/* The row with only the fields asked for by "fields=A,B". */
static void write_fields(struct org *org, struct call *call, struct object *object,
                         const struct record *record, struct sfe_slice names)
{
    char id[ID_BYTES];
    size_t begin = call->out->size;
    record_id(object, record, id);
    buffer_format(call->out, "{\"attributes\":{\"type\":\"%s\",\"url\":", object->name);
    buffer_format(call->out, "\"/services/data/v%u.0/sobjects/%s/%.18s\"},\"Id\":\"%.18s\"",
                  call->version, object->name, id, id);
    while (names.size != 0) {
        struct sfe_slice name;
        if (!call_segment(org, split_first(&names, ','), &name)) {
            name = SFE_TEXT("");
        }
        const struct field *field = schema_field(object, name);
        if (text_equal_caseless(name, SFE_TEXT("Id"))) {
            continue;
        }
        if (field == NULL) {
            char shown[80];
            sfe_printable(shown, sizeof shown, name);
            call->out->size = begin;
            call_error(call, 400, "INVALID_FIELD", "No such column '%s' on sobject of type %s",
                       shown, object->name);
            return;
        }
        buffer_format(call->out, ",\"%s\":", field->name);
        record_write_value(field, record_value(object, record, field), call->out);
    }
    buffer_add_text(call->out, "}");
}

static void write_result(struct call *call, const struct object *object,
                         const struct record *record, const char *tail)
{
    char id[ID_BYTES];
    record_id(object, record, id);
    buffer_format(call->out, "{\"id\":\"%.18s\",\"success\":true,\"errors\":", id);
    write_published(object, record, call->out);
    buffer_format(call->out, "%s}", tail);
}

/* Several records have this external ID: their places, with 300. */
static void write_choices(struct call *call, const struct object *object, const struct field *key,
                          struct sfe_slice text)
{
    call->status = 300;
    buffer_add_text(call->out, "[");
    bool any = false;
    for (uint32_t i = 0; i < object->record_count; i++) {
        const struct record *record = object->records[i];
        if (record->deleted || !text_equal_caseless(record_value(object, record, key), text)) {
            continue;
        }
        char id[ID_BYTES];
        record_id(object, record, id);
        buffer_format(call->out, "%s\"/services/data/v%u.0/sobjects/%s/%.18s\"", any ? "," : "",
                      call->version, object->name, id);
        any = true;
    }
    buffer_add_text(call->out, "]");
}

/* Puts the one draft of the batch, or answers its failure. */
static bool put_one(struct org *org, struct call *call)
{
    struct batch *batch = &org->batch;
    batch_put(batch, false);
    const struct draft *draft = &batch->drafts[0];
    org->audit.records++;
    if (draft->failure.code != NULL) {
        org->audit.records_failed++;
        call->status = 400;
        add_error(call->out, draft->failure.code, batch_message(batch, &draft->failure),
                  draft->failure.field);
        return false;
    }
    return true;
}

static bool read_one(struct org *org, struct call *call, struct object *object)
{
    struct batch *batch = &org->batch;
    if (call->body == SFE_JSON_NONE || sfe_json_kind(call->json, call->body) != SFE_JSON_OBJECT) {
        call_error(call, 400, "JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object");
        return false;
    }
    batch_begin(batch, call->json, 1);
    if (!record_read(batch, batch_add(batch, object), call->body, NULL)) {
        call_refused(batch, call);
        return false;
    }
    return true;
}

static void create_one(struct org *org, struct call *call, struct object *object)
{
    if (!read_one(org, call, object)) {
        return;
    }
    draft_check(&org->batch, &org->batch.drafts[0], NULL);
    if (put_one(org, call)) {
        call->status = 201;
        write_result(call, object, org->batch.drafts[0].record, "");
    }
}

static void upsert_one(struct org *org, struct call *call, struct object *object,
                       const struct field *key, struct sfe_slice text)
{
    struct batch *batch = &org->batch;
    struct sfe_slice flag = {NULL, 0};
    if (!read_one(org, call, object)) {
        return;
    }
    struct draft *draft = &batch->drafts[0];
    struct value *value = &draft_values(batch, draft)[key->number];
    if (value->state != VALUE_UNTOUCHED) {
        call_error(call, 400, "INVALID_FIELD",
                   "The %s field should not be specified in the sobject data.", key->name);
        return;
    }
    *value = (struct value){text.bytes, (uint32_t)text.size, VALUE_SET};
    if (text.size > key->length) {
        batch_fail(batch, draft, "STRING_TOO_LONG", key,
                   "%s: data value too large: (max length=%u)", key->name, key->length);
    }
    draft_find(batch, draft, key);
    if (draft->failure.code != NULL && strcmp(draft->failure.code, "DUPLICATE_EXTERNAL_ID") == 0) {
        write_choices(call, object, key, text);
        return;
    }
    if (!draft->found && form_value(call->query, SFE_TEXT("updateOnly"), &flag) &&
        sfe_slice_equal(flag, SFE_TEXT("true"))) {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
        return;
    }
    if (put_one(org, call)) {
        call->status = draft->created ? 201 : 200;
        write_result(call, object, draft->record,
                     draft->created ? ",\"created\":true" : ",\"created\":false");
    }
}

static void update_one(struct org *org, struct call *call, struct object *object,
                       struct record *record)
{
    if (!read_one(org, call, object)) {
        return;
    }
    struct draft *draft = &org->batch.drafts[0];
    draft->record = record;
    draft->found = true;
    draft_check(&org->batch, draft, NULL);
    if (put_one(org, call)) {
        call->status = 204;
    }
}

/* A record that exists, by whatever name: read, change, delete. */
static void existing_call(struct org *org, struct call *call, struct object *object,
                          struct record *record)
{
    struct sfe_slice names = {NULL, 0};
    if (call->method == HTTP_GET && form_value(call->query, SFE_TEXT("fields"), &names)) {
        write_fields(org, call, object, record, names);
    } else if (call->method == HTTP_GET) {
        write_row(call, object, record);
    } else if (call->method == HTTP_DELETE && faults_lock_row(&org->faults)) {
        call_error(call, 400, "UNABLE_TO_LOCK_ROW",
                   "unable to obtain exclusive access to this record");
    } else if (call->method == HTTP_DELETE) {
        table_delete(&org->table, object, record);
        call->status = 204;
    } else if (call->method == HTTP_PATCH) {
        update_one(org, call, object, record);
    } else {
        call_error(call, 405, "METHOD_NOT_ALLOWED", "HTTP method not allowed");
    }
}

static void key_call(struct org *org, struct call *call, struct object *object,
                     const struct field *key, struct sfe_slice text)
{
    if (call->method == HTTP_PATCH) {
        upsert_one(org, call, object, key, text);
        return;
    }
    uint32_t matches = 0;
    struct record *record = table_find(object, key, text, field_hash(key, text), &matches);
    if (matches > 1) {
        write_choices(call, object, key, text);
    } else if (record == NULL) {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    } else {
        existing_call(org, call, object, record);
    }
}

static void id_call(struct org *org, struct call *call, const struct object *object,
                    struct sfe_slice id)
{
    struct object *owner = NULL;
    struct record *record = table_find_id(&org->schema, id, &owner);
    if (record == NULL || owner != object || record->undone) {
        call_error(call, 404, "NOT_FOUND", "Provided identifier is malformed or does not exist");
    } else if (record->deleted) {
        call_error(call, 404, "ENTITY_IS_DELETED", "entity is deleted");
    } else {
        existing_call(org, call, owner, record);
    }
}

static void object_call(struct org *org, struct call *call, struct object *object)
{
    if (call->method == HTTP_POST) {
        create_one(org, call, object);
    } else if (call->method == HTTP_GET) {
        buffer_format(call->out, "{\"objectDescribe\":{\"name\":\"%s\",\"keyPrefix\":\"%.3s\"},",
                      object->name, object->prefix);
        buffer_add_text(call->out, "\"recentItems\":[]}");
    } else {
        call_error(call, 405, "METHOD_NOT_ALLOWED",
                   "HTTP method not allowed. Allowed are "
                   "GET,POST");
    }
}

/* sobjects/X/describe, sobjects/X/ID, sobjects/X/Field/value. */
static void record_call(struct org *org, struct call *call, struct object *object,
                        const struct sfe_slice *parts)
{
    const struct field *key = schema_field(object, parts[1]);
    if (parts[2].size > 4 && memcmp(parts[2].bytes + parts[2].size - 4, ".inc", 4) == 0) {
        /* As documented: some endings are taken for a file's. */
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
        return;
    }
    if (sfe_slice_equal(parts[1], SFE_TEXT("describe")) && parts[2].size == 0 &&
        call->method == HTTP_GET) {
        describe_object(object, call->out);
    } else if (parts[2].size == 0) {
        id_call(org, call, object, parts[1]);
    } else if (key != NULL && key->external_id) {
        key_call(org, call, object, key, parts[2]);
    } else {
        call_error(call, 404, "NOT_FOUND",
                   "Provided external ID field does not exist or is not accessible");
    }
}

void rows_call(struct org *org, struct call *call, struct sfe_slice rest)
{
    struct sfe_slice parts[3];
    bool is_path = true;
    for (unsigned i = 0; i < 3 && is_path; i++) {
        is_path = call_segment(org, split_first(&rest, '/'), &parts[i]);
    }
    struct object *object = is_path ? schema_object(&org->schema, parts[0]) : NULL;
    if (is_path && parts[0].size == 0 && call->method == HTTP_GET) {
        describe_all(org, call->out);
    } else if (object == NULL || rest.size != 0) {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    } else if (object->is_event && parts[1].size != 0 &&
               !sfe_slice_equal(parts[1], SFE_TEXT("describe"))) {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    } else if (parts[1].size == 0) {
        object_call(org, call, object);
    } else {
        record_call(org, call, object, parts);
    }
}
