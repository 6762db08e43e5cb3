#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/route.h"

static const char *exempts(const char *entry, const char *host)
{
    const char *const entries[] = {"first.example", entry};
    const struct sfe_config_salesforce config = {.no_proxy = entries, .no_proxy_count = 2};

    return route_exempts(&config, host);
}

static void a_name_exempts_itself_and_all_below_it(void **state)
{
    (void)state;
    assert_string_equal(exempts("acme.example", "acme.example"), "acme.example");
    assert_string_equal(exempts("acme.example", "My.ACME.example."), "acme.example");
    assert_string_equal(exempts(".acme.example", "my.acme.example"), ".acme.example");
    assert_null(exempts("acme.example", "notacme.example"));
    assert_null(exempts("acme.example", "example"));
    assert_null(exempts("my.acme.example", "acme.example"));
}

static void an_address_exempts_itself_and_a_network_all_in_it(void **state)
{
    (void)state;
    assert_non_null(exempts("10.1.2.3", "10.1.2.3"));
    assert_null(exempts("2.3", "10.1.2.3"));
    assert_non_null(exempts("10.0.0.0/8", "10.1.2.3"));
    assert_non_null(exempts("10.1.2.3/32", "10.1.2.3"));
    assert_null(exempts("10.0.0.0/16", "10.1.2.3"));
    assert_null(exempts("10.0.0.0/33", "10.1.2.3"));
    assert_null(exempts("10.0.0.0/8", "10.example"));
    assert_non_null(exempts("[::1]", "::1"));
}

static void who_names_nobody_exempts_nobody(void **state)
{
    const struct sfe_config_salesforce config = {.no_proxy_count = 0};

    (void)state;
    assert_null(route_exempts(&config, "acme.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_exempts_itself_and_all_below_it),
        cmocka_unit_test(an_address_exempts_itself_and_a_network_all_in_it),
        cmocka_unit_test(who_names_nobody_exempts_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
