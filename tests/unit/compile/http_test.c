#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "compile/compile.h"

#include <stdlib.h>
#include <string.h>

static struct sfe_arena *arena;
static struct sfe_compiled compiled;
static struct sfe_error last;
static uint32_t mistake_count;

static void report(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    mistake_count++;
    last = *mistake;
}

static enum sfe_code compile(const struct sfe_config_output *output)
{
    static struct sfe_config config;
    struct sfe_error err;

    config = (struct sfe_config){
        .path = "sfedge.json", .agent = {.id = "x"}, .outputs = output, .output_count = 1};
    compiled = (struct sfe_compiled){0};
    mistake_count = 0;
    return sfe_compile(&config, arena, report, NULL, &compiled, &err);
}

static struct sfe_config_output http_output(void)
{
    return (struct sfe_config_output){
        .name = "out", .type = SFE_OUTPUT_HTTP, .http = {.path = "/{/id}"}};
}

static void each_part_of_a_request_is_compiled(void **state)
{
    struct sfe_config_output output = http_output();
    const struct sfe_config_node body = {
        .kind = SFE_NODE_VALUE, .next = 1, .is_text = true, .field = {.from = "{/a}"}};
    const struct sfe_config_node headers[] = {
        {.kind = SFE_NODE_OBJECT, .next = 2},
        {.kind = SFE_NODE_VALUE, .name = "X", .next = 2, .field = {.name = "X", .from = "a"}}};

    (void)state;
    assert_int_equal(compile(&output), SFE_OK);
    assert_non_null(compiled.outputs[0].path);
    assert_null(compiled.outputs[0].body);
    assert_null(compiled.outputs[0].body_text);
    output.http.body = (struct sfe_config_tree){&body, 1};
    output.http.headers = (struct sfe_config_tree){headers, 2};
    assert_int_equal(compile(&output), SFE_OK);
    assert_non_null(compiled.outputs[0].body_text);
    assert_null(compiled.outputs[0].body);
    assert_int_equal(sfe_shape_value_count(compiled.outputs[0].headers), 1);
    output.http.body = (struct sfe_config_tree){headers, 2};
    assert_int_equal(compile(&output), SFE_OK);
    assert_non_null(compiled.outputs[0].body);
}

static void a_mistake_has_the_place_of_its_value(void **state)
{
    struct sfe_config_output output = http_output();
    const struct sfe_config_node nodes[] = {
        {.kind = SFE_NODE_OBJECT, .next = 2},
        {.kind = SFE_NODE_VALUE,
         .name = "a",
         .next = 2,
         .field = {.name = "a", .from = "{tpoic}", .place = {"/outputs/out/body/a", 7, 1, NULL}}}};

    (void)state;
    output.http.body = (struct sfe_config_tree){nodes, 2};
    assert_int_equal(compile(&output), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 1);
    assert_string_equal(last.pointer, "/outputs/out/body/a");
    assert_int_equal(last.line, 7);
    output.http.body.count = 0;
    output.http.path = "/{nobody}";
    assert_int_equal(compile(&output), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 1);
}

static void a_secret_for_a_header_is_one_line(void **state)
{
    struct sfe_config_output output = http_output();

    (void)state;
    output.http.auth.bearer = "env:SFEDGE_TEST_SECRET";
    assert_int_equal(setenv("SFEDGE_TEST_SECRET", "geheim", 1), 0);
    assert_int_equal(compile(&output), SFE_OK);
    assert_memory_equal(compiled.outputs[0].secret.bytes, "geheim", 7);
    sfe_compiled_wipe(&compiled);
    assert_int_equal(compiled.outputs[0].secret.size, 0);
    assert_int_equal(setenv("SFEDGE_TEST_SECRET", "ge\nheim", 1), 0);
    assert_int_equal(compile(&output), SFE_E_CONFIG);
    assert_non_null(strstr(last.message, "more than one line"));
    assert_null(strstr(last.message, "heim\""));
    assert_int_equal(unsetenv("SFEDGE_TEST_SECRET"), 0);
}

static int open_arena(void **state)
{
    struct sfe_error err;

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
        cmocka_unit_test(each_part_of_a_request_is_compiled),
        cmocka_unit_test(a_mistake_has_the_place_of_its_value),
        cmocka_unit_test(a_secret_for_a_header_is_one_line),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
