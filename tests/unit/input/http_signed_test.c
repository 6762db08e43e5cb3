#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/http_auth.h"
#include "input/http_signed.h"
#include "real_platform.h"

#include <stdio.h>

#define SECOND_NS INT64_C(1000000000)
#define NOW_S     INT64_C(1700000000)
#define BODY      "{\"a\":1}"
/* HMAC-SHA256 with the key "Jefe", by openssl: of the body; of "1700000000." and the body. */
#define OF_BODY        "cd7d7d7b1651caa92c82812e913859159c0e729d67421863aaf3e11d0c0e5a96"
#define OF_BODY_BASE64 "zX19exZRyqksgoEukThZFZwOcp1nQhhjqvPhHQwOWpY="
#define OF_BOTH        "fa5f6481efc59da48b19c9dc10196c9953e5651f8304b3a318b6b87d70272e0a"

static struct sfe_entropy entropy;
static struct sfe_crypto crypto;
static struct sfe_clock the_clock;
static int64_t now_s;
static enum sfe_clock_quality quality;

static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    (void)context;
    *unix_ns = now_s * SECOND_NS;
    return quality;
}

static int open_crypto(void **state)
{
    struct sfe_error err;

    (void)state;
    the_clock = (struct sfe_clock){.wall_ns = wall_ns};
    sfe_posix_entropy(&entropy);
    return sfe_mbedtls_crypto_open(&entropy, &crypto, &err) == SFE_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
    (void)state;
    sfe_mbedtls_crypto_close(&crypto);
    return 0;
}

static int set_clock(void **state)
{
    (void)state;
    now_s = NOW_S;
    quality = SFE_CLOCK_SYNCED;
    return 0;
}

/* What is answered to a request with these fields; 200: it is taken. */
static uint16_t judge(const struct http_field_names *names, const char *fields)
{
    const struct http_signed_rules rules = {SFE_TEXT("Jefe"), *names, 300u * (uint64_t)SECOND_NS};
    uint8_t memory[HTTP_AUTH_BLOCK_BYTES + 1024];
    char before[1024];
    char *text = (char *)memory + HTTP_AUTH_BLOCK_BYTES;
    struct http_head head;
    struct sfe_error err = {0};
    const int size =
        snprintf(text, 1024, "POST / HTTP/1.1\r\nContent-Length: 7\r\n%s\r\n" BODY, fields);

    assert_in_range(size, 40, 1023);
    memcpy(before, text, (size_t)size);
    assert_int_equal(http_head_parse(sfe_slice_make(text, (size_t)size), names, &head, &err),
                     SFE_OK);
    const enum sfe_code code =
        http_signed_check(&rules, &crypto, &the_clock, &head, (uint8_t *)text + head.bytes, &err);
    assert_memory_equal(text, before, (size_t)size);
    return code == SFE_OK ? 200 : err.http_status;
}

static void forms_without_a_time_are_taken_at_any_time(void **state)
{
    static const struct http_field_names github = {"X-Hub-Signature-256", NULL};
    static const struct http_field_names shopify = {"X-Shopify-Hmac-SHA256", NULL};

    (void)state;
    quality = SFE_CLOCK_UNSET;
    assert_int_equal(judge(&github, "X-Hub-Signature-256: sha256=" OF_BODY "\r\n"), 200);
    assert_int_equal(judge(&shopify, "X-Shopify-Hmac-Sha256: " OF_BODY_BASE64 "\r\n"), 200);
    assert_int_equal(judge(&github, "X-Hub-Signature-256: sha256=" OF_BOTH "\r\n"), 401);
    assert_int_equal(judge(&github, ""), 401);
}

static const struct http_field_names apart = {"X-Signature", "X-Time"};
static const struct http_field_names in_one = {"Stripe-Signature", "Stripe-Signature"};

