#include "sim/org_parts.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_NS_MAX   4000000000u
#define ROW_NS_MAX    200000000u
#define ROWS_AT_ONCE  8u
#define PAGE_ROWS_MAX 24u
#define COLUMNS_MAX   16u

static const char *state_name(enum job_state state)
{
    static const char *const names[] = {"Open",        "UploadComplete", "InProgress",
                                        "JobComplete", "Failed",         "Aborted"};

    return names[state];
}

static void drop_job(struct job *job)
{
    free(job->csv);
    free(job->rows);
    memset(job, 0, sizeof(*job));
    job->csv = NULL;
    job->rows = NULL;
}

static struct job *find_job(struct sim_org *org, struct sfe_slice id)
{
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &org->jobs[i];
        if (job->id[0] != '\0' && sfe_slice_equal(sfe_slice_text(job->id), id)) {
            return job;
        }
    }
    return NULL;
}

/* Jobs that nobody deletes end one day; here the oldest makes room. */
static struct job *make_job(struct sim_org *org)
{
    struct job *made = &org->jobs[0];

    for (uint32_t i = 0; i < JOBS_MAX && made->id[0] != '\0'; i++) {
        struct job *job = &org->jobs[i];
        made = job->id[0] == '\0' || job->made < made->made ? job : made;
    }
    drop_job(made);
    made->made = ++org->jobs_made;
    made->life = org->life;
    (void)snprintf(made->id, sizeof(made->id), "7505e%010uAAA", (unsigned)made->made);
    return made;
}

static void describe(const struct job *job, struct sfe_builder *out)
{
    sfe_builder_format(out, "{\"id\":\"%s\",\"state\":\"%s\"", job->id, state_name(job->state));
    if (job->state == JOB_FAILED) {
        sfe_builder_add_text(out, ",\"errorMessage\":\"InternalServerError : the job is lost\"");
    }
    sfe_builder_add_text(out, "}");
}

static uint16_t refuse(const char *code, struct sfe_builder *out)
{
    sfe_builder_format(out, "[{\"errorCode\":\"%s\",\"message\":\"simulated\"}]", code);
    return 400;
}

/* Column `wanted` of a line; lines here have no quotes. */
static struct sfe_slice cell_of(struct sfe_slice line, uint32_t wanted)
{
    uint32_t column = 0;
    size_t begin = 0;

    for (size_t at = 0; at <= line.size; at++) {
        if (at < line.size && line.bytes[at] != ',') {
            SFE_ASSERT(line.bytes[at] != '"');
            continue;
        }
        if (column == wanted) {
            return sfe_slice_part(line, begin, at - begin);
        }
        column++;
        begin = at + 1;
    }
    return sfe_slice_make(NULL, 0);
}

static uint32_t column_of(struct sfe_slice header, const char *name)
{
    uint32_t column = 0;

    while (column < COLUMNS_MAX &&
           !sfe_slice_equal(cell_of(header, column), sfe_slice_text(name))) {
        column++;
    }
    SFE_ASSERT(column < COLUMNS_MAX);
    return column;
}

static struct sfe_slice line_at(const struct job *job, size_t begin)
{
    size_t end = begin;

    while (end < job->csv_size && job->csv[end] != '\n') {
        end++;
    }
    SFE_ASSERT(end < job->csv_size); /* Each line ends. */
    return sfe_slice_make(job->csv + begin, end - begin);
}

/* Finds the rows, and draws the order in which they are processed: none is promised. */
static void read_rows(struct sim_org *org, struct job *job)
{
    const struct sfe_slice header = line_at(job, 0);
    const uint32_t id_column = column_of(header, org->options.external_id);
    const bool has_value = org->options.value != NULL;
    const uint32_t value_column = has_value ? column_of(header, org->options.value) : 0;
    size_t begin = header.size + 1;

    job->rows = calloc(job->csv_size / 2u + 1u, sizeof(*job->rows));
    SFE_ASSERT(job->rows != NULL);
    while (begin < job->csv_size) {
        const struct sfe_slice line = line_at(job, begin);
        struct job_row row = {.begin = begin, .size = line.size};
        row.number = org_number_of(cell_of(line, id_column));
        row.value = has_value ? org_whole_number(cell_of(line, value_column)) : row.number;
        for (uint32_t i = 0; i < job->row_count; i++) {
            SFE_ASSERT(job->rows[i].number != row.number); /* Once in a job. */
        }
        const uint32_t place = sim_random_below(&org->random, job->row_count + 1u);
        job->rows[job->row_count++] = job->rows[place];
        job->rows[place] = row;
        begin += line.size + 1;
    }
}

