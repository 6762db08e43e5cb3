#include "salesforce_world.h"

#include "salesforce/composite.h"

static struct sfe_json_token tokens[512];
static struct sfe_json json;
static struct composite_result results[COMPOSITE_PARTS_MAX];
static struct sfe_error err;

static enum sfe_code read_answer(const char *body, uint32_t count)
{
    assert_int_equal(sfe_json_parse(sfe_slice_text(body), 0, tokens, 512, &json, &err), SFE_OK);
    return composite_read(&json, count, results, &err);
}

#define PART(number, status)                                                                       \
    "{\"body\":[],\"httpHeaders\":{},\"httpStatusCode\":" status ",\"referenceId\":\"" number "\"" \
    "}"

static void each_subrequest_is_found_by_its_name(void **state)
{
    (void)state;
    assert_int_equal(
        read_answer("{\"compositeResponse\":[" PART("p1", "400") "," PART("p0", "200") "]}", 2),
        SFE_OK);
    assert_int_equal(results[0].http_status, 200);
    assert_int_equal(results[1].http_status, 400);
    assert_int_equal(sfe_json_kind(&json, results[0].body), SFE_JSON_ARRAY);
    assert_true(results[0].body > results[1].body);
}

static void an_answer_that_lacks_a_subrequest_says_nothing(void **state)
{
    static const char *const answers[] = {
        "{\"compositeResponse\":[" PART("p0", "200") "]}",
        "{\"compositeResponse\":[" PART("p0", "200") "," PART("p0", "200") "]}",
        "{\"compositeResponse\":[" PART("p0", "200") "," PART("p2", "200") "]}",
        "{\"compositeResponse\":[" PART("p0", "200") "," PART("x1", "200") "]}",
        "{\"compositeResponse\":[" PART("p0", "200") "," PART("p1", "\"200\"") "]}",
        "{\"compositeResponse\":[" PART("p0", "200") "," PART("p1", "20") "]}",
        "{\"compositeResponse\":[" PART("p0", "200") "," PART("p1", "999") "]}",
        "{\"compositeResponse\":[" PART("p0", "200") ",{\"referenceId\":\"p1\","
                                                     "\"httpStatusCode\":200}]}",
        "{\"compositeResponse\":[" PART("p0", "200") ",null]}",
        "{\"compositeResponse\":{}}",
        "[]",
        "{}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        assert_int_equal(read_answer(answers[i], 2), SFE_E_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_subrequest_is_found_by_its_name),
        cmocka_unit_test(an_answer_that_lacks_a_subrequest_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
