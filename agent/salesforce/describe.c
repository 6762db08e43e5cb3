#include "salesforce/describe.h"

#include "base/assert.h"

/* A walk over JSON text that keeps no tokens: values are passed over by counting brackets. */
struct walk {
    struct sfe_slice text;
    size_t at;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The next byte that is no blank; 0 at the end. */
static uint8_t peek(struct walk *walk)
{
    while (walk->at < walk->text.size && is_blank(walk->text.bytes[walk->at])) {
        walk->at++;
    }
    return walk->at < walk->text.size ? walk->text.bytes[walk->at] : 0;
}

static bool take(struct walk *walk, uint8_t byte)
{
    if (peek(walk) != byte) {
        return false;
    }
    walk->at++;
    return true;
}

/* Passes the string whose quote is next. */
static bool pass_string(struct walk *walk, struct sfe_slice *inside)
{
    if (!take(walk, '"')) {
        return false;
    }
    const size_t begin = walk->at;
    while (walk->at < walk->text.size && walk->text.bytes[walk->at] != '"') {
        walk->at += walk->text.bytes[walk->at] == '\\' ? 2u : 1u;
    }
    if (walk->at >= walk->text.size) {
        return false;
    }
    *inside = sfe_slice_part(walk->text, begin, walk->at - begin);
    walk->at++;
    return true;
}

static bool ends_scalar(uint8_t byte)
{
    return byte == ',' || byte == '}' || byte == ']' || is_blank(byte);
}

/* Passes an object or array, with all that is inside. */
static bool pass_brackets(struct walk *walk)
{
    struct sfe_slice ignored;
    uint32_t depth = 0;

    do {
        const uint8_t byte = peek(walk);
        if (byte == 0) {
            return false;
        }
        if (byte == '"') {
            if (!pass_string(walk, &ignored)) {
                return false;
            }
            continue;
        }
        depth += byte == '{' || byte == '[' ? 1u : 0u;
        depth -= byte == '}' || byte == ']' ? 1u : 0u;
        walk->at++;
    } while (depth != 0);
    return true;
}

/* Passes one value of whatever kind. */
static bool pass_value(struct walk *walk, struct sfe_slice *value)
{
    struct sfe_slice ignored;
    const uint8_t first = peek(walk);
    const size_t begin = walk->at;
    bool is_whole = true;

    if (first == '"') {
        is_whole = pass_string(walk, &ignored);
    } else if (first == '{' || first == '[') {
        is_whole = pass_brackets(walk);
    } else {
        while (walk->at < walk->text.size && !ends_scalar(walk->text.bytes[walk->at])) {
            walk->at++;
        }
    }
    *value = sfe_slice_part(walk->text, begin, walk->at - begin);
    return is_whole && value->size != 0;
}

static struct sfe_slice text_of(const struct sfe_json *json, const char *name)
{
    const uint32_t token = sfe_json_member(json, 0, sfe_slice_text(name));

    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_STRING) {
        return sfe_slice_make(NULL, 0);
    }
    return sfe_json_raw(json, token);
}

static bool flag_of(const struct sfe_json *json, const char *name)
{
    const uint32_t token = sfe_json_member(json, 0, sfe_slice_text(name));

    return token != SFE_JSON_NONE && sfe_json_kind(json, token) == SFE_JSON_TRUE;
}

static uint32_t number_of(const struct sfe_json *json, const char *name)
{
    const uint32_t token = sfe_json_member(json, 0, sfe_slice_text(name));
    uint32_t number = 0;

    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_NUMBER) {
        return 0;
    }
    const struct sfe_slice digits = sfe_json_raw(json, token);
    for (size_t i = 0; i < digits.size && number < UINT32_MAX / 10u - 1u; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') {
            return 0;
        }
        number = number * 10u + (uint32_t)(digits.bytes[i] - '0');
    }
    return number;
}

static struct sfe_slice parent_of(const struct sfe_json *json)
{
    const uint32_t list = sfe_json_member(json, 0, SFE_TEXT("referenceTo"));
    uint32_t first = SFE_JSON_NONE;

    if (list != SFE_JSON_NONE && sfe_json_kind(json, list) == SFE_JSON_ARRAY) {
        first = sfe_json_first(json, list);
    }
    if (first == SFE_JSON_NONE || sfe_json_kind(json, first) != SFE_JSON_STRING) {
        return sfe_slice_make(NULL, 0);
    }
    return sfe_json_raw(json, first);
}

