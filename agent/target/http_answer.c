/* What an answer says of the events of its request. */
#include "target/http_parts.h"

#include "base/assert.h"
#include "base/json_writer.h"

#include <stdio.h>

/* Of the body, in errors and in what is passed on as text. */
#define EXCERPT_BYTES 120u
#define TEXT_BYTES    4096u

/* Where `needle` stands in `text`; the size of `text`: nowhere. */
static size_t find(struct sfe_slice text, struct sfe_slice needle)
{
    for (size_t i = 0; needle.size != 0 && i + needle.size <= text.size; i++) {
        if (memcmp(text.bytes + i, needle.bytes, needle.size) == 0) {
            return i;
        }
    }
    return text.size;
}

/* A server may send back what it was sent: from a secret of ours on nothing is passed on. */
static struct sfe_slice before_secret(const struct http_target *target, struct sfe_slice text)
{
    const struct sfe_slice auth = sfe_builder_slice(&target->auth_value);
    const struct sfe_slice space = SFE_TEXT(" ");
    const size_t scheme = find(auth, space);
    const struct sfe_slice bare =
        scheme < auth.size ? sfe_slice_part(auth, scheme + 1u, auth.size) : auth;

    text = sfe_slice_part(text, 0, find(text, target->options.auth.secret));
    return sfe_slice_part(text, 0, find(text, bare));
}

static void make_excerpt(const struct http_slot *slot, char text[EXCERPT_BYTES])
{
    sfe_printable(text, EXCERPT_BYTES,
                  before_secret(slot->target, sfe_builder_slice(&slot->answer_body)));
}

/* The error of an answer that is not 2xx, with what to do about it. */
static void make_error(const struct http_slot *slot, enum sfe_http_fate fate, struct sfe_error *err)
{
    char excerpt[EXCERPT_BYTES];
    char code[16];
    const char *advice = "";
    const uint16_t status = slot->status;

    make_excerpt(slot, excerpt);
    if (status >= 300 && status < 400) {
        advice = " -> the address has moved; no redirect is followed: change url";
    } else if (status == 401 || status == 407) {
        advice = " -> check auth of this output, and its secret";
    } else if (status == 403) {
        advice = " -> ask for the right to do this, or check auth";
    }
    (void)snprintf(code, sizeof(code), "HTTP-%u", (unsigned)status);
    (void)sfe_fail(err, fate == SFE_HTTP_STOP && status >= 400 ? SFE_E_AUTH : SFE_E_REFUSED,
                   "HTTP %u%s%s%s", (unsigned)status, excerpt[0] == '\0' ? "" : ": ", excerpt,
                   advice);
    static const enum sfe_retry retries[] = {
        [SFE_HTTP_DONE] = SFE_RETRY_NEVER,         [SFE_HTTP_EVENT_AGAIN] = SFE_RETRY_LATER,
        [SFE_HTTP_TARGET_AGAIN] = SFE_RETRY_LATER, [SFE_HTTP_STOP] = SFE_RETRY_AFTER_HUMAN,
        [SFE_HTTP_DEAD] = SFE_RETRY_NEVER,
    };
    (void)sfe_error_api(err, status, code, retries[fate]);
}

static void finish_each(struct http_slot *slot, enum sfe_verdict_kind kind,
                        const struct sfe_error *err, int64_t retry_after_s)
{
    for (uint32_t i = 0; i < slot->event_count; i++) {
        slot->verdicts[i].kind = kind;
        slot->verdicts[i].err = *err;
    }
    http_finish(slot, SFE_SLOT_ANSWERED, err, retry_after_s);
}

/* Of a batch that is refused, nobody knows which event is meant: it is halved. That goes for 409 as
 * well where it means that the server has "it" already: it has not taken the others. What a server
 * says of itself (5xx) with fate "again" says nothing of any event. */
static bool is_halved(const struct http_slot *slot, enum sfe_http_fate fate)
{
    const unsigned hundred = slot->status / 100u;

    return slot->event_count > 1 &&
           (fate == SFE_HTTP_DEAD || (fate == SFE_HTTP_DONE && hundred != 2) ||
            (fate == SFE_HTTP_EVENT_AGAIN && hundred == 4));
}

