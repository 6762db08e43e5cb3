#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/keys.h"
#include "config/schema_table.h"

static char manual[64u * 1024u];

static void write_manual(void)
{
    struct sfe_builder builder = sfe_builder_make(manual, sizeof(manual) - 1);

    sfe_config_add_manual(&builder);
    assert_false(builder.overflowed);
    manual[builder.size] = '\0';
}

static void every_key_that_can_be_written_has_a_paragraph(void **state)
{
    const uint32_t count = keys_count();
    uint32_t wanted = 0;
    uint32_t found = 0;

    (void)state;
    write_manual();
    for (uint32_t i = 0; i < count; i++) {
        wanted += keys_is_reachable(keys_row(i)) && keys_is_used(keys_row(i)->section) ? 1u : 0u;
    }
    for (const char *at = manual; (at = strstr(at, ".TP\n.B ")) != NULL; at++) {
        found++;
    }
    assert_int_equal(found, wanted);
    assert_non_null(strstr(manual, ".B receive_maximum\n(type mqtt)\n"));
    assert_non_null(strstr(manual, "Default: 64MiB.\n"));
}

static void a_key_is_told_with_the_type_that_has_it(void **state)
{
    (void)state;
    write_manual();
    const char *every = strstr(manual, ".B every\n(type salesforce");

    assert_non_null(every);
    assert_memory_equal(every + strlen(".B every\n(type salesforce"), "\\-query, health)", 16);
}

static void no_line_of_text_begins_like_a_request(void **state)
{
    (void)state;
    write_manual();
    for (const char *at = manual; (at = strchr(at, '\n')) != NULL; at++) {
        bool is_request = at[1] == '.' || at[1] == '\'';
        if (is_request) {
            assert_true(strncmp(at + 1, ".TP\n", 4) == 0 || strncmp(at + 1, ".B ", 3) == 0 ||
                        strncmp(at + 1, ".SS ", 4) == 0);
        }
    }
    assert_null(strstr(manual, "\n\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_that_can_be_written_has_a_paragraph),
        cmocka_unit_test(a_key_is_told_with_the_type_that_has_it),
        cmocka_unit_test(no_line_of_text_begins_like_a_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
