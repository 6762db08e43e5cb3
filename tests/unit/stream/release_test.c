#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

static int begin(void **state)
{
    struct world *world = world_open(3);
    world_must_start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

static void only_segments_wholly_below_the_sequence_go(void **state)
{
    struct world *world = *state;
    for (uint32_t i = 0; i < 60; i++) {
        world_write(world, 3, 1100);
    }
    const uint64_t second = table_find(&world->stream->table, 2)->first_sequence;
    assert_int_equal(sfe_stream_release(world->stream, second - 1, &world->err), SFE_OK);
    assert_non_null(world_segment(world, 1));
    assert_int_equal(sfe_stream_release(world->stream, second, &world->err), SFE_OK);
    assert_null(world_segment(world, 1));
    assert_non_null(world_segment(world, 2));
    assert_int_equal(world_facts(world).first_sequence, second);
    world_check_whole(world, second);
    world_restart(world);
    assert_int_equal(world->recovery.damaged_places, 0);
    world_check_whole(world, second);
}

static void the_newest_segment_stays_and_is_written_on(void **state)
{
    struct world *world = *state;
    world_write(world, 3, 100);
    assert_int_equal(sfe_stream_release(world->stream, 4, &world->err), SFE_OK);
    assert_non_null(world_segment(world, 1));
    assert_int_equal(world_facts(world).first_sequence, 4);
    world_write(world, 3, 100);
    assert_non_null(world_segment(world, 1));
    assert_null(world_segment(world, 2));
}

static void a_release_beyond_what_is_durable_promises_nothing_for_later(void **state)
{
    struct world *world = *state;
    world_write(world, 3, 100);
    assert_int_equal(sfe_stream_release(world->stream, 1000, &world->err), SFE_OK);
    for (uint32_t i = 0; i < 60; i++) {
        world_write(world, 3, 1100);
    }
    world_check_whole(world, world_facts(world).first_sequence);
    assert_true(world_facts(world).first_sequence <= 4);
}

static void a_removal_that_fails_is_tried_again(void **state)
{
    struct world *world = *state;
    for (uint32_t i = 0; i < 60; i++) {
        world_write(world, 3, 1100);
    }
    const uint64_t used = world_facts(world).flash_bytes;
    world->memory->fails_removal = true;
    assert_int_equal(sfe_stream_release(world->stream, 181, &world->err), SFE_E_STORAGE);
    assert_int_equal(world_facts(world).flash_bytes, used);
    world->memory->fails_removal = false;
    world->memory->fail_directory_sync_at = world->memory->directory_syncs + 1;
    assert_int_equal(sfe_stream_release(world->stream, 181, &world->err), SFE_E_STORAGE);
    assert_int_equal(sfe_stream_release(world->stream, 181, &world->err), SFE_OK);
    assert_null(world_segment(world, 3));
    assert_int_equal(world->stream->table.count, 1);
}

/* The quota is filled, drained and filled again; nothing is refused without reason and nothing
 * lost. */
static void full_then_drained_then_full_again(void **state)
{
    struct world *world = *state;
    uint64_t wanted = 1;
    world_stop(world);
    world->options.quota_bytes = 4u * WORLD_SEGMENT_BYTES;
    world_must_start(world);
    for (uint32_t round = 0; round < 6; round++) {
        uint32_t count = 0;
        while (world_stage(world, 1000) == SFE_OK) {
            if (++count % 7 == 0) {
                assert_int_equal(world_commit(world), SFE_OK);
            }
            assert_true(count < 2000);
        }
        assert_true(count > 60);
        assert_true(world_facts(world).is_full);
        assert_int_equal(world_commit(world), SFE_OK);
        assert_true(world_facts(world).flash_bytes <= 5u * WORLD_SEGMENT_BYTES);
        assert_int_equal(sfe_stream_durable(world->stream), world->made);
        assert_int_equal(world_stage(world, 1000), SFE_E_FULL);
        world_check_whole(world, wanted);
        wanted = sfe_stream_durable(world->stream) + 1;
        assert_int_equal(sfe_stream_release(world->stream, wanted, &world->err), SFE_OK);
        assert_false(world_facts(world).is_full);
        if (round == 3) {
            world_restart(world);
        }
    }
}

static void a_quota_of_one_segment_still_drains(void **state)
{
    struct world *world = *state;
    world_stop(world);
    world->options.quota_bytes = WORLD_SEGMENT_BYTES;
    world_must_start(world);
    for (uint32_t round = 0; round < 4; round++) {
        uint32_t count = 0;
        while (world_stage(world, 1000) == SFE_OK) {
            count++;
            assert_int_equal(world_commit(world), SFE_OK);
        }
        assert_true(count > 5);
        assert_true(world_facts(world).flash_bytes <= 2u * WORLD_SEGMENT_BYTES);
        assert_int_equal(
            sfe_stream_release(world->stream, sfe_stream_durable(world->stream) + 1, &world->err),
            SFE_OK);
    }
}

/* Every size of what is staged, against every place in a nearly full quota, and a failure in the
 * way. */
static void what_was_staged_always_finds_a_place(void **state)
{
    struct world *world = *state;
    world_stop(world);
    world->options.quota_bytes = 3u * WORLD_SEGMENT_BYTES;
    world_must_start(world);
    for (uint32_t i = 0; i < 400; i++) {
        enum sfe_code code = world_stage(world, 300 + (i * 7919u) % 12000);
        if (i % 11 == 5) {
            world->memory->fail_at = world->memory->calls + 1 + i % 3;
            world->memory->fail_count = 1;
        }
        if (code == SFE_E_FULL || i % 3 == 0) {
            code = world_commit(world);
            code = code == SFE_OK ? code : world_commit(world);
            assert_int_equal(code, SFE_OK);
            assert_int_equal(sfe_stream_durable(world->stream), world->made);
            assert_true(world_facts(world).flash_bytes <= 5u * WORLD_SEGMENT_BYTES);
        }
        world->memory->fail_at = 0;
        if (i % 40 == 39) {
            assert_int_equal(sfe_stream_release(world->stream,
                                                sfe_stream_durable(world->stream) - 5, &world->err),
                             SFE_OK);
        }
    }
    world_check_whole(world, world_facts(world).first_sequence);
}

/* Fails the call after next `skip`, and the one that would give the space back. */
static enum sfe_code commit_failing(struct world *world, uint64_t skip)
{
    world->memory->fail_at = world->memory->calls + 1u + skip;
    world->memory->fail_count = 2;
    enum sfe_code code = world_commit(world);
    world->memory->fail_at = 0;
    return code;
}

/* A segment that failed and cannot be cut keeps its size. The next one is over the quota; where
 * that fails too, what is staged waits until something is released. */
static void a_medium_that_fails_again_and_again_costs_one_segment_over_the_quota(void **state)
{
    struct world *world = *state;
    uint32_t waited = 0;

    world->options.quota_bytes = 4u * WORLD_SEGMENT_BYTES;
    for (uint64_t skip = 0; skip < 12; skip++) {
        world_restart(world);
        /* Full, but for what two frames need in the segment at hand. */
        while (world->stream->table.count < 4 || world->stream->current.durable_end < 30000) {
            world_write(world, 1, 3000);
        }
        assert_int_equal(world_stage(world, 3000), SFE_OK);
        assert_true(commit_failing(world, 0) != SFE_OK);
        assert_int_equal(sfe_stream_release(world->stream, 1, &world->err), SFE_OK);
        (void)world_stage(world, 3000);
        (void)commit_failing(world, skip);
        (void)commit_failing(world, 0);
        for (uint32_t i = 0; i < 3; i++) {
            waited += world_commit(world) == SFE_E_NO_SPACE;
            assert_true(world_facts(world).flash_bytes <= 5u * WORLD_SEGMENT_BYTES);
        }
        assert_int_equal(
            sfe_stream_release(world->stream, sfe_stream_durable(world->stream) - 1, &world->err),
            SFE_OK);
        assert_int_equal(world_commit(world), SFE_OK);
        assert_int_equal(sfe_stream_durable(world->stream), world->made);
        world_check_whole(world, world_facts(world).first_sequence);
    }
    assert_true(waited > 0);
}

/* Each restart leaves a segment behind that was hardly begun. */
static void five_hundred_restarts_use_the_quota_up_and_no_more(void **state)
{
    struct world *world = *state;
    uint64_t first = 1;
    uint32_t refused = 0;

    world->options.quota_bytes = 8u * WORLD_SEGMENT_BYTES;
    for (uint32_t i = 1; i <= 500; i++) {
        world_restart(world);
        world_check_whole(world, first);
        refused += world_stage(world, 100) != SFE_OK;
        assert_int_equal(world_commit(world), SFE_OK);
        assert_true(world_facts(world).flash_bytes <=
                    world->options.quota_bytes + WORLD_SEGMENT_BYTES);
        if (i % 100 == 0) {
            first = sfe_stream_durable(world->stream) + 1;
            assert_int_equal(sfe_stream_release(world->stream, first, &world->err), SFE_OK);
            world_write(world, 1, 100); /* There is room again. */
            world_check_whole(world, first);
        }
    }
    assert_true(refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_segments_wholly_below_the_sequence_go, begin, end),
        cmocka_unit_test_setup_teardown(the_newest_segment_stays_and_is_written_on, begin, end),
        cmocka_unit_test_setup_teardown(a_release_beyond_what_is_durable_promises_nothing_for_later,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_removal_that_fails_is_tried_again, begin, end),
        cmocka_unit_test_setup_teardown(full_then_drained_then_full_again, begin, end),
        cmocka_unit_test_setup_teardown(a_quota_of_one_segment_still_drains, begin, end),
        cmocka_unit_test_setup_teardown(what_was_staged_always_finds_a_place, begin, end),
        cmocka_unit_test_setup_teardown(
            a_medium_that_fails_again_and_again_costs_one_segment_over_the_quota, begin, end),
        cmocka_unit_test_setup_teardown(five_hundred_restarts_use_the_quota_up_and_no_more, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
