#include "files_world.h"

#define SECOND FILES_SECOND_NS

static void patterns_are_matched_whatever_the_case(void **state)
{
    (void)state;
    assert_true(files_name_matches("*.csv", "a.csv"));
    assert_true(files_name_matches("*.csv", "SALES.CSV"));
    assert_true(files_name_matches("till?_*.cs*", "Till7_2026-11-24.csv.csv"));
    assert_true(files_name_matches("*", "a"));
    assert_true(files_name_matches("a*b*c", "aXbXbYc"));
    assert_false(files_name_matches("*.csv", "a.csv.gz"));
    assert_false(files_name_matches("*.csv", "csv"));
    assert_false(files_name_matches("till?.csv", "till.csv"));
    assert_false(files_name_matches("", "a"));
}

static void a_file_is_taken_when_it_has_not_changed_for_long_enough(void **state)
{
    struct input_world *world = *state;

    files.options.settle_ns = 5 * SECOND;
    files_begin();
    files_drop("a.csv", "no\n1\n");
    files_run(20, SECOND / 5); /* 4 s */
    assert_int_equal(world->sales.staged, 0);
    assert_int_equal(files_facts().files.waiting, 1);
    files_write("a.csv", "a", "2\n");
    files_run(20, SECOND / 5);
    assert_int_equal(world->sales.staged, 0);
    files_run(20, SECOND / 5);
    assert_int_equal(world->sales.staged, 2);
    assert_true(files_has("done/a.csv"));
}

static void what_is_unfinished_hidden_or_no_file_is_left(void **state)
{
    static const char *const names[] = {".a.csv", "a.csv.tmp", "a.csv.part", "a.csv.filepart",
                                        "a.txt",  "b\n.csv",   "\xFF.csv"};
    struct input_world *world = *state;

    files.options.pattern = "*";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        files_drop(names[i], "no\n1\n");
    }
    assert_int_equal(unlink(files_path("a.txt")), 0);
    assert_int_equal(mkdir(files_path("d.csv"), 0700), 0);
    assert_int_equal(mkfifo(files_path("p.csv"), 0600), 0);
    assert_int_equal(symlink("/etc/passwd", files_path("l.csv")), 0);
    files_begin();
    files_run(10, SECOND);
    assert_int_equal(world->sales.staged + world->dead.staged, 0);
    assert_int_equal(files_facts().files.waiting, 0);
    assert_int_equal(files_facts().last_error.code, SFE_E_SYNTAX); /* Names that are no text. */
}

static void files_are_taken_in_the_order_of_their_names_however_many(void **state)
{
    struct input_world *world = *state;
    const unsigned count = 2u * FILES_CANDIDATES + 11u;

    for (unsigned i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "f%04u.csv", (i * 7u) % count);
        files_drop(name, "no\n1\n");
    }
    files_begin();
    files_run(3000, SECOND / 20);
    assert_int_equal(world->sales.staged, count);
    for (unsigned i = 0; i < KEPT_MAX; i++) {
        char topic[32];
        (void)snprintf(topic, sizeof(topic), "drop/f%04u.csv", i);
        assert_string_equal(world->sales.kept[i].topic, topic);
    }
}

static void a_marker_is_waited_for_and_goes_with_its_file(void **state)
{
    struct input_world *world = *state;

    files.options.needs_marker = true;
    files.options.pattern = "*";
    files_drop("a.csv", "no\n1\n");
    files_begin();
    files_run(10, SECOND);
    assert_int_equal(world->sales.staged, 0);
    files_drop("a.csv.ok", "");
    files_run(10, SECOND);
    assert_int_equal(world->sales.staged, 1);
    assert_true(files_has("done/a.csv"));
    assert_false(files_has("a.csv.ok"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_matched_whatever_the_case),
        FILES_TEST(a_file_is_taken_when_it_has_not_changed_for_long_enough),
        FILES_TEST(what_is_unfinished_hidden_or_no_file_is_left),
        FILES_TEST(files_are_taken_in_the_order_of_their_names_however_many),
        FILES_TEST(a_marker_is_waited_for_and_goes_with_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
