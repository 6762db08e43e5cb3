#include "bulk/parts.h"

#include "base/assert.h"
#include "base/json_writer.h"
#include "bulk/job_text.h"

#include <stdio.h>

#define SECOND_NS UINT64_C(1000000000)
/* Events measured in one turn: some tens of milliseconds. */
#define MEASURE_EVENTS 500u
#define PATH_BYTES     256u
#define REFILL_NS      (SECOND_NS / 5)

void bulk_enter(struct sfe_bulk *bulk, enum bulk_state state)
{
    bulk->state = state;
    bulk->failures = 0;
    bulk->due_ns = 0;
    bulk->polls = 0;
    bulk->locator[0] = '\0';
}

static void begin_batch(struct sfe_bulk *bulk)
{
    bulk_enter(bulk, BULK_MEASURE);
    bulk_file_begin(bulk);
    bulk->is_closed = false;
    bulk->begun_ns = sfe_org_now_ns(bulk->options.org);
    bulk->told = (struct bulk_job_answer){.state = BULK_JOB_OPEN};
}

static void measure(struct sfe_bulk *bulk)
{
    struct sfe_error err;
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < MEASURE_EVENTS && code == SFE_OK; i++) {
        code = bulk_file_next(bulk, &err);
    }
    if (code == SFE_OK) {
        return;
    }
    SFE_ASSERT(code == SFE_E_END);
    bulk->job_rows = bulk->file.rows;
    bulk->job_bytes = bulk->file.bytes;
    if (bulk->job_rows > 0) {
        bulk_enter(bulk, BULK_CREATE);
        return;
    }
    bulk->settled_rows = 0;
    bulk_results_close(bulk); /* Nothing to send for this map. */
    bulk_enter(bulk, BULK_IDLE);
}

/* Lets the number at `root` sink to its place in the heap of `count`. */
static void sink_down(uint64_t *numbers, uint32_t root, uint32_t count)
{
    while (2 * root + 1 < count) {
        uint32_t child = 2 * root + 1;
        if (child + 1 < count && numbers[child + 1] > numbers[child]) {
            child++;
        }
        if (numbers[root] >= numbers[child]) {
            return;
        }
        const uint64_t moved = numbers[root];
        numbers[root] = numbers[child];
        numbers[child] = moved;
        root = child;
    }
}

/* A heap sort: no memory, no recursion. What waited was offered after what came later. */
static void sort(uint64_t *numbers, uint32_t count)
{
    for (uint32_t root = count / 2; root > 0; root--) {
        sink_down(numbers, root - 1, count);
    }
    for (uint32_t end = count; end > 1; end--) {
        const uint64_t most = numbers[0];
        numbers[0] = numbers[end - 1];
        numbers[end - 1] = most;
        sink_down(numbers, 0, end - 1);
    }
}

static void note_job(struct sfe_bulk *bulk)
{
    struct sfe_bulk_journal *journal = bulk->options.journal;
    uint32_t count = 0;

    bulk->job.map = bulk->map;
    bulk->job.pass = bulk->pass;
    bulk_journal_begin(journal, &bulk->job);
    for (uint32_t i = 0; i < bulk->event_count; i++) {
        if (bulk->events[i].kind == SFE_VERDICT_DONE) {
            bulk->sequences[count++] = bulk->events[i].sequence;
        }
    }
    sort(bulk->sequences, count);
    for (uint32_t i = 0; i < count; i++) {
        bulk_journal_add(journal, bulk->sequences[i]);
    }
    bulk_journal_end(journal);
}

void bulk_job_add_text(const struct sfe_map *map, struct sfe_builder *out)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);

    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "object", sfe_slice_text(sfe_map_object(map)));
    sfe_json_put_text(&writer, "operation", SFE_TEXT("upsert"));
    sfe_json_put_text(&writer, "externalIdFieldName",
                      sfe_slice_text(sfe_map_external_id_field(map)));
    sfe_json_put_text(&writer, "contentType", SFE_TEXT("CSV"));
    sfe_json_put_text(&writer, "lineEnding", SFE_TEXT("LF"));
    sfe_json_put_text(&writer, "columnDelimiter", SFE_TEXT("COMMA"));
    sfe_json_end_object(&writer);
}

static void write_body(struct sfe_bulk *bulk)
{
    sfe_builder_rewind(&bulk->body, 0);
    if (bulk->state == BULK_CREATE) {
        bulk_job_add_text(bulk->options.maps[bulk->map], &bulk->body);
    } else if (bulk->state == BULK_CLOSE) {
        sfe_builder_add_text(&bulk->body, "{\"state\":\"UploadComplete\"}");
    } else if (bulk->state == BULK_ABORT) {
        sfe_builder_add_text(&bulk->body, "{\"state\":\"Aborted\"}");
    }
    SFE_ASSERT(!bulk->body.overflowed);
}

static bool is_plain(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_' || byte == '.';
}

static void add_locator(const char *locator, struct sfe_builder *path)
{
    if (locator[0] == '\0') {
        return;
    }
    sfe_builder_add_text(path, "?locator=");
    for (; *locator != '\0'; locator++) {
        const uint8_t byte = (uint8_t)*locator;
        if (is_plain(byte)) {
            sfe_builder_add_byte(path, byte);
        } else {
            sfe_builder_add_byte(path, '%');
            sfe_builder_add_hex(path, sfe_slice_make(&byte, 1));
        }
    }
}

