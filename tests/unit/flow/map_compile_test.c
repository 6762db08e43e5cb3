#include "fixture.h"

#include "flow/where.h"

#include "flow/map_compile.h"

static enum sfe_code compile(const char *external_id, const char *each,
                             const struct sfe_map_field *fields, uint32_t count,
                             struct sfe_map **map)
{
    const struct sfe_map_options options = {
        .object = "PosSale__c",
        .external_id = external_id,
        .each = each,
        .fields = fields,
        .field_count = count,
        .agent_id = "store-042",
    };
    return sfe_map_compile(&options, fixture.arena, map, &fixture.bad_field, &fixture.err);
}

static void assert_mistake(const struct sfe_map_field *fields, uint32_t count, uint32_t bad_field,
                           const char *message)
{
    struct sfe_map *map = NULL;
    assert_int_equal(compile(NULL, NULL, fields, count, &map), SFE_E_CONFIG);
    assert_int_equal(fixture.err.code, SFE_E_CONFIG);
    assert_null(map);
    assert_int_equal(fixture.bad_field, bad_field);
    assert_non_null(strstr(fixture.err.message, message));
}

static bool head_is(const struct map_field *field, const char *text)
{
    return sfe_slice_equal(field->head, sfe_slice_text(text));
}

static void keys_are_joined_and_references_brought_together(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "Id__c", .from = "/id"},
        {.name = "Parent__r.A__c", .from = "/a"},
        {.name = "Value__c", .from = "/v"},
        {.name = "Parent__r.B__c", .from = "/b"},
    };
    struct sfe_map *map = NULL;
    (void)state;
    assert_int_equal(compile("Id__c", NULL, fields, 4, &map), SFE_OK);
    assert_string_equal(sfe_map_object(map), "PosSale__c");
    assert_string_equal(sfe_map_external_id_field(map), "Id__c");
    assert_int_equal(map->field_count, 4);
    assert_true(head_is(&map->fields[0], ",\"Id__c\":"));
    assert_true(head_is(&map->fields[1], ",\"Parent__r\":{\"A__c\":"));
    assert_true(head_is(&map->fields[2], ",\"Parent__r\":{\"B__c\":"));
    assert_true(sfe_slice_equal(map->fields[2].head_in_group, SFE_TEXT(",\"B__c\":")));
    assert_true(head_is(&map->fields[3], ",\"Value__c\":"));
    assert_int_equal(map->fields[1].group, map->fields[2].group);
}

static void names_are_escaped(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "a\"b", .from = "/id"}};
    struct sfe_map *map = NULL;
    (void)state;
    assert_int_equal(compile(NULL, NULL, fields, 1, &map), SFE_OK);
    assert_true(head_is(&map->fields[0], ",\"a\\\"b\":"));
    assert_null(sfe_map_external_id_field(map));
}

static void constants_become_their_type_at_once(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "A", .constant = " \"x\" "},
        {.name = "B", .constant = "21.50", .type = SFE_MAP_STRING},
        {.name = "C", .constant = "\"7\"", .type = SFE_MAP_INT},
        {.name = "D", .constant = "null", .type = SFE_MAP_INT},
        {.name = "E", .constant = "{\"a\": [1]}"},
        {.name = "F", .from = "/f", .default_value = "\"on\"", .type = SFE_MAP_BOOLEAN},
    };
    static const char *const expected[] = {"\"x\"", "\"21.50\"", "7", "null", "{\"a\": [1]}"};
    struct sfe_map *map = NULL;
    (void)state;
    assert_int_equal(compile(NULL, NULL, fields, 6, &map), SFE_OK);
    for (size_t i = 0; i < 5; i++) {
        assert_true(sfe_slice_equal(map->fields[i].constant_json, sfe_slice_text(expected[i])));
    }
    assert_true(sfe_slice_equal(map->fields[5].default_json, SFE_TEXT("true")));
}

static void mistakes_name_their_field(void **state)
{
    static const struct sfe_map_field part[] = {{.name = "A", .from = "/a"},
                                                {.name = "B", .from = "{tpoic.1}"}};
    static const struct sfe_map_field grouped[] = {
        {.name = "P.A", .from = "/a"}, {.name = "B", .from = "/a"}, {.name = "P.C", .from = "{"}};
    static const struct sfe_map_field nothing[] = {{.name = "A"}};
    static const struct sfe_map_field nameless[] = {{.name = "", .from = "/a"}};
    static const struct sfe_map_field dots[] = {{.name = "A.B.C", .from = "/a"}};
    static const struct sfe_map_field dot[] = {{.name = "A.", .from = "/a"}};
    static const struct sfe_map_field twice[] = {{.name = "A", .from = "/a"},
                                                 {.name = "A", .from = "/b"}};
    static const struct sfe_map_field both[] = {{.name = "P", .from = "/a"},
                                                {.name = "P.A", .from = "/b"}};
    static const struct sfe_map_field item[] = {{.name = "A", .from = "{item:/x}"}};
    static const struct sfe_map_field pointer[] = {{.name = "A", .from = "/a~b"}};
    (void)state;
    assert_mistake(part, 2, 1, "unknown part {tpoic.1}; did you mean {topic.1}?");
    assert_mistake(grouped, 3, 2, "without its }");
    assert_mistake(nothing, 1, 0, "a template or a constant");
    assert_mistake(nameless, 1, 0, "a name");
    assert_mistake(dots, 1, 0, "one dot");
    assert_mistake(dot, 1, 0, "one dot");
    assert_mistake(twice, 2, 1, "stands twice");
    assert_mistake(both, 2, 1, "cannot stand together");
    assert_mistake(item, 1, 0, "needs `each`");
    assert_mistake(pointer, 1, 0, "~0");
}

