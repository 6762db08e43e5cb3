#include "target/http_parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hash.h"
#include "base/secret.h"
#include "output/lane.h"

#define ORDER_SEED 0x7366656467652d71u

static void empty(struct http_slot *slot)
{
    slot->state = HTTP_EMPTY;
    slot->event_count = 0;
    slot->is_json = false;
    slot->due_ns = 0;
    slot->status = 0;
    slot->location[0] = '\0';
    sfe_builder_rewind(&slot->body, 0);
    sfe_builder_rewind(&slot->answer_body, 0);
}

static void bind(void *context, const struct sfe_target_host *host)
{
    struct http_target *target = context;

    SFE_ASSERT(target->host.finished == NULL);
    target->host = *host;
}

static void give_back(struct http_slot *slot, const struct sfe_error *err)
{
    struct sfe_error reason = *err;

    reason.retry = SFE_RETRY_LATER;
    http_finish(slot, SFE_SLOT_AGAIN, &reason, -1);
}

void http_give_back_pending(struct http_target *target, const struct sfe_error *err)
{
    for (uint32_t i = 0; i < target->options.slot_count; i++) {
        if (target->slots[i].state == HTTP_PENDING) {
            give_back(&target->slots[i], err);
        }
    }
}

/* Begins what the rate lets go by now. */
static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    struct http_target *target = context;
    struct sfe_error err;

    *until_ns = UINT64_MAX;
    for (uint32_t i = 0; i < target->options.slot_count; i++) {
        struct http_slot *slot = &target->slots[i];
        if (slot->state == HTTP_PENDING && slot->due_ns <= now_ns) {
            slot->state = HTTP_SENT;
            if (http_begin(slot, &err) != SFE_OK) {
                give_back(slot, &err);
            }
        }
        if (slot->state == HTTP_PENDING) {
            *until_ns = sfe_clock_earlier_ns(*until_ns, slot->due_ns);
        }
    }
    return true;
}

/* By default events of a source and topic keep their order. */
static enum sfe_code find_order(struct http_target *target, const struct sfe_map_subject *subject,
                                uint64_t *order_key, struct sfe_error *err)
{
    struct sfe_builder *text = &target->order_text;
    const struct sfe_event *event = subject->event;
    uint64_t hash;

    if (target->options.order_by == NULL && target->options.slot_events_max > 1) {
        return SFE_OK;
    }
    if (target->options.order_by == NULL) {
        hash = sfe_hash64(sfe_hash64(ORDER_SEED, event->source), event->topic);
    } else {
        sfe_builder_rewind(text, 0);
        const enum sfe_code code = sfe_template_add(target->options.order_by, subject, text, err);
        if (code == SFE_E_FULL || (code == SFE_OK && text->overflowed)) {
            return sfe_fail(err, SFE_E_TOO_LARGE, "the text of order_by is longer than %u bytes",
                            HTTP_ORDER_BYTES);
        }
        if (code != SFE_OK) {
            return sfe_within(err, "order_by");
        }
        hash = sfe_hash64(ORDER_SEED, sfe_builder_slice(text));
    }
    *order_key = hash == 0 ? 1 : hash;
    return SFE_OK;
}

static enum sfe_code judge_where(const struct http_target *target,
                                 const struct sfe_map_subject *subject, struct sfe_error *err)
{
    const enum sfe_code code = sfe_where_judge(target->options.where, subject, err);

    return code == SFE_E_UNMAPPED ? sfe_within(err, "where") : code;
}

/* Makes the event part of the slot's request. */
static enum sfe_code add_event(struct http_slot *slot, const struct sfe_map_subject *subject,
                               struct sfe_error *err)
{
    struct http_target *target = slot->target;
    enum sfe_code code = http_make_head(target, subject, err);

