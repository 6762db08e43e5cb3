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
    struct world *world = world_open(21);
    world->options.quota_bytes = QUOTA;
    *state = world;
    return 0;
}

static int end(void **state)
{
    world_close(*state);
    return 0;
}

static void start_with(struct world *world, enum sfe_stream_when_full when_full)
{
    world->options.when_full = when_full;
    world_must_start(world);
}

/* Stages one event; where what is staged must go to flash first, it goes. */
static enum sfe_code put(struct world *world)
{
    enum sfe_code code = world_stage(world, SIZE);
    if (code == SFE_E_FULL) {
        code = world_commit(world);
        return code == SFE_OK ? world_stage(world, SIZE) : code;
    }
    return code;
}

/* `count` events in frames of `per_frame`; stops where the medium fails. */
static enum sfe_code fill(struct world *world, uint32_t count, uint32_t per_frame)
{
    for (uint32_t i = 0; i < count; i++) {
        enum sfe_code code = put(world);
        if (code == SFE_OK && i % per_frame == per_frame - 1u) {
            code = world_commit(world);
            assert_true(code != SFE_OK || world_facts(world).flash_bytes <=
                                              world->options.quota_bytes + WORLD_SEGMENT_BYTES);
        }
        if (code != SFE_OK) {
            return code;
        }
    }
    return world_commit(world);
}

/* What was made durable is there or was dropped: each once, and nothing is called damage. */
static void check_books(struct world *world)
{
    const uint64_t durable = sfe_stream_durable(world->stream);
    const struct world_reading reading = world_read(world, 1);
    const struct sfe_stream_facts facts = world_facts(world);

    assert_int_equal(reading.count + facts.dropped_events, durable);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 0);
    assert_true(facts.flash_bytes <= world->options.quota_bytes + WORLD_SEGMENT_BYTES);
    assert_true(facts.dropped_events == 0 || facts.dropped_bytes > 0);
}

static void restart_and_check(struct world *world, uint64_t dropped)
{
    world_restart(world);
    assert_int_equal(world->recovery.lost_events, 0);
    assert_int_equal(world->recovery.damaged_places, 0);
    assert_int_equal(world_facts(world).dropped_events, dropped);
    check_books(world);
}

static void the_oldest_go_and_every_one_is_counted(void **state)
{
    struct world *world = *state;
    start_with(world, SFE_STREAM_DROP_OLDEST);
    assert_int_equal(fill(world, 3000, 7), SFE_OK);
    const struct sfe_stream_facts facts = world_facts(world);
    assert_int_equal(facts.durable_sequence, 3000);
    assert_true(facts.is_dropping && !facts.is_full);
    assert_true(facts.dropped_events > 2500 && facts.dropped_events < 3000);
    assert_int_equal(facts.first_sequence, facts.dropped_events + 1);
    assert_true(facts.flash_bytes <= QUOTA);
    world_check_whole(world, facts.dropped_events + 1);
    check_books(world);
    restart_and_check(world, facts.dropped_events);
}

static void settled_events_go_without_being_counted(void **state)
{
    struct world *world = *state;
    start_with(world, SFE_STREAM_DROP_OLDEST);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(fill(world, 30, 7), SFE_OK);
        assert_int_equal(
            sfe_stream_release(world->stream, sfe_stream_durable(world->stream) - 5, &world->err),
            SFE_OK);
    }
    assert_int_equal(world_facts(world).dropped_events, 0);
    assert_false(world_facts(world).is_dropping);
    /* All but one of the oldest segment. */
    const uint64_t second =
        table_find(&world->stream->table, world->stream->next_number - 1u)->first_sequence;
    assert_true(second > 1);
    assert_int_equal(fill(world, 400, 7), SFE_OK);
    const uint64_t first = world_facts(world).first_sequence;
    assert_int_equal(world_facts(world).dropped_events, first - (3000 - 5));
    assert_int_equal(sfe_stream_release(world->stream, 4000, &world->err), SFE_OK);
    assert_false(world_facts(world).is_dropping);
}

