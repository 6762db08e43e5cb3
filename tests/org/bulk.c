#include "bulk.h"

#include <stdio.h>
#include <stdlib.h>

#include "org.h"
#include "sessions.h"

static const char *const STATES[BULK_STATES] = {"Open",        "UploadComplete", "InProgress",
                                                "JobComplete", "Failed",         "Aborted"};

const char *bulk_state_name(enum bulk_state state)
{
    return STATES[state];
}

static bool is_over(const struct bulk_job *job)
{
    return job->state >= BULK_JOB_COMPLETE;
}

static void change(struct bulk_job *job, enum bulk_state state)
{
    job->state = state;
    job->changed_ms = clock_monotonic_ms();
}

static void run_job(struct org *org, struct bulk_job *job)
{
    const struct bulk *bulk = &org->bulk;
    uint64_t most = bulk->fail_after < bulk->abort_after ? bulk->fail_after : bulk->abort_after;
    bulk_process(org, job, most);
    if (job->state != BULK_JOB_COMPLETE || most >= job->rows) {
        return;
    }
    job->state = bulk->fail_after <= bulk->abort_after ? BULK_FAILED : BULK_ABORTED;
    if (job->state == BULK_FAILED) {
        (void)snprintf(job->message, sizeof job->message,
                       "TooManyRetries : Retry count exceeded 20 for query processing");
    }
}

void bulk_advance(struct org *org)
{
    struct bulk *bulk = &org->bulk;
    uint64_t now_ms = clock_monotonic_ms();
    for (uint32_t i = 0; i < bulk->count; i++) {
        struct bulk_job *job = &bulk->jobs[i];
        if (job->state == BULK_UPLOAD_COMPLETE && bulk->hold != BULK_UPLOAD_COMPLETE &&
            now_ms >= job->changed_ms + bulk->queue_ms) {
            change(job, BULK_IN_PROGRESS);
        }
        if (job->state == BULK_IN_PROGRESS && bulk->hold != BULK_IN_PROGRESS &&
            now_ms >=
                job->changed_ms + bulk->run_ms + faults_records_ms(&org->faults, job->lines)) {
            run_job(org, job);
        }
    }
}

static void describe_job(const struct bulk_job *job, uint32_t version, struct buffer *out)
{
    buffer_format(out, "{\"id\":\"%s\",\"operation\":\"%s\",\"object\":\"%s\",\"state\":\"%s\",",
                  job->id, job->key == NULL ? "update" : "upsert", job->object->name,
                  STATES[job->state]);
    if (job->key != NULL) {
        buffer_format(out, "\"externalIdFieldName\":\"%s\",", job->key->name);
    }
    buffer_format(out,
                  "\"concurrencyMode\":\"Parallel\",\"contentType\":\"CSV\",\"apiVersion\":%u.0,"
                  "\"contentUrl\":\"services/data/v%u.0/jobs/ingest/%s/batches\",",
                  version, version, job->id);
    buffer_format(out,
                  "\"lineEnding\":\"LF\",\"columnDelimiter\":\"COMMA\",\"jobType\":\"V2Ingest\","
                  "\"numberRecordsProcessed\":%u,\"numberRecordsFailed\":%u",
                  job->processed, job->failed);
    if (job->message[0] != '\0') {
        buffer_add_text(out, ",\"errorMessage\":");
        buffer_add_json(out, sfe_slice_text(job->message));
    }
    buffer_add_text(out, "}");
}

static struct sfe_slice member_text(const struct call *call, struct sfe_slice name)
{
    uint32_t token =
        call->body == SFE_JSON_NONE ? SFE_JSON_NONE : sfe_json_member(call->json, call->body, name);
    return token == SFE_JSON_NONE || sfe_json_kind(call->json, token) != SFE_JSON_STRING
               ? sfe_slice_make(NULL, 0)
               : sfe_json_raw(call->json, token);
}

static bool is_word(const struct call *call, struct sfe_slice name, struct sfe_slice wanted)
{
    return sfe_slice_equal(member_text(call, name), wanted);
}

/* What is left out, or null, has its documented default. */
static bool is_word_or_default(const struct call *call, struct sfe_slice name,
                               struct sfe_slice fallback)
{
    uint32_t token =
        call->body == SFE_JSON_NONE ? SFE_JSON_NONE : sfe_json_member(call->json, call->body, name);
    return token == SFE_JSON_NONE || sfe_json_kind(call->json, token) == SFE_JSON_NULL ||
           is_word(call, name, fallback);
}

