#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "salesforce/catalogue.h"
#include "salesforce/verdict.h"

#define BYTES (64u * 1024u)

static char text[BYTES];

static void every_row_and_every_status_is_in_the_catalogue(void **state)
{
    struct sfe_builder out = sfe_builder_make((uint8_t *)text, BYTES - 1);

    (void)state;
    sfe_catalogue_add(&out);
    assert_false(out.overflowed);
    text[out.size] = '\0';
    for (uint32_t i = 0; sfe_verdict_row(i) != NULL; i++) {
        assert_non_null(strstr(text, sfe_verdict_row(i)->code));
        assert_non_null(strstr(text, sfe_verdict_row(i)->advice));
    }
    for (uint32_t i = 0; sfe_verdict_status(i) != NULL; i++) {
        assert_non_null(strstr(text, sfe_verdict_status(i)->meaning));
    }
}

static void all_rows_of_one_code_are_told_and_no_other(void **state)
{
    struct sfe_builder out = sfe_builder_make((uint8_t *)text, BYTES - 1);

    (void)state;
    assert_true(sfe_catalogue_add_code(SFE_TEXT("DUPLICATE_VALUE"), &out));
    text[out.size] = '\0';
    const char *first = strstr(text, "`DUPLICATE_VALUE`");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "`DUPLICATE_VALUE`"));
    assert_null(strstr(text, "STRING_TOO_LONG"));
}

static void a_code_by_its_beginning_is_found(void **state)
{
    struct sfe_builder out = sfe_builder_make((uint8_t *)text, BYTES - 1);

    (void)state;
    assert_true(sfe_catalogue_add_code(SFE_TEXT("TXN_SECURITY_NO_ACCESS"), &out));
}

static void an_unknown_code_is_answered_with_the_defaults(void **state)
{
    struct sfe_builder out = sfe_builder_make((uint8_t *)text, BYTES - 1);

    (void)state;
    assert_false(sfe_catalogue_add_code(SFE_TEXT("NEVER_HEARD_OF_IT"), &out));
    text[out.size] = '\0';
    assert_non_null(strstr(text, "dead after 3 tries"));
    assert_non_null(strstr(text, "| 429 |"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_and_every_status_is_in_the_catalogue),
        cmocka_unit_test(all_rows_of_one_code_are_told_and_no_other),
        cmocka_unit_test(a_code_by_its_beginning_is_found),
        cmocka_unit_test(an_unknown_code_is_answered_with_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
