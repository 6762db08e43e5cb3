#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "run/rehearsal_parts.h"

#include <stdio.h>
#include <string.h>

static char told[1024];
static uint64_t over;

static void on_request(void *reader, const struct sfe_rehearsal_request *request)
{
    (void)reader;
    (void)snprintf(told, sizeof(told), "%s %s %.*s", request->method, request->path,
                   (int)request->body.size, (const char *)request->body.bytes);
}

static void on_published(void *owner, uint64_t tag, int reason, const char *text)
{
    assert_ptr_equal(owner, &over);
    assert_int_equal(reason, 0);
    assert_non_null(text);
    over = tag;
}

static void publish(struct sfe_slice payload)
{
    const struct sfe_mqtt_property property = {SFE_TEXT("event-id"), SFE_TEXT("0a")};
    const struct sfe_mqtt_message message = {.topic = "cmd/1",
                                             .payload = payload,
                                             .qos = 1,
                                             .expiry_s = 9,
                                             .content_type = SFE_TEXT("text/x"),
                                             .properties = &property,
                                             .property_count = 1};
    const struct sfe_rehearsal_audience audience = {.on_request = on_request};
    const struct sfe_mqtt_publishing publishing = {1, on_published, &over};
    const struct sfe_mqtt_options options = {.publishing = &publishing};
    struct rehearsal_broker books = {.audience = &audience};
    struct sfe_mqtt_session *session = NULL;
    struct sfe_arena *arena = NULL;
    struct sfe_mqtt_limits limits;
    struct sfe_mqtt mqtt;
    struct sfe_error err;

    assert_int_equal(sfe_arena_open(8u << 20, &arena, &err), SFE_OK);
    assert_int_equal(rehearsal_broker_open(&books, 1024, arena, &mqtt, &err), SFE_OK);
    assert_int_equal(mqtt.open(mqtt.context, &options, &session, &err), SFE_OK);
    mqtt.limits(mqtt.context, session, &limits);
    assert_true(limits.packet_bytes_max == UINT32_MAX && limits.can_retain);
    assert_int_equal(mqtt.publish(mqtt.context, session, &message, 77, &err), SFE_OK);
    mqtt.close(mqtt.context, session);
    sfe_arena_close(arena);
    assert_true(over == 77);
}

static void a_message_is_shown_with_all_that_goes_out_and_taken(void **state)
{
    (void)state;
    publish(SFE_TEXT("go \"now\""));
    assert_string_equal(told, "PUBLISH cmd/1 {\"qos\":1,\"retain\":false,\"expiry_s\":9,"
                              "\"content_type\":\"text/x\",\"properties\":[[\"event-id\",\"0a\"]],"
                              "\"payload\":\"go \\\"now\\\"\"}");
}

static void a_payload_that_is_json_is_shown_as_that(void **state)
{
    (void)state;
    publish(SFE_TEXT("{\"a\":1}"));
    assert_non_null(strstr(told, "\"payload\":{\"a\":1}}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_shown_with_all_that_goes_out_and_taken),
        cmocka_unit_test(a_payload_that_is_json_is_shown_as_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
