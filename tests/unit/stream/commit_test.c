#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

#include "base/metered_storage.h"

/* What one run of the scenario has promised: it must hold after any cut. */
struct promise {
    uint64_t durable;  /* Highest sequence reported durable. */
    uint64_t released; /* Lowest sequence that is still wanted. */
};

/* Cursor and mark are saved as the agent does: first they, then what they release. */
static enum sfe_code save_and_release(struct world *world, struct sfe_cursor_log *log,
                                      struct promise *promise, uint64_t settled)
{
    struct sfe_cursor cursor = {.name = "crm/sales", .sequence = settled};
    struct sfe_cursor_mark mark = {.stream = "sales", .durable = sfe_stream_durable(world->stream)};

    enum sfe_code code = sfe_cursor_log_save(log, &cursor, 1, &mark, 1, &world->err);
    if (code != SFE_OK) {
        return code;
    }
    promise->released = settled;
    return sfe_stream_release(world->stream, settled, &world->err);
}

static enum sfe_code some_commits(struct world *world, struct sfe_cursor_log *log,
                                  struct promise *promise, uint32_t count)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < count && code == SFE_OK; i++) {
        for (uint32_t j = 0; j < 1 + i % 4; j++) {
            assert_int_equal(world_stage(world, 20 + (i * 1237 + j * 311) % 9000), SFE_OK);
        }
        code = world_commit(world);
        promise->durable = world->durable;
        if (code == SFE_OK && i % 5 == 4) {
            const uint64_t settled = promise->durable > 6 ? promise->durable - 6 : 1;
            code = save_and_release(world, log, promise, settled);
        }
    }
    return code;
}

/* Opens cursors and stream as the agent does. */
static enum sfe_code start_all(struct world *world, struct sfe_cursor_log **log,
                               struct promise *promise)
{
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(WORLD_ARENA_BYTES, &world->arena, &err), SFE_OK);
    enum sfe_code code = sfe_cursor_log_open(&world->memory->storage, &world->entropy, 4, 4,
                                             world->arena, log, &world->err);
    if (code == SFE_OK) {
        const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(*log, "sales");
        const struct sfe_cursor *cursor = sfe_cursor_log_find(*log, "crm/sales");
        world->options.known_durable = mark == NULL ? 0 : mark->durable;
        assert_true(cursor != NULL ? cursor->sequence >= promise->released
                                   : promise->released <= 1);
        code = sfe_stream_open(&world->options, world->arena, &world->stream, &world->recovery,
                               &world->err);
    }
    if (code == SFE_OK) {
        code = sfe_stream_reader_open(world->stream, world->arena, &world->reader, &world->err);
    }
    return code;
}

static void stop_all(struct world *world, struct sfe_cursor_log *log)
{
    sfe_cursor_log_close(log);
    world_stop(world);
}

static void check_promise(struct world *world, const struct promise *promise)
{
    assert_int_equal(world->recovery.lost_events, 0);
    assert_int_equal(world->recovery.damaged_places, 0);
    assert_true(sfe_stream_durable(world->stream) >= promise->durable);
    world->durable = sfe_stream_durable(world->stream);
    world_check_whole(world, promise->released == 0 ? 1 : promise->released);
}

/* The scenario with the power cut in the n-th call; then recovery, itself cut in its m-th call;
 * then life goes on. True where the cut was reached. */
static bool survives_cut(uint64_t seed, uint64_t cut, uint64_t second_cut)
{
    struct world *world = world_open(seed);
    struct promise promise = {0, 0};
    struct sfe_cursor_log *log = NULL;

    world->memory->gives_stale_bytes = seed % 3 == 0;
    world->memory->cut_at = cut;
    enum sfe_code code = start_all(world, &log, &promise);
    if (code == SFE_OK) {
        code = some_commits(world, log, &promise, 30);
    }
    bool is_cut = world->memory->is_off;
    assert_true(is_cut == (code != SFE_OK));
    stop_all(world, log);
    if (!is_cut) {
        memory_cut(world->memory);
    }
    for (uint64_t again = second_cut; again > 0; again--) {
        memory_restart(world->memory);
        world->memory->cut_at = world->memory->calls + again;
        log = NULL;
        code = start_all(world, &log, &promise);
        if (code == SFE_OK) {
            check_promise(world, &promise);
            (void)some_commits(world, log, &promise, 2);
        }
        stop_all(world, log);
        if (!world->memory->is_off) {
            memory_cut(world->memory);
        }
    }
    memory_restart(world->memory);
    world->boot++;
    log = NULL;
    assert_int_equal(start_all(world, &log, &promise), SFE_OK);
    check_promise(world, &promise);
    assert_int_equal(some_commits(world, log, &promise, 7), SFE_OK);
    world_check_whole(world, promise.released);
    stop_all(world, log);
    world_close(world);
    return is_cut;
}

