#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "stream/stage.h"

#define CAPACITY (32u * SFE_PAGE_BYTES)

struct fixture {
    struct sfe_arena *arena;
    struct stage stage;
    uint8_t payload[CAPACITY];
    uint64_t sequence;
};

static int begin(void **state)
{
    static struct fixture fixture;
    struct sfe_error err;
    memset(&fixture, 0, sizeof(fixture));
    assert_int_equal(sfe_arena_open(1024u * 1024u, &fixture.arena, &err), SFE_OK);
    assert_int_equal(stage_open(&fixture.stage, CAPACITY, 0, fixture.arena, &err), SFE_OK);
    fixture.stage.next_sequence = 1;
    fixture.stage.room = (struct stage_room){.segment_bytes = 2u * CAPACITY, .segments = 100};
    *state = &fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    sfe_arena_close(fixture->arena);
    return 0;
}

static enum stage_outcome add(struct fixture *fixture, size_t size)
{
    const struct sfe_event event = {.source = SFE_TEXT("a"),
                                    .topic = SFE_TEXT("b"),
                                    .payload = sfe_slice_make(fixture->payload, size)};
    return stage_add(&fixture->stage, &fixture->stage.room, &event, 5, &fixture->sequence);
}

static void sequences_have_no_gap_when_an_event_is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint64_t expected = 1;
    while (add(fixture, 30000) != STAGE_FULL) {
        assert_int_equal(fixture->sequence, expected++);
    }
    assert_int_equal(expected, 5);
    assert_int_equal(fixture->stage.refused, 1);
    assert_false(fixture->stage.is_full);
    assert_int_not_equal(add(fixture, 10), STAGE_FULL);
    assert_int_equal(fixture->sequence, expected);
}

static void the_flash_thread_is_woken_by_the_first_event_and_by_a_full_frame(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(add(fixture, 30000), STAGE_WAKES);
    assert_int_equal(add(fixture, 30000), STAGE_QUIET);
    assert_int_equal(add(fixture, 30000), STAGE_WAKES);
    assert_int_equal(add(fixture, 30000), STAGE_QUIET);
    assert_non_null(stage_take(&fixture->stage));
    assert_int_equal(add(fixture, 10), STAGE_WAKES);
}

static void what_is_taken_stays_taken_until_it_is_done(void **state)
{
    struct fixture *fixture = *state;
    assert_null(stage_take(&fixture->stage));
    (void)add(fixture, 100);
    (void)add(fixture, 100);
    struct stage_buffer *taken = stage_take(&fixture->stage);
    (void)add(fixture, 100);
    assert_ptr_equal(stage_take(&fixture->stage), taken);
    assert_int_equal(taken->count, 2);
    assert_int_equal(taken->first_sequence, 1);
    assert_int_equal(taken->payload_bytes, 200);
    assert_int_equal(stage_events(&fixture->stage), 3);
    stage_done(&fixture->stage);
    struct stage_buffer *next = stage_take(&fixture->stage);
    assert_ptr_not_equal(next, taken);
    assert_int_equal(next->first_sequence, 3);
    stage_done(&fixture->stage);
    assert_null(stage_take(&fixture->stage));
    assert_false(stage_has_taken(&fixture->stage));
}

static void it_refuses_what_the_quota_has_no_place_for(void **state)
{
    struct fixture *fixture = *state;
    fixture->stage.room = (struct stage_room){.segment_bytes = 8u * SFE_PAGE_BYTES,
                                              .current_bytes = 2u * SFE_PAGE_BYTES};
    uint32_t count = 0;
    while (add(fixture, 1000) != STAGE_FULL) {
        count++;
    }
    assert_int_equal(count, 8); /* What two pages hold, no more. */
    assert_true(fixture->stage.is_full);
    fixture->stage.room.segments = 1;
    while (add(fixture, 1000) != STAGE_FULL) {
        count++;
    }
    assert_int_equal(count, 32);
    assert_true(fixture->stage.is_full);
}

static void what_is_taken_has_its_place_before_what_is_added(void **state)
{
    struct fixture *fixture = *state;
    fixture->stage.room = (struct stage_room){.segment_bytes = 8u * SFE_PAGE_BYTES,
                                              .current_bytes = 4u * SFE_PAGE_BYTES};
    for (uint32_t i = 0; i < 14; i++) {
        assert_int_not_equal(add(fixture, 1000), STAGE_FULL);
    }
    assert_non_null(stage_take(&fixture->stage)); /* Four pages, all there is. */
    assert_int_equal(add(fixture, 1000), STAGE_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sequences_have_no_gap_when_an_event_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(
            the_flash_thread_is_woken_by_the_first_event_and_by_a_full_frame, begin, end),
        cmocka_unit_test_setup_teardown(what_is_taken_stays_taken_until_it_is_done, begin, end),
        cmocka_unit_test_setup_teardown(it_refuses_what_the_quota_has_no_place_for, begin, end),
        cmocka_unit_test_setup_teardown(what_is_taken_has_its_place_before_what_is_added, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
