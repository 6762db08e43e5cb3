#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/command.h"

#include <string.h>

static int run_words(const char *first, const char *second, const char *third)
{
    char words[4][64] = {"sfedge", "", "", ""};
    char *argv[5] = {words[0], NULL, NULL, NULL, NULL};
    const char *given[3] = {first, second, third};
    int argc = 1;

    for (int i = 0; i < 3 && given[i] != NULL; i++) {
        strncpy(words[argc], given[i], sizeof(words[0]) - 1);
        argv[argc] = words[argc];
        argc++;
    }
    return sfe_cli_main(argc, argv);
}

static void no_command_is_a_mistake_of_usage(void **state)
{
    (void)state;
    assert_int_equal(run_words(NULL, NULL, NULL), 64);
}

static void help_is_no_mistake(void **state)
{
    (void)state;
    assert_int_equal(run_words("help", NULL, NULL), 0);
    assert_int_equal(run_words("--help", NULL, NULL), 0);
}

static void version_is_said(void **state)
{
    (void)state;
    assert_int_equal(run_words("version", NULL, NULL), 0);
    assert_int_equal(run_words("--version", NULL, NULL), 0);
}

static void unknown_commands_and_options_are_refused(void **state)
{
    (void)state;
    assert_int_equal(run_words("chekc", NULL, NULL), 64);
    assert_int_equal(run_words("version", "--json", NULL), 64);
    assert_int_equal(run_words("check", "--config", NULL), 64);
}

static void a_configuration_that_is_not_there_is_code_78_or_66(void **state)
{
    int code;

    (void)state;
    code = run_words("check", "--config", "/nonexistent/sfedge.json");
    assert_int_not_equal(code, 0);
    assert_int_not_equal(code, 64);
}

static void every_command_has_a_summary_and_a_function(void **state)
{
    (void)state;
    for (const struct sfe_command *command = sfe_cli_commands(); command->name != NULL; command++) {
        assert_true(strlen(command->summary) > 5);
        assert_non_null(command->options);
        assert_true(command->run != NULL);
    }
}

static void no_two_options_share_a_key(void **state)
{
    (void)state;
    for (const struct sfe_option *option = sfe_cli_options(); option->name != NULL; option++) {
        assert_ptr_equal(sfe_cli_option(option->key), option);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_options_share_a_key),
        cmocka_unit_test(no_command_is_a_mistake_of_usage),
        cmocka_unit_test(help_is_no_mistake),
        cmocka_unit_test(version_is_said),
        cmocka_unit_test(unknown_commands_and_options_are_refused),
        cmocka_unit_test(a_configuration_that_is_not_there_is_code_78_or_66),
        cmocka_unit_test(every_command_has_a_summary_and_a_function),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
