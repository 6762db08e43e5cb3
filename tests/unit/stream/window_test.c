#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory_storage.h"

#include "stream/window.h"

#define FILE_BYTES (5u * MEMORY_PAGE + 100u)

struct fixture {
    struct memory_storage *memory;
    struct memory_inode *inode;
    struct sfe_file *file;
    struct window window;
    struct sfe_error err;
    uint8_t bytes[2u * MEMORY_PAGE];
    uint8_t content[FILE_BYTES];
};

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->memory = memory_storage_open(1);
    for (size_t i = 0; i < FILE_BYTES; i++) {
        fixture->content[i] = (uint8_t)(i * 7u + i / 251u);
    }
    fixture->inode = memory_put(fixture->memory, "file", fixture->content, FILE_BYTES);
    assert_int_equal(
        memory_open(fixture->memory, "file", SFE_STORAGE_READ, &fixture->file, &fixture->err),
        SFE_OK);
    fixture->window = (struct window){.storage = &fixture->memory->storage,
                                      .bytes = fixture->bytes,
                                      .capacity = sizeof(fixture->bytes)};
    window_show(&fixture->window, fixture->file, FILE_BYTES);
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

static void check(struct fixture *fixture, uint64_t offset, size_t size)
{
    struct sfe_slice slice;
    assert_int_equal(window_get(&fixture->window, offset, size, &slice, &fixture->err), SFE_OK);
    assert_int_equal(slice.size, size);
    assert_memory_equal(slice.bytes, fixture->content + offset, size);
}

static void it_gives_the_bytes_of_the_file_wherever(void **state)
{
    struct fixture *fixture = *state;
    for (size_t offset = 0; offset + 300 <= FILE_BYTES; offset += 271) {
        check(fixture, offset, 300);
        check(fixture, offset / 2, 10);
    }
    check(fixture, 0, sizeof(fixture->bytes));
}

static void neighbours_cost_one_read(void **state)
{
    struct fixture *fixture = *state;
    check(fixture, 0, 32);
    const uint32_t generation = fixture->window.generation;
    check(fixture, 32, 4000);
    check(fixture, MEMORY_PAGE, MEMORY_PAGE);
    assert_int_equal(fixture->memory->reads, 1);
    assert_int_equal(fixture->window.generation, generation);
    check(fixture, MEMORY_PAGE, MEMORY_PAGE + 1);
    assert_int_equal(fixture->memory->reads, 2);
    assert_true(fixture->window.generation != generation);
}

static void nothing_beyond_its_end_or_the_file_s_is_given(void **state)
{
    struct fixture *fixture = *state;
    struct sfe_slice slice;
    assert_int_equal(window_get(&fixture->window, FILE_BYTES - 1u, 2, &slice, &fixture->err),
                     SFE_E_END);
    assert_int_equal(window_get(&fixture->window, UINT64_MAX, 2, &slice, &fixture->err), SFE_E_END);
    window_show(&fixture->window, fixture->file, MEMORY_PAGE);
    assert_int_equal(window_get(&fixture->window, MEMORY_PAGE - 1u, 2, &slice, &fixture->err),
                     SFE_E_END);
    check(fixture, MEMORY_PAGE - 1u, 1);
    fixture->inode->seen_size = 10;
    window_show(&fixture->window, fixture->file, MEMORY_PAGE);
    assert_int_equal(window_get(&fixture->window, 5, 10, &slice, &fixture->err), SFE_E_END);
    check(fixture, 5, 5);
}

static void a_bad_page_ahead_does_not_take_its_neighbours_along(void **state)
{
    struct fixture *fixture = *state;
    struct sfe_slice slice;
    fixture->inode->is_unreadable[1] = true;
    check(fixture, 100, 50);
    assert_int_equal(window_get(&fixture->window, MEMORY_PAGE + 9u, 5, &slice, &fixture->err),
                     SFE_E_STORAGE);
    check(fixture, 2u * MEMORY_PAGE, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_gives_the_bytes_of_the_file_wherever, begin, end),
        cmocka_unit_test_setup_teardown(neighbours_cost_one_read, begin, end),
        cmocka_unit_test_setup_teardown(nothing_beyond_its_end_or_the_file_s_is_given, begin, end),
        cmocka_unit_test_setup_teardown(a_bad_page_ahead_does_not_take_its_neighbours_along, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
