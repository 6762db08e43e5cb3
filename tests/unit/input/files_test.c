#include "files_world.h"

#define SECOND FILES_SECOND_NS

/* So many rows of some 70 bytes. */
static void drop_rows(const char *name, unsigned count)
{
    FILE *file = fopen(files_path(name), "w");

    assert_non_null(file);
    assert_true(fputs("no,filler\n", file) >= 0);
    for (unsigned i = 0; i < count; i++) {
        assert_true(fprintf(file, "%u,%060u\n", i, i) > 0);
    }
    assert_int_equal(fclose(file), 0);
}

static void a_file_moves_only_when_all_of_it_is_durable(void **state)
{
    struct input_world *world = *state;

    files_drop("a.csv", "no\n1\n2\nx,y\n");
    files_begin();
    files_turns(10);
    assert_int_equal(world->sales.staged, 2);
    assert_int_equal(world->dead.staged, 1);
    assert_string_equal(world->sales.kept[0].topic, "drop/a.csv");
    assert_string_equal(world->sales.kept[0].source, "drop");
    assert_string_equal(world->sales.kept[1].payload, "{\"no\":\"2\"}");
    assert_string_equal(world->dead.kept[0].payload, "x,y");
    assert_non_null(strstr(world->dead.kept[0].annotation,
                           "line 4: the row has 2 fields, and there are 1 columns"));
    world->sales.durable = 2;
    files_turns(10);
    files.source.keep(files.source.context);
    assert_true(files_has("a.csv"));
    assert_int_equal(files.flash_wakes, 0);
    assert_false(files.source.is_quiet(files.source.context));
    world->dead.durable = 1;
    files_turns(1);
    assert_int_equal(files.flash_wakes, 1);
    assert_true(files_has("a.csv")); /* It is flash that moves. */
    files.source.keep(files.source.context);
    assert_false(files_has("a.csv"));
    assert_true(files_has("done/a.csv"));
    files_turns(1);
    assert_int_equal(files_facts().files.done, 1);
    assert_int_equal(files_facts().files.refused, 1);
    assert_true(files.source.is_quiet(files.source.context));
}

static void where_all_is_well_there_is_no_error(void **state)
{
    (void)state;
    files_begin();
    files_run(5, SECOND);
    assert_int_equal(files_facts().last_error.code, SFE_OK);
    assert_string_equal(files_facts().last_error.message, "");
}

/* Nobody would wake it: what is awaited is there. */
static void a_file_with_nothing_to_wait_for_goes_at_once(void **state)
{
    const struct input_world *world = *state;

    files_drop("a.csv", "");
    files_begin();
    for (unsigned i = 0; i < 20 && files.flash_wakes == 0; i++) {
        assert_true(files.source.turn(files.source.context, world->now_ns) <= world->now_ns ||
                    files.flash_wakes != 0);
    }
    assert_int_equal(files.flash_wakes, 1);
}

static void a_full_stream_holds_the_file_back(void **state)
{
    struct input_world *world = *state;

    drop_rows("a.csv", 10);
    world->sales.room = 4;
    files_begin();
    files_run(10, SECOND / 10);
    assert_int_equal(world->sales.staged, 4);
    assert_true(files_facts().is_blocked);
    assert_string_equal(files_facts().files.current, "a.csv");
    world->sales.room = 100;
    files_run(10, SECOND / 10);
    assert_int_equal(world->sales.staged, 10);
    assert_true(files_has("done/a.csv"));
    assert_false(files_facts().is_blocked);
}

static void the_place_is_noted_behind_what_is_durable_only(void **state)
{
    struct input_world *world = *state;
    struct files_place place;
    struct sfe_error err;

    drop_rows("a.csv", 3000);
    world->sales.room = 2000;
    files_begin();
    for (unsigned i = 0; i < 20; i++) {
        files_turns(1);
        files.source.keep(files.source.context);
        world->now_ns += SECOND;
    }
    assert_int_equal(world->sales.staged, 2000);
    assert_int_equal(files_place_load(&files.storage, "drop", &place, &err), SFE_OK);
    assert_string_equal(place.name, "");
    files_run(4, SECOND);
    assert_int_equal(files_place_load(&files.storage, "drop", &place, &err), SFE_OK);
    assert_string_equal(place.name, "a.csv");
    assert_true(place.offset > 60u * 1000u);
    world->sales.room = 5000;
    files_run(10, SECOND);
    assert_true(files_has("done/a.csv"));
    assert_int_equal(files_place_load(&files.storage, "drop", &place, &err), SFE_OK);
    assert_string_equal(place.name, ""); /* It went with the file. */
}

