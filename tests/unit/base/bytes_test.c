#include "unit.h"

static uint8_t memory[2048];

static struct sfe_builder fresh(size_t capacity)
{
    return sfe_builder_make(memory, capacity);
}

static void a_builder_keeps_what_fitted_before_the_overflow(void **state)
{
    struct sfe_builder builder = fresh(6);
    (void)state;
    sfe_builder_add_text(&builder, "abcd");
    sfe_builder_add_text(&builder, "efg");
    assert_true(builder.overflowed);
    assert_slice(sfe_builder_slice(&builder), "abcd");
    sfe_builder_add_byte(&builder, 'x');
    assert_slice(sfe_builder_slice(&builder), "abcd");
    sfe_builder_rewind(&builder, 2);
    sfe_builder_add_byte(&builder, 'x');
    assert_built(&builder, "abx");
}

static void a_part_is_clipped_to_the_whole(void **state)
{
    struct sfe_slice whole = SFE_TEXT("abcdef");
    (void)state;
    assert_slice(sfe_slice_part(whole, 2, 2), "cd");
    assert_slice(sfe_slice_part(whole, 4, SIZE_MAX), "ef");
    assert_slice(sfe_slice_part(whole, 9, 1), "");
    assert_slice(sfe_slice_part(sfe_slice_text(NULL), 1, 1), "");
}

static void formatted_text_may_fill_the_builder_to_the_last_byte(void **state)
{
    struct sfe_builder builder = fresh(7);
    (void)state;
    sfe_builder_format(&builder, "%s-%d", "abc", 123);
    assert_built(&builder, "abc-123");
    builder = fresh(6);
    sfe_builder_format(&builder, "%s-%d", "abc", 123);
    assert_true(builder.overflowed);
    assert_int_equal(builder.size, 0);
}

static void formatted_text_may_be_long(void **state)
{
    char text[1001];
    struct sfe_builder builder = fresh(sizeof(memory));
    (void)state;
    memset(text, 'y', 1000);
    text[1000] = '\0';
    sfe_builder_format(&builder, "%s", text);
    assert_built(&builder, text);
    builder = fresh(999);
    sfe_builder_format(&builder, "%s", text);
    assert_true(builder.overflowed);
    assert_int_equal(builder.size, 0);
}

static void integers_are_written_in_decimal_to_their_limits(void **state)
{
    struct sfe_builder builder = fresh(sizeof(memory));
    (void)state;
    sfe_builder_add_u64(&builder, 0);
    sfe_builder_add_byte(&builder, ' ');
    sfe_builder_add_u64(&builder, UINT64_MAX);
    sfe_builder_add_byte(&builder, ' ');
    sfe_builder_add_i64(&builder, INT64_MIN);
    sfe_builder_add_byte(&builder, ' ');
    sfe_builder_add_i64(&builder, -7);
    assert_built(&builder, "0 18446744073709551615 -9223372036854775808 -7");
    builder = fresh(2);
    sfe_builder_add_i64(&builder, -12);
    assert_true(builder.overflowed);
    assert_int_equal(builder.size, 0);
}

static void hexadecimal_is_lower_case(void **state)
{
    struct sfe_builder builder = fresh(sizeof(memory));
    (void)state;
    sfe_builder_add_hex(&builder, sfe_slice_make("\x00\xAb\xfF", 3));
    sfe_builder_add_hex(&builder, sfe_slice_text(NULL));
    assert_built(&builder, "00abff");
}

static void base64_is_that_of_rfc_4648(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct sfe_builder builder = fresh(sizeof(memory));
        sfe_builder_add_base64(&builder, sfe_slice_text(pairs[i][0]));
        assert_built(&builder, pairs[i][1]);
    }
    struct sfe_builder builder = fresh(sizeof(memory));
    sfe_builder_add_base64url(&builder, sfe_slice_make("\xfb\xff\xfe\xfb", 4));
    assert_built(&builder, "-__--w");
    builder = fresh(sizeof(memory));
    sfe_builder_add_base64(&builder, sfe_slice_make("\xfb\xff\xfe\xfb", 4));
    assert_built(&builder, "+//++w==");
}

static void little_endian_integers_come_back(void **state)
{
    struct sfe_builder builder = fresh(sizeof(memory));
    (void)state;
    sfe_builder_add_u16le(&builder, 0x1234);
    sfe_builder_add_u32le(&builder, 0x89abcdefu);
    sfe_builder_add_u64le(&builder, 0xfedcba9876543210u);
    assert_int_equal(memory[0], 0x34);
    assert_int_equal(memory[2], 0xef);
    assert_int_equal(memory[6], 0x10);
    struct sfe_reader reader = sfe_reader_make(sfe_builder_slice(&builder));
    assert_int_equal(sfe_reader_u16le(&reader), 0x1234);
    assert_int_equal(sfe_reader_u32le(&reader), 0x89abcdefu);
    assert_true(sfe_reader_u64le(&reader) == 0xfedcba9876543210u);
    assert_false(reader.failed);
    assert_int_equal(reader.rest.size, 0);
}

