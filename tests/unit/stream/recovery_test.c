#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_world.h"

#include "base/crc32c.h"

#define READ_ALL 1u

static struct world *world_of(void **state)
{
    return *state;
}

static int begin(void **state)
{
    struct world *world = world_open(7);
    world_must_start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

static void an_empty_directory_opens_empty(void **state)
{
    struct world *world = world_of(state);
    assert_int_equal(sfe_stream_durable(world->stream), 0);
    assert_int_equal(world->recovery.segments, 0);
    assert_int_equal(world->recovery.damaged_places, 0);
    assert_int_equal(world_facts(world).first_sequence, 1);
}

static void a_restart_finds_every_durable_event(void **state)
{
    struct world *world = world_of(state);
    for (uint32_t i = 0; i < 40; i++) {
        world_write(world, 3, 900);
    }
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 120);
    assert_int_equal(world->recovery.kept_events, 120);
    assert_int_equal(world->recovery.lost_events, 0);
    assert_int_equal(world->recovery.damaged_places, 0);
    world_check_whole(world, 1);
    world_write(world, 3, 900);
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 123);
    world_check_whole(world, 1);
}

static void sequences_go_on_after_all_events_are_settled(void **state)
{
    struct world *world = world_of(state);
    for (uint32_t i = 0; i < 40; i++) {
        world_write(world, 3, 900);
    }
    assert_int_equal(sfe_stream_release(world->stream, 121, &world->err), SFE_OK);
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 120);
    world_restart(world);
    world_write(world, 1, 100);
    assert_int_equal(sfe_stream_durable(world->stream), 121);
}

static void what_the_cursor_log_knew_is_not_given_out_again(void **state)
{
    struct world *world = world_of(state);
    world->options.known_durable = 500;
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 500);
    assert_int_equal(world->recovery.damaged_places, 1);
    world_write(world, 1, 100);
    assert_int_equal(sfe_stream_durable(world->stream), 501);
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 501);
    assert_int_equal(world->recovery.damaged_places, 0);
}

static void a_torn_last_frame_is_cut_and_no_damage(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 5, 300);
    world_write(world, 5, 300);
    struct memory_inode *file = world_segment(world, 1);
    memory_damage(file, SEGMENT_BEGIN + SFE_PAGE_BYTES + 100, 1);
    world->durable = 5;
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 5);
    assert_int_equal(world->recovery.lost_events, 0);
    assert_int_equal(world->recovery.damaged_places, 0);
    assert_int_equal(world->recovery.torn_bytes, SFE_PAGE_BYTES);
    assert_int_equal(file->seen_size, SEGMENT_BEGIN + SFE_PAGE_BYTES);
    world_check_whole(world, 1);
}

static void a_bad_last_frame_that_was_known_durable_is_damage_and_kept(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 5, 300);
    world_write(world, 5, 300);
    struct memory_inode *file = world_segment(world, 1);
    memory_damage(file, SEGMENT_BEGIN + SFE_PAGE_BYTES + 100, 1);
    world->options.known_durable = 8;
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 8);
    assert_int_equal(world->recovery.lost_events, 3);
    assert_int_equal(world->recovery.damaged_places, 1);
    assert_int_equal(world->recovery.torn_bytes, 0);
    assert_true(file->seen_size > SEGMENT_BEGIN + SFE_PAGE_BYTES);
    struct world_reading reading = world_read(world, 1);
    assert_int_equal(reading.count, 5);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 3);
}

