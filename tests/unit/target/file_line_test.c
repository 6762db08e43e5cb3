#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "target/file_line.h"

#define TOKENS 64u

static struct sfe_arena *arena;
static struct sfe_json_token tokens[TOKENS];
static struct sfe_event event;
static struct sfe_map_subject subject;
static struct sfe_error err;
static char memory[512];
static char scratch[512];

static struct sfe_map *compile(void)
{
    static const struct sfe_map_field fields[] = {
        {.name = "id", .from = "{/id}"},
        {.name = "a, b", .from = "{/text}", .is_optional = true},
        {.name = "n", .from = "{/n}", .is_optional = true},
    };
    const struct sfe_map_options options = {
        .object = "line", .fields = fields, .field_count = 3, .agent_id = "a"};
    struct sfe_map *map = NULL;
    uint32_t bad = 0;

    assert_int_equal(sfe_map_compile(&options, arena, &map, &bad, &err), SFE_OK);
    return map;
}

static void subject_of(const void *payload, size_t size)
{
    event = (struct sfe_event){.sequence = 7, .source = SFE_TEXT("in"), .topic = SFE_TEXT("t")};
    event.payload = sfe_slice_make(payload, size);
    sfe_map_subject_make(&event, 0, tokens, TOKENS, &subject);
}

static const char *json(const struct sfe_map *map, const void *payload, size_t size)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory) - 1u);

    subject_of(payload, size);
    const enum sfe_code code = file_line_add_json(map, &subject, &out, &err);
    memory[out.size] = '\0';
    return code == SFE_OK ? memory : sfe_code_name(code);
}

static const char *row(const struct sfe_map *map, const char *payload)
{
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory) - 1u);
    struct sfe_builder value = sfe_builder_make(scratch, sizeof(scratch));

    subject_of(payload, strlen(payload));
    const enum sfe_code code = file_line_add_row(map, &subject, &value, &out, &err);
    memory[out.size] = '\0';
    return code == SFE_OK ? memory : sfe_code_name(code);
}

static void a_payload_is_one_line_whatever_it_is(void **state)
{
    (void)state;
    assert_string_equal(json(NULL, "{\"a\":\r\n [1,\n2]}", 15), "{\"a\": [1,2]}\n");
    assert_string_equal(json(NULL, "\xEF\xBB\xBF{}", 5), "{}\n");
    assert_string_equal(json(NULL, "on\noff", 6), "\"on\\noff\"\n");
    assert_string_equal(json(NULL, "", 0), "\"\"\n");
    assert_string_equal(json(NULL, "\xff\x00\x01", 3), "{\"base64\":\"/wAB\"}\n");
    assert_string_equal(json(NULL, "\x01\x01\x01\x01", 4), "{\"base64\":\"AQEBAQ==\"}\n");
}

static void a_map_makes_an_object(void **state)
{
    const struct sfe_map *map = compile();

    (void)state;
    assert_string_equal(json(map, "{\"id\":1,\"text\":\"x\\ny\"}", 22),
                        "{\"id\":1,\"a, b\":\"x\\ny\"}\n");
    assert_string_equal(json(map, "{}", 2), sfe_code_name(SFE_E_UNMAPPED));
    assert_int_equal(memory[0], '\0'); /* Nothing of it is left. */
}

static void a_row_quotes_what_needs_it(void **state)
{
    const struct sfe_map *map = compile();
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory) - 1u);

    (void)state;
    file_line_add_heading(map, &out);
    memory[out.size] = '\0';
    assert_string_equal(memory, "id,\"a, b\",n\n");
    assert_string_equal(row(map, "{\"id\":\"a\",\"text\":\"plain\",\"n\":1.50}"), "a,plain,1.50\n");
    assert_string_equal(row(map, "{\"id\":\"a\",\"text\":\"say \\\"x\\\"\",\"n\":null}"),
                        "a,\"say \"\"x\"\"\",\n");
    assert_string_equal(row(map, "{\"id\":\"a,b\",\"text\":\"x\\ny\"}"), "\"a,b\",\"x\ny\",\n");
    assert_string_equal(row(map, "{\"id\":\"\",\"text\":\" x\",\"n\":true}"), ",\" x\",true\n");
    assert_string_equal(row(map, "{}"), sfe_code_name(SFE_E_UNMAPPED));
    assert_int_equal(memory[0], '\0');
}

static void without_room_nothing_is_left_behind(void **state)
{
    const struct sfe_map *map = compile();
    struct sfe_builder out = sfe_builder_make(memory, 8);
    struct sfe_builder value = sfe_builder_make(scratch, sizeof(scratch));

    (void)state;
    subject_of("{\"id\":\"123456\"}", 15);
    sfe_builder_add_text(&out, "x\n");
    assert_int_equal(file_line_add_json(map, &subject, &out, &err), SFE_E_FULL);
    assert_int_equal(out.size, 2);
    assert_int_equal(file_line_add_json(NULL, &subject, &out, &err), SFE_E_FULL);
    assert_int_equal(file_line_add_row(map, &subject, &value, &out, &err), SFE_E_FULL);
    assert_int_equal(out.size, 2);
    value = sfe_builder_make(scratch, 10);
    out = sfe_builder_make(memory, sizeof(memory));
    assert_int_equal(file_line_add_row(map, &subject, &value, &out, &err), SFE_E_FULL);
    assert_int_equal(out.size, 0);
}

static int setup(void **state)
{
    (void)state;
    return sfe_arena_open(1u << 20, &arena, &err) == SFE_OK ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payload_is_one_line_whatever_it_is),
        cmocka_unit_test(a_map_makes_an_object),
        cmocka_unit_test(a_row_quotes_what_needs_it),
        cmocka_unit_test(without_room_nothing_is_left_behind),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
