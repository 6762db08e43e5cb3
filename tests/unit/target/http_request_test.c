#include "http_world.h"

#include "target/http_parts.h"

static void values_in_the_address_are_encoded(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.path = world_template("/a%20b/{/id}?q={/q}&n={topic.1}");
    world_open(&options);
    const struct call *call = world_post(0, "{\"id\":\"../x?y#z\",\"q\":\"a&b=c d\"}");
    assert_string_equal(call->url, "https://host/a%20b/..%2Fx%3Fy%23z?q=a%26b%3Dc%20d&n=1");
    assert_string_equal(call->method, "POST");
}

static void no_value_leads_to_another_place(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.path = world_template("/a/{/id}{/more}/b?x={/id}");
    world_open(&options);
    assert_int_equal(world_offer(0, "t", "{\"id\":\".\",\"more\":\".\"}"), SFE_E_UNMAPPED);
    assert_int_equal(world_offer(0, "t", "{\"id\":\".\",\"more\":\"\"}"), SFE_E_UNMAPPED);
    assert_int_equal(world_offer(0, "t", "{\"id\":{},\"more\":\"a\"}"), SFE_E_UNMAPPED);
    assert_int_equal(world_offer(0, "t", "{\"id\":\".\",\"more\":\".a\"}"), SFE_OK);
}

static void an_address_or_header_beyond_its_bound_is_refused(void **state)
{
    struct sfe_http_target_options options = world_options();
    static char payload[HTTP_URL_BYTES + 64];

    (void)state;
    options.headers = world_shape("X-Note", "{/note}");
    world_open(&options);
    assert_true(snprintf(payload, sizeof(payload), "{\"note\":\"\",\"id\":\"%0*d\"}",
                         (int)HTTP_URL_BYTES, 1) > 0);
    assert_int_equal(world_offer(0, "t", payload), SFE_E_TOO_LARGE);
    assert_true(snprintf(payload, sizeof(payload), "{\"id\":1,\"note\":\"%02000d\"}", 1) > 0);
    assert_int_equal(world_offer(0, "t", payload), SFE_E_UNMAPPED);
}

static void no_value_begins_a_header_of_its_own(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.headers = world_shape("X-Note", "{/note}");
    world_open(&options);
    assert_int_equal(world_offer(0, "t", "{\"id\":1,\"note\":\"a\\r\\nX-Evil: b\"}"),
                     SFE_E_UNMAPPED);
    assert_int_equal(world_offer(0, "t", "{\"id\":1,\"note\":\"a\\u0000b\"}"), SFE_E_UNMAPPED);
    assert_non_null(strstr(the_world.err.message, "X-Note"));
    const struct call *call = world_post(0, "{\"id\":1,\"note\":\"good\"}");
    assert_non_null(strstr(call->headers, "X-Note: good\n"));
}

static void the_type_follows_the_body(void **state)
{
    const struct sfe_http_target_options options = world_options();
    struct sfe_http_target_options text = options;

    (void)state;
    text.body_kind = SFE_HTTP_TEXT;
    text.text = world_template("sold {/id}");
    world_open(&text);
    const struct call *call = world_post(0, "{\"id\":1}");
    assert_non_null(strstr(call->headers, "Content-Type: text/plain; charset=utf-8\n"));
    assert_string_equal(call->body, "sold 1");
    text.content_type = "application/xml";
    text.path = world_template("/all");
    sfe_http_target_close(&the_world.target);
    world_open(&text);
    assert_non_null(strstr(world_post(0, "{\"id\":1}")->headers, "Content-Type: application/xml"));
    text.body_kind = SFE_HTTP_PAYLOAD;
    text.content_type = NULL;
    sfe_http_target_close(&the_world.target);
    world_open(&text);
    assert_non_null(strstr(world_post(0, "\x01\xff")->headers, "application/octet-stream"));
    assert_non_null(strstr(world_post(1, "{}")->headers, "application/json"));
    text.body_kind = SFE_HTTP_NOTHING;
    sfe_http_target_close(&the_world.target);
    world_open(&text);
    assert_null(strstr(world_post(0, "{}")->headers, "Content-Type"));
    assert_int_equal(the_world.calls[the_world.call_count - 1].body_size, 0);
}

