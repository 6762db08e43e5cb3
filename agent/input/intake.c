#include "input/intake.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "flow/where.h"
#include "input/thin.h"

#include <inttypes.h>

/* An annotation holds a reason, a sentence and an input's name. */
#define ANNOTATION_BYTES_MAX 512u

struct route {
    struct sfe_intake_route options;
    struct sfe_slice filter; /* Without "$share/group/". */
    struct sfe_slice input;
    uint64_t stream_bit; /* One bit a stream, so that a message enters each once. */
    uint64_t accepted;
};

/* Where one message goes: `route` NULL is the dead letters of a message that no input takes. */
struct target {
    const struct route *route;
    struct sfe_stream *stream;
};

struct sfe_intake {
    struct sfe_intake_options options;
    struct route *routes;
    struct target *targets;  /* Of the message at hand; one a route and one for the dead letters. */
    uint8_t *masked_payload; /* NULL: no route has a guard. */
    uint8_t *masked_topic;
    struct sfe_json_token *tokens; /* NULL: no route has `admit` or scopes. */
    uint32_t token_capacity;
    struct sfe_card_guard strays; /* For what no route takes. */
    struct sfe_intake_facts facts;
    uint8_t boot_id[16];
    uint64_t opened_ns; /* Monotonic: with boot id and `arrivals` no two arrivals are alike. */
    uint64_t arrivals;
    uint32_t stream_count; /* That differ. */
    bool is_paused;
};

/* Why a message is a dead letter. `reason` NULL: it is none. */
struct verdict {
    const char *reason;
    char message[128];
    bool keeps_whole; /* The payload is not cut. */
};

static void open_routes(struct sfe_intake *intake)
{
    for (uint32_t i = 0; i < intake->options.route_count; i++) {
        struct route *route = &intake->routes[i];

        route->options = intake->options.routes[i];
        route->filter = sfe_topic_without_share(sfe_slice_text(route->options.filter));
        route->input = sfe_slice_text(route->options.input);
        for (uint32_t j = 0; j < i && route->stream_bit == 0; j++) {
            if (intake->routes[j].options.stream == route->options.stream) {
                route->stream_bit = intake->routes[j].stream_bit;
            }
        }
        if (route->stream_bit == 0) {
            SFE_ASSERT(intake->stream_count < 64u);
            route->stream_bit = UINT64_C(1) << intake->stream_count++;
        }
    }
    intake->options.routes = NULL;
}

static uint32_t masked_bytes_max(uint32_t event_bytes_max)
{
    return event_bytes_max > SFE_EVENT_EXCERPT_BYTES ? event_bytes_max : SFE_EVENT_EXCERPT_BYTES;
}

/* A text of n bytes has no more values. */
static uint32_t tokens_max(uint32_t event_bytes_max)
{
    const uint32_t most = event_bytes_max / 2u + 2u;

    return most < SFE_JSON_TOKENS_MAX ? most : SFE_JSON_TOKENS_MAX;
}

size_t sfe_intake_memory_bytes(uint32_t route_count, uint32_t event_bytes_max, bool has_guard,
                               bool has_admit)
{
    const struct sfe_intake *self = NULL;
    const size_t guards = has_guard ? sfe_arena_cost(masked_bytes_max(event_bytes_max)) +
                                          sfe_arena_cost(SFE_TOPIC_BYTES_MAX)
                                    : 0;
    const size_t tokens =
        has_admit ? sfe_arena_cost(tokens_max(event_bytes_max) * sizeof(*self->tokens)) : 0;

    return guards + tokens + sfe_arena_cost(sizeof(*self)) +
           sfe_arena_cost((route_count + 1u) * sizeof(*self->routes)) +
           sfe_arena_cost((route_count + 1u) * sizeof(*self->targets));
}

static enum sfe_code open_guards(struct sfe_intake *intake, struct sfe_arena *arena,
                                 struct sfe_error *err)
{
    const uint32_t most = masked_bytes_max(intake->options.event_bytes_max);
    bool is_on = false;

    for (uint32_t i = 0; i < intake->options.route_count; i++) {
        is_on |= sfe_card_guard_is_on(&intake->routes[i].options.guard);
    }
    if (!is_on) {
        return SFE_OK;
    }
    intake->strays.finds_numbers = true;
    intake->masked_payload = sfe_arena_take(arena, most, err);
    intake->masked_topic = sfe_arena_take(arena, SFE_TOPIC_BYTES_MAX, err);
    return intake->masked_payload == NULL || intake->masked_topic == NULL ? err->code : SFE_OK;
}

