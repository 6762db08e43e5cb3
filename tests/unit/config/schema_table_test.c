#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/keys.h"

static void every_row_is_whole(void **state)
{
    const uint32_t count = keys_count();

    (void)state;
    assert_true(count > 80 && count <= 320);
    for (uint32_t i = 0; i < count; i++) {
        bool has_entries = keys_row(i)->kind == SFE_KEY_NAMED ||
                           keys_row(i)->kind == SFE_KEY_LIST || keys_row(i)->kind == SFE_KEY_MAP;
        assert_non_null(keys_row(i)->help);
        assert_true(keys_row(i)->help[strlen(keys_row(i)->help) - 1] == '.');
        assert_false(keys_row(i)->required && keys_row(i)->fallback != NULL);
        if (has_entries) {
            assert_true(keys_row(i)->max != 0 && keys_row(i)->count_offset != 0 &&
                        keys_row(i)->of != 0);
        }
        if (keys_is_reachable(keys_row(i)) && keys_row(i)->kind != SFE_KEY_SECTION &&
            keys_row(i)->kind != SFE_KEY_VALUE && keys_row(i)->kind != SFE_KEY_MQTT_URL &&
            keys_row(i)->section != SFE_SECTION_ROOT) {
            assert_true(keys_row(i)->size != 0); /* What can be written goes somewhere. */
        }
    }
}

static void no_two_rows_of_a_type_have_the_same_key(void **state)
{
    const uint32_t count = keys_count();

    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            bool is_same = keys_row(i)->section == keys_row(j)->section &&
                           strcmp(keys_row(i)->key, keys_row(j)->key) == 0;
            if (is_same) {
                assert_non_null(keys_row(i)->only);
                assert_non_null(keys_row(j)->only);
                assert_false(keys_fits(keys_row(i), keys_word(keys_row(j)->only, 0)));
            }
        }
    }
}

static void words_are_found_in_their_order(void **state)
{
    (void)state;
    assert_int_equal(keys_word_index("a|bc|d", SFE_TEXT("bc")), 1);
    assert_true(keys_word_index("a|bc|d", SFE_TEXT("b")) == UINT32_MAX);
    assert_true(keys_word_index("a|bc|d", SFE_TEXT("")) == UINT32_MAX);
    assert_true(keys_word_index(NULL, SFE_TEXT("a")) == UINT32_MAX);
    assert_true(sfe_slice_equal(keys_word("a|bc|d", 2), SFE_TEXT("d")));
    assert_int_equal(keys_word("a|bc|d", 3).size, 0);
}

static void a_key_is_found_by_section_and_type(void **state)
{
    const struct config_key *key =
        keys_find(SFE_SECTION_CONNECTION, SFE_TEXT("tls"), SFE_TEXT("salesforce"));

    (void)state;
    assert_non_null(key);
    assert_int_equal(key->of, SFE_SECTION_SALESFORCE_TLS);
    key = keys_find(SFE_SECTION_CONNECTION, SFE_TEXT("tls"), SFE_TEXT("mqtt"));
    assert_int_equal(key->of, SFE_SECTION_MQTT_TLS);
    assert_null(keys_find(SFE_SECTION_CONNECTION, SFE_TEXT("url"), SFE_TEXT("salesforce")));
    assert_null(keys_find(SFE_SECTION_STREAM, SFE_TEXT("url"), SFE_TEXT("")));
}

static void what_is_not_available_is_not_offered(void **state)
{
    (void)state;
    assert_false(keys_is_later_word(keys_find(SFE_SECTION_INPUT, SFE_TEXT("type"), SFE_TEXT("")),
                                    SFE_TEXT("salesforce-query")));
    assert_true(keys_is_used(SFE_SECTION_MQTT_TLS));
    assert_true(keys_is_used(SFE_SECTION_SALESFORCE_TLS));
    assert_true(keys_is_used(SFE_SECTION_ROOT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(no_two_rows_of_a_type_have_the_same_key),
        cmocka_unit_test(words_are_found_in_their_order),
        cmocka_unit_test(a_key_is_found_by_section_and_type),
        cmocka_unit_test(what_is_not_available_is_not_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
