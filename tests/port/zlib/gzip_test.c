#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/compress.h"

#define ZLIB_CONST
#include <string.h>
#include <zlib.h>

#define TEXT_BYTES 50000u

static size_t inflate_again(struct sfe_slice packed, uint8_t *text, size_t capacity)
{
    z_stream stream;
    memset(&stream, 0, sizeof(stream));
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = packed.bytes;
    stream.avail_in = (uInt)packed.size;
    stream.next_out = text;
    stream.avail_out = (uInt)capacity;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    size_t size = capacity - stream.avail_out;
    assert_int_equal(inflateEnd(&stream), Z_OK);
    return size;
}

static void fill_like_json(uint8_t *text, size_t size)
{
    static const char record[] = "{\"attributes\":{\"type\":\"PosSale__c\"},\"SaleId__c\":\"";
    for (size_t i = 0; i < size; i++) {
        text[i] = (uint8_t)record[i % (sizeof(record) - 1)];
        if (i % (sizeof(record) - 1) == 5) {
            text[i] = (uint8_t)('a' + i / 64 % 26);
        }
    }
}

static void members_one_after_another_give_back_their_text(void **state)
{
    static uint8_t text[TEXT_BYTES];
    static uint8_t packed[TEXT_BYTES];
    static uint8_t again[TEXT_BYTES];
    struct sfe_error err;
    (void)state;
    struct sfe_gzip *gzip = sfe_gzip_open();
    assert_non_null(gzip);
    fill_like_json(text, sizeof(text));
    for (size_t size = sizeof(text); size > 0; size /= 3) {
        struct sfe_builder output = sfe_builder_make(packed, sizeof(packed));
        sfe_builder_add_text(&output, "head");
        assert_int_equal(sfe_gzip_add(gzip, sfe_slice_make(text, size), &output, &err), SFE_OK);
        assert_memory_equal(packed, "head\x1f\x8b", 6);
        assert_true(size < 1000 || output.size < size / 4);
        struct sfe_slice member = sfe_slice_part(sfe_builder_slice(&output), 4, output.size);
        assert_int_equal(inflate_again(member, again, sizeof(again)), size);
        assert_memory_equal(text, again, size);
    }
    sfe_gzip_close(gzip);
}

static void nothing_becomes_an_empty_member(void **state)
{
    uint8_t packed[64];
    uint8_t again[8];
    struct sfe_error err;
    struct sfe_builder output = sfe_builder_make(packed, sizeof(packed));
    (void)state;
    struct sfe_gzip *gzip = sfe_gzip_open();
    assert_int_equal(sfe_gzip_add(gzip, sfe_slice_make(NULL, 0), &output, &err), SFE_OK);
    assert_int_equal(inflate_again(sfe_builder_slice(&output), again, sizeof(again)), 0);
    sfe_gzip_close(gzip);
}

static void what_does_not_fit_leaves_the_output_as_it_was(void **state)
{
    static uint8_t text[TEXT_BYTES];
    uint8_t packed[600];
    uint8_t again[64];
    struct sfe_error err;
    struct sfe_builder output = sfe_builder_make(packed, 40);
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t)(i * i / 7 + i % 13);
    }
    struct sfe_gzip *gzip = sfe_gzip_open();
    sfe_builder_add_text(&output, "kept");
    assert_int_equal(sfe_gzip_add(gzip, sfe_slice_make(text, sizeof(text)), &output, &err),
                     SFE_E_TOO_LARGE);
    assert_int_equal(output.size, 4);
    assert_false(output.overflowed);
    assert_memory_equal(packed, "kept", 4);
    /* And the next one is whole. */
    assert_int_equal(sfe_gzip_add(gzip, SFE_TEXT("small"), &output, &err), SFE_OK);
    struct sfe_slice member = sfe_slice_part(sfe_builder_slice(&output), 4, output.size);
    assert_int_equal(inflate_again(member, again, sizeof(again)), 5);
    struct sfe_builder full = sfe_builder_make(packed, 0);
    assert_int_equal(sfe_gzip_add(gzip, SFE_TEXT("x"), &full, &err), SFE_E_TOO_LARGE);
    sfe_gzip_close(gzip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_one_after_another_give_back_their_text),
        cmocka_unit_test(nothing_becomes_an_empty_member),
        cmocka_unit_test(what_does_not_fit_leaves_the_output_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
