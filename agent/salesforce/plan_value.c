#include "salesforce/org_plan_parts.h"

#include "base/assert.h"

#include <stdio.h>

#define IDENTITY_CHARACTERS 32u
/* A constant is one value; more tokens are no text. */
#define CONSTANT_TOKENS_MAX 4u

/* What a field of the org takes. */
enum takes {
    TAKES_TEXT,
    TAKES_DECIMAL,
    TAKES_WHOLE,
    TAKES_BOOLEAN,
    TAKES_DATE,
    TAKES_DATETIME,
    TAKES_NOTHING /* No single value that a mapping could make. */
};

struct type_row {
    const char *name;
    enum takes takes;
};

/* Types that are not here are text for the API. */
static const struct type_row TYPES[] = {
    {"double", TAKES_DECIMAL},  {"currency", TAKES_DECIMAL},  {"percent", TAKES_DECIMAL},
    {"int", TAKES_WHOLE},       {"long", TAKES_WHOLE},        {"boolean", TAKES_BOOLEAN},
    {"date", TAKES_DATE},       {"datetime", TAKES_DATETIME}, {"base64", TAKES_NOTHING},
    {"address", TAKES_NOTHING}, {"location", TAKES_NOTHING},  {"complexvalue", TAKES_NOTHING},
};

/* The mapping's "type" that suits, in the order of enum takes. */
static const char *const SUITS[] = {"string", "double", "int", "boolean", "date", "datetime", ""};

enum fit { FITS, SOME_FIT, NONE_FITS };

/* A row for each enum takes, a column for each enum plan_kind: any, text, decimal, whole, boolean,
 * date, datetime, null. */
static const uint8_t FIT[][8] = {
    {SOME_FIT, FITS, NONE_FITS, NONE_FITS, NONE_FITS, FITS, FITS, FITS},
    {SOME_FIT, NONE_FITS, FITS, FITS, NONE_FITS, NONE_FITS, NONE_FITS, FITS},
    {SOME_FIT, NONE_FITS, SOME_FIT, FITS, NONE_FITS, NONE_FITS, NONE_FITS, FITS},
    {SOME_FIT, NONE_FITS, NONE_FITS, NONE_FITS, FITS, NONE_FITS, NONE_FITS, NONE_FITS},
    {SOME_FIT, SOME_FIT, NONE_FITS, NONE_FITS, NONE_FITS, FITS, NONE_FITS, FITS},
    {SOME_FIT, SOME_FIT, NONE_FITS, NONE_FITS, NONE_FITS, SOME_FIT, FITS, FITS},
    {NONE_FITS, NONE_FITS, NONE_FITS, NONE_FITS, NONE_FITS, NONE_FITS, NONE_FITS, NONE_FITS},
};

static const char *const KINDS[] = {"the payload's value as it comes",
                                    "text",
                                    "a number",
                                    "a whole number",
                                    "true or false",
                                    "a day",
                                    "a time",
                                    "null"};

static enum takes takes_of(const struct sfe_plan_facts *facts)
{
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        if (strcmp(TYPES[i].name, facts->type) == 0) {
            return TYPES[i].takes;
        }
    }
    return TAKES_TEXT;
}

static enum plan_kind constant_kind(const char *constant)
{
    const char first = constant[strspn(constant, " \t\r\n")];

    if (first == '"') {
        return PLAN_TEXT;
    }
    if (first == 't' || first == 'f') {
        return PLAN_BOOLEAN;
    }
    if (first == 'n' || first == '{' || first == '[') {
        return first == 'n' ? PLAN_NULL : PLAN_ANY;
    }
    return strpbrk(constant, ".eE") == NULL ? PLAN_WHOLE : PLAN_DECIMAL;
}

/* A text that begins with '/' and holds no brace is a pointer. */
static bool is_pointer(const char *from)
{
    return from[0] == '/' && strchr(from, '{') == NULL;
}

/* What is inside the braces of a template that is one part alone; empty for any other. */
static struct sfe_slice only_part(const char *from)
{
    const size_t size = strlen(from);

    if (size < 3u || from[0] != '{' || from[1] == '{' || strchr(from, '}') != from + size - 1u) {
        return sfe_slice_make(NULL, 0);
    }
    return sfe_slice_make(from + 1, size - 2u);
}

/* The kind of a template: one part alone keeps its own, anything else is text. */
static enum plan_kind template_kind(const char *from)
{
    const struct sfe_slice part = only_part(from);

    if (is_pointer(from)) {
        return PLAN_ANY;
    }
    if (part.size == 0) {
        return PLAN_TEXT;
    }
    if (sfe_slice_equal(part, SFE_TEXT("time"))) {
        return PLAN_DATETIME;
    }
    if (sfe_slice_equal(part, SFE_TEXT("seq")) || sfe_slice_equal(part, SFE_TEXT("index"))) {
        return PLAN_WHOLE;
    }
    return part.bytes[0] == '/' || sfe_slice_equal(sfe_slice_part(part, 0, 4), SFE_TEXT("item"))
               ? PLAN_ANY
               : PLAN_TEXT;
}

static enum plan_kind value_kind(const struct sfe_map_field *field)
{
    switch (field->type) {
    case SFE_MAP_STRING:
        return PLAN_TEXT;
    case SFE_MAP_DOUBLE:
        return PLAN_DECIMAL;
    case SFE_MAP_INT:
        return PLAN_WHOLE;
    case SFE_MAP_BOOLEAN:
        return PLAN_BOOLEAN;
    case SFE_MAP_DATE:
        return PLAN_DATE;
    case SFE_MAP_DATETIME:
        return PLAN_DATETIME;
    case SFE_MAP_AUTO:
    default:
        return field->from != NULL       ? template_kind(field->from)
               : field->constant != NULL ? constant_kind(field->constant)
                                         : PLAN_NULL;
    }
}

