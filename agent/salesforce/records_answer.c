#include "salesforce/records_parts.h"

#include "base/assert.h"
#include "salesforce/verdict.h"

#include <stdio.h>

#define SECOND_NS UINT64_C(1000000000)
/* The allowance is a rolling window of 24 hours: some of it comes back all the time. */
#define QUOTA_PAUSE_S     900
#define QUOTA_PAUSE_MAX_S 86400
/* Of one event whose answer is over its bound. */
#define TRIES_TOO_LARGE 5u

static int rank(enum sfe_verdict_kind kind)
{
    return kind == SFE_VERDICT_RETRY ? 2 : kind == SFE_VERDICT_DEAD ? 1 : 0;
}

void records_judge(struct records_slot *slot, uint32_t event, enum sfe_verdict_kind kind,
                   const struct sfe_error *err)
{
    struct sfe_verdict *verdict = &slot->verdicts[event];

    SFE_ASSERT(event < slot->event_count);
    if (rank(kind) > rank(verdict->kind)) {
        verdict->kind = kind;
        verdict->err = *err;
    }
}

static const char *object_of(const struct records_slot *slot)
{
    const struct records *records = slot->records;
    uint32_t map = slot->request_map;

    SFE_ASSERT(map < records->options.map_count);
    return sfe_map_object(records->options.maps[map]);
}

static void add_where(const struct records_slot *slot, struct sfe_error *err)
{
    char where[sizeof(err->where)];

    if (snprintf(where, sizeof(where), "upsert %.80s", object_of(slot)) > 0) {
        (void)sfe_error_at(err, where, NULL, 0, 0);
    }
}

static enum sfe_retry decide(const struct records_slot *slot, enum sfe_verdict_scope scope,
                             uint16_t http_status, const struct rest_error *error, uint32_t event,
                             struct sfe_error *err)
{
    const struct sfe_target_host *host = &slot->records->host;
    uint32_t attempts =
        scope == SFE_SCOPE_RECORD ? host->attempts(host->context, slot->number, event) : 1;
    enum sfe_retry retry = sfe_verdict_decide(scope, http_status, sfe_slice_text(error->code),
                                              sfe_slice_text(error->message), attempts, err);

    if (error->fields[0] != '\0') {
        (void)sfe_within(err, "%s", error->fields);
    }
    add_where(slot, err);
    return retry;
}

static void judge_record(struct records_slot *slot, uint32_t event, uint16_t http_status,
                         const struct rest_error *error)
{
    struct sfe_error err;
    enum sfe_retry retry = decide(slot, SFE_SCOPE_RECORD, http_status, error, event, &err);

    records_judge(slot, event, retry == SFE_RETRY_NEVER ? SFE_VERDICT_DEAD : SFE_VERDICT_RETRY,
                  &err);
}

/* Which record an event became: that of map 0 that comes first. */
static void note_first_record(struct records_slot *slot, uint32_t place,
                              const struct collections_answer *answer)
{
    struct sfe_verdict *verdict = &slot->verdicts[slot->event_of[place]];

    if (verdict->id_hash == 0) {
        verdict->id_hash = slot->request.ids[place];
        sfe_printable(verdict->record_id, sizeof(verdict->record_id), answer->record_id);
    }
}

/* Each record's own result. Failure: the answer is not what it should be, so nothing is known. */
static enum sfe_code read_results(struct records_slot *slot, struct sfe_error *err)
{
    struct collections_answer answer;
    enum sfe_code code =
        collections_read(sfe_builder_slice(&slot->answer_body), slot->records->tokens,
                         SFE_JSON_TOKENS_MAX, slot->request.count, &answer, err);

    for (uint32_t i = 0; i < slot->request.count && code == SFE_OK; i++) {
        struct rest_error error;
        bool succeeded = false;
        code = collections_next(&answer, &succeeded, &error, err);
        if (code == SFE_OK && slot->request_map == 0) {
            note_first_record(slot, i, &answer);
        }
        if (code == SFE_OK && !succeeded) {
            judge_record(slot, slot->event_of[i], 200, &error);
        }
    }
    return code;
}

static void pause_for_quota(struct records_slot *slot, int64_t retry_after_s)
{
    struct sfe_org *org = slot->records->options.org;
    int64_t pause_s = retry_after_s > 0 ? retry_after_s : QUOTA_PAUSE_S;

    if (pause_s > QUOTA_PAUSE_MAX_S) {
        pause_s = QUOTA_PAUSE_MAX_S;
    }
    sfe_org_pause(org, sfe_org_now_ns(org) + (uint64_t)pause_s * SECOND_NS);
}

/* Refused for what is in it. Where that is one event, its own verdict tells more: a try more, or
 * the end. */
