#include "unit/input/input_world.h"

#include "input/probe.h"

static struct probe begin(struct input_world *world)
{
    struct probe probe = {.poller = &world->poller};

    probe_begin(&probe, "broker.lan", 1883);
    return probe;
}

/* The owner of the socket stays where it is. */
static void ready(struct input_world *world, struct probe *probe, unsigned events)
{
    world->broker.ready(probe, &world->broker, events);
}

static void answer_is_known_once_the_connection_stands(void **state)
{
    struct input_world *world = *state;
    struct probe probe = begin(world);

    ready(world, &probe, SFE_POLL_WRITE);
    assert_false(probe.has_answered);
    assert_true(world->broker.is_open);
    world->broker.is_standing = true;
    ready(world, &probe, SFE_POLL_WRITE);
    assert_true(probe.has_answered);
    assert_false(world->broker.is_open);
    assert_int_equal(world->broker.writes, 0);
    probe_end(&probe);
    assert_false(probe.has_answered);
}

static void refused_connection_is_no_answer(void **state)
{
    struct input_world *world = *state;
    struct probe probe = begin(world);

    world->broker.is_broken = true;
    ready(world, &probe, SFE_POLL_FAILED);
    assert_false(probe.has_answered);
    assert_false(world->broker.is_open);
    world->refuses = true;
    probe_begin(&probe, "broker.lan", 1883);
    assert_null(probe.socket);
    probe_end(&probe);
}

static void new_attempt_gives_up_the_old_one(void **state)
{
    struct input_world *world = *state;
    struct probe probe = begin(world);

    world->broker.is_standing = true;
    probe_begin(&probe, "broker.lan", 1883);
    assert_int_equal(world->connects, 2);
    assert_true(world->broker.is_open);
    assert_false(world->broker.is_standing); /* It was closed, and is a new one. */
    probe_end(&probe);
    probe_end(&probe);
    assert_false(world->broker.is_open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answer_is_known_once_the_connection_stands, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(refused_connection_is_no_answer, world_open, world_close),
        cmocka_unit_test_setup_teardown(new_attempt_gives_up_the_old_one, world_open, world_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
