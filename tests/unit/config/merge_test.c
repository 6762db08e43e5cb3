#include "loading.h"

/* Loads files of one configuration: path, text, path, text, NULL. */
static void load_files(struct loading *loading, const char *const *files)
{
    static struct config_parts parts;
    const struct config_host host = {loading->arena, loading_report, loading, NULL};
    size_t size = 0;

    memset(&parts, 0, sizeof(parts));
    for (uint32_t i = 0; files[2 * i] != NULL; i++) {
        const char *text = files[2 * i + 1];
        parts.parts[parts.count++] = (struct config_part){files[2 * i], (uint32_t)size};
        for (size_t k = 0; text[k] != '\0'; k++) {
            loading->text[size++] = (char)(text[k] == '\'' ? '"' : text[k]);
        }
    }
    parts.text = sfe_slice_make(loading->text, size);
    loading->mistake_count = 0;
    loading->code = config_load_parts(&parts, &host, &loading->config, &loading->error);
}

static void entries_of_all_files_stand_side_by_side(void **state)
{
    static const char *const files[] = {
        "etc/sfedge.json",
        "{" AGENT ",\n'streams': {'a': {}}}\n",
        "etc/conf.d/1.json",
        "{'$schema': 'x', 'streams': {'b': {'priority': 2}}}\n",
        "etc/conf.d/2.json",
        "{'connections': {'site': {'type': 'mqtt', 'url': 'mqtt://localhost', 'username': 'u', "
        "'password_file': 'secret'}},\n'streams': {'c': {}}}\n",
        NULL};
    struct loading *loading = (struct loading *)*state;

    load_files(loading, files);
    assert_int_equal(loading->code, SFE_OK);
    assert_int_equal(loading->config->stream_count, 4);
    assert_string_equal(loading->config->streams[1].name, "b");
    assert_int_equal(loading->config->streams[1].priority, 2);
    assert_string_equal(loading->config->streams[1].place.file, "etc/conf.d/1.json");
    assert_string_equal(loading->config->streams[2].name, "c");
    assert_int_equal(loading->config->streams[2].place.line, 2);
    assert_int_equal(loading->config->connection_count, 1);
    assert_string_equal(loading->config->connections[0].mqtt.password_file, "etc/conf.d/secret");
}

static void what_is_defined_twice_names_both_files(void **state)
{
    static const char *const files[] = {
        "etc/sfedge.json", "{" AGENT ",\n'streams': {'a': {}}}\n", "etc/conf.d/1.json",
        "{'agent': {'id': 'other'},\n 'streams': {'a': {}}}\n", NULL};
    struct loading *loading = (struct loading *)*state;

    load_files(loading, files);
    assert_int_equal(loading->code, SFE_E_CONFIG);
    assert_int_equal(loading->mistake_count, 2);
    assert_string_equal(loading->mistakes[0].pointer, "/agent/id");
    assert_string_equal(loading->mistakes[1].pointer, "/streams/a");
    assert_int_equal(loading->mistakes[1].line, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_string_equal(loading->mistakes[i].where, "etc/conf.d/1.json");
        assert_non_null(strstr(loading->mistakes[i].message, "stands in etc/sfedge.json too"));
    }
}

static void a_mistake_is_told_at_its_place_in_its_file(void **state)
{
    static const char *const files[] = {"etc/sfedge.json", "{" AGENT "}\n\n\n", "etc/conf.d/1.json",
                                        "{'streams': {\n  'a': {'qouta': '64MiB'}}}\n", NULL};
    struct loading *loading = (struct loading *)*state;

    load_files(loading, files);
    assert_int_equal(loading->mistake_count, 1);
    assert_string_equal(loading->mistakes[0].where, "etc/conf.d/1.json");
    assert_int_equal(loading->mistakes[0].line, 2);
    assert_int_equal(loading->mistakes[0].column, 9);
}

static void a_file_that_does_not_parse_or_is_no_object_is_named(void **state)
{
    static const char *const bad[] = {"{'streams': ", "[]", ""};
    struct loading *loading = (struct loading *)*state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *const files[] = {"etc/sfedge.json", "{" AGENT "}\n", "etc/conf.d/1.json",
                                     bad[i], NULL};
        load_files(loading, files);
        assert_int_equal(loading->code, SFE_E_CONFIG);
        assert_int_equal(loading->mistake_count, 1);
        assert_string_equal(loading->mistakes[0].where, "etc/conf.d/1.json");
    }
}

static void values_that_cannot_be_merged_stand_twice(void **state)
{
    static const char *const files[] = {"etc/sfedge.json", "{" AGENT ", 'streams': {'a': {}}}\n",
                                        "etc/conf.d/1.json", "{'streams': 7}\n", NULL};
    struct loading *loading = (struct loading *)*state;

    load_files(loading, files);
    assert_int_equal(loading->code, SFE_E_CONFIG);
    assert_int_equal(loading->mistake_count, 1);
    assert_non_null(strstr(loading->mistakes[0].message, "stands in etc/sfedge.json too"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_all_files_stand_side_by_side),
        cmocka_unit_test(what_is_defined_twice_names_both_files),
        cmocka_unit_test(a_mistake_is_told_at_its_place_in_its_file),
        cmocka_unit_test(a_file_that_does_not_parse_or_is_no_object_is_named),
        cmocka_unit_test(values_that_cannot_be_merged_stand_twice),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
