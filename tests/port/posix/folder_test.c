#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char root[32];
static struct sfe_folder *folder;
static struct sfe_error err;

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static int open_root(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/sfedge-folder-XXXXXX");
    return mkdtemp(root) != NULL && sfe_folder_open(root, &folder, &err) == SFE_OK ? 0 : 1;
}

static int close_root(void **state)
{
    (void)state;
    sfe_folder_close(folder);
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *path_of(const char *name)
{
    static char path[512];
    const int length = snprintf(path, sizeof(path), "%s/%s", root, name);

    assert_true(length > 0 && (size_t)length < sizeof(path));
    return path;
}

static void make_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum sfe_code open_file(const char *name)
{
    struct sfe_folder_file *file = NULL;
    const enum sfe_code code = sfe_folder_open_file(folder, name, &file, &err);

    assert_true((file != NULL) == (code == SFE_OK));
    sfe_folder_close_file(file);
    return code;
}

static void a_file_is_read_at_any_place(void **state)
{
    struct sfe_folder_file *file = NULL;
    struct sfe_folder_entry entry;
    struct sfe_folder_entry looked;
    char bytes[16];
    size_t got = 0;

    (void)state;
    make_file("a.csv", "hello");
    assert_int_equal(sfe_folder_open_file(folder, "a.csv", &file, &err), SFE_OK);
    assert_int_equal(sfe_folder_look_at_file(file, &entry, &err), SFE_OK);
    assert_int_equal(sfe_folder_look(folder, NULL, "a.csv", &looked, &err), SFE_OK);
    assert_memory_equal(&entry, &looked, sizeof(entry));
    assert_int_equal(entry.size, 5);
    assert_true(entry.inode != 0 && entry.modified_ns > 0 && entry.changed_ns > 0);
    assert_int_equal(sfe_folder_read(file, 1, bytes, 3, &got, &err), SFE_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(bytes, "ell", 3);
    assert_int_equal(sfe_folder_read(file, 4, bytes, sizeof(bytes), &got, &err), SFE_OK);
    assert_int_equal(got, 1);
    assert_int_equal(sfe_folder_read(file, 9, bytes, sizeof(bytes), &got, &err), SFE_OK);
    assert_int_equal(got, 0);
    sfe_folder_close_file(file);
}

static void what_is_no_regular_file_is_not_opened_and_not_waited_for(void **state)
{
    struct sfe_folder_entry entry;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    static const char *const names[] = {"link", "pipe", "part", "sock", "none", "device"};

    (void)state;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/sock", root);
    assert_int_equal(bind(server, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(symlink("/etc/hostname", path_of("link")), 0);
    assert_int_equal(symlink("/dev/zero", path_of("device")), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(mkdir(path_of("part"), 0700), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(open_file(names[i]), SFE_E_NOT_FOUND);
        assert_int_equal(sfe_folder_look(folder, NULL, names[i], &entry, &err), SFE_E_NOT_FOUND);
    }
    (void)close(server);
}

static void every_name_is_listed(void **state)
{
    struct sfe_folder_list *list = NULL;
    char name[SFE_FOLDER_NAME_BYTES];
    unsigned count = 0;

    (void)state;
    make_file("a", "");
    make_file(".b", "");
    assert_int_equal(mkdir(path_of("c"), 0700), 0);
    assert_int_equal(sfe_folder_begin_list(folder, NULL, &list, &err), SFE_OK);
    while (sfe_folder_next(list, name, &err) == SFE_OK) {
        assert_true(strcmp(name, "a") == 0 || strcmp(name, ".b") == 0 || strcmp(name, "c") == 0);
        count++;
    }
    assert_int_equal(sfe_folder_next(list, name, &err), SFE_E_END);
    sfe_folder_end_list(list);
    assert_int_equal(count, 3);
    assert_int_equal(sfe_folder_begin_list(folder, "none", &list, &err), SFE_E_NOT_FOUND);
    assert_null(list);
}

static void a_file_moves_into_a_part(void **state)
{
    struct sfe_folder_entry before;
    struct sfe_folder_entry after;

    (void)state;
    make_file("a", "x");
    assert_int_equal(sfe_folder_look(folder, NULL, "a", &before, &err), SFE_OK);
    assert_int_equal(sfe_folder_move(folder, "a", "done", "a", &err), SFE_E_NOT_FOUND);
    assert_int_equal(sfe_folder_make(folder, "done", &err), SFE_OK);
    assert_int_equal(sfe_folder_make(folder, "done", &err), SFE_OK);
    assert_int_equal(sfe_folder_move(folder, "a", "done", "b", &err), SFE_OK);
    assert_int_equal(sfe_folder_sync(folder, "done", &err), SFE_OK);
    assert_int_equal(sfe_folder_sync(folder, NULL, &err), SFE_OK);
    assert_int_equal(sfe_folder_look(folder, NULL, "a", &after, &err), SFE_E_NOT_FOUND);
    assert_int_equal(sfe_folder_look(folder, "done", "b", &after, &err), SFE_OK);
    assert_int_equal(after.inode, before.inode);
    assert_int_equal(sfe_folder_move(folder, "a", "done", "c", &err), SFE_E_NOT_FOUND);
}

static void a_report_replaces_what_is_there_and_follows_no_link(void **state)
{
    struct sfe_folder_entry entry;

    (void)state;
    assert_int_equal(sfe_folder_make(folder, "done", &err), SFE_OK);
    assert_int_equal(sfe_folder_put(folder, "done", "r", SFE_TEXT("a long one"), &err), SFE_OK);
    assert_int_equal(sfe_folder_put(folder, "done", "r", SFE_TEXT("short"), &err), SFE_OK);
    assert_int_equal(sfe_folder_look(folder, "done", "r", &entry, &err), SFE_OK);
    assert_int_equal(entry.size, 5);
    make_file("victim", "untouched");
    assert_int_equal(symlink("../victim", path_of("done/l")), 0);
    assert_int_not_equal(sfe_folder_put(folder, "done", "l", SFE_TEXT("x"), &err), SFE_OK);
    assert_int_equal(sfe_folder_look(folder, NULL, "victim", &entry, &err), SFE_OK);
    assert_int_equal(entry.size, 9);
    assert_int_equal(sfe_folder_remove(folder, "done", "r", &err), SFE_OK);
    assert_int_equal(sfe_folder_remove(folder, "done", "r", &err), SFE_E_NOT_FOUND);
}

static void a_part_that_is_a_link_is_not_followed(void **state)
{
    (void)state;
    make_file("a", "x");
    assert_int_equal(symlink("/tmp", path_of("done")), 0);
    assert_int_not_equal(sfe_folder_move(folder, "a", "done", "a", &err), SFE_OK);
    assert_int_equal(open_file("a"), SFE_OK);
}

static void a_folder_that_is_not_there_is_not_found(void **state)
{
    struct sfe_folder *none = NULL;

    (void)state;
    assert_int_equal(sfe_folder_open(path_of("none"), &none, &err), SFE_E_NOT_FOUND);
    assert_null(none);
    make_file("a", "x");
    assert_int_equal(sfe_folder_open(path_of("a"), &none, &err), SFE_E_STORAGE);
}

#define FOLDER_TEST(test) cmocka_unit_test_setup_teardown(test, open_root, close_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_file_is_read_at_any_place),
        FOLDER_TEST(what_is_no_regular_file_is_not_opened_and_not_waited_for),
        FOLDER_TEST(every_name_is_listed),
        FOLDER_TEST(a_file_moves_into_a_part),
        FOLDER_TEST(a_report_replaces_what_is_there_and_follows_no_link),
        FOLDER_TEST(a_part_that_is_a_link_is_not_followed),
        FOLDER_TEST(a_folder_that_is_not_there_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
