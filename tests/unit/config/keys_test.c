#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/keys.h"

static void a_word_is_found_by_its_place_and_a_place_by_its_word(void **state)
{
    (void)state;
    assert_true(sfe_slice_equal(keys_word("a|bc|d", 1), SFE_TEXT("bc")));
    assert_int_equal(keys_word("a|bc|d", 3).size, 0);
    assert_int_equal(keys_word(NULL, 0).size, 0);
    assert_int_equal(keys_word_index("a|bc|d", SFE_TEXT("d")), 2);
    assert_int_equal(keys_word_index("a|bc|d", SFE_TEXT("b")), UINT32_MAX);
    assert_int_equal(keys_word_index(NULL, SFE_TEXT("a")), UINT32_MAX);
}

static void a_key_is_found_for_its_type(void **state)
{
    const struct config_key *mqtt =
        keys_find(SFE_SECTION_INPUT, SFE_TEXT("identity"), SFE_TEXT("mqtt"));
    const struct config_key *http =
        keys_find(SFE_SECTION_INPUT, SFE_TEXT("identity"), SFE_TEXT("http"));

    (void)state;
    assert_int_equal(mqtt->kind, SFE_KEY_WORD);
    assert_int_equal(http->kind, SFE_KEY_POINTER);
    assert_null(keys_find(SFE_SECTION_INPUT, SFE_TEXT("path"), SFE_TEXT("mqtt")));
    assert_true(keys_fits(http, SFE_TEXT("http")) && !keys_fits(http, SFE_TEXT("mqtt")));
    assert_string_equal(keys_types(SFE_SECTION_INPUT)->key, "type");
}

static void a_section_is_used_where_a_key_that_can_be_written_leads_to_it(void **state)
{
    const struct config_key *query =
        keys_find(SFE_SECTION_INPUT, SFE_TEXT("query"), SFE_TEXT("salesforce-query"));

    (void)state;
    assert_true(keys_is_used(SFE_SECTION_HTTP_AUTH));
    assert_true(keys_is_used(SFE_SECTION_ROOT));
    assert_true(keys_is_reachable(query));
    assert_false(keys_is_later_word(keys_types(SFE_SECTION_INPUT), SFE_TEXT("salesforce-query")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_found_by_its_place_and_a_place_by_its_word),
        cmocka_unit_test(a_key_is_found_for_its_type),
        cmocka_unit_test(a_section_is_used_where_a_key_that_can_be_written_leads_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
