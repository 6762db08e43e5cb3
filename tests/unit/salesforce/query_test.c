#include "salesforce_world.h"

#include "salesforce/query.h"

#define EVERY (60u * SECOND)
#define TIME  "2026-11-24T10:15:30.000"

struct query_world {
    struct world *world;
    struct sfe_query *query;
    struct sfe_feed feed;
};

static void wake(void *context)
{
    (void)context;
}

static void open_query(struct query_world *self, const char *text, const char *after)
{
    struct sfe_query_options options = {
        .connection = "crm",
        .input = "prices",
        .org = self->world->org,
        .text = text,
        .after = after,
        .every_ns = EVERY,
        .answer_bytes_max = 4096,
        .http = &self->world->http,
        .entropy = &self->world->entropy,
        .on_change = wake,
    };

    options.with_deleted = strstr(text, "IsDeleted") != NULL;
    assert_int_equal(
        sfe_query_open(&options, self->world->arena, &self->query, &self->feed, &self->world->err),
        SFE_OK);
    world_log_in(self->world);
}

static int setup(void **state)
{
    struct query_world *self = test_calloc(1, sizeof(*self));

    self->world = world_make();
    self->world->http.wake = wake;
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    struct query_world *self = *state;
    void *world = self->world;

    sfe_query_close(self->query);
    (void)world_teardown(&world);
    test_free(self);
    return 0;
}

/* The address asked for in this turn, behind the host; "" where none is. */
static const char *asked(struct query_world *self)
{
    const uint32_t before = self->world->call_count;

    (void)sfe_query_turn(self->query, self->world->now_ns);
    return self->world->call_count == before
               ? ""
               : world_call(self->world, before)->url + strlen("https://acme.my.salesforce.com");
}

static void reply(struct query_world *self, uint16_t status, const char *body)
{
    world_reply(self->world, self->world->call_count - 1u, status, body);
}

static uint32_t take(struct query_world *self)
{
    struct sfe_feed_item item;
    uint32_t count = 0;

    while (self->feed.peek(self->feed.context, &item)) {
        self->feed.pass(self->feed.context);
        count++;
    }
    return count;
}

static struct sfe_feed_facts facts_of(struct query_world *self)
{
    struct sfe_feed_facts facts;

    self->feed.facts(self->feed.context, &facts);
    return facts;
}

static void deleted_records_are_asked_for_where_they_are_wanted(void **state)
{
    struct query_world *self = *state;

    open_query(self, "SELECT IsDeleted FROM A", NULL);
    self->feed.start(self->feed.context);
    assert_string_equal(asked(self),
                        "/services/data/v62.0/queryAll?q=SELECT%20IsDeleted%20FROM%20A");
}

static void the_next_page_waits_until_the_one_before_is_taken(void **state)
{
    struct query_world *self = *state;

    open_query(self, "SELECT Id FROM A", NULL);
    assert_string_equal(asked(self), ""); /* The place is not known yet. */
    self->feed.start(self->feed.context);
    assert_string_equal(asked(self), "/services/data/v62.0/query?q=SELECT%20Id%20FROM%20A");
    reply(self, 200,
          "{\"done\":false,\"nextRecordsUrl\":\"/services/data/v62.0/query/01g-2000\","
          "\"records\":[{\"Id\":\"1\"},{\"Id\":\"2\"}]}");
    assert_string_equal(asked(self), "");
    assert_int_equal(take(self), 2);
    assert_string_equal(asked(self), "/services/data/v62.0/query/01g-2000");
    reply(self, 200, "{\"done\":true,\"records\":[{\"Id\":\"3\"}]}");
    assert_int_equal(facts_of(self).runs.ended, 0);
    assert_int_equal(take(self), 1);
    assert_string_equal(asked(self), "");
    const struct sfe_feed_facts facts = facts_of(self);
    assert_true(facts.is_connected && facts.has_runs);
    assert_int_equal(facts.runs.ended, 1);
    assert_int_equal(facts.runs.records, 3);
    assert_in_range(facts.runs.next_ns - self->world->now_ns, EVERY, EVERY + EVERY / 10u);
}

static void a_run_goes_on_at_the_last_record_taken(void **state)
{
    struct query_world *self = *state;

    open_query(self, "SELECT M FROM A WHERE M >= {after} ORDER BY M", "M");
    self->feed.start(self->feed.context);
    assert_non_null(strstr(asked(self), "%3E%3D%201970-01-01T00%3A00%3A00.000Z%20ORDER"));
    reply(self, 200, "{\"done\":true,\"records\":[{\"M\":\"" TIME "+0000\"},{\"M\":null}]}");
    assert_int_equal(take(self), 2);
    assert_string_equal(asked(self), "");
    self->world->now_ns += EVERY + EVERY / 10u;
    assert_non_null(strstr(asked(self), "%3E%3D%202026-11-24T10%3A15%3A30.000Z%20ORDER"));
}

