#include "bulk_world.h"

static void an_event_that_cannot_be_mapped_leaves_nothing_in_the_batch(void **state)
{
    struct bulk_world *own = *state;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"total\":\"much\"}"),
                     SFE_E_UNMAPPED);
    assert_int_equal(bulk_world_offer(own, "nothing"), SFE_E_UNMAPPED);
    assert_int_equal(own->bulk->rows.count, 0);
    assert_int_equal(own->bulk->event_count, 0);
    assert_int_equal(own->bulk->batch_bytes, 0);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"total\":1}"), SFE_OK);
}

static void what_where_does_not_take_is_not_in_the_batch(void **state)
{
    static const struct sfe_where_node over = {SFE_WHERE_GT, 1, "/total", "5"};
    struct bulk_world *own = *state;
    struct world *world = own->world;
    uint32_t bad_node = 0;

    assert_int_equal(sfe_where_compile(&over, 1, world->arena, &own->bulk->options.where, &bad_node,
                                       &world->err),
                     SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"total\":5}"), SFE_E_SKIPPED);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"total\":\"6\"}"), SFE_E_UNMAPPED);
    assert_string_equal(world->err.message, "where: /total: the value is not a number");
    assert_int_equal(own->bulk->event_count, 0);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"total\":6}"), SFE_OK);
}

static void an_event_whose_child_is_in_the_batch_waits_whole(void **state)
{
    struct bulk_world *own = *state;

    bulk_world_crash(own, 2);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"lines\":[{\"no\":1},{\"no\":2}]}"),
                     SFE_OK);
    /* Its own sale is new, but a line of it is not: "S-1-1" and "2". */
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1-1\",\"lines\":[]}"), SFE_OK);
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S\",\"lines\":[{\"no\":\"1-2\"}]}"),
                     SFE_E_AGAIN);
    assert_int_equal(own->bulk->rows.count, 4);
    assert_int_not_equal(own->world->order_key, 0);
}

static void what_a_job_cannot_say_is_dead_or_goes_the_other_way(void **state)
{
    struct bulk_world *own = *state;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"#N/A\"}"), SFE_E_UNMAPPED);
    assert_int_equal(own->world->err.code, SFE_E_UNMAPPED);
    own->bulk->options.has_other = true;
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"#N/A\"}"), SFE_E_AGAIN);
    assert_int_not_equal(own->world->order_key, 0);
    assert_int_equal(own->bulk->rows.count, 0);
}

static void a_key_that_is_held_waits(void **state)
{
    struct bulk_world *own = *state;
    struct world *world = own->world;

    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_OK);
    const uint64_t key = world->order_key;
    world->target.abandon(world->target.context, 0);
    sfe_lane_begin(world->lane);
    assert_true(sfe_lane_claim(world->lane, key));
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\"}"), SFE_E_AGAIN);
    assert_int_equal(own->bulk->event_count, 0);
}

static void a_full_batch_takes_no_more(void **state)
{
    struct bulk_world *own = *state;
    static char payloads[101][32];

    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(payloads[i], sizeof(payloads[i]), "{\"sale\":\"S-%u\"}", i);
        assert_int_equal(bulk_world_offer(own, payloads[i]), SFE_OK);
    }
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-100\"}"), SFE_E_FULL);
}

static void an_event_without_records_is_done_at_once(void **state)
{
    struct bulk_world *own = *state;

    own->bulk->options.maps = own->world->maps + 1; /* Lines alone. */
    assert_int_equal(bulk_world_offer(own, "{\"sale\":\"S-1\",\"lines\":[]}"), SFE_OK);
    bulk_world_send(own);
    assert_int_equal(own->world->finished_count, 1);
    assert_int_equal(bulk_world_verdict(own, 0), SFE_VERDICT_DONE);
    bulk_world_rests(own);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bulk_setup, bulk_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_where_does_not_take_is_not_in_the_batch),
        TEST(an_event_that_cannot_be_mapped_leaves_nothing_in_the_batch),
        TEST(an_event_whose_child_is_in_the_batch_waits_whole),
        TEST(what_a_job_cannot_say_is_dead_or_goes_the_other_way),
        TEST(a_key_that_is_held_waits),
        TEST(a_full_batch_takes_no_more),
        TEST(an_event_without_records_is_done_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
