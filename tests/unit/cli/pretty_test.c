#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/pretty.h"

static char text[256];

static const char *pretty(const char *json)
{
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1);

    memset(text, 0, sizeof(text));
    pretty_add(sfe_slice_text(json), &out);
    return text;
}

static void members_and_elements_have_their_lines(void **state)
{
    (void)state;
    assert_string_equal(pretty("{\"a\":1,\"b\":[true,null]}"),
                        "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null\n  ]\n}");
}

static void texts_and_numbers_keep_every_byte(void **state)
{
    (void)state;
    assert_string_equal(pretty("[\"a\\\"{,:}\\\\\",1.50e3]"),
                        "[\n  \"a\\\"{,:}\\\\\",\n  1.50e3\n]");
}

static void empty_objects_and_arrays_stay_on_their_line(void **state)
{
    (void)state;
    assert_string_equal(pretty("{\"a\":{ },\"b\":[]}"), "{\n  \"a\": {},\n  \"b\": []\n}");
}

static void old_line_breaks_are_forgotten(void **state)
{
    (void)state;
    assert_string_equal(pretty(" [\n 1 ,\n 2 ] "), "[\n  1,\n  2\n]");
}

static void a_text_that_is_cut_short_ends(void **state)
{
    (void)state;
    assert_string_equal(pretty("{\"a\\"), "{\n  \"a\\");
    assert_string_equal(pretty(""), "");
    assert_string_equal(pretty("]]"), "\n]\n]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_elements_have_their_lines),
        cmocka_unit_test(texts_and_numbers_keep_every_byte),
        cmocka_unit_test(empty_objects_and_arrays_stay_on_their_line),
        cmocka_unit_test(old_line_breaks_are_forgotten),
        cmocka_unit_test(a_text_that_is_cut_short_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
