/* The rows of a job: CSV to records in chunks of 200, last chunk first (no order is promised), and
 * what became of each. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "org.h"

#define CHUNK_ROWS  200u
#define COLUMNS_MAX 200u

struct cell {
    struct sfe_slice text; /* Unquoted, in scratch. */
};

struct csv {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    struct buffer text; /* Unquoted cells of the row at hand. */
    size_t begins[COLUMNS_MAX + 1];
    uint32_t count;
    bool is_wrong; /* More columns than may be, CR line ends, a quote that does not end. */
};

struct names {
    struct buffer text;
    size_t begins[COLUMNS_MAX + 1];
    uint32_t count;
};

static void end_cell(struct csv *csv)
{
    if (csv->count == COLUMNS_MAX) {
        csv->is_wrong = true;
        return;
    }
    csv->begins[++csv->count] = csv->text.size;
}

/* The quoted cell whose first quote was read. */
static void read_quoted(struct csv *csv)
{
    while (csv->at < csv->size) {
        uint8_t byte = csv->bytes[csv->at++];
        if (byte == '"') {
            if (csv->at == csv->size || csv->bytes[csv->at] != '"') {
                return;
            }
            csv->at++;
        }
        buffer_add(&csv->text, sfe_slice_make(&byte, 1));
    }
    csv->is_wrong = true;
}

/* The next row; false at the end. */
static bool next_row(struct csv *csv)
{
    csv->text.size = 0;
    csv->count = 0;
    csv->begins[0] = 0;
    if (csv->at == csv->size) {
        return false;
    }
    while (csv->at < csv->size) {
        uint8_t byte = csv->bytes[csv->at++];
        if (byte == '"') {
            read_quoted(csv);
        } else if (byte == ',') {
            end_cell(csv);
        } else if (byte == '\n') {
            end_cell(csv);
            return true;
        } else {
            csv->is_wrong = csv->is_wrong || byte == '\r';
            buffer_add(&csv->text, sfe_slice_make(&byte, 1));
        }
    }
    csv->is_wrong = true; /* The last row does not end. */
    return false;
}

static struct sfe_slice cell(const struct csv *csv, uint32_t column)
{
    return sfe_slice_make(csv->text.bytes + csv->begins[column],
                          csv->begins[column + 1] - csv->begins[column]);
}

static struct sfe_slice name_of(const struct names *names, uint32_t column)
{
    return sfe_slice_make(names->text.bytes + names->begins[column],
                          names->begins[column + 1] - names->begins[column]);
}

static void fail_job(struct bulk_job *job, const char *code, const char *what)
{
    job->state = BULK_FAILED;
    (void)snprintf(job->message, sizeof job->message, "%s : %s", code, what);
}

static bool is_field(struct object *object, struct sfe_slice name)
{
    struct sfe_slice first = name;
    struct sfe_slice relationship = split_first(&first, '.');
    if (text_equal_caseless(name, SFE_TEXT("Id"))) {
        return true;
    }
    return first.size == 0 ? schema_field(object, name) != NULL
                           : schema_relationship(object, relationship) != NULL;
}

static bool read_header(struct csv *csv, struct bulk_job *job, struct names *names)
{
    if (!next_row(csv) || csv->is_wrong) {
        fail_job(job, "ClientInputError",
                 csv->is_wrong
                     ? "LineEnding is invalid on user data. Current LineEnding setting is LF"
                     : "No content");
        return false;
    }
    for (uint32_t i = 0; i < csv->count; i++) {
        char shown[80];
        sfe_printable(shown, sizeof shown, cell(csv, i));
        if (!is_field(job->object, cell(csv, i))) {
            fail_job(job, "InvalidBatch : Field name not found", shown);
            return false;
        }
        buffer_add(&names->text, cell(csv, i));
        names->begins[i + 1] = names->text.size;
    }
    names->count = csv->count;
    return true;
}

/* What JSON says without quotes; a text in a number's place stays one, and fails its row. */
static bool is_bare(const struct field *field, struct sfe_slice text)
{
    static const char NUMBER[] = "+-.0123456789eE";
    if (field->type == FIELD_BOOLEAN) {
        return sfe_slice_equal(text, SFE_TEXT("true")) || sfe_slice_equal(text, SFE_TEXT("false"));
    }
    for (size_t i = 0; i < text.size; i++) {
        if (memchr(NUMBER, text.bytes[i], sizeof NUMBER - 1) == NULL) {
            return false;
        }
    }
    return field_is_number(field->type);
}