static void after_a_kill_it_goes_on_behind_the_place(void **state)
{
    struct input_world *world = *state;

    drop_rows("a.csv", 3000);
    world->sales.room = 2000;
    files_begin();
    files_run(20, SECOND);
    assert_int_equal(world->sales.staged, 2000);
    files_end();
    world->sales.room = 5000;
    files_begin();
    files_run(20, SECOND);
    assert_int_equal(world->sales.staged, 3000); /* No row twice. */
    assert_true(files_has("done/a.csv"));
}

/* What stands between records, such as commas and empty lines, belongs to no place. */
static void after_a_kill_no_format_is_taken_from_its_beginning_again(void **state)
{
    static const enum file_format formats[] = {FILE_JSON, FILE_NDJSON, FILE_CSV};
    struct input_world *world = *state;

    for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        FILE *file = fopen(files_path("a.csv"), "w");
        const uint64_t before = world->sales.staged;
        assert_non_null(file);
        assert_true(fputs(formats[i] == FILE_JSON  ? "["
                          : formats[i] == FILE_CSV ? "no\n"
                                                   : "",
                          file) >= 0);
        for (unsigned k = 0; k < 3000; k++) {
            assert_true(fprintf(file, formats[i] == FILE_CSV ? "%u,\n\n" : "{\"no\":%u}%s\n\n", k,
                                formats[i] == FILE_NDJSON ? ""
                                : k == 2999               ? "]"
                                                          : ",") > 0);
        }
        assert_int_equal(fclose(file), 0);
        files.options.format = formats[i];
        world->sales.room = 2000;
        files_begin();
        files_run(20, SECOND);
        assert_int_equal(world->sales.staged - before, 2000);
        files_end();
        world->sales.room = 5000;
        files_begin();
        files_run(20, SECOND);
        assert_int_equal(world->sales.staged - before, 3000);
        files_end();
    }
}

static void what_comes_twice_has_the_same_identity(void **state)
{
    struct input_world *world = *state;

    files_drop("a.csv", "no\n1\n1\n2\n");
    files_begin();
    files_turns(10);
    assert_int_equal(world->sales.staged, 3);
    files_end(); /* Nothing was noted. */
    files_begin();
    files_turns(10);
    assert_int_equal(world->sales.staged, 6);
    for (unsigned i = 0; i < 3; i++) {
        const struct kept_event *one = &world->sales.kept[i];
        assert_int_equal(one->event.identity_kind, SFE_IDENTITY_GIVEN);
        assert_memory_equal(&one->event.identity, &one[3].event.identity, 16);
    }
    assert_memory_not_equal(&world->sales.kept[0].event.identity,
                            &world->sales.kept[1].event.identity, 16);
}

static void another_file_of_the_name_is_taken_from_its_beginning(void **state)
{
    struct input_world *world = *state;

    drop_rows("a.csv", 3000);
    world->sales.room = 2000;
    files_begin();
    files_run(20, SECOND);
    files_end();
    drop_rows("b.csv", 2500);
    files_write("b.csv", "a", "x,y\n");
    assert_int_equal(unlink(files_path("a.csv")), 0);
    files_drop("a.csv", "no,filler\nother,row\n");
    world->sales.room = 5000;
    files_begin();
    files_run(40, SECOND);
    assert_int_equal(world->sales.staged, 2000 + 1 + 2501);
    assert_true(files_has("done/a.csv") && files_has("done/b.csv"));
}

