#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <stdio.h>
#include <string.h>

#define EXPONENT 65537

/* Made once: 2048 bits take some tenths of a second. */
static struct {
    struct sfe_crypto crypto;
    mbedtls_pk_context pk;
    unsigned char pem[4096];
    unsigned char der[4096];
    size_t der_size;
} made;

static int fill_random(void *context, unsigned char *bytes, size_t size)
{
    struct sfe_entropy entropy;
    struct sfe_error err;
    (void)context;
    sfe_posix_entropy(&entropy);
    return entropy.fill(entropy.context, bytes, size, &err) == SFE_OK ? 0 : -1;
}

static void make_rsa(mbedtls_pk_context *pk, unsigned bits)
{
    mbedtls_pk_init(pk);
    assert_int_equal(mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)), 0);
    assert_int_equal(mbedtls_rsa_gen_key(mbedtls_pk_rsa(*pk), fill_random, NULL, bits, EXPONENT),
                     0);
}

static int make_all(void **state)
{
    struct sfe_entropy entropy;
    struct sfe_error err;
    (void)state;
    sfe_posix_entropy(&entropy);
    assert_int_equal(sfe_mbedtls_crypto_open(&entropy, &made.crypto, &err), SFE_OK);
    make_rsa(&made.pk, 2048);
    assert_int_equal(mbedtls_pk_write_key_pem(&made.pk, made.pem, sizeof(made.pem)), 0);
    int size = mbedtls_pk_write_key_der(&made.pk, made.der, sizeof(made.der));
    assert_true(size > 0);
    made.der_size = (size_t)size;
    memmove(made.der, made.der + sizeof(made.der) - made.der_size, made.der_size);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    mbedtls_pk_free(&made.pk);
    sfe_mbedtls_crypto_close(&made.crypto);
    return 0;
}

static struct sfe_slice pem_of_made(void)
{
    size_t size = 0;
    while (made.pem[size] != '\0') {
        size++;
    }
    return sfe_slice_make(made.pem, size);
}

/* Signs with `key` and verifies with the public half that the test made. */
static void check_signature(struct sfe_key *key, struct sfe_slice message)
{
    uint8_t signature[512];
    uint8_t digest[32];
    size_t size = sizeof(signature);
    struct sfe_error err;
    assert_int_equal(
        made.crypto.sign_rs256(made.crypto.context, key, message, signature, &size, &err), SFE_OK);
    assert_int_equal(size, 256);
    made.crypto.sha256(made.crypto.context, message, digest);
    assert_int_equal(
        mbedtls_pk_verify(&made.pk, MBEDTLS_MD_SHA256, digest, sizeof(digest), signature, size), 0);
    digest[31] ^= 1;
    assert_int_not_equal(
        mbedtls_pk_verify(&made.pk, MBEDTLS_MD_SHA256, digest, sizeof(digest), signature, size), 0);
}

static void signature_verifies_with_the_public_key(void **state)
{
    struct sfe_key *key = NULL;
    struct sfe_error err;
    (void)state;
    assert_int_equal(made.crypto.key_open(made.crypto.context, pem_of_made(), &key, &err), SFE_OK);
    check_signature(key, SFE_TEXT("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJlZGdlIn0"));
    check_signature(key, SFE_TEXT(""));
    made.crypto.key_close(made.crypto.context, key);
}

