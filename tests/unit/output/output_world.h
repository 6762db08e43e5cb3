/* The world of an output: a stream, a reader, a dead stream and a target, all in memory and all
 * obedient. */
#ifndef SFE_TESTS_OUTPUT_WORLD_H
#define SFE_TESTS_OUTPUT_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_writer.h"
#include "output/lane.h"
#include "output/output.h"
#include "output/output_parts.h"

#define WORLD_EVENTS      6000u
#define WORLD_SLOTS       4u
#define WORLD_SLOT_EVENTS 4u
#define WORLD_LARGE       12u /* Events of the large slot, where there is one: the last. */
#define SECOND            UINT64_C(1000000000)

struct sfe_stream {
    const char *name;
    uint64_t first;
    uint64_t durable;
    int64_t arrival_ns;             /* Of all events, and a little later each. */
    char payloads[WORLD_EVENTS][8]; /* By sequence. The first letter is the order key; '-' none, '!'
                                       cannot be mapped. */
    bool is_gone[WORLD_EVENTS];
    bool is_unreadable[WORLD_EVENTS]; /* When it is fetched again. */
    uint64_t dropped_end;
    /* Of the dead stream. */
    uint32_t staged;
    bool is_full;
    char annotations[16][1024];
    struct sfe_event letters[16];
    /* Of a stream of answers. */
    uint32_t payload_bytes_max; /* 0: any. */
    char answers[16][4096];
};

struct sfe_stream_reader {
    struct sfe_stream *stream;
    uint64_t next;
    uint64_t damaged;
    uint32_t fetches;
};

struct world_slot {
    uint32_t count;
    uint64_t sequences[WORLD_LARGE];
    bool is_sent;
};

struct world {
    struct sfe_stream stream;
    struct sfe_stream dead;
    struct sfe_stream done_answers, dead_answers, late_answers;
    bool passes_on;                     /* Answers, to all. */
    const struct sfe_output_wait *wait; /* NULL: no event waits. */
    uint32_t window_events;             /* 0: as usual. */
    uint64_t within_ns;
    uint32_t answer_bytes; /* Written by the target for each event; 0: it has none. */
    struct sfe_stream_reader reader;
    struct sfe_target target;
    struct sfe_target_host host;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_arena *arena;
    struct sfe_output *output;
    struct sfe_cursor start;
    bool has_start;
    struct world_slot slots[WORLD_SLOTS + 1];
    uint64_t large_age_ns;
    uint32_t large_from_dear;
    uint32_t large_from; /* 0: there is no large slot. */
    enum sfe_large_use large_use;
    bool holds_back; /* Every event. */
    uint32_t abandoned[WORLD_SLOTS + 1];
    bool gaps; /* They are delivered. */
    bool refuses_gaps;
    char gap_payload[512]; /* Of the last one offered. */
    struct sfe_hash128 gap_identity;
    bool is_ready;
    bool answers_at_once; /* With AGAIN, from within send. */
    bool answers_in_turn; /* What was said, when it is next asked whether it is ready. */
    bool cannot_send;
    uint32_t capacity; /* The target says FULL beyond so many events. */
    uint32_t offers;
    uint32_t sent;
    uint32_t settled_calls;
    uint64_t now_ns;
    struct sfe_verdict verdicts[WORLD_LARGE];
    struct sfe_watch *watch; /* NULL: nobody is told. */
};

/* The stream. */

const char *sfe_stream_name(const struct sfe_stream *stream)
{
    return stream->name;
}

uint64_t sfe_stream_durable(const struct sfe_stream *stream)
{
    return stream->durable;
}

void sfe_stream_facts(struct sfe_stream *stream, struct sfe_stream_facts *facts)
{
    memset(facts, 0, sizeof(*facts));
    facts->first_sequence = stream->first;
    facts->durable_sequence = stream->durable;
    facts->dropped_end = stream->dropped_end;
}

enum sfe_code sfe_stream_stage_reserved(struct sfe_stream *stream, const struct sfe_event *event,
                                        uint64_t *sequence, struct sfe_error *err)
{
    (void)err;
    if (stream->is_full) {
        return SFE_E_FULL;
    }
    uint32_t place = stream->staged % 16u;
    stream->letters[place] = *event;
    assert_true(event->annotation.size < sizeof(stream->annotations[0]));
    memcpy(stream->annotations[place], event->annotation.bytes, event->annotation.size);
    stream->annotations[place][event->annotation.size] = '\0';
    stream->staged++;
    *sequence = stream->staged;
    return SFE_OK;
}

