#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/folder.h"

static void a_simulated_machine_has_no_folder_and_says_so(void **state)
{
    struct sfe_folder *folder = NULL;
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_folder_open("/var/spool/pos", &folder, &err), SFE_E_NOT_FOUND);
    assert_null(folder);
    assert_string_equal(err.message, "no '/var/spool/pos' in a simulation");
    sfe_folder_close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_simulated_machine_has_no_folder_and_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
