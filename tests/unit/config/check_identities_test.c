#include "loading.h"

#define FILE_OF(identities, more)                                                                  \
    ROOT("'streams': {'sales': {}}, 'identities': {" identities "}, 'inputs': {'web': "            \
         "{'type': 'http', 'stream': 'sales', 'listen': '127.0.0.1:80', 'path': '/a', "            \
         "'auth': {'identities': true}" more "}}")
#define ONE(more) "'one': {" more "}"
#define TOKEN     "'bearer_file': 't'"
#define TLS       ", 'tls': {'cert_file': 'c', 'key_file': 'k', 'client_ca_file': 'a'}"
#define SIGNS(n)  "'s" n "': {'hmac_file': 's'}"
#define PRINT     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct bad bad[] = {
    {FILE_OF(ONE(TOKEN ", 'inputs': ['wep']"), ""), "/identities/one/inputs/0", 3,
     "did you mean \"web\"?"},
    {FILE_OF(ONE(TOKEN ", 'inputs': ['web', 'x']"), ""), "/identities/one/inputs/1", 3, "none is"},
    {FILE_OF(ONE(TOKEN ", 'streams': ['sale']"), ""), "/identities/one/streams/0", 3,
     "did you mean \"sales\"?"},
    {FILE_OF(ONE("'certificate': ['a']"), ""), "/identities/one/certificate", 3,
     "\"client_ca_file\""},
    {FILE_OF(ONE("'certificate': ['a', 'sha256:" PRINT "0']"), TLS),
     "/identities/one/certificate/1", 3, "64 hexadecimal digits"},
    {FILE_OF(ONE("'certificate': ['sha256:']"), TLS), "/identities/one/certificate/0", 3, "64"},
    {FILE_OF(ONE(""), ""), "/identities/one", 3, "exactly one"},
    {FILE_OF(ONE(TOKEN ", 'hmac_file': 't'"), ""), "/identities/one", 3, "exactly one"},
    {FILE_OF("", ""), "/inputs/web/auth/identities", 3, "there are no identities"},
    {FILE_OF(SIGNS("1") ", " SIGNS("2") ", " SIGNS("3") ", " SIGNS("4") ", " SIGNS("5") ", " SIGNS(
                 "6") ", " SIGNS("7") ", " SIGNS("8") ", " SIGNS("9"),
             ""),
     "/identities/s9", 3, "at most 8"},
};

static void what_names_nothing_or_cannot_be_known_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_bad((struct loading *)*state, &bad[i]);
    }
}

static void scopes_and_ways_are_read(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        FILE_OF(ONE(TOKEN ", 'inputs': ['web'], 'streams': ['sales', 'dead'], 'where': "
                          "{'/a': 1}") ", 'two': {'certificate': ['x', 'sha256:" PRINT "']}",
                TLS));

    assert_int_equal(config->identity_count, 2);
    assert_string_equal(config->identities[0].name, "one");
    assert_string_equal(config->identities[0].inputs[0], "web");
    assert_int_equal(config->identities[0].stream_count, 2);
    assert_int_equal(config->identities[0].where_count, 2);
    assert_int_equal(config->identities[1].certificate_count, 2);
    assert_int_equal(config->identities[1].input_count, 0);
    assert_true(config->inputs[0].http.by_identity);
}

#define LOADING_TEST(test) cmocka_unit_test_setup_teardown(test, loading_open, loading_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADING_TEST(what_names_nothing_or_cannot_be_known_is_refused),
        LOADING_TEST(scopes_and_ways_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
