#include "target/mqtt.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "flow/template.h"
#include "output/lane.h"
#include "target/mqtt_judge.h"
#include "target/mqtt_message.h"

/* A broker that keeps the connection alive and does not answer for so long is to be asked anew. */
#define ANSWER_NS (UINT64_C(60) * 1000000000u)
#define NO_SLOT   UINT32_MAX

enum slot_state { EMPTY, FILLED, UNDER_WAY };

struct message_slot {
    enum slot_state state;
    uint64_t sent_ns;
    size_t payload_bytes;
    struct mqtt_outcome outcome;
    char topic[MQTT_TOPIC_BYTES_MAX + 1u]; /* Of what is under way. */
};

struct mqtt_target {
    struct sfe_mqtt_output_options options;
    struct sfe_target_host host;
    struct mqtt_maker maker;
    uint32_t made;  /* Slot whose message the maker holds, or NO_SLOT. */
    bool is_fixed;  /* All events have one topic. */
    bool is_warned; /* The edge thread was asked to end this connection. */
    struct mqtt_link_state link;
    uint64_t losses; /* That are dealt with. */
    uint64_t now_ns;
    uint32_t in_flight;
    size_t flight_bytes;
    struct message_slot *slots;
};

size_t sfe_mqtt_output_flight_bytes_max(uint32_t event_bytes_max)
{
    return 2u * sfe_mqtt_output_payload_bytes_max(event_bytes_max);
}

static void bind(void *context, const struct sfe_target_host *host)
{
    struct mqtt_target *self = context;

    SFE_ASSERT(self->host.finished == NULL);
    self->host = *host;
}

/* For who passes answers on. */
static void answer(void *context, uint32_t place_in_slot, struct sfe_json_writer *writer)
{
    const struct message_slot *slot = context;

    (void)place_in_slot;
    sfe_json_put_text(writer, "topic", sfe_slice_text(slot->topic));
    if (slot->outcome.reason >= 0) {
        sfe_json_put_i64(writer, "reason_code", slot->outcome.reason);
    }
}

static void finish(struct mqtt_target *self, uint32_t number, const struct mqtt_fate *fate)
{
    struct message_slot *slot = &self->slots[number];
    const struct sfe_verdict verdict = {.kind = fate->verdict, .err = fate->err};
    const struct sfe_slot_result result = {
        .slot = number,
        .outcome = fate->outcome,
        .verdicts = &verdict,
        .answer = answer,
        .context = slot,
        .count = 1,
        .retry_after_s = -1,
        .err = fate->err,
    };

    if (slot->state == UNDER_WAY) {
        self->in_flight--;
        self->flight_bytes -= slot->payload_bytes;
    }
    slot->state = EMPTY;
    self->host.finished(self->host.context, &result);
}

/* Messages that the broker has answered. */
static void take_answers(struct mqtt_target *self)
{
    for (uint32_t i = 0; i < self->options.slot_count; i++) {
        struct message_slot *slot = &self->slots[i];
        struct mqtt_fate fate;
        if (slot->state == UNDER_WAY && mqtt_link_take(self->options.link, i, &slot->outcome)) {
            mqtt_judge_answer(&slot->outcome, self->is_fixed, &fate);
            finish(self, i, &fate);
        }
    }
}

/* What was under way on a connection that is gone is not answered any more. */
static void give_up_lost(struct mqtt_target *self, bool is_alone)
{
    struct mqtt_fate fate;

    mqtt_judge_loss(self->link.reason, is_alone, &self->link.why, &fate);
    for (uint32_t i = 0; i < self->options.slot_count; i++) {
        if (self->slots[i].state == UNDER_WAY) {
            mqtt_link_forget(self->options.link, i);
            self->slots[i].outcome.reason = -1;
            finish(self, i, &fate);
        }
    }
    self->is_warned = false;
}

/* When the first of what is under way is overdue; asks for another connection when it is. */
static uint64_t mind_overdue(struct mqtt_target *self)
{
    uint64_t due_ns = UINT64_MAX;
    struct sfe_error why;

    for (uint32_t i = 0; i < self->options.slot_count; i++) {
        if (self->slots[i].state == UNDER_WAY && self->slots[i].sent_ns + ANSWER_NS < due_ns) {
            due_ns = self->slots[i].sent_ns + ANSWER_NS;
        }
    }
    if (self->is_warned) {
        return UINT64_MAX;
    }
    if (due_ns <= self->now_ns) {
        (void)sfe_fail(&why, SFE_E_TIMEOUT, "the broker does not answer PUBLISH");
        self->is_warned = true;
        mqtt_link_complain(self->options.link, &why);
        return UINT64_MAX;
    }
    return due_ns;
}

static bool has_room(const struct mqtt_target *self)
{
    return self->flight_bytes + sfe_mqtt_output_payload_bytes_max(self->options.event_bytes_max) <=
           sfe_mqtt_output_flight_bytes_max(self->options.event_bytes_max);
}

static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    struct mqtt_target *self = context;

    const bool is_alone = self->in_flight == 1;

    self->now_ns = now_ns;
    mqtt_link_state(self->options.link, &self->link);
    take_answers(self);
    if (self->link.losses != self->losses) {
        give_up_lost(self, is_alone);
        self->losses = self->link.losses;
    }
    *until_ns = mind_overdue(self);
    return self->link.is_up && has_room(self);
}

static const struct sfe_mqtt_limits any_broker = {
    .packet_bytes_max = UINT32_MAX, .qos_max = 2, .can_retain = true};

