#include "schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "buffer.h"

struct type_row {
    const char *name;
    uint32_t length_default;
};

/* In the order of enum field_type. */
static const struct type_row TYPES[] = {
    {"string", 255},   {"textarea", 255}, {"email", 80},   {"phone", 40},    {"url", 255},
    {"picklist", 255}, {"boolean", 0},    {"int", 0},      {"double", 0},    {"currency", 0},
    {"percent", 0},    {"date", 0},       {"datetime", 0}, {"reference", 18}};

#define TYPE_COUNT (sizeof TYPES / sizeof TYPES[0])

const char *field_type_name(enum field_type type)
{
    SFE_ASSERT((size_t)type < TYPE_COUNT);
    return TYPES[type].name;
}

bool field_is_text(enum field_type type)
{
    return type <= FIELD_PICKLIST;
}

bool field_is_number(enum field_type type)
{
    return type >= FIELD_INT && type <= FIELD_PERCENT;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

bool text_equal_caseless(struct sfe_slice a, struct sfe_slice b)
{
    if (a.size != b.size) {
        return false;
    }
    if (sfe_slice_equal(a, b)) {
        return true;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.bytes[i]) != lower(b.bytes[i])) {
            return false;
        }
    }
    return true;
}

struct object *schema_object(const struct schema *schema, struct sfe_slice name)
{
    for (uint32_t i = 0; i < schema->object_count; i++) {
        struct object *object = &schema->objects[i];
        if (text_equal_caseless(sfe_slice_make(object->name, object->name_size), name)) {
            return object;
        }
    }
    return NULL;
}

struct field *schema_field(struct object *object, struct sfe_slice name)
{
    for (uint16_t i = 0; i < object->field_count; i++) {
        struct field *field = &object->fields[i];
        if (field->name_size == name.size &&
            text_equal_caseless(sfe_slice_make(field->name, field->name_size), name)) {
            return field;
        }
    }
    return NULL;
}

struct field *schema_relationship(struct object *object, struct sfe_slice name)
{
    for (uint16_t i = 0; i < object->field_count; i++) {
        struct field *field = &object->fields[i];
        if (field->relationship != NULL &&
            text_equal_caseless(sfe_slice_make(field->relationship, field->relationship_size),
                                name)) {
            return field;
        }
    }
    return NULL;
}

/* What is being read, for the readers of one member each. */
struct loading {
    struct schema *schema;
    struct pool *pool;
    const struct sfe_json *json;
    struct sfe_error *err;
    struct object *object;
    struct field *field;
};

static enum sfe_code wrong(struct loading *loading, uint32_t token, const char *what)
{
    struct sfe_error *err = loading->err;
    uint32_t line = 0;
    uint32_t column = 0;
    sfe_json_position(loading->json->text, loading->json->tokens[token].begin, &line, &column);
    (void)sfe_fail(err, SFE_E_CONFIG, "%s", what);
    char pointer[96];
    int size = snprintf(pointer, sizeof pointer, "/objects/%s%s%s",
                        loading->object == NULL ? "" : loading->object->name,
                        loading->field == NULL ? "" : "/fields/",
                        loading->field == NULL ? "" : loading->field->name);
    return sfe_error_at(err, "objects.json", size < 0 ? "" : pointer, line, column);
}

static const char *copy_text(struct loading *loading, uint32_t token, uint32_t *size)
{
    struct sfe_slice raw = sfe_json_raw(loading->json, token);
    struct buffer text = {NULL, 0, 0};
    struct sfe_builder builder =
        sfe_builder_make(buffer_reserve(&text, raw.size + 1), raw.size + 1);
    sfe_json_add_text(loading->json, token, &builder);
    const char *copy = pool_text(loading->pool, builder.bytes, builder.size);
    *size = (uint32_t)builder.size;
    buffer_close(&text);
    return copy;
}

static bool read_number(const struct loading *loading, uint32_t token, uint32_t *value)
{
    if (sfe_json_kind(loading->json, token) != SFE_JSON_NUMBER) {
        return false;
    }
    struct sfe_slice raw = sfe_json_raw(loading->json, token);
    uint64_t number = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] < '0' || raw.bytes[i] > '9' || number > 1000000) {
            return false;
        }
        number = number * 10 + (uint64_t)(raw.bytes[i] - '0');
    }
    *value = (uint32_t)number;
    return true;
}