    if (code != SFE_OK) {
        return code;
    }
    if (slot->event_count > 0 && !http_same_head(&slot->head, &target->head)) {
        return SFE_E_FULL;
    }
    code = http_add_body(slot, subject, err);
    if (code == SFE_E_FULL && slot->event_count == 0) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the body is longer than %u bytes", HTTP_BODY_BYTES);
    }
    if (code == SFE_OK && slot->event_count == 0) {
        http_copy_head(&slot->head, &target->head);
    }
    return code;
}

static enum sfe_code offer(void *context, uint32_t number, struct sfe_event *event, int64_t time_ns,
                           struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    struct http_target *target = context;
    struct http_slot *slot = &target->slots[number];
    struct sfe_map_subject subject;

    SFE_ASSERT(number < target->options.slot_count);
    SFE_ASSERT(slot->state == HTTP_EMPTY || slot->state == HTTP_FILLING);
    if (slot->state == HTTP_EMPTY) {
        empty(slot);
    }
    if (slot->event_count == target->options.slot_events_max) {
        return SFE_E_FULL;
    }
    sfe_map_subject_make(event, time_ns, target->tokens, SFE_JSON_TOKENS_MAX, &subject);
    enum sfe_code code = judge_where(target, &subject, err);
    if (code == SFE_OK) {
        code = find_order(target, &subject, order_key, err);
    }
    if (code == SFE_OK && sfe_lane_is_held(lane, *order_key)) {
        return SFE_E_AGAIN;
    }
    if (code == SFE_OK) {
        code = add_event(slot, &subject, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const bool is_claimed = sfe_lane_claim(lane, *order_key);
    SFE_ASSERT(is_claimed);
    slot->state = HTTP_FILLING;
    slot->event_count++;
    return SFE_OK;
}

/* When the next request may go, by the rate: evenly spaced, and none saved up. */
static uint64_t take_turn(struct http_target *target, uint64_t now_ns)
{
    const uint64_t due_ns = target->next_ns > now_ns ? target->next_ns : now_ns;

    if (target->options.rate != 0) {
        target->next_ns = due_ns + target->options.rate_every_ns / target->options.rate;
    }
    return due_ns;
}

static enum sfe_code send(void *context, uint32_t number, struct sfe_error *err)
{
    struct http_target *target = context;
    struct http_slot *slot = &target->slots[number];
    const uint64_t now_ns = sfe_clock_monotonic_ns(target->options.clock);
    const uint64_t next_ns = target->next_ns;

    SFE_ASSERT(number < target->options.slot_count);
    SFE_ASSERT(slot->state == HTTP_FILLING && slot->event_count > 0);
    slot->due_ns = take_turn(target, now_ns);
    if (slot->due_ns > now_ns) {
        slot->state = HTTP_PENDING;
        return SFE_OK;
    }
    slot->state = HTTP_SENT;
    const enum sfe_code code = http_begin(slot, err);
    if (code != SFE_OK) {
        slot->state = HTTP_FILLING;
        target->next_ns = next_ns;
    }
    return code;
}

static void abandon(void *context, uint32_t number)
{
    struct http_target *target = context;

    SFE_ASSERT(number < target->options.slot_count);
    SFE_ASSERT(target->slots[number].state != HTTP_SENT);
    empty(&target->slots[number]);
}

size_t sfe_http_target_memory_bytes(const struct sfe_http_target_options *options)
{
    const size_t head = sfe_arena_cost(HTTP_URL_BYTES) + sfe_arena_cost(HTTP_HEADERS_BYTES);
    const size_t slot = head + sfe_arena_cost(HTTP_FRONT_BYTES + HTTP_BODY_BYTES) +
                        sfe_arena_cost(HTTP_ANSWER_BYTES) +
                        sfe_arena_cost(options->slot_events_max * sizeof(struct sfe_verdict));

    return sfe_arena_cost(sizeof(struct http_target)) + head + sfe_arena_cost(HTTP_ORDER_BYTES) +
           sfe_arena_cost(HTTP_AUTH_BYTES) +
           sfe_arena_cost(SFE_JSON_TOKENS_MAX * sizeof(struct sfe_json_token)) +
           sfe_arena_cost(options->slot_count * sizeof(struct http_slot)) +
           options->slot_count * slot;
}

static enum sfe_code open_head(struct http_head *head, struct sfe_arena *arena,
                               struct sfe_error *err)
{
    const enum sfe_code code = sfe_arena_take_builder(arena, HTTP_URL_BYTES, &head->url, err);

    return code == SFE_OK ? sfe_arena_take_builder(arena, HTTP_HEADERS_BYTES, &head->text, err)
                          : code;
}

static enum sfe_code open_slot(struct http_target *target, uint32_t number, struct sfe_arena *arena,
                               struct sfe_error *err)
{
    struct http_slot *slot = &target->slots[number];
    uint8_t *body = sfe_arena_take(arena, HTTP_FRONT_BYTES + HTTP_BODY_BYTES, err);

    slot->verdicts =
        sfe_arena_take(arena, target->options.slot_events_max * sizeof(*slot->verdicts), err);
    if (body == NULL || slot->verdicts == NULL) {
        return SFE_E_NO_MEMORY;
    }
    slot->owner.on_answer = http_answered;
    slot->target = target;
    slot->number = number;
    slot->body = sfe_builder_make(body + HTTP_FRONT_BYTES, HTTP_BODY_BYTES);
    const enum sfe_code code = open_head(&slot->head, arena, err);
    return code == SFE_OK
               ? sfe_arena_take_builder(arena, HTTP_ANSWER_BYTES, &slot->answer_body, err)
               : code;
}

static enum sfe_code open_parts(struct http_target *target, struct sfe_arena *arena,
                                struct sfe_error *err)
{
    enum sfe_code code = open_head(&target->head, arena, err);

    if (code == SFE_OK) {
        code = sfe_arena_take_builder(arena, HTTP_ORDER_BYTES, &target->order_text, err);
    }
    if (code == SFE_OK) {
        code = sfe_arena_take_builder(arena, HTTP_AUTH_BYTES, &target->auth_value, err);
    }
    target->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*target->tokens), err);
    target->slots = sfe_arena_take(arena, target->options.slot_count * sizeof(*target->slots), err);
    if (code != SFE_OK || target->tokens == NULL || target->slots == NULL) {
        return SFE_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < target->options.slot_count && code == SFE_OK; i++) {
        code = open_slot(target, i, arena, err);
    }
    return code;
}