static void the_header_says_what_went_and_why(void **state)
{
    struct world *world = *state;
    start_with(world, SFE_STREAM_DROP_OLDEST);
    assert_int_equal(fill(world, 3000, 7), SFE_OK);
    const struct segment *newest = &world->stream->table.items[world->stream->table.count - 1];
    struct segment found = {.number = newest->number};
    assert_int_equal(
        segment_header_parse(
            sfe_slice_make(world_segment(world, newest->number)->durable, SEGMENT_HEADER_BYTES_2),
            "sales", &found),
        HEADER_VALID);
    assert_int_equal(found.gap.begin, 1);
    assert_int_equal(found.gap.end, world_facts(world).first_sequence);
    assert_int_equal(found.gap.events, world_facts(world).dropped_events);
    assert_int_equal(found.gap.why, SEGMENT_DROPPED_OLDEST);
}

/* What a reader holds open may go; it goes on with what is there. */
static void a_reader_in_what_is_dropped_sees_a_gap_and_goes_on(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    struct sfe_stream_place place;
    int64_t time_ns = 0;
    start_with(world, SFE_STREAM_DROP_OLDEST);
    assert_int_equal(fill(world, 30, 7), SFE_OK);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(
            sfe_stream_reader_next(world->reader, &event, &time_ns, &place, &world->err), SFE_OK);
    }
    assert_int_equal(fill(world, 1000, 7), SFE_OK);
    assert_int_equal(
        sfe_stream_reader_fetch(world->reader, place, 10, &event, &time_ns, &world->err),
        SFE_E_NOT_FOUND);
    assert_int_equal(sfe_stream_reader_next(world->reader, &event, &time_ns, NULL, &world->err),
                     SFE_OK);
    assert_int_equal(event.sequence, world_facts(world).first_sequence);
    world_check_event(world, &event);
    assert_int_equal(sfe_stream_reader_damaged(world->reader), 0);
}

static void the_newest_are_taken_counted_and_not_kept(void **state)
{
    struct world *world = *state;
    start_with(world, SFE_STREAM_DROP_NEWEST);
    assert_int_equal(fill(world, 3000, 7), SFE_OK);
    const struct sfe_stream_facts facts = world_facts(world);
    assert_int_equal(facts.durable_sequence, 3000);
    assert_true(facts.is_full && facts.is_dropping);
    assert_int_equal(facts.first_sequence, 1);
    assert_true(facts.dropped_events > 2500);
    assert_int_equal(facts.dropped_bytes, facts.dropped_events * SIZE);
    check_books(world);
    restart_and_check(world, facts.dropped_events);
    /* Room again: kept again, and the gap stays one. */
    assert_int_equal(sfe_stream_release(world->stream, 150, &world->err), SFE_OK);
    const uint64_t dropped = world_facts(world).dropped_events;
    assert_int_equal(fill(world, 20, 7), SFE_OK);
    assert_false(world_facts(world).is_dropping);
    assert_int_equal(world_facts(world).dropped_events, dropped);
    const struct world_reading reading = world_read(world, 2990);
    assert_int_equal(reading.first, 3001);
    assert_int_equal(reading.count, 20);
}

/* One page a drop would fill any flash: what says nothing but gaps is folded. */
static void dropping_for_long_takes_no_more_than_its_segment(void **state)
{
    struct world *world = *state;
    start_with(world, SFE_STREAM_DROP_NEWEST);
    assert_int_equal(fill(world, 250, 7), SFE_OK);
    const uint32_t kept = world->stream->table.count;
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(fill(world, 50, 1), SFE_OK);
        assert_true(world->stream->table.count <= kept + 2u);
        assert_true(world_facts(world).flash_bytes <= QUOTA);
        check_books(world);
        if (i % 5 == 4) {
            restart_and_check(world, world_facts(world).dropped_events);
        }
    }
    assert_int_equal(sfe_stream_durable(world->stream), 1250);
}

