#include "input/http_events.h"

#include "base/assert.h"

#include <inttypes.h>

#define NO_ELEMENT UINT32_MAX

/* Which event a mistake is about. */
struct element {
    const char *word; /* "element" or "line"; NULL: the body is one event. */
    uint32_t number;
};

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Where in its body a walk is. */
struct walk {
    uint32_t depth;
    bool is_text;
    bool is_escaped;
};

/* Steps over one byte of JSON; true where a bracket has closed the outermost one. */
static bool step(struct walk *walk, uint8_t byte)
{
    if (walk->is_text) {
        walk->is_text = walk->is_escaped || byte != '"';
        walk->is_escaped = !walk->is_escaped && byte == '\\';
        return false;
    }
    if (byte == '"') {
        walk->is_text = true;
    } else if (byte == '{' || byte == '[') {
        walk->depth++;
    } else if ((byte == '}' || byte == ']') && walk->depth != 0) {
        walk->depth--;
        return walk->depth == 0;
    }
    return false;
}

bool http_events_next(struct sfe_slice body, size_t *offset, struct sfe_slice *event)
{
    struct walk walk = {0};
    size_t begin = *offset;

    /* Between events of a checked body stand brackets, commas, spaces, and a byte order mark. */
    while (begin < body.size && body.bytes[begin] != '{') {
        begin++;
    }
    for (size_t i = begin; i < body.size; i++) {
        if (step(&walk, body.bytes[i])) {
            *event = sfe_slice_part(body, begin, i + 1u - begin);
            *offset = i + 1u;
            return true;
        }
    }
    *offset = body.size;
    return false;
}

static enum sfe_code refuse(struct sfe_error *err, uint16_t status, const struct element *element,
                            const char *text)
{
    if (element->word == NULL) {
        return http_refuse(err, status, text);
    }
    (void)sfe_fail(err, SFE_E_PROTOCOL, "%s %" PRIu32 ": %s", element->word, element->number, text);
    err->http_status = status;
    return err->code;
}

/* The element of an array in which byte `offset` stands; NO_ELEMENT: the text is no array. */
static uint32_t element_at(struct sfe_slice body, size_t offset)
{
    struct walk walk = {0};
    uint32_t number = 0;
    size_t at = 0;

    while (at < body.size && is_space(body.bytes[at])) {
        at++;
    }
    if (at == body.size || body.bytes[at] != '[') {
        return NO_ELEMENT;
    }
    for (; at < body.size && at < offset; at++) {
        (void)step(&walk, body.bytes[at]);
        number += walk.depth == 1 && !walk.is_text && body.bytes[at] == ',' ? 1u : 0u;
    }
    return number;
}

/* Where line and column are. */
static size_t offset_of(struct sfe_slice text, uint32_t line, uint32_t column)
{
    size_t at = 0;

    for (uint32_t i = 1; i < line && at < text.size; at++) {
        i += text.bytes[at] == '\n' ? 1u : 0u;
    }
    return at + (column == 0 ? 0 : column - 1u);
}

/* The text is no JSON, says *err. `line` 0: it is the whole body, else that line of it. */
static enum sfe_code refuse_text(struct sfe_slice text, uint32_t line, struct sfe_error *err)
{
    struct sfe_error cause = *err;
    const bool is_large = cause.code == SFE_E_TOO_LARGE;
    uint32_t number =
        line != 0 || is_large ? line : element_at(text, offset_of(text, cause.line, cause.column));

    if (line != 0) {
        (void)sfe_fail(err, SFE_E_PROTOCOL, "line %" PRIu32 ", column %" PRIu32 ": %s", line,
                       cause.column, cause.message);
    } else if (is_large || number == NO_ELEMENT) {
        (void)sfe_fail(err, SFE_E_PROTOCOL, "line %" PRIu32 ", column %" PRIu32 ": %s", cause.line,
                       cause.column, cause.message);
    } else {
        (void)sfe_fail(err, SFE_E_PROTOCOL,
                       "element %" PRIu32 " (line %" PRIu32 ", column %" PRIu32 "): %s", number,
                       cause.line, cause.column, cause.message);
    }
    err->http_status = is_large ? 413 : 400;
    return err->code;
}

static enum sfe_code check_identity(const struct sfe_json *json, uint32_t token,
                                    const struct element *element, const char *identity,
                                    struct sfe_error *err)
{
    const uint32_t value = sfe_json_find(json, token, sfe_slice_text(identity));
    struct sfe_slice text;

