#include "target/jq.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"

#define LENGTH_BYTES 4u
#define LOOK_NS      2000000u /* How often a worker that has something to do is looked at. */
#define WAIT_MS      100u
#define SECOND_NS    UINT64_C(1000000000)
/* A worker that uses so much less time than it is given is stopped, or its machine too busy. */
#define OVERDUE_FACTOR 20u
#define OVERDUE_NS     (10u * SECOND_NS)
#define DIGITS_MAX     15u
#define KILLS_MAX      3u
#define DEPTH_MAX      (SFE_JSON_DEPTH_MAX - 2u) /* It stands in an object in an object. */

struct jq_slot {
    struct sfe_builder value; /* Its length, and the payload. */
    bool is_under_way;
    uint32_t kills; /* Workers that were ended by somebody else while it was their next. */
};

struct sfe_jq_target {
    struct sfe_jq_target_options options;
    struct sfe_target_host host;
    struct sfe_json_token *tokens;
    struct jq_slot slots[SFE_JQ_SLOTS];
    uint32_t queue[SFE_JQ_SLOTS]; /* Slots under way, in the order of sending. */
    uint32_t queued;
    uint32_t written;     /* Of these the worker has so many, */
    size_t written_bytes; /* and so much of the next. */
    struct sfe_jq jq;
    bool is_working;  /* There is a worker; it may not be ready. */
    bool is_known;    /* It has said READY. */
    uint32_t settled; /* Events this worker has answered. */
    uint64_t now_ns;
    uint64_t since_ns;         /* The last sign of life. */
    uint64_t start_ns;         /* No worker is started before. */
    struct sfe_builder answer; /* What has come of the next answer. */
};

static void bind(void *context, const struct sfe_target_host *host)
{
    struct sfe_jq_target *self = context;

    SFE_ASSERT(self->host.finished == NULL);
    self->host = *host;
}

static void put_answer(void *context, uint32_t place_in_slot, struct sfe_json_writer *writer)
{
    const struct sfe_slice *result = context;

    (void)place_in_slot;
    if (result->size != 0) {
        sfe_json_put_raw(writer, "result", *result);
    }
}

/* The first of the queue is over. */
static void finish(struct sfe_jq_target *self, const struct sfe_verdict *verdict,
                   struct sfe_slice json)
{
    const uint32_t number = self->queue[0];
    struct sfe_slot_result result = {
        .slot = number,
        .outcome = SFE_SLOT_ANSWERED,
        .verdicts = verdict,
        .answer = put_answer,
        .context = &json,
        .count = 1,
        .retry_after_s = -1,
    };

    SFE_ASSERT(self->queued > 0);
    self->queued--;
    self->written -= self->written > 0 ? 1u : 0u;
    memmove(self->queue, self->queue + 1, self->queued * sizeof(self->queue[0]));
    sfe_builder_rewind(&self->slots[number].value, 0);
    self->slots[number].is_under_way = false;
    self->host.finished(self->host.context, &result);
}

static void give_up(struct sfe_jq_target *self, const char *why)
{
    struct sfe_verdict verdict = {.kind = SFE_VERDICT_DEAD};

    (void)sfe_fail(&verdict.err, SFE_E_UNMAPPED, "jq: %s", why);
    finish(self, &verdict, sfe_slice_make(NULL, 0));
}

/* Its event comes again after a pause, and counts the try. */
static void put_off(struct sfe_jq_target *self, const struct sfe_error *why)
{
    struct sfe_verdict verdict = {.kind = SFE_VERDICT_RETRY, .err = *why};

    verdict.err.retry = SFE_RETRY_LATER;
    finish(self, &verdict, sfe_slice_make(NULL, 0));
}

/* A worker that has ended: what it had of the queue goes to the next one. */
static void forget_worker(struct sfe_jq_target *self)
{
    self->is_working = false;
    self->is_known = false;
    self->written = 0;
    self->written_bytes = 0;
    self->settled = 0;
    sfe_builder_rewind(&self->answer, 0);
}

