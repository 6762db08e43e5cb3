#include "output_world.h"

static struct sfe_arena *arena;
static const struct sfe_stream_place nowhere = {0, 0};

static void open_window(struct window *window, uint64_t next)
{
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(1u << 20, &arena, &err), SFE_OK);
    assert_int_equal(window_open(window, SFE_WINDOW_EVENTS, next, arena, &err), SFE_OK);
}

static void an_empty_window_has_settled_all_that_was_read(void **state)
{
    struct window window;

    (void)state;
    open_window(&window, 41);
    assert_int_equal(window_base(&window), 41);
    sfe_arena_close(arena);
}

static void the_base_passes_only_what_is_settled(void **state)
{
    struct window window;

    (void)state;
    open_window(&window, 1);
    struct window_entry *first = window_add(&window, 1, nowhere, 0);
    struct window_entry *second = window_add(&window, 2, nowhere, 0);
    second->state = ENTRY_SETTLED;
    assert_false(window_pass(&window));
    assert_int_equal(window_base(&window), 1);
    first->state = ENTRY_SETTLED;
    assert_true(window_pass(&window));
    assert_int_equal(window_base(&window), 3);
    sfe_arena_close(arena);
}

static void a_window_takes_new_events_for_ever_when_old_ones_settle(void **state)
{
    struct window window;

    (void)state;
    open_window(&window, 1);
    for (uint64_t sequence = 1; sequence <= SFE_WINDOW_EVENTS; sequence++) {
        assert_false(window_is_full(&window));
        window_add(&window, sequence, nowhere, 0);
    }
    assert_true(window_is_full(&window));
    for (uint64_t sequence = SFE_WINDOW_EVENTS + 1; sequence < 3 * SFE_WINDOW_EVENTS; sequence++) {
        window_at(&window, 0)->state = ENTRY_SETTLED;
        assert_true(window_pass(&window));
        struct window_entry *entry = window_add(&window, sequence, nowhere, 0);
        assert_ptr_equal(&window.entries[window_index(&window, entry)], entry);
    }
    assert_int_equal(window_base(&window), 2 * SFE_WINDOW_EVENTS);
    sfe_arena_close(arena);
}

static void what_befell_an_entry_is_not_what_befell_the_one_there_before(void **state)
{
    struct window window;

    (void)state;
    open_window(&window, 1);
    struct window_entry *entry = window_add(&window, 1, nowhere, 0);
    assert_false(entry->has_trouble);
    window_trouble(&window, entry)->locks = 3;
    assert_int_equal(window_known_trouble(&window, entry)->locks, 3);
    assert_int_equal(window_trouble(&window, entry)->locks, 3);
    for (uint64_t sequence = 2; sequence <= 2 * WINDOW_BLOCK_EVENTS; sequence++) {
        window_at(&window, 0)->state = ENTRY_SETTLED;
        (void)window_pass(&window);
        (void)window_add(&window, sequence, nowhere, 0);
    }
    for (uint32_t i = 0; i < window.count; i++) {
        entry = window_at(&window, i);
        assert_false(entry->has_trouble);
        assert_int_equal(window_trouble(&window, entry)->locks, 0);
    }
    sfe_arena_close(arena);
}

static void places_are_counted_from_the_oldest_on_however_the_ring_lies(void **state)
{
    struct window window;

    (void)state;
    open_window(&window, 1);
    for (uint64_t sequence = 1; sequence <= SFE_WINDOW_EVENTS; sequence++) {
        (void)window_add(&window, sequence, nowhere, 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        window_at(&window, i)->state = ENTRY_SETTLED;
    }
    (void)window_pass(&window);
    (void)window_add(&window, SFE_WINDOW_EVENTS + 1, nowhere, 0);
    for (uint32_t i = 0; i < window.count; i++) {
        assert_int_equal(window_place(&window, window_at(&window, i)), i);
    }
    sfe_arena_close(arena);
}

static void a_large_window_touches_no_more_than_what_was_in_it_at_once(void **state)
{
    struct window window;
    uint32_t index_max = 0;

    (void)state;
    open_window(&window, 1);
    for (uint64_t sequence = 1; sequence <= 3 * SFE_WINDOW_EVENTS; sequence++) {
        const uint32_t index = window_index(&window, window_add(&window, sequence, nowhere, 0));
        index_max = index > index_max ? index : index_max;
        if (window.count == 100) {
            for (uint32_t i = 0; i < 70; i++) {
                window_at(&window, i)->state = ENTRY_SETTLED;
            }
            (void)window_pass(&window);
            assert_int_equal(window_base(&window), sequence - 29);
        }
    }
    assert_true(index_max < 3 * WINDOW_BLOCK_EVENTS);
    sfe_arena_close(arena);
}

static void one_that_is_over_at_once_takes_no_room(void **state)
{
    struct window window;

    (void)state;
    open_window(&window, 1);
    for (uint64_t sequence = 1; sequence <= 3 * SFE_WINDOW_EVENTS; sequence++) {
        struct window_entry *entry = window_add(&window, sequence, nowhere, 0);
        if (sequence % WINDOW_BLOCK_EVENTS != 1 || sequence > 60 * WINDOW_BLOCK_EVENTS) {
            entry->state = ENTRY_SETTLED;
            window_drop_last(&window);
        }
    }
    assert_int_equal(window.count, 60);
    assert_int_equal(window_base(&window), 1);
    for (uint32_t i = 0; i < 60; i++) {
        const uint64_t sequence = 1u + i * WINDOW_BLOCK_EVENTS;
        assert_int_equal(window_find(&window, sequence)->sequence, sequence);
        assert_null(window_find(&window, sequence + 1));
        window_at(&window, i)->state = ENTRY_SETTLED;
    }
    (void)window_pass(&window);
    assert_int_equal(window_base(&window), 3 * SFE_WINDOW_EVENTS + 1);
    assert_null(window_find(&window, 1));
    sfe_arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_window_has_settled_all_that_was_read),
        cmocka_unit_test(the_base_passes_only_what_is_settled),
        cmocka_unit_test(one_that_is_over_at_once_takes_no_room),
        cmocka_unit_test(a_large_window_touches_no_more_than_what_was_in_it_at_once),
        cmocka_unit_test(what_befell_an_entry_is_not_what_befell_the_one_there_before),
        cmocka_unit_test(places_are_counted_from_the_oldest_on_however_the_ring_lies),
        cmocka_unit_test(a_window_takes_new_events_for_ever_when_old_ones_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
