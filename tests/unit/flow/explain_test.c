#include "fixture.h"

#include "flow/explain.h"

static uint8_t found_memory[256];
static uint8_t result_memory[256];

static const struct sfe_map_field FIELDS[] = {
    {.name = "Key__c", .from = "{/id}-{topic.1}"},
    {.name = "Value__c", .from = "/value", .type = SFE_MAP_DOUBLE},
    {.name = "At__c", .from = "{time}"},
    {.name = "Kind__c", .constant = "\"edge\""},
    {.name = "Note__c", .from = "/note", .is_optional = true},
    {.name = "Raw__c", .from = "{payload:base64}"},
};

static struct sfe_map_step explain(const char *payload, uint32_t field)
{
    const struct sfe_map_options options = {.object = "Reading__c",
                                            .fields = FIELDS,
                                            .field_count = sizeof(FIELDS) / sizeof(FIELDS[0]),
                                            .agent_id = "a"};
    struct sfe_map *map = NULL;
    struct sfe_map_step step = {0};

    memset(found_memory, 0, sizeof(found_memory));
    memset(result_memory, 0, sizeof(result_memory));
    step.found = sfe_builder_make(found_memory, sizeof(found_memory) - 1);
    step.result = sfe_builder_make(result_memory, sizeof(result_memory) - 1);
    assert_int_equal(
        sfe_map_compile(&options, fixture.arena, &map, &fixture.bad_field, &fixture.err), SFE_OK);
    assert_int_equal(sfe_map_field_count(map), sizeof(FIELDS) / sizeof(FIELDS[0]));
    fixture_event(payload);
    sfe_map_explain(map, field, &fixture.subject, 0, 0, &step);
    return step;
}

static void each_part_shows_what_it_found(void **state)
{
    struct sfe_map_step step = explain("{\"id\":\"R\\n1\"}", 0);

    (void)state;
    assert_string_equal(step.field, "Key__c");
    assert_string_equal(step.type, "auto");
    assert_string_equal((const char *)found_memory, "{\"/id\":\"R\\n1\",\"topic.1\":\"p1\"}");
    assert_string_equal((const char *)result_memory, "\"R\\n1-p1\"");
    assert_int_equal(step.err.code, SFE_OK);
}

static void a_number_keeps_its_digits_and_its_type_is_named(void **state)
{
    struct sfe_map_step step = explain("{\"value\":21.50}", 1);

    (void)state;
    assert_string_equal(step.type, "double");
    assert_string_equal((const char *)found_memory, "{\"/value\":21.50}");
    assert_string_equal((const char *)result_memory, "21.50");
}

static void a_value_that_does_not_fit_has_its_reason_and_no_result(void **state)
{
    struct sfe_map_step step = explain("{\"value\":\"12,50\"}", 1);

    (void)state;
    assert_int_equal(step.err.code, SFE_E_UNMAPPED);
    assert_non_null(strstr(step.err.message, "is not a number"));
    assert_string_equal(step.err.pointer, "/value");
    assert_string_equal((const char *)found_memory, "{\"/value\":\"12,50\"}");
    assert_int_equal(step.result.size, 0);
}

static void times_constants_and_base64_are_shown(void **state)
{
    (void)state;
    (void)explain("{}", 2);
    assert_string_equal((const char *)found_memory, "{\"time\":\"2025-11-24T16:02:03.456Z\"}");
    (void)explain("{}", 3);
    assert_string_equal((const char *)found_memory, "{}");
    assert_string_equal((const char *)result_memory, "\"edge\"");
    (void)explain("{}", 5);
    assert_string_equal((const char *)found_memory, "{\"payload:base64\":\"e30=\"}");
}

static void an_optional_field_without_a_value_is_left_out(void **state)
{
    struct sfe_map_step step = explain("{}", 4);

    (void)state;
    assert_true(step.is_left_out);
    assert_int_equal(step.err.code, SFE_OK);
    assert_string_equal((const char *)found_memory, "{}");
    assert_int_equal(step.result.size, 0);
}

static void what_was_found_is_json_even_where_it_does_not_fit(void **state)
{
    char payload[400];

    (void)state;
    memset(payload, 'x', sizeof(payload));
    memcpy(payload, "{\"value\":\"", 10);
    memcpy(payload + 397, "\"}", 3);
    struct sfe_map_step step = explain(payload, 1);
    assert_true(sfe_slice_equal(sfe_builder_slice(&step.found), SFE_TEXT("{}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_part_shows_what_it_found),
        TEST(a_number_keeps_its_digits_and_its_type_is_named),
        TEST(a_value_that_does_not_fit_has_its_reason_and_no_result),
        TEST(times_constants_and_base64_are_shown),
        TEST(an_optional_field_without_a_value_is_left_out),
        TEST(what_was_found_is_json_even_where_it_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
