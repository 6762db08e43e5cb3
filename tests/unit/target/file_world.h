/* An output to files in memory, with the cloud and the flash thread's turns called one by one. Its
 * state and its directory are one storage, so that the power goes for both at once. */
#ifndef SFE_TESTS_UNIT_OUTPUT_FILE_WORLD_H
#define SFE_TESTS_UNIT_OUTPUT_FILE_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "target/file.h"
#include "unit/stream/memory_storage.h"

#include <string.h>

struct file_world {
    struct sfe_arena *arena;
    struct memory_storage *memory;
    struct sfe_file_output_options options;
    struct sfe_file_output *output;
    struct sfe_target target;
    bool is_away; /* The directory cannot be opened. */
    uint32_t wakes;
    uint32_t finished;
    enum sfe_slot_outcome outcome;
    uint32_t count;
    struct sfe_error reason;
    uint64_t now_ns;
    struct sfe_error err;
    char text[65536];
};

static inline enum sfe_code world_open_directory(void *owner, const char *path,
                                                 struct sfe_storage *storage, struct sfe_error *err)
{
    struct file_world *world = owner;

    assert_string_equal(path, "out");
    storage->context = NULL;
    if (world->is_away) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "cannot open directory");
    }
    *storage = world->memory->storage;
    return SFE_OK;
}

static inline void world_close_directory(struct sfe_storage *storage)
{
    storage->context = NULL;
}

static inline void world_wake(void *owner)
{
    ((struct file_world *)owner)->wakes++;
}

static inline void world_finished(void *context, const struct sfe_slot_result *result)
{
    struct file_world *world = context;
    struct sfe_verdict verdict;

    world->finished++;
    world->outcome = result->outcome;
    world->count = result->count;
    world->reason = result->err;
    for (uint32_t i = 0; result->outcome == SFE_SLOT_ANSWERED && i < result->count; i++) {
        result->verdict(result->context, i, &verdict);
        assert_int_equal(verdict.kind, SFE_VERDICT_DONE);
    }
}

/* Opens the output anew, as a start does. */
static inline void world_open(struct file_world *world)
{
    const struct sfe_target_host host = {.context = world, .finished = world_finished};

    sfe_arena_close(world->arena);
    world->arena = NULL;
    assert_int_equal(sfe_arena_open(16u << 20, &world->arena, &world->err), SFE_OK);
    assert_int_equal(sfe_file_output_open(&world->options, world->arena, &world->output,
                                          &world->target, &world->err),
                     SFE_OK);
    world->target.bind(world->target.context, &host);
    assert_int_equal(sfe_file_output_begin(world->output, UINT64_MAX, &world->err), SFE_OK);
}

static inline int world_setup(void **state)
{
    struct file_world *world = test_calloc(1, sizeof(*world));

    world->memory = memory_storage_open(1);
    world->memory->never_garbles = true;
    world->now_ns = UINT64_C(1000000000000);
    world->options = (struct sfe_file_output_options){
        .output = "o",
        .stream = "s",
        .directory = "out",
        .name = "n",
        .open_directory = world_open_directory,
        .close_directory = world_close_directory,
        .state = &world->memory->storage,
        .rotate_bytes = 100,
        .rotate_age_ns = UINT64_C(1000000000000),
        .keep_files = 1000,
        .keep_bytes = 1u << 20,
        .event_bytes_max = 1024,
        .on_handed = world_wake,
        .on_written = world_wake,
        .owner = world,
    };
    world_open(world);
    *state = world;
    return 0;
}

static inline int world_teardown(void **state)
{
    struct file_world *world = *state;

    sfe_arena_close(world->arena);
    assert_int_equal(world->memory->open_files, 0);
    memory_storage_close(world->memory);
    test_free(world);
    return 0;
}

static inline enum sfe_code world_offer(struct file_world *world, uint64_t sequence,
                                        const char *payload)
{
    struct sfe_event event = {
        .sequence = sequence, .source = SFE_TEXT("in"), .topic = SFE_TEXT("t")};
    uint64_t order_key = 0;

    event.payload = sfe_slice_text(payload);
    return world->target.offer(world->target.context, 0, &event, 0, NULL, &order_key, &world->err);
}

/* Offers the events from `first` on, each with its sequence as its payload. */
static inline void world_fill(struct file_world *world, uint64_t first, uint32_t count)
{
    char payload[32];

    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(payload, sizeof(payload), "{\"n\":%u}", (unsigned)(first + i));
        assert_int_equal(world_offer(world, first + i, payload), SFE_OK);
    }
}

/* One turn of each thread. */
static inline void world_turn(struct file_world *world)
{
    uint64_t until_ns = 0;

    world->now_ns += 1000000u;
    (void)sfe_file_output_flash_turn(world->output, world->now_ns);
    (void)world->target.is_ready(world->target.context, world->now_ns, &until_ns);
}

/* Sends the batch, and gives it one turn: true where it is settled. */
static inline bool world_send(struct file_world *world)
{
    const uint32_t before = world->finished;

    assert_int_equal(world->target.send(world->target.context, 0, &world->err), SFE_OK);
    if (world->finished == before) {
        world_turn(world);
    }
    return world->finished == before + 1u && world->outcome == SFE_SLOT_ANSWERED;
}

/* The content of a file; NULL: there is none. */
static inline const char *world_file(struct file_world *world, const char *name)
{
    const struct memory_inode *file = memory_file(world->memory, name);

    if (file == NULL) {
        return NULL;
    }
    assert_true(file->seen_size < sizeof(world->text));
    if (file->seen_size != 0) {
        memcpy(world->text, file->seen, file->seen_size);
    }
    world->text[file->seen_size] = '\0';
    return world->text;
}

#endif
