#include "salesforce_world.h"

#include "salesforce/org_parts.h"

#include "unit/stream/memory_storage.h"

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

static const char another[] =
    "{\"access_token\":\"00Dtoken\",\"instance_url\":\"https://acme.my.salesforce.com\","
    "\"refresh_token\":\"5Aep.second\"}";
static const char ended[] =
    "{\"error\":\"invalid_grant\",\"error_description\":\"expired access/refresh token\"}";

static void wake(void *context)
{
    (void)context;
}

static void sha256(void *context, struct sfe_slice message, uint8_t digest[32])
{
    (void)context;
    memset(digest, 0, 32);
    for (size_t i = 0; i < message.size; i++) {
        digest[i % 32] = (uint8_t)(digest[i % 32] * 31 + message.bytes[i]);
    }
}

static enum sfe_code aead_open(void *context, struct sfe_slice bytes, struct sfe_aead_key **key,
                               struct sfe_error *err)
{
    (void)bytes;
    (void)err;
    *key = context;
    return SFE_OK;
}

static void aead_close(void *context, struct sfe_aead_key *key)
{
    (void)context;
    (void)key;
}

static enum sfe_code aead_seal(void *context, const struct sfe_aead_key *key,
                               const struct sfe_aead_message *message, uint8_t *sealed,
                               struct sfe_error *err)
{
    (void)context;
    (void)key;
    (void)err;
    memcpy(sealed, message->bytes.bytes, message->bytes.size);
    memset(sealed + message->bytes.size, 0, SFE_AEAD_TAG_BYTES);
    return SFE_OK;
}

static void on_keep(void *owner)
{
    ++*(uint32_t *)owner;
}

struct refreshing {
    struct world *world;
    struct memory_storage *memory;
    uint32_t kicks;
};

/* The world's org, with refresh tokens in place of its key. */
static void use_refresh_tokens(struct refreshing *refreshing, struct world *world,
                               const char *lines)
{
    struct sfe_org_options options = world->org->options;

    *refreshing = (struct refreshing){.world = world, .memory = memory_storage_open(1)};
    world->http.wake = wake;
    world->crypto.sha256 = sha256;
    world->crypto.aead_open = aead_open;
    world->crypto.aead_close = aead_close;
    world->crypto.aead_seal = aead_seal;
    options.refresh_tokens = sfe_slice_text(lines);
    options.storage = &refreshing->memory->storage;
    options.on_keep = on_keep;
    options.owner = &refreshing->kicks;
    sfe_org_close(world->org);
    assert_int_equal(sfe_org_open(&options, world->arena, &world->org, &world->err), SFE_OK);
    want(world);
    (void)turn(world);
}

static bool is_ready(struct world *world)
{
    uint64_t until_ns = 0;

    (void)turn(world);
    return sfe_org_is_ready(world->org, world->now_ns, &until_ns);
}

static void a_token_is_used_once_its_refresh_token_is_durable(void **state)
{
    struct refreshing refreshing;

    use_refresh_tokens(&refreshing, *state, "5Aep.first");
    struct world *world = refreshing.world;
    assert_string_equal(world_call(world, 0)->body,
                        "grant_type=refresh_token&client_id=3MVG9&refresh_token=5Aep.first");
    world_reply(world, 0, 200, another);
    assert_int_equal(refreshing.kicks, 1);
    assert_false(is_ready(world));
    assert_false(sfe_org_is_quiet(world->org));
    assert_int_equal(sfe_org_keep(world->org, world->now_ns), UINT64_MAX);
    assert_true(sfe_org_is_quiet(world->org));
    assert_true(is_ready(world));
    org_drop_token(world->org, world->now_ns);
    (void)turn(world);
    world->now_ns += 2 * SECOND;
    (void)turn(world);
    assert_non_null(strstr(world_call(world, 1)->body, "refresh_token=5Aep.second"));
    memory_storage_close(refreshing.memory);
}

/* What is delivered frees a full flash; but the next refresh would end a token that is not there.
 */
static void a_flash_that_refuses_holds_up_the_next_log_in_and_not_this_one(void **state)
{
    struct refreshing refreshing;

    use_refresh_tokens(&refreshing, *state, "5Aep.first");
    struct world *world = refreshing.world;
    world_reply(world, 0, 200, another);
    refreshing.memory->is_read_only = true;
    uint64_t again_ns = sfe_org_keep(world->org, world->now_ns);
    assert_true(is_ready(world));
    org_drop_token(world->org, world->now_ns);
    world->now_ns = again_ns;
    assert_false(is_ready(world));
    assert_int_equal(world->call_count, 1);
    refreshing.memory->is_read_only = false;
    assert_int_equal(sfe_org_keep(world->org, world->now_ns), UINT64_MAX);
    (void)turn(world);
    assert_int_equal(world->call_count, 2);
    memory_storage_close(refreshing.memory);
}

static void a_refresh_token_that_ended_gives_way_at_once_and_the_last_waits(void **state)
{
    struct refreshing refreshing;
    struct sfe_org_facts facts;

    use_refresh_tokens(&refreshing, *state, "5Aep.first\n5Aep.spare");
    struct world *world = refreshing.world;
    world_reply(world, 0, 400, ended);
    (void)turn(world);
    assert_non_null(strstr(world_call(world, 1)->body, "refresh_token=5Aep.spare"));
    sfe_org_facts(world->org, &facts);
    assert_int_equal(facts.refresh_tokens, 2);
    assert_int_equal(facts.refresh_tokens_left, 1);
    world_reply(world, 1, 400, ended);
    assert_int_equal(turn(world), world->now_ns + 60 * SECOND);
    sfe_org_facts(world->org, &facts);
    assert_int_equal(facts.refresh_tokens_left, 0);
    assert_non_null(strstr(facts.last_error.message, "auth.refresh_token_file"));
    memory_storage_close(refreshing.memory);
}

static void an_org_that_has_stopped_begins_no_log_in(void **state)
{
    struct world *world = *state;

    sfe_org_stop(world->org);
    want(world);
    assert_int_equal(turn(world), UINT64_MAX);
    assert_int_equal(world->call_count, 0);
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
        TEST(a_token_is_used_once_its_refresh_token_is_durable),
        TEST(a_flash_that_refuses_holds_up_the_next_log_in_and_not_this_one),
        TEST(a_refresh_token_that_ended_gives_way_at_once_and_the_last_waits),
        TEST(an_org_that_has_stopped_begins_no_log_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
