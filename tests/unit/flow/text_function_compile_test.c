#include "fixture.h"

#include "flow/text_function.h"

static const char *mistake(const char *text)
{
    struct flow_functions compiled;

    assert_int_equal(
        flow_functions_compile(sfe_slice_text(text), fixture.arena, &compiled, &fixture.err),
        SFE_E_CONFIG);
    return fixture.err.message;
}

static void a_wrong_name_is_told_the_right_one(void **state)
{
    (void)state;
    assert_string_equal(mistake("trmi"), "unknown function \"trmi\"; did you mean trim?");
    assert_non_null(strstr(mistake("Upper"), "did you mean upper?"));
    assert_non_null(strstr(mistake("substring:1"), "there are trim, upper"));
    assert_non_null(strstr(mistake(""), "unknown function \"\""));
    assert_non_null(strstr(mistake("trim|"), "unknown function \"\""));
}

static void wrong_arguments_are_told_the_right_form(void **state)
{
    static const char *const wrong[] = {"slice",
                                        "slice:x",
                                        "slice:1:-1",
                                        "slice:1:2:3",
                                        "slice:",
                                        "slice:99999",
                                        "pad",
                                        "pad:-1",
                                        "pad:3:",
                                        "replace",
                                        "replace::x",
                                        "split:/",
                                        "split::1",
                                        "split:/:x",
                                        "trim:1",
                                        "slice:-",
                                        "slice:1:99999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_non_null(strstr(mistake(wrong[i]), " is written "));
    }
    assert_non_null(strstr(mistake("pad:3:ab"), "one character"));
    assert_non_null(strstr(mistake("pad:257"), "at most 256"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_name_is_told_the_right_one),
        TEST(wrong_arguments_are_told_the_right_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
