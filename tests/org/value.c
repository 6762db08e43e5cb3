/* One value of a field: JSON type, size and form, with the codes of the org. */
#include <stdio.h>

#include "base/time_format.h"
#include "batch.h"

#define SHOWN_BYTES 120u

static const char *json_kind_name(const struct sfe_json *json, uint32_t token)
{
    switch (sfe_json_kind(json, token)) {
    case SFE_JSON_NULL:
        return "VALUE_NULL";
    case SFE_JSON_FALSE:
        return "VALUE_FALSE";
    case SFE_JSON_TRUE:
        return "VALUE_TRUE";
    case SFE_JSON_STRING:
        return "VALUE_STRING";
    case SFE_JSON_ARRAY:
        return "START_ARRAY";
    case SFE_JSON_OBJECT:
        return "START_OBJECT";
    case SFE_JSON_NUMBER:
        break;
    }
    struct sfe_slice raw = sfe_json_raw(json, token);
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] == '.' || raw.bytes[i] == 'e' || raw.bytes[i] == 'E') {
            return "VALUE_NUMBER_FLOAT";
        }
    }
    return "VALUE_NUMBER_INT";
}

static bool refuse_kind(struct batch *batch, struct draft *draft, const struct field *field,
                        uint32_t token)
{
    uint32_t line = 0;
    uint32_t column = 0;
    sfe_json_position(batch->json->text, batch->json->tokens[token].begin, &line, &column);
    char shown[SHOWN_BYTES];
    sfe_printable(shown, sizeof shown, sfe_json_raw(batch->json, token));
    return batch_refuse_field(batch, draft, "JSON_PARSER_ERROR",
                              "Cannot deserialize instance of %s from %s value %s or request may "
                              "be missing a required field at [line:%u, column:%u]",
                              field_type_name(field->type), json_kind_name(batch->json, token),
                              shown, line, column);
}

struct sfe_slice batch_text(struct batch *batch, uint32_t token)
{
    if (!batch->json->tokens[token].escaped) {
        return sfe_json_raw(batch->json, token);
    }
    size_t begin = batch->text.size;
    sfe_json_add_text(batch->json, token, &batch->text);
    return sfe_slice_make(batch->text.bytes + begin, batch->text.size - begin);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static struct sfe_slice trimmed(struct sfe_slice text)
{
    while (text.size != 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.size--;
    }
    while (text.size != 0 && is_blank(text.bytes[text.size - 1])) {
        text.size--;
    }
    return text;
}

static size_t character_count(struct sfe_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += (text.bytes[i] & 0xC0) != 0x80;
    }
    return count;
}

static void set_value(struct batch *batch, const struct draft *draft, const struct field *field,
                      struct sfe_slice text)
{
    draft_values(batch, draft)[field->number] =
        (struct value){text.bytes, (uint32_t)text.size, text.size == 0 ? VALUE_NULL : VALUE_SET};
}

static bool is_listed(const struct field *field, struct sfe_slice text)
{
    for (uint32_t i = 0; i < field->value_count; i++) {
        if (sfe_slice_equal(sfe_slice_text(field->values[i]), text)) {
            return true;
        }
    }
    return false;
}

static bool is_email(struct sfe_slice text)
{
    const uint8_t *at = memchr(text.bytes, '@', text.size);
    if (at == NULL || at == text.bytes) {
        return false;
    }
    size_t domain = text.size - (size_t)(at - text.bytes) - 1;
    const uint8_t *dot = domain == 0 ? NULL : memchr(at + 1, '.', domain);
    return dot != NULL && dot != at + 1 && dot != text.bytes + text.size - 1 &&
           memchr(text.bytes, ' ', text.size) == NULL;
}

static void check_required(struct batch *batch, struct draft *draft, const struct field *field)
{
    if (field->required && draft_values(batch, draft)[field->number].state == VALUE_NULL) {
        batch_fail(batch, draft, "REQUIRED_FIELD_MISSING", field,
                   "Required fields are missing: [%s]", field->name);
    }
}