static void time_of_its_own_field_is_signed_with_the_body(void **state)
{
    (void)state;
    assert_int_equal(judge(&apart, "X-Time: 1700000000\r\nX-Signature: " OF_BOTH "\r\n"), 200);
    assert_int_equal(judge(&apart, "X-Signature: " OF_BOTH "\r\nX-Time: 1700000000\r\n"), 200);
    assert_int_equal(judge(&apart, "X-Time: 1700000001\r\nX-Signature: " OF_BOTH "\r\n"), 401);
    assert_int_equal(judge(&apart, "X-Time: 1700000000\r\nX-Signature: " OF_BODY "\r\n"), 401);
    assert_int_equal(judge(&apart, "X-Signature: " OF_BODY "\r\n"), 401);
    assert_int_equal(judge(&apart, "X-Signature: " OF_BOTH "\r\n"), 401);
    assert_int_equal(judge(&apart, "X-Time: 17x\r\nX-Signature: " OF_BOTH "\r\n"), 401);
    assert_int_equal(
        judge(&apart, "X-Time: 99999999999999999999999\r\nX-Signature: " OF_BOTH "\r\n"), 401);
}

static void time_and_signature_may_stand_in_one_field(void **state)
{
    (void)state;
    assert_int_equal(judge(&in_one, "Stripe-Signature: t=1700000000,v1=" OF_BOTH "\r\n"), 200);
    assert_int_equal(
        judge(&in_one, "Stripe-Signature: v0=x,v1=" OF_BODY ",v1=" OF_BOTH ",t=1700000000\r\n"),
        200);
    assert_int_equal(judge(&in_one, "Stripe-Signature: t=1700000000,v0=" OF_BOTH "\r\n"), 401);
    assert_int_equal(judge(&in_one, "Stripe-Signature: t=1700000000\r\n"), 401);
    assert_int_equal(judge(&in_one, "Stripe-Signature: t=,v1=" OF_BODY "\r\n"), 401);
    assert_int_equal(judge(&in_one, "Stripe-Signature: v1=" OF_BODY "\r\n"), 401);
    assert_int_equal(judge(&in_one, "Stripe-Signature: " OF_BOTH "\r\n"), 401);
    assert_int_equal(judge(&in_one, "Stripe-Signature: t=1700000000,t=1,v1=" OF_BOTH "\r\n"), 401);
    assert_int_equal(
        judge(&in_one, "Stripe-Signature: t=1700000000,v1=a,v1=b,v1=c,v1=d,v1=" OF_BOTH "\r\n"),
        401);
}

#define GOOD "X-Time: 1700000000\r\nX-Signature: " OF_BOTH "\r\n"

static void request_of_another_time_is_refused(void **state)
{
    (void)state;
    now_s = NOW_S + 300;
    assert_int_equal(judge(&apart, GOOD), 200);
    now_s = NOW_S + 301;
    assert_int_equal(judge(&apart, GOOD), 401);
    now_s = NOW_S - 300;
    assert_int_equal(judge(&apart, GOOD), 200);
    now_s = NOW_S - 301;
    assert_int_equal(judge(&apart, GOOD), 401);
}

static void clock_that_may_be_wrong_takes_nothing_and_loses_nothing(void **state)
{
    (void)state;
    quality = SFE_CLOCK_COASTING;
    assert_int_equal(judge(&apart, GOOD), 200);
    now_s = NOW_S + 301;
    assert_int_equal(judge(&apart, GOOD), 503);
    quality = SFE_CLOCK_UNSET;
    now_s = NOW_S;
    assert_int_equal(judge(&apart, GOOD), 503);
    now_s = -5;
    assert_int_equal(judge(&apart, GOOD), 503);
    /* Who has no key learns nothing of the clock. */
    assert_int_equal(judge(&apart, "X-Time: 1700000000\r\nX-Signature: " OF_BODY "\r\n"), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(forms_without_a_time_are_taken_at_any_time, set_clock),
        cmocka_unit_test_setup(time_of_its_own_field_is_signed_with_the_body, set_clock),
        cmocka_unit_test_setup(time_and_signature_may_stand_in_one_field, set_clock),
        cmocka_unit_test_setup(request_of_another_time_is_refused, set_clock),
        cmocka_unit_test_setup(clock_that_may_be_wrong_takes_nothing_and_loses_nothing, set_clock),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
