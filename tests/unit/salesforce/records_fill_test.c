#include "salesforce_world.h"

#include "salesforce/records_parts.h"

static struct records_slot *slot_of(struct world *world, uint32_t number)
{
    return &((struct records *)world->target.context)->slots[number];
}

static void an_offer_adds_its_record_and_claims_its_id(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":9.90}"), SFE_OK);
    assert_true(world->order_key != 0);
    assert_true(sfe_lane_is_held(world->lane, world->order_key));
    const char wanted[] = "{\"allOrNone\":false,\"records\":[{\"attributes\":{\"type\":"
                          "\"PosSale__c\"},\"SaleId__c\":\"S-1\",\"Total__c\":9.90}";
    const struct collections_request *request = &slot_of(world, 0)->request;
    const size_t begin = request->parts[0].begin;
    assert_int_equal(request->body.size - begin, strlen(wanted));
    assert_memory_equal(request->body.bytes + begin, wanted, strlen(wanted));
}

static void ids_that_differ_only_in_case_have_one_key(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    uint64_t key = world->order_key;
    size_t size = slot_of(world, 0)->request.body.size;
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"s-1\"}"), SFE_E_AGAIN);
    assert_int_equal(world->order_key, key);
    assert_int_equal(slot_of(world, 0)->request.body.size, size);
    assert_int_equal(world_offer(world, 1, "{\"sale\":\"s-1\"}"), SFE_E_AGAIN);
    assert_int_equal(slot_of(world, 1)->request.count, 0);
}

static void an_event_that_cannot_be_mapped_leaves_nothing_behind(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 200);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":\"much\"}"),
                     SFE_E_UNMAPPED);
    assert_int_equal(world_offer(world, 0, "no json"), SFE_E_UNMAPPED);
    assert_int_equal(slot_of(world, 0)->event_count, 0);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
}

static void what_where_does_not_take_leaves_nothing_behind(void **state)
{
    static const struct sfe_where_node over = {SFE_WHERE_GT, 1, "/total", "5"};
    struct world *world = *state;
    uint32_t bad_node = 0;

    assert_int_equal(
        sfe_where_compile(&over, 1, world->arena, &world->where, &bad_node, &world->err), SFE_OK);
    world_open_records(world, 1, NULL, NULL, 200);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":5}"), SFE_E_SKIPPED);
    assert_int_equal(slot_of(world, 0)->state, RECORDS_EMPTY);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":\"9\"}"), SFE_E_UNMAPPED);
    assert_int_equal(world_offer(world, 0, "no json"), SFE_E_UNMAPPED);
    assert_int_equal(slot_of(world, 0)->event_count, 0);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"total\":5.01}"), SFE_OK);
    assert_int_equal(slot_of(world, 0)->event_count, 1);
}

static void order_by_takes_the_key_from_its_template(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, "{/till}", 200);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"till\":4}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\",\"till\":4}"), SFE_E_AGAIN);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-3\",\"till\":5}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-4\"}"), SFE_E_UNMAPPED);
}

static void an_id_never_stands_in_a_request_twice_even_with_order_by(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, "{/till}", 200);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"till\":4}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"till\":5}"), SFE_E_AGAIN);
    assert_false(sfe_lane_is_held(world->lane, world->order_key));
    assert_int_equal(slot_of(world, 0)->request.count, 1);
}

static void a_slot_is_full_at_its_count_of_records(void **state)
{
    struct world *world = *state;

    world_open_records(world, 1, NULL, NULL, 2);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\"}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\"}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-3\"}"), SFE_E_FULL);
    assert_int_equal(world_offer(world, 1, "{\"sale\":\"S-3\"}"), SFE_OK);
}

static void an_event_of_more_records_than_fit_beside_others_waits_for_its_own_slot(void **state)
{
    struct world *world = *state;
    const char *three = "{\"sale\":\"S-2\",\"lines\":[{\"no\":1},{\"no\":2},{\"no\":3}]}";

    world_open_records(world, 0, "/lines", NULL, 2);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, three), SFE_E_FULL);
    assert_int_equal(slot_of(world, 0)->request.count, 1);
    assert_int_equal(world_offer(world, 1, three), SFE_OK);
    assert_int_equal(slot_of(world, 1)->request.count, 2);
    assert_int_equal(slot_of(world, 1)->next.item, 2);
    assert_int_equal(world_offer(world, 1, "{\"sale\":\"S-3\",\"lines\":[]}"), SFE_E_FULL);
}

