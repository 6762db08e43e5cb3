#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/keys.h"

static void rows_of_outputs_are_the_last_of_the_table(void **state)
{
    const struct config_rows outputs = keys_output_rows();

    (void)state;
    assert_true(outputs.count > 0 && outputs.count < keys_count());
    for (uint32_t i = 0; i < outputs.count; i++) {
        assert_ptr_equal(keys_row(keys_count() - outputs.count + i), &outputs.rows[i]);
    }
}

static void every_row_has_its_number(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < keys_count(); i++) {
        assert_int_equal(keys_number(keys_row(i)), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_outputs_are_the_last_of_the_table),
        cmocka_unit_test(every_row_has_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
