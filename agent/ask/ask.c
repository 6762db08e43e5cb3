/* Memory, and the edge thread's turn: what is ready is published, what is over makes room. */
#include "ask/ask_parts.h"

#include "base/arena.h"
#include "base/assert.h"

#include <inttypes.h>

/* As an output's: a broker that does not acknowledge for so long is to be asked anew. */
#define ANSWER_NS (UINT64_C(60) * 1000000000u)
/* A client that takes no message now is asked again. */
#define AGAIN_NS (UINT64_C(20) * 1000000u)
/* Of a packet, beside its topic, payload and correlation data. */
#define PACKET_BYTES 128u
/* "{"error":"bad_question"}" and the like. */
#define ANSWER_BYTES_MIN 64u

static enum ask_state state_of(struct sfe_ask *ask, const struct ask_slot *slot, bool *is_void)
{
    sfe_mutex_lock(ask->mutex);
    const enum ask_state state = slot->state;
    *is_void = slot->is_void;
    sfe_mutex_unlock(ask->mutex);
    return state;
}

static void set_state(struct sfe_ask *ask, struct ask_slot *slot, enum ask_state state)
{
    sfe_mutex_lock(ask->mutex);
    slot->state = state;
    sfe_mutex_unlock(ask->mutex);
}

/* Foreign thread. The number of a question is never used again: a late word meets nobody. */
static void on_published(void *owner, uint64_t tag, int reason, const char *text)
{
    struct sfe_ask *ask = owner;
    bool is_known = false;

    (void)reason;
    (void)text;
    sfe_mutex_lock(ask->mutex);
    for (uint32_t i = 0; i < ask->slot_count; i++) {
        struct ask_slot *slot = &ask->slots[i];
        if (slot->state == ASK_SENT && slot->number == tag) {
            slot->state = ASK_OVER;
            is_known = true;
        }
    }
    sfe_mutex_unlock(ask->mutex);
    if (is_known) {
        ask->options.wake_edge(ask->options.owner);
    }
}

/* Who asked over a connection that is gone does not wait any more: he may not be there. */
static void give_up_all(struct sfe_ask *ask)
{
    sfe_mutex_lock(ask->mutex);
    for (uint32_t i = 0; i < ask->slot_count; i++) {
        struct ask_slot *slot = &ask->slots[i];
        if (slot->state == ASK_FREE || slot->is_void) {
            continue;
        }
        ask->facts.lost += slot->state == ASK_SENT || slot->state == ASK_OVER ? 0 : 1u;
        slot->is_void = true;
        if (slot->state == ASK_SENT) {
            slot->state = ASK_OVER;
        }
    }
    sfe_mutex_unlock(ask->mutex);
}

static void on_link(void *owner, struct sfe_mqtt_session *session, const struct sfe_error *why,
                    int reason)
{
    struct sfe_ask *ask = owner;
    const struct sfe_mqtt *mqtt = ask->options.mqtt;

    (void)why;
    (void)reason;
    if (session == NULL) {
        give_up_all(ask);
    } else {
        mqtt->limits(mqtt->context, session, &ask->limits);
    }
    ask->session = session;
}

static bool wants_end(void *owner, struct sfe_error *why)
{
    struct sfe_ask *ask = owner;
    const uint64_t now_ns = sfe_clock_monotonic_ns(ask->options.clock);

    for (uint32_t i = 0; i < ask->slot_count; i++) {
        bool is_void = false;
        if (state_of(ask, &ask->slots[i], &is_void) == ASK_SENT && !is_void &&
            now_ns - ask->slots[i].sent_ns >= ANSWER_NS) {
            (void)sfe_fail(why, SFE_E_TIMEOUT, "the broker does not answer PUBLISH");
            return true;
        }
    }
    return false;
}

static void count(struct sfe_ask *ask, enum ask_status status)
{
    uint64_t *const counts[ASK_STATUSES] = {
        [ASK_OK] = &ask->facts.answered,
        [ASK_NOT_FOUND] = &ask->facts.not_found,
        [ASK_BAD_QUESTION] = &ask->facts.bad_question,
        [ASK_BUSY] = &ask->facts.busy,
        [ASK_BUDGET] = &ask->facts.budget,
        [ASK_UNAVAILABLE] = &ask->facts.unavailable,
        [ASK_TIMEOUT] = &ask->facts.timeout,
        [ASK_FAILED] = &ask->facts.failed,
    };

    (*counts[status])++;
}

static bool fits(const struct sfe_ask *ask, const struct ask_slot *slot)
{
    return slot->answer.size + strlen(slot->response) + slot->correlation_bytes + PACKET_BYTES <=
           ask->limits.packet_bytes_max;
}

