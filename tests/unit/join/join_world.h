/* The world of a join: two streams in memory, a clock that stands where it is put, and an output
 * that notes what it is told. */
#ifndef SFE_TESTS_JOIN_WORLD_H
#define SFE_TESTS_JOIN_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "join/join_parts.h"

#define WORLD_EVENTS 64u
#define WORLD_ORDERS 8u
#define WORLD_KEEP   4u
#define SECOND       UINT64_C(1000000000)
#define WITHIN_S     100
#define WALL_S       INT64_C(1764000000)

struct sfe_stream {
    const char *name;
    uint64_t durable;
    uint64_t staged;
    char payloads[WORLD_EVENTS][48];
    int64_t stamps_ns[WORLD_EVENTS];
    uint8_t qualities[WORLD_EVENTS];
};

struct sfe_stream_reader {
    const struct sfe_stream *stream;
    uint64_t next;
    bool is_away;
    bool is_closed;
};

struct world {
    struct sfe_stream orders, confirmations;
    struct sfe_stream_reader reader;
    struct sfe_clock clock;
    uint64_t now_ns;
    int64_t wall_s;
    enum sfe_clock_quality quality;
    struct sfe_arena *arena;
    struct sfe_join *join;
    struct sfe_wait_host host;
    struct sfe_wait_view view;
    uint64_t went[WORLD_EVENTS], late[WORLD_EVENTS]; /* In the order of being told. */
    uint32_t went_count, late_count;
    uint32_t settled_calls;
    struct sfe_cursor cursors[SFE_JOIN_CURSORS]; /* As saved. */
    bool has_cursors;
    struct sfe_error err;
};

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
    facts->first_sequence = 1;
    facts->durable_sequence = stream->durable;
    facts->staged_events = stream->staged;
}

void sfe_stream_reader_seek(struct sfe_stream_reader *reader, uint64_t sequence)
{
    reader->next = sequence;
}

static void world_event(const struct sfe_stream *stream, uint64_t sequence, struct sfe_event *event)
{
    memset(event, 0, sizeof(*event));
    event->sequence = sequence;
    event->received_ns = stream->stamps_ns[sequence];
    event->clock_quality = stream->qualities[sequence];
    event->topic = SFE_TEXT("pos/1");
    event->payload = sfe_slice_text(stream->payloads[sequence]);
}

enum sfe_code sfe_stream_reader_next(struct sfe_stream_reader *reader, struct sfe_event *event,
                                     int64_t *time_ns, struct sfe_stream_place *place,
                                     struct sfe_error *err)
{
    assert_null(place);
    if (reader->is_away) {
        return sfe_fail(err, SFE_E_STORAGE, "a bad block");
    }
    if (reader->next > reader->stream->durable) {
        return SFE_E_END;
    }
    world_event(reader->stream, reader->next, event);
    *time_ns = event->received_ns;
    reader->next++;
    return SFE_OK;
}

void sfe_stream_reader_close(struct sfe_stream_reader *reader)
{
    reader->is_closed = true;
}

static uint64_t world_monotonic(void *context)
{
    return ((struct world *)context)->now_ns;
}

static enum sfe_clock_quality world_wall(void *context, int64_t *unix_ns)
{
    struct world *world = context;

    *unix_ns = world->wall_s * (int64_t)SECOND;
    return world->quality;
}

static void world_go(void *context, uint64_t sequence)
{
    struct world *world = context;

    world->went[world->went_count++] = sequence;
}

static void world_late(void *context, uint64_t sequence)
{
    struct world *world = context;

    world->late[world->late_count++] = sequence;
}

static void world_settled(void *owner)
{
    ((struct world *)owner)->settled_calls++;
}

