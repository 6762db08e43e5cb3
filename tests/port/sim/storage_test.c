#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/storage.h"

#include <string.h>

#define STATES 400

struct medium {
    struct sim_storage *storage;
    struct sfe_storage port;
    struct sfe_error err;
};

static int setup(void **state)
{
    struct medium *medium = test_calloc(1, sizeof(*medium));

    medium->storage = sim_storage_open(1);
    sim_storage_port(medium->storage, &medium->port);
    *state = medium;
    return 0;
}

static int teardown(void **state)
{
    struct medium *medium = *state;

    sim_storage_close(medium->storage);
    test_free(medium);
    return 0;
}

static struct sfe_file *open_file(struct medium *medium, const char *name,
                                  enum sfe_storage_open how)
{
    struct sfe_file *file = NULL;

    assert_int_equal(medium->port.open(medium->port.context, name, how, &file, &medium->err),
                     SFE_OK);
    return file;
}

static enum sfe_code write_byte(struct medium *medium, struct sfe_file *file, uint64_t offset,
                                uint8_t byte, size_t size)
{
    static uint8_t bytes[4 * SIM_PAGE_BYTES];
    const struct sfe_slice part = sfe_slice_make(bytes, size);

    memset(bytes, byte, size);
    return medium->port.write(medium->port.context, file, offset, &part, 1, &medium->err);
}

static uint8_t byte_at(struct medium *medium, const char *name, uint64_t offset)
{
    struct sfe_file *file = open_file(medium, name, SFE_STORAGE_READ);
    uint8_t byte = 0xff;
    size_t got = 0;

    assert_int_equal(
        medium->port.read(medium->port.context, file, offset, &byte, 1, &got, &medium->err),
        SFE_OK);
    medium->port.close(medium->port.context, file);
    return got == 1 ? byte : 0xff;
}

static bool exists(struct medium *medium, const char *name)
{
    struct sfe_file *file = NULL;

    if (medium->port.open(medium->port.context, name, SFE_STORAGE_READ, &file, &medium->err) !=
        SFE_OK) {
        return false;
    }
    medium->port.close(medium->port.context, file);
    return true;
}

static struct sfe_file *durable_file(struct medium *medium, uint8_t byte, size_t size)
{
    struct sfe_file *file = open_file(medium, "a", SFE_STORAGE_CREATE);

    assert_int_equal(write_byte(medium, file, 0, byte, size), SFE_OK);
    assert_int_equal(medium->port.sync(medium->port.context, file, &medium->err), SFE_OK);
    assert_int_equal(medium->port.sync_directory(medium->port.context, &medium->err), SFE_OK);
    return file;
}

static struct medium after(const struct medium *medium, struct sim_cut cut, uint64_t seed)
{
    struct medium left = {.storage = sim_storage_after(medium->storage, cut, seed)};

    sim_storage_port(left.storage, &left.port);
    return left;
}

static void what_was_synced_survives_every_crash(void **state)
{
    struct medium *medium = *state;
    struct sfe_file *file = durable_file(medium, 7, 2 * SIM_PAGE_BYTES);

    assert_int_equal(write_byte(medium, file, 2 * SIM_PAGE_BYTES, 8, SIM_PAGE_BYTES), SFE_OK);
    for (uint64_t seed = 0; seed < STATES; seed++) {
        struct medium left = after(medium, (struct sim_cut){.kind = SIM_CUT_DRAWN}, seed);
        assert_int_equal(byte_at(&left, "a", 0), 7);
        assert_int_equal(byte_at(&left, "a", 2 * SIM_PAGE_BYTES - 1), 7);
        sim_storage_close(left.storage);
    }
    medium->port.close(medium->port.context, file);
}

