#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/stream/memory_storage.h"

#include "trial/kept.h"

#define TEXT "{\"agent\": {\"id\": \"one\"}}"

static uint8_t room_bytes[4096];

static struct sfe_builder room(void)
{
    return sfe_builder_make(room_bytes, sizeof(room_bytes));
}

static void write_good(struct memory_storage *memory, const char *text)
{
    struct sfe_builder place = room();
    struct sfe_error err;

    assert_int_equal(sfe_trial_write_good(&memory->storage, sfe_slice_text(text), &place, &err),
                     SFE_OK);
}

static enum sfe_code read_good(struct memory_storage *memory, struct sfe_slice *text)
{
    struct sfe_builder place = room();
    struct sfe_error err;

    return sfe_trial_read_good(&memory->storage, &place, text, &err);
}

static void write_bytes(struct memory_storage *memory, const char *name, struct sfe_slice bytes)
{
    const struct sfe_storage *storage = &memory->storage;
    struct sfe_file *file = NULL;
    struct sfe_error err;

    (void)storage->remove(storage->context, name, &err);
    assert_int_equal(storage->open(storage->context, name, SFE_STORAGE_CREATE, &file, &err),
                     SFE_OK);
    if (bytes.size != 0) {
        assert_int_equal(storage->write(storage->context, file, 0, &bytes, 1, &err), SFE_OK);
    }
    storage->close(storage->context, file);
}

static void what_was_good_is_there_after_a_power_cut(void **state)
{
    struct memory_storage *memory = *state;
    struct sfe_slice text;

    assert_int_equal(read_good(memory, &text), SFE_E_NOT_FOUND);
    write_good(memory, "{}");
    write_good(memory, TEXT);
    memory_cut(memory);
    memory_restart(memory);
    assert_int_equal(read_good(memory, &text), SFE_OK);
    assert_true(sfe_slice_equal(text, SFE_TEXT(TEXT)));
}

static void one_that_was_given_up_is_told_from_others(void **state)
{
    struct memory_storage *memory = *state;
    const struct sfe_hash128 given_up = sfe_trial_hash(SFE_TEXT(TEXT));
    const struct sfe_hash128 other = sfe_trial_hash(SFE_TEXT("{}"));
    struct sfe_hash128 found;
    struct sfe_error err;

    assert_int_equal(sfe_trial_read_refused(&memory->storage, &found, &err), SFE_E_NOT_FOUND);
    assert_int_equal(sfe_trial_write_refused(&memory->storage, &given_up, &err), SFE_OK);
    memory_cut(memory);
    memory_restart(memory);
    assert_int_equal(sfe_trial_read_refused(&memory->storage, &found, &err), SFE_OK);
    assert_true(sfe_trial_same(&found, &given_up));
    assert_false(sfe_trial_same(&found, &other));
}

static void any_byte_that_is_wrong_or_missing_makes_it_not_there(void **state)
{
    struct memory_storage *memory = *state;
    struct sfe_builder place = room();
    struct sfe_error err;
    struct sfe_slice text;
    uint8_t good[256];

    assert_int_equal(sfe_trial_write_good(&memory->storage, SFE_TEXT(TEXT), &place, &err), SFE_OK);
    const size_t size = place.size;
    assert_true(size <= sizeof(good));
    memcpy(good, place.bytes, size);
    for (size_t i = 0; i < size; i++) {
        good[i] ^= 1u;
        write_bytes(memory, "config.good", sfe_slice_make(good, size));
        assert_int_equal(read_good(memory, &text), SFE_E_NOT_FOUND);
        good[i] ^= 1u;
        write_bytes(memory, "config.good", sfe_slice_make(good, i));
        assert_int_equal(read_good(memory, &text), SFE_E_NOT_FOUND);
    }
    write_bytes(memory, "config.good", sfe_slice_make(good, size));
    assert_int_equal(read_good(memory, &text), SFE_OK);
}

static int set_up(void **state)
{
    *state = memory_storage_open(1);
    return 0;
}

static int tear_down(void **state)
{
    memory_storage_close(*state);
    return 0;
}

#define MEMORY_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(what_was_good_is_there_after_a_power_cut),
        MEMORY_TEST(one_that_was_given_up_is_told_from_others),
        MEMORY_TEST(any_byte_that_is_wrong_or_missing_makes_it_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