static void a_repeat_has_the_same_identity(void **state)
{
    const struct sfe_http_target_options options = world_options();

    (void)state;
    world_open(&options);
    struct call *first = world_post(0, "{\"id\":1}");
    world_answer(first, 503, "");
    const struct call *second = world_post(1, "{\"id\":1}");
    assert_non_null(strstr(first->headers, "Idempotency-Key: "));
    assert_string_equal(first->headers, second->headers);
}

static void events_of_one_address_make_a_batch(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.slot_events_max = 3;
    options.is_lines = true;
    options.path = world_template("/{/shop}");
    world_open(&options);
    assert_int_equal(world_offer(0, "t", "{\"shop\":1,\n\"id\":1}"), SFE_OK);
    assert_int_equal(world_offer(0, "t", "{\"shop\":2}"), SFE_E_FULL);
    assert_int_equal(world_offer(0, "t", "no json"), SFE_E_UNMAPPED);
    assert_int_equal(world_offer(0, "t", "{\"shop\":1}"), SFE_OK);
    assert_int_equal(world_send(0), SFE_OK);
    assert_string_equal(the_world.calls[0].body, "{\"shop\":1, \"id\":1}\n{\"shop\":1}\n");
    assert_non_null(strstr(the_world.calls[0].headers, "application/x-ndjson"));
}

static void each_way_to_log_in_has_its_header(void **state)
{
    struct sfe_http_target_options options = world_options();
    static const struct {
        struct sfe_http_auth auth;
        const char *wanted;
    } cases[] = {
        {{.scheme = SFE_HTTP_BASIC, .user = "Aladdin", .secret = SFE_TEXT("open sesame")},
         "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"}, /* RFC 7617 */
        {{.scheme = SFE_HTTP_BEARER, .secret = SFE_TEXT("t0ken")}, "Authorization: Bearer t0ken\n"},
        {{.scheme = SFE_HTTP_KEY, .header = "X-Api-Key", .secret = SFE_TEXT("k3y")},
         "X-Api-Key: k3y\n"},
        {{.scheme = SFE_HTTP_BEARER}, "Authorization: Bearer ***\n"},
        {{.scheme = SFE_HTTP_HMAC, .header = "X-Signature"}, "X-Signature: ***\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        options.auth = cases[i].auth;
        world_open(&options);
        assert_non_null(strstr(world_post(0, "{\"id\":1}")->headers, cases[i].wanted));
        sfe_http_target_close(&the_world.target);
    }
}

static void a_signature_covers_time_and_body(void **state)
{
    struct sfe_http_target_options options = world_options();

    (void)state;
    options.auth = (struct sfe_http_auth){.scheme = SFE_HTTP_HMAC,
                                          .header = "X-Signature",
                                          .timestamp_header = "X-Timestamp",
                                          .secret = SFE_TEXT("k")};
    world_open(&options);
    const struct call *call = world_post(0, "{\"id\":1}");
    uint8_t memory[HTTP_SIGN_BLOCK_BYTES + 64];
    uint8_t digest[HTTP_SIGN_DIGEST_BYTES];
    char wanted[128];
    struct sfe_builder text = sfe_builder_make(wanted, sizeof(wanted) - 1u);
    static const char message[] = "1764000000.{\"id\":1}";
    memcpy(memory + HTTP_SIGN_BLOCK_BYTES, message, sizeof(message) - 1u);
    http_sign(&the_world.crypto, options.auth.secret, memory + HTTP_SIGN_BLOCK_BYTES,
              sizeof(message) - 1u, digest);
    sfe_builder_add_text(&text, "X-Signature: sha256=");
    sfe_builder_add_hex(&text, sfe_slice_make(digest, sizeof(digest)));
    wanted[text.size] = '\0';
    assert_non_null(strstr(call->headers, wanted));
    assert_non_null(strstr(call->headers, "X-Timestamp: 1764000000\n"));
    assert_string_equal(call->body, "{\"id\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_in_the_address_are_encoded),
        TEST(no_value_leads_to_another_place),
        TEST(an_address_or_header_beyond_its_bound_is_refused),
        TEST(no_value_begins_a_header_of_its_own),
        TEST(the_type_follows_the_body),
        TEST(a_repeat_has_the_same_identity),
        TEST(events_of_one_address_make_a_batch),
        TEST(each_way_to_log_in_has_its_header),
        TEST(a_signature_covers_time_and_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
