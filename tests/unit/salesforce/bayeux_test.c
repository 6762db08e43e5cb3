#include "unit/base/unit.h"

#include "salesforce/bayeux.h"

#define CHANGE(entity, type, number)                                                               \
    "{\"payload\":{\"ChangeEventHeader\":{\"entityName\":\"" entity "\",\"changeType\":\"" type    \
    "\",\"transactionKey\":\"t-1\",\"sequenceNumber\":" number "}},\"event\":{\"replayId\":5}}"

static struct sfe_feed_marks marks_of(const char *channel, const char *data)
{
    struct sfe_feed_marks marks;

    assert_true(bayeux_read_marks(sfe_slice_text(channel), sfe_slice_text(data), &marks));
    return marks;
}

static bool same(struct sfe_feed_marks a, struct sfe_feed_marks b)
{
    return a.has_identity && b.has_identity &&
           memcmp(a.identity.bytes, b.identity.bytes, sizeof(a.identity.bytes)) == 0;
}

static void replies_and_events_are_read_in_any_order(void **state)
{
    const struct sfe_slice body =
        SFE_TEXT(" [ {\"data\":{\"a\":\"]}\\\"\"},\"channel\":\"\\/u\\/B\"} , {\"advice\":{"
                 "\"interval\":20,\"timeout\":110000,\"reconnect\":\"handshake\"},\"clientId\":"
                 "\"c\",\"channel\":\"/meta/connect\",\"successful\":true}]");
    struct bayeux_message message;
    size_t offset = 0;
    (void)state;

    assert_true(bayeux_next(body, &offset, &message));
    assert_true(bayeux_is(message.channel, "/u/B"));
    assert_true(sfe_slice_equal(message.data, SFE_TEXT("{\"a\":\"]}\\\"\"}")));
    assert_int_equal(message.interval_ms, -1);
    assert_true(bayeux_next(body, &offset, &message));
    assert_true(bayeux_is(message.channel, "/meta/connect") && message.is_successful);
    assert_true(sfe_slice_equal(message.client_id, SFE_TEXT("c")));
    assert_int_equal(message.reconnect, BAYEUX_HANDSHAKE);
    assert_int_equal(message.interval_ms, 20);
    assert_int_equal(message.timeout_ms, 110000);
    assert_false(bayeux_next(body, &offset, &message));
}

static void what_was_cut_off_is_no_message(void **state)
{
    const struct sfe_slice whole = SFE_TEXT("[{\"channel\":\"/u/B\",\"data\":{\"a\":\"x\"}}]");
    struct bayeux_message message;
    (void)state;

    for (size_t size = 0; size < whole.size; size++) {
        size_t offset = 0;
        assert_int_equal(bayeux_next(sfe_slice_part(whole, 0, size), &offset, &message),
                         size + 1u == whole.size);
    }
}

static void the_reason_stands_for_the_error(void **state)
{
    struct bayeux_message message;
    size_t offset = 0;
    (void)state;

    assert_true(bayeux_next(
        SFE_TEXT("[{\"ext\":{\"sfdc\":{\"failureReason\":\"401::Authentication invalid\"}},"
                 "\"error\":\"403::Handshake denied\",\"successful\":false}]"),
        &offset, &message));
    assert_int_equal(bayeux_error_number(message.error), 401);
    assert_true(bayeux_error_has(message.error, "authentication INVALID"));
    assert_false(bayeux_error_has(message.error, "denied"));
    assert_int_equal(bayeux_error_number(SFE_TEXT("40")), 0);
    assert_int_equal(bayeux_error_number(SFE_TEXT("x03::")), 0);
}

static void advice_beyond_reason_is_bounded(void **state)
{
    struct bayeux_message message;
    size_t offset = 0;
    (void)state;

    assert_true(bayeux_next(SFE_TEXT("{\"advice\":{\"interval\":99999999999999999999,\"timeout\":"
                                     "-5,\"reconnect\":7}}"),
                            &offset, &message));
    assert_int_equal(message.interval_ms, 600000);
    assert_int_equal(message.timeout_ms, -1);
    assert_int_equal(message.reconnect, BAYEUX_UNSAID);
}

