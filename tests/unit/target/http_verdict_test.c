#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "target/http_verdict.h"

static void every_status_has_its_usual_meaning(void **state)
{
    struct sfe_http_settle settle;
    static const struct {
        uint16_t status;
        enum sfe_http_fate fate;
    } cases[] = {
        {200, SFE_HTTP_DONE},         {299, SFE_HTTP_DONE},         {301, SFE_HTTP_STOP},
        {307, SFE_HTTP_STOP},         {400, SFE_HTTP_DEAD},         {401, SFE_HTTP_STOP},
        {403, SFE_HTTP_STOP},         {404, SFE_HTTP_DEAD},         {407, SFE_HTTP_STOP},
        {408, SFE_HTTP_TARGET_AGAIN}, {409, SFE_HTTP_DEAD},         {413, SFE_HTTP_DEAD},
        {425, SFE_HTTP_TARGET_AGAIN}, {429, SFE_HTTP_TARGET_AGAIN}, {500, SFE_HTTP_TARGET_AGAIN},
        {599, SFE_HTTP_TARGET_AGAIN}, {101, SFE_HTTP_TARGET_AGAIN}, {0, SFE_HTTP_TARGET_AGAIN},
        {999, SFE_HTTP_TARGET_AGAIN},
    };

    (void)state;
    sfe_http_settle_make(&settle);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sfe_http_settle_find(&settle, cases[i].status), cases[i].fate);
    }
}

static void a_status_or_a_hundred_is_overridden(void **state)
{
    struct sfe_http_settle settle;

    (void)state;
    sfe_http_settle_make(&settle);
    assert_true(sfe_http_settle_set(&settle, SFE_TEXT("4xx"), SFE_HTTP_EVENT_AGAIN));
    assert_true(sfe_http_settle_set(&settle, SFE_TEXT("409"), SFE_HTTP_DONE));
    assert_int_equal(sfe_http_settle_find(&settle, 400), SFE_HTTP_EVENT_AGAIN);
    assert_int_equal(sfe_http_settle_find(&settle, 499), SFE_HTTP_EVENT_AGAIN);
    assert_int_equal(sfe_http_settle_find(&settle, 409), SFE_HTTP_DONE);
    assert_int_equal(sfe_http_settle_find(&settle, 399), SFE_HTTP_STOP);
    assert_int_equal(sfe_http_settle_find(&settle, 500), SFE_HTTP_TARGET_AGAIN);
    assert_true(sfe_http_settle_set(&settle, SFE_TEXT("599"), SFE_HTTP_DEAD));
    assert_int_equal(sfe_http_settle_find(&settle, 599), SFE_HTTP_DEAD);
}

static void what_is_no_status_is_refused(void **state)
{
    static const char *const bad[] = {"", "40", "4000", "600", "099", "4x9", "40x", "xxx", "-12"};
    struct sfe_http_settle settle;

    (void)state;
    sfe_http_settle_make(&settle);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(sfe_http_settle_set(&settle, sfe_slice_text(bad[i]), SFE_HTTP_DONE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_usual_meaning),
        cmocka_unit_test(a_status_or_a_hundred_is_overridden),
        cmocka_unit_test(what_is_no_status_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
