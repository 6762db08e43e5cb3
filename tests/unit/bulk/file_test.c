#include "bulk_world.h"

static void children_follow_their_parents_in_a_job_of_their_own(void **state)
{
    struct bulk_world *own = *state;

    bulk_world_crash(own, 2);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1},{\"no\":2}]}"),
                     SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-2\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_close_job(own);
    bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
    bulk_world_answer(own, "GET", "/successfulResults/", 200, SALES_DONE "a,true,S-1,\n");
    bulk_world_answer(own, "GET", "/failedResults/", 200,
                      SALES_FAILED ",STRING_TOO_LONG:x:F --,S-2,\n");
    bulk_world_answer(own, "DELETE", JOB, 204, "");
    assert_int_equal(own->world->finished_count, 0);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    uint32_t upload = bulk_world_expect(own, "PUT", "/batches");
    /* Those of the sale that failed are not sent. */
    assert_string_equal(world_call(own->world, upload)->body,
                        "LineId__c,PosSale__r.SaleId__c\nS-1-1,S-1\nS-1-2,S-1\n");
}

static void an_id_an_event_names_twice_goes_in_two_jobs(void **state)
{
    struct bulk_world *own = *state;
    static const char *const bodies[] = {"S-1-1,S-1\nS-1-2,S-1\nS-2-1,S-2\n", "S-1-1,S-1\n"};

    own->bulk->options.maps = own->world->maps + 1;
    assert_int_equal(
        bulk_world_offer(own, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1},{\"no\":2},{\"no\":1}]}"),
        SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-2\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    bulk_world_send(own);
    for (uint32_t i = 0; i < 2; i++) {
        bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
        uint32_t upload = bulk_world_expect(own, "PUT", "/batches");
        char wanted[256];
        (void)snprintf(wanted, sizeof(wanted), "LineId__c,PosSale__r.SaleId__c\n%s", bodies[i]);
        assert_string_equal(world_call(own->world, upload)->body, wanted);
        world_reply(own->world, upload, 201, "");
        bulk_world_answer(own, "PATCH", JOB, 200, JOB_OPEN("UploadComplete"));
        bulk_world_answer(own, "GET", JOB, 200, JOB_OPEN("JobComplete"));
        assert_int_equal(own->world->finished_count, 0);
        bulk_world_answer(own, "GET", "/successfulResults/", 200,
                          "sf__Id,sf__Created,LineId__c\na,true,S-1-1\na,true,S-1-2\n"
                          "a,true,S-2-1\n");
        bulk_world_answer(own, "DELETE", JOB, 204, "");
    }
    assert_int_equal(own->world->finished_count, 1);
    assert_int_equal(bulk_world_verdict(own, 0), SFE_VERDICT_DONE);
}

static void an_event_that_vanished_is_left_out_and_goes_again(void **state)
{
    struct bulk_world *own = *state;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    own->world->is_gone = true;
    bulk_world_rests(own); /* No job is made for nothing. */
    assert_int_equal(own->world->finished_count, 1);
    assert_int_equal(bulk_world_verdict(own, 0), SFE_VERDICT_RETRY);
}

static void data_that_cannot_be_read_while_they_go_out_end_the_job(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    world->is_gone = true;
    uint32_t upload = bulk_world_expect(own, "PUT", "/batches");
    /* The reads before the one that met it. */
    assert_true(world_call(world, upload)->body_size < sizeof("SaleId__c,Total__c\n"));
    world_break(world, upload);
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
    uint32_t abort = bulk_world_expect(own, "PATCH", JOB);
    assert_string_equal(world_call(world, abort)->body, "{\"state\":\"Aborted\"}");
}

static void rows_larger_than_a_piece_come_in_several(void **state)
{
    struct bulk_world *own = *state;

    own->bulk->options.maps = own->world->maps + 1;
    assert_int_equal(
        bulk_world_offer(own, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1},{\"no\":2},{\"no\":3}]}"),
        SFE_OK);
    own->bulk->file.piece.capacity = 32; /* The header, or two rows. */
    bulk_world_send(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    uint32_t upload = bulk_world_expect(own, "PUT", "/batches");
    assert_string_equal(world_call(own->world, upload)->body,
                        "LineId__c,PosSale__r.SaleId__c\nS-1-1,S-1\nS-1-2,S-1\nS-1-3,S-1\n");
}

static void a_read_is_filled_with_the_rows_of_several_events(void **state)
{
    struct bulk_world *own = *state;
    static const char wanted[] = "SaleId__c,Total__c\nS-1,\nS-2,\nS-3,\n";
    uint8_t bytes[64];
    size_t got = 0;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-3\"}"), SFE_OK);
    bulk_world_send(own);
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    bulk_file_begin(own->bulk);
    assert_int_equal(bulk_file_read(own->bulk, bytes, 22, &got), SFE_OK);
    assert_int_equal(got, 22);
    assert_memory_equal(bytes, wanted, got);
    assert_int_equal(bulk_file_read(own->bulk, bytes + got, sizeof(bytes) - got, &got), SFE_OK);
    assert_int_equal(got, sizeof(wanted) - 1 - 22);
    assert_memory_equal(bytes, wanted, sizeof(wanted) - 1);
    assert_int_equal(bulk_file_read(own->bulk, bytes, sizeof(bytes), &got), SFE_E_END);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bulk_setup, bulk_teardown)
    const struct CMUnitTest tests[] = {
        TEST(children_follow_their_parents_in_a_job_of_their_own),
        TEST(an_id_an_event_names_twice_goes_in_two_jobs),
        TEST(an_event_that_vanished_is_left_out_and_goes_again),
        TEST(data_that_cannot_be_read_while_they_go_out_end_the_job),
        TEST(rows_larger_than_a_piece_come_in_several),
        TEST(a_read_is_filled_with_the_rows_of_several_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
