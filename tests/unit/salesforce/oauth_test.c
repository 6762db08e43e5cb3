#include "salesforce_world.h"

#include "real_platform.h"
#include "salesforce/oauth.h"

#include <mbedtls/base64.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>

static struct {
    struct sfe_entropy entropy;
    struct sfe_crypto crypto;
    mbedtls_pk_context pk;
    struct sfe_key *key;
} made;

static uint8_t token_memory[OAUTH_TOKEN_BYTES_MAX];
static struct sfe_secret token;
static uint8_t renewed_memory[64];
static struct sfe_secret renewed = {renewed_memory, 0, sizeof(renewed_memory)};
static struct oauth_grant grant;
static struct sfe_error err;

static int fill_random(void *context, unsigned char *bytes, size_t size)
{
    struct sfe_error ignored;

    (void)context;
    return made.entropy.fill(made.entropy.context, bytes, size, &ignored) == SFE_OK ? 0 : -1;
}

static int make_key(void **state)
{
    static unsigned char pem[8192];

    (void)state;
    sfe_posix_entropy(&made.entropy);
    assert_int_equal(sfe_mbedtls_crypto_open(&made.entropy, &made.crypto, &err), SFE_OK);
    mbedtls_pk_init(&made.pk);
    assert_int_equal(mbedtls_pk_setup(&made.pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)), 0);
    assert_int_equal(mbedtls_rsa_gen_key(mbedtls_pk_rsa(made.pk), fill_random, NULL, 2048, 65537),
                     0);
    assert_int_equal(mbedtls_pk_write_key_pem(&made.pk, pem, sizeof(pem)), 0);
    assert_int_equal(made.crypto.key_open(made.crypto.context,
                                          sfe_slice_make(pem, strlen((const char *)pem)), &made.key,
                                          &err),
                     SFE_OK);
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    made.crypto.key_close(made.crypto.context, made.key);
    sfe_mbedtls_crypto_close(&made.crypto);
    mbedtls_pk_free(&made.pk);
    return 0;
}