enum sfe_code sfe_stream_stage(struct sfe_stream *stream, const struct sfe_event *event,
                               uint64_t *sequence, struct sfe_error *err)
{
    (void)err;
    if (stream->is_full) {
        return SFE_E_FULL;
    }
    if (stream->payload_bytes_max != 0 && event->payload.size > stream->payload_bytes_max) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "too large");
    }
    const uint32_t place = stream->staged % 16u;
    assert_true(event->payload.size < sizeof(stream->answers[0]));
    stream->letters[place] = *event;
    memcpy(stream->answers[place], event->payload.bytes, event->payload.size);
    stream->answers[place][event->payload.size] = '\0';
    stream->staged++;
    *sequence = stream->staged;
    return SFE_OK;
}

uint64_t sfe_stream_reader_damaged(const struct sfe_stream_reader *reader)
{
    return reader->damaged;
}

void sfe_stream_reader_seek(struct sfe_stream_reader *reader, uint64_t sequence)
{
    reader->next = sequence;
}

static void world_event(const struct sfe_stream *stream, uint64_t sequence, struct sfe_event *event)
{
    memset(event, 0, sizeof(*event));
    event->sequence = sequence;
    event->clock_quality = SFE_CLOCK_SYNCED;
    event->received_ns = (int64_t)sequence * 1000;
    event->source = SFE_TEXT("readings");
    event->topic = SFE_TEXT("plant/1");
    event->payload = sfe_slice_text(stream->payloads[sequence]);
}

enum sfe_code sfe_stream_reader_next(struct sfe_stream_reader *reader, struct sfe_event *event,
                                     int64_t *time_ns, struct sfe_stream_place *place,
                                     struct sfe_error *err)
{
    (void)err;
    while (reader->next <= reader->stream->durable && reader->stream->is_gone[reader->next]) {
        reader->next++;
    }
    if (reader->next > reader->stream->durable) {
        return SFE_E_END;
    }
    world_event(reader->stream, reader->next, event);
    *time_ns = reader->stream->arrival_ns + (int64_t)reader->next * 1000;
    place->segment = 1;
    place->offset = (uint32_t)reader->next;
    reader->next++;
    return SFE_OK;
}

enum sfe_code sfe_stream_reader_fetch(struct sfe_stream_reader *reader,
                                      struct sfe_stream_place place, uint64_t sequence,
                                      struct sfe_event *event, int64_t *time_ns,
                                      struct sfe_error *err)
{
    assert_int_equal(place.offset, sequence);
    reader->fetches++;
    if (reader->stream->is_unreadable[sequence]) {
        return sfe_fail(err, SFE_E_STORAGE, "a bad block");
    }
    if (reader->stream->is_gone[sequence]) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "gone");
    }
    world_event(reader->stream, sequence, event);
    *time_ns = reader->stream->arrival_ns + (int64_t)sequence * 1000;
    return SFE_OK;
}

/* The target. */

static void world_bind(void *context, const struct sfe_target_host *host)
{
    ((struct world *)context)->host = *host;
}

static enum sfe_code world_offer(void *context, uint32_t number, struct sfe_event *event,
                                 int64_t time_ns, struct sfe_lane *lane, uint64_t *order_key,
                                 struct sfe_error *err)
{
    struct world *world = context;
    struct world_slot *slot = &world->slots[number];
    uint8_t letter = event->payload.bytes[0];
    (void)time_ns;
    world->offers++;
    if (world->holds_back) {
        return SFE_E_AGAIN;
    }
    if (letter == '!' || (letter == '{' && world->refuses_gaps)) {
        return sfe_fail(err, SFE_E_UNMAPPED, "Value__c: no value at /value");
    }
    if (letter == '~') {
        return SFE_E_SKIPPED;
    }
    if (letter == '{') {
        assert_true(event->payload.size < sizeof(world->gap_payload));
        memcpy(world->gap_payload, event->payload.bytes, event->payload.size);
        world->gap_payload[event->payload.size] = '\0';
        world->gap_identity = event->identity;
    }
    *order_key = letter == '-' || letter == '{' ? 0 : letter;
    assert_false(slot->is_sent);
    if (slot->count == (number == WORLD_SLOTS ? WORLD_LARGE : world->capacity)) {
        return SFE_E_FULL;
    }
    if (!sfe_lane_claim(lane, *order_key)) {
        return SFE_E_AGAIN;
    }
    slot->sequences[slot->count++] = event->sequence;
    return SFE_OK;
}

static void world_write_answer(void *context, uint32_t place, struct sfe_json_writer *writer)
{
    static char text[2u * SFE_ANSWER_BYTES_MAX];
    const struct world *world = context;

    memset(text, 'x', sizeof(text));
    sfe_json_put_u64(writer, "place", place);
    sfe_json_put_text(writer, "text", sfe_slice_make(text, world->answer_bytes));
}

