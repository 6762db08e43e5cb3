#include "unit.h"

#include "base/json_reader.h"

static struct sfe_json_token tokens[256];
static struct sfe_json json;

static void parse(const char *text)
{
    struct sfe_error err;
    assert_int_equal(sfe_json_parse(sfe_slice_text(text), 0, tokens, COUNT_OF(tokens), &json, &err),
                     SFE_OK);
}

/* What stands at `pointer`; NULL is nothing. */
static void assert_found(const char *pointer, const char *expected)
{
    uint32_t found = sfe_json_find(&json, 0, sfe_slice_text(pointer));
    if (expected == NULL) {
        assert_int_equal(found, SFE_JSON_NONE);
        return;
    }
    assert_int_not_equal(found, SFE_JSON_NONE);
    assert_slice(sfe_json_raw(&json, found), expected);
}

/* The document of RFC 6901, section 5. */
static void the_pointers_of_rfc_6901_find_their_values(void **state)
{
    (void)state;
    parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
          "\"k\\\"l\":6,\" \":7,\"m~n\":8}");
    assert_found("/foo", "[\"bar\",\"baz\"]");
    assert_found("/foo/0", "bar");
    assert_found("/foo/1", "baz");
    assert_found("/", "0");
    assert_found("/a~1b", "1");
    assert_found("/c%d", "2");
    assert_found("/e^f", "3");
    assert_found("/g|h", "4");
    assert_found("/i\\j", "5");
    assert_found("/k\"l", "6");
    assert_found("/ ", "7");
    assert_found("/m~0n", "8");
    assert_int_equal(sfe_json_find(&json, 0, sfe_slice_text("")), 0);
}

static void a_pointer_to_nothing_finds_nothing(void **state)
{
    (void)state;
    parse("{\"foo\":[\"bar\",\"baz\"],\"m~n\":8,\"x\":{\"y\":1}}");
    assert_found("/nope", NULL);
    assert_found("foo", NULL);
    assert_found("/foo/2", NULL);
    assert_found("/foo/-", NULL);
    assert_found("/foo/01", NULL);
    assert_found("/foo/", NULL);
    assert_found("/foo/0/x", NULL);
    assert_found("/foo/1x", NULL);
    assert_found("/foo/4294967296", NULL);
    assert_found("/foo/99999999999999999999", NULL);
    assert_found("/m~n", NULL);
    assert_found("/m~2n", NULL);
    assert_found("/m~", NULL);
    assert_found("/x/y/", NULL);
    assert_int_equal(sfe_json_find(&json, SFE_JSON_NONE, SFE_TEXT("/x")), SFE_JSON_NONE);
}

static void a_pointer_starts_where_it_is_told(void **state)
{
    (void)state;
    parse("{\"x\":{\"y\":[1,{\"z\":2}]}}");
    uint32_t array = sfe_json_find(&json, 0, SFE_TEXT("/x/y"));
    uint32_t found = sfe_json_find(&json, array, SFE_TEXT("/1/z"));
    assert_slice(sfe_json_raw(&json, found), "2");
}

static void names_are_compared_unescaped_and_the_last_one_counts(void **state)
{
    (void)state;
    parse("{\"ab\":1,\"\\u0061b\":2,\"a\":3,\"abc\":4,\"\\ud83d\\ude00/~\":5}");
    assert_slice(sfe_json_raw(&json, sfe_json_member(&json, 0, SFE_TEXT("ab"))), "2");
    assert_slice(sfe_json_raw(&json, sfe_json_member(&json, 0, SFE_TEXT("a"))), "3");
    assert_int_equal(sfe_json_member(&json, 0, SFE_TEXT("b")), SFE_JSON_NONE);
    assert_int_equal(sfe_json_member(&json, 1, SFE_TEXT("a")), SFE_JSON_NONE);
    assert_int_equal(sfe_json_member(&json, SFE_JSON_NONE, SFE_TEXT("a")), SFE_JSON_NONE);
    assert_found("/\xf0\x9f\x98\x80~1~0", "5");
}

static void values_inside_are_no_members(void **state)
{
    (void)state;
    parse("{\"a\":{\"b\":1},\"c\":[{\"b\":2}],\"d\":\"b\"}");
    assert_int_equal(sfe_json_member(&json, 0, SFE_TEXT("b")), SFE_JSON_NONE);
}

static void walking_visits_each_child_once(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    size_t count = 0;
    (void)state;
    parse("{\"a\":[1,[2],3],\"b\":{\"x\":{}},\"c\":4}");
    for (uint32_t name = sfe_json_first(&json, 0); name != SFE_JSON_NONE;
         name = sfe_json_next(&json, 0, name)) {
        assert_slice(sfe_json_raw(&json, name), names[count++]);
    }
    assert_int_equal(count, 3);
    assert_int_equal(sfe_json_length(&json, 0), 3);
    uint32_t array = sfe_json_member(&json, 0, SFE_TEXT("a"));
    assert_int_equal(sfe_json_length(&json, array), 3);
    uint32_t second = sfe_json_next(&json, array, sfe_json_first(&json, array));
    assert_slice(sfe_json_raw(&json, second), "[2]");
    assert_slice(sfe_json_raw(&json, sfe_json_next(&json, array, second)), "3");
}

static void empty_containers_and_plain_values_have_no_children(void **state)
{
    (void)state;
    parse("[[],{},1,\"x\"]");
    assert_int_equal(sfe_json_length(&json, 0), 4);
    for (uint32_t child = sfe_json_first(&json, 0); child != SFE_JSON_NONE;
         child = sfe_json_next(&json, 0, child)) {
        assert_int_equal(sfe_json_first(&json, child), SFE_JSON_NONE);
        assert_int_equal(sfe_json_length(&json, child), 0);
    }
}

static void a_count_is_digits_alone(void **state)
{
    uint64_t count = 1;
    (void)state;
    parse("{\"a\":999999999999999999,\"b\":-1,\"c\":1.5,\"d\":\"7\",\"e\":0,"
          "\"f\":99999999999999999999}");
    assert_true(sfe_json_read_count(&json, sfe_json_find(&json, 0, SFE_TEXT("/a")), &count));
    assert_true(count == UINT64_C(999999999999999999));
    assert_true(sfe_json_read_count(&json, sfe_json_find(&json, 0, SFE_TEXT("/e")), &count));
    assert_true(count == 0);
    for (const char *name = "bcdfx"; *name != '\0'; name++) {
        count = 1;
        assert_false(
            sfe_json_read_count(&json, sfe_json_member(&json, 0, sfe_slice_make(name, 1)), &count));
        assert_true(count == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pointers_of_rfc_6901_find_their_values),
        cmocka_unit_test(a_pointer_to_nothing_finds_nothing),
        cmocka_unit_test(a_pointer_starts_where_it_is_told),
        cmocka_unit_test(names_are_compared_unescaped_and_the_last_one_counts),
        cmocka_unit_test(values_inside_are_no_members),
        cmocka_unit_test(a_count_is_digits_alone),
        cmocka_unit_test(walking_visits_each_child_once),
        cmocka_unit_test(empty_containers_and_plain_values_have_no_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