static bool read_text(struct batch *batch, struct draft *draft, const struct field *field,
                      uint32_t token)
{
    if (sfe_json_kind(batch->json, token) != SFE_JSON_STRING) {
        return refuse_kind(batch, draft, field, token);
    }
    struct sfe_slice text = trimmed(batch_text(batch, token));
    char shown[SHOWN_BYTES];
    if (text.size > field->length && character_count(text) > field->length) {
        sfe_printable(shown, sizeof shown, text);
        batch_fail(batch, draft, "STRING_TOO_LONG", field,
                   "%s: data value too large: %s (max length=%u)", field->name, shown,
                   field->length);
    }
    if (field->restricted && text.size != 0 && !is_listed(field, text)) {
        sfe_printable(shown, sizeof shown, text);
        batch_fail(batch, draft, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", field,
                   "%s: bad value for restricted picklist field: %s", field->name, shown);
    }
    if (field->type == FIELD_EMAIL && text.size != 0 && !is_email(text)) {
        sfe_printable(shown, sizeof shown, text);
        batch_fail(batch, draft, "INVALID_EMAIL_ADDRESS", field, "%s: invalid email address: %s",
                   field->name, shown);
    }
    set_value(batch, draft, field, text);
    check_required(batch, draft, field);
    return true;
}

/* The exponent of a JSON number that begins behind its 'e', clipped to +-100000. */
static int64_t exponent_of(struct sfe_slice text)
{
    int64_t value = 0;
    bool negative = text.size != 0 && text.bytes[0] == '-';
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] >= '0' && text.bytes[i] <= '9' && value < 100000) {
            value = value * 10 + (text.bytes[i] - '0');
        }
    }
    return negative ? -value : value;
}

/* Digits left of the point of a JSON number, its exponent applied. */
static int64_t integer_digits(struct sfe_slice raw)
{
    int64_t digits = 0;  /* Left of the point, from the first that is not 0. */
    int64_t zeros = 0;   /* Right of the point, before the first that is not 0. */
    bool behind = false; /* The point has passed. */
    bool is_zero = true;
    size_t i = 0;
    for (; i < raw.size && (raw.bytes[i] | 0x20) != 'e'; i++) {
        uint8_t byte = raw.bytes[i];
        behind = behind || byte == '.';
        if (byte < '0' || byte > '9') {
            continue;
        }
        is_zero = is_zero && byte == '0';
        digits += !behind && !is_zero;
        zeros += behind && is_zero;
    }
    int64_t exponent = exponent_of(sfe_slice_part(raw, i + 1, raw.size));
    int64_t point = (digits != 0 ? digits : -zeros) + exponent;
    return is_zero || point < 0 ? 0 : point;
}

static bool is_int32(struct sfe_slice raw)
{
    int64_t value = 0;
    bool negative = raw.bytes[0] == '-';
    for (size_t i = negative ? 1 : 0; i < raw.size; i++) {
        value = value * 10 + (raw.bytes[i] - '0');
        if (value > (int64_t)INT32_MAX + (negative ? 1 : 0)) {
            return false;
        }
    }
    return true;
}

static bool read_number(struct batch *batch, struct draft *draft, const struct field *field,
                        uint32_t token)
{
    if (sfe_json_kind(batch->json, token) != SFE_JSON_NUMBER) {
        return refuse_kind(batch, draft, field, token);
    }
    struct sfe_slice raw = sfe_json_raw(batch->json, token);
    if (field->type == FIELD_INT &&
        (strcmp(json_kind_name(batch->json, token), "VALUE_NUMBER_INT") != 0 || !is_int32(raw))) {
        return refuse_kind(batch, draft, field, token);
    }
    int64_t room = (int64_t)field->precision - (int64_t)field->scale;
    if (integer_digits(raw) > room) {
        char shown[SHOWN_BYTES];
        sfe_printable(shown, sizeof shown, raw);
        batch_fail(batch, draft, "NUMBER_OUTSIDE_VALID_RANGE", field,
                   "%s: value outside of valid range on numeric field: %s", field->name, shown);
    }
    set_value(batch, draft, field, raw);
    return true;
}

static bool two_digits(const uint8_t *bytes, unsigned max)
{
    if (bytes[0] < '0' || bytes[0] > '9' || bytes[1] < '0' || bytes[1] > '9') {
        return false;
    }
    return (unsigned)(bytes[0] - '0') * 10 + (unsigned)(bytes[1] - '0') <= max;
}

/* "Z", "+01:00", "+0100": a zone is required. */
static bool is_zone(struct sfe_slice text)
{
    if (text.size == 1) {
        return text.bytes[0] == 'Z';
    }
    if (text.size < 5 || (text.bytes[0] != '+' && text.bytes[0] != '-') ||
        !two_digits(text.bytes + 1, 23)) {
        return false;
    }
    bool has_colon = text.bytes[3] == ':';
    return text.size == (has_colon ? 6u : 5u) && two_digits(text.bytes + (has_colon ? 4 : 3), 59);
}

