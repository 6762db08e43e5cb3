#include "bulk_world.h"

/* What waited is offered after what came later: the note says which all the same. */
static void events_out_of_their_order_are_noted_and_found_again(void **state)
{
    struct bulk_world *own = *state;
    static const uint64_t order[] = {7, 3, 9, 8, 1};
    static const char *const payloads[] = {"{\"sale\":\"7\"}", "{\"sale\":\"3\"}",
                                           "{\"sale\":\"9\"}", "{\"sale\":\"8\"}",
                                           "{\"sale\":\"1\"}"};
    struct bulk_job_note note;
    bool is_beyond = false;

    for (uint32_t i = 0; i < 5; i++) {
        own->sequence = order[i] - 1;
        assert_int_equal(bulk_world_offer(own, payloads[i]), SFE_OK);
    }
    bulk_world_send(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    (void)bulk_world_expect(own, "PUT", "/batches");
    bulk_world_crash(own, 1);
    assert_true(bulk_journal_left(own->journal, &note));
    for (uint64_t sequence = 1; sequence <= 10; sequence++) {
        bool is_in = sequence == 1 || sequence == 3 || (sequence >= 7 && sequence <= 9);
        assert_int_equal(bulk_journal_holds(own->journal, sequence, &is_beyond), is_in);
        assert_int_equal(is_beyond, sequence == 10);
    }
}

static void a_call_that_cannot_begin_is_tried_again(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;
    uint64_t until_ns = 0;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    world->begin_code = SFE_E_NO_MEMORY;
    for (uint32_t i = 0; i < 5; i++) {
        (void)world->target.is_ready(world->target.context, world->now_ns, &until_ns);
        assert_true(until_ns != UINT64_MAX);
    }
    assert_int_equal(world->call_count, 1);
    world->begin_code = SFE_OK;
    (void)bulk_world_expect(own, "POST", "/jobs/ingest");
}

static void a_job_is_deleted_or_left_to_the_org_in_the_end(void **state)
{
    struct bulk_world *own = *state;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_close_job(own);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    bulk_world_answer(own, "GET", "/successfulResults/", 200, SALES_DONE "a,true,S-1,\n");
    assert_int_equal(own->world->finished_count, 1);
    for (uint32_t i = 0; i < 6; i++) {
        world_break(own->world, bulk_world_expect(own, "DELETE", JOB));
    }
    bulk_world_rests(own);
    bulk_world_crash(own, 1);
    bulk_world_rests(own);
}

static void what_is_shown_follows_the_job(void **state)
{
    struct bulk_world *own = *state;
    struct sfe_bulk_facts facts;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_close_job(own);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("InProgress"));
    sfe_bulk_facts(own->bulk, &facts);
    assert_string_equal(facts.job, JOB);
    assert_string_equal(facts.state, "InProgress");
    assert_int_equal(facts.rows, 1);
    assert_int_equal(facts.calls, 4);
    assert_true(facts.begun_ns > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bulk_setup, bulk_teardown)
    const struct CMUnitTest tests[] = {
        TEST(events_out_of_their_order_are_noted_and_found_again),
        TEST(a_call_that_cannot_begin_is_tried_again),
        TEST(a_job_is_deleted_or_left_to_the_org_in_the_end),
        TEST(what_is_shown_follows_the_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
