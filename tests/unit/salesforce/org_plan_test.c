#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "salesforce/org_metadata.h"
#include "salesforce/org_plan_parts.h"

#include <stdio.h>

static struct sfe_json_token tokens[256];
static struct sfe_arena *arena;
static struct sfe_error err;
static char told[2048]; /* "index:fail|warn:message\n" */

static void on_finding(void *reader, const struct sfe_plan_finding *finding)
{
    const size_t size = strlen(told);

    (void)reader;
    assert_true(finding->fix[0] != '\0');
    assert_true(snprintf(told + size, sizeof(told) - size, "%u:%s:%s\n", (unsigned)finding->field,
                         finding->is_failure ? "fail" : "warn", finding->message) > 0);
}

static const struct sfe_plan_listener LISTENER = {tokens, 256, on_finding, NULL};

#define FIELD(name, type, more)                                                                    \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"createable\":true,\"updateable\":true,"        \
    "\"nillable\":true" more "}"
#define OBJECT(fields) "{\"createable\":true,\"updateable\":true,\"fields\":[" fields "]}"
#define ID             ",\"externalId\":true,\"unique\":true,\"caseSensitive\":true,\"length\":80"

static const struct sfe_map_field FIELDS[] = {
    {.name = "Ext__c", .from = "{/id}", .type = SFE_MAP_STRING},
    {.name = "parent__r.Key__c", .from = "{/p}", .type = SFE_MAP_STRING},
};
static const struct sfe_map_options WANTED = {
    .object = "Child__c", .external_id = "Ext__c", .fields = FIELDS, .field_count = 2};

static void begin(struct sfe_plan_record *record)
{
    told[0] = '\0';
    assert_int_equal(sfe_plan_open(&WANTED, arena, record, &err), SFE_OK);
}

static void read_child(struct sfe_plan_record *record, const char *text)
{
    begin(record);
    assert_int_equal(sfe_plan_read(record, sfe_slice_text(text), &LISTENER, &err), SFE_OK);
}

static void names_are_the_same_in_any_case_and_a_parent_is_asked_for(void **state)
{
    struct sfe_plan_record record;

    (void)state;
    read_child(&record, OBJECT(FIELD("ext__C", "string", ID) "," FIELD(
                            "Parent__c", "reference",
                            ",\"referenceTo\":[\"Up__c\"],\"relationshipName\":\"Parent__r\"")));
    assert_string_equal(told, "");
    assert_int_equal(record.failures, 0);
    assert_string_equal(record.fields[1].facts.parent, "Up__c");
    assert_int_equal(sfe_plan_read_parent(&record, 1,
                                          SFE_TEXT(OBJECT(FIELD("Key__c", "string", ID))),
                                          &LISTENER, &err),
                     SFE_OK);
    assert_string_equal(told, "");
    assert_int_equal(sfe_plan_read_parent(&record, 1,
                                          SFE_TEXT(OBJECT(FIELD("Key__c", "double", ""))),
                                          &LISTENER, &err),
                     SFE_OK);
    assert_int_equal(record.failures, 2);
}

static void what_is_near_is_named_and_what_is_far_is_not(void **state)
{
    struct sfe_plan_record record;

    (void)state;
    read_child(&record, OBJECT(FIELD("Exd__c", "string", ID) "," FIELD("Else__c", "string", "")));
    assert_int_equal(record.failures, 2);
    assert_string_equal(record.fields[0].nearest, "Exd__c");
    assert_string_equal(record.fields[1].nearest, "");
}

static void a_required_field_behind_a_condition_is_told_unless_it_has_a_default(void **state)
{
    static const char required[] =
        OBJECT(FIELD("Ext__c", "string", ID) ",{\"name\":\"Must__c\",\"type\":\"string\","
                                             "\"createable\":true,\"updateable\":true}");
    struct sfe_map_field fields[] = {
        {.name = "Ext__c", .from = "{/id}", .type = SFE_MAP_STRING},
        {.name = "Must__c", .from = "{/m}", .type = SFE_MAP_STRING},
    };
    struct sfe_map_options wanted = {
        .object = "Child__c", .external_id = "Ext__c", .fields = fields, .field_count = 2};
    struct sfe_plan_record record;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        told[0] = '\0';
        fields[1].default_value = round == 2 ? "\"x\"" : NULL;
        assert_int_equal(sfe_plan_open(&wanted, arena, &record, &err), SFE_OK);
        record.fields[1].is_conditional = round > 0;
        assert_int_equal(sfe_plan_read(&record, sfe_slice_text(required), &LISTENER, &err), SFE_OK);
        assert_string_equal(told, round != 1 ? ""
                                             : "1:warn:Must__c is required by the org, and left "
                                               "out where its \"if\" does not hold\n");
    }
}

