#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];

static int make_root(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/sfedge-files-XXXXXX");
    return mkdtemp(root) == NULL ? 1 : 0;
}

static int remove_root(void **state)
{
    (void)state;
    return rmdir(root);
}

static void put(char *path, size_t capacity, const char *text, mode_t mode)
{
    (void)snprintf(path, capacity, "%s/file", root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void whole_file_is_added_behind_what_is_there(void **state)
{
    char path[128];
    uint8_t memory[16];
    struct sfe_error err;
    struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
    (void)state;
    put(path, sizeof(path), "0123456789abc", 0644);
    sfe_builder_add_text(&content, "...");
    assert_int_equal(sfe_process_read_file(path, &content, &err), SFE_OK); /* Fits exactly. */
    assert_int_equal(content.size, 16);
    assert_memory_equal(memory, "...0123456789abc", 16);
    assert_int_equal(unlink(path), 0);
}

static void file_over_the_bound_leaves_nothing_behind(void **state)
{
    char path[128];
    uint8_t memory[8];
    uint8_t zeros[8] = {0};
    struct sfe_error err;
    struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
    (void)state;
    put(path, sizeof(path), "012345678", 0600);
    assert_int_equal(sfe_process_read_secret(path, &content, &err), SFE_E_TOO_LARGE);
    assert_int_equal(content.size, 0);
    assert_memory_equal(memory, zeros, 8);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sfe_process_read_file(path, &content, &err), SFE_E_NOT_FOUND);
}

static void secret_that_others_can_reach_is_refused(void **state)
{
    static const mode_t refused[] = {0604, 0602, 0601, 0666};
    static const mode_t taken[] = {0600, 0400, 0640};
    char path[128];
    uint8_t memory[16];
    struct sfe_error err;
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
        put(path, sizeof(path), "secret", refused[i]);
        assert_int_equal(sfe_process_read_secret(path, &content, &err), SFE_E_PERMISSION);
        assert_null(strstr(err.message, "secret\n"));
        assert_int_equal(unlink(path), 0);
    }
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
        put(path, sizeof(path), "secret", taken[i]);
        assert_int_equal(sfe_process_read_secret(path, &content, &err), SFE_OK);
        assert_int_equal(content.size, 6);
        assert_int_equal(unlink(path), 0);
    }
}

/* What a second process that claims `path` is told. */
static int claim_elsewhere(const char *path)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sfe_error err;
        _exit((int)sfe_process_claim_directory(path, &err));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void directory_is_claimed_by_one_process_alone(void **state)
{
    char path[128];
    char parent[96];
    char lock[160];
    struct stat status;
    struct sfe_error err;
    (void)state;
    (void)snprintf(parent, sizeof(parent), "%s/var", root);
    (void)snprintf(path, sizeof(path), "%s//state", parent);
    (void)snprintf(lock, sizeof(lock), "%s/lock", path);
    assert_int_equal(claim_elsewhere(path), SFE_OK); /* Its lock ended with it. */
    assert_int_equal(sfe_process_claim_directory(path, &err), SFE_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777u, 0700);
    assert_int_equal(claim_elsewhere(path), SFE_E_REFUSED);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(parent), 0);
}

static void directory_below_a_file_cannot_be_claimed(void **state)
{
    char file[128];
    char path[160];
    struct sfe_error err;
    (void)state;
    put(file, sizeof(file), "", 0600);
    (void)snprintf(path, sizeof(path), "%s/state", file);
    assert_int_equal(sfe_process_claim_directory(path, &err), SFE_E_STORAGE);
    assert_int_equal(sfe_process_claim_directory(file, &err), SFE_E_STORAGE);
    assert_int_equal(unlink(file), 0);
}

static void memory_in_use_grows_with_what_is_touched(void **state)
{
    (void)state;
    uint64_t before = sfe_process_memory_bytes();
    if (before == 0) {
        skip(); /* The kernel or an emulator does not say. */
    }
    size_t size = 8u * 1024 * 1024;
    char *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 1, size);
    uint64_t after = sfe_process_memory_bytes();
    assert_true(after >= before + size / 2);
    free(memory);
}

static void what_malloc_gives_counts_as_heap_until_it_is_given_back(void **state)
{
    (void)state;
    uint64_t before = sfe_process_heap_bytes();
    if (before == 0) {
        skip(); /* This C library does not say. */
    }
    size_t size = 8u * 1024 * 1024;
    char *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 1, size);
    uint64_t during = sfe_process_heap_bytes();
    uint64_t resident = sfe_process_resident_bytes();
    free(memory);
    if (during < before + size) {
        skip(); /* A sanitizer's malloc, of which the C library knows nothing. */
    }
    assert_true(resident >= size);
    assert_true(sfe_process_heap_bytes() < before + size);
}

static void a_directory_is_made_with_its_parents_and_left_as_it_is(void **state)
{
    char folder[] = "/tmp/sfedge-made-XXXXXX";
    char parent[64];
    char path[64];
    struct stat status;
    struct sfe_error err;
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_true(snprintf(parent, sizeof(parent), "%s/a", folder) > 0);
    assert_true(snprintf(path, sizeof(path), "%s/a/b", folder) > 0);
    assert_int_equal(sfe_process_make_directory(path, &err), SFE_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(chmod(path, 0750), 0);
    assert_int_equal(sfe_process_make_directory(path, &err), SFE_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0750);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(parent), 0);
    assert_int_equal(rmdir(folder), 0);
}

#define ROOT_TEST(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOT_TEST(whole_file_is_added_behind_what_is_there),
        ROOT_TEST(file_over_the_bound_leaves_nothing_behind),
        ROOT_TEST(secret_that_others_can_reach_is_refused),
        ROOT_TEST(directory_is_claimed_by_one_process_alone),
        ROOT_TEST(directory_below_a_file_cannot_be_claimed),
        cmocka_unit_test(a_directory_is_made_with_its_parents_and_left_as_it_is),
        ROOT_TEST(memory_in_use_grows_with_what_is_touched),
        cmocka_unit_test(what_malloc_gives_counts_as_heap_until_it_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
