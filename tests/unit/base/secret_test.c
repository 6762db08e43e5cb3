#include "unit.h"

#include "base/secret.h"

static uint8_t memory[8];
static struct sfe_error err;

static struct sfe_secret fresh(void)
{
    memset(memory, 0xAA, sizeof(memory));
    return (struct sfe_secret){memory, 0, sizeof(memory)};
}

static void a_shorter_secret_leaves_nothing_of_the_longer(void **state)
{
    struct sfe_secret secret = fresh();
    (void)state;
    assert_int_equal(sfe_secret_set(&secret, SFE_TEXT("password"), &err), SFE_OK);
    assert_slice(sfe_secret_reveal(&secret), "password");
    assert_int_equal(sfe_secret_set(&secret, SFE_TEXT("pin"), &err), SFE_OK);
    assert_slice(sfe_secret_reveal(&secret), "pin");
    assert_memory_equal(memory, "pin\0\0\0\0\0", 8);
}

static void a_secret_that_does_not_fit_is_refused_unnamed(void **state)
{
    struct sfe_secret secret = fresh();
    (void)state;
    assert_int_equal(sfe_secret_set(&secret, SFE_TEXT("old"), &err), SFE_OK);
    assert_int_equal(sfe_secret_set(&secret, SFE_TEXT("passwords"), &err), SFE_E_TOO_LARGE);
    assert_null(strstr(err.message, "passwords"));
    assert_slice(sfe_secret_reveal(&secret), "old");
}

static void wiping_leaves_zeros_and_no_secret(void **state)
{
    struct sfe_secret secret = fresh();
    (void)state;
    assert_int_equal(sfe_secret_set(&secret, SFE_TEXT("password"), &err), SFE_OK);
    sfe_secret_wipe(&secret);
    assert_int_equal(sfe_secret_reveal(&secret).size, 0);
    assert_memory_equal(memory, "\0\0\0\0\0\0\0\0", 8);
}

static void no_secret_is_an_empty_one(void **state)
{
    struct sfe_secret secret = {NULL, 0, 0};
    (void)state;
    assert_int_equal(sfe_secret_set(&secret, sfe_slice_text(NULL), &err), SFE_OK);
    assert_int_equal(sfe_secret_set(&secret, SFE_TEXT("x"), &err), SFE_E_TOO_LARGE);
    sfe_secret_wipe(&secret);
    assert_int_equal(sfe_secret_reveal(&secret).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shorter_secret_leaves_nothing_of_the_longer),
        cmocka_unit_test(a_secret_that_does_not_fit_is_refused_unnamed),
        cmocka_unit_test(wiping_leaves_zeros_and_no_secret),
        cmocka_unit_test(no_secret_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