static void a_cut_in_any_call_loses_nothing_durable(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        uint64_t cut = 1;
        while (survives_cut(seed * 1000 + cut, cut, 0)) {
            cut++;
        }
        assert_true(cut > 100);
    }
}

static void a_cut_in_recovery_after_a_cut_loses_nothing_durable(void **state)
{
    (void)state;
    for (uint64_t cut = 1; cut < 130; cut += 3) {
        (void)survives_cut(cut, cut, 1 + cut % 7);
    }
}

/* One call, or some in a row, fail without a cut; later the power goes. */
static bool survives_failure(uint64_t seed, uint64_t at, uint64_t count)
{
    struct world *world = world_open(seed);
    struct promise promise = {0, 0};
    struct sfe_cursor_log *log = NULL;

    world->memory->fail_at = at;
    world->memory->fail_count = count;
    enum sfe_code code = start_all(world, &log, &promise);
    bool is_reached = code != SFE_OK;
    for (uint32_t i = 0; i < 30 && world->stream != NULL; i++) {
        for (uint32_t j = 0; j < 1 + i % 4; j++) {
            assert_int_equal(world_stage(world, 20 + (i * 1237 + j * 311) % 9000), SFE_OK);
        }
        code = world_commit(world);
        promise.durable = world->durable;
        if (i % 5 == 4) {
            const uint64_t settled = promise.durable > 6 ? promise.durable - 6 : 1;
            enum sfe_code saved = save_and_release(world, log, &promise, settled);
            code = code == SFE_OK ? saved : code;
        }
        if (code != SFE_OK) {
            is_reached = true;
            assert_int_equal(code, SFE_E_STORAGE);
            world_check_whole(world, promise.released == 0 ? 1 : promise.released);
        }
    }
    if (world->stream != NULL) {
        for (uint64_t i = 0; i <= count && code != SFE_OK; i++) {
            code = world_commit(world);
        }
        assert_int_equal(world_commit(world), SFE_OK); /* What was kept is written. */
        assert_int_equal(world_facts(world).staged_events, 0);
        promise.durable = world->durable;
        assert_int_equal(promise.durable, world->made);
        world_check_whole(world, promise.released);
    }
    stop_all(world, log);
    memory_cut(world->memory);
    memory_restart(world->memory);
    log = NULL;
    assert_int_equal(start_all(world, &log, &promise), SFE_OK);
    check_promise(world, &promise);
    stop_all(world, log);
    world_close(world);
    return is_reached;
}

static void a_failure_of_any_call_loses_nothing_and_life_goes_on(void **state)
{
    (void)state;
    for (uint64_t count = 1; count <= 3; count++) {
        uint64_t at = 1;
        uint64_t reached = 0;
        for (; at < 160; at++) {
            reached += survives_failure(at * 31 + count, at, count);
        }
        assert_true(reached > 80);
    }
}

static struct world *world_of(void **state)
{
    return *state;
}

static int begin(void **state)
{
    struct world *world = world_open(11);
    world_must_start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

static void one_commit_is_one_sync_however_many_events(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 1, 100);
    const uint64_t syncs = world->memory->syncs;
    const uint64_t calls = world->memory->calls;
    world_write(world, 100, 100);
    assert_int_equal(world->memory->syncs, syncs + 1);
    assert_int_equal(world->memory->calls, calls + 2);
    assert_int_equal(world_facts(world).syncs, 2);
    assert_int_equal(world->durable_calls, 2);
}

static void nothing_staged_touches_no_flash(void **state)
{
    struct world *world = world_of(state);
    const uint64_t calls = world->memory->calls;
    assert_int_equal(world_commit(world), SFE_OK);
    assert_int_equal(world->memory->calls, calls);
}

