#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "compile/compile.h"

#include <stdio.h>
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

static enum sfe_code compile(const struct sfe_config_ask *ask)
{
    static struct sfe_config config;
    static struct sfe_config_input input;
    struct sfe_error err;

    input = (struct sfe_config_input){.name = "in", .type = SFE_INPUT_MQTT_ASK, .ask = *ask};
    config = (struct sfe_config){
        .path = "sfedge.json", .agent = {.id = "x"}, .inputs = &input, .input_count = 1};
    compiled = (struct sfe_compiled){0};
    mistake_count = 0;
    return sfe_compile(&config, arena, report, NULL, &compiled, &err);
}

static const char *table_file(const char *text)
{
    static char path[] = "ask_test.csv";
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void a_query_and_a_map_are_compiled(void **state)
{
    const struct sfe_config_field field = {.name = "a", .from = "/row/A"};
    struct sfe_config_ask ask = {.query = "SELECT A FROM B WHERE C = '{/c}'"};

    (void)state;
    assert_int_equal(compile(&ask), SFE_OK);
    assert_non_null(compiled.inputs[0].ask.query);
    assert_null(compiled.inputs[0].ask.map);
    assert_null(compiled.inputs[0].ask.table);
    ask.map = (struct sfe_config_record){.object = "answer", .fields = &field, .field_count = 1};
    assert_int_equal(compile(&ask), SFE_OK);
    assert_non_null(compiled.inputs[0].ask.map);
}

static void a_table_is_read_and_known_by_what_it_holds(void **state)
{
    struct sfe_config_ask ask = {.table = table_file("k,v\na,1\n"), .key = "{/k}"};

    (void)state;
    assert_int_equal(compile(&ask), SFE_OK);
    assert_non_null(compiled.inputs[0].ask.table);
    assert_non_null(compiled.inputs[0].ask.key);
    const uint64_t before = compiled.inputs[0].ask.tables;
    ask.table = table_file("k,v\na,2\n");
    assert_int_equal(compile(&ask), SFE_OK);
    assert_int_not_equal(compiled.inputs[0].ask.tables, before);
    assert_int_equal(remove(ask.table), 0);
}

static void each_mistake_has_its_place(void **state)
{
    static const struct {
        struct sfe_config_ask ask;
        const char *words;
        uint32_t line;
    } cases[] = {
        {{.query = "SELECT {/a", .query_place = {.line = 7}}, "without its }", 7},
        {{.query = "SELECT '{tpoic}'", .query_place = {.line = 8}}, "did you mean", 8},
        {{.key = "{nothing}", .key_place = {.line = 9}}, "unknown part", 9},
        {{.table = "/does/not/exist.csv", .table_place = {.line = 10}}, "lookup", 10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(compile(&cases[i].ask), SFE_E_CONFIG);
        assert_int_equal(mistake_count, 1);
        assert_non_null(strstr(last.message, cases[i].words));
        assert_int_equal(last.line, cases[i].line);
    }
}

static int setup(void **state)
{
    struct sfe_error err;

    (void)state;
    return sfe_arena_open(1u << 20, &arena, &err) == SFE_OK ? 0 : -1;
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
        cmocka_unit_test_setup_teardown(a_query_and_a_map_are_compiled, setup, teardown),
        cmocka_unit_test_setup_teardown(a_table_is_read_and_known_by_what_it_holds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_mistake_has_its_place, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