static enum sfe_code publish(struct sfe_ask *ask, struct ask_slot *slot, uint64_t now_ns)
{
    const struct sfe_mqtt *mqtt = ask->options.mqtt;
    const struct sfe_mqtt_property status = {SFE_TEXT("status"),
                                             sfe_slice_text(ask_status_name(slot->status))};
    const struct sfe_mqtt_message message = {
        .topic = slot->response,
        .payload = sfe_builder_slice(&slot->answer),
        .qos = ask->options.qos < ask->limits.qos_max ? ask->options.qos : ask->limits.qos_max,
        .content_type = SFE_TEXT("application/json"),
        .correlation = sfe_slice_make(slot->correlation, slot->correlation_bytes),
        .properties = &status,
        .property_count = 1,
    };
    struct sfe_error ignored;

    slot->sent_ns = now_ns;
    set_state(ask, slot, ASK_SENT); /* Before: its end may be told at once. */
    const enum sfe_code code =
        mqtt->publish(mqtt->context, ask->session, &message, slot->number, &ignored);
    if (code != SFE_OK) {
        set_state(ask, slot, code == SFE_E_AGAIN ? ASK_READY : ASK_OVER);
    }
    return code;
}

static uint64_t give_up(struct sfe_ask *ask, struct ask_slot *slot, uint64_t now_ns)
{
    ask->facts.lost++;
    set_state(ask, slot, ASK_OVER);
    return now_ns;
}

/* Publishes the answer; returns when to look again. */
static uint64_t send_answer(struct sfe_ask *ask, struct ask_slot *slot, uint64_t now_ns)
{
    if (ask->session == NULL && now_ns < slot->deadline_ns) {
        return slot->deadline_ns; /* It is about to stand; or the end is about to be told. */
    }
    if (ask->session == NULL) {
        return give_up(ask, slot, now_ns);
    }
    ask_make_answer(ask, slot);
    if (!fits(ask, slot) && slot->status == ASK_OK) {
        ask_settle(ask, slot, ASK_FAILED);
        ask_make_answer(ask, slot);
    }
    const enum ask_status status = slot->status;
    const enum sfe_code code = fits(ask, slot) ? publish(ask, slot, now_ns) : SFE_E_TOO_LARGE;
    if (code == SFE_OK) {
        count(ask, status);
        return now_ns + ANSWER_NS;
    }
    if (code == SFE_E_AGAIN && now_ns < slot->deadline_ns + ask->options.within_ns) {
        return now_ns + AGAIN_NS;
    }
    return give_up(ask, slot, now_ns);
}

static uint64_t move_slot(struct sfe_ask *ask, struct ask_slot *slot, uint64_t now_ns)
{
    bool is_void = false;

    switch (state_of(ask, slot, &is_void)) {
    case ASK_READY:
        if (is_void) {
            set_state(ask, slot, ASK_FREE);
            return UINT64_MAX;
        }
        return send_answer(ask, slot, now_ns);
    case ASK_OVER:
        set_state(ask, slot, ASK_FREE);
        return UINT64_MAX;
    case ASK_SENT:
        return slot->sent_ns + ANSWER_NS;
    case ASK_FREE:
    case ASK_WAITING:
    case ASK_ASKING:
        break;
    }
    return UINT64_MAX;
}

static uint64_t move_slots(struct sfe_ask *ask, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < ask->slot_count; i++) {
        due_ns = sfe_clock_earlier_ns(due_ns, move_slot(ask, &ask->slots[i], now_ns));
    }
    return due_ns;
}

/* Slots first: the connection then acknowledges what is over. */
static uint64_t turn(void *context, uint64_t now_ns)
{
    struct sfe_ask *ask = context;
    const bool was_up = ask->session != NULL;
    const uint64_t due_ns = move_slots(ask, now_ns);
    const uint64_t link_ns = ask->link.turn(ask->link.context, now_ns);

    if ((ask->session != NULL) != was_up) {
        return now_ns; /* What waited for it goes, or is given up. */
    }
    return sfe_clock_earlier_ns(due_ns, link_ns);
}

static void stop(void *context)
{
    struct sfe_ask *ask = context;

    ask->link.stop(ask->link.context);
}

static uint32_t under_way(struct sfe_ask *ask)
{
    uint32_t used = 0;

    sfe_mutex_lock(ask->mutex);
    for (uint32_t i = 0; i < ask->slot_count; i++) {
        used += ask->slots[i].state == ASK_FREE ? 0 : 1u;
    }
    sfe_mutex_unlock(ask->mutex);
    return used;
}

static bool is_quiet(void *context)
{
    struct sfe_ask *ask = context;

    return under_way(ask) == 0 && ask->link.is_quiet(ask->link.context);
}

static void tell_facts(void *context, struct sfe_source_facts *facts)
{
    struct sfe_ask *ask = context;

    ask->link.facts(ask->link.context, facts);
    facts->has_ask = true;
    facts->ask = ask->facts;
    facts->ask.input = ask->options.input;
    facts->ask.under_way = under_way(ask);
}

static void close_source(void *context)
{
    struct sfe_ask *ask = context;

    ask->link.close(ask->link.context);
}

