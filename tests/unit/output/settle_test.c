#include "output_world.h"

static struct sfe_arena *arena;
static struct window window;
static struct settle *settle;
static const struct sfe_stream_place nowhere = {0, 0};

static void open_settle(const struct sfe_cursor *start)
{
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(1u << 20, &arena, &err), SFE_OK);
    assert_int_equal(window_open(&window, SFE_WINDOW_EVENTS, start->sequence, arena, &err), SFE_OK);
    assert_int_equal(settle_open(start, arena, &settle, &err), SFE_OK);
}

static void close_settle(void)
{
    settle_close(settle);
    sfe_arena_close(arena);
}

static void add(uint64_t sequence, enum entry_state entry_state)
{
    window_add(&window, sequence, nowhere, 0)->state = (uint8_t)entry_state;
}

static struct sfe_cursor published(void)
{
    struct sfe_cursor cursor;

    settle_publish_cursor(settle, &window);
    settle_cursor(settle, &cursor);
    return cursor;
}

static void what_is_settled_beyond_the_cursor_is_a_range(void **state)
{
    const struct sfe_cursor start = {.name = "readings/telemetry", .sequence = 10};

    (void)state;
    open_settle(&start);
    add(10, ENTRY_IN_SLOT);
    add(11, ENTRY_SETTLED);
    add(12, ENTRY_SETTLED);
    add(13, ENTRY_DYING);
    add(14, ENTRY_SETTLED);
    struct sfe_cursor cursor = published();
    assert_string_equal(cursor.name, "readings/telemetry");
    assert_int_equal(cursor.sequence, 10);
    assert_int_equal(cursor.range_count, 2);
    assert_int_equal(cursor.ranges[0].begin, 11);
    assert_int_equal(cursor.ranges[0].end, 13);
    assert_int_equal(cursor.ranges[1].begin, 14);
    assert_int_equal(cursor.ranges[1].end, 15);
    close_settle();
}

static void ranges_that_do_not_fit_are_forgotten(void **state)
{
    const struct sfe_cursor start = {.sequence = 1};

    (void)state;
    open_settle(&start);
    for (uint64_t sequence = 1; sequence <= 200; sequence++) {
        add(sequence, sequence % 2 == 0 ? ENTRY_SETTLED : ENTRY_WAITING);
    }
    struct sfe_cursor cursor = published();
    assert_int_equal(cursor.range_count, SFE_CURSOR_RANGES_MAX);
    assert_int_equal(cursor.ranges[0].begin, 2);
    assert_int_equal(cursor.ranges[31].end, 65);
    close_settle();
}

static void loaded_ranges_stay_settled_until_they_are_read(void **state)
{
    const struct sfe_cursor start = {.sequence = 5, .range_count = 2, .ranges = {{7, 9}, {20, 30}}};

    (void)state;
    open_settle(&start);
    assert_int_equal(settle_end_of_known(settle, 6), 0);
    assert_int_equal(settle_end_of_known(settle, 7), 9);
    assert_int_equal(settle_end_of_known(settle, 8), 9);
    assert_int_equal(settle_end_of_known(settle, 9), 0);
    assert_int_equal(settle_count_unknown(settle, 5, 31), 14);
    add(5, ENTRY_WAITING);
    struct sfe_cursor cursor = published();
    assert_int_equal(cursor.range_count, 2);
    assert_int_equal(cursor.ranges[1].begin, 20);
    close_settle();
}

static void the_cursor_steps_over_a_loaded_range_it_meets(void **state)
{
    const struct sfe_cursor start = {.sequence = 5, .range_count = 1, .ranges = {{6, 9}}};

    (void)state;
    open_settle(&start);
    add(5, ENTRY_SETTLED);
    assert_true(window_pass(&window));
    struct sfe_cursor cursor = published();
    assert_int_equal(cursor.sequence, 9);
    assert_int_equal(cursor.range_count, 0);
    assert_int_equal(published().sequence, 9);
    close_settle();
}

static void facts_come_out_as_they_were_published(void **state)
{
    const struct sfe_cursor start = {.sequence = 1};
    struct sfe_output_facts facts = {.delivered = 17, .dead = 2};

    (void)state;
    open_settle(&start);
    settle_publish_facts(settle, &facts);
    memset(&facts, 0, sizeof(facts));
    settle_facts(settle, &facts);
    assert_int_equal(facts.delivered, 17);
    assert_int_equal(facts.dead, 2);
    close_settle();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_settled_beyond_the_cursor_is_a_range),
        cmocka_unit_test(ranges_that_do_not_fit_are_forgotten),
        cmocka_unit_test(loaded_ranges_stay_settled_until_they_are_read),
        cmocka_unit_test(the_cursor_steps_over_a_loaded_range_it_meets),
        cmocka_unit_test(facts_come_out_as_they_were_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
