/* query, queryAll: which records, in what order, in pages of 2,000 with a locator. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time_format.h"
#include "query.h"

#define PAGE_ROWS 2000u

/* The record that a column is of; NULL where the reference is empty. */
static const struct record *owner_of(const struct org *org, const struct query *query,
                                     const struct column *column, const struct record *record,
                                     const struct object **object)
{
    struct object *parent = NULL;
    *object = query->object;
    if (column->via == NULL) {
        return record;
    }
    struct sfe_slice id = record_value(query->object, record, column->via);
    const struct record *found = id.size == 0 ? NULL : table_find_id(&org->schema, id, &parent);
    *object = parent;
    return found;
}

static enum field_type type_of(const struct column *column)
{
    return column->own != NULL     ? column->own->type
           : column->field == NULL ? FIELD_STRING
                                   : column->field->type;
}

/* The org writes UTC as +0000. */
static struct sfe_slice moment_of(const struct record *record, char made[MADE_BYTES])
{
    struct sfe_builder builder = sfe_builder_make((uint8_t *)made, MADE_BYTES);
    sfe_time_add_datetime(&builder, (int64_t)(record->changed_us / 1000u) * 1000000);
    sfe_builder_rewind(&builder, builder.size - 1u);
    sfe_builder_add_text(&builder, "+0000");
    return sfe_builder_slice(&builder);
}

static struct sfe_slice value_of(const struct org *org, const struct query *query,
                                 const struct column *column, const struct record *record,
                                 char made[MADE_BYTES])
{
    const struct object *object = NULL;
    const struct record *owner = owner_of(org, query, column, record, &object);
    if (owner == NULL) {
        return SFE_TEXT("");
    }
    if (column->own == &QUERY_IS_DELETED) {
        return sfe_slice_text(owner->deleted ? "true" : "false");
    }
    if (column->own == &QUERY_SYSTEM_MODSTAMP) {
        return moment_of(owner, made);
    }
    if (column->field == NULL) {
        record_id(object, owner, made);
        return sfe_slice_make(made, ID_BYTES);
    }
    return record_value(object, owner, column->field);
}

static int compare_text(struct sfe_slice a, struct sfe_slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < size; i++) {
        int left = a.bytes[i] >= 'A' && a.bytes[i] <= 'Z' ? a.bytes[i] + 32 : a.bytes[i];
        int right = b.bytes[i] >= 'A' && b.bytes[i] <= 'Z' ? b.bytes[i] + 32 : b.bytes[i];
        if (left != right) {
            return left - right;
        }
    }
    return a.size == b.size ? 0 : a.size < b.size ? -1 : 1;
}

static double number_of(struct sfe_slice text)
{
    char digits[64];
    sfe_printable(digits, sizeof digits, text);
    return strtod(digits, NULL);
}

/* Moments, however they are written. */
static int compare_times(struct sfe_slice a, struct sfe_slice b)
{
    struct sfe_error ignored;
    int64_t left = 0;
    int64_t right = 0;
    if (sfe_time_parse(a, SFE_TIME_RFC3339, NULL, &left, &ignored) != SFE_OK ||
        sfe_time_parse(b, SFE_TIME_RFC3339, NULL, &right, &ignored) != SFE_OK) {
        return compare_text(a, b);
    }
    return left < right ? -1 : left > right ? 1 : 0;
}

static int compare_values(const struct column *column, struct sfe_slice a, struct sfe_slice b)
{
    if (type_of(column) == FIELD_DATETIME && a.size != 0 && b.size != 0) {
        return compare_times(a, b);
    }
    if (field_is_number(type_of(column)) && a.size != 0 && b.size != 0) {
        double left = number_of(a);
        double right = number_of(b);
        return left < right ? -1 : left > right ? 1 : 0;
    }
    return compare_text(a, b);
}

/* A literal without its quotes and escapes; null is empty. */
static struct sfe_slice plain(struct sfe_slice literal, char *memory, size_t capacity)
{
    size_t size = 0;
    if (literal.bytes[0] != '\'') {
        return query_word_is(literal, "null") ? SFE_TEXT("") : literal;
    }
    for (size_t i = 1; i + 1 < literal.size && size < capacity; i++) {
        if (literal.bytes[i] == '\\') {
            i++;
        }
        memory[size++] = (char)literal.bytes[i];
    }
    return sfe_slice_make(memory, size);
}

