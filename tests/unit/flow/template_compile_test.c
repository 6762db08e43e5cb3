#include "fixture.h"

#include "flow/template.h"

static const char *mistake(const char *text, bool has_each)
{
    struct sfe_template *compiled = NULL;
    assert_int_equal(flow_template_compile(sfe_slice_text(text), "store-042", has_each,
                                           fixture.arena, &compiled, &fixture.err),
                     SFE_E_CONFIG);
    assert_null(compiled);
    return fixture.err.message;
}

static const struct sfe_template *compile(const char *text)
{
    struct sfe_template *compiled = NULL;
    assert_int_equal(flow_template_compile(sfe_slice_text(text), "store-042", true, fixture.arena,
                                           &compiled, &fixture.err),
                     SFE_OK);
    return compiled;
}

static void every_part_has_its_kind(void **state)
{
    static const struct {
        const char *text;
        enum flow_part_kind kind;
    } parts[] = {
        {"plain", FLOW_PART_LITERAL},
        {"{agent}", FLOW_PART_LITERAL},
        {"{/a/b}", FLOW_PART_POINTER},
        {"{item:/a}", FLOW_PART_ITEM},
        {"{item}", FLOW_PART_ITEM},
        {"{topic}", FLOW_PART_TOPIC},
        {"{topic.12}", FLOW_PART_TOPIC_LEVEL},
        {"{time}", FLOW_PART_TIME},
        {"{seq}", FLOW_PART_SEQUENCE},
        {"{id}", FLOW_PART_IDENTITY},
        {"{index}", FLOW_PART_INDEX},
        {"{source}", FLOW_PART_SOURCE},
        {"{payload}", FLOW_PART_PAYLOAD},
        {"{payload:base64}", FLOW_PART_PAYLOAD_BASE64},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct sfe_template *compiled = compile(parts[i].text);
        assert_int_equal(compiled->count, 1);
        assert_int_equal(compiled->parts[0].kind, parts[i].kind);
    }
    assert_int_equal(compile("{topic.12}")->parts[0].level, 12);
}

static void literals_and_parts_alternate_in_their_order(void **state)
{
    const struct sfe_template *compiled = compile("{topic.1}-{/id}.x");
    (void)state;
    assert_int_equal(compiled->count, 4);
    assert_int_equal(compiled->parts[0].kind, FLOW_PART_TOPIC_LEVEL);
    assert_true(sfe_slice_equal(compiled->parts[1].literal, SFE_TEXT("-")));
    assert_int_equal(compiled->parts[2].kind, FLOW_PART_POINTER);
    assert_true(sfe_slice_equal(compiled->parts[3].literal, SFE_TEXT(".x")));
    assert_int_equal(compile("{seq}{index}")->count, 2);
    assert_int_equal(compile("")->count, 0);
}

static void doubled_braces_are_braces(void **state)
{
    (void)state;
    const struct sfe_template *compiled = compile("{{\"a\":{/a}}}");
    assert_int_equal(compiled->count, 3);
    assert_true(sfe_slice_equal(compiled->parts[0].literal, SFE_TEXT("{\"a\":")));
    assert_true(sfe_slice_equal(compiled->parts[0].inside, SFE_TEXT("{\\\"a\\\":")));
    assert_true(sfe_slice_equal(compiled->parts[2].literal, SFE_TEXT("}")));
    assert_true(sfe_slice_equal(compile("{{topic}}")->parts[0].literal, SFE_TEXT("{topic}")));
}

static void a_brace_without_its_other_is_found(void **state)
{
    (void)state;
    assert_string_equal(mistake("ab{topic", false),
                        "a { without its } at column 3; a brace itself is written {{");
    assert_string_equal(mistake("ab{to{pic}", false),
                        "a { without its } at column 3; a brace itself is written {{");
    assert_string_equal(mistake("topic}", false),
                        "a } without its { at column 6; a brace itself is written }}");
    assert_string_equal(mistake("{{topic}", false),
                        "a } without its { at column 8; a brace itself is written }}");
}

static void an_item_needs_an_array(void **state)
{
    (void)state;
    assert_string_equal(mistake("{item:/x}", false),
                        "{item:/x} needs `each`, the array whose items are meant");
    assert_string_equal(mistake("{item}", false),
                        "{item} needs `each`, the array whose items are meant");
}

static void unknown_parts_are_refused_with_the_nearest_right_one(void **state)
{
    (void)state;
    assert_string_equal(mistake("x{tpoic.1}", false),
                        "unknown part {tpoic.1}; did you mean {topic.1}?");
    assert_string_equal(mistake("{topic.}", false), "unknown part {topic.}; did you mean {topic}?");
    assert_string_equal(mistake("{topic.x}", false),
                        "unknown part {topic.x}; did you mean {topic.1}?");
    assert_string_equal(mistake("{item:sku}", true),
                        "unknown part {item:sku}; did you mean {item:/sku}?");
    assert_string_equal(mistake("{item:}", true), "unknown part {item:}; did you mean {item}?");
    assert_non_null(strstr(mistake("{}", false), "unknown part {}"));
    assert_non_null(strstr(mistake("{/a~2}", false), "~0"));
    assert_non_null(strstr(mistake("{topic.123456}", false), "unknown part"));
}

static void the_text_may_go_away_after_compiling(void **state)
{
    char text[] = "lit-{/abc}";
    char agent[] = "store-042";
    struct sfe_template *compiled = NULL;
    (void)state;
    assert_int_equal(sfe_template_compile(text, agent, fixture.arena, &compiled, &fixture.err),
                     SFE_OK);
    memset(text, 'z', sizeof(text) - 1);
    fixture_event("{\"abc\":7}");
    fixture_forget_output();
    assert_int_equal(sfe_template_add(compiled, &fixture.subject, &fixture.out, &fixture.err),
                     SFE_OK);
    assert_string_equal(fixture_text(), "lit-7");
}

static void a_template_that_does_not_fit_says_so(void **state)
{
    struct sfe_template *compiled = NULL;
    enum sfe_code code = SFE_E_NO_MEMORY;
    size_t refusals = 0;
    (void)state;
    /* How much is enough depends on the size of a pointer. */
    for (size_t bytes = 1; code != SFE_OK && bytes < 4096; bytes += 7) {
        struct sfe_arena *small = NULL;
        assert_int_equal(sfe_arena_open(bytes, &small, &fixture.err), SFE_OK);
        code = sfe_template_compile("a{/b}c{agent}", "agent", small, &compiled, &fixture.err);
        if (code != SFE_OK) {
            assert_int_equal(code, SFE_E_NO_MEMORY);
            assert_null(compiled);
            refusals++;
        }
        sfe_arena_close(small);
    }
    assert_int_equal(code, SFE_OK);
    assert_true(refusals > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_part_has_its_kind),
        TEST(literals_and_parts_alternate_in_their_order),
        TEST(doubled_braces_are_braces),
        TEST(a_brace_without_its_other_is_found),
        TEST(an_item_needs_an_array),
        TEST(unknown_parts_are_refused_with_the_nearest_right_one),
        TEST(the_text_may_go_away_after_compiling),
        TEST(a_template_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
