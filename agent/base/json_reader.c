#include "base/json_text.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "base/words.h"

/* What comes next. */
enum step { STEP_VALUE, STEP_AFTER_VALUE, STEP_END, STEP_FAILED };

struct parser {
    const uint8_t *begin;
    const uint8_t *end;
    const uint8_t *at;             /* The next byte; after a failure, the byte at fault. */
    struct sfe_json_token *tokens; /* NULL: none are kept. */
    uint32_t count;
    uint32_t capacity;
    unsigned options;
    uint32_t depth;
    uint32_t depth_max;
    uint32_t open[SFE_JSON_DEPTH_MAX]; /* Tokens of the objects and arrays around `at`. */
    uint64_t objects;                  /* Which of them are objects: one bit each. */
    const char *mistake;               /* NULL: the tokens do not suffice. */
};

/* By the first byte of a value: 1 + its kind; 0 where no value begins so. */
static const uint8_t kind_of_lead[256] = {
    ['n'] = 1 + SFE_JSON_NULL,   ['f'] = 1 + SFE_JSON_FALSE,  ['t'] = 1 + SFE_JSON_TRUE,
    ['-'] = 1 + SFE_JSON_NUMBER, ['0'] = 1 + SFE_JSON_NUMBER, ['1'] = 1 + SFE_JSON_NUMBER,
    ['2'] = 1 + SFE_JSON_NUMBER, ['3'] = 1 + SFE_JSON_NUMBER, ['4'] = 1 + SFE_JSON_NUMBER,
    ['5'] = 1 + SFE_JSON_NUMBER, ['6'] = 1 + SFE_JSON_NUMBER, ['7'] = 1 + SFE_JSON_NUMBER,
    ['8'] = 1 + SFE_JSON_NUMBER, ['9'] = 1 + SFE_JSON_NUMBER, ['"'] = 1 + SFE_JSON_STRING,
    ['['] = 1 + SFE_JSON_ARRAY,  ['{'] = 1 + SFE_JSON_OBJECT,
};

/* 1 for the letters of two-byte escapes, 2 for the 'u' that four hexadecimal digits follow. */
static const uint8_t escape_letters[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1,
    ['n'] = 1, ['r'] = 1,  ['t'] = 1, ['u'] = 2,
};

static inline bool is_digit(uint8_t byte)
{
    return (uint8_t)(byte - '0') < 10u;
}

static inline bool is_hex(uint8_t byte)
{
    return is_digit(byte) || (uint8_t)((byte | 0x20u) - 'a') < 6u;
}

static enum step fail(struct parser *parser, const uint8_t *at, const char *mistake)
{
    parser->at = at;
    parser->mistake = mistake;
    return STEP_FAILED;
}

static const uint8_t *skip_blank_slowly(const struct parser *parser, const uint8_t *at)
{
    while (at != parser->end) {
        if (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') {
            at++;
            continue;
        }
        bool is_comment = *at == '/' && (parser->options & SFE_JSON_COMMENTS) != 0 &&
                          parser->end - at >= 2 && at[1] == '/';
        if (!is_comment) {
            break;
        }
        const uint8_t *line_end = memchr(at, '\n', (size_t)(parser->end - at));
        at = line_end == NULL ? parser->end : line_end;
    }
    return at;
}

static inline const uint8_t *skip_blank(const struct parser *parser, const uint8_t *at)
{
    /* Compact texts have no blanks at all. */
    if (at != parser->end && *at > ' ' && *at != '/') {
        return at;
    }
    return skip_blank_slowly(parser, at);
}

/* The byte behind the escape whose backslash is at `at`; NULL after a failure. */
static const uint8_t *skip_escape(struct parser *parser, const uint8_t *at)
{
    size_t rest = (size_t)(parser->end - at);
    uint8_t form = rest < 2 ? 0 : escape_letters[at[1]];

    if (form == 1) {
        return at + 2;
    }
    if (form == 2 && rest >= 6 && is_hex(at[2]) && is_hex(at[3]) && is_hex(at[4]) &&
        is_hex(at[5])) {
        return at + 6;
    }
    (void)fail(parser, at, "no such escape in a string");
    return NULL;
}