/* RFC 5208: version 0, rsaEncryption, and the PKCS#1 key as an octet string. */
static void key_in_pkcs8_is_read_as_well(void **state)
{
    static const uint8_t algorithm[] = {0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                        0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x04, 0x82};
    static uint8_t der[4096];
    static uint8_t pem[8192];
    struct sfe_builder binary = sfe_builder_make(der, sizeof(der));
    struct sfe_builder text = sfe_builder_make(pem, sizeof(pem));
    struct sfe_key *key = NULL;
    struct sfe_error err;
    size_t whole = sizeof(algorithm) + 2 + made.der_size;
    (void)state;
    sfe_builder_add_byte(&binary, 0x30);
    sfe_builder_add_byte(&binary, 0x82);
    sfe_builder_add_byte(&binary, (uint8_t)(whole >> 8));
    sfe_builder_add_byte(&binary, (uint8_t)(whole & 0xffu));
    sfe_builder_add(&binary, sfe_slice_make(algorithm, sizeof(algorithm)));
    sfe_builder_add_byte(&binary, (uint8_t)(made.der_size >> 8));
    sfe_builder_add_byte(&binary, (uint8_t)(made.der_size & 0xffu));
    sfe_builder_add(&binary, sfe_slice_make(made.der, made.der_size));
    sfe_builder_add_text(&text, "-----BEGIN PRIVATE KEY-----\n");
    sfe_builder_add_base64(&text, sfe_builder_slice(&binary));
    sfe_builder_add_text(&text, "\n-----END PRIVATE KEY-----\n");
    assert_int_equal(
        made.crypto.key_open(made.crypto.context, sfe_builder_slice(&text), &key, &err), SFE_OK);
    check_signature(key, SFE_TEXT("x"));
    made.crypto.key_close(made.crypto.context, key);
}

static void check_refused(struct sfe_slice pem)
{
    struct sfe_key *key = NULL;
    struct sfe_error err;
    assert_int_equal(made.crypto.key_open(made.crypto.context, pem, &key, &err), SFE_E_CRYPTO);
    assert_null(key);
    assert_true(strlen(err.message) > 10);
}

static void key_of_1024_bits_is_refused(void **state)
{
    unsigned char pem[2048];
    mbedtls_pk_context pk;
    (void)state;
    make_rsa(&pk, 1024);
    assert_int_equal(mbedtls_pk_write_key_pem(&pk, pem, sizeof(pem)), 0);
    check_refused(sfe_slice_make(pem, strnlen((char *)pem, sizeof(pem))));
    mbedtls_pk_free(&pk);
}

static void key_that_is_not_rsa_is_refused(void **state)
{
    unsigned char pem[2048];
    mbedtls_pk_context pk;
    (void)state;
    mbedtls_pk_init(&pk);
    assert_int_equal(mbedtls_pk_setup(&pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    assert_int_equal(
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(pk), fill_random, NULL), 0);
    assert_int_equal(mbedtls_pk_write_key_pem(&pk, pem, sizeof(pem)), 0);
    check_refused(sfe_slice_make(pem, strnlen((char *)pem, sizeof(pem))));
    mbedtls_pk_free(&pk);
}

static void broken_key_is_refused_and_not_repeated_in_the_error(void **state)
{
    struct sfe_slice pem = pem_of_made();
    (void)state;
    check_refused(sfe_slice_make(NULL, 0));
    check_refused(SFE_TEXT("not a key"));
    check_refused(sfe_slice_part(pem, 0, pem.size / 2));
    check_refused(sfe_slice_part(pem, 40, pem.size));
}

static void signature_without_room_is_refused(void **state)
{
    struct sfe_key *key = NULL;
    struct sfe_error err;
    uint8_t signature[255];
    size_t size = sizeof(signature);
    (void)state;
    assert_int_equal(made.crypto.key_open(made.crypto.context, pem_of_made(), &key, &err), SFE_OK);
    assert_int_equal(
        made.crypto.sign_rs256(made.crypto.context, key, SFE_TEXT("x"), signature, &size, &err),
        SFE_E_TOO_LARGE);
    assert_int_equal(size, 0);
    made.crypto.key_close(made.crypto.context, key);
    made.crypto.key_close(made.crypto.context, NULL);
}

/* FIPS 180-4, example of SHA-256. */
static void sha256_of_abc_is_as_published(void **state)
{
    static const uint8_t expected[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                         0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                         0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                         0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t digest[32];
    (void)state;
    made.crypto.sha256(made.crypto.context, SFE_TEXT("abc"), digest);
    assert_memory_equal(digest, expected, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_verifies_with_the_public_key),
        cmocka_unit_test(key_in_pkcs8_is_read_as_well),
        cmocka_unit_test(key_of_1024_bits_is_refused),
        cmocka_unit_test(key_that_is_not_rsa_is_refused),
        cmocka_unit_test(broken_key_is_refused_and_not_repeated_in_the_error),
        cmocka_unit_test(signature_without_room_is_refused),
        cmocka_unit_test(sha256_of_abc_is_as_published),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
