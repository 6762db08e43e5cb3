#include "files_world.h"

#define SECOND FILES_SECOND_NS

static void a_json_file_is_looked_through_before_anything_is_taken(void **state)
{
    struct input_world *world = *state;

    files.options.format = FILE_JSON;
    files.options.pattern = "*.json";
    files_drop("a.json", "[{\"a\":1},{\"a\":2},{\"a\":");
    files_drop("b.json", "[{\"a\":1},\n7]\n");
    files_begin();
    files_run(20, SECOND / 10);
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(world->dead.staged, 1);
    assert_string_equal(world->sales.kept[0].topic, "drop/b.json");
    assert_true(files_has("failed/a.json") && files_has("done/b.json"));
}

static void a_line_over_the_limit_is_a_dead_letter_with_its_beginning(void **state)
{
    struct input_world *world = *state;
    FILE *file;

    files.options.format = FILE_NDJSON;
    files.options.pattern = "*.ndjson";
    file = fopen(files_path("a.ndjson"), "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 300000; i++) {
        assert_true(fputc('x', file) == 'x');
    }
    assert_true(fputs("\n{\"a\":1}\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    files_begin();
    files_run(30, SECOND / 10);
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(world->dead.staged, 1);
    assert_int_equal(world->dead.kept[0].payload_bytes, SFE_EVENT_EXCERPT_BYTES);
    assert_non_null(strstr(world->dead.kept[0].annotation,
                           "payload of 300000 bytes is over the limit of 1024"));
}

static void a_turn_reads_so_much_and_no_more(void **state)
{
    struct input_world *world = *state;
    uint64_t before = 0;
    FILE *file = fopen(files_path("a.csv"), "w");

    assert_non_null(file);
    assert_true(fputs("no\n", file) >= 0);
    for (unsigned i = 0; i < 40000; i++) {
        assert_true(fprintf(file, "%08u\n", i) > 0);
    }
    assert_int_equal(fclose(file), 0);
    files_begin();
    for (unsigned i = 0; i < 12; i++) {
        files_run(1, SECOND / 10);
        assert_true(world->sales.staged - before <= FILES_READ_BYTES / 9u + 1u);
        before = world->sales.staged;
    }
    assert_int_equal(world->sales.staged, 40000);
}

static void what_a_file_grows_by_meanwhile_is_taken_too(void **state)
{
    struct input_world *world = *state;

    files_drop("a.csv", "no\n1\n2\n");
    world->sales.room = 1;
    files_begin();
    files_run(5, SECOND / 10);
    assert_int_equal(world->sales.staged, 1);
    files_write("a.csv", "a", "3\n");
    world->sales.room = 10;
    files_run(5, SECOND / 10);
    assert_int_equal(world->sales.staged, 3);
    assert_true(files_has("done/a.csv"));
    assert_int_equal(files_facts().files.grown_after, 0);
}

static void what_comes_after_the_end_is_told_of(void **state)
{
    struct input_world *world = *state;

    files_drop("a.csv", "no\n1\n");
    files_begin();
    files_turns(5);
    assert_int_equal(world->sales.staged, 1);
    files_write("a.csv", "a", "2\n");
    files_run(5, SECOND / 10);
    assert_true(files_has("done/a.csv"));
    assert_int_equal(files_facts().files.grown_after, 1);
    assert_int_equal(files_facts().last_error.code, SFE_E_REFUSED);
}

/* As those of the kernel do, and of networks now and then. */
static void a_file_that_says_more_than_it_holds_comes_to_its_end(void **state)
{
    struct input_world *world = *state;
    struct stat status;
    uint64_t size = 0;

    if (stat("/sys/kernel/fscaps", &status) != 0 || status.st_size < 64) {
        skip();
    }
    files.options.format = FILE_NDJSON;
    files.options.pattern = "fscaps";
    files.options.directory = "/sys/kernel";
    files_begin();
    files_run(5, SECOND / 10);
    assert_int_equal(world->dead.staged, 1); /* "1" is no object. */
    size = world->dead.kept[0].payload_bytes;
    assert_true(size > 0 && size < (uint64_t)status.st_size);
    assert_int_not_equal(files_facts().last_error.code, SFE_OK); /* Nothing moves there. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(a_json_file_is_looked_through_before_anything_is_taken),
        FILES_TEST(a_line_over_the_limit_is_a_dead_letter_with_its_beginning),
        FILES_TEST(a_turn_reads_so_much_and_no_more),
        FILES_TEST(what_a_file_grows_by_meanwhile_is_taken_too),
        FILES_TEST(what_comes_after_the_end_is_told_of),
        FILES_TEST(a_file_that_says_more_than_it_holds_comes_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
