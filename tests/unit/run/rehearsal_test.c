#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "run/rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char CONFIG[] =
    "{\"agent\":{\"id\":\"test\",\"state\":\"/nonexistent/state\"},"
    "\"connections\":{\"site\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1\"},"
    "\"crm\":{\"type\":\"salesforce\",\"login_url\":\"https://login.salesforce.com\","
    "\"api_version\":\"v62.0\",\"auth\":{\"flow\":\"jwt-bearer\",\"client_id\":\"k\","
    "\"username\":\"u\",\"key_file\":\"/nonexistent/key\"}}},"
    "\"streams\":{\"telemetry\":{},\"sales\":{}},"
    "\"inputs\":{\"readings\":{\"type\":\"mqtt\",\"connection\":\"site\","
    "\"topic\":\"$share/g/plant/+/telemetry\",\"stream\":\"telemetry\"},"
    "\"tills\":{\"type\":\"mqtt\",\"connection\":\"site\",\"topic\":\"pos/#\","
    "\"stream\":\"sales\",\"retained\":\"ignore\"}},"
    "\"outputs\":{\"readings\":{\"type\":\"salesforce-records\",\"connection\":\"crm\","
    "\"from\":\"telemetry\",\"records\":[{\"object\":\"R__c\",\"external_id\":\"I__c\","
    "\"map\":{\"I__c\":\"{/id}\",\"V__c\":{\"from\":\"/v\",\"type\":\"double\"}}}]},"
    "\"sales\":{\"type\":\"salesforce-records\",\"connection\":\"crm\",\"from\":\"sales\","
    "\"batch_records\":2,\"records\":[{\"object\":\"S__c\",\"external_id\":\"I__c\","
    "\"map\":{\"I__c\":\"{/id}\"}},{\"object\":\"L__c\",\"external_id\":\"I__c\","
    "\"each\":\"/lines\",\"map\":{\"I__c\":\"{/id}-{index}\"}}]}}}";

static struct sfe_arena *config_arena;
static const struct sfe_config *config;
static struct sfe_compiled compiled;
static struct sfe_platform platform;
static char routes[2048];
static char steps[8192];
static char requests[8192];

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t capacity,
                                                      const char *format, ...)
{
    va_list list;
    size_t size = strlen(text);

    va_start(list, format);
    (void)vsnprintf(text + size, capacity - size, format, list);
    va_end(list);
}

static void report(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    fail_msg("%s: %s", mistake->pointer, mistake->message);
}

static void on_route(void *reader, const struct sfe_rehearsal_route *route)
{
    (void)reader;
    add(routes, sizeof(routes), "%.*s>%s%s%.*s;", (int)route->input.size,
        (const char *)route->input.bytes, route->stream, route->reason.size == 0 ? "" : "!",
        (int)route->reason.size, (const char *)route->reason.bytes);
}

static void on_step(void *reader, const struct sfe_rehearsal_step *told)
{
    (void)reader;
    if (told->step == NULL) {
        add(steps, sizeof(steps), "%s;", told->message);
        return;
    }
    assert_non_null(told->configured);
    add(steps, sizeof(steps), "%s[%u].%s=%.*s;", told->object, told->index, told->step->field,
        (int)told->step->result.size, (const char *)told->step->result.bytes);
}

static void on_request(void *reader, const struct sfe_rehearsal_request *request)
{
    (void)reader;
    add(requests, sizeof(requests), "%s %s %.*s\n", request->method, request->path,
        (int)request->body.size, (const char *)request->body.bytes);
}

static int open_config(void **state)
{
    char path[] = "/tmp/sfedge-rehearsal-XXXXXX";
    struct sfe_error err;
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || write(fd, CONFIG, sizeof(CONFIG) - 1) != (ssize_t)sizeof(CONFIG) - 1 ||
        close(fd) != 0 || sfe_arena_open(64u << 20, &config_arena, &err) != SFE_OK) {
        return -1;
    }
    compiled.without_secrets = true;
    enum sfe_code code = sfe_config_load(path, config_arena, report, NULL, &config, &err);
    if (code == SFE_OK) {
        code = sfe_compile(config, config_arena, report, NULL, &compiled, &err);
    }
    (void)unlink(path);
    return code == SFE_OK && sfe_platform_open("/", &platform, &err) == SFE_OK ? 0 : -1;
}

