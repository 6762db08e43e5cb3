#include "flow/value.h"

#include "base/time_zone.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "flow/decimal.h"
#include "flow/excerpt.h"
#include "flow/number.h"

/* No number, time or word that is understood is longer, escaped or not. */
#define SHORT_TEXT_BYTES_MAX 1024u

struct flow_value flow_value_of(const struct sfe_json *json, uint32_t token)
{
    static const uint8_t kinds[] = {
        [SFE_JSON_NULL] = FLOW_VALUE_NULL,     [SFE_JSON_FALSE] = FLOW_VALUE_FALSE,
        [SFE_JSON_TRUE] = FLOW_VALUE_TRUE,     [SFE_JSON_NUMBER] = FLOW_VALUE_NUMBER,
        [SFE_JSON_STRING] = FLOW_VALUE_STRING, [SFE_JSON_ARRAY] = FLOW_VALUE_ARRAY,
        [SFE_JSON_OBJECT] = FLOW_VALUE_OBJECT,
    };
    if (token == SFE_JSON_NONE) {
        return (struct flow_value){.kind = FLOW_VALUE_ABSENT};
    }
    return (struct flow_value){
        .kind = (enum flow_value_kind)kinds[sfe_json_kind(json, token)],
        .is_escaped = json->tokens[token].escaped != 0,
        .text = sfe_json_raw(json, token),
    };
}

void flow_add_unescaped(struct sfe_slice inside, struct sfe_builder *out)
{
    SFE_ASSERT(inside.size < UINT32_MAX);
    const struct sfe_json_token token = {
        .end = (uint32_t)inside.size, .next = 1, .kind = SFE_JSON_STRING, .escaped = 1};
    const struct sfe_json json = {inside, &token, 1};
    sfe_json_add_text(&json, 0, out);
}

void flow_value_add_inside(const struct flow_value *value, struct sfe_builder *out)
{
    if (value->kind == FLOW_VALUE_STRING) {
        sfe_builder_add(out, value->text); /* As it stands in the payload: nothing to do twice. */
    } else if (value->kind == FLOW_VALUE_TEXT) {
        sfe_json_add_escaped(out, value->text);
    } else {
        flow_value_add_plain(value, out);
    }
}

void flow_value_add_plain(const struct flow_value *value, struct sfe_builder *out)
{
    SFE_ASSERT(value->kind >= FLOW_VALUE_FALSE && value->kind <= FLOW_VALUE_TIME);
    switch (value->kind) {
    case FLOW_VALUE_FALSE:
        sfe_builder_add(out, SFE_TEXT("false"));
        break;
    case FLOW_VALUE_TRUE:
        sfe_builder_add(out, SFE_TEXT("true"));
        break;
    case FLOW_VALUE_BASE64:
        sfe_builder_add_base64(out, value->text);
        break;
    case FLOW_VALUE_TIME:
        sfe_time_add_datetime(out, value->time_ns);
        break;
    default:
        if (value->is_escaped) {
            flow_add_unescaped(value->text, out);
        } else {
            sfe_builder_add(out, value->text);
        }
        break;
    }
}

/* "…" is not <what>: quoted where the value is text. */
static enum sfe_code refuse(const struct flow_value *value, struct sfe_slice text, const char *what,
                            struct sfe_error *err)
{
    const struct flow_excerpt excerpt = flow_excerpt_make(text);
    const char *quote = value->kind == FLOW_VALUE_NUMBER ? "" : "\"";
    return sfe_fail(err, SFE_E_UNMAPPED, "%s%s%s is not %s", quote, excerpt.text, quote, what);
}

static enum sfe_code refuse_kind(const struct flow_value *value, const char *what,
                                 struct sfe_error *err)
{
    static const char *const names[] = {
        [FLOW_VALUE_FALSE] = "false",        [FLOW_VALUE_TRUE] = "true",
        [FLOW_VALUE_BASE64] = "the payload", [FLOW_VALUE_OBJECT] = "an object",
        [FLOW_VALUE_ARRAY] = "an array",
    };
    const char *name = names[value->kind];
    SFE_ASSERT(name != NULL);
    return sfe_fail(err, SFE_E_UNMAPPED, "%s is not %s", name, what);
}

