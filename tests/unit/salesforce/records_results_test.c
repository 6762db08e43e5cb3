#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/json_writer.h"
#include "salesforce/records_results.h"

#include <stdio.h>
#include <string.h>

/* Each map is its object's name. */
const char *sfe_map_object(const struct sfe_map *map)
{
    return (const char *)map;
}

static char sale[] = "PosSale__c";
static char line[] = "PosLine__c";

struct world {
    struct sfe_arena *arena;
    struct records_results results;
    struct sfe_map *maps[2];
    uint8_t text[65536];
};

static int setup(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(records_results_memory_bytes(10), &world->arena, &err), SFE_OK);
    assert_int_equal(records_results_open(&world->results, 10, world->arena, &err), SFE_OK);
    world->maps[0] = (struct sfe_map *)(void *)sale;
    world->maps[1] = (struct sfe_map *)(void *)line;
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

static void take(struct world *world, uint32_t event, uint32_t map, const char *body)
{
    static struct sfe_json_token tokens[64];
    struct sfe_json json;
    struct sfe_error err;

    assert_int_equal(sfe_json_parse(sfe_slice_text(body), 0, tokens, 64, &json, &err), SFE_OK);
    records_results_take(&world->results, event, map, &json, 0);
}

static const char *answer(struct world *world, uint32_t event)
{
    struct sfe_builder out = sfe_builder_make(world->text, sizeof(world->text) - 1u);
    struct sfe_json_writer writer = sfe_json_writer_make(&out);

    sfe_json_begin_object(&writer, NULL);
    records_results_add(&world->results, event, world->maps, &writer);
    sfe_json_end_object(&writer);
    world->text[out.size] = '\0';
    return (const char *)world->text;
}

static void each_event_gets_what_the_org_said_of_its_records(void **state)
{
    struct world *world = *state;

    take(world, 0, 0, "{\"id\":\"a01\",\"success\":true,\"errors\":[],\"created\":true}");
    take(world, 1, 0, "{\"id\":\"a02\",\"success\":true,\"errors\":[],\"created\":false}");
    take(world, 0, 1, "{\"id\":\"a03\",\"success\":true,\"errors\":[]}");
    records_results_note(&world->results, 1, 1, RECORDS_RESULT_FAILED, SFE_TEXT("NO_ITEM"));
    assert_string_equal(answer(world, 0),
                        "{\"records\":[{\"object\":\"PosSale__c\",\"id\":\"a01\",\"created\":true},"
                        "{\"object\":\"PosLine__c\",\"id\":\"a03\"}]}");
    assert_string_equal(
        answer(world, 1),
        "{\"records\":[{\"object\":\"PosSale__c\",\"id\":\"a02\",\"created\":false},"
        "{\"object\":\"PosLine__c\",\"error\":\"NO_ITEM\"}]}");
    assert_string_equal(answer(world, 2), "{\"records\":[]}");
}

static void of_a_published_event_the_uuid_is_kept(void **state)
{
    struct world *world = *state;

    take(world, 0, 0,
         "{\"id\":\"e01\",\"success\":true,\"errors\":[{\"statusCode\":\"OPERATION_ENQUEUED\","
         "\"message\":\"5f1b2c3d-0000-1111-2222-333344445555\",\"fields\":[]}]}");
    assert_string_equal(answer(world, 0), "{\"records\":[{\"object\":\"PosSale__c\","
                                          "\"uuid\":\"5f1b2c3d-0000-1111-2222-333344445555\"}]}");
}

static void an_answer_without_a_body_is_known_by_its_object(void **state)
{
    struct world *world = *state;

    take(world, 3, 1, "null");
    assert_string_equal(answer(world, 3), "{\"records\":[{\"object\":\"PosLine__c\"}]}");
}

static void what_finds_no_room_is_said(void **state)
{
    struct world *world = *state;

    for (uint32_t i = 0; i < 600; i++) {
        records_results_note(&world->results, i / 100u, 0, RECORDS_RESULT_CREATED, SFE_TEXT("a"));
    }
    assert_null(strstr(answer(world, 4), "records_left_out"));
    assert_non_null(strstr(answer(world, 5), "\"records_left_out\":true"));
    records_results_clear(&world->results);
    assert_string_equal(answer(world, 5), "{\"records\":[]}");
}

static void where_none_are_kept_nothing_is_noted(void **state)
{
    struct records_results none = {NULL, 0, 0, 0};

    (void)state;
    records_results_note(&none, 0, 0, RECORDS_RESULT_CREATED, SFE_TEXT("a"));
    assert_int_equal(none.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_event_gets_what_the_org_said_of_its_records),
        TEST(of_a_published_event_the_uuid_is_kept),
        TEST(an_answer_without_a_body_is_known_by_its_object),
        TEST(what_finds_no_room_is_said),
        TEST(where_none_are_kept_nothing_is_noted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
