#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

#include "stream/boot_times.h"

static int begin(void **state)
{
    struct world *world = world_open(9);
    world_must_start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

static enum sfe_code next(struct world *world, struct sfe_event *event,
                          struct sfe_stream_place *place)
{
    int64_t time_ns = 0;
    return sfe_stream_reader_next(world->reader, event, &time_ns, place, &world->err);
}

static void fill(struct world *world, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++) {
        world_write(world, 3, 900 + 400 * (i % 4));
    }
}

static void it_follows_the_writer_across_segments(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    uint64_t expected = 1;
    assert_int_equal(next(world, &event, NULL), SFE_E_END);
    for (uint32_t i = 0; i < 60; i++) {
        world_write(world, 3, 1200);
        for (uint32_t j = 0; j < 3; j++) {
            assert_int_equal(next(world, &event, NULL), SFE_OK);
            assert_int_equal(event.sequence, expected++);
            world_check_event(world, &event);
        }
        assert_int_equal(next(world, &event, NULL), SFE_E_END);
    }
    assert_non_null(world_segment(world, 4));
}

static void what_is_staged_is_not_read_before_it_is_durable(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(next(world, &event, NULL), SFE_E_END);
    world->memory->fail_sync_at = world->memory->syncs + 1;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    assert_int_equal(next(world, &event, NULL), SFE_E_END);
    assert_int_equal(world_commit(world), SFE_OK);
    assert_int_equal(next(world, &event, NULL), SFE_OK);
}

static void it_finds_every_sequence_it_is_sent_to(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    fill(world, 50);
    for (uint64_t sequence = 0; sequence <= 151; sequence++) {
        sfe_stream_reader_seek(world->reader, sequence);
        enum sfe_code code = next(world, &event, NULL);
        assert_int_equal(code, sequence <= 150 ? SFE_OK : SFE_E_END);
        if (code == SFE_OK) {
            assert_int_equal(event.sequence, sequence == 0 ? 1 : sequence);
            world_check_event(world, &event);
        }
    }
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 0);
}

static void several_frames_cost_one_read(void **state)
{
    struct world *world = *state;
    fill(world, 30);
    const uint64_t reads = world->memory->reads;
    world_check_whole(world, 1);
    assert_true(world->memory->reads - reads <= 2 * world->stream->table.count);
}

static void released_events_are_a_gap_and_no_damage(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    fill(world, 60);
    assert_int_equal(next(world, &event, NULL), SFE_OK);
    const uint64_t third = table_find(&world->stream->table, 3)->first_sequence;
    assert_int_equal(sfe_stream_release(world->stream, third, &world->err), SFE_OK);
    uint64_t last = 1;
    while (next(world, &event, NULL) == SFE_OK) {
        world_check_event(world, &event);
        assert_true(event.sequence > last);
        last = event.sequence;
    }
    assert_int_equal(last, 180);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 0);
}

static void events_are_fetched_again_by_their_place(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    struct sfe_stream_place places[181];
    int64_t time_ns = 0;
    fill(world, 60);
    for (uint64_t sequence = 1; sequence <= 180; sequence++) {
        assert_int_equal(next(world, &event, &places[sequence]), SFE_OK);
        /* One that lies behind, far or near, between any two. */
        const uint64_t back = 1 + (sequence * 7919u) % sequence;
        assert_int_equal(sfe_stream_reader_fetch(world->reader, places[back], back, &event,
                                                 &time_ns, &world->err),
                         SFE_OK);
        assert_int_equal(event.sequence, back);
        world_check_event(world, &event);
    }
    assert_int_equal(next(world, &event, NULL), SFE_E_END);
    const uint64_t reads = world->memory->reads;
    for (uint64_t sequence = 1; sequence <= 180; sequence++) {
        assert_int_equal(sfe_stream_reader_fetch(world->reader, places[sequence], sequence, &event,
                                                 &time_ns, &world->err),
                         SFE_OK);
        world_check_event(world, &event);
    }
    assert_true(world->memory->reads - reads <= 2 * world->stream->table.count);
}

static void what_is_no_longer_there_is_not_found(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    struct sfe_stream_place place;
    int64_t time_ns = 0;
    fill(world, 30);
    assert_int_equal(next(world, &event, &place), SFE_OK);
    const struct sfe_stream_place wrong[] = {
        {place.segment + 100, place.offset},
        {place.segment, place.offset + 1},
        {place.segment, 0},
        {place.segment, UINT32_MAX - 4095u},
        {0, place.offset},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            sfe_stream_reader_fetch(world->reader, wrong[i], 1, &event, &time_ns, &world->err),
            SFE_E_NOT_FOUND);
    }
    assert_int_equal(
        sfe_stream_reader_fetch(world->reader, place, 4, &event, &time_ns, &world->err),
        SFE_E_NOT_FOUND);
    assert_int_equal(sfe_stream_release(world->stream, 91, &world->err), SFE_OK);
    sfe_stream_reader_seek(world->reader, 90);
    assert_int_equal(next(world, &event, NULL), SFE_OK);
    assert_int_equal(
        sfe_stream_reader_fetch(world->reader, place, 1, &event, &time_ns, &world->err),
        SFE_E_NOT_FOUND);
}

