#include "fixture.h"

#include "flow/where.h"

#include <string.h>

static struct sfe_where *compile(const struct sfe_where_node *nodes, uint32_t count)
{
    struct sfe_where *where = NULL;
    uint32_t bad_node = 0;

    if (sfe_where_compile(nodes, count, fixture.arena, &where, &bad_node, &fixture.err) != SFE_OK) {
        fail_msg("%s", fixture.err.message);
    }
    return where;
}

/* One comparison of the value `v`, or of nothing where NULL. */
static enum sfe_code judge(enum sfe_where_kind kind, const char *value, const char *operand)
{
    const struct sfe_where_node node = {kind, 1, "/v", operand};
    static char payload[16384];

    assert_true(snprintf(payload, sizeof(payload), value == NULL ? "{}" : "{\"v\":%s}",
                         value == NULL ? "" : value) > 0);
    fixture_event(payload);
    assert_true(fixture.subject.is_json);
    return sfe_where_judge(compile(&node, 1), &fixture.subject, &fixture.err);
}

#define HOLDS(kind, value, operand)                                                                \
    assert_int_equal(judge(SFE_WHERE_##kind, (value), (operand)), SFE_OK)
#define FAILS(kind, value, operand)                                                                \
    assert_int_equal(judge(SFE_WHERE_##kind, (value), (operand)), SFE_E_SKIPPED)
#define UNKNOWN(kind, value, operand)                                                              \
    assert_int_equal(judge(SFE_WHERE_##kind, (value), (operand)), SFE_E_UNMAPPED)

static void equal_are_values_of_one_type_and_no_others(void **state)
{
    (void)state;
    HOLDS(EQ, "\"a\"", "\"a\"");
    HOLDS(EQ, "\"\\u0061\"", "\"a\"");
    HOLDS(EQ, "\"a\"", "\"\\u0061\"");
    HOLDS(EQ, "\"\"", "\"\"");
    FAILS(EQ, "\"A\"", "\"a\"");
    HOLDS(EQ, "8e1", "80.0");
    FAILS(EQ, "9007199254740993", "9007199254740992");
    FAILS(EQ, "\"80\"", "80");
    HOLDS(EQ, "true", "true");
    FAILS(EQ, "false", "true");
    FAILS(EQ, "1", "true");
    HOLDS(EQ, "null", "null");
    FAILS(EQ, "0", "null");
    FAILS(EQ, "[\"a\"]", "\"a\"");
    FAILS(EQ, NULL, "null");
}

static void ne_is_the_opposite_of_eq_also_without_a_value(void **state)
{
    (void)state;
    FAILS(NE, "\"a\"", "\"a\"");
    HOLDS(NE, "\"b\"", "\"a\"");
    HOLDS(NE, "5", "\"a\"");
    HOLDS(NE, "null", "\"a\"");
    HOLDS(NE, NULL, "\"a\"");
    HOLDS(NE, NULL, "null");
}

static void order_is_that_of_numbers_or_of_bytes(void **state)
{
    (void)state;
    HOLDS(GT, "80.000000000000000000001", "80");
    FAILS(GT, "80.0", "80");
    HOLDS(GE, "80.0", "80");
    FAILS(GE, "-90", "80");
    HOLDS(LT, "9007199254740992", "9007199254740993");
    FAILS(LT, "8e1", "80");
    HOLDS(LE, "8e1", "80");
    FAILS(LE, "81", "80");
    HOLDS(LT, "\"10\"", "\"9\"");
    HOLDS(GT, "\"ab\"", "\"a\"");
    HOLDS(LT, "\"\"", "\"a\"");
    HOLDS(GT, "\"\\u00e9\"", "\"z\"");
    HOLDS(GE, "\"2025-11-24\"", "\"2025-01-01\"");
}

static void values_of_different_types_have_no_order(void **state)
{
    (void)state;
    UNKNOWN(GT, "\"90\"", "80");
    assert_string_equal(fixture.err.message, "/v: the value is not a number");
    assert_string_equal(fixture.err.pointer, "/v");
    UNKNOWN(LE, "90", "\"80\"");
    assert_string_equal(fixture.err.message, "/v: the value is not text");
    UNKNOWN(LT, "true", "80");
    UNKNOWN(GE, "{}", "80");
    UNKNOWN(MATCHES, "5", "\"5\"");
    UNKNOWN(MATCHES, "[]", "\"5\"");
}

static void what_is_not_there_or_null_has_no_order_and_matches_nothing(void **state)
{
    (void)state;
    FAILS(GT, NULL, "80");
    FAILS(LE, "null", "80");
    FAILS(MATCHES, NULL, "\"\\\\w*\"");
    FAILS(MATCHES, "null", "\"\\\\w*\"");
}

static void null_is_a_value_that_exists(void **state)
{
    (void)state;
    HOLDS(EXISTS, "null", "true");
    FAILS(EXISTS, "null", "false");
    HOLDS(EXISTS, NULL, "false");
    FAILS(EXISTS, NULL, "true");
    HOLDS(EXISTS, "[]", "true");
}

static void an_expression_is_looked_for_in_the_unescaped_text(void **state)
{
    (void)state;
    HOLDS(MATCHES, "\"S-0042\"", "\"^S-[0-9]{4}$\"");
    HOLDS(MATCHES, "\"a\\tb\"", "\"^a\\\\sb$\"");
    FAILS(MATCHES, "\"S-42\"", "\"^S-[0-9]{4}$\"");
}

static void too_long_a_text_cannot_be_judged_by_an_expression(void **state)
{
    static char text[SFE_WHERE_TEXT_BYTES_MAX + 8u];
    (void)state;
    memset(text, 'a', SFE_WHERE_TEXT_BYTES_MAX + 2u);
    text[0] = '"';
    text[SFE_WHERE_TEXT_BYTES_MAX + 1u] = '"';
    text[SFE_WHERE_TEXT_BYTES_MAX + 2u] = '\0';
    HOLDS(MATCHES, text, "\"^a+$\"");
    text[SFE_WHERE_TEXT_BYTES_MAX + 1u] = 'a';
    text[SFE_WHERE_TEXT_BYTES_MAX + 2u] = '"';
    UNKNOWN(MATCHES, text, "\"^a+$\"");
    HOLDS(GT, text, "\"a\"");
    text[1] = '\\';
    text[2] = 'n';
    HOLDS(LT, text, "\"a\"");
    text[SFE_WHERE_TEXT_BYTES_MAX + 2u] = 'a';
    text[SFE_WHERE_TEXT_BYTES_MAX + 3u] = '"';
    UNKNOWN(LT, text, "\"a\"");
}

static void the_topic_is_judged_though_the_payload_is_no_json(void **state)
{
    static const struct sfe_where_node topic = {SFE_WHERE_MATCHES, 1, "topic", "\"^plant/p1/\""};
    static const struct sfe_where_node value = {SFE_WHERE_EXISTS, 1, "/v", "false"};

    (void)state;
    fixture_event("no json");
    assert_int_equal(sfe_where_judge(compile(&topic, 1), &fixture.subject, &fixture.err), SFE_OK);
    assert_int_equal(sfe_where_judge(compile(&value, 1), &fixture.subject, &fixture.err),
                     SFE_E_UNMAPPED);
    assert_string_equal(fixture.err.message, "/v: the payload is not JSON (line 1, column 1)");
}

/* Conditions whose answers are chosen by the letters: y, n, ? (cannot be judged). */
static enum sfe_code combine(enum sfe_where_kind kind, const char *answers)
{
    struct sfe_where_node nodes[8] = {{kind, (uint32_t)strlen(answers) + 1u, NULL, NULL}};
    uint32_t count = 1;

    for (const char *answer = answers; *answer != '\0'; answer++, count++) {
        nodes[count] =
            (struct sfe_where_node){*answer == '?' ? SFE_WHERE_GT : SFE_WHERE_EQ, count + 1u,
                                    *answer == 'y' ? "/y" : "/n", *answer == '?' ? "5" : "\"y\""};
    }
    fixture_event("{\"y\":\"y\",\"n\":\"n\"}");
    return sfe_where_judge(compile(nodes, count), &fixture.subject, &fixture.err);
}

static void what_decides_counts_even_beside_what_cannot_be_judged(void **state)
{
    (void)state;
    assert_int_equal(combine(SFE_WHERE_ALL, "yy"), SFE_OK);
    assert_int_equal(combine(SFE_WHERE_ALL, "yn"), SFE_E_SKIPPED);
    assert_int_equal(combine(SFE_WHERE_ALL, "?n"), SFE_E_SKIPPED);
    assert_int_equal(combine(SFE_WHERE_ALL, "n?"), SFE_E_SKIPPED);
    assert_int_equal(combine(SFE_WHERE_ALL, "y?"), SFE_E_UNMAPPED);
    assert_int_equal(combine(SFE_WHERE_ANY, "ny"), SFE_OK);
    assert_int_equal(combine(SFE_WHERE_ANY, "?y"), SFE_OK);
    assert_int_equal(combine(SFE_WHERE_ANY, "nn"), SFE_E_SKIPPED);
    assert_int_equal(combine(SFE_WHERE_ANY, "n?"), SFE_E_UNMAPPED);
    assert_int_equal(combine(SFE_WHERE_NOT, "y"), SFE_E_SKIPPED);
    assert_int_equal(combine(SFE_WHERE_NOT, "n"), SFE_OK);
    assert_int_equal(combine(SFE_WHERE_NOT, "?"), SFE_E_UNMAPPED);
}

/* all(any(/a = 1, /a = 2), not(all(/b exists, topic matches x))) */
static const struct sfe_where_node tree[] = {
    {SFE_WHERE_ALL, 8, NULL, NULL},      {SFE_WHERE_ANY, 4, NULL, NULL},
    {SFE_WHERE_EQ, 3, "/a", "1"},        {SFE_WHERE_EQ, 4, "/a", "2"},
    {SFE_WHERE_NOT, 8, NULL, NULL},      {SFE_WHERE_ALL, 8, NULL, NULL},
    {SFE_WHERE_EXISTS, 7, "/b", "true"}, {SFE_WHERE_MATCHES, 8, "topic", "\"telemetry\""},
};

static enum sfe_code judge_tree(const char *payload)
{
    fixture_event(payload);
    return sfe_where_judge(compile(tree, 8), &fixture.subject, &fixture.err);
}

static void conditions_stand_within_each_other(void **state)
{
    (void)state;
    assert_int_equal(judge_tree("{\"a\":2}"), SFE_OK);
    assert_int_equal(judge_tree("{\"a\":1.0}"), SFE_OK);
    assert_int_equal(judge_tree("{\"a\":3}"), SFE_E_SKIPPED);
    assert_int_equal(judge_tree("{\"a\":2,\"b\":0}"), SFE_E_SKIPPED);
    assert_int_equal(judge_tree("{}"), SFE_E_SKIPPED);
}

static void each_condition_is_explained_with_what_it_found(void **state)
{
    struct sfe_where *where = compile(tree, 8);
    struct sfe_where_step step = {.found = sfe_builder_make(fixture.out_memory, 64)};

    (void)state;
    fixture_event("{\"a\":2,\"b\":\"x\\ny\"}");
    assert_int_equal(sfe_where_judge(where, &fixture.subject, &fixture.err), SFE_E_SKIPPED);
    assert_int_equal(sfe_where_node_count(where), 8);
    sfe_where_explain(where, 2, &fixture.subject, &step);
    assert_string_equal(step.at, "/a");
    assert_string_equal(step.condition, "eq");
    assert_string_equal(step.operand, "1");
    assert_int_equal(step.depth, 2);
    assert_int_equal(step.code, SFE_E_SKIPPED);
    assert_true(sfe_slice_equal(sfe_builder_slice(&step.found), SFE_TEXT("2")));
    sfe_where_explain(where, 6, &fixture.subject, &step);
    assert_int_equal(step.code, SFE_OK);
    assert_int_equal(step.depth, 3);
    assert_true(sfe_slice_equal(sfe_builder_slice(&step.found), SFE_TEXT("\"x\\ny\"")));
    sfe_where_explain(where, 4, &fixture.subject, &step);
    assert_null(step.at);
    assert_string_equal(step.condition, "not");
    assert_int_equal(step.code, SFE_E_SKIPPED);
}

/* Does `/v` of the payload compare with the template? The topic is plant/d7/telemetry. */
static enum sfe_code judge_reference(enum sfe_where_kind kind, const char *value,
                                     const char *operand)
{
    const struct sfe_where_node node = {kind, 1, "/v", operand};
    char payload[256];
    uint32_t bad_node = 9;
    struct sfe_where *where = compile(&node, 1);
    struct sfe_event event;

    if (sfe_where_refer(where, "store-042", fixture.arena, &bad_node, &fixture.err) != SFE_OK) {
        assert_int_equal(bad_node, 0);
        return fixture.err.code;
    }
    (void)snprintf(payload, sizeof(payload), "{\"v\":%s}", value);
    fixture_event(payload);
    event = *fixture.subject.event;
    event.topic = SFE_TEXT("plant/d7/12");
    fixture.subject.event = &event;
    return sfe_where_judge(where, &fixture.subject, &fixture.err);
}

static void what_is_compared_with_may_be_of_the_topic(void **state)
{
    (void)state;
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "\"d7\"", "\"{topic.1}\""), SFE_OK);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "\"d\\u0037\"", "\"{topic.1}\""), SFE_OK);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "\"d8\"", "\"{topic.1}\""), SFE_E_SKIPPED);
    assert_int_equal(judge_reference(SFE_WHERE_NE, "\"d8\"", "\"{topic.1}\""), SFE_OK);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "\"{topic.1}\"", "\"{topic.1}\""),
                     SFE_E_SKIPPED);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "\"store-042-d7\"", "\"{agent}-{topic.1}\""),
                     SFE_OK);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "12", "\"{topic.2}\""), SFE_OK);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "12.0", "\"{topic.2}\""), SFE_E_SKIPPED);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "[\"d7\"]", "\"{topic.1}\""), SFE_E_SKIPPED);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "null", "\"{topic.1}\""), SFE_E_SKIPPED);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "\"x\"", "\"{topic.3}\""), SFE_E_UNMAPPED);
    assert_int_equal(judge_reference(SFE_WHERE_NE, "\"x\"", "\"{topic.3}\""), SFE_E_UNMAPPED);
}

