#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "run/compile_message.h"

static struct sfe_error mistakes[8];
static uint32_t mistake_count;
static struct sfe_arena *arena;

static void report(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    assert_true(mistake_count < 8);
    mistakes[mistake_count++] = *mistake;
}

static int open_arena(void **state)
{
    struct sfe_error err;

    (void)state;
    mistake_count = 0;
    return sfe_arena_open(8u << 20, &arena, &err) == SFE_OK ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    return 0;
}

static struct sfe_compiled_message compile(const struct sfe_config_message *message)
{
    const struct sfe_config config = {.path = "sfedge.json", .agent = {.id = "gw"}};
    const struct sfe_config_output output = {
        .name = "o", .type = SFE_OUTPUT_MQTT, .mqtt = *message};
    struct compiler compiler = {&config, arena, report, NULL, 0};
    struct sfe_compiled_output compiled = {0};
    struct sfe_error err;

    assert_int_equal(compile_message(&compiler, &output, &compiled, &err), SFE_OK);
    assert_int_equal(compiler.mistakes, mistake_count);
    return compiled.message;
}

static void what_is_written_is_compiled_and_the_rest_stays_null(void **state)
{
    const struct sfe_config_field fields[] = {{.name = "store", .from = "/store"}};
    const struct sfe_config_message message = {
        .topic = "cmd/{/d}",
        .correlation = "{id}",
        .properties = {.object = "properties", .fields = fields, .field_count = 1}};
    const struct sfe_compiled_message compiled = compile(&message);

    (void)state;
    assert_int_equal(mistake_count, 0);
    assert_non_null(compiled.topic);
    assert_non_null(compiled.correlation);
    assert_non_null(compiled.properties);
    assert_null(compiled.payload);
    assert_null(compiled.content_type);
    assert_null(compiled.response_topic);
}

static void each_mistake_is_reported_at_its_place(void **state)
{
    const struct sfe_config_field fields[] = {
        {.name = "store", .from = "{nothing}", .place = {.pointer = "/properties/store"}}};
    const struct sfe_config_message message = {
        .topic = "cmd/+",
        .topic_place = {.pointer = "/topic"},
        .payload = "{tpoic}",
        .payload_place = {.pointer = "/payload"},
        .content_type = "{",
        .content_type_place = {.pointer = "/content_type"},
        .properties = {.object = "properties", .fields = fields, .field_count = 1}};

    (void)state;
    (void)compile(&message);
    assert_int_equal(mistake_count, 4);
    assert_string_equal(mistakes[0].pointer, "/topic");
    assert_string_equal(mistakes[1].pointer, "/payload");
    assert_string_equal(mistakes[2].pointer, "/content_type");
    assert_string_equal(mistakes[3].pointer, "/properties/store");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_compiled_and_the_rest_stays_null,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(each_mistake_is_reported_at_its_place, open_arena,
                                        close_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