static void after_a_failed_sync_the_file_is_not_trusted_and_nothing_is_lost(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 3, 200);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(world_stage(world, 200), SFE_OK);
    }
    world->memory->fail_sync_at = world->memory->syncs + 1;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    assert_int_equal(sfe_stream_durable(world->stream), 3);
    assert_true(world_facts(world).is_failing);
    assert_int_equal(world_facts(world).failure.code, SFE_E_STORAGE);
    assert_int_equal(world_facts(world).staged_events, 3);
    /* What comes meanwhile is taken too, and written in the same commit. */
    assert_int_equal(world_stage(world, 200), SFE_OK);
    assert_int_equal(world_commit(world), SFE_OK);
    assert_int_equal(sfe_stream_durable(world->stream), 7);
    assert_non_null(world_segment(world, 2));
    world_check_whole(world, 1);
    memory_cut(world->memory);
    memory_restart(world->memory);
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 7);
    assert_int_equal(world->recovery.damaged_places, 0);
    world_check_whole(world, 1);
}

/* The frame that could not be synced stays readable in the old file when it could not be cut. */
static void frames_given_up_after_a_failed_sync_are_not_read_twice(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 3, 200);
    assert_int_equal(world_stage(world, 200), SFE_OK);
    /* Sync and truncation fail. */
    world->memory->fail_at = world->memory->calls + 2;
    world->memory->fail_count = 2;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    assert_int_equal(world_segment(world, 1)->seen_size, WORLD_SEGMENT_BYTES);
    assert_int_equal(world_stage(world, 300), SFE_OK);
    assert_int_equal(world_commit(world), SFE_OK);
    world_check_whole(world, 1);
    world_restart(world);
    assert_int_equal(world->recovery.kept_events, 5);
    assert_int_equal(world->recovery.damaged_places, 0);
    world_check_whole(world, 1);
}

static void a_name_that_is_not_durable_makes_nothing_durable(void **state)
{
    struct world *world = world_of(state);
    assert_int_equal(world_stage(world, 200), SFE_OK);
    world->memory->fail_directory_sync_at = world->memory->directory_syncs + 1;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    assert_int_equal(sfe_stream_durable(world->stream), 0);
    assert_null(world_segment(world, 1));
    assert_int_equal(world_commit(world), SFE_OK);
    world_check_whole(world, 1);
}

static void a_new_segment_that_cannot_be_removed_is_removed_later(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 1, 100);
    assert_int_equal(world_stage(world, 200), SFE_OK);
    world->memory->fail_sync_at = world->memory->syncs + 1;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    world->memory->fail_sync_at = world->memory->syncs + 1;
    world->memory->fails_removal = true;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    assert_non_null(world_segment(world, 2));
    assert_int_equal(world_commit(world), SFE_OK);
    world_check_whole(world, 1);
    world->memory->fails_removal = false;
    assert_int_equal(sfe_stream_release(world->stream, 1, &world->err), SFE_OK);
    assert_null(world_segment(world, 2));
    world_check_whole(world, 1);
}

static void a_full_medium_keeps_the_stage_and_recovers_by_itself(void **state)
{
    struct world *world = world_of(state);
    uint32_t staged = 0;
    world->memory->capacity = 2u * WORLD_SEGMENT_BYTES;
    while (world_stage(world, 4000) == SFE_OK) {
        enum sfe_code code = world_commit(world);
        assert_true(code == SFE_OK || code == SFE_E_NO_SPACE);
        staged++;
        assert_true(staged < 1000);
    }
    assert_true(world_facts(world).is_failing);
    assert_int_equal(world_facts(world).failure.code, SFE_E_NO_SPACE);
    assert_true(memory_used(world->memory) <= world->memory->capacity);
    const uint64_t durable = sfe_stream_durable(world->stream);
    assert_true(durable < staged);
    world_check_whole(world, 1);
    assert_int_equal(sfe_stream_release(world->stream, durable + 1, &world->err), SFE_OK);
    world->memory->capacity = 8u * WORLD_SEGMENT_BYTES;
    assert_int_equal(world_commit(world), SFE_OK);
    assert_int_equal(sfe_stream_durable(world->stream), staged);
    assert_int_equal(world_stage(world, 4000), SFE_OK);
    world_check_whole(world, durable + 1);
}

static void without_entropy_nothing_is_written_and_nothing_lost(void **state)
{
    struct world *world = world_of(state);
    world->has_no_entropy = true;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(world_commit(world), SFE_E_NOT_READY);
    world->has_no_entropy = false;
    assert_int_equal(world_commit(world), SFE_OK);
    world_check_whole(world, 1);
}

