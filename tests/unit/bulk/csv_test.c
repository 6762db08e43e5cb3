#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/limits.h"
#include "bulk/csv.h"

struct world {
    struct sfe_arena *arena;
    struct sfe_map *map;
    struct sfe_json_token tokens[1024];
    uint8_t value[400000];
    uint8_t out[1200000];
    struct sfe_builder builder;
    struct sfe_error err;
};

static int setup(void **state)
{
    static const struct sfe_map_field fields[] = {
        {.name = "Id__c", .from = "/id"},
        {.name = "Text__c", .from = "/text", .is_optional = true},
        {.name = "Parent__r.Ext__c", .from = "/parent", .is_optional = true},
        {.name = "Value__c", .from = "/value", .is_optional = true, .type = SFE_MAP_DOUBLE}};
    const struct sfe_map_options options = {.object = "X__c",
                                            .external_id = "Id__c",
                                            .fields = fields,
                                            .field_count = 4,
                                            .agent_id = "a"};
    struct world *world = test_calloc(1, sizeof(*world));
    uint32_t bad = 0;

    assert_int_equal(sfe_arena_open(1u << 20, &world->arena, &world->err), SFE_OK);
    assert_int_equal(sfe_map_compile(&options, world->arena, &world->map, &bad, &world->err),
                     SFE_OK);
    world->builder = sfe_builder_make(world->out, sizeof(world->out));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    sfe_arena_close(world->arena);
    test_free(world);
    return 0;
}

static enum sfe_code add(struct world *world, struct sfe_slice payload)
{
    struct sfe_event event = {.payload = payload};
    struct sfe_map_subject subject;
    struct sfe_builder value = sfe_builder_make(world->value, sizeof(world->value));

    sfe_map_subject_make(&event, 0, world->tokens, 1024, &subject);
    const struct sfe_map_record record = {&subject, 0,
                                          sfe_map_item(world->map, &subject, 0, SFE_JSON_NONE)};
    return bulk_csv_add_row(world->map, &record, &value, &world->builder, &world->err);
}

static void expect(struct world *world, const char *payload, const char *row)
{
    sfe_builder_rewind(&world->builder, 0);
    assert_int_equal(add(world, sfe_slice_text(payload)), SFE_OK);
    assert_int_equal(world->builder.size, strlen(row));
    assert_memory_equal(world->out, row, strlen(row));
}

static void the_header_has_the_names_of_the_fields(void **state)
{
    struct world *world = *state;
    static const char header[] = "Id__c,Text__c,Parent__r.Ext__c,Value__c\n";

    bulk_csv_add_header(world->map, &world->builder);
    assert_int_equal(world->builder.size, sizeof(header) - 1);
    assert_memory_equal(world->out, header, sizeof(header) - 1);
}

static void what_is_left_out_is_empty_and_null_and_nothing_are_said(void **state)
{
    struct world *world = *state;

    expect(world, "{\"id\":\"a\"}", "a,,,\n");
    expect(world, "{\"id\":\"a\",\"text\":null,\"value\":null}", "a,#N/A,,#N/A\n");
    expect(world, "{\"id\":\"a\",\"text\":\"\",\"parent\":\"P-1\",\"value\":1.50}",
           "a,#N/A,P-1,1.50\n");
    expect(world, "{\"id\":7,\"text\":true}", "7,true,,\n");
}

static void quotes_commas_line_ends_and_blanks_around_are_quoted(void **state)
{
    struct world *world = *state;

    expect(world, "{\"id\":\"a\",\"text\":\"x, \\\"y\\\"\"}", "a,\"x, \"\"y\"\"\",,\n");
    expect(world, "{\"id\":\"a\",\"text\":\"x\\ny\\r\"}", "a,\"x\ny\r\",,\n");
    expect(world, "{\"id\":\"a\",\"text\":\" x\"}", "a,\" x\",,\n");
    expect(world, "{\"id\":\"a\",\"text\":\"\\u00fc \\\\ x\"}", "a,\xc3\xbc \\ x,,\n");
}

static void the_text_that_means_null_is_refused(void **state)
{
    struct world *world = *state;

    assert_int_equal(add(world, SFE_TEXT("{\"id\":\"a\",\"text\":\"#N/A\"}")), SFE_E_UNSUPPORTED);
    assert_non_null(strstr(world->err.message, "Text__c"));
    assert_int_equal(world->builder.size, 0);
}

static void a_field_longer_than_a_job_takes_is_refused(void **state)
{
    struct world *world = *state;
    static uint8_t memory[40000];
    struct sfe_builder payload = sfe_builder_make(memory, sizeof(memory));

    sfe_builder_add_text(&payload, "{\"id\":\"a\",\"text\":\"");
    for (uint32_t i = 0; i < BULK_FIELD_CHARACTERS_MAX; i++) {
        sfe_builder_add_byte(&payload, 'x');
    }
    const size_t most = payload.size;
    sfe_builder_add_text(&payload, "\"}");
    assert_int_equal(add(world, sfe_builder_slice(&payload)), SFE_OK);
    sfe_builder_rewind(&payload, most);
    sfe_builder_add_text(&payload, "x\"}");
    sfe_builder_rewind(&world->builder, 0);
    assert_int_equal(add(world, sfe_builder_slice(&payload)), SFE_E_TOO_LARGE);
    assert_int_equal(world->builder.size, 0);
}

static void a_row_without_room_leaves_nothing_behind(void **state)
{
    struct world *world = *state;

    world->builder.capacity = 5;
    sfe_builder_add_text(&world->builder, "ab");
    assert_int_equal(add(world, SFE_TEXT("{\"id\":\"abcdefg\"}")), SFE_E_TOO_LARGE);
    assert_int_equal(world->builder.size, 2);
    assert_false(world->builder.overflowed);
    assert_int_equal(add(world, SFE_TEXT("{}")), SFE_E_UNMAPPED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_header_has_the_names_of_the_fields),
        TEST(what_is_left_out_is_empty_and_null_and_nothing_are_said),
        TEST(quotes_commas_line_ends_and_blanks_around_are_quoted),
        TEST(the_text_that_means_null_is_refused),
        TEST(a_field_longer_than_a_job_takes_is_refused),
        TEST(a_row_without_room_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