static enum sfe_code open_admission(struct sfe_intake *intake, struct sfe_arena *arena,
                                    struct sfe_error *err)
{
    const uint32_t most = tokens_max(intake->options.event_bytes_max);

    for (uint32_t i = 0; i < intake->options.route_count && intake->tokens == NULL; i++) {
        const struct sfe_intake_route *route = &intake->routes[i].options;

        if (route->admit != NULL || route->has_scopes) {
            intake->token_capacity = most;
            intake->tokens = sfe_arena_take(arena, most * sizeof(*intake->tokens), err);
            if (intake->tokens == NULL) {
                return err->code;
            }
        }
    }
    return SFE_OK;
}

enum sfe_code sfe_intake_open(const struct sfe_intake_options *options, struct sfe_arena *arena,
                              struct sfe_intake **intake, struct sfe_error *err)
{
    struct sfe_intake *self = sfe_arena_take(arena, sizeof(*self), err);

    SFE_ASSERT(options->dead != NULL);
    if (self == NULL) {
        return err->code;
    }
    self->routes = sfe_arena_take(arena, (options->route_count + 1u) * sizeof(*self->routes), err);
    self->targets =
        sfe_arena_take(arena, (options->route_count + 1u) * sizeof(*self->targets), err);
    if (self->routes == NULL || self->targets == NULL) {
        return err->code;
    }
    self->options = *options;
    open_routes(self);
    if (open_guards(self, arena, err) != SFE_OK || open_admission(self, arena, err) != SFE_OK) {
        return err->code;
    }
    options->clock->boot_id(options->clock->context, self->boot_id);
    self->opened_ns = sfe_clock_monotonic_ns(options->clock);
    *intake = self;
    return SFE_OK;
}

static bool is_too_large(const struct sfe_intake *intake, const struct sfe_message *message)
{
    return message->payload_bytes > intake->options.event_bytes_max ||
           message->payload_bytes > message->payload.size;
}

/* Fills intake->targets. `is_matched`: an input takes the topic, even if it ignores the message. */
static uint32_t choose_targets(struct sfe_intake *intake, const struct sfe_message *message,
                               bool *is_matched)
{
    uint64_t chosen = 0;
    uint32_t count = 0;

    *is_matched = false;
    for (uint32_t i = 0; i < intake->options.route_count; i++) {
        const struct route *route = &intake->routes[i];

        if ((chosen & route->stream_bit) != 0 ||
            !sfe_topic_matches(route->filter, message->topic)) {
            continue;
        }
        *is_matched = true;
        if (message->is_retained && route->options.ignores_retained) {
            continue;
        }
        chosen |= route->stream_bit;
        intake->targets[count++] = (struct target){route, route->options.stream};
    }
    return count;
}

static void judge(const struct sfe_intake *intake, const struct sfe_message *message,
                  bool is_matched, struct verdict *verdict)
{
    struct sfe_builder text = sfe_builder_make(verdict->message, sizeof(verdict->message) - 1);

    memset(verdict, 0, sizeof(*verdict));
    if (message->payload_bytes > intake->options.event_bytes_max) {
        verdict->reason = "too-large";
        sfe_builder_format(&text, "payload of %" PRIu64 " bytes is over the limit of %" PRIu32,
                           message->payload_bytes, intake->options.event_bytes_max);
    } else if (is_too_large(intake, message)) {
        verdict->reason = "too-large";
        sfe_builder_format(&text, "only %zu of %" PRIu64 " bytes could be kept",
                           message->payload.size, message->payload_bytes);
    } else if (message->refusal != NULL) {
        verdict->reason = "invalid";
        verdict->keeps_whole = true;
        sfe_builder_add(&text, sfe_slice_part(sfe_slice_text(message->refusal), 0,
                                              sizeof(verdict->message) - 1));
    } else if (!is_matched) {
        verdict->reason = "unmatched";
        verdict->keeps_whole = true;
        sfe_builder_add_text(&text, "no input takes this topic");
    }
}

static struct sfe_hash128 identity_of_arrival(struct sfe_intake *intake,
                                              const struct sfe_stream *stream, int64_t wall_ns)
{
    const uint64_t numbers[] = {intake->opened_ns, intake->arrivals++, (uint64_t)wall_ns};
    const struct sfe_slice parts[] = {
        sfe_slice_text(intake->options.agent_id),
        sfe_slice_text(sfe_stream_name(stream)),
        sfe_slice_make(intake->boot_id, sizeof(intake->boot_id)),
        sfe_slice_make(numbers, sizeof(numbers)),
    };

    return sfe_hash128(parts, sizeof(parts) / sizeof(parts[0]));
}