    if (value == SFE_JSON_NONE || (sfe_json_kind(json, value) != SFE_JSON_STRING &&
                                   sfe_json_kind(json, value) != SFE_JSON_NUMBER)) {
        return refuse(err, 400, element, "it has no text or number for its identity");
    }
    text = sfe_json_raw(json, value);
    if (text.size == 0 || text.size > HTTP_KEY_BYTES_MAX) {
        return refuse(err, 400, element, "its identity has not 1 to 255 bytes");
    }
    return SFE_OK;
}

static enum sfe_code check_event(const struct sfe_json *json, uint32_t token,
                                 const struct element *element,
                                 const struct http_events_rules *rules, struct sfe_error *err)
{
    if (sfe_json_kind(json, token) != SFE_JSON_OBJECT) {
        return refuse(err, 400, element, "an event must be a JSON object");
    }
    if (sfe_json_raw(json, token).size > rules->event_bytes_max) {
        return refuse(err, 413, element, "the event is over the limit of one event");
    }
    return rules->identity == NULL ? SFE_OK
                                   : check_identity(json, token, element, rules->identity, err);
}

static enum sfe_code check_json(struct sfe_slice body, const struct http_events_rules *rules,
                                uint32_t *count, struct sfe_error *err)
{
    struct element element = {NULL, 0};
    struct sfe_json json;
    enum sfe_code code = sfe_json_parse(body, 0, rules->tokens, rules->token_capacity, &json, err);
    uint32_t token;

    if (code != SFE_OK) {
        return refuse_text(body, 0, err);
    }
    if (sfe_json_kind(&json, 0) != SFE_JSON_ARRAY) {
        *count = 1;
        return check_event(&json, 0, &element, rules, err);
    }
    element.word = "element";
    token = sfe_json_first(&json, 0);
    while (token != SFE_JSON_NONE && code == SFE_OK) {
        code = check_event(&json, token, &element, rules, err);
        element.number++;
        token = sfe_json_next(&json, 0, token);
    }
    *count = element.number;
    return code;
}

static bool is_blank(struct sfe_slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (!is_space(line.bytes[i])) {
            return false;
        }
    }
    return true;
}

static enum sfe_code check_line(struct sfe_slice line, const struct element *element,
                                const struct http_events_rules *rules, struct sfe_error *err)
{
    struct sfe_json json;

    if (sfe_json_parse(line, 0, rules->tokens, rules->token_capacity, &json, err) != SFE_OK) {
        return refuse_text(line, element->number, err);
    }
    return check_event(&json, 0, element, rules, err);
}

static enum sfe_code check_lines(struct sfe_slice body, const struct http_events_rules *rules,
                                 uint32_t *count, struct sfe_error *err)
{
    struct element element = {"line", 0};
    enum sfe_code code = SFE_OK;
    size_t begin = 0;

    while (begin < body.size && code == SFE_OK) {
        const uint8_t *end = memchr(body.bytes + begin, '\n', body.size - begin);
        const size_t size = end == NULL ? body.size - begin : (size_t)(end - body.bytes) - begin;
        const struct sfe_slice line = sfe_slice_part(body, begin, size);

        element.number++;
        if (!is_blank(line)) {
            code = check_line(line, &element, rules, err);
            *count += 1u;
        }
        begin += size + 1u;
    }
    return code;
}

enum sfe_code http_events_check(struct sfe_slice body, enum http_body_kind kind,
                                const struct http_events_rules *rules, uint32_t *count,
                                struct sfe_error *err)
{
    SFE_ASSERT(rules->tokens != NULL && rules->token_capacity != 0);
    *count = 0;
    return kind == HTTP_BODY_LINES ? check_lines(body, rules, count, err)
                                   : check_json(body, rules, count, err);
}

struct sfe_slice http_events_identity(struct sfe_slice event, const struct http_events_rules *rules)
{
    struct sfe_error ignored;
    struct sfe_json json;
    uint32_t value;

    SFE_ASSERT(rules->identity != NULL);
    if (sfe_json_parse(event, 0, rules->tokens, rules->token_capacity, &json, &ignored) != SFE_OK) {
        return (struct sfe_slice){NULL, 0};
    }
    value = sfe_json_find(&json, 0, sfe_slice_text(rules->identity));
    return value == SFE_JSON_NONE ? (struct sfe_slice){NULL, 0} : sfe_json_raw(&json, value);
}
