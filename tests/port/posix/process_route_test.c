#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/process.h"

#include <string.h>

static enum sfe_code ask(const char *host, const char *interface, char text[96],
                         struct sfe_error *err)
{
    struct sfe_builder out = sfe_builder_make(text, 95);

    memset(text, 0, 96);
    return sfe_process_route(host, interface, &out, err);
}

static void loopback_is_reached_from_loopback(void **state)
{
    char text[96];
    struct sfe_error err;

    (void)state;
    assert_int_equal(ask("127.0.0.1", NULL, text, &err), SFE_OK);
    assert_string_equal(text, "127.0.0.1 (lo)");
}

static void interface_that_is_asked_for_is_taken_by_name_or_address(void **state)
{
    char text[96];
    struct sfe_error err;

    (void)state;
    assert_int_equal(ask("127.0.0.1", "lo", text, &err), SFE_OK);
    assert_string_equal(text, "127.0.0.1 (lo)");
    assert_int_equal(ask("127.0.0.1", "127.0.0.2", text, &err), SFE_OK);
    assert_string_equal(text, "127.0.0.2");
}

static void interface_that_is_not_there_is_named(void **state)
{
    char text[96];
    struct sfe_error err;

    (void)state;
    assert_int_equal(ask("127.0.0.1", "wwan7", text, &err), SFE_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "wwan7"));
    assert_int_equal(ask("127.0.0.1", "192.0.2.77", text, &err), SFE_E_NOT_FOUND);
    assert_string_equal(text, "");
}

static void host_that_is_not_there_is_a_failure(void **state)
{
    char text[96];
    struct sfe_error err;

    (void)state;
    assert_int_equal(ask("no..host", NULL, text, &err), SFE_E_NETWORK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_reached_from_loopback),
        cmocka_unit_test(interface_that_is_asked_for_is_taken_by_name_or_address),
        cmocka_unit_test(interface_that_is_not_there_is_named),
        cmocka_unit_test(host_that_is_not_there_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
