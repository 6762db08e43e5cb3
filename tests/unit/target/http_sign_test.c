#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "target/http_sign.h"
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

static void assert_signature(struct sfe_slice key, const char *message, const char *wanted)
{
    uint8_t memory[HTTP_SIGN_BLOCK_BYTES + 128];
    uint8_t digest[HTTP_SIGN_DIGEST_BYTES];
    char text[2u * HTTP_SIGN_DIGEST_BYTES + 1u] = "";
    struct sfe_builder out = sfe_builder_make(text, sizeof(text) - 1u);
    const size_t size = strlen(message);

    memcpy(memory + HTTP_SIGN_BLOCK_BYTES, message, size);
    http_sign(&crypto, key, memory + HTTP_SIGN_BLOCK_BYTES, size, digest);
    sfe_builder_add_hex(&out, sfe_slice_make(digest, sizeof(digest)));
    assert_string_equal(text, wanted);
    assert_memory_equal(memory + HTTP_SIGN_BLOCK_BYTES, message, size);
    assert_true(sfe_slice_is_zero(sfe_slice_make(memory, HTTP_SIGN_BLOCK_BYTES)));
}

/* RFC 4231, test cases 2 and 6. */
static void the_signatures_of_the_standard_are_made(void **state)
{
    uint8_t key[131];

    (void)state;
    memset(key, 0xAA, sizeof(key));
    assert_signature(SFE_TEXT("Jefe"), "what do ya want for nothing?",
                     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_signature(sfe_slice_make(key, sizeof(key)),
                     "Test Using Larger Than Block-Size Key - Hash Key First",
                     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signatures_of_the_standard_are_made),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