static void finish_by_status(struct http_slot *slot, int64_t retry_after_s)
{
    struct http_target *target = slot->target;
    const enum sfe_http_fate fate = sfe_http_settle_find(&target->options.settle, slot->status);
    struct sfe_error err = {.code = SFE_OK};

    if (fate != SFE_HTTP_DONE || is_halved(slot, fate)) {
        make_error(slot, fate, &err);
    }
    if (is_halved(slot, fate)) {
        http_finish(slot, SFE_SLOT_SMALLER, &err, -1);
        return;
    }
    switch (fate) {
    case SFE_HTTP_DONE:
        finish_each(slot, SFE_VERDICT_DONE, &err, -1);
        break;
    case SFE_HTTP_EVENT_AGAIN:
        finish_each(slot, SFE_VERDICT_RETRY, &err, retry_after_s);
        break;
    case SFE_HTTP_DEAD:
        finish_each(slot, SFE_VERDICT_DEAD, &err, -1);
        break;
    case SFE_HTTP_STOP:
        http_finish(slot, SFE_SLOT_STOPPED, &err, retry_after_s);
        http_give_back_pending(target, &err);
        break;
    case SFE_HTTP_TARGET_AGAIN:
    default:
        http_finish(slot, SFE_SLOT_AGAIN, &err, retry_after_s);
        http_give_back_pending(target, &err);
        break;
    }
}

void http_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct http_slot *slot = (struct http_slot *)owner;
    struct http_target *target = slot->target;
    /* Where only the body is too long, the status came whole and counts. */
    const bool is_whole = answer->code == SFE_OK || answer->code == SFE_E_TOO_LARGE;

    SFE_ASSERT(slot->state == HTTP_SENT);
    owner->exchange = NULL;
    slot->status = answer->status;
    memcpy(slot->location, answer->location, sizeof(slot->location));
    if (is_whole && answer->status != 0) {
        finish_by_status(slot, answer->retry_after_s);
        return;
    }
    struct sfe_error err = answer->err;
    if (answer->code == SFE_OK) {
        (void)sfe_fail(&err, SFE_E_PROTOCOL, "the answer has no status");
    }
    err.retry = SFE_RETRY_LATER;
    http_finish(slot, SFE_SLOT_AGAIN, &err, answer->retry_after_s);
    http_give_back_pending(target, &err);
}

/* The start of a text, as far as it is characters whole. */
static struct sfe_slice beginning(struct sfe_slice text)
{
    struct sfe_slice part = sfe_slice_part(text, 0, TEXT_BYTES);

    while (part.size < text.size && part.size > 0 && (text.bytes[part.size] & 0xC0u) == 0x80u) {
        part.size--;
    }
    return part;
}

/* What came back, as members of an open object; struct sfe_slot_result. */
static void write_answer(void *context, uint32_t place_in_slot, struct sfe_json_writer *writer)
{
    const struct http_slot *slot = context;
    const struct sfe_slice body = sfe_builder_slice(&slot->answer_body);
    const struct sfe_slice shown = before_secret(slot->target, body);
    struct sfe_json json;
    struct sfe_error ignored;

    (void)place_in_slot;
    sfe_json_put_u64(writer, "status", slot->status);
    if (slot->location[0] != '\0') {
        sfe_json_put_text(writer, "location", sfe_slice_text(slot->location));
    }
    if (body.size == 0) {
        return;
    }
    if (shown.size == body.size && !slot->answer_body.overflowed &&
        sfe_json_parse(body, 0, slot->target->tokens, SFE_JSON_TOKENS_MAX, &json, &ignored) ==
            SFE_OK) {
        sfe_json_put_raw(
            writer, "body",
            sfe_json_kind(&json, 0) == SFE_JSON_STRING
                ? sfe_slice_make(sfe_json_raw(&json, 0).bytes - 1, sfe_json_raw(&json, 0).size + 2u)
                : sfe_json_raw(&json, 0));
    } else {
        sfe_json_put_text(writer, "body", beginning(shown));
    }
}

void http_finish(struct http_slot *slot, enum sfe_slot_outcome outcome, const struct sfe_error *err,
                 int64_t retry_after_s)
{
    const struct sfe_target_host *host = &slot->target->host;
    const struct sfe_slot_result result = {
        .slot = slot->number,
        .outcome = outcome,
        .verdicts = slot->verdicts,
        .answer = write_answer,
        .context = slot,
        .count = slot->event_count,
        .retry_after_s = retry_after_s,
        .err = *err,
    };

    SFE_ASSERT(slot->state != HTTP_EMPTY);
    host->finished(host->context, &result);
    slot->state = HTTP_EMPTY;
}
