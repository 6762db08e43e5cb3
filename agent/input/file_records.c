#include "input/file_records.h"

#include "base/assert.h"

#include <stdio.h>

void file_records_begin(struct file_records *records, const struct file_records_options *options)
{
    memset(records, 0, sizeof(*records));
    records->options = *options;
    records->line = 1;
    records->has_columns = options->has_names;
}

static enum file_step broken(struct file_record *record, uint64_t line, const char *problem)
{
    record->line = line;
    (void)snprintf(record->problem, sizeof(record->problem), "%s", problem);
    return FILE_BROKEN;
}

static void spoil(struct file_record *record, const char *problem)
{
    record->is_bad = true;
    record->event = record->text;
    if (problem != NULL) {
        (void)snprintf(record->problem, sizeof(record->problem), "%s", problem);
    }
}

static uint64_t count_lines(struct sfe_slice text)
{
    uint64_t count = 0;

    for (size_t i = 0; i < text.size; i++) {
        count += text.bytes[i] == '\n' ? 1u : 0u;
    }
    return count;
}

static void consume(struct file_records *records, struct sfe_slice text, size_t size,
                    struct file_record *record)
{
    record->consumed += size;
    records->line += count_lines(sfe_slice_part(text, 0, size));
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t space_size(struct sfe_slice text)
{
    size_t size = 0;

    while (size < text.size && is_space(text.bytes[size])) {
        size++;
    }
    return size;
}

/* The text is one JSON object: the event. False where it is no JSON at all. */
static bool take_json(struct file_records *records, struct file_record *record)
{
    struct sfe_json json;
    struct sfe_error err;

    record->event = record->text;
    if (record->text.size > records->options.event_bytes_max) {
        record->is_too_large = true;
        spoil(record, NULL);
        return true;
    }
    if (sfe_json_parse(record->text, 0, records->options.tokens, records->options.token_capacity,
                       &json, &err) != SFE_OK) {
        spoil(record, NULL);
        (void)snprintf(record->problem, sizeof(record->problem), "%.90s", err.message);
        return err.code != SFE_E_SYNTAX;
    }
    if (sfe_json_kind(&json, 0) != SFE_JSON_OBJECT) {
        spoil(record, "it is no JSON object");
    }
    return true;
}

static void take_row(struct file_records *records, struct file_record *record)
{
    struct sfe_builder out =
        sfe_builder_make(records->options.event, records->options.event_bytes_max);

    if (!csv_rows_convert(records->options.columns, record->text, &out, record->problem)) {
        spoil(record, NULL);
    } else if (out.overflowed) {
        record->is_too_large = true;
        spoil(record, "as JSON the row is over the limit of an event");
    } else {
        record->event = sfe_builder_slice(&out);
    }
}

/* Passes over a line that does not fit, and keeps its beginning. */
static enum file_step pass_long(struct file_records *records, struct sfe_slice text, bool at_end,
                                struct file_record *record)
{
    const uint8_t *end = text.size == 0 ? NULL : memchr(text.bytes, '\n', text.size);
    const size_t size = end == NULL ? text.size : (size_t)(end - text.bytes);
    size_t kept = sizeof(records->excerpt) - records->excerpt_bytes;

    if (records->long_bytes == 0) {
        records->long_line = records->line;
        records->excerpt_bytes = 0;
        kept = sizeof(records->excerpt);
    }
    kept = size < kept ? size : kept;
    if (kept != 0) {
        memcpy(records->excerpt + records->excerpt_bytes, text.bytes, kept);
        records->excerpt_bytes += kept;
    }
    records->long_bytes += size;
    consume(records, text, end == NULL ? size : size + 1u, record);
    if (end == NULL && !at_end) {
        return size == 0 ? FILE_MORE : FILE_PASSED;
    }
    record->text = sfe_slice_make(records->excerpt, records->excerpt_bytes);
    record->size = records->long_bytes;
    record->line = records->long_line;
    record->is_too_large = true;
    spoil(record, NULL);
    records->long_bytes = 0;
    return FILE_RECORD;
}

static enum file_step take_names(struct file_records *records, struct file_record *record)
{
    struct sfe_error err;