static void identify(struct sfe_intake *intake, const struct sfe_message *message,
                     const struct target *target, int64_t wall_ns, struct sfe_event *event)
{
    event->identity_kind = SFE_IDENTITY_GIVEN;
    if (message->identity.size != 0) {
        event->identity = sfe_intake_given_identity(message->identity);
    } else if (target->route != NULL && target->route->options.identity_by_arrival) {
        event->identity = identity_of_arrival(intake, target->stream, wall_ns);
    } else {
        event->identity_kind = SFE_IDENTITY_CONTENT; /* Made when it is read. */
    }
}

static void make_event(struct sfe_intake *intake, const struct sfe_message *message,
                       const struct target *target, struct sfe_event *event)
{
    const struct sfe_clock *clock = intake->options.clock;
    int64_t wall_ns = 0;
    enum sfe_clock_quality quality = clock->wall_ns(clock->context, &wall_ns);

    memset(event, 0, sizeof(*event));
    event->flags = (uint8_t)((message->is_retained ? SFE_EVENT_RETAINED : 0u) |
                             (message->is_repeated ? SFE_EVENT_REPEATED : 0u));
    event->clock_quality = (uint8_t)quality;
    event->received_ns =
        quality == SFE_CLOCK_UNSET ? (int64_t)sfe_clock_monotonic_ns(clock) : wall_ns;
    event->topic = message->topic;
    event->payload = message->payload;
    if (target->route != NULL) {
        event->source = target->route->input;
        event->sender = message->sender;
    }
    identify(intake, message, target, wall_ns, event);
}

/* The beginning of a payload may end inside a card number: what might be one goes. */
static struct sfe_slice without_open_end(struct sfe_slice text)
{
    while (text.size != 0) {
        uint8_t last = text.bytes[text.size - 1];
        if (!(last >= '0' && last <= '9') && last != ' ' && last != '-') {
            break;
        }
        text.size--;
    }
    return text;
}

/* Masks what must not be written. */
static void guard_event(const struct sfe_intake *intake, const struct sfe_message *message,
                        const struct target *target, struct sfe_event *event,
                        struct sfe_card_guard_facts *facts)
{
    const struct sfe_card_guard *guard =
        target->route == NULL ? &intake->strays : &target->route->options.guard;

    memset(facts, 0, sizeof(*facts));
    if (!sfe_card_guard_is_on(guard)) {
        return;
    }
    if (message->payload_bytes > event->payload.size) {
        event->payload = without_open_end(event->payload);
    }
    SFE_ASSERT(event->topic.size <= SFE_TOPIC_BYTES_MAX);
    event->payload = sfe_card_guard_payload(guard, event->payload, intake->masked_payload, facts);
    event->topic = sfe_card_guard_text(guard, event->topic, intake->masked_topic, facts);
}

static void count_guarded(struct sfe_intake *intake, const struct sfe_card_guard_facts *facts)
{
    intake->facts.guard.named += facts->named;
    intake->facts.guard.numbers += facts->numbers;
    intake->facts.guard.tracks += facts->tracks;
    intake->facts.guard.authentication += facts->authentication;
}

static void tell(const struct sfe_intake *intake, enum sfe_watch_stage stage,
                 const struct sfe_receipt *receipt, const struct sfe_event *event,
                 const struct sfe_error *err)
{
    const struct sfe_watch_note note = {
        .stage = stage,
        .outcome = stage == SFE_WATCH_DEAD ? SFE_WATCH_REFUSED : SFE_WATCH_NOTHING,
        .stream = sfe_stream_name(receipt->stream),
        .event = event,
        .sequence = receipt->sequence,
        .dead_sequence = stage == SFE_WATCH_DEAD ? receipt->sequence : 0,
        .err = err,
    };

    sfe_watch_tell(intake->options.watch, &note);
}

static void tell_dead(const struct sfe_intake *intake, const struct sfe_receipt *receipt,
                      const struct sfe_event *event, const struct verdict *verdict)
{
    struct sfe_error why;

    if (sfe_watch_wants(intake->options.watch, SFE_WATCH_DEAD)) {
        (void)sfe_fail(&why, SFE_E_REFUSED, "%s: %s", verdict->reason, verdict->message);
        tell(intake, SFE_WATCH_DEAD, receipt, event, &why);
    }
}

static void count_route(struct sfe_intake *intake, const struct route *route)
{
    if (route != NULL) {
        intake->routes[route - intake->routes].accepted++;
    }
}