enum sfe_code sfe_http_target_open(const struct sfe_http_target_options *options,
                                   struct sfe_arena *arena, struct sfe_target *target,
                                   struct sfe_error *err)
{
    struct http_target *made = sfe_arena_take(arena, sizeof(*made), err);

    SFE_ASSERT(options->slot_count > 0 && options->slot_events_max > 0);
    if (made == NULL) {
        return err->code;
    }
    made->options = *options;
    const enum sfe_code code = open_parts(made, arena, err);
    if (code != SFE_OK) {
        return code;
    }
    if (options->auth.scheme != SFE_HTTP_OPEN && options->auth.scheme != SFE_HTTP_HMAC) {
        http_make_auth(made);
    }
    *target = (struct sfe_target){made, bind, is_ready, offer, send, abandon, NULL};
    return SFE_OK;
}

void sfe_http_target_close(struct sfe_target *target)
{
    struct http_target *made = target->context;

    if (made == NULL) {
        return;
    }
    for (uint32_t i = 0; i < made->options.slot_count; i++) {
        struct sfe_http_owner *owner = &made->slots[i].owner;
        if (owner->exchange != NULL) {
            made->options.http->cancel(made->options.http->context, owner->exchange);
            owner->exchange = NULL;
        }
    }
    sfe_wipe(made->auth_value.bytes, made->auth_value.size);
    target->context = NULL;
}
