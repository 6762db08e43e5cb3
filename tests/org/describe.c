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
    add_flag(out, "calculated", false);
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
    add_flag(out, "createable", true);
    add_flag(out, "updateable", true);
    add_flag(out, "deletable", true);
    add_flag(out, "queryable", true);
    add_flag(out, "custom", true);
}

void describe_object(const struct object *object, struct buffer *out)
{
    describe_head(object, out);
    buffer_add_text(out, ",\"fields\":[{\"name\":\"Id\",\"label\":\"Record ID\",\"type\":\"id\","
                         "\"length\":18,\"byteLength\":18,\"precision\":0,\"scale\":0,"
                         "\"digits\":0,\"externalId\":false,\"idLookup\":true,\"unique\":false,"
                         "\"caseSensitive\":false,\"createable\":false,\"updateable\":false,"
                         "\"nillable\":false,\"defaultedOnCreate\":true,\"calculated\":false,"
                         "\"autoNumber\":false,\"custom\":false,\"restrictedPicklist\":false,"
                         "\"picklistValues\":[],\"referenceTo\":[],\"relationshipName\":null}");
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
