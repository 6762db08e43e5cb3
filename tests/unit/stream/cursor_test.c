#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory_storage.h"

#include "base/arena.h"
#include "base/crc32c.h"
#include "stream/cursor.h"

#define PAGE       4096u
#define FILE_BYTES (64u * PAGE)

struct fixture {
    struct memory_storage *memory;
    struct sfe_entropy entropy;
    struct sfe_arena *arena;
    struct sfe_cursor_log *log;
    struct sfe_error err;
    uint64_t salts;
};

static enum sfe_code fill(void *context, void *bytes, size_t size, struct sfe_error *err)
{
    struct fixture *fixture = context;
    uint8_t *place = bytes;
    (void)err;
    for (size_t i = 0; i < size; i++) {
        fixture->salts = fixture->salts * 6364136223846793005u + 1442695040888963407u;
        place[i] = (uint8_t)(fixture->salts >> 56);
    }
    return SFE_OK;
}

static enum sfe_code open_log(struct fixture *fixture)
{
    assert_int_equal(sfe_arena_open(4u * 1024u * 1024u, &fixture->arena, &fixture->err), SFE_OK);
    return sfe_cursor_log_open(&fixture->memory->storage, &fixture->entropy, 4, 4, fixture->arena,
                               &fixture->log, &fixture->err);
}

static void close_log(struct fixture *fixture)
{
    sfe_cursor_log_close(fixture->log);
    fixture->log = NULL;
    sfe_arena_close(fixture->arena);
    fixture->arena = NULL;
}

static void reopen(struct fixture *fixture)
{
    close_log(fixture);
    assert_int_equal(open_log(fixture), SFE_OK);
}

static struct fixture *make(uint64_t seed)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->memory = memory_storage_open(seed);
    fixture->entropy = (struct sfe_entropy){fixture, fill};
    fixture->salts = seed;
    return fixture;
}

static void drop(struct fixture *fixture)
{
    assert_int_equal(fixture->memory->open_files, 0);
    memory_storage_close(fixture->memory);
    free(fixture);
}

static int begin(void **state)
{
    struct fixture *fixture = make(1);
    assert_int_equal(open_log(fixture), SFE_OK);
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    close_log(fixture);
    drop(fixture);
    return 0;
}

static enum sfe_code save(struct fixture *fixture, uint64_t sequence)
{
    const struct sfe_cursor cursor = {
        .name = "crm/sales",
        .sequence = sequence,
        .range_count = 2,
        .ranges = {{sequence + 3, sequence + 5}, {sequence + 9, sequence + 900}}};
    const struct sfe_cursor_mark mark = {.stream = "sales", .durable = sequence + 1000};
    return sfe_cursor_log_save(fixture->log, &cursor, 1, &mark, 1, &fixture->err);
}

static uint64_t saved(const struct fixture *fixture)
{
    const struct sfe_cursor *cursor = sfe_cursor_log_find(fixture->log, "crm/sales");
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(fixture->log, "sales");
    if (cursor == NULL) {
        assert_null(mark);
        return 0;
    }
    assert_int_equal(mark->durable, cursor->sequence + 1000);
    assert_int_equal(cursor->range_count, 2);
    assert_int_equal(cursor->ranges[0].begin, cursor->sequence + 3);
    assert_int_equal(cursor->ranges[0].end, cursor->sequence + 5);
    assert_int_equal(cursor->ranges[1].begin, cursor->sequence + 9);
    assert_int_equal(cursor->ranges[1].end, cursor->sequence + 900);
    return cursor->sequence;
}

static uint32_t file_count(const struct fixture *fixture)
{
    uint32_t count = 0;
    for (int i = 0; i < fixture->memory->name_count; i++) {
        count += fixture->memory->names[i].seen >= 0;
    }
    return count;
}

static void an_empty_directory_says_nothing_and_stays_empty(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(saved(fixture), 0);
    assert_int_equal(fixture->memory->calls, 0);
}

static void what_was_saved_last_is_found_again(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t i = 1; i <= 300; i++) {
        assert_int_equal(save(fixture, i), SFE_OK);
        assert_int_equal(saved(fixture), i);
        if (i % 50 == 7) {
            reopen(fixture);
            assert_int_equal(saved(fixture), i);
        }
    }
    reopen(fixture);
    assert_int_equal(saved(fixture), 300);
}

