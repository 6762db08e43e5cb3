#include "loading.h"

#define AUTH_OF(more)                                                                              \
    IN_CRM("'login_url': 'https://acme.my.salesforce.com', 'auth': {'client_id': 'k', " more "}")
#define CRM_WITH(more) ROOT("'connections': {'crm': " CRM(", " more) "}")

static const struct bad wrong[] = {
    {IN_MQTT("'url': 'mqtt://localhost', 'password_file': 'a', 'password': 'env:B'"),
     "/connections/site", 3, "found both of \"password_file\" and \"password\""},
    {AUTH_OF("'username': 'u'"), "/connections/crm/auth", 3,
     "found none of \"key_file\" and \"key\"; allowed: exactly one"},
    {AUTH_OF("'flow': 'client-credentials'"), "/connections/crm/auth", 3,
     "found none of \"client_secret_file\" and \"client_secret\""},
    {AUTH_OF("'flow': 'client-credentials', 'client_secret': 'env:S', 'username': 'u'"),
     "/connections/crm/auth/username", 3, "it goes with flow \"jwt-bearer\""},
    {AUTH_OF("'flow': 'refresh-token'"), "/connections/crm/auth", 3,
     "found none of \"refresh_token_file\" and \"refresh_token\""},
    {AUTH_OF("'flow': 'refresh-token', 'refresh_token': 'env:T', 'client_secret': 'env:S', "
             "'client_secret_file': 's'"),
     "/connections/crm/auth", 3, "found both of \"client_secret_file\" and \"client_secret\""},
    {CRM_WITH("'tls': {'cert_file': 'a'}"), "/connections/crm/tls", 3,
     "found \"cert_file\" alone; allowed: with \"key_file\" or \"key\""},
    {CRM_WITH("'tls': {'key': 'env:A'}"), "/connections/crm/tls", 3, "with \"cert_file\""},
    {CRM_WITH("'proxy': {'url': 'http://proxy.lan:3128', 'password': 'env:A'}"),
     "/connections/crm/proxy", 3, "with \"username\""},
    {IN_CRM("'login_url': 'https://login.salesforce.com', 'auth': {'client_id': 'k', 'flow': "
            "'client-credentials', 'client_secret': 'env:S'}"),
     "/connections/crm/login_url", 3, "does not answer the client-credentials flow"},
};

static void keys_that_exclude_or_need_each_other_are_told(void **state)
{
    BAD_LOOP((struct loading *)*state, wrong);
}

static void a_secret_itself_is_refused_and_not_shown(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, IN_MQTT("'url': 'mqtt://localhost', 'password': 'geheim'"));
    assert_int_equal(loading->mistake_count, 1);
    assert_string_equal(loading->mistakes[0].pointer, "/connections/site/password");
    assert_null(strstr(loading->mistakes[0].message, "geheim"));
    assert_non_null(strstr(loading->mistakes[0].message, "env:NAME"));
}

static void each_good_pair_loads(void **state)
{
    struct loading *loading = (struct loading *)*state;
    const struct sfe_config_salesforce *salesforce;

    salesforce = &load_good(loading, AUTH_OF("'flow': 'client-credentials', 'client_secret': "
                                             "'credential:crm'"))
                      ->connections[0]
                      .salesforce;
    assert_int_equal(salesforce->flow, SFE_AUTH_CLIENT_CREDENTIALS);
    assert_string_equal(salesforce->client_secret, "credential:crm");
    assert_null(salesforce->audience);
    salesforce = &load_good(loading, AUTH_OF("'flow': 'refresh-token', 'refresh_token_file': 'r', "
                                             "'client_secret': 'env:S'"))
                      ->connections[0]
                      .salesforce;
    assert_int_equal(salesforce->flow, SFE_AUTH_REFRESH_TOKEN);
    assert_string_equal(salesforce->refresh_token_file, "etc/r");
    assert_string_equal(salesforce->client_secret, "env:S");
    salesforce =
        &load_good(loading, CRM_WITH("'tls': {'cert_file': 'c.pem', 'key': 'env:K'}, 'interface': "
                                     "'wwan0', 'proxy': {'url': 'http://p:1/', 'username': 'u', "
                                     "'password_file': 'p', 'no_proxy': ['lan', '10.0.0.0/8']}"))
             ->connections[0]
             .salesforce;
    assert_string_equal(salesforce->cert_file, "etc/c.pem");
    assert_string_equal(salesforce->proxy_url, "http://p:1");
    assert_string_equal(salesforce->proxy_password_file, "etc/p");
    assert_int_equal(salesforce->no_proxy_count, 2);
    assert_string_equal(salesforce->no_proxy[1], "10.0.0.0/8");
    assert_string_equal(salesforce->interface, "wwan0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_exclude_or_need_each_other_are_told),
        cmocka_unit_test(a_secret_itself_is_refused_and_not_shown),
        cmocka_unit_test(each_good_pair_loads),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