static void queue(struct sim_org *org, struct job *job)
{
    static const enum job_state ends[] = {JOB_FAILED, JOB_ABORTED};

    read_rows(org, job);
    job->state = JOB_QUEUED;
    job->end = JOB_COMPLETE;
    job->end_after = job->row_count;
    job->left_ns = sim_random_below(&org->random, WAIT_NS_MAX);
    if (sim_random_chance(&org->random, 2u * org->trouble_permille)) {
        job->has_locks = sim_random_chance(&org->random, 500);
        job->end = ends[sim_random_below(&org->random, 2)];
        job->end_after = sim_random_below(&org->random, job->row_count + 1u);
    }
}

static void process(struct sim_org *org, struct job *job)
{
    org->is_old_work = job->life != org->life;
    for (uint32_t n = 0; n < ROWS_AT_ONCE && job->processed < job->end_after; n++) {
        struct job_row *row = &job->rows[job->processed++];
        row->error = org_upsert(org, job->has_locks, row->number, row->value);
        row->is_processed = true;
    }
    org->is_old_work = false;
    if (job->processed == job->end_after) {
        job->state = job->end;
        org->jobs_processed++;
    }
}

void org_bulk_advance(struct sim_org *org)
{
    const uint64_t now_ns = org->options.world->now_ns;
    const uint64_t passed_ns = now_ns > org->seen_ns ? now_ns - org->seen_ns : 0;

    org->seen_ns = now_ns; /* After a boot it begins anew. */
    org_events_advance(org, passed_ns);
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &org->jobs[i];
        if (job->state != JOB_QUEUED && job->state != JOB_RUNNING) {
            continue;
        }
        job->left_ns -= passed_ns < job->left_ns ? passed_ns : job->left_ns;
        if (job->left_ns > 0) {
            continue;
        }
        job->left_ns = 1u + sim_random_below(&org->random, ROW_NS_MAX);
        if (job->state == JOB_QUEUED) {
            job->state = JOB_RUNNING;
        } else {
            process(org, job);
        }
    }
}

static uint16_t create(struct sim_org *org, const struct exchange *exchange,
                       struct sfe_builder *out)
{
    if (exchange->fate == FATE_LOCKED) {
        return refuse("EXCEEDED_QUOTA", out);
    }
    describe(make_job(org), out);
    return 200;
}

/* A second upload is taken, and spoils the job. */
static uint16_t upload(struct job *job, const struct exchange *exchange, struct sfe_builder *out)
{
    if (job->state != JOB_OPEN) {
        return refuse("INVALIDJOBSTATE", out);
    }
    free(job->csv);
    job->csv = malloc(exchange->body_size + 1u);
    SFE_ASSERT(job->csv != NULL);
    memcpy(job->csv, exchange->body, exchange->body_size);
    job->csv_size = exchange->body_size;
    job->uploads++;
    return 201;
}

static uint16_t change(struct sim_org *org, struct job *job, const struct exchange *exchange,
                       struct sfe_builder *out)
{
    const struct sfe_slice body = sfe_slice_make(exchange->body, exchange->body_size);

    if (sfe_slice_equal(body, SFE_TEXT("{\"state\":\"Aborted\"}"))) {
        if (job->state >= JOB_COMPLETE) {
            return refuse("INVALIDJOBSTATE", out);
        }
        job->state = JOB_ABORTED;
    } else {
        SFE_ASSERT(sfe_slice_equal(body, SFE_TEXT("{\"state\":\"UploadComplete\"}")));
        if (job->state != JOB_OPEN) {
            return refuse("INVALIDJOBSTATE", out);
        }
        SFE_ASSERT(job->uploads <= 1); /* The agent knows that a second one spoils it. */
        if (job->uploads != 1) {
            return refuse("INVALIDJOB", out);
        }
        queue(org, job);
    }
    describe(job, out);
    return 200;
}