/* LIKE with % and _, by going back to the last %. */
static bool is_like(struct sfe_slice text, struct sfe_slice pattern)
{
    size_t at = 0;
    size_t in = 0;
    size_t star = SIZE_MAX;
    size_t mark = 0;
    while (at < text.size) {
        bool is_same =
            in < pattern.size &&
            (pattern.bytes[in] == '_' || compare_text(sfe_slice_make(text.bytes + at, 1),
                                                      sfe_slice_make(pattern.bytes + in, 1)) == 0);
        if (in < pattern.size && pattern.bytes[in] == '%') {
            star = in++;
            mark = at;
        } else if (is_same) {
            at++;
            in++;
        } else if (star != SIZE_MAX) {
            in = star + 1;
            at = ++mark;
        } else {
            return false;
        }
    }
    while (in < pattern.size && pattern.bytes[in] == '%') {
        in++;
    }
    return in == pattern.size;
}

static bool holds_for(const struct condition *condition, struct sfe_slice value,
                      struct sfe_slice literal)
{
    char memory[1024];
    struct sfe_slice text = plain(literal, memory, sizeof memory);
    struct sfe_slice sign = condition->operator;
    if (query_word_is(sign, "LIKE")) {
        return is_like(value, text);
    }
    bool is_boolean = type_of(&condition->column) == FIELD_BOOLEAN;
    int order = is_boolean && value.size == 0 ? compare_text(SFE_TEXT("false"), text)
                                              : compare_values(&condition->column, value, text);
    if (query_word_is(sign, "=") || query_word_is(sign, "IN")) {
        return order == 0;
    }
    if (query_word_is(sign, "!=") || query_word_is(sign, "<>")) {
        return order != 0;
    }
    if (value.size == 0) {
        return false; /* Null is not less or more than anything. */
    }
    bool or_same = sign.size == 2 && order == 0;
    return or_same || (sign.bytes[0] == '<' ? order < 0 : order > 0);
}

static bool matches(const struct org *org, const struct query *query, const struct record *record)
{
    for (uint32_t i = 0; i < query->condition_count; i++) {
        const struct condition *condition = &query->conditions[i];
        char made[MADE_BYTES];
        struct sfe_slice value = value_of(org, query, &condition->column, record, made);
        bool any = false;
        for (uint32_t j = 0; j < condition->count && !any; j++) {
            any = holds_for(condition, value, query->literals[condition->first + j]);
        }
        if (!any) {
            return false;
        }
    }
    return true;
}

struct sorting {
    const struct org *org;
    const struct query *query;
};

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct sorting *sorting = context;
    const struct query *query = sorting->query;
    const struct record *left = query->object->records[*(const uint32_t *)a];
    const struct record *right = query->object->records[*(const uint32_t *)b];
    char left_made[MADE_BYTES];
    char right_made[MADE_BYTES];
    int order =
        compare_values(&query->order, value_of(sorting->org, query, &query->order, left, left_made),
                       value_of(sorting->org, query, &query->order, right, right_made));
    return query->is_descending ? -order : order;
}

/* The numbers of the matching records; owned by the caller. */
static uint32_t *find_rows(const struct org *org, const struct query *query, bool with_deleted,
                           uint32_t *count)
{
    const struct object *object = query->object;
    uint32_t *rows = memory_take((object->record_count + 1u) * sizeof *rows);
    uint32_t found = 0;
    for (uint32_t i = 0; i < object->record_count; i++) {
        const struct record *record = object->records[i];
        if (!record->undone && (with_deleted || !record->deleted) && matches(org, query, record)) {
            rows[found++] = i;
        }
    }
    struct sorting sorting = {org, query};
    if (query->is_ordered) {
        qsort_r(rows, found, sizeof *rows, compare_rows, &sorting);
    }
    uint32_t begin = query->offset < found ? query->offset : found;
    *count = found - begin < query->limit ? found - begin : query->limit;
    memmove(rows, rows + begin, *count * sizeof *rows);
    return rows;
}

static void write_attributes(const struct call *call, const struct object *object,
                             const struct record *record)
{
    char id[ID_BYTES];
    record_id(object, record, id);
    buffer_format(call->out, "{\"attributes\":{\"type\":\"%s\",\"url\":", object->name);
    buffer_format(call->out, "\"/services/data/v%u.0/sobjects/%s/%.18s\"}", call->version,
                  object->name, id);
}

static void write_column(const struct org *org, const struct query *query,
                         const struct column *column, const struct record *record)
{
    char made[MADE_BYTES];
    struct buffer *out = query->call->out;
    struct sfe_slice value = value_of(org, query, column, record, made);
    buffer_format(out, ",\"%s\":",
                  column->own != NULL     ? column->own->name
                  : column->field == NULL ? "Id"
                                          : column->field->name);
    if (column->own == &QUERY_IS_DELETED) {
        buffer_add_text(out, record->deleted ? "true" : "false");
    } else if (column->field == NULL) {
        buffer_add_json(out, value);
    } else {
        record_write_value(column->field, value, out);
    }
}

