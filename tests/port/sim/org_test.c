#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/org.h"

#include <stdio.h>
#include <string.h>

struct client {
    struct sim_world world;
    struct sim_org *org;
    struct sfe_http http;
    uint32_t applied;
    uint32_t answers;
    struct sfe_http_answer last;
    uint8_t memory[4096];
    struct sfe_builder body;
    char bearer[32];
};

static bool refuses(void *owner, uint32_t number, uint32_t value)
{
    (void)owner;
    (void)value;
    return number == 9;
}

static void applied(void *owner, uint32_t number, uint32_t value, bool is_new)
{
    (void)number;
    (void)value;
    ((struct client *)owner)->applied += is_new ? 1u : 0u;
}

static int setup(void **state)
{
    struct client *client = test_calloc(1, sizeof(*client));
    const struct sim_org_options options = {
        .world = &client->world,
        .external_id = "Id__c",
        .refuses = refuses,
        .applied = applied,
        .owner = client,
    };

    sim_world_begin(&client->world, 1);
    client->org = sim_org_open(&options);
    sim_org_port(client->org, &client->http);
    *state = client;
    return 0;
}

static int teardown(void **state)
{
    struct client *client = *state;

    sim_org_close(client->org);
    test_free(client);
    return 0;
}

static void visit(void *visitor, const struct sfe_http_answer *answer)
{
    struct client *client = visitor;

    client->answers++;
    client->last = *answer;
}

static void ask(struct client *client, const char *url, const char *body)
{
    struct sfe_http_exchange *exchange = NULL;
    struct sfe_error err;
    const struct sfe_http_header header = {"Authorization", sfe_slice_text(client->bearer)};
    const struct sfe_http_request request = {.method = "PATCH",
                                             .url = url,
                                             .headers = &header,
                                             .header_count = 1,
                                             .body = sfe_slice_text(body),
                                             .answer_body = &client->body,
                                             .tag = client};
    const uint32_t before = client->answers;

    client->body = sfe_builder_make(client->memory, sizeof(client->memory));
    assert_int_equal(client->http.begin(client->http.context, &request, &exchange, &err), SFE_OK);
    sim_world_pass(&client->world, UINT64_C(100000000000));
    assert_int_equal(client->http.poll(client->http.context, 0, visit, client, &err), SFE_OK);
    assert_int_equal(client->answers, before + 1);
}

static void upsert(struct client *client, unsigned number)
{
    char body[128];

    assert_true(snprintf(body, sizeof(body), "{\"records\":[{\"Id__c\":\"E-%u\"}]}", number) > 0);
    ask(client, "https://org.invalid/services/data/v62.0/composite/sobjects/A/Id__c", body);
}

static void log_in(struct client *client)
{
    ask(client, "https://login.invalid/services/oauth2/token", "x");
    assert_int_equal(client->last.status, 200);
    assert_true(snprintf(client->bearer, sizeof(client->bearer), "Bearer T1") > 0);
}

static void without_a_session_nothing_is_done(void **state)
{
    struct client *client = *state;

    upsert(client, 4);
    assert_int_equal(client->last.status, 401);
    assert_false(sim_org_has(client->org, 4));
}

static void a_repeat_makes_no_second_row(void **state)
{
    struct client *client = *state;

    log_in(client);
    upsert(client, 4);
    upsert(client, 4);
    assert_int_equal(client->last.status, 200);
    assert_int_equal(client->applied, 1);
    assert_true(sim_org_has(client->org, 4));
    upsert(client, 9);
    assert_false(sim_org_has(client->org, 9));
    assert_non_null(strstr((char *)client->memory, "FIELD_CUSTOM_VALIDATION_EXCEPTION"));
}

static void an_answer_may_be_lost_after_the_org_has_acted(void **state)
{
    struct client *client = *state;
    bool acted = false;
    bool did_not = false;

    for (unsigned number = 10; number < 400 && !(acted && did_not); number++) {
        sim_org_trouble(client->org, 0);
        if (number == 10 || client->last.status == 401) {
            ask(client, "https://login.invalid/services/oauth2/token", "x");
            assert_true(sscanf((char *)client->memory, "{\"access_token\":\"%20[T0-9]",
                               client->bearer + 7) == 1);
            memcpy(client->bearer, "Bearer ", 7);
        }
        sim_org_trouble(client->org, 1000);
        upsert(client, number);
        acted = acted || (client->last.code != SFE_OK && sim_org_has(client->org, number));
        did_not = did_not || (client->last.code != SFE_OK && !sim_org_has(client->org, number));
    }
    assert_true(acted && did_not);
}

static void nothing_reaches_an_org_that_is_away(void **state)
{
    struct client *client = *state;

    log_in(client);
    sim_org_away(client->org, true);
    upsert(client, 4);
    assert_int_equal(client->last.code, SFE_E_NETWORK);
    assert_false(client->last.request_left);
    assert_false(sim_org_has(client->org, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_session_nothing_is_done, setup, teardown),
        cmocka_unit_test_setup_teardown(a_repeat_makes_no_second_row, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_may_be_lost_after_the_org_has_acted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_reaches_an_org_that_is_away, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
