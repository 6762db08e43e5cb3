#include "salesforce_world.h"

#include "salesforce/records_parts.h"

#define OK "{\"id\":\"a0\",\"success\":true,\"errors\":[],\"created\":true}"

static void a_slot_is_one_patch_of_the_objects_external_id(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    struct call *call = world_call(world, 1);
    assert_string_equal(call->method, "PATCH");
    assert_string_equal(call->url, "https://acme.my.salesforce.com/services/data/v62.0/composite/"
                                   "sobjects/PosSale__c/SaleId__c");
    assert_string_equal(call->body,
                        "{\"allOrNone\":false,\"records\":["
                        "{\"attributes\":{\"type\":\"PosSale__c\"},\"SaleId__c\":\"S-1\"},"
                        "{\"attributes\":{\"type\":\"PosSale__c\"},\"SaleId__c\":\"S-2\"}]}");
    world_reply(world, 1, 200, "[" OK "," OK "]");
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(world->result.count, 2);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DONE);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-3\"}"), SFE_OK);
}

static void open_events(struct world *world)
{
    static const struct sfe_map_field fields[] = {
        {.name = "EventKey__c", .from = "{id}"},
        {.name = "Value__c", .from = "/value", .type = SFE_MAP_DOUBLE}};
    const struct sfe_map_options options = {
        .object = "DeviceAlert__e", .fields = fields, .field_count = 2, .agent_id = "a"};
    uint32_t bad_field = 0;

    assert_int_equal(
        sfe_map_compile(&options, world->arena, &world->maps[0], &bad_field, &world->err), SFE_OK);
    const struct sfe_records_options records = {.org = world->org,
                                                .maps = world->maps,
                                                .map_count = 1,
                                                .slot_count = SLOTS,
                                                .slot_events_max = 200,
                                                .records_max = 200,
                                                .api = SFE_RECORDS_COLLECTIONS};
    world_open_target(world, &records);
    world_log_in(world);
}

#define QUEUED                                                                                     \
    "{\"id\":\"e01\",\"success\":true,\"errors\":[{\"statusCode\":\"OPERATION_ENQUEUED\","         \
    "\"message\":\"08ff1e7e\",\"fields\":[]}]}"

static void platform_events_are_created_with_their_identity(void **state)
{
    struct world *world = *state;

    open_events(world);
    assert_int_equal(world_offer(world, 0, "{\"value\":81}"), SFE_OK);
    const uint64_t key = world->order_key;
    assert_int_equal(world_offer(world, 0, "{\"value\":82}"), SFE_OK);
    assert_true(key != 0 && world->order_key != key);
    assert_int_equal(world_send(world, 0), SFE_OK);
    const struct call *call = world_call(world, 1);
    assert_string_equal(call->method, "POST");
    assert_string_equal(call->url,
                        "https://acme.my.salesforce.com/services/data/v62.0/composite/sobjects");
    assert_non_null(strstr(call->body, "{\"attributes\":{\"type\":\"DeviceAlert__e\"},"
                                       "\"EventKey__c\":\""));
    world_reply(world, 1, 200,
                "[" QUEUED ",{\"success\":false,\"errors\":[{\"statusCode\":\"STRING_TOO_LONG\","
                "\"message\":\"x\",\"fields\":[]}]}]");
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DEAD);
    assert_string_equal(world->verdicts[1].err.where, "publish DeviceAlert__e");
}