/* The plain text of a number, string or text that should be short. What is too long for `scratch`
 * comes back raw: nothing that is understood is that long. */
static struct sfe_slice plain_text(const struct flow_value *value, struct sfe_builder *scratch)
{
    if (!value->is_escaped) {
        return value->text;
    }
    flow_add_unescaped(value->text, scratch);
    return scratch->overflowed ? value->text : sfe_builder_slice(scratch);
}

static bool is_textual(const struct flow_value *value)
{
    return value->kind == FLOW_VALUE_NUMBER || value->kind == FLOW_VALUE_STRING ||
           value->kind == FLOW_VALUE_TEXT;
}

static enum sfe_code add_number(const struct flow_value *value, struct sfe_slice text,
                                struct sfe_builder *out, struct sfe_error *err)
{
    if (value->kind != FLOW_VALUE_NUMBER && !flow_is_number(text)) {
        return refuse(value, text, "a number", err);
    }
    if (!flow_is_in_double_range(text)) {
        return refuse(value, text, "within the range of a double", err);
    }
    sfe_builder_add(out, text);
    return SFE_OK;
}

/* An optional minus and digits without leading zeros, within 64 bits. */
static bool is_int64(struct sfe_slice text)
{
    size_t i = text.size > 0 && text.bytes[0] == '-' ? 1u : 0u;
    const uint64_t limit = (uint64_t)INT64_MAX + i;
    if (i == text.size || text.size - i > 19 || (text.bytes[i] == '0' && text.size - i > 1)) {
        return false;
    }
    uint64_t number = 0;
    for (; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
        number = number * 10u + (uint64_t)(text.bytes[i] - '0'); /* 19 digits cannot overflow. */
    }
    return number <= limit;
}

static enum sfe_code add_int(const struct flow_value *value, struct sfe_slice text,
                             struct sfe_builder *out, struct sfe_error *err)
{
    if (!is_int64(text)) {
        return refuse(value, text, "an integer of 64 bits", err);
    }
    sfe_builder_add(out, text);
    return SFE_OK;
}

static bool equal_caseless(struct sfe_slice text, const char *lower)
{
    if (text.size != strlen(lower)) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        if (byte >= 'A' && byte <= 'Z') {
            byte = (uint8_t)(byte | 0x20u);
        }
        if (byte != (uint8_t)lower[i]) {
            return false;
        }
    }
    return true;
}

static enum sfe_code add_boolean(const struct flow_value *value, struct sfe_slice text,
                                 struct sfe_builder *out, struct sfe_error *err)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"0", "1"}, {"off", "on"}, {"no", "yes"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (size_t truth = 0; truth < 2; truth++) {
            if (equal_caseless(text, words[i][truth])) {
                sfe_builder_add_text(out, words[0][truth]);
                return SFE_OK;
            }
        }
    }
    return refuse(value, text, "true or false", err);
}

static const char *time_wanted(const struct flow_type *type)
{
    switch (type->unit) {
    case SFE_TIME_S:
        return "a time in seconds since 1970";
    case SFE_TIME_MS:
        return "a time in milliseconds since 1970";
    case SFE_TIME_US:
        return "a time in microseconds since 1970";
    case SFE_TIME_NS:
        return "a time in nanoseconds since 1970";
    case SFE_TIME_AUTO:
    case SFE_TIME_RFC3339:
        break;
    }
    return type->zone == NULL ? "a time with a zone, as 2026-11-24T10:15:00Z"
                              : "a time, as 2026-11-24T10:15:00";
}

