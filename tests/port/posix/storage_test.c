#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char path[64];
    struct sfe_storage storage;
    struct sfe_error err;
};

static int open_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    (void)snprintf(place->path, sizeof(place->path), "/tmp/sfedge-storage-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    assert_int_equal(sfe_posix_storage_open(place->path, &place->storage, &place->err), SFE_OK);
    *state = place;
    return 0;
}

static bool remove_one(void *visitor, const char *name, uint64_t size)
{
    struct place *place = visitor;
    (void)size;
    return place->storage.remove(place->storage.context, name, &place->err) == SFE_OK;
}

static int close_place(void **state)
{
    struct place *place = *state;
    assert_int_equal(place->storage.list(place->storage.context, remove_one, place, &place->err),
                     SFE_OK);
    sfe_posix_storage_close(&place->storage);
    int failed = rmdir(place->path);
    free(place);
    return failed;
}

static struct sfe_file *open_file(struct place *place, const char *name, enum sfe_storage_open how)
{
    struct sfe_file *file = NULL;
    assert_int_equal(place->storage.open(place->storage.context, name, how, &file, &place->err),
                     SFE_OK);
    assert_non_null(file);
    return file;
}

static void write_text(struct place *place, struct sfe_file *file, uint64_t offset,
                       const char *text)
{
    struct sfe_slice part = sfe_slice_text(text);
    assert_int_equal(
        place->storage.write(place->storage.context, file, offset, &part, 1, &place->err), SFE_OK);
}

static void close_file(struct place *place, struct sfe_file *file)
{
    place->storage.close(place->storage.context, file);
}

static uint64_t size_of(struct place *place, struct sfe_file *file)
{
    uint64_t size = 0;
    assert_int_equal(place->storage.size(place->storage.context, file, &size, &place->err), SFE_OK);
    return size;
}

static void created_file_is_ours_alone_and_not_made_twice(void **state)
{
    struct place *place = *state;
    struct stat status;
    char path[128];
    struct sfe_file *file = open_file(place, "a.seg", SFE_STORAGE_CREATE);
    (void)snprintf(path, sizeof(path), "%s/a.seg", place->path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777u, 0600);
    close_file(place, file);
    assert_int_equal(place->storage.open(place->storage.context, "a.seg", SFE_STORAGE_CREATE, &file,
                                         &place->err),
                     SFE_E_STORAGE);
    assert_null(file);
}

static void missing_file_is_not_found(void **state)
{
    struct place *place = *state;
    struct sfe_file *file = NULL;
    assert_int_equal(
        place->storage.open(place->storage.context, "none", SFE_STORAGE_READ, &file, &place->err),
        SFE_E_NOT_FOUND);
    assert_int_equal(place->storage.remove(place->storage.context, "none", &place->err),
                     SFE_E_NOT_FOUND);
}

static void many_parts_are_written_one_after_the_other(void **state)
{
    struct place *place = *state;
    struct sfe_slice parts[200];
    uint8_t numbers[200];
    uint8_t got_bytes[300];
    size_t got = 0;
    struct sfe_file *file = open_file(place, "parts", SFE_STORAGE_CREATE);
    for (size_t i = 0; i < 200; i++) {
        numbers[i] = (uint8_t)i;
        parts[i] = sfe_slice_make(&numbers[i], i % 50 == 7 ? 0 : 1);
    }
    assert_int_equal(place->storage.write(place->storage.context, file, 3, parts, 200, &place->err),
                     SFE_OK);
    assert_int_equal(place->storage.read(place->storage.context, file, 3, got_bytes,
                                         sizeof(got_bytes), &got, &place->err),
                     SFE_OK);
    assert_int_equal(got, 196);
    for (size_t i = 0, at = 0; i < 200; i++) {
        if (i % 50 != 7) {
            assert_int_equal(got_bytes[at++], i);
        }
    }
    close_file(place, file);
}

static void read_is_short_only_at_the_end(void **state)
{
    struct place *place = *state;
    char bytes[8];
    size_t got = 9;
    struct sfe_file *file = open_file(place, "short", SFE_STORAGE_CREATE);
    write_text(place, file, 0, "abcdef");
    assert_int_equal(place->storage.read(place->storage.context, file, 4, bytes, sizeof(bytes),
                                         &got, &place->err),
                     SFE_OK);
    assert_int_equal(got, 2);
    assert_memory_equal(bytes, "ef", 2);
    assert_int_equal(place->storage.read(place->storage.context, file, 100, bytes, sizeof(bytes),
                                         &got, &place->err),
                     SFE_OK);
    assert_int_equal(got, 0);
    close_file(place, file);
}

static void allocate_grows_the_file_and_keeps_its_blocks(void **state)
{
    struct place *place = *state;
    struct stat status;
    char path[128];
    char byte = 'x';
    size_t got = 0;
    struct sfe_file *file = open_file(place, "space", SFE_STORAGE_CREATE);
    write_text(place, file, 0, "kept");
    assert_int_equal(place->storage.allocate(place->storage.context, file, 65536, &place->err),
                     SFE_OK);
    assert_int_equal(size_of(place, file), 65536);
    (void)snprintf(path, sizeof(path), "%s/space", place->path);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_blocks * 512 >= 65536);
    assert_int_equal(
        place->storage.read(place->storage.context, file, 0, &byte, 1, &got, &place->err), SFE_OK);
    assert_int_equal(byte, 'k');
    assert_int_equal(place->storage.truncate(place->storage.context, file, 2, &place->err), SFE_OK);
    assert_int_equal(size_of(place, file), 2);
    assert_int_equal(place->storage.sync(place->storage.context, file, &place->err), SFE_OK);
    close_file(place, file);
}

