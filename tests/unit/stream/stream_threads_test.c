#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* One thread stages, one commits and releases, one reads: on the real storage, for the thread
 * sanitizer. */
#include "base/arena.h"
#include "port/thread.h"
#include "real_platform.h"
#include "stream/reader.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENTS        20000u
#define PAYLOAD_BYTES 200u
#define STACK_BYTES   (256u * 1024u)

struct world {
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_storage storage;
    struct sfe_arena *arena;
    struct sfe_stream *stream;
    struct sfe_stream_reader *reader;
    struct sfe_mutex *mutex;
    struct sfe_condition *condition;
    bool is_kicked;
    atomic_bool is_done;
    _Atomic uint64_t settled; /* All below. */
    atomic_uint wrong;
    atomic_uint full;
};

static void kick(void *owner)
{
    struct world *world = owner;
    sfe_mutex_lock(world->mutex);
    world->is_kicked = true;
    sfe_condition_signal(world->condition);
    sfe_mutex_unlock(world->mutex);
}

static void stage_all(void *argument)
{
    struct world *world = argument;
    uint8_t payload[PAYLOAD_BYTES];
    for (uint32_t i = 0; i < EVENTS; i++) {
        struct sfe_error err;
        uint64_t sequence = 0;
        memset(payload, (int)(i & 0xFFu), sizeof(payload));
        memcpy(payload, &i, sizeof(i));
        const struct sfe_event event = {.source = SFE_TEXT("tills"),
                                        .topic = SFE_TEXT("pos/7/sale"),
                                        .payload = {payload, sizeof(payload)}};
        enum sfe_code code;
        while ((code = sfe_stream_stage(world->stream, &event, &sequence, &err)) == SFE_E_FULL) {
            atomic_fetch_add(&world->full, 1u);
            (void)usleep(100);
        }
        if (code != SFE_OK || sequence != i + 1u) {
            atomic_fetch_add(&world->wrong, 1u);
        }
    }
}

static void flash(void *argument)
{
    struct world *world = argument;
    while (!atomic_load(&world->is_done)) {
        struct sfe_error err;
        uint64_t now_ns = sfe_clock_monotonic_ns(&world->clock);
        if (sfe_stream_due_ns(world->stream, now_ns) <= now_ns &&
            sfe_stream_commit(world->stream, now_ns, &err) != SFE_OK) {
            atomic_fetch_add(&world->wrong, 1u);
        }
        if (sfe_stream_release(world->stream, atomic_load(&world->settled), &err) != SFE_OK) {
            atomic_fetch_add(&world->wrong, 1u);
        }
        uint64_t until_ns = sfe_stream_due_ns(world->stream, now_ns);
        if (until_ns > now_ns + 5000000u) {
            until_ns = now_ns + 5000000u;
        }
        sfe_mutex_lock(world->mutex);
        if (!world->is_kicked) {
            (void)sfe_condition_wait(world->condition, world->mutex, until_ns);
        }
        world->is_kicked = false;
        sfe_mutex_unlock(world->mutex);
    }
}

static bool is_right(const struct sfe_event *event, uint64_t expected)
{
    uint8_t payload[PAYLOAD_BYTES];
    const uint32_t i = (uint32_t)(expected - 1u);
    memset(payload, (int)(i & 0xFFu), sizeof(payload));
    memcpy(payload, &i, sizeof(i));
    return event->sequence == expected && event->payload.size == sizeof(payload) &&
           memcmp(event->payload.bytes, payload, sizeof(payload)) == 0;
}

static void read_all(void *argument)
{
    struct world *world = argument;
    uint64_t expected = 1;
    while (expected <= EVENTS && atomic_load(&world->wrong) == 0) {
        struct sfe_event event;
        struct sfe_error err;
        int64_t time_ns = 0;
        enum sfe_code code = sfe_stream_reader_next(world->reader, &event, &time_ns, NULL, &err);
        if (code == SFE_E_END) {
            (void)usleep(100);
            continue;
        }
        if (code != SFE_OK || !is_right(&event, expected) ||
            expected > sfe_stream_durable(world->stream)) {
            atomic_fetch_add(&world->wrong, 1u);
        }
        expected++;
        struct sfe_stream_facts facts;
        if (expected % 100 == 0) {
            atomic_store(&world->settled, expected);
            sfe_stream_facts(world->stream, &facts);
        }
    }
    atomic_store(&world->is_done, true);
    kick(world);
}

static void remove_directory(const char *path)
{
    DIR *entries = opendir(path);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    (void)closedir(entries);
    (void)rmdir(path);
}

static void three_threads_agree_on_every_event(void **state)
{
    (void)state;
    static struct world world;
    struct sfe_error err;
    struct sfe_stream_recovery recovery;
    char path[] = "/tmp/sfedge-stream-XXXXXX";
    struct sfe_thread *threads[3] = {NULL};

    assert_non_null(mkdtemp(path));
    sfe_posix_clock(&world.clock);
    sfe_posix_entropy(&world.entropy);
    assert_int_equal(sfe_posix_storage_open(path, &world.storage, &err), SFE_OK);
    assert_int_equal(sfe_arena_open(4u * 1024u * 1024u, &world.arena, &err), SFE_OK);
    world.mutex = sfe_mutex_open();
    world.condition = sfe_condition_open();
    const struct sfe_stream_options options = {
        .storage = &world.storage,
        .clock = &world.clock,
        .entropy = &world.entropy,
        .name = "sales",
        .quota_bytes = 1024u * 1024u,
        .segment_bytes = 256u * 1024u,
        .event_bytes_max = 4096,
        .on_staged = kick,
        .owner = &world,
    };
    assert_int_equal(sfe_stream_open(&options, world.arena, &world.stream, &recovery, &err),
                     SFE_OK);
    assert_int_equal(sfe_stream_reader_open(world.stream, world.arena, &world.reader, &err),
                     SFE_OK);
    assert_int_equal(sfe_thread_start("flash", STACK_BYTES, flash, &world, &threads[0], &err),
                     SFE_OK);
    assert_int_equal(sfe_thread_start("read", STACK_BYTES, read_all, &world, &threads[1], &err),
                     SFE_OK);
    assert_int_equal(sfe_thread_start("stage", STACK_BYTES, stage_all, &world, &threads[2], &err),
                     SFE_OK);
    for (size_t i = 0; i < 3; i++) {
        sfe_thread_join(threads[2 - i]);
    }
    assert_int_equal(atomic_load(&world.wrong), 0);
    assert_int_equal(sfe_stream_durable(world.stream), EVENTS);
    assert_int_equal(sfe_stream_reader_damaged(world.reader), 0);
    sfe_stream_reader_close(world.reader);
    sfe_stream_close(world.stream);
    assert_int_equal(sfe_stream_open(&options, world.arena, &world.stream, &recovery, &err),
                     SFE_OK);
    assert_int_equal(sfe_stream_durable(world.stream), EVENTS);
    assert_int_equal(recovery.damaged_places, 0);
    sfe_stream_close(world.stream);
    sfe_condition_close(world.condition);
    sfe_mutex_close(world.mutex);
    sfe_arena_close(world.arena);
    sfe_posix_storage_close(&world.storage);
    remove_directory(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_threads_agree_on_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