/* The byte behind the run of non-ASCII characters at `at`; NULL after a failure. */
static const uint8_t *skip_characters(struct parser *parser, const uint8_t *at)
{
    do {
        size_t size = sfe_utf8_size(at, (size_t)(parser->end - at));
        if (size == 0) {
            (void)fail(parser, at, "not UTF-8");
            return NULL;
        }
        at += size;
    } while (at != parser->end && *at >= 0x80u);
    return at;
}

/* The closing quote of the string whose first byte is at `at`; NULL after a failure. */
static inline const uint8_t *skip_string(struct parser *parser, const uint8_t *at, uint8_t *escaped)
{
    const uint8_t *begin = at;

    for (;;) {
        at = sfe_word_skip_plain(at, parser->end);
        if (at == parser->end) {
            (void)fail(parser, begin - 1, "a string that does not end");
            return NULL;
        }
        if (*at == '"') {
            return at;
        }
        if (*at == '\\') {
            *escaped = 1;
            at = skip_escape(parser, at);
        } else if (*at >= 0x80u) {
            at = skip_characters(parser, at);
        } else {
            (void)fail(parser, at, "a control character in a string");
            return NULL;
        }
        if (at == NULL) {
            return NULL;
        }
    }
}

/* False when the tokens do not suffice. */
static inline bool add_token(struct parser *parser, struct sfe_json_token token)
{
    if (parser->count == parser->capacity) {
        parser->mistake = NULL;
        return false;
    }
    if (parser->tokens != NULL) {
        parser->tokens[parser->count] = token;
    }
    parser->count++;
    return true;
}

/* Adds a token that has nothing inside it. */
static inline bool add_leaf(struct parser *parser, const uint8_t *begin, const uint8_t *end,
                            uint8_t kind, uint8_t escaped)
{
    return add_token(parser, (struct sfe_json_token){(uint32_t)(begin - parser->begin),
                                                     (uint32_t)(end - parser->begin),
                                                     parser->count + 1, kind, escaped, 0});
}

static inline enum step read_string(struct parser *parser, const uint8_t *at)
{
    uint8_t escaped = 0;
    const uint8_t *end = skip_string(parser, at + 1, &escaped);

    if (end == NULL) {
        return STEP_FAILED;
    }
    parser->at = end + 1;
    return add_leaf(parser, at + 1, end, SFE_JSON_STRING, escaped) ? STEP_AFTER_VALUE : STEP_FAILED;
}

/* The byte behind a run of digits, at least one; NULL after a failure. */
static inline const uint8_t *skip_digits(struct parser *parser, const uint8_t *at)
{
    const uint8_t *begin = at;

    while (at != parser->end && is_digit(*at)) {
        at++;
    }
    if (at == begin) {
        (void)fail(parser, at, "expected a digit");
        return NULL;
    }
    return at;
}

/* The byte behind the exponent at `at`, if there is one; NULL after a failure. */
static inline const uint8_t *skip_exponent(struct parser *parser, const uint8_t *at)
{
    if (at == parser->end || (*at | 0x20u) != 'e') {
        return at;
    }
    at++;
    if (at != parser->end && (*at == '+' || *at == '-')) {
        at++;
    }
    return skip_digits(parser, at);
}

static inline enum step read_number(struct parser *parser, const uint8_t *begin)
{
    const uint8_t *at = *begin == '-' ? begin + 1 : begin;

    if (at != parser->end && *at == '0') {
        at++;
        if (at != parser->end && is_digit(*at)) {
            return fail(parser, begin, "a number with a leading zero");
        }
    } else {
        at = skip_digits(parser, at);
    }
    if (at != NULL && at != parser->end && *at == '.') {
        at = skip_digits(parser, at + 1);
    }
    if (at != NULL) {
        at = skip_exponent(parser, at);
    }
    if (at == NULL) {
        return STEP_FAILED;
    }
    parser->at = at;
    return add_leaf(parser, begin, at, SFE_JSON_NUMBER, 0) ? STEP_AFTER_VALUE : STEP_FAILED;
}

