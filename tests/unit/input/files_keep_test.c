#include "files_world.h"

#define SECOND FILES_SECOND_NS

static void a_name_that_is_taken_gets_a_number(void **state)
{
    (void)state;
    files_begin();
    for (unsigned i = 0; i < 3; i++) {
        files_drop("a.csv", "no\n1\n");
        files_run(15, SECOND / 5);
    }
    assert_true(files_has("done/a.csv"));
    assert_true(files_has("done/a.csv.1"));
    assert_true(files_has("done/a.csv.2"));
}

static void a_long_name_is_cut_at_a_character_and_has_its_report(void **state)
{
    char name[SFE_FOLDER_NAME_BYTES] = "";
    char moved[300];

    (void)state;
    for (unsigned i = 0; i < 124; i++) {
        memcpy(name + 2u * i, "\xC3\xA4", 2);
    }
    memcpy(name + 248, ".csv", 5);
    files_drop(name, "no\n1,2\n");
    files_begin();
    files_run(10, SECOND);
    (void)snprintf(moved, sizeof(moved), "done/%.234s", name);
    assert_true(files_has(moved));
    (void)snprintf(moved, sizeof(moved), "done/%.234s.report.json", name);
    assert_non_null(files_text(moved));
}

static void a_report_says_what_and_where(void **state)
{
    (void)state;
    files_drop("a.csv", "no\n1\n1,2\n");
    files_drop("b.csv", "no,no\n1,2\n");
    files_drop("c.csv", "no\n1\n");
    files_begin();
    files_run(20, SECOND);
    assert_string_equal(
        files_text("done/a.csv.report.json"),
        "{\"input\":\"drop\",\"file\":\"a.csv\",\"result\":\"done\",\"events\":1,\"refused\":1,"
        "\"first_refused\":[{\"line\":3,\"reason\":\"the row has 2 fields, and there are 1 "
        "columns\"}]}\n");
    assert_string_equal(
        files_text("failed/b.csv.report.json"),
        "{\"input\":\"drop\",\"file\":\"b.csv\",\"result\":\"failed\",\"reason\":\"columns 1 and 2 "
        "have the same name\",\"line\":1,\"events\":0,\"refused\":0,\"first_refused\":[]}\n");
    assert_null(files_text("done/c.csv.report.json"));
    assert_int_equal(files_facts().files.failed, 1);
}

static unsigned count_done(void)
{
    DIR *entries = opendir(files_path("done"));
    const struct dirent *entry;
    unsigned count = 0;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        count += entry->d_name[0] == '.' ? 0u : 1u;
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return count;
}

static void drop_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "f%04u.csv", i);
        files_drop(name, "no\n1\n");
    }
}

static void done_is_bounded_by_number(void **state)
{
    struct input_world *world = *state;

    files.options.keep_done = 10;
    drop_many(100);
    files_begin();
    files_run(1500, SECOND / 10);
    assert_int_equal(world->sales.staged, 100);
    assert_true(count_done() <= 10u + 16u);
    assert_true(files_has("done/f0099.csv"));
    assert_false(files_has("done/f0000.csv"));
}

static void done_is_bounded_by_bytes(void **state)
{
    (void)state;
    files.options.keep_done_bytes = 50; /* Ten of them. */
    drop_many(100);
    files_begin();
    files_run(1500, SECOND / 10);
    assert_true(count_done() <= 10u + 16u);
    assert_true(files_has("done/f0099.csv"));
}

static void none_is_kept_where_none_is_wanted(void **state)
{
    struct input_world *world = *state;

    files.options.keep_done = 0;
    files_drop("a.csv", "no\n1\n");
    files_begin();
    files_run(10, SECOND);
    assert_int_equal(world->sales.staged, 1);
    assert_false(files_has("a.csv"));
    assert_false(files_has("done"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(a_name_that_is_taken_gets_a_number),
        FILES_TEST(a_long_name_is_cut_at_a_character_and_has_its_report),
        FILES_TEST(a_report_says_what_and_where),
        FILES_TEST(done_is_bounded_by_number),
        FILES_TEST(done_is_bounded_by_bytes),
        FILES_TEST(none_is_kept_where_none_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
