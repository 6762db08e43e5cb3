#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "compile/compile.h"

#include <stdlib.h>
#include <string.h>

static struct sfe_arena *arena;
static struct sfe_compiled compiled;
static struct sfe_config config;
static struct sfe_error mistakes[4];
static uint32_t mistake_count;

static void report(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    assert_true(mistake_count < 4);
    mistakes[mistake_count++] = *mistake;
}

static int open_arena(void **state)
{
    struct sfe_error err;

    (void)state;
    mistake_count = 0;
    compiled = (struct sfe_compiled){0};
    return sfe_arena_open(1u << 20, &arena, &err) == SFE_OK ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    sfe_arena_close(arena);
    return 0;
}

static enum sfe_code compile(const char *first, const char *second, struct sfe_compiled *into)
{
    static const struct sfe_config_identity identities[] = {
        {.name = "one", .bearer = "env:SFEDGE_TEST_ONE"},
        {.name = "two", .hmac = "env:SFEDGE_TEST_TWO"}};
    struct sfe_error err;

    config = (struct sfe_config){
        .path = "sfedge.json", .identities = identities, .identity_count = second == NULL ? 1 : 2};
    assert_int_equal(setenv("SFEDGE_TEST_ONE", first, 1), 0);
    assert_int_equal(setenv("SFEDGE_TEST_TWO", second == NULL ? "" : second, 1), 0);
    return sfe_compile(&config, arena, report, NULL, into, &err);
}

static void assert_secret(struct sfe_slice secret, const char *text)
{
    assert_true(sfe_slice_equal(secret, sfe_slice_text(text)));
}

static void a_line_is_a_secret_and_two_are_good_at_once(void **state)
{
    (void)state;
    assert_int_equal(compile("first\r\nnext\n", "key", &compiled), SFE_OK);
    assert_secret(compiled.identities[0].secrets[0], "first");
    assert_secret(compiled.identities[0].secrets[1], "next");
    assert_secret(compiled.identities[1].secrets[0], "key");
    assert_secret(compiled.identities[1].secrets[1], "");
}

static void what_nobody_can_send_is_a_mistake_and_is_not_said(void **state)
{
    static const char *const wrong[] = {"a\nb\nc", "a\n\nb", "gehe im", "a\tb"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(compile(wrong[i], NULL, &compiled), SFE_E_CONFIG);
        assert_int_equal(mistake_count, i + 1);
        assert_non_null(strstr(mistakes[i].message, "identity \"one\""));
        assert_null(strstr(mistakes[i].message, "gehe"));
    }
}

static void two_identities_have_no_secret_in_common(void **state)
{
    (void)state;
    assert_int_equal(compile("first\nnext", "other\nnext", &compiled), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 1);
    assert_non_null(strstr(mistakes[0].message, "\"two\" has the secret of identity \"one\""));
}

static void another_secret_is_another_configuration(void **state)
{
    struct sfe_compiled other = {0};

    (void)state;
    assert_int_equal(compile("first", "key", &compiled), SFE_OK);
    assert_int_equal(compile("first", "key", &other), SFE_OK);
    assert_true(sfe_compiled_same_identities(&compiled, &other));
    assert_int_equal(compile("first", "key-2", &other), SFE_OK);
    assert_false(sfe_compiled_same_identities(&compiled, &other));
}

static void secrets_are_wiped(void **state)
{
    uint8_t *memory;

    (void)state;
    assert_int_equal(compile("geheim", NULL, &compiled), SFE_OK);
    memcpy(&memory, &compiled.identities[0].text.bytes, sizeof(memory));
    sfe_compiled_wipe(&compiled);
    assert_int_equal(memory[0], 0);
    assert_int_equal(compiled.identities[0].secrets[0].size, 0);
}

#define ARENA_TEST(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_line_is_a_secret_and_two_are_good_at_once),
        ARENA_TEST(what_nobody_can_send_is_a_mistake_and_is_not_said),
        ARENA_TEST(two_identities_have_no_secret_in_common),
        ARENA_TEST(another_secret_is_another_configuration),
        ARENA_TEST(secrets_are_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