static void world_finish(struct world *world, uint32_t number, enum sfe_slot_outcome outcome,
                         const struct sfe_error *err, int64_t retry_after_s)
{
    struct sfe_slot_result result = {
        .slot = number,
        .outcome = outcome,
        .verdicts = world->verdicts,
        .answer = world->answer_bytes == 0 ? NULL : world_write_answer,
        .context = world,
        .count = world->slots[number].count,
        .retry_after_s = retry_after_s,
        .err = *err,
    };

    assert_true(world->slots[number].is_sent);
    world->slots[number].is_sent = false;
    world->slots[number].count = 0;
    world->host.finished(world->host.context, &result);
    memset(world->verdicts, 0, sizeof(world->verdicts));
}

static bool world_is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    struct world *world = context;
    const struct sfe_error none = {.code = SFE_OK};

    (void)now_ns;
    *until_ns = UINT64_MAX;
    for (uint32_t i = 0; i < WORLD_SLOTS && world->answers_in_turn; i++) {
        if (world->slots[i].is_sent) {
            world_finish(world, i, SFE_SLOT_ANSWERED, &none, -1);
        }
    }
    return world->is_ready;
}

static enum sfe_code world_send(void *context, uint32_t number, struct sfe_error *err)
{
    struct world *world = context;

    if (world->cannot_send) {
        return sfe_fail(err, SFE_E_NETWORK, "out of connections");
    }
    world->slots[number].is_sent = true;
    world->sent++;
    if (world->answers_at_once) {
        (void)sfe_fail(err, SFE_E_NETWORK, "refused");
        world_finish(world, number, SFE_SLOT_AGAIN, err, -1);
    }
    return SFE_OK;
}

static void world_abandon(void *context, uint32_t number)
{
    ((struct world *)context)->slots[number].count = 0;
    ((struct world *)context)->abandoned[number]++;
}

/* The second letter is the parent. */
static void world_find_keys(void *context, struct sfe_event *event, int64_t time_ns,
                            uint64_t *order_key, uint64_t *parent_key)
{
    const uint8_t *letters = event->payload.bytes;

    (void)context;
    (void)time_ns;
    *order_key = letters[0] == '-' || letters[0] == '!' ? 0 : letters[0];
    *parent_key = event->payload.size > 1 ? 1000u + letters[1] : 0;
}

/* The rest of the platform. */

static uint64_t world_monotonic(void *context)
{
    return ((struct world *)context)->now_ns;
}

static enum sfe_clock_quality world_wall(void *context, int64_t *unix_ns)
{
    (void)context;
    *unix_ns = 1764000000 * INT64_C(1000000000);
    return SFE_CLOCK_SYNCED;
}

static enum sfe_code world_fill(void *context, void *bytes, size_t size, struct sfe_error *err)
{
    (void)context;
    (void)err;
    memset(bytes, 0x5a, size);
    return SFE_OK;
}

static enum sfe_large_use world_large_use(const void *target)
{
    return ((const struct world *)target)->large_use;
}

static void world_settled(void *owner)
{
    ((struct world *)owner)->settled_calls++;
}

/* What the tests say. */

static void world_open(struct world *world)
{
    struct sfe_error err;

    world->target = (struct sfe_target){world,      world_bind,    world_is_ready, world_offer,
                                        world_send, world_abandon, world_find_keys};
    world->clock = (struct sfe_clock){world, world_monotonic, world_wall, NULL};
    world->entropy = (struct sfe_entropy){world, world_fill};
    world->stream.name = "telemetry";
    world->dead.name = "dead";
    world->done_answers.name = "invoiced";
    world->dead_answers.name = "refused";
    world->late_answers.name = "late";
    world->reader.stream = &world->stream;
    const struct sfe_output_options options = {
        .name = "readings",
        .stream = &world->stream,
        .reader = &world->reader,
        .dead = &world->dead,
        .on_done = world->passes_on ? &world->done_answers : NULL,
        .on_dead = world->passes_on ? &world->dead_answers : NULL,
        .late = world->passes_on ? &world->late_answers : NULL,
        .wait = world->wait,
        .answer_bytes_max = world->passes_on ? 4000 : 0,
        .target = &world->target,
        .cursor = world->has_start ? &world->start : NULL,
        .slot_count = WORLD_SLOTS,
        .slot_events_max = WORLD_SLOT_EVENTS,
        .batch_age_ns = SECOND,
        .within_ns = world->within_ns,
        .window_events = world->window_events != 0 ? world->window_events : SFE_WINDOW_EVENTS,
        .large_slot_events = world->large_from == 0 ? 0 : WORLD_LARGE,
        .large_from = world->large_from,
        .large_age_ns = world->large_age_ns,
        .large_from_dear = world->large_from_dear,
        .large_use = world->large_from == 0 ? NULL : world_large_use,
        .clock = &world->clock,
        .entropy = &world->entropy,
        .agent_id = "store-1",
        .gaps = world->gaps,
        .on_settled = world_settled,
        .owner = world,
        .watch = world->watch,
    };
    assert_int_equal(sfe_arena_open(4u << 20, &world->arena, &err), SFE_OK);
    assert_int_equal(sfe_output_open(&options, world->arena, &world->output, &err), SFE_OK);
}

