#include "unit/base/unit.h"

#include "salesforce/cookies.h"

static void assert_cookies(const struct cookies *cookies, const char *text)
{
    assert_true(sfe_slice_equal(cookies_slice(cookies), sfe_slice_text(text)));
}

static void what_is_set_comes_back_without_its_attributes(void **state)
{
    struct cookies cookies = {.size = 0};
    (void)state;

    assert_true(cookies_take(&cookies, SFE_TEXT("BAYEUX_BROWSER=abc=; Path=/cometd/; Secure\n"
                                                "LSKey-c$X=0:1; Path=/; Max-Age=31536000\n")));
    assert_cookies(&cookies, "BAYEUX_BROWSER=abc=; LSKey-c$X=0:1");
}

static void a_cookie_of_the_same_name_takes_the_place_of_the_one_before(void **state)
{
    struct cookies cookies = {.size = 0};
    (void)state;

    assert_true(cookies_take(&cookies, SFE_TEXT("a=1\nb=2\nc=3\n")));
    assert_true(cookies_take(&cookies, SFE_TEXT("b=4\n")));
    assert_cookies(&cookies, "a=1; c=3; b=4");
}

static void a_cookie_that_ends_is_gone(void **state)
{
    struct cookies cookies = {.size = 0};
    (void)state;

    assert_true(cookies_take(&cookies, SFE_TEXT("a=1\nb=2\nc=3\n")));
    assert_true(cookies_take(&cookies, SFE_TEXT("a=; Path=/\nc=x; max-age=0\n"
                                                "d=1; Max-Age=-1\n")));
    assert_cookies(&cookies, "b=2");
    cookies_forget(&cookies);
    assert_cookies(&cookies, "");
}

static void one_that_finds_no_room_is_told_and_costs_no_other(void **state)
{
    static char line[COOKIES_BYTES_MAX + 8u];
    struct cookies cookies = {.size = 0};
    (void)state;

    memset(line, 'x', sizeof(line) - 1u);
    line[1] = '=';
    assert_true(cookies_take(&cookies, SFE_TEXT("a=1\n")));
    assert_false(cookies_take(&cookies, sfe_slice_text(line)));
    assert_cookies(&cookies, "a=1");
    assert_true(cookies_take(&cookies, SFE_TEXT("\n=2\n;;\n")));
    assert_cookies(&cookies, "a=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_comes_back_without_its_attributes),
        cmocka_unit_test(a_cookie_of_the_same_name_takes_the_place_of_the_one_before),
        cmocka_unit_test(a_cookie_that_ends_is_gone),
        cmocka_unit_test(one_that_finds_no_room_is_told_and_costs_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
