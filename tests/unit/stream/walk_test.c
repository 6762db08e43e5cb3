#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream/walk.h"
#include "stream_world.h"

static struct sfe_arena *arena;
static struct sfe_stream_walk *walk;

static int begin(void **state)
{
    struct world *world = world_open(9);
    world_must_start(world);
    *state = world;
    return 0;
}

static void let_go(void)
{
    sfe_stream_walk_close(walk);
    sfe_arena_close(arena);
    walk = NULL;
    arena = NULL;
}

static int end(void **state)
{
    let_go();
    world_close(*state);
    return 0;
}

static struct sfe_stream_walk_facts look(struct world *world, uint64_t known_durable)
{
    const struct sfe_stream_walk_options options = {&world->memory->storage, "sales",
                                                    known_durable};
    struct sfe_stream_walk_facts facts;
    const uint64_t calls = world->memory->calls;

    let_go();
    assert_int_equal(sfe_arena_open(WORLD_ARENA_BYTES, &arena, &world->err), SFE_OK);
    assert_int_equal(sfe_stream_walk_open(&options, arena, &walk, &world->err), SFE_OK);
    sfe_stream_walk_facts(walk, &facts);
    assert_int_equal(world->memory->calls, calls); /* Nothing was changed. */
    return facts;
}

/* Reads on to the end: what was staged, in order. */
static struct world_reading read_on(struct world *world)
{
    struct world_reading reading = {0};
    struct sfe_event event;
    enum sfe_code code;

    while ((code = sfe_stream_walk_next(walk, &event, &world->err)) == SFE_OK) {
        world_check_event(world, &event);
        assert_true(event.sequence > reading.last);
        reading.first = reading.count == 0 ? event.sequence : reading.first;
        reading.gaps += reading.count == 0 ? 0 : event.sequence - reading.last - 1u;
        reading.last = event.sequence;
        reading.count++;
    }
    assert_int_equal(code, SFE_E_END);
    return reading;
}

static void fill(struct world *world, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++) {
        world_write(world, 3, 900 + 400 * (i % 4));
    }
}

static void an_empty_directory_is_an_empty_stream(void **state)
{
    struct sfe_stream_walk_facts facts = look(*state, 0);
    assert_int_equal(facts.events, 0);
    assert_int_equal(facts.first_sequence, 1);
    assert_int_equal(facts.end_sequence, 1);
    assert_int_equal(read_on(*state).count, 0);
}

static void everything_is_read_beside_the_writer(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.events, 180);
    assert_int_equal(facts.end_sequence, 181);
    assert_true(facts.segments > 2);
    assert_int_equal(facts.damaged_places, 0);
    struct world_reading reading = read_on(world);
    assert_int_equal(reading.count, 180);
    assert_int_equal(reading.gaps, 0);
}

static void it_begins_where_it_is_told(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    (void)look(world, 0);
    sfe_stream_walk_seek(walk, 100);
    struct world_reading reading = read_on(world);
    assert_int_equal(reading.first, 100);
    assert_int_equal(reading.count, 81);
    sfe_stream_walk_seek(walk, 1);
    assert_int_equal(read_on(world).count, 180);
}

static void it_says_in_which_segment_an_event_lies(void **state)
{
    struct world *world = *state;
    struct sfe_event event;
    fill(world, 60);
    (void)look(world, 0);
    assert_int_equal(sfe_stream_walk_segment(walk), 0);
    assert_int_equal(sfe_stream_walk_next(walk, &event, &world->err), SFE_OK);
    const uint32_t first = sfe_stream_walk_segment(walk);
    assert_true(first > 0);
    sfe_stream_walk_seek(walk, 180);
    assert_int_equal(sfe_stream_walk_next(walk, &event, &world->err), SFE_OK);
    assert_true(sfe_stream_walk_segment(walk) > first);
}

static void damage_is_counted_and_passed_over(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    memory_damage(world_segment(world, 1), 2u * SFE_PAGE_BYTES + 100u, 0xff);
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.damaged_places, 1);
    assert_int_equal(facts.lost, 3);
    assert_int_equal(facts.events, 177);
    struct world_reading reading = read_on(world);
    assert_int_equal(reading.count, 177);
    assert_int_equal(reading.first, 4);
}

static void a_file_without_a_header_is_counted_and_left_alone(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    memory_damage(world_segment(world, 2), 0, 0xff);
    memory_damage(world_segment(world, 2), SFE_PAGE_BYTES, 0xff);
    struct sfe_stream_walk_facts facts = look(world, 0);
    assert_int_equal(facts.headless, 1);
    assert_true(facts.lost > 0);
    assert_int_equal(read_on(world).count, facts.events);
    assert_non_null(world_segment(world, 2));
}

static void an_end_that_is_known_to_have_been_durable_is_damage(void **state)
{
    struct world *world = *state;
    fill(world, 2);
    assert_false(look(world, 6).end_is_damaged);
    assert_true(look(world, 7).end_is_damaged);
}

static void segments_that_are_released_meanwhile_are_passed_over(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    (void)look(world, 0);
    assert_int_equal(sfe_stream_release(world->stream, 120, &world->err), SFE_OK);
    struct world_reading reading = read_on(world);
    assert_true(reading.first > 1 && reading.first <= 120);
    assert_int_equal(reading.last, 180);
}

static uint32_t names;

static void count_name(void *visitor, const char *name)
{
    (void)visitor;
    assert_string_equal(name, "sales");
    names++;
}

static void a_stream_with_many_files_is_named_once(void **state)
{
    struct world *world = *state;
    fill(world, 60);
    names = 0;
    assert_int_equal(sfe_stream_walk_names(&world->memory->storage, count_name, NULL, &world->err),
                     SFE_OK);
    assert_int_equal(names, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_directory_is_an_empty_stream),
        TEST(everything_is_read_beside_the_writer),
        TEST(it_begins_where_it_is_told),
        TEST(it_says_in_which_segment_an_event_lies),
        TEST(damage_is_counted_and_passed_over),
        TEST(a_file_without_a_header_is_counted_and_left_alone),
        TEST(an_end_that_is_known_to_have_been_durable_is_damage),
        TEST(segments_that_are_released_meanwhile_are_passed_over),
        TEST(a_stream_with_many_files_is_named_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