/* What an end says of the event that the worker had next; NULL: nothing. For memory and faults what
 * came before it may be to blame as well, unless nothing did. */
static const char *blame(enum sfe_jq_end end, bool is_first)
{
    switch (end) {
    case SFE_JQ_TIME:
        return "the program takes more than \"time\"";
    case SFE_JQ_MEMORY:
        return is_first ? "the program takes more than \"memory\"" : NULL;
    case SFE_JQ_FAULT:
        return is_first ? "libjq fails on it, as on what is nested too deep" : NULL;
    case SFE_JQ_KILLED:
    default:
        return NULL;
    }
}

/* A worker that ended without the event's doing: the event goes to the next one, not for ever. */
static void count_kill(struct sfe_jq_target *self)
{
    struct sfe_error why = {0};

    self->start_ns = self->now_ns + SECOND_NS / 10u;
    if (++self->slots[self->queue[0]].kills >= KILLS_MAX) {
        (void)sfe_fail(&why, SFE_E_TIMEOUT, "the jq worker was ended %u times before an answer",
                       KILLS_MAX);
        put_off(self, &why);
    }
}

static void mind_end(struct sfe_jq_target *self)
{
    const enum sfe_jq_end end = sfe_jq_stop(&self->jq);
    const bool was_read = self->is_known && (self->written > 0 || self->written_bytes > 0);
    const char *why = was_read ? blame(end, self->settled == 0) : NULL;

    forget_worker(self);
    if (self->queued == 0) {
        return;
    }
    if (why != NULL) {
        give_up(self, why);
    } else if (end == SFE_JQ_KILLED || !was_read) {
        count_kill(self);
    }
}

/* One whole answer; `text` lives until the next is read. */
static void take_answer(struct sfe_jq_target *self, enum sfe_jq_kind kind, struct sfe_slice text)
{
    static const struct sfe_verdict done = {.kind = SFE_VERDICT_DONE};
    char why[SFE_JQ_MESSAGE_BYTES];

    if (kind == SFE_JQ_READY && !self->is_known) {
        self->is_known = true;
        return;
    }
    if (!self->is_known || self->queued == 0 || self->written == 0 || kind >= SFE_JQ_KINDS) {
        return; /* Not of our protocol: the worker will be overdue. */
    }
    self->settled++;
    switch (kind) {
    case SFE_JQ_RESULT:
        if (sfe_json_is_value(text, DEPTH_MAX)) {
            finish(self, &done, text);
        } else {
            give_up(self, "the result is nested too deep");
        }
        break;
    case SFE_JQ_NONE:
        finish(self, &done, sfe_slice_make(NULL, 0));
        break;
    case SFE_JQ_SEVERAL:
        give_up(self, "the program has more than one result; [...] makes a list of them");
        break;
    case SFE_JQ_TOO_LARGE:
        give_up(self, "the result is too large to be passed on");
        break;
    default:
        sfe_printable(why, sizeof(why), text);
        give_up(self, why);
        break;
    }
}

