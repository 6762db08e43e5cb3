#include "salesforce_world.h"

#include "salesforce/org_parts.h"

static const char expired[] =
    "{\"error\":\"invalid_grant\",\"error_description\":\"assertion expired\"}";

static void want(struct world *world)
{
    uint64_t until_ns = 0;

    assert_false(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
}

static uint64_t turn(struct world *world)
{
    return sfe_org_turn(world->org, world->now_ns);
}

static void a_log_in_begins_only_when_somebody_needs_it_and_only_once(void **state)
{
    struct world *world = *state;

    assert_int_equal(turn(world), UINT64_MAX);
    assert_int_equal(world->call_count, 0);
    want(world);
    want(world);
    assert_int_equal(turn(world), UINT64_MAX);
    assert_int_equal(turn(world), UINT64_MAX);
    assert_int_equal(world->call_count, 1);
    assert_string_equal(world_call(world, 0)->url,
                        "https://login.salesforce.com/services/oauth2/token");
    assert_string_equal(world_call(world, 0)->method, "POST");
    assert_string_equal(world_call(world, 0)->authorization, "");
}

static void a_network_failure_is_tried_again_within_seconds(void **state)
{
    struct world *world = *state;

    want(world);
    turn(world);
    world_break(world, 0);
    uint64_t due_ns = turn(world);
    assert_true(due_ns > world->now_ns && due_ns <= world->now_ns + SECOND);
    world->now_ns = due_ns;
    turn(world);
    assert_int_equal(world->call_count, 2);
}

static void a_refusal_that_needs_a_human_is_probed_slowly(void **state)
{
    struct world *world = *state;

    want(world);
    turn(world);
    world_reply(world, 0, 400, "{\"error\":\"invalid_client_id\"}");
    assert_int_equal(turn(world), world->now_ns + 60 * SECOND);
    for (uint32_t i = 1; i < 8; i++) {
        world->now_ns = turn(world);
        turn(world);
        world_reply(world, i, 400, "{\"error\":\"invalid_client_id\"}");
    }
    assert_int_equal(turn(world), world->now_ns + 900 * SECOND);
    struct sfe_org_facts facts;
    sfe_org_facts(world->org, &facts);
    assert_string_equal(facts.last_error.api_code, "invalid_client_id");
    assert_int_equal(facts.logins, 0);
}

static void too_many_log_ins_wait_a_quarter_of_an_hour(void **state)
{
    struct world *world = *state;

    want(world);
    turn(world);
    world_reply(world, 0, 400, "{\"error\":\"rate_limit_exceeded\"}");
    assert_int_equal(turn(world), world->now_ns + 900 * SECOND);
}

static void an_unset_clock_asks_the_org_for_the_time_before_it_signs(void **state)
{
    struct world *world = *state;

    world->quality = SFE_CLOCK_UNSET;
    world->wall_s = 100;
    want(world);
    turn(world);
    assert_string_equal(world_call(world, 0)->url, "https://login.salesforce.com/services/data/");
    struct sfe_org_facts facts;
    sfe_org_facts(world->org, &facts);
    assert_true(facts.is_waiting_for_clock);
    struct sfe_http_answer answer = world_answer_to(world, 0);
    answer.status = 200;
    answer.date_unix_s = NOW_S;
    world_deliver(world, 0, &answer);
    turn(world);
    sfe_org_facts(world->org, &facts);
    assert_false(facts.is_waiting_for_clock);
    assert_int_equal(world->call_count, 2);
    assert_non_null(strstr(world_call(world, 1)->url, "/oauth2/token"));
    world_reply(world, 1, 200, TOKEN_ANSWER);
    uint64_t until_ns = 0;
    assert_true(sfe_org_is_ready(world->org, world->now_ns, &until_ns));
}

static void an_unset_clock_and_a_silent_org_sign_nothing(void **state)
{
    struct world *world = *state;

    world->quality = SFE_CLOCK_UNSET;
    want(world);
    turn(world);
    world_reply(world, 0, 200, "[]");
    world->now_ns = turn(world);
    turn(world);
    assert_non_null(strstr(world_call(world, 1)->url, "/services/data/"));
}

static void an_assertion_refused_as_too_old_is_made_again_with_the_orgs_time(void **state)
{
    struct world *world = *state;

    world->wall_s = NOW_S - 3600;
    want(world);
    turn(world);
    struct sfe_http_answer answer = world_answer_to(world, 0);
    answer.status = 400;
    answer.date_unix_s = NOW_S;
    sfe_builder_add_text(world_call(world, 0)->answer_body, expired);
    world_deliver(world, 0, &answer);
    turn(world);
    assert_int_equal(world->call_count, 2);
    assert_string_not_equal(world_call(world, 0)->body, world_call(world, 1)->body);
    assert_true(world->org->trusts_org_time);
}

static void an_assertion_refused_though_the_clocks_agree_needs_a_human(void **state)
{
    struct world *world = *state;

    want(world);
    turn(world);
    struct sfe_http_answer answer = world_answer_to(world, 0);
    answer.status = 400;
    answer.date_unix_s = NOW_S + 20;
    sfe_builder_add_text(world_call(world, 0)->answer_body, expired);
    world_deliver(world, 0, &answer);
    assert_int_equal(turn(world), world->now_ns + 60 * SECOND);
}

static void tokens_that_never_work_do_not_make_a_storm_of_log_ins(void **state)
{
    struct world *world = *state;
    uint32_t logins = 0;
    uint64_t end_ns = world->now_ns + 600 * SECOND;

    while (world->now_ns < end_ns) {
        uint64_t until_ns = 0;
        if (sfe_org_is_ready(world->org, world->now_ns, &until_ns)) {
            org_drop_token(world->org, world->now_ns);
        }
        uint64_t due_ns = turn(world);
        if (world->org->is_under_way) {
            world->call_count--;
            memset(world->calls, 0, sizeof(world->calls[0].method));
            logins++;
            struct sfe_http_answer answer = {.tag = &world->org->login_owner, .status = 200};
            sfe_builder_add_text(&world->org->answer_body, TOKEN_ANSWER);
            org_login_answered(&world->org->login_owner, &answer);
        } else {
            world->now_ns = due_ns == UINT64_MAX ? end_ns : due_ns;
        }
    }
    assert_true(logins > 2);
    assert_true(logins < 40);
}

static void nothing_of_a_log_in_is_left_in_its_buffers(void **state)
{
    struct world *world = *state;

    world_log_in(world);
    for (size_t i = 0; i < world->org->answer_body.capacity; i++) {
        assert_int_equal(world->org->answer_body.bytes[i], 0);
    }
    for (size_t i = 0; i < world->org->form.capacity; i++) {
        assert_int_equal(world->org->form.bytes[i], 0);
    }
}

static void a_log_in_that_cannot_begin_is_tried_again(void **state)
{
    struct world *world = *state;

    world->begin_code = SFE_E_NETWORK;
    want(world);
    uint64_t due_ns = turn(world);
    assert_true(due_ns > world->now_ns && due_ns <= world->now_ns + SECOND);
    world->begin_code = SFE_OK;
    world->now_ns = due_ns;
    turn(world);
    assert_int_equal(world->call_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_log_in_begins_only_when_somebody_needs_it_and_only_once),
        TEST(a_network_failure_is_tried_again_within_seconds),
        TEST(a_refusal_that_needs_a_human_is_probed_slowly),
        TEST(too_many_log_ins_wait_a_quarter_of_an_hour),
        TEST(an_unset_clock_asks_the_org_for_the_time_before_it_signs),
        TEST(an_unset_clock_and_a_silent_org_sign_nothing),
        TEST(an_assertion_refused_as_too_old_is_made_again_with_the_orgs_time),
        TEST(an_assertion_refused_though_the_clocks_agree_needs_a_human),
        TEST(tokens_that_never_work_do_not_make_a_storm_of_log_ins),
        TEST(nothing_of_a_log_in_is_left_in_its_buffers),
        TEST(a_log_in_that_cannot_begin_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