void sfe_ask_make_source(struct sfe_ask *ask, const struct sfe_source *link,
                         struct sfe_source *source)
{
    ask->link = *link;
    *source = (struct sfe_source){
        .context = ask,
        .turn = turn,
        .stop = stop,
        .is_quiet = is_quiet,
        .facts = tell_facts,
        .close = close_source,
    };
}

/* A question that is not JSON takes six times its size as a text; a table has one row. */
static size_t document_bytes(const struct sfe_ask_options *options)
{
    return 6u * (size_t)options->question_bytes_max + 2u * (size_t)options->answer_bytes_max + 64u;
}

static size_t answer_bytes(const struct sfe_ask_options *options)
{
    SFE_ASSERT(options->answer_bytes_max >= ANSWER_BYTES_MIN);
    return options->answer_bytes_max;
}

size_t sfe_ask_memory_bytes(const struct sfe_ask_options *options, bool has_query)
{
    const uint32_t slots = sfe_ask_messages_max(options->in_flight);
    const size_t slot = sfe_arena_cost(options->question_bytes_max) +
                        sfe_arena_cost(answer_bytes(options)) +
                        (has_query ? sfe_arena_cost(ASK_PATH_BYTES) : 0);

    return sfe_arena_cost(sizeof(struct sfe_ask)) +
           sfe_arena_cost(slots * sizeof(struct ask_slot)) + slots * slot +
           sfe_arena_cost(document_bytes(options)) +
           sfe_arena_cost(ASK_TOKENS_MAX * sizeof(struct sfe_json_token)) +
           (has_query ? sfe_arena_cost(ASK_QUERY_BYTES) + sfe_arena_cost(SFE_QUERY_URL_BYTES) +
                            sfe_arena_cost(ASK_ERROR_TOKENS * sizeof(struct sfe_json_token))
                      : 0);
}

static enum sfe_code open_slots(struct sfe_ask *ask, struct sfe_arena *arena, struct sfe_error *err)
{
    const bool has_query = ask->options.table == NULL;

    ask->slot_count = sfe_ask_messages_max(ask->options.in_flight);
    ask->slots = sfe_arena_take(arena, ask->slot_count * sizeof(*ask->slots), err);
    for (uint32_t i = 0; ask->slots != NULL && i < ask->slot_count; i++) {
        struct ask_slot *slot = &ask->slots[i];
        slot->ask = ask;
        slot->question = sfe_arena_take(arena, ask->options.question_bytes_max, err);
        if (slot->question == NULL ||
            sfe_arena_take_builder(arena, answer_bytes(&ask->options), &slot->answer, err) !=
                SFE_OK ||
            (has_query &&
             sfe_arena_take_builder(arena, ASK_PATH_BYTES, &slot->path, err) != SFE_OK)) {
            return err->code;
        }
    }
    return ask->slots == NULL ? err->code : SFE_OK;
}

static enum sfe_code open_scratch(struct sfe_ask *ask, struct sfe_arena *arena,
                                  struct sfe_error *err)
{
    ask->tokens = sfe_arena_take(arena, ASK_TOKENS_MAX * sizeof(*ask->tokens), err);
    if (ask->tokens == NULL || sfe_arena_take_builder(arena, document_bytes(&ask->options),
                                                      &ask->document, err) != SFE_OK) {
        return err->code;
    }
    if (ask->options.table != NULL) {
        return SFE_OK;
    }
    ask->error_tokens = sfe_arena_take(arena, ASK_ERROR_TOKENS * sizeof(*ask->error_tokens), err);
    if (ask->error_tokens == NULL ||
        sfe_arena_take_builder(arena, ASK_QUERY_BYTES, &ask->text, err) != SFE_OK ||
        sfe_arena_take_builder(arena, SFE_QUERY_URL_BYTES, &ask->url, err) != SFE_OK) {
        return err->code;
    }
    return SFE_OK;
}

enum sfe_code sfe_ask_open(const struct sfe_ask_options *options, struct sfe_arena *arena,
                           struct sfe_ask **ask, struct sfe_error *err)
{
    struct sfe_ask *self = sfe_arena_take(arena, sizeof(*self), err);

    SFE_ASSERT((options->table == NULL) != (options->query == NULL));
    *ask = NULL;
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    if (open_slots(self, arena, err) != SFE_OK || open_scratch(self, arena, err) != SFE_OK) {
        return err->code;
    }
    self->mutex = sfe_mutex_open();
    if (self->mutex == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    self->taker = (struct sfe_mqtt_taker){ask_take, ask_settled, self};
    self->user = (struct sfe_mqtt_user){
        .publishing = {self->slot_count, on_published, self},
        .on_link = on_link,
        .wants_end = wants_end,
        .owner = self,
    };
    *ask = self;
    return SFE_OK;
}

const struct sfe_mqtt_taker *sfe_ask_taker(const struct sfe_ask *ask)
{
    return &ask->taker;
}

const struct sfe_mqtt_user *sfe_ask_user(const struct sfe_ask *ask)
{
    return &ask->user;
}
