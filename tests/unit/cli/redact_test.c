#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "cli/redact.h"

#include <string.h>

static char shown[4096];

static const char *redacted(const char *text)
{
    struct sfe_builder out = sfe_builder_make(shown, sizeof(shown) - 1);
    struct sfe_arena *arena = NULL;
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(4u << 20, &arena, &err), SFE_OK);
    assert_int_equal(redact_add(sfe_slice_text(text), arena, &out, &err), SFE_OK);
    sfe_arena_close(arena);
    assert_false(out.overflowed);
    shown[out.size] = '\0';
    return shown;
}

static void what_says_where_a_secret_is_stays_and_a_secret_goes(void **state)
{
    (void)state;
    assert_string_equal(redacted("{\"password\": \"env:PW\", \"bearer\": \"credential:a\"}"),
                        "{\"password\": \"env:PW\", \"bearer\": \"credential:a\"}");
    assert_string_equal(redacted("{\"password\": \"x\", \"client_secret\": \"y\"}"),
                        "{\"password\": \"removed\", \"client_secret\": \"removed\"}");
    assert_string_equal(redacted("{\"key_file\": \"/etc/k\", \"hmac_header\": \"X-Sig\"}"),
                        "{\"key_file\": \"/etc/k\", \"hmac_header\": \"X-Sig\"}");
    assert_string_equal(redacted("{\"keys\": [\"a\", \"b\"], \"key\": \"/sale_id\"}"),
                        "{\"keys\": [\"removed\", \"removed\"], \"key\": \"/sale_id\"}");
}

static void below_headers_and_bodies_no_text_stays_and_behind_them_all_does(void **state)
{
    (void)state;
    assert_string_equal(
        redacted("{\"headers\": {\"X-Key\": \"a\", \"B\": {\"from\": \"b\"}}, \"url\": \"u\",\n"
                 "// default\n\"body\": \"c\", \"n\": 5}"),
        "{\"headers\": {\"X-Key\": \"removed\", \"B\": {\"from\": \"removed\"}}, \"url\": "
        "\"u\",\n// default\n\"body\": \"removed\", \"n\": 5}");
}

static void addresses_lose_user_and_query_and_nothing_else(void **state)
{
    (void)state;
    assert_string_equal(redacted("[\"https://u:p@h:1/a@b?c=d#e\", \"mqtt://h:1883\", \"a?b@c\"]"),
                        "[\"https://removed@h:1/a@b?removed\", \"mqtt://h:1883\", \"a?b@c\"]");
    assert_string_equal(redacted("{\"a\": \"https:\\/\\/u:p@h\"}"), "{\"a\": \"removed\"}");
    assert_string_equal(redacted("{\"a\": \"x://\"}"), "{\"a\": \"x://\"}");
}

static void what_is_no_json_is_not_shown_at_all(void **state)
{
    struct sfe_builder out = sfe_builder_make(shown, sizeof(shown));
    struct sfe_arena *arena = NULL;
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_arena_open(4u << 20, &arena, &err), SFE_OK);
    assert_int_equal(redact_add(SFE_TEXT("{\"a\": "), arena, &out, &err), SFE_E_SYNTAX);
    assert_int_equal(out.size, 0);
    sfe_arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_says_where_a_secret_is_stays_and_a_secret_goes),
        cmocka_unit_test(below_headers_and_bodies_no_text_stays_and_behind_them_all_does),
        cmocka_unit_test(addresses_lose_user_and_query_and_nothing_else),
        cmocka_unit_test(what_is_no_json_is_not_shown_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
