#include "bulk/results.h"

#include "base/assert.h"

#define NO_COLUMN UINT32_MAX

void bulk_results_begin(struct bulk_results *results, const char *id_column,
                        void (*on_row)(void *owner, const struct bulk_result *result), void *owner)
{
    results->id_column = id_column;
    results->on_row = on_row;
    results->owner = owner;
    results->rows = 0;
    results->column = 0;
    results->columns = 0;
    results->id_at = NO_COLUMN;
    results->error_at = NO_COLUMN;
    results->record_at = NO_COLUMN;
    results->quoting = BULK_PLAIN;
    results->is_header = true;
    results->is_row_begun = false;
    results->failed = false;
    results->name = sfe_builder_make(results->name_memory, sizeof(results->name_memory));
    results->id = sfe_builder_make(results->id_memory, sizeof(results->id_memory));
    results->error = sfe_builder_make(results->error_memory, sizeof(results->error_memory));
    results->record = sfe_builder_make(results->record_memory, sizeof(results->record_memory));
}

static uint8_t small_letter(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static bool is_name(struct sfe_slice name, const char *wanted)
{
    struct sfe_slice other = sfe_slice_text(wanted);

    if (name.size != other.size) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (small_letter(name.bytes[i]) != small_letter(other.bytes[i])) {
            return false;
        }
    }
    return true;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct sfe_slice trim(struct sfe_slice text)
{
    while (text.size > 0 && is_blank(text.bytes[0])) {
        text = sfe_slice_part(text, 1, text.size);
    }
    while (text.size > 0 && is_blank(text.bytes[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* Where the field at hand is kept; NULL: it is of no interest. */
static struct sfe_builder *keeper(struct bulk_results *results)
{
    if (results->is_header) {
        return &results->name;
    }
    if (results->column == results->id_at) {
        return &results->id;
    }
    if (results->column == results->record_at) {
        return &results->record;
    }
    return results->column == results->error_at ? &results->error : NULL;
}

static void add_byte(struct bulk_results *results, uint8_t byte)
{
    struct sfe_builder *kept = keeper(results);

    results->is_row_begun = true;
    if (kept != NULL) {
        sfe_builder_add_byte(kept, byte);
    }
}

static void end_field(struct bulk_results *results)
{
    if (results->is_header) {
        struct sfe_slice name = sfe_builder_slice(&results->name);
        if (!results->name.overflowed && is_name(name, results->id_column)) {
            results->id_at = results->column;
        } else if (!results->name.overflowed && is_name(name, "sf__Error")) {
            results->error_at = results->column;
        } else if (!results->name.overflowed && is_name(name, "sf__Id")) {
            results->record_at = results->column;
        }
        sfe_builder_rewind(&results->name, 0);
    }
    results->quoting = BULK_PLAIN;
    results->column++;
}

static void end_row(struct bulk_results *results)
{
    if (!results->is_row_begun) {
        return; /* An empty line, or the LF of a CR LF. */
    }
    end_field(results);
    if (results->is_header) {
        results->is_header = false;
        results->columns = results->column;
        results->failed = results->id_at == NO_COLUMN;
    } else if (results->column != results->columns) {
        results->failed = true;
    } else {
        const struct bulk_result result = {
            .id = results->id.overflowed ? sfe_slice_make(NULL, 0)
                                         : trim(sfe_builder_slice(&results->id)),
            .record = trim(sfe_builder_slice(&results->record)),
            .error = sfe_builder_slice(&results->error),
        };
        results->rows++;
        results->on_row(results->owner, &result);
    }
    results->column = 0;
    results->is_row_begun = false;
    sfe_builder_rewind(&results->id, 0);
    sfe_builder_rewind(&results->error, 0);
    sfe_builder_rewind(&results->record, 0);
}

/* A byte outside of quotes, or behind the quote that may have ended them. */
static void take_plain(struct bulk_results *results, uint8_t byte)
{
    switch (byte) {
    case ',':
        results->is_row_begun = true;
        end_field(results);
        break;
    case '\n':
    case '\r':
        end_row(results);
        break;
    default:
        add_byte(results, byte);
        break;
    }
}

static void take_byte(struct bulk_results *results, uint8_t byte)
{
    switch (results->quoting) {
    case BULK_PLAIN:
        if (byte == '"') {
            results->quoting = BULK_QUOTED;
            results->is_row_begun = true;
        } else {
            take_plain(results, byte);
        }
        break;
    case BULK_QUOTED:
        if (byte == '"') {
            results->quoting = BULK_QUOTE_MET;
        } else {
            add_byte(results, byte);
        }
        break;
    case BULK_QUOTE_MET:
        if (byte == '"') {
            results->quoting = BULK_QUOTED;
            add_byte(results, byte);
        } else {
            results->quoting = BULK_PLAIN;
            take_plain(results, byte);
        }
        break;
    }
}

bool bulk_results_take(struct bulk_results *results, struct sfe_slice bytes)
{
    for (size_t i = 0; i < bytes.size && !results->failed; i++) {
        take_byte(results, bytes.bytes[i]);
    }
    return !results->failed;
}

bool bulk_results_end(struct bulk_results *results)
{
    if (results->quoting == BULK_QUOTE_MET && results->column + 1 == results->columns) {
        end_row(results); /* Whole, though its line does not end. */
    }
    return !results->failed && !results->is_row_begun && results->quoting == BULK_PLAIN;
}

/* The last colon of `text`; its size where there is none. */
static size_t last_colon(struct sfe_slice text)
{
    for (size_t at = text.size; at > 0; at--) {
        if (text.bytes[at - 1] == ':') {
            return at - 1;
        }
    }
    return text.size;
}

void bulk_failure_read(struct sfe_slice text, struct bulk_failure *failure)
{
    size_t first = 0;

    while (first < text.size && text.bytes[first] != ':') {
        first++;
    }
    failure->code = trim(sfe_slice_part(text, 0, first));
    struct sfe_slice rest = sfe_slice_part(text, first + 1, text.size);
    size_t last = last_colon(rest);
    struct sfe_slice fields = trim(sfe_slice_part(rest, last + 1, rest.size));
    bool has_end = fields.size >= 2 && fields.bytes[fields.size - 1] == '-' &&
                   fields.bytes[fields.size - 2] == '-';

    failure->message = trim(has_end ? sfe_slice_part(rest, 0, last) : rest);
    fields.size -= has_end ? 2 : 0;
    failure->fields = has_end ? trim(fields) : sfe_slice_make(NULL, 0);
}
