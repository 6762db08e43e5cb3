#include "unit.h"

#include "base/error.h"

static struct sfe_error err;

static void fail_records_and_resets_what_was_there(void **state)
{
    (void)state;
    memset(&err, 0x55, sizeof(err));
    assert_int_equal(sfe_fail(&err, SFE_E_CORRUPT, "frame %d", 7), SFE_E_CORRUPT);
    assert_int_equal(err.code, SFE_E_CORRUPT);
    assert_int_equal(err.retry, SFE_RETRY_NEVER);
    assert_int_equal(err.os_errno, 0);
    assert_int_equal(err.http_status, 0);
    assert_int_equal(err.line, 0);
    assert_int_equal(err.column, 0);
    assert_string_equal(err.api_code, "");
    assert_string_equal(err.pointer, "");
    assert_string_equal(err.where, "");
    assert_string_equal(err.message, "frame 7");
}

static void a_message_is_made_printable_and_clipped(void **state)
{
    char text[600];
    (void)state;
    (void)sfe_fail(&err, SFE_E_SYNTAX, "a\n\x1b[31m\xff");
    assert_string_equal(err.message, "a??[31m?");
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)sfe_fail(&err, SFE_E_SYNTAX, "%s", text);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

static void a_message_may_be_made_of_the_one_before(void **state)
{
    (void)state;
    (void)sfe_fail(&err, SFE_E_NETWORK, "no route");
    assert_int_equal(sfe_fail(&err, SFE_E_TIMEOUT, "gave up: %s", err.message), SFE_E_TIMEOUT);
    assert_string_equal(err.message, "gave up: no route");
}

static void a_system_call_is_told_with_its_errno(void **state)
{
    (void)state;
    assert_int_equal(sfe_fail_os(&err, SFE_E_STORAGE, 2, "cannot open %s", "x"), SFE_E_STORAGE);
    assert_int_equal(err.os_errno, 2);
    assert_string_equal(err.message, "cannot open x: No such file or directory (2)");
}

static void context_goes_in_front_and_the_rest_stays(void **state)
{
    (void)state;
    (void)sfe_fail(&err, SFE_E_SYNTAX, "expected ','");
    assert_int_equal(sfe_error_at(&err, "sfedge.json", "/a/b", 3, 14), SFE_E_SYNTAX);
    assert_int_equal(sfe_within(&err, "cannot load %s", "it"), SFE_E_SYNTAX);
    assert_string_equal(err.message, "cannot load it: expected ','");
    assert_string_equal(err.where, "sfedge.json");
    assert_string_equal(err.pointer, "/a/b");
    assert_int_equal(err.line, 3);
    assert_int_equal(err.column, 14);
    assert_int_equal(sfe_error_at(&err, NULL, NULL, 4, 1), SFE_E_SYNTAX);
    assert_string_equal(err.where, "sfedge.json");
}

static void an_api_answer_says_what_to_do(void **state)
{
    (void)state;
    (void)sfe_fail(&err, SFE_E_API, "row locked");
    assert_int_equal(sfe_error_api(&err, 400, "UNABLE_TO_LOCK_ROW", SFE_RETRY_ALONE), SFE_E_API);
    assert_int_equal(err.http_status, 400);
    assert_int_equal(err.retry, SFE_RETRY_ALONE);
    assert_string_equal(err.api_code, "UNABLE_TO_LOCK_ROW");
    assert_string_equal(err.message, "row locked");
}

static void every_code_has_its_own_name_and_a_known_exit(void **state)
{
    static const int known[] = {0, 64, 65, 69, 70, 74, 75, 77, 78};
    (void)state;
    for (int code = SFE_OK; code <= SFE_E_CRYPTO; code++) {
        const char *name = sfe_code_name((enum sfe_code)code);
        bool is_known = false;
        assert_non_null(name);
        assert_memory_equal(name, "SFE-", 4);
        for (int other = SFE_OK; other < code; other++) {
            assert_string_not_equal(name, sfe_code_name((enum sfe_code)other));
        }
        for (size_t i = 0; i < COUNT_OF(known); i++) {
            is_known = is_known || known[i] == sfe_code_exit((enum sfe_code)code);
        }
        assert_true(is_known);
    }
    assert_string_equal(sfe_code_name(SFE_E_STORAGE), "SFE-STORAGE");
    assert_int_equal(sfe_code_exit(SFE_OK), 0);
    assert_int_equal(sfe_code_exit(SFE_E_CONFIG), 78);
    assert_int_equal(sfe_code_exit(SFE_E_USAGE), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_records_and_resets_what_was_there),
        cmocka_unit_test(a_message_is_made_printable_and_clipped),
        cmocka_unit_test(a_message_may_be_made_of_the_one_before),
        cmocka_unit_test(a_system_call_is_told_with_its_errno),
        cmocka_unit_test(context_goes_in_front_and_the_rest_stays),
        cmocka_unit_test(an_api_answer_says_what_to_do),
        cmocka_unit_test(every_code_has_its_own_name_and_a_known_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