static int close_config(void **state)
{
    (void)state;
    sfe_platform_close(&platform);
    sfe_arena_close(config_arena);
    return 0;
}

static enum sfe_code rehearse(const char *topic, struct sfe_slice payload, bool is_retained)
{
    struct sfe_rehearsal_options options = {.config = config,
                                            .compiled = &compiled,
                                            .platform = &platform,
                                            .audience = {NULL, on_route, on_step, on_request}};
    const struct sfe_rehearsal_message message = {
        .topic = sfe_slice_text(topic), .payload = payload, .is_retained = is_retained};
    struct sfe_error err;

    routes[0] = steps[0] = requests[0] = '\0';
    assert_int_equal(sfe_arena_open(sfe_rehearsal_bytes_max(config), &options.arena, &err), SFE_OK);
    enum sfe_code code = sfe_rehearse(&options, &message, &err);
    assert_true(code == SFE_OK || code == err.code);
    sfe_arena_close(options.arena);
    return code;
}

static void a_message_becomes_the_request_that_would_be_sent(void **state)
{
    (void)state;
    assert_int_equal(rehearse("plant/p1/telemetry", SFE_TEXT("{\"id\":\"r1\",\"v\":21.50}"), false),
                     SFE_OK);
    assert_string_equal(routes, "readings>telemetry;");
    assert_string_equal(requests,
                        "PATCH /services/data/v62.0/composite/sobjects/R__c/I__c "
                        "{\"allOrNone\":false,\"records\":[{\"attributes\":{\"type\":\"R__c\"},"
                        "\"I__c\":\"r1\",\"V__c\":21.50}]}\n");
    assert_non_null(strstr(steps, "R__c[0].V__c=21.50;"));
}

static void children_come_after_their_parent_in_as_many_requests_as_it_takes(void **state)
{
    (void)state;
    assert_int_equal(rehearse("pos/1/sale", SFE_TEXT("{\"id\":\"s\",\"lines\":[{},{},{}]}"), false),
                     SFE_OK);
    const char *parent = strstr(requests, "/S__c/I__c");
    const char *child = strstr(requests, "/L__c/I__c");
    assert_non_null(parent);
    assert_non_null(child);
    assert_true(parent < child);
    assert_non_null(strstr(child + 1, "/L__c/I__c"));
    assert_non_null(strstr(requests, "\"s-2\""));
}

static void what_cannot_be_mapped_goes_to_the_dead_letters_with_its_reason(void **state)
{
    (void)state;
    assert_int_equal(rehearse("plant/p1/telemetry", SFE_TEXT("{\"id\":\"r1\"}"), false),
                     SFE_E_UNMAPPED);
    assert_non_null(strstr(routes, "readings>telemetry;readings>dead!{"));
    assert_non_null(strstr(routes, "no value at /v"));
    assert_string_equal(requests, "");
}

static void a_topic_that_no_input_takes_is_said(void **state)
{
    (void)state;
    assert_int_equal(rehearse("other", SFE_TEXT("{}"), false), SFE_E_UNMAPPED);
    assert_string_equal(routes, "");
}

static void a_retained_message_is_ignored_where_the_input_says_so(void **state)
{
    (void)state;
    assert_int_equal(rehearse("pos/1/sale", SFE_TEXT("{\"id\":\"s\"}"), true), SFE_OK);
    assert_string_equal(routes, "");
    assert_string_equal(requests, "");
}

static void a_payload_over_the_limit_is_a_dead_letter(void **state)
{
    static uint8_t payload[300000];

    (void)state;
    memset(payload, '1', sizeof(payload));
    assert_int_equal(
        rehearse("plant/p1/telemetry", sfe_slice_make(payload, sizeof(payload)), false),
        SFE_E_UNMAPPED);
    assert_non_null(strstr(routes, "too-large"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_becomes_the_request_that_would_be_sent),
        cmocka_unit_test(children_come_after_their_parent_in_as_many_requests_as_it_takes),
        cmocka_unit_test(what_cannot_be_mapped_goes_to_the_dead_letters_with_its_reason),
        cmocka_unit_test(a_topic_that_no_input_takes_is_said),
        cmocka_unit_test(a_retained_message_is_ignored_where_the_input_says_so),
        cmocka_unit_test(a_payload_over_the_limit_is_a_dead_letter),
    };

    return cmocka_run_group_tests(tests, open_config, close_config);
}
