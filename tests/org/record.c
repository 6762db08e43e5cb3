/* One record of a request: its members become values of fields, relationships become references. */
#include <stdio.h>

#include "base/assert.h"
#include "batch.h"
#include "org.h"
#include "http_parser.h"

/* The field a member means: a guess from the record before, then by name. */
static struct field *member_field(struct batch *batch, struct object *object, uint32_t key,
                                  uint32_t place)
{
    struct sfe_slice name = batch_text(batch, key);
    if (place < FIELDS_MAX && object->expected[place] < object->field_count) {
        struct field *guess = &object->fields[object->expected[place]];
        if (guess->name_size == name.size && memcmp(guess->name, name.bytes, name.size) == 0) {
            return guess;
        }
    }
    struct field *field = schema_field(object, name);
    if (field != NULL && place < FIELDS_MAX) {
        object->expected[place] = field->number;
    }
    return field;
}

/* The one member that names the parent; "attributes" may stand beside it. */
static uint32_t parent_key(const struct sfe_json *json, uint32_t token, uint32_t *count)
{
    uint32_t found = SFE_JSON_NONE;
    *count = 0;
    for (uint32_t key = sfe_json_first(json, token); key != SFE_JSON_NONE;
         key = sfe_json_next(json, token, key)) {
        if (!sfe_json_text_equal(json, key, SFE_TEXT("attributes"))) {
            found = key;
            ++*count;
        }
    }
    return found;
}

static void find_parent(struct batch *batch, struct draft *draft, const struct field *field,
                        uint32_t key)
{
    struct object *parent = field->parent;
    struct sfe_slice name = batch_text(batch, key);
    struct sfe_slice text = batch_text(batch, key + 1);
    const struct field *external = schema_field(parent, name);
    char shown[120];
    if (external == NULL || !external->external_id) {
        sfe_printable(shown, sizeof shown, name);
        batch_fail(batch, draft, "INVALID_FIELD", field,
                   "Field name provided, %s does not match an External ID, Salesforce Id, or "
                   "indexed field for %s",
                   shown, parent->name);
        return;
    }
    uint32_t matches = 0;
    const struct record *record =
        table_find(parent, external, text, field_hash(external, text), &matches);
    sfe_printable(shown, sizeof shown, text);
    if (record == NULL) {
        batch_fail(batch, draft, "INVALID_FIELD", NULL,
                   "Foreign key external ID: %s not found for field %s in entity %s", shown,
                   external->name, parent->name);
    } else if (matches > 1) {
        batch_fail(batch, draft, "DUPLICATE_EXTERNAL_ID", NULL,
                   "%s: more than one record found for external id field: %s", external->name,
                   shown);
    } else {
        uint8_t *id = sfe_builder_reserve(&batch->text, ID_BYTES);
        SFE_ASSERT(id != NULL);
        record_id(parent, record, (char *)id);
        draft_values(batch, draft)[field->number] = (struct value){id, ID_BYTES, VALUE_SET};
    }
}

static bool read_relationship(struct batch *batch, struct draft *draft, const struct field *field,
                              uint32_t token)
{
    const struct sfe_json *json = batch->json;
    if (draft_values(batch, draft)[field->number].state != VALUE_UNTOUCHED) {
        batch_fail(batch, draft, "INVALID_FIELD", field,
                   "Both %s and %s are specified; use one of them", field->name,
                   field->relationship);
        return true;
    }
    if (sfe_json_kind(json, token) != SFE_JSON_OBJECT) {
        return batch_refuse_field(batch, draft, "JSON_PARSER_ERROR",
                                  "The value provided for foreign key reference %s is not a "
                                  "nested SObject",
                                  field->relationship);
    }
    uint32_t count = 0;
    uint32_t key = parent_key(json, token, &count);
    if (count != 1) {
        batch_fail(batch, draft, "INVALID_FIELD", field,
                   count == 0 ? "No field provided in an external foreign key reference in entity"
                              : "More than 1 field provided in an external foreign key reference "
                                "in entity");
    } else if (sfe_json_kind(json, key + 1) != SFE_JSON_STRING) {
        return batch_refuse_field(batch, draft, "JSON_PARSER_ERROR",
                                  "An external ID of %s must be a text", field->relationship);
    } else {
        find_parent(batch, draft, field, key);
    }
    return true;
}

