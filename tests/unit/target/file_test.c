#include "file_world.h"

#define EVENTS 24u

static void a_batch_is_settled_when_its_lines_are_on_flash(void **state)
{
    struct file_world *world = *state;
    uint64_t until_ns = 0;

    world_fill(world, 1, 2);
    assert_int_equal(world->target.send(world->target.context, 0, &world->err), SFE_OK);
    assert_false(world->target.is_ready(world->target.context, 0, &until_ns));
    assert_int_equal(world->finished, 0);
    assert_null(world_file(world, "n.part"));
    world_turn(world);
    assert_int_equal(world->finished, 1);
    assert_int_equal(world->count, 2);
    assert_true(world->target.is_ready(world->target.context, 0, &until_ns));
    assert_string_equal(world_file(world, "n.part"), "{\"n\":1}\n{\"n\":2}\n");
    memory_cut(world->memory);
    memory_restart(world->memory);
    assert_string_equal(world_file(world, "n.part"), "{\"n\":1}\n{\"n\":2}\n");
}

static void what_was_abandoned_is_not_written(void **state)
{
    struct file_world *world = *state;

    world_fill(world, 1, 1);
    world->target.abandon(world->target.context, 0);
    world_fill(world, 2, 1);
    assert_true(world_send(world));
    assert_string_equal(world_file(world, "n.part"), "{\"n\":2}\n");
}

static void a_batch_that_is_full_takes_no_more(void **state)
{
    struct file_world *world = *state;
    static char payload[1024];
    uint64_t sequence = 1;
    enum sfe_code code = SFE_OK;

    memset(payload, 'x', sizeof(payload) - 1u);
    while (code == SFE_OK) {
        code = world_offer(world, sequence++, payload);
    }
    assert_int_equal(code, SFE_E_FULL);
    assert_true(sequence > 120 && sequence < 135);
}

