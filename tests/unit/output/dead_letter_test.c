#include "output_world.h"

#include "output/dead_letter.h"

static uint8_t memory[DEAD_LETTER_ANNOTATION_BYTES];
static const struct dead_letter_origin origin = {"readings", "telemetry", 3, 77, true};

static struct sfe_event letter_of(struct sfe_event *event, const struct sfe_error *reason)
{
    struct sfe_builder annotation = sfe_builder_make(memory, sizeof(memory));
    struct sfe_event letter;

    dead_letter_make(event, &origin, reason, &annotation, &letter);
    return letter;
}

static void a_letter_is_the_event_as_it_came(void **state)
{
    struct sfe_event event = {.sequence = 9,
                              .received_ns = 5000,
                              .clock_quality = SFE_CLOCK_SYNCED,
                              .flags = SFE_EVENT_RETAINED,
                              .source = SFE_TEXT("readings"),
                              .topic = SFE_TEXT("plant/1"),
                              .payload = SFE_TEXT("{\"secret\":1}")};
    struct sfe_error reason;

    (void)state;
    (void)sfe_fail(&reason, SFE_E_UNMAPPED, "Value__c: no value at /value");
    struct sfe_event letter = letter_of(&event, &reason);
    assert_true(sfe_slice_equal(letter.payload, event.payload));
    assert_true(sfe_slice_equal(letter.topic, event.topic));
    assert_true(sfe_slice_equal(letter.source, event.source));
    assert_int_equal(letter.received_ns, 5000);
    assert_int_equal(letter.flags, SFE_EVENT_RETAINED);
    assert_int_equal(letter.identity_kind, SFE_IDENTITY_GIVEN);
    sfe_event_identify(&event);
    assert_memory_equal(letter.identity.bytes, event.identity.bytes, 16);
}

static void the_annotation_says_why_and_where_from_but_not_what(void **state)
{
    struct sfe_event event = {.sequence = 9, .payload = SFE_TEXT("{\"secret\":1}")};
    struct sfe_error reason;

    (void)state;
    (void)sfe_fail(&reason, SFE_E_API, "data \"value\" too large");
    (void)sfe_error_api(&reason, 200, "STRING_TOO_LONG", SFE_RETRY_NEVER);
    (void)sfe_error_at(&reason, "payload", "/unit", 0, 0);
    struct sfe_event letter = letter_of(&event, &reason);
    const char wanted[] =
        "{\"reason\":\"SFE-API\",\"message\":\"data \\\"value\\\" too large\","
        "\"api_code\":\"STRING_TOO_LONG\",\"http_status\":200,\"pointer\":\"/unit\","
        "\"output\":\"readings\",\"stream\":\"telemetry\",\"sequence\":9,\"attempts\":3}";
    assert_int_equal(letter.annotation.size, strlen(wanted));
    assert_memory_equal(letter.annotation.bytes, wanted, strlen(wanted));
}

static void a_time_that_is_known_since_is_put_right(void **state)
{
    struct sfe_event event = {.received_ns = 123, .clock_quality = SFE_CLOCK_UNSET};
    struct sfe_error reason;

    (void)state;
    (void)sfe_fail(&reason, SFE_E_UNMAPPED, "no");
    struct sfe_event letter = letter_of(&event, &reason);
    assert_int_equal(letter.received_ns, 77);
    assert_int_equal(letter.clock_quality, SFE_CLOCK_COASTING);
}

static void the_longest_error_fits_into_an_annotation(void **state)
{
    struct sfe_event event = {.sequence = UINT64_MAX};
    struct sfe_error reason;

    (void)state;
    (void)sfe_fail(&reason, SFE_E_API, "x");
    memset(reason.message, '"', sizeof(reason.message) - 1);
    memset(reason.pointer, '"', sizeof(reason.pointer) - 1);
    memset(reason.api_code, '"', sizeof(reason.api_code) - 1);
    reason.message[sizeof(reason.message) - 1] = '\0';
    reason.pointer[sizeof(reason.pointer) - 1] = '\0';
    reason.api_code[sizeof(reason.api_code) - 1] = '\0';
    struct sfe_event letter = letter_of(&event, &reason);
    assert_true(letter.annotation.size > 700);
    assert_int_equal(letter.annotation.bytes[letter.annotation.size - 1], '}');
}

static void a_shortened_letter_is_marked(void **state)
{
    static uint8_t payload[2 * SFE_EVENT_EXCERPT_BYTES];
    struct sfe_event letter = {.payload = {payload, sizeof(payload)}};

    (void)state;
    dead_letter_shorten(&letter);
    assert_int_equal(letter.payload.size, SFE_EVENT_EXCERPT_BYTES);
    assert_int_equal(letter.flags, SFE_EVENT_EXCERPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_is_the_event_as_it_came),
        cmocka_unit_test(the_annotation_says_why_and_where_from_but_not_what),
        cmocka_unit_test(a_time_that_is_known_since_is_put_right),
        cmocka_unit_test(the_longest_error_fits_into_an_annotation),
        cmocka_unit_test(a_shortened_letter_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
