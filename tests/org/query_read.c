/* A query's text: one object, its fields and those of a parent, AND-ed conditions, ORDER BY one
 * field, LIMIT, OFFSET, COUNT(). */
#include "query.h"

const struct own_field QUERY_IS_DELETED = {"IsDeleted", FIELD_BOOLEAN};
const struct own_field QUERY_SYSTEM_MODSTAMP = {"SystemModstamp", FIELD_DATETIME};

static bool is_one_of(uint8_t byte, const char *bytes)
{
    return byte != 0 && strchr(bytes, byte) != NULL;
}

static void malformed(struct query *query, struct sfe_slice at)
{
    char shown[80];
    sfe_printable(shown, sizeof shown, at);
    if (!query->is_wrong) {
        call_error(query->call, 400, "MALFORMED_QUERY", "unexpected token: '%s'", shown);
    }
    query->is_wrong = true;
}

/* Takes the next word, sign, or text in quotes; empty at the end. */
static struct sfe_slice next(struct query *query)
{
    struct sfe_slice rest = query->rest;
    size_t begin = 0;
    while (begin < rest.size && is_one_of(rest.bytes[begin], " \t\r\n")) {
        begin++;
    }
    size_t end = begin;
    if (begin < rest.size && rest.bytes[begin] == '\'') {
        end++;
        while (end < rest.size && rest.bytes[end] != '\'') {
            end += rest.bytes[end] == '\\' ? 2 : 1;
        }
        end = end < rest.size ? end + 1 : rest.size;
    } else if (begin < rest.size && is_one_of(rest.bytes[begin], "(),")) {
        end++;
    } else if (begin < rest.size && is_one_of(rest.bytes[begin], "=!<>")) {
        while (end < rest.size && is_one_of(rest.bytes[end], "=!<>")) {
            end++;
        }
    } else {
        while (end < rest.size && !is_one_of(rest.bytes[end], " \t\r\n(),=!<>'")) {
            end++;
        }
    }
    query->rest = sfe_slice_part(rest, end, rest.size);
    return sfe_slice_part(rest, begin, end - begin);
}

bool query_word_is(struct sfe_slice word, const char *text)
{
    return text_equal_caseless(word, sfe_slice_text(text));
}

/* Takes the next word where it is that one. */
static bool take(struct query *query, const char *text)
{
    struct sfe_slice before = query->rest;
    if (query_word_is(next(query), text)) {
        return true;
    }
    query->rest = before;
    return false;
}

static void expect(struct query *query, const char *text)
{
    struct sfe_slice word = next(query);
    if (!query_word_is(word, text)) {
        malformed(query, word);
    }
}

static struct column find_column(struct query *query, struct sfe_slice name)
{
    struct column column = {NULL, NULL, NULL};
    struct object *object = query->object;
    struct sfe_slice last = name;
    struct sfe_slice front = split_first(&last, '.');
    if (last.size != 0) {
        column.via = schema_relationship(object, front);
        object = column.via == NULL ? NULL : column.via->parent;
    } else {
        last = name;
    }
    if (object != NULL && query_word_is(last, "Id")) {
        return column;
    }
    if (object != NULL && query_word_is(last, QUERY_IS_DELETED.name)) {
        column.own = &QUERY_IS_DELETED;
        return column;
    }
    if (object != NULL && query_word_is(last, QUERY_SYSTEM_MODSTAMP.name)) {
        column.own = &QUERY_SYSTEM_MODSTAMP;
        return column;
    }
    column.field = object == NULL ? NULL : schema_field(object, last);
    if (column.field == NULL && !query->is_wrong) {
        char shown[80];
        sfe_printable(shown, sizeof shown, name);
        call_error(query->call, 400, "INVALID_FIELD", "No such column '%s' on entity '%s'", shown,
                   query->object->name);
        query->is_wrong = true;
    }
    return column;
}

/* The names between SELECT and FROM; the object is known only behind them. */
static void read_columns(struct query *query, struct sfe_slice names)
{
    struct sfe_slice behind = query->rest;
    query->rest = names;
    do {
        struct sfe_slice name = next(query);
        if (query_word_is(name, "COUNT") && take(query, "(")) {
            expect(query, ")");
            query->is_count = true;
        } else if (name.size == 0 || query->column_count == COLUMNS_MAX) {
            malformed(query, name);
        } else {
            query->columns[query->column_count++] = find_column(query, name);
        }
    } while (!query->is_wrong && take(query, ","));
    struct sfe_slice left = next(query);
    if (left.size != 0) {
        malformed(query, left);
    }
    query->rest = behind;
}

