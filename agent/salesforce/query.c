#include "salesforce/query.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/backoff.h"
#include "base/limits.h"
#include "port/thread.h"
#include "salesforce/query_page.h"
#include "salesforce/rest.h"
#include "salesforce/verdict.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define BASE_NS   SECOND_NS
#define CAP_NS    (300u * SECOND_NS)
/* Where a human or a day must pass. */
#define LONG_BASE_NS  (60u * SECOND_NS)
#define LONG_CAP_NS   (900u * SECOND_NS)
#define QUOTA_NS      (900u * SECOND_NS)
#define RETRY_AFTER_S INT64_C(86400)
#define ERROR_TOKENS  256u
/* Rows of a page (API sheet, section 2): the most; and where those are more than memory holds. */
#define ROWS_MAX 2000u
#define ROWS_MIN 200u
/* Where nothing was taken yet. */
#define FIRST_PLACE "1970-01-01T00:00:00.000Z"

struct sfe_query {
    struct sfe_http_owner owner; /* First: the tag of the exchange under way. */
    struct sfe_query_options options;

    /* The page: true while the edge thread has it, and all that is marked so with it. */
    atomic_bool is_handed;
    atomic_bool is_stopping;     /* Set by edge. */
    size_t offset;               /* Of the record at hand in the answer. Edge. */
    size_t next_offset;          /* Behind it. Edge. */
    uint64_t taken;              /* Records of this run. Edge. */
    struct sfe_feed_place place; /* Of the last record taken. Of whoever has the page. */

    bool is_under_way;
    bool has_stopped;
    bool is_running;    /* A run has begun, and `page` says how it goes on. */
    bool has_logged_in; /* Again, since the last page. */
    struct query_page page;
    struct sfe_builder answer;
    struct sfe_builder path;
    struct sfe_builder url;
    struct sfe_json_token *tokens; /* Of an error. */
    uint32_t batch_rows;
    uint32_t failures; /* In a row. */
    uint64_t due_ns;

    struct sfe_mutex *mutex; /* Guards facts: cloud writes, edge reads. */
    struct sfe_feed_facts facts;
};

size_t sfe_query_memory_bytes(uint32_t answer_bytes_max)
{
    return sfe_arena_cost(sizeof(struct sfe_query)) + sfe_arena_cost(answer_bytes_max) +
           2u * sfe_arena_cost(SFE_QUERY_URL_BYTES) +
           sfe_arena_cost(ERROR_TOKENS * sizeof(struct sfe_json_token));
}

static void set_place(void *context, uint32_t channel, const struct sfe_feed_place *place)
{
    struct sfe_query *self = context;

    SFE_ASSERT(atomic_load(&self->is_handed) && channel == 0);
    self->place = *place;
}

/* The cloud thread goes on. */
static void hand_back(struct sfe_query *self)
{
    atomic_store(&self->is_handed, false);
    self->options.http->wake(self->options.http->context);
}

static void start(void *context)
{
    hand_back(context);
}

/* The record at hand; false: there is none. */
static bool find_record(struct sfe_query *self, struct sfe_slice *record)
{
    if (!atomic_load(&self->is_handed) || atomic_load(&self->is_stopping)) {
        return false;
    }
    self->next_offset = self->offset;
    if (query_page_next(sfe_builder_slice(&self->answer), &self->next_offset, record)) {
        return true;
    }
    hand_back(self);
    return false;
}

static bool peek(void *context, struct sfe_feed_item *item)
{
    struct sfe_query *self = context;
    struct sfe_slice record = {NULL, 0};

    if (!find_record(self, &record)) {
        return false;
    }
    *item = (struct sfe_feed_item){.payload = record};
    return query_page_marks(self->options.after, record, &item->marks);
}

static void pass(void *context)
{
    struct sfe_query *self = context;
    struct sfe_slice record = {NULL, 0};
    struct sfe_feed_marks marks;

    if (!find_record(self, &record)) {
        return;
    }
    if (query_page_marks(self->options.after, record, &marks) && marks.place.size != 0) {
        self->place = marks.place;
    }
    self->taken++;
    self->offset = self->next_offset;
}

