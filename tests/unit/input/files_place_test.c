#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/files_place.h"

#include <stdio.h>

/* A file in memory, replaced by a rename. */
struct disk {
    uint8_t now[512], next[512];
    size_t now_size, next_size;
    bool is_there;
    bool is_synced; /* What was written last. */
    bool fails;
    char order[64]; /* w, s, r, d: what was done. */
};

static struct disk disk;

static void note(const char *what)
{
    const size_t size = strlen(disk.order);

    assert_true(size + 1u < sizeof(disk.order));
    disk.order[size] = what[0];
    disk.order[size + 1u] = '\0';
}

static enum sfe_code disk_open(void *context, const char *name, enum sfe_storage_open how,
                               struct sfe_file **file, struct sfe_error *err)
{
    (void)context;
    *file = NULL;
    if (how == SFE_STORAGE_READ) {
        assert_string_equal(name, "drop.place");
        return disk.is_there ? SFE_OK : sfe_fail(err, SFE_E_NOT_FOUND, "none");
    }
    return SFE_OK;
}

static void disk_close(void *context, struct sfe_file *file)
{
    (void)context;
    (void)file;
}

static enum sfe_code disk_read(void *context, struct sfe_file *file, uint64_t offset, void *bytes,
                               size_t size, size_t *got, struct sfe_error *err)
{
    (void)context;
    (void)file;
    (void)err;
    assert_int_equal(offset, 0);
    *got = disk.now_size < size ? disk.now_size : size;
    memcpy(bytes, disk.now, *got);
    return SFE_OK;
}

static enum sfe_code disk_write(void *context, struct sfe_file *file, uint64_t offset,
                                const struct sfe_slice *parts, size_t part_count,
                                struct sfe_error *err)
{
    (void)context;
    (void)file;
    assert_int_equal(offset, 0);
    assert_int_equal(part_count, 1);
    note("w");
    if (disk.fails) {
        return sfe_fail(err, SFE_E_NO_SPACE, "full");
    }
    memcpy(disk.next, parts[0].bytes, parts[0].size);
    disk.next_size = parts[0].size;
    return SFE_OK;
}

static enum sfe_code disk_sync(void *context, struct sfe_file *file, struct sfe_error *err)
{
    (void)context;
    (void)file;
    (void)err;
    note("s");
    return SFE_OK;
}

static enum sfe_code disk_rename(void *context, const char *from, const char *to,
                                 struct sfe_error *err)
{
    (void)context;
    (void)from;
    (void)err;
    assert_string_equal(to, "drop.place");
    note("r");
    memcpy(disk.now, disk.next, disk.next_size);
    disk.now_size = disk.next_size;
    disk.is_there = true;
    return SFE_OK;
}

static enum sfe_code disk_remove(void *context, const char *name, struct sfe_error *err)
{
    (void)context;
    if (strcmp(name, "drop.place") != 0 || !disk.is_there) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "none");
    }
    disk.is_there = false;
    return SFE_OK;
}

static enum sfe_code disk_sync_directory(void *context, struct sfe_error *err)
{
    (void)context;
    (void)err;
    note("d");
    return SFE_OK;
}

static const struct sfe_storage storage = {
    .open = disk_open,
    .close = disk_close,
    .read = disk_read,
    .write = disk_write,
    .sync = disk_sync,
    .rename = disk_rename,
    .remove = disk_remove,
    .sync_directory = disk_sync_directory,
};

static const struct files_place sample = {
    .name = "sales 1.csv",
    .offset = UINT64_C(0x123456789A),
    .chain = {{1, 2, 3}},
    .seed = {{4, 5, 6}},
};

static int make(void **state)
{
    struct sfe_error err;

    (void)state;
    memset(&disk, 0, sizeof(disk));
    return files_place_save(&storage, "drop", &sample, &err) == SFE_OK ? 0 : 1;
}

static void load(struct files_place *place)
{
    struct sfe_error err;

    assert_int_equal(files_place_load(&storage, "drop", place, &err), SFE_OK);
}

static void what_was_saved_is_loaded(void **state)
{
    struct files_place place;

    (void)state;
    assert_string_equal(disk.order, "wsrd"); /* Whole and durable before it takes its place. */
    load(&place);
    assert_string_equal(place.name, sample.name);
    assert_int_equal(place.offset, sample.offset);
    assert_memory_equal(&place.chain, &sample.chain, sizeof(place.chain));
    assert_memory_equal(&place.seed, &sample.seed, sizeof(place.seed));
}

static void what_does_not_check_is_no_place(void **state)
{
    struct files_place place;

    (void)state;
    for (size_t i = 0; i < disk.now_size; i++) {
        disk.now[i] ^= 0x10u;
        load(&place);
        assert_string_equal(place.name, "");
        assert_int_equal(place.offset, 0);
        disk.now[i] ^= 0x10u;
    }
    for (size_t size = disk.now_size; size-- != 0;) {
        disk.now_size = size;
        load(&place);
        assert_string_equal(place.name, "");
    }
}

static void none_is_none(void **state)
{
    struct files_place place;

    (void)state;
    files_place_forget(&storage, "drop");
    load(&place);
    assert_string_equal(place.name, "");
    files_place_forget(&storage, "drop");
}

static void a_save_that_fails_leaves_the_one_before(void **state)
{
    struct files_place other = sample;
    struct files_place place;
    struct sfe_error err;

    (void)state;
    other.offset = 7;
    disk.fails = true;
    assert_int_equal(files_place_save(&storage, "drop", &other, &err), SFE_E_NO_SPACE);
    load(&place);
    assert_int_equal(place.offset, sample.offset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_saved_is_loaded, make),
        cmocka_unit_test_setup(what_does_not_check_is_no_place, make),
        cmocka_unit_test_setup(none_is_none, make),
        cmocka_unit_test_setup(a_save_that_fails_leaves_the_one_before, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