static void read_literal(struct query *query)
{
    struct sfe_slice literal = next(query);
    if (literal.size == 0 || query->literal_count == LITERALS_MAX) {
        malformed(query, literal);
        return;
    }
    query->literals[query->literal_count++] = literal;
}

static void read_condition(struct query *query)
{
    static const char *const OPERATORS[] = {"=", "!=", "<>", "<", "<=", ">", ">=", "LIKE", "IN"};
    bool is_known = false;
    if (query->condition_count == CONDITIONS_MAX) {
        malformed(query, query->rest);
        return;
    }
    struct condition *condition = &query->conditions[query->condition_count++];
    condition->column = find_column(query, next(query));
    condition->operator= next(query);
    condition->first = query->literal_count;
    for (size_t i = 0; i < sizeof OPERATORS / sizeof OPERATORS[0]; i++) {
        is_known = is_known || query_word_is(condition->operator, OPERATORS[i]);
    }
    if (!is_known) {
        malformed(query, condition->operator);
    } else if (query_word_is(condition->operator, "IN")) {
        expect(query, "(");
        do {
            read_literal(query);
        } while (!query->is_wrong && take(query, ","));
        expect(query, ")");
    } else {
        read_literal(query);
    }
    condition->count = query->literal_count - condition->first;
}

static uint32_t read_count(struct query *query)
{
    struct sfe_slice word = next(query);
    uint32_t number = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (word.bytes[i] < '0' || word.bytes[i] > '9' || number > 100000000) {
            malformed(query, word);
            return 0;
        }
        number = number * 10 + (uint32_t)(word.bytes[i] - '0');
    }
    return number;
}

static void read_order(struct query *query)
{
    expect(query, "BY");
    query->order = find_column(query, next(query));
    query->is_ordered = true;
    query->is_descending = take(query, "DESC");
    if (!query->is_descending) {
        (void)take(query, "ASC");
    }
    if (take(query, "NULLS") && !take(query, "FIRST")) {
        malformed(query, query->rest);
    }
}

/* Where " FROM " begins; the size where there is none. */
static size_t find_from(struct sfe_slice text)
{
    for (size_t i = 0; i + 6 < text.size; i++) {
        if (is_one_of(text.bytes[i], " \n\t") &&
            query_word_is(sfe_slice_make(text.bytes + i + 1, 4), "FROM") &&
            is_one_of(text.bytes[i + 5], " \n\t")) {
            return i;
        }
    }
    return text.size;
}

void query_read(const struct org *org, struct query *query)
{
    query->limit = UINT32_MAX;
    expect(query, "SELECT");
    size_t from = find_from(query->rest);
    struct sfe_slice names = sfe_slice_part(query->rest, 0, from);
    query->rest = sfe_slice_part(query->rest, from, query->rest.size);
    expect(query, "FROM");
    struct sfe_slice name = next(query);
    query->object = schema_object(&org->schema, name);
    if (query->object == NULL && !query->is_wrong) {
        char shown[80];
        sfe_printable(shown, sizeof shown, name);
        call_error(query->call, 400, "INVALID_TYPE", "sObject type '%s' is not supported.", shown);
        query->is_wrong = true;
    }
    if (!query->is_wrong && query->object->is_event) {
        call_error(query->call, 400, "INVALID_TYPE_FOR_OPERATION",
                   "entity type %s does not support query", query->object->name);
        query->is_wrong = true;
    }
    if (query->is_wrong) {
        return;
    }
    read_columns(query, names);
    if (!query->is_wrong && take(query, "WHERE")) {
        do {
            read_condition(query);
        } while (!query->is_wrong && take(query, "AND"));
    }
    if (!query->is_wrong && take(query, "ORDER")) {
        read_order(query);
    }
    if (!query->is_wrong && take(query, "LIMIT")) {
        query->limit = read_count(query);
    }
    if (!query->is_wrong && take(query, "OFFSET")) {
        query->offset = read_count(query);
    }
    struct sfe_slice left = next(query);
    if (left.size != 0) {
        malformed(query, left);
    }
}
