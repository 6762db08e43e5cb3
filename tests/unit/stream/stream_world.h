/* A stream on simulated flash, with books of what was staged: whatever is read must be in them. */
#ifndef SFE_TESTS_STREAM_WORLD_H
#define SFE_TESTS_STREAM_WORLD_H

#include "memory_storage.h"

#include "base/arena.h"
#include "stream/cursor.h"
#include "stream/parts.h"
#include "stream/reader.h"

#define WORLD_EVENTS_MAX    65536u
#define WORLD_SEGMENT_BYTES (64u * 1024u)
#define WORLD_EVENT_MAX     16384u
#define WORLD_ARENA_BYTES   (8u * 1024u * 1024u)
#define WORLD_START_NS      UINT64_C(1000000000000)

struct world {
    struct memory_storage *memory;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_stream_options options;
    struct sfe_arena *arena;
    struct sfe_stream *stream;
    struct sfe_stream_reader *reader;
    struct sfe_stream_recovery recovery;
    struct sfe_error err;
    uint64_t now_ns;
    int64_t wall_ns;
    enum sfe_clock_quality quality;
    uint8_t boot;
    uint64_t salts;
    bool has_no_entropy;
    uint32_t staged_calls;
    uint32_t durable_calls;
    uint64_t made;                        /* Events ever staged; each has its own number. */
    uint64_t durable;                     /* Highest ever reported. */
    uint64_t number_of[WORLD_EVENTS_MAX]; /* By sequence: the event last staged under it. */
    uint8_t payload[WORLD_EVENT_MAX];
};

static inline uint64_t world_monotonic_ns(void *context)
{
    return ((struct world *)context)->now_ns;
}

static inline enum sfe_clock_quality world_wall_ns(void *context, int64_t *unix_ns)
{
    struct world *world = context;
    *unix_ns = world->wall_ns;
    return world->quality;
}

static inline void world_boot_id(void *context, uint8_t id[16])
{
    memset(id, ((struct world *)context)->boot, 16);
}

static inline enum sfe_code world_fill(void *context, void *bytes, size_t size,
                                       struct sfe_error *err)
{
    struct world *world = context;
    if (world->has_no_entropy) {
        return sfe_fail(err, SFE_E_NOT_READY, "too early");
    }
    uint8_t *place = bytes;
    for (size_t i = 0; i < size; i++) {
        world->salts = world->salts * 6364136223846793005u + 1442695040888963407u;
        place[i] = (uint8_t)(world->salts >> 56);
    }
    return SFE_OK;
}

static inline void world_on_staged(void *owner)
{
    ((struct world *)owner)->staged_calls++;
}

static inline void world_on_durable(void *owner)
{
    ((struct world *)owner)->durable_calls++;
}

static inline struct world *world_open(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->memory = memory_storage_open(seed);
    world->now_ns = WORLD_START_NS;
    world->wall_ns = INT64_C(1764000000000000000);
    world->quality = SFE_CLOCK_SYNCED;
    world->boot = 1;
    world->salts = seed;
    world->clock = (struct sfe_clock){world, world_monotonic_ns, world_wall_ns, world_boot_id};
    world->entropy = (struct sfe_entropy){world, world_fill};
    world->options = (struct sfe_stream_options){
        .storage = &world->memory->storage,
        .clock = &world->clock,
        .entropy = &world->entropy,
        .name = "sales",
        .quota_bytes = 64u * WORLD_SEGMENT_BYTES,
        .segment_bytes = WORLD_SEGMENT_BYTES,
        .event_bytes_max = WORLD_EVENT_MAX,
        .on_staged = world_on_staged,
        .on_durable = world_on_durable,
        .owner = world,
    };
    return world;
}

static inline void world_stop(struct world *world)
{
    sfe_stream_reader_close(world->reader);
    world->reader = NULL;
    sfe_stream_close(world->stream);
    world->stream = NULL;
    sfe_arena_close(world->arena);
    world->arena = NULL;
}

static inline enum sfe_code world_start(struct world *world)
{
    assert_null(world->arena);
    assert_int_equal(sfe_arena_open(WORLD_ARENA_BYTES, &world->arena, &world->err), SFE_OK);
    memset(&world->recovery, 0, sizeof(world->recovery));
    enum sfe_code code = sfe_stream_open(&world->options, world->arena, &world->stream,
                                         &world->recovery, &world->err);
    if (code == SFE_OK) {
        code = sfe_stream_reader_open(world->stream, world->arena, &world->reader, &world->err);
    }
    if (code != SFE_OK) {
        world_stop(world);
    }
    return code;
}

static inline void world_must_start(struct world *world)
{
    enum sfe_code code = world_start(world);
    if (code != SFE_OK) {
        fail_msg("cannot open: %s", world->err.message);
    }
}