static void damage_while_running_is_skipped_and_counted(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    struct memory_inode *file = world_segment(world, 2);
    memory_damage(file, SEGMENT_BEGIN + 50, 4);
    const uint32_t newest = world->stream->current.number;
    memory_damage(world_segment(world, newest),
                  world->stream->current.durable_end - 2u * SFE_PAGE_BYTES + 60u, 4);
    struct world_reading reading = world_read(world, 1);
    const uint64_t missing = 180 - reading.count;
    assert_true(missing == 6);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), missing);
    fill(world, 1);
    reading = world_read(world, 181);
    assert_int_equal(reading.count, 3);
}

static void a_page_that_cannot_be_read_is_tried_again_and_then_passed_over(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    world_write(world, 3, 1000);
    world_write(world, 3, 1000);
    world_write(world, 3, 1000);
    world_segment(world, 1)->is_unreadable[3] = true;
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(next(world, &event, NULL), SFE_OK);
    }
    assert_int_equal(next(world, &event, NULL), SFE_E_STORAGE);
    assert_int_equal(next(world, &event, NULL), SFE_E_STORAGE);
    world_segment(world, 1)->is_unreadable[3] = false;
    assert_int_equal(next(world, &event, NULL), SFE_OK);
    assert_int_equal(event.sequence, 4);
    sfe_stream_reader_close(world->reader); /* Forgets what it holds. */
    sfe_stream_reader_seek(world->reader, 4);
    world_segment(world, 1)->is_unreadable[3] = true;
    for (uint32_t i = 0; i < 10000; i++) { /* As often as something else wakes the output. */
        assert_int_equal(next(world, &event, NULL), SFE_E_STORAGE);
    }
    world->now_ns += 599 * UINT64_C(1000000000);
    assert_int_equal(next(world, &event, NULL), SFE_E_STORAGE);
    world->now_ns += UINT64_C(1000000000);
    assert_int_equal(next(world, &event, NULL), SFE_OK);
    assert_int_equal(event.sequence, 7);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 3);
}

static void a_file_taken_away_is_damage_and_blocks_nothing(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    memory_find(world->memory, "sales-00000002.seg")->seen = -1;
    struct world_reading reading = world_read(world, 1);
    assert_int_equal(reading.last, 180);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), reading.gaps);
    assert_true(reading.gaps > 0);
}

static void times_taken_before_the_clock_was_set_are_put_right(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    int64_t time_ns = 0;
    world->quality = SFE_CLOCK_UNSET;
    const uint64_t staged_ns = world->now_ns;
    world_write(world, 1, 100);
    assert_int_equal(sfe_stream_reader_next(world->reader, &event, &time_ns, NULL, &world->err),
                     SFE_OK);
    assert_int_equal(time_ns, staged_ns); /* Nobody knows better yet. */
    world->now_ns = staged_ns + UINT64_C(3600000000000);
    world->quality = SFE_CLOCK_SYNCED;
    sfe_stream_reader_seek(world->reader, 1);
    assert_int_equal(sfe_stream_reader_next(world->reader, &event, &time_ns, NULL, &world->err),
                     SFE_OK);
    assert_int_equal(time_ns, world->wall_ns - INT64_C(3600000000000));
    /* Of another boot its monotonic time says nothing. */
    world->boot++;
    world_restart(world);
    assert_int_equal(sfe_stream_reader_next(world->reader, &event, &time_ns, NULL, &world->err),
                     SFE_OK);
    assert_int_equal(time_ns, staged_ns);
    /* Unless it was noted when that boot was. */
    struct sfe_boot_times times = {.count = 1, .items = {{.wall_minus_monotonic_ns = 77000}}};
    memset(times.items[0].boot_id, world->boot - 1, sizeof(times.items[0].boot_id));
    world->options.boot_times = &times;
    world_restart(world);
    assert_int_equal(sfe_stream_reader_next(world->reader, &event, &time_ns, NULL, &world->err),
                     SFE_OK);
    assert_int_equal(time_ns, staged_ns + 77000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_follows_the_writer_across_segments, begin, end),
        cmocka_unit_test_setup_teardown(what_is_staged_is_not_read_before_it_is_durable, begin,
                                        end),
        cmocka_unit_test_setup_teardown(it_finds_every_sequence_it_is_sent_to, begin, end),
        cmocka_unit_test_setup_teardown(several_frames_cost_one_read, begin, end),
        cmocka_unit_test_setup_teardown(released_events_are_a_gap_and_no_damage, begin, end),
        cmocka_unit_test_setup_teardown(events_are_fetched_again_by_their_place, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_longer_there_is_not_found, begin, end),
        cmocka_unit_test_setup_teardown(damage_while_running_is_skipped_and_counted, begin, end),
        cmocka_unit_test_setup_teardown(
            a_page_that_cannot_be_read_is_tried_again_and_then_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(a_file_taken_away_is_damage_and_blocks_nothing, begin, end),
        cmocka_unit_test_setup_teardown(times_taken_before_the_clock_was_set_are_put_right, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