/* One cell as a JSON member; an empty one is left alone. */
static void add_member(struct object *object, struct sfe_slice name, struct sfe_slice text,
                       struct buffer *json)
{
    const struct field *field = schema_field(object, name);
    struct sfe_slice behind = name;
    struct sfe_slice relationship = split_first(&behind, '.');
    bool is_id = text_equal_caseless(name, SFE_TEXT("Id"));
    if (text.size == 0) {
        return;
    }
    buffer_add_text(json, ",");
    buffer_add_json(json, field != NULL || is_id ? name : relationship);
    buffer_add_text(json, ":");
    if (is_id) {
        buffer_add_json(json, text);
    } else if (field == NULL) {
        buffer_add_text(json, "{");
        buffer_add_json(json, behind);
        buffer_add_text(json, ":");
        buffer_add_json(json, text);
        buffer_add_text(json, "}");
    } else if (sfe_slice_equal(text, SFE_TEXT("#N/A"))) {
        buffer_add_text(json, "null");
    } else if (is_bare(field, text)) {
        buffer_add(json, text);
    } else {
        buffer_add_json(json, text);
    }
}

/* What is left of a row in a result file: all values quoted. */
static void add_cells(const struct csv *csv, struct buffer *out)
{
    for (uint32_t i = 0; i < csv->count; i++) {
        struct sfe_slice text = cell(csv, i);
        buffer_add_text(out, i == 0 ? "\"" : ",\"");
        for (size_t at = 0; at < text.size; at++) {
            if (text.bytes[at] == '"') {
                buffer_add_text(out, "\"");
            }
            buffer_add(out, sfe_slice_part(text, at, 1));
        }
        buffer_add_text(out, "\"");
    }
    buffer_add_text(out, "\n");
}

static void end_line(struct bulk_file *file)
{
    size_t end = file->text.size;
    buffer_add(&file->ends, sfe_slice_make(&end, sizeof end));
}

static void begin_file(struct bulk_file *file, const char *own, const struct names *names)
{
    buffer_add_text(&file->text, own);
    for (uint32_t i = 0; i < names->count; i++) {
        buffer_add_text(&file->text, i == 0 && own[0] == '\0' ? "\"" : ",\"");
        buffer_add(&file->text, name_of(names, i));
        buffer_add_text(&file->text, "\"");
    }
    buffer_add_text(&file->text, "\n");
    end_line(file);
}

struct work {
    struct org *org;
    struct bulk_job *job;
    struct names names;
    struct buffer rows; /* size_t each: where each row begins; one more for the end. */
    struct buffer json;
};

static size_t row_at(const struct work *work, uint32_t row)
{
    size_t at = 0;
    memcpy(&at, work->rows.bytes + row * sizeof at, sizeof at);
    return at;
}

static void note_row(struct work *work, size_t at)
{
    buffer_add(&work->rows, sfe_slice_make(&at, sizeof at));
}

/* A draft's fate into its file. */
static void write_result(struct work *work, const struct draft *draft, const struct csv *csv)
{
    struct bulk_job *job = work->job;
    const struct batch *batch = &work->org->batch;
    struct bulk_file *file = draft->failure.code == NULL ? &job->successes : &job->failures;
    char id[ID_BYTES];
    job->processed++;
    work->org->bulk.processed++;
    work->org->audit.records++;
    if (draft->failure.code == NULL) {
        record_id(draft->object, draft->record, id);
        buffer_format(&file->text, "\"%.18s\",\"%s\",", id, draft->created ? "true" : "false");
    } else {
        struct sfe_slice message = batch_message(batch, &draft->failure);
        job->failed++;
        work->org->audit.records_failed++;
        buffer_format(&file->text, "\"\",\"%s:", draft->failure.code);
        for (size_t i = 0; i < message.size; i++) {
            buffer_add_text(&file->text, message.bytes[i] == '"' ? "\"" : "");
            buffer_add(&file->text, sfe_slice_part(message, i, 1));
        }
        buffer_format(&file->text, ":%s --\",",
                      draft->failure.field == NULL ? "" : draft->failure.field->name);
    }
    add_cells(csv, &file->text);
    end_line(file);
}

static void open_row(const struct work *work, uint32_t row, struct csv *csv)
{
    csv->bytes = work->job->csv.bytes;
    csv->at = row_at(work, row);
    csv->size = row_at(work, row + 1);
    csv->is_wrong = false;
    bool is_there = next_row(csv);
    SFE_ASSERT(is_there && !csv->is_wrong);
}

