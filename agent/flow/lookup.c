#include "flow/lookup.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
/* A byte becomes at most six: \u001f. */
#define ESCAPED_BYTES_MAX 6u

/* A CSV file while it is read. */
struct rows {
    struct sfe_slice rest;
    uint32_t line;
    uint8_t separator;
    struct sfe_arena *arena;
};

static int compare(struct sfe_slice a, struct sfe_slice b)
{
    const size_t size = a.size < b.size ? a.size : b.size;
    const int order = size == 0 ? 0 : memcmp(a.bytes, b.bytes, size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_entries(const void *a, const void *b)
{
    const struct sfe_lookup_entry *left = a;
    const struct sfe_lookup_entry *right = b;

    return compare(left->key, right->key);
}

static enum sfe_code fail_at(struct sfe_error *err, const char *mistake, uint32_t line)
{
    (void)sfe_fail(err, SFE_E_CONFIG, "line %u: %s", (unsigned)line, mistake);
    err->line = line;
    return SFE_E_CONFIG;
}

/* Puts the entries in order; two of the same key are a mistake. */
static enum sfe_code order(struct sfe_lookup_table *lookup, struct sfe_error *err)
{
    char shown[48];

    qsort(lookup->entries, lookup->count, sizeof(*lookup->entries), compare_entries);
    for (uint32_t i = 1; i < lookup->count; i++) {
        if (sfe_slice_equal(lookup->entries[i - 1].key, lookup->entries[i].key)) {
            sfe_printable(shown, sizeof(shown), lookup->entries[i].key);
            return sfe_fail(err, SFE_E_CONFIG, "\"%s\" stands in it twice", shown);
        }
    }
    return SFE_OK;
}

static enum sfe_code add_member(const struct sfe_json *json, uint32_t name, struct sfe_arena *arena,
                                struct sfe_lookup_table *lookup, struct sfe_error *err)
{
    const uint32_t value = name + 1;
    const enum sfe_json_kind kind = sfe_json_kind(json, value);
    const size_t size = json->tokens[name].end - json->tokens[name].begin;
    uint8_t *memory = sfe_arena_take(arena, size + 1, err);
    struct sfe_lookup_entry *entry = &lookup->entries[lookup->count];

    if (memory == NULL) {
        return err->code;
    }
    struct sfe_builder key = sfe_builder_make(memory, size + 1);
    sfe_json_add_text(json, name, &key);
    entry->key = sfe_builder_slice(&key);
    entry->json = sfe_json_raw(json, value);
    if (kind == SFE_JSON_STRING) { /* With its quotes. */
        entry->json = sfe_slice_make(entry->json.bytes - 1, entry->json.size + 2);
    }
    lookup->count++;
    return kind == SFE_JSON_OBJECT || kind == SFE_JSON_ARRAY
               ? sfe_fail(err, SFE_E_CONFIG, "a value is one value, no object and no array")
               : SFE_OK;
}

static enum sfe_code fail_too_many(struct sfe_error *err)
{
    return sfe_fail(err, SFE_E_CONFIG, "it has more than %u entries", SFE_LOOKUP_ENTRIES_MAX);
}

static enum sfe_code take_entries(struct sfe_arena *arena, size_t count,
                                  struct sfe_lookup_table *lookup, struct sfe_error *err)
{
    if (count > SFE_LOOKUP_ENTRIES_MAX) {
        return fail_too_many(err);
    }
    *lookup = (struct sfe_lookup_table){
        .entries = sfe_arena_take(arena, (count + 1) * sizeof(*lookup->entries), err)};
    return lookup->entries == NULL ? err->code : SFE_OK;
}

static enum sfe_code read_json(struct sfe_slice text, struct sfe_arena *arena,
                               struct sfe_lookup_table *lookup, struct sfe_error *err)
{
    const uint32_t capacity = 2u * SFE_LOOKUP_ENTRIES_MAX + 2u;
    struct sfe_json_token *tokens = sfe_arena_take(arena, capacity * sizeof(*tokens), err);
    struct sfe_json json;

    if (tokens == NULL) {
        return err->code;
    }
    if (sfe_json_parse(text, SFE_JSON_COMMENTS, tokens, capacity, &json, err) != SFE_OK) {
        err->code = SFE_E_CONFIG;
        return SFE_E_CONFIG;
    }
    if (sfe_json_kind(&json, 0) != SFE_JSON_OBJECT) {
        return sfe_fail(err, SFE_E_CONFIG, "a table is a JSON object, or CSV");
    }
    enum sfe_code code = take_entries(arena, sfe_json_length(&json, 0), lookup, err);
    for (uint32_t name = 1; code == SFE_OK && name < json.count;
         name = json.tokens[name + 1].next) {
        code = add_member(&json, name, arena, lookup, err);
    }
    return code;
}

static bool take_byte(struct rows *rows, uint8_t byte)
{
    if (rows->rest.size == 0 || rows->rest.bytes[0] != byte) {
        return false;
    }
    rows->rest = sfe_slice_part(rows->rest, 1, rows->rest.size);
    return true;
}

/* Where the quote stands that ends a cell; the size of the text: nowhere. */
static size_t find_quote(struct sfe_slice text)
{
    size_t at = 0;

    while (at < text.size) {
        const bool is_quote = text.bytes[at] == '"';
        if (is_quote && (at + 1 == text.size || text.bytes[at + 1] != '"')) {
            break;
        }
        at += is_quote ? 2u : 1u;
    }
    return at;
}

/* Takes a cell in quotes, of which the first is taken: its text without them. */
static enum sfe_code take_quoted(struct rows *rows, struct sfe_slice *cell, struct sfe_error *err)
{
    const size_t end = find_quote(rows->rest);
    size_t size = 0;

    if (end == rows->rest.size) {
        return fail_at(err, "a quote without its end", rows->line);
    }
    uint8_t *memory = sfe_arena_take(rows->arena, end + 1, err);
    if (memory == NULL) {
        return SFE_E_NO_MEMORY;
    }
    for (size_t i = 0; i < end; i++) {
        const uint8_t byte = rows->rest.bytes[i];
        rows->line += byte == '\n' ? 1u : 0u;
        memory[size++] = byte;
        i += byte == '"' ? 1u : 0u; /* The second of two. */
    }
    *cell = sfe_slice_make(memory, size);
    rows->rest = sfe_slice_part(rows->rest, end + 1, rows->rest.size);
    return SFE_OK;
}

static enum sfe_code take_cell(struct rows *rows, struct sfe_slice *cell, struct sfe_error *err)
{
    size_t size = 0;

    if (take_byte(rows, '"')) {
        return take_quoted(rows, cell, err);
    }
    while (size < rows->rest.size && rows->rest.bytes[size] != rows->separator &&
           rows->rest.bytes[size] != '\n' && rows->rest.bytes[size] != '\r') {
        size++;
    }
    *cell = sfe_slice_part(rows->rest, 0, size);
    rows->rest = sfe_slice_part(rows->rest, size, rows->rest.size);
    return SFE_OK;
}

/* Takes a line of two cells. */
static enum sfe_code take_row(struct rows *rows, struct sfe_slice cells[2], struct sfe_error *err)
{
    const uint32_t line = rows->line;
    enum sfe_code code = take_cell(rows, &cells[0], err);

    if (code == SFE_OK && !take_byte(rows, rows->separator)) {
        return fail_at(err, "a line has two columns", line);
    }
    if (code == SFE_OK) {
        code = take_cell(rows, &cells[1], err);
    }
    (void)take_byte(rows, '\r');
    if (code == SFE_OK && rows->rest.size > 0 && !take_byte(rows, '\n')) {
        return fail_at(err, "a line has two columns", line);
    }
    /* Otherwise it would be sent with marks in place of letters. */
    if (code == SFE_OK && (!sfe_utf8_valid(cells[0]) || !sfe_utf8_valid(cells[1]))) {
        return fail_at(err, "the file is not UTF-8", line);
    }
    rows->line++;
    return code;
}

/* Of comma, semicolon and tab the first in the heading. */
static uint8_t find_separator(struct sfe_slice text)
{
    for (size_t i = 0; i < text.size && text.bytes[i] != '\n'; i++) {
        if (text.bytes[i] == ',' || text.bytes[i] == ';' || text.bytes[i] == '\t') {
            return text.bytes[i];
        }
    }
    return ',';
}

/* Each entry stands behind the end of a line; such ends within quotes are counted as well. */
static size_t count_entries_max(struct sfe_slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size && count < SFE_LOOKUP_ENTRIES_MAX; i++) {
        count += text.bytes[i] == '\n' ? 1u : 0u;
    }
    return count;
}

static enum sfe_code add_row(struct sfe_lookup_table *lookup, const struct sfe_slice cells[2],
                             struct sfe_arena *arena, struct sfe_error *err)
{
    const size_t capacity = cells[1].size * ESCAPED_BYTES_MAX + 2;

    if (lookup->count == SFE_LOOKUP_ENTRIES_MAX) {
        return fail_too_many(err);
    }
    uint8_t *memory = sfe_arena_take(arena, capacity, err);
    if (memory == NULL) {
        return err->code;
    }
    struct sfe_builder json = sfe_builder_make(memory, capacity);
    sfe_json_add_string(&json, cells[1]);
    lookup->entries[lookup->count++] =
        (struct sfe_lookup_entry){.key = cells[0], .json = sfe_builder_slice(&json)};
    return SFE_OK;
}

static enum sfe_code read_csv(struct sfe_slice text, struct sfe_arena *arena,
                              struct sfe_lookup_table *lookup, struct sfe_error *err)
{
    struct rows rows = {text, 1, find_separator(text), arena};
    struct sfe_slice cells[2];
    enum sfe_code code = take_entries(arena, count_entries_max(text), lookup, err);

    if (code == SFE_OK) {
        code = take_row(&rows, cells, err); /* The heading. */
    }
    while (code == SFE_OK && rows.rest.size > 0) {
        code = take_row(&rows, cells, err);
        if (code == SFE_OK) {
            code = add_row(lookup, cells, arena, err);
        }
    }
    return code;
}

enum sfe_code sfe_lookup_read(struct sfe_slice text, struct sfe_arena *arena,
                              struct sfe_lookup_table *lookup, struct sfe_error *err)
{
    size_t begin = 0;

    if (sfe_slice_equal(sfe_slice_part(text, 0, 3), SFE_TEXT(BYTE_ORDER_MARK))) {
        text = sfe_slice_part(text, 3, text.size);
    }
    while (begin < text.size && memchr(" \t\r\n", text.bytes[begin], 4) != NULL) {
        begin++;
    }
    const bool is_json =
        begin < text.size && (text.bytes[begin] == '{' || text.bytes[begin] == '/');
    const enum sfe_code code =
        is_json ? read_json(text, arena, lookup, err) : read_csv(text, arena, lookup, err);
    return code == SFE_OK ? order(lookup, err) : code;
}

const struct sfe_lookup_entry *sfe_lookup_find(const struct sfe_lookup_table *lookup,
                                               struct sfe_slice key)
{
    uint32_t begin = 0;
    uint32_t end = lookup->count;

    while (begin < end) {
        const uint32_t middle = begin + (end - begin) / 2;
        const int order = compare(key, lookup->entries[middle].key);
        if (order == 0) {
            return &lookup->entries[middle];
        }
        if (order < 0) {
            end = middle;
        } else {
            begin = middle + 1;
        }
    }
    return NULL;
}