static void a_save_is_one_page_and_one_sync(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(save(fixture, 1), SFE_OK);
    const uint64_t bytes = sfe_cursor_log_written_bytes(fixture->log);
    const uint64_t calls = fixture->memory->calls;
    assert_int_equal(save(fixture, 2), SFE_OK);
    assert_int_equal(sfe_cursor_log_written_bytes(fixture->log), bytes + PAGE);
    assert_int_equal(sfe_cursor_log_syncs(fixture->log), 2);
    assert_int_equal(fixture->memory->calls, calls + 2);
}

static void old_files_go_and_one_spare_stays(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t i = 1; i <= 500; i++) {
        assert_int_equal(save(fixture, i), SFE_OK);
        assert_int_equal(file_count(fixture), 2);
    }
    for (uint32_t i = 0; i < 5; i++) {
        reopen(fixture);
        assert_int_equal(save(fixture, 1000 + i), SFE_OK);
        assert_int_equal(file_count(fixture), 2);
    }
}

static void a_full_medium_does_not_stop_the_cursors(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(save(fixture, 1), SFE_OK);
    memory_put(fixture->memory, "others", NULL, 100);
    fixture->memory->capacity = memory_used(fixture->memory);
    for (uint64_t i = 2; i <= 500; i++) {
        assert_int_equal(save(fixture, i), SFE_OK);
        if (i % 100 == 0) {
            reopen(fixture);
            assert_int_equal(saved(fixture), i);
        }
    }
}

static void cursors_of_former_outputs_are_kept(void **state)
{
    struct fixture *fixture = *state;
    const struct sfe_cursor old = {.name = "old/sales", .sequence = 17};
    const struct sfe_cursor_mark mark = {.stream = "old", .durable = 99};
    assert_int_equal(sfe_cursor_log_save(fixture->log, &old, 1, &mark, 1, &fixture->err), SFE_OK);
    for (uint64_t i = 1; i <= 200; i++) {
        assert_int_equal(save(fixture, i), SFE_OK);
    }
    reopen(fixture);
    assert_int_equal(save(fixture, 201), SFE_OK);
    reopen(fixture);
    assert_int_equal(sfe_cursor_log_find(fixture->log, "old/sales")->sequence, 17);
    assert_int_equal(sfe_cursor_log_mark(fixture->log, "old")->durable, 99);
    assert_int_equal(saved(fixture), 201);
}

static void a_cursor_that_is_forgotten_stays_away_and_the_others_stay(void **state)
{
    struct fixture *fixture = *state;
    const struct sfe_cursor cursors[3] = {{.name = "a/s", .sequence = 1},
                                          {.name = "b/s", .sequence = 2},
                                          {.name = "c/s", .sequence = 3}};
    const struct sfe_cursor_mark mark = {.stream = "s", .durable = 9};

    assert_int_equal(sfe_cursor_log_save(fixture->log, cursors, 3, &mark, 1, &fixture->err),
                     SFE_OK);
    assert_int_equal(sfe_cursor_log_forget(fixture->log, "a", &fixture->err), SFE_E_NOT_FOUND);
    fixture->memory->fail_count = 1;
    fixture->memory->fail_at = fixture->memory->calls + 1u;
    assert_int_not_equal(sfe_cursor_log_forget(fixture->log, "a/s", &fixture->err), SFE_OK);
    fixture->memory->fail_at = 0;
    assert_int_equal(sfe_cursor_log_find(fixture->log, "a/s")->sequence, 1);
    assert_int_equal(sfe_cursor_log_forget(fixture->log, "a/s", &fixture->err), SFE_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_null(sfe_cursor_log_find(fixture->log, "a/s"));
        assert_int_equal(sfe_cursor_log_find(fixture->log, "b/s")->sequence, 2);
        assert_int_equal(sfe_cursor_log_find(fixture->log, "c/s")->sequence, 3);
        assert_int_equal(sfe_cursor_log_mark(fixture->log, "s")->durable, 9);
        assert_null(sfe_cursor_log_at(fixture->log, 2));
        reopen(fixture);
    }
}