static void finish_split(struct records_slot *slot, const struct sfe_http_answer *answer,
                         const struct rest_error *error, const struct sfe_error *err)
{
    struct sfe_error own;

    if (slot->event_count > 1) {
        records_finish(slot, SFE_SLOT_SMALLER, err, -1);
        return;
    }
    if (decide(slot, SFE_SCOPE_RECORD, answer->status, error, 0, &own) == SFE_RETRY_AFTER_HUMAN) {
        records_finish(slot, SFE_SLOT_STOPPED, &own, answer->retry_after_s);
        return;
    }
    judge_record(slot, 0, answer->status, error);
    records_finish(slot, SFE_SLOT_ANSWERED, err, -1);
}

/* The whole request was refused. */
static void take_refusal(struct records_slot *slot, const struct sfe_http_answer *answer)
{
    struct rest_error error;
    struct sfe_error err;
    struct sfe_slice body = sfe_builder_slice(&slot->answer_body);

    if (rest_is_html(answer->content_type, body)) {
        (void)sfe_fail(&err, SFE_E_PROTOCOL, "a page came instead of an answer (HTTP %u)",
                       (unsigned)answer->status);
        (void)sfe_error_api(&err, answer->status, "", SFE_RETRY_LATER);
        add_where(slot, &err);
        records_finish(slot, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
        return;
    }
    (void)rest_read_error(body, slot->records->tokens, SFE_JSON_TOKENS_MAX, &error);
    switch (decide(slot, SFE_SCOPE_REQUEST, answer->status, &error, 0, &err)) {
    case SFE_RETRY_AFTER_HUMAN:
        records_finish(slot, SFE_SLOT_STOPPED, &err, answer->retry_after_s);
        break;
    case SFE_RETRY_AFTER_QUOTA:
        pause_for_quota(slot, answer->retry_after_s);
        records_finish(slot, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
        break;
    case SFE_RETRY_SMALLER:
    case SFE_RETRY_ALONE:
    case SFE_RETRY_NEVER:
        finish_split(slot, answer, &error, &err);
        break;
    case SFE_RETRY_LATER:
    case SFE_RETRY_AFTER_LOGIN:
        records_finish(slot, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
        break;
    }
}

/* The answer about one event does not get smaller: it has so many tries, then it makes room for the
 * others. */
static void finish_too_large(struct records_slot *slot, const struct sfe_http_answer *answer)
{
    const struct sfe_target_host *host = &slot->records->host;
    struct sfe_error err = answer->err;
    bool is_over = host->attempts(host->context, slot->number, 0) >= TRIES_TOO_LARGE;

    err.retry = is_over ? SFE_RETRY_NEVER : SFE_RETRY_LATER;
    add_where(slot, &err);
    records_judge(slot, 0, is_over ? SFE_VERDICT_DEAD : SFE_VERDICT_RETRY, &err);
    records_finish(slot, SFE_SLOT_ANSWERED, &err, answer->retry_after_s);
}

/* No answer came whole. One that is larger than it may be would be so again: fewer events have
 * fewer results. */
static void take_failure(struct records_slot *slot, const struct sfe_http_answer *answer)
{
    struct sfe_error err = answer->err;
    bool is_too_large = answer->code == SFE_E_TOO_LARGE;

    if (is_too_large && slot->event_count == 1) {
        finish_too_large(slot, answer);
        return;
    }
    err.retry = is_too_large ? SFE_RETRY_SMALLER : SFE_RETRY_LATER;
    add_where(slot, &err);
    records_finish(slot, is_too_large ? SFE_SLOT_SMALLER : SFE_SLOT_AGAIN, &err,
                   answer->retry_after_s);
}

static void take_results(struct records_slot *slot, const struct sfe_http_answer *answer)
{
    struct sfe_error err = {.code = SFE_OK};

    if (read_results(slot, &err) != SFE_OK) {
        (void)sfe_error_api(&err, answer->status, "", SFE_RETRY_LATER);
        add_where(slot, &err);
        records_finish(slot, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
        return;
    }
    slot->has_logged_in = false;
    if (records_make_next(slot)) {
        records_go_on(slot);
    } else {
        records_finish(slot, SFE_SLOT_ANSWERED, &err, answer->retry_after_s);
    }
}

void records_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct records_slot *slot = (struct records_slot *)owner;

    SFE_ASSERT(slot->state == RECORDS_SENT);
    sfe_org_answered(slot->records->options.org, answer);
    if (answer->code != SFE_OK) {
        take_failure(slot, answer);
    } else if (answer->status == 401 && !slot->has_logged_in) {
        /* An ordinary thing in the middle of a run: the same bytes go once more after the log-in.
         */
        slot->has_logged_in = true;
        slot->state = RECORDS_PENDING;
        slot->pending_ns = 0;
    } else if (answer->status == 200) {
        take_results(slot, answer);
    } else {
        take_refusal(slot, answer);
    }
}