static struct sfe_describe_field field_of(const struct sfe_json *json)
{
    return (struct sfe_describe_field){
        .name = text_of(json, "name"),
        .type = text_of(json, "type"),
        .relationship = text_of(json, "relationshipName"),
        .parent = parent_of(json),
        .length = number_of(json, "length"),
        .precision = number_of(json, "precision"),
        .scale = number_of(json, "scale"),
        .digits = number_of(json, "digits"),
        .is_external_id = flag_of(json, "externalId"),
        .is_id_lookup = flag_of(json, "idLookup"),
        .is_unique = flag_of(json, "unique"),
        .is_case_sensitive = flag_of(json, "caseSensitive"),
        .is_createable = flag_of(json, "createable"),
        .is_updateable = flag_of(json, "updateable"),
        .is_nillable = flag_of(json, "nillable"),
        .is_defaulted = flag_of(json, "defaultedOnCreate"),
        .is_calculated = flag_of(json, "calculated"),
        .is_auto_number = flag_of(json, "autoNumber"),
        .is_restricted = flag_of(json, "restrictedPicklist"),
        .json = json,
        .values = sfe_json_member(json, 0, SFE_TEXT("picklistValues")),
    };
}

static enum sfe_code fail_cut(struct sfe_error *err)
{
    return sfe_fail(err, SFE_E_PROTOCOL, "the description of the object is not whole");
}

static enum sfe_code read_field(struct sfe_slice text, const struct sfe_describe_reader *reader,
                                struct sfe_error *err)
{
    struct sfe_json json;
    enum sfe_code code = sfe_json_parse(text, 0, reader->tokens, reader->capacity, &json, err);

    if (code == SFE_E_TOO_LARGE) {
        return sfe_within(err, "a field of the object");
    }
    if (code != SFE_OK || sfe_json_kind(&json, 0) != SFE_JSON_OBJECT) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a field of the object is described in no known way");
    }
    const struct sfe_describe_field field = field_of(&json);
    if (field.name.size == 0) {
        return sfe_fail(err, SFE_E_PROTOCOL, "a field of the object has no name");
    }
    reader->visit(reader->visitor, &field);
    return SFE_OK;
}

static enum sfe_code read_fields(struct walk *walk, const struct sfe_describe_reader *reader,
                                 struct sfe_describe_object *object, struct sfe_error *err)
{
    struct sfe_slice field;

    if (!take(walk, '[')) {
        return fail_cut(err);
    }
    if (take(walk, ']')) {
        return SFE_OK;
    }
    do {
        if (!pass_value(walk, &field)) {
            return fail_cut(err);
        }
        enum sfe_code code = read_field(field, reader, err);
        if (code != SFE_OK) {
            return code;
        }
        object->field_count++;
    } while (take(walk, ','));
    return take(walk, ']') ? SFE_OK : fail_cut(err);
}

static enum sfe_code read_member(struct walk *walk, const struct sfe_describe_reader *reader,
                                 struct sfe_describe_object *object, struct sfe_error *err)
{
    struct sfe_slice name;
    struct sfe_slice value;

    if (!pass_string(walk, &name) || !take(walk, ':')) {
        return fail_cut(err);
    }
    if (sfe_slice_equal(name, SFE_TEXT("fields"))) {
        return read_fields(walk, reader, object, err);
    }
    if (!pass_value(walk, &value)) {
        return fail_cut(err);
    }
    if (sfe_slice_equal(name, SFE_TEXT("createable"))) {
        object->is_createable = sfe_slice_equal(value, SFE_TEXT("true"));
    } else if (sfe_slice_equal(name, SFE_TEXT("updateable"))) {
        object->is_updateable = sfe_slice_equal(value, SFE_TEXT("true"));
    }
    return SFE_OK;
}

enum sfe_code sfe_describe_read(struct sfe_slice text, const struct sfe_describe_reader *reader,
                                struct sfe_describe_object *object, struct sfe_error *err)
{
    struct walk walk = {text, 0};

    SFE_ASSERT(reader->visit != NULL);
    *object = (struct sfe_describe_object){0};
    if (!take(&walk, '{')) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer describes no object");
    }
    do {
        enum sfe_code code = read_member(&walk, reader, object, err);
        if (code != SFE_OK) {
            return code;
        }
    } while (take(&walk, ','));
    if (!take(&walk, '}') || peek(&walk) != 0) {
        return fail_cut(err);
    }
    return object->field_count != 0
               ? SFE_OK
               : sfe_fail(err, SFE_E_PROTOCOL, "the description of the object has no fields");
}

bool sfe_describe_has_value(const struct sfe_describe_field *field, struct sfe_slice value)
{
    const struct sfe_json *json = field->json;

    if (field->values == SFE_JSON_NONE) {
        return false;
    }
    for (uint32_t item = sfe_json_first(json, field->values); item != SFE_JSON_NONE;
         item = sfe_json_next(json, field->values, item)) {
        const uint32_t active = sfe_json_member(json, item, SFE_TEXT("active"));
        const uint32_t text = sfe_json_member(json, item, SFE_TEXT("value"));
        if (text != SFE_JSON_NONE && sfe_json_kind(json, text) == SFE_JSON_STRING &&
            sfe_json_text_equal(json, text, value) &&
            (active == SFE_JSON_NONE || sfe_json_kind(json, active) != SFE_JSON_FALSE)) {
            return true;
        }
    }
    return false;
}