static void world_open(struct world *world)
{
    struct sfe_template *key = NULL;
    const struct sfe_where_node is_ok = {SFE_WHERE_NE, 1, "/bad", "true"};
    struct sfe_where *where = NULL;
    uint32_t bad_node = 0;

    assert_int_equal(sfe_arena_open(4u << 20, &world->arena, &world->err), SFE_OK);
    assert_int_equal(sfe_template_compile("{/o}", "store", world->arena, &key, &world->err),
                     SFE_OK);
    assert_int_equal(sfe_where_compile(&is_ok, 1, world->arena, &where, &bad_node, &world->err),
                     SFE_OK);
    const struct sfe_join_options options = {
        .output = "crm",
        .orders = &world->orders,
        .stream = &world->confirmations,
        .reader = &world->reader,
        .takes = where,
        .key = key,
        .where = where,
        .their_key = key,
        .within_ns = WITHIN_S * SECOND,
        .orders_max = WORLD_ORDERS,
        .keep = WORLD_KEEP,
        .cursor = world->has_cursors ? &world->cursors[0] : NULL,
        .decided = world->has_cursors ? &world->cursors[1] : NULL,
        .clock = &world->clock,
        .on_settled = world_settled,
        .owner = world,
    };
    const size_t before = sfe_arena_cost(sfe_arena_taken(world->arena));
    assert_int_equal(sfe_join_open(&options, world->arena, &world->join, &world->err), SFE_OK);
    assert_true(sfe_arena_taken(world->arena) - before <=
                sfe_join_memory_bytes(WORLD_ORDERS, WORLD_KEEP));
}

static int world_setup(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));

    world->orders.name = "orders";
    world->confirmations.name = "paid";
    world->reader.stream = &world->confirmations;
    world->clock = (struct sfe_clock){world, world_monotonic, world_wall, NULL};
    world->host = (struct sfe_wait_host){world, world_go, world_late};
    world->now_ns = 1000u * SECOND;
    world->wall_s = WALL_S;
    world->quality = SFE_CLOCK_SYNCED;
    world->view = (struct sfe_wait_view){.base = 1, .has_read_all = true};
    world_open(world);
    *state = world;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *world = *state;

    sfe_join_close(world->join);
    assert_true(world->reader.is_closed);
    sfe_arena_close(world->arena);
    test_free(world);
    return 0;
}

/* One more durable event of that payload, which arrives now. Returns its sequence. */
static uint64_t world_append(struct world *world, struct sfe_stream *stream, const char *payload)
{
    const uint64_t sequence = ++stream->durable;

    assert_true(sequence < WORLD_EVENTS);
    (void)snprintf(stream->payloads[sequence], sizeof(stream->payloads[0]), "%s", payload);
    stream->qualities[sequence] = (uint8_t)world->quality;
    stream->stamps_ns[sequence] = world->quality == SFE_CLOCK_UNSET
                                      ? (int64_t)world->now_ns
                                      : world->wall_s * (int64_t)SECOND;
    return sequence;
}

static void world_confirm(struct world *world, char key)
{
    char payload[16];

    (void)snprintf(payload, sizeof(payload), "{\"o\":\"%c\"}", key);
    (void)world_append(world, &world->confirmations, payload);
}

/* The output reads the event of that sequence. */
static enum sfe_code world_judge(struct world *world, uint64_t sequence, bool is_settled)
{
    const struct sfe_output_wait *wait = sfe_join_wait(world->join);
    struct sfe_event event;

    world_event(&world->orders, sequence, &event);
    return wait->judge(wait->context, &event, world->view.base, is_settled, &world->err);
}

/* One more order, which is read at once. */
static enum sfe_code world_order(struct world *world, char key)
{
    char payload[16];

    (void)snprintf(payload, sizeof(payload), "{\"o\":\"%c\"}", key);
    return world_judge(world, world_append(world, &world->orders, payload), false);
}

static uint64_t world_turn(struct world *world)
{
    const struct sfe_output_wait *wait = sfe_join_wait(world->join);

    world->view.now_ns = world->now_ns;
    return wait->turn(wait->context, &world->view, &world->host);
}

/* So many seconds go by, and a turn behind them. */
static uint64_t world_after(struct world *world, int64_t seconds)
{
    world->now_ns += (uint64_t)seconds * SECOND;
    world->wall_s += seconds;
    return world_turn(world);
}

static void world_save(struct world *world)
{
    sfe_join_take_cursors(world->join, world->cursors);
    sfe_join_saved(world->join);
    world->has_cursors = true;
}

/* The power goes; what was saved last is there. */
static void world_restart(struct world *world)
{
    sfe_join_close(world->join);
    sfe_arena_close(world->arena);
    world->reader.is_closed = false;
    world->went_count = 0;
    world->late_count = 0;
    world_open(world);
}

static struct sfe_join_facts world_facts(struct world *world)
{
    struct sfe_join_facts facts;

    sfe_join_facts(world->join, &facts);
    return facts;
}

/* Not every test says every sentence. */
static inline void world_all_words(void)
{
    (void)world_setup;
    (void)world_teardown;
    (void)world_confirm;
    (void)world_order;
    (void)world_after;
    (void)world_save;
    (void)world_restart;
    (void)world_facts;
}

#endif
