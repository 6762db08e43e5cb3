#include "loading.h"

static void mistakes_come_in_the_order_of_the_file(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, "{'outputs': {'o': {}},\n'streams': {'a': {'x': 1}, 'b': {'quota': 5}},\n"
                  "'agent': {'id': '', 'y': 2}, 'z': 3}");

    assert_int_equal(loading->code, SFE_E_CONFIG);
    assert_true(loading->mistake_count >= 6);
    for (uint32_t i = 1; i < loading->mistake_count; i++) {
        const struct sfe_error *before = &loading->mistakes[i - 1];
        const struct sfe_error *mistake = &loading->mistakes[i];
        assert_true(before->line < mistake->line ||
                    (before->line == mistake->line && before->column <= mistake->column));
    }
    assert_non_null(strstr(loading->error.message, "mistakes in the configuration"));
    assert_string_equal(loading->error.where, "etc/sfedge.json");
}

static void line_and_column_are_those_of_the_value(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, "{ // a comment with { braces\n  'agent':\n    { 'id': 'a',\n  'log': 'lod' } }");

    assert_int_equal(loading->mistake_count, 1);
    assert_int_equal(loading->mistakes[0].line, 4);
    assert_int_equal(loading->mistakes[0].column, 10);
}

static void more_mistakes_than_can_be_told_are_counted(void **state)
{
    struct loading *loading = (struct loading *)*state;
    static char text[32u * 1024u];
    size_t size = 0;

    size += (size_t)snprintf(text, sizeof(text), "{" AGENT);
    for (uint32_t i = 0; i < SFE_CONFIG_MISTAKES_MAX + 7; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, ",\n'key%u': 1", i);
    }
    (void)snprintf(text + size, sizeof(text) - size, "}");
    load(loading, text);

    assert_int_equal(loading->mistake_count, SFE_CONFIG_MISTAKES_MAX + 1);
    assert_string_equal(loading->mistakes[0].pointer, "/key0");
    assert_string_equal(loading->mistakes[SFE_CONFIG_MISTAKES_MAX].message,
                        "7 more mistakes after these");
    assert_string_equal(loading->error.message, "207 mistakes in the configuration");
}

static void a_long_text_is_clipped_between_characters(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, "{'agent': {'id': 'a', 'log': 'éééééééééééééééééééééééééééééééééééé'}}");

    assert_int_equal(loading->mistake_count, 1);
    assert_true(sfe_utf8_valid(sfe_slice_text(loading->mistakes[0].message)));
    assert_non_null(strstr(loading->mistakes[0].message, "é…\"; allowed: "));
}

static void places_point_to_what_was_read(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        IN_OUTPUT("'from': 'sales', 'order_by': '{topic}', 'records': [" RECORD_GOOD "]"));

    assert_string_equal(config->outputs[0].place.pointer, "/outputs/readings");
    assert_int_equal(config->outputs[0].place.line, 6);
    assert_string_equal(config->outputs[0].order_by_place.pointer, "/outputs/readings/order_by");
    assert_string_equal(config->outputs[0].records[0].place.pointer, "/outputs/readings/records/0");
    assert_string_equal(config->streams[1].place.pointer, "/streams/sales");
    assert_int_equal(config->streams[1].place.line, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_come_in_the_order_of_the_file),
        cmocka_unit_test(line_and_column_are_those_of_the_value),
        cmocka_unit_test(more_mistakes_than_can_be_told_are_counted),
        cmocka_unit_test(a_long_text_is_clipped_between_characters),
        cmocka_unit_test(places_point_to_what_was_read),
    };

    return cmocka_run_group_tests(tests, loading_open, loading_close);
}