/* Its header reached the medium, its first frame did not: it holds nothing, and tells of all. */
static void a_header_without_frames_keeps_what_it_tells(void **state)
{
    struct world *world = *state;
    start_with(world, SFE_STREAM_DROP_NEWEST);
    assert_int_equal(fill(world, 250, 7), SFE_OK);
    const struct segment *newest = &world->stream->table.items[world->stream->table.count - 1];
    while (newest->gap.end == 0 || newest->durable_end < SEGMENT_BEGIN + SFE_PAGE_BYTES) {
        assert_int_equal(fill(world, 1, 1), SFE_OK);
        newest = &world->stream->table.items[world->stream->table.count - 1];
    }
    const uint64_t end = newest->gap.end;
    memset(world_segment(world, newest->number)->seen + SEGMENT_BEGIN, 0, SFE_PAGE_BYTES);
    world->durable = end - 1;
    world->options.quota_bytes = 2u * QUOTA;
    world_restart(world);
    assert_int_equal(sfe_stream_durable(world->stream), end - 1);
    check_books(world);
    assert_int_equal(fill(world, 30, 7), SFE_OK);
    check_books(world);
    restart_and_check(world, world_facts(world).dropped_events);
}

static void nothing_is_acknowledged_before_its_drop_is_durable(void **state)
{
    struct world *world = *state;
    start_with(world, SFE_STREAM_DROP_NEWEST);
    assert_int_equal(fill(world, 300, 7), SFE_OK);
    assert_int_equal(world_stage(world, SIZE), SFE_OK);
    assert_int_equal(world_stage(world, SIZE), SFE_OK);
    assert_int_equal(sfe_stream_durable(world->stream), 300);
    assert_int_equal(world_facts(world).staged_events, 2);
    assert_int_equal(sfe_stream_due_ns(world->stream, world->now_ns),
                     world->now_ns + GAP_SPACING_NS);
    world->memory->fail_sync_at = world->memory->syncs + 1;
    assert_int_equal(world_commit(world), SFE_E_STORAGE);
    assert_int_equal(sfe_stream_durable(world->stream), 300);
    assert_int_equal(world_commit(world), SFE_OK);
    assert_int_equal(sfe_stream_durable(world->stream), 302);
    check_books(world);
}

static void a_quota_that_became_smaller_is_kept(void **state)
{
    struct world *world = *state;
    world->options.quota_bytes = 16u * WORLD_SEGMENT_BYTES;
    world_must_start(world);
    for (uint32_t i = 0; i < 100; i++) {
        world_write(world, 7, SIZE);
    }
    world_stop(world);
    world->options.quota_bytes = QUOTA;
    start_with(world, SFE_STREAM_DROP_OLDEST);
    assert_int_equal(fill(world, 70, 7), SFE_OK);
    assert_true(world_facts(world).flash_bytes <= QUOTA);
    check_books(world);
}

/* The power goes in the n-th call that changes something, for every n of a workload that drops. */
static void cut_everywhere(enum sfe_stream_when_full when_full, uint32_t per_frame)
{
    for (uint64_t n = 1;; n++) {
        struct world *world = world_open(100 + n);
        world->options.quota_bytes = QUOTA;
        start_with(world, when_full);
        assert_int_equal(fill(world, 215, 5), SFE_OK);
        world->memory->cut_at = world->memory->calls + n;
        const enum sfe_code code = fill(world, 130, per_frame);
        const uint64_t durable = world->durable;
        if (code != SFE_OK) {
            world_stop(world);
            memory_restart(world->memory);
            /* Every other time there is room at once: what is kept comes after what is not. */
            world->options.quota_bytes = n % 2 == 0 ? 2u * QUOTA : QUOTA;
            world_must_start(world);
            assert_true(sfe_stream_durable(world->stream) >= durable);
            assert_int_equal(world->recovery.lost_events, 0);
            assert_int_equal(world->recovery.damaged_places, 0);
            world->durable = sfe_stream_durable(world->stream);
            check_books(world);
            assert_int_equal(fill(world, 60, per_frame), SFE_OK);
            check_books(world);
            restart_and_check(world, world_facts(world).dropped_events);
        }
        world_close(world);
        if (code == SFE_OK) {
            assert_true(n > 30);
            break;
        }
    }
}

