#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory_storage.h"

#include "base/crc32c.h"
#include "stream/boot_times.h"

static struct sfe_boot_time boot_of(uint8_t number)
{
    struct sfe_boot_time boot;

    memset(boot.boot_id, number, sizeof(boot.boot_id));
    boot.wall_minus_monotonic_ns = INT64_C(1000000000) * number;
    return boot;
}

static void save(struct memory_storage *memory, uint8_t number)
{
    struct sfe_boot_times times;
    struct sfe_error err;
    struct sfe_boot_time boot = boot_of(number);

    assert_int_equal(sfe_boot_times_load(&memory->storage, &times, &err), SFE_OK);
    assert_int_equal(sfe_boot_times_save(&memory->storage, &times, &boot, 1000 + number, &err),
                     SFE_OK);
}

static bool knows(struct memory_storage *memory, uint8_t number)
{
    struct sfe_boot_times times;
    struct sfe_error err;
    struct sfe_boot_time boot = boot_of(number);

    assert_int_equal(sfe_boot_times_load(&memory->storage, &times, &err), SFE_OK);
    const struct sfe_boot_time *found = sfe_boot_times_find(&times, boot.boot_id);
    assert_true(found == NULL || found->wall_minus_monotonic_ns == boot.wall_minus_monotonic_ns);
    return found != NULL;
}

static void a_boot_that_was_saved_is_found_after_a_power_cut(void **state)
{
    struct memory_storage *memory = *state;

    assert_false(knows(memory, 1));
    save(memory, 1);
    memory_cut(memory);
    memory_restart(memory);
    assert_true(knows(memory, 1));
    assert_false(knows(memory, 2));
}

static void the_last_sixteen_boots_are_kept(void **state)
{
    struct memory_storage *memory = *state;

    for (uint8_t i = 1; i <= SFE_BOOT_TIMES_MAX + 1; i++) {
        save(memory, i);
        save(memory, i); /* Again: no second entry. */
    }
    assert_false(knows(memory, 1));
    assert_true(knows(memory, 2));
    assert_true(knows(memory, SFE_BOOT_TIMES_MAX + 1));
}

static void the_newest_sure_time_is_kept(void **state)
{
    struct memory_storage *memory = *state;
    struct sfe_boot_times times;
    struct sfe_error err;

    assert_int_equal(sfe_boot_times_load(&memory->storage, &times, &err), SFE_OK);
    assert_int_equal(times.seen_ns, 0);
    save(memory, 1);
    save(memory, 2);
    assert_int_equal(sfe_boot_times_load(&memory->storage, &times, &err), SFE_OK);
    assert_int_equal(times.seen_ns, 1002);
    assert_int_equal(times.count, 2);
}

/* As the agent wrote it before it kept a time. */
static void a_table_of_version_1_is_read(void **state)
{
    struct memory_storage *memory = *state;
    struct sfe_file *file = NULL;
    struct sfe_error err;
    struct sfe_boot_time boot = boot_of(5);
    uint8_t bytes[36];
    struct sfe_builder out = sfe_builder_make(bytes, sizeof(bytes));

    sfe_builder_add(&out, sfe_slice_make("SFEB\1\0\1\0", 8));
    sfe_builder_add(&out, sfe_slice_make(boot.boot_id, 16));
    sfe_builder_add_u64le(&out, (uint64_t)boot.wall_minus_monotonic_ns);
    sfe_builder_add_u32le(&out, sfe_crc32c(0, sfe_builder_slice(&out)));
    const struct sfe_slice part = sfe_builder_slice(&out);
    assert_int_equal(memory->storage.open(memory->storage.context, "boots.table",
                                          SFE_STORAGE_CREATE, &file, &err),
                     SFE_OK);
    assert_int_equal(memory->storage.write(memory->storage.context, file, 0, &part, 1, &err),
                     SFE_OK);
    memory->storage.close(memory->storage.context, file);
    assert_true(knows(memory, 5));
}

static void a_damaged_table_is_an_empty_one(void **state)
{
    struct memory_storage *memory = *state;

    save(memory, 3);
    for (size_t offset = 0; offset < 36; offset++) {
        memory_damage(memory_file(memory, "boots.table"), offset, 0x10);
        assert_false(knows(memory, 3));
        memory_damage(memory_file(memory, "boots.table"), offset, 0x10);
    }
    assert_true(knows(memory, 3));
}

static int open_memory(void **state)
{
    *state = memory_storage_open(1);
    return 0;
}

static int close_memory(void **state)
{
    memory_storage_close(*state);
    return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_boot_that_was_saved_is_found_after_a_power_cut),
        TEST(the_last_sixteen_boots_are_kept),
        TEST(the_newest_sure_time_is_kept),
        TEST(a_table_of_version_1_is_read),
        TEST(a_damaged_table_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
