#include "bulk/parts.h"

#include "base/assert.h"
#include "base/backoff.h"
#include "salesforce/rest.h"
#include "salesforce/verdict.h"

#define SECOND_NS UINT64_C(1000000000)
/* Polls: 1 s after the close, then twice as long each time. */
#define POLL_NS_MAX     (60 * SECOND_NS)
#define AGAIN_NS_MAX    (60 * SECOND_NS)
#define RETRY_AFTER_MAX 86400
/* Answers that are no result files, or a job that stays open however often it is closed. */
#define ODD_MAX 8u
/* An end that is not acknowledged: the org drops the job by itself after 7 days. */
#define DELETE_MAX 5u
/* As for Collections: some of the allowance comes back all the time. */
#define QUOTA_PAUSE_S 900

static bool read_state(const struct sfe_json *json, uint32_t token, enum bulk_job_state *state)
{
    static const struct {
        const char *name;
        enum bulk_job_state state;
    } names[] = {
        {"Open", BULK_JOB_OPEN},          {"UploadComplete", BULK_JOB_QUEUED},
        {"InProgress", BULK_JOB_RUNNING}, {"JobComplete", BULK_JOB_COMPLETE},
        {"Failed", BULK_JOB_FAILED},      {"Aborted", BULK_JOB_ABORTED},
    };

    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_STRING) {
        return false;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (sfe_json_text_equal(json, token, sfe_slice_text(names[i].name))) {
            *state = names[i].state;
            return true;
        }
    }
    return false;
}

/* An id goes into paths: letters and digits, as all Ids are. */
static bool read_id(const struct sfe_json *json, uint32_t token, char id[SFE_BULK_JOB_ID_BYTES])
{
    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_STRING) {
        return false;
    }
    struct sfe_slice raw = sfe_json_raw(json, token);
    if (raw.size == 0 || raw.size >= SFE_BULK_JOB_ID_BYTES) {
        return false;
    }
    for (size_t i = 0; i < raw.size; i++) {
        const uint8_t byte = raw.bytes[i];
        bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= 'a' && byte <= 'z');
        if (!is_plain) {
            return false;
        }
    }
    memset(id, 0, SFE_BULK_JOB_ID_BYTES);
    memcpy(id, raw.bytes, raw.size);
    return true;
}

static void read_message(const struct sfe_json *json, uint32_t token, char *text, size_t capacity)
{
    uint8_t memory[256];
    struct sfe_builder plain = sfe_builder_make(memory, sizeof(memory));

    text[0] = '\0';
    if (token == SFE_JSON_NONE || sfe_json_kind(json, token) != SFE_JSON_STRING) {
        return;
    }
    sfe_json_add_text(json, token, &plain);
    if (plain.size == 0) {
        sfe_builder_rewind(&plain, 0);
        sfe_builder_add(&plain, sfe_slice_part(sfe_json_raw(json, token), 0, sizeof(memory)));
    }
    sfe_printable(text, capacity, sfe_builder_slice(&plain));
}

enum sfe_code bulk_read_job(struct sfe_slice body, struct sfe_json_token *tokens, uint32_t capacity,
                            struct bulk_job_answer *job, struct sfe_error *err)
{
    struct sfe_json json;

    if (sfe_json_parse(body, 0, tokens, capacity, &json, err) != SFE_OK ||
        sfe_json_kind(&json, 0) != SFE_JSON_OBJECT) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer does not describe a job");
    }
    if (!read_id(&json, sfe_json_member(&json, 0, SFE_TEXT("id")), job->id) ||
        !read_state(&json, sfe_json_member(&json, 0, SFE_TEXT("state")), &job->state)) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the job has no id, or a state that is none");
    }
    read_message(&json, sfe_json_member(&json, 0, SFE_TEXT("errorMessage")), job->message,
                 sizeof(job->message));
    return SFE_OK;
}

static uint64_t random_of(const struct sfe_bulk *bulk)
{
    const struct sfe_entropy *entropy = bulk->options.entropy;
    struct sfe_error err;
    uint64_t random = 0;

    if (entropy->fill(entropy->context, &random, sizeof(random), &err) != SFE_OK) {
        random = sfe_org_now_ns(bulk->options.org);
    }
    return random;
}