static void a_power_cut_anywhere_leaves_the_oldest_counted_or_there(void **state)
{
    (void)state;
    cut_everywhere(SFE_STREAM_DROP_OLDEST, 5);
}

static void a_power_cut_anywhere_leaves_the_newest_counted_or_there(void **state)
{
    (void)state;
    cut_everywhere(SFE_STREAM_DROP_NEWEST, 2);
}

/* The n-th call fails once, and all goes on. */
static void fail_everywhere(enum sfe_stream_when_full when_full, uint32_t per_frame)
{
    for (uint64_t n = 1; n < 120; n++) {
        struct world *world = world_open(500 + n);
        world->options.quota_bytes = QUOTA;
        start_with(world, when_full);
        assert_int_equal(fill(world, 215, 5), SFE_OK);
        world->memory->fail_at = world->memory->calls + n;
        world->memory->fail_count = 1;
        for (uint32_t i = 0; i < 130; i++) {
            if (put(world) == SFE_OK && i % per_frame == 0) {
                (void)!world_commit(world);
            }
        }
        world->memory->fail_at = 0;
        for (uint32_t i = 0; i < 3; i++) {
            (void)!world_commit(world);
        }
        assert_int_equal(sfe_stream_durable(world->stream), world->made);
        assert_true(world_facts(world).dropped_events > 0);
        check_books(world);
        restart_and_check(world, world_facts(world).dropped_events);
        world_close(world);
    }
}

static void a_failure_anywhere_changes_no_count(void **state)
{
    (void)state;
    fail_everywhere(SFE_STREAM_DROP_OLDEST, 5);
    fail_everywhere(SFE_STREAM_DROP_NEWEST, 2);
}

/* Fill over the quota, drain, fill again: every event is read or counted, and nothing else is
 * missing, also to who comes after a restart. */
static void fill_and_drain(struct world *world, enum sfe_stream_when_full when_full)
{
    uint64_t read = 0;
    uint64_t next = 1;

    world->options.quota_bytes = 2u * WORLD_SEGMENT_BYTES;
    start_with(world, when_full);
    for (uint32_t round = 1; round <= 100; round++) {
        assert_int_equal(fill(world, 140, 7), SFE_OK);
        const uint64_t durable = sfe_stream_durable(world->stream);
        assert_int_equal(durable, 140u * round);
        if (round % 10 == 0) {
            world_restart(world);
            assert_int_equal(world->recovery.damaged_places, 0);
        }
        read += world_read(world, next).count;
        assert_int_equal(read + world_facts(world).dropped_events, durable);
        assert_int_equal(sfe_stream_reader_damaged(world->reader), 0);
        next = durable + 1;
        assert_int_equal(sfe_stream_release(world->stream, next, &world->err), SFE_OK);
    }
    assert_true(world_facts(world).dropped_events > 1000);
    assert_true(read > 1000);
}

static void a_hundred_fills_and_drains_count_every_one_of_the_oldest(void **state)
{
    fill_and_drain(*state, SFE_STREAM_DROP_OLDEST);
}

static void a_hundred_fills_and_drains_count_every_one_of_the_newest(void **state)
{
    fill_and_drain(*state, SFE_STREAM_DROP_NEWEST);
}

/* A reload raises the quota and lowers it again: what goes is counted, what stays is whole. */
static void change_quota(struct world *world, enum sfe_stream_when_full when_full)
{
    start_with(world, when_full);
    assert_int_equal(fill(world, 1000, 7), SFE_OK);
    const uint64_t dropped = world_facts(world).dropped_events;
    assert_true(dropped > 0);
    void *table = calloc(1, sfe_stream_table_bytes(world->stream, 4u * QUOTA));
    assert_non_null(table);
    sfe_stream_set_limits(world->stream, 4u * QUOTA, 0, table);
    world->options.quota_bytes = 4u * QUOTA;
    assert_int_equal(fill(world, 300, 7), SFE_OK);
    assert_int_equal(world_facts(world).dropped_events, dropped);
    check_books(world);
    sfe_stream_set_limits(world->stream, QUOTA, 0, NULL);
    world->options.quota_bytes = 4u * QUOTA; /* What is there may stay until it must go. */
    assert_int_equal(fill(world, 1000, 7), SFE_OK);
    assert_true(world_facts(world).dropped_events > dropped);
    check_books(world);
    assert_true(when_full != SFE_STREAM_DROP_OLDEST ||
                world_facts(world).flash_bytes <= QUOTA + WORLD_SEGMENT_BYTES);
    restart_and_check(world, world_facts(world).dropped_events);
    free(table);
}

