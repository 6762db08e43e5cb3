#include "unit/salesforce/token_world.h"

#include "stream/kept_file.h"

static void a_file_is_read_as_it_was_written_last(void **state)
{
    struct token_world *world = *state;
    const struct sfe_storage *storage = &world->memory->storage;
    uint8_t memory[16];
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));

    assert_int_equal(kept_file_read(storage, "count", &bytes, &world->err), SFE_E_NOT_FOUND);
    assert_int_equal(kept_file_write(storage, "count", SFE_TEXT("first"), &world->err), SFE_OK);
    assert_int_equal(kept_file_write(storage, "count", SFE_TEXT("2nd"), &world->err), SFE_OK);
    assert_int_equal(kept_file_read(storage, "count", &bytes, &world->err), SFE_OK);
    assert_true(sfe_slice_equal(sfe_builder_slice(&bytes), SFE_TEXT("2nd")));
}

static void what_is_said_to_be_written_survives_a_power_cut(void **state)
{
    struct token_world *world = *state;
    const struct sfe_storage *storage = &world->memory->storage;
    uint8_t memory[16];
    struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));

    assert_int_equal(kept_file_write(storage, "count", SFE_TEXT("first"), &world->err), SFE_OK);
    memory_cut(world->memory);
    memory_restart(world->memory);
    assert_int_equal(kept_file_read(storage, "count", &bytes, &world->err), SFE_OK);
    assert_true(sfe_slice_equal(sfe_builder_slice(&bytes), SFE_TEXT("first")));
}

static void each_call_that_fails_is_told_and_leaves_the_old_file(void **state)
{
    struct token_world *world = *state;
    const struct sfe_storage *storage = &world->memory->storage;
    uint8_t memory[16];
    bool is_over = false;
    uint32_t failures = 0;

    assert_int_equal(kept_file_write(storage, "count", SFE_TEXT("first"), &world->err), SFE_OK);
    /* The removal of what broke off may fail; the last call makes the name durable. */
    for (uint64_t call = 2; !is_over; call++) {
        struct sfe_builder bytes = sfe_builder_make(memory, sizeof(memory));
        world->memory->fail_at = world->memory->calls + call;
        world->memory->fail_count = 1;
        enum sfe_code code = kept_file_write(storage, "count", SFE_TEXT("2nd"), &world->err);
        is_over = world->memory->calls < world->memory->fail_at;
        failures += code == SFE_E_STORAGE ? 1u : 0u;
        assert_true(is_over == (code == SFE_OK));
        assert_int_equal(kept_file_read(storage, "count", &bytes, &world->err), SFE_OK);
        assert_true(sfe_slice_equal(sfe_builder_slice(&bytes), SFE_TEXT("first")) ||
                    sfe_slice_equal(sfe_builder_slice(&bytes), SFE_TEXT("2nd")));
    }
    assert_true(failures >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(a_file_is_read_as_it_was_written_last),
        TOKEN_TEST(what_is_said_to_be_written_survives_a_power_cut),
        TOKEN_TEST(each_call_that_fails_is_told_and_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
