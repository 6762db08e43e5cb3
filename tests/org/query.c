/* query: SELECT F FROM X WHERE F IN ('a','b'), the one form that the agent asks. */
#include "org.h"

static bool wrong(struct call *call, const char *code, const char *message, struct sfe_slice what)
{
    char shown[80];
    sfe_printable(shown, sizeof shown, what);
    call_error(call, 400, code, "%s: %s", message, shown);
    return false;
}

static void skip_blanks(struct sfe_slice *text)
{
    while (text->size != 0 && text->bytes[0] == ' ') {
        *text = sfe_slice_part(*text, 1, text->size);
    }
}

/* Takes a word; with `expected`, only that. */
static bool take_word(struct sfe_slice *text, const char *expected, struct sfe_slice *word)
{
    size_t size = 0;
    skip_blanks(text);
    while (size < text->size && text->bytes[size] != ' ' && text->bytes[size] != '(') {
        size++;
    }
    *word = sfe_slice_part(*text, 0, size);
    *text = sfe_slice_part(*text, size, text->size);
    return size != 0 && (expected == NULL || text_equal_caseless(*word, sfe_slice_text(expected)));
}

static bool take_byte(struct sfe_slice *text, char byte)
{
    skip_blanks(text);
    if (text->size == 0 || text->bytes[0] != (uint8_t)byte) {
        return false;
    }
    *text = sfe_slice_part(*text, 1, text->size);
    return true;
}

/* 'it\'s' into memory that lives as long as the request. */
static bool take_text(struct org *org, struct sfe_slice *text, struct sfe_slice *value)
{
    size_t at = 0;
    if (!take_byte(text, '\'') || text->size > org->scratch.capacity - org->scratch.size) {
        return false;
    }
    uint8_t *out = org->scratch.bytes + org->scratch.size;
    size_t size = 0;
    while (at < text->size && text->bytes[at] != '\'') {
        at += text->bytes[at] == '\\' && at + 1 < text->size ? 1u : 0u;
        out[size++] = text->bytes[at++];
    }
    if (at == text->size) {
        return false;
    }
    org->scratch.size += size;
    *value = sfe_slice_make(out, size);
    *text = sfe_slice_part(*text, at + 1, text->size);
    return true;
}

static void add_row(struct call *call, const struct object *object, const struct field *field,
                    const struct record *record, bool is_first)
{
    char id[ID_BYTES];
    record_id(object, record, id);
    buffer_format(call->out, "%s{\"attributes\":{\"type\":\"%s\",\"url\":", is_first ? "" : ",",
                  object->name);
    buffer_format(call->out, "\"/services/data/v%u.0/sobjects/%s/%.18s\"},\"%s\":", call->version,
                  object->name, id, field->name);
    buffer_add_json(call->out, record_value(object, record, field));
    buffer_add_text(call->out, "}");
}

/* The rows of the list behind IN; *count of them. False: it is no list. */
static bool add_rows(struct org *org, struct call *call, struct sfe_slice list,
                     const struct object *object, const struct field *field, uint32_t *count)
{
    bool going = take_byte(&list, '(');
    while (going) {
        struct sfe_slice value;
        uint32_t matches = 0;
        if (!take_text(org, &list, &value)) {
            return false;
        }
        const struct record *record =
            table_find(object, field, value, field_hash(field, value), &matches);
        if (record != NULL) {
            add_row(call, object, field, record, *count == 0);
            ++*count;
        }
        going = take_byte(&list, ',');
    }
    return take_byte(&list, ')');
}

/* SELECT F FROM X WHERE F IN; what is left of *text is the list. */
static bool read_head(struct org *org, struct call *call, struct sfe_slice *text,
                      struct object **object, struct field **field)
{
    struct sfe_slice whole = *text;
    struct sfe_slice name;
    struct sfe_slice type;
    struct sfe_slice key;
    struct sfe_slice word;
    if (!take_word(text, "SELECT", &word) || !take_word(text, NULL, &name) ||
        !take_word(text, "FROM", &word) || !take_word(text, NULL, &type) ||
        !take_word(text, "WHERE", &word) || !take_word(text, NULL, &key) ||
        !take_word(text, "IN", &word) || !text_equal_caseless(name, key)) {
        return wrong(call, "MALFORMED_QUERY", "unexpected token", whole);
    }
    *object = schema_object(&org->schema, type);
    if (*object == NULL) {
        return wrong(call, "INVALID_TYPE", "this sObject type is not supported", type);
    }
    *field = schema_field(*object, name);
    if (*field == NULL) {
        return wrong(call, "INVALID_FIELD", "No such column on the entity", name);
    }
    return true;
}

void query_call(struct org *org, struct call *call)
{
    struct sfe_slice raw = {NULL, 0};
    struct sfe_slice text = {NULL, 0};
    struct object *object = NULL;
    struct field *field = NULL;
    uint32_t count = 0;
    if (call->method != HTTP_GET || !form_value(call->query, SFE_TEXT("q"), &raw) ||
        !call_segment(org, raw, &text)) {
        call_error(call, 400, "MALFORMED_QUERY", "A query has to be specified");
        return;
    }
    if (!read_head(org, call, &text, &object, &field)) {
        return;
    }
    size_t begin = call->out->size;
    buffer_add_text(call->out, "{\"records\":[");
    if (!add_rows(org, call, text, object, field, &count)) {
        call->out->size = begin;
        (void)wrong(call, "MALFORMED_QUERY", "unexpected token", text);
        return;
    }
    buffer_format(call->out, "],\"totalSize\":%u,\"done\":true}", count);
}
