#include "salesforce/records_parts.h"

#include "base/assert.h"

#define SECOND_NS UINT64_C(1000000000)
/* The allowance is a rolling window of 24 hours: some of it comes back all the time. */
#define QUOTA_PAUSE_S     900
#define QUOTA_PAUSE_MAX_S 86400
/* Of one event whose answer is over its bound. */
#define TRIES_TOO_LARGE 5u

/* The subrequests' answers share the time of one call: one that takes too long is tried with less.
 */
static void allow_fewer_parts(struct records_slot *slot)
{
    if (slot->request.part_count > 1) {
        slot->records->parts_max = slot->request.part_count / 2;
    }
}

static void allow_more_parts(struct records_slot *slot)
{
    struct records *records = slot->records;

    if (slot->request.part_count == records->parts_max &&
        records->parts_max < sfe_records_parts_max(records->options.api)) {
        records->parts_max++;
    }
}

void records_pause_for_quota(struct records_slot *slot, int64_t retry_after_s)
{
    struct sfe_org *org = slot->records->options.org;
    int64_t pause_s = retry_after_s > 0 ? retry_after_s : QUOTA_PAUSE_S;

    if (pause_s > QUOTA_PAUSE_MAX_S) {
        pause_s = QUOTA_PAUSE_MAX_S;
    }
    sfe_org_pause(org, sfe_org_now_ns(org) + (uint64_t)pause_s * SECOND_NS);
}

/* Of the request's first part: what a refusal of the whole is told of. */
static uint32_t request_map(const struct records_slot *slot)
{
    SFE_ASSERT(slot->request.part_count > 0);
    return slot->records->options.api == SFE_RECORDS_GRAPH ? 0 : slot->request.parts[0].map;
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
    if (records_decide(slot, SFE_SCOPE_RECORD, request_map(slot), answer->status, error, 0, &own) ==
        SFE_RETRY_AFTER_HUMAN) {
        records_finish(slot, SFE_SLOT_STOPPED, &own, answer->retry_after_s);
        return;
    }
    records_judge_error(slot, 0, request_map(slot), answer->status, error);
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
        records_add_where(slot, request_map(slot), &err);
        records_finish(slot, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
        return;
    }
    (void)rest_read_error(body, slot->records->tokens, SFE_JSON_TOKENS_MAX, &error);
    if (answer->status == 504) {
        allow_fewer_parts(slot);
    }
    switch (records_decide(slot, SFE_SCOPE_REQUEST, request_map(slot), answer->status, &error, 0,
                           &err)) {
    case SFE_RETRY_AFTER_HUMAN:
        records_finish(slot, SFE_SLOT_STOPPED, &err, answer->retry_after_s);
        break;
    case SFE_RETRY_AFTER_QUOTA:
        records_pause_for_quota(slot, answer->retry_after_s);
        records_finish(slot, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
        break;
    case SFE_RETRY_SMALLER:
    case SFE_RETRY_ALONE:
    case SFE_RETRY_NEVER:
        finish_split(slot, answer, &error, &err);
        break;
    case SFE_RETRY_LATER:
    case SFE_RETRY_LOCKED:
    case SFE_RETRY_AWAY:
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
    records_add_where(slot, request_map(slot), &err);
    records_judge(slot, 0, request_map(slot), is_over ? SFE_VERDICT_DEAD : SFE_VERDICT_RETRY, &err);
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
    if (answer->code == SFE_E_TIMEOUT) {
        allow_fewer_parts(slot);
    }
    err.retry = is_too_large ? SFE_RETRY_SMALLER : SFE_RETRY_LATER;
    records_add_where(slot, request_map(slot), &err);
    records_finish(slot, is_too_large ? SFE_SLOT_SMALLER : SFE_SLOT_AGAIN, &err,
                   answer->retry_after_s);
}

static void take_results(struct records_slot *slot, const struct sfe_http_answer *answer)
{
    struct sfe_error err = {.code = SFE_OK};

    if (records_read_results(slot, &err) != SFE_OK) {
        (void)sfe_error_api(&err, answer->status, "", SFE_RETRY_LATER);
        records_add_where(slot, request_map(slot), &err);
        records_finish(slot, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
        return;
    }
    slot->has_logged_in = false;
    allow_more_parts(slot);
    records_clear_request(slot);
    if (records_fill_on(slot)) {
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
