#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "run/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/sfedge-setup-XXXXXX";
static uint32_t mistakes;

static void report(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    (void)mistake;
    mistakes++;
}

static void write_config(const char *id, const char *value)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(
        fprintf(file,
                "{\"agent\":{\"id\":\"%s\"},\"connections\":{\"crm\":{\"type\":"
                "\"salesforce\",\"login_url\":\"https://x.example\",\"auth\":{\"flow\":"
                "\"jwt-bearer\",\"client_id\":\"c\",\"username\":\"u\",\"key_file\":\"%s\"}}},"
                "\"streams\":{\"s\":{}},\"inputs\":{},\"outputs\":{\"o\":{\"type\":"
                "\"salesforce-records\",\"connection\":\"crm\",\"from\":\"s\",\"records\":["
                "{\"object\":\"X__c\",\"external_id\":\"Id__c\",\"map\":{\"Id__c\":\"%s\"}}]}}}",
                id, path, value) > 0);
    assert_int_equal(fclose(file), 0);
}

static void a_setup_takes_what_it_needs_and_lives_as_long_as_it_is_held(void **state)
{
    struct sfe_setup *setup = NULL;
    struct sfe_error err;

    (void)state;
    mistakes = 0;
    write_config("first", "{/id}");
    assert_int_equal(sfe_setup_load(path, report, NULL, &setup, &err), SFE_OK);
    assert_int_equal(mistakes, 0);
    assert_true(sfe_arena_taken(setup->arena) < 64u * 1024u);
    assert_true(sfe_setup_hold(setup) == setup);
    sfe_setup_drop(setup);
    write_config("second", "{/id}");
    assert_string_equal(setup->config->agent.id, "first");
    assert_non_null(setup->compiled.outputs[0].maps[0]);
    assert_true(setup->compiled.connections[0].secret.size > 100);
    sfe_setup_drop(setup);
}

static void one_that_must_be_confirmed_has_its_text_and_is_made_of_it_again(void **state)
{
    struct sfe_setup *setup = NULL;
    struct sfe_setup *again = NULL;
    struct sfe_error err;

    (void)state;
    mistakes = 0;
    write_config("first", "{/id}");
    assert_int_equal(sfe_setup_load(path, report, NULL, &setup, &err), SFE_OK);
    assert_int_equal(setup->printed.size, 0);
    sfe_setup_drop(setup);
    write_config("first\",\"confirm_within\":\"90s", "{/id}");
    assert_int_equal(sfe_setup_load(path, report, NULL, &setup, &err), SFE_OK);
    assert_true(setup->printed.size > 100);
    write_config("second", "{/id}");
    assert_int_equal(sfe_setup_load_printed(path, setup->printed, report, NULL, &again, &err),
                     SFE_OK);
    assert_string_equal(again->config->agent.id, "first");
    assert_string_equal(again->config->path, path);
    assert_true(again->config->agent.confirm_within_ns == UINT64_C(90000000000));
    assert_true(sfe_slice_equal(again->printed, setup->printed));
    assert_true(again->compiled.connections[0].secret.size > 100);
    assert_int_equal(mistakes, 0);
    sfe_setup_drop(again);
    assert_int_equal(
        sfe_setup_load_printed(path, SFE_TEXT("{\"agent\":{}}"), report, NULL, &again, &err),
        SFE_E_CONFIG);
    assert_null(again);
    sfe_setup_drop(setup);
}

static void mistakes_of_the_file_and_of_its_templates_are_reported_once(void **state)
{
    struct sfe_setup *setup = NULL;
    struct sfe_error err;

    (void)state;
    mistakes = 0;
    write_config("first", "{tpoic}");
    assert_int_equal(sfe_setup_load(path, report, NULL, &setup, &err), SFE_E_CONFIG);
    assert_int_equal(mistakes, 1);
    assert_null(setup);
    mistakes = 0;
    write_config("", "{/id}");
    assert_int_equal(sfe_setup_load(path, report, NULL, &setup, &err), SFE_E_CONFIG);
    assert_int_equal(mistakes, 1);
    sfe_setup_drop(setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_setup_takes_what_it_needs_and_lives_as_long_as_it_is_held),
        cmocka_unit_test(one_that_must_be_confirmed_has_its_text_and_is_made_of_it_again),
        cmocka_unit_test(mistakes_of_the_file_and_of_its_templates_are_reported_once),
    };
    int failed;
    int fd = mkstemp(path);

    if (fd < 0) {
        return 1;
    }
    (void)close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