static void events_without_records_have_a_key_of_their_own(void **state)
{
    struct world *world = *state;

    world_open_records(world, 0, "/lines", NULL, 200);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"lines\":[]}"), SFE_OK);
    uint64_t key = world->order_key;
    assert_true(key != 0);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-2\",\"lines\":[]}"), SFE_OK);
    assert_true(world->order_key != key);
}

static bool next_request(struct world *world)
{
    collections_begin(&slot_of(world, 0)->request);
    return records_fill_on(slot_of(world, 0));
}

static void a_record_larger_than_any_request_is_too_large(void **state)
{
    struct world *world = *state;
    size_t size = 400000;
    char *payload = test_malloc(size);

    world_open_records(world, 0, "/lines", "x", 200);
    memset(payload, '\x01', size);
    payload[size - 1] = '\0';
    /* Not JSON: the whole payload as text would not fit; here the map is asked for what is not
     * there. */
    assert_int_equal(world_offer(world, 0, payload), SFE_E_UNMAPPED);
    test_free(payload);
    slot_of(world, 0)->request.body.capacity = 220;
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1}]}"),
                     SFE_E_TOO_LARGE);
}

static void the_next_request_holds_what_the_first_could_not(void **state)
{
    struct world *world = *state;

    world_open_records(world, 0, "/lines", NULL, 2);
    assert_int_equal(
        world_offer(world, 0, "{\"sale\":\"S\",\"lines\":[{\"no\":1},{\"no\":2},{\"no\":3}]}"),
        SFE_OK);
    assert_true(next_request(world));
    assert_int_equal(slot_of(world, 0)->request.count, 1);
    assert_false(next_request(world));
}

static void an_id_twice_in_one_event_goes_in_two_requests(void **state)
{
    struct world *world = *state;

    world_open_records(world, 0, "/lines", NULL, 200);
    assert_int_equal(
        world_offer(world, 0, "{\"sale\":\"S\",\"lines\":[{\"no\":1},{\"no\":1},{\"no\":2}]}"),
        SFE_OK);
    assert_int_equal(slot_of(world, 0)->request.count, 1);
    assert_true(next_request(world));
    assert_int_equal(slot_of(world, 0)->request.count, 2);
    assert_false(next_request(world));
}

static void parents_and_children_share_a_request_of_several_parts(void **state)
{
    struct world *world = *state;

    world_open_api(world, SFE_RECORDS_AUTO, 2, "/lines", NULL, 2);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S\",\"lines\":[{\"no\":1},{\"no\":2}]}"),
                     SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"T\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"U\",\"lines\":[]}"), SFE_OK);
    assert_true(records_fill_on(slot_of(world, 0)));
    const struct collections_request *request = &slot_of(world, 0)->request;
    assert_int_equal(request->part_count, 4);
    assert_int_equal(request->count, 6);
    assert_int_equal(request->parts[1].map, 0);
    assert_int_equal(request->parts[2].map, 1);
    assert_int_equal(slot_of(world, 0)->event_of[request->parts[3].first], 1);
}

static void a_slot_takes_five_collections_and_no_more(void **state)
{
    static const char *const sales[] = {"{\"sale\":\"0\"}", "{\"sale\":\"1\"}", "{\"sale\":\"2\"}",
                                        "{\"sale\":\"3\"}", "{\"sale\":\"4\"}", "{\"sale\":\"5\"}"};
    struct world *world = *state;

    world_open_api(world, SFE_RECORDS_AUTO, 1, NULL, NULL, 1);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(world_offer(world, 0, sales[i]), SFE_OK);
    }
    assert_int_equal(world_offer(world, 0, sales[5]), SFE_E_FULL);
}

