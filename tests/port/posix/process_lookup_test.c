#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/process.h"

#include <string.h>

static void a_literal_is_its_own_address(void **state)
{
    char text[64] = "";
    struct sfe_builder addresses = sfe_builder_make(text, sizeof(text) - 1);
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_process_lookup("127.0.0.1", &addresses, &err), SFE_OK);
    assert_string_equal(text, "127.0.0.1");
}

static void addresses_that_do_not_fit_are_left_out(void **state)
{
    char text[4] = "";
    struct sfe_builder addresses = sfe_builder_make(text, sizeof(text) - 1);
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_process_lookup("127.0.0.1", &addresses, &err), SFE_OK);
    assert_int_equal(addresses.size, 0);
}

static void a_host_that_cannot_exist_is_named_in_the_error(void **state)
{
    char text[64];
    struct sfe_builder addresses = sfe_builder_make(text, sizeof(text));
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_process_lookup("no..host", &addresses, &err), SFE_E_NETWORK);
    assert_non_null(strstr(err.message, "no..host"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_is_its_own_address),
        cmocka_unit_test(addresses_that_do_not_fit_are_left_out),
        cmocka_unit_test(a_host_that_cannot_exist_is_named_in_the_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
