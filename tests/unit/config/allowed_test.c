#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/keys.h"

static void assert_allowed(enum config_section section, const char *key, const char *type,
                           const char *expected)
{
    uint8_t memory[512];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory) - 1);
    const struct config_key *row = keys_find(section, sfe_slice_text(key), sfe_slice_text(type));

    assert_non_null(row);
    keys_add_allowed(row, &builder);
    memory[builder.size] = '\0';
    assert_string_equal((const char *)memory, expected);
}

static void each_kind_says_what_it_takes_and_within_which_bounds(void **state)
{
    (void)state;
    assert_allowed(SFE_SECTION_STREAM, "priority", "", "a whole number, 0 to 1000");
    assert_allowed(SFE_SECTION_STREAM, "encrypt", "", "true or false");
    assert_allowed(SFE_SECTION_STREAM, "linger", "",
                   "text such as \"5s\" (units ms s m h d), 0s to 10s");
    assert_allowed(SFE_SECTION_THIN, "keep_every", "", "a whole number, 2 to 1000000");
    assert_allowed(SFE_SECTION_AGENT, "quota", "",
                   "text such as \"64KiB\" (units kB MB GB KiB MiB GiB), 256KiB to 1024GiB");
}

static void a_note_stands_behind(void **state)
{
    (void)state;
    assert_allowed(SFE_SECTION_STREAM, "quota", "",
                   "text such as \"64KiB\" (units kB MB GB KiB MiB GiB), 256KiB to 1024GiB (at "
                   "least 4 segments)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_says_what_it_takes_and_within_which_bounds),
        cmocka_unit_test(a_note_stands_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