static uint32_t length_of(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* Takes all whole answers out of what has come. */
static void take_answers(struct sfe_jq_target *self)
{
    uint8_t *bytes = self->answer.bytes;
    size_t at = 0;

    while (self->answer.size - at >= SFE_JQ_HEAD_BYTES) {
        const size_t size = length_of(bytes + at + 1u);
        if (size > self->answer.size - at - SFE_JQ_HEAD_BYTES) {
            break;
        }
        take_answer(self, (enum sfe_jq_kind)bytes[at],
                    sfe_slice_make(bytes + at + SFE_JQ_HEAD_BYTES, size));
        at += SFE_JQ_HEAD_BYTES + size;
    }
    memmove(bytes, bytes + at, self->answer.size - at);
    self->answer.size -= at;
}

/* Reads what is there. False: the worker has ended. */
static bool read_answers(struct sfe_jq_target *self)
{
    enum sfe_code code = SFE_OK;

    while (code == SFE_OK && sfe_builder_room(&self->answer) > 0) {
        code = sfe_jq_read(&self->jq, &self->answer);
        if (code == SFE_OK) {
            self->since_ns = self->now_ns;
            take_answers(self);
        }
    }
    return code == SFE_E_AGAIN; /* An answer that never fits is none of ours. */
}

static void write_values(struct sfe_jq_target *self)
{
    while (self->written < self->queued) {
        const struct sfe_slice value =
            sfe_builder_slice(&self->slots[self->queue[self->written]].value);
        const struct sfe_slice rest =
            sfe_slice_part(value, self->written_bytes, value.size - self->written_bytes);
        size_t size = 0;
        if (sfe_jq_write(&self->jq, rest, &size) != SFE_OK) {
            return; /* The end of it will be read. */
        }
        self->written_bytes += size;
        if (size < rest.size) {
            return;
        }
        self->written++;
        self->written_bytes = 0;
    }
}

static void start(struct sfe_jq_target *self)
{
    struct sfe_error err = {0};

    if (self->now_ns < self->start_ns) {
        return;
    }
    self->since_ns = self->now_ns;
    if (sfe_jq_start(&self->options.worker, &self->jq, &err) == SFE_OK) {
        self->is_working = true;
        return;
    }
    self->start_ns = self->now_ns + SECOND_NS;
    while (self->queued > 0) {
        put_off(self, &err);
    }
}

static bool is_overdue(const struct sfe_jq_target *self)
{
    const uint64_t time_ns = (uint64_t)self->options.worker.cpu_ms * (SECOND_NS / 1000u);

    return self->now_ns - self->since_ns > OVERDUE_FACTOR * time_ns + OVERDUE_NS;
}

static void work(struct sfe_jq_target *self)
{
    if (!self->is_working) {
        start(self);
    }
    if (!self->is_working) {
        return;
    }
    write_values(self);
    if (self->options.is_waiting && self->queued > 0) {
        sfe_jq_wait(&self->jq, WAIT_MS);
    }
    if (!read_answers(self) || is_overdue(self)) {
        mind_end(self);
    }
}

static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    struct sfe_jq_target *self = context;

    self->now_ns = now_ns;
    *until_ns = UINT64_MAX;
    if (self->queued > 0) {
        work(self);
    }
    if (self->queued > 0) {
        *until_ns = now_ns + LOOK_NS;
    }
    return true;
}

/* Digits that a double might not keep. */
static bool is_long_number(struct sfe_slice text)
{
    uint32_t digits = 0;
    uint32_t zeros = 0; /* At the end, so far. */

    for (size_t i = 0; i < text.size && text.bytes[i] != 'e' && text.bytes[i] != 'E'; i++) {
        const uint8_t byte = text.bytes[i];
        if (byte == '0') {
            zeros += digits > 0 ? 1u : 0u;
        } else if (byte >= '1' && byte <= '9') {
            digits += zeros + 1u;
            zeros = 0;
        }
    }
    return digits > DIGITS_MAX;
}

static enum sfe_code check_numbers(const struct sfe_json *json, struct sfe_error *err)
{
    for (uint32_t i = 0; i < json->count; i++) {
        if (sfe_json_kind(json, i) == SFE_JSON_NUMBER && is_long_number(sfe_json_raw(json, i))) {
            return sfe_fail(err, SFE_E_UNMAPPED,
                            "jq: a number of more than %u digits, which jq would change; send it "
                            "as text",
                            DIGITS_MAX);
        }
    }
    return SFE_OK;
}

static void add_value(struct jq_slot *slot, struct sfe_slice payload)
{
    const uint8_t length[LENGTH_BYTES] = {(uint8_t)payload.size, (uint8_t)(payload.size >> 8),
                                          (uint8_t)(payload.size >> 16),
                                          (uint8_t)(payload.size >> 24)};

    sfe_builder_add(&slot->value, sfe_slice_make(length, sizeof(length)));
    sfe_builder_add(&slot->value, payload);
    slot->kills = 0;
}

