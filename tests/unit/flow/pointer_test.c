#include "fixture.h"

#include "flow/pointer.h"

static struct flow_pointer compile(const char *text)
{
    struct flow_pointer pointer;
    assert_int_equal(
        flow_pointer_compile(sfe_slice_text(text), fixture.arena, &pointer, &fixture.err), SFE_OK);
    return pointer;
}

static void assert_leads_to(const char *pointer_text, const char *raw)
{
    struct flow_pointer pointer = compile(pointer_text);
    uint32_t token = flow_pointer_find(&pointer, &fixture.subject.json, 0);
    assert_true(token != SFE_JSON_NONE);
    assert_true(sfe_slice_equal(sfe_json_raw(&fixture.subject.json, token), sfe_slice_text(raw)));
}

static void assert_leads_nowhere(const char *pointer_text)
{
    struct flow_pointer pointer = compile(pointer_text);
    assert_int_equal(flow_pointer_find(&pointer, &fixture.subject.json, 0), SFE_JSON_NONE);
}

static void a_pointer_leads_through_objects_and_arrays(void **state)
{
    (void)state;
    fixture_event("{\"a\":{\"b\":[10,{\"c\":\"x\"},[7,8]]},\"n\":5}");
    assert_leads_to("", "{\"a\":{\"b\":[10,{\"c\":\"x\"},[7,8]]},\"n\":5}");
    assert_leads_to("/n", "5");
    assert_leads_to("/a/b/0", "10");
    assert_leads_to("/a/b/1/c", "x");
    assert_leads_to("/a/b/2/1", "8");
    assert_leads_nowhere("/x");
    assert_leads_nowhere("/a/b/3");
    assert_leads_nowhere("/a/b/00");
    assert_leads_nowhere("/a/b/-");
    assert_leads_nowhere("/a/b/1/c/d");
    assert_leads_nowhere("/n/0");
}

static void names_with_slash_tilde_and_nothing_can_be_pointed_at(void **state)
{
    (void)state;
    fixture_event("{\"a/b\":1,\"m~n\":2,\"\":3,\"~1\":4,\"switch:0\":5}");
    assert_leads_to("/a~1b", "1");
    assert_leads_to("/m~0n", "2");
    assert_leads_to("/", "3");
    assert_leads_to("/~01", "4");
    assert_leads_to("/switch:0", "5");
}

static void a_name_written_with_escapes_is_the_same_name(void **state)
{
    (void)state;
    fixture_event("{\"\\u0061b\":1,\"x\":2}");
    assert_leads_to("/ab", "1");
    assert_leads_nowhere("/\\u0061b");
}

static void of_a_name_that_stands_twice_the_last_counts(void **state)
{
    (void)state;
    fixture_event("{\"a\":1,\"b\":2,\"a\":3}");
    assert_leads_to("/a", "3");
}

static void a_pointer_without_slash_or_with_a_wrong_tilde_is_refused(void **state)
{
    static const char *const wrong[] = {"a", "/a~", "/a~2b", "/~", "a/b"};
    struct flow_pointer pointer;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            flow_pointer_compile(sfe_slice_text(wrong[i]), fixture.arena, &pointer, &fixture.err),
            SFE_E_CONFIG);
        assert_non_null(strstr(fixture.err.message, wrong[i]));
    }
}

static void a_pointer_that_does_not_fit_says_so(void **state)
{
    struct flow_pointer pointer;
    struct sfe_arena *small = NULL;
    (void)state;
    assert_int_equal(sfe_arena_open(16, &small, &fixture.err), SFE_OK);
    assert_int_equal(flow_pointer_compile(SFE_TEXT("/a/b/c/d"), small, &pointer, &fixture.err),
                     SFE_E_NO_MEMORY);
    sfe_arena_close(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pointer_leads_through_objects_and_arrays),
        TEST(names_with_slash_tilde_and_nothing_can_be_pointed_at),
        TEST(a_name_written_with_escapes_is_the_same_name),
        TEST(of_a_name_that_stands_twice_the_last_counts),
        TEST(a_pointer_without_slash_or_with_a_wrong_tilde_is_refused),
        TEST(a_pointer_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
