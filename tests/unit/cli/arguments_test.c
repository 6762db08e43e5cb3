#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/arguments.h"

static const struct sfe_command SHOW = {"dead show", "", "cnj", NULL, "NUMBER ..."};
static const struct sfe_command CAT = {"stream cat", "", "cnj", NULL, "STREAM"};
static const struct sfe_command MAY = {"verify", "", "cE", NULL, "[STREAM]"};

static char words_memory[6][32];
static char *words[7];

/* Copies what a command line says into words that may be written to. */
static char **line(const char *first, const char *second, const char *third, const char *fourth)
{
    const char *given[] = {first, second, third, fourth};
    size_t count = 0;

    for (; count < 4 && given[count] != NULL; count++) {
        strncpy(words_memory[count], given[count], sizeof(words_memory[0]) - 1);
        words[count] = words_memory[count];
    }
    words[count] = NULL;
    return words;
}

static void options_may_stand_between_operands(void **state)
{
    struct sfe_arguments arguments = {0};

    (void)state;
    assert_true(arguments_read(&SHOW, line("3", "--json", "5", NULL), &arguments));
    assert_true(arguments.json);
    assert_int_equal(arguments.word_count, 2);
    assert_string_equal(arguments.words[0], "3");
    assert_string_equal(arguments.words[1], "5");
}

static void a_value_may_follow_its_option_or_stand_behind_an_equals_sign(void **state)
{
    struct sfe_arguments arguments = {0};

    (void)state;
    assert_true(arguments_read(&CAT, line("sales", "--count=7", "-c", "x.json"), &arguments));
    assert_string_equal(arguments.count, "7");
    assert_string_equal(arguments.config, "x.json");
    assert_true(arguments_read(&MAY, line("--event-id", "--json", NULL, NULL), &arguments));
    assert_string_equal(arguments.event_id, "--json");
}

static void what_the_command_does_not_take_is_refused(void **state)
{
    struct sfe_arguments arguments = {0};

    (void)state;
    assert_false(arguments_read(&CAT, line("sales", "--topic", "x", NULL), &arguments));
    assert_false(arguments_read(&CAT, line("sales", "--json=yes", NULL, NULL), &arguments));
    assert_false(arguments_read(&MAY, line("-E", "x", NULL, NULL), &arguments));
    assert_false(arguments_read(&CAT, line("sales", "--count", NULL, NULL), &arguments));
    assert_false(arguments_read(&CAT, line("sales", "--countx", "3", NULL), &arguments));
}

static void operands_are_counted(void **state)
{
    struct sfe_arguments none = {0};
    struct sfe_arguments many = {0};
    struct sfe_arguments left_out = {0};

    (void)state;
    assert_false(arguments_read(&CAT, line(NULL, NULL, NULL, NULL), &none));
    assert_false(arguments_read(&CAT, line("one", "two", NULL, NULL), &many));
    assert_true(arguments_read(&MAY, line(NULL, NULL, NULL, NULL), &left_out));
}

static void behind_two_hyphens_there_are_operands_only(void **state)
{
    struct sfe_arguments arguments = {0};

    (void)state;
    assert_true(arguments_read(&CAT, line("--", "--json", NULL, NULL), &arguments));
    assert_false(arguments.json);
    assert_string_equal(arguments.words[0], "--json");
}

static void numbers_are_decimal_and_within_64_bits(void **state)
{
    uint64_t number = 0;

    (void)state;
    assert_true(arguments_number("18446744073709551", &number));
    assert_int_equal(number, 18446744073709551u);
    assert_false(arguments_number("99999999999999999999", &number));
    assert_false(arguments_number("", &number));
    assert_false(arguments_number("-1", &number));
    assert_false(arguments_number("1x", &number));
}

static void ranges_do_not_go_backwards(void **state)
{
    uint64_t first = 0;
    uint64_t last = 0;

    (void)state;
    assert_true(arguments_range("7-9", &first, &last));
    assert_int_equal(first, 7);
    assert_int_equal(last, 9);
    assert_true(arguments_range("7", &first, &last));
    assert_int_equal(last, 7);
    assert_false(arguments_range("9-7", &first, &last));
    assert_false(arguments_range("0", &first, &last));
    assert_false(arguments_range("7-", &first, &last));
    assert_false(arguments_range("-7", &first, &last));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_between_operands),
        cmocka_unit_test(a_value_may_follow_its_option_or_stand_behind_an_equals_sign),
        cmocka_unit_test(what_the_command_does_not_take_is_refused),
        cmocka_unit_test(operands_are_counted),
        cmocka_unit_test(behind_two_hyphens_there_are_operands_only),
        cmocka_unit_test(numbers_are_decimal_and_within_64_bits),
        cmocka_unit_test(ranges_do_not_go_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
