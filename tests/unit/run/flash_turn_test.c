#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/open_events.h"
#include "run/waits.h"
#include "run/trial.h"

#define SECOND UINT64_C(1000000000)

/* A stream with one output that has settled all; the medium does what the test says. */
struct sfe_stream {
    uint64_t durable;
    uint64_t released;
    uint32_t releases;
    bool cannot_release;
};

struct world {
    struct sfe_agent agent;
    struct agent_stream stream;
    struct agent_output output;
    struct sfe_cursor cursor;
    struct sfe_cursor_mark mark;
    struct sfe_stream kept;
    uint64_t settled;
    uint64_t floor; /* Of what an input still needs; 0: of nothing. */
    uint32_t kept_places;
    uint64_t
        confirmed; /* The stream is one of confirmations as well, from here on; 0: it is not. */
    uint32_t joins_saved;
    uint64_t saved; /* The cursor of the last snapshot. */
    uint32_t saves;
    bool cannot_save;
};

static struct world the_world;

const char *sfe_stream_name(const struct sfe_stream *stream)
{
    (void)stream;
    return "sales";
}

uint64_t sfe_stream_durable(const struct sfe_stream *stream)
{
    return stream->durable;
}

uint64_t sfe_stream_due_ns(struct sfe_stream *stream, uint64_t now_ns)
{
    (void)stream;
    (void)now_ns;
    return UINT64_MAX;
}

enum sfe_code sfe_stream_commit(struct sfe_stream *stream, uint64_t now_ns, struct sfe_error *err)
{
    (void)stream;
    (void)now_ns;
    (void)err;
    return SFE_OK;
}

enum sfe_code sfe_stream_release(struct sfe_stream *stream, uint64_t sequence,
                                 struct sfe_error *err)
{
    stream->releases++;
    assert_true(sequence <= the_world.saved); /* Never before the snapshot is durable. */
    if (stream->cannot_release) {
        return sfe_fail(err, SFE_E_STORAGE, "the directory cannot be synced");
    }
    stream->released = sequence;
    return SFE_OK;
}

void sfe_stream_share(struct sfe_stream *stream)
{
    (void)stream;
}

void sfe_output_cursor(struct sfe_output *output, struct sfe_cursor *cursor)
{
    (void)output;
    cursor->sequence = the_world.settled;
}

uint32_t agent_take_join_cursors(struct sfe_agent *agent)
{
    (void)agent;
    return 0;
}

void agent_joins_saved(struct sfe_agent *agent)
{
    (void)agent;
    the_world.joins_saved++;
}

bool agent_lowest_join_cursor(const struct sfe_agent *agent, uint32_t index, bool found,
                              uint64_t *sequence)
{
    (void)agent;
    (void)index;
    if (the_world.confirmed != 0 && (!found || the_world.confirmed < *sequence)) {
        *sequence = the_world.confirmed;
        return true;
    }
    return found;
}

enum sfe_code sfe_cursor_log_save(struct sfe_cursor_log *log, const struct sfe_cursor *cursors,
                                  uint32_t count, const struct sfe_cursor_mark *marks,
                                  uint32_t mark_count, struct sfe_error *err)
{
    (void)log;
    (void)marks;
    assert_int_equal(count, 1);
    assert_int_equal(mark_count, 1);
    the_world.saves++;
    if (the_world.cannot_save) {
        return sfe_fail(err, SFE_E_NO_SPACE, "the medium is full");
    }
    the_world.saved = cursors[0].sequence;
    return SFE_OK;
}

bool agent_keep_pause(struct sfe_agent *agent, atomic_uint *paused_at)
{
    (void)agent;
    (void)paused_at;
    fail(); /* Nobody asks for a pause. */
    return false;
}

uint64_t agent_keep_places(struct sfe_agent *agent, uint64_t now_ns, bool is_last)
{
    (void)agent;
    (void)now_ns;
    (void)is_last;
    the_world.kept_places++;
    return UINT64_MAX;
}

uint64_t agent_trial_keep(struct sfe_agent *agent, uint64_t now_ns)
{
    (void)agent;
    (void)now_ns;
    return UINT64_MAX;
}

