#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/metered_storage.h"
#include "unit/stream/memory_storage.h"

struct fixture {
    struct memory_storage *memory;
    struct sfe_storage storage;
    struct sfe_metered_storage metered;
};

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->memory = memory_storage_open(4);
    fixture->storage = fixture->memory->storage;
    sfe_metered_storage_put(&fixture->metered, &fixture->storage);
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;

    memory_storage_close(fixture->memory);
    free(fixture);
    return 0;
}

static void what_is_written_counts_in_whole_pages(void **state)
{
    static const uint8_t bytes[5000];
    struct fixture *fixture = *state;
    const struct sfe_storage *storage = &fixture->storage;
    const struct sfe_slice parts[] = {{bytes, 5000}, {bytes, 10}};
    struct sfe_file *file = NULL;
    struct sfe_error err;

    assert_int_equal(storage->open(storage->context, "a", SFE_STORAGE_CREATE, &file, &err), SFE_OK);
    assert_int_equal(storage->allocate(storage->context, file, 65536, &err), SFE_OK);
    assert_int_equal(fixture->metered.written_bytes, 0);
    assert_int_equal(storage->write(storage->context, file, 0, parts, 2, &err), SFE_OK);
    assert_int_equal(fixture->metered.written_bytes, 2u * SFE_PAGE_BYTES);
    /* Ten bytes over the edge of two pages wear both. */
    assert_int_equal(
        storage->write(storage->context, file, SFE_PAGE_BYTES - 5u, &parts[1], 1, &err), SFE_OK);
    assert_int_equal(fixture->metered.written_bytes, 4u * SFE_PAGE_BYTES);
    assert_int_equal(storage->sync(storage->context, file, &err), SFE_OK);
    assert_int_equal(storage->sync_directory(storage->context, &err), SFE_OK);
    assert_int_equal(fixture->metered.syncs, 2);
    assert_int_equal(fixture->metered.written_bytes, 5u * SFE_PAGE_BYTES);
    storage->close(storage->context, file);
}

static bool count_file(void *visitor, const char *name, uint64_t size)
{
    (void)name;
    *(uint64_t *)visitor += size;
    return true;
}

static void every_other_call_is_handed_on(void **state)
{
    struct fixture *fixture = *state;
    const struct sfe_storage *storage = &fixture->storage;
    const struct sfe_slice part = SFE_TEXT("hello");
    struct sfe_storage_traits traits = {0};
    struct sfe_file *file = NULL;
    struct sfe_error err;
    char read[8] = "";
    size_t got = 0;
    uint64_t size = 0;
    uint64_t sum = 0;

    assert_int_equal(storage->open(storage->context, "a", SFE_STORAGE_CREATE, &file, &err), SFE_OK);
    assert_int_equal(storage->write(storage->context, file, 0, &part, 1, &err), SFE_OK);
    assert_int_equal(storage->read(storage->context, file, 0, read, 5, &got, &err), SFE_OK);
    assert_string_equal(read, "hello");
    assert_int_equal(storage->truncate(storage->context, file, 2, &err), SFE_OK);
    assert_int_equal(storage->size(storage->context, file, &size, &err), SFE_OK);
    assert_int_equal(size, 2);
    storage->close(storage->context, file);
    assert_int_equal(fixture->memory->open_files, 0);
    assert_int_equal(storage->rename(storage->context, "a", "b", &err), SFE_OK);
    assert_int_equal(storage->list(storage->context, count_file, &sum, &err), SFE_OK);
    assert_int_equal(sum, 2);
    assert_int_equal(storage->remove(storage->context, "b", &err), SFE_OK);
    assert_null(memory_file(fixture->memory, "b"));
    storage->traits(storage->context, &traits);
    assert_int_equal(traits.page_bytes, SFE_PAGE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_counts_in_whole_pages, begin, end),
        cmocka_unit_test_setup_teardown(every_other_call_is_handed_on, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
