#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static char path[80];
static char part[96];
static struct sfe_output_file *file;
static struct sfe_error err;

static int make_root(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/sfedge-output-XXXXXX");
    if (mkdtemp(root) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/file", root);
    (void)snprintf(part, sizeof(part), "%s.part", path);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(root); /* Fails where anything is left behind. */
}

static void assert_content(const char *text)
{
    char found[64] = "";
    FILE *opened = fopen(path, "r");
    assert_non_null(opened);
    assert_int_equal(fread(found, 1, sizeof(found) - 1u, opened), strlen(text));
    assert_int_equal(fclose(opened), 0);
    assert_string_equal(found, text);
}

static void write_file(const char *text, bool may_replace)
{
    assert_int_equal(sfe_process_open_output(path, may_replace, &file, &err), SFE_OK);
    assert_int_equal(sfe_process_write_output(file, sfe_slice_text(text), &err), SFE_OK);
    assert_int_equal(sfe_process_finish_output(file, &err), SFE_OK);
}

static void a_finished_file_is_whole_and_ours_alone(void **state)
{
    struct stat status;
    (void)state;
    write_file("one two", false);
    assert_content("one two");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_not_equal(access(part, F_OK), 0);
}

static void nothing_can_be_read_before_it_is_finished(void **state)
{
    (void)state;
    assert_int_equal(sfe_process_open_output(path, false, &file, &err), SFE_OK);
    assert_int_equal(sfe_process_write_output(file, SFE_TEXT("half"), &err), SFE_OK);
    assert_content("");
    sfe_process_abandon_output(file);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(part, F_OK), 0);
}

static void a_file_is_replaced_only_when_that_is_asked_for(void **state)
{
    (void)state;
    write_file("old", false);
    assert_int_equal(sfe_process_open_output(path, false, &file, &err), SFE_E_REFUSED);
    assert_null(file);
    assert_content("old");
    assert_int_equal(sfe_process_open_output(path, true, &file, &err), SFE_OK);
    assert_int_equal(sfe_process_write_output(file, SFE_TEXT("new"), &err), SFE_OK);
    assert_content("old");
    sfe_process_abandon_output(file);
    assert_content("old");
    write_file("new", true);
    assert_content("new");
}

static void two_writers_of_one_file_are_kept_apart(void **state)
{
    struct sfe_output_file *second = NULL;
    (void)state;
    assert_int_equal(sfe_process_open_output(path, false, &file, &err), SFE_OK);
    assert_int_equal(sfe_process_open_output(path, false, &second, &err), SFE_E_REFUSED);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(sfe_process_finish_output(file, &err), SFE_OK);
}

static void what_is_no_plain_file_is_not_replaced(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(sfe_process_open_output(path, true, &file, &err), SFE_E_REFUSED);
    assert_int_equal(sfe_process_open_output(path, false, &file, &err), SFE_E_REFUSED);
    assert_int_equal(sfe_process_open_output(root, true, &file, &err), SFE_E_REFUSED);
    assert_int_equal(access(path, F_OK), 0);
}

static void a_full_medium_is_told(void **state)
{
    const int output = dup(STDOUT_FILENO);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    (void)state;
    assert_true(output >= 0 && full >= 0);
    assert_int_equal(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
    enum sfe_code opened = sfe_process_open_output(NULL, false, &file, &err);
    enum sfe_code written = sfe_process_write_output(file, SFE_TEXT("x"), &err);
    assert_int_equal(dup2(output, STDOUT_FILENO), STDOUT_FILENO);
    sfe_process_abandon_output(file);
    (void)close(full);
    (void)close(output);
    assert_int_equal(opened, SFE_OK);
    assert_int_equal(written, SFE_E_NO_SPACE);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    assert_int_equal(sfe_process_open_output("/nonexistent/x", false, &file, &err),
                     SFE_E_NOT_FOUND);
    assert_int_equal(sfe_process_open_output("/nonexistent/x", true, &file, &err), SFE_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_finished_file_is_whole_and_ours_alone),
        TEST(nothing_can_be_read_before_it_is_finished),
        TEST(a_file_is_replaced_only_when_that_is_asked_for),
        TEST(two_writers_of_one_file_are_kept_apart),
        TEST(what_is_no_plain_file_is_not_replaced),
        TEST(a_full_medium_is_told),
        TEST(a_folder_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
