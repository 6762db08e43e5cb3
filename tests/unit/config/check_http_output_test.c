#include "loading.h"

#define OUT(more)                                                                                  \
    ROOT("'streams': {'sales': {}}, 'outputs': {'o': {'type': 'http', 'from': 'sales', " more "}"  \
         "}")
#define URL "'url': 'https://h/x'"

static const struct bad bad[] = {
    {OUT("'url': 'http://10.0.0.1/x'"), "/outputs/o/url", 3, "not encrypted"},
    {OUT("'url': 'https://{/host}/x'"), "/outputs/o/url", 3, "the host is fixed"},
    {OUT("'url': 'https://a:b@h/x'"), "/outputs/o/url", 3, "a name or password"},
    {OUT("'url': 'ftp://h/x'"), "/outputs/o/url", 3, "no such scheme"},
    {OUT("'url': 'h/x'"), "/outputs/o/url", 3, "allowed"},
    {OUT("'url': 'https://h/a b'"), "/outputs/o/url", 3, "no spaces"},
    {OUT("'url': 'https://h/a#b'"), "/outputs/o/url", 3, "no #"},
    {OUT("'url': 'http://localhost/x', 'tls': {'ca_file': 'a'}"), "/outputs/o/tls", 3, "no effect"},
    {OUT(URL ", 'method': 'GET', 'body': {}"), "/outputs/o/body", 3, "a GET has no body"},
    {OUT(URL ", 'method': 'DELETE', 'batch_events': 2"), "/outputs/o/batch_events", 3, "no batch"},
    {OUT(URL ", 'body': 'text', 'batch_events': 2"), "/outputs/o/batch_events", 3, "plain text"},
    {OUT(URL ", 'headers': {'Host': 'x'}"), "/outputs/o/headers/Host", 3, "not for the config"},
    {OUT(URL ", 'headers': {'transfer-encoding': 'x'}"), "/outputs/o/headers/transfer-encoding", 3,
     "not for the config"},
    {OUT(URL ", 'headers': {'A b': 'x'}"), "/outputs/o/headers/A b", 3, "no name of a header"},
    {OUT(URL ", 'headers': {'A': {'b': 'x'}}"), "/outputs/o/headers/A", 3, "is one value"},
    {OUT(URL ", 'headers': {'idempotency-key': 'x'}"), "/outputs/o/headers/idempotency-key", 3,
     "identity"},
    {OUT(URL ", 'headers': ['A']"), "/outputs/o/headers", 3, "found no object"},
    {OUT(URL ", 'identity_header': 'Content-Length'"), "/outputs/o/identity_header", 3, "not for"},
    {OUT(URL ", 'settle': {'done': ['40x']}"), "/outputs/o/settle", 3, "is no status"},
    {OUT(URL ", 'settle': {'done': ['409'], 'dead': ['409']}"), "/outputs/o/settle", 3,
     "in two lists"},
    {OUT(URL ", 'auth': {}"), "/outputs/o/auth", 3, "exactly one"},
    {OUT(URL ", 'auth': {'bearer_file': 't', 'key_file': 't'}"), "/outputs/o/auth", 3, "exactly"},
    {OUT(URL ", 'auth': {'password_file': 't'}"), "/outputs/o/auth", 3, "\"user\""},
    {OUT(URL ", 'auth': {'bearer_file': 't', 'key_header': 'X'}"), "/outputs/o/auth/key_header", 3,
     "no effect"},
    {OUT(URL ", 'tls': {'cert_file': 'c'}"), "/outputs/o/tls", 3, "alone"},
    {OUT("'method': 'POST'"), "/outputs/o", 3, "key \"url\" is missing"},
};

static void what_does_not_fit_is_told(void **state)
{
    BAD_LOOP((struct loading *)*state, bad);
}

static void an_address_is_taken_apart(void **state)
{
    static const struct {
        const char *text;
        const char *base;
        const char *path;
    } cases[] = {
        {OUT("'url': 'https://h'"), "https://h", "/"},
        {OUT("'url': 'https://h:8443/a/{/id}?q={topic}'"), "https://h:8443", "/a/{/id}?q={topic}"},
        {OUT("'url': 'http://[::1]:80?q=1'"), "http://[::1]:80", "?q=1"},
        {OUT("'url': 'http://10.0.0.1/x', 'plain': true"), "http://10.0.0.1", "/x"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct sfe_config_output *output =
            &load_good((struct loading *)*state, cases[i].text)->outputs[0];
        assert_string_equal(output->http.base, cases[i].base);
        assert_string_equal(output->http.path, cases[i].path);
        assert_int_equal(output->connection, UINT32_MAX);
    }
}

static void what_is_not_said_has_its_default(void **state)
{
    const struct sfe_config_output *output =
        &load_good((struct loading *)*state, OUT(URL ", 'auth': {'hmac_file': 'h'}"))->outputs[0];

    assert_int_equal(output->http.method, SFE_HTTP_POST);
    assert_string_equal(output->http.identity_header, "Idempotency-Key");
    assert_string_equal(output->http.auth.hmac_header, "X-Signature");
    assert_null(output->http.auth.key_header);
    assert_int_equal(output->http.batch_events, 1);
    assert_int_equal(output->requests_in_flight, 4);
    assert_int_equal(output->http.body.count, 0);
}

int main(void)
{
#define LOADING(test) cmocka_unit_test_setup_teardown(test, loading_open, loading_close)
    const struct CMUnitTest tests[] = {
        LOADING(what_does_not_fit_is_told),
        LOADING(an_address_is_taken_apart),
        LOADING(what_is_not_said_has_its_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