static struct world *world_make(void)
{
    struct world *world = test_calloc(1, sizeof(*world));

    world->is_ready = true;
    world->capacity = WORLD_SLOT_EVENTS;
    world->now_ns = SECOND;
    world->stream.first = 1;
    world->dead.first = 1;
    return world;
}

static int world_setup(void **state)
{
    struct world *world = world_make();

    world_open(world);
    *state = world;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *world = *state;

    sfe_output_close(world->output);
    sfe_arena_close(world->arena);
    test_free(world);
    return 0;
}

/* Each letter of `keys` is the order key of one more durable event. */
static void world_append(struct world *world, const char *keys)
{
    for (; *keys != '\0'; keys++) {
        world->stream.durable++;
        assert_true(world->stream.durable < WORLD_EVENTS);
        world->stream.payloads[world->stream.durable][0] = *keys;
        world->stream.payloads[world->stream.durable][1] = '\0';
    }
}

/* One more durable event of order key and parent. */
static void world_append_child(struct world *world, char key, char parent)
{
    const char text[] = {key, '\0'};

    world_append(world, text);
    world->stream.payloads[world->stream.durable][1] = parent;
    world->stream.payloads[world->stream.durable][2] = '\0';
}

static uint64_t world_turn(struct world *world)
{
    return sfe_output_turn(world->output, world->now_ns);
}

/* Time goes on, and a turn with it. */
static uint64_t world_after(struct world *world, uint64_t delay_ns)
{
    world->now_ns += delay_ns;
    return world_turn(world);
}

/* The slot of `events` events that was sent and begins with `sequence`. */
static uint32_t world_slot_of(const struct world *world, uint64_t sequence)
{
    for (uint32_t i = 0; i <= WORLD_SLOTS; i++) {
        if (world->slots[i].is_sent && world->slots[i].sequences[0] == sequence) {
            return i;
        }
    }
    fail_msg("no slot was sent that begins with %u", (unsigned)sequence);
    return 0;
}

static uint32_t world_sent_slots(const struct world *world)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
        count += world->slots[i].is_sent;
    }
    return count;
}

static void world_say(struct world *world, uint32_t place, enum sfe_verdict_kind kind,
                      enum sfe_retry retry)
{
    world->verdicts[place].kind = kind;
    (void)sfe_fail(&world->verdicts[place].err, SFE_E_API, "the org says no");
    (void)sfe_error_api(&world->verdicts[place].err, 200, "SOME_CODE", retry);
}

/* The slot that begins with `sequence` is answered with what was said, DONE otherwise. */
static void world_answer(struct world *world, uint64_t sequence)
{
    struct sfe_error none = {.code = SFE_OK};

    world_finish(world, world_slot_of(world, sequence), SFE_SLOT_ANSWERED, &none, -1);
}

static void world_end(struct world *world, uint64_t sequence, enum sfe_slot_outcome outcome)
{
    struct sfe_error err;

    (void)sfe_fail(&err, SFE_E_API, "the whole slot");
    world_finish(world, world_slot_of(world, sequence), outcome, &err, -1);
}

static uint64_t world_cursor(struct world *world)
{
    struct sfe_cursor cursor;

    sfe_output_cursor(world->output, &cursor);
    return cursor.sequence;
}

static struct sfe_output_facts world_facts(struct world *world)
{
    struct sfe_output_facts facts;

    sfe_output_facts(world->output, &facts);
    return facts;
}

/* Not every test says every sentence. */
static inline void world_all_words(void)
{
    (void)world_setup;
    (void)world_teardown;
    (void)world_append;
    (void)world_append_child;
    (void)world_after;
    (void)world_sent_slots;
    (void)world_say;
    (void)world_answer;
    (void)world_end;
    (void)world_cursor;
    (void)world_facts;
}

#endif