static enum sfe_code stage_dead(struct sfe_intake *intake, struct sfe_event *event,
                                const struct verdict *verdict, struct sfe_receipt *receipt,
                                struct sfe_error *err)
{
    uint8_t memory[ANNOTATION_BYTES_MAX];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer json = sfe_json_writer_make(&builder);
    enum sfe_code code;

    sfe_json_begin_object(&json, NULL);
    sfe_json_put_text(&json, "reason", sfe_slice_text(verdict->reason));
    sfe_json_put_text(&json, "message", sfe_slice_text(verdict->message));
    if (event->source.size != 0) {
        sfe_json_put_text(&json, "input", event->source);
    }
    sfe_json_end_object(&json);
    SFE_ASSERT(!builder.overflowed);

    event->annotation = sfe_builder_slice(&builder);
    receipt->stream = intake->options.dead;
    code = sfe_stream_stage(intake->options.dead, event, &receipt->sequence, err);
    if (code != SFE_OK && code != SFE_E_FULL) {
        /* Nothing may be lost: it is held, as if there were no room. */
        sfe_log_error(intake->options.log, SFE_ERROR, "dead letters refuse a message", err);
        return SFE_E_FULL;
    }
    if (code == SFE_OK) {
        tell_dead(intake, receipt, event, verdict);
    }
    return code;
}

/* Stages an admitted event, unless its stream is thinned out. */
static enum sfe_code stage_thinned(const struct target *target, const struct sfe_event *event,
                                   struct sfe_receipt *receipt, struct sfe_error *err)
{
    struct sfe_thin *thin = target->route == NULL ? NULL : target->route->options.thin;
    struct sfe_thin_choice choice = {.is_kept = true};
    enum sfe_code code = SFE_OK;

    receipt->stream = target->stream;
    receipt->sequence = 0; /* Durable at any time. */
    if (thin != NULL) {
        sfe_thin_choose(thin, event, &choice);
    }
    if (choice.is_kept) {
        code = sfe_stream_stage(target->stream, event, &receipt->sequence, err);
    }
    if (thin != NULL && code == SFE_OK) {
        sfe_thin_note(thin, &choice);
    }
    return code;
}

static enum sfe_code judge_where(struct sfe_where *where, const char *what,
                                 const struct sfe_map_subject *subject, struct sfe_error *err)
{
    const enum sfe_code code = sfe_where_judge(where, subject, err);

    if (code == SFE_E_SKIPPED) {
        return sfe_fail(err, SFE_E_REFUSED, "what %s asks for does not hold", what);
    }
    if (code != SFE_OK) {
        (void)sfe_within(err, "%s", what);
        err->code = SFE_E_REFUSED;
    }
    return code == SFE_OK ? SFE_OK : SFE_E_REFUSED;
}

/* May it be sent here? What is judged is what would be kept: masked, where there is a guard. */
static enum sfe_code judge_admission(struct sfe_intake *intake, const struct target *target,
                                     const struct sfe_message *message,
                                     const struct sfe_event *event, struct sfe_error *err)
{
    struct sfe_where *admit = target->route == NULL ? NULL : target->route->options.admit;
    struct sfe_map_subject subject = {.event = event};
    enum sfe_code code;

    if (admit == NULL && message->scope == NULL) {
        return SFE_OK;
    }
    SFE_ASSERT(intake->tokens != NULL);
    subject.is_json = sfe_json_parse(event->payload, 0, intake->tokens, intake->token_capacity,
                                     &subject.json, &subject.json_error) == SFE_OK;
    code = judge_where(message->scope, "\"where\" of the identity", &subject, err);
    return code == SFE_OK ? judge_where(admit, "\"admit\" of the input", &subject, err) : code;
}

enum sfe_code sfe_intake_check(struct sfe_intake *intake, const struct sfe_message *message,
                               struct sfe_error *err)
{
    struct sfe_card_guard_facts ignored;
    struct sfe_event event;
    bool is_matched;
    const uint32_t count =
        intake->tokens == NULL ? 0 : choose_targets(intake, message, &is_matched);

    for (uint32_t i = 0; i < count; i++) {
        const struct target *target = &intake->targets[i];

        make_event(intake, message, target, &event);
        guard_event(intake, message, target, &event, &ignored);
        if (judge_admission(intake, target, message, &event, err) != SFE_OK) {
            intake->facts.not_admitted++;
            return err->code;
        }
    }
    return SFE_OK;
}

