#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_file(const char *folder, const char *name)
{
    char path[256];
    int size = snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_true(size > 0 && (size_t)size < sizeof(path));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *folder, const char *name)
{
    char path[256];
    int size = snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_true(size > 0 && (size_t)size < sizeof(path));
    assert_int_equal(unlink(path), 0);
}

static void files_are_listed_in_the_order_of_their_names(void **state)
{
    static const char *const names[] = {"20-b.json", "10-a.json", "B.json",
                                        ".c.json",   "d.json~",   ".json"};
    char folder[] = "/tmp/sfedge-folder-XXXXXX";
    char memory[128];
    struct sfe_builder found = sfe_builder_make(memory, sizeof(memory));
    struct sfe_builder small = sfe_builder_make(memory, 12);
    struct sfe_error err;
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        make_file(folder, names[i]);
    }
    assert_int_equal(sfe_process_list_files(folder, ".json", &found, &err), SFE_OK);
    assert_int_equal(found.size, 27);
    assert_memory_equal(memory,
                        "10-a.json\0"
                        "20-b.json\0"
                        "B.json\0",
                        27);
    assert_int_equal(sfe_process_list_files(folder, ".json", &small, &err), SFE_E_TOO_LARGE);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        remove_file(folder, names[i]);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void folder_that_is_not_there_has_no_files(void **state)
{
    char memory[16];
    struct sfe_builder found = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;
    (void)state;
    assert_int_equal(sfe_process_list_files("/nonexistent/conf.d", ".json", &found, &err), SFE_OK);
    assert_int_equal(found.size, 0);
}

static void path_is_made_absolute_once(void **state)
{
    char memory[1200];
    char folder[1024];
    struct sfe_builder path = sfe_builder_make(memory, sizeof(memory) - 1);
    struct sfe_error err;
    (void)state;
    assert_int_equal(sfe_process_add_absolute_path("/a/b", &path, &err), SFE_OK);
    assert_int_equal(path.size, 4);
    sfe_builder_rewind(&path, 0);
    assert_int_equal(sfe_process_add_absolute_path("a/b", &path, &err), SFE_OK);
    memory[path.size] = '\0';
    assert_non_null(getcwd(folder, sizeof(folder)));
    assert_int_equal(strncmp(memory, folder, strlen(folder)), 0);
    assert_string_equal(memory + strlen(folder), "/a/b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_listed_in_the_order_of_their_names),
        cmocka_unit_test(folder_that_is_not_there_has_no_files),
        cmocka_unit_test(path_is_made_absolute_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
