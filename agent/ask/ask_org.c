/* The cloud thread's side: each question that waits is one query of the org, begun once, and given
 * up when its time is over. */
#include "ask/ask_parts.h"

#include "base/assert.h"
#include "salesforce/rest.h"
#include "salesforce/verdict.h"

#define SECOND_NS UINT64_C(1000000000)
#define AGAIN_NS  (SECOND_NS / 10u)
/* As of other queries: the org refuses all calls until its allowance returns. */
#define QUOTA_NS      (900u * SECOND_NS)
#define RETRY_AFTER_S INT64_C(86400)

/* The slot is the edge thread's from now on. */
static void finish(struct sfe_ask *ask, struct ask_slot *slot, enum ask_status status)
{
    ask_settle(ask, slot, status);
    ask->options.wake_edge(ask->options.owner);
}

static void set_state(struct sfe_ask *ask, struct ask_slot *slot, enum ask_state state)
{
    sfe_mutex_lock(ask->mutex);
    slot->state = state;
    sfe_mutex_unlock(ask->mutex);
}

static enum ask_status judge_refusal(struct sfe_ask *ask, const struct ask_slot *slot,
                                     const struct sfe_http_answer *answer)
{
    struct sfe_org *org = ask->options.org;
    struct rest_error error = {.code = ""};
    struct sfe_error err = {0};

    if (!rest_read_error(sfe_builder_slice(&slot->answer), ask->error_tokens, ASK_ERROR_TOKENS,
                         &error)) {
        error.code[0] = '\0';
    }
    const enum sfe_retry retry =
        sfe_verdict_decide(SFE_SCOPE_REQUEST, answer->status, sfe_slice_text(error.code),
                           sfe_slice_text(error.message), 1, &err);
    /* The org's words may hold the sender's: its code alone is told. */
    SFE_LOG(ask->options.log, SFE_WARNING, "the org refuses a question",
            sfe_text("input", ask->options.input), sfe_count("status", answer->status),
            sfe_text("reason", error.code), sfe_text("next", sfe_verdict_retry_name(retry)));
    if (retry == SFE_RETRY_AFTER_QUOTA) {
        const int64_t told_s =
            answer->retry_after_s < RETRY_AFTER_S ? answer->retry_after_s : RETRY_AFTER_S;
        sfe_org_pause(org,
                      sfe_org_now_ns(org) + (told_s > 0 ? (uint64_t)told_s * SECOND_NS : QUOTA_NS));
        return ASK_BUDGET;
    }
    return retry == SFE_RETRY_LATER || retry == SFE_RETRY_AWAY || retry == SFE_RETRY_AFTER_LOGIN
               ? ASK_UNAVAILABLE
               : ASK_FAILED;
}

static enum ask_status judge_failure(const struct sfe_http_answer *answer)
{
    if (answer->code == SFE_E_TOO_LARGE) {
        return ASK_FAILED;
    }
    return answer->code == SFE_E_TIMEOUT ? ASK_TIMEOUT : ASK_UNAVAILABLE;
}

static void answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct ask_slot *slot = (struct ask_slot *)owner;
    struct sfe_ask *ask = slot->ask;

    sfe_org_answered(ask->options.org, answer);
    if (answer->code != SFE_OK) {
        finish(ask, slot, judge_failure(answer));
    } else if (answer->status == 200) {
        finish(ask, slot, ASK_OK);
    } else if (answer->status == 401 && !slot->has_logged_in) {
        slot->has_logged_in = true;
        set_state(ask, slot, ASK_WAITING); /* Once more after the log-in. */
    } else {
        finish(ask, slot, judge_refusal(ask, slot, answer));
    }
}