static enum step read_word(struct parser *parser, const uint8_t *at, uint8_t kind)
{
    static const char words[][6] = {
        [SFE_JSON_NULL] = "null", [SFE_JSON_FALSE] = "false", [SFE_JSON_TRUE] = "true"};
    size_t size = kind == SFE_JSON_FALSE ? 5 : 4;

    if ((size_t)(parser->end - at) < size || memcmp(at, words[kind], size) != 0) {
        return fail(parser, at, "expected a value");
    }
    parser->at = at + size;
    return add_leaf(parser, at, at + size, kind, 0) ? STEP_AFTER_VALUE : STEP_FAILED;
}

/* Reads a member's name and colon. */
static inline enum step read_name(struct parser *parser, const uint8_t *at)
{
    if (at == parser->end || *at != '"') {
        return fail(parser, at, "expected a member's name in quotes");
    }
    if (read_string(parser, at) == STEP_FAILED) {
        return STEP_FAILED;
    }
    at = skip_blank(parser, parser->at);
    if (at == parser->end || *at != ':') {
        return fail(parser, at, "expected ':'");
    }
    parser->at = at + 1;
    return STEP_VALUE;
}

static bool names_equal(const struct parser *parser, uint32_t a, uint32_t b)
{
    const struct sfe_json json = {
        sfe_slice_make(parser->begin, (size_t)(parser->end - parser->begin)), parser->tokens,
        parser->count};

    return json_text_equal(json_text_of(&json, a), json_text_of(&json, b));
}

/* The second of two equal names in the object at token `object`, or SFE_JSON_NONE. Compares each
 * with each: only configuration is read so. */
static uint32_t repeated_name(const struct parser *parser, uint32_t object)
{
    for (uint32_t name = object + 1; name < parser->count; name = parser->tokens[name + 1].next) {
        uint32_t before = object + 1;
        while (before < name && !names_equal(parser, before, name)) {
            before = parser->tokens[before + 1].next;
        }
        if (before != name) {
            return name;
        }
    }
    return SFE_JSON_NONE;
}

/* Ends the innermost object or array, whose bracket is at `at`. */
static inline enum step close_container(struct parser *parser, const uint8_t *at)
{
    SFE_ASSERT(parser->depth > 0);
    uint32_t index = parser->open[--parser->depth];

    if (parser->tokens == NULL) {
        parser->at = at + 1;
        return STEP_AFTER_VALUE;
    }
    struct sfe_json_token *token = &parser->tokens[index];
    token->end = (uint32_t)(at + 1 - parser->begin);
    token->next = parser->count;
    parser->at = at + 1;
    if ((parser->options & SFE_JSON_UNIQUE_KEYS) != 0 && token->kind == SFE_JSON_OBJECT) {
        uint32_t name = repeated_name(parser, index);
        if (name != SFE_JSON_NONE) {
            return fail(parser, parser->begin + parser->tokens[name].begin - 1,
                        "a member's name that came before");
        }
    }
    return STEP_AFTER_VALUE;
}

static inline enum step open_container(struct parser *parser, const uint8_t *at, uint8_t kind)
{
    if (parser->depth == parser->depth_max) {
        return fail(parser, at, "nested more than 64 deep");
    }
    const uint64_t bit = UINT64_C(1) << parser->depth;
    parser->objects = kind == SFE_JSON_OBJECT ? parser->objects | bit : parser->objects & ~bit;
    parser->open[parser->depth++] = parser->count;
    if (!add_leaf(parser, at, at, kind, 0)) {
        return STEP_FAILED;
    }
    at = skip_blank(parser, at + 1);
    if (at != parser->end && *at == (kind == SFE_JSON_OBJECT ? '}' : ']')) {
        return close_container(parser, at);
    }
    parser->at = at;
    return kind == SFE_JSON_OBJECT ? read_name(parser, at) : STEP_VALUE;
}