static void a_platform_event_is_known_by_its_uuid_whatever_its_replay_id(void **state)
{
    (void)state;
    assert_true(same(marks_of("/event/A__e", "{\"event\":{\"EventUuid\":\"u\",\"replayId\":1}}"),
                     marks_of("/event/A__e", "{\"event\":{\"replayId\":9,\"EventUuid\":\"u\"}}")));
    assert_false(same(marks_of("/event/A__e", "{\"event\":{\"EventUuid\":\"u\",\"replayId\":1}}"),
                      marks_of("/event/A__e", "{\"event\":{\"EventUuid\":\"v\",\"replayId\":1}}")));
}

static void change_events_of_one_transaction_are_told_apart(void **state)
{
    const char *channel = "/data/ChangeEvents";
    (void)state;

    assert_true(same(marks_of(channel, CHANGE("A", "UPDATE", "1")),
                     marks_of("/data/AChangeEvent", CHANGE("A", "UPDATE", "1"))));
    assert_false(same(marks_of(channel, CHANGE("A", "UPDATE", "1")),
                      marks_of(channel, CHANGE("A", "UPDATE", "2"))));
    /* A gap event has number 1, as the first event has. */
    assert_false(same(marks_of(channel, CHANGE("A", "UPDATE", "1")),
                      marks_of(channel, CHANGE("A", "GAP_OVERFLOW", "1"))));
    assert_false(same(marks_of(channel, CHANGE("A", "GAP_OVERFLOW", "1")),
                      marks_of(channel, CHANGE("B", "GAP_OVERFLOW", "1"))));
}

static void a_replay_id_that_is_used_again_is_another_event_on_another_day(void **state)
{
    (void)state;
    assert_false(
        same(marks_of("/u/B", "{\"event\":{\"createdDate\":\"2026-01-01\",\"replayId\":1}}"),
             marks_of("/u/B", "{\"event\":{\"createdDate\":\"2026-01-02\",\"replayId\":1}}")));
    assert_false(same(marks_of("/u/B", "{\"event\":{\"replayId\":1}}"),
                      marks_of("/u/C", "{\"event\":{\"replayId\":1}}")));
}

static void a_place_is_kept_as_it_stands_and_what_is_none_is_not(void **state)
{
    struct sfe_feed_marks marks = marks_of("/u/B", "{\"event\":{\"replayId\":1.50e3}}");
    (void)state;

    assert_true(sfe_slice_equal(sfe_feed_place_slice(&marks.place), SFE_TEXT("1.50e3")));
    marks = marks_of("/u/B", "{\"event\":{\"replayId\":\"a\\\"b\"}}");
    assert_true(sfe_slice_equal(sfe_feed_place_slice(&marks.place), SFE_TEXT("\"a\\\"b\"")));
    marks = marks_of("/u/B", "{\"event\":{\"replayId\":null},\"payload\":\"text\"}");
    assert_true(marks.place.size == 0 && !marks.has_identity);
    assert_false(bayeux_read_marks(SFE_TEXT("/u/B"), SFE_TEXT("\"text\""), &marks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_and_events_are_read_in_any_order),
        cmocka_unit_test(what_was_cut_off_is_no_message),
        cmocka_unit_test(the_reason_stands_for_the_error),
        cmocka_unit_test(advice_beyond_reason_is_bounded),
        cmocka_unit_test(a_platform_event_is_known_by_its_uuid_whatever_its_replay_id),
        cmocka_unit_test(change_events_of_one_transaction_are_told_apart),
        cmocka_unit_test(a_replay_id_that_is_used_again_is_another_event_on_another_day),
        cmocka_unit_test(a_place_is_kept_as_it_stands_and_what_is_none_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
