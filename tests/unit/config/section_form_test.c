#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/keys.h"

#include <string.h>

static void each_section_has_a_name_and_a_heading_of_its_own(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SFE_SECTION_COUNT; i++) {
        const struct config_section_form *form = keys_form((enum config_section)i);
        assert_non_null(form->name);
        assert_non_null(form->heading);
        for (uint32_t k = 0; k < i; k++) {
            assert_string_not_equal(form->heading, keys_form((enum config_section)k)->heading);
        }
    }
}

static void a_section_of_types_has_the_key_that_tells_them(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SFE_SECTION_COUNT; i++) {
        const struct config_section_form *form = keys_form((enum config_section)i);
        if (form->types != NULL) {
            assert_non_null(keys_find((enum config_section)i, sfe_slice_text(form->types),
                                      sfe_slice_make(NULL, 0)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_section_has_a_name_and_a_heading_of_its_own),
        cmocka_unit_test(a_section_of_types_has_the_key_that_tells_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
