#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/http_auth.h"
#include "real_platform.h"

static struct sfe_entropy entropy;
static struct sfe_crypto crypto;

static int open_crypto(void **state)
{
    struct sfe_error err;

    (void)state;
    sfe_posix_entropy(&entropy);
    return sfe_mbedtls_crypto_open(&entropy, &crypto, &err) == SFE_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
    (void)state;
    sfe_mbedtls_crypto_close(&crypto);
    return 0;
}

static bool is_signed(struct sfe_slice key, const char *signature, const char *text)
{
    uint8_t memory[HTTP_AUTH_BLOCK_BYTES + 256];
    uint8_t *body = memory + HTTP_AUTH_BLOCK_BYTES;
    const struct sfe_slice no_time = {NULL, 0};

    memset(memory, 0x5A, sizeof(memory));
    memcpy(body, text, strlen(text));
    const bool result =
        http_auth_signature(&crypto, key, no_time, sfe_slice_text(signature), body, strlen(text));
    for (size_t i = 0; i < HTTP_AUTH_BLOCK_BYTES; i++) {
        assert_int_equal(memory[i], 0x5A);
    }
    assert_memory_equal(body, text, strlen(text));
    return result;
}

/* RFC 4231, test cases 2 and 6. */
#define DIGEST_2 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
#define DIGEST_6 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"

static void the_signatures_of_the_standard_are_right(void **state)
{
    static const char text_2[] = "what do ya want for nothing?";
    static const char text_6[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    uint8_t long_key[131];

    (void)state;
    memset(long_key, 0xAA, sizeof(long_key));
    assert_true(is_signed(SFE_TEXT("Jefe"), DIGEST_2, text_2));
    assert_true(is_signed(sfe_slice_make(long_key, sizeof(long_key)), DIGEST_6, text_6));
}

static void a_signature_may_be_spelled_in_several_ways(void **state)
{
    static const char text[] = "what do ya want for nothing?";

    (void)state;
    assert_true(is_signed(SFE_TEXT("Jefe"), "sha256=" DIGEST_2, text));
    assert_true(is_signed(SFE_TEXT("Jefe"),
                          "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843",
                          text));
    assert_true(is_signed(SFE_TEXT("Jefe"), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", text));
}

static void a_wrong_signature_is_none(void **state)
{
    static const char text[] = "what do ya want for nothing?";

    (void)state;
    assert_false(is_signed(SFE_TEXT("Jefe"), "", text));
    assert_false(is_signed(SFE_TEXT("Jefe"), "sha256=", text));
    assert_false(is_signed(SFE_TEXT("Jefe"), DIGEST_6, text));
    assert_false(is_signed(SFE_TEXT("Jefe"), DIGEST_2 "00", text));
    assert_false(is_signed(SFE_TEXT("Jefe"), DIGEST_2, "what do ya want for nothing!"));
    assert_false(is_signed(SFE_TEXT("Jefa"), DIGEST_2, text));
    assert_false(is_signed(SFE_TEXT("Jefe"), "w9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", text));
}

static void only_the_whole_token_is_the_token(void **state)
{
    static const char *const wrong[] = {"",
                                        "geheim",
                                        "Bearer",
                                        "Bearer ",
                                        "Bearer geheimX",
                                        "Bearer gehei",
                                        "Bearer  geheim",
                                        "Basic geheim",
                                        "Bearer geheimgeheim"};

    (void)state;
    assert_true(http_auth_bearer(SFE_TEXT("geheim"), SFE_TEXT("Bearer geheim")));
    assert_true(http_auth_bearer(SFE_TEXT("geheim"), SFE_TEXT("bearer geheim")));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(http_auth_bearer(SFE_TEXT("geheim"), sfe_slice_text(wrong[i])));
    }
    assert_false(http_auth_bearer(sfe_slice_make(NULL, 0), SFE_TEXT("Bearer ")));
}

static void a_token_is_that_of_one_identity(void **state)
{
    static const struct sfe_http_identity identities[] = {
        {.name = "one", .tokens = {{(const uint8_t *)"first", 5}, {(const uint8_t *)"next", 4}}},
        {.name = "signer", .keys = {{(const uint8_t *)"key", 3}}},
        {.name = "two", .tokens = {{(const uint8_t *)"second", 6}}}};

    (void)state;
    assert_int_equal(http_auth_bearer_of(identities, 3, SFE_TEXT("Bearer first")), 0);
    assert_int_equal(http_auth_bearer_of(identities, 3, SFE_TEXT("Bearer next")), 0);
    assert_int_equal(http_auth_bearer_of(identities, 3, SFE_TEXT("Bearer second")), 2);
    assert_int_equal(http_auth_bearer_of(identities, 3, SFE_TEXT("Bearer key")), HTTP_NOBODY);
    assert_int_equal(http_auth_bearer_of(identities, 3, SFE_TEXT("Bearer ")), HTTP_NOBODY);
    assert_int_equal(http_auth_bearer_of(identities, 2, SFE_TEXT("Bearer second")), HTTP_NOBODY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signatures_of_the_standard_are_right),
        cmocka_unit_test(a_signature_may_be_spelled_in_several_ways),
        cmocka_unit_test(a_wrong_signature_is_none),
        cmocka_unit_test(only_the_whole_token_is_the_token),
        cmocka_unit_test(a_token_is_that_of_one_identity),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
