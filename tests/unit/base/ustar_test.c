#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ustar.h"

#include <string.h>

static uint8_t memory[8192];

/* Digits as the format has them, up to a NUL. */
static uint64_t octal(const uint8_t *field)
{
    uint64_t number = 0;

    for (; *field >= '0' && *field <= '7'; field++) {
        number = number * 8u + (uint64_t)(*field - '0');
    }
    assert_int_equal(*field, 0);
    return number;
}

static void a_header_holds_what_readers_of_the_format_look_for(void **state)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    uint64_t sum = 0;

    (void)state;
    sfe_ustar_add_file(&out, "a/b.txt", SFE_TEXT("hello"), 1764000123);
    assert_int_equal(out.size, 1024);
    assert_string_equal((const char *)memory, "a/b.txt");
    assert_int_equal(octal(memory + 100), 0600);
    assert_int_equal(octal(memory + 124), 5);
    assert_int_equal(octal(memory + 136), 1764000123);
    assert_memory_equal(memory + 257, "ustar\00000", 8);
    assert_int_equal(memory[156], '0');
    for (size_t i = 0; i < 512; i++) {
        sum += i >= 148 && i < 156 ? ' ' : memory[i];
    }
    assert_int_equal(octal(memory + 148), sum);
    assert_memory_equal(memory + 512, "hello\0\0\0", 8);
}

static void files_end_at_whole_blocks_and_the_archive_with_two_empty_ones(void **state)
{
    static const char block[512] = "x";
    static const uint8_t zeros[1024];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));

    (void)state;
    sfe_ustar_add_file(&out, "empty", (struct sfe_slice){NULL, 0}, 0);
    assert_int_equal(out.size, 512);
    sfe_ustar_add_file(&out, "full", sfe_slice_make(block, 512), 0);
    assert_int_equal(out.size, 512 + 1024);
    sfe_ustar_add_end(&out);
    assert_int_equal(out.size, 512 + 1024 + 1024);
    assert_memory_equal(memory + 1536, zeros, 1024);
}

static void an_archive_that_does_not_fit_says_so(void **state)
{
    struct sfe_builder out = sfe_builder_make(memory, 1000);

    (void)state;
    sfe_ustar_add_file(&out, "a", SFE_TEXT("hello"), 0);
    assert_true(out.overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_holds_what_readers_of_the_format_look_for),
        cmocka_unit_test(files_end_at_whole_blocks_and_the_archive_with_two_empty_ones),
        cmocka_unit_test(an_archive_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