/* One bit in each page of each file, one at a time: the loss is one frame, and it is told. */
static void a_flipped_bit_costs_one_frame_at_most_and_is_counted(void **state)
{
    struct world *world = world_of(state);
    for (uint32_t i = 0; i < 30; i++) {
        world_write(world, 3, 1100 + 300 * (i % 5)); /* One or two pages a frame. */
    }
    uint32_t lossy = 0;
    world_stop(world);
    world->options.known_durable = 90;
    for (uint32_t number = 1; world_segment(world, number) != NULL; number++) {
        for (size_t page = 0; page * SFE_PAGE_BYTES < world_segment(world, number)->seen_size;
             page++) {
            const size_t offset = page * SFE_PAGE_BYTES + (page * 37u) % 80u;
            memory_damage(world_segment(world, number), offset, (uint8_t)(1u << (page % 8u)));
            world_must_start(world);
            struct world_reading reading = world_read(world, READ_ALL);
            const uint64_t lost = 90 - reading.count;
            assert_true(lost == 0 || lost == 3);
            assert_int_equal(world->recovery.lost_events, lost);
            assert_int_equal(world->recovery.damaged_places, lost == 0 ? 0 : 1);
            assert_int_equal(sfe_stream_reader_damaged(world->reader), lost);
            assert_int_equal(sfe_stream_durable(world->stream), 90);
            lossy += lost == 3;
            world_stop(world);
            memory_damage(world_segment(world, number), offset, (uint8_t)(1u << (page % 8u)));
        }
    }
    assert_true(lossy >= 30);
    world_must_start(world);
    world_check_whole(world, 1);
}

static void a_whole_damaged_segment_is_counted_and_blocks_nothing(void **state)
{
    struct world *world = world_of(state);
    for (uint32_t i = 0; i < 60; i++) {
        world_write(world, 3, 1100);
    }
    assert_non_null(world_segment(world, 4));
    memset(world_segment(world, 2)->seen, 0xA5, WORLD_SEGMENT_BYTES);
    world_restart(world);
    struct world_reading reading = world_read(world, 1);
    assert_int_equal(reading.last, 180);
    assert_int_equal(reading.gaps, world->recovery.lost_events);
    assert_int_equal(world->recovery.kept_events, reading.count);
    assert_true(reading.gaps > 0);
    assert_int_equal(world->recovery.damaged_places, 1);
    assert_null(world_segment(world, 2));
    assert_non_null(memory_file(world->memory, "sales-00000002.bad"));
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 180);
    assert_int_equal(world->recovery.damaged_places, 1);
}

static void a_newest_segment_that_lost_its_headers_gives_no_sequence_out_again(void **state)
{
    struct world *world = world_of(state);
    for (uint32_t i = 0; i < 20; i++) {
        world_write(world, 3, 1100);
    }
    uint32_t newest = 1;
    while (world_segment(world, newest + 1) != NULL) {
        newest++;
    }
    assert_true(newest > 1);
    memset(world_segment(world, newest)->seen, 0, SEGMENT_BEGIN);
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 60);
    assert_int_equal(world->recovery.damaged_places, 1);
    assert_int_equal(world->recovery.lost_events, 60 - world->recovery.kept_events);
    world_write(world, 1, 100);
    assert_int_equal(sfe_stream_durable(world->stream), 61);
}

static void a_segment_whose_making_was_cut_is_no_damage(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 3, 100);
    memory_put(world->memory, "sales-00000002.seg", NULL, WORLD_SEGMENT_BYTES);
    world_restart(world);
    assert_int_equal(world->recovery.damaged_places, 0);
    assert_null(world_segment(world, 2));
    world_write(world, 3, 100);
    assert_non_null(world_segment(world, 3));
    world_check_whole(world, 1);
}

static void a_segment_that_vanished_is_damage(void **state)
{
    struct world *world = world_of(state);
    for (uint32_t i = 0; i < 60; i++) {
        world_write(world, 3, 1100);
    }
    memory_find(world->memory, "sales-00000002.seg")->seen = -1;
    world_restart(world);
    assert_int_equal(world->recovery.damaged_places, 1);
    assert_int_equal(world->recovery.lost_events, 180 - world->recovery.kept_events);
}