static void an_arrival_is_new_and_its_repeat_is_not(void **state)
{
    struct input_world *world = *state;

    files.options.by_arrival = true;
    files_drop("a.csv", "no\n1\n");
    files_begin();
    files_turns(10);
    files_end();
    files_begin();
    files_run(10, SECOND);
    assert_memory_equal(&world->sales.kept[0].event.identity, &world->sales.kept[1].event.identity,
                        16);
    files_drop("other", "x"); /* So that the inode is another one. */
    files_drop("a.csv", "no\n1\n");
    files_run(10, SECOND);
    assert_int_equal(world->sales.staged, 3);
    assert_memory_not_equal(&world->sales.kept[0].event.identity,
                            &world->sales.kept[2].event.identity, 16);
}

static void a_stop_notes_the_place_and_is_quiet_then(void **state)
{
    struct input_world *world = *state;
    struct files_place place;
    struct sfe_error err;

    drop_rows("a.csv", 3000);
    files_begin();
    files_turns(3);
    const uint64_t staged = world->sales.staged;
    assert_true(staged > 0 && staged < 3000);
    files.source.stop(files.source.context);
    files_turns(5);
    assert_int_equal(world->sales.staged, staged);
    assert_false(files.source.is_quiet(files.source.context));
    files_run(3, 1000);
    assert_true(files.source.is_quiet(files.source.context));
    assert_int_equal(files_place_load(&files.storage, "drop", &place, &err), SFE_OK);
    assert_string_equal(place.name, "a.csv");
    files_end();
    files_begin();
    files_run(20, SECOND);
    assert_int_equal(world->sales.staged, 3000);
}

static void a_file_that_cannot_be_moved_is_tried_again_and_told_of(void **state)
{
    struct input_world *world = *state;

    files_drop("done", "no folder\n");
    files_drop("a.csv", "no\n1\n");
    files_begin();
    files_run(10, SECOND / 10);
    assert_true(files_has("a.csv"));
    assert_int_equal(files_facts().last_error.code, SFE_E_STORAGE);
    assert_true(files.source.is_quiet(files.source.context)); /* A stop does not wait for it. */
    assert_int_equal(unlink(files_path("done")), 0);
    files_run(15, SECOND);
    assert_true(files_has("done/a.csv"));
    assert_int_equal(world->sales.staged, 1);
}

static void a_folder_that_is_not_there_is_waited_for(void **state)
{
    struct input_world *world = *state;

    assert_int_equal(rmdir(files.drop), 0);
    files_begin();
    files_run(5, SECOND);
    assert_false(files_facts().is_connected);
    assert_int_equal(files_facts().last_error.code, SFE_E_NOT_FOUND);
    assert_int_equal(mkdir(files.drop, 0700), 0);
    files_drop("a.csv", "no\n1\n");
    files_run(10, SECOND);
    assert_true(files_facts().is_connected);
    assert_int_equal(world->sales.staged, 1);
}

static void columns_that_have_no_name_are_refused(void **state)
{
    static const char *const names[] = {"a", "a"};
    struct sfe_error err;

    (void)state;
    files.options.columns = names;
    files.options.column_count = 2;
    assert_int_equal(sfe_arena_open(8u << 20, &files.arena, &err), SFE_OK);
    assert_int_equal(sfe_files_source_open(&files.options, files.arena, &files.source, &err),
                     SFE_E_CONFIG);
    sfe_arena_close(files.arena);
    files.arena = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(a_file_moves_only_when_all_of_it_is_durable),
        FILES_TEST(where_all_is_well_there_is_no_error),
        FILES_TEST(a_file_with_nothing_to_wait_for_goes_at_once),
        FILES_TEST(a_full_stream_holds_the_file_back),
        FILES_TEST(the_place_is_noted_behind_what_is_durable_only),
        FILES_TEST(after_a_kill_it_goes_on_behind_the_place),
        FILES_TEST(after_a_kill_no_format_is_taken_from_its_beginning_again),
        FILES_TEST(what_comes_twice_has_the_same_identity),
        FILES_TEST(another_file_of_the_name_is_taken_from_its_beginning),
        FILES_TEST(an_arrival_is_new_and_its_repeat_is_not),
        FILES_TEST(a_stop_notes_the_place_and_is_quiet_then),
        FILES_TEST(a_file_that_cannot_be_moved_is_tried_again_and_told_of),
        FILES_TEST(a_folder_that_is_not_there_is_waited_for),
        FILES_TEST(columns_that_have_no_name_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
