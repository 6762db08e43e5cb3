#include "join_world.h"

static struct sfe_hash128 key_of(struct world *world, const char *payload)
{
    struct sfe_hash128 key;
    struct sfe_event event;
    const uint64_t sequence = world_append(world, &world->orders, payload);

    world_event(&world->orders, sequence, &event);
    assert_int_equal(
        join_find_key(world->join, &event, NULL, world->join->options.key, &key, &world->err),
        SFE_OK);
    return key;
}

static void a_key_is_its_text_whatever_else_stands_beside_it(void **state)
{
    struct world *world = *state;
    const struct sfe_hash128 key = key_of(world, "{\"o\":7,\"x\":1}");
    const struct sfe_hash128 same = key_of(world, "{\"x\":[],\"o\":\"7\"}");
    const struct sfe_hash128 other = key_of(world, "{\"o\":\"7 \"}");

    assert_memory_equal(key.bytes, same.bytes, sizeof(key.bytes));
    assert_memory_not_equal(key.bytes, other.bytes, sizeof(key.bytes));
}

static void a_key_that_is_too_long_is_none(void **state)
{
    struct world *world = *state;
    static char payload[JOIN_KEY_BYTES + 16u];
    struct sfe_event event = {.topic = SFE_TEXT("t")};
    struct sfe_hash128 key;

    (void)snprintf(payload, sizeof(payload), "{\"o\":\"%01025d\"}", 7);
    event.payload = sfe_slice_text(payload);
    assert_int_equal(
        join_find_key(world->join, &event, NULL, world->join->options.key, &key, &world->err),
        SFE_E_UNMAPPED);
    assert_non_null(strstr(world->err.message, "1024 bytes"));
}

static void a_stamp_of_an_unset_clock_is_compared_with_none(void **state)
{
    struct world *world = *state;
    const int64_t within_ns = WITHIN_S * (int64_t)SECOND;
    const struct join_item order = {.stamp_is_sure = true, .stamp_ns = 5};
    struct join_item confirmation = {.stamp_is_sure = true, .stamp_ns = 5 + within_ns};

    assert_true(join_is_in_time(world->join, &order, &confirmation));
    confirmation.stamp_ns++;
    assert_false(join_is_in_time(world->join, &order, &confirmation));
    confirmation.stamp_is_sure = false;
    assert_true(join_is_in_time(world->join, &order, &confirmation));
    confirmation = (struct join_item){.stamp_is_sure = true, .stamp_ns = INT64_MIN};
    assert_true(join_is_in_time(world->join, &order, &confirmation));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_its_text_whatever_else_stands_beside_it,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_key_that_is_too_long_is_none, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_stamp_of_an_unset_clock_is_compared_with_none,
                                        world_setup, world_teardown),
    };
    world_all_words();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