static void add_day(const struct sfe_time_zone *zone, int64_t unix_ns, struct sfe_builder *out)
{
    const int64_t second = INT64_C(1000000000);
    int64_t there_ns = unix_ns;

    if (zone != NULL &&
        __builtin_add_overflow(unix_ns, sfe_time_zone_at(zone, unix_ns / second) * second,
                               &there_ns)) {
        there_ns = unix_ns; /* At the end of all times. */
    }
    sfe_time_add_date(out, there_ns);
}

static enum sfe_code add_time(const struct flow_value *value, struct sfe_slice text,
                              const struct flow_type *type, struct sfe_builder *out,
                              struct sfe_error *err)
{
    const bool is_date = type->type == SFE_MAP_DATE;
    int64_t unix_ns = value->time_ns;
    sfe_builder_add_byte(out, '"');
    if (is_date && is_textual(value) && sfe_time_is_date(text)) {
        sfe_builder_add(out, text); /* A calendar day has no zone: it is passed on as it stands. */
        sfe_builder_add_byte(out, '"');
        return SFE_OK;
    }
    if (value->kind != FLOW_VALUE_TIME &&
        sfe_time_parse(text, type->unit, type->zone, &unix_ns, err) != SFE_OK) {
        /* The parser's own message may hold more of the payload than is allowed here. */
        return refuse(value, text, is_date ? "a date" : time_wanted(type), err);
    }
    if (is_date) {
        add_day(type->zone, unix_ns, out);
    } else {
        sfe_time_add_datetime(out, unix_ns);
    }
    sfe_builder_add_byte(out, '"');
    return SFE_OK;
}

static int64_t unit_ns(enum sfe_time_unit unit)
{
    switch (unit) {
    case SFE_TIME_S:
        return 1000000000;
    case SFE_TIME_US:
        return 1000;
    case SFE_TIME_NS:
        return 1;
    case SFE_TIME_MS:
    case SFE_TIME_AUTO:
    case SFE_TIME_RFC3339:
        break;
    }
    return 1000000;
}

/* The time of arrival as a number: whole units, milliseconds unless told otherwise. */
static void add_time_number(int64_t time_ns, enum sfe_time_unit unit, struct sfe_builder *out)
{
    const int64_t one = unit_ns(unit);
    sfe_builder_add_i64(out, time_ns / one - (time_ns % one < 0 ? 1 : 0));
}

static void add_quoted(const struct flow_value *value, struct sfe_builder *out)
{
    sfe_builder_add_byte(out, '"');
    flow_value_add_inside(value, out);
    sfe_builder_add_byte(out, '"');
}

static enum sfe_code add_string(const struct flow_value *value, struct sfe_builder *out)
{
    if (value->kind == FLOW_VALUE_OBJECT || value->kind == FLOW_VALUE_ARRAY) {
        sfe_json_add_string(out, value->text);
    } else {
        add_quoted(value, out);
    }
    return SFE_OK;
}

static enum sfe_code add_auto(const struct flow_value *value, struct sfe_builder *out,
                              struct sfe_error *err)
{
    switch (value->kind) {
    case FLOW_VALUE_FALSE:
    case FLOW_VALUE_TRUE:
        flow_value_add_plain(value, out);
        return SFE_OK;
    case FLOW_VALUE_NUMBER:
        return add_number(value, value->text, out, err);
    case FLOW_VALUE_OBJECT:
    case FLOW_VALUE_ARRAY:
        return refuse_kind(value, "one value", err);
    case FLOW_VALUE_STRING:
    case FLOW_VALUE_TEXT:
    case FLOW_VALUE_BASE64:
    case FLOW_VALUE_TIME:
    case FLOW_VALUE_ABSENT:
    case FLOW_VALUE_NULL:
        break;
    }
    add_quoted(value, out);
    return SFE_OK;
}

