#include "input/csv_rows.h"

#include "base/assert.h"
#include "base/json_writer.h"

#include <stdio.h>

enum place { PLACE_BEGIN, PLACE_PLAIN, PLACE_QUOTED, PLACE_BEHIND };

/* What 0x80 to 0x9F stand for in windows-1252 (WHATWG Encoding, index-windows-1252); all others
 * are as in ISO 8859-1. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

/* Where a line ends at `at`, and its end is whole: its size; 0: it does not end there. */
static size_t line_end(struct sfe_slice text, size_t at)
{
    if (text.bytes[at] == '\n') {
        return 1;
    }
    return text.bytes[at] == '\r' && at + 1u < text.size && text.bytes[at + 1u] == '\n' ? 2 : 0;
}

static enum csv_found give(struct sfe_slice text, size_t size, size_t end, struct csv_row *row)
{
    row->text = sfe_slice_part(text, 0, size);
    row->size = size + end;
    return CSV_ROW;
}

/* The first line alone, once its end is there. */
static enum csv_found give_bad(struct sfe_slice text, bool at_end, const char *problem,
                               struct csv_row *row)
{
    size_t at = 0;

    while (at < text.size && line_end(text, at) == 0) {
        at++;
    }
    if (at == text.size && !at_end) {
        return CSV_MORE;
    }
    (void)give(text, at, at < text.size ? line_end(text, at) : 0, row);
    row->problem = problem;
    return CSV_BAD;
}

/* The place behind one byte that ends no line. */
static enum place step(enum place place, uint8_t byte, uint8_t delimiter)
{
    if (place == PLACE_QUOTED) {
        return byte == '"' ? PLACE_BEHIND : PLACE_QUOTED;
    }
    if (byte == delimiter) {
        return PLACE_BEGIN;
    }
    return byte == '"' && place != PLACE_PLAIN ? PLACE_QUOTED : PLACE_PLAIN;
}

/* What is found behind the last byte. */
static enum csv_found find_at_end(struct sfe_slice text, enum place place, bool at_end,
                                  struct csv_row *row)
{
    size_t size = text.size;

    if (!at_end) {
        return CSV_MORE;
    }
    if (place == PLACE_QUOTED) {
        return give_bad(text, true, "a quote is not closed", row);
    }
    size -= size != 0 && text.bytes[size - 1u] == '\r' ? 1u : 0u;
    return give(text, size, text.size - size, row);
}

enum csv_found csv_rows_find(struct sfe_slice text, bool at_end, uint8_t delimiter,
                             struct csv_row *row)
{
    enum place place = PLACE_BEGIN;

    *row = (struct csv_row){{NULL, 0}, 0, NULL};
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t byte = text.bytes[i];
        const size_t end = place == PLACE_QUOTED ? 0 : line_end(text, i);
        if (end != 0) {
            return give(text, i, end, row);
        }
        if (byte == '\r' && i + 1u == text.size) {
            break; /* What follows tells what it is. */
        }
        if (place == PLACE_BEHIND && byte != '"' && byte != delimiter) {
            return give_bad(text, at_end, "there is text behind a closing quote", row);
        }
        place = step(place, byte, delimiter);
    }
    return find_at_end(text, place, at_end, row);
}

/* The next field of a row from *at on, with its quotes; *at is behind its delimiter, beyond the
 * size of the row after the last one. */
static struct sfe_slice next_field(struct sfe_slice row, uint8_t delimiter, size_t *at)
{
    enum place place = PLACE_BEGIN;
    const size_t begin = *at;
    size_t i = begin;

    for (; i < row.size; i++) {
        if (place != PLACE_QUOTED && row.bytes[i] == delimiter) {
            break;
        }
        place = step(place, row.bytes[i], delimiter);
    }
    *at = i + 1u;
    return sfe_slice_part(row, begin, i - begin);
}

static void add_character(struct sfe_builder *out, uint32_t code)
{
    if (code >= 0x800u) {
        sfe_builder_add_byte(out, (uint8_t)(0xE0u | (code >> 12)));
        sfe_builder_add_byte(out, (uint8_t)(0x80u | ((code >> 6) & 0x3Fu)));
    } else {
        sfe_builder_add_byte(out, (uint8_t)(0xC0u | (code >> 6)));
    }
    sfe_builder_add_byte(out, (uint8_t)(0x80u | (code & 0x3Fu)));
}

/* Adds text without quotes of CSV as the inside of a JSON string. */
static void add_text(const struct csv_columns *columns, struct sfe_slice text,
                     struct sfe_builder *out)
{
    size_t begin = 0;

    for (size_t i = 0; columns->is_windows_1252 && i < text.size; i++) {
        const uint8_t byte = text.bytes[i];
        if (byte >= 0x80u) {
            sfe_json_add_escaped(out, sfe_slice_part(text, begin, i - begin));
            add_character(out, byte < 0xA0u ? windows_1252[byte - 0x80u] : byte);
            begin = i + 1u;
        }
    }
    sfe_json_add_escaped(out, sfe_slice_part(text, begin, text.size));
}