static void add_job(struct org *org, struct call *call, struct object *object,
                    const struct field *key)
{
    struct bulk *bulk = &org->bulk;
    bulk->jobs = memory_grow(bulk->jobs, (bulk->count + 1) * sizeof *bulk->jobs);
    struct bulk_job *job = &bulk->jobs[bulk->count++];
    memset(job, 0, sizeof *job);
    (void)snprintf(job->id, sizeof job->id, "7505e%010uAAA",
                   (unsigned)++bulk->created % 1000000000u);
    job->object = object;
    job->key = key;
    change(job, BULK_OPEN);
    describe_job(job, call->version, call->out);
}

static void create_job(struct org *org, struct call *call)
{
    bool is_update = is_word(call, SFE_TEXT("operation"), SFE_TEXT("update"));
    struct bulk *bulk = &org->bulk;
    struct object *object = schema_object(&org->schema, member_text(call, SFE_TEXT("object")));
    const struct field *key =
        object == NULL ? NULL
                       : schema_field(object, member_text(call, SFE_TEXT("externalIdFieldName")));
    if (bulk->refuse_jobs > 0) {
        bulk->refuse_jobs--;
        call_error(call, 400, "EXCEEDED_QUOTA", "ApiBatchItems Limit exceeded.");
    } else if (bulk->count == BULK_JOBS_MAX || object == NULL) {
        call_error(call, 400, "INVALIDENTITY", "Entity is not supported by the Bulk API");
    } else if (!is_update && (key == NULL || !key->external_id)) {
        call_error(call, 400, "INVALIDJOB",
                   "Field name provided, x does not match an External ID, Salesforce Id, or "
                   "indexed field");
    } else if (!(is_update || is_word(call, SFE_TEXT("operation"), SFE_TEXT("upsert"))) ||
               !is_word_or_default(call, SFE_TEXT("contentType"), SFE_TEXT("CSV")) ||
               !is_word_or_default(call, SFE_TEXT("lineEnding"), SFE_TEXT("LF")) ||
               !is_word_or_default(call, SFE_TEXT("columnDelimiter"), SFE_TEXT("COMMA"))) {
        call_error(call, 400, "INVALIDJOB", "sfedge-org knows upsert and update of CSV, LF, COMMA");
    } else {
        add_job(org, call, object, is_update ? NULL : key);
    }
}

static struct bulk_job *find_job(struct org *org, struct sfe_slice id)
{
    for (uint32_t i = 0; i < org->bulk.count; i++) {
        struct bulk_job *job = &org->bulk.jobs[i];
        if (!job->is_deleted && sfe_slice_equal(sfe_slice_text(job->id), id)) {
            return job;
        }
    }
    return NULL;
}

/* A second one is taken, and spoils the job. */
static void upload(struct call *call, struct bulk_job *job)
{
    if (call->method != HTTP_PUT) {
        call_error(call, 405, "METHOD_NOT_ALLOWED", "HTTP method not allowed. Allowed are PUT");
    } else if (!call->is_csv) {
        call_error(call, 415, "UNSUPPORTED_MEDIA_TYPE", "Content type is not CSV");
    } else if (job->state != BULK_OPEN) {
        call_error(call, 400, "INVALIDJOBSTATE", "Job is not open");
    } else {
        job->csv.size = 0;
        buffer_add(&job->csv, call->raw);
        job->lines = 0;
        for (size_t i = 0; i < call->raw.size; i++) {
            job->lines += call->raw.bytes[i] == '\n';
        }
        job->puts++;
        call->status = 201;
    }
}

static void close_job(struct org *org, struct call *call, struct bulk_job *job)
{
    if (job->state != BULK_OPEN) {
        call_error(call, 400, "INVALIDJOBSTATE", "Invalid state transition: %s to UploadComplete",
                   STATES[job->state]);
    } else if (job->puts != 1) {
        org->bulk.spoilt++;
        call_error(call, 400, "INVALIDJOB",
                   job->puts == 0 ? "There is no content for job: <%s>"
                                  : "Found multiple contents for job: <%s>, please 'Close' / "
                                    "'Abort' / 'Delete' the current Job then create a new Job and "
                                    "make sure you only do 'PUT' once on a given Job.",
                   job->id);
    } else {
        change(job, BULK_UPLOAD_COMPLETE);
        describe_job(job, call->version, call->out);
    }
}

