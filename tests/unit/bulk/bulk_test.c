#include "bulk_world.h"

#include "salesforce/org_parts.h"

static void a_batch_goes_through_its_calls_and_is_settled_by_its_results(void **state)
{
    struct bulk_world *own = *state;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"total\":1.5}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-2\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_close_job(own);
    assert_string_equal(world_call(own->world, 1)->body,
                        "{\"object\":\"PosSale__c\",\"operation\":\"upsert\","
                        "\"externalIdFieldName\":\"SaleId__c\",\"contentType\":\"CSV\","
                        "\"lineEnding\":\"LF\",\"columnDelimiter\":\"COMMA\"}");
    assert_string_equal(world_call(own->world, 2)->body, "SaleId__c,Total__c\nS-1,1.5\nS-2,\n");
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("InProgress"));
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    bulk_world_answer(own, "GET", "/successfulResults/", 200,
                      SALES_DONE "a,true,s-2,\nb,true,S-1,1.5\n");
    assert_int_equal(own->world->finished_count, 1);
    assert_int_equal(own->world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(bulk_world_verdict(own, 0), SFE_VERDICT_DONE);
    assert_int_equal(bulk_world_verdict(own, 1), SFE_VERDICT_DONE);
    assert_string_equal(own->world->verdicts[0].record_id, "b");
    assert_string_equal(own->world->verdicts[1].record_id, "a");
    bulk_world_answer(own, "DELETE", JOB, 204, "");
    bulk_world_rests(own);
}

static void nothing_is_uploaded_before_the_job_is_noted_on_flash(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;
    uint64_t until_ns = 0;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    assert_int_equal(own->noted, 1);
    for (uint32_t i = 0; i < 10; i++) {
        (void)world->target.is_ready(world->target.context, world->now_ns, &until_ns);
        world->now_ns += SECOND;
    }
    assert_int_equal(world->call_count, 2); /* Log-in and create: flash has not written yet. */
    bulk_world_answer(own, "PUT", JOB "/batches", 201, "");
}

static void an_id_that_is_in_the_batch_waits_for_the_next(void **state)
{
    struct bulk_world *own = *state;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"total\":1}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"s-1\",\"total\":2}"), SFE_E_AGAIN);
    assert_int_not_equal(own->world->order_key, 0);
    bulk_world_send(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    (void)bulk_world_expect(own, "PUT", "/batches");
    assert_string_equal(world_call(own->world, 2)->body, "SaleId__c,Total__c\nS-1,1\n");
}

static void crash_after_close(struct bulk_world *own)
{
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-2\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_close_job(own);
    bulk_world_crash(own, 1);
}

static void a_job_of_the_last_run_is_waited_for_and_its_events_taken_back(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;

    crash_after_close(own);
    assert_false(world_turn(world)); /* Nothing else may go before it is over. */
    world_reply(world, world->call_count - 1, 200, JOB_OPEN("InProgress"));
    assert_false(world_turn(world));
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    assert_int_equal(sfe_bulk_use(own->bulk), SFE_LARGE_RESUMES);
    assert_true(world_turn(world));
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-3\"}"), SFE_E_FULL);
    bulk_world_send(own);
    bulk_world_answer(own, "GET", "/successfulResults/", 200, SALES_DONE "a,true,S-1,\n");
    bulk_world_answer(own, "GET", "/failedResults/", 200,
                      SALES_FAILED ",\"STRING_TOO_LONG:too long:Total__c --\",S-2,\n");
    assert_int_equal(bulk_world_verdict(own, 0), SFE_VERDICT_DONE);
    assert_int_equal(bulk_world_verdict(own, 1), SFE_VERDICT_DEAD);
    bulk_world_answer(own, "DELETE", JOB, 204, "");
    bulk_world_rests(own);
    bulk_world_crash(own, 1);
    bulk_world_rests(own); /* It was forgotten. */
}

static void where_all_of_the_last_job_was_settled_before_it_is_deleted(void **state)
{
    struct bulk_world *own = *state;

    crash_after_close(own);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    own->sequence = 2; /* The cursor had passed both. */
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-3\"}"), SFE_E_AGAIN);
    assert_false(world_turn(own->world));
    world_reply(own->world, own->world->call_count - 1, 204, "");
    bulk_world_rests(own);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-3\"}"), SFE_OK);
}

/* They stand behind an event of their key whose settling was lost. */
static void a_job_of_the_last_run_ends_when_none_of_its_events_can_be_taken_back(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;

    crash_after_close(own);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    world->target.abandon(world->target.context, 0);
    assert_int_equal(sfe_bulk_use(own->bulk), SFE_LARGE_MAY);
    bulk_world_answer(own, "DELETE", JOB, 204, "");
    bulk_world_rests(own);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
}