static enum sfe_code read_type(struct loading *loading, uint32_t token)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (sfe_json_kind(loading->json, token) == SFE_JSON_STRING &&
            sfe_json_text_equal(loading->json, token, sfe_slice_text(TYPES[i].name))) {
            loading->field->type = (enum field_type)i;
            loading->field->length = TYPES[i].length_default;
            return SFE_OK;
        }
    }
    return wrong(loading, token,
                 "type must be one of string textarea email phone url picklist boolean int double "
                 "currency percent date datetime reference");
}

static enum sfe_code read_values(struct loading *loading, uint32_t token)
{
    const struct sfe_json *json = loading->json;
    if (sfe_json_kind(json, token) != SFE_JSON_ARRAY) {
        return wrong(loading, token, "values must be a list of texts");
    }
    uint32_t count = sfe_json_length(json, token);
    loading->field->values = pool_take(loading->pool, count * sizeof(char *));
    for (uint32_t item = sfe_json_first(json, token); item != SFE_JSON_NONE;
         item = sfe_json_next(json, token, item)) {
        if (sfe_json_kind(json, item) != SFE_JSON_STRING) {
            return wrong(loading, item, "values must be a list of texts");
        }
        uint32_t size = 0;
        loading->field->values[loading->field->value_count++] = copy_text(loading, item, &size);
    }
    return SFE_OK;
}

struct flag_row {
    const char *name;
    size_t offset;
};

static const struct flag_row FLAGS[] = {{"required", offsetof(struct field, required)},
                                        {"external_id", offsetof(struct field, external_id)},
                                        {"unique", offsetof(struct field, unique)},
                                        {"case_sensitive", offsetof(struct field, case_sensitive)},
                                        {"restricted", offsetof(struct field, restricted)},
                                        {"read_only", offsetof(struct field, read_only)},
                                        {"calculated", offsetof(struct field, calculated)}};

static const struct flag_row NUMBERS[] = {{"length", offsetof(struct field, length)},
                                          {"precision", offsetof(struct field, precision)},
                                          {"scale", offsetof(struct field, scale)}};

static enum sfe_code read_text_member(struct loading *loading, uint32_t key)
{
    const struct sfe_json *json = loading->json;
    struct field *field = loading->field;
    uint32_t size = 0;
    if (sfe_json_text_equal(json, key, SFE_TEXT("values"))) {
        return read_values(loading, key + 1);
    }
    if (sfe_json_kind(json, key + 1) == SFE_JSON_STRING) {
        if (sfe_json_text_equal(json, key, SFE_TEXT("to"))) {
            field->parent_name = copy_text(loading, key + 1, &size);
            return SFE_OK;
        }
        if (sfe_json_text_equal(json, key, SFE_TEXT("relationship"))) {
            field->relationship = copy_text(loading, key + 1, &field->relationship_size);
            return SFE_OK;
        }
    }
    return wrong(loading, key, "unknown member of a field, or its value has the wrong type");
}

static enum sfe_code read_field_member(struct loading *loading, uint32_t key)
{
    const struct sfe_json *json = loading->json;
    uint8_t *base = (uint8_t *)loading->field;
    if (sfe_json_text_equal(json, key, SFE_TEXT("type"))) {
        return SFE_OK; /* Read first, for its defaults. */
    }
    for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++) {
        if (sfe_json_text_equal(json, key, sfe_slice_text(FLAGS[i].name))) {
            bool value = sfe_json_kind(json, key + 1) == SFE_JSON_TRUE;
            if (!value && sfe_json_kind(json, key + 1) != SFE_JSON_FALSE) {
                return wrong(loading, key + 1, "must be true or false");
            }
            memcpy(base + FLAGS[i].offset, &value, sizeof value);
            return SFE_OK;
        }
    }
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        if (sfe_json_text_equal(json, key, sfe_slice_text(NUMBERS[i].name))) {
            uint32_t value = 0;
            if (!read_number(loading, key + 1, &value)) {
                return wrong(loading, key + 1, "must be a whole number up to 1000000");
            }
            memcpy(base + NUMBERS[i].offset, &value, sizeof value);
            return SFE_OK;
        }
    }
    return read_text_member(loading, key);
}

