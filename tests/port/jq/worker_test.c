#include "asking.h"

#include <stdio.h>

static struct asking asking;

static void a_program_has_one_result_none_several_or_an_error(void **state)
{
    static const struct {
        const char *program;
        const char *value;
        enum sfe_jq_kind kind;
        const char *text;
    } rows[] = {
        {".lines |= map(select(.qty > 0))", "{\"lines\":[{\"qty\":1},{\"qty\":0}]}", SFE_JQ_RESULT,
         "{\"lines\":[{\"qty\":1}]}"},
        {".", "{\"a\":\"\\u0000\\ud83d\\ude00\"}", SFE_JQ_RESULT,
         "{\"a\":\"\\u0000\xf0\x9f\x98\x80\"}"},
        {"empty", "1", SFE_JQ_NONE, ""},
        {".[]", "[1,2]", SFE_JQ_SEVERAL, ""},
        {"range(1e18)", "1", SFE_JQ_SEVERAL, ""},
        {".a.b", "{\"a\":1}", SFE_JQ_FAILED, "Cannot index number with string \"b\""},
        {"error({a:1})", "1", SFE_JQ_FAILED, "{\"a\":1}"},
        {"1, error(\"late\")", "1", SFE_JQ_FAILED, "late"},
        {"halt", "1", SFE_JQ_FAILED, "halt and halt_error end no event"},
        {"input", "1", SFE_JQ_FAILED, "break"},
        {"\"x\" * 60001", "1", SFE_JQ_TOO_LARGE, ""},
        {"env + $ENV", "1", SFE_JQ_RESULT, "{}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct sfe_jq_options options = asking_options(rows[i].program);
        asking_start(&asking, &options);
        asking_give(&asking, rows[i].value);
        assert_true(asking_next(&asking));
        if (asking.kind != rows[i].kind || strcmp(asking.text, rows[i].text) != 0) {
            fail_msg("%s: %d %s", rows[i].program, (int)asking.kind, asking.text);
        }
        asking_give(&asking, rows[i].value); /* It is as before: nothing of it ended the worker. */
        assert_true(asking_next(&asking));
        assert_int_equal(asking.kind, rows[i].kind);
        (void)sfe_jq_stop(&asking.jq);
    }
}

static void what_takes_too_much_ends_the_worker_and_says_of_what(void **state)
{
    static const struct {
        const char *program;
        enum sfe_jq_end end;
    } rows[] = {
        {"last(range(1e18))", SFE_JQ_TIME},
        {"[limit(1e9; repeat(1))]", SFE_JQ_MEMORY},
        {"def f: 1 + f; f", SFE_JQ_MEMORY},
        {"reduce range(1e9) as $i (\"x\"; . + .)", SFE_JQ_MEMORY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sfe_jq_options options = asking_options(rows[i].program);
        options.cpu_ms = rows[i].end == SFE_JQ_TIME ? 300 : 30000;
        asking_start(&asking, &options);
        asking_give(&asking, "1");
        assert_false(asking_next(&asking));
        const enum sfe_jq_end end = sfe_jq_stop(&asking.jq);
        if (end != rows[i].end) {
            fail_msg("%s: %d", rows[i].program, (int)end);
        }
    }
}

static void what_is_nested_too_deep_for_libjq_is_a_fault_or_takes_too_much(void **state)
{
    struct sfe_jq_options options = asking_options("reduce range(1e6) as $i (0; [.])");

    (void)state;
    options.memory_bytes = 512u << 20;
    options.cpu_ms = 30000;
    asking_start(&asking, &options);
    asking_give(&asking, "1");
    assert_false(asking_next(&asking));
    const enum sfe_jq_end end = sfe_jq_stop(&asking.jq);
    assert_true(end == SFE_JQ_FAULT || end == SFE_JQ_MEMORY);
}

static void the_time_of_one_value_is_not_that_of_the_next(void **state)
{
    const struct sfe_jq_options options = asking_options("[range(.)] | length");

    (void)state;
    asking_start(&asking, &options);
    for (uint32_t i = 0; i < 20; i++) { /* Together far more than 300 ms. */
        asking_give(&asking, "200000");
        assert_true(asking_next(&asking));
        assert_string_equal(asking.text, "200000");
    }
    (void)sfe_jq_stop(&asking.jq);
}

static void a_worker_can_open_no_file_and_has_none(void **state)
{
    struct sfe_error err = {0};
    const struct sfe_jq_options include = asking_options("include \"/etc/passwd\"; .");
    const struct sfe_jq_options import = asking_options("import \"/etc/passwd\" as $d; $d");

    (void)state;
    assert_int_equal(sfe_jq_check(&include, &err), SFE_E_CONFIG);
    assert_int_equal(sfe_jq_check(&import, &err), SFE_E_CONFIG);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_has_one_result_none_several_or_an_error),
        cmocka_unit_test(what_takes_too_much_ends_the_worker_and_says_of_what),
        cmocka_unit_test(what_is_nested_too_deep_for_libjq_is_a_fault_or_takes_too_much),
        cmocka_unit_test(the_time_of_one_value_is_not_that_of_the_next),
        cmocka_unit_test(a_worker_can_open_no_file_and_has_none),
    };

    if (sfe_jq_is_worker(argc, argv)) {
        return sfe_jq_work(argc, argv);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
