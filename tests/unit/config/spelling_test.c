#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/spelling.h"

#define EACH(list)                                                                                 \
    size_t i = 0;                                                                                  \
    i < sizeof(list) / sizeof((list)[0]);                                                          \
    i++

static void names_are_lower_case_letters_digits_and_two_marks(void **state)
{
    static const char *const good[] = {"a", "0",          "-",
                                       "_", "abc-def_09", "abcdefghijabcdefghijabcdefghijab"};
    static const char *const bad[] = {"",   "A",   "a.b",      "a/b",
                                      "..", "a b", "\xc3\xa9", "abcdefghijabcdefghijabcdefghijabc"};

    (void)state;
    for (EACH(good)) {
        assert_true(spelling_is_name(sfe_slice_text(good[i])));
    }
    for (EACH(bad)) {
        assert_false(spelling_is_name(sfe_slice_text(bad[i])));
    }
}

static void identifiers_begin_with_a_letter(void **state)
{
    (void)state;
    assert_true(spelling_is_identifier(SFE_TEXT("Value__c"), 0));
    assert_true(spelling_is_identifier(SFE_TEXT("Parent__r.Id__c"), 1));
    assert_false(spelling_is_identifier(SFE_TEXT("Parent__r.Id__c"), 0));
    assert_false(spelling_is_identifier(SFE_TEXT("a.b.c"), 1));
    assert_false(spelling_is_identifier(SFE_TEXT(".a"), 1));
    assert_false(spelling_is_identifier(SFE_TEXT("a."), 1));
    assert_false(spelling_is_identifier(SFE_TEXT(""), 1));
    assert_false(spelling_is_identifier(SFE_TEXT("1a"), 0));
    assert_false(spelling_is_identifier(SFE_TEXT("_a"), 0));
    assert_false(spelling_is_identifier(SFE_TEXT("a-b"), 0));
}

static void pointers_begin_with_a_slash(void **state)
{
    (void)state;
    assert_true(spelling_is_pointer(SFE_TEXT("/")));
    assert_true(spelling_is_pointer(SFE_TEXT("/a/0/b~0c~1d")));
    assert_false(spelling_is_pointer(SFE_TEXT("")));
    assert_false(spelling_is_pointer(SFE_TEXT("a")));
    assert_false(spelling_is_pointer(SFE_TEXT("/~")));
    assert_false(spelling_is_pointer(SFE_TEXT("/~2")));
}

static void versions_begin_at_50(void **state)
{
    static const char *const bad[] = {"",       "v",     "v49.0", "v62",    "62.0",    "v62.1",
                                      "v062.0", "V62.0", "v6.0",  "v62.0 ", "v1000.0", "v6x.0"};

    (void)state;
    assert_true(spelling_is_version(SFE_TEXT("v50.0")));
    assert_true(spelling_is_version(SFE_TEXT("v62.0")));
    assert_true(spelling_is_version(SFE_TEXT("v100.0")));
    for (EACH(bad)) {
        assert_false(spelling_is_version(sfe_slice_text(bad[i])));
    }
}

static void topic_filters_follow_mqtt(void **state)
{
    static const char *const good[] = {
        "a",      "#",   "+", "/", "a/#", "+/+", "/a/+/b/#", "a b/\xc3\xa9", "$share/group/a/#",
        "$SYS/#", "a//b"};
    static const char *const bad[] = {"",          "a#",        "#/a",        "a/#/b",
                                      "a+",        "+a/b",      "a/b+/c",     "##",
                                      "++",        "$share",    "$share/",    "$share/g",
                                      "$share/g/", "$share//a", "$share/+/a", "$share/g/a#"};

    (void)state;
    for (EACH(good)) {
        assert_null(spelling_topic_problem(sfe_slice_text(good[i])));
    }
    for (EACH(bad)) {
        assert_non_null(spelling_topic_problem(sfe_slice_text(bad[i])));
    }
    assert_non_null(spelling_topic_problem(sfe_slice_make("a\0b", 3)));
}

static void urls_are_taken_apart(void **state)
{
    struct spelling_url url;

    (void)state;
    assert_null(spelling_read_url(SFE_TEXT("mqtt://broker.lan:1884/"), &url));
    assert_true(sfe_slice_equal(url.scheme, SFE_TEXT("mqtt")));
    assert_true(sfe_slice_equal(url.host, SFE_TEXT("broker.lan")));
    assert_int_equal(url.port, 1884);
    assert_null(spelling_read_url(SFE_TEXT("https://[fe80::1]:443"), &url));
    assert_true(sfe_slice_equal(url.host, SFE_TEXT("fe80::1")));
    assert_int_equal(url.port, 443);
    assert_null(spelling_read_url(SFE_TEXT("http://localhost"), &url));
    assert_int_equal(url.port, 0);
}

static void broken_urls_are_refused(void **state)
{
    static const char *const bad[] = {
        "",           "mqtt",           "mqtt:",         "mqtt:/",        "mqtt:host",
        "mqtt://",    "mqtt:///",       "mqtt://:1883",  "mqtt://a:",     "mqtt://a:b",
        "mqtt://a:0", "mqtt://a:65536", "mqtt://a:1:2",  "mqtt://a b",    "mqtt://a/b",
        "mqtt://a?b", "mqtt://a#b",     "mqtt://u:p@a",  "mqtt://u@a",    "mqtt://[",
        "mqtt://[]",  "mqtt://[::1",    "mqtt://[::1]x", "mqtt://[::1]:", "mqtt://[g]",
        "mqtt://a//"};
    struct spelling_url url;

    (void)state;
    for (EACH(bad)) {
        assert_non_null(spelling_read_url(sfe_slice_text(bad[i]), &url));
    }
}

static void only_this_host_is_loopback(void **state)
{
    static const char *const good[] = {"localhost", "127.0.0.1", "127.255.255.255", "::1"};
    static const char *const bad[] = {"",
                                      "127",
                                      "127.0.0",
                                      "127.0.0.256",
                                      "127.0.0.1.evil.example",
                                      "128.0.0.1",
                                      "localhost.evil.example",
                                      "::2",
                                      "127.0.0.1.",
                                      "127..0.1"};

    (void)state;
    for (EACH(good)) {
        assert_true(spelling_is_loopback(sfe_slice_text(good[i])));
    }
    for (EACH(bad)) {
        assert_false(spelling_is_loopback(sfe_slice_text(bad[i])));
    }
}

static void control_characters_are_found(void **state)
{
    (void)state;
    assert_false(spelling_has_control(SFE_TEXT("a \xc3\xa9~")));
    assert_true(spelling_has_control(SFE_TEXT("a\n")));
    assert_true(spelling_has_control(SFE_TEXT("a\x7f")));
    assert_true(spelling_has_control(sfe_slice_make("a\0", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_lower_case_letters_digits_and_two_marks),
        cmocka_unit_test(identifiers_begin_with_a_letter),
        cmocka_unit_test(pointers_begin_with_a_slash),
        cmocka_unit_test(versions_begin_at_50),
        cmocka_unit_test(topic_filters_follow_mqtt),
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(broken_urls_are_refused),
        cmocka_unit_test(only_this_host_is_loopback),
        cmocka_unit_test(control_characters_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
