/* What the org says about its objects: sobjects, sobjects/X/describe. */
#include "org.h"

static void add_flag(struct buffer *out, const char *name, bool value)
{
    buffer_format(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void describe_values(const struct field *field, struct buffer *out)
{
    buffer_add_text(out, ",\"picklistValues\":[");
    for (uint32_t i = 0; i < field->value_count; i++) {
        buffer_add_text(out, i == 0 ? "{\"active\":true,\"defaultValue\":false,\"value\":"
                                    : ",{\"active\":true,\"defaultValue\":false,\"value\":");
        buffer_add_json(out, sfe_slice_text(field->values[i]));
        buffer_add_text(out, ",\"label\":");
        buffer_add_json(out, sfe_slice_text(field->values[i]));
        buffer_add_text(out, "}");
    }
    buffer_add_text(out, "]");
}

static void describe_field(const struct field *field, struct buffer *out)
{
    bool is_text = field_is_text(field->type) || field->type == FIELD_REFERENCE;
    bool is_number = field_is_number(field->type);
    bool is_int = field->type == FIELD_INT;
    buffer_format(out, "{\"name\":\"%s\",\"label\":\"%s\",\"type\":\"%s\",\"length\":%u",
                  field->name, field->name, field_type_name(field->type),
                  is_text ? field->length : 0);
    buffer_format(out, ",\"byteLength\":%u,\"precision\":%u,\"scale\":%u,\"digits\":%u",
                  is_text ? field->length * 3 : 0, is_number && !is_int ? field->precision : 0,
                  is_number && !is_int ? field->scale : 0, is_int ? field->precision : 0);
    add_flag(out, "externalId", field->external_id);
    add_flag(out, "idLookup", field->external_id);
    add_flag(out, "unique", field->unique);
    add_flag(out, "caseSensitive", field->case_sensitive);
    add_flag(out, "createable", !field->read_only);
    add_flag(out, "updateable", !field->read_only);
    add_flag(out, "nillable", !field->required && field->type != FIELD_BOOLEAN);
    add_flag(out, "defaultedOnCreate", field->type == FIELD_BOOLEAN);
    add_flag(out, "calculated", field->calculated);
    add_flag(out, "autoNumber", false);
    add_flag(out, "custom", true);
    add_flag(out, "restrictedPicklist", field->restricted);
    describe_values(field, out);
    if (field->type == FIELD_REFERENCE) {
        buffer_format(out, ",\"referenceTo\":[\"%s\"],\"relationshipName\":", field->parent->name);
        if (field->relationship == NULL) {
            buffer_add_text(out, "null}");
        } else {
            buffer_add_json(out, sfe_slice_text(field->relationship));
            buffer_add_text(out, "}");
        }
    } else {
        buffer_add_text(out, ",\"referenceTo\":[],\"relationshipName\":null}");
    }
}

static void describe_head(const struct object *object, struct buffer *out)
{
    buffer_format(out, "{\"name\":\"%s\",\"label\":\"%s\",\"keyPrefix\":\"%.3s\"", object->name,
                  object->name, object->prefix);
    add_flag(out, "createable", !object->no_create);
    add_flag(out, "updateable", !object->no_update);
    add_flag(out, "deletable", !object->is_event);
    add_flag(out, "queryable", !object->is_event);
    add_flag(out, "custom", true);
}

/* Fields that every object has; nobody writes them, but the owner. */
struct standard_row {
    const char *name;
    const char *type;
    const char *relationship;
    const char *parent;
    uint32_t length;
    bool writable;
};

static const struct standard_row STANDARD[] = {
    {"Id", "id", NULL, NULL, 18, false},
    {"OwnerId", "reference", "Owner", "User", 18, true},
    {"IsDeleted", "boolean", NULL, NULL, 0, false},
    {"Name", "string", NULL, NULL, 80, false},
    {"CreatedDate", "datetime", NULL, NULL, 0, false},
    {"LastModifiedDate", "datetime", NULL, NULL, 0, false},
    {"SystemModstamp", "datetime", NULL, NULL, 0, false},
};

static void describe_standard(const struct standard_row *row, struct buffer *out)
{
    bool is_id = row->parent == NULL && row->length == 18;
    bool is_name = row->length == 80;
    buffer_format(out, "{\"name\":\"%s\",\"label\":\"%s\",\"type\":\"%s\",\"length\":%u", row->name,
                  row->name, row->type, row->length);
    buffer_format(out, ",\"byteLength\":%u,\"precision\":0,\"scale\":0,\"digits\":0",
                  row->length == 80 ? 240 : row->length);
    add_flag(out, "externalId", false);
    add_flag(out, "idLookup", is_id || is_name);
    add_flag(out, "unique", false);
    add_flag(out, "caseSensitive", false);
    add_flag(out, "createable", row->writable);
    add_flag(out, "updateable", row->writable);
    add_flag(out, "nillable", false);
    add_flag(out, "defaultedOnCreate", true);
    add_flag(out, "calculated", false);
    add_flag(out, "autoNumber", is_name);
    add_flag(out, "custom", false);
    add_flag(out, "restrictedPicklist", false);
    buffer_add_text(out, ",\"picklistValues\":[]");
    if (row->parent == NULL) {
        buffer_add_text(out, ",\"referenceTo\":[],\"relationshipName\":null}");
    } else {
        buffer_format(out, ",\"referenceTo\":[\"%s\"],\"relationshipName\":\"%s\"}", row->parent,
                      row->relationship);
    }
}

void describe_object(const struct object *object, struct buffer *out)
{
    describe_head(object, out);
    buffer_add_text(out, ",\"fields\":[");
    for (size_t i = 0; i < sizeof STANDARD / sizeof STANDARD[0]; i++) {
        buffer_add_text(out, i == 0 ? "" : ",");
        describe_standard(&STANDARD[i], out);
    }
    for (uint16_t i = 0; i < object->field_count; i++) {
        buffer_add_text(out, ",");
        describe_field(&object->fields[i], out);
    }
    buffer_add_text(out, "],\"childRelationships\":[],\"recordTypeInfos\":[]}");
}

void describe_all(const struct org *org, struct buffer *out)
{
    buffer_add_text(out, "{\"encoding\":\"UTF-8\",\"maxBatchSize\":200,\"sobjects\":[");
    for (uint32_t i = 0; i < org->schema.object_count; i++) {
        buffer_add_text(out, i == 0 ? "" : ",");
        describe_head(&org->schema.objects[i], out);
        buffer_add_text(out, "}");
    }
    buffer_add_text(out, "]}");
}
