#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory_storage.h"

#include "base/crc32c.h"
#include "stream/scan.h"
#include "stream/segment.h"

#define SALT  99u
#define PAGES 12u

struct fixture {
    struct memory_storage *memory;
    struct memory_inode *inode;
    struct sfe_file *file;
    struct window window;
    struct scan scan;
    struct sfe_error err;
    uint8_t bytes[4u * SFE_PAGE_BYTES];
};

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->memory = memory_storage_open(1);
    fixture->inode = memory_put(fixture->memory, "file", NULL, PAGES * SFE_PAGE_BYTES);
    assert_int_equal(
        memory_open(fixture->memory, "file", SFE_STORAGE_READ, &fixture->file, &fixture->err),
        SFE_OK);
    fixture->window = (struct window){.storage = &fixture->memory->storage,
                                      .bytes = fixture->bytes,
                                      .capacity = sizeof(fixture->bytes)};
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    memory_close(fixture->memory, fixture->file);
    memory_storage_close(fixture->memory);
    free(fixture);
    return 0;
}

/* A frame of one page with ten events; `durable` is the page up to which its file was synced. */
static void put(struct fixture *fixture, uint32_t page, uint64_t first, uint32_t durable)
{
    const struct frame frame = {.first_sequence = first,
                                .count = 10,
                                .body_bytes = 100,
                                .durable_end = durable * SFE_PAGE_BYTES};
    frame_seal(&frame, SALT, fixture->inode->seen + (size_t)page * SFE_PAGE_BYTES);
}

static void spoil(struct fixture *fixture, uint32_t page)
{
    memory_damage(fixture->inode, (size_t)page * SFE_PAGE_BYTES + 40u, 1);
}

static enum sfe_code scan(struct fixture *fixture, uint64_t limit, uint64_t known)
{
    window_show(&fixture->window, fixture->file, fixture->inode->seen_size);
    fixture->scan =
        (struct scan){.salt = SALT, .expected = 1, .limit = limit, .known_durable = known};
    return scan_segment(&fixture->window, &fixture->scan, &fixture->err);
}

/* Pages 2, 3, 4, 5: events 1-10, 11-20, 21-30, 31-40; each written after the sync of the one
 * before. */
static void put_four(struct fixture *fixture)
{
    put(fixture, 2, 1, 0);
    put(fixture, 3, 11, 3);
    put(fixture, 4, 21, 4);
    put(fixture, 5, 31, 5);
}

static void whole_frames_are_kept(void **state)
{
    struct fixture *fixture = *state;
    put_four(fixture);
    assert_int_equal(scan(fixture, UINT64_MAX, 0), SFE_OK);
    assert_int_equal(fixture->scan.kept, 40);
    assert_int_equal(fixture->scan.expected, 41);
    assert_int_equal(fixture->scan.end, 6u * SFE_PAGE_BYTES);
    assert_int_equal(fixture->scan.places, 0);
    assert_int_equal(fixture->scan.bad_bytes, 0);
}

static void a_bad_frame_before_one_that_proves_it_is_damage(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t page = 2; page < 5; page++) {
        memset(fixture->inode->seen, 0, PAGES * SFE_PAGE_BYTES);
        put_four(fixture);
        spoil(fixture, page);
        assert_int_equal(scan(fixture, UINT64_MAX, 0), SFE_OK);
        assert_int_equal(fixture->scan.kept, 30);
        assert_int_equal(fixture->scan.lost, 10);
        assert_int_equal(fixture->scan.places, 1);
        assert_int_equal(fixture->scan.expected, 41);
    }
}

static void a_bad_last_frame_is_torn(void **state)
{
    struct fixture *fixture = *state;
    put_four(fixture);
    spoil(fixture, 5);
    assert_int_equal(scan(fixture, UINT64_MAX, 0), SFE_OK);
    assert_int_equal(fixture->scan.kept, 30);
    assert_int_equal(fixture->scan.places, 0);
    assert_int_equal(fixture->scan.end, 5u * SFE_PAGE_BYTES);
    assert_int_equal(fixture->scan.bad_bytes, SFE_PAGE_BYTES);
}