/* The figure of the README: 200-byte payloads under load. */
static void flash_bytes_per_payload_byte_stay_below_the_promise(void **state)
{
    struct world *world = world_of(state);
    world_stop(world);
    world->options.segment_bytes = SFE_SEGMENT_BYTES_DEFAULT;
    world->options.quota_bytes = 64u * SFE_SEGMENT_BYTES_DEFAULT;
    world_must_start(world);
    for (uint32_t i = 0; i < 30; i++) {
        while (sfe_stream_due_ns(world->stream, world->now_ns) > world->now_ns ||
               world_facts(world).staged_events < 280) {
            assert_int_equal(world_stage(world, 200), SFE_OK);
        }
        assert_int_equal(world_commit(world), SFE_OK);
    }
    struct sfe_stream_facts facts = world_facts(world);
    assert_true(facts.payload_bytes >= 30u * 280u * 200u);
    assert_true(facts.written_bytes * 100u <= facts.payload_bytes * 120u);
}

/* Frames as full as under load, 200 bytes an event: what is written, headers of segments and their
 * directory included, is at most 1.15 times the payload. */
static void under_load_flash_wears_by_little_more_than_the_payload(void **state)
{
    struct world *world = *state;
    struct sfe_metered_storage metered;
    struct sfe_storage storage = world->memory->storage;

    sfe_metered_storage_put(&metered, &storage);
    world->options.storage = &storage;
    world->options.segment_bytes = SFE_SEGMENT_BYTES_DEFAULT;
    world->options.quota_bytes = 16u * SFE_SEGMENT_BYTES_DEFAULT;
    world_restart(world);
    const uint64_t before = metered.written_bytes;
    for (uint32_t i = 0; i < 100; i++) {
        world_write(world, SFE_FRAME_BYTES_TARGET / 213u, 200);
    }
    const struct sfe_stream_facts facts = world_facts(world);
    const uint64_t written = metered.written_bytes - before;
    assert_int_equal(facts.written_events, 100u * (SFE_FRAME_BYTES_TARGET / 213u));
    assert_int_equal(facts.payload_bytes, facts.written_events * 200u);
    assert_true(written >= facts.written_bytes);
    assert_true(written * 100u <= facts.payload_bytes * 115u);
    world->options.storage = &world->memory->storage;
    world_stop(world);
}

/* It takes the pages of its payload, and one more at most. */
static void a_lone_event_costs_at_most_a_page_over_its_payload(void **state)
{
    struct world *world = *state;
    static const size_t sizes[] = {8, 100, 4000, 4090, 4096, 8192, 12000, 16384};

    world->options.segment_bytes = SFE_SEGMENT_BYTES_DEFAULT;
    world->options.quota_bytes = 16u * SFE_SEGMENT_BYTES_DEFAULT;
    world_restart(world);
    world_write(world, 1, 8); /* The segment is begun. */
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const uint64_t before = world_facts(world).written_bytes;
        world_write(world, 1, sizes[i]);
        const uint64_t written = world_facts(world).written_bytes - before;
        assert_true(written <= page_align((uint32_t)sizes[i]) + SFE_PAGE_BYTES);
        assert_true(sizes[i] > 4000 || written == SFE_PAGE_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_in_any_call_loses_nothing_durable),
        cmocka_unit_test(a_cut_in_recovery_after_a_cut_loses_nothing_durable),
        cmocka_unit_test(a_failure_of_any_call_loses_nothing_and_life_goes_on),
        cmocka_unit_test_setup_teardown(one_commit_is_one_sync_however_many_events, begin, end),
        cmocka_unit_test_setup_teardown(nothing_staged_touches_no_flash, begin, end),
        cmocka_unit_test_setup_teardown(
            after_a_failed_sync_the_file_is_not_trusted_and_nothing_is_lost, begin, end),
        cmocka_unit_test_setup_teardown(frames_given_up_after_a_failed_sync_are_not_read_twice,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_name_that_is_not_durable_makes_nothing_durable, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_new_segment_that_cannot_be_removed_is_removed_later,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_full_medium_keeps_the_stage_and_recovers_by_itself, begin,
                                        end),
        cmocka_unit_test_setup_teardown(without_entropy_nothing_is_written_and_nothing_lost, begin,
                                        end),
        cmocka_unit_test_setup_teardown(flash_bytes_per_payload_byte_stay_below_the_promise, begin,
                                        end),
        cmocka_unit_test_setup_teardown(under_load_flash_wears_by_little_more_than_the_payload,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_lone_event_costs_at_most_a_page_over_its_payload, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