static void add_field(const struct csv_columns *columns, struct sfe_slice field,
                      struct sfe_builder *out)
{
    size_t begin = 0;

    if (field.size < 2 || field.bytes[0] != '"') {
        add_text(columns, field, out);
        return;
    }
    field = sfe_slice_part(field, 1, field.size - 2u);
    for (size_t i = 0; i < field.size; i++) {
        if (field.bytes[i] == '"') {
            add_text(columns, sfe_slice_part(field, begin, i + 1u - begin), out);
            begin = i + 2u; /* The other one of the two. */
            i++;
        }
    }
    add_text(columns, sfe_slice_part(field, begin, field.size), out);
}

static struct sfe_slice name_at(const struct csv_columns *columns, uint32_t index)
{
    const uint32_t begin = index == 0 ? 0 : columns->ends[index - 1u];

    return sfe_slice_make(columns->names + begin, columns->ends[index] - begin);
}

/* `is_field`: as it stands in a row. */
static enum sfe_code add_column(struct csv_columns *columns, struct sfe_slice name, bool is_field,
                                struct sfe_error *err)
{
    struct sfe_builder out =
        sfe_builder_make(columns->names + columns->size, sizeof(columns->names) - columns->size);

    if (columns->count == CSV_COLUMNS_MAX) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "there are more than %u columns", CSV_COLUMNS_MAX);
    }
    sfe_builder_add_byte(&out, '"');
    if (is_field) {
        add_field(columns, name, &out);
    } else {
        sfe_json_add_escaped(&out, name);
    }
    if (out.size == 1 && !out.overflowed) {
        return sfe_fail(err, SFE_E_SYNTAX, "column %u has no name", columns->count + 1u);
    }
    sfe_builder_add_text(&out, "\":");
    if (out.overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the names of the columns are over %u bytes",
                        CSV_NAMES_BYTES_MAX);
    }
    for (uint32_t i = 0; i < columns->count; i++) {
        if (sfe_slice_equal(name_at(columns, i), sfe_builder_slice(&out))) {
            return sfe_fail(err, SFE_E_SYNTAX, "columns %u and %u have the same name", i + 1u,
                            columns->count + 1u);
        }
    }
    columns->size += (uint32_t)out.size;
    columns->ends[columns->count++] = columns->size;
    return SFE_OK;
}

enum sfe_code csv_columns_add(struct csv_columns *columns, struct sfe_slice name,
                              struct sfe_error *err)
{
    return add_column(columns, name, false, err);
}

enum sfe_code csv_columns_read(struct csv_columns *columns, struct sfe_slice row,
                               struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    columns->count = 0;
    columns->size = 0;
    if (!columns->is_windows_1252 && !sfe_utf8_valid(row)) {
        return sfe_fail(err, SFE_E_SYNTAX,
                        "the names of the columns are not UTF-8; is `encoding` windows-1252?");
    }
    for (size_t at = 0; at <= row.size && code == SFE_OK;) {
        struct sfe_slice name = next_field(row, columns->delimiter, &at);
        if (name.size == 0 && at > row.size && columns->count != 0) {
            break; /* A delimiter at the end of the line. */
        }
        code = add_column(columns, name, true, err);
    }
    return code;
}

bool csv_rows_convert(const struct csv_columns *columns, struct sfe_slice row,
                      struct sfe_builder *out, char problem[CSV_PROBLEM_BYTES])
{
    uint32_t count = 0;
    bool has_more = false;

    SFE_ASSERT(columns->count != 0);
    problem[0] = '\0';
    if (!columns->is_windows_1252 && !sfe_utf8_valid(row)) {
        (void)snprintf(problem, CSV_PROBLEM_BYTES,
                       "the row is not UTF-8; is `encoding` windows-1252?");
        return false;
    }
    sfe_builder_add_byte(out, '{');
    for (size_t at = 0; at <= row.size; count++) {
        struct sfe_slice field = next_field(row, columns->delimiter, &at);
        if (count >= columns->count) {
            has_more = has_more || field.size != 0 || count > columns->count;
            continue;
        }
        sfe_builder_add_text(out, count == 0 ? "" : ",");
        sfe_builder_add(out, name_at(columns, count));
        sfe_builder_add_byte(out, '"');
        add_field(columns, field, out);
        sfe_builder_add_byte(out, '"');
    }
    sfe_builder_add_byte(out, '}');
    if (count < columns->count || has_more) {
        (void)snprintf(problem, CSV_PROBLEM_BYTES,
                       "the row has %u fields, and there are %u columns", count, columns->count);
        return false;
    }
    return true;
}
