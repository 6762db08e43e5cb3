#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/finding.h"

#include <string.h>

static struct sfe_finding last;

static void report(void *reader, const struct sfe_finding *finding)
{
    (void)reader;
    last = *finding;
}

static const struct sfe_doctor_options OPTIONS = {.report = report};
static const struct sfe_finding FAILURE = {
    .level = SFE_FINDING_FAIL, .check = "login", .subject = "crm", .code = SFE_E_AUTH};

static void advice_behind_an_arrow_is_the_fix(void **state)
{
    (void)state;
    finding_tell(&OPTIONS, &FAILURE, "refused: inactive user -> activate the user", NULL);
    assert_string_equal(last.message, "refused: inactive user");
    assert_string_equal(last.fix, "activate the user");
    assert_int_equal(last.code, SFE_E_AUTH);
}

static void a_fix_that_is_given_leaves_the_message_whole(void **state)
{
    (void)state;
    finding_tell(&OPTIONS, &FAILURE, "a -> b", "do this");
    assert_string_equal(last.message, "a -> b");
    assert_string_equal(last.fix, "do this");
}

static void long_messages_are_clipped(void **state)
{
    char text[1024];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    finding_tell(&OPTIONS, &FAILURE, text, text);
    assert_int_equal(strlen(last.message), sizeof(last.message) - 1);
    assert_int_equal(strlen(last.fix), sizeof(last.fix) - 1);
}

static void a_host_without_an_address_fails_at_its_setting(void **state)
{
    (void)state;
    assert_false(finding_lookup(&OPTIONS, "no..host", "/connections/site/url"));
    assert_int_equal(last.level, SFE_FINDING_FAIL);
    assert_string_equal(last.setting, "/connections/site/url");
    assert_true(finding_lookup(&OPTIONS, "127.0.0.1", ""));
    assert_int_equal(last.level, SFE_FINDING_OK);
}

static void a_setting_is_a_pointer_into_the_configuration(void **state)
{
    char setting[64];

    (void)state;
    finding_setting(setting, sizeof(setting), "crm", "auth/audience");
    assert_string_equal(setting, "/connections/crm/auth/audience");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_behind_an_arrow_is_the_fix),
        cmocka_unit_test(a_fix_that_is_given_leaves_the_message_whole),
        cmocka_unit_test(long_messages_are_clipped),
        cmocka_unit_test(a_host_without_an_address_fails_at_its_setting),
        cmocka_unit_test(a_setting_is_a_pointer_into_the_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