static void a_place_that_was_kept_is_where_the_first_run_begins(void **state)
{
    struct query_world *self = *state;
    struct sfe_feed_place place = {.size = sizeof(TIME "Z") - 1u};

    open_query(self, "SELECT M FROM A WHERE M >= {after} ORDER BY M", "M");
    memcpy(place.bytes, TIME "Z", place.size);
    self->feed.set_place(self->feed.context, 0, &place);
    self->feed.start(self->feed.context);
    assert_non_null(strstr(asked(self), "2026-11-24T10%3A15%3A30.000Z"));
}

static void a_locator_that_is_gone_begins_the_run_anew(void **state)
{
    struct query_world *self = *state;

    open_query(self, "SELECT M FROM A WHERE M >= {after} ORDER BY M", "M");
    self->feed.start(self->feed.context);
    (void)asked(self);
    reply(self, 200,
          "{\"done\":false,\"nextRecordsUrl\":\"/services/data/v62.0/query/01g-2000\","
          "\"records\":[{\"M\":\"" TIME "+0000\"}]}");
    assert_int_equal(take(self), 1);
    assert_string_equal(asked(self), "/services/data/v62.0/query/01g-2000");
    reply(self, 400, "[{\"errorCode\":\"INVALID_QUERY_LOCATOR\",\"message\":\"gone\"}]");
    assert_int_equal(facts_of(self).runs.failed, 1);
    assert_string_equal(asked(self), "");
    self->world->now_ns += 2u * SECOND;
    assert_non_null(strstr(asked(self), "2026-11-24T10%3A15%3A30.000Z"));
}

static void what_a_human_must_mend_is_asked_seldom(void **state)
{
    struct query_world *self = *state;

    open_query(self, "SELECT Id FROM A", NULL);
    self->feed.start(self->feed.context);
    (void)asked(self);
    reply(self, 400, "[{\"errorCode\":\"MALFORMED_QUERY\",\"message\":\"unexpected token\"}]");
    assert_false(facts_of(self).is_connected);
    assert_non_null(strstr(facts_of(self).failed.message, "unexpected token"));
    self->world->now_ns += 5u * SECOND;
    assert_string_equal(asked(self), "");
    self->world->now_ns += 60u * SECOND;
    assert_string_not_equal(asked(self), "");
    reply(self, 200, "{\"done\":true,\"records\":[]}");
    assert_string_equal(asked(self), "");
    assert_int_equal(facts_of(self).failed.code, SFE_OK);
    assert_int_equal(facts_of(self).runs.ended, 1);
}

static void a_page_that_memory_does_not_hold_is_asked_for_in_smaller_ones(void **state)
{
    struct query_world *self = *state;

    open_query(self, "SELECT Id FROM A", NULL);
    self->feed.start(self->feed.context);
    for (uint32_t i = 0; i < 2; i++) {
        assert_string_not_equal(asked(self), "");
        struct sfe_http_answer answer = world_answer_to(self->world, self->world->call_count - 1u);
        answer.code = SFE_E_TOO_LARGE;
        world_deliver(self->world, self->world->call_count - 1u, &answer);
    }
    assert_non_null(strstr(facts_of(self).failed.message, "200 records"));
    assert_non_null(strstr(facts_of(self).failed.message, "fewer fields"));
}

static void it_stops_at_once_and_asks_nothing_more(void **state)
{
    struct query_world *self = *state;

    open_query(self, "SELECT Id FROM A", NULL);
    self->feed.start(self->feed.context);
    assert_string_not_equal(asked(self), "");
    self->feed.stop(self->feed.context);
    assert_false(sfe_query_is_quiet(self->query));
    assert_string_equal(asked(self), "");
    assert_true(sfe_query_is_quiet(self->query));
    assert_true(world_call(self->world, self->world->call_count - 1u)->is_over);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(deleted_records_are_asked_for_where_they_are_wanted),
        TEST(the_next_page_waits_until_the_one_before_is_taken),
        TEST(a_run_goes_on_at_the_last_record_taken),
        TEST(a_place_that_was_kept_is_where_the_first_run_begins),
        TEST(a_locator_that_is_gone_begins_the_run_anew),
        TEST(what_a_human_must_mend_is_asked_seldom),
        TEST(a_page_that_memory_does_not_hold_is_asked_for_in_smaller_ones),
        TEST(it_stops_at_once_and_asks_nothing_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