static enum sfe_code check_number(struct loading *loading, uint32_t token)
{
    const struct field *field = loading->field;
    if (field->scale > field->precision) {
        return wrong(loading, token, "scale must not be over precision");
    }
    if (field->precision < 1 || field->precision > 18) {
        return wrong(loading, token, "precision must be 1 to 18");
    }
    return SFE_OK;
}

static enum sfe_code check_field(struct loading *loading, uint32_t token)
{
    const struct field *field = loading->field;
    bool is_indexed = field->external_id || field->unique;
    if (is_indexed && field->type != FIELD_STRING) {
        return wrong(loading, token, "external_id and unique are for type string here");
    }
    if (is_indexed && field->length > 255) {
        return wrong(loading, token, "an external_id or unique field has at most 255 characters");
    }
    if (field->type == FIELD_REFERENCE && field->parent_name == NULL) {
        return wrong(loading, token, "a reference needs \"to\": the object it points to");
    }
    loading->field->read_only = field->read_only || field->calculated;
    return field_is_number(field->type) ? check_number(loading, token) : SFE_OK;
}

static enum sfe_code read_field(struct loading *loading, uint32_t key)
{
    const struct sfe_json *json = loading->json;
    struct object *object = loading->object;
    struct field *field = &object->fields[object->field_count];
    *field = (struct field){.number = object->field_count, .precision = 18};
    field->name = copy_text(loading, key, &field->name_size);
    loading->field = field;
    if (schema_field(object, sfe_slice_make(field->name, field->name_size)) != NULL) {
        return wrong(loading, key, "this field stands twice");
    }
    uint32_t type = sfe_json_member(json, key + 1, SFE_TEXT("type"));
    if (type == SFE_JSON_NONE) {
        return wrong(loading, key, "a field needs a type");
    }
    enum sfe_code code = read_type(loading, type);
    for (uint32_t member = sfe_json_first(json, key + 1); member != SFE_JSON_NONE && code == SFE_OK;
         member = sfe_json_next(json, key + 1, member)) {
        code = read_field_member(loading, member);
    }
    if (code != SFE_OK) {
        return code;
    }
    object->field_count++;
    object->required_count = (uint16_t)(object->required_count + (field->required ? 1 : 0));
    object->unique_count =
        (uint16_t)(object->unique_count + (field->external_id || field->unique ? 1 : 0));
    if (field->external_id && object->first_external_id == NULL) {
        object->first_external_id = field;
    }
    return check_field(loading, key);
}

static enum sfe_code read_order(struct loading *loading, uint32_t token)
{
    const struct sfe_json *json = loading->json;
    struct order *order = &loading->object->order;
    uint32_t key = sfe_json_member(json, token, SFE_TEXT("key"));
    uint32_t sequence = sfe_json_member(json, token, SFE_TEXT("sequence"));
    if (key == SFE_JSON_NONE || sequence == SFE_JSON_NONE) {
        return wrong(loading, token, "order needs \"key\" and \"sequence\": two fields");
    }
    order->key = schema_field(loading->object, sfe_json_raw(json, key));
    order->sequence = schema_field(loading->object, sfe_json_raw(json, sequence));
    if (order->key == NULL || order->sequence == NULL) {
        return wrong(loading, token, "order names a field that the object does not have");
    }
    if (!field_is_number(order->sequence->type)) {
        return wrong(loading, sequence, "the sequence must be a number field");
    }
    return SFE_OK;
}

static void list_required(struct loading *loading)
{
    struct object *object = loading->object;
    object->required = pool_take(loading->pool, (object->required_count + 1u) * sizeof(uint16_t));
    uint16_t count = 0;
    for (uint16_t i = 0; i < object->field_count; i++) {
        if (object->fields[i].required) {
            object->required[count++] = i;
        }
    }
}

/* True where the object says that this is false; it is true where nothing is said. */
static bool is_denied(const struct sfe_json *json, uint32_t object, const char *name)
{
    uint32_t token = sfe_json_member(json, object, sfe_slice_text(name));
    return token != SFE_JSON_NONE && sfe_json_kind(json, token) == SFE_JSON_FALSE;
}

