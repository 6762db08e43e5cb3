#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"

#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>

static struct {
    struct sfe_crypto crypto;
    struct sfe_aead_key *key;
    struct sfe_error err;
} made;

static const uint8_t key_bytes[SFE_AEAD_KEY_BYTES] = {1, 2, 3, 4, 5};
static const char text[] = "a sale of three apples";

static int open_key(void **state)
{
    (void)state;
    sfe_mbedtls_aead(&made.crypto);
    return (int)made.crypto.aead_open(NULL, sfe_slice_make(key_bytes, sizeof(key_bytes)), &made.key,
                                      &made.err);
}

static int close_key(void **state)
{
    (void)state;
    made.crypto.aead_close(NULL, made.key);
    made.crypto.aead_close(NULL, NULL);
    return 0;
}

static struct sfe_aead_message message_of(const void *bytes, size_t size)
{
    return (struct sfe_aead_message){.salt = {7},
                                     .nonce = {9},
                                     .associated = SFE_TEXT("header"),
                                     .bytes = sfe_slice_make(bytes, size)};
}

static void what_is_sealed_opens_and_any_flipped_bit_does_not(void **state)
{
    uint8_t sealed[sizeof(text) + SFE_AEAD_TAG_BYTES];
    uint8_t plain[sizeof(text)];
    struct sfe_aead_message message = message_of(text, sizeof(text));
    (void)state;
    assert_int_equal(made.crypto.aead_seal(NULL, made.key, &message, sealed, &made.err), SFE_OK);
    assert_memory_not_equal(sealed, text, sizeof(text));
    message = message_of(sealed, sizeof(sealed));
    assert_int_equal(made.crypto.aead_unseal(NULL, made.key, &message, plain, &made.err), SFE_OK);
    assert_memory_equal(plain, text, sizeof(text));
    for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
        sealed[bit / 8] = (uint8_t)(sealed[bit / 8] ^ (1u << (bit % 8)));
        memset(plain, 0, sizeof(plain));
        assert_int_equal(made.crypto.aead_unseal(NULL, made.key, &message, plain, &made.err),
                         SFE_E_CRYPTO);
        assert_memory_not_equal(plain, text, 8);
        sealed[bit / 8] = (uint8_t)(sealed[bit / 8] ^ (1u << (bit % 8)));
    }
}

static void salt_nonce_and_what_is_beside_it_all_count(void **state)
{
    uint8_t sealed[sizeof(text) + SFE_AEAD_TAG_BYTES];
    uint8_t plain[sizeof(text)];
    struct sfe_aead_message message = message_of(text, sizeof(text));
    (void)state;
    assert_int_equal(made.crypto.aead_seal(NULL, made.key, &message, sealed, &made.err), SFE_OK);
    struct sfe_aead_message wrong[4];
    for (uint32_t i = 0; i < 4; i++) {
        wrong[i] = message_of(sealed, sizeof(sealed));
    }
    wrong[0].salt[15] = 1;
    wrong[1].nonce[11] = 1;
    wrong[2].associated = SFE_TEXT("heades");
    wrong[3].bytes.size = SFE_AEAD_TAG_BYTES - 1;
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(made.crypto.aead_unseal(NULL, made.key, &wrong[i], plain, &made.err),
                         SFE_E_CRYPTO);
    }
}

static void keys_have_ids_that_differ_and_one_size(void **state)
{
    uint8_t other_bytes[SFE_AEAD_KEY_BYTES] = {1, 2, 3, 4, 6};
    uint8_t id[SFE_AEAD_ID_BYTES];
    uint8_t again[SFE_AEAD_ID_BYTES];
    struct sfe_aead_key *other = NULL;
    (void)state;
    assert_int_equal(made.crypto.aead_open(NULL, sfe_slice_make(other_bytes, sizeof(other_bytes)),
                                           &other, &made.err),
                     SFE_OK);
    made.crypto.aead_id(NULL, made.key, id);
    made.crypto.aead_id(NULL, made.key, again);
    assert_memory_equal(id, again, sizeof(id));
    made.crypto.aead_id(NULL, other, again);
    assert_memory_not_equal(id, again, sizeof(id));
    assert_memory_not_equal(id, key_bytes, sizeof(id));
    made.crypto.aead_close(NULL, other);
    assert_int_equal(made.crypto.aead_open(NULL, sfe_slice_make(key_bytes, 31), &other, &made.err),
                     SFE_E_CRYPTO);
    assert_null(other);
}

/* What was written stays readable by anyone who knows the key: AES-256-GCM under HKDF-SHA256. */
static void the_bytes_are_those_of_the_standard(void **state)
{
    uint8_t sealed[sizeof(text) + SFE_AEAD_TAG_BYTES];
    uint8_t expected[sizeof(text) + SFE_AEAD_TAG_BYTES];
    uint8_t derived[32];
    struct sfe_aead_message message = message_of(text, sizeof(text));
    mbedtls_gcm_context gcm;
    (void)state;
    assert_int_equal(made.crypto.aead_seal(NULL, made.key, &message, sealed, &made.err), SFE_OK);
    assert_int_equal(mbedtls_hkdf(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), message.salt, 16,
                                  key_bytes, sizeof(key_bytes),
                                  (const uint8_t *)"sfedge aead seal 1", 18, derived, 32),
                     0);
    mbedtls_gcm_init(&gcm);
    assert_int_equal(mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, derived, 256), 0);
    assert_int_equal(mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, sizeof(text),
                                               message.nonce, 12, (const uint8_t *)"header", 6,
                                               (const uint8_t *)text, expected, 16,
                                               expected + sizeof(text)),
                     0);
    mbedtls_gcm_free(&gcm);
    assert_memory_equal(sealed, expected, sizeof(sealed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_and_any_flipped_bit_does_not),
        cmocka_unit_test(salt_nonce_and_what_is_beside_it_all_count),
        cmocka_unit_test(keys_have_ids_that_differ_and_one_size),
        cmocka_unit_test(the_bytes_are_those_of_the_standard),
    };
    return cmocka_run_group_tests(tests, open_key, close_key);
}