static void an_event_that_is_gone_when_its_children_are_due_is_dead(void **state)
{
    struct world *world = *state;

    world_open_records(world, 2, "/lines", NULL, 200);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S\",\"lines\":[{\"no\":1}]}"), SFE_OK);
    world->is_gone = true;
    assert_false(next_request(world));
    assert_int_equal(slot_of(world, 0)->verdicts[0].kind, SFE_VERDICT_DEAD);
}

static void find_keys(struct world *world, const char *payload, uint64_t *order_key,
                      uint64_t *parent_key)
{
    struct sfe_event event = {.source = SFE_TEXT("tills"),
                              .topic = SFE_TEXT("pos/1/sale"),
                              .payload = sfe_slice_text(payload)};

    *order_key = 0;
    *parent_key = 0;
    world->target.find_keys(world->target.context, &event, 0, order_key, parent_key);
}

static void keys_found_before_the_offer_are_those_of_the_offer(void **state)
{
    struct world *world = *state;
    static const char sale[] = "{\"sale\":\"S-1\",\"till\":4,\"lines\":[{\"no\":1}]}";
    uint64_t order_key = 0;
    uint64_t parent_key = 0;

    world_open_records(world, 2, "/lines", NULL, 200);
    find_keys(world, sale, &order_key, &parent_key);
    assert_int_equal(world_offer(world, 0, sale), SFE_OK);
    assert_true(order_key != 0);
    assert_int_equal(order_key, world->order_key);
    find_keys(world, "no json", &order_key, &parent_key);
    assert_int_equal(order_key, 0);
    assert_int_equal(parent_key, 0);
}

static void keys_by_order_by_are_those_of_the_offer(void **state)
{
    struct world *world = *state;
    uint64_t order_key = 0;
    uint64_t parent_key = 0;

    world_open_records(world, 1, NULL, "{/till}", 200);
    find_keys(world, "{\"sale\":\"S-1\",\"till\":4}", &order_key, &parent_key);
    assert_int_equal(world_offer(world, 0, "{\"sale\":\"S-1\",\"till\":4}"), SFE_OK);
    assert_int_equal(order_key, world->order_key);
    assert_int_equal(parent_key, 0);
    find_keys(world, "{\"sale\":\"S-1\",\"till\":4}", &order_key, &parent_key);
    assert_int_equal(order_key, world->order_key); /* Held or not. */
}

static void children_of_one_parent_have_one_parent_key(void **state)
{
    struct world *world = *state;
    uint64_t order_key = 0;
    uint64_t keys[3];

    world_open_records(world, 2, "/lines", NULL, 200);
    find_keys(world, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1}]}", &order_key, &keys[0]);
    find_keys(world, "{\"sale\":\"S-1\",\"lines\":[{\"no\":2}]}", &order_key, &keys[1]);
    find_keys(world, "{\"sale\":\"S-2\",\"lines\":[{\"no\":1}]}", &order_key, &keys[2]);
    assert_true(keys[0] != 0);
    assert_int_equal(keys[0], keys[1]);
    assert_true(keys[0] != keys[2]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_offer_adds_its_record_and_claims_its_id),
        TEST(ids_that_differ_only_in_case_have_one_key),
        TEST(an_event_that_cannot_be_mapped_leaves_nothing_behind),
        TEST(what_where_does_not_take_leaves_nothing_behind),
        TEST(order_by_takes_the_key_from_its_template),
        TEST(an_id_never_stands_in_a_request_twice_even_with_order_by),
        TEST(a_slot_is_full_at_its_count_of_records),
        TEST(an_event_of_more_records_than_fit_beside_others_waits_for_its_own_slot),
        TEST(events_without_records_have_a_key_of_their_own),
        TEST(a_record_larger_than_any_request_is_too_large),
        TEST(the_next_request_holds_what_the_first_could_not),
        TEST(an_id_twice_in_one_event_goes_in_two_requests),
        TEST(parents_and_children_share_a_request_of_several_parts),
        TEST(a_slot_takes_five_collections_and_no_more),
        TEST(an_event_that_is_gone_when_its_children_are_due_is_dead),
        TEST(keys_found_before_the_offer_are_those_of_the_offer),
        TEST(keys_by_order_by_are_those_of_the_offer),
        TEST(children_of_one_parent_have_one_parent_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