/* What is under way is processed in half. */
static void abort_job(struct org *org, struct call *call, struct bulk_job *job)
{
    if (is_over(job)) {
        call_error(call, 400, "INVALIDJOBSTATE", "Invalid state transition: %s to Aborted",
                   STATES[job->state]);
        return;
    }
    if (job->state == BULK_IN_PROGRESS) {
        bulk_process(org, job, 5000);
    }
    change(job, BULK_ABORTED);
    describe_job(job, call->version, call->out);
}

static void job_call(struct org *org, struct call *call, struct bulk_job *job)
{
    if (call->method == HTTP_GET) {
        describe_job(job, call->version, call->out);
    } else if (call->method == HTTP_DELETE) {
        if (job->state == BULK_OPEN || job->state == BULK_IN_PROGRESS) {
            call_error(call, 400, "INVALIDJOBSTATE", "Job cannot be deleted in this state");
            return;
        }
        job->is_deleted = true;
        call->status = 204;
    } else if (call->method == HTTP_PATCH &&
               is_word(call, SFE_TEXT("state"), SFE_TEXT("UploadComplete"))) {
        close_job(org, call, job);
    } else if (call->method == HTTP_PATCH &&
               is_word(call, SFE_TEXT("state"), SFE_TEXT("Aborted"))) {
        abort_job(org, call, job);
    } else {
        call_error(call, 400, "INVALIDJOB", "the state is UploadComplete or Aborted");
    }
}

static size_t end_of(const struct bulk_file *file, uint64_t row)
{
    size_t end = 0;
    memcpy(&end, file->ends.bytes + row * sizeof end, sizeof end);
    return end;
}

/* A part of a result file, with its header. */
static void give_file(struct org *org, struct call *call, const struct bulk_file *file)
{
    struct sfe_slice text = {NULL, 0};
    uint64_t first = 0;
    call->content_type = "text/csv";
    uint64_t rows = file->ends.size / sizeof(size_t);
    if (rows == 0) {
        return;
    }
    rows--;
    if (form_value(call->query, SFE_TEXT("locator"), &text)) {
        for (size_t i = 0; i < text.size && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
            first = first * 10 + (uint64_t)(text.bytes[i] - '0');
        }
    }
    first = first > rows ? rows : first;
    uint64_t page = org->bulk.page == 0 ? rows : org->bulk.page;
    uint64_t last = page < rows - first ? first + page : rows;
    size_t header = end_of(file, 0);
    buffer_add(call->out, sfe_slice_make(file->text.bytes, header));
    size_t begin = end_of(file, first);
    buffer_add(call->out, sfe_slice_make(file->text.bytes + begin, end_of(file, last) - begin));
    if (org->bulk.page != 0) {
        (void)snprintf(call->locator, sizeof call->locator, last < rows ? "%llu" : "null",
                       (unsigned long long)last);
    }
}

static void results(struct org *org, struct call *call, const struct bulk_job *job,
                    struct sfe_slice what)
{
    if (call->method != HTTP_GET) {
        call_error(call, 405, "METHOD_NOT_ALLOWED", "HTTP method not allowed. Allowed are GET");
    } else if (!is_over(job)) {
        call_error(call, 400, "INVALIDJOBSTATE", "Job is not finished");
    } else if (sfe_slice_equal(what, SFE_TEXT("successfulResults"))) {
        give_file(org, call, &job->successes);
    } else if (sfe_slice_equal(what, SFE_TEXT("failedResults"))) {
        give_file(org, call, &job->failures);
    } else if (sfe_slice_equal(what, SFE_TEXT("unprocessedrecords"))) {
        give_file(org, call, &job->unprocessed);
    } else {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    }
}

void bulk_call(struct org *org, struct call *call, struct sfe_slice rest)
{
    struct sfe_slice id = split_first(&rest, '/');
    struct bulk_job *job = find_job(org, id);
    if (id.size == 0) {
        if (call->method == HTTP_POST) {
            create_job(org, call);
        } else {
            call_error(call, 405, "METHOD_NOT_ALLOWED", "sfedge-org does not list jobs");
        }
    } else if (job == NULL) {
        call_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    } else if (rest.size == 0) {
        job_call(org, call, job);
    } else if (sfe_slice_equal(rest, SFE_TEXT("batches"))) {
        upload(call, job);
    } else {
        results(org, call, job, rest);
    }
}

