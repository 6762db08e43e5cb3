/* Reads JSON (RFC 8259) once into a flat table of tokens over the borrowed text: no tree, no copy,
 * numbers stay text, every value knows its place.
 *
 * The text must outlive the document. The whole text is checked: UTF-8, escapes, number grammar,
 * depth, one value only. Duplicate keys are allowed unless SFE_JSON_UNIQUE_KEYS is set; a look-up
 * finds the last one, as JavaScript and Python do. Any thread; a document is not shared.
 */
#ifndef SFE_BASE_JSON_READER_H
#define SFE_BASE_JSON_READER_H

#include "base/bytes.h"
#include "base/error.h"

enum sfe_json_kind {
    SFE_JSON_NULL,
    SFE_JSON_FALSE,
    SFE_JSON_TRUE,
    SFE_JSON_NUMBER,
    SFE_JSON_STRING,
    SFE_JSON_ARRAY,
    SFE_JSON_OBJECT
};

/* 16 bytes a token. A member of an object is its key (a STRING token) followed by its value. */
struct sfe_json_token {
    uint32_t begin;  /* Offset of the first byte; of a string, the byte after the quote. */
    uint32_t end;    /* Offset behind the last byte; of a string, of the closing quote. */
    uint32_t next;   /* Index of the token after this value and all that is inside it. */
    uint8_t kind;    /* enum sfe_json_kind */
    uint8_t escaped; /* A string with at least one backslash. */
    uint16_t reserved;
};

#define SFE_JSON_NONE      UINT32_MAX
#define SFE_JSON_DEPTH_MAX 64

/* Options of sfe_json_parse. */
#define SFE_JSON_COMMENTS    1u /* Allow // to the end of the line (configuration files). */
#define SFE_JSON_UNIQUE_KEYS 2u /* A repeated key in an object is an error. */

struct sfe_json {
    struct sfe_slice text;
    const struct sfe_json_token *tokens; /* Token 0 is the root. */
    uint32_t count;
};

/* Parses `text` into `tokens` (borrowed, `capacity` of them). A leading UTF-8 byte order mark is
 * skipped. Errors: SFE_E_SYNTAX with err->line and err->column set; SFE_E_TOO_LARGE when the tokens
 * do not suffice or the text is over 4 GiB. */
SFE_MUST_USE enum sfe_code sfe_json_parse(struct sfe_slice text, unsigned options,
                                          struct sfe_json_token *tokens, uint32_t capacity,
                                          struct sfe_json *json, struct sfe_error *err);

/* True where `text` is one JSON value, nested at most so deep, and nothing else: no mark before it,
 * no comments. Needs no tokens. */
bool sfe_json_is_value(struct sfe_slice text, uint32_t depth_max);

/* The kind of token `index`. */
static inline enum sfe_json_kind sfe_json_kind(const struct sfe_json *json, uint32_t index)
{
    return (enum sfe_json_kind)json->tokens[index].kind;
}

/* The token's text as it stands: a number's digits, a string without its quotes and still escaped,
 * an object or array from bracket to bracket. */
static inline struct sfe_slice sfe_json_raw(const struct sfe_json *json, uint32_t index)
{
    const struct sfe_json_token *token = &json->tokens[index];
    return sfe_slice_make(json->text.bytes + token->begin, token->end - token->begin);
}

/* The value of member `key` (unescaped text) of object `object`; SFE_JSON_NONE if it is not an
 * object or has no such member. */
uint32_t sfe_json_member(const struct sfe_json *json, uint32_t object, struct sfe_slice key);

/* The value at JSON pointer `pointer` (RFC 6901, "" is `from` itself, "/a/0/b"), starting at token
 * `from`; SFE_JSON_NONE if there is none. */
uint32_t sfe_json_find(const struct sfe_json *json, uint32_t from, struct sfe_slice pointer);

/* Walks children. Of an array: its elements. Of an object: its keys, each value being key + 1.
 * SFE_JSON_NONE when there is none (more). */
uint32_t sfe_json_first(const struct sfe_json *json, uint32_t container);
uint32_t sfe_json_next(const struct sfe_json *json, uint32_t container, uint32_t child);

/* Number of elements or members. */
uint32_t sfe_json_length(const struct sfe_json *json, uint32_t container);

/* Adds the unescaped text of string `index`. A lone surrogate becomes U+FFFD. */
void sfe_json_add_text(const struct sfe_json *json, uint32_t index, struct sfe_builder *builder);

/* True where string `index` unescaped equals `text`. */
bool sfe_json_text_equal(const struct sfe_json *json, uint32_t index, struct sfe_slice text);

/* Reads a count: digits alone, of which 18 always fit. False, and 0, where `index` is SFE_JSON_NONE
 * or something else. */
bool sfe_json_read_count(const struct sfe_json *json, uint32_t index, uint64_t *count);

/* Line and column (1-based, in bytes) of byte `offset` of `text`. */
void sfe_json_position(struct sfe_slice text, size_t offset, uint32_t *line, uint32_t *column);

#endif
