#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "compile/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static const uint32_t FROM[] = {0};

static struct sfe_config config_with(const struct sfe_config_output *output,
                                     const struct sfe_config_connection *connection)
{
    struct sfe_config config = {.path = "sfedge.json",
                                .agent = {.id = "test"},
                                .connections = connection,
                                .connection_count = connection == NULL ? 0 : 1,
                                .outputs = output,
                                .output_count = output == NULL ? 0 : 1};

    return config;
}

static void a_wrong_template_is_reported_at_its_field(void **state)
{
    struct sfe_config_field fields[] = {
        {.name = "Id__c", .from = "{/id}", .place = {"/outputs/o/records/0/map/Id__c", 3, 1, NULL}},
        {.name = "Name__c",
         .from = "{tpoic}",
         .place = {"/outputs/o/records/0/map/Name__c", 4, 9, NULL}},
    };
    struct sfe_config_record record = {
        .object = "X__c", .external_id = "Id__c", .fields = fields, .field_count = 2};
    struct sfe_config_output output = {
        .name = "o", .from = FROM, .from_count = 1, .records = &record, .record_count = 1};
    struct sfe_config config = config_with(&output, NULL);
    struct sfe_compiled compiled = {0};
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_compile(&config, arena, report, NULL, &compiled, &err), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 1);
    assert_string_equal(mistakes[0].pointer, "/outputs/o/records/0/map/Name__c");
    assert_int_equal(mistakes[0].line, 4);
}

static void good_maps_are_compiled_in_order(void **state)
{
    struct sfe_config_field fields[] = {{.name = "Id__c", .from = "/id"}};
    struct sfe_config_record records[] = {
        {.object = "A__c", .external_id = "Id__c", .fields = fields, .field_count = 1},
        {.object = "B__c", .external_id = "Id__c", .fields = fields, .field_count = 1}};
    struct sfe_config_output output = {.name = "o",
                                       .from = FROM,
                                       .from_count = 1,
                                       .records = records,
                                       .record_count = 2,
                                       .order_by = "{topic.1}"};
    struct sfe_config config = config_with(&output, NULL);
    struct sfe_compiled compiled = {0};
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_compile(&config, arena, report, NULL, &compiled, &err), SFE_OK);
    assert_string_equal(sfe_map_object(compiled.outputs[0].maps[0]), "A__c");
    assert_string_equal(sfe_map_object(compiled.outputs[0].maps[1]), "B__c");
    assert_non_null(compiled.outputs[0].order_by);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_password_is_read_without_its_line_end_and_wiped(void **state)
{
    char path[] = "/tmp/sfedge-password-XXXXXX";
    struct sfe_config_connection connection = {.name = "site", .type = SFE_CONNECTION_MQTT};
    struct sfe_config config;
    struct sfe_compiled compiled = {0};
    struct sfe_slice secret;
    struct sfe_error err;

    (void)state;
    assert_true(close(mkstemp(path)) == 0);
    write_file(path, "geheim\r\n", 0600);
    connection.mqtt.password_file = path;
    config = config_with(NULL, &connection);
    assert_int_equal(sfe_compile(&config, arena, report, NULL, &compiled, &err), SFE_OK);
    secret = compiled.connections[0].secret;
    assert_int_equal(secret.size, 6);
    assert_memory_equal(secret.bytes, "geheim", 6);
    sfe_compiled_wipe(&compiled);
    assert_memory_not_equal(secret.bytes, "geheim", 6);
    (void)unlink(path);
}

