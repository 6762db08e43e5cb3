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

struct asker {
    struct sfe_http_owner owner;
    struct sfe_builder answer_body;
    uint8_t memory[64];
    struct world *world;
};

static enum sfe_code read_letters(void *context, uint8_t *bytes, size_t capacity, size_t *got)
{
    (void)context;
    memset(bytes, 'a', capacity);
    *got = capacity;
    return SFE_OK;
}

static const uint8_t *letters_of(void)
{
    static uint8_t many[32000];

    return many;
}

static enum sfe_code take_all(void *context, struct sfe_slice bytes)
{
    *(size_t *)context += bytes.size;
    return SFE_OK;
}

static const struct sfe_http_body letters = {NULL, 40000, read_letters};

static void on_answer(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    sfe_org_answered(((struct asker *)owner)->world->org, answer);
}

static enum sfe_code ask(struct world *world, struct asker *asker,
                         const struct sfe_http_body *upload, const struct sfe_http_sink *sink)
{
    const struct sfe_org_request request = {.method = "PUT",
                                            .path = "/x",
                                            .answer_body = &asker->answer_body,
                                            .owner = &asker->owner,
                                            .upload = upload,
                                            .sink = sink};

    asker->world = world;
    asker->owner.on_answer = on_answer;
    asker->answer_body = sfe_builder_make(asker->memory, sizeof(asker->memory));
    return sfe_org_begin(world->org, &request, &world->err);
}

static void answer(struct world *world, uint32_t call, uint64_t sent, uint64_t received)
{
    struct sfe_http_answer came = world_answer_to(world, call);

    came.status = 200;
    came.sent_bytes = sent;
    came.received_bytes = received;
    world_deliver(world, call, &came);
}

/* A link of 8,000 bytes a second and 1 MB a day, logged in and paid for. */
static void open_metered(struct world *world)
{
    struct sfe_org_options options = world->org->options;
    uint64_t ignored = 0;

    sfe_org_close(world->org);
    options.key_pem = SFE_TEXT("key");
    options.daily_calls = 0;
    options.bytes_per_second = 8000;
    options.daily_bytes = 1000000;
    assert_int_equal(sfe_org_open(&options, world->arena, &world->org, &world->err), SFE_OK);
    (void)sfe_org_is_ready(world->org, world->now_ns, &ignored);
    (void)sfe_org_turn(world->org, world->now_ns);
    assert_int_equal(world_call(world, 0)->bytes_per_second_max, 8000);
    world_reply(world, 0, 200, TOKEN_ANSWER);
    assert_false(may_call(world, SFE_ORG_PRIORITY)); /* The log-in is paid for. */
    assert_true(facts_of(world).is_slowed);
    assert_false(facts_of(world).is_held_back);
    world->now_ns += 60 * SECOND;
    assert_true(may_call(world, SFE_ORG_PRIORITY));
    assert_false(facts_of(world).is_slowed);
}

static void an_upload_is_charged_as_it_flows_and_goes_alone(void **state)
{
    struct world *world = *state;
    struct asker one = {.world = NULL};
    struct asker other = {.world = NULL};
    uint64_t until_ns = 0;

    open_metered(world);
    const uint64_t before = facts_of(world).bytes_of_day;
    assert_int_equal(ask(world, &one, &letters, NULL), SFE_OK);
    assert_int_equal(world_call(world, 1)->bytes_per_second_max, 6000);
    assert_true(world_call(world, 1)->total_timeout_ms > 2000 + 40000 / 6);
    assert_false(sfe_org_may_call(world->org, SFE_ORG_PRIORITY, world->now_ns, &until_ns));
    assert_int_equal(until_ns, world->now_ns + 5 * SECOND);
    assert_int_equal(ask(world, &other, &letters, NULL), SFE_E_FULL);
    assert_int_equal(ask(world, &other, NULL, NULL), SFE_OK);
    answer(world, 1, 40500, 300);
    assert_int_equal(facts_of(world).bytes_of_day, before + 40800);
    assert_int_equal(ask(world, &other, &letters, NULL), SFE_OK);
    sfe_org_cancel(world->org, &other.owner);
    assert_int_equal(ask(world, &one, &letters, NULL), SFE_OK);
}

static void what_does_not_begin_leaves_the_link_to_others(void **state)
{
    struct world *world = *state;
    struct asker one = {.world = NULL};

    open_metered(world);
    world->begin_code = SFE_E_NO_MEMORY;
    assert_int_equal(ask(world, &one, &letters, NULL), SFE_E_NO_MEMORY);
    world->begin_code = SFE_OK;
    assert_int_equal(ask(world, &one, &letters, NULL), SFE_OK);
}

static void a_download_counts_as_it_was_on_the_wire(void **state)
{
    struct world *world = *state;
    struct asker one = {.world = NULL};
    size_t taken = 0;
    const struct sfe_http_sink sink = {&taken, take_all};
    uint64_t until_ns = 0;

    open_metered(world);
    const uint64_t before = facts_of(world).bytes_of_day;
    assert_int_equal(ask(world, &one, NULL, &sink), SFE_OK);
    const struct sfe_http_sink *shown = world_call(world, 1)->sink;
    assert_int_equal(shown->take(shown->context, sfe_slice_make(letters_of(), 32000)), SFE_OK);
    assert_int_equal(taken, 32000);
    assert_false(sfe_org_may_call(world->org, SFE_ORG_PRIORITY, world->now_ns, &until_ns));
    assert_int_equal(until_ns, world->now_ns + SECOND); /* A guess: a quarter. */
    answer(world, 1, 400, 11600);
    assert_false(sfe_org_may_call(world->org, SFE_ORG_PRIORITY, world->now_ns, &until_ns));
    assert_int_equal(until_ns, world->now_ns + SECOND * 12000 / 8000);
    assert_int_equal(facts_of(world).bytes_of_day, before + 12000);
}

static void the_days_bytes_are_kept_over_a_start(void **state)
{
    struct world *world = *state;
    struct asker one = {.world = NULL};

    open_metered(world);
    assert_int_equal(ask(world, &one, NULL, NULL), SFE_OK);
    answer(world, 1, 900000, 0);
    (void)sfe_org_keep(world->org, world->now_ns);
    open_counting(world);
    struct sfe_org_options options = world->org->options;
    options.key_pem = SFE_TEXT("key");
    options.daily_calls = 0;
    options.daily_bytes = 1000000;
    sfe_org_close(world->org);
    assert_int_equal(sfe_org_open(&options, world->arena, &world->org, &world->err), SFE_OK);
    assert_false(may_call(world, SFE_ORG_ORDINARY));
    assert_true(facts_of(world).is_held_back);
    assert_true(may_call(world, SFE_ORG_PRIORITY));
    assert_true(facts_of(world).bytes_of_day > 900000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sales_go_on_where_telemetry_is_held_back_and_status_says_so),
        TEST(each_step_of_calls_is_kept_and_counted_after_a_start),
        TEST(an_upload_is_charged_as_it_flows_and_goes_alone),
        TEST(what_does_not_begin_leaves_the_link_to_others),
        TEST(a_download_counts_as_it_was_on_the_wire),
        TEST(the_days_bytes_are_kept_over_a_start),
        TEST(a_count_that_cannot_be_written_holds_up_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
