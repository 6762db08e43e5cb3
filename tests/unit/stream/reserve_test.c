#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

#define QUOTA (4u * WORLD_SEGMENT_BYTES)
#define SIZE  1000u

static int begin(void **state)
{
    struct world *world = world_open(8);
    world->options.quota_bytes = QUOTA;
    world->options.has_reserve = true;
    world_must_start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

/* As world_stage, from the reserve. */
static enum sfe_code stage_reserved(struct world *world)
{
    const uint64_t number = world->made + 1u;
    uint64_t sequence = 0;

    world_fill_payload(world->payload, SIZE, number);
    const struct sfe_event event = {.clock_quality = (uint8_t)world->quality,
                                    .received_ns = world->wall_ns,
                                    .source = SFE_TEXT("tills"),
                                    .topic = SFE_TEXT("pos/7/sale"),
                                    .payload = sfe_slice_make(world->payload, SIZE)};
    enum sfe_code code = sfe_stream_stage_reserved(world->stream, &event, &sequence, &world->err);
    if (code == SFE_OK) {
        world->made = number;
        world->number_of[sequence] = number;
    }
    return code;
}

/* Until the stream takes no more; each event in a commit of its own. */
static uint32_t fill(struct world *world, bool is_reserved)
{
    uint32_t count = 0;

    while ((is_reserved ? stage_reserved(world) : world_stage(world, SIZE)) == SFE_OK) {
        assert_int_equal(world_commit(world), SFE_OK);
        assert_true(world_facts(world).flash_bytes <= QUOTA);
        count++;
    }
    return count;
}

static void the_reserve_is_a_file_of_its_own_within_the_quota(void **state)
{
    struct world *world = *state;
    assert_true(world_facts(world).has_reserve);
    assert_int_equal(world_facts(world).flash_bytes, WORLD_SEGMENT_BYTES);
    const struct memory_inode *spare = memory_file(world->memory, "sales.spare");
    assert_non_null(spare);
    assert_int_equal(spare->seen_size, WORLD_SEGMENT_BYTES);
    world_write(world, 3, SIZE);
    world_restart(world);
    assert_true(world_facts(world).has_reserve);
    world_check_whole(world, 1);
}

static void where_the_quota_is_used_up_the_reserve_is_for_those_who_may(void **state)
{
    struct world *world = *state;
    const uint32_t usual = fill(world, false);
    assert_true(usual > 30);
    assert_true(world_facts(world).has_reserve);
    assert_true(fill(world, true) >= 14); /* A segment of pages of two, but for its header. */
    assert_false(world_facts(world).has_reserve);
    assert_true(world_facts(world).is_full);
    assert_int_equal(world_stage(world, SIZE), SFE_E_FULL);
    world_check_whole(world, 1);
    world_restart(world);
    assert_int_equal(world->recovery.lost_events, 0);
    world_check_whole(world, 1);
    assert_int_equal(stage_reserved(world), SFE_E_FULL);
    /* Room again: the reserve is made again before it is needed. */
    assert_int_equal(
        sfe_stream_release(world->stream, sfe_stream_durable(world->stream) - 3, &world->err),
        SFE_OK);
    assert_int_equal(world_stage(world, SIZE), SFE_OK);
    assert_int_equal(world_commit(world), SFE_OK);
    assert_true(world_facts(world).has_reserve);
    world_check_whole(world, world_facts(world).first_sequence);
}

static void a_full_medium_does_not_stop_it_while_there_is_a_reserve(void **state)
{
    struct world *world = *state;
    world_write(world, 3, SIZE);
    /* The segment at hand and the reserve are there; nothing more can be made. */
    world->memory->capacity = 2u * WORLD_SEGMENT_BYTES;
    uint32_t taken = 0;
    enum sfe_code code = SFE_OK;
    while (code == SFE_OK) {
        assert_int_equal(world_stage(world, SIZE), SFE_OK);
        code = world_commit(world);
        taken += code == SFE_OK;
    }
    assert_int_equal(code, SFE_E_NO_SPACE);
    assert_true(taken >= 26); /* One page each, in two segments. */
    assert_false(world_facts(world).has_reserve);
    assert_true(world_facts(world).is_failing);
    world_check_whole(world, 1);
    /* By itself, once there is room. */
    world->memory->capacity = 0;
    assert_int_equal(world_commit(world), SFE_OK);
    assert_true(world_facts(world).has_reserve);
    world_check_whole(world, 1);
}

/* At every call that changes something, through the use of the reserve. */
static void power_cuts_while_the_reserve_is_used_lose_nothing(void **state)
{
    struct world *world = *state;
    (void)fill(world, false);
    const uint64_t start = world->memory->calls;
    for (uint64_t cut = 1; cut < 60; cut++) {
        world->memory->cut_at = world->memory->calls + cut % 12 + 1;
        while (!world->memory->is_off && stage_reserved(world) == SFE_OK) {
            (void)world_commit(world);
        }
        world->memory->cut_at = 0;
        memory_cut(world->memory);
        world_stop(world);
        memory_restart(world->memory);
        world_must_start(world);
        assert_int_equal(world->recovery.lost_events, 0);
        assert_int_equal(world->recovery.damaged_places, 0);
        assert_true(sfe_stream_durable(world->stream) >= world->durable);
        const struct world_reading reading = world_read(world, world_facts(world).first_sequence);
        assert_int_equal(reading.gaps, 0);
        assert_true(world_facts(world).flash_bytes <= QUOTA + WORLD_SEGMENT_BYTES);
        if (cut % 3 == 0) {
            assert_int_equal(sfe_stream_release(world->stream,
                                                sfe_stream_durable(world->stream) - 1, &world->err),
                             SFE_OK);
            (void)fill(world, false);
        }
    }
    assert_true(world->memory->calls > start + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_reserve_is_a_file_of_its_own_within_the_quota, begin,
                                        end),
        cmocka_unit_test_setup_teardown(where_the_quota_is_used_up_the_reserve_is_for_those_who_may,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_full_medium_does_not_stop_it_while_there_is_a_reserve,
                                        begin, end),
        cmocka_unit_test_setup_teardown(power_cuts_while_the_reserve_is_used_lose_nothing, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