static void unsynced_pages_may_last_without_their_neighbours(void **state)
{
    struct medium *medium = *state;
    struct sfe_file *file = durable_file(medium, 0, 2 * SIM_PAGE_BYTES);
    bool seen[2][2] = {{false, false}, {false, false}};
    bool is_torn = false;

    assert_int_equal(write_byte(medium, file, 0, 8, 2 * SIM_PAGE_BYTES), SFE_OK);
    assert_int_equal(sim_storage_unsynced(medium->storage), 2);
    for (uint64_t seed = 0; seed < STATES; seed++) {
        struct medium left = after(medium, (struct sim_cut){.kind = SIM_CUT_DRAWN}, seed);
        seen[byte_at(&left, "a", 0) == 8][byte_at(&left, "a", SIM_PAGE_BYTES) == 8] = true;
        is_torn = is_torn || byte_at(&left, "a", 0) != byte_at(&left, "a", SIM_PAGE_BYTES - 1);
        sim_storage_close(left.storage);
    }
    assert_true(seen[0][0] && seen[0][1] && seen[1][0] && seen[1][1]);
    assert_true(is_torn);
    medium->port.close(medium->port.context, file);
}

static void chosen_things_last_and_no_others(void **state)
{
    struct medium *medium = *state;
    struct sfe_file *file = durable_file(medium, 0, 2 * SIM_PAGE_BYTES);

    assert_int_equal(write_byte(medium, file, 0, 8, 2 * SIM_PAGE_BYTES), SFE_OK);
    for (uint64_t kept = 0; kept < 4; kept++) {
        struct medium left = after(medium, (struct sim_cut){SIM_CUT_CHOSEN, kept}, 1);
        assert_int_equal(byte_at(&left, "a", 5), (kept & 1u) != 0 ? 8 : 0);
        assert_int_equal(byte_at(&left, "a", SIM_PAGE_BYTES), (kept & 2u) != 0 ? 8 : 0);
        sim_storage_close(left.storage);
    }
    medium->port.close(medium->port.context, file);
}

static void names_last_only_once_the_directory_is_synced(void **state)
{
    struct medium *medium = *state;
    bool came = false;
    bool went = false;

    medium->port.close(medium->port.context, open_file(medium, "b", SFE_STORAGE_CREATE));
    for (uint64_t seed = 0; seed < STATES; seed++) {
        struct medium left = after(medium, (struct sim_cut){.kind = SIM_CUT_DRAWN}, seed);
        came = came || exists(&left, "b");
        went = went || !exists(&left, "b");
        sim_storage_close(left.storage);
    }
    assert_true(came && went);
    assert_int_equal(medium->port.sync_directory(medium->port.context, &medium->err), SFE_OK);
    assert_int_equal(sim_storage_unsynced(medium->storage), 0);
    struct medium left = after(medium, (struct sim_cut){SIM_CUT_CHOSEN, 0}, 1);
    assert_true(exists(&left, "b"));
    sim_storage_close(left.storage);
}

static void a_rename_lasts_whole_or_not_at_all(void **state)
{
    struct medium *medium = *state;

    medium->port.close(medium->port.context, durable_file(medium, 3, SIM_PAGE_BYTES));
    assert_int_equal(medium->port.rename(medium->port.context, "a", "c", &medium->err), SFE_OK);
    for (uint64_t seed = 0; seed < STATES; seed++) {
        struct medium left = after(medium, (struct sim_cut){.kind = SIM_CUT_DRAWN}, seed);
        assert_true(exists(&left, "a") != exists(&left, "c"));
        sim_storage_close(left.storage);
    }
}

static void a_failed_sync_forgets_what_it_was_to_cover(void **state)
{
    struct medium *medium = *state;
    struct sfe_file *file = durable_file(medium, 0, SIM_PAGE_BYTES);
    struct sim_storage_faults *faults = sim_storage_faults(medium->storage);
    bool is_lost = false;

    for (uint32_t i = 0; i < 30 && !is_lost; i++) {
        assert_int_equal(write_byte(medium, file, SIM_PAGE_BYTES * (i + 1u), 9, SIM_PAGE_BYTES),
                         SFE_OK);
        faults->kind = SIM_FAULT_EIO;
        faults->at = sim_storage_calls(medium->storage) + 1u;
        faults->count = 1;
        assert_int_equal(medium->port.sync(medium->port.context, file, &medium->err),
                         SFE_E_STORAGE);
        assert_int_equal(medium->port.sync(medium->port.context, file, &medium->err), SFE_OK);
        struct medium left = after(medium, (struct sim_cut){SIM_CUT_CHOSEN, 0}, 1);
        is_lost = byte_at(&left, "a", SIM_PAGE_BYTES * (i + 1u)) != 9;
        sim_storage_close(left.storage);
    }
    assert_true(is_lost);
    medium->port.close(medium->port.context, file);
}

