#include "ask_world.h"

/* The map of every test that has one. */
static void take_map(struct ask_world *self)
{
    static const struct sfe_map_field fields[] = {
        {.name = "sku", .from = "/question/sku"},
        {.name = "price", .from = "/row/P", .type = SFE_MAP_DOUBLE},
        {.name = "second", .from = "/rows/1/P", .is_optional = true},
        {.name = "till", .from = "{topic.2}"},
    };
    const struct sfe_map_options options = {
        .object = "answer", .fields = fields, .field_count = 4, .agent_id = "a"};
    uint32_t bad_field = 0;

    assert_int_equal(
        sfe_map_compile(&options, self->world->arena, &self->map, &bad_field, &self->world->err),
        SFE_OK);
}

/* Asks, and the org answers so. */
static void ask_and_reply(struct ask_world *self, const char *question, const char *answer)
{
    assert_int_not_equal(ask_world_ask(self, question, "c"), 0);
    (void)ask_world_cloud_turn(self);
    world_reply(self->world, self->world->call_count - 1u, 200, answer);
    (void)ask_world_turn(self);
    ask_world_acknowledge(self, self->published_count - 1u);
    (void)ask_world_turn(self);
}

static void a_table_answers_with_key_and_value(void **state)
{
    struct ask_world *self = *state;

    ask_world_open_table(self);
    (void)ask_world_ask(self, "{\"sku\":\"A\"}", "c1");
    (void)ask_world_turn(self);
    ask_world_expect(self, "ok", "{\"key\":\"A\",\"value\":12.5}");
    assert_string_equal(self->published[0].topic, "answer/t01");
    assert_string_equal(self->published[0].correlation, "c1");
    assert_int_equal(self->published[0].qos, 1);
    (void)ask_world_ask(self, "{\"sku\":\"C\"}", "");
    (void)ask_world_turn(self);
    ask_world_expect(self, "not_found", "{\"error\":\"not_found\"}");
    assert_string_equal(self->published[1].correlation, "");
    ask_world_acknowledge(self, 0);
    ask_world_acknowledge(self, 1);
    (void)ask_world_turn(self);
    (void)ask_world_ask(self, "A", "");
    (void)ask_world_ask(self, "\xff\x00", "");
    (void)ask_world_turn(self);
    ask_world_expect(self, "bad_question", "{\"error\":\"bad_question\"}");
    assert_int_equal(ask_world_facts(self).bad_question, 2);
}

static void a_record_is_mapped_beside_its_question(void **state)
{
    struct ask_world *self = *state;

    take_map(self);
    ask_world_open_query(self, true);
    ask_and_reply(self, "{\"sku\":\"O'N\"}",
                  "{\"totalSize\":2,\"done\":true,\"records\":[{\"P\":3.50},{\"P\":4}]}");
    assert_non_null(strstr(world_call(self->world, 1)->url, "/services/data/v62.0/query?q="));
    assert_non_null(strstr(world_call(self->world, 1)->url, "S%3D%27O%5C%27N%27"));
    ask_world_expect(self, "ok", "{\"sku\":\"O'N\",\"price\":3.50,\"second\":4,\"till\":\"t01\"}");
    ask_and_reply(self, "{\"sku\":\"A\"}", "{\"done\":true,\"records\":[{\"P\":1}]}");
    ask_world_expect(self, "ok", "{\"sku\":\"A\",\"price\":1,\"till\":\"t01\"}");
    ask_and_reply(self, "{\"sku\":\"A\"}", "{\"done\":true,\"records\":[]}");
    ask_world_expect(self, "not_found", "{\"error\":\"not_found\"}");
}

static void what_fits_no_map_has_failed(void **state)
{
    struct ask_world *self = *state;

    take_map(self);
    ask_world_open_query(self, true);
    ask_and_reply(self, "{\"sku\":\"A\"}", "{\"records\":[{\"P\":\"free\"}]}");
    ask_world_expect(self, "failed", "{\"error\":\"failed\"}");
    ask_and_reply(self, "{\"sku\":\"A\"}", "{\"records\":[{}]}");
    ask_world_expect(self, "failed", "{\"error\":\"failed\"}");
    ask_and_reply(self, "{\"sku\":\"A\"}", "<html>");
    ask_world_expect(self, "failed", "{\"error\":\"failed\"}");
    ask_and_reply(self, "{\"sku\":\"A\"}", "{\"records\":{}}");
    ask_world_expect(self, "failed", "{\"error\":\"failed\"}");
    assert_int_equal(ask_world_facts(self).failed, 4);
}

static void without_a_map_the_row_is_the_answer(void **state)
{
    struct ask_world *self = *state;

    ask_world_open_query(self, true);
    ask_and_reply(self, "{\"sku\":\"A\"}", "{\"records\":[ {\"P\": 3} , {\"P\":4}]}");
    ask_world_expect(self, "ok", "{\"P\": 3}");
}

static void a_value_that_may_not_stand_in_a_query_is_never_asked_for(void **state)
{
    struct ask_world *self = *state;
    static char question[1000];
    static char unsafe[900];

    ask_world_open_query(self, true);
    (void)ask_world_ask(self, "{\"sku\":[1]}", "c");
    (void)ask_world_ask(self, "{\"sku\":\"\\u0000\"}", "c");
    (void)ask_world_cloud_turn(self);
    (void)ask_world_turn(self);
    assert_int_equal(self->published_count, 2);
    ask_world_expect(self, "bad_question", "{\"error\":\"bad_question\"}");
    assert_int_equal(self->world->call_count, 1); /* The log-in. */
    ask_world_acknowledge(self, 0);
    ask_world_acknowledge(self, 1);
    (void)ask_world_turn(self);
    memset(unsafe, '\'', sizeof(unsafe) - 1u);
    (void)snprintf(question, sizeof(question), "{\"sku\":\"%s\"}", unsafe);
    (void)ask_world_ask(self, question, "c");
    assert_int_equal(ask_world_facts(self).under_way, 1); /* It fits, escaped and encoded. */
}

static void each_status_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ASK_STATUSES; i++) {
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(ask_status_name((enum ask_status)i),
                                    ask_status_name((enum ask_status)k));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASK_TEST(a_table_answers_with_key_and_value),
        ASK_TEST(a_record_is_mapped_beside_its_question),
        ASK_TEST(what_fits_no_map_has_failed),
        ASK_TEST(without_a_map_the_row_is_the_answer),
        ASK_TEST(a_value_that_may_not_stand_in_a_query_is_never_asked_for),
        cmocka_unit_test(each_status_has_a_word_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