/* The same again, later. A time-out is never a verdict. */
static void again(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    int64_t wait_s = answer->retry_after_s;

    bulk->failures++;
    uint64_t delay_ns = sfe_backoff_ns(bulk->failures, SECOND_NS, AGAIN_NS_MAX, random_of(bulk));
    wait_s = wait_s > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : wait_s;
    if (wait_s > 0 && (uint64_t)wait_s * SECOND_NS > delay_ns) {
        delay_ns = (uint64_t)wait_s * SECOND_NS;
    }
    bulk->due_ns = sfe_org_now_ns(bulk->options.org) + delay_ns;
}

/* What a refused or failed call means, as the verdict table says; a used-up allowance pauses the
 * org. */
static enum sfe_retry decide(struct sfe_bulk *bulk, const struct sfe_http_answer *answer,
                             struct sfe_error *err)
{
    struct rest_error error = {.code = ""};
    struct sfe_slice body = sfe_builder_slice(&bulk->answer_body);
    struct sfe_org *org = bulk->options.org;

    if (answer->code != SFE_OK) {
        *err = answer->err;
        err->retry = SFE_RETRY_LATER;
        return err->retry;
    }
    if (rest_is_html(answer->content_type, body)) {
        (void)sfe_fail(err, SFE_E_PROTOCOL, "a page came instead of an answer (HTTP %u)",
                       (unsigned)answer->status);
        (void)sfe_error_api(err, answer->status, "", SFE_RETRY_LATER);
        return SFE_RETRY_LATER;
    }
    (void)rest_read_error(body, bulk->tokens, SFE_JSON_TOKENS_MAX, &error);
    enum sfe_retry retry =
        sfe_verdict_decide(SFE_SCOPE_REQUEST, answer->status, sfe_slice_text(error.code),
                           sfe_slice_text(error.message), 1, err);
    if (strcmp(error.code, "REQUEST_LIMIT_EXCEEDED") == 0 && retry == SFE_RETRY_AFTER_QUOTA) {
        int64_t pause_s = answer->retry_after_s > 0 ? answer->retry_after_s : QUOTA_PAUSE_S;
        pause_s = pause_s > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : pause_s;
        sfe_org_pause(org, sfe_org_now_ns(org) + (uint64_t)pause_s * SECOND_NS);
    }
    return retry;
}

/* A failure that will be tried again is told once. */
static void try_again(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    struct sfe_error err;

    (void)decide(bulk, answer, &err);
    if (bulk->failures == 0) {
        sfe_log_error(bulk->options.log, SFE_WARNING, "a call for a bulk job failed; tried again",
                      &err);
    }
    again(bulk, answer);
}

static bool is_done(const struct sfe_http_answer *answer)
{
    return answer->code == SFE_OK && answer->status >= 200 && answer->status < 300;
}

static bool is_gone(const struct sfe_http_answer *answer)
{
    return answer->code == SFE_OK && answer->status == 404;
}

/* Nobody knows what became of its rows: they go again, which changes nothing. */
static void lose_job(struct sfe_bulk *bulk)
{
    struct sfe_error err;

    SFE_LOG(bulk->options.log, SFE_WARNING, "a bulk job is gone; its events go again",
            sfe_text("output", bulk->options.name), sfe_text("job", bulk->job.id));
    if (bulk->is_sent) {
        (void)sfe_fail(&err, SFE_E_NOT_FOUND, "the bulk job is no longer in the org");
        err.retry = SFE_RETRY_LATER;
        bulk_finish(bulk, SFE_SLOT_AGAIN, &err, -1);
    }
    bulk->is_left = false;
    bulk->is_last_runs = false;
    bulk_forget(bulk);
}