static enum sfe_code offer(void *context, uint32_t number, struct sfe_event *event, int64_t time_ns,
                           struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    struct sfe_jq_target *self = context;
    struct jq_slot *slot = &self->slots[number];
    struct sfe_map_subject subject;

    (void)lane;
    *order_key = 0;
    SFE_ASSERT(number < SFE_JQ_SLOTS && !slot->is_under_way);
    if (slot->value.size != 0) {
        return SFE_E_FULL;
    }
    sfe_map_subject_make(event, time_ns, self->tokens, SFE_JSON_TOKENS_MAX, &subject);
    enum sfe_code code = sfe_where_judge(self->options.where, &subject, err);
    if (code == SFE_OK && !subject.is_json) {
        return sfe_fail(err, SFE_E_UNMAPPED, "jq: the payload is not JSON");
    }
    if (code == SFE_OK) {
        code = check_numbers(&subject.json, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    add_value(slot, event->payload);
    if (slot->value.overflowed) {
        sfe_builder_rewind(&slot->value, 0);
        return sfe_fail(err, SFE_E_TOO_LARGE, "jq: the payload is too large");
    }
    return SFE_OK;
}

static enum sfe_code send(void *context, uint32_t number, struct sfe_error *err)
{
    struct sfe_jq_target *self = context;
    struct jq_slot *slot = &self->slots[number];

    (void)err;
    SFE_ASSERT(number < SFE_JQ_SLOTS && slot->value.size != 0 && !slot->is_under_way);
    SFE_ASSERT(self->queued < SFE_JQ_SLOTS);
    if (self->queued == 0) {
        self->since_ns = self->now_ns;
    }
    slot->is_under_way = true;
    self->queue[self->queued++] = number;
    if (self->is_working) {
        write_values(self);
    }
    self->options.on_sent(self->options.owner);
    return SFE_OK;
}

static void abandon(void *context, uint32_t number)
{
    struct sfe_jq_target *self = context;

    SFE_ASSERT(!self->slots[number].is_under_way);
    sfe_builder_rewind(&self->slots[number].value, 0);
}

static size_t value_bytes(const struct sfe_jq_target_options *options)
{
    return LENGTH_BYTES + (size_t)options->event_bytes_max;
}

static size_t answer_bytes(const struct sfe_jq_target_options *options)
{
    const size_t result = options->worker.result_bytes_max;

    return SFE_JQ_HEAD_BYTES + (result > SFE_JQ_MESSAGE_BYTES ? result : SFE_JQ_MESSAGE_BYTES);
}

size_t sfe_jq_target_memory_bytes(const struct sfe_jq_target_options *options)
{
    return sfe_arena_cost(sizeof(struct sfe_jq_target)) +
           sfe_arena_cost(SFE_JSON_TOKENS_MAX * sizeof(struct sfe_json_token)) +
           SFE_JQ_SLOTS * sfe_arena_cost(value_bytes(options)) +
           sfe_arena_cost(answer_bytes(options));
}

enum sfe_code sfe_jq_target_open(const struct sfe_jq_target_options *options,
                                 struct sfe_arena *arena, struct sfe_jq_target **opened,
                                 struct sfe_target *target, struct sfe_error *err)
{
    struct sfe_jq_target *self = sfe_arena_take(arena, sizeof(*self), err);

    *opened = NULL;
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->jq = (struct sfe_jq){-1, -1};
    self->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*self->tokens), err);
    if (self->tokens == NULL ||
        sfe_arena_take_builder(arena, answer_bytes(options), &self->answer, err) != SFE_OK) {
        return SFE_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < SFE_JQ_SLOTS; i++) {
        if (sfe_arena_take_builder(arena, value_bytes(options), &self->slots[i].value, err) !=
            SFE_OK) {
            return SFE_E_NO_MEMORY;
        }
    }
    *target = (struct sfe_target){
        .context = self,
        .bind = bind,
        .is_ready = is_ready,
        .offer = offer,
        .send = send,
        .abandon = abandon,
    };
    *opened = self;
    return SFE_OK;
}

void sfe_jq_target_close(struct sfe_jq_target *self)
{
    if (self != NULL) {
        (void)sfe_jq_stop(&self->jq);
        forget_worker(self);
    }
}
