#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "salesforce/host.h"

#include <string.h>

static void assert_host(const char *url, const char *host)
{
    struct sfe_slice found = host_of_url(sfe_slice_text(url));

    assert_int_equal(found.size, strlen(host));
    assert_memory_equal(found.size == 0 ? (const uint8_t *)"" : found.bytes, host, found.size);
}

static void the_host_is_found_and_nothing_else_is_taken_for_one(void **state)
{
    (void)state;
    assert_host("https://acme.my.salesforce.com", "acme.my.salesforce.com");
    assert_host("HTTPS://acme.my.salesforce.com:443", "acme.my.salesforce.com");
    assert_host("http://[::1]:8080", "::1");
    assert_host("https://evil.example/.salesforce.com", "");
    assert_host("https://login.salesforce.com@evil.example", "");
    assert_host("https://evil.example\\.salesforce.com", "");
    assert_host("https://evil.example#.salesforce.com", "");
    assert_host("https://[::1", "");
    assert_host("https://a:b", "");
    assert_host("https://a:", "");
    assert_host("ftp://acme", "");
    assert_host("acme", "");
    assert_host("", "");
}

static bool is_of_org(const char *instance_url, const char *login_url)
{
    return host_is_of_org(sfe_slice_text(instance_url), sfe_slice_text(login_url));
}

static void a_token_goes_to_salesforce_or_to_the_host_that_gave_it(void **state)
{
    static const char login[] = "https://login.salesforce.com";

    (void)state;
    assert_true(is_of_org("https://acme.my.salesforce.com", login));
    assert_true(is_of_org("https://ACME.My.Salesforce.Com", login));
    assert_true(is_of_org("https://acme--uat.sandbox.my.salesforce.com", login));
    assert_true(is_of_org("https://acme.lightning.force.com", login));
    assert_true(is_of_org("https://org.lan:8443", "https://org.lan"));
    assert_true(is_of_org("https://eu.org.lan", "https://org.lan"));
    assert_true(is_of_org("http://127.0.0.1:8089", "http://127.0.0.1:8089"));
    assert_true(is_of_org("https://[::1]:8089", "https://org.lan"));
}

static void a_token_goes_to_no_other_host(void **state)
{
    static const char login[] = "https://login.salesforce.com";

    (void)state;
    assert_false(is_of_org("https://salesforce.com.evil.example", login));
    assert_false(is_of_org("https://evilsalesforce.com", login));
    assert_false(is_of_org("https://salesforce.com@evil.example", login));
    assert_false(is_of_org("https://127.0.0.1.evil.example", login));
    assert_false(is_of_org("https://127.evil.example", login));
    assert_false(is_of_org("https://evil-org.lan", "https://org.lan"));
    assert_false(is_of_org("https://lan", "https://org.lan"));
    assert_false(is_of_org("http://acme.my.salesforce.com", login));
    assert_false(is_of_org("http://127.0.0.1", login));
    assert_false(is_of_org("https://", login));
    assert_false(is_of_org("", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_is_found_and_nothing_else_is_taken_for_one),
        cmocka_unit_test(a_token_goes_to_salesforce_or_to_the_host_that_gave_it),
        cmocka_unit_test(a_token_goes_to_no_other_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
