#include "loading.h"

#include "config/check_file_output.h"

#define SITE(outputs)                                                                              \
    ROOT("'connections': {'site': {'type': 'mqtt', 'url': 'mqtt://127.0.0.1'}}, "                  \
         "'streams': {'a': {}, 'b': {}}, 'inputs': {'in': {'type': 'mqtt', 'connection': 'site', " \
         "'stream': 'a', 'topic': 'in/#'}}, 'outputs': {" outputs "}")
#define OUT(more) "'out': {'type': 'file', 'from': 'a', 'directory': '/d'" more "}"

static const struct bad bad[] = {
    {SITE("'out': {'type': 'file', 'from': 'a'}"), "/outputs/out", 3,
     "key \"directory\" is missing"},
    {SITE(OUT(", 'name': 'a/b'")), "/outputs/out/name", 3, "no name for files"},
    {SITE(OUT(", 'name': '.a'")), "/outputs/out/name", 3, "no name for files"},
    {SITE(OUT(", 'format': 'csv'")), "/outputs/out/format", 3, "has columns"},
    {SITE(OUT(", 'format': 'xml'")), "/outputs/out/format", 3, "csv"},
    {SITE(OUT(", 'keep_size': '1MiB'")), "/outputs/out/keep_size", 3, "rotate_size"},
    {SITE(OUT(", 'keep_files': 0")), "/outputs/out/keep_files", 3, "1"},
    {SITE(OUT(", 'map': {'a': {'value': 1, 'default': 2}}")), "/outputs/out/map/a/default", 3,
     "no effect"},
    {SITE(OUT("") ", 'two': {'type': 'file', 'from': 'b', 'directory': '/d', 'name': 'out'}"),
     "/outputs/two/directory", 3, "writes the same files"},
    {SITE("'out-a': {'type': 'file', 'from': 'a', 'directory': '/d'}, "
          "'out': {'type': 'file', 'from': ['b', 'a'], 'directory': '/d'}"),
     "/outputs/out/directory", 3, "writes the same files"},
};

static void what_cannot_be_written_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_bad((struct loading *)*state, &bad[i]);
    }
}

static void outputs_share_a_directory_by_other_names(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, SITE(OUT("") ", 'two': {'type': 'file', 'from': ['a', 'b'], 'directory': '/d', "
                               "'format': 'csv', 'map': {'a': '{/a}'}}"));
    assert_int_equal(loading->mistake_count, 0);
}

#define LOADING_TEST(test) cmocka_unit_test_setup_teardown(test, loading_open, loading_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADING_TEST(what_cannot_be_written_is_refused),
        LOADING_TEST(outputs_share_a_directory_by_other_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
