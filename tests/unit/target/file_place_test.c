#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "target/file_place.h"
#include "unit/stream/memory_storage.h"

static struct memory_storage *memory;
static struct sfe_error err;

static int setup(void **state)
{
    (void)state;
    memory = memory_storage_open(1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memory_storage_close(memory);
    return 0;
}

static void what_is_noted_is_loaded(void **state)
{
    struct file_place place = {.target = 1,
                               .layout = 2,
                               .serial = 3,
                               .length = 4,
                               .age_ns = 5,
                               .last = 600,
                               .is_csv = true};
    struct file_place loaded;
    bool is_lost = true;
    char name[FILE_PLACE_NAME_BYTES];

    (void)state;
    file_place_name("out", "pos", name);
    assert_string_equal(name, "file-out.pos");
    assert_int_equal(file_place_load(&memory->storage, name, 600, &loaded, &is_lost, &err), SFE_OK);
    assert_false(is_lost);
    assert_int_equal(loaded.last, 0);
    for (uint64_t i = 1; i <= FILE_PASSED_MAX + 1u; i++) {
        file_place_pass(&place.passed, i);
    }
    assert_int_equal(file_place_save(&memory->storage, name, &place, &err), SFE_OK);
    assert_int_equal(file_place_load(&memory->storage, name, 600, &loaded, &is_lost, &err), SFE_OK);
    assert_false(is_lost);
    assert_memory_equal(&loaded.passed, &place.passed, sizeof(place.passed));
    assert_true(loaded.target == 1 && loaded.layout == 2 && loaded.serial == 3);
    assert_true(loaded.length == 4 && loaded.age_ns == 5 && loaded.last == 600 && loaded.is_csv);
}

static void damage_and_an_older_stream_count_as_nothing(void **state)
{
    const struct file_place place = {.target = 1, .length = 4, .last = 600};
    struct file_place loaded;
    bool is_lost = false;

    (void)state;
    assert_int_equal(file_place_save(&memory->storage, "n", &place, &err), SFE_OK);
    assert_int_equal(file_place_load(&memory->storage, "n", 599, &loaded, &is_lost, &err), SFE_OK);
    assert_true(is_lost);
    assert_int_equal(loaded.last, 0);
    const size_t size = memory_file(memory, "n")->seen_size;
    for (size_t i = 0; i < size; i++) {
        memory_damage(memory_file(memory, "n"), i, 1);
        assert_int_equal(file_place_load(&memory->storage, "n", 600, &loaded, &is_lost, &err),
                         SFE_OK);
        assert_true(is_lost && loaded.target == 0);
        memory_damage(memory_file(memory, "n"), i, 1);
    }
    memory_file(memory, "n")->seen_size = size - 1u;
    assert_int_equal(file_place_load(&memory->storage, "n", 600, &loaded, &is_lost, &err), SFE_OK);
    assert_true(is_lost);
}

static void what_is_loaded_is_durable_or_it_is_not_loaded(void **state)
{
    const struct file_place place = {.target = 1, .last = 6};
    struct file_place loaded;
    bool is_lost = false;

    (void)state;
    memory->fail_directory_sync_at = 1;
    assert_int_equal(file_place_save(&memory->storage, "n", &place, &err), SFE_E_STORAGE);
    memory->fail_directory_sync_at = 2;
    assert_int_equal(file_place_load(&memory->storage, "n", 6, &loaded, &is_lost, &err),
                     SFE_E_STORAGE);
    assert_int_equal(file_place_load(&memory->storage, "n", 6, &loaded, &is_lost, &err), SFE_OK);
    memory_cut(memory);
    memory_restart(memory);
    assert_int_equal(file_place_load(&memory->storage, "n", 6, &loaded, &is_lost, &err), SFE_OK);
    assert_int_equal(loaded.last, 6);
}

static void an_event_that_was_passed_is_not_held(void **state)
{
    struct file_place place = {.last = 100};

    (void)state;
    assert_true(file_place_holds(&place, 100));
    assert_false(file_place_holds(&place, 101));
    file_place_pass(&place.passed, 40);
    file_place_pass(&place.passed, 40);
    assert_int_equal(place.passed.next, 1);
    assert_false(file_place_holds(&place, 40));
    assert_true(file_place_holds(&place, 41));
    file_place_unpass(&place.passed, 40);
    assert_true(file_place_holds(&place, 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_noted_is_loaded, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_and_an_older_stream_count_as_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_loaded_is_durable_or_it_is_not_loaded, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_event_that_was_passed_is_not_held, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
