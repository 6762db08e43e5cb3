#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"

#include <string.h>

static void fill_reaches_the_last_byte_and_differs(void **state)
{
    struct sfe_entropy entropy;
    struct sfe_error err;
    uint8_t first[1000] = {0};
    uint8_t second[1000] = {0};
    uint8_t zeros[16] = {0};
    (void)state;
    sfe_posix_entropy(&entropy);
    assert_int_equal(entropy.fill(entropy.context, first, sizeof(first), &err), SFE_OK);
    assert_int_equal(entropy.fill(entropy.context, second, sizeof(second), &err), SFE_OK);
    assert_memory_not_equal(first, second, sizeof(first));
    assert_memory_not_equal(first + sizeof(first) - 16, zeros, 16);
}

static void fill_of_nothing_touches_nothing(void **state)
{
    struct sfe_entropy entropy;
    struct sfe_error err;
    uint8_t byte = 7;
    (void)state;
    sfe_posix_entropy(&entropy);
    assert_int_equal(entropy.fill(entropy.context, &byte, 0, &err), SFE_OK);
    assert_int_equal(byte, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fill_reaches_the_last_byte_and_differs),
        cmocka_unit_test(fill_of_nothing_touches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