/* "T10:15:30" */
static bool is_clock(const uint8_t *bytes)
{
    return bytes[0] == 'T' && two_digits(bytes + 1, 23) && bytes[3] == ':' &&
           two_digits(bytes + 4, 59) && bytes[6] == ':' && two_digits(bytes + 7, 59);
}

static bool is_datetime(struct sfe_slice text)
{
    if (text.size < 20 || !sfe_time_is_date(sfe_slice_part(text, 0, 10)) ||
        !is_clock(text.bytes + 10)) {
        return false;
    }
    size_t at = 19;
    if (text.bytes[at] == '.') {
        size_t begin = ++at;
        while (at < text.size && text.bytes[at] >= '0' && text.bytes[at] <= '9') {
            at++;
        }
        if (at == begin) {
            return false;
        }
    }
    return is_zone(sfe_slice_part(text, at, text.size));
}

static bool read_time(struct batch *batch, struct draft *draft, const struct field *field,
                      uint32_t token)
{
    struct sfe_slice raw = sfe_json_raw(batch->json, token);
    if (sfe_json_kind(batch->json, token) != SFE_JSON_STRING ||
        !(field->type == FIELD_DATE ? sfe_time_is_date(raw) : is_datetime(raw))) {
        return refuse_kind(batch, draft, field, token);
    }
    set_value(batch, draft, field, raw);
    return true;
}

static bool read_boolean(struct batch *batch, struct draft *draft, const struct field *field,
                         uint32_t token)
{
    enum sfe_json_kind kind = sfe_json_kind(batch->json, token);
    if (kind != SFE_JSON_TRUE && kind != SFE_JSON_FALSE) {
        return refuse_kind(batch, draft, field, token);
    }
    set_value(batch, draft, field, sfe_json_raw(batch->json, token));
    return true;
}

static bool read_reference(struct batch *batch, struct draft *draft, const struct field *field,
                           uint32_t token)
{
    if (sfe_json_kind(batch->json, token) != SFE_JSON_STRING) {
        return refuse_kind(batch, draft, field, token);
    }
    struct sfe_slice text = batch_text(batch, token);
    struct object *object = NULL;
    struct record *record = table_find_id(batch->schema, text, &object);
    char shown[SHOWN_BYTES];
    sfe_printable(shown, sizeof shown, text);
    if (!id_is_well_formed(text)) {
        batch_fail(batch, draft, "MALFORMED_ID", field, "%s: id value of incorrect type: %s",
                   field->name, shown);
    } else if (object != NULL && object != field->parent) {
        batch_fail(batch, draft, "FIELD_INTEGRITY_EXCEPTION", field,
                   "%s: id value of incorrect type: %s", field->name, shown);
    } else if (record == NULL || record->deleted) {
        batch_fail(batch, draft, "INVALID_CROSS_REFERENCE_KEY", field,
                   "invalid cross reference id");
    } else {
        uint8_t *id = sfe_builder_reserve(&batch->text, ID_BYTES);
        if (id != NULL) {
            record_id(object, record, (char *)id);
            set_value(batch, draft, field, sfe_slice_make(id, ID_BYTES));
        }
    }
    return true;
}

bool value_read(struct batch *batch, struct draft *draft, const struct field *field, uint32_t token)
{
    if (field->read_only) {
        batch_fail(batch, draft, "INVALID_FIELD_FOR_INSERT_UPDATE", field,
                   "Unable to create/update fields: %s. Please check the security settings of "
                   "this field and verify that it is read/write for your profile or permission "
                   "set.",
                   field->name);
    }
    if (sfe_json_kind(batch->json, token) == SFE_JSON_NULL) {
        set_value(batch, draft, field, sfe_slice_make(NULL, 0));
        check_required(batch, draft, field);
        if (field->type == FIELD_BOOLEAN) {
            batch_fail(batch, draft, "INVALID_TYPE_ON_FIELD_IN_RECORD", field,
                       "%s: value not of required type: null", field->name);
        }
        return true;
    }
    switch (field->type) {
    case FIELD_BOOLEAN:
        return read_boolean(batch, draft, field, token);
    case FIELD_DATE:
    case FIELD_DATETIME:
        return read_time(batch, draft, field, token);
    case FIELD_REFERENCE:
        return read_reference(batch, draft, field, token);
    default:
        return field_is_text(field->type) ? read_text(batch, draft, field, token)
                                          : read_number(batch, draft, field, token);
    }
}