static void each_fault_has_its_code(void **state)
{
    struct medium *medium = *state;
    struct sfe_file *file = durable_file(medium, 0, SIM_PAGE_BYTES);
    struct sim_storage_faults *faults = sim_storage_faults(medium->storage);
    static const struct {
        enum sim_fault kind;
        enum sfe_code code;
    } cases[] = {{SIM_FAULT_EIO, SFE_E_STORAGE},
                 {SIM_FAULT_NO_SPACE, SFE_E_NO_SPACE},
                 {SIM_FAULT_READ_ONLY, SFE_E_PERMISSION},
                 {SIM_FAULT_SHORT, SFE_E_STORAGE},
                 {SIM_FAULT_LIE, SFE_OK}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        faults->kind = cases[i].kind;
        faults->at = sim_storage_calls(medium->storage) + 1u;
        faults->count = 1;
        assert_int_equal(write_byte(medium, file, SIM_PAGE_BYTES * 2, 1, 2 * SIM_PAGE_BYTES),
                         cases[i].code);
        assert_int_equal(write_byte(medium, file, SIM_PAGE_BYTES * 2, 1, 2 * SIM_PAGE_BYTES),
                         SFE_OK);
    }
    faults->capacity = 4 * SIM_PAGE_BYTES;
    assert_int_equal(
        medium->port.allocate(medium->port.context, file, 5 * SIM_PAGE_BYTES, &medium->err),
        SFE_E_NO_SPACE);
    medium->port.close(medium->port.context, file);
}

static void no_power_no_answer(void **state)
{
    struct medium *medium = *state;
    struct sfe_file *file = durable_file(medium, 1, SIM_PAGE_BYTES);

    sim_storage_cut(medium->storage, 2);
    assert_int_equal(write_byte(medium, file, SIM_PAGE_BYTES, 1, SIM_PAGE_BYTES), SFE_OK);
    assert_int_not_equal(medium->port.sync(medium->port.context, file, &medium->err), SFE_OK);
    assert_true(sim_storage_is_off(medium->storage));
    assert_int_not_equal(write_byte(medium, file, 0, 1, SIM_PAGE_BYTES), SFE_OK);
    medium->port.close(medium->port.context, file);
}

static void a_page_written_again_is_counted(void **state)
{
    struct medium *medium = *state;
    struct sfe_file *file = durable_file(medium, 1, SIM_PAGE_BYTES);

    assert_int_equal(sim_storage_rewrites(medium->storage), 0);
    assert_int_equal(write_byte(medium, file, 8, 2, 8), SFE_OK);
    assert_int_equal(sim_storage_rewrites(medium->storage), 1);
    medium->port.close(medium->port.context, file);
}

static void one_bit_flips_at_rest(void **state)
{
    struct medium *medium = *state;
    char file[SIM_NAME_BYTES];
    uint64_t offset = 0;

    medium->port.close(medium->port.context, durable_file(medium, 0, SIM_PAGE_BYTES));
    assert_false(sim_storage_flip_bit(medium->storage, "b", file, &offset));
    assert_true(sim_storage_flip_bit(medium->storage, "a", file, &offset));
    assert_string_equal(file, "a");
    const uint8_t byte = byte_at(medium, "a", offset);
    assert_true(byte != 0 && (byte & (byte - 1)) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_synced_survives_every_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(unsynced_pages_may_last_without_their_neighbours, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(chosen_things_last_and_no_others, setup, teardown),
        cmocka_unit_test_setup_teardown(names_last_only_once_the_directory_is_synced, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_rename_lasts_whole_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_sync_forgets_what_it_was_to_cover, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_fault_has_its_code, setup, teardown),
        cmocka_unit_test_setup_teardown(no_power_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_written_again_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(one_bit_flips_at_rest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