static void stop(void *context)
{
    struct sfe_query *self = context;

    atomic_store(&self->is_stopping, true);
    self->options.http->wake(self->options.http->context);
}

static void facts(void *context, struct sfe_feed_facts *facts)
{
    struct sfe_query *self = context;

    sfe_mutex_lock(self->mutex);
    *facts = self->facts;
    sfe_mutex_unlock(self->mutex);
}

static bool read_marks(const void *context, struct sfe_slice channel, struct sfe_slice payload,
                       struct sfe_feed_marks *marks)
{
    const struct sfe_query *self = context;

    (void)channel;
    return query_page_marks(self->options.after, payload, marks);
}

static enum sfe_code open_memory(struct sfe_query *self, struct sfe_arena *arena,
                                 struct sfe_error *err)
{
    enum sfe_code code =
        sfe_arena_take_builder(arena, self->options.answer_bytes_max, &self->answer, err);

    if (code == SFE_OK) {
        code = sfe_arena_take_builder(arena, SFE_QUERY_URL_BYTES, &self->path, err);
    }
    if (code == SFE_OK) {
        code = sfe_arena_take_builder(arena, SFE_QUERY_URL_BYTES, &self->url, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    self->tokens = sfe_arena_take(arena, ERROR_TOKENS * sizeof(*self->tokens), err);
    return self->tokens == NULL ? err->code : SFE_OK;
}

static void answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer);

enum sfe_code sfe_query_open(const struct sfe_query_options *options, struct sfe_arena *arena,
                             struct sfe_query **query, struct sfe_feed *feed, struct sfe_error *err)
{
    struct sfe_query *self = sfe_arena_take(arena, sizeof(*self), err);