static void constants_that_are_not_their_type_are_mistakes(void **state)
{
    static const struct sfe_map_field broken[] = {{.name = "A", .constant = "{"}};
    static const struct sfe_map_field type[] = {
        {.name = "A", .constant = "\"x\"", .type = SFE_MAP_DOUBLE}};
    static const struct sfe_map_field fallback[] = {
        {.name = "A", .from = "/a", .default_value = "\"maybe\"", .type = SFE_MAP_BOOLEAN}};
    (void)state;
    assert_mistake(broken, 1, 0, "the constant is not JSON");
    assert_mistake(type, 1, 0, "the constant: \"x\" is not a number");
    assert_mistake(fallback, 1, 0, "the default: \"maybe\" is not true or false");
}

static void the_external_id_must_be_one_of_the_fields_and_no_reference(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "A", .from = "/a"},
                                                  {.name = "P.B", .from = "/b"}};
    struct sfe_map *map = NULL;
    (void)state;
    assert_int_equal(compile("X__c", NULL, fields, 2, &map), SFE_E_CONFIG);
    assert_int_equal(fixture.bad_field, 2);
    assert_non_null(strstr(fixture.err.message, "\"X__c\" is not among the fields"));
    assert_int_equal(compile("P.B", NULL, fields, 2, &map), SFE_E_CONFIG);
    assert_int_equal(fixture.bad_field, 2);
}

static void a_wrong_each_is_a_mistake_of_the_record(void **state)
{
    static const struct sfe_map_field fields[] = {{.name = "A", .from = "{item:/a}"}};
    struct sfe_map *map = NULL;
    (void)state;
    assert_int_equal(compile(NULL, "lines", fields, 1, &map), SFE_E_CONFIG);
    assert_int_equal(fixture.bad_field, 1);
    assert_int_equal(compile(NULL, "/lines", fields, 1, &map), SFE_OK);
}

static void too_many_fields_are_refused(void **state)
{
    static struct sfe_map_field fields[201];
    static char names[201][8];
    struct sfe_map *map = NULL;
    (void)state;
    for (size_t i = 0; i < 201; i++) {
        snprintf(names[i], sizeof(names[i]), "F%zu", i);
        fields[i].name = names[i];
        fields[i].from = "/a";
    }
    assert_int_equal(compile(NULL, NULL, fields, 201, &map), SFE_E_CONFIG);
    assert_int_equal(compile(NULL, NULL, fields, 200, &map), SFE_OK);
}

static void a_map_that_does_not_fit_says_so(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "P.A", .from = "a{/a}", .default_value = "1"}, {.name = "B", .constant = "1"}};
    const struct sfe_map_options options = {
        .object = "X", .each = "/e", .fields = fields, .field_count = 2};
    bool fitted = false;
    (void)state;
    for (size_t bytes = 1; !fitted; bytes += 16) {
        struct sfe_arena *small = NULL;
        struct sfe_map *map = NULL;
        assert_int_equal(sfe_arena_open(bytes, &small, &fixture.err), SFE_OK);
        enum sfe_code code =
            sfe_map_compile(&options, small, &map, &fixture.bad_field, &fixture.err);
        fitted = code == SFE_OK;
        assert_true(fitted || code == SFE_E_NO_MEMORY);
        assert_true(fitted == (map != NULL));
        sfe_arena_close(small);
    }
}

static void the_external_id_depends_on_no_conditions(void **state)
{
    static const struct sfe_where_node node = {SFE_WHERE_EXISTS, 1, "/v", "true"};
    struct sfe_where *where = NULL;
    struct sfe_map *map = NULL;
    uint32_t bad_node = 0;
    (void)state;
    assert_int_equal(sfe_where_compile(&node, 1, fixture.arena, &where, &bad_node, &fixture.err),
                     SFE_OK);
    const struct sfe_map_field field = {.name = "Id__c", .from = "{id}", .condition = where};
    const struct sfe_map_options options = {
        .object = "R__c", .external_id = "Id__c", .fields = &field, .field_count = 1};
    assert_int_equal(
        sfe_map_compile(&options, fixture.arena, &map, &fixture.bad_field, &fixture.err),
        SFE_E_CONFIG);
    assert_string_equal(fixture.err.message,
                        "the external ID \"Id__c\" cannot depend on conditions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_external_id_depends_on_no_conditions),
        TEST(keys_are_joined_and_references_brought_together),
        TEST(names_are_escaped),
        TEST(constants_become_their_type_at_once),
        TEST(mistakes_name_their_field),
        TEST(constants_that_are_not_their_type_are_mistakes),
        TEST(the_external_id_must_be_one_of_the_fields_and_no_reference),
        TEST(a_wrong_each_is_a_mistake_of_the_record),
        TEST(too_many_fields_are_refused),
        TEST(a_map_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
