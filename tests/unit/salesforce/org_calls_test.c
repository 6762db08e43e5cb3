#include "salesforce_world.h"

#include "salesforce/org_parts.h"
#include "unit/stream/memory_storage.h"

struct counting {
    struct memory_storage *memory;
    uint32_t kicks;
};

static struct counting counting;

static void on_keep(void *owner)
{
    ((struct counting *)owner)->kicks++;
}

/* The org again, as after a start, with a part of 100 calls of which 10 are kept for sales. */
static void open_counting(struct world *world)
{
    struct sfe_org_options options = world->org->options;

    sfe_org_close(world->org);
    options.key_pem = SFE_TEXT("key");
    options.daily_calls = 100;
    options.reserve_percent = 10;
    options.storage = &counting.memory->storage;
    options.on_keep = on_keep;
    options.owner = &counting;
    assert_int_equal(sfe_org_open(&options, world->arena, &world->org, &world->err), SFE_OK);
}

static int setup(void **state)
{
    *state = world_make();
    counting = (struct counting){.memory = memory_storage_open(1)};
    open_counting(*state);
    return 0;
}

static int teardown(void **state)
{
    int code = world_teardown(state);

    memory_storage_close(counting.memory);
    return code;
}

static void count(struct world *world, enum sfe_org_need need, uint32_t calls)
{
    for (uint32_t i = 0; i < calls; i++) {
        org_count_call(world->org, need);
    }
}

static bool may_call(struct world *world, enum sfe_org_need need)
{
    uint64_t until_ns = 0;

    return sfe_org_may_call(world->org, need, world->now_ns, &until_ns);
}

static struct sfe_org_facts facts_of(struct world *world)
{
    struct sfe_org_facts facts;

    sfe_org_facts(world->org, &facts);
    return facts;
}

static void sales_go_on_where_telemetry_is_held_back_and_status_says_so(void **state)
{
    struct world *world = *state;

    count(world, SFE_ORG_ORDINARY, 30);
    assert_true(may_call(world, SFE_ORG_ORDINARY));
    assert_false(facts_of(world).is_held_back);
    count(world, SFE_ORG_ORDINARY, 60);
    assert_false(may_call(world, SFE_ORG_ORDINARY));
    assert_true(may_call(world, SFE_ORG_PRIORITY));
    assert_true(facts_of(world).is_held_back);
    assert_int_equal(facts_of(world).calls_of_day, 90);
    assert_int_equal(facts_of(world).daily_calls, 100);
    assert_int_equal(facts_of(world).calls_forecast, 24 * 90);
}

static void each_step_of_calls_is_kept_and_counted_after_a_start(void **state)
{
    struct world *world = *state;

    count(world, SFE_ORG_ORDINARY, BUDGET_STEP - 1);
    assert_int_equal(counting.kicks, 0);
    (void)sfe_org_keep(world->org, world->now_ns);
    assert_int_equal(counting.memory->calls, 0);
    count(world, SFE_ORG_ORDINARY, 1 + 4 * BUDGET_STEP);
    assert_int_equal(counting.kicks, 5);
    (void)sfe_org_keep(world->org, world->now_ns);
    open_counting(world);
    assert_false(may_call(world, SFE_ORG_ORDINARY)); /* 80 and a step. */
    assert_true(may_call(world, SFE_ORG_PRIORITY));
    world->wall_s += 2 * 86400;
    open_counting(world);
    assert_true(may_call(world, SFE_ORG_ORDINARY));
}

static void a_count_that_cannot_be_written_holds_up_nothing(void **state)
{
    struct world *world = *state;

    counting.memory->is_read_only = true;
    count(world, SFE_ORG_ORDINARY, BUDGET_STEP);
    assert_int_equal(sfe_org_keep(world->org, world->now_ns), UINT64_MAX);
    assert_true(may_call(world, SFE_ORG_ORDINARY));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sales_go_on_where_telemetry_is_held_back_and_status_says_so),
        TEST(each_step_of_calls_is_kept_and_counted_after_a_start),
        TEST(a_count_that_cannot_be_written_holds_up_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