/* As after kill -9: what was seen is still seen. */
static inline void world_restart(struct world *world)
{
    world_stop(world);
    world_must_start(world);
}

static inline void world_close(struct world *world)
{
    world_stop(world);
    assert_int_equal(world->memory->open_files, 0);
    memory_storage_close(world->memory);
    free(world);
}

/* The bytes of event `number`: they tell it from every other, throughout. */
static inline void world_fill_payload(uint8_t *bytes, size_t size, uint64_t number)
{
    uint64_t state = number * 0x9e3779b97f4a7c15u + 1u;
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(i < sizeof(number) ? number >> (8u * i) : state >> 56);
    }
}

static inline enum sfe_code world_stage(struct world *world, size_t size)
{
    const uint64_t number = world->made + 1u;
    uint64_t sequence = 0;

    assert_true(size >= sizeof(number) && size <= sizeof(world->payload));
    world_fill_payload(world->payload, size, number);
    struct sfe_event event = {
        .clock_quality = (uint8_t)world->quality,
        .received_ns = world->quality == SFE_CLOCK_UNSET ? (int64_t)world->now_ns : world->wall_ns,
        .source = SFE_TEXT("tills"),
        .topic = SFE_TEXT("pos/7/sale"),
        .payload = sfe_slice_make(world->payload, size),
    };
    enum sfe_code code = sfe_stream_stage(world->stream, &event, &sequence, &world->err);
    if (code == SFE_OK) {
        assert_true(sequence < WORLD_EVENTS_MAX);
        world->made = number;
        world->number_of[sequence] = number;
    }
    return code;
}

static inline enum sfe_code world_commit(struct world *world)
{
    enum sfe_code code = sfe_stream_commit(world->stream, world->now_ns, &world->err);
    const uint64_t durable = sfe_stream_durable(world->stream);
    world->now_ns += 10000000u;
    assert_true(durable >= world->durable);
    world->durable = durable;
    return code;
}

/* Stages `count` events of `size` bytes and commits them. */
static inline void world_write(struct world *world, uint32_t count, size_t size)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(world_stage(world, size), SFE_OK);
    }
    assert_int_equal(world_commit(world), SFE_OK);
}

static inline void world_check_event(const struct world *world, const struct sfe_event *event)
{
    uint8_t expected[WORLD_EVENT_MAX];

    assert_true(event->sequence < WORLD_EVENTS_MAX);
    assert_true(event->payload.size <= sizeof(expected));
    world_fill_payload(expected, event->payload.size, world->number_of[event->sequence]);
    assert_memory_equal(event->payload.bytes, expected, event->payload.size);
    assert_true(sfe_slice_equal(event->topic, SFE_TEXT("pos/7/sale")));
}

struct world_reading {
    uint64_t first;
    uint64_t last;
    uint64_t count;
    uint64_t gaps; /* Sequences missing between first and last. */
};

/* Reads all from `sequence` on: in order, each once, nothing but what was staged. */
static inline struct world_reading world_read(struct world *world, uint64_t sequence)
{
    struct world_reading reading = {0};
    struct sfe_event event;
    int64_t time_ns = 0;
    enum sfe_code code;

    sfe_stream_reader_seek(world->reader, sequence);
    for (;;) {
        code = sfe_stream_reader_next(world->reader, &event, &time_ns, NULL, &world->err);
        if (code != SFE_OK) {
            break;
        }
        world_check_event(world, &event);
        assert_true(event.sequence > reading.last && event.sequence >= sequence);
        assert_true(event.sequence <= sfe_stream_durable(world->stream));
        if (reading.count == 0) {
            reading.first = event.sequence;
        } else {
            reading.gaps += event.sequence - reading.last - 1u;
        }
        reading.last = event.sequence;
        reading.count++;
    }
    assert_int_equal(code, SFE_E_END);
    return reading;
}

/* All from `first` to the durable sequence are there. */
static inline void world_check_whole(struct world *world, uint64_t first)
{
    const uint64_t durable = sfe_stream_durable(world->stream);
    struct world_reading reading = world_read(world, first);

    assert_int_equal(reading.gaps, 0);
    if (durable >= first) {
        assert_int_equal(reading.first, first);
        assert_int_equal(reading.last, durable);
    } else {
        assert_int_equal(reading.count, 0);
    }
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 0);
}

/* The file of segment `number`. */
static inline struct memory_inode *world_segment(struct world *world, uint32_t number)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "sales-%08u.seg", (unsigned)number);
    return memory_file(world->memory, name);
}

static inline struct sfe_stream_facts world_facts(struct world *world)
{
    struct sfe_stream_facts facts;
    sfe_stream_facts(world->stream, &facts);
    return facts;
}

#endif
