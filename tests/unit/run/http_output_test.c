#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "run/http_options.h"
#include "run/output_kind.h"

static const struct agent_output_kind *const kind = &agent_http_output;
static struct sfe_platform platform;

static struct sfe_config_output make_output(void)
{
    return (struct sfe_config_output){.name = "o",
                                      .type = SFE_OUTPUT_HTTP,
                                      .connection = UINT32_MAX,
                                      .requests_in_flight = 4,
                                      .batch_age_ns = 5,
                                      .http = {.base = "https://h",
                                               .identity_header = "Idempotency-Key",
                                               .batch_events = 1,
                                               .connect_timeout_ns = UINT64_C(15000000000),
                                               .request_timeout_ns = UINT64_C(60000000000)}};
}

static struct sfe_http_target_options options_of(const struct sfe_config_output *output)
{
    static struct sfe_config config;
    static struct sfe_compiled_output own;
    const struct sfe_compiled compiled = {.config = &config, .outputs = &own};

    config = (struct sfe_config){.outputs = output, .output_count = 1};
    own = (struct sfe_compiled_output){.secret = SFE_TEXT("s")};
    return sfe_http_options_of(&compiled, 0, &platform);
}

static void a_request_is_a_slot(void **state)
{
    struct sfe_config_output output = make_output();
    struct sfe_output_options sizes = {.name = "o"};
    const struct sfe_config config = {.outputs = &output, .output_count = 1};

    (void)state;
    output.http.batch_events = 100;
    kind->sizes(&config, &output, false, &sizes);
    assert_int_equal(sizes.slot_count, 4);
    assert_int_equal(sizes.slot_events_max, 100);
    assert_int_equal(sizes.batch_age_ns, 5);
    assert_int_equal(sizes.window_events, SFE_WINDOW_EVENTS);
}

static void more_requests_take_more_memory(void **state)
{
    struct sfe_config_output output = make_output();
    const struct sfe_config config = {.outputs = &output, .output_count = 1};
    const size_t own = kind->memory_bytes(&config, &output);
    const size_t libraries = kind->library_bytes(&config, &output);

    (void)state;
    output.requests_in_flight = 8;
    assert_true(kind->memory_bytes(&config, &output) > own);
    assert_true(kind->library_bytes(&config, &output) > libraries);
    output.requests_in_flight = 4;
    output.http.base = "http://localhost";
    assert_true(kind->library_bytes(&config, &output) < libraries);
}

static void a_single_status_has_the_last_word(void **state)
{
    struct sfe_config_output output = make_output();
    const char *const done[] = {"409"};
    const char *const retry[] = {"4xx"};
    const char *const dead[] = {"410", "5xx"};

    (void)state;
    output.http.done = (struct sfe_config_statuses){done, 1};
    output.http.retry = (struct sfe_config_statuses){retry, 1};
    output.http.dead = (struct sfe_config_statuses){dead, 2};
    const struct sfe_http_target_options options = options_of(&output);
    assert_int_equal(sfe_http_settle_find(&options.settle, 409), SFE_HTTP_DONE);
    assert_int_equal(sfe_http_settle_find(&options.settle, 410), SFE_HTTP_DEAD);
    assert_int_equal(sfe_http_settle_find(&options.settle, 422), SFE_HTTP_EVENT_AGAIN);
    assert_int_equal(sfe_http_settle_find(&options.settle, 503), SFE_HTTP_DEAD);
    assert_int_equal(sfe_http_settle_find(&options.settle, 200), SFE_HTTP_DONE);
}

static void the_body_is_what_is_written_or_the_payload(void **state)
{
    struct sfe_config_output output = make_output();
    struct sfe_config_node node = {.kind = SFE_NODE_VALUE, .next = 1, .is_text = true};

    (void)state;
    assert_int_equal(options_of(&output).body_kind, SFE_HTTP_PAYLOAD);
    output.http.method = SFE_HTTP_DELETE;
    assert_int_equal(options_of(&output).body_kind, SFE_HTTP_NOTHING);
    assert_string_equal(options_of(&output).method, "DELETE");
    output.http.body = (struct sfe_config_tree){&node, 1};
    assert_int_equal(options_of(&output).body_kind, SFE_HTTP_TEXT);
    node.is_text = false;
    assert_int_equal(options_of(&output).body_kind, SFE_HTTP_SHAPE);
}

static void each_way_to_log_in_is_known(void **state)
{
    struct sfe_config_output output = make_output();

    (void)state;
    assert_int_equal(options_of(&output).auth.scheme, SFE_HTTP_OPEN);
    output.http.auth = (struct sfe_config_http_auth){.user = "u", .password_file = "p"};
    assert_int_equal(options_of(&output).auth.scheme, SFE_HTTP_BASIC);
    output.http.auth = (struct sfe_config_http_auth){.bearer = "env:B"};
    assert_int_equal(options_of(&output).auth.scheme, SFE_HTTP_BEARER);
    output.http.auth = (struct sfe_config_http_auth){.key = "env:K", .key_header = "X"};
    assert_int_equal(options_of(&output).auth.scheme, SFE_HTTP_KEY);
    output.http.auth = (struct sfe_config_http_auth){.hmac_file = "h", .hmac_header = "X"};
    assert_int_equal(options_of(&output).auth.scheme, SFE_HTTP_HMAC);
    output.http.identity_header = "none";
    assert_null(options_of(&output).identity_header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_a_slot),
        cmocka_unit_test(more_requests_take_more_memory),
        cmocka_unit_test(a_single_status_has_the_last_word),
        cmocka_unit_test(the_body_is_what_is_written_or_the_payload),
        cmocka_unit_test(each_way_to_log_in_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
