#include "loading.h"

#define INPUT(more)                                                                                \
    ROOT("'streams': {'sales': {}}, 'inputs': {'w': {'type': 'files', 'stream': 'sales', " more    \
         "}}")
#define HERE "'directory': 'drop', "

static const struct bad bad[] = {
    {INPUT("'format': 'csv'"), "/inputs/w", 3, "key \"directory\" is missing"},
    {INPUT("'directory': 'drop'"), "/inputs/w", 3, "key \"format\" is missing"},
    {INPUT(HERE "'format': 'xml'"), "/inputs/w/format", 3, "csv"},
    {INPUT(HERE "'format': 'json', 'delimiter': 'tab'"), "/inputs/w/delimiter", 3, "only format"},
    {INPUT(HERE "'format': 'ndjson', 'columns': ['a']"), "/inputs/w/columns", 3, "only format"},
    {INPUT(HERE "'format': 'json', 'encoding': 'windows-1252'"), "/inputs/w/encoding", 3,
     "only format"},
    {INPUT(HERE "'format': 'csv', 'columns': ['a', 'b', 'a']"), "/inputs/w/columns", 3, "column 3"},
    {INPUT(HERE "'format': 'csv', 'done': '../x'"), "/inputs/w/done", 3, "no name of a folder"},
    {INPUT(HERE "'format': 'csv', 'failed': '.x'"), "/inputs/w/failed", 3, "no name of a folder"},
    {INPUT(HERE "'format': 'csv', 'qos': 1"), "/inputs/w/qos", 3, "qos"},
};

static void what_cannot_be_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_bad((struct loading *)*state, &bad[i]);
    }
}

static void two_inputs_do_not_take_the_same_files(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, ROOT("'streams': {'sales': {}}, 'inputs': {"
                       "'a': {'type': 'files', 'stream': 'sales', " HERE "'format': 'csv'}, "
                       "'b': {'type': 'files', 'stream': 'sales', " HERE "'format': 'json'}, "
                       "'c': {'type': 'files', 'stream': 'sales', " HERE
                       "'format': 'ndjson', 'pattern': '*.csv'}}"));
    assert_int_equal(loading->mistake_count, 1);
    assert_string_equal(loading->mistakes[0].pointer, "/inputs/c/directory");
}

static void patterns_that_a_name_fits_both_of_are_refused_and_no_others(void **state)
{
    static const struct {
        const char *a, *b, *folder;
        bool meet;
    } pairs[] = {
        {"*.csv", "sales*", "drop", true},   {"*", "x.csv", "drop", true},
        {"a*.csv", "b*.csv", "drop", false}, {"a*b", "ab*", "drop", true},
        {"A.csv", "a.CSV", "drop", true},    {"?.csv", "ab.csv", "drop", false},
        {"a?c", "*b*", "drop", true},        {"*x", "*y", "drop", false},
        {"*.csv", "*.csv", "drop/", true},   {"*.csv", "*.csv", "other", false},
        {"a*x*z", "a*y*z", "drop", true},    {"a", "a*b", "drop", false},
        {"**", "?", "drop", true},
    };
    struct loading *loading = (struct loading *)*state;
    char text[1024];

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const int length = snprintf(
            text, sizeof(text),
            ROOT("'streams': {'sales': {}}, 'inputs': {"
                 "'a': {'type': 'files', 'stream': 'sales', 'format': 'csv', 'directory': 'drop', "
                 "'pattern': '%s'}, 'b': {'type': 'files', 'stream': 'sales', 'format': 'csv', "
                 "'directory': '%s', 'pattern': '%s'}}"),
            pairs[i].a, pairs[i].folder, pairs[i].b);
        assert_true(length > 0 && (size_t)length < sizeof(text));
        load(loading, text);
        if (loading->mistake_count != pairs[i].meet) {
            print_error("%s %s\n", pairs[i].a, pairs[i].b);
        }
        assert_int_equal(loading->mistake_count, pairs[i].meet ? 1 : 0);
    }
}

static void what_is_not_said_has_its_default(void **state)
{
    const struct sfe_config *config =
        load_good((struct loading *)*state, INPUT(HERE "'format': 'ndjson'"));
    const struct sfe_config_input *input = &config->inputs[0];

    assert_int_equal(input->type, SFE_INPUT_FILES);
    assert_int_equal(input->connection, UINT32_MAX);
    assert_string_equal(input->topic, "w/#");
    assert_string_equal(input->files.pattern, "*.ndjson");
    assert_int_equal(input->files.settle_ns, UINT64_C(5000000000));
    assert_int_equal(input->files.complete, SFE_COMPLETE_SETTLED);
    assert_string_equal(input->files.done, "done");
    assert_string_equal(input->files.failed, "failed");
    assert_int_equal(input->files.keep_done, 1000);
    assert_int_equal(input->files.keep_done_bytes, 64u << 20);
    assert_int_equal(input->identity_rule, SFE_IDENTITY_BY_CONTENT);
}

#define LOADING_TEST(test) cmocka_unit_test_setup_teardown(test, loading_open, loading_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADING_TEST(what_cannot_be_is_refused),
        LOADING_TEST(two_inputs_do_not_take_the_same_files),
        LOADING_TEST(patterns_that_a_name_fits_both_of_are_refused_and_no_others),
        LOADING_TEST(what_is_not_said_has_its_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
