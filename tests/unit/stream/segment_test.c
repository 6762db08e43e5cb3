#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/crc32c.h"
#include "stream/segment.h"

static const struct segment model = {
    .first_sequence = 4711, .number = 42, .salt = 0xCAFEF00Du, .boot_id = {1, 2, 3}};

static enum header_verdict parse(const uint8_t *bytes, const char *stream, uint32_t number,
                                 struct segment *found)
{
    *found = (struct segment){.number = number};
    return segment_header_parse(sfe_slice_make(bytes, SEGMENT_HEADER_BYTES), stream, found);
}

static void both_copies_say_what_was_written(void **state)
{
    (void)state;
    uint8_t bytes[SEGMENT_BEGIN];
    segment_header_write(&model, "sales", bytes);
    for (uint32_t copy = 0; copy < SEGMENT_HEADER_COPIES; copy++) {
        struct segment found;
        assert_int_equal(parse(bytes + copy * SFE_PAGE_BYTES, "sales", 42, &found), HEADER_VALID);
        assert_int_equal(found.first_sequence, 4711);
        assert_int_equal(found.salt, 0xCAFEF00Du);
        assert_memory_equal(found.boot_id, model.boot_id, sizeof(model.boot_id));
    }
}

static void another_stream_or_number_or_any_flipped_bit_is_bad(void **state)
{
    (void)state;
    uint8_t bytes[SEGMENT_BEGIN];
    struct segment found;
    segment_header_write(&model, "sales", bytes);
    assert_int_equal(parse(bytes, "sale", 42, &found), HEADER_BAD);
    assert_int_equal(parse(bytes, "sales2", 42, &found), HEADER_BAD);
    assert_int_equal(parse(bytes, "sales", 43, &found), HEADER_BAD);
    for (size_t bit = 0; bit < 8u * SEGMENT_HEADER_BYTES; bit++) {
        bytes[bit / 8u] = (uint8_t)(bytes[bit / 8u] ^ (1u << (bit % 8u)));
        assert_int_equal(parse(bytes, "sales", 42, &found), HEADER_BAD);
        bytes[bit / 8u] = (uint8_t)(bytes[bit / 8u] ^ (1u << (bit % 8u)));
    }
    assert_int_equal(
        segment_header_parse(sfe_slice_make(bytes, SEGMENT_HEADER_BYTES - 1u), "sales", &found),
        HEADER_BAD);
}

static void a_newer_version_is_told_from_a_bad_one(void **state)
{
    (void)state;
    uint8_t bytes[SEGMENT_BEGIN];
    struct segment found;
    segment_header_write(&model, "sales", bytes);
    bytes[8] = SEGMENT_VERSION + 1;
    struct sfe_builder checksum = sfe_builder_make(bytes + SEGMENT_HEADER_BYTES - 4, 4);
    sfe_builder_add_u32le(&checksum,
                          sfe_crc32c(0, sfe_slice_make(bytes, SEGMENT_HEADER_BYTES - 4u)));
    assert_int_equal(parse(bytes, "sales", 42, &found), HEADER_NEWER);
}

static void names_and_numbers_go_both_ways(void **state)
{
    (void)state;
    const uint32_t numbers[] = {1, 42, 99999999, 100000000, UINT32_MAX - 1u};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char name[SEGMENT_NAME_BYTES];
        uint32_t number = 0;
        segment_name(name, "s-1", numbers[i], SEGMENT_SUFFIX);
        assert_true(segment_number_of(name, "s-1", SEGMENT_SUFFIX, &number));
        assert_int_equal(number, numbers[i]);
        assert_false(segment_number_of(name, "s", SEGMENT_SUFFIX, &number));
        assert_false(segment_number_of(name, "s-1", SEGMENT_BAD_SUFFIX, &number));
    }
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, "sales", 42, SEGMENT_SUFFIX);
    assert_string_equal(name, "sales-00000042.seg");
}

static void what_is_no_name_of_a_segment_is_none(void **state)
{
    (void)state;
    const char *const names[] = {"",
                                 "sales-",
                                 "sales-.seg",
                                 "sales-0000001.seg",
                                 "sales-00000000.seg",
                                 "sales-000000001.seg",
                                 "sales-4294967295.seg",
                                 "sales-9999999999.seg",
                                 "sales-0000001a.seg",
                                 "sales-00000001.seg.bad",
                                 "sales_00000001.seg",
                                 "tales-00000001.seg",
                                 "sales-00000001.sef"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint32_t number = 0;
        assert_false(segment_number_of(names[i], "sales", SEGMENT_SUFFIX, &number));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_copies_say_what_was_written),
        cmocka_unit_test(another_stream_or_number_or_any_flipped_bit_is_bad),
        cmocka_unit_test(a_newer_version_is_told_from_a_bad_one),
        cmocka_unit_test(names_and_numbers_go_both_ways),
        cmocka_unit_test(what_is_no_name_of_a_segment_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