static void a_job_that_was_left_open_is_aborted_before_anything_is_sent(void **state)
{
    struct bulk_world *own = *state;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    (void)bulk_world_expect(own, "PUT", "/batches");
    bulk_world_crash(own, 1);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("Open"));
    uint32_t abort = bulk_world_expect(own, "PATCH", JOB);
    assert_string_equal(world_call(own->world, abort)->body, "{\"state\":\"Aborted\"}");
    assert_false(world_turn(own->world));
    world_reply(own->world, abort, 200, JOB_OPEN("Aborted"));
    bulk_world_answer(own, "DELETE", JOB, 204, "");
    bulk_world_rests(own);
    assert_true(world_turn(own->world));
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
}

static void a_job_of_the_last_run_that_is_gone_lets_its_events_go_again(void **state)
{
    struct bulk_world *own = *state;

    crash_after_close(own);
    bulk_world_answer(own, "GET", JOB, 404, "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"\"}]");
    bulk_world_rests(own);
    assert_true(world_turn(own->world));
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    (void)bulk_world_expect(own, "POST", "/jobs/ingest");
}

static void the_end_of_the_agent_leaves_a_closed_job_to_the_next_run(void **state)
{
    struct bulk_world *own = *state;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    sfe_bulk_leave(own->bulk);
    assert_int_equal(own->world->finished_count, 0); /* Not closed yet: it is waited for. */
    bulk_world_close_job(own);
    sfe_bulk_leave(own->bulk);
    assert_int_equal(own->world->finished_count, 1);
    assert_int_equal(own->world->result.outcome, SFE_SLOT_AGAIN);
    assert_false(world_turn(own->world));
    bulk_world_rests(own);
}

static void a_job_begins_while_the_day_has_calls_and_ends_when_it_has_none(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;
    struct sfe_target *target = &world->target;
    uint64_t until_ns = 0;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    budget_told(&world->org->budget, 1000, 1000, world->now_ns);
    assert_false(target->is_ready(target->context, world->now_ns, &until_ns));
    assert_true(until_ns > world->now_ns && until_ns != UINT64_MAX);
    assert_int_equal(target->send(target->context, 0, &world->err), SFE_E_AGAIN);
    assert_int_equal(world->call_count, 1);
    budget_told(&world->org->budget, 700, 1000, world->now_ns);
    assert_int_equal(sfe_bulk_use(own->bulk), SFE_LARGE_MAY);
    bulk_world_send(own);
    budget_told(&world->org->budget, 1000, 1000, world->now_ns);
    assert_int_equal(sfe_bulk_use(own->bulk), SFE_LARGE_DEAR);
    bulk_world_close_job(own);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    bulk_world_answer(own, "GET", "/successfulResults/", 200, SALES_DONE "a,true,S-1,\n");
    assert_int_equal(own->world->finished_count, 1);
}

static void its_memory_is_what_it_says(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;
    struct sfe_bulk *other = NULL;
    struct sfe_bulk_facts facts;
    const struct sfe_bulk_options options = {.name = "sales",
                                             .org = world->org,
                                             .maps = world->maps,
                                             .map_count = 1,
                                             .records_max = 1000,
                                             .journal = own->journal,
                                             .entropy = &world->entropy};
    const size_t before = sfe_arena_taken(world->arena);

    assert_int_equal(sfe_bulk_open(&options, world->arena, &other, &world->err), SFE_OK);
    assert_int_equal(sfe_arena_taken(world->arena) - before, sfe_bulk_memory_bytes(&options));
    sfe_bulk_facts(other, &facts);
    assert_string_equal(facts.state, "idle");
    assert_string_equal(facts.job, "");
    sfe_bulk_close(other);
    sfe_bulk_close(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bulk_setup, bulk_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_batch_goes_through_its_calls_and_is_settled_by_its_results),
        TEST(nothing_is_uploaded_before_the_job_is_noted_on_flash),
        TEST(an_id_that_is_in_the_batch_waits_for_the_next),
        TEST(a_job_of_the_last_run_is_waited_for_and_its_events_taken_back),
        TEST(where_all_of_the_last_job_was_settled_before_it_is_deleted),
        TEST(a_job_of_the_last_run_ends_when_none_of_its_events_can_be_taken_back),
        TEST(a_job_that_was_left_open_is_aborted_before_anything_is_sent),
        TEST(a_job_of_the_last_run_that_is_gone_lets_its_events_go_again),
        TEST(the_end_of_the_agent_leaves_a_closed_job_to_the_next_run),
        TEST(a_job_begins_while_the_day_has_calls_and_ends_when_it_has_none),
        TEST(its_memory_is_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