/* Decodes base64url up to a dot or the end; returns where it stopped. */
static const char *decode(const char *text, uint8_t *bytes, size_t capacity, size_t *size)
{
    static char standard[8192];
    size_t length = strcspn(text, ".");

    assert_true(length + 4 < sizeof(standard));
    for (size_t i = 0; i < length; i++) {
        assert_true(text[i] != '=' && text[i] != '+' && text[i] != '/' && text[i] != '%');
        standard[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    }
    size_t padded = length;
    while (padded % 4 != 0) {
        standard[padded++] = '=';
    }
    assert_int_equal(
        mbedtls_base64_decode(bytes, capacity, size, (const unsigned char *)standard, padded), 0);
    return text + length;
}

static void a_form_carries_a_jwt_whose_three_parts_verify(void **state)
{
    static char form_text[OAUTH_FORM_BYTES_MAX + 1];
    const char head[] = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"
                        "assertion=";
    const struct oauth_claims claims = {.client_id = "3MVG9\"x",
                                        .username = "edge@acme.example",
                                        .audience = "https://login.salesforce.com",
                                        .now_unix_s = NOW_S,
                                        .id = {0xab, 0x01}};
    struct sfe_builder form = sfe_builder_make(form_text, OAUTH_FORM_BYTES_MAX);
    uint8_t part[2048];
    uint8_t digest[32];
    size_t size = 0;

    (void)state;
    assert_int_equal(oauth_add_form(&claims, &made.crypto, made.key, &form, &err), SFE_OK);
    form_text[form.size] = '\0';
    assert_memory_equal(form_text, head, sizeof(head) - 1);
    const char *jwt = form_text + sizeof(head) - 1;
    const char *dot = decode(jwt, part, sizeof(part), &size);
    assert_int_equal(size, strlen("{\"alg\":\"RS256\"}"));
    assert_memory_equal(part, "{\"alg\":\"RS256\"}", size);
    assert_int_equal(*dot, '.');
    const char *end = decode(dot + 1, part, sizeof(part), &size);
    part[size] = '\0';
    assert_string_equal((char *)part, "{\"iss\":\"3MVG9\\\"x\",\"sub\":\"edge@acme.example\","
                                      "\"aud\":\"https://login.salesforce.com\",\"exp\":1764000180,"
                                      "\"jti\":\"ab010000000000000000000000000000\"}");
    assert_int_equal(*end, '.');
    assert_int_equal(*decode(end + 1, part, sizeof(part), &size), '\0');
    made.crypto.sha256(made.crypto.context, sfe_slice_make(jwt, (size_t)(end - jwt)), digest);
    assert_int_equal(
        mbedtls_pk_verify(&made.pk, MBEDTLS_MD_SHA256, digest, sizeof(digest), part, size), 0);
}

static void claims_that_are_too_long_are_refused(void **state)
{
    static char longest[4096];
    static uint8_t memory[OAUTH_FORM_BYTES_MAX];
    struct sfe_builder form = sfe_builder_make(memory, sizeof(memory));

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    const struct oauth_claims claims = {
        .client_id = longest, .username = "u", .audience = "a", .now_unix_s = NOW_S};
    assert_int_equal(oauth_add_form(&claims, &made.crypto, made.key, &form, &err), SFE_E_TOO_LARGE);
}

static enum sfe_code read_answer(uint16_t status, const char *body)
{
    token = (struct sfe_secret){token_memory, 0, sizeof(token_memory)};
    memset(&grant, 0, sizeof(grant));
    grant.token = &token;
    grant.refresh_token = &renewed;
    return oauth_read_answer(status, "application/json", sfe_slice_text(body),
                             "https://login.salesforce.com", &grant, &err);
}

static void a_grant_gives_token_and_address(void **state)
{
    (void)state;
    assert_int_equal(read_answer(200, "{\"access_token\":\"00D!\\u0041Q\",\"instance_url\":"
                                      "\"https:\\/\\/acme.my.salesforce.com\\/\",\"id\":\"x\"}"),
                     SFE_OK);
    struct sfe_slice revealed = sfe_secret_reveal(&token);
    assert_int_equal(revealed.size, 6);
    assert_memory_equal(revealed.bytes, "00D!AQ", 6);
    assert_string_equal(grant.instance_url, "https://acme.my.salesforce.com");
}

static void a_token_is_not_carried_to_a_plain_address(void **state)
{
    const char *body = "{\"access_token\":\"t\",\"instance_url\":\"http://127.0.0.1:80\"}";

    (void)state;
    assert_int_equal(read_answer(200, body), SFE_E_AUTH);
    assert_int_equal(token.size, 0);
    assert_int_equal(oauth_read_answer(200, "application/json", sfe_slice_text(body),
                                       "http://127.0.0.1:1", &grant, &err),
                     SFE_OK);
    assert_int_equal(read_answer(200, "{\"access_token\":\"t\",\"instance_url\":\"ftp://acme\"}"),
                     SFE_E_AUTH);
}

static void a_token_is_not_carried_to_a_host_that_is_none_of_the_orgs(void **state)
{
    (void)state;
    assert_int_equal(
        read_answer(200, "{\"access_token\":\"t\",\"instance_url\":\"https://evil.example\"}"),
        SFE_E_AUTH);
    assert_int_equal(err.retry, SFE_RETRY_AFTER_HUMAN);
    assert_non_null(strstr(err.message, "evil.example"));
    assert_int_equal(token.size, 0);
}

static void an_answer_without_a_token_is_no_grant(void **state)
{
    static const char *const bodies[] = {
        "{\"instance_url\":\"https://a.salesforce.com\"}",
        "{\"access_token\":\"\",\"instance_url\":\"https://a.salesforce.com\"}",
        "{\"access_token\":7,\"instance_url\":\"https://a.salesforce.com\"}",
        "{\"access_token\":\"t\"}",
        "[]",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(read_answer(200, bodies[i]), SFE_E_PROTOCOL);
        assert_int_equal(err.retry, SFE_RETRY_LATER);
    }
}

static void a_secret_form_is_encoded(void **state)
{
    uint8_t memory[256];
    struct sfe_builder form = sfe_builder_make(memory, sizeof(memory));
    struct sfe_builder small = sfe_builder_make(memory, 20);

    (void)state;
    assert_int_equal(oauth_add_secret_form("3MVG9.a", SFE_TEXT("a b&c=%\xc3\xa4"), &form, &err),
                     SFE_OK);
    form.bytes[form.size] = 0;
    assert_string_equal((const char *)form.bytes, "grant_type=client_credentials&client_id=3MVG9.a"
                                                  "&client_secret=a%20b%26c%3D%25%C3%A4");
    assert_int_equal(oauth_add_secret_form("3MVG9.a", SFE_TEXT("s"), &small, &err),
                     SFE_E_TOO_LARGE);
}

static void a_refresh_form_is_encoded_and_has_a_secret_where_the_app_has_one(void **state)
{
    uint8_t memory[256];
    struct sfe_builder form = sfe_builder_make(memory, sizeof(memory) - 1);
    struct sfe_builder small = sfe_builder_make(memory, 20);
    struct oauth_refresh refresh = {.client_id = "3MVG9.a", .token = SFE_TEXT("5Aep+/==")};

    (void)state;
    assert_int_equal(oauth_add_refresh_form(&refresh, &small, &err), SFE_E_TOO_LARGE);
    assert_int_equal(oauth_add_refresh_form(&refresh, &form, &err), SFE_OK);
    form.bytes[form.size] = 0;
    assert_string_equal((char *)form.bytes, "grant_type=refresh_token&client_id=3MVG9.a"
                                            "&refresh_token=5Aep%2B%2F%3D%3D");
    sfe_builder_rewind(&form, 0);
    refresh.client_secret = SFE_TEXT("a&b");
    assert_int_equal(oauth_add_refresh_form(&refresh, &form, &err), SFE_OK);
    form.bytes[form.size] = 0;
    assert_non_null(strstr((char *)form.bytes, "%3D%3D&client_secret=a%26b"));
}

/* The token before it has ended, whatever else is wrong. */
static void another_refresh_token_is_taken_from_an_answer_that_is_refused_as_well(void **state)
{
    (void)state;
    assert_int_equal(read_answer(200, "{\"access_token\":\"t\",\"refresh_token\":\"5Aep.2\","
                                      "\"instance_url\":\"https://evil.example\"}"),
                     SFE_E_AUTH);
    assert_true(sfe_slice_equal(sfe_secret_reveal(&renewed), SFE_TEXT("5Aep.2")));
    assert_int_equal(read_answer(200, "{\"access_token\":\"t\","
                                      "\"instance_url\":\"https://a.my.salesforce.com\"}"),
                     SFE_OK);
    assert_int_equal(renewed.size, 0);
}

static void a_page_is_no_refusal(void **state)
{
    (void)state;
    assert_int_equal(read_answer(503, "<html>Maintenance</html>"), SFE_E_PROTOCOL);
    assert_int_equal(err.retry, SFE_RETRY_LATER);
    assert_int_equal(err.http_status, 503);
}

static void every_refusal_says_what_to_do(void **state)
{
    static const struct {
        const char *error;
        const char *description;
        enum sfe_retry retry;
        const char *advice;
    } rows[] = {
        {"invalid_grant", "user hasn't approved this consumer", SFE_RETRY_AFTER_HUMAN,
         "permission set"},
        {"invalid_grant", "audience is invalid [audience=x login=y]", SFE_RETRY_AFTER_HUMAN,
         "auth.audience"},
        {"invalid_grant", "expired authorization code", SFE_RETRY_AFTER_HUMAN, "clock"},
        {"invalid_grant", "assertion expired", SFE_RETRY_AFTER_HUMAN, "clock"},
        {"invalid_grant", "invalid assertion", SFE_RETRY_AFTER_HUMAN, "certificate"},
        {"invalid_grant", "user does not exist or is inactive", SFE_RETRY_AFTER_HUMAN,
         "auth.username"},
        {"invalid_grant", "inactive user", SFE_RETRY_AFTER_HUMAN, "activate"},
        {"inactive_org", "organization has been deactivated", SFE_RETRY_AFTER_HUMAN, "deactivated"},
        {"invalid_grant", "expired access/refresh token", SFE_RETRY_AFTER_HUMAN,
         "auth.refresh_token_file"},
        {"invalid_grant", "token request is already being processed", SFE_RETRY_LATER, "its own"},
        {"invalid_grant", "authentication failure", SFE_RETRY_AFTER_HUMAN, "check the user"},
        {"invalid_client_id", "client identifier invalid", SFE_RETRY_AFTER_HUMAN, "client_id"},
        {"invalid_client", "invalid client credentials", SFE_RETRY_AFTER_HUMAN, "client_id"},
        {"invalid_app_access", "user is not admin approved to access this app",
         SFE_RETRY_AFTER_HUMAN, "permission set"},
        {"unsupported_grant_type", "grant type not supported", SFE_RETRY_AFTER_HUMAN, "enable"},
        {"invalid_request", "", SFE_RETRY_AFTER_HUMAN, "enable"},
        {"app_not_found", "External client app is not installed in this org", SFE_RETRY_AFTER_HUMAN,
         "install"},
        {"rate_limit_exceeded", "", SFE_RETRY_AFTER_QUOTA, "wait"},
        {"invalid_grant", "login rate exceeded", SFE_RETRY_AFTER_QUOTA, "wait"},
        {"invalid_grant", "ip restricted", SFE_RETRY_AFTER_HUMAN, "IP ranges"},
        {"something_new", "", SFE_RETRY_AFTER_HUMAN, "check"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), "{\"error\":\"%s\",\"error_description\":\"%s\"}",
                       rows[i].error, rows[i].description);
        assert_int_equal(read_answer(400, body), SFE_E_AUTH);
        assert_int_equal(err.retry, rows[i].retry);
        assert_string_equal(err.api_code, rows[i].error);
        if (strstr(err.message, rows[i].advice) == NULL) {
            fail_msg("%s: %s", rows[i].description, err.message);
        }
        assert_int_equal(grant.cause, strcmp(rows[i].advice, "clock") == 0 ? OAUTH_CLOCK
                                      : strcmp(rows[i].advice, "auth.refresh_token_file") == 0
                                          ? OAUTH_TOKEN_ENDED
                                          : OAUTH_OTHER);
    }
}

