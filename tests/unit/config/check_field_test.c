#include "loading.h"

#define ORG                                                                                        \
    "'connections': {'crm': {'type': 'salesforce', 'login_url': 'https://login.salesforce.com', "  \
    "'auth': {'client_id': 'c', 'username': 'u', 'key_file': 'k'}}}, 'streams': {'t': {}}, "
#define FIELD(field)                                                                               \
    ROOT(ORG "'outputs': {'o': {'type': 'salesforce-records', 'connection': 'crm', 'from': 't', "  \
             "'records': [{'object': 'R__c', 'external_id': 'Id__c', 'map': {'Id__c': '{id}', "    \
             "'V__c': " field "}}]}}")
#define V    "/outputs/o/records/0/map/V__c"
#define WHEN "'when': {'/a': 1}, "

static const struct bad bad[] = {
    {FIELD("{'from': '/v', 'type': 'date', 'scale': 2}"), V "/type", 3, "make numbers"},
    {FIELD("{'from': '/v', 'lookup': 't.csv', 'offset': 2}"), V "/lookup", 3, "taken as it is"},
    {FIELD("{'value': 1, 'optional': false}"), V "/optional", 3, "beside \"value\""},
    {FIELD("{'case': [{" WHEN "'then': {'value': 1, 'type': 'int'}}]}"), V "/case/0/then/type", 3,
     "beside \"value\""},
    {FIELD("{'case': [{" WHEN "'then': 1}, {" WHEN "'then': {'from': '/v', 'if': {'/b': 1}}}]}"),
     V "/case/1/then/if", 3, "inside a case"},
    {FIELD("{'case': [{" WHEN "'then': 1}], 'else': {'from': '/v', 'unit': 'ms'}}"), V "/else/unit",
     3, "no effect here"},
    {FIELD("{'case': [{" WHEN "'then': 1}], 'default': 1, 'optional': true}"), V "/optional", 3,
     "beside \"default\""},
    {FIELD("{'case': [{" WHEN "'then': ''}]}"), V "/case/0/then", 3, "empty"},
};

static void what_has_no_effect_in_a_field_has_its_place(void **state)
{
    BAD_LOOP((struct loading *)*state, bad);
}

static void cases_inside_cases_are_refused(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, FIELD("{'case': [{" WHEN "'then': 1}], 'else': {'case': [{" WHEN
                        "'then': 2}], 'else': 3}}"));
    assert_int_equal(loading->mistake_count, 2);
    assert_string_equal(loading->mistakes[0].pointer, V "/else/case");
    assert_string_equal(loading->mistakes[1].pointer, V "/else/else");
}

static void cases_are_read_in_their_order_with_their_conditions(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        FIELD("{'type': 'string', 'else': null, 'case': [{'then': '/v', 'when': {'/a': {'gt': 2}}},"
              "{" WHEN "'then': {'from': '/w', 'type': 'int'}}]}"));
    const struct sfe_config_field *field = &config->outputs[0].records[0].fields[1];

    assert_int_equal(field->case_count, 2);
    assert_string_equal(field->cases[0].from, "/v");
    assert_false(field->cases[0].is_object);
    assert_int_equal(field->cases[0].condition_count, 2);
    assert_int_equal(field->cases[0].condition[1].kind, SFE_CONDITION_GT);
    assert_string_equal(field->cases[1].from, "/w");
    assert_true(field->cases[1].is_object);
    assert_int_equal(field->cases[1].type, SFE_TYPE_INT);
    assert_string_equal(field->cases[1].condition[1].operand, "1");
    assert_string_equal(field->otherwise->constant, "null");
    assert_int_equal(field->type, SFE_TYPE_STRING);
}

int main(void)
{
#define LOADING(test) cmocka_unit_test_setup_teardown(test, loading_open, loading_close)
    const struct CMUnitTest tests[] = {
        LOADING(what_has_no_effect_in_a_field_has_its_place),
        LOADING(cases_inside_cases_are_refused),
        LOADING(cases_are_read_in_their_order_with_their_conditions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
