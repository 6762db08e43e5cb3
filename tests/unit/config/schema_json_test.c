#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json_reader.h"
#include "config/schema_table.h"
#include "port/process.h"
#include "source_tree.h"

#include <stdlib.h>

#define TOKENS_MAX 16384u

static char schema[256u * 1024u];
static struct sfe_json_token tokens[TOKENS_MAX];

static struct sfe_slice write_schema(void)
{
    struct sfe_builder builder = sfe_builder_make(schema, sizeof(schema));

    sfe_config_add_schema(&builder);
    assert_false(builder.overflowed);
    return sfe_builder_slice(&builder);
}

static struct sfe_json parse_schema(void)
{
    struct sfe_json json;
    struct sfe_error err;

    assert_int_equal(
        sfe_json_parse(write_schema(), SFE_JSON_UNIQUE_KEYS, tokens, TOKENS_MAX, &json, &err),
        SFE_OK);
    return json;
}

static bool has(const struct sfe_json *json, const char *pointer)
{
    return sfe_json_find(json, 0, sfe_slice_text(pointer)) != SFE_JSON_NONE;
}

static bool is_text(const struct sfe_json *json, const char *pointer, const char *text)
{
    uint32_t token = sfe_json_find(json, 0, sfe_slice_text(pointer));

    return token != SFE_JSON_NONE && sfe_json_text_equal(json, token, sfe_slice_text(text));
}

/* Where they differ, config/sfedge.schema.json is to be replaced by the file left in the working
 * directory. */
static void the_committed_schema_is_what_the_table_says(void **state)
{
    static char committed[sizeof(schema)];
    char path[SOURCE_TREE_BYTES_MAX];
    struct sfe_builder content = sfe_builder_make(committed, sizeof(committed));
    struct sfe_error err;
    struct sfe_slice wanted = write_schema();
    enum sfe_code code = sfe_process_read_file(
        source_tree_path(__FILE__, "config/sfedge.schema.json", path), &content, &err);

    (void)state;
    if (code != SFE_OK || !sfe_slice_equal(wanted, sfe_builder_slice(&content))) {
        FILE *file = fopen("sfedge.schema.json", "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(wanted.bytes, 1, wanted.size, file), wanted.size);
        assert_int_equal(fclose(file), 0);
        fail_msg("%s is out of date; the right one is ./sfedge.schema.json", path);
    }
}

static void the_schema_is_laid_out_in_lines(void **state)
{
    struct sfe_slice text = write_schema();

    (void)state;
    assert_memory_equal(text.bytes, "{\n  \"$schema\": \"https://json-schema.org/", 39);
    assert_memory_equal(text.bytes + text.size - 3, "\n}\n", 3);
}

static void a_type_has_its_own_keys_only(void **state)
{
    struct sfe_json json = parse_schema();

    (void)state;
    assert_true(has(&json, "/$defs/connection-mqtt/properties/url"));
    assert_false(has(&json, "/$defs/connection-salesforce/properties/url"));
    assert_true(has(&json, "/$defs/connection-salesforce/properties/auth"));
    assert_true(is_text(&json, "/$defs/connection/allOf/0/if/properties/type/const", "mqtt"));
    assert_true(is_text(&json, "/$defs/connection/allOf/0/then/$ref", "#/$defs/connection-mqtt"));
}

static void a_url_is_one_text_or_a_list(void **state)
{
    struct sfe_json json = parse_schema();

    (void)state;
    assert_true(has(&json, "/$defs/connection-mqtt/properties/url/anyOf/0/pattern"));
    assert_true(has(&json, "/$defs/connection-mqtt/properties/url/anyOf/1/items/pattern"));
    assert_true(has(&json, "/$defs/connection-mqtt/properties/url/anyOf/1/maxItems"));
}

static void what_is_not_available_is_not_in_the_schema(void **state)
{
    struct sfe_json json = parse_schema();

    (void)state;
    assert_true(has(&json, "/$defs/output-salesforce-records/properties/where"));
    assert_true(has(&json, "/$defs/output-salesforce-records/properties/on_done"));
    assert_true(has(&json, "/$defs/input-salesforce-query/properties/query"));
    assert_true(has(&json, "/$defs/salesforce-tls/properties/key_file"));
    assert_true(has(&json, "/$defs/auth-refresh-token/properties/refresh_token_file"));
    assert_true(has(&json, "/$defs/auth-client-credentials/properties/client_secret"));
}

/* Each room is taken from the heap, so that a byte written beyond it is seen. */
static void too_little_room_overflows_and_harms_nothing(void **state)
{
    size_t whole = write_schema().size;

    (void)state;
    for (size_t room = 0; room < whole; room += 97) {
        void *memory = malloc(room + 1);
        struct sfe_builder builder = sfe_builder_make(memory, room);
        assert_non_null(memory);
        sfe_config_add_schema(&builder);
        assert_true(builder.overflowed);
        assert_true(builder.size <= room && builder.capacity == room);
        free(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_schema_is_what_the_table_says),
        cmocka_unit_test(the_schema_is_laid_out_in_lines),
        cmocka_unit_test(a_type_has_its_own_keys_only),
        cmocka_unit_test(a_url_is_one_text_or_a_list),
        cmocka_unit_test(what_is_not_available_is_not_in_the_schema),
        cmocka_unit_test(too_little_room_overflows_and_harms_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