static void a_publication_whose_answer_is_lost_goes_again_with_the_same_identity(void **state)
{
    struct world *world = *state;

    open_events(world);
    assert_int_equal(world_offer(world, 0, "{\"value\":81}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    world_break(world, 1);
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
    sfe_lane_begin(world->lane);
    assert_int_equal(world_offer(world, 0, "{\"value\":81}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_string_equal(world_call(world, 2)->body, world_call(world, 1)->body);
}

static void a_used_up_hour_of_events_stops_them_and_kills_none(void **state)
{
    struct world *world = *state;
    uint64_t until_ns = 0;

    open_events(world);
    assert_int_equal(world_offer(world, 0, "{\"value\":81}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"value\":82}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    world_reply(world, 1, 200,
                "[" QUEUED ",{\"success\":false,\"errors\":[{\"statusCode\":\"LIMIT_EXCEEDED\","
                "\"message\":\"x\",\"fields\":[]}]}]");
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_RETRY);
    assert_int_equal(world->verdicts[1].err.retry, SFE_RETRY_AFTER_HUMAN);
    sfe_lane_begin(world->lane);
    assert_int_equal(world_offer(world, 0, "{\"value\":82}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"value\":83}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    world_reply(world, 2, 400, "[{\"errorCode\":\"LIMIT_EXCEEDED\",\"message\":\"x\"}]");
    assert_int_equal(world->result.outcome, SFE_SLOT_STOPPED);
    assert_true(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
}

static void a_target_is_ready_only_with_a_token(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    assert_false(world_turn(world));
    assert_int_equal(world->call_count, 1);
    world_reply(world, 0, 200, TOKEN_ANSWER);
    assert_true(world_turn(world));
}

static void a_slot_that_could_not_be_sent_is_still_filled(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    world->begin_code = SFE_E_NETWORK;
    assert_int_equal(world_send(world, 0), SFE_E_NETWORK);
    world->begin_code = SFE_OK;
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_non_null(strstr(world_call(world, 1)->body, "S-1"));
    assert_non_null(strstr(world_call(world, 1)->body, "S-2"));
    assert_int_equal(world->finished_count, 0);
}

static void closing_ends_what_is_in_flight_and_nothing_else(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    world_reply(world, 1, 200, "[" OK "]");
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    world->calls[1].is_over = false;
    sfe_records_close(&world->target);
    assert_false(world->calls[1].is_over);
    assert_true(world->calls[2].is_over);
    assert_int_equal(world->finished_count, 1);
}

static void a_slot_without_first_records_that_could_not_be_sent_takes_more_events(void **state)
{
    struct world *world = *state;

    world_open_records(world, 2, "/lines", "{/sale}", 200);
    struct sfe_map *sales = world->maps[0];
    world->maps[0] = world->maps[1]; /* Lines first. */
    world->maps[1] = sales;
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"lines\":[]}"), SFE_OK);
    world->begin_code = SFE_E_NETWORK;
    assert_int_equal(world_send(world, 0), SFE_E_NETWORK);
    world->begin_code = SFE_OK;
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_null(strstr(world_call(world, 1)->body, "PosSale__c\"}"));
    world_reply(world, 1, 200, "[" OK "]");
    assert_non_null(strstr(world_call(world, 2)->body, "S-1"));
    assert_non_null(strstr(world_call(world, 2)->body, "S-2"));
}

static void children_go_after_their_parents_succeeded(void **state)
{
    struct world *world = *state;

    world_open_records(world, 2, "/lines", NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1},{\"no\":2}]}"),
                     SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_null(strstr(world_call(world, 1)->body, "PosLine__c"));
    world_reply(world, 1, 200,
                "[" OK ",{\"success\":false,\"errors\":[{\"statusCode\":\"STRING_TOO_LONG\","
                "\"message\":\"x\",\"fields\":[]}]}]");
    assert_int_equal(world->finished_count, 0);
    struct call *call = world_call(world, 2);
    assert_non_null(strstr(call->url, "/PosLine__c/LineId__c"));
    assert_string_equal(call->body,
                        "{\"allOrNone\":false,\"records\":["
                        "{\"attributes\":{\"type\":\"PosLine__c\"},\"LineId__c\":\"S-1-1\","
                        "\"PosSale__r\":{\"SaleId__c\":\"S-1\"}},"
                        "{\"attributes\":{\"type\":\"PosLine__c\"},\"LineId__c\":\"S-1-2\","
                        "\"PosSale__r\":{\"SaleId__c\":\"S-1\"}}]}");
    world_reply(world, 2, 200, "[" OK "," OK "]");
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
    assert_int_equal(world->verdicts[1].kind, SFE_VERDICT_DEAD);
    assert_string_equal(world->verdicts[1].err.where, "upsert PosSale__c");
}

static void many_children_take_several_requests(void **state)
{
    struct world *world = *state;

    world_open_records(world, 2, "/lines", NULL, 2);
    world_log_in(world);
    assert_int_equal(
        world_offer(world, 0,
                    "{\"sale\":\"S\",\"lines\":[{\"no\":1},{\"no\":2},{\"no\":3},{\"no\":4},"
                    "{\"no\":5}]}"),
        SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    world_reply(world, 1, 200, "[" OK "]");
    world_reply(world, 2, 200, "[" OK "," OK "]");
    world_reply(world, 3, 200, "[" OK "," OK "]");
    assert_int_equal(world->finished_count, 0);
    assert_non_null(strstr(world_call(world, 4)->body, "S-5"));
    world_reply(world, 4, 200, "[" OK "]");
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
}

static void events_that_make_no_records_are_done_without_a_request(void **state)
{
    struct world *world = *state;

    world_open_records(world, 0, "/lines", NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S\",\"lines\":[]}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_int_equal(world->call_count, 1);
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->result.outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(world->verdicts[0].kind, SFE_VERDICT_DONE);
}

static void a_slot_that_waits_too_long_for_a_log_in_gives_its_events_back(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    world_reply(world, 1, 401, SESSION_ENDED);
    world_turn(world);
    world->now_ns += 29 * SECOND;
    world_turn(world);
    assert_int_equal(world->finished_count, 0);
    world->now_ns += 2 * SECOND;
    world_turn(world);
    assert_int_equal(world->finished_count, 1);
    assert_int_equal(world->result.outcome, SFE_SLOT_AGAIN);
}

static void an_abandoned_slot_is_empty(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    world->target.abandon(world->target.context, 0);
    sfe_lane_begin(world->lane);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_null(strstr(world_call(world, 1)->body, "S-1"));
}

static void large_bodies_are_compressed_and_small_ones_are_not(void **state)
{
    struct world *world = *state;
    char payloads[64][32];

    world_open_records(world, 1, NULL, NULL, 200);
    struct records *records = world->target.context;
    records->gzip = sfe_gzip_open();
    assert_non_null(records->gzip);
    for (uint32_t i = 0; i < SLOTS; i++) {
        records->slots[i].gzip_body =
            sfe_builder_make(sfe_arena_take(world->arena, 65536, &world->err), 65536);
    }
    world_log_in(world);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(world_send(world, 0), SFE_OK);
    assert_false(world_call(world, 1)->is_gzip);
    for (uint32_t i = 0; i < 64; i++) {
        (void)snprintf(payloads[i], sizeof(payloads[i]), "{\"sale\":\"T-%u\"}", (unsigned)i);
        assert_int_equal(world_offer(world, 1, payloads[i]), SFE_OK);
    }
    assert_int_equal(world_send(world, 1), SFE_OK);
    assert_true(world_call(world, 2)->is_gzip);
    assert_int_equal((uint8_t)world_call(world, 2)->body[0], 0x1f);
    assert_true(world_call(world, 2)->body_size < 1024);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_slot_is_one_patch_of_the_objects_external_id),
        TEST(platform_events_are_created_with_their_identity),
        TEST(a_publication_whose_answer_is_lost_goes_again_with_the_same_identity),
        TEST(a_used_up_hour_of_events_stops_them_and_kills_none),
        TEST(a_target_is_ready_only_with_a_token),
        TEST(a_slot_that_could_not_be_sent_is_still_filled),
        TEST(closing_ends_what_is_in_flight_and_nothing_else),
        TEST(a_slot_without_first_records_that_could_not_be_sent_takes_more_events),
        TEST(children_go_after_their_parents_succeeded),
        TEST(many_children_take_several_requests),
        TEST(events_that_make_no_records_are_done_without_a_request),
        TEST(a_slot_that_waits_too_long_for_a_log_in_gives_its_events_back),
        TEST(an_abandoned_slot_is_empty),
        TEST(large_bodies_are_compressed_and_small_ones_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
