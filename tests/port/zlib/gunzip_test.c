#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/compress.h"

#include <stdlib.h>

#define ROOM 4096u

struct world {
    struct sfe_gzip *gzip;
    struct sfe_gunzip *gunzip;
    uint8_t packed[8192];
    uint8_t memory[ROOM];
    struct sfe_error err;
};

static int open_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->gzip = sfe_gzip_open();
    world->gunzip = sfe_gunzip_open();
    assert_non_null(world->gzip);
    assert_non_null(world->gunzip);
    *state = world;
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;

    sfe_gzip_close(world->gzip);
    sfe_gunzip_close(world->gunzip);
    sfe_gunzip_close(NULL);
    free(world);
    return 0;
}

static struct sfe_slice pack(struct world *world, struct sfe_slice input)
{
    struct sfe_builder packed = sfe_builder_make(world->packed, sizeof(world->packed));

    assert_int_equal(sfe_gzip_add(world->gzip, input, &packed, &world->err), SFE_OK);
    return sfe_builder_slice(&packed);
}

static enum sfe_code unpack(struct world *world, struct sfe_slice input, struct sfe_builder *output)
{
    *output = sfe_builder_make(world->memory, sizeof(world->memory));
    return sfe_gunzip_add(world->gunzip, input, output, &world->err);
}

static void what_was_packed_is_had_back_again_and_again(void **state)
{
    struct world *world = *state;
    struct sfe_builder output;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(unpack(world, pack(world, SFE_TEXT("{\"a\":1}")), &output), SFE_OK);
        assert_true(sfe_slice_equal(sfe_builder_slice(&output), SFE_TEXT("{\"a\":1}")));
    }
}

static void what_just_fits_is_taken_and_a_byte_more_is_not(void **state)
{
    struct world *world = *state;
    uint8_t *zeros = calloc(1, 4u * 1024u * 1024u);
    struct sfe_builder output;

    assert_non_null(zeros);
    assert_int_equal(unpack(world, pack(world, sfe_slice_make(zeros, ROOM)), &output), SFE_OK);
    assert_int_equal(output.size, ROOM);
    assert_int_equal(unpack(world, pack(world, sfe_slice_make(zeros, ROOM + 1)), &output),
                     SFE_E_TOO_LARGE);
    assert_int_equal(output.size, 0);
    free(zeros);
}

static void what_is_no_whole_gzip_data_is_refused(void **state)
{
    struct world *world = *state;
    const struct sfe_slice packed = pack(world, SFE_TEXT("{\"a\":\"some text, some more text\"}"));
    struct sfe_builder output;

    for (size_t size = 0; size < packed.size; size++) {
        assert_int_equal(unpack(world, sfe_slice_part(packed, 0, size), &output), SFE_E_PROTOCOL);
        assert_int_equal(output.size, 0);
    }
    assert_int_equal(unpack(world, sfe_slice_make(packed.bytes, packed.size + 1), &output),
                     SFE_E_PROTOCOL);
    assert_string_equal(world->err.message, "something stands behind the gzip data");
    world->packed[packed.size - 6] ^= 1; /* Of its checksum. */
    assert_int_equal(unpack(world, packed, &output), SFE_E_PROTOCOL);
    assert_int_equal(unpack(world, SFE_TEXT("{\"a\":1}"), &output), SFE_E_PROTOCOL);
    assert_int_equal(unpack(world, pack(world, SFE_TEXT("x")), &output), SFE_OK);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_packed_is_had_back_again_and_again),
        TEST(what_just_fits_is_taken_and_a_byte_more_is_not),
        TEST(what_is_no_whole_gzip_data_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