static void keys_of_streams_are_read_raw_or_as_digits_and_wiped(void **state)
{
    static const char raw[] = "0123456789abcdef0123456789abcde\xff";
    static const char digits[] =
        "00112233445566778899aAbBcCdDeEfF00112233445566778899aabbccddeeff\n";
    char one[] = "/tmp/sfedge-key-XXXXXX";
    char other[] = "/tmp/sfedge-key-XXXXXX";
    const char *const old[] = {other};
    struct sfe_config_stream stream = {
        .name = "sales",
        .place = {.pointer = "/streams/sales", .line = 7, .column = 3},
        .encrypt_key_file = one,
        .encrypt_old_key_files = old,
        .encrypt_old_key_count = 1};
    struct sfe_config config = config_with(NULL, NULL);
    struct sfe_compiled compiled = {0};
    struct sfe_error err;

    (void)state;
    config.streams = &stream;
    config.stream_count = 1;
    assert_true(close(mkstemp(one)) == 0 && close(mkstemp(other)) == 0);
    write_file(one, raw, 0600);
    write_file(other, digits, 0600);
    assert_int_equal(sfe_compile(&config, arena, report, NULL, &compiled, &err), SFE_OK);
    const struct sfe_compiled_stream *keys = &compiled.streams[0];
    assert_int_equal(keys->key_count, 2);
    assert_memory_equal(keys->keys[0], raw, 32);
    assert_int_equal(keys->keys[1][1], 0x11);
    assert_int_equal(keys->keys[1][10], 0xaa);
    assert_int_equal(keys->keys[1][31], 0xff);
    sfe_compiled_wipe_keys(&compiled);
    assert_int_equal(keys->key_count, 0);
    for (size_t i = 0; i < sizeof(keys->keys); i++) {
        assert_int_equal(((const uint8_t *)keys->keys)[i], 0);
    }
    assert_int_equal(sfe_compile(&config, arena, report, NULL, &compiled, &err), SFE_OK);
    keys = &compiled.streams[0];
    assert_memory_equal(keys->keys[0], raw, 32);
    sfe_compiled_wipe(&compiled);
    assert_memory_not_equal(keys->keys[0], raw, 32);
    write_file(one, "too short", 0600);
    write_file(other, "zz112233445566778899aAbBcCdDeEfF00112233445566778899aabbccddeeff", 0600);
    assert_int_equal(sfe_compile(&config, arena, report, NULL, &compiled, &err), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 2);
    assert_string_equal(mistakes[0].pointer, "/streams/sales");
    assert_non_null(strstr(mistakes[0].message, "a key is 32 bytes or 64 hexadecimal digits"));
    assert_null(strstr(mistakes[0].message, "too short"));
    write_file(one, raw, 0644);
    mistake_count = 0;
    assert_int_equal(sfe_compile(&config, arena, report, NULL, &compiled, &err), SFE_E_CONFIG);
    assert_int_equal(mistakes[0].code, SFE_E_PERMISSION);
    (void)unlink(one);
    (void)unlink(other);
}

static void a_secret_that_others_can_read_is_a_mistake(void **state)
{
    char path[] = "/tmp/sfedge-password-XXXXXX";
    struct sfe_config_connection connection = {
        .name = "site", .type = SFE_CONNECTION_MQTT, .place = {"/connections/site", 7, 3, NULL}};
    struct sfe_config config;
    struct sfe_compiled compiled = {0};
    struct sfe_error err;

    (void)state;
    assert_true(close(mkstemp(path)) == 0);
    write_file(path, "geheim", 0644);
    connection.mqtt.password_file = path;
    config = config_with(NULL, &connection);
    assert_int_equal(sfe_compile(&config, arena, report, NULL, &compiled, &err), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 1);
    assert_int_equal(mistakes[0].line, 7);
    assert_null(strstr(mistakes[0].message, "geheim"));
    (void)unlink(path);
}

static struct sfe_compiled_message compile_message(const struct sfe_config_message *message)
{
    const struct sfe_config_output output = {
        .name = "o", .type = SFE_OUTPUT_MQTT, .from = FROM, .from_count = 1, .mqtt = *message};
    const struct sfe_config config = config_with(&output, NULL);
    struct sfe_compiled compiled = {0};
    struct sfe_error err;

    const enum sfe_code code = sfe_compile(&config, arena, report, NULL, &compiled, &err);
    assert_int_equal(code, mistake_count == 0 ? SFE_OK : SFE_E_CONFIG);
    return compiled.outputs[0].message;
}

static void what_is_published_is_compiled_and_the_rest_stays_null(void **state)
{
    const struct sfe_config_field fields[] = {{.name = "store", .from = "/store"}};
    const struct sfe_config_message message = {
        .topic = "cmd/{/d}",
        .correlation = "{id}",
        .properties = {.object = "properties", .fields = fields, .field_count = 1}};
    const struct sfe_compiled_message compiled = compile_message(&message);

    (void)state;
    assert_int_equal(mistake_count, 0);
    assert_non_null(compiled.topic);
    assert_non_null(compiled.correlation);
    assert_non_null(compiled.properties);
    assert_null(compiled.payload);
    assert_null(compiled.content_type);
    assert_null(compiled.response_topic);
}

static void each_mistake_of_a_message_is_reported_at_its_place(void **state)
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
    (void)compile_message(&message);
    assert_int_equal(mistake_count, 4);
    assert_string_equal(mistakes[0].pointer, "/topic");
    assert_string_equal(mistakes[1].pointer, "/payload");
    assert_string_equal(mistakes[2].pointer, "/content_type");
    assert_string_equal(mistakes[3].pointer, "/properties/store");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_published_is_compiled_and_the_rest_stays_null,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(each_mistake_of_a_message_is_reported_at_its_place,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_wrong_template_is_reported_at_its_field, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(good_maps_are_compiled_in_order, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_password_is_read_without_its_line_end_and_wiped,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(keys_of_streams_are_read_raw_or_as_digits_and_wiped,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_secret_that_others_can_read_is_a_mistake, open_arena,
                                        close_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
