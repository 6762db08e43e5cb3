#include "output_world.h"

/* 'h' is held; 's' is none of the output's; 'x' can never go. */
struct judge {
    struct sfe_wait_view view; /* Of the last turn. */
    uint64_t go, late;         /* To be told in the next turn; 0: nothing. */
    uint32_t known;            /* Judged, and settled before. */
    uint32_t judged;
};

static struct judge judge;

static enum sfe_code judge_event(void *context, struct sfe_event *event, uint64_t base,
                                 bool is_settled, struct sfe_error *err)
{
    const char letter = (char)event->payload.bytes[0];

    assert_ptr_equal(context, &judge);
    assert_true(base >= 1 && base <= event->sequence);
    judge.judged++;
    judge.known += is_settled;
    switch (letter) {
    case 'h':
        return SFE_E_AGAIN;
    case 's':
        return SFE_E_SKIPPED;
    case 'x':
        return sfe_fail(err, SFE_E_UNMAPPED, "it has no key");
    default:
        return SFE_OK;
    }
}

static uint64_t take_turn(void *context, const struct sfe_wait_view *view,
                          const struct sfe_wait_host *host)
{
    assert_ptr_equal(context, &judge);
    judge.view = *view;
    if (judge.go != 0) {
        host->go(host->context, judge.go);
    }
    if (judge.late != 0) {
        host->late(host->context, judge.late);
    }
    judge.go = 0;
    judge.late = 0;
    return UINT64_MAX;
}

static const struct sfe_output_wait wait = {&judge, judge_event, take_turn};

static struct world *make_waiting(void)
{
    struct world *world = world_make();

    judge = (struct judge){.go = 0};
    world->wait = &wait;
    return world;
}

static int setup_waiting(void **state)
{
    struct world *world = make_waiting();

    world_open(world);
    *state = world;
    return 0;
}

static int setup_answered(void **state)
{
    struct world *world = make_waiting();

    world->passes_on = true;
    world_open(world);
    *state = world;
    return 0;
}

static int setup_small(void **state)
{
    struct world *world = make_waiting();

    world->window_events = 6;
    world_open(world);
    *state = world;
    return 0;
}

static int setup_resumed(void **state)
{
    struct world *world = make_waiting();

    world->has_start = true;
    world->start = (struct sfe_cursor){.sequence = 1, .range_count = 1, .ranges = {{2, 4}}};
    world->stream.durable = 0;
    world_append(world, "hasb");
    world_open(world);
    *state = world;
    return 0;
}

static void an_event_that_waits_holds_up_no_other_of_its_key(void **state)
{
    struct world *world = *state;

    world_append(world, "habh");
    world_turn(world);
    world_after(world, SECOND);
    assert_int_equal(world->sent, 1);
    assert_int_equal(world->slots[world_slot_of(world, 2)].count, 2);
    assert_int_equal(world_facts(world).held, 2);
    world_answer(world, 2);
    world_turn(world);
    assert_int_equal(world_cursor(world), 1);
    assert_int_equal(judge.judged, 4);
}

static void it_goes_when_it_is_told_to(void **state)
{
    struct world *world = *state;

    world_append(world, "hh");
    world_turn(world);
    judge.go = 2;
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 2);
    judge.go = 1;
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    assert_int_equal(world_cursor(world), 3);
    assert_int_equal(world_facts(world).held, 0);
    assert_int_equal(world_facts(world).delivered, 2);
}

static void what_is_skipped_takes_no_room_and_what_has_no_key_is_a_dead_letter(void **state)
{
    struct world *world = *state;

    world_append(world, "hsssssssssssssx");
    world_turn(world);
    assert_int_equal(world->output->window.count, 2);
    assert_int_equal(world_facts(world).skipped, 13);
    assert_int_equal(world->dead.staged, 1);
    assert_non_null(strstr(world->dead.annotations[0], "it has no key"));
    assert_true(judge.view.has_read_all);
}

static void beyond_the_window_nothing_is_read_and_that_is_told(void **state)
{
    struct world *world = *state;

    world_append(world, "hhhhhhhh");
    world_turn(world);
    assert_int_equal(judge.judged, 6);
    assert_true(judge.view.is_full && !judge.view.has_read_all);
    assert_true(world_facts(world).is_kept_full);
    assert_int_equal(world_facts(world).state, SFE_OUTPUT_WAITING);
    judge.go = 1;
    world_turn(world);
    world_after(world, SECOND);
    world_answer(world, 1);
    world_turn(world);
    world_turn(world);
    assert_int_equal(judge.judged, 7);
}

static void while_the_target_is_away_events_are_read_and_judged_all_the_same(void **state)
{
    struct world *world = *state;

    world->is_ready = false;
    world_append(world, "ha");
    world_turn(world);
    assert_int_equal(judge.judged, 2);
    judge.late = 1;
    world_turn(world);
    world_turn(world);
    world->dead.durable = world->dead.staged;
    world_turn(world);
    assert_int_equal(world->dead.staged, 1);
    assert_non_null(strstr(world->dead.annotations[0], "did not come in time"));
    assert_int_equal(world_cursor(world), 2);
}

static void one_that_is_late_is_told_and_settled_when_that_is_durable(void **state)
{
    struct world *world = *state;

    world_append(world, "h");
    world_turn(world);
    judge.late = 1;
    world_turn(world);
    world_turn(world);
    assert_int_equal(world->late_answers.staged, 1);
    assert_non_null(strstr(world->late_answers.answers[0], "\"outcome\":\"late\""));
    assert_null(strstr(world->late_answers.answers[0], "\"error\""));
    assert_int_equal(world_cursor(world), 1);
    world->late_answers.durable = 1;
    world_turn(world);
    assert_int_equal(world_cursor(world), 2);
    assert_int_equal(world_facts(world).late, 1);
    assert_int_equal(world_facts(world).dead + world_facts(world).delivered, 0);
}

static void what_was_settled_before_the_start_is_judged_and_not_offered(void **state)
{
    struct world *world = *state;

    world_turn(world);
    world_after(world, SECOND);
    assert_int_equal(judge.judged, 4);
    assert_int_equal(judge.known, 2);
    assert_int_equal(world->sent, 1);
    assert_int_equal(world->slots[world_slot_of(world, 4)].count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_that_waits_holds_up_no_other_of_its_key,
                                        setup_waiting, world_teardown),
        cmocka_unit_test_setup_teardown(it_goes_when_it_is_told_to, setup_waiting, world_teardown),
        cmocka_unit_test_setup_teardown(
            what_is_skipped_takes_no_room_and_what_has_no_key_is_a_dead_letter, setup_waiting,
            world_teardown),
        cmocka_unit_test_setup_teardown(beyond_the_window_nothing_is_read_and_that_is_told,
                                        setup_small, world_teardown),
        cmocka_unit_test_setup_teardown(
            while_the_target_is_away_events_are_read_and_judged_all_the_same, setup_waiting,
            world_teardown),
        cmocka_unit_test_setup_teardown(one_that_is_late_is_told_and_settled_when_that_is_durable,
                                        setup_answered, world_teardown),
        cmocka_unit_test_setup_teardown(what_was_settled_before_the_start_is_judged_and_not_offered,
                                        setup_resumed, world_teardown),
    };
    world_all_words();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
