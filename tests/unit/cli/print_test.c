#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/print.h"

#include <string.h>

static void failing_gives_the_exit_code_of_the_error(void **state)
{
    struct sfe_error err;

    (void)state;
    (void)sfe_fail(&err, SFE_E_CONFIG, "a mistake");
    assert_int_equal(sfe_cli_fail("check", &err), 78);
    (void)sfe_fail(&err, SFE_E_STORAGE, "a bad disk");
    assert_int_equal(sfe_cli_fail("run", &err), 74);
}

static void long_texts_are_clipped_and_not_overrun(void **state)
{
    static char text[8192];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    sfe_cli_print_error("%s", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_gives_the_exit_code_of_the_error),
        cmocka_unit_test(long_texts_are_clipped_and_not_overrun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