/* Out of one unsynced write may come a later part without the earlier one. */
static void a_valid_frame_that_does_not_prove_the_bad_place_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, 2, 1, 0);
    put(fixture, 3, 11, 3);
    put(fixture, 4, 21, 3);
    spoil(fixture, 3);
    assert_int_equal(scan(fixture, UINT64_MAX, 0), SFE_OK);
    assert_int_equal(fixture->scan.kept, 10);
    assert_int_equal(fixture->scan.places, 0);
    /* The cursor log knows better. */
    assert_int_equal(scan(fixture, UINT64_MAX, 20), SFE_OK);
    assert_int_equal(fixture->scan.kept, 20);
    assert_int_equal(fixture->scan.lost, 10);
    /* So does the segment that follows. */
    assert_int_equal(scan(fixture, 31, 0), SFE_OK);
    assert_int_equal(fixture->scan.kept, 20);
    assert_int_equal(fixture->scan.lost, 10);
}

static void frames_that_the_next_segment_repeats_are_passed_over(void **state)
{
    struct fixture *fixture = *state;
    put_four(fixture);
    assert_int_equal(scan(fixture, 31, 0), SFE_OK);
    assert_int_equal(fixture->scan.kept, 30);
    assert_int_equal(fixture->scan.expected, 31);
    assert_int_equal(fixture->scan.end, 5u * SFE_PAGE_BYTES);
    assert_int_equal(scan(fixture, 35, 0), SFE_OK);
    assert_int_equal(fixture->scan.kept, 34);
    assert_int_equal(fixture->scan.expected, 35);
}

static void a_sequence_that_goes_back_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    put_four(fixture);
    put(fixture, 6, 11, 6);
    assert_int_equal(scan(fixture, UINT64_MAX, 0), SFE_OK);
    assert_int_equal(fixture->scan.kept, 40);
    assert_int_equal(fixture->scan.bad_bytes, SFE_PAGE_BYTES);
}

static void an_unreadable_end_is_told(void **state)
{
    struct fixture *fixture = *state;
    put_four(fixture);
    fixture->inode->is_unreadable[5] = true;
    assert_int_equal(scan(fixture, UINT64_MAX, 0), SFE_OK);
    assert_true(fixture->scan.is_unreadable);
    assert_int_equal(fixture->scan.kept, 30);
    fixture->inode->is_unreadable[5] = false;
    fixture->inode->is_unreadable[4] = true;
    assert_int_equal(scan(fixture, UINT64_MAX, 0), SFE_OK);
    assert_false(fixture->scan.is_unreadable);
    assert_int_equal(fixture->scan.lost, 10);
}

static void a_newer_frame_is_refused(void **state)
{
    struct fixture *fixture = *state;
    put_four(fixture);
    uint8_t *bytes = fixture->inode->seen + 5u * SFE_PAGE_BYTES;
    bytes[4] = FRAME_VERSION + 1;
    uint32_t checksum = sfe_crc32c(SALT, sfe_slice_make(bytes, 28));
    checksum = sfe_crc32c(checksum, sfe_slice_make(bytes + FRAME_HEADER_BYTES, 100));
    struct sfe_builder builder = sfe_builder_make(bytes + 28, 4);
    sfe_builder_add_u32le(&builder, checksum);
    assert_int_equal(scan(fixture, UINT64_MAX, 0), SFE_E_CORRUPT);
}

static void without_a_header_only_a_second_frame_speaks_for_durable_events(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last = 0;
    window_show(&fixture->window, fixture->file, fixture->inode->seen_size);
    assert_false(scan_finds_durable(&fixture->window, 1, &last));
    put(fixture, 2, 1, 0);
    window_show(&fixture->window, fixture->file, fixture->inode->seen_size);
    assert_false(scan_finds_durable(&fixture->window, 1, &last));
    put(fixture, 3, 11, 3);
    window_show(&fixture->window, fixture->file, fixture->inode->seen_size);
    assert_true(scan_finds_durable(&fixture->window, 1, &last));
    assert_int_equal(last, 21);
    assert_false(scan_finds_durable(&fixture->window, 12, &last));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_frames_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(a_bad_frame_before_one_that_proves_it_is_damage, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_bad_last_frame_is_torn, begin, end),
        cmocka_unit_test_setup_teardown(
            a_valid_frame_that_does_not_prove_the_bad_place_is_not_believed, begin, end),
        cmocka_unit_test_setup_teardown(frames_that_the_next_segment_repeats_are_passed_over, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_sequence_that_goes_back_is_not_believed, begin, end),
        cmocka_unit_test_setup_teardown(an_unreadable_end_is_told, begin, end),
        cmocka_unit_test_setup_teardown(a_newer_frame_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(
            without_a_header_only_a_second_frame_speaks_for_durable_events, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
