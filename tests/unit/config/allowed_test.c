#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/keys.h"

static void words_that_are_not_available_are_not_offered(void **state)
{
    char memory[128];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));

    (void)state;
    keys_add_allowed(keys_find(SFE_SECTION_INPUT, SFE_TEXT("type"), SFE_TEXT("")), &builder);
    assert_true(sfe_slice_equal(sfe_builder_slice(&builder), SFE_TEXT("\"mqtt\"")));
}

static void every_row_says_what_is_allowed_and_figures_are_its_own(void **state)
{
    uint32_t count;
    const struct config_key *rows = keys_table(&count);
    static const char qos[] = "a whole number, 0 to 1";
    char memory[256];

    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
        if (keys_is_reachable(&rows[i])) {
            keys_add_allowed(&rows[i], &builder);
            assert_true(builder.size > 0 && !builder.overflowed);
        }
    }
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    keys_add_allowed(keys_find(SFE_SECTION_INPUT, SFE_TEXT("qos"), SFE_TEXT("mqtt")), &builder);
    assert_true(builder.size >= strlen(qos) && memcmp(memory, qos, strlen(qos)) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_are_not_available_are_not_offered),
        cmocka_unit_test(every_row_says_what_is_allowed_and_figures_are_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
