#include "salesforce_world.h"

#include "salesforce/org_parts.h"

#define HOUR (3600 * SECOND)
#define ANSWER                                                                                     \
    "{\"DailyApiRequests\":{\"Max\":15000,\"Remaining\":14998},"                                   \
    "\"Other\":{\"Max\":1,\"Remaining\":1,\"App\":{\"Max\":0,\"Remaining\":0}},"                   \
    "\"DataStorageMB\":{\"Max\":1024,\"Remaining\":%s}}"

static struct sfe_json_token tokens[2048];

static struct sfe_org_facts facts_of(struct world *world)
{
    struct sfe_org_facts facts;

    sfe_org_facts(world->org, &facts);
    return facts;
}

/* Logged in, with a part of so many calls. */
static void open_reading(struct world *world, uint32_t daily_calls)
{
    struct sfe_org_options options = world->org->options;

    sfe_org_close(world->org);
    options.key_pem = SFE_TEXT("key");
    options.daily_calls = daily_calls;
    options.reads_limits = true;
    assert_int_equal(sfe_org_open(&options, world->arena, &world->org, &world->err), SFE_OK);
    world_log_in(world);
}

/* Turns until a call is made, or for so long. */
static bool calls_within(struct world *world, uint64_t duration_ns)
{
    const uint32_t before = world->call_count;
    const uint64_t end_ns = world->now_ns + duration_ns;

    while (world->now_ns < end_ns && world->call_count == before) {
        (void)sfe_org_turn(world->org, world->now_ns);
        world->now_ns += SECOND;
    }
    return world->call_count != before;
}

static void reply(struct world *world, const char *storage_left)
{
    char body[512];

    (void)snprintf(body, sizeof(body), ANSWER, storage_left);
    world_reply(world, world->call_count - 1, 200, body);
}

static void limits_are_asked_a_minute_after_the_log_in_and_once_an_hour(void **state)
{
    struct world *world = *state;

    open_reading(world, 0);
    assert_false(calls_within(world, 59 * SECOND));
    assert_true(calls_within(world, 3 * SECOND));
    assert_non_null(strstr(world_call(world, 1)->url, "/services/data/v62.0/limits"));
    assert_string_equal(world_call(world, 1)->method, "GET");
    assert_false(calls_within(world, 2 * HOUR)); /* One at a time. */
    reply(world, "1000");
    assert_int_equal(facts_of(world).limit_count, 2);
    assert_string_equal(facts_of(world).limits[0].name, "DailyApiRequests");
    assert_int_equal(facts_of(world).limits[0].max, 15000);
    assert_int_equal(facts_of(world).limits[1].left, 1000);
    assert_true(calls_within(world, 2 * SECOND));
    reply(world, "0");
    assert_true(world->org->limits.is_storage_full);
    assert_false(calls_within(world, HOUR - 5 * SECOND));
    assert_true(calls_within(world, 10 * SECOND));
    reply(world, "5");
    assert_false(world->org->limits.is_storage_full);
    assert_int_equal(facts_of(world).api_calls, 3);
}

static void a_small_part_is_not_used_up_by_asking(void **state)
{
    struct world *world = *state;

    open_reading(world, 100);
    assert_true(calls_within(world, 70 * SECOND));
    reply(world, "1");
    assert_false(calls_within(world, 23 * HOUR));
    assert_true(calls_within(world, 2 * HOUR));
}

static void nothing_is_asked_while_calls_are_held_back_or_after_the_end(void **state)
{
    struct world *world = *state;

    open_reading(world, 0);
    budget_told(&world->org->budget, 1000, 1000, world->now_ns);
    assert_false(calls_within(world, 100 * SECOND));
    budget_told(&world->org->budget, 1, 1000, world->now_ns);
    sfe_org_stop(world->org);
    assert_false(calls_within(world, HOUR));
}

static void an_answer_that_is_none_says_nothing_and_is_asked_for_again(void **state)
{
    struct world *world = *state;

    open_reading(world, 0);
    assert_true(calls_within(world, 70 * SECOND));
    world_reply(world, 1, 500, "[]");
    assert_int_equal(facts_of(world).limit_count, 0);
    assert_true(calls_within(world, HOUR + 70 * SECOND));
}

static void what_is_no_limit_is_passed_over(void **state)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{}",
                                         "7",
                                         "{\"DataStorageMB\":7}",
                                         "{\"DataStorageMB\":{\"Max\":1}}",
                                         "{\"DataStorageMB\":{\"Max\":1,\"Remaining\":-1}}",
                                         "{\"DataStorageMB\":{\"Max\":1,\"Remaining\":\"1\"}}"};
    struct sfe_org_limit found[SFE_ORG_LIMITS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(limits_read(sfe_slice_text(bodies[i]), tokens, found), 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(limits_are_asked_a_minute_after_the_log_in_and_once_an_hour),
        TEST(a_small_part_is_not_used_up_by_asking),
        TEST(nothing_is_asked_while_calls_are_held_back_or_after_the_end),
        TEST(an_answer_that_is_none_says_nothing_and_is_asked_for_again),
        cmocka_unit_test(what_is_no_limit_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
