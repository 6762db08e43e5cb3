#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "salesforce/walk.h"

static void assert_slice(struct sfe_slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.bytes, text, slice.size);
}

static void the_last_member_of_a_name_counts(void **state)
{
    const struct sfe_slice text =
        SFE_TEXT("{ \"a\" : {\"a\":\"}\"} , \"b\\/c\":[1,\"]\"],\"a\":2}");

    (void)state;
    assert_slice(walk_member(text, "a"), "2");
    assert_slice(walk_member(text, "b/c"), "[1,\"]\"]");
    assert_int_equal(walk_member(text, "c").size, 0);
    assert_int_equal(walk_member(SFE_TEXT("[1]"), "a").size, 0);
}

static void what_is_cut_off_is_not_handed_out(void **state)
{
    static const char whole[] = "{\"a\":{\"b\":\"\\\"x\"},\"c\":12}";
    struct sfe_slice key;
    struct sfe_slice value;

    (void)state;
    for (size_t size = 0; size < sizeof(whole) - 1u; size++) {
        struct walk walk = {sfe_slice_make(whole, size), 0};
        uint32_t count = 0;
        while (walk_next(&walk, &key, &value)) {
            assert_true(value.bytes + value.size <= walk.text.bytes + size);
            count++;
        }
        assert_int_equal(count, size < 16u ? 0 : 1u);
    }
    assert_int_equal(walk_value(SFE_TEXT("\"a\\\""), 0), 0);
    assert_int_equal(walk_value(SFE_TEXT("[[1]"), 0), 0);
    assert_int_equal(walk_value(SFE_TEXT("[[1]]x"), 0), 5);
}

static void only_texts_have_an_inside(void **state)
{
    (void)state;
    assert_slice(walk_text(SFE_TEXT("\"a b\"")), "a b");
    assert_int_equal(walk_text(SFE_TEXT("12")).size, 0);
    assert_int_equal(walk_text(SFE_TEXT("\"")).size, 0);
    assert_int_equal(walk_blank(SFE_TEXT(" \n\tx"), 0), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_member_of_a_name_counts),
        cmocka_unit_test(what_is_cut_off_is_not_handed_out),
        cmocka_unit_test(only_texts_have_an_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