/* Stages into one target. What its stream refuses goes to the dead letters with its words. */
static enum sfe_code stage_target(struct sfe_intake *intake, const struct sfe_message *message,
                                  const struct target *target, struct verdict *verdict,
                                  struct sfe_receipt *receipt, struct sfe_error *err)
{
    struct sfe_card_guard_facts guarded;
    struct sfe_event event;
    bool is_admitted = true;
    enum sfe_code code;

    make_event(intake, message, target, &event);
    guard_event(intake, message, target, &event, &guarded);
    if (verdict->reason == NULL) {
        is_admitted = judge_admission(intake, target, message, &event, err) == SFE_OK;
    }
    if (!is_admitted) {
        verdict->reason = "not-admitted";
        verdict->keeps_whole = true;
        sfe_printable(verdict->message, sizeof(verdict->message), sfe_slice_text(err->message));
    } else if (verdict->reason == NULL) {
        code = stage_thinned(target, &event, receipt, err);
        if (code == SFE_OK) {
            count_guarded(intake, &guarded);
            count_route(intake, target->route);
            if (sfe_watch_is_followed(intake->options.watch, SFE_WATCH_ACCEPTED)) {
                tell(intake, SFE_WATCH_ACCEPTED, receipt, &event, NULL);
            }
        }
        if (code == SFE_OK || code == SFE_E_FULL) {
            return code;
        }
        verdict->reason = "refused";
        sfe_printable(verdict->message, sizeof(verdict->message), sfe_slice_text(err->message));
    }
    if (!verdict->keeps_whole) {
        event.payload = sfe_slice_part(event.payload, 0, SFE_EVENT_EXCERPT_BYTES);
    }
    if (event.payload.size < message->payload_bytes) {
        event.flags |= SFE_EVENT_EXCERPT;
    }
    code = stage_dead(intake, &event, verdict, receipt, err);
    if (code == SFE_OK) {
        intake->facts.not_admitted += is_admitted ? 0u : 1u;
        count_guarded(intake, &guarded);
    }
    return code;
}

/* As choose_targets; one target, the dead letters, where the message cannot be admitted. */
static uint32_t admit(struct sfe_intake *intake, const struct sfe_message *message,
                      struct verdict *verdict)
{
    bool is_matched;
    uint32_t count = choose_targets(intake, message, &is_matched);

    judge(intake, message, is_matched, verdict);
    if (verdict->reason == NULL || (is_matched && count == 0)) {
        return count;
    }
    intake->targets[0] =
        (struct target){count == 0 ? NULL : intake->targets[0].route, intake->options.dead};
    return 1;
}

/* Counts a message that is taken. */
static void count_message(struct sfe_intake *intake, const struct sfe_message *message,
                          const struct verdict *verdict)
{
    intake->facts.accepted++;
    if (is_too_large(intake, message)) {
        intake->facts.too_large++;
    } else if (message->refusal != NULL) {
        intake->facts.refused++;
    } else if (verdict->reason != NULL) {
        intake->facts.unmatched++;
    }
}

enum sfe_code sfe_intake_accept(struct sfe_intake *intake, struct sfe_message *message,
                                struct sfe_receipt *receipts, uint32_t capacity, uint32_t *count,
                                struct sfe_error *err)
{
    struct verdict verdict;
    uint32_t target_count;

    *count = 0;
    if (message->payload_bytes == 0) {
        intake->facts.empty++;
        return SFE_OK;
    }
    target_count = admit(intake, message, &verdict);
    if (target_count == 0) {
        intake->facts.retained_ignored++;
        return SFE_OK;
    }
    SFE_ASSERT(target_count <= capacity);
    SFE_ASSERT(message->progress < target_count);
    if (intake->is_paused && message->progress == 0) {
        return SFE_E_FULL;
    }
    while (message->progress < target_count) {
        struct verdict of_target = verdict;
        enum sfe_code code = stage_target(intake, message, &intake->targets[message->progress],
                                          &of_target, &receipts[message->progress], err);
        if (code != SFE_OK) {
            *count = message->progress;
            return code;
        }
        message->progress++;
    }
    *count = target_count;
    count_message(intake, message, &verdict);
    return SFE_OK;
}

void sfe_intake_pause(struct sfe_intake *intake, bool is_paused)
{
    intake->is_paused = is_paused;
}

bool sfe_intake_input(const struct sfe_intake *intake, uint32_t index,
                      struct sfe_intake_input *input)
{
    if (index >= intake->options.route_count) {
        return false;
    }
    *input = (struct sfe_intake_input){intake->routes[index].options.input,
                                       intake->routes[index].accepted};
    return true;
}

void sfe_intake_facts(const struct sfe_intake *intake, struct sfe_intake_facts *facts)
{
    *facts = intake->facts;
}
