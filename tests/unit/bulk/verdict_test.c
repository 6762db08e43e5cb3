#include "bulk_world.h"

static void begin(struct bulk_world *own)
{
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-3\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_close_job(own);
}

static void end_with(struct bulk_world *own, const char *job, const char *done, const char *failed)
{
    bulk_world_answer(own, "GET", JOB, 200, job);
    bulk_world_answer(own, "GET", "/successfulResults/", 200, done);
    bulk_world_answer(own, "GET", "/failedResults/", 200, failed);
    assert_int_equal(own->world->finished_count, 1);
}

static void each_row_has_its_own_verdict(void **state)
{
    struct bulk_world *own = *state;
    const struct sfe_verdict *verdicts = own->world->verdicts;

    begin(own);
    end_with(own, JOB_OPEN("JobComplete"), SALES_DONE "a,true,S-2,\n",
             SALES_FAILED ",\"STRING_TOO_LONG:Total: data value: too large:Total__c --\",S-1,\n"
                          ",\"UNABLE_TO_LOCK_ROW:unable to obtain:--\",S-3,\n");
    assert_int_equal(own->world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(verdicts[0].kind, SFE_VERDICT_DEAD);
    assert_string_equal(verdicts[0].err.api_code, "STRING_TOO_LONG");
    assert_non_null(strstr(verdicts[0].err.message, "data value: too large"));
    assert_non_null(strstr(verdicts[0].err.message, "Total__c"));
    assert_string_equal(verdicts[0].err.where, "upsert PosSale__c");
    assert_int_equal(verdicts[1].kind, SFE_VERDICT_DONE);
    assert_int_equal(verdicts[2].kind, SFE_VERDICT_RETRY);
}

static void rows_without_a_result_go_again_and_no_try_is_counted(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    end_with(own, JOB_OPEN("Failed"), SALES_DONE "a,true,S-2,\n", SALES_FAILED);
    assert_int_equal(own->world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(bulk_world_verdict(own, 0), SFE_VERDICT_RETRY);
    assert_int_equal(own->world->verdicts[0].err.retry, SFE_RETRY_AFTER_QUOTA);
    assert_int_equal(bulk_world_verdict(own, 1), SFE_VERDICT_DONE);
}

static void results_of_what_was_never_sent_settle_nothing(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    end_with(own, JOB_OPEN("JobComplete"), SALES_DONE "a,true,S-9,\na,true,,\na,true,S-2,\n",
             SALES_FAILED ",STRING_TOO_LONG:x:F --,S-2,\n");
    assert_int_equal(bulk_world_verdict(own, 0), SFE_VERDICT_RETRY);
    assert_int_equal(bulk_world_verdict(own, 1), SFE_VERDICT_DONE); /* What was said first. */
}

static void a_job_that_failed_for_the_mapping_needs_a_human(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    end_with(own,
             "{\"id\":\"" JOB "\",\"state\":\"Failed\","
             "\"errorMessage\":\"InvalidBatch : Field name not found : Foo__c\"}",
             "", "");
    assert_int_equal(own->world->result.outcome, SFE_SLOT_STOPPED);
    assert_string_equal(own->world->result.err.api_code, "InvalidBatch");
    assert_non_null(strstr(own->world->result.err.message, "Foo__c"));
}

static void a_job_aborted_in_the_org_goes_again(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    end_with(own, JOB_OPEN("Aborted"), SALES_DONE, SALES_FAILED);
    assert_int_equal(own->world->result.outcome, SFE_SLOT_AGAIN);
}

static void a_job_that_failed_for_an_unknown_reason_goes_in_halves(void **state)
{
    struct bulk_world *own = *state;

    begin(own);
    end_with(own, "{\"id\":\"" JOB "\",\"state\":\"Failed\",\"errorMessage\":\"Odd : thing\"}",
             SALES_DONE, SALES_FAILED);
    assert_int_equal(own->world->result.outcome, SFE_SLOT_SMALLER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bulk_setup, bulk_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_row_has_its_own_verdict),
        TEST(rows_without_a_result_go_again_and_no_try_is_counted),
        TEST(results_of_what_was_never_sent_settle_nothing),
        TEST(a_job_that_failed_for_the_mapping_needs_a_human),
        TEST(a_job_aborted_in_the_org_goes_again),
        TEST(a_job_that_failed_for_an_unknown_reason_goes_in_halves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
