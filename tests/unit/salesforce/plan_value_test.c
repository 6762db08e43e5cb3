#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "salesforce/org_plan_parts.h"

struct told {
    uint32_t count;
    struct sfe_plan_finding last;
};

static void on_finding(void *reader, const struct sfe_plan_finding *finding)
{
    struct told *told = reader;

    told->count++;
    told->last = *finding;
}

/* What is told of a value for a field of that type. */
static struct told check(const struct sfe_map_field *field, const struct sfe_plan_facts *facts)
{
    struct told told = {0};
    struct sfe_plan_record record = {0};
    const struct sfe_plan_listener listener = {NULL, 0, on_finding, &told};
    const struct plan_teller teller = {&record, &listener, 0};

    plan_check_value(&teller, field, facts);
    return told;
}

static void kinds_are_known_before_there_is_a_value(void **state)
{
    static const struct {
        const char *from;
        const char *constant;
        enum plan_kind kind;
    } rows[] = {
        {"/a", NULL, PLAN_ANY},         {"{/a}", NULL, PLAN_ANY},
        {"{item:/a}", NULL, PLAN_ANY},  {"{item}", NULL, PLAN_ANY},
        {"{/a}{/b}", NULL, PLAN_TEXT},  {"x{/a}", NULL, PLAN_TEXT},
        {"{{a}}", NULL, PLAN_TEXT},     {"{time}", NULL, PLAN_DATETIME},
        {"{seq}", NULL, PLAN_WHOLE},    {"{index}", NULL, PLAN_WHOLE},
        {"{topic.1}", NULL, PLAN_TEXT}, {"", NULL, PLAN_TEXT},
        {NULL, "\"a\"", PLAN_TEXT},     {NULL, "12", PLAN_WHOLE},
        {NULL, "-1.5", PLAN_DECIMAL},   {NULL, "1e3", PLAN_DECIMAL},
        {NULL, "true", PLAN_BOOLEAN},   {NULL, "null", PLAN_NULL},
        {NULL, "{}", PLAN_ANY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct sfe_map_field field = {.from = rows[i].from, .constant = rows[i].constant};
        assert_int_equal(plan_kind_of(&field), rows[i].kind);
    }
    const struct sfe_map_field typed = {.from = "/a", .type = SFE_MAP_DATE};
    assert_int_equal(plan_kind_of(&typed), PLAN_DATE);
}

static void each_case_is_compared_and_only_what_does_not_fit_is_told(void **state)
{
    struct sfe_map_field cases[] = {
        {.from = "/a", .type = SFE_MAP_DOUBLE}, {.constant = "7"}, {.constant = "\"x\""}};
    const struct sfe_map_field field = {.cases = cases, .case_count = 3};
    const struct sfe_plan_facts facts = {.name = "V__c", .type = "currency"};

    (void)state;
    assert_int_equal(check(&field, &facts).count, 1);
    assert_true(check(&field, &facts).last.is_failure);
    assert_int_equal(plan_kind_of(&field), PLAN_ANY);
    cases[2].constant = "2.5";
    assert_int_equal(check(&field, &facts).count, 0);
    cases[1].constant = "1.5";
    assert_int_equal(plan_kind_of(&field), PLAN_DECIMAL);
}

static void the_type_to_set_is_named(void **state)
{
    static const struct {
        const char *type;
        const char *fix;
    } rows[] = {{"currency", "set \"type\": \"double\""},
                {"long", "set \"type\": \"int\""},
                {"boolean", "set \"type\": \"boolean\""},
                {"date", "set \"type\": \"date\""},
                {"datetime", "set \"type\": \"datetime\""}};
    const struct sfe_map_field any = {.name = "F", .from = "/a"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sfe_plan_facts facts = {.name = "F"};
        sfe_printable(facts.type, sizeof(facts.type), sfe_slice_text(rows[i].type));
        const struct told told = check(&any, &facts);
        assert_int_equal(told.count, 1);
        assert_false(told.last.is_failure);
        assert_string_equal(told.last.fix, rows[i].fix);
    }
}

static void what_never_fits_is_a_failure(void **state)
{
    static const struct {
        const char *type;
        enum sfe_map_type mapped;
        bool is_failure;
    } rows[] = {
        {"string", SFE_MAP_DOUBLE, true},   {"string", SFE_MAP_BOOLEAN, true},
        {"double", SFE_MAP_STRING, true},   {"double", SFE_MAP_DATETIME, true},
        {"int", SFE_MAP_DOUBLE, false},     {"int", SFE_MAP_STRING, true},
        {"boolean", SFE_MAP_INT, true},     {"date", SFE_MAP_DATETIME, true},
        {"date", SFE_MAP_STRING, false},    {"datetime", SFE_MAP_DATE, false},
        {"datetime", SFE_MAP_DOUBLE, true}, {"base64", SFE_MAP_STRING, true},
        {"location", SFE_MAP_STRING, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct sfe_map_field field = {.name = "F", .from = "/a", .type = rows[i].mapped};
        struct sfe_plan_facts facts = {.name = "F"};
        sfe_printable(facts.type, sizeof(facts.type), sfe_slice_text(rows[i].type));
        const struct told told = check(&field, &facts);
        assert_int_equal(told.count, 1);
        assert_int_equal(told.last.is_failure, rows[i].is_failure);
    }
}

static void what_fits_is_not_told(void **state)
{
    static const struct {
        const char *type;
        enum sfe_map_type mapped;
    } rows[] = {
        {"string", SFE_MAP_STRING},   {"picklist", SFE_MAP_STRING},  {"string", SFE_MAP_AUTO},
        {"string", SFE_MAP_DATETIME}, {"reference", SFE_MAP_STRING}, {"double", SFE_MAP_INT},
        {"percent", SFE_MAP_DOUBLE},  {"int", SFE_MAP_INT},          {"boolean", SFE_MAP_BOOLEAN},
        {"date", SFE_MAP_DATE},       {"datetime", SFE_MAP_DATETIME}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct sfe_map_field field = {.name = "F", .from = "/a", .type = rows[i].mapped};
        struct sfe_plan_facts facts = {.name = "F", .length = 80};
        sfe_printable(facts.type, sizeof(facts.type), sfe_slice_text(rows[i].type));
        assert_int_equal(check(&field, &facts).count, 0);
    }
}

static void lengths_are_characters_that_come_in_any_case(void **state)
{
    static const struct {
        const char *from;
        const char *constant;
        uint32_t length;
    } rows[] = {{"/a", NULL, 0},           {"{/a}", NULL, 0},          {"x{/a}yz", NULL, 3},
                {"{id}", NULL, 32},        {"{id}-{/no}", NULL, 33},   {"{{{/a}}}", NULL, 2},
                {"\xc3\xa4{/a}", NULL, 1}, {NULL, "\"a\\u00e4b\"", 3}, {NULL, "12", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct sfe_map_field field = {.from = rows[i].from, .constant = rows[i].constant};
        assert_int_equal(plan_length_min(&field), rows[i].length);
    }
}

static void sizes_are_bounds_that_include_themselves(void **state)
{
    const struct sfe_map_field id = {.name = "F", .from = "{id}"};
    const struct sfe_map_field number = {.name = "F", .constant = "-00123.5"};
    struct sfe_plan_facts text = {.name = "F", .type = "string", .length = 32};
    struct sfe_plan_facts digits = {.name = "F", .type = "double", .whole_digits = 3};

    (void)state;
    assert_int_equal(check(&id, &text).count, 0);
    text.length = 31;
    assert_true(check(&id, &text).last.is_failure);
    assert_int_equal(check(&number, &digits).count, 0);
    digits.whole_digits = 2;
    assert_true(check(&number, &digits).last.is_failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_known_before_there_is_a_value),
        cmocka_unit_test(each_case_is_compared_and_only_what_does_not_fit_is_told),
        cmocka_unit_test(the_type_to_set_is_named),
        cmocka_unit_test(what_never_fits_is_a_failure),
        cmocka_unit_test(what_fits_is_not_told),
        cmocka_unit_test(lengths_are_characters_that_come_in_any_case),
        cmocka_unit_test(sizes_are_bounds_that_include_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