enum plan_kind plan_kind_of(const struct sfe_map_field *field)
{
    if (field->case_count == 0) {
        return value_kind(field);
    }
    const enum plan_kind kind = value_kind(&field->cases[0]);
    for (uint32_t i = 1; i < field->case_count; i++) {
        if (value_kind(&field->cases[i]) != kind) {
            return PLAN_ANY;
        }
    }
    return kind;
}

bool plan_constant_text(const char *constant, struct sfe_builder *memory, struct sfe_slice *text)
{
    struct sfe_json_token tokens[CONSTANT_TOKENS_MAX];
    struct sfe_json json;
    struct sfe_error err;

    if (sfe_json_parse(sfe_slice_text(constant), 0, tokens, CONSTANT_TOKENS_MAX, &json, &err) !=
            SFE_OK ||
        sfe_json_kind(&json, 0) != SFE_JSON_STRING) {
        return false;
    }
    sfe_json_add_text(&json, 0, memory);
    *text = sfe_builder_slice(memory);
    return !memory->overflowed;
}

static uint32_t characters(struct sfe_slice text)
{
    uint32_t count = 0;

    for (size_t i = 0; i < text.size; i++) {
        count += (text.bytes[i] & 0xC0u) != 0x80u ? 1u : 0u;
    }
    return count;
}

/* Literal text counts, and the identity; other parts may be empty. */
static uint32_t template_length_min(const char *from)
{
    uint32_t count = 0;

    if (is_pointer(from)) {
        return 0;
    }
    while (*from != '\0') {
        const char *end = from[0] == '{' && from[1] != '{' ? strchr(from, '}') : NULL;
        if (end != NULL) {
            count += strncmp(from, "{id}", 4) == 0 ? IDENTITY_CHARACTERS : 0;
            from = end + 1;
        } else {
            const bool is_doubled = (from[0] == '{' || from[0] == '}') && from[1] == from[0];
            count += ((uint8_t)from[0] & 0xC0u) != 0x80u ? 1u : 0u;
            from += is_doubled ? 2 : 1;
        }
    }
    return count;
}

uint32_t plan_length_min(const struct sfe_map_field *field)
{
    uint8_t bytes[2048];
    struct sfe_builder memory = sfe_builder_make(bytes, sizeof(bytes));
    struct sfe_slice text;

    if (field->from != NULL) {
        return template_length_min(field->from);
    }
    if (field->constant == NULL || !plan_constant_text(field->constant, &memory, &text)) {
        return 0;
    }
    return characters(text);
}

/* Digits left of the point of a constant number; 0 for one with an exponent. */
static uint32_t whole_digits(const char *constant)
{
    const char *begin = constant + strspn(constant, "- \t\r\n0");

    return strpbrk(constant, "eE") != NULL ? 0 : (uint32_t)strspn(begin, "0123456789");
}

static void check_size(const struct plan_teller *teller, const struct sfe_map_field *field,
                       const struct sfe_plan_facts *facts, enum takes takes)
{
    if (takes == TAKES_TEXT && facts->length != 0 && plan_length_min(field) > facts->length) {
        plan_tell(teller, true, "make the field longer, or map a shorter text",
                  "%s takes %u characters, and gets %u or more", facts->name,
                  (unsigned)facts->length, (unsigned)plan_length_min(field));
    }
    if ((takes == TAKES_DECIMAL || takes == TAKES_WHOLE) && facts->whole_digits != 0 &&
        field->constant != NULL && whole_digits(field->constant) > facts->whole_digits) {
        plan_tell(teller, true, "give the field more digits, or map a smaller number",
                  "%s takes %u digits left of the point", facts->name,
                  (unsigned)facts->whole_digits);
    }
}

bool plan_is_loose_text(const struct sfe_map_field *field, const struct sfe_plan_facts *facts)
{
    return plan_kind_of(field) == PLAN_ANY && takes_of(facts) == TAKES_TEXT;
}

static void check_value(const struct plan_teller *teller, const struct sfe_map_field *field,
                        const struct sfe_plan_facts *facts)
{
    const enum takes takes = takes_of(facts);
    const enum plan_kind kind = value_kind(field);
    const enum fit fit = (enum fit)FIT[takes][kind];
    char fix[128];

    check_size(teller, field, facts, takes);
    if (fit == FITS || plan_is_loose_text(field, facts)) {
        return;
    }
    int length = takes == TAKES_NOTHING
                     ? snprintf(fix, sizeof(fix), "map another field, of a single value")
                     : snprintf(fix, sizeof(fix), "set \"type\": \"%s\"", SUITS[takes]);
    SFE_ASSERT(length > 0);
    plan_tell(teller, fit == NONE_FITS, fix, "%s is of type %s, and gets %s%s", facts->name,
              facts->type, KINDS[kind], fit == SOME_FIT ? ": some values are refused" : "");
}

void plan_check_value(const struct plan_teller *teller, const struct sfe_map_field *field,
                      const struct sfe_plan_facts *facts)
{
    if (field->case_count == 0) {
        check_value(teller, field, facts);
    }
    for (uint32_t i = 0; i < field->case_count; i++) {
        check_value(teller, &field->cases[i], facts);
    }
}