static bool read_other(struct batch *batch, struct draft *draft, uint32_t key, struct sfe_slice *id)
{
    struct sfe_slice name = batch_text(batch, key);
    if (sfe_slice_equal(name, SFE_TEXT("attributes"))) {
        return true;
    }
    if (text_equal_caseless(name, SFE_TEXT("Id"))) {
        if (id == NULL) {
            batch_fail(batch, draft, "INVALID_FIELD_FOR_INSERT_UPDATE", NULL,
                       "cannot specify Id in an insert or upsert call");
            return true;
        }
        *id = sfe_json_kind(batch->json, key + 1) == SFE_JSON_STRING ? batch_text(batch, key + 1)
                                                                     : SFE_TEXT("");
        return true;
    }
    const struct field *field = schema_relationship(draft->object, name);
    if (field != NULL) {
        return read_relationship(batch, draft, field, key + 1);
    }
    char shown[120];
    sfe_printable(shown, sizeof shown, name);
    return batch_refuse_field(batch, draft, "INVALID_FIELD",
                              "No such column '%s' on sobject of type %s", shown,
                              draft->object->name);
}

/* A value "raise:CODE" fails its record with that code, "refuse:STATUS:CODE" the whole call. */
static bool read_wish(struct batch *batch, struct draft *draft, const struct field *field)
{
    const struct value *value = &draft_values(batch, draft)[field->number];
    struct sfe_slice text = sfe_slice_make(value->bytes, value->size);
    struct sfe_slice word = split_first(&text, ':');
    const bool raises = sfe_slice_equal(word, SFE_TEXT("raise"));
    unsigned status = 0;
    if (!batch->grants_wishes || value->state != VALUE_SET ||
        (!raises && !sfe_slice_equal(word, SFE_TEXT("refuse")))) {
        return true;
    }
    struct sfe_slice digits = raises ? SFE_TEXT("") : split_first(&text, ':');
    for (size_t i = 0; i < digits.size; i++) {
        status = status % 100u * 10u + (unsigned)(digits.bytes[i] - '0');
    }
    uint8_t *code = sfe_builder_reserve(&batch->text, text.size + 1);
    if (code == NULL) {
        return true;
    }
    memcpy(code, text.bytes, text.size);
    code[text.size] = '\0';
    if (raises) {
        batch_fail(batch, draft, (const char *)code, field, "as wished");
        return true;
    }
    return batch_refuse(batch, (uint16_t)status, (const char *)code, "as wished");
}

bool record_read(struct batch *batch, struct draft *draft, uint32_t token, struct sfe_slice *id)
{
    const struct sfe_json *json = batch->json;
    uint32_t place = 0;
    for (uint32_t key = sfe_json_first(json, token); key != SFE_JSON_NONE;
         key = sfe_json_next(json, token, key)) {
        const struct field *field = member_field(batch, draft->object, key, place++);
        bool going = true;
        if (field == NULL) {
            going = read_other(batch, draft, key, id);
        } else if (draft_values(batch, draft)[field->number].state != VALUE_UNTOUCHED) {
            batch_fail(batch, draft, "INVALID_FIELD", field, "%s is specified twice", field->name);
        } else {
            going = value_read(batch, draft, field, key + 1) && read_wish(batch, draft, field);
        }
        if (!going) {
            return false;
        }
    }
    return true;
}

void draft_find_id(struct org *org, struct draft *draft, struct sfe_slice id)
{
    struct batch *batch = &org->batch;
    struct object *object = NULL;
    struct record *record = table_find_id(&org->schema, id, &object);
    char shown[40];
    sfe_printable(shown, sizeof shown, id);
    if (id.size == 0) {
        batch_fail(batch, draft, "MISSING_ARGUMENT", NULL, "Id not specified in an update call");
    } else if (!id_is_well_formed(id)) {
        batch_fail(batch, draft, "MALFORMED_ID", NULL, "bad id %s", shown);
    } else if (record == NULL || object != draft->object || record->undone) {
        batch_fail(batch, draft, "INVALID_CROSS_REFERENCE_KEY", NULL, "invalid cross reference id");
    } else if (record->deleted) {
        batch_fail(batch, draft, "ENTITY_IS_DELETED", NULL, "entity is deleted");
    } else {
        draft->record = record;
        draft->found = true;
    }
}