uint64_t agent_release_floor(struct sfe_agent *agent, uint32_t index, uint64_t wanted,
                             uint64_t now_ns)
{
    (void)agent;
    (void)index;
    (void)now_ns;
    return the_world.floor != 0 && the_world.floor < wanted ? the_world.floor : wanted;
}

static int begin(void **state)
{
    struct world *world = &the_world;

    memset(world, 0, sizeof(*world));
    world->kept.durable = 10;
    world->stream.stream = &world->kept;
    world->agent.set.streams = &world->stream;
    world->agent.set.stream_count = 1;
    world->agent.set.outputs = &world->output;
    world->agent.set.output_count = 1;
    world->agent.cursors = &world->cursor;
    world->agent.marks = &world->mark;
    world->agent.boot_is_noted = true; /* There is no clock here. */
    world->settled = 11;
    atomic_store(&world->agent.has_settled, true);
    *state = world;
    return 0;
}

/* Turns as the flash thread makes them, without any kick, until `end_ns`. */
static void turns_until(struct world *world, uint64_t now_ns, uint64_t end_ns)
{
    for (uint32_t i = 0; i < 1000 && now_ns < end_ns; i++) {
        now_ns = sfe_agent_flash_turn(&world->agent, now_ns);
    }
    assert_true(now_ns >= end_ns);
}

static void what_is_settled_is_released_once_it_is_saved(void **state)
{
    struct world *world = *state;

    turns_until(world, SECOND, 100 * SECOND);
    assert_int_equal(world->saves, 1);
    assert_int_equal(world->kept.released, 11);
}

static void a_stream_of_confirmations_is_released_no_further_than_they_are_settled(void **state)
{
    struct world *world = *state;

    world->confirmed = 4;
    turns_until(world, SECOND, 100 * SECOND);
    assert_int_equal(world->kept.released, 4);
    assert_int_equal(world->joins_saved, 1);
}

static void joins_are_told_of_a_snapshot_only_when_it_is_durable(void **state)
{
    struct world *world = *state;

    world->cannot_save = true;
    turns_until(world, SECOND, 5 * SECOND);
    assert_int_equal(world->joins_saved, 0);
}

static void a_snapshot_that_fails_is_tried_again_without_a_kick(void **state)
{
    struct world *world = *state;

    world->cannot_save = true;
    turns_until(world, SECOND, 5 * SECOND);
    assert_in_range(world->saves, 3, 6);
    assert_int_equal(world->kept.releases, 0);
    world->cannot_save = false;
    turns_until(world, 6 * SECOND, 10 * SECOND);
    assert_int_equal(world->kept.released, 11);
}

/* The stream is full: nothing more comes, nothing more is settled, and nobody else asks. */
static void a_release_that_fails_is_tried_again_without_a_kick(void **state)
{
    struct world *world = *state;

    world->kept.cannot_release = true;
    turns_until(world, SECOND, 5 * SECOND);
    assert_in_range(world->kept.releases, 3, 6);
    world->kept.cannot_release = false;
    turns_until(world, 6 * SECOND, 10 * SECOND);
    assert_int_equal(world->kept.released, 11);
    assert_false(atomic_load(&world->agent.has_settled));
}

static void what_an_input_still_needs_is_released_later_without_a_kick(void **state)
{
    struct world *world = *state;

    world->floor = 5;
    turns_until(world, SECOND, 3 * SECOND);
    assert_int_equal(world->kept.released, 5);
    assert_int_equal(world->saves, 1);
    world->floor = 0;
    turns_until(world, 4 * SECOND, 10 * SECOND);
    assert_int_equal(world->kept.released, 11);
    assert_int_equal(world->saves, 1);
    assert_true(world->kept_places > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_settled_is_released_once_it_is_saved, begin),
        cmocka_unit_test_setup(
            a_stream_of_confirmations_is_released_no_further_than_they_are_settled, begin),
        cmocka_unit_test_setup(joins_are_told_of_a_snapshot_only_when_it_is_durable, begin),
        cmocka_unit_test_setup(a_snapshot_that_fails_is_tried_again_without_a_kick, begin),
        cmocka_unit_test_setup(a_release_that_fails_is_tried_again_without_a_kick, begin),
        cmocka_unit_test_setup(what_an_input_still_needs_is_released_later_without_a_kick, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