static void too_many_former_cursors_are_refused_and_the_last_snapshot_stands(void **state)
{
    struct fixture *fixture = *state;
    enum sfe_code code = SFE_OK;
    assert_int_equal(save(fixture, 5), SFE_OK);
    for (uint32_t i = 0; i < 8 && code == SFE_OK; i++) {
        struct sfe_cursor cursor = {.sequence = i};
        (void)snprintf(cursor.name, sizeof(cursor.name), "old%u/s", (unsigned)i);
        code = sfe_cursor_log_save(fixture->log, &cursor, 1, NULL, 0, &fixture->err);
    }
    assert_int_equal(code, SFE_E_TOO_LARGE);
    assert_int_equal(saved(fixture), 5);
    assert_int_equal(save(fixture, 6), SFE_OK);
    reopen(fixture);
    assert_int_equal(saved(fixture), 6);
}

static void a_torn_snapshot_leaves_the_one_before(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t i = 1; i <= 5; i++) {
        assert_int_equal(save(fixture, i), SFE_OK);
    }
    struct memory_inode *file = memory_file(fixture->memory, "cursors-000001.log");
    for (size_t bit = 0; bit < 8u * 40u; bit++) {
        memory_damage(file, 6u * PAGE + bit / 8u, (uint8_t)(1u << (bit % 8u)));
        reopen(fixture);
        assert_int_equal(saved(fixture), 4);
        memory_damage(file, 6u * PAGE + bit / 8u, (uint8_t)(1u << (bit % 8u)));
    }
    memory_damage(file, 3u * PAGE, 1); /* One in the middle changes nothing. */
    memory_damage(file, 10, 1);        /* Nor does one of the headers. */
    reopen(fixture);
    assert_int_equal(saved(fixture), 5);
    file->is_unreadable[6] = true;
    reopen(fixture);
    assert_int_equal(saved(fixture), 4);
}

static void a_snapshot_is_of_several_pages_where_it_must(void **state)
{
    struct fixture *fixture = *state;
    struct sfe_cursor cursors[4];
    memset(cursors, 0, sizeof(cursors));
    for (uint32_t i = 0; i < 4; i++) {
        (void)snprintf(cursors[i].name, sizeof(cursors[i].name), "out%u/sales", (unsigned)i);
        cursors[i].sequence = UINT64_C(1) << 60;
        cursors[i].range_count = SFE_CURSOR_RANGES_MAX;
        uint64_t at = cursors[i].sequence;
        for (uint32_t j = 0; j < SFE_CURSOR_RANGES_MAX; j++) {
            cursors[i].ranges[j] =
                (struct sfe_cursor_range){at + (UINT64_C(1) << 50), at + (UINT64_C(1) << 51)};
            at = cursors[i].ranges[j].end;
        }
    }
    for (uint32_t i = 0; i < 100; i++) {
        cursors[0].sequence = i;
        assert_int_equal(sfe_cursor_log_save(fixture->log, cursors, 4, NULL, 0, &fixture->err),
                         SFE_OK);
    }
    reopen(fixture);
    for (uint32_t i = 0; i < 4; i++) {
        const struct sfe_cursor *found = sfe_cursor_log_find(fixture->log, cursors[i].name);
        assert_non_null(found);
        assert_memory_equal(found, &cursors[i], sizeof(*found));
    }
}

static void a_newer_format_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(save(fixture, 1), SFE_OK);
    struct memory_inode *file = memory_file(fixture->memory, "cursors-000001.log");
    file->seen[8] = 2;
    struct sfe_builder checksum = sfe_builder_make(file->seen + 16, 4);
    sfe_builder_add_u32le(&checksum, sfe_crc32c(0, sfe_slice_make(file->seen, 16)));
    close_log(fixture);
    const uint64_t calls = fixture->memory->calls;
    assert_int_equal(open_log(fixture), SFE_E_CORRUPT);
    assert_int_equal(fixture->memory->calls, calls);
}