    if (csv_columns_read(records->options.columns, record->text, &err) != SFE_OK) {
        (void)snprintf(record->problem, sizeof(record->problem), "%.90s", err.message);
        return FILE_BROKEN;
    }
    records->has_columns = true;
    return FILE_PASSED;
}

static enum csv_found find_line(struct sfe_slice text, bool at_end, struct csv_row *row)
{
    const uint8_t *end = memchr(text.bytes, '\n', text.size);

    row->problem = NULL;
    if (end == NULL && !at_end) {
        return CSV_MORE;
    }
    row->text = sfe_slice_part(text, 0, end == NULL ? text.size : (size_t)(end - text.bytes));
    row->size = row->text.size + (end == NULL ? 0 : 1u);
    if (row->text.size != 0 && row->text.bytes[row->text.size - 1u] == '\r') {
        row->text.size--;
    }
    return CSV_ROW;
}

/* A row that never ends, or ends beyond what an event may be, is for a quote too many: its first
 * line alone is bad then. */
static enum csv_found find_row(const struct file_records *records, struct sfe_slice text,
                               bool at_end, bool is_full, struct csv_row *row)
{
    enum csv_found found;

    if (records->options.format == FILE_NDJSON) {
        return find_line(text, at_end, row);
    }
    found = csv_rows_find(text, at_end, records->options.columns->delimiter, row);
    if (found == CSV_MORE && is_full && find_line(text, at_end, row) == CSV_ROW) {
        row->problem = "a quote is not closed";
        found = CSV_BAD;
    }
    return found;
}

/* Makes of a line or row what it is. */
static enum file_step take_line(struct file_records *records, enum csv_found found,
                                const char *problem, struct file_record *record)
{
    if (space_size(record->text) == record->text.size) {
        return FILE_PASSED;
    }
    if (records->options.format == FILE_NDJSON) {
        (void)take_json(records, record);
    } else if (!records->has_columns) {
        return found == CSV_BAD ? broken(record, record->line, problem)
                                : take_names(records, record);
    } else if (found == CSV_BAD) {
        spoil(record, problem);
    } else {
        take_row(records, record);
    }
    return FILE_RECORD;
}

static enum file_step end_of_lines(const struct file_records *records, struct file_record *record)
{
    return records->options.format == FILE_CSV && !records->has_columns
               ? broken(record, records->line, "there is no line that names the columns")
               : FILE_END;
}

static enum file_step next_line(struct file_records *records, struct sfe_slice text, bool at_end,
                                bool is_full, struct file_record *record)
{
    struct csv_row row;
    enum csv_found found;

    if (records->long_bytes != 0) {
        return pass_long(records, text, at_end, record);
    }
    if (text.size == 0) {
        return at_end ? end_of_lines(records, record) : FILE_MORE;
    }
    found = find_row(records, text, at_end, is_full, &row);
    if (found == CSV_MORE) {
        return is_full ? pass_long(records, text, at_end, record) : FILE_MORE;
    }
    record->text = row.text;
    record->size = row.text.size;
    record->line = records->line;
    consume(records, text, row.size, record);
    return take_line(records, found, row.problem, record);
}

static bool ends_scalar(uint8_t byte)
{
    return is_space(byte) || byte == ',' || byte == ']' || byte == '}';
}

/* The size of the string at the front, with its quotes; 0: its end is not in the text. */
static size_t string_size(struct sfe_slice text)
{
    for (size_t i = 1; i < text.size; i++) {
        if (text.bytes[i] == '"') {
            return i + 1u;
        }
        i += text.bytes[i] == '\\' ? 1u : 0u;
    }
    return 0;
}

static int depth_of(uint8_t byte)
{
    if (byte == '{' || byte == '[') {
        return 1;
    }
    return byte == '}' || byte == ']' ? -1 : 0;
}

/* The size of the JSON value at the front, as far as brackets and quotes tell; 0: its end is not
 * in the text. */
static size_t value_size(struct sfe_slice text, bool at_end)
{
    int depth = 0; /* No deeper than the text is long, and that is bounded. */
    size_t size = 0;

    while (size < text.size) {
        const uint8_t byte = text.bytes[size];
        const size_t of_string =
            byte == '"' ? string_size(sfe_slice_part(text, size, text.size)) : 1u;
        if (depth == 0 && ends_scalar(byte)) {
            return size;
        }
        if (of_string == 0) {
            return 0;
        }
        depth += depth_of(byte);
        size += of_string;
        if (depth == 0 && (byte == '"' || depth_of(byte) != 0)) {
            return size;
        }
    }
    return at_end && depth == 0 ? size : 0;
}

static enum file_step take_value(struct file_records *records, struct sfe_slice text, bool at_end,
                                 bool is_full, struct file_record *record)
{
    const size_t size = value_size(text, at_end);

    if (size == 0 && !at_end && !is_full) {
        return FILE_MORE;
    }
    if (size == 0) {
        return broken(record, records->line,
                      at_end ? "the JSON breaks off"
                             : "a JSON value is over the limit of an event");
    }
    record->text = sfe_slice_part(text, 0, size);
    record->size = size;
    record->line = records->line;
    consume(records, text, size, record);
    if (!take_json(records, record)) {
        return FILE_BROKEN;
    }
    records->may_have_value = false;
    records->may_close = true;
    records->is_done = !records->is_array;
    return FILE_RECORD;
}

/* What stands between the values of an array. */
static enum file_step take_mark(struct file_records *records, uint8_t mark,
                                struct file_record *record)
{
    if (mark == ',' && records->may_close && !records->may_have_value) {
        records->may_have_value = true;
        records->may_close = false;
    } else if (mark == ']' && records->may_close) {
        records->is_done = true;
    } else {
        return broken(record, records->line, "the JSON has a character that cannot stand there");
    }
    record->consumed++;
    return FILE_PASSED;
}

static enum file_step end_of_values(const struct file_records *records, struct file_record *record)
{
    return records->is_done ? FILE_END : broken(record, records->line, "the JSON breaks off");
}

static enum file_step next_value(struct file_records *records, struct sfe_slice text, bool at_end,
                                 bool is_full, struct file_record *record)
{
    const size_t space = space_size(text);

    if (space != 0) { /* Alone, so that a value that follows may have all the room. */
        consume(records, text, space, record);
        return FILE_PASSED;
    }
    if (text.size == 0) {
        return at_end ? end_of_values(records, record) : FILE_MORE;
    }
    if (records->is_done) {
        return broken(record, records->line, "something follows the JSON value");
    }
    if (!records->has_value) {
        records->has_value = true;
        records->is_array = text.bytes[0] == '[';
        records->may_have_value = true;
        records->may_close = records->is_array;
        record->consumed += records->is_array ? 1u : 0u;
        return FILE_PASSED;
    }
    if (text.bytes[0] == ',' || text.bytes[0] == ']') {
        return take_mark(records, text.bytes[0], record);
    }
    if (!records->may_have_value) {
        return broken(record, records->line, "the JSON has a character that cannot stand there");
    }
    return take_value(records, text, at_end, is_full, record);
}

enum file_step file_records_next(struct file_records *records, struct sfe_slice text, bool at_end,
                                 bool is_full, struct file_record *record)
{
    static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};
    bool has_mark;

    *record = (struct file_record){.line = records->line};
    if (!records->has_begun) {
        if (text.size < sizeof(mark) && !at_end) {
            return FILE_MORE;
        }
        has_mark = text.size >= sizeof(mark) && memcmp(text.bytes, mark, sizeof(mark)) == 0;
        records->has_begun = true;
        record->consumed = has_mark ? sizeof(mark) : 0;
        return FILE_PASSED;
    }
    return records->options.format == FILE_JSON ? next_value(records, text, at_end, is_full, record)
                                                : next_line(records, text, at_end, is_full, record);
}