static void what_is_not_of_the_sender_cannot_be_referred_to(void **state)
{
    (void)state;
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "1", "\"{/other}\""), SFE_E_CONFIG);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "1", "\"{id}\""), SFE_E_CONFIG);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "1", "\"{nonsense}\""), SFE_E_CONFIG);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "1", "\"{topic.1\""), SFE_E_CONFIG);
    assert_int_equal(judge_reference(SFE_WHERE_EQ, "1", "\"{topic.1}\\u0000\""), SFE_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_are_values_of_one_type_and_no_others),
        TEST(ne_is_the_opposite_of_eq_also_without_a_value),
        TEST(order_is_that_of_numbers_or_of_bytes),
        TEST(values_of_different_types_have_no_order),
        TEST(what_is_not_there_or_null_has_no_order_and_matches_nothing),
        TEST(null_is_a_value_that_exists),
        TEST(an_expression_is_looked_for_in_the_unescaped_text),
        TEST(too_long_a_text_cannot_be_judged_by_an_expression),
        TEST(the_topic_is_judged_though_the_payload_is_no_json),
        TEST(what_decides_counts_even_beside_what_cannot_be_judged),
        TEST(conditions_stand_within_each_other),
        TEST(each_condition_is_explained_with_what_it_found),
        TEST(what_is_compared_with_may_be_of_the_topic),
        TEST(what_is_not_of_the_sender_cannot_be_referred_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