static void a_server_that_fails_is_asked_again_soon(void **state)
{
    (void)state;
    assert_int_equal(read_answer(500, "{\"error\":\"something_new\"}"), SFE_E_AUTH);
    assert_int_equal(err.retry, SFE_RETRY_LATER);
    assert_int_equal(read_answer(429, "slow down"), SFE_E_PROTOCOL);
    assert_int_equal(err.retry, SFE_RETRY_AFTER_QUOTA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_carries_a_jwt_whose_three_parts_verify),
        cmocka_unit_test(claims_that_are_too_long_are_refused),
        cmocka_unit_test(a_grant_gives_token_and_address),
        cmocka_unit_test(a_token_is_not_carried_to_a_plain_address),
        cmocka_unit_test(an_answer_without_a_token_is_no_grant),
        cmocka_unit_test(a_token_is_not_carried_to_a_host_that_is_none_of_the_orgs),
        cmocka_unit_test(a_secret_form_is_encoded),
        cmocka_unit_test(a_refresh_form_is_encoded_and_has_a_secret_where_the_app_has_one),
        cmocka_unit_test(another_refresh_token_is_taken_from_an_answer_that_is_refused_as_well),
        cmocka_unit_test(a_page_is_no_refusal),
        cmocka_unit_test(every_refusal_says_what_to_do),
        cmocka_unit_test(a_server_that_fails_is_asked_again_soon),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
