#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "event/event.h"

static struct sfe_event make_event(const char *topic, const char *payload)
{
    return (struct sfe_event){.topic = sfe_slice_text(topic), .payload = sfe_slice_text(payload)};
}

static bool same_identity(struct sfe_event *a, struct sfe_event *b)
{
    sfe_event_identify(a);
    sfe_event_identify(b);
    return memcmp(a->identity.bytes, b->identity.bytes, sizeof(a->identity.bytes)) == 0;
}

static void the_same_message_has_the_same_identity_whenever_and_wherever_it_came_from(void **state)
{
    struct sfe_event first = make_event("pos/3/sale", "{\"id\":1}");
    struct sfe_event again = make_event("pos/3/sale", "{\"id\":1}");
    (void)state;
    again.source = SFE_TEXT("other");
    again.received_ns = 77;
    again.flags = SFE_EVENT_REPEATED;
    assert_true(same_identity(&first, &again));
}

static void another_topic_or_payload_is_another_identity(void **state)
{
    struct sfe_event event = make_event("pos/3/sale", "{\"id\":1}");
    struct sfe_event other_payload = make_event("pos/3/sale", "{\"id\":2}");
    struct sfe_event other_topic = make_event("pos/4/sale", "{\"id\":1}");
    struct sfe_event shifted = make_event("pos/3/sale{", "\"id\":1}");
    (void)state;
    assert_false(same_identity(&event, &other_payload));
    assert_false(same_identity(&event, &other_topic));
    assert_false(same_identity(&event, &shifted));
}

static void what_another_sender_sends_is_another_identity(void **state)
{
    struct sfe_event nobodys = make_event("pos/sales", "{\"id\":1}");
    struct sfe_event first = make_event("pos/sales", "{\"id\":1}");
    struct sfe_event other = make_event("pos/sales", "{\"id\":1}");

    (void)state;
    first.sender = SFE_TEXT("store-1");
    other.sender = SFE_TEXT("store-2");
    assert_false(same_identity(&first, &other));
    assert_false(same_identity(&nobodys, &first));
    other.sender = first.sender;
    assert_true(same_identity(&first, &other));
}

static void a_given_identity_is_kept(void **state)
{
    struct sfe_event event = make_event("a", "b");
    struct sfe_hash128 given;
    (void)state;
    memset(given.bytes, 0x5a, sizeof(given.bytes));
    event.identity_kind = SFE_IDENTITY_GIVEN;
    event.identity = given;
    sfe_event_identify(&event);
    assert_memory_equal(event.identity.bytes, given.bytes, sizeof(given.bytes));
}

static void an_identity_that_is_not_given_need_not_be_made_before_it_is_read(void **state)
{
    uint8_t memory[2][40];
    struct sfe_builder first = sfe_builder_make(memory[0], sizeof(memory[0]));
    struct sfe_builder again = sfe_builder_make(memory[1], sizeof(memory[1]));
    struct sfe_event event = make_event("a", "b");
    (void)state;
    sfe_event_add_identity(&event, &first);
    const struct sfe_hash128 identity = sfe_event_identity(&event);
    sfe_event_identify(&event);
    assert_memory_equal(event.identity.bytes, identity.bytes, sizeof(identity.bytes));
    sfe_event_add_identity(&event, &again);
    assert_int_equal(first.size, 32);
    assert_memory_equal(memory[0], memory[1], 32);
}

static void an_identity_reads_as_32_hexadecimal_digits(void **state)
{
    uint8_t memory[40];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    struct sfe_event event = make_event("a", "b");
    (void)state;
    event.identity_kind = SFE_IDENTITY_GIVEN;
    for (uint8_t i = 0; i < 16; i++) {
        event.identity.bytes[i] = (uint8_t)(0xf0u - i * 15u);
    }
    sfe_event_add_identity(&event, &builder);
    assert_int_equal(builder.size, 32);
    assert_memory_equal(memory, "f0e1d2c3b4a5968778695a4b3c2d1e0f", 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_message_has_the_same_identity_whenever_and_wherever_it_came_from),
        cmocka_unit_test(another_topic_or_payload_is_another_identity),
        cmocka_unit_test(what_another_sender_sends_is_another_identity),
        cmocka_unit_test(a_given_identity_is_kept),
        cmocka_unit_test(an_identity_that_is_not_given_need_not_be_made_before_it_is_read),
        cmocka_unit_test(an_identity_reads_as_32_hexadecimal_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
