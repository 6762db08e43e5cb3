/* Finds files of the source tree from the path that the compiler was given, for the tests of this
 * folder. */
#ifndef SFE_TESTS_UNIT_CONFIG_SOURCE_TREE_H
#define SFE_TESTS_UNIT_CONFIG_SOURCE_TREE_H

#include <stdio.h>
#include <string.h>

#define SOURCE_TREE_BYTES_MAX 512u

/* `file` is __FILE__ of a test in tests/unit/config. */
static inline const char *source_tree_path(const char *file, const char *name,
                                           char path[SOURCE_TREE_BYTES_MAX])
{
    const char *tests = strstr(file, "tests/unit/config/");
    const char *next;
    int size;

    assert_non_null(tests);
    while ((next = strstr(tests + 1, "tests/unit/config/")) != NULL) {
        tests = next;
    }
    size = snprintf(path, SOURCE_TREE_BYTES_MAX, "%.*s%s", (int)(tests - file), file, name);
    assert_true(size > 0 && size < (int)SOURCE_TREE_BYTES_MAX);
    return path;
}

#endif
