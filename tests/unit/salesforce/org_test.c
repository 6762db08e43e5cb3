#include "salesforce_world.h"

#include "salesforce/org_parts.h"

struct asker {
    struct sfe_http_owner owner;
    struct world *world;
    uint32_t answers;
};

static uint8_t memory[4096];
static struct sfe_builder answer_body;

static void on_answer(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct asker *asker = (struct asker *)owner;

    asker->answers++;
    sfe_org_answered(asker->world->org, answer);
}

static enum sfe_code ask(struct world *world, struct asker *asker)
{
    const struct sfe_org_request request = {.method = "PATCH",
                                            .path = "/services/data/v62.0/x",
                                            .body = SFE_TEXT("{}"),
                                            .is_gzip = true,
                                            .answer_body = &answer_body,
                                            .owner = &asker->owner};

    answer_body = sfe_builder_make(memory, sizeof(memory));
    asker->owner.on_answer = on_answer;
    asker->world = world;
    return sfe_org_begin(world->org, &request, &world->err);
}

static struct sfe_org_facts facts_of(struct world *world)
{
    struct sfe_org_facts facts;

    sfe_org_facts(world->org, &facts);
    return facts;
}

static void a_request_goes_to_the_instance_with_the_token(void **state)
{
    struct world *world = *state;
    struct asker asker = {.answers = 0};

    assert_int_equal(ask(world, &asker), SFE_E_AGAIN);
    world_log_in(world);
    assert_int_equal(ask(world, &asker), SFE_OK);
    struct call *call = world_call(world, 1);
    assert_string_equal(call->url, "https://acme.my.salesforce.com/services/data/v62.0/x");
    assert_string_equal(call->authorization, "Bearer 00Dtoken");
    assert_string_equal(call->method, "PATCH");
    assert_true(call->is_gzip);
    assert_int_equal(facts_of(world).api_calls, 1);
    assert_int_equal(facts_of(world).logins, 1);
    assert_true(facts_of(world).has_token);
}

static void answers_tell_the_allowance_and_the_bytes(void **state)
{
    struct world *world = *state;
    struct asker asker = {.answers = 0};

    world_log_in(world);
    assert_int_equal(ask(world, &asker), SFE_OK);
    struct sfe_http_answer answer = world_answer_to(world, 1);
    answer.status = 200;
    (void)snprintf(answer.limit_info, sizeof(answer.limit_info), "api-usage=25/15000");
    world_deliver(world, 1, &answer);
    assert_int_equal(asker.answers, 1);
    assert_int_equal(facts_of(world).api_used, 25);
    assert_int_equal(facts_of(world).api_limit, 15000);
    assert_int_equal(facts_of(world).sent_bytes, 2000); /* The log-in too. */
}

static void a_401_drops_the_token_once_for_all_that_flew_with_it(void **state)
{
    struct world *world = *state;
    struct asker first = {.answers = 0};
    struct asker second = {.answers = 0};
    struct asker third = {.answers = 0};
    uint64_t until_ns = 0;

    world_log_in(world);
    assert_int_equal(ask(world, &first), SFE_OK);
    world_reply(world, 1, 200, "[]");
    assert_int_equal(ask(world, &first), SFE_OK);
    assert_int_equal(ask(world, &second), SFE_OK);
    assert_int_equal(ask(world, &third), SFE_OK);
    world_reply(world, 2, 401, SESSION_ENDED);
    world_reply(world, 3, 401, SESSION_ENDED);
    world_log_in(world);
    world_reply(world, 4, 401, SESSION_ENDED);
    assert_true(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
    assert_int_equal(facts_of(world).logins, 2);
}

static void a_redirect_means_that_the_org_has_moved_and_the_log_in_tells_where(void **state)
{
    struct world *world = *state;
    struct asker asker = {.answers = 0};
    uint64_t until_ns = 0;

    world_log_in(world);
    assert_int_equal(ask(world, &asker), SFE_OK);
    world_reply(world, 1, 301, "");
    assert_false(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
}

static void a_pause_ends_with_time(void **state)
{
    struct world *world = *state;
    struct asker asker = {.answers = 0};
    uint64_t until_ns = 0;

    world_log_in(world);
    sfe_org_pause(world->org, world->now_ns + 900 * SECOND);
    assert_false(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
    assert_int_equal(until_ns, world->now_ns + 900 * SECOND);
    assert_int_equal(ask(world, &asker), SFE_E_AGAIN);
    world->now_ns += 900 * SECOND;
    assert_true(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
}

static void the_token_is_wiped_when_it_is_dropped_and_at_the_end(void **state)
{
    struct world *world = *state;

    world_log_in(world);
    org_drop_token(world->org, world->now_ns);
    for (size_t i = 0; i < world->org->authorization.capacity; i++) {
        assert_int_equal(world->org->authorization.bytes[i], 0);
    }
    for (size_t i = 0; i < world->org->token.capacity; i++) {
        assert_int_equal(world->org->token.bytes[i], 0);
    }
}

static void a_key_that_cannot_be_read_is_named_at_open(void **state)
{
    struct world *world = *state;
    struct sfe_org *org = NULL;
    const struct sfe_org_options options = {
        .name = "crm", .clock = &world->clock, .crypto = &world->crypto};

    assert_int_equal(sfe_org_open(&options, world->arena, &org, &world->err), SFE_E_CRYPTO);
    assert_null(org);
    assert_non_null(strstr(world->err.message, "auth.key_file"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_request_goes_to_the_instance_with_the_token),
        TEST(answers_tell_the_allowance_and_the_bytes),
        TEST(a_401_drops_the_token_once_for_all_that_flew_with_it),
        TEST(a_redirect_means_that_the_org_has_moved_and_the_log_in_tells_where),
        TEST(a_pause_ends_with_time),
        TEST(the_token_is_wiped_when_it_is_dropped_and_at_the_end),
        TEST(a_key_that_cannot_be_read_is_named_at_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
