/* The MQTT client makes its callbacks while it holds a lock that nearly every call of it takes. So
 * a callback may take our mutex, and nobody calls the client while holding it. */
#include "target/mqtt_link.h"

#include "base/arena.h"
#include "base/assert.h"
#include "port/thread.h"

/* A tag is the message's number, and its slot in the low bits. */
#define SLOT_BITS 8u
#define SLOT_MASK ((UINT64_C(1) << SLOT_BITS) - 1u)

struct under_way {
    uint64_t tag; /* Of the message; 0: none. */
    bool is_over;
    struct mqtt_outcome outcome; /* Where it is over. */
};

struct sfe_mqtt_link {
    struct sfe_mqtt_link_options options;
    uint64_t published; /* Cloud thread. */
    struct sfe_mutex *mutex;
    /* All below under the mutex. */
    struct sfe_mqtt_session *session; /* NULL: not up. */
    uint64_t losses;
    int reason;
    struct sfe_mqtt_limits limits;
    struct sfe_error why;
    bool wants_end;
    struct sfe_error complaint;
    struct under_way *slots; /* One for each. */
};

size_t sfe_mqtt_link_memory_bytes(uint32_t slot_count)
{
    return sfe_arena_cost(sizeof(struct sfe_mqtt_link)) +
           sfe_arena_cost(slot_count * sizeof(struct under_way));
}

enum sfe_code sfe_mqtt_link_open(const struct sfe_mqtt_link_options *options,
                                 struct sfe_arena *arena, struct sfe_mqtt_link **link,
                                 struct sfe_error *err)
{
    struct sfe_mqtt_link *made = sfe_arena_take(arena, sizeof(*made), err);

    SFE_ASSERT(options->slot_count > 0 && options->slot_count <= SLOT_MASK);
    *link = NULL;
    if (made == NULL) {
        return err->code;
    }
    made->options = *options;
    made->slots = sfe_arena_take(arena, options->slot_count * sizeof(*made->slots), err);
    if (made->slots == NULL) {
        return err->code;
    }
    (void)sfe_fail(&made->why, SFE_E_NETWORK, "not connected yet");
    made->mutex = sfe_mutex_open();
    if (made->mutex == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex");
    }
    *link = made;
    return SFE_OK;
}

static void wake_cloud(const struct sfe_mqtt_link *link)
{
    link->options.wake_cloud(link->options.owner);
}

void sfe_mqtt_link_on_published(void *context, uint64_t tag, int reason, const char *text)
{
    struct sfe_mqtt_link *link = context;
    const uint32_t slot = (uint32_t)(tag & SLOT_MASK);
    bool is_awaited = false;

    SFE_ASSERT(slot < link->options.slot_count);
    if (reason < 0) {
        return; /* The edge thread will tell of the loss, and why. */
    }
    sfe_mutex_lock(link->mutex);
    struct under_way *message = &link->slots[slot];
    if (message->tag == tag && !message->is_over) {
        is_awaited = true;
        message->is_over = true;
        message->outcome.reason = reason;
        sfe_printable(message->outcome.text, sizeof(message->outcome.text), sfe_slice_text(text));
    }
    sfe_mutex_unlock(link->mutex);
    if (is_awaited) {
        wake_cloud(link);
    }
}

void sfe_mqtt_link_set(void *context, struct sfe_mqtt_session *session, const struct sfe_error *why,
                       int reason)
{
    struct sfe_mqtt_link *link = context;
    const struct sfe_mqtt *mqtt = link->options.mqtt;
    struct sfe_mqtt_limits limits = {0};

    if (session != NULL) {
        mqtt->limits(mqtt->context, session, &limits);
    }
    sfe_mutex_lock(link->mutex);
    if (session == NULL) {
        link->losses += link->session != NULL;
        link->reason = reason;
        link->why = *why;
    }
    link->session = session;
    link->limits = limits;
    link->wants_end = false; /* It was of the connection before. */
    sfe_mutex_unlock(link->mutex);
    wake_cloud(link);
}

bool sfe_mqtt_link_wants_end(void *context, struct sfe_error *why)
{
    struct sfe_mqtt_link *link = context;

    sfe_mutex_lock(link->mutex);
    const bool wants_end = link->wants_end;
    link->wants_end = false;
    if (wants_end) {
        *why = link->complaint;
    }
    sfe_mutex_unlock(link->mutex);
    return wants_end;
}

void mqtt_link_state(struct sfe_mqtt_link *link, struct mqtt_link_state *state)
{
    sfe_mutex_lock(link->mutex);
    state->is_up = link->session != NULL;
    state->losses = link->losses;
    state->reason = link->reason;
    state->limits = link->limits;
    state->why = link->why;
    sfe_mutex_unlock(link->mutex);
}

enum sfe_code mqtt_link_publish(struct sfe_mqtt_link *link, uint32_t slot,
                                const struct sfe_mqtt_message *message, struct sfe_error *err)
{
    const struct sfe_mqtt *mqtt = link->options.mqtt;
    const uint64_t tag = ++link->published << SLOT_BITS | slot;

    SFE_ASSERT(slot < link->options.slot_count);
    sfe_mutex_lock(link->mutex);
    struct sfe_mqtt_session *session = link->session;
    SFE_ASSERT(link->slots[slot].tag == 0);
    link->slots[slot] = (struct under_way){.tag = session == NULL ? 0 : tag};
    sfe_mutex_unlock(link->mutex);
    if (session == NULL) {
        return SFE_E_AGAIN;
    }
    const enum sfe_code code = mqtt->publish(mqtt->context, session, message, tag, err);
    if (code != SFE_OK) {
        mqtt_link_forget(link, slot);
    }
    return code;
}

bool mqtt_link_take(struct sfe_mqtt_link *link, uint32_t slot, struct mqtt_outcome *outcome)
{
    sfe_mutex_lock(link->mutex);
    struct under_way *message = &link->slots[slot];
    const bool is_over = message->is_over;
    if (is_over) {
        *outcome = message->outcome;
        *message = (struct under_way){0};
    }
    sfe_mutex_unlock(link->mutex);
    return is_over;
}

void mqtt_link_forget(struct sfe_mqtt_link *link, uint32_t slot)
{
    sfe_mutex_lock(link->mutex);
    link->slots[slot] = (struct under_way){0};
    sfe_mutex_unlock(link->mutex);
}

void mqtt_link_complain(struct sfe_mqtt_link *link, const struct sfe_error *why)
{
    sfe_mutex_lock(link->mutex);
    link->wants_end = link->session != NULL;
    link->complaint = *why;
    sfe_mutex_unlock(link->mutex);
    link->options.wake_edge(link->options.owner);
}

void sfe_mqtt_link_close(struct sfe_mqtt_link *link)
{
    if (link != NULL) {
        sfe_mutex_close(link->mutex);
        link->mutex = NULL;
    }
}
