#include "bulk_world.h"

static void begin(struct bulk_world *own)
{
    sfe_lane_begin(own->world->lane);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
}

static void a_lost_answer_to_the_create_lets_the_output_try_again(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    world_break(own->world, bulk_world_expect(own, "POST", "/jobs/ingest"));
    assert_int_equal(own->world->result.outcome, SFE_SLOT_AGAIN);
    assert_int_equal(own->noted, 0);
    bulk_world_rests(own);
}

static void a_refused_create_needs_a_human_or_waits_for_the_allowance(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 403,
                      "[{\"errorCode\":\"API_DISABLED_FOR_ORG\",\"message\":\"\"}]");
    assert_int_equal(own->world->result.outcome, SFE_SLOT_STOPPED);
    begin(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 400,
                      "[{\"errorCode\":\"EXCEEDED_QUOTA\",\"message\":\"\"}]");
    assert_int_equal(own->world->result.outcome, SFE_SLOT_AGAIN);
    assert_true(world_turn(own->world)); /* Other calls may still go. */
}

static void where_there_is_another_way_a_refusal_opens_it(void **state)
{
    struct bulk_world *own = *state;

    own->bulk->options.has_other = true;
    assert_int_equal(sfe_bulk_use(own->bulk), SFE_LARGE_MAY);
    begin(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 403,
                      "[{\"errorCode\":\"API_DISABLED_FOR_ORG\",\"message\":\"\"}]");
    assert_int_equal(own->world->result.outcome, SFE_SLOT_AGAIN);
    assert_int_equal(sfe_bulk_use(own->bulk), SFE_LARGE_SHUT);
    own->world->now_ns += 901 * SECOND;
    assert_int_equal(sfe_bulk_use(own->bulk), SFE_LARGE_MAY);
}

static void a_session_that_ended_is_no_failure(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 401, SESSION_ENDED);
    assert_int_equal(own->world->finished_count, 0);
    own->world->now_ns += 600 * SECOND;
    world_log_in(own->world);
    bulk_world_close_job(own);
    bulk_world_answer(own, "GET", JOB, 401, SESSION_ENDED);
    own->world->now_ns += 600 * SECOND;
    world_log_in(own->world);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
}

/* A second upload would be taken, and the job could not be closed. */
static void an_upload_without_a_plain_yes_is_never_repeated(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;

    begin(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    world_break(world, bulk_world_expect(own, "PUT", "/batches"));
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
    assert_false(world_turn(world)); /* Not before it is sure that nothing comes of it. */
    world_break(world, world->call_count - 1);
    bulk_world_answer(own, "PATCH", JOB, 200, JOB_OPEN("Aborted"));
    bulk_world_answer(own, "DELETE", JOB, 204, "");
    bulk_world_rests(own);
    assert_true(world_turn(world));
}

static void a_lost_answer_to_the_close_is_asked_for(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    bulk_world_answer(own, "PUT", JOB "/batches", 201, "");
    world_break(own->world, bulk_world_expect(own, "PATCH", JOB));
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("Open")); /* It never arrived. */
    bulk_world_answer(own, "PATCH", JOB, 200, JOB_OPEN("UploadComplete"));
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    (void)bulk_world_expect(own, "GET", "/successfulResults/");
}

static void a_job_that_stays_open_is_aborted_in_the_end(void **state)
{
    struct bulk_world *own = *state;
    uint32_t closes = 0;

    begin(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    bulk_world_answer(own, "PUT", JOB "/batches", 201, "");
    while (own->world->finished_count == 0) {
        bulk_world_answer(own, "PATCH", JOB, 400,
                          "[{\"errorCode\":\"INVALIDJOB\",\"message\":\"Found multiple\"}]");
        bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("Open"));
        assert_true(++closes < 10);
    }
    uint32_t abort = bulk_world_expect(own, "PATCH", JOB);
    assert_string_equal(world_call(own->world, abort)->body, "{\"state\":\"Aborted\"}");
}

