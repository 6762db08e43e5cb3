#include "port/mbedtls/tls_world.h"

static enum sfe_code check(struct tls_world *world, const char *ca_file, const char *cert_file,
                           const char *key_file)
{
    const struct sfe_tls_options options = {
        .ca_file = ca_file, .cert_file = cert_file, .key_file = key_file};

    return sfe_tls_check(&options, &world->err);
}

static void files_that_fit_are_read(void **state)
{
    struct tls_world *world = *state;

    assert_int_equal(check(world, world->authority.cert_file, NULL, NULL), SFE_OK);
    assert_int_equal(
        check(world, world->authority.cert_file, world->server.cert_file, world->server.key_file),
        SFE_OK);
}

static void file_that_is_missing_or_no_pem_is_named(void **state)
{
    struct tls_world *world = *state;
    const char *key_file = world->server.key_file;

    assert_int_equal(check(world, "/nowhere/ca.crt", NULL, NULL), SFE_E_NOT_FOUND);
    assert_non_null(strstr(world->err.message, "/nowhere/ca.crt"));
    assert_int_equal(check(world, key_file, NULL, NULL), SFE_E_CONFIG);
    assert_non_null(strstr(world->err.message, key_file));
    assert_int_equal(
        check(world, world->authority.cert_file, world->server.cert_file, world->server.cert_file),
        SFE_E_CONFIG);
    assert_non_null(strstr(world->err.message, "no private key (PEM)"));
}

static void key_of_another_certificate_is_refused(void **state)
{
    struct tls_world *world = *state;

    assert_int_equal(check(world, world->authority.cert_file, world->server.cert_file,
                           world->authority.key_file),
                     SFE_E_CONFIG);
    assert_non_null(strstr(world->err.message, "is not that of"));
}

static void key_that_others_can_read_is_refused(void **state)
{
    struct tls_world *world = *state;

    assert_int_equal(chmod(world->server.key_file, 0644), 0);
    assert_int_equal(
        check(world, world->authority.cert_file, world->server.cert_file, world->server.key_file),
        SFE_E_PERMISSION);
}

static void certificate_cut_short_is_refused(void **state)
{
    struct tls_world *world = *state;
    char pem[PEM_BYTES];
    FILE *file = fopen(world->authority.cert_file, "r");
    size_t size;

    assert_non_null(file);
    size = fread(pem, 1, sizeof(pem) - 1, file);
    assert_int_equal(fclose(file), 0);
    pem[size / 2] = '\0';
    write_pem(world->authority.cert_file, pem);
    assert_int_equal(check(world, world->authority.cert_file, NULL, NULL), SFE_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(files_that_fit_are_read),
        WORLD_TEST(file_that_is_missing_or_no_pem_is_named),
        WORLD_TEST(key_of_another_certificate_is_refused),
        WORLD_TEST(key_that_others_can_read_is_refused),
        WORLD_TEST(certificate_cut_short_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