static void file_opened_to_read_cannot_be_written(void **state)
{
    struct place *place = *state;
    struct sfe_slice part = SFE_TEXT("x");
    close_file(place, open_file(place, "read", SFE_STORAGE_CREATE));
    struct sfe_file *file = open_file(place, "read", SFE_STORAGE_READ);
    assert_int_equal(place->storage.write(place->storage.context, file, 0, &part, 1, &place->err),
                     SFE_E_STORAGE);
    assert_int_not_equal(place->err.os_errno, 0);
    close_file(place, file);
}

struct found {
    unsigned count;
    uint64_t bytes;
    unsigned count_max;
};

static bool count_one(void *visitor, const char *name, uint64_t size)
{
    struct found *found = visitor;
    assert_int_not_equal(name[0], '.');
    found->count++;
    found->bytes += size;
    return found->count < found->count_max;
}

static void list_visits_plain_files_until_told_to_stop(void **state)
{
    struct place *place = *state;
    char path[128];
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "f%d", i);
        struct sfe_file *file = open_file(place, name, SFE_STORAGE_CREATE);
        write_text(place, file, 0, "12345");
        close_file(place, file);
    }
    (void)snprintf(path, sizeof(path), "%s/folder", place->path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int i = 0; i < 2; i++) { /* Twice: a list begins anew. */
        struct found all = {.count_max = 99};
        assert_int_equal(place->storage.list(place->storage.context, count_one, &all, &place->err),
                         SFE_OK);
        assert_int_equal(all.count, 3);
        assert_int_equal(all.bytes, 15);
    }
    struct found some = {.count_max = 2};
    assert_int_equal(place->storage.list(place->storage.context, count_one, &some, &place->err),
                     SFE_OK);
    assert_int_equal(some.count, 2);
    assert_int_equal(rmdir(path), 0);
}

static void rename_replaces_what_is_there(void **state)
{
    struct place *place = *state;
    struct sfe_file *file = open_file(place, "new", SFE_STORAGE_CREATE);
    write_text(place, file, 0, "newer");
    close_file(place, file);
    close_file(place, open_file(place, "old", SFE_STORAGE_CREATE));
    assert_int_equal(place->storage.rename(place->storage.context, "new", "old", &place->err),
                     SFE_OK);
    assert_int_equal(place->storage.sync_directory(place->storage.context, &place->err), SFE_OK);
    file = open_file(place, "old", SFE_STORAGE_WRITE);
    assert_int_equal(size_of(place, file), 5);
    close_file(place, file);
}

static void link_is_not_followed_out_of_the_directory(void **state)
{
    struct place *place = *state;
    struct sfe_file *file = NULL;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/link", place->path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(
        place->storage.open(place->storage.context, "link", SFE_STORAGE_READ, &file, &place->err),
        SFE_E_STORAGE);
    assert_int_equal(unlink(path), 0);
}

static void space_and_traits_are_plausible(void **state)
{
    struct place *place = *state;
    struct sfe_storage_traits traits;
    uint64_t total = 0;
    uint64_t available = 0;
    assert_int_equal(place->storage.space(place->storage.context, &total, &available, &place->err),
                     SFE_OK);
    assert_true(total > 0 && available <= total);
    place->storage.traits(place->storage.context, &traits);
    assert_true(traits.page_bytes >= 4096 && (traits.page_bytes & (traits.page_bytes - 1)) == 0);
}

static void full_medium_is_no_space(void **state)
{
    struct place *place = *state;
    struct sfe_storage full;
    struct sfe_file *file = NULL;
    struct sfe_slice part = SFE_TEXT("x");
    assert_int_equal(sfe_posix_storage_open("/dev", &full, &place->err), SFE_OK);
    assert_int_equal(full.open(full.context, "full", SFE_STORAGE_WRITE, &file, &place->err),
                     SFE_OK);
    assert_int_equal(full.write(full.context, file, 0, &part, 1, &place->err), SFE_E_NO_SPACE);
    full.close(full.context, file);
    sfe_posix_storage_close(&full);
}

static void files_of_a_shared_directory_are_for_its_group_as_well(void **state)
{
    struct place *place = *state;
    struct sfe_storage shared;
    struct sfe_file *file = NULL;
    struct stat status;
    char path[512];
    const mode_t mask = umask(0);

    assert_int_equal(sfe_storage_open_shared("/no/such/place", &shared, &place->err),
                     SFE_E_NOT_FOUND);
    assert_int_equal(sfe_storage_open_shared(place->path, &shared, &place->err), SFE_OK);
    assert_int_equal(shared.open(shared.context, "s", SFE_STORAGE_CREATE, &file, &place->err),
                     SFE_OK);
    shared.close(shared.context, file);
    (void)umask(mask);
    (void)snprintf(path, sizeof(path), "%s/s", place->path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(shared.remove(shared.context, "s", &place->err), SFE_OK);
    sfe_storage_close_shared(&shared);
}

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(created_file_is_ours_alone_and_not_made_twice),
        PLACE_TEST(missing_file_is_not_found),
        PLACE_TEST(many_parts_are_written_one_after_the_other),
        PLACE_TEST(read_is_short_only_at_the_end),
        PLACE_TEST(allocate_grows_the_file_and_keeps_its_blocks),
        PLACE_TEST(file_opened_to_read_cannot_be_written),
        PLACE_TEST(list_visits_plain_files_until_told_to_stop),
        PLACE_TEST(rename_replaces_what_is_there),
        PLACE_TEST(link_is_not_followed_out_of_the_directory),
        PLACE_TEST(space_and_traits_are_plausible),
        PLACE_TEST(full_medium_is_no_space),
        PLACE_TEST(files_of_a_shared_directory_are_for_its_group_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