static enum sfe_code offer(void *context, uint32_t number, struct sfe_event *event, int64_t time_ns,
                           struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    struct mqtt_target *self = context;
    struct message_slot *slot = &self->slots[number];

    SFE_ASSERT(number < self->options.slot_count && slot->state != UNDER_WAY);
    if (slot->state == FILLED) {
        return SFE_E_FULL;
    }
    self->made = NO_SLOT;
    enum sfe_code code = mqtt_maker_begin(&self->maker, event, time_ns, order_key, err);
    if (code != SFE_OK) {
        return code;
    }
    if (sfe_lane_is_held(lane, *order_key)) {
        return SFE_E_AGAIN;
    }
    /* What a broker takes is not known until it is there: `send` makes the message again. */
    code =
        mqtt_maker_finish(&self->maker, self->link.is_up ? &self->link.limits : &any_broker, err);
    if (code != SFE_OK) {
        return code;
    }
    (void)sfe_lane_claim(lane, *order_key);
    self->made = self->link.is_up ? number : NO_SLOT;
    slot->state = FILLED;
    return SFE_OK;
}

/* The message of the slot, made again where the maker has made another since. */
static enum sfe_code make_again(struct mqtt_target *self, uint32_t number, struct sfe_error *err)
{
    struct sfe_event event;
    int64_t time_ns = 0;
    uint64_t order_key = 0;
    enum sfe_code code = self->host.fetch(self->host.context, number, 0, &event, &time_ns, err);

    if (code == SFE_OK) {
        code = mqtt_maker_begin(&self->maker, &event, time_ns, &order_key, err);
    }
    return code == SFE_OK ? mqtt_maker_finish(&self->maker, &self->link.limits, err) : code;
}

/* What this broker does not have at all. */
static const char *missing(const struct mqtt_target *self)
{
    if (self->options.qos > self->link.limits.qos_max) {
        return "the broker takes messages of QoS 0 only; \"qos\": 0 promises nothing";
    }
    return self->options.is_retained && !self->link.limits.can_retain
               ? "the broker keeps no retained messages; take \"retain\" away"
               : NULL;
}

/* The slot ends without being sent: its event comes again, and its fate is found out then. */
static enum sfe_code put_back(struct mqtt_target *self, uint32_t number,
                              enum sfe_slot_outcome outcome, struct sfe_error *err)
{
    struct mqtt_fate fate = {.outcome = outcome, .verdict = SFE_VERDICT_RETRY, .err = *err};

    finish(self, number, &fate);
    return SFE_OK;
}

static enum sfe_code send(void *context, uint32_t number, struct sfe_error *err)
{
    struct mqtt_target *self = context;
    struct message_slot *slot = &self->slots[number];
    const struct sfe_mqtt_message *message = &self->maker.message;
    const char *lack = missing(self);

    SFE_ASSERT(number < self->options.slot_count && slot->state == FILLED);
    if (!self->link.is_up || !has_room(self)) {
        return SFE_E_AGAIN;
    }
    if (lack != NULL) {
        (void)sfe_fail(err, SFE_E_REFUSED, "%s", lack);
        err->retry = SFE_RETRY_AFTER_HUMAN;
        return put_back(self, number, SFE_SLOT_STOPPED, err);
    }
    if (self->made != number) {
        const enum sfe_code made = make_again(self, number, err);
        self->made = made == SFE_OK ? number : NO_SLOT;
        if (made != SFE_OK) {
            err->retry = SFE_RETRY_LATER;
            return put_back(self, number, SFE_SLOT_ANSWERED, err);
        }
    }
    const enum sfe_code code = mqtt_link_publish(self->options.link, number, message, err);
    if (code == SFE_OK) {
        slot->state = UNDER_WAY;
        slot->sent_ns = self->now_ns;
        slot->payload_bytes = message->payload.size;
        memcpy(slot->topic, message->topic, strlen(message->topic) + 1u);
        self->in_flight++;
        self->flight_bytes += slot->payload_bytes;
        self->made = NO_SLOT;
    }
    return code;
}

static void abandon(void *context, uint32_t number)
{
    struct mqtt_target *self = context;

    SFE_ASSERT(self->slots[number].state != UNDER_WAY);
    self->slots[number].state = EMPTY;
}

size_t sfe_mqtt_output_memory_bytes(const struct sfe_mqtt_output_options *options)
{
    return sfe_arena_cost(sizeof(struct mqtt_target)) +
           sfe_arena_cost(options->slot_count * sizeof(struct message_slot)) +
           mqtt_maker_memory_bytes(options);
}

static bool is_fixed(const struct sfe_template *topic)
{
    for (uint32_t i = 0; i < topic->count; i++) {
        if (topic->parts[i].kind != FLOW_PART_LITERAL) {
            return false;
        }
    }
    return true;
}

enum sfe_code sfe_mqtt_output_open(const struct sfe_mqtt_output_options *options,
                                   struct sfe_arena *arena, struct sfe_target *target,
                                   struct sfe_error *err)
{
    struct mqtt_target *self = sfe_arena_take(arena, sizeof(*self), err);

    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    self->made = NO_SLOT;
    self->is_fixed = is_fixed(options->topic);
    self->slots = sfe_arena_take(arena, options->slot_count * sizeof(*self->slots), err);
    if (self->slots == NULL ||
        mqtt_maker_open(&self->options, arena, &self->maker, err) != SFE_OK) {
        return SFE_E_NO_MEMORY;
    }
    *target = (struct sfe_target){
        .context = self,
        .bind = bind,
        .is_ready = is_ready,
        .offer = offer,
        .send = send,
        .abandon = abandon,
    };
    return SFE_OK;
}