static void write_records(struct work *work, uint32_t begin, uint32_t end, struct csv *csv)
{
    work->json.size = 0;
    buffer_add_text(&work->json, "[");
    for (uint32_t row = begin; row < end; row++) {
        open_row(work, row, csv);
        buffer_add_text(&work->json, row == begin ? "{\"attributes\":{}" : ",{\"attributes\":{}");
        for (uint32_t i = 0; i < csv->count; i++) {
            add_member(work->job->object, name_of(&work->names, i), cell(csv, i), &work->json);
        }
        buffer_add_text(&work->json, "}");
    }
    buffer_add_text(&work->json, "]");
}

/* An update's record is looked up at once: its Id does not stay. */
static void read_one(struct work *work, uint32_t record)
{
    struct batch *batch = &work->org->batch;
    struct draft *draft = batch_add(batch, work->job->object);
    struct sfe_slice id = {NULL, 0};
    bool is_read = record_read(batch, draft, record, work->job->key == NULL ? &id : NULL);
    SFE_ASSERT(is_read);
    if (work->job->key == NULL) {
        draft_find_id(work->org, draft, id);
        draft_check(batch, draft, NULL);
    }
}

/* Rows [begin, end) as one call of triggers. */
static void process_chunk(struct work *work, uint32_t begin, uint32_t end, struct csv *csv)
{
    struct org *org = work->org;
    struct batch *batch = &org->batch;
    bool kept = batch->bad_field_in_record;
    struct sfe_json json;
    struct sfe_error err;
    write_records(work, begin, end, csv);
    if (org_parse(org, buffer_slice(&work->json), &json, &err) != SFE_OK) {
        fail_job(work->job, "InvalidBatch", "a value has the wrong type");
        return;
    }
    batch->bad_field_in_record = true;
    batch_begin(batch, &json, end - begin);
    for (uint32_t record = sfe_json_first(&json, 0); record != SFE_JSON_NONE;
         record = sfe_json_next(&json, 0, record)) {
        read_one(work, record);
    }
    for (uint32_t i = 0; i < batch->count && work->job->key != NULL; i++) {
        draft_find(batch, &batch->drafts[i], work->job->key);
    }
    if (work->job->key != NULL) {
        batch_check_keys(batch, work->job->key);
    }
    batch_put(batch, false);
    batch->bad_field_in_record = kept;
    for (uint32_t i = batch->count; i > 0; i--) {
        open_row(work, begin + i - 1, csv);
        write_result(work, &batch->drafts[i - 1], csv);
    }
}

/* Where each row begins; false where the file is not what it must be. */
static bool find_rows(struct work *work, struct csv *csv)
{
    size_t begin = csv->at;
    while (next_row(csv)) {
        if (csv->is_wrong || csv->count != work->names.count) {
            fail_job(work->job, "InvalidBatch",
                     "The number of columns of a row does not match the header");
            return false;
        }
        note_row(work, begin);
        begin = csv->at;
        work->job->rows++;
    }
    if (csv->is_wrong) {
        fail_job(work->job, "InvalidBatch", "the last row does not end");
        return false;
    }
    note_row(work, begin);
    return true;
}

static void process_rows(struct work *work, uint64_t most, struct csv *csv)
{
    struct bulk_job *job = work->job;
    uint32_t end = job->rows;
    uint32_t left = most < job->rows ? (uint32_t)most : job->rows;
    while (left > 0) {
        uint32_t count = left < CHUNK_ROWS ? left : CHUNK_ROWS;
        process_chunk(work, end - count, end, csv);
        end -= count;
        left -= count;
    }
    for (uint32_t row = 0; row < end; row++) {
        open_row(work, row, csv);
        add_cells(csv, &job->unprocessed.text);
        end_line(&job->unprocessed);
    }
}

void bulk_process(struct org *org, struct bulk_job *job, uint64_t most)
{
    struct csv csv = {.bytes = job->csv.bytes, .size = job->csv.size};
    struct work work = {.org = org, .job = job};
    job->state = BULK_JOB_COMPLETE;
    if (read_header(&csv, job, &work.names)) {
        begin_file(&job->successes, "\"sf__Id\",\"sf__Created\"", &work.names);
        begin_file(&job->failures, "\"sf__Id\",\"sf__Error\"", &work.names);
        begin_file(&job->unprocessed, "", &work.names);
        if (find_rows(&work, &csv)) {
            process_rows(&work, most, &csv);
        }
    }
    buffer_close(&csv.text);
    buffer_close(&work.names.text);
    buffer_close(&work.rows);
    buffer_close(&work.json);
}