static void a_broken_description_says_nothing_of_the_object(void **state)
{
    struct sfe_plan_record record;

    (void)state;
    begin(&record);
    assert_int_equal(sfe_plan_read(&record, SFE_TEXT("{\"fields\":[{\"na"), &LISTENER, &err),
                     SFE_E_PROTOCOL);
    assert_false(record.is_read);
}

static void only_custom_names_of_no_package_are_made(void **state)
{
    (void)state;
    assert_true(plan_is_ours("A__c"));
    assert_true(plan_is_ours("A_b1__r"));
    assert_false(plan_is_ours("Account"));
    assert_false(plan_is_ours("ns__A__c"));
    assert_false(plan_is_ours("__c"));
    assert_false(plan_is_ours("1A__c"));
    assert_false(plan_is_ours("A/../B__c"));
    assert_false(plan_is_ours("A__e"));
    assert_false(plan_is_ours("A__"));
    assert_false(plan_is_ours(""));
}

static void nothing_is_needed_where_all_is_there(void **state)
{
    struct sfe_plan_record record;
    struct sfe_metadata *metadata = NULL;

    (void)state;
    read_child(&record, OBJECT(FIELD("Ext__c", "string", ID) "," FIELD(
                            "Parent__c", "reference",
                            ",\"referenceTo\":[\"Up__c\"],\"relationshipName\":\"Parent__r\"")));
    assert_int_equal(sfe_plan_read_parent(&record, 1,
                                          SFE_TEXT(OBJECT(FIELD("Key__c", "string", ID))),
                                          &LISTENER, &err),
                     SFE_OK);
    assert_int_equal(sfe_metadata_open(&record, 1, arena, &metadata, &err), SFE_OK);
    assert_false(sfe_metadata_is_needed(metadata));
    assert_int_equal(sfe_metadata_object_count(metadata), 0);
}

static void a_missing_key_of_a_parent_is_made_in_the_parent(void **state)
{
    struct sfe_plan_record record;
    struct sfe_metadata *metadata = NULL;
    char text[4096];
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1u);

    (void)state;
    read_child(&record, OBJECT(FIELD("Ext__c", "string", ID) "," FIELD(
                            "Parent__c", "reference",
                            ",\"referenceTo\":[\"Up__c\"],\"relationshipName\":\"Parent__r\"")));
    assert_int_equal(sfe_plan_read_parent(&record, 1,
                                          SFE_TEXT(OBJECT(FIELD("Other__c", "string", ""))),
                                          &LISTENER, &err),
                     SFE_OK);
    assert_int_equal(sfe_metadata_open(&record, 1, arena, &metadata, &err), SFE_OK);
    assert_int_equal(sfe_metadata_object_count(metadata), 1);
    assert_string_equal(sfe_metadata_object_name(metadata, 0), "Up__c");
    sfe_metadata_add_object(metadata, 0, &out);
    text[out.size] = '\0';
    assert_non_null(strstr(text, "<fullName>Key__c</fullName>"));
    assert_non_null(strstr(text, "<externalId>true</externalId>"));
    assert_null(strstr(text, "deploymentStatus"));
}

static void texts_are_escaped_and_overflow_is_the_builders(void **state)
{
    static const struct sfe_map_options odd = {.object = "A<&>", .fields = FIELDS};
    struct sfe_plan_record record;
    struct sfe_metadata *metadata = NULL;
    char text[2048];
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1u);
    struct sfe_builder small = sfe_builder_make(text, 40);

    (void)state;
    assert_int_equal(sfe_plan_open(&odd, arena, &record, &err), SFE_OK);
    record.is_read = true;
    assert_int_equal(sfe_metadata_open(&record, 1, arena, &metadata, &err), SFE_OK);
    sfe_metadata_add_permissions(metadata, &out);
    text[out.size] = '\0';
    assert_non_null(strstr(text, "<object>A&lt;&amp;&gt;</object>"));
    sfe_metadata_add_package(metadata, "v62.0", &small);
    assert_true(small.overflowed);
}

static int open_arena(void **state)
{
    (void)state;
    return sfe_arena_open(1u << 20, &arena, &err) == SFE_OK ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_same_in_any_case_and_a_parent_is_asked_for),
        cmocka_unit_test(a_required_field_behind_a_condition_is_told_unless_it_has_a_default),
        cmocka_unit_test(what_is_near_is_named_and_what_is_far_is_not),
        cmocka_unit_test(a_broken_description_says_nothing_of_the_object),
        cmocka_unit_test(only_custom_names_of_no_package_are_made),
        cmocka_unit_test(nothing_is_needed_where_all_is_there),
        cmocka_unit_test(a_missing_key_of_a_parent_is_made_in_the_parent),
        cmocka_unit_test(texts_are_escaped_and_overflow_is_the_builders),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