static const char *method_of(enum bulk_state state)
{
    switch (state) {
    case BULK_CREATE:
        return "POST";
    case BULK_UPLOAD:
        return "PUT";
    case BULK_CLOSE:
    case BULK_ABORT:
        return "PATCH";
    case BULK_DELETE:
        return "DELETE";
    default:
        return "GET";
    }
}

static const char *tail_of(enum bulk_state state)
{
    switch (state) {
    case BULK_UPLOAD:
        return "/batches";
    case BULK_SUCCESSES:
        return "/successfulResults/";
    case BULK_FAILURES:
        return "/failedResults/";
    default:
        return "";
    }
}

static void write_path(const struct sfe_bulk *bulk, char path[PATH_BYTES])
{
    struct sfe_builder out = sfe_builder_make(path, PATH_BYTES - 1);

    sfe_builder_format(&out, "/services/data/%s/jobs/ingest",
                       sfe_org_api_version(bulk->options.org));
    if (bulk->state != BULK_CREATE) {
        sfe_builder_add_text(&out, "/");
        sfe_builder_add_text(&out, bulk->job.id);
        sfe_builder_add_text(&out, tail_of(bulk->state));
        add_locator(bulk->locator, &out);
    }
    SFE_ASSERT(!out.overflowed);
    path[out.size] = '\0';
}

static void prepare(struct sfe_bulk *bulk, struct sfe_org_request *request)
{
    write_body(bulk);
    request->body = sfe_builder_slice(&bulk->body);
    if (bulk->state == BULK_UPLOAD) {
        bulk_file_begin(bulk);
        bulk->upload.size = bulk->job_bytes;
        request->upload = &bulk->upload;
        request->content_type = "text/csv; charset=UTF-8";
        request->stream_bytes = bulk->job_bytes;
    } else if (bulk->state == BULK_SUCCESSES || bulk->state == BULK_FAILURES) {
        bulk_results_begin(&bulk->results, sfe_map_external_id_field(bulk->options.maps[bulk->map]),
                           bulk_take_result, bulk);
        request->sink = &bulk->sink;
        request->stream_bytes = BULK_BYTES_MAX;
    }
}

/* Begins the exchange of the state. */
static uint64_t call(struct sfe_bulk *bulk, uint64_t now_ns)
{
    char path[PATH_BYTES];
    struct sfe_error err;
    struct sfe_org_request request = {.method = method_of(bulk->state),
                                      .path = path,
                                      .answer_body = &bulk->answer_body,
                                      .owner = &bulk->owner,
                                      .need = bulk->options.need};

    write_path(bulk, path);
    prepare(bulk, &request);
    bulk->is_under_way = true;
    enum sfe_code code = sfe_org_begin(bulk->options.org, &request, &err);
    if (code == SFE_OK) {
        sfe_mutex_lock(bulk->mutex);
        bulk->facts.calls++;
        sfe_mutex_unlock(bulk->mutex);
        return UINT64_MAX;
    }
    bulk->is_under_way = false;
    return code == SFE_E_AGAIN ? UINT64_MAX : now_ns + SECOND_NS;
}

/* What needs no exchange; false: the state needs one. */
static bool step_alone(struct sfe_bulk *bulk)
{
    struct sfe_bulk_journal *journal = bulk->options.journal;

    switch (bulk->state) {
    case BULK_IDLE:
        if (bulk->is_sent) {
            begin_batch(bulk);
        }
        return true;
    case BULK_MEASURE:
        measure(bulk);
        return true;
    case BULK_NOTE:
        if (bulk_journal_is_durable(journal)) {
            bulk_enter(bulk, BULK_UPLOAD);
        }
        return true;
    case BULK_FORGET:
        if (bulk_journal_is_durable(journal)) {
            bulk->job.id[0] = '\0';
            bulk_enter(bulk, BULK_IDLE);
        }
        return true;
    case BULK_REFILL:
        return true;
    default:
        return false;
    }
}

uint64_t bulk_step(struct sfe_bulk *bulk, uint64_t now_ns)
{
    const enum bulk_state before = bulk->state;

    if (bulk->is_under_way || bulk->is_leaving) {
        return UINT64_MAX;
    }
    if (now_ns < bulk->due_ns) {
        return bulk->due_ns;
    }
    if (!step_alone(bulk)) {
        return call(bulk, now_ns);
    }
    if (bulk->state == BULK_REFILL) {
        return now_ns + REFILL_NS; /* It ends within an offer, of which nobody tells. */
    }
    return bulk->state != before || bulk->state == BULK_MEASURE ? now_ns : UINT64_MAX;
}

void bulk_note(struct sfe_bulk *bulk)
{
    note_job(bulk);
    bulk_enter(bulk, BULK_NOTE);
}

void bulk_forget(struct sfe_bulk *bulk)
{
    bulk_journal_begin(bulk->options.journal, NULL);
    bulk_journal_end(bulk->options.journal);
    bulk_enter(bulk, BULK_FORGET);
}
