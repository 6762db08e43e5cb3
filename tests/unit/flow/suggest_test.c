#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "flow/template.h"

static void assert_suggests(const char *wrong, const char *right)
{
    struct sfe_error err;
    char expected[160];
    snprintf(expected, sizeof(expected), "unknown part {%s}; did you mean {%s}?", wrong, right);
    assert_int_equal(flow_part_unknown(sfe_slice_text(wrong), &err), SFE_E_CONFIG);
    assert_string_equal(err.message, expected);
}

static void a_misspelt_word_finds_the_right_one(void **state)
{
    (void)state;
    assert_suggests("tpoic.1", "topic.1");
    assert_suggests("Topic", "topic");
    assert_suggests("topics", "topic");
    assert_suggests("tiem", "time");
    assert_suggests("sequ", "seq");
    assert_suggests("idx", "id");
    assert_suggests("ID", "id");
    assert_suggests("sorce", "source");
    assert_suggests("paylod", "payload");
    assert_suggests("agnet", "agent");
}

static void a_wrong_argument_is_put_right(void **state)
{
    (void)state;
    assert_suggests("topic/2", "topic.2");
    assert_suggests("topic.device", "topic.1");
    assert_suggests("topic.", "topic");
    assert_suggests("item.sku", "item:/sku");
    assert_suggests("item/sku", "item:/sku");
    assert_suggests("itme:/sku", "item:/sku");
    assert_suggests("payload:hex", "payload:base64");
    assert_suggests("time:ms", "time");
}

static void what_is_no_word_was_meant_as_a_field_of_the_payload(void **state)
{
    (void)state;
    assert_suggests("value", "/value");
    assert_suggests("data.tank.level", "/data/tank/level");
    assert_suggests("type", "/type");
    assert_suggests("ts", "/ts");
}

static void nothing_and_far_too_much_get_a_general_hint(void **state)
{
    struct sfe_error err;
    char huge[500];
    (void)state;
    memset(huge, 'q', sizeof(huge));
    assert_int_equal(flow_part_unknown(SFE_TEXT(""), &err), SFE_E_CONFIG);
    assert_non_null(strstr(err.message, "{/name}"));
    assert_int_equal(flow_part_unknown(sfe_slice_make(huge, sizeof(huge)), &err), SFE_E_CONFIG);
    assert_non_null(strstr(err.message, "{/name}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelt_word_finds_the_right_one),
        cmocka_unit_test(a_wrong_argument_is_put_right),
        cmocka_unit_test(what_is_no_word_was_meant_as_a_field_of_the_payload),
        cmocka_unit_test(nothing_and_far_too_much_get_a_general_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