static void a_frame_inside_a_payload_is_not_believed(void **state)
{
    struct world *world = world_of(state);
    uint8_t forged[3 * SFE_PAGE_BYTES] = {0};
    uint64_t sequence = 0;
    struct sfe_event event = {
        .source = SFE_TEXT("a"), .topic = SFE_TEXT("b"), .payload = {forged, sizeof(forged)}};
    assert_int_equal(sfe_stream_stage(world->stream, &event, &sequence, &world->err), SFE_OK);
    const size_t body = world->stream->stage.buffers[world->stream->stage.filling].body.size;
    const size_t envelope = FRAME_HEADER_BYTES + body - sizeof(forged);
    assert_int_equal(world_commit(world), SFE_OK);

    uint8_t frame_memory[SFE_PAGE_BYTES] = {0};
    const struct frame frame = {
        .first_sequence = 3, .count = 1, .body_bytes = 40, .durable_end = 0};
    frame_seal(&frame, 0x12345678u, frame_memory);
    memcpy(forged + (SFE_PAGE_BYTES - envelope), frame_memory, FRAME_HEADER_BYTES + 40);
    assert_int_equal(sfe_stream_stage(world->stream, &event, &sequence, &world->err), SFE_OK);
    assert_int_equal(world_commit(world), SFE_OK);
    /* Now the frame around it goes bad, and what is inside is looked at. */
    struct memory_inode *file = world_segment(world, 1);
    const size_t second = SEGMENT_BEGIN + 4u * SFE_PAGE_BYTES;
    assert_memory_equal(file->seen + second + SFE_PAGE_BYTES, frame_memory, FRAME_HEADER_BYTES);
    memory_damage(file, second, 1);
    world->durable = 1;
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 1);
    assert_int_equal(world->recovery.kept_events, 1);
}

/* The salt is all that is wrong with it: the test above can fail. */
static void the_same_frame_with_the_salt_would_be_believed(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 1, 100);
    struct memory_inode *file = world_segment(world, 1);
    uint8_t *place = file->seen + SEGMENT_BEGIN + SFE_PAGE_BYTES;
    const struct frame frame = {
        .first_sequence = 2, .count = 1, .body_bytes = 40, .durable_end = 0};
    frame_seal(&frame, world->stream->current.salt, place);
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 2);
}

static void stale_bytes_in_preallocated_space_are_not_believed(void **state)
{
    struct world *world = world_of(state);
    world->memory->gives_stale_bytes = true;
    for (uint32_t i = 0; i < 8; i++) {
        world_write(world, 3, 700);
    }
    /* A frame of another segment, right where the next one would stand. */
    struct memory_inode *file = world_segment(world, 1);
    const size_t end = world->stream->current.durable_end;
    const struct frame frame = {
        .first_sequence = 25, .count = 1, .body_bytes = 40, .durable_end = SEGMENT_BEGIN};
    frame_seal(&frame, world->stream->current.salt ^ 1u, file->seen + end);
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 24);
    assert_int_equal(world->recovery.damaged_places, 0);
    world_check_whole(world, 1);
}

static void an_unreadable_page_in_the_middle_costs_its_frame_only(void **state)
{
    struct world *world = world_of(state);
    for (uint32_t i = 0; i < 5; i++) {
        world_write(world, 2, 300);
    }
    world_segment(world, 1)->is_unreadable[3] = true;
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 10);
    assert_int_equal(world->recovery.lost_events, 2);
    assert_int_equal(world->recovery.damaged_places, 1);
    world_segment(world, 1)->is_unreadable[3] = false;
    world_check_whole(world, 1);
}

