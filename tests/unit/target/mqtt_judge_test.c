#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "target/mqtt_judge.h"

#include <string.h>

static struct mqtt_fate judge(int reason, bool is_fixed)
{
    struct mqtt_outcome outcome = {.reason = reason, .text = "Some reason"};
    struct mqtt_fate fate;

    mqtt_judge_answer(&outcome, is_fixed, &fate);
    return fate;
}

static void success_is_done_with_subscribers_or_without(void **state)
{
    (void)state;
    assert_int_equal(judge(0, false).outcome, SFE_SLOT_ANSWERED);
    assert_int_equal(judge(0, false).verdict, SFE_VERDICT_DONE);
    assert_int_equal(judge(0x10, false).verdict, SFE_VERDICT_DONE);
    assert_int_equal(judge(0x10, false).err.code, SFE_OK);
}

static void what_is_wrong_with_the_message_is_dead_with_its_reason(void **state)
{
    static const int reasons[] = {0x87, 0x90, 0x95, 0x99};

    (void)state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        const struct mqtt_fate fate = judge(reasons[i], false);
        assert_int_equal(fate.outcome, SFE_SLOT_ANSWERED);
        assert_int_equal(fate.verdict, SFE_VERDICT_DEAD);
        assert_non_null(strstr(fate.err.message, "Some reason"));
    }
    assert_string_equal(judge(0x99, false).err.api_code, "mqtt-0x99");
    assert_int_equal(judge(0x87, false).err.code, SFE_E_AUTH);
}

static void a_topic_of_all_events_that_is_forbidden_stops_the_output(void **state)
{
    (void)state;
    assert_int_equal(judge(0x87, true).outcome, SFE_SLOT_STOPPED);
    assert_int_equal(judge(0x87, true).err.retry, SFE_RETRY_AFTER_HUMAN);
    assert_int_equal(judge(0x99, true).verdict, SFE_VERDICT_DEAD);
}

static void a_quota_is_waited_for_and_what_says_nothing_has_a_few_tries(void **state)
{
    (void)state;
    assert_int_equal(judge(0x97, false).outcome, SFE_SLOT_AGAIN);
    assert_int_equal(judge(0x97, false).err.retry, SFE_RETRY_AFTER_QUOTA);
    assert_int_equal(judge(0x91, false).verdict, SFE_VERDICT_RETRY);
    assert_int_equal(judge(0x80, false).outcome, SFE_SLOT_SMALLER);
    assert_int_equal(judge(0x83, true).outcome, SFE_SLOT_SMALLER);
}

static void
a_lost_connection_blames_a_message_only_where_the_broker_does_and_it_is_alone(void **state)
{
    struct sfe_error why = {0};
    struct mqtt_fate fate;

    (void)state;
    (void)sfe_fail(&why, SFE_E_NETWORK, "connection lost");
    mqtt_judge_loss(0x95, true, &why, &fate);
    assert_int_equal(fate.outcome, SFE_SLOT_SMALLER);
    mqtt_judge_loss(0x95, false, &why, &fate);
    assert_int_equal(fate.outcome, SFE_SLOT_AGAIN);
    mqtt_judge_loss(0, true, &why, &fate);
    assert_int_equal(fate.outcome, SFE_SLOT_AGAIN);
    mqtt_judge_loss(0x8b, true, &why, &fate); /* Server shutting down. */
    assert_int_equal(fate.outcome, SFE_SLOT_AGAIN);
    assert_non_null(strstr(fate.err.message, "connection lost"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_is_done_with_subscribers_or_without),
        cmocka_unit_test(what_is_wrong_with_the_message_is_dead_with_its_reason),
        cmocka_unit_test(a_topic_of_all_events_that_is_forbidden_stops_the_output),
        cmocka_unit_test(a_quota_is_waited_for_and_what_says_nothing_has_a_few_tries),
        cmocka_unit_test(
            a_lost_connection_blames_a_message_only_where_the_broker_does_and_it_is_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