static void add_result(const struct job *job, const struct job_row *row, struct sfe_builder *out)
{
    if (row->error == NULL) {
        sfe_builder_format(out, "\"a02%015u\",\"true\",", (unsigned)row->number);
    } else {
        sfe_builder_format(out, "\"\",\"%s:simulated:--\",", row->error);
    }
    sfe_builder_add(out, sfe_slice_make(job->csv + row->begin, row->size));
    sfe_builder_add_text(out, "\n");
}

/* A part of a result file, from the row on that the locator names. */
static uint16_t give_results(struct sim_org *org, const struct job *job, bool failed,
                             const char *url, struct sfe_builder *out, char locator[64])
{
    const char *from = strstr(url, "?locator=");
    const uint32_t first = from == NULL ? 0 : org_whole_number(sfe_slice_text(from + 9));
    const uint32_t most = 1u + sim_random_below(&org->random, PAGE_ROWS_MAX);
    uint32_t given = 0;
    uint32_t at = first;

    if (job->state < JOB_COMPLETE) {
        return refuse("INVALIDJOBSTATE", out);
    }
    if (job->csv_size == 0) {
        return 200; /* It was aborted before anything came. */
    }
    sfe_builder_add_text(out, failed ? "\"sf__Id\",\"sf__Error\"," : "\"sf__Id\",\"sf__Created\",");
    sfe_builder_add(out, line_at(job, 0));
    sfe_builder_add_text(out, "\n");
    for (; at < job->row_count && given < most; at++) {
        const struct job_row *row = &job->rows[at];
        if (row->is_processed && (row->error != NULL) == failed) {
            add_result(job, row, out);
            given++;
        }
    }
    (void)snprintf(locator, 64, at < job->row_count ? "%u" : "null", (unsigned)at);
    return 200;
}

static uint16_t job_call(struct sim_org *org, struct job *job, struct exchange *exchange,
                         const char *tail, struct sfe_builder *out, char locator[64])
{
    if (strcmp(tail, "/batches") == 0) {
        return upload(job, exchange, out);
    }
    if (strncmp(tail, "/successfulResults/", 19) == 0) {
        return give_results(org, job, false, tail, out, locator);
    }
    if (strncmp(tail, "/failedResults/", 15) == 0) {
        return give_results(org, job, true, tail, out, locator);
    }
    SFE_ASSERT(tail[0] == '\0');
    if (strcmp(exchange->method, "PATCH") == 0) {
        return change(org, job, exchange, out);
    }
    if (strcmp(exchange->method, "GET") == 0) {
        describe(job, out);
        return 200;
    }
    SFE_ASSERT(strcmp(exchange->method, "DELETE") == 0);
    if (job->state == JOB_OPEN || job->state == JOB_RUNNING) {
        return refuse("INVALIDJOBSTATE", out);
    }
    drop_job(job);
    return 204;
}

/* In bad times a job that is over may be gone before its results were read. */
static void expire(struct sim_org *org, struct job *job)
{
    if (job->state >= JOB_COMPLETE && sim_random_chance(&org->random, org->trouble_permille / 8u)) {
        drop_job(job);
    }
}

uint16_t org_bulk_act(struct sim_org *org, struct exchange *exchange, struct sfe_builder *out,
                      char locator[64])
{
    static const char place[] = "/jobs/ingest";
    const char *path = strstr(exchange->url, place) + sizeof(place) - 1;

    if (path[0] == '\0') {
        SFE_ASSERT(strcmp(exchange->method, "POST") == 0);
        return create(org, exchange, out);
    }
    const char *id = path + 1;
    const size_t size = strcspn(id, "/");
    struct job *job = find_job(org, sfe_slice_make(id, size));
    if (job != NULL) {
        expire(org, job);
    }
    if (job == NULL || job->id[0] == '\0') {
        (void)refuse("NOT_FOUND", out);
        return 404;
    }
    return job_call(org, job, exchange, id + size, out, locator);
}

void org_bulk_close(struct sim_org *org)
{
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        drop_job(&org->jobs[i]);
    }
}
