#include "salesforce_world.h"

#include "salesforce/rest.h"

static struct sfe_json_token tokens[256];
static struct rest_error error;

static bool read_error(const char *body)
{
    return rest_read_error(sfe_slice_text(body), tokens, 256, &error);
}

static void the_first_error_of_the_array_counts(void **state)
{
    (void)state;
    assert_true(read_error("[{\"message\":\"No such column\",\"errorCode\":\"INVALID_FIELD\","
                           "\"fields\":[\"A__c\",\"B__c\"]},{\"errorCode\":\"OTHER\"}]"));
    assert_string_equal(error.code, "INVALID_FIELD");
    assert_string_equal(error.message, "No such column");
    assert_string_equal(error.fields, "A__c, B__c");
}

static void an_oauth_error_is_read_too(void **state)
{
    (void)state;
    assert_true(
        read_error("{\"error\":\"invalid_grant\",\"error_description\":\"no\\u0020user\"}"));
    assert_string_equal(error.code, "invalid_grant");
    assert_string_equal(error.message, "no user");
}

static void what_names_no_error_is_none(void **state)
{
    (void)state;
    assert_false(read_error(""));
    assert_false(read_error("[]"));
    assert_false(read_error("[1]"));
    assert_false(read_error("{}"));
    assert_false(read_error("{\"errorCode\":7}"));
    assert_false(read_error("<html>"));
    assert_int_equal(error.code[0], '\0');
}

static void control_bytes_and_length_are_tamed(void **state)
{
    char body[4096];
    char longest[2001];

    (void)state;
    memset(longest, 'x', 2000);
    longest[2000] = '\0';
    (void)snprintf(body, sizeof(body), "[{\"errorCode\":\"A\\nB\",\"message\":\"%s\"}]", longest);
    assert_true(read_error(body));
    assert_string_equal(error.code, "A?B");
    assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
}

static void a_page_is_told_from_an_answer(void **state)
{
    (void)state;
    assert_true(rest_is_html("text/html", SFE_TEXT("x")));
    assert_true(rest_is_html("", SFE_TEXT("\r\n <!DOCTYPE html>")));
    assert_false(rest_is_html("application/json", SFE_TEXT("[{}]")));
    assert_false(rest_is_html("", SFE_TEXT("")));
}

static void the_limit_header_is_read(void **state)
{
    uint64_t used = 1;
    uint64_t limit = 1;

    (void)state;
    assert_true(rest_read_limit_info("api-usage=25/15000", &used, &limit));
    assert_int_equal(used, 25);
    assert_int_equal(limit, 15000);
    assert_true(rest_read_limit_info("per-app-api-usage=17/250(appName=x); api-usage=26/15000",
                                     &used, &limit));
    assert_int_equal(used, 26);
    assert_false(rest_read_limit_info("", &used, &limit));
    assert_false(rest_read_limit_info("api-usage=", &used, &limit));
    assert_false(rest_read_limit_info("api-usage=1/", &used, &limit));
    assert_false(rest_read_limit_info("per-app-api-usage=17/250", &used, &limit));
    assert_int_equal(used, 26);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_of_the_array_counts),
        cmocka_unit_test(an_oauth_error_is_read_too),
        cmocka_unit_test(what_names_no_error_is_none),
        cmocka_unit_test(control_bytes_and_length_are_tamed),
        cmocka_unit_test(a_page_is_told_from_an_answer),
        cmocka_unit_test(the_limit_header_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