/* Waits for what comes in time, and says no to what does not. */
static uint64_t wait(struct sfe_ask *ask, struct ask_slot *slot, uint64_t until_ns,
                     enum ask_status status)
{
    if (until_ns != UINT64_MAX && until_ns >= slot->deadline_ns) {
        finish(ask, slot, status);
        return UINT64_MAX;
    }
    return sfe_clock_earlier_ns(until_ns, slot->deadline_ns);
}

static uint64_t begin(struct sfe_ask *ask, struct ask_slot *slot, uint64_t now_ns)
{
    struct sfe_org *org = ask->options.org;
    const struct sfe_org_request request = {
        .method = "GET",
        .path = (const char *)slot->path.bytes,
        .answer_body = &slot->answer,
        .owner = &slot->owner,
        .need = ask->options.need,
        .url = &ask->url,
    };
    uint64_t until_ns = UINT64_MAX;
    struct sfe_error err = {0};

    if (now_ns >= slot->deadline_ns) {
        finish(ask, slot, ASK_UNAVAILABLE);
        return UINT64_MAX;
    }
    if (!sfe_org_is_ready(org, now_ns, &until_ns)) {
        return wait(ask, slot, until_ns, ASK_BUDGET); /* With a time it is a pause for that. */
    }
    until_ns = UINT64_MAX;
    if (!sfe_org_may_call(org, ask->options.need, now_ns, &until_ns)) {
        return wait(ask, slot, until_ns, ASK_BUDGET);
    }
    slot->owner.on_answer = answered;
    const enum sfe_code code = sfe_org_begin(org, &request, &err);
    if (code == SFE_OK) {
        set_state(ask, slot, ASK_ASKING);
        return slot->deadline_ns;
    }
    if (code == SFE_E_AGAIN || code == SFE_E_FULL) {
        return sfe_clock_earlier_ns(now_ns + AGAIN_NS, slot->deadline_ns);
    }
    sfe_log_error(ask->options.log, SFE_WARNING, "a question could not be put to the org", &err);
    finish(ask, slot, ASK_FAILED);
    return UINT64_MAX;
}

static uint64_t mind_asking(struct sfe_ask *ask, struct ask_slot *slot, uint64_t now_ns)
{
    if (now_ns < slot->deadline_ns) {
        return slot->deadline_ns;
    }
    sfe_org_cancel(ask->options.org, &slot->owner);
    finish(ask, slot, ASK_TIMEOUT);
    return UINT64_MAX;
}

uint64_t sfe_ask_cloud_turn(struct sfe_ask *ask, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < ask->slot_count; i++) {
        struct ask_slot *slot = &ask->slots[i];

        sfe_mutex_lock(ask->mutex);
        const enum ask_state state = slot->state;
        const bool is_void = slot->is_void;
        sfe_mutex_unlock(ask->mutex);
        if (state == ASK_WAITING && is_void) {
            finish(ask, slot, ASK_TIMEOUT);
        } else if (state == ASK_WAITING) {
            due_ns = sfe_clock_earlier_ns(due_ns, begin(ask, slot, now_ns));
        } else if (state == ASK_ASKING) {
            due_ns = sfe_clock_earlier_ns(due_ns, mind_asking(ask, slot, now_ns));
        }
    }
    return due_ns;
}

bool sfe_ask_is_quiet(struct sfe_ask *ask)
{
    bool is_quiet = true;

    sfe_mutex_lock(ask->mutex);
    for (uint32_t i = 0; i < ask->slot_count; i++) {
        const enum ask_state state = ask->slots[i].state;
        is_quiet = is_quiet && state != ASK_WAITING && state != ASK_ASKING;
    }
    sfe_mutex_unlock(ask->mutex);
    return is_quiet;
}

void sfe_ask_close(struct sfe_ask *ask)
{
    if (ask == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ask->slot_count; i++) {
        if (ask->slots[i].state == ASK_ASKING) {
            sfe_org_cancel(ask->options.org, &ask->slots[i].owner);
        }
    }
    sfe_mutex_close(ask->mutex);
    ask->mutex = NULL;
}