static void the_oldest_go_by_the_quota_that_a_reload_gives(void **state)
{
    change_quota(*state, SFE_STREAM_DROP_OLDEST);
}

static void the_newest_go_by_the_quota_that_a_reload_gives(void **state)
{
    change_quota(*state, SFE_STREAM_DROP_NEWEST);
}

/* What drop-newest counted when it came is not counted again when its segment goes. */
static void other_policy(struct world *world, uint32_t settled, uint32_t restarts)
{
    world->options.quota_bytes = 4u * WORLD_SEGMENT_BYTES;
    start_with(world, SFE_STREAM_DROP_NEWEST);
    assert_int_equal(fill(world, 600, 7), SFE_OK);
    assert_int_equal(sfe_stream_release(world->stream, 100, &world->err), SFE_OK);
    assert_int_equal(fill(world, 600, 7), SFE_OK); /* Kept and dropped ones by turns. */
    assert_int_equal(sfe_stream_release(world->stream, settled, &world->err), SFE_OK);
    assert_true(world_facts(world).dropped_events > 800);
    const uint64_t dropped = world_facts(world).dropped_events;
    const struct world_reading kept = world_read(world, settled);
    for (uint32_t i = 0; i < restarts; i++) {
        world_restart(world);
        assert_int_equal(fill(world, 3, 1), SFE_OK);
    }
    world->options.when_full = SFE_STREAM_DROP_OLDEST;
    world_restart(world);
    assert_int_equal(fill(world, 2000, 7), SFE_OK);
    const struct sfe_stream_facts facts = world_facts(world);
    const uint64_t left = world_read(world, facts.first_sequence).count;
    assert_true(facts.first_sequence > 1200 + 3 * restarts);
    assert_true(kept.count > 0);
    /* Of what was kept then all went, but for what is settled. */
    assert_int_equal(facts.dropped_events - dropped, kept.count + 2000 + 3 * restarts - left);
}

static void what_was_counted_as_the_newest_is_not_counted_again_as_the_oldest(void **state)
{
    other_policy(*state, 1, 0);
}

static void nor_is_it_after_more_restarts(void **state)
{
    other_policy(*state, 1, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_go_by_the_quota_that_a_reload_gives, begin, end),
        cmocka_unit_test_setup_teardown(the_newest_go_by_the_quota_that_a_reload_gives, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_go_and_every_one_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(settled_events_go_without_being_counted, begin, end),
        cmocka_unit_test_setup_teardown(the_header_says_what_went_and_why, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_in_what_is_dropped_sees_a_gap_and_goes_on, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_newest_are_taken_counted_and_not_kept, begin, end),
        cmocka_unit_test_setup_teardown(dropping_for_long_takes_no_more_than_its_segment, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_header_without_frames_keeps_what_it_tells, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_acknowledged_before_its_drop_is_durable, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_quota_that_became_smaller_is_kept, begin, end),
        cmocka_unit_test(a_power_cut_anywhere_leaves_the_oldest_counted_or_there),
        cmocka_unit_test(a_power_cut_anywhere_leaves_the_newest_counted_or_there),
        cmocka_unit_test(a_failure_anywhere_changes_no_count),
        cmocka_unit_test_setup_teardown(a_hundred_fills_and_drains_count_every_one_of_the_oldest,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_hundred_fills_and_drains_count_every_one_of_the_newest,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            what_was_counted_as_the_newest_is_not_counted_again_as_the_oldest, begin, end),
        cmocka_unit_test_setup_teardown(nor_is_it_after_more_restarts, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