    *query = NULL;
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->owner.on_answer = answered;
    self->batch_rows = ROWS_MAX;
    self->facts.has_runs = true;
    atomic_store(&self->is_handed, true); /* Until the place is known. */
    if (open_memory(self, arena, err) != SFE_OK) {
        return err->code;
    }
    self->mutex = sfe_mutex_open();
    if (self->mutex == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    *feed = (struct sfe_feed){self, set_place, start, peek, pass, stop, facts, read_marks};
    *query = self;
    return SFE_OK;
}

static uint64_t random_of(const struct sfe_query *self)
{
    const struct sfe_entropy *entropy = self->options.entropy;
    struct sfe_error err;
    uint64_t random = 0;

    if (entropy->fill(entropy->context, &random, sizeof(random), &err) != SFE_OK) {
        random = sfe_org_now_ns(self->options.org) * 0x9e3779b97f4a7c15u;
    }
    return random;
}

/* Up to a tenth later, so that a thousand gateways do not ask in the same second. */
static uint64_t period_ns(const struct sfe_query *self)
{
    return self->options.every_ns + random_of(self) % (self->options.every_ns / 10u + 1u);
}

static void tell_next(struct sfe_query *self, uint64_t next_ns)
{
    sfe_mutex_lock(self->mutex);
    self->facts.runs.next_ns = next_ns;
    sfe_mutex_unlock(self->mutex);
}

static void end_run(struct sfe_query *self, uint64_t now_ns)
{
    self->is_running = false;
    self->due_ns = now_ns + period_ns(self);
    sfe_mutex_lock(self->mutex);
    self->facts.runs.ended++;
    self->facts.runs.records = self->taken;
    self->facts.runs.last_ns = now_ns;
    self->facts.runs.next_ns = self->due_ns;
    sfe_mutex_unlock(self->mutex);
}

/* The next try begins anew: from the last record taken on, or with the first. */
static void fail_run(struct sfe_query *self, const struct sfe_error *err, uint64_t wait_ns)
{
    self->is_running = false;
    self->due_ns = sfe_org_now_ns(self->options.org) + wait_ns;
    sfe_mutex_lock(self->mutex);
    self->facts.failed = *err;
    (void)sfe_within(&self->facts.failed, "input \"%s\"", self->options.input);
    self->facts.is_connected = false;
    self->facts.runs.failed++;
    self->facts.runs.next_ns = self->due_ns;
    sfe_mutex_unlock(self->mutex);
    sfe_log_error(self->options.log, SFE_WARNING, "a query did not come to its end",
                  &self->facts.failed);
}

static uint64_t back_off_ns(struct sfe_query *self, uint64_t base_ns, uint64_t cap_ns)
{
    return sfe_backoff_ns(++self->failures, base_ns, cap_ns, random_of(self));
}

static void take_page(struct sfe_query *self)
{
    struct sfe_slice record;
    struct sfe_error err;
    const struct sfe_slice body = sfe_builder_slice(&self->answer);

    if (query_page_read(body, &self->page, &err) != SFE_OK) {
        fail_run(self, &err, back_off_ns(self, BASE_NS, CAP_NS));
        return;
    }
    self->failures = 0;
    self->has_logged_in = false;
    sfe_mutex_lock(self->mutex);
    self->facts.is_connected = true;
    self->facts.failed.code = SFE_OK;
    sfe_mutex_unlock(self->mutex);
    self->offset = self->page.records;
    self->next_offset = self->offset;
    if (query_page_next(body, &self->next_offset, &record)) {
        atomic_store(&self->is_handed, true);
    }
}

static uint64_t wait_of(struct sfe_query *self, enum sfe_retry retry,
                        const struct sfe_http_answer *answer)
{
    uint64_t wait_ns = retry == SFE_RETRY_AFTER_HUMAN || retry == SFE_RETRY_NEVER
                           ? back_off_ns(self, LONG_BASE_NS, LONG_CAP_NS)
                           : back_off_ns(self, BASE_NS, CAP_NS);
    uint64_t told_ns = 0;

    if (answer->retry_after_s > 0) {
        told_ns = (uint64_t)(answer->retry_after_s < RETRY_AFTER_S ? answer->retry_after_s
                                                                   : RETRY_AFTER_S) *
                  SECOND_NS;
    }
    if (retry == SFE_RETRY_AFTER_QUOTA) {
        told_ns = told_ns == 0 ? QUOTA_NS : told_ns;
        sfe_org_pause(self->options.org, sfe_org_now_ns(self->options.org) + told_ns);
    }
    return told_ns > wait_ns ? told_ns : wait_ns;
}

static void take_refusal(struct sfe_query *self, const struct sfe_http_answer *answer)
{
    struct rest_error error = {.code = ""};
    struct sfe_error err;

    if (!rest_read_error(sfe_builder_slice(&self->answer), self->tokens, ERROR_TOKENS, &error)) {
        error.code[0] = '\0';
    }
    const enum sfe_retry retry =
        sfe_verdict_decide(SFE_SCOPE_REQUEST, answer->status, sfe_slice_text(error.code),
                           sfe_slice_text(error.message), 1, &err);
    if (strcmp(error.code, "INVALID_QUERY_LOCATOR") == 0) {
        fail_run(self, &err, back_off_ns(self, BASE_NS, CAP_NS));
        return;
    }
    fail_run(self, &err, wait_of(self, retry, answer));
}

static void take_failure(struct sfe_query *self, const struct sfe_http_answer *answer)
{
    struct sfe_error err = answer->err;

    if (answer->code == SFE_E_TOO_LARGE) {
        (void)sfe_fail(&err, SFE_E_TOO_LARGE,
                       "a page of %" PRIu32 " records is larger than %zu bytes%s", self->batch_rows,
                       self->answer.capacity,
                       self->batch_rows == ROWS_MIN ? " -> ask for fewer fields" : "");
        if (self->batch_rows != ROWS_MIN) {
            self->batch_rows = ROWS_MIN;
            fail_run(self, &err, 0);
            return;
        }
    }
    fail_run(self, &err, back_off_ns(self, BASE_NS, CAP_NS));
}

static void answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct sfe_query *self = (struct sfe_query *)owner;

