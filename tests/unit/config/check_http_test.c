#include "loading.h"

#define INPUT(more)                                                                                \
    ROOT("'streams': {'sales': {}}, 'inputs': {'w': {'type': 'http', 'stream': 'sales', " more "}" \
         "}")
#define TOKEN  "'auth': {'bearer_file': 't'}"
#define LISTEN "'listen': '127.0.0.1:8088'"
#define PATH   "'path': '/pos/sales'"

#define TLS(more) "'tls': {'cert_file': 'c', 'key_file': 'k'" more "}"

static const struct bad bad[] = {
    {INPUT(PATH ", " TOKEN ", 'listen': '0.0.0.0:8088'"), "/inputs/w/listen", 3, "not encrypted"},
    {INPUT(PATH ", " TOKEN ", 'listen': '[::]:8088'"), "/inputs/w/listen", 3, "not encrypted"},
    {INPUT(PATH ", " TOKEN ", 'listen': '192.168.0.1:80'"), "/inputs/w/listen", 3, "\"plain\""},
    {INPUT(PATH ", " TOKEN ", 'listen': 'localhost:80'"), "/inputs/w/listen", 3, "no address"},
    {INPUT(PATH ", " TOKEN ", 'listen': '127.0.0.256:80'"), "/inputs/w/listen", 3, "no address"},
    {INPUT(PATH ", " TOKEN ", 'listen': '127..0.1:80'"), "/inputs/w/listen", 3, "no address"},
    {INPUT(PATH ", " TOKEN ", 'listen': ':80'"), "/inputs/w/listen", 3, "no address"},
    {INPUT(PATH ", " TOKEN ", 'listen': '127.0.0.1:80/'"), "/inputs/w/listen", 3, "no address"},
    {INPUT(LISTEN ", " TOKEN ", 'path': 'pos'"), "/inputs/w/path", 3, "begins with /"},
    {INPUT(LISTEN ", " TOKEN ", 'path': '/'"), "/inputs/w/path", 3, "goes on"},
    {INPUT(LISTEN ", " TOKEN ", 'path': '/a/#'"), "/inputs/w/path", 3, "no space, +, #"},
    {INPUT(LISTEN ", " PATH ", 'auth': {'none': false}"), "/inputs/w/auth/none", 3, "true"},
    {INPUT(PATH ", 'auth': {'none': true}, 'listen': '0.0.0.0:80', " TLS("")), "/inputs/w/listen",
     3, "everybody who reaches 0.0.0.0 may send"},
    {INPUT(LISTEN ", " PATH ", 'auth': {'client_certificate': ['t']}, " TLS("")), "/inputs/w/auth",
     3, "\"client_ca_file\""},
    {INPUT(LISTEN ", " PATH ", 'auth': {'client_certificate': ['t']}"), "/inputs/w/auth", 3,
     "\"client_ca_file\""},
    {INPUT(LISTEN ", " PATH
                  ", 'auth': {'client_certificate': []}, " TLS(", 'client_ca_file': 'a'")),
     "/inputs/w/auth/client_certificate", 3, "a list of"},
    {INPUT(LISTEN ", " PATH ", 'auth': {'bearer_file': 't', 'hmac_timestamp_header': 'T'}"),
     "/inputs/w/auth", 3, "\"hmac_file\""},
    {INPUT(LISTEN ", " PATH ", " TOKEN ", 'tls': {'cert_file': 'c'}"), "/inputs/w/tls", 3,
     "exactly one"},
    {INPUT(LISTEN ", " PATH ", 'auth': {}"), "/inputs/w/auth", 3, "exactly one"},
    {INPUT(LISTEN ", " PATH), "/inputs/w", 3, "key \"auth\" is missing"},
};

static void what_is_unsafe_or_no_address_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_bad((struct loading *)*state, &bad[i]);
    }
}

static void two_inputs_do_not_listen_at_one_place(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading,
         ROOT("'streams': {'sales': {}}, 'inputs': {"
              "'a': {'type': 'http', 'stream': 'sales', " LISTEN ", " PATH ", " TOKEN "}, "
              "'b': {'type': 'http', 'stream': 'sales', " LISTEN ", " PATH ", " TOKEN "}}"));
    assert_int_equal(loading->mistake_count, 1);
    assert_string_equal(loading->mistakes[0].pointer, "/inputs/b/listen");
}

static void what_is_said_in_so_many_words_is_done(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state,
                  INPUT(PATH ", 'auth': {'none': true}, 'plain': true, 'listen': '[::]:8088'"));
    const struct sfe_config_input *input = &config->inputs[0];

    assert_int_equal(input->type, SFE_INPUT_HTTP);
    assert_int_equal(input->connection, UINT32_MAX);
    assert_string_equal(input->topic, "pos/sales");
    assert_string_equal(input->http.host, "::");
    assert_int_equal(input->http.port, 8088);
    assert_true(input->http.is_open);
    assert_string_equal(input->http.hmac_header, "X-Signature");
    assert_int_equal(input->http.request_bytes_max, 256 * 1024);
    assert_int_equal(input->http.connections, 8);
    assert_int_equal(input->http.rate, 100);
}

static void what_is_encrypted_and_asked_for_is_open_beyond_loopback(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        INPUT(PATH ", 'listen': '0.0.0.0:8443', " TLS(
            ", 'client_ca_file': 'a'") ", "
                                       "'auth': {'client_certificate': ['till-1', 'till-2']}"));
    const struct sfe_config_http *http = &config->inputs[0].http;

    assert_non_null(strstr(http->tls_client_ca_file, "a"));
    assert_int_equal(http->client_name_count, 2);
    assert_string_equal(http->client_names[1], "till-2");
    assert_false(http->plain);
    assert_int_equal(http->hmac_window_ns, UINT64_C(300000000000));
}

#define LOADING_TEST(test) cmocka_unit_test_setup_teardown(test, loading_open, loading_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADING_TEST(what_is_unsafe_or_no_address_is_refused),
        LOADING_TEST(two_inputs_do_not_listen_at_one_place),
        LOADING_TEST(what_is_said_in_so_many_words_is_done),
        LOADING_TEST(what_is_encrypted_and_asked_for_is_open_beyond_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