static enum sfe_code add_converted(const struct flow_value *value, const struct flow_type *type,
                                   struct sfe_builder *out, struct sfe_error *err)
{
    uint8_t memory[SHORT_TEXT_BYTES_MAX];
    struct sfe_builder scratch = sfe_builder_make(memory, sizeof(memory));
    const struct sfe_slice text = plain_text(value, &scratch);
    switch (type->type) {
    case SFE_MAP_DOUBLE:
        return add_number(value, text, out, err);
    case SFE_MAP_INT:
        return add_int(value, text, out, err);
    case SFE_MAP_BOOLEAN:
        return add_boolean(value, text, out, err);
    case SFE_MAP_DATE:
    case SFE_MAP_DATETIME:
        return add_time(value, text, type, out, err);
    case SFE_MAP_AUTO:
    case SFE_MAP_STRING:
        break;
    }
    return refuse(value, text, "convertible", err);
}

static const char *type_wanted(enum sfe_map_type type)
{
    switch (type) {
    case SFE_MAP_DOUBLE:
        return "a number";
    case SFE_MAP_INT:
        return "an integer of 64 bits";
    case SFE_MAP_BOOLEAN:
        return "true or false";
    case SFE_MAP_DATE:
        return "a date";
    case SFE_MAP_DATETIME:
        return "a time";
    case SFE_MAP_AUTO:
    case SFE_MAP_STRING:
        break;
    }
    return "one value";
}

/* Whether a value that is no text can become `type` at all. */
static enum sfe_code add_other(const struct flow_value *value, const struct flow_type *type,
                               struct sfe_builder *out, struct sfe_error *err)
{
    const bool is_truth = value->kind == FLOW_VALUE_TRUE || value->kind == FLOW_VALUE_FALSE;
    if (type->type == SFE_MAP_BOOLEAN && is_truth) {
        flow_value_add_plain(value, out);
        return SFE_OK;
    }
    if (value->kind == FLOW_VALUE_TIME && type->type != SFE_MAP_BOOLEAN) {
        if (type->type == SFE_MAP_DATE || type->type == SFE_MAP_DATETIME) {
            return add_time(value, value->text, type, out, err);
        }
        add_time_number(value->time_ns, type->unit, out);
        return SFE_OK;
    }
    if (value->kind == FLOW_VALUE_TIME) {
        return sfe_fail(err, SFE_E_UNMAPPED, "a time is not true or false");
    }
    return refuse_kind(value, type_wanted(type->type), err);
}

enum sfe_code flow_value_add(const struct flow_value *value, const struct flow_type *type,
                             struct sfe_builder *out, struct sfe_error *err)
{
    SFE_ASSERT(value->kind != FLOW_VALUE_ABSENT && value->kind != FLOW_VALUE_NULL);
    if (type->type == SFE_MAP_AUTO) {
        return add_auto(value, out, err);
    }
    if (type->type == SFE_MAP_STRING) {
        return add_string(value, out);
    }
    if (is_textual(value)) {
        return add_converted(value, type, out, err);
    }
    return add_other(value, type, out, err);
}

enum sfe_code flow_value_scale(struct flow_value *value, struct sfe_slice scale,
                               struct sfe_slice offset, struct sfe_builder *memory,
                               struct sfe_error *err)
{
    uint8_t plain[SHORT_TEXT_BYTES_MAX];
    struct sfe_builder scratch = sfe_builder_make(plain, sizeof(plain));

    if (value->kind == FLOW_VALUE_TIME) {
        return sfe_fail(err, SFE_E_UNMAPPED, "a time is not a number");
    }
    if (!is_textual(value)) {
        return refuse_kind(value, "a number", err);
    }
    const struct sfe_slice text = plain_text(value, &scratch);
    if (value->kind != FLOW_VALUE_NUMBER && !flow_is_number(text)) {
        return refuse(value, text, "a number", err);
    }
    if (!flow_decimal_fits(text)) {
        return refuse(value, text, "a number of at most 40 digits", err);
    }
    flow_decimal_add_scaled(text, scale, offset, memory);
    SFE_ASSERT(!memory->overflowed);
    *value = (struct flow_value){.kind = FLOW_VALUE_NUMBER, .text = sfe_builder_slice(memory)};
    return SFE_OK;
}
