#include "file_world.h"

#define SECOND_NS UINT64_C(1000000000)

static void write_events(struct file_world *world, uint64_t first, uint32_t count)
{
    world_fill(world, first, count);
    assert_true(world_send(world));
}

static struct sfe_file_facts facts(const struct file_world *world)
{
    struct sfe_file_facts told;

    sfe_file_output_facts(world->output, &told);
    return told;
}

static void a_file_that_would_grow_too_large_is_closed_first(void **state)
{
    struct file_world *world = *state;

    world->options.rotate_bytes = 20;
    world_open(world);
    write_events(world, 1, 2); /* 16 bytes. */
    assert_null(world_file(world, "n-0000000001.ndjson"));
    write_events(world, 3, 1);
    assert_string_equal(world_file(world, "n-0000000001.ndjson"), "{\"n\":1}\n{\"n\":2}\n");
    assert_string_equal(world_file(world, "n.part"), "{\"n\":3}\n");
    write_events(world, 4, 3); /* More than a file: it has one of its own. */
    write_events(world, 7, 1);
    assert_string_equal(world_file(world, "n-0000000003.ndjson"),
                        "{\"n\":4}\n{\"n\":5}\n{\"n\":6}\n");
    assert_int_equal(facts(world).closed, 3);
    assert_int_equal(facts(world).active_bytes, 8);
}

static void a_file_is_closed_when_it_is_old_be_there_events_or_not(void **state)
{
    struct file_world *world = *state;

    world->options.rotate_age_ns = 100 * SECOND_NS;
    world_open(world);
    write_events(world, 1, 1);
    world->now_ns += 60 * SECOND_NS;
    write_events(world, 2, 1);
    world_open(world); /* What it was old counts on; the time between does not. */
    world->now_ns += 5000 * SECOND_NS;
    assert_int_equal(
        (sfe_file_output_flash_turn(world->output, world->now_ns) - world->now_ns) / SECOND_NS, 39);
    world->now_ns += 41 * SECOND_NS;
    assert_true(sfe_file_output_flash_turn(world->output, world->now_ns) == UINT64_MAX);
    assert_string_equal(world_file(world, "n-0000000001.ndjson"), "{\"n\":1}\n{\"n\":2}\n");
    assert_null(world_file(world, "n.part"));
    write_events(world, 3, 1);
    assert_string_equal(world_file(world, "n.part"), "{\"n\":3}\n");
}

static void the_oldest_files_go_and_are_counted(void **state)
{
    struct file_world *world = *state;

    (void)memory_put(world->memory, "n-0000000040.csv", "12345", 5);
    (void)memory_put(world->memory, "n-000000004.ndjson", "not ours", 8);
    (void)memory_put(world->memory, "n-0000000001.ndjson.gz", "not ours", 8);
    (void)memory_put(world->memory, "other-0000000001.ndjson", "not ours", 8);
    world->options.rotate_bytes = 8;
    world->options.keep_files = 2;
    world_open(world);
    for (uint64_t i = 1; i <= 5; i++) {
        write_events(world, i, 1);
    }
    assert_null(world_file(world, "n-0000000040.csv"));
    assert_null(world_file(world, "n-0000000042.ndjson"));
    assert_non_null(world_file(world, "n-0000000043.ndjson"));
    assert_non_null(world_file(world, "n-0000000044.ndjson"));
    assert_non_null(world_file(world, "n-000000004.ndjson"));
    assert_non_null(world_file(world, "n-0000000001.ndjson.gz"));
    assert_non_null(world_file(world, "other-0000000001.ndjson"));
    assert_int_equal(facts(world).removed, 3);
    assert_int_equal(facts(world).removed_bytes, 5 + 8 + 8);
    world->options.keep_files = 100;
    world->options.keep_bytes = 9;
    world_open(world);
    write_events(world, 6, 1);
    assert_null(world_file(world, "n-0000000044.ndjson"));
    assert_non_null(world_file(world, "n-0000000045.ndjson"));
}

static void a_file_without_a_note_is_closed_without_its_torn_line(void **state)
{
    struct file_world *world = *state;
    static char old[3000];

    memset(old, 'x', sizeof(old));
    memcpy(old, "one\ntwo\n", 8);
    (void)memory_put(world->memory, "n.part", old, sizeof(old));
    write_events(world, 1, 1);
    assert_string_equal(world_file(world, "n-0000000001.ndjson"), "one\ntwo\n");
    assert_string_equal(world_file(world, "n.part"), "{\"n\":1}\n");
}

static void somebody_who_takes_or_cuts_the_file_is_noticed(void **state)
{
    struct file_world *world = *state;
    struct sfe_error err;

    write_events(world, 1, 3);
    assert_int_equal(world->memory->storage.remove(world->memory, "n.part", &err), SFE_OK);
    write_events(world, 4, 2);
    assert_string_equal(world_file(world, "n.part"), "{\"n\":4}\n{\"n\":5}\n");
    memory_file(world->memory, "n.part")->seen_size = 10;
    write_events(world, 6, 1);
    assert_string_equal(world_file(world, "n-0000000002.ndjson"), "{\"n\":4}\n");
    assert_string_equal(world_file(world, "n.part"), "{\"n\":6}\n");
    memory_file(world->memory, "n.part")->seen_size = 0;
    write_events(world, 7, 1);
    assert_string_equal(world_file(world, "n.part"), "{\"n\":7}\n");
}

static void another_format_or_directory_begins_another_file(void **state)
{
    struct file_world *world = *state;

    write_events(world, 1, 1);
    world->options.name[0] = 'm';
    world_open(world);
    world_fill(world, 1, 2); /* The first is in the file of the other name. */
    assert_true(world_send(world));
    assert_string_equal(world_file(world, "m.part"), "{\"n\":2}\n");
    assert_string_equal(world_file(world, "n.part"), "{\"n\":1}\n");
}

static void a_note_that_fails_is_made_up_for_before_anything_else(void **state)
{
    struct file_world *world = *state;

    write_events(world, 1, 1);
    const uint64_t before = world->memory->directory_syncs;
    world_fill(world, 2, 1);
    world->memory->fail_directory_sync_at = before + 1u; /* Of the note alone. */
    assert_int_equal(world->target.send(world->target.context, 0, &world->err), SFE_OK);
    world_turn(world);
    assert_int_equal(world->finished, 1);
    world_turn(world);
    assert_int_equal(world->finished, 2);
    assert_int_equal(world->outcome, SFE_SLOT_ANSWERED);
    assert_string_equal(world_file(world, "n.part"), "{\"n\":1}\n{\"n\":2}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        FILE_TEST(a_file_that_would_grow_too_large_is_closed_first),
        FILE_TEST(a_file_is_closed_when_it_is_old_be_there_events_or_not),
        FILE_TEST(the_oldest_files_go_and_are_counted),
        FILE_TEST(a_file_without_a_note_is_closed_without_its_torn_line),
        FILE_TEST(somebody_who_takes_or_cuts_the_file_is_noticed),
        FILE_TEST(another_format_or_directory_begins_another_file),
        FILE_TEST(a_note_that_fails_is_made_up_for_before_anything_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