static void an_unreadable_end_is_not_cut_and_comes_back(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 2, 300);
    world_write(world, 2, 300);
    world_segment(world, 1)->is_unreadable[3] = true;
    world_restart(world);
    assert_int_equal(world->recovery.damaged_places, 1);
    assert_true(sfe_stream_durable(world->stream) >= 4);
    assert_int_equal(world_segment(world, 1)->seen_size, WORLD_SEGMENT_BYTES);
    world_write(world, 1, 300);
    const uint64_t last = sfe_stream_durable(world->stream);
    world_segment(world, 1)->is_unreadable[3] = false;
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), last);
    assert_int_equal(world->recovery.kept_events, 5);
    struct world_reading reading = world_read(world, 1);
    assert_int_equal(reading.count, 5);
}

/* Killed between write and sync, with the power on: what is read then is in memory only, and must
 * be made durable before it is called so. */
static void what_recovery_calls_durable_survives_a_cut_right_after(void **state)
{
    struct world *world = *state;
    world_write(world, 2, 300);
    world_write(world, 2, 300);
    struct memory_inode *file = world_segment(world, 1);
    memset(file->durable + 3u * SFE_PAGE_BYTES, 0, SFE_PAGE_BYTES);
    file->is_dirty[3] = true;
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 4);
    assert_memory_equal(file->durable, file->seen, 4u * SFE_PAGE_BYTES);
    world_stop(world);
    memory_cut(world->memory);
    memory_restart(world->memory);
    world_must_start(world);
    assert_int_equal(sfe_stream_durable(world->stream), 4);
    world_check_whole(world, 1);
}

static void a_read_only_medium_can_still_be_read(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 4, 300);
    world->memory->is_read_only = true;
    world_stop(world);
    /* A sync of what is there is no change. */
    world_must_start(world);
    world_check_whole(world, 1);
    assert_int_equal(world_stage(world, 100), SFE_OK);
    assert_int_equal(world_commit(world), SFE_E_PERMISSION);
    assert_true(world_facts(world).is_failing);
    world->memory->is_read_only = false;
    assert_int_equal(world_commit(world), SFE_OK);
    assert_false(world_facts(world).is_failing);
    world_check_whole(world, 1);
}

static void a_newer_segment_is_refused_and_left_alone(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 4, 300);
    world_stop(world);
    struct memory_inode *file = world_segment(world, 1);
    for (uint32_t copy = 0; copy < 2; copy++) {
        uint8_t *header = file->seen + copy * SFE_PAGE_BYTES;
        header[8] = 2;
        struct sfe_builder checksum = sfe_builder_make(header + 84, 4);
        sfe_builder_add_u32le(&checksum, sfe_crc32c(0, sfe_slice_make(header, 84)));
    }
    const uint64_t calls = world->memory->calls;
    assert_int_equal(world_start(world), SFE_E_CORRUPT);
    assert_int_equal(world->memory->calls, calls);
}

static void a_directory_that_cannot_be_synced_does_not_open(void **state)
{
    struct world *world = world_of(state);
    world_write(world, 4, 300);
    world->memory->fail_directory_sync_at = world->memory->directory_syncs + 1;
    world_stop(world);
    assert_int_equal(world_start(world), SFE_E_STORAGE);
    world_must_start(world);
    world_check_whole(world, 1);
}

static void a_segment_out_of_order_is_put_aside_and_never_removed(void **state)
{
    struct world *world = *state;
    for (uint32_t i = 0; i < 60; i++) {
        world_write(world, 3, 1100);
    }
    const struct segment late = {.first_sequence = 2, .number = 90, .salt = 1};
    uint8_t header[SEGMENT_BEGIN];
    segment_header_write(&late, "sales", header);
    memory_put(world->memory, "sales-00000090.seg", header, sizeof(header));
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), 180);
    assert_non_null(memory_file(world->memory, "sales-00000090.bad"));
    world_check_whole(world, 1);
    world_write(world, 1, 100);
    assert_non_null(world_segment(world, 91));
}