/* A parent stands once, with all that is asked of it. */
static void write_parent(const struct org *org, const struct query *query, uint32_t first,
                         const struct record *record)
{
    const struct field *via = query->columns[first].via;
    const struct object *object = NULL;
    struct buffer *out = query->call->out;
    for (uint32_t i = 0; i < first; i++) {
        if (query->columns[i].via == via) {
            return;
        }
    }
    const struct record *owner = owner_of(org, query, &query->columns[first], record, &object);
    buffer_format(out, ",\"%s\":", via->relationship);
    if (owner == NULL) {
        buffer_add_text(out, "null");
        return;
    }
    write_attributes(query->call, object, owner);
    for (uint32_t i = first; i < query->column_count; i++) {
        if (query->columns[i].via == via) {
            write_column(org, query, &query->columns[i], record);
        }
    }
    buffer_add_text(out, "}");
}

static void write_page(const struct org *org, const struct query *query,
                       const struct cursor *cursor, uint32_t begin)
{
    struct buffer *out = query->call->out;
    uint32_t end = cursor->count - begin > PAGE_ROWS ? begin + PAGE_ROWS : cursor->count;
    buffer_format(out, "{\"totalSize\":%u,\"done\":%s", cursor->count,
                  end == cursor->count ? "true" : "false");
    if (end < cursor->count) {
        buffer_format(out, ",\"nextRecordsUrl\":\"/services/data/v%u.0/query/01g%012uAAA-%u\"",
                      query->call->version, cursor->number, end);
    }
    buffer_add_text(out, ",\"records\":[");
    for (uint32_t i = begin; i < end; i++) {
        const struct record *record = query->object->records[cursor->rows[i]];
        buffer_add_text(out, i == begin ? "" : ",");
        write_attributes(query->call, query->object, record);
        for (uint32_t j = 0; j < query->column_count; j++) {
            if (query->columns[j].via == NULL) {
                write_column(org, query, &query->columns[j], record);
            } else {
                write_parent(org, query, j, record);
            }
        }
        buffer_add_text(out, "}");
    }
    buffer_add_text(out, "]}");
}

static void close_cursor(struct cursor *cursor)
{
    free(cursor->text);
    free(cursor->rows);
    *cursor = (struct cursor){0, NULL, NULL, 0};
}

void query_close(struct org *org)
{
    for (uint32_t i = 0; i < CURSORS_MAX; i++) {
        close_cursor(&org->cursors[i]);
    }
}

static void first_page(struct org *org, struct query *query, struct sfe_slice text,
                       bool with_deleted)
{
    uint32_t count = 0;
    query_read(org, query);
    if (query->is_wrong) {
        return;
    }
    uint32_t *rows = find_rows(org, query, with_deleted, &count);
    if (query->is_count && query->column_count == 0) {
        free(rows);
        buffer_format(query->call->out, "{\"totalSize\":%u,\"done\":true,\"records\":[]}", count);
        return;
    }
    struct cursor *cursor = &org->cursors[org->cursor_number++ % CURSORS_MAX];
    close_cursor(cursor);
    *cursor = (struct cursor){org->cursor_number, memory_take(text.size + 1), rows, count};
    memcpy(cursor->text, text.bytes, text.size);
    cursor->text[text.size] = '\0';
    write_page(org, query, cursor, 0);
}

static void further_page(struct org *org, struct query *query, struct sfe_slice locator)
{
    char shown[64];
    unsigned number = 0;
    unsigned begin = 0;
    sfe_printable(shown, sizeof shown, locator);
    if (sscanf(shown, "01g%12uAAA-%u", &number, &begin) == 2 && number != 0) {
        const struct cursor *cursor = &org->cursors[(number - 1) % CURSORS_MAX];
        if (cursor->number == number && begin < cursor->count) {
            query->rest = sfe_slice_text(cursor->text);
            query_read(org, query);
            write_page(org, query, cursor, begin);
            return;
        }
    }
    call_error(query->call, 400, "INVALID_QUERY_LOCATOR", "invalid query locator");
}

void query_call(struct org *org, struct call *call, struct sfe_slice rest, bool with_deleted)
{
    struct query query = {.call = call};
    struct sfe_slice raw = {NULL, 0};
    struct buffer text = {NULL, 0, 0};
    if (rest.size != 0) {
        further_page(org, &query, rest);
    } else if (!form_value(call->query, SFE_TEXT("q"), &raw) || !url_decode(raw, true, &text)) {
        call_error(call, 400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null");
    } else {
        query.rest = buffer_slice(&text);
        first_page(org, &query, query.rest, with_deleted);
    }
    buffer_close(&text);
}
