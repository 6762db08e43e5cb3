/* Questions as they come: which of them may be answered, and where. */
#include "ask/ask_parts.h"

#include "base/assert.h"

#define SECOND_NS UINT64_C(1000000000)

bool ask_is_allowed_topic(const struct sfe_ask *ask, struct sfe_slice topic)
{
    const struct sfe_slice prefix = sfe_slice_text(ask->options.prefix);

    /* At least a byte behind the prefix. */
    if (topic.size <= prefix.size || topic.size > ASK_TOPIC_BYTES_MAX || topic.bytes[0] == '$' ||
        !sfe_slice_equal(sfe_slice_part(topic, 0, prefix.size), prefix) || !sfe_utf8_valid(topic)) {
        return false;
    }
    for (size_t i = 0; i < topic.size; i++) {
        if (topic.bytes[i] == '+' || topic.bytes[i] == '#' || topic.bytes[i] < 0x20u ||
            topic.bytes[i] == 0x7Fu) {
            return false;
        }
    }
    return true;
}

bool ask_is_too_soon(struct sfe_ask *ask, uint64_t now_ns)
{
    if (ask->options.rate == 0) {
        return false;
    }
    const uint64_t step_ns = SECOND_NS / ask->options.rate;
    const uint64_t since_ns = now_ns - ask->seen_ns;
    ask->saved_ns += since_ns < SECOND_NS ? since_ns : SECOND_NS;
    if (ask->seen_ns == 0 || ask->saved_ns > SECOND_NS) {
        ask->saved_ns = SECOND_NS;
    }
    ask->seen_ns = now_ns;
    if (ask->saved_ns < step_ns) {
        return true;
    }
    ask->saved_ns -= step_ns;
    return false;
}

static bool may_be_answered(const struct sfe_ask *ask, const struct sfe_mqtt_taken *message)
{
    return !message->is_retained && message->correlation.size <= ASK_CORRELATION_BYTES_MAX &&
           ask_is_allowed_topic(ask, message->response_topic);
}

/* Slots in use: of questions under way, and of those that only say no. */
struct use {
    uint32_t under_way;
    uint32_t spare;
};

/* A slot that nobody has; NULL: there is none. */
static struct ask_slot *find_free(struct sfe_ask *ask, struct use *use)
{
    struct ask_slot *found = NULL;

    *use = (struct use){0, 0};
    sfe_mutex_lock(ask->mutex);
    for (uint32_t i = 0; i < ask->slot_count; i++) {
        struct ask_slot *slot = &ask->slots[i];
        if (slot->state == ASK_FREE) {
            found = slot;
        } else {
            use->under_way += slot->is_spare ? 0 : 1u;
            use->spare += slot->is_spare ? 1u : 0;
        }
    }
    sfe_mutex_unlock(ask->mutex);
    return found;
}

/* What the slot needs of the message; it is the edge thread's as long as it is free. */
static void fill_slot(struct ask_slot *slot, const struct sfe_mqtt_taken *message)
{
    memcpy(slot->response, message->response_topic.bytes, message->response_topic.size);
    slot->response[message->response_topic.size] = '\0';
    slot->correlation_bytes = message->correlation.size;
    if (message->correlation.size != 0) {
        memcpy(slot->correlation, message->correlation.bytes, message->correlation.size);
    }
    slot->is_made = false;
    slot->has_logged_in = false;
}

static void keep_question(const struct sfe_ask *ask, struct ask_slot *slot,
                          const struct sfe_mqtt_taken *message)
{
    SFE_ASSERT(message->payload.size <= ask->options.question_bytes_max);
    slot->question_bytes = message->payload.size;
    if (message->payload.size != 0) {
        memcpy(slot->question, message->payload.bytes, message->payload.size);
    }
    slot->topic_bytes = message->topic.size;
    memcpy(slot->topic, message->topic.bytes, message->topic.size);
}

/* ASK_OK: it may be looked up. */
static enum ask_status judge(struct sfe_ask *ask, const struct sfe_mqtt_taken *message,
                             uint32_t under_way, uint64_t now_ns)
{
    if (ask_is_too_soon(ask, now_ns) || under_way >= ask->options.in_flight) {
        return ASK_BUSY;
    }
    if (message->payload_bytes > ask->options.question_bytes_max ||
        message->topic.size > ASK_TOPIC_BYTES_MAX) {
        return ASK_BAD_QUESTION;
    }
    return ASK_OK;
}

uint64_t ask_take(void *context, const struct sfe_mqtt_taken *message)
{
    struct sfe_ask *ask = context;
    const uint64_t now_ns = sfe_clock_monotonic_ns(ask->options.clock);
    struct use use;

    if (!may_be_answered(ask, message)) {
        ask->facts.questions++;
        ask->facts.refused++;
        return ++ask->taken;
    }
    struct ask_slot *slot = find_free(ask, &use);
    const enum ask_status status = judge(ask, message, use.under_way, now_ns);
    if (slot == NULL || (status != ASK_OK && use.spare >= SFE_ASK_SPARE_SLOTS)) {
        return 0; /* Until the broker has taken one of those that say no. */
    }
    ask->facts.questions++;
    fill_slot(slot, message);
    slot->number = ++ask->taken;
    slot->deadline_ns = now_ns + ask->options.within_ns;
    slot->is_spare = status != ASK_OK;
    slot->is_void = false;
    if (status != ASK_OK) {
        ask_settle(ask, slot, status);
        return ask->taken;
    }
    keep_question(ask, slot, message);
    ask_look_up(ask, slot);
    return ask->taken;
}

uint64_t ask_settled(void *context)
{
    struct sfe_ask *ask = context;
    uint64_t settled = ask->taken;

    sfe_mutex_lock(ask->mutex);
    for (uint32_t i = 0; i < ask->slot_count; i++) {
        const struct ask_slot *slot = &ask->slots[i];
        if (slot->state != ASK_FREE && !slot->is_void && slot->number <= settled) {
            settled = slot->number - 1u;
        }
    }
    sfe_mutex_unlock(ask->mutex);
    return settled;
}