static void polls_come_less_and_less_often_and_never_give_up(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;
    uint64_t last_ns = 0;

    begin(own);
    bulk_world_close_job(own);
    for (uint32_t i = 0; i < 12; i++) {
        uint64_t before_ns = world->now_ns;
        bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("InProgress"));
        assert_true(world->now_ns - before_ns >= last_ns);
        assert_true(world->now_ns - before_ns <= 63 * SECOND);
        last_ns = world->now_ns - before_ns;
    }
    for (uint32_t i = 0; i < 12; i++) {
        world_break(world, bulk_world_expect(own, "GET", JOB));
    }
    assert_int_equal(world->finished_count, 0);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
}

static void results_come_in_parts(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-2\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_close_job(own);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    uint32_t first = bulk_world_expect(own, "GET", "/successfulResults/");
    struct sfe_http_answer answer = world_answer_to(world, first);
    const struct sfe_http_sink *sink = world_call(world, first)->sink;
    assert_int_equal(sink->take(sink->context, SFE_TEXT(SALES_DONE "a,true,S-2,\n")), SFE_OK);
    (void)snprintf(answer.locator, sizeof(answer.locator), "M/=");
    answer.status = 200;
    world_deliver(world, first, &answer);
    bulk_world_answer(own, "GET", "/successfulResults/?locator=M%2f%3d", 200,
                      SALES_DONE "a,true,S-1,\n");
    assert_int_equal(world->finished_count, 1);
}

static void a_result_file_that_breaks_off_is_fetched_again(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    bulk_world_close_job(own);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    bulk_world_answer(own, "GET", "/successfulResults/", 200, SALES_DONE "a,true,S-");
    bulk_world_answer(own, "GET", "/successfulResults/", 200, "<html>sign in</html>\n");
    assert_int_equal(own->world->finished_count, 0);
    bulk_world_answer(own, "GET", "/successfulResults/", 200, SALES_DONE "a,true,S-1,\n");
    assert_int_equal(own->world->finished_count, 1);
}

static void the_description_of_a_job_is_read_or_refused(void **state)
{
    struct sfe_json_token tokens[64];
    struct bulk_job_answer job;
    struct sfe_error err;
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"id\":\"7\",\"state\":\"Odd\"}",
                                      "{\"id\":\"../x\",\"state\":\"Open\"}",
                                      "{\"id\":\"\",\"state\":\"Open\"}",
                                      "{\"id\":7,\"state\":\"Open\"}"};

    (void)state;
    assert_int_equal(bulk_read_job(SFE_TEXT("{\"id\":\"750x\",\"state\":\"Failed\","
                                            "\"errorMessage\":\"InvalidBatch : a\\n\\\"b\\\"\"}"),
                                   tokens, 64, &job, &err),
                     SFE_OK);
    assert_string_equal(job.id, "750x");
    assert_int_equal(job.state, BULK_JOB_FAILED);
    assert_string_equal(job.message, "InvalidBatch : a?\"b\"");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(bulk_read_job(sfe_slice_text(bad[i]), tokens, 64, &job, &err),
                         SFE_E_PROTOCOL);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bulk_setup, bulk_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_lost_answer_to_the_create_lets_the_output_try_again),
        TEST(a_refused_create_needs_a_human_or_waits_for_the_allowance),
        TEST(where_there_is_another_way_a_refusal_opens_it),
        TEST(a_session_that_ended_is_no_failure),
        TEST(an_upload_without_a_plain_yes_is_never_repeated),
        TEST(a_lost_answer_to_the_close_is_asked_for),
        TEST(a_job_that_stays_open_is_aborted_in_the_end),
        TEST(polls_come_less_and_less_often_and_never_give_up),
        TEST(results_come_in_parts),
        TEST(a_result_file_that_breaks_off_is_fetched_again),
        TEST(the_description_of_a_job_is_read_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