void bulk_close(struct bulk *bulk)
{
    for (uint32_t i = 0; i < bulk->count; i++) {
        struct bulk_job *job = &bulk->jobs[i];
        struct bulk_file *files[] = {&job->successes, &job->failures, &job->unprocessed};
        buffer_close(&job->csv);
        for (unsigned file = 0; file < 3; file++) {
            buffer_close(&files[file]->text);
            buffer_close(&files[file]->ends);
        }
    }
    free(bulk->jobs);
}

static bool read_number(const struct sfe_json *json, uint32_t token, uint64_t *number)
{
    struct sfe_slice raw = sfe_json_raw(json, token);
    if (sfe_json_kind(json, token) != SFE_JSON_NUMBER) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] < '0' || raw.bytes[i] > '9') {
            return false;
        }
        *number = *number * 10 + (uint64_t)(raw.bytes[i] - '0');
    }
    return true;
}

static bool read_hold(const struct sfe_json *json, uint32_t token, enum bulk_state *hold)
{
    for (uint32_t i = 0; i < BULK_STATES; i++) {
        if (sfe_json_kind(json, token) == SFE_JSON_STRING &&
            sfe_json_text_equal(json, token, sfe_slice_text(STATES[i]))) {
            *hold = (enum bulk_state)i;
            return true;
        }
    }
    return false;
}

static bool read_setting(struct bulk *bulk, const struct sfe_json *json, uint32_t key)
{
    const struct {
        struct sfe_slice name;
        uint64_t *number;
    } numbers[] = {
        {SFE_TEXT("queue_ms"), &bulk->queue_ms},
        {SFE_TEXT("run_ms"), &bulk->run_ms},
        {SFE_TEXT("fail_after"), &bulk->fail_after},
        {SFE_TEXT("page"), &bulk->page},
        {SFE_TEXT("abort_after"), &bulk->abort_after},
        {SFE_TEXT("refuse_jobs"), &bulk->refuse_jobs},
    };
    if (sfe_json_text_equal(json, key, SFE_TEXT("hold"))) {
        return read_hold(json, key + 1, &bulk->hold);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (sfe_json_text_equal(json, key, numbers[i].name)) {
            return read_number(json, key + 1, numbers[i].number);
        }
    }
    return false;
}

void bulk_control_set(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct bulk *bulk = &org->bulk;
    struct sfe_json json;
    struct sfe_error err;
    bool is_right = org_parse(org, request->body, &json, &err) == SFE_OK &&
                    sfe_json_kind(&json, 0) == SFE_JSON_OBJECT;
    bulk->queue_ms = 0;
    bulk->run_ms = 0;
    bulk->hold = BULK_STATES;
    bulk->fail_after = BULK_NEVER;
    bulk->abort_after = BULK_NEVER;
    bulk->page = 0;
    bulk->refuse_jobs = 0;
    for (uint32_t key = is_right ? sfe_json_first(&json, 0) : SFE_JSON_NONE;
         key != SFE_JSON_NONE && is_right; key = sfe_json_next(&json, 0, key)) {
        is_right = read_setting(bulk, &json, key);
    }
    reply->status = is_right ? 200 : 400;
    buffer_add_text(&reply->body, is_right ? "{\"done\":true}\n"
                                           : "{\"error\":\"queue_ms run_ms hold fail_after "
                                             "abort_after page refuse_jobs\"}\n");
}

void bulk_control_get(struct org *org, const struct http_request *request, struct reply *reply)
{
    const struct bulk *bulk = &org->bulk;
    (void)request;
    bulk_advance(org);
    reply->status = 200;
    buffer_format(&reply->body, "{\"created\":%llu,\"spoilt\":%llu,\"jobs\":[",
                  (unsigned long long)bulk->created, (unsigned long long)bulk->spoilt);
    for (uint32_t i = 0; i < bulk->count; i++) {
        const struct bulk_job *job = &bulk->jobs[i];
        buffer_format(&reply->body,
                      "%s{\"id\":\"%s\",\"object\":\"%s\",\"state\":\"%s\",\"rows\":%u,"
                      "\"processed\":%u,\"failed\":%u,\"puts\":%u,\"deleted\":%s,\"message\":",
                      i == 0 ? "" : ",", job->id, job->object->name, STATES[job->state], job->rows,
                      job->processed, job->failed, job->puts, job->is_deleted ? "true" : "false");
        buffer_add_json(&reply->body, sfe_slice_text(job->message));
        buffer_add_text(&reply->body, "}");
    }
    buffer_add_text(&reply->body, "]}\n");
}
