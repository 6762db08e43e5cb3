#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "compile/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREDENTIALS "CREDENTIALS_DIRECTORY"

static struct sfe_arena *arena;
static struct sfe_compiled compiled;
static struct sfe_error mistakes[8];
static uint32_t mistake_count;

static void report(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    assert_true(mistake_count < 8);
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

static enum sfe_code compile(const struct sfe_config_connection *connection)
{
    static struct sfe_config config;
    struct sfe_error err;

    config = (struct sfe_config){
        .path = "sfedge.json", .connections = connection, .connection_count = 1};
    return sfe_compile(&config, arena, report, NULL, &compiled, &err);
}

static struct sfe_config_connection salesforce(void)
{
    return (struct sfe_config_connection){.name = "crm", .type = SFE_CONNECTION_SALESFORCE};
}

static void assert_secret(struct sfe_slice secret, const char *text)
{
    assert_int_equal(secret.size, strlen(text));
    assert_memory_equal(secret.bytes, text, strlen(text) + 1); /* A NUL stands behind it. */
}

static void a_secret_is_taken_from_the_environment(void **state)
{
    struct sfe_config_connection crm = salesforce();

    (void)state;
    crm.salesforce.client_secret = "env:SFEDGE_TEST_SECRET";
    assert_int_equal(setenv("SFEDGE_TEST_SECRET", "geheim", 1), 0);
    assert_int_equal(compile(&crm), SFE_OK);
    assert_secret(compiled.connections[0].secret, "geheim");
    assert_int_equal(unsetenv("SFEDGE_TEST_SECRET"), 0);
    assert_int_equal(compile(&crm), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 1);
    assert_non_null(strstr(mistakes[0].message, "SFEDGE_TEST_SECRET is not set"));
    assert_non_null(strstr(mistakes[0].message, "client_secret"));
}

static void refresh_tokens_and_the_apps_secret_are_two_secrets(void **state)
{
    struct sfe_config_connection crm = salesforce();

    (void)state;
    crm.salesforce.flow = SFE_AUTH_REFRESH_TOKEN;
    crm.salesforce.client_secret = "env:SFEDGE_TEST_SECRET";
    crm.salesforce.refresh_token = "env:SFEDGE_TEST_TOKENS";
    assert_int_equal(setenv("SFEDGE_TEST_SECRET", "geheim", 1), 0);
    assert_int_equal(setenv("SFEDGE_TEST_TOKENS", "5Aep.a\n5Aep.b\n", 1), 0);
    assert_int_equal(compile(&crm), SFE_OK);
    assert_secret(compiled.connections[0].secret, "geheim");
    assert_secret(compiled.connections[0].refresh_tokens, "5Aep.a\n5Aep.b");
    sfe_compiled_wipe(&compiled);
    assert_int_equal(compiled.connections[0].refresh_tokens.size, 0);
}

static void a_secret_is_taken_from_a_credential_of_the_service_manager(void **state)
{
    struct sfe_config_connection crm = salesforce();
    char folder[] = "/tmp/sfedge-credentials-XXXXXX";
    char path[64];
    FILE *file;

    (void)state;
    crm.salesforce.proxy_password = "credential:proxy";
    assert_non_null(mkdtemp(folder));
    assert_true(snprintf(path, sizeof(path), "%s/proxy", folder) < (int)sizeof(path));
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("geheim\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(setenv(CREDENTIALS, folder, 1), 0);
    assert_int_equal(compile(&crm), SFE_OK);
    assert_secret(compiled.connections[0].proxy_password, "geheim");
    sfe_compiled_wipe(&compiled);
    assert_int_equal(compiled.connections[0].proxy_password.size, 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(compile(&crm), SFE_E_CONFIG);
    assert_int_equal(unsetenv(CREDENTIALS), 0);
    assert_int_equal(compile(&crm), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 2);
    assert_non_null(strstr(mistakes[1].message, "LoadCredential=proxy"));
}

static void certificates_must_be_there(void **state)
{
    struct sfe_config_connection crm = salesforce();

    (void)state;
    crm.salesforce.ca_file = "/nonexistent/ca.pem";
    crm.salesforce.cert_file = "/dev/null";
    assert_int_equal(compile(&crm), SFE_E_CONFIG);
    assert_int_equal(mistake_count, 2);
    assert_non_null(strstr(mistakes[0].message, "tls.ca_file"));
    assert_non_null(strstr(mistakes[1].message, "tls.cert_file is empty"));
}

static void no_proxy_is_joined_by_commas(void **state)
{
    static const char *const hosts[] = {"lan", "10.0.0.0/8"};
    struct sfe_config_connection crm = salesforce();

    (void)state;
    assert_int_equal(compile(&crm), SFE_OK);
    assert_null(compiled.connections[0].no_proxy);
    crm.salesforce.no_proxy = hosts;
    crm.salesforce.no_proxy_count = 2;
    assert_int_equal(compile(&crm), SFE_OK);
    assert_string_equal(compiled.connections[0].no_proxy, "lan,10.0.0.0/8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_secret_is_taken_from_the_environment, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(refresh_tokens_and_the_apps_secret_are_two_secrets,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_secret_is_taken_from_a_credential_of_the_service_manager,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(certificates_must_be_there, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(no_proxy_is_joined_by_commas, open_arena, close_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
