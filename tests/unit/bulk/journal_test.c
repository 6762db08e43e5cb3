#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "bulk/journal.h"
#include "unit/stream/memory_storage.h"

#define EVENTS 100u

struct world {
    struct sfe_arena *arena;
    struct memory_storage *memory;
    struct sfe_bulk_journal *journal;
    uint32_t durable;
};

static void on_noted(void *owner)
{
    (void)owner;
}

static void on_durable(void *owner)
{
    ((struct world *)owner)->durable++;
}

static enum sfe_code open_journal(struct world *world, uint32_t events_max)
{
    struct sfe_error err;
    const struct sfe_bulk_journal_options options = {.storage = &world->memory->storage,
                                                     .output = "sales",
                                                     .stream = "pos",
                                                     .events_max = events_max,
                                                     .on_noted = on_noted,
                                                     .on_durable = on_durable,
                                                     .owner = world};

    return sfe_bulk_journal_open(&options, world->arena, &world->journal, &err);
}

static int setup(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(1u << 20, &world->arena, &err), SFE_OK);
    world->memory = memory_storage_open(1);
    assert_int_equal(open_journal(world, EVENTS), SFE_OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    sfe_bulk_journal_close(world->journal);
    sfe_bulk_journal_close(NULL);
    memory_storage_close(world->memory);
    sfe_arena_close(world->arena);
    test_free(world);
    return 0;
}

static void crash(struct world *world, uint32_t events_max)
{
    sfe_bulk_journal_close(world->journal);
    memory_cut(world->memory);
    memory_restart(world->memory);
    assert_int_equal(open_journal(world, events_max), SFE_OK);
}

/* Notes job `id` with every `step`-th event. */
static void note(struct world *world, const char *id, uint64_t step)
{
    struct bulk_job_note job = {.map = 1, .pass = 2};

    (void)snprintf(job.id, sizeof(job.id), "%s", id);
    bulk_journal_begin(world->journal, &job);
    for (uint64_t i = 0; i < EVENTS; i++) {
        bulk_journal_add(world->journal, 1000 + i * step);
    }
    bulk_journal_end(world->journal);
    assert_false(bulk_journal_is_durable(world->journal));
}

static const char *left(struct world *world)
{
    static struct bulk_job_note job;

    return bulk_journal_left(world->journal, &job) ? job.id : "";
}

static void what_is_durable_is_there_after_a_power_cut(void **state)
{
    struct world *world = *state;
    bool is_beyond = false;

    assert_string_equal(left(world), "");
    note(world, "7501", 2);
    assert_int_equal(sfe_bulk_journal_flash_turn(world->journal, 0), UINT64_MAX);
    assert_true(bulk_journal_is_durable(world->journal));
    assert_int_equal(world->durable, 1);
    crash(world, EVENTS);
    assert_string_equal(left(world), "7501");
    assert_false(bulk_journal_holds(world->journal, 999, &is_beyond));
    for (uint64_t i = 0; i < EVENTS; i++) {
        assert_true(bulk_journal_holds(world->journal, 1000 + 2 * i, &is_beyond));
        assert_false(bulk_journal_holds(world->journal, 1001 + 2 * i, &is_beyond));
        assert_int_equal(is_beyond, i == EVENTS - 1);
    }
    assert_true(bulk_journal_holds(world->journal, 1000, &is_beyond)); /* From the front again. */
}

static void a_write_that_broke_off_leaves_the_note_before_or_its_own(void **state)
{
    struct world *world = *state;

    for (uint64_t seed = 1; seed < 40; seed++) {
        note(world, "7501", 1);
        (void)sfe_bulk_journal_flash_turn(world->journal, 0);
        note(world, "7502", 1);
        world->memory->random = seed;
        world->memory->cut_at = world->memory->calls + 1 + seed % 2;
        (void)sfe_bulk_journal_flash_turn(world->journal, 0);
        crash(world, EVENTS);
        world->memory->cut_at = 0;
        assert_true(strcmp(left(world), "7501") == 0 || strcmp(left(world), "7502") == 0);
    }
}

static void a_cleared_note_is_no_job(void **state)
{
    struct world *world = *state;

    note(world, "7501", 1);
    (void)sfe_bulk_journal_flash_turn(world->journal, 0);
    bulk_journal_begin(world->journal, NULL);
    bulk_journal_end(world->journal);
    (void)sfe_bulk_journal_flash_turn(world->journal, 0);
    crash(world, EVENTS);
    assert_string_equal(left(world), "");
}

static void a_failing_medium_is_asked_again(void **state)
{
    struct world *world = *state;

    note(world, "7501", 1);
    world->memory->fail_at = world->memory->calls + 1;
    world->memory->fail_count = 1;
    assert_true(sfe_bulk_journal_flash_turn(world->journal, 5) != UINT64_MAX);
    assert_false(bulk_journal_is_durable(world->journal));
    world->memory->fail_count = 0;
    assert_int_equal(sfe_bulk_journal_flash_turn(world->journal, 5), UINT64_MAX);
    crash(world, EVENTS);
    assert_string_equal(left(world), "7501");
}

/* The files keep their room from the first day on. */
static void a_full_disk_stops_no_note(void **state)
{
    struct world *world = *state;

    world->memory->capacity = 1;
    note(world, "7501", 3);
    assert_int_equal(sfe_bulk_journal_flash_turn(world->journal, 0), UINT64_MAX);
    crash(world, EVENTS);
    assert_string_equal(left(world), "7501");
}

static void a_run_with_less_room_still_knows_the_job(void **state)
{
    struct world *world = *state;
    bool is_beyond = false;

    note(world, "7501", 2);
    (void)sfe_bulk_journal_flash_turn(world->journal, 0);
    crash(world, 1);
    assert_string_equal(left(world), "7501");
    assert_false(bulk_journal_holds(world->journal, 1000, &is_beyond));
    assert_true(is_beyond);
}

static void events_that_do_not_fit_are_not_noted_and_go_again(void **state)
{
    struct world *world = *state;
    struct bulk_job_note job = {.id = "7501"};
    bool is_beyond = false;

    bulk_journal_begin(world->journal, &job);
    for (uint64_t i = 1; i <= EVENTS; i++) {
        bulk_journal_add(world->journal, i << 40);
    }
    bulk_journal_end(world->journal);
    (void)sfe_bulk_journal_flash_turn(world->journal, 0);
    crash(world, EVENTS);
    assert_true(bulk_journal_holds(world->journal, UINT64_C(1) << 40, &is_beyond));
    assert_false(bulk_journal_holds(world->journal, (uint64_t)EVENTS << 40, &is_beyond));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_durable_is_there_after_a_power_cut),
        TEST(a_write_that_broke_off_leaves_the_note_before_or_its_own),
        TEST(a_cleared_note_is_no_job),
        TEST(a_failing_medium_is_asked_again),
        TEST(a_full_disk_stops_no_note),
        TEST(a_run_with_less_room_still_knows_the_job),
        TEST(events_that_do_not_fit_are_not_noted_and_go_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