static inline enum step read_value(struct parser *parser)
{
    const uint8_t *at = skip_blank(parser, parser->at);
    uint8_t lead = at == parser->end ? 0 : kind_of_lead[*at];

    parser->at = at;
    if (lead == 0) {
        return fail(parser, at, "expected a value");
    }
    uint8_t kind = (uint8_t)(lead - 1u);
    if (kind == SFE_JSON_STRING) {
        return read_string(parser, at);
    }
    if (kind == SFE_JSON_NUMBER) {
        return read_number(parser, at);
    }
    if (kind >= SFE_JSON_ARRAY) {
        return open_container(parser, at, kind);
    }
    return read_word(parser, at, kind);
}

static inline enum step read_after_value(struct parser *parser)
{
    const uint8_t *at = skip_blank(parser, parser->at);

    if (parser->depth == 0) {
        return at == parser->end ? STEP_END : fail(parser, at, "expected nothing more");
    }
    bool is_object = (parser->objects >> (parser->depth - 1u) & 1u) != 0;
    uint8_t byte = at == parser->end ? 0 : *at;
    if (byte == ',') {
        parser->at = at + 1;
        return is_object ? read_name(parser, skip_blank(parser, at + 1)) : STEP_VALUE;
    }
    if (byte == (is_object ? '}' : ']')) {
        return close_container(parser, at);
    }
    return fail(parser, at, is_object ? "expected ',' or '}'" : "expected ',' or ']'");
}

static enum sfe_code report(const struct parser *parser, struct sfe_slice text,
                            struct sfe_error *err)
{
    uint32_t line = 0;
    uint32_t column = 0;

    sfe_json_position(text, (size_t)(parser->at - parser->begin), &line, &column);
    if (parser->mistake == NULL) {
        (void)sfe_fail(err, SFE_E_TOO_LARGE, "more than %u values and names", parser->capacity);
    } else if (parser->at == parser->end) {
        (void)sfe_fail(err, SFE_E_SYNTAX, "%s, found the end of the text", parser->mistake);
    } else if (*parser->at > ' ' && *parser->at < 0x7Fu) {
        (void)sfe_fail(err, SFE_E_SYNTAX, "%s, found '%c'", parser->mistake, *parser->at);
    } else {
        (void)sfe_fail(err, SFE_E_SYNTAX, "%s, found byte 0x%02x", parser->mistake, *parser->at);
    }
    return sfe_error_at(err, NULL, NULL, line, column);
}

static void begin(struct parser *parser, struct sfe_slice text)
{
    parser->begin = text.bytes;
    parser->end = text.bytes + text.size;
    parser->at = parser->begin + json_mark_size(text);
    parser->count = 0;
    parser->options = 0;
    parser->depth = 0;
    parser->depth_max = SFE_JSON_DEPTH_MAX;
    parser->objects = 0;
    parser->mistake = NULL;
}

static enum step read_all(struct parser *parser)
{
    enum step step = STEP_VALUE;

    while (step < STEP_END) {
        step = step == STEP_VALUE ? read_value(parser) : read_after_value(parser);
    }
    return step;
}

enum sfe_code sfe_json_parse(struct sfe_slice text, unsigned options, struct sfe_json_token *tokens,
                             uint32_t capacity, struct sfe_json *json, struct sfe_error *err)
{
    struct parser parser;

    SFE_ASSERT(tokens != NULL || capacity == 0);
    if (text.size >= UINT32_MAX) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "a text of %zu bytes", text.size);
    }
    if (text.size == 0) {
        text = SFE_TEXT("");
    }
    begin(&parser, text);
    parser.tokens = tokens;
    parser.capacity = capacity;
    parser.options = options;
    if (read_all(&parser) == STEP_FAILED) {
        return report(&parser, text, err);
    }
    json->text = text;
    json->tokens = tokens;
    json->count = parser.count;
    return SFE_OK;
}

bool sfe_json_is_value(struct sfe_slice text, uint32_t depth_max)
{
    struct parser parser;

    SFE_ASSERT(depth_max <= SFE_JSON_DEPTH_MAX);
    if (text.size == 0 || text.size >= UINT32_MAX) {
        return false;
    }
    begin(&parser, text);
    parser.at = parser.begin;
    parser.tokens = NULL;
    parser.capacity = UINT32_MAX;
    parser.depth_max = depth_max;
    return read_all(&parser) == STEP_END;
}
