#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

/* The first frame of a segment. */
#define FRAME_AT SEGMENT_BEGIN

static int begin(void **state)
{
    struct world *world = world_open(17);
    world_must_start(world);
    for (uint32_t i = 0; i < 120; i++) {
        world_write(world, 3, 1100);
    }
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

static struct memory_inode *aside(struct world *world, uint32_t number)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "sales-%08u.bad", (unsigned)number);
    return memory_file(world->memory, name);
}

static uint32_t count_aside(struct world *world)
{
    uint32_t count = 0;
    for (uint32_t number = 1; number < 64; number++) {
        count += aside(world, number) != NULL ? 1u : 0u;
    }
    return count;
}

/* All is settled; the newest segment stays. */
static void release_all(struct world *world)
{
    assert_int_equal(
        sfe_stream_release(world->stream, sfe_stream_durable(world->stream) + 1u, &world->err),
        SFE_OK);
}

static void a_damaged_segment_is_kept_byte_for_byte_when_it_is_settled(void **state)
{
    struct world *world = *state;
    struct memory_inode *inode = world_segment(world, 2);
    memory_damage(inode, FRAME_AT + 100u, 0x10);
    uint8_t *before = malloc(inode->seen_size);
    assert_non_null(before);
    memcpy(before, inode->seen, inode->seen_size);
    struct world_reading reading = world_read(world, 1);
    assert_int_equal(reading.gaps, 3); /* The frame's events, and no others. */
    assert_int_equal(world_facts(world).damaged_places, 1);
    assert_int_equal(world_facts(world).damaged_segment, 2);
    assert_int_equal(world_facts(world).damaged_offset, FRAME_AT);
    release_all(world);
    assert_null(world_segment(world, 1));
    assert_null(world_segment(world, 2));
    assert_int_equal(count_aside(world), 1);
    assert_ptr_equal(aside(world, 2), inode);
    assert_memory_equal(inode->seen, before, inode->seen_size);
    free(before);
}

static void nothing_is_kept_of_what_is_whole(void **state)
{
    struct world *world = *state;
    world_check_whole(world, 1);
    world_restart(world);
    world_write(world, 1, 100);
    release_all(world);
    assert_int_equal(count_aside(world), 0);
    assert_int_equal(world_facts(world).damaged_places, 0);
    assert_null(world_segment(world, 1));
}

static void damage_that_was_met_before_a_restart_is_kept_too(void **state)
{
    struct world *world = *state;
    memory_damage(world_segment(world, 3), FRAME_AT + 40u, 1);
    (void)world_read(world, 1);
    world_restart(world);
    world_write(world, 1, 100);
    assert_int_equal(world_facts(world).damaged_places, 0);
    release_all(world);
    assert_int_equal(count_aside(world), 1);
    assert_non_null(aside(world, 3));
}

static void the_end_of_a_segment_counts(void **state)
{
    struct world *world = *state;
    const struct segment *segment = table_find(&world->stream->table, 2);
    memory_damage(world_segment(world, 2), segment->durable_end - SFE_PAGE_BYTES, 0xff);
    world_restart(world);
    release_all(world);
    assert_non_null(aside(world, 2));
}

static void two_readers_count_a_place_once(void **state)
{
    struct world *world = *state;
    struct sfe_stream_reader *first = world->reader;
    memory_damage(world_segment(world, 1), FRAME_AT + 100u, 1);
    memory_damage(world_segment(world, 2), FRAME_AT + 100u, 1);
    (void)world_read(world, 1);
    assert_int_equal(
        sfe_stream_reader_open(world->stream, world->arena, &world->reader, &world->err), SFE_OK);
    (void)world_read(world, 1);
    assert_int_equal(world_facts(world).damaged_places, 2);
    sfe_stream_reader_close(first);
}

static void no_more_are_kept_than_the_limit_says(void **state)
{
    struct world *world = *state;
    const uint32_t segments = world->stream->table.count;
    assert_true(segments > SFE_SEGMENTS_ASIDE_MAX + 2u);
    for (uint32_t number = 1; number < segments; number++) {
        memory_damage(world_segment(world, number), FRAME_AT + 100u, 1);
    }
    (void)world_read(world, 1);
    release_all(world);
    assert_int_equal(count_aside(world), SFE_SEGMENTS_ASIDE_MAX);
    assert_non_null(aside(world, 1));
    assert_int_equal(world->stream->table.count, 1);
    world_restart(world);
    assert_int_equal(world->recovery.damaged_places, 0);
    world_write(world, 3, 100);
    assert_int_equal(world_facts(world).flash_bytes,
                     table_file_bytes(&world->stream->table)); /* The quota has no part in it. */
}

static void where_it_cannot_be_renamed_it_goes(void **state)
{
    struct world *world = *state;
    memory_damage(world_segment(world, 1), FRAME_AT + 100u, 1);
    (void)world_read(world, 1);
    world->memory->fail_at = world->memory->calls + 1u;
    world->memory->fail_count = 1;
    const uint64_t second = table_find(&world->stream->table, 2)->first_sequence;
    assert_int_equal(sfe_stream_release(world->stream, second, &world->err), SFE_OK);
    assert_null(world_segment(world, 1));
    assert_int_equal(count_aside(world), 0);
}

/* The power goes in the n-th call of a release: never a segment that is gone without its bytes, and
 * never damage told twice. */
static void a_cut_leaves_the_segment_or_what_was_put_aside(void **state)
{
    (void)state;
    for (uint64_t cut = 1; cut < 12; cut++) {
        struct world *other = world_open(cut);
        world_must_start(other);
        for (uint32_t i = 0; i < 40; i++) {
            world_write(other, 3, 1100);
        }
        memory_damage(world_segment(other, 1), FRAME_AT + 100u, 1);
        (void)world_read(other, 1);
        const uint64_t second = table_find(&other->stream->table, 2)->first_sequence;
        other->memory->cut_at = other->memory->calls + cut;
        enum sfe_code code = sfe_stream_release(other->stream, second, &other->err);
        assert_true(code == SFE_OK || other->memory->is_off);
        world_stop(other);
        if (!other->memory->is_off) {
            memory_cut(other->memory);
        }
        memory_restart(other->memory);
        world_must_start(other);
        assert_true((world_segment(other, 1) == NULL) != (aside(other, 1) == NULL));
        assert_int_equal(other->recovery.lost_events, 0);
        world_close(other);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_damaged_segment_is_kept_byte_for_byte_when_it_is_settled),
        TEST(nothing_is_kept_of_what_is_whole),
        TEST(damage_that_was_met_before_a_restart_is_kept_too),
        TEST(the_end_of_a_segment_counts),
        TEST(two_readers_count_a_place_once),
        TEST(no_more_are_kept_than_the_limit_says),
        TEST(where_it_cannot_be_renamed_it_goes),
        TEST(a_cut_leaves_the_segment_or_what_was_put_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