    sfe_org_answered(self->options.org, answer);
    self->is_under_way = false;
    if (answer->code != SFE_OK) {
        take_failure(self, answer);
    } else if (answer->status == 200) {
        take_page(self);
    } else if (answer->status == 401 && !self->has_logged_in) {
        self->has_logged_in = true; /* The same once more after the log-in. */
    } else {
        take_refusal(self, answer);
    }
    self->options.on_change(self->options.owner);
}

static void begin_run(struct sfe_query *self)
{
    self->is_running = true;
    self->taken = 0;
    memset(&self->page, 0, sizeof(self->page));
    tell_next(self, 0);
}

/* The text, with the place in it. */
static void add_text(struct sfe_query *self)
{
    const struct sfe_slice place =
        self->place.size != 0 ? sfe_feed_place_slice(&self->place) : SFE_TEXT(FIRST_PLACE);
    const char *rest = self->options.text;
    const char *mark = self->options.after == NULL ? NULL : strstr(rest, SFE_QUERY_AFTER);

    while (mark != NULL) {
        rest_add_encoded(sfe_slice_make(rest, (size_t)(mark - rest)), &self->path);
        rest_add_encoded(place, &self->path);
        rest = mark + sizeof(SFE_QUERY_AFTER) - 1u;
        mark = strstr(rest, SFE_QUERY_AFTER);
    }
    rest_add_encoded(sfe_slice_text(rest), &self->path);
}

static const char *make_path(struct sfe_query *self)
{
    if (self->page.next[0] != '\0') {
        return self->page.next;
    }
    sfe_builder_rewind(&self->path, 0);
    sfe_builder_add_text(&self->path, "/services/data/");
    sfe_builder_add_text(&self->path, sfe_org_api_version(self->options.org));
    sfe_builder_add_text(&self->path, self->options.with_deleted ? "/queryAll?q=" : "/query?q=");
    add_text(self);
    sfe_builder_add_byte(&self->path, 0);
    SFE_ASSERT(!self->path.overflowed); /* `check` measures it. */
    return (const char *)self->path.bytes;
}

static uint64_t ask(struct sfe_query *self, uint64_t now_ns)
{
    struct sfe_error err;
    const struct sfe_org_request request = {
        .method = "GET",
        .path = make_path(self),
        .answer_body = &self->answer,
        .owner = &self->owner,
        .need = self->options.need,
        .url = &self->url,
        .batch_rows = self->batch_rows,
    };
    const enum sfe_code code = sfe_org_begin(self->options.org, &request, &err);

    if (code == SFE_OK) {
        self->is_under_way = true;
        return UINT64_MAX;
    }
    if (code == SFE_E_AGAIN || code == SFE_E_FULL) {
        return now_ns + BASE_NS;
    }
    fail_run(self, &err, back_off_ns(self, BASE_NS, CAP_NS));
    return self->due_ns;
}

uint64_t sfe_query_turn(struct sfe_query *self, uint64_t now_ns)
{
    uint64_t until_ns = UINT64_MAX;

    if (atomic_load(&self->is_stopping)) {
        if (!self->has_stopped) {
            sfe_org_cancel(self->options.org, &self->owner);
            self->is_under_way = false;
            self->has_stopped = true;
        }
        return UINT64_MAX;
    }
    if (self->is_under_way || atomic_load(&self->is_handed)) {
        return UINT64_MAX;
    }
    if (self->is_running && self->page.is_last) {
        end_run(self, now_ns);
        self->options.on_change(self->options.owner);
    }
    if (!self->is_running && now_ns < self->due_ns) {
        return self->due_ns;
    }
    if (!self->is_running) {
        begin_run(self);
    }
    if (!sfe_org_is_ready(self->options.org, now_ns, &until_ns) ||
        !sfe_org_may_call(self->options.org, self->options.need, now_ns, &until_ns)) {
        return until_ns;
    }
    return ask(self, now_ns);
}

bool sfe_query_is_quiet(const struct sfe_query *self)
{
    return self->has_stopped;
}

void sfe_query_close(struct sfe_query *self)
{
    if (self == NULL) {
        return;
    }
    sfe_org_cancel(self->options.org, &self->owner);
    sfe_mutex_close(self->mutex);
    self->mutex = NULL;
}