static void a_failure_settles_nothing_and_leaves_no_second_line(void **state)
{
    struct file_world *world = *state;

    world_fill(world, 1, 1);
    assert_true(world_send(world));
    for (uint64_t call = 1; call <= 3; call++) {
        world_fill(world, 2, 2);
        world->memory->fail_at = world->memory->calls + call;
        world->memory->fail_count = 1;
        if (!world_send(world) && world->finished == call + 1u) {
            assert_int_equal(world->outcome, SFE_SLOT_AGAIN);
            assert_int_equal(world->reason.retry, SFE_RETRY_AWAY);
        }
        if (world->outcome == SFE_SLOT_ANSWERED) {
            break;
        }
    }
    world->memory->fail_at = 0;
    if (world->outcome != SFE_SLOT_ANSWERED) {
        world_fill(world, 2, 2);
        assert_true(world_send(world));
    }
    world_turn(world);
    assert_string_equal(world_file(world, "n.part"), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

static void a_full_disk_and_a_directory_away_are_waited_for(void **state)
{
    struct file_world *world = *state;

    world->memory->capacity = 8;
    world_fill(world, 1, 2);
    assert_false(world_send(world));
    assert_int_equal(world->reason.code, SFE_E_NO_SPACE);
    world->memory->capacity = 0;
    world->is_away = true;
    world_fill(world, 1, 2);
    assert_false(world_send(world));
    assert_int_equal(world->reason.code, SFE_E_NOT_FOUND);
    world->is_away = false;
    world_fill(world, 1, 2);
    assert_true(world_send(world));
    assert_string_equal(world_file(world, "n.part"), "{\"n\":1}\n{\"n\":2}\n");
}

static void what_the_last_run_wrote_is_settled_without_a_line(void **state)
{
    struct file_world *world = *state;
    const uint32_t before = world->wakes;

    world_fill(world, 1, 3);
    assert_true(world_send(world));
    world_open(world);
    world_fill(world, 2, 2);
    assert_true(world_send(world));
    assert_int_equal(world->count, 2);
    assert_int_equal(world->wakes, before + 2u); /* Flash had nothing to do. */
    world_fill(world, 3, 2);
    assert_true(world_send(world));
    assert_string_equal(world_file(world, "n.part"),
                        "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
}

/* Counts the lines of the file into `seen`, which must ascend. */
static void count_lines(struct file_world *world, const char *name, uint32_t *next)
{
    const char *at = world_file(world, name);

    while (at != NULL && *at != '\0') {
        unsigned number = 0;
        assert_int_equal(sscanf(at, "{\"n\":%u}", &number), 1);
        assert_int_equal(number, *next);
        (*next)++;
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
}

static void assert_each_once(struct file_world *world)
{
    uint32_t next = 1;
    char name[64];

    for (unsigned i = 1; i < EVENTS + 2u; i++) {
        (void)snprintf(name, sizeof(name), "n-%010u.ndjson", i);
        count_lines(world, name, &next);
    }
    count_lines(world, "n.part", &next);
    assert_int_equal(next, EVENTS + 1u);
}

/* Delivers what is behind the cursor, three events a batch, until the power goes. The cursor is
 * saved after every `lag`-th batch. True at the end. */
static bool deliver(struct file_world *world, uint32_t lag, uint64_t *cursor)
{
    uint64_t settled = *cursor;

    for (uint32_t batch = 1; settled < EVENTS; batch++) {
        world_fill(world, settled + 1u, 3);
        if (!world_send(world)) {
            assert_true(world->memory->is_off);
            return false;
        }
        settled += 3;
        if (batch % lag == 0) {
            *cursor = settled;
        }
    }
    return true;
}

/* Lines, sync, note, cursor; rename, sync, note: the power goes in each of these calls, and what
 * was not synced lasted or not. */
static void a_power_cut_in_any_call_loses_and_doubles_nothing(void **state)
{
    struct file_world *world = *state;
    uint32_t cuts = 0;

    for (uint64_t seed = 1; seed <= 6; seed++) {
        bool is_beyond = false; /* The whole run has fewer calls. */
        for (uint64_t call = 1; !is_beyond; call++) {
            uint64_t cursor = 0;
            memory_storage_close(world->memory);
            world->memory = memory_storage_open(seed * 1000u + call);
            world->memory->never_garbles = true;
            world->options.state = &world->memory->storage;
            world->options.rotate_bytes = 30 + 20 * seed;
            world_open(world);
            world->memory->cut_at = call;
            bool is_over = deliver(world, (uint32_t)seed % 3u + 1u, &cursor);
            is_beyond = is_over && world->memory->calls < call;
            for (uint32_t again = 0; again < 3 && !is_over; again++) {
                cuts++;
                memory_restart(world->memory);
                world_open(world);
                /* And once more on the way, soon after the start. */
                world->memory->cut_at =
                    again == 2 ? 0 : world->memory->calls + 1u + (call * 7u + again) % 9u;
                if (deliver(world, 2, &cursor)) {
                    break;
                }
            }
            world->memory->cut_at = 0;
            assert_each_once(world);
        }
    }
    assert_true(cuts > 300);
}

static void a_kill_in_any_call_loses_and_doubles_nothing(void **state)
{
    struct file_world *world = *state;

    for (uint64_t call = 1; call < 120; call++) {
        uint64_t cursor = 0;
        memory_storage_close(world->memory);
        world->memory = memory_storage_open(call);
        world->options.state = &world->memory->storage;
        world->options.rotate_bytes = 50;
        world_open(world);
        /* The process ends: all it has written is seen, and nothing more is. */
        world->memory->fail_at = call;
        world->memory->fail_count = UINT64_MAX / 2u;
        for (uint64_t at = 0; at < EVENTS && cursor == at; at += 3) {
            world_fill(world, at + 1u, 3);
            cursor = world_send(world) ? at + 3u : cursor;
        }
        world->memory->fail_at = 0;
        world_open(world);
        assert_true(deliver(world, 1, &cursor));
        assert_each_once(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        FILE_TEST(a_batch_is_settled_when_its_lines_are_on_flash),
        FILE_TEST(what_was_abandoned_is_not_written),
        FILE_TEST(a_batch_that_is_full_takes_no_more),
        FILE_TEST(a_failure_settles_nothing_and_leaves_no_second_line),
        FILE_TEST(a_full_disk_and_a_directory_away_are_waited_for),
        FILE_TEST(what_the_last_run_wrote_is_settled_without_a_line),
        FILE_TEST(a_power_cut_in_any_call_loses_and_doubles_nothing),
        FILE_TEST(a_kill_in_any_call_loses_and_doubles_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