/* A cut, or a failure, in the n-th call: what was saved before stands, or what was being saved. */
static bool survives(uint64_t seed, uint64_t at, bool is_cut)
{
    struct fixture *fixture = make(seed);
    uint64_t last = 0;
    uint64_t tried = 0;
    assert_int_equal(open_log(fixture), SFE_OK);
    fixture->memory->cut_at = is_cut ? at : 0;
    fixture->memory->fail_at = is_cut ? 0 : at;
    fixture->memory->fail_count = 1;
    for (uint64_t i = 1; i <= 70 && !fixture->memory->is_off; i++) {
        tried = i;
        if (save(fixture, i) == SFE_OK) {
            last = i;
        }
        assert_int_equal(saved(fixture), last);
        assert_true(file_count(fixture) <= 3);
    }
    const bool is_reached = fixture->memory->calls >= at;
    close_log(fixture);
    if (!fixture->memory->is_off) {
        memory_cut(fixture->memory);
    }
    memory_restart(fixture->memory);
    assert_int_equal(open_log(fixture), SFE_OK);
    assert_true(saved(fixture) >= last && saved(fixture) <= tried);
    assert_int_equal(save(fixture, 1000), SFE_OK);
    reopen(fixture);
    assert_int_equal(saved(fixture), 1000);
    close_log(fixture);
    drop(fixture);
    return is_reached;
}

static void a_cut_in_any_call_leaves_the_last_snapshot_or_the_next(void **state)
{
    (void)state;
    for (uint64_t at = 1; survives(at, at, true); at++) {
        (void)survives(at + 1000, at, true);
    }
}

static void a_failure_of_any_call_leaves_the_last_snapshot_and_passes(void **state)
{
    (void)state;
    for (uint64_t at = 1; survives(at, at, false); at++) {
    }
}

static void room_is_what_a_save_would_take(void **state)
{
    struct fixture *fixture = *state;

    assert_true(sfe_cursor_log_has_room(fixture->log, 8, 8));
    assert_false(sfe_cursor_log_has_room(fixture->log, 9, 0));
    assert_false(sfe_cursor_log_has_room(fixture->log, 0, 9));
    const struct sfe_cursor cursors[3] = {{.name = "a/s", .sequence = 1},
                                          {.name = "b/s", .sequence = 1},
                                          {.name = "c/s", .sequence = 1}};
    assert_int_equal(sfe_cursor_log_save(fixture->log, cursors, 3, NULL, 0, &fixture->err), SFE_OK);
    assert_true(sfe_cursor_log_has_room(fixture->log, 5, 8));
    for (uint32_t i = 0; i < 3; i++) {
        const struct sfe_cursor *cursor = sfe_cursor_log_at(fixture->log, i);
        assert_ptr_equal(cursor, sfe_cursor_log_find(fixture->log, cursor->name));
        assert_true(i == 0 || cursor != sfe_cursor_log_at(fixture->log, i - 1u));
    }
    assert_null(sfe_cursor_log_at(fixture->log, 3));
    assert_false(sfe_cursor_log_has_room(fixture->log, 6, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_directory_says_nothing_and_stays_empty, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_was_saved_last_is_found_again, begin, end),
        cmocka_unit_test_setup_teardown(a_save_is_one_page_and_one_sync, begin, end),
        cmocka_unit_test_setup_teardown(old_files_go_and_one_spare_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_full_medium_does_not_stop_the_cursors, begin, end),
        cmocka_unit_test_setup_teardown(cursors_of_former_outputs_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(a_cursor_that_is_forgotten_stays_away_and_the_others_stay,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            too_many_former_cursors_are_refused_and_the_last_snapshot_stands, begin, end),
        cmocka_unit_test_setup_teardown(room_is_what_a_save_would_take, begin, end),
        cmocka_unit_test_setup_teardown(a_torn_snapshot_leaves_the_one_before, begin, end),
        cmocka_unit_test_setup_teardown(a_snapshot_is_of_several_pages_where_it_must, begin, end),
        cmocka_unit_test_setup_teardown(a_newer_format_is_refused, begin, end),
        cmocka_unit_test(a_cut_in_any_call_leaves_the_last_snapshot_or_the_next),
        cmocka_unit_test(a_failure_of_any_call_leaves_the_last_snapshot_and_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