static void the_header_of_a_removed_file_in_reused_space_gives_up_nothing(void **state)
{
    struct world *world = world_of(state);
    uint8_t header[SEGMENT_BEGIN];
    const struct segment old = {.number = 2, .first_sequence = 3, .salt = 99};

    for (uint32_t i = 0; i < 5; i++) {
        world_write(world, 2, 900);
    }
    world_stop(world);
    segment_header_write(&old, "sales", header);
    (void)memory_put(world->memory, "sales-00000002.seg", header, sizeof(header));
    world_must_start(world);
    assert_int_equal(sfe_stream_durable(world->stream), 10);
    assert_int_equal(world->recovery.lost_events, 0);
    assert_int_equal(world->recovery.damaged_places, 0);
    world_check_whole(world, 1);
}

static void what_cannot_be_removed_now_is_removed_with_the_next_segment(void **state)
{
    struct world *world = world_of(state);

    world_write(world, 2, 900);
    world_stop(world);
    (void)memory_put(world->memory, "sales-00000002.seg", NULL, WORLD_SEGMENT_BYTES);
    world->memory->fails_removal = true;
    world_must_start(world);
    assert_non_null(world_segment(world, 2));
    world->memory->fails_removal = false;
    world_write(world, 2, 900);
    assert_null(world_segment(world, 2));
    world_check_whole(world, 1);
}

static void files_of_others_are_left_alone(void **state)
{
    struct world *world = world_of(state);
    memory_put(world->memory, "sales-x-00000001.seg", "x", 1);
    memory_put(world->memory, "sales-00000000.seg", "x", 1);
    memory_put(world->memory, "sales-0000000001.seg", "x", 1);
    memory_put(world->memory, "sales-00000001.seg.old", "x", 1);
    world_restart(world);
    world_write(world, 3, 100);
    assert_non_null(memory_file(world->memory, "sales-x-00000001.seg"));
    assert_non_null(memory_file(world->memory, "sales-00000000.seg"));
    assert_non_null(memory_file(world->memory, "sales-0000000001.seg"));
    world_check_whole(world, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_directory_opens_empty, begin, end),
        cmocka_unit_test_setup_teardown(a_restart_finds_every_durable_event, begin, end),
        cmocka_unit_test_setup_teardown(sequences_go_on_after_all_events_are_settled, begin, end),
        cmocka_unit_test_setup_teardown(what_the_cursor_log_knew_is_not_given_out_again, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_torn_last_frame_is_cut_and_no_damage, begin, end),
        cmocka_unit_test_setup_teardown(a_bad_last_frame_that_was_known_durable_is_damage_and_kept,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_flipped_bit_costs_one_frame_at_most_and_is_counted, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_whole_damaged_segment_is_counted_and_blocks_nothing,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            a_newest_segment_that_lost_its_headers_gives_no_sequence_out_again, begin, end),
        cmocka_unit_test_setup_teardown(a_segment_whose_making_was_cut_is_no_damage, begin, end),
        cmocka_unit_test_setup_teardown(a_segment_that_vanished_is_damage, begin, end),
        cmocka_unit_test_setup_teardown(a_frame_inside_a_payload_is_not_believed, begin, end),
        cmocka_unit_test_setup_teardown(the_same_frame_with_the_salt_would_be_believed, begin, end),
        cmocka_unit_test_setup_teardown(stale_bytes_in_preallocated_space_are_not_believed, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_unreadable_page_in_the_middle_costs_its_frame_only,
                                        begin, end),
        cmocka_unit_test_setup_teardown(an_unreadable_end_is_not_cut_and_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(what_recovery_calls_durable_survives_a_cut_right_after,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_read_only_medium_can_still_be_read, begin, end),
        cmocka_unit_test_setup_teardown(a_newer_segment_is_refused_and_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_synced_does_not_open, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_segment_out_of_order_is_put_aside_and_never_removed,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            the_header_of_a_removed_file_in_reused_space_gives_up_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_removed_now_is_removed_with_the_next_segment,
                                        begin, end),
        cmocka_unit_test_setup_teardown(files_of_others_are_left_alone, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