/* There is no job yet: the output waits and tries again with what waits then. */
static void take_create(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    struct sfe_error err = {.code = SFE_OK};

    if (is_done(answer) && bulk_read_job(sfe_builder_slice(&bulk->answer_body), bulk->tokens,
                                         SFE_JSON_TOKENS_MAX, &bulk->told, &err) == SFE_OK) {
        memcpy(bulk->job.id, bulk->told.id, sizeof(bulk->job.id));
        SFE_LOG(bulk->options.log, SFE_INFO, "a bulk job begins",
                sfe_text("output", bulk->options.name), sfe_text("job", bulk->job.id),
                sfe_count("rows", bulk->job_rows), sfe_count("bytes", bulk->job_bytes));
        bulk_note(bulk);
        return;
    }
    if (answer->code == SFE_OK && answer->status == 401 && bulk->failures == 0) {
        bulk->failures++; /* Once more after the log-in. */
        return;
    }
    enum sfe_retry retry = SFE_RETRY_LATER;
    if (!is_done(answer)) {
        retry = decide(bulk, answer, &err);
    }
    if (retry == SFE_RETRY_LATER || retry == SFE_RETRY_LOCKED || retry == SFE_RETRY_AWAY ||
        retry == SFE_RETRY_AFTER_LOGIN) {
        bulk_finish(bulk, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
    } else {
        bulk_fail(bulk, retry == SFE_RETRY_AFTER_QUOTA ? SFE_SLOT_AGAIN : SFE_SLOT_STOPPED, &err,
                  answer->retry_after_s);
    }
    bulk_enter(bulk, BULK_IDLE);
}

/* Whatever is not a plain yes ends the job: what the org has of the upload is not known, and a
 * second one would spoil the job. It was never closed, so nothing of it is processed. */
static void take_upload(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    struct sfe_error err;

    if (is_done(answer)) {
        bulk_enter(bulk, BULK_CLOSE);
        return;
    }
    (void)decide(bulk, answer, &err);
    bulk_finish(bulk, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
    bulk_enter(bulk, BULK_ABORT);
}

static void poll_later(struct sfe_bulk *bulk)
{
    uint64_t delay_ns = bulk->polls < 6 ? SECOND_NS << bulk->polls : POLL_NS_MAX;

    bulk->polls++;
    bulk->failures = 0;
    bulk->due_ns = sfe_org_now_ns(bulk->options.org) + delay_ns;
}

/* Nobody may know whether the close arrived: the job's own state says. */
static void take_close(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    const uint32_t failures = bulk->failures + 1;

    if (is_gone(answer)) {
        lose_job(bulk);
        return;
    }
    bulk->is_closed = is_done(answer);
    bulk_enter(bulk, BULK_POLL);
    if (bulk->is_closed) {
        poll_later(bulk);
    } else {
        try_again(bulk, answer);
        bulk->failures = failures;
    }
}

static void begin_results(struct sfe_bulk *bulk)
{
    bulk_results_open(bulk);
    bulk_enter(bulk, BULK_SUCCESSES);
}

static void end_poll(struct sfe_bulk *bulk)
{
    SFE_LOG(bulk->options.log, SFE_INFO, "a bulk job has ended",
            sfe_text("output", bulk->options.name), sfe_text("job", bulk->job.id),
            sfe_text("state", bulk->facts.state), sfe_text("why", bulk->told.message));
    if (bulk->is_sent) {
        begin_results(bulk);
    } else {
        bulk_enter(bulk, bulk->is_last_runs ? BULK_REFILL : BULK_DELETE);
    }
}

/* It was never closed, as far as the org knows. One of the last run is ended: how much of it was
 * uploaded is not known. */
static void take_open(struct sfe_bulk *bulk)
{
    const uint32_t failures = bulk->failures + 1;
    struct sfe_error err;

    if (!bulk->is_left && failures < ODD_MAX) {
        bulk_enter(bulk, BULK_CLOSE);
        bulk->failures = failures;
        return;
    }
    if (bulk->is_sent) {
        (void)sfe_fail(&err, SFE_E_API, "the bulk job stays open");
        err.retry = SFE_RETRY_LATER;
        bulk_finish(bulk, SFE_SLOT_AGAIN, &err, -1);
    }
    bulk_enter(bulk, BULK_ABORT);
}

static void take_poll(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    struct bulk_job_answer told;
    struct sfe_error err;

    if (is_gone(answer)) {
        lose_job(bulk);
        return;
    }
    if (!is_done(answer) || bulk_read_job(sfe_builder_slice(&bulk->answer_body), bulk->tokens,
                                          SFE_JSON_TOKENS_MAX, &told, &err) != SFE_OK) {
        try_again(bulk, answer);
        return;
    }
    bulk->told = told;
    bulk_show(bulk);
    switch (told.state) {
    case BULK_JOB_OPEN:
        take_open(bulk);
        break;
    case BULK_JOB_QUEUED:
    case BULK_JOB_RUNNING:
        poll_later(bulk);
        break;
    case BULK_JOB_COMPLETE:
    case BULK_JOB_FAILED:
    case BULK_JOB_ABORTED:
        end_poll(bulk);
        break;
    }
}

static bool has_more(const struct sfe_http_answer *answer)
{
    return answer->locator[0] != '\0' && strcmp(answer->locator, "null") != 0;
}

/* The file came, all of it or a part. */
static void take_file(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    if (has_more(answer)) {
        bulk->failures = 0;
        memcpy(bulk->locator, answer->locator, sizeof(bulk->locator));
    } else if (bulk->state == BULK_SUCCESSES && bulk->settled_rows < bulk->job_rows) {
        bulk_enter(bulk, BULK_FAILURES);
    } else {
        bulk_results_close(bulk);
        bulk_enter(bulk, BULK_DELETE);
    }
}

/* What came of a file that broke off is true all the same; it is read again from its front. */
static void take_results(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    struct sfe_error err;

    if (is_gone(answer)) {
        lose_job(bulk);
    } else if (is_done(answer) && bulk_results_end(&bulk->results)) {
        take_file(bulk, answer);
    } else if (answer->status == 200 && bulk->results.failed && bulk->failures >= ODD_MAX) {
        (void)sfe_fail(&err, SFE_E_PROTOCOL, "the bulk job's results cannot be read");
        err.retry = SFE_RETRY_LATER;
        bulk_finish(bulk, SFE_SLOT_AGAIN, &err, -1);
        bulk_enter(bulk, BULK_DELETE);
    } else {
        try_again(bulk, answer);
    }
}

static bool is_refused(const struct sfe_http_answer *answer)
{
    return answer->code == SFE_OK && answer->status >= 400 && answer->status < 500 &&
           answer->status != 401 && answer->status != 403 && answer->status != 408 &&
           answer->status != 429;
}

/* Until the org has said that the job is aborted it may still be processed: so ask for its state
 * where it says no. */
static void take_abort(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    if (is_gone(answer)) {
        lose_job(bulk);
    } else if (is_done(answer)) {
        bulk_enter(bulk, BULK_DELETE);
    } else if (is_refused(answer)) {
        const uint32_t failures = bulk->failures;
        bulk_enter(bulk, BULK_POLL);
        bulk->is_left = true;
        bulk->failures = failures;
        again(bulk, answer);
    } else {
        try_again(bulk, answer);
    }
}

static void take_delete(struct sfe_bulk *bulk, const struct sfe_http_answer *answer)
{
    if (is_done(answer) || is_refused(answer) || bulk->failures >= DELETE_MAX) {
        bulk->is_left = false;
        bulk->is_last_runs = false;
        sfe_mutex_lock(bulk->mutex);
        bulk->facts.jobs++;
        sfe_mutex_unlock(bulk->mutex);
        bulk_forget(bulk);
    } else {
        try_again(bulk, answer);
    }
}

void bulk_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    static void (*const takers[])(struct sfe_bulk *, const struct sfe_http_answer *) = {
        [BULK_CREATE] = take_create,     [BULK_UPLOAD] = take_upload,
        [BULK_CLOSE] = take_close,       [BULK_POLL] = take_poll,
        [BULK_SUCCESSES] = take_results, [BULK_FAILURES] = take_results,
        [BULK_ABORT] = take_abort,       [BULK_DELETE] = take_delete,
    };
    struct sfe_bulk *bulk = (struct sfe_bulk *)owner;

    SFE_ASSERT(bulk->is_under_way && takers[bulk->state] != NULL);
    bulk->is_under_way = false;
    sfe_org_answered(bulk->options.org, answer);
    if (bulk->is_leaving) {
        return; /* The next run asks again. */
    }
    takers[bulk->state](bulk, answer);
    bulk_show(bulk);
}