static void a_reader_that_failed_gives_nothing_more(void **state)
{
    struct sfe_reader reader = sfe_reader_make(SFE_TEXT("\x12\x34\x56\x78\x9a"));
    (void)state;
    assert_int_equal(sfe_reader_u16be(&reader), 0x1234);
    assert_int_equal(sfe_reader_u32be(&reader), 0);
    assert_true(reader.failed);
    assert_int_equal(sfe_reader_u8(&reader), 0);
    assert_int_equal(sfe_reader_take(&reader, 0).size, 0);
    reader = sfe_reader_make(SFE_TEXT("\x12\x34\x56\x78"));
    assert_int_equal(sfe_reader_u32be(&reader), 0x12345678);
    assert_false(reader.failed);
}

static void varints_come_back_in_the_fewest_bytes(void **state)
{
    static const struct {
        uint64_t value;
        size_t size;
    } cases[] = {{0, 1}, {127, 1}, {128, 2}, {16383, 2}, {16384, 3}, {UINT64_MAX, 10}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sfe_builder builder = fresh(sizeof(memory));
        sfe_builder_add_varint(&builder, cases[i].value);
        assert_int_equal(builder.size, cases[i].size);
        struct sfe_reader reader = sfe_reader_make(sfe_builder_slice(&builder));
        assert_true(sfe_reader_varint(&reader) == cases[i].value);
        assert_false(reader.failed);
    }
}

static void a_varint_beyond_64_bits_or_cut_off_fails(void **state)
{
    static const char *const bad[] = {
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01",
        "\xff",
        "",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct sfe_reader reader = sfe_reader_make(sfe_slice_text(bad[i]));
        assert_int_equal(sfe_reader_varint(&reader), 0);
        assert_true(reader.failed);
    }
}

static void utf8_follows_rfc_3629(void **state)
{
    static const char *const good[] = {"",
                                       "plain ascii text",
                                       "\xc2\x80",
                                       "gr\xc3\xbc\xc3\x9f",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xc3",         "abcdefgh\xe2\x82", "\xe2\x28\xa1",     "\xff",
        "\xf0\x90\x80z"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(sfe_utf8_valid(sfe_slice_text(good[i])));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(sfe_utf8_valid(sfe_slice_text(bad[i])));
    }
}

static void printable_text_has_no_controls_and_no_half_characters(void **state)
{
    char text[8];
    (void)state;
    sfe_printable(text, sizeof(text),
                  SFE_TEXT("a\n\x1b\xff\x7f"
                           "b"));
    assert_string_equal(text, "a????b");
    sfe_printable(text, sizeof(text), SFE_TEXT("12345\xe2\x82\xac"));
    assert_string_equal(text, "12345");
    sfe_printable(text, sizeof(text), SFE_TEXT("1234\xe2\x82\xac"));
    assert_string_equal(text, "1234\xe2\x82\xac");
    sfe_printable(text, sizeof(text),
                  SFE_TEXT("\xc2\x9b"
                           "31m"));
    assert_string_equal(text, "?31m");
    sfe_printable(text, 1, SFE_TEXT("abc"));
    assert_string_equal(text, "");
}

static void a_slice_is_zero_until_one_bit_of_it_is_not(void **state)
{
    uint8_t bytes[33] = {0};

    (void)state;
    assert_true(sfe_slice_is_zero(sfe_slice_make(NULL, 0)));
    assert_true(sfe_slice_is_zero(sfe_slice_make(bytes, sizeof(bytes))));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 1;
        assert_false(sfe_slice_is_zero(sfe_slice_make(bytes, sizeof(bytes))));
        assert_true(sfe_slice_is_zero(sfe_slice_make(bytes, i)));
        bytes[i] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_builder_keeps_what_fitted_before_the_overflow),
        cmocka_unit_test(a_part_is_clipped_to_the_whole),
        cmocka_unit_test(formatted_text_may_fill_the_builder_to_the_last_byte),
        cmocka_unit_test(formatted_text_may_be_long),
        cmocka_unit_test(integers_are_written_in_decimal_to_their_limits),
        cmocka_unit_test(hexadecimal_is_lower_case),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(little_endian_integers_come_back),
        cmocka_unit_test(a_reader_that_failed_gives_nothing_more),
        cmocka_unit_test(varints_come_back_in_the_fewest_bytes),
        cmocka_unit_test(a_varint_beyond_64_bits_or_cut_off_fails),
        cmocka_unit_test(utf8_follows_rfc_3629),
        cmocka_unit_test(a_slice_is_zero_until_one_bit_of_it_is_not),
        cmocka_unit_test(printable_text_has_no_controls_and_no_half_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