static bool is_given(const struct sfe_json *json, uint32_t object, const char *name)
{
    uint32_t token = sfe_json_member(json, object, sfe_slice_text(name));
    return token != SFE_JSON_NONE && sfe_json_kind(json, token) == SFE_JSON_TRUE;
}

static enum sfe_code read_object(struct loading *loading, uint32_t key)
{
    static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const struct sfe_json *json = loading->json;
    uint32_t number = loading->schema->object_count++;
    struct object *object = &loading->schema->objects[number];
    loading->object = object;
    loading->field = NULL;
    object->name = copy_text(loading, key, &object->name_size);
    object->is_event =
        object->name_size > 3 && strcmp(object->name + object->name_size - 3, "__e") == 0;
    object->prefix[0] = object->is_event ? 'e' : 'a';
    object->prefix[1] = DIGITS[number / 36];
    object->prefix[2] = DIGITS[number % 36];
    object->has_changes = is_given(json, key + 1, "change_events");
    object->no_create = is_denied(json, key + 1, "createable");
    object->no_update = object->is_event || is_denied(json, key + 1, "updateable");
    uint32_t fields = sfe_json_member(json, key + 1, SFE_TEXT("fields"));
    if (fields == SFE_JSON_NONE || sfe_json_kind(json, fields) != SFE_JSON_OBJECT) {
        return wrong(loading, key, "an object needs \"fields\"");
    }
    if (sfe_json_length(json, fields) > FIELDS_MAX) {
        return wrong(loading, fields, "more than 500 fields");
    }
    object->fields = pool_take(loading->pool, (FIELDS_MAX + 1) * sizeof *object->fields);
    enum sfe_code code = SFE_OK;
    for (uint32_t field = sfe_json_first(json, fields); field != SFE_JSON_NONE && code == SFE_OK;
         field = sfe_json_next(json, fields, field)) {
        code = read_field(loading, field);
    }
    loading->field = NULL;
    list_required(loading);
    uint32_t order = sfe_json_member(json, key + 1, SFE_TEXT("order"));
    if (code == SFE_OK && order != SFE_JSON_NONE) {
        code = read_order(loading, order);
    }
    return code;
}

static enum sfe_code link_parents(struct loading *loading)
{
    for (uint32_t i = 0; i < loading->schema->object_count; i++) {
        loading->object = &loading->schema->objects[i];
        for (uint16_t j = 0; j < loading->object->field_count; j++) {
            struct field *field = &loading->object->fields[j];
            loading->field = field;
            if (field->type != FIELD_REFERENCE) {
                continue;
            }
            field->parent = schema_object(loading->schema, sfe_slice_text(field->parent_name));
            if (field->parent == NULL) {
                return wrong(loading, 0, "\"to\" names an object that is not in this file");
            }
        }
    }
    return SFE_OK;
}

enum sfe_code schema_load(struct schema *schema, struct pool *pool, const struct sfe_json *json,
                          struct sfe_error *err)
{
    struct loading loading = {schema, pool, json, err, NULL, NULL};
    uint32_t objects = sfe_json_member(json, 0, SFE_TEXT("objects"));
    if (objects == SFE_JSON_NONE || sfe_json_kind(json, objects) != SFE_JSON_OBJECT) {
        return wrong(&loading, 0, "the file must be {\"objects\": {...}}");
    }
    uint32_t count = sfe_json_length(json, objects);
    if (count > OBJECTS_MAX) {
        return wrong(&loading, objects, "more than 200 objects");
    }
    schema->objects = memory_take((count + 1) * sizeof *schema->objects);
    memset(schema->objects, 0, (count + 1) * sizeof *schema->objects);
    for (uint32_t object = sfe_json_first(json, objects); object != SFE_JSON_NONE;
         object = sfe_json_next(json, objects, object)) {
        enum sfe_code code = read_object(&loading, object);
        if (code != SFE_OK) {
            return code;
        }
    }
    return link_parents(&loading);
}

void schema_close(struct schema *schema)
{
    for (uint32_t i = 0; i < schema->object_count; i++) {
        struct object *object = &schema->objects[i];
        for (uint16_t j = 0; j < object->field_count; j++) {
            index_close(&object->fields[j].index);
        }
        index_close(&object->order.index);
        free(object->order.highest);
        free(object->records);
    }
    free(schema->objects);
    *schema = (struct schema){NULL, 0};
}
